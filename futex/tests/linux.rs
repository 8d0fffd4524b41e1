//! What only Linux can show: calls that a filter forbids, calls that are not made, words that processes share.
#![cfg(all(target_os = "linux", not(loom)))]

use std::ptr;
use std::time::Duration;

use reveille_futex::{AtomicU32, Deadline, WaitOutcome, shared, wait_until};
use std::sync::atomic::Ordering;

/// A seccomp filter holds for the thread that installs it and its children, for ever: each test runs in its own process.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
mod filtered {
    use std::os::unix::process::ExitStatusExt;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::process::ExitStatus;
    use std::ptr;
    use std::thread;
    use std::time::Duration;

    use reveille_futex::{AtomicU32, WaitOutcome, probe, wait, wait_timeout, wake_one};
    use std::sync::atomic::Ordering;

    /// The child's exit status when it came to the end.
    const REACHED: i32 = 7;

    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

    /// Runs `f` in a forked child.
    fn in_a_process(f: impl FnOnce()) -> ExitStatus {
        // SAFETY: the child touches no lock that another thread may hold now, but the allocator's, which libc readies.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        if child == 0 {
            let status = if catch_unwind(AssertUnwindSafe(f)).is_ok() { REACHED } else { 1 };
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(status) };
        }
        let mut status = 0;
        // SAFETY: our child, a writable status.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        ExitStatus::from_raw(status)
    }

    /// 32-bit targets have a second call, for deadlines of 64 bits.
    const FUTEX_TIME64: u32 = 422;

    /// Answers calls about `word`, of this thread and its future children, by `action`. The standard library and libc go on
    /// using futexes of their own.
    fn filter_futex(word: &AtomicU32, action: u32) {
        filter(word, libc::SYS_futex as u32, FUTEX_TIME64, action);
    }

    fn filter(word: &AtomicU32, call: u32, other_call: u32, action: u32) {
        let load = |offset: u32| libc::sock_filter { code: LOAD, jt: 0, jf: 0, k: offset };
        let skip_if_equal =
            |k: u32, equal: u8, not: u8| libc::sock_filter { code: JUMP_IF_EQUAL, jt: equal, jf: not, k };
        let answer = |k: u32| libc::sock_filter { code: RETURN, jt: 0, jf: 0, k };
        let mut program = [
            load(0), // the call's number
            skip_if_equal(call, 1, 0),
            skip_if_equal(other_call, 0, 3),
            load(16), // the lower half of the first argument, the word's address
            skip_if_equal(ptr::from_ref(word).addr() as u32, 0, 1),
            answer(action),
            answer(libc::SECCOMP_RET_ALLOW),
        ];
        let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
        // SAFETY: changes a flag of this thread.
        let privileges = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
        assert_eq!(privileges, 0);
        // SAFETY: `program` points to instructions that outlive the call.
        let filter = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
        assert_eq!(filter, 0, "seccomp filters are available");
    }

    #[test]
    fn a_forbidden_futex_is_reported_and_waited_for_all_the_same() {
        static TURN: AtomicU32 = AtomicU32::new(0);
        const TURNS: u32 = 1_000;
        let status = in_a_process(|| {
            assert!(probe().is_ok(), "before the filter");
            filter_futex(&TURN, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32);
            let side = |side: u32| {
                for turn in (0..TURNS).filter(|turn| turn % 2 == side) {
                    loop {
                        let now = TURN.load(Ordering::Acquire);
                        if now == turn {
                            break;
                        }
                        wait(&TURN, now);
                    }
                    TURN.fetch_add(1, Ordering::Release);
                    wake_one(&TURN);
                }
            };
            thread::scope(|s| {
                s.spawn(|| side(1));
                side(0);
            });
            assert_eq!(TURN.load(Ordering::Acquire), TURNS);
            let error = probe().unwrap_err();
            assert_eq!(error.code(), libc::ENOSYS);
            assert!(["wait", "wake"].contains(&error.call()));
            let word = AtomicU32::new(0);
            while wait_timeout(&word, 0, Duration::from_millis(1)) != WaitOutcome::TimedOut {}
        });
        assert_eq!(status.code(), Some(REACHED), "{status}");
    }

    /// Kernels may be built without the call that takes 32-bit times.
    #[cfg(target_arch = "x86")]
    #[test]
    fn without_the_old_call_the_new_one_is_made() {
        let status = in_a_process(|| {
            let word = AtomicU32::new(0);
            let old = libc::SYS_futex as u32;
            filter(&word, old, old, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32);
            assert_eq!(wait(&word, 1), WaitOutcome::Mismatch);
            assert_eq!(wait_timeout(&word, 0, Duration::from_millis(2)), WaitOutcome::TimedOut);
            assert_eq!(wake_one(&word), Some(0));
            assert!(probe().is_ok(), "no call failed");
        });
        assert_eq!(status.code(), Some(REACHED), "{status}");
    }

    #[test]
    fn a_zero_timeout_makes_no_system_call() {
        let status = in_a_process(|| {
            let word = AtomicU32::new(0);
            filter_futex(&word, libc::SECCOMP_RET_KILL_PROCESS);
            for _ in 0..1_000 {
                assert_eq!(wait_timeout(&word, 0, Duration::ZERO), WaitOutcome::TimedOut);
                assert_eq!(wait_timeout(&word, 1, Duration::ZERO), WaitOutcome::Mismatch);
            }
        });
        assert_eq!(status.code(), Some(REACHED), "{status}");
    }

    #[test]
    fn any_other_timeout_makes_one() {
        let status = in_a_process(|| {
            let word = AtomicU32::new(0);
            filter_futex(&word, libc::SECCOMP_RET_KILL_PROCESS);
            wait_timeout(&word, 0, Duration::from_nanos(1));
        });
        assert_eq!(status.signal(), Some(libc::SIGSYS), "the filter works: {status}");
    }
}

