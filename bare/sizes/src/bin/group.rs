//! `Group`: wait.
#![no_std]
#![no_main]

use core::hint::black_box;

use reveille::barrier::Group;

static GROUP: Group<3> = Group::new();

sizes::program! {
    if let Ok(mut member) = GROUP.claim() {
        _ = black_box(member.wait());
        core::mem::forget(member);
    }
}
