//! The index against the texts themselves: what a query matches is always among its candidates.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod bytes;
mod corpus;
mod index;
mod languages;
mod queries;
