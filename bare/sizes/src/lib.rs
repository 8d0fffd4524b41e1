//! What the programs of `cargo xtask sizes` have in common, down to the program that does nothing: their difference is what
//! a primitive costs.
//!
//! The platform is not counted: it is in each of them, as functions that are called and not inlined.
#![no_std]

use core::hint::black_box;
use core::num::NonZeroU32;

use reveille::futex::{AtomicU32, Deadline, Os, Platform, WaitOutcome};

reveille::futex::platform!(Elsewhere);

/// A platform whose answers the compiler does not know.
pub struct Elsewhere;

// SAFETY: nobody runs these programs.
unsafe impl Platform for Elsewhere {
    #[inline(never)]
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> WaitOutcome {
        black_box((word, expected, deadline));
        black_box(WaitOutcome::Returned)
    }

    #[inline(never)]
    fn wake(word: *const AtomicU32, count: NonZeroU32) -> Option<u32> {
        black_box((word, count));
        black_box(None)
    }

    #[inline(never)]
    fn now() -> Deadline {
        black_box(Deadline::NEVER)
    }

    #[inline(never)]
    fn yield_now() {
        black_box(());
    }

    #[inline(never)]
    fn heavy_fence() -> bool {
        black_box(false)
    }
}

/// Makes all of it part of each program.
pub fn platform() {
    black_box(Os::wait(black_box(&AtomicU32::new(0)), black_box(0), black_box(Deadline::NEVER)));
    black_box(Os::wake(black_box(core::ptr::null()), black_box(NonZeroU32::MIN)));
    black_box(Os::now());
    Os::yield_now();
    black_box(Os::heavy_fence());
}

/// A program that does this.
#[macro_export]
macro_rules! program {
    ($($statement:tt)*) => {
        #[unsafe(no_mangle)]
        extern "C" fn _start() {
            $crate::platform();
            $($statement)*
        }
    };
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
