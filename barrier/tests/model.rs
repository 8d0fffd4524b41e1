//! A barrier, its tokens and its parties against a model that is obviously right, one operation at a time.

use std::time::Duration;

use proptest::prelude::*;
use reveille_barrier::{
    ArrivalToken, ArriveError, Barrier, Broken, Completed, NoCompletion, RegisterError, ResetError, WaitError,
};
use reveille_futex::Os;

#[derive(Clone, Debug)]
enum Operation {
    Arrive,
    Look(prop::sample::Index),
    Withdraw(prop::sample::Index),
    Drop(prop::sample::Index),
    BreakWithToken(prop::sample::Index, u32),
    Break(u32),
    TryReset,
    Register,
    ArriveAndDrop,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::{Arrive, ArriveAndDrop, Break, BreakWithToken, Drop, Look, Register, TryReset, Withdraw};
    let token = any::<prop::sample::Index>;
    prop_oneof![
        8 => Just(Arrive),
        4 => token().prop_map(Look),
        2 => token().prop_map(Withdraw),
        2 => token().prop_map(Drop),
        1 => (token(), 7..9_u32).prop_map(|(token, code)| BreakWithToken(token, code)),
        1 => (7..9_u32).prop_map(Break),
        3 => Just(TryReset),
        2 => Just(Register),
        2 => Just(ArriveAndDrop),
    ]
}

/// What the barrier should be. Nobody waits, so a phase that is complete is over at once.
struct Oracle {
    parties: usize,
    arrived: usize,
    generation: u32,
    broken: Option<u32>,
}

impl Oracle {
    fn complete_if_all_are_there(&mut self) -> bool {
        let complete = self.broken.is_none() && self.arrived >= self.parties;
        if complete {
            self.arrived = 0;
            self.generation = self.generation.wrapping_add(1);
        }
        complete
    }

    fn break_with(&mut self, code: u32) -> bool {
        let first = self.broken.is_none();
        self.broken.get_or_insert(code);
        first
    }

    /// How a phase stands for a token of it.
    fn look(&mut self, generation: u32) -> Result<(), WaitError<()>> {
        if self.generation != generation {
            return Ok(());
        }
        match self.broken {
            None => Err(WaitError::TimedOut(())),
            Some(code) => {
                self.arrived -= 1;
                Err(WaitError::Broken(code_of(code)))
            }
        }
    }
}

/// A [`Broken`] with a given code, which only a barrier makes.
fn code_of(code: u32) -> Broken {
    let barrier = Barrier::new(1);
    barrier.break_with(code);
    barrier.broken().unwrap()
}

