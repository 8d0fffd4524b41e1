//! The latches against counters that are obviously right, one operation at a time.

use std::time::Duration;

use proptest::prelude::*;
use reveille_futex::Os;
use reveille_latch::{AddError, CountdownLatch, Poisoned, Underflow, WaitError, WaitGroup};

const MAX: u32 = CountdownLatch::<Os>::MAX;
const MOST: u32 = WaitGroup::<Os>::MAX;

#[derive(Clone, Copy, Debug)]
enum Operation {
    CountDown,
    CountDownBy(u32),
    Add(u32),
    Poison,
    Guard,
    Fail,
    Reset(u32),
}

/// Small numbers, and those around the largest count.
fn count() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..6_u32, 1 => MAX - 2..=MAX]
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::{Add, CountDown, CountDownBy, Fail, Guard, Poison, Reset};
    let any_count = || prop_oneof![4 => count(), 1 => Just(u32::MAX)];
    prop_oneof![
        6 => Just(CountDown),
        3 => any_count().prop_map(CountDownBy),
        3 => any_count().prop_map(Add),
        1 => Just(Poison),
        2 => Just(Guard),
        1 => Just(Fail),
        1 => count().prop_map(Reset),
    ]
}

/// What the latch should be.
struct Oracle {
    count: u32,
    poisoned: bool,
}

impl Oracle {
    fn count_down_by(&mut self, n: u32) -> Result<bool, Underflow> {
        if n > self.count {
            return Err(Underflow);
        }
        self.count -= n;
        Ok(n > 0 && self.count == 0)
    }

    fn try_add(&mut self, n: u32) -> Result<(), AddError> {
        match self.count.checked_add(n) {
            _ if self.count == 0 => Err(AddError::Released),
            Some(sum) if sum <= MAX => {
                self.count = sum;
                Ok(())
            }
            _ => Err(AddError::Overflow),
        }
    }

    fn verdict(&self) -> Result<(), WaitError> {
        match (self.count, self.poisoned) {
            (1.., _) => Err(WaitError::TimedOut),
            (0, true) => Err(WaitError::Poisoned),
            (0, false) => Ok(()),
        }
    }
}

proptest! {
    #[test]
    fn a_countdown_latch_does_what_a_counter_does(
        first in count(), operations in prop::collection::vec(operation(), 0..60)
    ) {
        let mut latch = CountdownLatch::new(first);
        let mut oracle = Oracle { count: first, poisoned: false };
        for operation in operations {
            match operation {
                Operation::CountDown => prop_assert_eq!(latch.count_down(), oracle.count_down_by(1)),
                Operation::CountDownBy(n) => prop_assert_eq!(latch.count_down_by(n), oracle.count_down_by(n)),
                Operation::Add(n) => prop_assert_eq!(latch.try_add(n), oracle.try_add(n)),
                Operation::Poison => {
                    latch.poison();
                    oracle.poisoned = true;
                }
                Operation::Guard => {
                    drop(latch.guard());
                    let _ = oracle.count_down_by(1);
                }
                Operation::Fail => {
                    latch.guard().fail();
                    oracle.poisoned = true;
                    let _ = oracle.count_down_by(1);
                }
                Operation::Reset(n) => {
                    latch.reset(n);
                    oracle = Oracle { count: n, poisoned: false };
                }
            }
            prop_assert_eq!((latch.count(), latch.is_released()), (oracle.count, oracle.count == 0));
            prop_assert_eq!(latch.is_poisoned(), oracle.poisoned);
            prop_assert_eq!(latch.wait_timeout(Duration::ZERO), oracle.verdict());
            if oracle.count == 0 {
                prop_assert_eq!(latch.wait(), if oracle.poisoned { Err(Poisoned) } else { Ok(()) });
            }
        }
    }

    /// Members come and go, some by a panic; the round is over when the last of them has left.
    #[test]
    fn a_wait_group_counts_its_members(steps in prop::collection::vec((0..4_u32, any::<prop::sample::Index>()), 0..60)) {
        let group = WaitGroup::new();
        let mut members = Vec::new();
        let mut poisoned = false;
        for (step, which) in steps {
            match step {
                0 | 1 => members.push(group.try_enter().unwrap()),
                2 if !members.is_empty() => drop(members.swap_remove(which.index(members.len()))),
                3 if !members.is_empty() => {
                    let member = members.swap_remove(which.index(members.len()));
                    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        let _member = member;
                        std::panic::resume_unwind(Box::new(()));
                    }));
                    prop_assert!(unwound.is_err());
                    poisoned = true;
                }
                _ => {
                    group.clear_poison();
                    poisoned = false;
                }
            }
            prop_assert_eq!(group.members() as usize, members.len());
            let expected = match (members.is_empty(), poisoned) {
                (false, _) => Err(WaitError::TimedOut),
                (true, true) => Err(WaitError::Poisoned),
                (true, false) => Ok(()),
            };
            prop_assert_eq!(group.wait_timeout(Duration::ZERO), expected);
            if members.is_empty() {
                prop_assert_eq!(group.wait(), if poisoned { Err(Poisoned) } else { Ok(()) });
            }
        }
    }
}

#[test]
fn a_full_wait_group_refuses_and_forgets_nobody() {
    let group = WaitGroup::new();
    let members: Vec<_> = (0..MOST).map(|_| group.enter()).collect();
    assert!(group.try_enter().is_err());
    assert_eq!(group.members(), MOST);
    drop(members);
    assert_eq!((group.members(), group.wait()), (0, Ok(())));
}
