//! The fork-join contestants, and recursive code written once for all of them.
//!
//! What differs between the contestants is how they fork and the context that their closures get: none, a worker or a
//! scope. A benchmark writes its functions as a macro of both, and [`contestants!`] makes a module of them for each
//! contestant. [`race!`] then lets the contestants run one of the functions, each in its own pool:
//!
//! ```text
//! macro_rules! functions {
//!     ($join:ident, $context:ty) => {
//!         pub(crate) fn fib(w: $context, n: u32) -> u64 {
//!             if n < 2 { return n.into(); }
//!             let (a, b) = $join!(w, |w: $context| fib(w, n - 1), |w: $context| fib(w, n - 2));
//!             a + b
//!         }
//!     };
//! }
//! contestants!(functions);
//! race!(bench.row("fib(30)"), &pools, 1_346_268.0, fib(30)).run(1);
//! ```

use std::num::NonZero;

/// A pool of each kind. `threads` counts the caller where it works itself.
pub(crate) struct Pools {
    pub(crate) reveille: reveille::ThreadPool,
    pub(crate) rayon: rayon::ThreadPool,
    pub(crate) chili: chili::ThreadPool,
    pub(crate) forte: &'static forte::ThreadPool,
}

impl Pools {
    pub(crate) fn new(threads: usize) -> Self {
        // Never dropped. Its threads are beside the caller, who works.
        let forte: &'static forte::ThreadPool = Box::leak(Box::new(forte::ThreadPool::new()));
        forte.resize_to(threads - 1); // for good: its threads were seen not to end when they were asked to
        let config = chili::Config { thread_count: NonZero::new(threads), ..chili::Config::default() };
        Pools {
            reveille: reveille::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads"),
            rayon: rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads"),
            chili: chili::ThreadPool::with_config(config),
            forte,
        }
    }
}

#[allow(unused_imports, reason = "each benchmark uses a part of it")]
pub(crate) use crate::common::peers::{CHILI, CHILI_EVERY, FORTE, OURS, OURS_FREE, RAYON, SEQUENTIAL};

/// Both in order, for a context of nothing.
#[inline(always)]
pub(crate) fn in_sequence<RA, RB>(a: impl FnOnce(()) -> RA, b: impl FnOnce(()) -> RB) -> (RA, RB) {
    (a(()), b(()))
}

/// A module per contestant, with the functions that the macro `$functions` makes of a fork and a context.
macro_rules! contestants {
    ($functions:ident) => {
        mod in_sequence {
            use super::*;
            macro_rules! join {
                ($w:ident, $a:expr, $b:expr) => {{
                    let () = $w;
                    forks::in_sequence($a, $b)
                }};
            }
            $functions!(join, ());
        }
        mod by_reveille {
            use super::*;
            $functions!(join_by_context, &reveille::Worker);
        }
        mod by_reveille_free {
            use super::*;
            macro_rules! join {
                ($w:ident, $a:expr, $b:expr) => {{
                    let () = $w;
                    reveille::join(|| $a(()), || $b(()))
                }};
            }
            $functions!(join, ());
        }
        mod by_chili_every {
            use super::*;
            macro_rules! join {
                ($w:ident, $a:expr, $b:expr) => {
                    $w.join_with_heartbeat_every::<1, _, _, _, _>($a, $b)
                };
            }
            $functions!(join, &mut chili::Scope<'_>);
        }
        mod by_chili {
            use super::*;
            $functions!(join_by_context, &mut chili::Scope<'_>);
        }
        mod by_rayon {
            use super::*;
            macro_rules! join {
                ($w:ident, $a:expr, $b:expr) => {{
                    let () = $w;
                    rayon::join(|| $a(()), || $b(()))
                }};
            }
            $functions!(join, ());
        }
        mod by_forte {
            use super::*;
            $functions!(join_by_context, &forte::Worker);
        }
    };
}

macro_rules! join_by_context {
    ($w:ident, $a:expr, $b:expr) => {
        $w.join($a, $b)
    };
}

/// Adds the contestants to a row, ours first: each calls its version of a function, in its pool of `$pools`, and says
/// how many nanoseconds a call took per each of `$parts`.
macro_rules! race {
    ($row:expr, $pools:expr, $parts:expr, $function:ident($($argument:expr),*)) => {{
        let pools: &$crate::forks::Pools = $pools;
        let parts: f64 = $parts;
        $row.contestant($crate::forks::OURS, move |n| {
            pools.reveille.enter(|w| time(n, |_| _ = black_box(by_reveille::$function(w, $(black_box($argument)),*))))
                / parts
        })
        .contestant($crate::forks::OURS_FREE, move |n| {
            pools.reveille.install(|| {
                time(n, |_| _ = black_box(by_reveille_free::$function((), $(black_box($argument)),*)))
            }) / parts
        })
        .contestant($crate::forks::CHILI_EVERY, move |n| {
            let mut scope = pools.chili.scope();
            time(n, |_| _ = black_box(by_chili_every::$function(&mut scope, $(black_box($argument)),*))) / parts
        })
        .contestant($crate::forks::CHILI, move |n| {
            let mut scope = pools.chili.scope();
            time(n, |_| _ = black_box(by_chili::$function(&mut scope, $(black_box($argument)),*))) / parts
        })
        .contestant($crate::forks::RAYON, move |n| {
            pools.rayon.install(|| time(n, |_| _ = black_box(by_rayon::$function((), $(black_box($argument)),*)))) / parts
        })
        .contestant($crate::forks::FORTE, move |n| {
            pools.forte.with_worker(|w| {
                time(n, |_| _ = black_box(by_forte::$function(w, $(black_box($argument)),*)))
            }) / parts
        })
        .beside($crate::forks::SEQUENTIAL, move |n| {
            time(n, |_| _ = black_box(in_sequence::$function((), $(black_box($argument)),*))) / parts
        })
    }};
}
