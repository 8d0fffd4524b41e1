//! A program that uses rayon and reveille directly has one global pool.

use std::thread;

#[test]
fn both_use_the_same_threads() {
    rayon_core::ThreadPoolBuilder::new().num_threads(3).build_global().unwrap();
    assert_eq!(reveille_pool::current_num_threads(), 3);
    let here = || thread::current().id();
    assert_eq!(reveille_pool::broadcast(|_| here()), rayon_core::broadcast(|_| here()));
    // Reveille's own calls work in place, as guests; rayon's functions go on there.
    let caller = here();
    let results = reveille_pool::join(|| (rayon_core::join(here, || 2), rayon_core::current_thread_index()), || 3);
    assert_eq!(results, (((caller, 2), None), 3));
    let install = || rayon_core::scope(|_| here());
    assert!(rayon_core::broadcast(|_| here()).contains(&install()));
    assert!(reveille_pool::ThreadPoolBuilder::new().build_global().is_err());
}
