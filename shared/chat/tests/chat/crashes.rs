//! A call that ends at any await, and one that goes on after its successor: exhaustively.

use std::pin::pin;
use std::task::{Context, Waker};

use crate::town::{Town, caller, direct, message, poll, run, text};

/// How a message is sent: what was there before, and the base it names.
const CASES: [(u64, Option<u64>); 4] = [(0, Some(0)), (2, Some(2)), (0, None), (2, None)];

#[test]
fn a_call_that_ends_at_any_await_is_finished_by_its_repeat() {
    for (before, base) in CASES {
        let mut polls = 0;
        while !crash_and_repeat(before, base, &[polls]) {
            polls += 1;
        }
        assert!(polls >= 6, "only {polls} awaits were met");
    }
}

#[test]
fn two_calls_that_end_at_any_await_are_finished_by_the_third() {
    for (before, base) in CASES {
        let mut first = 0;
        loop {
            let mut second = 0;
            while !crash_and_repeat(before, base, &[first, second]) {
                second += 1;
            }
            if crash_and_repeat(before, base, &[first]) {
                break;
            }
            first += 1;
        }
    }
}

#[test]
fn a_call_that_goes_on_after_its_repeat_doubles_nothing() {
    for (before, base) in CASES {
        let mut polls = 0;
        while !stall_and_repeat(before, base, polls) {
            polls += 1;
        }
        assert!(polls >= 6, "only {polls} awaits were met");
    }
}

/// Each attempt ends after so many polls, the last one is let through. Whether an attempt was
/// through before its end.
fn crash_and_repeat(before: u64, base: Option<u64>, crashes: &[usize]) -> bool {
    let town = Town::new();
    let desk = caller("alice", "desk");
    town.fill(&desk, "bob", before);
    let mut done = false;
    for polls in crashes {
        let attempt = town.attempt(&desk, text("bob", before + 1, base));
        done = poll(attempt, *polls).is_some();
    }
    town.send(&desk, text("bob", before + 1, base));
    require_once(&town, before, &format!("{before} before, base {base:?}, crashes {crashes:?}"));
    done
}

/// The first attempt stops after so many polls, its repeat is let through, the first goes on.
/// Whether it had nothing left to do.
fn stall_and_repeat(before: u64, base: Option<u64>, polls: usize) -> bool {
    let town = Town::new();
    let desk = caller("alice", "desk");
    town.fill(&desk, "bob", before);
    let mut stalled = pin!(town.attempt(&desk, text("bob", before + 1, base)));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if stalled.as_mut().poll(&mut context).is_ready() {
            return true;
        }
    }
    town.send(&desk, text("bob", before + 1, base));
    run(stalled).unwrap();
    require_once(&town, before, &format!("{before} before, base {base:?}, stalled {polls}"));
    false
}

/// Message `before + 1` stands once on the timeline and in both inboxes.
fn require_once(town: &Town, before: u64, case: &str) {
    let entries = town.entries(&direct("alice", "bob"));
    let ids: Vec<_> = entries.iter().map(|entry| entry.id).collect();
    assert_eq!(ids, (1..=before + 1).map(message).collect::<Vec<_>>(), "{case}");
    let places: Vec<_> = (1..=before + 1).map(|number| format!("{number}={number}")).collect();
    for user in ["alice", "bob"] {
        assert_eq!(town.places(user), places, "{user}'s inbox: {case}");
        assert_eq!(town.conversations(user), [direct("alice", "bob")], "{user}'s list: {case}");
    }
}
