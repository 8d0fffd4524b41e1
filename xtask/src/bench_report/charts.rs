//! The charts: one overview, one per curve, one per set of histograms.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::results::Results;

/// A chart that was drawn.
pub(super) struct Chart {
    pub(super) title: String,
    /// Relative to the page.
    pub(super) file: String,
    /// What the title is a curve of, a benchmark's series or histogram; none for the overview.
    pub(super) overview: bool,
}

const SIZE: (u32, u32) = (900, 420);
const ROW_HEIGHT: u32 = 18;

pub(super) fn draw(results: &Results, folder: &Path) -> Result<Vec<Chart>> {
    let mut charts = Vec::new();
    let mut add = |title: &str, overview: bool, draw: &dyn Fn(&Path) -> Result<()>| -> Result<()> {
        let name = format!("{}.svg", slug(title));
        draw(&folder.join(&name)).map_err(|error| anyhow!("{name}: {error}"))?;
        charts.push(Chart { title: title.to_owned(), file: format!("benchmarks/{name}"), overview });
        Ok(())
    };
    let ratios: Vec<(String, f64)> = (results.rows.iter())
        .filter(|row| row.samples.iter().all(|sample| sample.series.is_none()))
        .filter_map(|row| Some((row.title.clone(), row.against_best()?)))
        .collect();
    if !ratios.is_empty() {
        add("ours by the best peer", true, &|path| overview(path, &ratios))?;
    }
    for (series, curves) in curves(results) {
        add(&series, false, &|path| lines(path, &series, &curves))?;
    }
    for (title, curves) in histograms(results) {
        let caption = format!("{title}: share of wakes against ns");
        add(&title, false, &|path| lines(path, &caption, &curves))?;
    }
    Ok(charts)
}

/// Name and points of each line of a chart.
type Curves = BTreeMap<String, Vec<(f64, f64)>>;

fn curves(results: &Results) -> BTreeMap<String, Curves> {
    let mut all: BTreeMap<String, Curves> = BTreeMap::new();
    for sample in results.rows.iter().flat_map(|row| &row.samples) {
        let (Some(series), Some(x)) = (&sample.series, sample.x) else { continue };
        if sample.above.as_ref() != Some(&sample.name) {
            let curve = all.entry(series.clone()).or_default().entry(sample.name.clone()).or_default();
            curve.push((x, sample.median));
        }
    }
    all
}

fn histograms(results: &Results) -> BTreeMap<String, Curves> {
    let mut all: BTreeMap<String, Curves> = BTreeMap::new();
    for histogram in &results.histograms {
        let count: u32 = histogram.buckets.iter().map(|(_, count)| count).sum();
        let share = |&(from, part)| (from, 100.0 * f64::from(part) / f64::from(count.max(1)));
        let curve = histogram.buckets.iter().map(share).collect();
        all.entry(histogram.title.clone()).or_default().insert(histogram.name.clone(), curve);
    }
    all
}

fn slug(title: &str) -> String {
    let word: String =
        title.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    word.split_whitespace().collect::<Vec<_>>().join("-")
}

/// Bars to the left of one are won, to the right lost; a step is a factor.
fn overview(path: &Path, ratios: &[(String, f64)]) -> Result<()> {
    let height = 60 + ROW_HEIGHT * ratios.len() as u32;
    let root = SVGBackend::new(path, (SIZE.0, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let log = |ratio: f64| ratio.log2().clamp(-8.0, 8.0);
    let mut chart = ChartBuilder::on(&root)
        .caption(
            "our cost by the best peer's: left of the line is cheaper (each step a factor of 2)",
            ("sans-serif", 15),
        )
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(430)
        .build_cartesian_2d(-8.0..8.0, 0.0..ratios.len() as f64)?;
    let label = |y: &f64| {
        let index = ratios.len().checked_sub(y.floor() as usize + 1);
        index.and_then(|index| ratios.get(index)).map_or(String::new(), |(title, _)| title.chars().take(68).collect())
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .x_labels(9)
        .x_label_formatter(&|x: &f64| {
            if *x < 0.0 { format!("1/{:.0}", (-x).exp2()) } else { format!("{:.0}", x.exp2()) }
        })
        .y_labels(ratios.len() + 1)
        .y_label_formatter(&label)
        .label_style(("sans-serif", 11))
        .draw()?;
    chart.draw_series(ratios.iter().enumerate().map(|(index, (_, ratio))| {
        let bottom = (ratios.len() - 1 - index) as f64;
        let color = match ratio {
            r if *r <= 1.0 => GREEN.mix(0.7),
            r if *r <= 1.05 => BLACK.mix(0.4),
            _ => RED.mix(0.7),
        };
        Rectangle::new([(0.0, bottom + 0.15), (log(*ratio), bottom + 0.85)], color.filled())
    }))?;
    root.present()?;
    Ok(())
}

/// Both axes in steps of a factor.
fn lines(path: &Path, caption: &str, curves: &Curves) -> Result<()> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let positive =
        |points: &[(f64, f64)]| points.iter().copied().filter(|(x, y)| *x > 0.0 && *y > 0.0).collect::<Vec<_>>();
    let points: Vec<_> = curves.values().flat_map(|points| positive(points)).collect();
    let Some(&first) = points.first() else { return Ok(()) };
    let (low, high) = points.iter().fold((first, first), |(low, high), &(x, y)| {
        ((f64::min(low.0, x), f64::min(low.1, y)), (f64::max(high.0, x), f64::max(high.1, y)))
    });
    let mut chart = ChartBuilder::on(&root)
        .caption(caption, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(28)
        .y_label_area_size(60)
        .build_cartesian_2d((low.0 / 1.1..high.0 * 1.1).log_scale(), (low.1 / 1.3..high.1 * 1.3).log_scale())?;
    chart.configure_mesh().label_style(("sans-serif", 12)).light_line_style(WHITE).draw()?;
    for (index, (name, curve)) in curves.iter().enumerate() {
        let ours = name.starts_with("reveille");
        let color = if ours { BLACK.to_rgba() } else { Palette99::pick(index).to_rgba() };
        let style = color.stroke_width(if ours { 3 } else { 1 });
        let curve = positive(curve);
        chart
            .draw_series(LineSeries::new(curve.iter().copied(), style))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        chart.draw_series(curve.iter().map(|&point| Circle::new(point, 2, color.filled())))?;
    }
    let legend = chart.configure_series_labels();
    { legend }.background_style(WHITE.mix(0.8)).border_style(BLACK.mix(0.3)).label_font(("sans-serif", 12)).draw()?;
    root.present()?;
    Ok(())
}
