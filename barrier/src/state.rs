//! The packed word of [`Barrier`](crate::Barrier).
//!
//! ```text
//!            top                                                bottom
//!   64 bits: arrived 15 | SLEEPERS WAKERS BROKEN BREAK_NEXT | parties 13 | generation 32
//!   32 bits: arrived  8 | SLEEPERS WAKERS BROKEN BREAK_NEXT | parties  7 | generation 13
//! ```
//!
//! `arrived` is on top, so an arrival is one addition that gives the generation along with its number (R13), and a sum that
//! overflows falls off instead of reaching a neighbour. The 32-bit layout serves targets without 64-bit atomics.
//!
//! *Phase open*: `arrived < parties`. *Closing*: `arrived >= parties`; exactly one arrival brought that about, and it alone
//! may go on to the next generation. *Broken*: the flag; arrivals are given back one by one.

use reveille_futex::need;

use layout::{ARRIVED_BITS, GENERATION_BITS, PARTIES_BITS};
pub(crate) use layout::{Atomic, Bits};

#[cfg(target_has_atomic = "64")]
mod layout {
    pub(crate) type Atomic = reveille_futex::sync::atomic::AtomicU64;
    pub(crate) type Bits = u64;
    pub(super) const GENERATION_BITS: u32 = 32;
    pub(super) const PARTIES_BITS: u32 = 13;
    pub(super) const ARRIVED_BITS: u32 = 15;
}

#[cfg(not(target_has_atomic = "64"))]
mod layout {
    pub(crate) type Atomic = reveille_futex::sync::atomic::AtomicU32;
    pub(crate) type Bits = u32;
    pub(super) const GENERATION_BITS: u32 = 13;
    pub(super) const PARTIES_BITS: u32 = 7;
    pub(super) const ARRIVED_BITS: u32 = 8;
}

const FLAGS_SHIFT: u32 = GENERATION_BITS + PARTIES_BITS;
const ARRIVED_SHIFT: u32 = FLAGS_SHIFT + 4;
const _: () = assert!(ARRIVED_SHIFT + ARRIVED_BITS == Bits::BITS);

const GENERATIONS: Bits = (1 << GENERATION_BITS) - 1;
const PARTIES: Bits = ((1 << PARTIES_BITS) - 1) << GENERATION_BITS;

/// Someone sleeps, or is about to: whoever ends the phase changes the wake word and wakes.
pub(crate) const SLEEPERS: Bits = 1 << FLAGS_SHIFT;
/// The list may hold futures: whoever ends the phase wakes them.
pub(crate) const WAKERS: Bits = 2 << FLAGS_SHIFT;
/// The phase will not complete.
pub(crate) const BROKEN: Bits = 4 << FLAGS_SHIFT;
/// The phase is complete and closing; the next one is broken from its start.
pub(crate) const BREAK_NEXT: Bits = 8 << FLAGS_SHIFT;
/// One arrival.
pub(crate) const ARRIVAL: Bits = 1 << ARRIVED_SHIFT;

/// The largest number of parties. Twice as many arrivals fit, so surplus callers do not wrap the field.
pub(crate) const MAX_PARTIES: u32 = (1 << PARTIES_BITS) - 1;

/// Whether whoever arrives looks for a while before it sleeps. Where nobody does, everybody but the last sleeps: there the
/// flag SLEEPERS is taken to be up always, and nobody raises it.
const LOOKS: bool = reveille_futex::relax::LOOKS;

need! {
    /// That barriers break. It arises before BROKEN or BREAK_NEXT goes up, with release; who has acquired the flag asks.
    pub(crate) static BREAKS
}

/// One reading of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State(pub(crate) Bits);

/// How a phase stands for somebody who arrived in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Pending,
    Passed,
    Broken,
}

impl State {
    pub(crate) const fn new(parties: u32, generation: u32) -> Self {
        State((parties as Bits) << GENERATION_BITS | generation as Bits & GENERATIONS)
    }

    #[inline]
    pub(crate) const fn generation(self) -> u32 {
        (self.0 & GENERATIONS) as u32
    }

    #[inline]
    pub(crate) const fn parties(self) -> u32 {
        ((self.0 & PARTIES) >> GENERATION_BITS) as u32
    }

    #[inline]
    pub(crate) const fn arrived(self) -> u32 {
        (self.0 >> ARRIVED_SHIFT) as u32
    }

    #[inline]
    pub(crate) const fn has(self, flag: Bits) -> bool {
        self.0 & flag != 0
    }

    /// Whether the phase is broken, as read with acquire: [`BREAKS`].
    #[inline]
    pub(crate) fn is_broken(self) -> bool {
        self.has(BROKEN) && BREAKS.has_arisen()
    }

    /// Whether somebody may sleep.
    #[inline]
    pub(crate) const fn has_sleepers(self) -> bool {
        !LOOKS || self.has(SLEEPERS)
    }

