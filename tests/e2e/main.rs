//! The whole system, over real sockets and the functions' own binaries.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod alerts;
mod chaos;
mod command_line;
#[path = "../../shared/search-index/tests/recall/corpus.rs"]
mod corpus;
mod cost;
mod costs;
mod devices;
mod exchange;
mod finishing;
mod groups;
mod history;
mod indexing;
mod kicks;
mod kills;
mod life;
mod lists;
mod load;
mod logs;
mod members;
mod notifications;
mod permissions;
mod policies;
mod refusals;
mod remembering;
mod restart;
mod search;
mod searching;
mod sync;
mod tokens;
