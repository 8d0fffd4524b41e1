//! What the others have too.
#![no_std]
#![no_main]

sizes::program! {}
