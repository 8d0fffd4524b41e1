//! Sets of the names that [`BitBarrier`](crate::BitBarrier) knows: one bit each.

use core::fmt;

pub(crate) use width::{AtomicBits, Bits};

#[cfg(target_has_atomic = "64")]
mod width {
    pub(crate) type AtomicBits = reveille_futex::sync::atomic::AtomicU64;
    pub(crate) type Bits = u64;
}

#[cfg(not(target_has_atomic = "64"))]
mod width {
    pub(crate) type AtomicBits = reveille_futex::sync::atomic::AtomicU32;
    pub(crate) type Bits = u32;
}

/// A set of names: numbers from 0 to 63, or to 31 on targets without 64-bit atomics.
///
/// ```
/// use reveille_barrier::Names;
///
/// let names = Names::first(3);
/// assert!(names.contains(2) && !names.contains(3));
/// assert_eq!(names.iter().collect::<Vec<_>>(), [0, 1, 2]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Names(Bits);

impl Names {
    /// How many names there are.
    pub const COUNT: u32 = Bits::BITS;

    /// No name.
    pub const NONE: Names = Names(0);

    /// The names below `count`; all of them if `count` is [`COUNT`](Self::COUNT) or more.
    pub const fn first(count: u32) -> Self {
        if count >= Bits::BITS { Names(Bits::MAX) } else { Names((1 << count) - 1) }
    }

    /// One name, if it is one.
    pub const fn one(name: u32) -> Option<Self> {
        if name < Bits::BITS { Some(Names(1 << name)) } else { None }
    }

    /// This set and another.
    #[must_use]
    pub const fn and(self, other: Names) -> Self {
        Names(self.0 | other.0)
    }

    /// Whether `name` is in the set.
    pub const fn contains(self, name: u32) -> bool {
        name < Bits::BITS && self.0 >> name & 1 == 1
    }

    /// How many are in the set.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether nobody is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names in the set, in order.
    pub fn iter(self) -> impl Iterator<Item = u32> {
        (0..Bits::BITS).filter(move |&name| self.contains(name))
    }

    pub(crate) const fn bits(self) -> Bits {
        self.0
    }

    pub(crate) const fn from_bits(bits: Bits) -> Self {
        Names(bits)
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn some() -> impl Strategy<Value = BTreeSet<u32>> {
        prop::collection::btree_set(0..Names::COUNT, 0..9)
    }

    fn set(names: &BTreeSet<u32>) -> Names {
        names.iter().filter_map(|&name| Names::one(name)).fold(Names::NONE, Names::and)
    }

    proptest! {
        #[test]
        fn names_are_a_set(names in some(), others in some()) {
            let (one, other) = (set(&names), set(&others));
            prop_assert!(one.iter().eq(names.iter().copied()));
            prop_assert_eq!((one.len() as usize, one.is_empty()), (names.len(), names.is_empty()));
            prop_assert_eq!(one.and(other), set(&(&names | &others)));
            for name in 0..Names::COUNT + 2 {
                prop_assert_eq!(one.contains(name), names.contains(&name));
            }
        }
    }

    #[test]
    fn the_first_names_end_with_the_last_one() {
        for count in 0..Names::COUNT + 2 {
            assert_eq!(Names::first(count).len(), count.min(Names::COUNT));
            assert!(!Names::first(count).contains(count));
        }
        assert_eq!(Names::one(Names::COUNT), None);
    }
}
