//! Models and twins of `reveille-pool`, made by build.rs from `models/pool` and `twins/pool.toml`.
#![cfg(loom)]
#![allow(missing_docs, unreachable_pub, reason = "test modules")]

#[allow(unused_extern_crates, reason = "the layer's sources use it where they are compiled as a twin")]
extern crate alloc;

#[allow(unused_imports, reason = "a layer may have no models yet")]
use reveille_loom_tests::Check;

include!(concat!(env!("OUT_DIR"), "/pool.rs"));
