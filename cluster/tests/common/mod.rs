//! What the tests on a real server share.
#![allow(dead_code, unused_imports, reason = "each test program uses a part of it")]

mod basics;
pub(crate) mod naive;
pub(crate) mod proxy;
pub(crate) mod server;

pub(crate) use basics::*;
pub(crate) use server::RedisServer;

use reveille_cluster::redis::Server;

/// The client of a server.
pub(crate) fn client(server: &RedisServer) -> Server {
    Server::new(server.url()).expect("an address")
}

/// A bare connection, for a test that looks behind the client, or for a wrong variant.
pub(crate) fn bare(server: &RedisServer) -> ::redis::Connection {
    ::redis::Client::open(server.url()).unwrap().get_connection().unwrap()
}
