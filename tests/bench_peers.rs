//! What the benchmarks call their contestants is what they are built with.

#[path = "../benches/common/peers.rs"]
mod peers;

#[test]
fn versions_are_those_of_the_lock_file() {
    let lock = include_str!("../Cargo.lock");
    for (package, version) in peers::ALL {
        let entry = format!("name = \"{package}\"\nversion = \"{version}\"\n");
        assert!(lock.contains(&entry), "the benchmarks say {package} {version}; Cargo.lock does not");
    }
}
