//! The word on which publishers, signallers and the loop agree.
//!
//! ```text
//!   31 ................. 3 | 2       | 1 0
//!   signals under way      | PENDING | phase
//!
//!   phase:    INIT --attach--> RUNNING --close--> DRAINING --last item--> CLOSED
//!   PENDING:  clear --publish (edge: counts itself, then signals)--> set --drain, before it takes--> clear
//! ```
//!
//! *Invariant.* A publisher changes or confirms the word by a read-modify-write after its item is in a lane, and the loop
//! clears PENDING by one before it looks into the lanes: whichever comes second sees the other. Nobody enters the count
//! once the phase is CLOSED, so exactly one thread finds CLOSED and a count of zero, and that one retires the signal.
//!
//! Checked by `publish_is_never_lost`, `close_*` and `signal_is_retired_after_the_last_use` of `loom-tests/models/bridge.rs`.

/// How far a bridge has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// No loop is attached yet; items may be published already.
    Init,
    /// A loop is attached.
    Running,
    /// Nothing new is accepted; the loop gets what was.
    Draining,
    /// Every accepted item was delivered or handed back.
    Closed,
}

/// One reading of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u32);

impl Word {
    const PHASE: u32 = 0b11;
    pub(crate) const PENDING: u32 = 1 << 2; // the loop was told, and has not looked yet
    pub(crate) const SIGNALLER: u32 = 1 << 3;
    const SIGNALLERS: u32 = !(Self::PHASE | Self::PENDING);

    pub(crate) const INIT: Word = Word(0);

    pub(crate) fn phase(self) -> Phase {
        match self.0 & Self::PHASE {
            0 => Phase::Init,
            1 => Phase::Running,
            2 => Phase::Draining,
            _ => Phase::Closed,
        }
    }

    pub(crate) fn is_pending(self) -> bool {
        self.0 & Self::PENDING != 0
    }

    /// Whether items are still accepted.
    pub(crate) fn is_open(self) -> bool {
        self.phase() < Phase::Draining
    }

    /// Whether the signal may be retired: nobody uses it, and nobody will.
    pub(crate) fn is_quiet(self) -> bool {
        self.phase() == Phase::Closed && self.0 & Self::SIGNALLERS == 0
    }

    pub(crate) fn with_phase(self, phase: Phase) -> Word {
        Word(self.0 & !Self::PHASE | phase as u32)
    }

    /// After a publication: PENDING, and one signal more under way if the loop has to be told.
    pub(crate) fn posted(self) -> Word {
        if self.must_signal() { Word((self.0 | Self::PENDING) + Self::SIGNALLER) } else { self }
    }

    /// Whether a publication from here has to tell the loop.
    pub(crate) fn must_signal(self) -> bool {
        !self.is_pending() && self.phase() != Phase::Closed
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A bridge's word through publications, drains, signals that end, and a close: each field counts by itself, and
        /// the signal may be retired exactly when the bridge is closed and nobody signals.
        #[test]
        fn a_life_of_the_word(steps in prop::collection::vec(0..5_u32, 0..60)) {
            let (mut word, mut phase, mut pending, mut signallers) = (Word::INIT, Phase::Init, false, 0_u32);
            for step in steps {
                match step {
                    0 => {
                        let signals = !pending && phase != Phase::Closed;
                        prop_assert_eq!(word.must_signal(), signals);
                        word = word.posted();
                        pending |= signals;
                        signallers += u32::from(signals);
                    }
                    1 => {
                        word = Word(word.0 & !Word::PENDING);
                        pending = false;
                    }
                    2 if signallers > 0 => {
                        word = Word(word.0 - Word::SIGNALLER);
                        signallers -= 1;
                    }
                    3 => {
                        phase = match phase {
                            Phase::Init => Phase::Running,
                            Phase::Running => Phase::Draining,
                            _ => Phase::Closed,
                        };
                        word = word.with_phase(phase);
                    }
                    _ => {}
                }
                prop_assert_eq!((word.phase(), word.is_pending()), (phase, pending));
                prop_assert_eq!(word.is_open(), phase < Phase::Draining);
                prop_assert_eq!(word.is_quiet(), phase == Phase::Closed && signallers == 0);
                prop_assert_eq!((word.0 & Word::SIGNALLERS) / Word::SIGNALLER, signallers);
            }
        }
    }

    #[test]
    fn fields_do_not_touch_each_other() {
        let mut word = Word::INIT;
        for phase in [Phase::Init, Phase::Running, Phase::Draining] {
            word = word.with_phase(phase);
            assert_eq!(word.phase(), phase);
            assert!(word.must_signal() && !word.is_quiet());
            let posted = word.posted();
            assert!(posted.is_pending() && !posted.must_signal());
            assert_eq!(posted.phase(), phase);
            assert_eq!(posted.posted(), posted, "the second publication changes nothing");
            assert_eq!(Word(posted.0 - Word::SIGNALLER).0 & !Word::PENDING, word.0);
        }
        let posted = word.posted().with_phase(Phase::Closed);
        assert!(!posted.is_quiet());
        assert!(Word(posted.0 - Word::SIGNALLER).is_quiet());
        assert!(!Word::INIT.with_phase(Phase::Closed).must_signal());
    }
}
