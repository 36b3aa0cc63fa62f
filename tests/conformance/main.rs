//! Every adapter against every promise.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod consumption;
#[path = "../../shared/search-index/tests/recall/corpus.rs"]
mod corpus;
mod differential;
mod dynamo;
mod expiry;
mod tables;
