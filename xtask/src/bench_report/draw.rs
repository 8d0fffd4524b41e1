//! How the charts look.

use std::path::Path;

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;

use super::losses::NOISE;
use super::page::number;

/// Name and points of each line of a chart, ours first.
pub(super) type Curves = Vec<(String, Vec<(f64, f64)>)>;

/// What the axes of a chart of lines mean.
pub(super) struct Axes<'a> {
    pub(super) caption: &'a str,
    pub(super) x: &'a str,
    pub(super) y: &'a str,
    /// The vertical axis is a share, from zero on; otherwise each step is a factor.
    pub(super) share: bool,
}

const WIDTH: u32 = 900;
const HEIGHT: u32 = 420;
const ROW_HEIGHT: u32 = 20;
/// Where the names of the lines stand, beside the plot.
const LEGEND: u32 = 230;
/// Ratios beyond this many factors of two are drawn at the edge.
const EDGE: f64 = 7.0;

const AHEAD: RGBColor = RGBColor(0, 130, 90);
const LEVEL: RGBColor = RGBColor(130, 130, 130);
const BEHIND: RGBColor = RGBColor(200, 60, 40);
/// Colours that are told apart also by those who do not see all of them.
const PEERS: [RGBColor; 7] = [
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    RGBColor(204, 121, 167),
    RGBColor(150, 140, 30),
    RGBColor(140, 140, 140),
];
const OURS: [RGBColor; 3] = [BLACK, RGBColor(0, 60, 160), RGBColor(110, 60, 160)];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn canvas(path: &Path, height: u32) -> Result<Area<'_>> {
    let root = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    root.fill(&WHITE)?;
    Ok(root)
}

fn color(ratio: f64) -> RGBColor {
    match ratio {
        ratio if ratio < 1.0 / NOISE => AHEAD,
        ratio if ratio > NOISE => BEHIND,
        _ => LEVEL,
    }
}

fn steps(ratio: f64) -> f64 {
    ratio.log2().clamp(-EDGE, EDGE)
}

fn step_label(steps: &f64) -> String {
    match *steps {
        0.0 => "same".to_owned(),
        steps if steps < 0.0 => format!("1/{:.0}", (-steps).exp2()),
        steps => format!("{:.0} x", steps.exp2()),
    }
}

/// A line of dots per benchmark, one for each ratio.
pub(super) fn strips(path: &Path, strips: &[(&str, Vec<f64>)]) -> Result<()> {
    let root = canvas(path, 90 + 34 * strips.len() as u32)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("our cost by the best peer's, a dot per row: left of the line we are cheaper", ("sans-serif", 16))
        .margin(10)
        .margin_right(36)
        .x_label_area_size(26)
        .y_label_area_size(110)
        .build_cartesian_2d(-EDGE..EDGE, 0.0..strips.len() as f64)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .light_line_style(WHITE)
        .x_labels(15)
        .x_label_formatter(&step_label)
        .y_labels(0)
        .label_style(("sans-serif", 13))
        .draw()?;
    for (index, (name, ratios)) in strips.iter().enumerate() {
        let middle = strips.len() as f64 - index as f64 - 0.5;
        let label = chart.backend_coord(&(-EDGE, middle));
        root.draw(&Text::new((*name).to_owned(), (12, label.1 - 7), ("sans-serif", 14)))?;
        chart.draw_series(ratios.iter().enumerate().map(|(turn, ratio)| {
            // Neighbours stand at different heights, so that none hides another.
            let height = middle + 0.11 * (turn % 5) as f64 - 0.22;
            Circle::new((steps(*ratio), height), 5, color(*ratio).mix(0.65).filled())
        }))?;
    }
    chart.draw_series(LineSeries::new([(0.0, 0.0), (0.0, strips.len() as f64)], BLACK.stroke_width(2)))?;
    root.present()?;
    Ok(())
}

/// A bar per row: to the left it is won, to the right lost.
pub(super) fn bars(path: &Path, bench: &str, ratios: &[(String, f64)]) -> Result<()> {
    const LABEL: u32 = 440;
    let root = canvas(path, 70 + ROW_HEIGHT * ratios.len() as u32)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(format!("{bench}: our cost by the best peer's; left of the line we are cheaper"), ("sans-serif", 16))
        .margin(10)
        .margin_right(36)
        .x_label_area_size(26)
        .y_label_area_size(LABEL)
        .build_cartesian_2d(-EDGE..EDGE, 0.0..ratios.len() as f64)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .light_line_style(WHITE)
        .x_labels(8)
        .x_label_formatter(&step_label)
        .y_labels(0)
        .label_style(("sans-serif", 12))
        .draw()?;
    for (index, (title, ratio)) in ratios.iter().enumerate() {
        let bottom = (ratios.len() - 1 - index) as f64;
        let (_, y) = chart.backend_coord(&(-EDGE, bottom + 0.5));
        let title = match title.char_indices().nth(66) {
            Some((end, _)) => format!("{}...", &title[..end]),
            None => title.clone(),
        };
        root.draw(&Text::new(title, (10, y - 6), ("sans-serif", 12)))?;
        let bar = steps(*ratio);
        chart.draw_series([Rectangle::new([(0.0, bottom + 0.15), (bar, bottom + 0.85)], color(*ratio).filled())])?;
        // Behind the end of the bar; inside of one that reaches the edge.
        let value = format!("{} x", number(*ratio));
        let (end, width) = (chart.backend_coord(&(bar, 0.0)).0, 7 * value.len() as i32);
        let (place, ink) = match bar {
            bar if bar < 1.5 - EDGE => (end + 4, WHITE),
            bar if bar < 0.0 => (end - width, BLACK),
            bar if bar > EDGE - 1.5 => (end - width, WHITE),
            _ => (end + 5, BLACK),
        };
        root.draw(&Text::new(value, (place, y - 6), ("sans-serif", 12).into_font().color(&ink)))?;
    }
    chart.draw_series(LineSeries::new([(0.0, 0.0), (0.0, ratios.len() as f64)], BLACK.stroke_width(2)))?;
    root.present()?;
    Ok(())
}

