//! What travels over a bridge: owned pointers to nodes that carry their own link.
//!
//! ```text
//!   Parcel --into_raw--> Link { next } --lane, ready list--> from_raw --> Parcel
//! ```
//!
//! *Invariant.* Between `into_raw` and `from_raw` the node belongs to whoever holds its link: the publisher until the push,
//! the lane until the loop's swap, then the loop. So no link is ever touched by two threads at once.
//!
//! Checked by every model of `loom-tests/models/bridge.rs`, whose links are cells that loom watches.

#[cfg(feature = "alloc")]
use alloc::boxed::Box;
use core::fmt;
use core::ptr::{self, NonNull};

use reveille_futex::const_unless_loom;
use reveille_futex::sync::cell::UnsafeCell;

/// The place in a node by which lanes hold it.
pub struct Link {
    pub(crate) next: UnsafeCell<*mut Link>,
}

// SAFETY: only the holder of the node touches the link; see the invariant.
unsafe impl Send for Link {}
// SAFETY: as above: a shared reference gives no access.
unsafe impl Sync for Link {}

impl Link {
    const_unless_loom! {
        /// A link in no lane.
        pub const fn new() -> Self {
            Link { next: UnsafeCell::new(ptr::null_mut()) }
        }
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

/// An owned pointer to something with a [`Link`] in it: what a bridge transports.
///
/// Use [`Boxed`] with an allocator, and `&mut Node<T>` without one. A type of your own with a `Link` inside can be sent
/// without any further memory.
///
/// # Safety
///
/// * `into_raw` returns a pointer to a live [`Link`] that stays where it is, and that nobody else uses, until `from_raw`.
/// * `from_raw` of that pointer gives the same value back, on any thread if the type is `Send`.
pub unsafe trait Parcel: Sized {
    /// Gives the node away as its link.
    fn into_raw(self) -> NonNull<Link>;

    /// Takes the node back.
    ///
    /// # Safety
    ///
    /// `link` comes from [`into_raw`](Self::into_raw) of this type and is used once.
    unsafe fn from_raw(link: NonNull<Link>) -> Self;
}

/// A value with a link: publish `&mut Node<T>` where there is no allocator.
///
/// ```
/// use reveille_bridge::{Bridge, Budget, Node};
///
/// let mut node = Node::new(7);
/// let bridge: Bridge<&mut Node<u32>, fn()> = Bridge::new(|| {});
/// bridge.try_publish(0, &mut node).unwrap();
/// let mut receiver = bridge.attach().unwrap();
/// receiver.drain(Budget::ALL, |node| node.value += 1).unwrap();
/// drop(receiver);
/// drop(bridge);
/// assert_eq!(node.value, 8);
/// ```
#[derive(Debug, Default)]
#[repr(C)]
pub struct Node<T> {
    link: Link,
    /// What it carries.
    pub value: T,
}

impl<T> Node<T> {
    const_unless_loom! {
        /// A node in no lane.
        pub const fn new(value: T) -> Self {
            Node { link: Link::new(), value }
        }
    }
}

// SAFETY: an exclusive borrow; the link is the node's first field, and the pointer is made from the whole node.
unsafe impl<T> Parcel for &mut Node<T> {
    fn into_raw(self) -> NonNull<Link> {
        NonNull::from(self).cast()
    }

    unsafe fn from_raw(link: NonNull<Link>) -> Self {
        // SAFETY: the caller's promise: the borrow that was given away.
        unsafe { link.cast::<Node<T>>().as_mut() }
    }
}

/// A value in a box of its own: the ordinary thing to publish where there is an allocator.
#[cfg(feature = "alloc")]
#[derive(Debug)]
pub struct Boxed<T>(Box<Node<T>>);

#[cfg(feature = "alloc")]
impl<T> Boxed<T> {
    /// Boxes a value. Allocates; publishing it later does not.
    pub fn new(value: T) -> Self {
        Boxed(Box::new(Node::new(value)))
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.0.value
    }
}

#[cfg(feature = "alloc")]
impl<T> core::ops::Deref for Boxed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

#[cfg(feature = "alloc")]
impl<T> core::ops::DerefMut for Boxed<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0.value
    }
}

#[cfg(feature = "alloc")]
// SAFETY: the box owns the node, whose first field is the link.
unsafe impl<T> Parcel for Boxed<T> {
    fn into_raw(self) -> NonNull<Link> {
        NonNull::from(Box::leak(self.0)).cast()
    }

    unsafe fn from_raw(link: NonNull<Link>) -> Self {
        // SAFETY: the caller's promise: the box that was leaked.
        Boxed(unsafe { Box::from_raw(link.cast::<Node<T>>().as_ptr()) })
    }
}
