//! Why a region is broken, in one word.

use crate::WaitError;

/// The kind in the low byte, the member's name above it. Zero: not broken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Breakage(u32);

impl Breakage {
    const KIND: u32 = 0xff;
    const NAME_SHIFT: u32 = 8;
    const DIED: u32 = 1;
    const FAILED: u32 = 2;
    const PANICKED: u32 = 3;
    const CANCELLED: u32 = 4;

    pub(super) fn died(name: u32) -> Self {
        Breakage(Self::DIED | name << Self::NAME_SHIFT)
    }

    pub(super) fn failed(name: u32) -> Self {
        Breakage(Self::FAILED | name << Self::NAME_SHIFT)
    }

    pub(super) fn panicked(name: u32) -> Self {
        Breakage(Self::PANICKED | name << Self::NAME_SHIFT)
    }

    pub(super) fn cancelled() -> Self {
        Breakage(Self::CANCELLED)
    }

    pub(super) fn word(self) -> u32 {
        self.0
    }

    pub(super) fn read(word: u32) -> Option<Self> {
        (word != 0).then_some(Breakage(word))
    }
}

impl From<Breakage> for WaitError {
    fn from(Breakage(word): Breakage) -> Self {
        let reason = match word & Breakage::KIND {
            Breakage::DIED => "the member died",
            Breakage::FAILED => "the member failed",
            Breakage::PANICKED => "the member panicked",
            _ => return WaitError::Cancelled { reason: "cancelled".to_owned() },
        };
        WaitError::Broken { task: (word >> Breakage::NAME_SHIFT).to_string(), reason: reason.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_packed_and_unpacked() {
        assert!(Breakage::read(0).is_none());
        for (breakage, expected) in [
            (Breakage::died(0), "broken by 0: the member died"),
            (Breakage::failed(63), "broken by 63: the member failed"),
            (Breakage::panicked(7), "broken by 7: the member panicked"),
            (Breakage::cancelled(), "cancelled: cancelled"),
        ] {
            let read = Breakage::read(breakage.word()).unwrap();
            assert_eq!(WaitError::from(read).to_string(), expected);
        }
    }
}
