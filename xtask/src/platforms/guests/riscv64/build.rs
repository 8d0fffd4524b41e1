//! The link script is an argument of this package alone: flags for everything would rebuild `core`.

fn main() {
    let folder = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    println!("cargo::rustc-link-arg=-T{folder}/link.ld");
    println!("cargo::rerun-if-changed=link.ld");
}
