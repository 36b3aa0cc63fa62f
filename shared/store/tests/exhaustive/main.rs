//! Everything that can happen to the protocols of the store in small cases, and to those that were
//! refuted: of these the explorer has to find what is wrong.
//!
//! Each test prints how large its case is, and what was found and by which way.
#![expect(clippy::print_stdout, reason = "what was explored is of interest when a test is run")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod append;
mod explorer;
mod inbox;
mod log;
mod variants;