/// A page that a forked child has too.
fn shared_page() -> &'static AtomicU32 {
    // SAFETY: a new mapping, at an address of the kernel's choice.
    let page = unsafe {
        libc::mmap(
            ptr::null_mut(),
            4096,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    assert_ne!(page, libc::MAP_FAILED);
    // SAFETY: the page is mapped for as long as the process runs, aligned, zeroed, and accessed atomically by both.
    unsafe { &*page.cast::<AtomicU32>() }
}

#[test]
fn processes_hand_over_by_a_shared_word() {
    const TURNS: u32 = 2_000;
    let word = shared_page();
    let side = |side: u32| -> bool {
        for turn in (0..TURNS).filter(|turn| turn % 2 == side) {
            // For this turn alone: how long all of them take says how busy the machine is.
            let patience = Deadline::after(Duration::from_secs(60));
            loop {
                let now = word.load(Ordering::Acquire);
                if now == turn {
                    break;
                }
                if shared::wait_until(word, now, patience) == WaitOutcome::TimedOut {
                    return false;
                }
            }
            word.fetch_add(1, Ordering::Release);
            shared::wake_one(word);
        }
        true
    };
    // SAFETY: the child calls nothing but atomics, system calls and `_exit`, which other threads' locks cannot block.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let status = if side(1) { 0 } else { 1 };
        // SAFETY: ends the child without the parent's destructors.
        unsafe { libc::_exit(status) };
    }
    assert!(side(0), "a wake between processes was lost");
    let mut status = 0;
    // SAFETY: our child, a writable status.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
}

#[test]
fn waking_an_unmapped_shared_address_wakes_nobody() {
    let page = shared_page();
    // SAFETY: the page that was mapped above; nobody uses it any more.
    assert_eq!(unsafe { libc::munmap(ptr::from_ref(page).cast_mut().cast(), 4096) }, 0);
    assert_eq!(shared::wake_all(page), Some(0));
    assert_eq!(shared::wake_all(ptr::null()), Some(0));
    assert!(reveille_futex::probe().is_ok(), "an error of the caller is none of the system");
}

#[test]
fn deadlines_of_any_size_are_kept() {
    let word = AtomicU32::new(0);
    for past in [0, 1, 1_000_000_000] {
        assert_eq!(wait_until(&word, 0, Deadline::from_nanos(past)), WaitOutcome::TimedOut);
    }
    // After 68 years the kernel's old call of 32-bit targets has no number for it.
    for future in [u64::from(u32::MAX >> 1) * 1_000_000_000, u64::from(u32::MAX) * 1_000_000_000, u64::MAX - 1] {
        std::thread::scope(|s| {
            let waiter = s.spawn(|| wait_until(&word, 0, Deadline::from_nanos(future)));
            while !waiter.is_finished() {
                std::thread::sleep(Duration::from_millis(1));
                reveille_futex::wake_all(&word);
            }
            assert_eq!(waiter.join().unwrap(), WaitOutcome::Returned);
        });
    }
}
