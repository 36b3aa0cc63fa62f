//! What the routes do, on a store in memory and a push that writes down.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod club;
mod completing;
mod connect;
mod crashes;
mod groups;
mod history;
mod indexing;
mod kicks;
mod large;
mod library;
mod races;
mod reading;
mod recalling;
mod reset;
mod schedules;
mod searching;
mod send;
mod shelf;
mod signals;
mod sync;
mod tardy;
mod telling;
mod town;
mod worlds;
