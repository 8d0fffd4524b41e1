//! Targets: what a row must show, and whether it did.

use std::fmt::Write as _;

/// A bound on what the row's first contestant, ours, measured.
pub(crate) struct Target<'a> {
    bound: f64,
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
    /// Times what the best of the others measured, but for these.
    BestExcept(&'a [&'a str]),
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
}

/// A target, in words, and what came out.
pub(crate) struct Verdict {
    pub(crate) text: String,
    /// What is compared with the bound.
    pub(crate) value: f64,
    pub(crate) bound: f64,
    pub(crate) met: bool,
    pub(crate) stretch: bool,
}

/// At most this many of the row's unit.
pub(crate) fn at_most<'a>(bound: f64) -> Target<'a> {
    Target { bound, of: Of::Units, take: Take::Best, stretch: false }
}

/// At least this many times as fast as a contestant.
pub(crate) fn at_least_as_fast(bound: f64, as_peer: &str) -> Target<'_> {
    Target { bound, of: Of::Faster(as_peer), take: Take::Best, stretch: false }
}

impl<'a> Target<'a> {
    /// ... times what `peer` measured.
    pub(crate) fn times(self, peer: &'a str) -> Self {
        Target { of: Of::Peer(peer), ..self }
    }

    /// ... times what the best peer measured.
    pub(crate) fn times_best_peer(self) -> Self {
        self.times_best_except(&[])
    }

    /// ... times what the best peer measured; those named are not peers.
    pub(crate) fn times_best_except(self, not: &'a [&'a str]) -> Self {
        Target { of: Of::BestExcept(not), ..self }
    }

    /// Compares medians, not best rounds.
    pub(crate) fn median(self) -> Self {
        Target { take: Take::Median, ..self }
    }

    /// A miss is not a loss.
    pub(crate) fn stretch(self) -> Self {
        Target { stretch: true, ..self }
    }

    /// Whether ours, the first of the measured, meets it.
    pub(crate) fn judge(&self, measured: &[Measured<'_>]) -> Verdict {
        let of = |m: &Measured<'_>| match self.take {
            Take::Best => m.best,
            Take::Median => m.median,
        };
        let (ours, peers) = measured.split_first().expect("a row has contestants");
        let named = |name: &str| {
            peers.iter().find(|m| m.name == name).unwrap_or_else(|| panic!("no contestant is called {name:?}"))
        };
        let bound = self.bound;
        let (mut text, value, met) = match self.of {
            Of::Units => (format!("at most {bound}"), of(ours), of(ours) <= bound),
            Of::Peer(name) => over(bound, of(ours), name, of(named(name))),
            Of::BestExcept(not) => best(bound, of(ours), peers, not, of),
            Of::Faster(name) => {
                let speed = of(named(name)) / of(ours);
                (format!("at least {bound} x as fast as {name}"), speed, speed >= bound)
            }
        };
        if matches!(self.take, Take::Median) {
            text.push_str(", median");
        }
        if self.stretch {
            let _ = write!(text, " (stretch)");
        }
        Verdict { text, value, bound, met, stretch: self.stretch }
    }
}

fn over(bound: f64, ours: f64, name: &str, theirs: f64) -> (String, f64, bool) {
    // Not by division: what is left above a baseline can be zero.
    (format!("at most {bound} x {name}"), ours / theirs, ours <= bound * theirs)
}

fn best(
    bound: f64,
    ours: f64,
    peers: &[Measured<'_>],
    not: &[&str],
    of: impl Fn(&Measured<'_>) -> f64,
) -> (String, f64, bool) {
    let peers = peers.iter().filter(|m| !not.contains(&m.name));
    let peer = peers.min_by(|a, b| of(a).total_cmp(&of(b))).expect("a row has peers");
    over(bound, ours, &format!("the best peer ({})", peer.name), of(peer))
}
