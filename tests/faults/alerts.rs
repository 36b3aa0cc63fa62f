//! A topic that fails: the message is kept and told, its marker is left out, and the stream has the
//! user alerted later, by an alert of the same id.

use std::time::Duration;

use timeline::Seq;
use timeline::exchange::Caller;

use crate::plan::{Fault, Plan, Rule};
use crate::seen::{Seen, Service};
use crate::world::{World, text};

/// Ada, who writes to Bob, who has no device online.
struct Two {
    world: World,
    ada: Caller,
}

impl Two {
    fn new() -> Self {
        let world = World::new();
        let ada = world.device("ada", "desk");
        Self { world, ada }
    }

    /// Ada writes while it goes as planned; what was said to the topic.
    fn write(&self, rules: impl IntoIterator<Item = Rule>) -> Vec<Seen> {
        self.world.go(Plan::of(rules));
        self.world.ok(&self.ada, &text("bob", "hello", 0));
        let mut seen = self.world.seen();
        seen.retain(|seen| seen.service == Service::Sns);
        seen
    }

    fn is_marked(&self) -> bool {
        !self.world.inbox("ada", Seq::ZERO).is_empty()
    }

    /// The ids of the alerts that arrived.
    fn ids(&self) -> Vec<String> {
        let batches = self.world.connector.outside(|outside| outside.batches.clone());
        let fields = batches.iter().flat_map(|batch| batch.split('&'));
        let ids = fields.filter(|field| field.contains("MessageDeduplicationId"));
        ids.map(str::to_owned).collect()
    }

    /// The stream comes by: what was left is done.
    fn finish(&self) {
        self.world.calm_down();
        for entry in self.world.timeline("d~ada~bob", Seq::ZERO) {
            self.world.come_by("d~ada~bob", &entry);
        }
        assert!(self.is_marked());
        assert_eq!(self.world.inbox("bob", Seq::ZERO).len(), 1);
        let ids = self.ids();
        assert!(!ids.is_empty() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
}

fn topic(fault: Fault) -> Rule {
    Rule::every(fault).to(Service::Sns)
}

#[test]
fn a_topic_that_is_busy_or_broken_is_tried_three_times_and_left_to_the_stream() {
    for fault in [
        Fault::Refused("Throttling"),
        Fault::Status(500),
        Fault::Status(503),
        Fault::Dropped,
        Fault::Lost,
    ] {
        let two = Two::new();
        let tries: Vec<_> = two.write([topic(fault)]).iter().map(|seen| seen.attempt).collect();
        assert_eq!(tries, [1, 2, 3], "{fault:?}");
        assert!(!two.is_marked(), "{fault:?}");
        two.finish();
    }
}

#[test]
fn a_topic_that_hangs_is_left_to_the_stream_in_time() {
    for fault in [Fault::Hung, Fault::Mute, Fault::Late(Duration::from_secs(60))] {
        let two = Two::new();
        let start = two.world.clock.elapsed();
        assert_eq!(two.write([topic(fault)]).len(), 2, "{fault:?}");
        assert_eq!(two.world.clock.elapsed() - start, Duration::from_secs(2), "{fault:?}");
        assert!(!two.is_marked(), "{fault:?}");
        two.finish();
    }
}

#[test]
fn a_topic_that_recovers_has_its_user_alerted_by_one_id() {
    for fault in [Fault::Refused("Throttling"), Fault::Status(500), Fault::Lost, Fault::Mute] {
        let two = Two::new();
        let tried = two.write([topic(fault).tries(1..=1)]);
        assert_eq!(tried.len(), 2, "{fault:?}");
        assert!(two.is_marked(), "{fault:?}");
        two.finish();
    }
}

/// The SDK knows SNS's own word for it as no reason to try again.
#[test]
fn a_topic_that_throttles_by_its_own_code_is_left_to_the_stream_at_once() {
    for fault in [Fault::Refused("Throttled"), Fault::Status(429)] {
        let two = Two::new();
        assert_eq!(two.write([topic(fault)]).len(), 1, "{fault:?}");
        assert!(!two.is_marked(), "{fault:?}");
        two.finish();
    }
}
