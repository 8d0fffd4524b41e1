//! What an idle pool costs, as an application configures it.
#![cfg(target_os = "linux")]

use std::time::Duration;

use reveille::ThreadPoolBuilder;
use reveille::pool::IdlePolicy;

/// Processor time that the pool's threads have used so far.
fn cpu_time(pool: &reveille::ThreadPool) -> Duration {
    pool.broadcast(|_| {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the clock of the calling thread, and a place for its time.
        assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) }, 0);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    })
    .into_iter()
    .sum()
}

/// What `threads` idle threads burn in the time that is given to them.
fn burned(threads: usize, policy: IdlePolicy, time: Duration) -> Duration {
    let pool = ThreadPoolBuilder::new().num_threads(threads).idle_policy(policy).build().unwrap();
    let before = cpu_time(&pool);
    std::thread::sleep(time);
    cpu_time(&pool) - before
}

#[test]
fn an_idle_pool_sleeps_by_default_however_wide() {
    let time = Duration::from_millis(500);
    let wide = if cfg!(target_pointer_width = "64") { 64 } else { 63 }; // the most that 32-bit counters hold
    for (threads, policy) in [(2, IdlePolicy::Brief), (wide, IdlePolicy::Brief), (wide, IdlePolicy::Sleep)] {
        let burned = burned(threads, policy, time);
        // A wake and the searches before and after it, per thread; spinning would be half a second for each processor.
        assert!(burned < Duration::from_millis(1) * threads as u32, "{threads} threads burned {burned:?}");
    }
}

#[test]
fn a_pool_that_spins_does_not_sleep() {
    let pool = ThreadPoolBuilder::new().num_threads(1).idle_policy(IdlePolicy::Spin).build().unwrap();
    let before = cpu_time(&pool);
    // Ten seconds for what takes 20 ms on a free processor. A thread that sleeps gets there never: to ask costs it less.
    let mut burned = (0..100).map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        cpu_time(&pool) - before
    });
    assert!(burned.any(|burned| burned > Duration::from_millis(20)), "it slept");
}

#[test]
fn a_search_by_time_ends() {
    let limit = Duration::from_millis(10);
    let searched = burned(1, IdlePolicy::Search(limit), Duration::from_millis(300));
    assert!(searched < Duration::from_millis(100), "{searched:?} for a search of {limit:?}");
}
