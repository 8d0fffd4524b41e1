//! Requests to QEMU, made by an instruction that a debugger would see.

use core::arch::asm;

const WRITE_CHARACTER: usize = 0x03;
const EXIT_WITH_STATUS: usize = 0x20;

/// Why the program ends: it says so itself.
const APPLICATION_EXIT: usize = 0x2_0026;

fn request(operation: usize, argument: *const ()) {
    #[cfg(target_arch = "arm")]
    // SAFETY: QEMU reads the argument, which the callers keep for the call.
    unsafe {
        asm!("bkpt 0xab", inout("r0") operation => _, in("r1") argument, options(nostack))
    };
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        asm!("hlt 0xf000", inout("x0") operation => _, in("x1") argument, options(nostack))
    };
}

/// Puts a character on the console.
pub fn put(byte: u8) {
    request(WRITE_CHARACTER, (&raw const byte).cast());
}

/// Ends QEMU with this status.
pub fn exit(status: u32) -> ! {
    let reason = [APPLICATION_EXIT, status as usize];
    loop {
        request(EXIT_WITH_STATUS, (&raw const reason).cast());
    }
}
