//! Every target with some thousand inputs: real ones, and such as follow from their numbers.
//!
//! A failure names its input. `TARGET_INPUTS=17..18` gives all targets those of these numbers;
//! `TARGET_INPUTS=0..1000000` more than the suite does.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

use std::ops::Range;
use std::panic::catch_unwind;

use targets::mutation::Inputs;
use targets::{Outcome, TARGETS};

/// A part of so many of a target's inputs has to be taken, and another refused: what is refused at
/// its first byte proves little, and so does what is hardly changed.
const PART: usize = 20;

/// The inputs of a run without the variable.
fn asked(count: u64) -> Range<u64> {
    #[expect(clippy::disallowed_methods, reason = "what is asked of a test beside the suite")]
    let Ok(text) = std::env::var("TARGET_INPUTS") else { return 0..count };
    let (first, end) = text.split_once("..").expect("TARGET_INPUTS is like 17..18");
    first.parse().unwrap()..end.parse().unwrap()
}

fn check(name: &str, count: u64) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let inputs = Inputs::new(target);
    let run = |input: &[u8], which: &str| {
        catch_unwind(|| (target.run)(input)).unwrap_or_else(|_| {
            panic!("{name} fails at {which}:\n\"{}\"", input.escape_ascii());
        })
    };
    for (number, seed) in inputs.seeds().iter().enumerate() {
        let outcome = run(seed, &format!("its real input {number}"));
        // An empty text or block is real as well.
        let is_short = seed.len() < 2;
        assert!(is_short || outcome == Outcome::Taken, "{name} refuses its real input {number}");
    }
    let numbers = asked(count);
    let total = numbers.clone().count();
    let outcomes = numbers.map(|number| run(&inputs.input(number), &format!("input {number}")));
    let taken = outcomes.filter(|outcome| *outcome == Outcome::Taken).count();
    let few = total / PART;
    assert!(taken >= few && total - taken >= few, "{name} took {taken} of {total}");
}

#[test]
fn frames_are_taken_or_refused() {
    check("frames", 20_000);
}

#[test]
fn keys_say_what_they_are_made_of() {
    check("keys", 20_000);
}

#[test]
fn pages_are_given_or_refused() {
    check("pages", 12_000);
}

#[test]
fn blocks_are_read_or_refused() {
    check("blocks", 12_000);
}

#[test]
fn templates_are_read_or_refused() {
    check("templates", 2_000);
}
