//! Two deques: of one the main program is the owner and the interrupt a thief, of the other the interrupt is the owner.

use core::sync::atomic::{AtomicBool, Ordering};

use reveille::deque::{Deque, Inline, Steal};
use reveille::futex::AtomicU32;

const ITEMS: u32 = 50_000;

/// The main program's; the interrupt steals.
static MINE: Deque<u32, Inline<8>> = Deque::new();

/// The interrupt's, which pops too; the main program steals.
static THEIRS: Deque<u32, Inline<8>> = Deque::new_fifo();

/// The number and the sum of what interrupts stole from the first. Changed by them, as are the others.
static STOLEN: AtomicU32 = AtomicU32::new(0);
static TAKEN: AtomicU32 = AtomicU32::new(0);

/// How many they pushed to the second, and the sum of what they took from it or found no room for.
static PUSHED: AtomicU32 = AtomicU32::new(0);
static POPPED: AtomicU32 = AtomicU32::new(0);

/// Whether the main program has turned thief. Stored by it.
static TURNED: AtomicBool = AtomicBool::new(false);

const fn sum(items: u32) -> u32 {
    items * (items - 1) / 2
}

pub(crate) fn run() {
    as_owner();
    TURNED.store(true, Ordering::Relaxed);
    as_thief();
}

fn as_owner() {
    let owner = MINE.claim().expect("the only owner");
    let mut taken = 0;
    for item in 0..ITEMS {
        if let Err(full) = owner.try_push(item) {
            taken += full.0;
        }
        // By turns full, and down to one item and none, where the thief may want the same one.
        if item % 32 < 24 || item % 3 == 0 {
            taken += owner.pop().unwrap_or(0);
        }
        if item % 32 == 0 {
            while let Some(item) = owner.pop() {
                taken += item;
            }
        }
    }
    while let Some(item) = owner.pop() {
        taken += item;
    }
    let stolen = STOLEN.load(Ordering::Relaxed);
    kit::say!("stolen by interrupts: {stolen} of {ITEMS}");
    assert!(stolen > 0);
    assert_eq!(taken + TAKEN.load(Ordering::Relaxed), sum(ITEMS), "each item once");
}

fn as_thief() {
    let (mut taken, mut stolen) = (0, 0);
    while PUSHED.load(Ordering::Relaxed) < ITEMS || !THEIRS.is_empty() {
        if let Steal::Success(item) = THEIRS.stealer().steal() {
            taken += item;
            stolen += 1;
        }
    }
    kit::say!("stolen from interrupts: {stolen} of {ITEMS}");
    assert!(stolen > 0);
    assert_eq!(taken + POPPED.load(Ordering::Relaxed), sum(ITEMS), "each item once");
}

pub(crate) fn interrupt(number: u32) {
    if TURNED.load(Ordering::Relaxed) {
        push(number % 8, number.is_multiple_of(2));
    } else {
        steal(number % 4);
    }
}

fn steal(count: u32) {
    let thief = MINE.stealer();
    for _ in 0..count {
        if let Steal::Success(item) = thief.steal() {
            TAKEN.fetch_add(item, Ordering::Relaxed);
            STOLEN.fetch_add(1, Ordering::Relaxed);
        }
    }
    assert!(thief.is_empty() || thief.len() <= 8);
}

fn push(count: u32, and_pop: bool) {
    let owner = THEIRS.claim().expect("interrupts do not interrupt each other");
    let pushed = PUSHED.load(Ordering::Relaxed);
    let end = ITEMS.min(pushed + count);
    for item in pushed..end {
        if let Err(full) = owner.try_push(item) {
            POPPED.fetch_add(full.0, Ordering::Relaxed);
        }
    }
    PUSHED.store(end, Ordering::Relaxed);
    if and_pop {
        POPPED.fetch_add(owner.pop().unwrap_or(0), Ordering::Relaxed);
    }
}
