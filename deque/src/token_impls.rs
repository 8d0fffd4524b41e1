//! The tokens that exist: pointers, numbers, function pointers, a few wide pointers, and pairs of one-word tokens.

use core::mem;
use core::ptr::NonNull;

use crate::token::{Token, Word};

// SAFETY: no words, no content.
unsafe impl Token for () {
    type Words = [Word; 0];

    #[inline]
    fn into_words(self) -> [Word; 0] {
        []
    }

    #[inline]
    unsafe fn from_words(_: [Word; 0]) -> Self {}
}

macro_rules! pointer {
    ($($(#[$meta:meta])* [$($param:tt)*] $type:ty: $into:expr, $from:expr;)*) => {$(
        $(#[$meta])*
        // SAFETY: the pointer, with its provenance, is the item; it is the same one on the way back.
        unsafe impl<$($param)*> Token for $type {
            type Words = [Word; 1];

            #[inline]
            fn into_words(self) -> [Word; 1] {
                let into: fn(Self) -> *const T = $into;
                [Word::from_ptr(into(self))]
            }

            #[inline]
            unsafe fn from_words([word]: [Word; 1]) -> Self {
                let from: unsafe fn(*mut T) -> Self = $from;
                // SAFETY: the caller passes what `into_words` made of an item of this type, once.
                unsafe { from(word.to_ptr()) }
            }
        }
    )*};
}

pointer! {
    ['a, T] &'a T: |item| item, |p| {
        // SAFETY: it was a reference with this lifetime.
        unsafe { &*p }
    };
    [T] NonNull<T>: |item| item.as_ptr(), |p| {
        // SAFETY: it was not null.
        unsafe { NonNull::new_unchecked(p) }
    };
    [T] Option<NonNull<T>>: |item| item.map_or(core::ptr::null(), |p| p.as_ptr()), NonNull::new;
    [T] *const T: |item| item, |p| p;
    [T] *mut T: |item| item, |p| p;
    #[cfg(feature = "alloc")]
    [T] alloc::boxed::Box<T>: |item| alloc::boxed::Box::into_raw(item), alloc::boxed::Box::from_raw;
    #[cfg(feature = "alloc")]
    [T] alloc::sync::Arc<T>: alloc::sync::Arc::into_raw, |p| {
        // SAFETY: it came from `Arc::into_raw`, whose count it still holds.
        unsafe { alloc::sync::Arc::from_raw(p) }
    };
}

macro_rules! wide_pointer {
    ($($(#[$meta:meta])* [$($param:tt)*] $type:ty;)*) => {$(
        $(#[$meta])*
        // SAFETY: a wide pointer is two words without padding, each a pointer or a number; they come back as they were.
        unsafe impl<$($param)*> Token for $type {
            type Words = [Word; 2];

            #[inline]
            fn into_words(self) -> [Word; 2] {
                // SAFETY: both are two words; every pattern of bits is a `Word`, and the type has no padding.
                unsafe { mem::transmute::<$type, [Word; 2]>(self) }
            }

            #[inline]
            unsafe fn from_words(words: [Word; 2]) -> Self {
                // SAFETY: the caller passes what `into_words` made of an item of this type, once.
                unsafe { mem::transmute::<[Word; 2], $type>(words) }
            }
        }
    )*};
}

wide_pointer! {
    ['a] &'a str;
    ['a, T] &'a [T];
    ['a] &'a (dyn Fn() + Sync + 'a);
    #[cfg(feature = "alloc")]
    ['a] alloc::boxed::Box<dyn FnOnce() + 'a>;
    #[cfg(feature = "alloc")]
    ['a] alloc::boxed::Box<dyn FnOnce() + Send + 'a>;
    #[cfg(feature = "alloc")]
    ['a] alloc::sync::Arc<dyn Fn() + Send + Sync + 'a>;
}

macro_rules! number {
    ($($(#[$meta:meta])* $type:ty: |$item:ident| $into:expr, |$bits:ident| $from:expr;)*) => {$(
        $(#[$meta])*
        // SAFETY: the number's bits, widened and narrowed again.
        unsafe impl Token for $type {
            type Words = [Word; 1];

            #[inline]
            #[allow(clippy::unnecessary_cast, reason = "the same text for every width")]
            fn into_words(self) -> [Word; 1] {
                let $item = self;
                [Word::from_bits($into as usize)]
            }

            #[inline]
            #[allow(clippy::unnecessary_cast, reason = "the same text for every width")]
            unsafe fn from_words([word]: [Word; 1]) -> Self {
                let $bits = word.to_bits();
                $from
            }
        }
    )*};
}

number! {
    bool: |item| item, |bits| bits != 0;
    u8: |item| item, |bits| bits as u8;
    i8: |item| item, |bits| bits as i8;
    u16: |item| item, |bits| bits as u16;
    i16: |item| item, |bits| bits as i16;
    #[cfg(not(target_pointer_width = "16"))]
    u32: |item| item, |bits| bits as u32;
    #[cfg(not(target_pointer_width = "16"))]
    i32: |item| item, |bits| bits as i32;
    usize: |item| item, |bits| bits;
    isize: |item| item, |bits| bits as isize;
    #[cfg(not(target_pointer_width = "16"))]
    f32: |item| item.to_bits(), |bits| f32::from_bits(bits as u32);
    #[cfg(not(target_pointer_width = "16"))]
    char: |item| item, |bits| {
        // SAFETY: the bits are those of a character.
        unsafe { char::from_u32_unchecked(bits as u32) }
    };
    #[cfg(target_pointer_width = "64")]
    u64: |item| item, |bits| bits as u64;
    #[cfg(target_pointer_width = "64")]
    i64: |item| item, |bits| bits as i64;
    #[cfg(target_pointer_width = "64")]
    f64: |item| item.to_bits(), |bits| f64::from_bits(bits as u64);
}

macro_rules! wide_number {
    ($($(#[$meta:meta])* $type:ty as $unsigned:ty: |$item:ident| $into:expr, |$bits:ident| $from:expr;)*) => {$(
        $(#[$meta])*
        // SAFETY: the number's bits in two halves, put together again.
        unsafe impl Token for $type {
            type Words = [Word; 2];

            #[inline]
            fn into_words(self) -> [Word; 2] {
                let $item = self;
                let bits = $into as $unsigned;
                [Word::from_bits(bits as usize), Word::from_bits((bits >> usize::BITS) as usize)]
            }

            #[inline]
            unsafe fn from_words([low, high]: [Word; 2]) -> Self {
                let $bits = low.to_bits() as $unsigned | (high.to_bits() as $unsigned) << usize::BITS;
                $from
            }
        }
    )*};
}

#[cfg(target_pointer_width = "64")]
wide_number! {
    u128 as u128: |item| item, |bits| bits;
    i128 as u128: |item| item, |bits| bits as i128;
}

#[cfg(target_pointer_width = "32")]
wide_number! {
    u64 as u64: |item| item, |bits| bits;
    i64 as u64: |item| item, |bits| bits as i64;
    f64 as u64: |item| item.to_bits(), |bits| f64::from_bits(bits);
}

macro_rules! function {
    ($([$($param:ident)*] $type:ty;)*) => {$(
        // SAFETY: a function pointer is one word, and a pointer that was made from one turns into it again.
        unsafe impl<$($param),*> Token for $type {
            type Words = [Word; 1];

            #[inline]
            fn into_words(self) -> [Word; 1] {
                [Word::from_ptr(self as *const ())]
            }

            #[inline]
            unsafe fn from_words([word]: [Word; 1]) -> Self {
                // SAFETY: the caller passes what `into_words` made of a function pointer of this type.
                unsafe { mem::transmute::<*mut (), $type>(word.to_ptr()) }
            }
        }
    )*};
}

function! {
    [R] fn() -> R;
    [R] unsafe fn() -> R;
    [R] extern "C" fn() -> R;
    [R] unsafe extern "C" fn() -> R;
    [A R] fn(A) -> R;
    [A R] unsafe fn(A) -> R;
    [A R] extern "C" fn(A) -> R;
    [A R] unsafe extern "C" fn(A) -> R;
    [A B R] fn(A, B) -> R;
    [A B R] unsafe fn(A, B) -> R;
}

// SAFETY: one word each; both are tokens.
unsafe impl<A, B> Token for (A, B)
where
    A: Token<Words = [Word; 1]>,
    B: Token<Words = [Word; 1]>,
{
    type Words = [Word; 2];

    #[inline]
    fn into_words(self) -> [Word; 2] {
        let [first] = self.0.into_words();
        let [second] = self.1.into_words();
        [first, second]
    }

    #[inline]
    unsafe fn from_words([first, second]: [Word; 2]) -> Self {
        // SAFETY: the first word is the first token's, by `into_words`.
        let first = unsafe { A::from_words([first]) };
        // SAFETY: the second word is the second token's.
        let second = unsafe { B::from_words([second]) };
        (first, second)
    }
}
