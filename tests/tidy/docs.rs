//! Every file begins with what it is for.

use crate::tree::{require_none, sources};

#[test]
fn every_source_begins_with_its_purpose() {
    let sources = sources();
    let mute = sources.iter().filter(|file| {
        let first = file.text.lines().next().unwrap_or_default();
        first.strip_prefix("//! ").is_none_or(|purpose| purpose.trim().is_empty())
    });
    require_none(mute.map(|file| file.path.clone()), "a file begins with `//! `");
}