proptest! {
    #[test]
    fn a_barrier_does_what_its_model_does(
        parties in 1..4_usize,
        first in prop_oneof![Just(0), (0..4_u32).prop_map(|below| u32::MAX - below)],
        operations in prop::collection::vec(operation(), 0..80),
    ) {
        let barrier = Barrier::<Os>::starting_at(parties as u32, first, NoCompletion);
        let mut oracle = Oracle { parties, arrived: 0, generation: first, broken: None };
        let mut tokens: Vec<(u32, ArrivalToken<'_>)> = Vec::new();
        for operation in operations {
            let mut token = |which: prop::sample::Index| {
                let some = !tokens.is_empty();
                some.then(|| tokens.swap_remove(which.index(tokens.len())))
            };
            match operation {
                Operation::Arrive => match (barrier.arrive(), oracle.broken) {
                    (Err(ArriveError::Broken(why)), Some(code)) => prop_assert_eq!(why.code(), code),
                    (Ok(token), None) => {
                        let (generation, arrival) = (oracle.generation, oracle.arrived);
                        oracle.arrived += 1;
                        let leader = oracle.complete_if_all_are_there();
                        let result = token.arrival();
                        prop_assert_eq!((result.generation(), result.arrival() as usize), (generation, arrival));
                        prop_assert_eq!((result.is_leader(), token.is_passed()), (leader, leader));
                        tokens.push((generation, token));
                    }
                    (result, broken) => prop_assert!(false, "{result:?}, but {broken:?}"),
                },
                Operation::Look(which) => {
                    if let Some((generation, token)) = token(which) {
                        match (token.wait_timeout(Duration::ZERO), oracle.look(generation)) {
                            (Ok(result), Ok(())) => prop_assert_eq!(result.generation(), generation),
                            (Err(WaitError::TimedOut(token)), Err(WaitError::TimedOut(()))) => {
                                tokens.push((generation, token));
                            }
                            (Err(WaitError::Broken(why)), Err(WaitError::Broken(code))) => prop_assert_eq!(why, code),
                            (result, expected) => prop_assert!(false, "{result:?} for {expected:?}"),
                        }
                    }
                }
                Operation::Withdraw(which) => {
                    if let Some((generation, token)) = token(which) {
                        let expected = if oracle.generation == generation {
                            oracle.arrived -= 1;
                            Ok(())
                        } else {
                            Err(Completed)
                        };
                        prop_assert_eq!(token.withdraw(), expected);
                    }
                }
                Operation::Drop(which) => {
                    if let Some((generation, token)) = token(which) {
                        drop(token);
                        // In a broken phase it is given back; in an open one it stands.
                        if oracle.broken.is_some() && oracle.generation == generation {
                            oracle.arrived -= 1;
                        }
                    }
                }
                Operation::BreakWithToken(which, code) => {
                    if let Some((generation, token)) = token(which) {
                        prop_assert_eq!(token.break_with(code), oracle.break_with(code));
                        if oracle.generation == generation {
                            oracle.arrived -= 1;
                        }
                    }
                }
                Operation::Break(code) => prop_assert_eq!(barrier.break_with(code), oracle.break_with(code)),
                Operation::TryReset => {
                    let expected = if oracle.parties == 0 {
                        Err(ResetError::Empty)
                    } else if oracle.broken.is_none() && oracle.arrived == 0 {
                        Ok(())
                    } else {
                        oracle.break_with(Broken::RESET);
                        if oracle.arrived > 0 { Err(ResetError::Busy(oracle.arrived as u32)) } else { Ok(()) }
                    };
                    prop_assert_eq!(barrier.try_reset(), expected);
                    if expected.is_ok() && oracle.broken.take().is_some() {
                        oracle.generation = oracle.generation.wrapping_add(1);
                    }
                }
                Operation::Register => match (barrier.register(), oracle.broken) {
                    (Err(RegisterError::Broken(why)), Some(code)) => prop_assert_eq!(why.code(), code),
                    (Ok(()), None) => oracle.parties += 1,
                    (result, broken) => prop_assert!(false, "{result:?}, but {broken:?}"),
                },
                Operation::ArriveAndDrop => {
                    let expected = oracle.broken;
                    if oracle.parties > 0 {
                        oracle.parties -= 1;
                        if oracle.parties == 0 {
                            oracle.break_with(Broken::EMPTY);
                        }
                        oracle.complete_if_all_are_there();
                    }
                    prop_assert_eq!(barrier.arrive_and_drop().map_err(|why| why.code()), expected.map_or(Ok(()), Err));
                }
            }
            prop_assert_eq!((barrier.parties(), barrier.generation()), (oracle.parties, oracle.generation));
            prop_assert_eq!(barrier.broken().map(|why| why.code()), oracle.broken);
            if oracle.broken.is_none() {
                prop_assert_eq!(barrier.arrived(), oracle.arrived);
            }
        }
    }
}

/// A reset starts anew with as many parties as it is told, if that is a number that a barrier can have.
#[test]
fn a_reset_takes_the_numbers_that_a_barrier_can_have() {
    let most = Barrier::<Os>::MAX;
    let mut barrier = Barrier::new(1);
    for parties in [1, 2, most] {
        barrier.break_with(7);
        let generation = barrier.generation();
        assert_eq!(barrier.reset(parties), Ok(()));
        assert_eq!((barrier.parties(), barrier.arrived(), barrier.broken()), (parties, 0, None));
        assert_eq!(barrier.generation(), generation.wrapping_add(1));
    }
    for parties in [0, most + 1] {
        assert!(barrier.reset(parties).is_err());
        assert_eq!(barrier.parties(), most, "nothing changes");
    }
}
