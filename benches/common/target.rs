//! Targets: what a row must show, and whether it did.

use std::fmt::Write as _;

/// A bound on what one of ours measured: the row's first contestant, if no other is named.
pub(crate) struct Target<'a> {
    who: Option<&'a str>,
    /// What the bound stands for, if the row does not say it.
    note: Option<&'a str>,
    bound: f64,
    /// Added to the bound: what may come on top of a peer's measure.
    plus: f64,
    of: Of<'a>,
    take: Take,
    /// Something to hope for: a miss is not a loss.
    stretch: bool,
}

enum Of<'a> {
    /// The row's own unit.
    Units,
    /// Times what this contestant measured.
    Peer(&'a str),
    /// Times what the best peer measured.
    BestPeer,
    /// This contestant's measure divided by the bound: so many times as fast.
    Faster(&'a str),
}

#[derive(Clone, Copy)]
enum Take {
    Best,
    Median,
}

/// Best and median of one contestant.
#[derive(Clone, Copy)]
pub(crate) struct Measured<'a> {
    pub(crate) name: &'a str,
    pub(crate) best: f64,
    pub(crate) median: f64,
    pub(crate) is_peer: bool,
}

/// A target, in words, and what came out.
pub(crate) struct Verdict {
    pub(crate) text: String,
    /// What is compared with the bound.
    pub(crate) value: f64,
    pub(crate) met: bool,
    pub(crate) stretch: bool,
}

impl Verdict {
    /// In a word.
    pub(crate) fn outcome(&self) -> &'static str {
        match (self.met, self.stretch) {
            (true, _) => "met",
            (false, true) => "not reached",
            (false, false) => "MISSED",
        }
    }
}

/// At most this many of the row's unit.
pub(crate) fn at_most<'a>(bound: f64) -> Target<'a> {
    Target { who: None, note: None, bound, plus: 0.0, of: Of::Units, take: Take::Best, stretch: false }
}

/// At least this many times as fast as a contestant.
pub(crate) fn at_least_as_fast(bound: f64, as_peer: &str) -> Target<'_> {
    Target { who: None, note: None, bound, plus: 0.0, of: Of::Faster(as_peer), take: Take::Best, stretch: false }
}

impl<'a> Target<'a> {
    /// ... times what `peer` measured.
    pub(crate) fn times(self, peer: &'a str) -> Self {
        Target { of: Of::Peer(peer), ..self }
    }

    /// ... times what the best peer measured.
    pub(crate) fn times_best_peer(self) -> Self {
        Target { of: Of::BestPeer, ..self }
    }

    /// ... and so many of the row's unit more.
    pub(crate) fn plus(self, units: f64) -> Self {
        Target { plus: units, ..self }
    }

    /// It is for this one of ours, not for the first.
    pub(crate) fn by(self, who: &'a str) -> Self {
        Target { who: Some(who), ..self }
    }

    /// Says what the bound stands for.
    pub(crate) fn note(self, note: &'a str) -> Self {
        Target { note: Some(note), ..self }
    }

    /// Compares medians, not best rounds.
    pub(crate) fn median(self) -> Self {
        Target { take: Take::Median, ..self }
    }

    /// A miss is not a loss.
    pub(crate) fn stretch(self) -> Self {
        Target { stretch: true, ..self }
    }

    /// Whether ours meets it.
    pub(crate) fn judge(&self, measured: &[Measured<'_>]) -> Verdict {
        let of = |m: &Measured<'_>| match self.take {
            Take::Best => m.best,
            Take::Median => m.median,
        };
        let named = |name: &str| {
            measured.iter().find(|m| m.name == name).unwrap_or_else(|| panic!("no contestant is called {name:?}"))
        };
        let ours = self.who.map_or(&measured[0], named);
        let Target { bound, plus, .. } = *self;
        // Not by division: what is left above a baseline can be zero.
        let over = |name: &str, theirs: f64| match plus {
            0.0 => (format!("at most {bound} x {name}"), of(ours) / theirs, of(ours) <= bound * theirs),
            _ => (format!("at most {bound} x {name} + {plus}"), of(ours), of(ours) <= bound * theirs + plus),
        };
        let (mut text, value, met) = match self.of {
            Of::Units => (format!("at most {bound}"), of(ours), of(ours) <= bound),
            Of::Peer(name) => over(name, of(named(name))),
            Of::BestPeer => {
                let best = measured.iter().filter(|m| m.is_peer).min_by(|a, b| of(a).total_cmp(&of(b)));
                let best = best.expect("a row has peers");
                over(&format!("the best peer ({})", best.name), of(best))
            }
            Of::Faster(name) => {
                let speed = of(named(name)) / of(ours);
                (format!("at least {bound} x as fast as {name}"), speed, speed >= bound)
            }
        };
        if let Some(who) = self.who {
            text = format!("{who} {text}");
        }
        if let Some(note) = self.note {
            let _ = write!(text, ", {note}");
        }
        if matches!(self.take, Take::Median) {
            text.push_str(", median");
        }
        if self.stretch {
            let _ = write!(text, " (stretch)");
        }
        Verdict { text, value, met, stretch: self.stretch }
    }
}
