//! Many devices and a server that loses, doubles and delays: whatever happens, every conversation
//! ends complete, in order, each message once, and every message is kept exactly once.
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