/// A line per contestant; steps are factors where the axes span many of them.
pub(super) fn lines(path: &Path, axes: &Axes<'_>, curves: &Curves) -> Result<()> {
    /// Beyond this a linear axis hides its lower end.
    const MANY: f64 = 8.0;
    let root = canvas(path, HEIGHT)?;
    let points = || curves.iter().flat_map(|(_, curve)| curve);
    let (left, right) = bounds(points().map(|point| point.0));
    let (low, high) = bounds(points().map(|point| point.1).filter(|y| *y > 0.0));
    let mut builder = ChartBuilder::on(&root);
    builder
        .caption(axes.caption, ("sans-serif", 16))
        .margin(10)
        .margin_right(LEGEND)
        .x_label_area_size(42)
        .y_label_area_size(64);
    let by_factors = |low: f64, high: f64| low > 0.0 && high / low > MANY;
    let (wide, tall) = (left / 1.1..right * 1.1, low / 1.5..high * 1.3);
    // Four kinds of axes, four types.
    macro_rules! plot {
        ($x:expr, $y:expr, $bottom:expr) => {{
            let mut chart = builder.build_cartesian_2d($x, $y)?;
            chart
                .configure_mesh()
                .x_desc(axes.x)
                .y_desc(axes.y)
                .x_label_formatter(&|x| short(*x))
                .y_label_formatter(&|y| short(*y))
                .label_style(("sans-serif", 12))
                .axis_desc_style(("sans-serif", 13))
                .light_line_style(WHITE)
                .draw()?;
            for (index, (_, curve)) in curves.iter().enumerate() {
                let (color, width) = pen(curves, index);
                // Zero has no place on an axis of factors: it is drawn at the bottom.
                let curve: Vec<_> = curve.iter().map(|(x, y)| (*x, f64::max(*y, $bottom))).collect();
                chart.draw_series(LineSeries::new(curve.iter().copied(), color.stroke_width(width)))?;
                chart.draw_series(curve.iter().map(|&point| Circle::new(point, width + 1, color.filled())))?;
            }
        }};
    }
    let margin = (right - left) * 0.03;
    let flat = left - margin..right + margin;
    match (by_factors(left, right), !axes.share && by_factors(low, high)) {
        (true, true) => plot!(wide.log_scale(), tall.log_scale(), low / 1.4),
        (true, false) => plot!(wide.log_scale(), 0.0..high * 1.1, 0.0),
        (false, true) => plot!(flat, tall.log_scale(), low / 1.4),
        (false, false) => plot!(flat, 0.0..high * 1.1, 0.0),
    }
    legend(&root, curves)?;
    root.present()?;
    Ok(())
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    if low.is_finite() { (low, high.max(low * 1.01)) } else { (0.0, 1.0) }
}

/// The number without the zeros of its decimals.
fn short(x: f64) -> String {
    let text = number(x);
    let (digits, unit) = text.split_once(' ').unwrap_or((&text, ""));
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    if unit.is_empty() { digits.to_owned() } else { format!("{digits} {unit}") }
}

/// Ours are dark and thick.
fn pen(curves: &Curves, index: usize) -> (RGBColor, u32) {
    let ours = |(name, _): &(String, _)| name.starts_with("reveille");
    let is_ours = ours(&curves[index]);
    let same = curves[..index].iter().filter(|before| ours(before) == is_ours).count();
    if is_ours { (OURS[same % OURS.len()], 3) } else { (PEERS[same % PEERS.len()], 2) }
}

fn legend(root: &Area<'_>, curves: &Curves) -> Result<()> {
    let left = (WIDTH - LEGEND + 12) as i32;
    for (index, (name, _)) in curves.iter().enumerate() {
        let (color, width) = pen(curves, index);
        let y = 50 + 22 * index as i32;
        root.draw(&PathElement::new([(left, y), (left + 22, y)], color.stroke_width(width + 1)))?;
        root.draw(&Text::new(name.clone(), (left + 28, y - 7), ("sans-serif", 13)))?;
    }
    Ok(())
}
