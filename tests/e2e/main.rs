//! The whole system, over real sockets and the functions' own binaries.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]
