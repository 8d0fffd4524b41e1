//! What else an interrupt may call, once each: the objects are its own, or such as the main program uses now and then.

use core::sync::atomic::Ordering;
use core::time::Duration;

use reveille::Pool;
use reveille::barrier::{Barrier, BitBarrier, Group, Names, TreeBarrier};
use reveille::bridge::{Bridge, Budget, Chain, Hold, Node, Parker};
use reveille::deque::{Block, Deque, Inline, Slot, Steal};
use reveille::futex::{AtomicU32, Deadline, wake};
use reveille::latch::{CoreLatch, CountdownLatch};
use reveille::pool::IdlePolicy;

const TIMES: u32 = 310; // somewhat more than each part must have

/// Names of members of a bit barrier.
const MAIN: u32 = 0;
const INTERRUPT: u32 = 1;

static BITS: BitBarrier = BitBarrier::new(Names::first(2));
static POOL: Pool<1, 8> = Pool::new();

/// Interrupts that did all of it. Changed by them.
static DONE: AtomicU32 = AtomicU32::new(0);

pub(crate) fn run() {
    let mut main = BITS.claim(MAIN).expect("claimed once");
    assert_eq!(main.name(), MAIN);
    main.wait(); // until the interrupt has removed the other one
    assert_eq!(BITS.members(), Names::first(1));
    while DONE.load(Ordering::Relaxed) < TIMES {
        main.wait();
        let sum = POOL.enter(|worker| worker.map_reduce(0..100, 5, |r| r.sum(), |a: usize, b| a + b));
        assert_eq!(sum.ok(), Some(4_950));
    }
}

pub(crate) fn interrupt(number: u32) {
    if DONE.fetch_add(1, Ordering::Relaxed) == 0 {
        assert!(BITS.missing().contains(INTERRUPT) && BITS.phase() == 0);
        assert!(BITS.remove(INTERRUPT));
    }
    latches();
    barriers();
    deques();
    bridge();
    POOL.set_idle_policy(if number.is_multiple_of(2) { IdlePolicy::Brief } else { IdlePolicy::Sleep });
    let word = AtomicU32::new(0);
    wake(&word, core::num::NonZeroU32::MAX);
    let now = Deadline::now();
    let later = Deadline::from_nanos(now.as_nanos()).saturating_add(Duration::from_secs(1));
    assert_eq!(later.remaining(now), Some(Duration::from_secs(1)));
    assert!(!later.is_never() && Deadline::after(Duration::MAX).is_never());
}

/// As the owner of one.
fn latches() {
    let latch = CoreLatch::new();
    assert!(latch.get_sleepy() && latch.fall_asleep() && latch.wake_up());
    latch.set();
    assert!(!latch.get_sleepy());
    latch.reset();
    let mut countdown = CountdownLatch::new(2);
    countdown.guard().fail();
    drop(countdown.guard());
    assert!(countdown.is_released() && countdown.is_poisoned());
    countdown.reset(1);
    assert!(!countdown.is_released());
}

fn barriers() {
    let mut barrier = Barrier::new(2);
    assert!(barrier.break_with(1) && Barrier::try_new(0).is_err());
    barrier.reset(1).expect("one party");
    assert!(barrier.arrive().is_ok_and(|token| token.is_passed()));
    // SAFETY: the only party, after its last use.
    assert!(unsafe { Barrier::dissolve(&barrier) });
    let mut led = 0;
    let completed = Barrier::with_completion(1, || led += 1);
    assert!(completed.arrive().is_ok_and(|token| token.arrival().is_leader()));
    assert_eq!(led, 1);
    let mut group = Group::<2>::new();
    let members = group.members();
    assert_eq!(members[1].index(), 1);
    drop(members); // which breaks it
    let tree = TreeBarrier::<3>::new();
    let member = tree.claim().expect("the first of three");
    assert_eq!(member.index(), 0);
}

fn deques() {
    let mut slots = [const { Slot::<u32>::new() }; 4];
    let mut borrowed = Deque::borrowed_fifo(&mut slots).expect("a power of two");
    let (owner, thief) = borrowed.split();
    (0..4).for_each(|item| owner.try_push(item).expect("there is room"));
    let (mut small, mut large) = (Block::<u32, 2>::new(), Block::<u32, 8>::new());
    let mut donated = Deque::donated_fifo(&mut small);
    let (other, _) = donated.split();
    assert!(other.donate(&mut large).is_ok() && other.capacity() == 8);
    assert!(thief.steal_batch_with_limit(&other, 1).is_success());
    assert!(thief.steal_batch(&other).is_success());
    assert_eq!(other.len(), 3);
    assert_eq!(thief.steal_batch_with_limit_and_pop(&other, 1), Steal::Success(3));
    let empty = thief.steal_batch_and_pop(&other).or_else(|| thief.steal());
    assert!(!empty.is_retry() && empty.success().is_none() && owner.pop().is_none());
    assert_eq!([other.pop(), other.pop(), other.pop()], [Some(0), Some(1), Some(2)]);
    let inline: Deque<u32, Inline<2>> = Deque::new();
    // SAFETY: the only one who knows of it.
    let owner = unsafe { inline.owner() };
    assert!(owner.is_empty() && owner.stealer().steal().is_empty());
}

/// As the loop of one.
fn bridge() {
    let (mut nodes, mut surplus) = ([const { Node::new(1) }; 2], Node::new(1));
    let bridge: Bridge<&mut Node<u32>, Parker> = Bridge::bounded(2, Parker::new());
    let mut receiver = Bridge::attach_to(&bridge).expect("the only receiver");
    let hold = Hold::new(&bridge);
    assert!(receiver.is_held());
    drop(hold); // which tells the loop
    assert!(receiver.drain(Budget::ALL, |_| ()).is_ok_and(|drained| drained.items == 0) && !receiver.is_held());
    let mut chain: Chain<_> = nodes.iter_mut().collect();
    let node = chain.pop().expect("there are two");
    assert!(bridge.try_publish(0, node).is_ok() && bridge.publish_chain(0, chain).is_ok());
    assert!(bridge.try_publish(0, &mut surplus).is_err_and(|refused| refused.is_full()));
    let mut sum = 0;
    let drained = receiver.drain(Budget::items(1), |node| sum += node.value);
    assert!(drained.is_ok_and(|drained| drained.items == 1 && drained.more));
    assert_eq!(sum + receiver.close_now().map(|node| node.value).sum::<u32>(), 2);
}