    /// Everybody has arrived, and the last one is about to go on to the next generation.
    #[inline]
    pub(crate) const fn is_closing(self) -> bool {
        !self.has(BROKEN) && self.arrived() >= self.parties()
    }

    #[inline]
    pub(crate) fn standing(self, generation: u32) -> Standing {
        // This word is the truth and never lags, so "another" is "newer" (R14).
        if self.generation() != generation {
            Standing::Passed
        } else if self.is_broken() {
            Standing::Broken
        } else {
            Standing::Pending
        }
    }

    #[inline]
    pub(crate) const fn with(self, flag: Bits) -> Self {
        State(self.0 | flag)
    }

    #[inline]
    pub(crate) const fn without(self, flags: Bits) -> Self {
        State(self.0 & !flags)
    }

    #[inline]
    pub(crate) const fn with_arrivals(self, arrived: u32) -> Self {
        State(self.0 & (ARRIVAL - 1) | (arrived as Bits) << ARRIVED_SHIFT)
    }

    #[inline]
    pub(crate) const fn with_parties(self, parties: u32) -> Self {
        State(self.0 & !PARTIES | (parties as Bits) << GENERATION_BITS)
    }

    /// The next phase: the count is reset and the generation changes in one step (R3). Surplus arrivals go with the count;
    /// they know that they were surplus, and come again. Read with acquire: [`BREAKS`].
    #[inline]
    pub(crate) fn next(self) -> Self {
        let next = State::new(self.parties(), self.generation().wrapping_add(1));
        if self.has(BREAK_NEXT) && BREAKS.has_arisen() { next.with(BROKEN) } else { next }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A field keeps what it is given, whatever the others hold, and a phase ends in one step.
        #[test]
        fn each_field_is_its_own(
            (parties, others) in (1..=MAX_PARTIES, 0..=MAX_PARTIES),
            generation in prop_oneof![any::<u32>(), Just(u32::MAX)],
            arrived in 0..(1_u32 << ARRIVED_BITS),
            flags in 0..16 as Bits,
        ) {
            let generation = generation & GENERATIONS as u32;
            let flags = flags << FLAGS_SHIFT;
            let state = State::new(parties, generation).with(flags).with_arrivals(arrived);
            prop_assert_eq!((state.parties(), state.generation(), state.arrived()), (parties, generation, arrived));
            for flag in [SLEEPERS, WAKERS, BROKEN, BREAK_NEXT] {
                prop_assert_eq!(state.has(flag), flags & flag != 0);
            }
            prop_assert_eq!(state.is_closing(), !state.has(BROKEN) && arrived >= parties);
            let one_more = State(state.0.wrapping_add(ARRIVAL));
            prop_assert_eq!(one_more, state.with_arrivals((arrived + 1) % (1 << ARRIVED_BITS)));
            prop_assert_eq!(state.with_parties(others).with_parties(parties), state);
            prop_assert_eq!(state.without(flags).with(flags), state);
            prop_assert_eq!(state.with(flags), state, "what is set stays set");
            let next = state.next();
            prop_assert_eq!((next.parties(), next.arrived(), next.has(BROKEN)), (parties, 0, state.has(BREAK_NEXT)));
            prop_assert_eq!(next.generation(), generation.wrapping_add(1) & GENERATIONS as u32);
            prop_assert!(!next.has(SLEEPERS | WAKERS | BREAK_NEXT));
            let standing = if state.has(BROKEN) { Standing::Broken } else { Standing::Pending };
            prop_assert_eq!(state.standing(generation), standing);
            prop_assert_eq!(next.standing(generation), Standing::Passed);
        }
    }

    #[test]
    fn fields_do_not_touch() {
        let last = GENERATIONS as u32;
        let state = State::new(MAX_PARTIES, last).with(SLEEPERS | WAKERS).with_arrivals(MAX_PARTIES);
        assert_eq!((state.parties(), state.generation(), state.arrived()), (MAX_PARTIES, last, MAX_PARTIES));
        assert!(state.is_closing() && !state.has(BROKEN) && !state.has(BREAK_NEXT));
        assert_eq!(state.next(), State::new(MAX_PARTIES, 0));
        assert_eq!(state.with(BREAK_NEXT).next(), State::new(MAX_PARTIES, 0).with(BROKEN));
        assert_eq!(state.with_parties(3).parties(), 3);
        assert_eq!(state.with_parties(3).arrived(), MAX_PARTIES);
    }

    #[test]
    fn an_overflowing_arrival_reaches_nobody() {
        let most = (1 << ARRIVED_BITS) - 1;
        let state = State::new(5, 7).with_arrivals(most);
        assert_eq!(State(state.0.wrapping_add(ARRIVAL)), State::new(5, 7));
    }
}
