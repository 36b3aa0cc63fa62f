//! Everything that can happen between fan-outs, devices that connect, leave and sync, and the
//! registry, in small cases; and what happens where one rule is missing.
//!
//! Each test prints how large its case is, and what was found and by which way.
#![expect(clippy::print_stdout, reason = "what was explored is of interest when a test is run")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod anchor;
mod harbor;
mod kicks;
mod lax;
mod registry;
mod sending;
