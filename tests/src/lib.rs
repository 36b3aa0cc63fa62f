//! The harness: the whole system on this machine, and clients to talk to it.
//!
//! * [`Town`]: the gateway, the functions' own binaries and the embedded DynamoDB.
//! * [`Program`]: the gateway as a program, whose process can be killed.
//! * [`Client`]: a WebSocket client that knows frames as JSON and nothing else.
//! * [`Device`]: the client's engine on a real socket, for whoever is to behave as clients do.
//! * [`embedded`]: the embedded DynamoDB alone, and the store's adapter on it.
//! * [`binaries`]: what cargo builds, built once.
//!
//! Nothing here sleeps: a test waits for what it wants to see, for at most [`BOUND`].

#![expect(clippy::unwrap_used, reason = "what fails in a harness fails its test")]

pub mod binaries;
mod client;
mod device;
pub mod embedded;
mod invocation;
mod program;
mod town;

use std::time::Duration;

pub use client::{Client, Handshake, frame, id};
pub use device::{Device, Shown};
pub use program::Program;
pub use town::{Token, Town, deployment, deployment_with, development_token};

/// How long a test waits for anything at all before it fails.
pub const BOUND: Duration = Duration::from_secs(60);

/// Waits for `future`, and fails the test if it does not come.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, future).await.expect("what a test waits for comes within the bound")
}
