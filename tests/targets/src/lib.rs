//! What is fuzzed: everything that reads bytes which somebody else wrote.
//!
//! A target takes any bytes and asserts what must hold of them. Each has one body, run in two ways:
//! on every `cargo test` with some thousand inputs that follow from their numbers, and by
//! `cargo fuzz` (the folder `fuzz`) for as long as one likes.
//!
//! # Layout
//!
//! * [`frames`]: requests, answers and pushes.
//! * [`keys`]: ids, and the database's keys that are made of them.
//! * [`pages`]: where lists and searches go on.
//! * [`blocks`]: search blocks.
//! * [`templates`]: SAM templates and configurations.
//! * [`mutation`]: inputs of a target, each from a real one.
//!
//! # Invariants
//!
//! * A target is a function of its bytes alone, so an input that fails once fails again.

#![expect(clippy::unwrap_used, reason = "what fails in a target is a finding")]

pub mod blocks;
pub mod frames;
pub mod keys;
pub mod mutation;
pub mod pages;
pub mod templates;

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken, as one of the things that it could be.
    Taken,
    /// It was refused, as all of them.
    Refused,
}

impl Outcome {
    /// Taken, if any of them was.
    pub fn any(taken: impl IntoIterator<Item = bool>) -> Self {
        // Every one is looked at: each asserts something.
        let count = taken.into_iter().filter(|taken| *taken).count();
        if count > 0 { Self::Taken } else { Self::Refused }
    }
}

/// A target, and what its inputs are made of.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, as `cargo fuzz` knows it.
    pub name: &'static str,
    /// Its body: panics at a finding.
    pub run: fn(&[u8]) -> Outcome,
    /// Real inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// What means something inside an input.
    pub dictionary: &'static [&'static str],
}

/// Every target.
pub const TARGETS: [Target; 5] =
    [frames::TARGET, keys::TARGET, pages::TARGET, blocks::TARGET, templates::TARGET];

/// The workspace's files whose folder is `folder` and whose names end so, in the order of names.
fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
    let items = std::fs::read_dir(format!("{root}{folder}")).unwrap();
    let mut paths: Vec<_> = items.map(|item| item.unwrap().path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(ending));
    paths.sort();
    assert!(!paths.is_empty(), "no file of {folder} ends with {ending}");
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}
