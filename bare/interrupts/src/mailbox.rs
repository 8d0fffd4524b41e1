//! A bridge: interrupts publish to two lanes of it, the main program publishes to one of them, waits and drains. The nodes
//! go back to the interrupts through a deque.

use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;
use core::time::Duration;

use kit::machine::storm;

use reveille::bridge::{Bridge, Budget, Chain, Node, Parker, Phase};
use reveille::deque::{Deque, Inline, Steal, Token};
use reveille::futex::AtomicU32;

use crate::only::Only;

/// Letters of interrupts, in both lanes together.
const LETTERS: u32 = 20_000;
const NODES: usize = 16;
const CREDITS: u32 = 2;

/// Who wrote it, and as how manyth.
#[derive(Clone, Copy)]
struct Letter {
    writer: usize,
    number: u32,
}

/// Interrupts write to lane 0 and lane 1, and the main program to lane 1 too.
const MAIN: usize = 2;
const WRITERS: usize = 3;

type Post = &'static mut Node<Letter>;

static MAILBOX: Bridge<Post, Parker, 2> = Bridge::bounded(CREDITS, Parker::new());

/// A node without a letter, which a deque can carry.
struct Blank(Post);

// SAFETY: the pointer of an exclusive reference, which turns into that reference again, once.
unsafe impl Token for Blank {
    type Words = <NonNull<Node<Letter>> as Token>::Words;

    fn into_words(self) -> Self::Words {
        NonNull::from(self.0).into_words()
    }

    unsafe fn from_words(words: Self::Words) -> Self {
        // SAFETY: the words are those of `into_words`.
        let mut node = unsafe { NonNull::from_words(words) };
        // SAFETY: it was an exclusive reference for ever, and was given away.
        Blank(unsafe { node.as_mut() })
    }
}

/// Filled by the main program; interrupts steal.
static BLANK: Deque<Blank, Inline<NODES>> = Deque::new();

/// Letters that come one by one at the end, when nothing but the last one's signal tells of it.
const LAST: u32 = 4_000;

/// What interrupts remember.
struct Desk {
    /// The next letter of each lane.
    next: [u32; 2],
    /// Nodes that the bridge refused.
    spare: [Option<Post>; 2],
}

static DESK: Only<Desk> = Only::new(Desk { next: [0; 2], spare: [None, None] });

/// Letters of interrupts that were accepted. Changed by them.
static SENT: AtomicU32 = AtomicU32::new(0);

/// Publications that were refused because there was no room, and because the bridge was closed. Changed by interrupts.
static FULL: AtomicU32 = AtomicU32::new(0);
static CLOSED: AtomicU32 = AtomicU32::new(0);

fn nodes() -> &'static mut [Node<Letter>; NODES] {
    struct Nodes(UnsafeCell<[Node<Letter>; NODES]>);
    // SAFETY: taken once, by the main program.
    unsafe impl Sync for Nodes {}
    static ALL: Nodes = Nodes(UnsafeCell::new([const { Node::new(Letter { writer: 0, number: 0 }) }; NODES]));
    // SAFETY: called once.
    unsafe { &mut *ALL.0.get() }
}

pub(crate) fn run() {
    let blank = BLANK.claim().expect("the only owner");
    let put_back = |node| assert!(blank.try_push(Blank(node)).is_ok(), "there is room for all");
    nodes().iter_mut().for_each(put_back);
    let mut inbox = MAILBOX.attach().expect("the only receiver");
    let mut received = [0; WRITERS];
    let mut written = 0;
    loop {
        let alone = received[0] + received[1] >= LETTERS;
        if alone {
            storm::go_on();
        }
        // In a lane that interrupts use, so that they come in the middle of this publication.
        if let Some(Blank(node)) = if alone { None } else { blank.pop() } {
            node.value = Letter { writer: MAIN, number: written };
            match MAILBOX.try_publish(1, node) {
                Ok(()) => written += 1,
                Err(refused) => put_back(refused.into_inner()),
            }
        }
        let drained = inbox.drain(Budget::items(3), |node| {
            let Letter { writer, number } = node.value;
            assert_eq!(number, received[writer], "writer {writer} is in order");
            received[writer] += 1;
            put_back(node);
        });
        if drained.is_err() {
            break; // closed, and everything was delivered
        }
        if received[0] + received[1] == SENT.load(Ordering::Relaxed) {
            storm::go_on(); // the last one came in the middle of the drain; this wait is for another
        }
        inbox.wait(Duration::MAX);
    }
    storm::go_on();
    for _ in 0..100 {
        if CLOSED.load(Ordering::Relaxed) > 0 {
            break;
        }
        kit::machine::wait_for_interrupt(); // one that finds the bridge closed
    }
    let (full, closed) = (FULL.load(Ordering::Relaxed), CLOSED.load(Ordering::Relaxed));
    kit::say!("delivered: {received:?}; refused: {full}, after the end: {closed}; signals: {}", MAILBOX.edges());
    assert!(received[0] + received[1] >= LETTERS + LAST && received[MAIN] == written && written > 0);
    assert!(full > 0 && closed > 0);
}

pub(crate) fn interrupt(number: u32) {
    assert!(MAILBOX.in_flight().is_some_and(|count| count <= CREDITS));
    // SAFETY: an interrupt, and the closure calls nothing that comes here again.
    unsafe { DESK.with(|desk| desk.write(number)) };
}

impl Desk {
    fn write(&mut self, number: u32) {
        let letters = self.next[0] + self.next[1];
        if letters >= LETTERS && MAILBOX.phase() == Phase::Running {
            storm::calm();
            if letters >= LETTERS + LAST {
                assert!(MAILBOX.close());
            }
        }
        let lane = number as usize % 2;
        // Two at once, now and then.
        let mut chain = Chain::new();
        for _ in 0..if number.is_multiple_of(5) { 2 } else { 1 } {
            let Some(node) = self.blank() else { break };
            node.value = Letter { writer: lane, number: self.next[lane] + chain.len() };
            chain.push(node);
        }
        let count = chain.len();
        let refused = if count == 1 {
            let node = chain.pop().expect("it has one");
            MAILBOX.try_publish(lane, node).map_err(|refused| refused.map(|node| [Some(node), None]))
        } else {
            let nodes = |mut chain: Chain<Post>| [chain.pop(), chain.pop()];
            MAILBOX.publish_chain(lane, chain).map_err(|refused| refused.map(nodes))
        };
        match refused {
            Ok(()) => {
                self.next[lane] += count;
                SENT.fetch_add(count, Ordering::Relaxed); // a number for the main program
            }
            Err(refused) => {
                let counter = if refused.is_closed() { &CLOSED } else { &FULL };
                counter.fetch_add(1, Ordering::Relaxed); // a number for the main program
                let spare = refused.into_inner().into_iter().flatten();
                for (place, node) in self.spare.iter_mut().filter(|place| place.is_none()).zip(spare) {
                    *place = Some(node);
                }
            }
        }
    }

    fn blank(&mut self) -> Option<Post> {
        self.spare.iter_mut().find_map(Option::take).or_else(|| match BLANK.stealer().steal() {
            Steal::Success(Blank(node)) => Some(node),
            Steal::Empty | Steal::Retry => None,
        })
    }
}
