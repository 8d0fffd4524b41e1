//! `links` wants a build script. There is nothing to link.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
}
