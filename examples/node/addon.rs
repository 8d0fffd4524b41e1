//! A Node.js addon: JavaScript calls the pool, and the JavaScript event loop delivers the results.
//!
//! ```text
//! cargo build --release --example node_addon
//! node examples/node/host.js target/release/examples/libnode_addon.so [FILE]
//! ```
//!
//! `hashFile(path)` returns a promise at once. A worker of the pool reads and hashes the file and publishes the digest;
//! the edge of the bridge is one call of a thread-safe function, and when the loop calls back, one drain settles every
//! promise that is ready. The main thread never waits, and the workers give way to it.
#![cfg(target_os = "linux")]

mod napi;
#[path = "../line_server/schedule.rs"]
#[allow(dead_code, reason = "the line servers' choice; here there is one")]
mod schedule;
#[path = "../line_server/sha256.rs"]
mod sha256;

use std::cell::RefCell;
use std::ffi::c_void;
use std::io;
use std::ptr::null_mut;
use std::sync::Arc;

use napi::{CallbackInfo, Deferred, Env, ThreadsafeFunction, Value};
use reveille::bridge::{Boxed, Bridge, Budget, Phase, Receiver, Signal};
use reveille::{ThreadPool, ThreadPoolBuilder};

const WORKERS: usize = 2;
/// Promises settled in one turn of the loop.
const BUDGET: Budget = Budget::items(64);

/// A promise and what it shall become.
struct Answer {
    promise: Deferred,
    digest: io::Result<String>,
}

// SAFETY: the promise is only used on the loop's thread.
unsafe impl Send for Answer {}

/// Makes the JavaScript loop call [`drain`].
struct CallLoop(ThreadsafeFunction);

// SAFETY: that is what a thread-safe function is for.
unsafe impl Send for CallLoop {}
// SAFETY: as above.
unsafe impl Sync for CallLoop {}

impl Signal for CallLoop {
    fn signal(&self) {
        // SAFETY: not released before `retire`.
        unsafe { napi::napi_call_threadsafe_function(self.0, null_mut(), napi::NONBLOCKING) };
    }

    /// The last one out gives the handle back.
    fn retire(&self) {
        // SAFETY: nobody signals any more.
        unsafe { napi::napi_release_threadsafe_function(self.0, napi::RELEASE) };
    }
}

type Mail = Bridge<Boxed<Answer>, CallLoop>;

/// What the loop's thread has.
struct Host {
    pool: ThreadPool,
    mail: Arc<Mail>,
    receiver: Receiver<Arc<Mail>>,
    /// Promises not settled yet. While there are any, the loop stays.
    open: usize,
}

thread_local! {
    static HOST: RefCell<Option<Host>> = const { RefCell::new(None) };
}

/// Node.js calls this when the addon is loaded.
///
/// # Safety
///
/// Called by Node.js, with what it passes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn napi_register_module_v1(env: Env, exports: Value) -> Value {
    let function = napi::threadsafe_function(env, "reveille", drain);
    // The loop need not stay for the handle itself.
    // SAFETY: the handle was just made on this loop.
    unsafe { napi::napi_unref_threadsafe_function(env, function) };
    let mail = Arc::new(Mail::new(CallLoop(function)));
    let receiver = Bridge::attach_to(mail.clone()).expect("a new bridge has no receiver");
    let builder = ThreadPoolBuilder::new().num_threads(WORKERS);
    let pool = builder.start_handler(|_| schedule::Schedule::Idle.apply()).build().expect("threads can be made");
    HOST.set(Some(Host { pool, mail, receiver, open: 0 }));
    // SAFETY: the hook is a function of this library, which Node.js does not unload.
    unsafe { napi::napi_add_env_cleanup_hook(env, leave, null_mut()) };
    napi::export(env, exports, "hashFile", hash_file);
    napi::export(env, exports, "signals", signals);
    exports
}

/// `hashFile(path)`: a promise for the file's digest.
unsafe extern "C" fn hash_file(env: Env, info: CallbackInfo) -> Value {
    let Some(path) = napi::first_string(env, info) else {
        return napi::throw(env, c"hashFile takes a path");
    };
    let (promise, value) = napi::promise(env);
    HOST.with_borrow_mut(|host| {
        let Some(host) = host else { return };
        if host.open == 0 {
            // SAFETY: on the loop's thread.
            unsafe { napi::napi_ref_threadsafe_function(env, host.mail.signal().0) };
        }
        host.open += 1;
        let mail = host.mail.clone();
        let promise = SendDeferred(promise);
        host.pool
            .spawn(move || {
                let promise = promise; // all of it, not its field
                if mail.phase() == Phase::Closed {
                    return; // the loop is gone, and the promise with it
                }
                let answer = Answer { promise: promise.0, digest: sha256::of_file(&path) };
                drop(mail.try_publish(0, Boxed::new(answer))); // refused: as above
            })
            .detach();
    });
    value
}

struct SendDeferred(Deferred);

// SAFETY: the worker only carries it.
unsafe impl Send for SendDeferred {}

/// The loop's turn: settles what is ready.
unsafe extern "C" fn drain(env: Env, _function: Value, _context: *mut c_void, _data: *mut c_void) {
    if env.is_null() {
        return; // the loop is going away
    }
    HOST.with_borrow_mut(|host| {
        let Some(host) = host else { return };
        let Host { receiver, open, .. } = host;
        let drained = receiver.drain(BUDGET, |answer| {
            let Answer { promise, digest } = answer.into_inner();
            *open -= 1;
            match digest {
                Ok(digest) => napi::resolve(env, promise, &digest),
                Err(error) => napi::reject(env, promise, &error.to_string()),
            }
        });
        if drained.is_ok() && host.open == 0 {
            // SAFETY: on the loop's thread.
            unsafe { napi::napi_unref_threadsafe_function(env, host.mail.signal().0) };
        }
    });
}

/// `signals()`: how often a worker has called the loop.
unsafe extern "C" fn signals(env: Env, _info: CallbackInfo) -> Value {
    let count = HOST.with_borrow(|host| host.as_ref().map_or(0, |host| host.mail.edges()));
    napi::number(env, count as f64)
}

/// The loop ends: what is not delivered never will be.
///
/// Node.js frees the handle after this, also under a thread that is just calling it. So this is the one place that waits
/// for the workers: a job that runs is finished, those behind it see that nobody wants them.
unsafe extern "C" fn leave(_: *mut c_void) {
    if let Some(mut host) = HOST.take() {
        drop(host.receiver.close_now());
        host.pool.shutdown();
    }
}
