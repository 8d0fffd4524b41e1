//! What happened to a member in a phase, in one word.

/// The phase, plus one, above a bit for failure. Zero: nothing yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry(u64);

impl Entry {
    const FAILED: u64 = 1;
    const PHASE_SHIFT: u32 = 1;

    pub(super) fn new(phase: u32, failed: bool) -> Self {
        Entry((u64::from(phase) + 1) << Self::PHASE_SHIFT | if failed { Self::FAILED } else { 0 })
    }

    pub(super) fn word(self) -> u64 {
        self.0
    }

    pub(super) fn read(word: u64) -> Option<Self> {
        (word >> Self::PHASE_SHIFT != 0).then_some(Entry(word))
    }

    pub(super) fn phase(self) -> u32 {
        ((self.0 >> Self::PHASE_SHIFT) - 1) as u32
    }

    pub(super) fn failed(self) -> bool {
        self.0 & Self::FAILED != 0
    }
}

/// The phase after this one: they are counted in 31 bits.
pub(super) fn following(phase: u32) -> u32 {
    phase.wrapping_add(1) & PHASES
}

/// Whether `a` is `b` or one of the 2^30 phases before it.
pub(super) fn not_after(a: u32, b: u32) -> bool {
    b.wrapping_sub(a) & PHASES < 1 << 30
}

const PHASES: u32 = u32::MAX >> 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_packed_and_unpacked() {
        assert_eq!(Entry::read(0), None);
        for phase in [0, 1, PHASES] {
            for failed in [false, true] {
                let read = Entry::read(Entry::new(phase, failed).word()).unwrap();
                assert_eq!((read.phase(), read.failed()), (phase, failed));
            }
        }
    }

    #[test]
    fn phases_wrap() {
        assert_eq!(following(PHASES), 0);
        assert!(not_after(7, 7) && not_after(6, 7) && !not_after(8, 7));
        assert!(not_after(PHASES, 0) && !not_after(0, PHASES));
    }
}
