//! A bridge against queues and a counter that are obviously right, one operation at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;
use reveille_bridge::{Boxed, Bridge, Budget, Chain, Parker, Phase, PublishError};

#[derive(Clone, Copy, Debug)]
enum Operation {
    Publish { lane: usize },
    Chain { lane: usize, len: u32 },
    Drain { items: u32 },
    Close,
    CloseNow,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::{Close, CloseNow, Drain, Publish};
    prop_oneof![
        8 => (0..4_usize).prop_map(|lane| Publish { lane }),
        3 => (0..4_usize, 0..4_u32).prop_map(|(lane, len)| Operation::Chain { lane, len }),
        4 => prop_oneof![0..4_u32, Just(u32::MAX)].prop_map(|items| Drain { items }),
        1 => Just(Close),
        1 => Just(CloseNow),
    ]
}

const LANES: usize = 3;

/// What the bridge should be.
struct Oracle {
    lanes: [VecDeque<u32>; LANES],
    capacity: Option<u32>,
    phase: Phase,
}

impl Oracle {
    fn waiting(&self) -> u32 {
        self.lanes.iter().map(|lane| lane.len() as u32).sum()
    }

    /// Why `more` items cannot be published, if they cannot: whether the bridge is closed.
    fn refuses(&self, more: u32) -> Option<bool> {
        if self.phase >= Phase::Draining {
            return Some(true);
        }
        self.capacity.is_some_and(|capacity| self.waiting() + more > capacity).then_some(false)
    }
}

fn is_closed<T>(error: &PublishError<T>) -> bool {
    assert_ne!(error.is_closed(), error.is_full(), "one reason");
    error.is_closed()
}

proptest! {
    /// A chain is a stack until it is published, and drops what it has.
    #[test]
    fn a_chain_does_what_a_stack_does(steps in prop::collection::vec(any::<bool>(), 0..40)) {
        let alive = Arc::new(());
        let (mut chain, mut stack) = (Chain::new(), Vec::new());
        for (number, push) in steps.into_iter().enumerate() {
            if push {
                chain.push(Boxed::new((number, alive.clone())));
                stack.push(number);
            } else {
                prop_assert_eq!(chain.pop().map(|item| item.0), stack.pop());
            }
            prop_assert_eq!((chain.len() as usize, chain.is_empty()), (stack.len(), stack.is_empty()));
            prop_assert_eq!(Arc::strong_count(&alive), stack.len() + 1);
        }
        drop(chain);
        prop_assert_eq!(Arc::strong_count(&alive), 1, "nothing is left behind");
    }

    #[test]
    fn a_bridge_does_what_queues_do(
        capacity in prop::option::of(0..6_u32), operations in prop::collection::vec(operation(), 0..80)
    ) {
        let bridge = match capacity {
            Some(capacity) => Bridge::<Boxed<u32>, Parker, LANES>::bounded(capacity, Parker::new()),
            None => Bridge::new(Parker::new()),
        };
        prop_assert_eq!(bridge.phase(), Phase::Init);
        let mut receiver = bridge.attach().unwrap();
        prop_assert!(bridge.attach().is_err(), "once");
        let mut oracle = Oracle { lanes: Default::default(), capacity, phase: Phase::Running };
        let mut made = 0;
        for operation in operations {
            match operation {
                Operation::Publish { lane } => {
                    made += 1;
                    let published = bridge.try_publish(lane, Boxed::new(made));
                    match (&published, oracle.refuses(1)) {
                        (Ok(()), None) => oracle.lanes[lane.min(LANES - 1)].push_back(made),
                        (Err(error), Some(closed)) => prop_assert_eq!(is_closed(error), closed),
                        (_, expected) => prop_assert!(false, "{published:?}, but {expected:?}"),
                    }
                    if let Err(error) = published {
                        prop_assert_eq!(*error.into_inner(), made, "the item comes back");
                    }
                }
                Operation::Chain { lane, len } => {
                    let items: Vec<u32> = (made + 1..=made + len).collect();
                    made += len;
                    let chain: Chain<_> = items.iter().copied().map(Boxed::new).collect();
                    match (bridge.publish_chain(lane, chain), oracle.refuses(len)) {
                        (Ok(()), _) if len == 0 => {}
                        (Ok(()), None) => oracle.lanes[lane.min(LANES - 1)].extend(items),
                        (Err(error), Some(closed)) => {
                            prop_assert_eq!(is_closed(&error), closed);
                            let mut chain = error.into_inner();
                            prop_assert_eq!(chain.len(), len);
                            let back: Vec<u32> = std::iter::from_fn(|| chain.pop()).map(|item| *item).collect();
                            prop_assert!(back.iter().rev().eq(&items), "the chain comes back whole");
                        }
                        (result, expected) => prop_assert!(false, "{result:?}, but {expected:?}"),
                    }
                }
                Operation::Drain { items } => {
                    let mut got = Vec::new();
                    let drained = receiver.drain(Budget::items(items), |item| got.push(*item));
                    if oracle.phase == Phase::Closed {
                        prop_assert!(drained.is_err() && got.is_empty());
                        continue;
                    }
                    for item in &got {
                        let lane = oracle.lanes.iter_mut().find(|lane| lane.front() == Some(item));
                        prop_assert!(lane.is_some(), "the order of a lane");
                        lane.unwrap().pop_front();
                    }
                    let left = oracle.waiting();
                    if oracle.phase == Phase::Draining && left == 0 {
                        oracle.phase = Phase::Closed;
                    }
                    let drained = drained.unwrap();
                    prop_assert_eq!((drained.items as usize, drained.more), (got.len(), left > 0));
                    prop_assert!(left == 0 || drained.items == items, "as many as the budget allows");
                    prop_assert_eq!(drained.closed, oracle.phase == Phase::Closed);
                }
                Operation::Close => {
                    prop_assert_eq!(bridge.close(), oracle.phase == Phase::Running);
                    oracle.phase = oracle.phase.max(Phase::Draining);
                }
                Operation::CloseNow => {
                    let unsent: Vec<u32> = receiver.close_now().map(|item| *item).collect();
                    let expected: Vec<u32> = oracle.lanes.iter_mut().flat_map(|lane| lane.drain(..)).collect();
                    prop_assert_eq!(unsent, expected, "lane by lane, oldest first");
                    oracle.phase = Phase::Closed;
                }
            }
            prop_assert_eq!(bridge.phase(), oracle.phase);
            if oracle.phase < Phase::Draining {
                prop_assert_eq!(bridge.in_flight(), capacity.map(|_| oracle.waiting()));
            }
        }
    }
}
