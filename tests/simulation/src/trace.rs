//! What happened, line by line: printed of a run that is replayed, and digested of every run, so
//! that two of one seed can be compared to the byte.

use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Write};

/// What happened.
#[derive(Debug, Default)]
pub struct Trace {
    hasher: DefaultHasher,
    prints: bool,
}

impl Trace {
    /// One that is printed as it grows.
    pub fn printed() -> Self {
        Self { prints: true, ..Self::default() }
    }

    pub(crate) fn note(&mut self, now: u64, line: &str) {
        self.hasher.write_u64(now);
        self.hasher.write(line.as_bytes());
        if self.prints {
            drop(writeln!(io::stdout(), "{now:>8} {line}"));
        }
    }

    pub(crate) fn digest(&self) -> u64 {
        self.hasher.finish()
    }
}
