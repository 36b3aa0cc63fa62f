//! Many devices and a server that loses, doubles and delays: whatever happens, every conversation
//! ends complete, in order, each message once, and every message is kept exactly once; and what
//! counts as unread is the same on every device of a user and on the server.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod server;
mod world;

use proptest::prelude::*;
use world::World;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_message_is_kept_and_shown_exactly_once(seed in any::<u64>()) {
        let mut world = World::new(seed);
        world.run();
        prop_assert_eq!(world.violations(), Vec::<String>::new());
    }
}

/// Of what is read and taken back, too.
#[test]
fn the_worlds_have_messages_that_are_unread_and_read_and_withdrawn() {
    let extents = (0..60).map(|seed| {
        let mut world = World::new(seed);
        world.run();
        world.reading_extent()
    });
    let extents: Vec<(u64, u64, usize)> = extents.collect();
    let count =
        |is: fn(&(u64, u64, usize)) -> bool| extents.iter().filter(|extent| is(extent)).count();
    let (unread, read, withdrawn) =
        (count(|extent| extent.0 > 0), count(|extent| extent.1 > 0), count(|extent| extent.2 > 0));
    assert!(unread >= 30 && read >= 30 && withdrawn >= 30, "{unread}, {read}, {withdrawn}");
}

/// Worlds in which nothing of the kind happens would prove nothing.
#[test]
fn the_worlds_have_groups_that_become_large_and_members_that_come_back() {
    let extents = (0..60).map(|seed| {
        let mut world = World::new(seed);
        world.run();
        world.extent()
    });
    let extents: Vec<(bool, bool)> = extents.collect();
    let count = |is: fn(&(bool, bool)) -> bool| extents.iter().filter(|extent| is(extent)).count();
    let (large, small, back) = (count(|e| e.0), count(|e| !e.0), count(|e| e.0 && e.1));
    assert!(large >= 20 && small >= 5 && back >= 5, "{large} large, {small} small, {back} back");
}
