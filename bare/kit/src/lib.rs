//! What a program needs that has no system below it: a start, an end, a word to the user, and a platform for `reveille`.
//!
//! | module | |
//! |---|---|
//! | [`machine`] | one of QEMU's machines: its cores, interrupts, clock, and how it ends |
//! | `kernel` | the platform of a machine with several cores |
//! | `single` | the platform of a machine with one core, and interrupts |
//!
//! A program names its main function with [`entry!`]. Every core runs it. When the first core returns from it, QEMU ends
//! with status 0; a panic on any core ends QEMU with status 101.
#![no_std]

#[cfg(any(machine = "riscv", machine = "aarch64", machine = "an521"))]
pub mod kernel;
#[cfg(any(machine = "an385", machine = "microbit"))]
pub mod single;

#[cfg_attr(machine = "riscv", path = "machine/riscv.rs")]
#[cfg_attr(machine = "aarch64", path = "machine/aarch64.rs")]
#[cfg_attr(not(any(machine = "riscv", machine = "aarch64")), path = "machine/cortex_m.rs")]
pub mod machine;

#[cfg(any(target_arch = "arm", target_arch = "aarch64"))]
#[path = "machine/semihosting.rs"]
mod semihosting;

use core::fmt::{self, Write as _};

const PANICKED: u32 = 101;

unsafe extern "Rust" {
    /// The program's, from [`entry!`].
    safe fn bare_main(core: usize);
}

/// Where the start code of a machine goes on, on each core.
extern "C" fn begin(core: usize) -> ! {
    machine::init(core);
    bare_main(core);
    if core == 0 {
        machine::exit(0);
    }
    machine::stop()
}

/// Names the function `fn(core: usize)` that every core runs.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[unsafe(no_mangle)]
        extern "Rust" fn bare_main(core: usize) {
            let main: fn(usize) = $main;
            main(core)
        }
    };
}

/// Prints a line on QEMU's console. Lines of different cores may mix.
#[macro_export]
macro_rules! say {
    ($($argument:tt)*) => { $crate::say_line(::core::format_args!($($argument)*)) };
}

#[doc(hidden)]
pub fn say_line(line: fmt::Arguments<'_>) {
    struct Console;

    impl fmt::Write for Console {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            text.bytes().for_each(machine::put);
            Ok(())
        }
    }

    let _ = Console.write_fmt(line); // this console never fails
    machine::put(b'\n');
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    say!("{info}");
    machine::exit(PANICKED)
}

/// Reads a device's register.
#[cfg(any(machine = "riscv", machine = "aarch64", machine = "an521"))]
fn read(address: usize) -> u32 {
    // SAFETY: the callers name registers of the machine, 32 bits wide.
    unsafe { core::ptr::with_exposed_provenance::<u32>(address).read_volatile() }
}

/// Writes a device's register.
fn write(address: usize, value: u32) {
    // SAFETY: as above.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>(address).write_volatile(value) };
}

/// The cores' stacks, for the start code.
#[repr(C, align(16))]
struct Stacks<const SIZE: usize>(core::cell::UnsafeCell<[[u8; SIZE]; machine::CORES]>);

// SAFETY: each core uses its own, as its stack alone.
unsafe impl<const SIZE: usize> Sync for Stacks<SIZE> {}

impl<const SIZE: usize> Stacks<SIZE> {
    const fn new() -> Self {
        Stacks(core::cell::UnsafeCell::new([[0; SIZE]; machine::CORES]))
    }
}
