//! The same program with crossbeam-deque's types and with ours: only the import differs, and so does nothing else.

use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Operation {
    Push(u32),
    Pop,
    Steal,
    Batch,
    BatchWithLimit(usize),
    BatchAndPop,
    BatchWithLimitAndPop(usize),
    PopOther,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    use Operation::{Batch, BatchAndPop, BatchWithLimit, BatchWithLimitAndPop, Pop, PopOther, Push, Steal};
    let operation = prop_oneof![
        12 => any::<u32>().prop_map(Push),
        3 => Just(Pop),
        3 => Just(Steal),
        1 => Just(Batch),
        1 => (1..5_usize).prop_map(BatchWithLimit),
        1 => Just(BatchAndPop),
        1 => (1..5_usize).prop_map(BatchWithLimitAndPop),
        2 => Just(PopOther),
    ];
    prop::collection::vec(operation, 0..300)
}

macro_rules! program {
    ($name:ident, $($import:tt)*) => {
        mod $name {
            use super::Operation;
            use $($import)*::{Injector, Steal, Stealer, Worker};

            /// What each operation answers, as text.
            pub(crate) fn run(fifo: (bool, bool), operations: &[Operation]) -> Vec<String> {
                let worker = |fifo| if fifo { Worker::new_fifo() } else { Worker::new_lifo() };
                let (own, other): (Worker<u32>, Worker<u32>) = (worker(fifo.0), worker(fifo.1));
                let stealer: Stealer<u32> = own.stealer();
                let item = |steal: Steal<u32>| format!("{steal:?}, {:?}", steal.success());
                let answer = |operation: &Operation| {
                    let answer = match *operation {
                        Operation::Push(item) => format!("{:?}", own.push(item)),
                        Operation::Pop => format!("{:?}", own.pop()),
                        Operation::Steal => item(stealer.steal()),
                        Operation::Batch => format!("{:?}", stealer.steal_batch(&other)),
                        Operation::BatchWithLimit(n) => format!("{:?}", stealer.steal_batch_with_limit(&other, n)),
                        Operation::BatchAndPop => item(stealer.steal_batch_and_pop(&other)),
                        Operation::BatchWithLimitAndPop(n) => {
                            item(stealer.steal_batch_with_limit_and_pop(&other, n))
                        }
                        Operation::PopOther => format!("{:?}", other.pop()),
                    };
                    let lengths = (own.len(), stealer.len(), other.len(), own.is_empty(), stealer.clone().is_empty());
                    format!("{operation:?} -> {answer}, {lengths:?}")
                };
                operations.iter().map(answer).collect()
            }

            /// The search of a worker as crossbeam-deque's documentation writes it.
            pub(crate) fn find_task(
                local: &Worker<u32>,
                global: &Injector<u32>,
                stealers: &[Stealer<u32>],
            ) -> Option<u32> {
                local.pop().or_else(|| {
                    std::iter::repeat_with(|| {
                        global
                            .steal_batch_and_pop(local)
                            .or_else(|| stealers.iter().map(|s| s.steal()).collect::<Steal<u32>>())
                    })
                    .find(|s| !s.is_retry())
                    .and_then(|s| s.success())
                })
            }

            pub(crate) fn search() -> Vec<u32> {
                let (local, sibling, global) = (Worker::new_fifo(), Worker::new_lifo(), Injector::default());
                (0..3).for_each(|item| local.push(item));
                (3..6).for_each(|item| global.push(item));
                (6..9).for_each(|item| sibling.push(item));
                assert_eq!((global.len(), global.is_empty()), (3, false));
                let stealers = [sibling.stealer()];
                std::iter::from_fn(|| find_task(&local, &global, &stealers)).collect()
            }
        }
    };
}

program!(theirs, crossbeam_deque);
program!(ours, reveille::deque);

proptest! {
    #[test]
    fn operations_answer_the_same(from in any::<bool>(), to in any::<bool>(), operations in operations()) {
        prop_assert_eq!(ours::run((from, to), &operations), theirs::run((from, to), &operations));
    }
}

#[test]
fn the_documented_search_finds_the_same() {
    assert_eq!(ours::search(), theirs::search());
    assert_eq!(ours::search(), (0..9).collect::<Vec<_>>());
}
