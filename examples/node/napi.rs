//! The few functions of Node-API that the addon needs. The host process has them: nothing is downloaded or linked.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::null_mut;

pub(crate) type Env = *mut c_void;
pub(crate) type Value = *mut c_void;
pub(crate) type CallbackInfo = *mut c_void;
pub(crate) type Deferred = *mut c_void;
pub(crate) type ThreadsafeFunction = *mut c_void;
type Status = u32;
type Callback = unsafe extern "C" fn(Env, CallbackInfo) -> Value;
type CallJs = unsafe extern "C" fn(Env, Value, *mut c_void, *mut c_void);

pub(crate) const NONBLOCKING: u32 = 0;
pub(crate) const RELEASE: u32 = 0;
const OK: Status = 0;
/// The longest path.
const MOST_BYTES: usize = 4096;

unsafe extern "C" {
    fn napi_create_function(
        env: Env,
        name: *const c_char,
        length: usize,
        callback: Callback,
        data: *mut c_void,
        result: *mut Value,
    ) -> Status;
    fn napi_set_named_property(env: Env, object: Value, name: *const c_char, value: Value) -> Status;
    fn napi_get_cb_info(
        env: Env,
        info: CallbackInfo,
        count: *mut usize,
        arguments: *mut Value,
        this: *mut Value,
        data: *mut *mut c_void,
    ) -> Status;
    fn napi_get_value_string_utf8(env: Env, value: Value, bytes: *mut u8, room: usize, length: *mut usize) -> Status;
    fn napi_create_string_utf8(env: Env, bytes: *const u8, length: usize, result: *mut Value) -> Status;
    fn napi_create_double(env: Env, number: f64, result: *mut Value) -> Status;
    fn napi_create_error(env: Env, code: Value, message: Value, result: *mut Value) -> Status;
    fn napi_throw_type_error(env: Env, code: *const c_char, message: *const c_char) -> Status;
    fn napi_create_promise(env: Env, deferred: *mut Deferred, promise: *mut Value) -> Status;
    fn napi_resolve_deferred(env: Env, deferred: Deferred, value: Value) -> Status;
    fn napi_reject_deferred(env: Env, deferred: Deferred, value: Value) -> Status;
    fn napi_create_threadsafe_function(
        env: Env,
        function: Value,
        resource: Value,
        name: Value,
        max_queue_size: usize,
        threads: usize,
        finalize_data: *mut c_void,
        finalize: Option<unsafe extern "C" fn(Env, *mut c_void, *mut c_void)>,
        context: *mut c_void,
        call_js: CallJs,
        result: *mut ThreadsafeFunction,
    ) -> Status;
    pub(crate) fn napi_call_threadsafe_function(function: ThreadsafeFunction, data: *mut c_void, mode: u32) -> Status;
    pub(crate) fn napi_release_threadsafe_function(function: ThreadsafeFunction, mode: u32) -> Status;
    pub(crate) fn napi_ref_threadsafe_function(env: Env, function: ThreadsafeFunction) -> Status;
    pub(crate) fn napi_unref_threadsafe_function(env: Env, function: ThreadsafeFunction) -> Status;
    pub(crate) fn napi_add_env_cleanup_hook(
        env: Env,
        hook: unsafe extern "C" fn(*mut c_void),
        argument: *mut c_void,
    ) -> Status;
}

/// These calls fail only for wrong arguments or a pending exception; neither happens here.
fn check(status: Status) {
    assert_eq!(status, OK, "Node-API");
}

pub(crate) fn string(env: Env, text: &str) -> Value {
    let mut value = null_mut();
    // SAFETY: on the loop's thread, as all of these; the text is copied.
    check(unsafe { napi_create_string_utf8(env, text.as_ptr(), text.len(), &raw mut value) });
    value
}

pub(crate) fn number(env: Env, number: f64) -> Value {
    let mut value = null_mut();
    // SAFETY: as above.
    check(unsafe { napi_create_double(env, number, &raw mut value) });
    value
}

pub(crate) fn export(env: Env, exports: Value, name: &str, callback: Callback) {
    let name = CString::new(name).expect("names have no zeros");
    let mut function = null_mut();
    // SAFETY: as above.
    check(unsafe { napi_create_function(env, name.as_ptr(), usize::MAX, callback, null_mut(), &raw mut function) });
    // SAFETY: as above.
    check(unsafe { napi_set_named_property(env, exports, name.as_ptr(), function) });
}

/// The first argument of a call, if it is a string that is not too long.
pub(crate) fn first_string(env: Env, info: CallbackInfo) -> Option<String> {
    let mut count = 1;
    let mut argument = null_mut();
    // SAFETY: room for one argument.
    check(unsafe { napi_get_cb_info(env, info, &raw mut count, &raw mut argument, null_mut(), null_mut()) });
    let mut bytes = vec![0; MOST_BYTES];
    let mut length = 0;
    // SAFETY: there is as much room as it says.
    let status = unsafe { napi_get_value_string_utf8(env, argument, bytes.as_mut_ptr(), bytes.len(), &raw mut length) };
    if status != OK || length + 1 >= MOST_BYTES {
        return None;
    }
    bytes.truncate(length);
    String::from_utf8(bytes).ok()
}

/// Leaves an exception for JavaScript.
pub(crate) fn throw(env: Env, message: &CStr) -> Value {
    // SAFETY: as above.
    check(unsafe { napi_throw_type_error(env, null_mut(), message.as_ptr()) });
    null_mut()
}

pub(crate) fn promise(env: Env) -> (Deferred, Value) {
    let (mut deferred, mut promise) = (null_mut(), null_mut());
    // SAFETY: as above.
    check(unsafe { napi_create_promise(env, &raw mut deferred, &raw mut promise) });
    (deferred, promise)
}

pub(crate) fn resolve(env: Env, promise: Deferred, text: &str) {
    // SAFETY: settled once.
    check(unsafe { napi_resolve_deferred(env, promise, string(env, text)) });
}

pub(crate) fn reject(env: Env, promise: Deferred, reason: &str) {
    let mut error = null_mut();
    // SAFETY: as above.
    check(unsafe { napi_create_error(env, null_mut(), string(env, reason), &raw mut error) });
    // SAFETY: settled once.
    check(unsafe { napi_reject_deferred(env, promise, error) });
}

/// A handle by which any thread makes the loop call `call_js`.
pub(crate) fn threadsafe_function(env: Env, name: &str, call_js: CallJs) -> ThreadsafeFunction {
    let mut function = null_mut();
    let name = string(env, name);
    // SAFETY: no function, resource, data or context: `call_js` does everything.
    check(unsafe {
        napi_create_threadsafe_function(
            env,
            null_mut(),
            null_mut(),
            name,
            0,
            1,
            null_mut(),
            None,
            null_mut(),
            call_js,
            &raw mut function,
        )
    });
    function
}
