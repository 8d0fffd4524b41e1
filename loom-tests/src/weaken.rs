//! The switches of `cargo xtask ordering-sweep`: every ordering of a layer asks here what it is in this run.

use std::env;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

/// The weakening that is in force; none without it.
const CHOICE: &str = "REVEILLE_WEAKENED";

fn choice() -> Option<usize> {
    static CHOSEN: OnceLock<Option<usize>> = OnceLock::new();
    *CHOSEN.get_or_init(|| env::var(CHOICE).ok().map(|number| number.parse().expect("a number of the list")))
}

/// The ordering of a place: `strong`, or one of the weaker ones if its number is in force.
#[inline]
pub fn weakened(strong: Ordering, weaker: &[(usize, Ordering)]) -> Ordering {
    let chosen = choice();
    weaker.iter().find(|(number, _)| chosen == Some(*number)).map_or(strong, |(_, ordering)| *ordering)
}

/// Whether a fence is left out.
#[inline]
pub fn is_weakened(number: usize) -> bool {
    choice() == Some(number)
}
