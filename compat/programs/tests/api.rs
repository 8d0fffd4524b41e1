//! The public API, item by item: this file compiles against rayon-core and against what takes its place.

#![allow(deprecated, reason = "part of the API")]

use std::any::Any;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::{io, thread};

use rayon_core::{
    BroadcastContext, Configuration, FnContext, Scope, ScopeFifo, ThreadBuilder, ThreadPool, ThreadPoolBuildError,
    ThreadPoolBuilder, Yield,
};

fn is<T: ?Sized>() {}
fn debug<T: Debug>() {}
fn send<T: Send>() {}
fn sync<T: Sync>() {}

#[test]
fn traits_of_the_types() {
    debug::<ThreadPool>();
    send::<ThreadPool>();
    sync::<ThreadPool>();
    debug::<ThreadPoolBuilder>();
    debug::<Configuration>();
    debug::<ThreadBuilder>();
    send::<ThreadBuilder>();
    debug::<ThreadPoolBuildError>();
    send::<ThreadPoolBuildError>();
    sync::<ThreadPoolBuildError>();
    debug::<Scope<'_>>();
    send::<Scope<'_>>();
    sync::<Scope<'_>>();
    debug::<ScopeFifo<'_>>();
    send::<ScopeFifo<'_>>();
    sync::<ScopeFifo<'_>>();
    debug::<FnContext>();
    debug::<BroadcastContext<'_>>();

    fn error<T: Error + Display + 'static>() {}
    error::<ThreadPoolBuildError>();

    fn value<T: Clone + Copy + Debug + PartialEq + Eq + Send + Sync + UnwindSafe + RefUnwindSafe>() {}
    value::<Yield>();

    fn default<T: Default>() {}
    default::<ThreadPoolBuilder>();
    default::<Configuration>();

    is::<ThreadPoolBuilder<()>>(); // any parameter
}

#[test]
fn functions() {
    let _: usize = rayon_core::max_num_threads();
    let _: usize = rayon_core::current_num_threads();
    let _: Option<usize> = rayon_core::current_thread_index();
    let _: Option<bool> = rayon_core::current_thread_has_pending_tasks();
    let _: Option<Yield> = rayon_core::yield_now();
    let _: Option<Yield> = rayon_core::yield_local();
    assert_eq!([Yield::Executed, Yield::Idle].len(), 2);
    let _: (u8, u16) = rayon_core::join(|| 1, || 2);
    let _: (bool, bool) = rayon_core::join_context(|a: FnContext| a.migrated(), |b: FnContext| b.migrated());
    let _: u8 = rayon_core::scope(|_: &Scope<'_>| 1);
    let _: u8 = rayon_core::scope_fifo(|_: &ScopeFifo<'_>| 1);
    let _: u8 = rayon_core::in_place_scope(|_: &Scope<'_>| 1);
    let _: u8 = rayon_core::in_place_scope_fifo(|_: &ScopeFifo<'_>| 1);
    rayon_core::spawn(|| ());
    rayon_core::spawn_fifo(|| ());
    let _: Vec<usize> = rayon_core::broadcast(|context: BroadcastContext<'_>| context.index());
    rayon_core::spawn_broadcast(|context: BroadcastContext<'_>| assert!(context.index() < context.num_threads()));
    let _: Result<(), Box<dyn Error>> = rayon_core::initialize(Configuration::new());
}

#[test]
fn methods_of_scopes() {
    rayon_core::scope(|scope| {
        scope.spawn(|_: &Scope<'_>| ());
        scope.spawn_broadcast(|_: &Scope<'_>, _: BroadcastContext<'_>| ());
    });
    rayon_core::scope_fifo(|scope| {
        scope.spawn_fifo(|_: &ScopeFifo<'_>| ());
        scope.spawn_broadcast(|_: &ScopeFifo<'_>, _: BroadcastContext<'_>| ());
    });
}

#[test]
fn methods_of_a_pool() {
    let pool: ThreadPool = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let _: u8 = pool.install(|| 1);
    let _: Vec<usize> = pool.broadcast(|context: BroadcastContext<'_>| context.index());
    let _: usize = pool.current_num_threads();
    let _: Option<usize> = pool.current_thread_index();
    let _: Option<bool> = pool.current_thread_has_pending_tasks();
    let _: (u8, u16) = pool.join(|| 1, || 2);
    let _: u8 = pool.scope(|_: &Scope<'_>| 1);
    let _: u8 = pool.scope_fifo(|_: &ScopeFifo<'_>| 1);
    let _: u8 = pool.in_place_scope(|_: &Scope<'_>| 1);
    let _: u8 = pool.in_place_scope_fifo(|_: &ScopeFifo<'_>| 1);
    pool.spawn(|| ());
    pool.spawn_fifo(|| ());
    pool.spawn_broadcast(|_: BroadcastContext<'_>| ());
    let _: Option<Yield> = pool.yield_now();
    let _: Option<Yield> = pool.yield_local();
    let _: Result<ThreadPool, Box<dyn Error>> = ThreadPool::new(Configuration::new());
}

#[test]
fn methods_of_builders() {
    let pool: Result<ThreadPool, ThreadPoolBuildError> = ThreadPoolBuilder::new()
        .num_threads(1)
        .thread_name(|index: usize| index.to_string())
        .stack_size(1 << 20)
        .panic_handler(|_: Box<dyn Any + Send>| ())
        .start_handler(|_: usize| ())
        .exit_handler(|_: usize| ())
        .breadth_first()
        .spawn_handler(|thread: ThreadBuilder| -> io::Result<()> {
            let _: usize = thread.index();
            let _: Option<&str> = thread.name();
            let _: Option<usize> = thread.stack_size();
            thread::spawn(|| thread.run());
            Ok(())
        })
        .num_threads(1) // after a spawn handler, too
        .build();
    pool.unwrap();
    let scoped: Result<u8, ThreadPoolBuildError> =
        ThreadPoolBuilder::new().num_threads(1).build_scoped(|thread| thread.run(), |_: &ThreadPool| 1);
    scoped.unwrap();
    let _: fn(ThreadPoolBuilder) -> ThreadPoolBuilder = ThreadPoolBuilder::use_current_thread;
    let _: fn(ThreadPoolBuilder) -> Result<(), ThreadPoolBuildError> = ThreadPoolBuilder::build_global;
    let pool: Result<ThreadPool, Box<dyn Error>> = Configuration::new()
        .num_threads(1)
        .thread_name(|index: usize| index.to_string())
        .stack_size(1 << 20)
        .panic_handler(|_: Box<dyn Any + Send>| ())
        .start_handler(|_: usize| ())
        .exit_handler(|_: usize| ())
        .breadth_first()
        .build();
    pool.unwrap();
}
