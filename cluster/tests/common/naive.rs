//! The barrier that people write first: a counter on the server, and a message from whoever brings it to the total.
#![allow(dead_code, reason = "each program uses a part of it")]

use std::time::Duration;

use ::redis::{Commands as _, Connection};

/// Completes a task.
pub(crate) fn complete(connection: &mut Connection, total: i64) {
    let count: i64 = connection.incr("count", 1).unwrap();
    if count == total {
        publish(connection, "complete");
    }
}

pub(crate) fn publish(connection: &mut Connection, message: &str) {
    let _: i64 = connection.publish("done", message).unwrap();
}

pub(crate) fn count(connection: &mut Connection) -> i64 {
    connection.get::<_, Option<i64>>("count").unwrap().unwrap_or(0)
}

/// Begins another run.
pub(crate) fn reset(connection: &mut Connection) {
    connection.set("count", 0).unwrap()
}

/// Subscribes, does something, and says whether a message came within the time. If not, this is where a producer hangs.
pub(crate) fn hears(connection: &mut Connection, timeout: Duration, after_subscribing: impl FnOnce()) -> bool {
    let mut channel = connection.as_pubsub();
    channel.subscribe("done").unwrap();
    after_subscribing();
    channel.set_read_timeout(Some(timeout)).unwrap();
    channel.get_message().is_ok()
}
