//! Every adapter against every promise.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod consumption;
mod dynamo;
mod expiry;
mod tables;
