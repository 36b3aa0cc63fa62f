//! The real SDK adapters, at the very settings of production, while requests fail underneath.
//!
//! * `clock`: time that passes when everything waits.
//! * `plan`, `seen`, `connector`, `outside`: an HTTP client that fails as planned.
//! * `cases`: every way in which one request of some work may fail.
//! * `world`: the functions' parts on top of it, and people who use them; `routes`: what the
//!   functions do with a frame.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]
#![expect(
    clippy::print_stdout,
    reason = "of many cases the last that is told is the one that fails"
)]

mod alerts;
mod appends;
mod cases;
mod clock;
mod connector;
mod deadlines;
mod late;
mod outside;
mod plan;
mod posts;
mod routes;
mod seen;
mod sends;
mod throttling;
mod world;
mod writes;
