//! What the environment says, and what ends a process: each case is a process of its own.

use std::process::{Command, Output};

/// Runs one of the cases below in a process of its own.
fn case(name: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture"]).envs(variables.iter().copied());
    for variable in ["RAYON_NUM_THREADS", "RAYON_RS_NUM_CPUS"] {
        if !variables.iter().any(|(name, _)| *name == variable) {
            command.env_remove(variable);
        }
    }
    command.output().unwrap()
}

fn threads(variables: &[(&str, &str)]) -> String {
    let output = String::from_utf8(case("prints_its_number_of_threads", variables).stdout).unwrap();
    let line = output.lines().find_map(|line| line.strip_prefix("threads ")).unwrap_or_else(|| panic!("{output}"));
    line.to_owned()
}

#[test]
#[ignore = "a case of the tests below"]
fn prints_its_number_of_threads() {
    let own = rayon_core::ThreadPoolBuilder::new().build().unwrap();
    println!("\nthreads {} {}", rayon_core::current_num_threads(), own.current_num_threads());
}

#[test]
fn the_number_of_threads_comes_from_the_environment() {
    let here = std::thread::available_parallelism().unwrap();
    assert_eq!(threads(&[]), format!("{here} {here}"));
    assert_eq!(threads(&[("RAYON_NUM_THREADS", "5")]), "5 5");
    assert_eq!(threads(&[("RAYON_NUM_THREADS", "5"), ("RAYON_RS_NUM_CPUS", "6")]), "5 5");
    assert_eq!(threads(&[("RAYON_RS_NUM_CPUS", "6")]), "6 6");
    assert_eq!(threads(&[("RAYON_NUM_THREADS", "0"), ("RAYON_RS_NUM_CPUS", "6")]), format!("{here} {here}"));
    assert_eq!(threads(&[("RAYON_NUM_THREADS", "many")]), format!("{here} {here}"));
}

#[test]
#[ignore = "a case of the tests below"]
fn panics_where_nobody_waits() {
    rayon_core::spawn(|| std::panic::resume_unwind(Box::new(())));
    loop {
        std::thread::park();
    }
}

#[test]
#[ignore = "a case of the tests below"]
fn panics_in_the_panic_handler() {
    let builder = rayon_core::ThreadPoolBuilder::new().panic_handler(|payload| std::panic::resume_unwind(payload));
    builder.build().unwrap().spawn(|| std::panic::resume_unwind(Box::new(())));
    loop {
        std::thread::park();
    }
}

#[cfg(unix)]
#[test]
fn a_panic_that_nobody_handles_aborts() {
    use std::os::unix::process::ExitStatusExt;

    for name in ["panics_where_nobody_waits", "panics_in_the_panic_handler"] {
        assert_eq!(case(name, &[]).status.signal(), Some(6), "{name}: SIGABRT");
    }
}

#[test]
#[ignore = "a case of the tests below"]
fn the_global_pool_is_made_as_asked() {
    let started = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = started.clone();
    let builder = rayon_core::ThreadPoolBuilder::new().num_threads(3).thread_name(|i| format!("global-{i}"));
    let builder = builder.start_handler(move |_| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    builder.build_global().unwrap();
    assert_eq!(rayon_core::current_num_threads(), 3);
    let names = rayon_core::broadcast(|_| std::thread::current().name().map(str::to_owned));
    assert_eq!(names, [0, 1, 2].map(|i| Some(format!("global-{i}"))));
    let again = rayon_core::ThreadPoolBuilder::new().start_handler(|_| panic!("starts in vain")).build_global();
    assert!(again.is_err());
    assert_eq!(started.load(std::sync::atomic::Ordering::Relaxed), 3);
    println!("\nas asked");
}

#[test]
#[ignore = "a case of the tests below"]
fn the_current_thread_is_the_first_of_the_global_pool() {
    rayon_core::ThreadPoolBuilder::new().num_threads(2).use_current_thread().build_global().unwrap();
    let here = std::thread::current().id();
    assert_eq!(rayon_core::current_thread_index(), Some(0));
    assert_eq!(rayon_core::broadcast(|_| std::thread::current().id())[0], here);
    assert_eq!(rayon_core::scope(|_| std::thread::current().id()), here);
    // Another thread's call is run by the other thread of the pool.
    let other = std::thread::spawn(|| rayon_core::scope(|_| rayon_core::current_thread_index())).join().unwrap();
    assert_eq!(other, Some(1));
    println!("\nas asked");
}

#[test]
fn the_global_pool_has_the_settings_of_whoever_is_first() {
    for name in ["the_global_pool_is_made_as_asked", "the_current_thread_is_the_first_of_the_global_pool"] {
        let output = case(name, &[]);
        assert!(String::from_utf8_lossy(&output.stdout).contains("\nas asked"), "{output:?}");
    }
}
