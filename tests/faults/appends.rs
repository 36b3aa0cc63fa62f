//! A put whose answer is lost is put again at its place, by the SDK and by the protocol alike.

use serde_json::Value;
use timeline::Seq;
use timeline::exchange::Caller;

use crate::plan::{Fault, Plan, Rule};
use crate::world::{World, text};

/// How an answer gets lost although the request was applied.
const AMBIGUOUS: [Fault; 2] = [Fault::Lost, Fault::Mute];

/// A conversation of one message, and the next one, whose puts on the timeline fail like that.
struct Story {
    world: World,
    ada: Caller,
    frame: Value,
}

impl Story {
    fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        let world = World::new();
        let (ada, _) = (world.device("ada", "desk"), world.device("bob", "phone"));
        world.ok(&ada, &text("bob", "before", 0));
        world.go(Plan::of(rules));
        Self { world, ada, frame: text("bob", "survivor", 1) }
    }

    /// The places at which the message was put, in order.
    fn places(&self) -> Vec<String> {
        self.world.seen_of("PutItem", "timeline").into_iter().map(|seen| seen.key).collect()
    }

    /// One entry, and one in each inbox.
    fn stands_once(&self) {
        self.world.calm_down();
        let seqs = |seqs: Vec<_>| -> Vec<u64> { seqs.into_iter().map(Seq::number).collect() };
        let entries = self.world.timeline("d~ada~bob", Seq::ZERO);
        assert_eq!(seqs(entries.iter().map(|entry| entry.seq).collect()), [1, 2]);
        for user in ["ada", "bob"] {
            let inbox = self.world.inbox(user, Seq::ZERO);
            assert_eq!(seqs(inbox.iter().map(|entry| entry.position).collect()), [1, 2], "{user}");
            assert_eq!(seqs(inbox.iter().map(|entry| entry.seq).collect()), [1, 2], "{user}");
        }
    }
}

fn puts(fault: Fault) -> Rule {
    Rule::every(fault).on("PutItem", "timeline")
}

#[test]
fn the_sdk_repeats_a_put_at_its_place() {
    for fault in AMBIGUOUS {
        let story = Story::new([puts(fault).tries(1..=1)]);
        let ok = story.world.ok(&story.ada, &story.frame);
        assert_eq!(ok["seq"], 2, "{fault:?}");
        assert_eq!(story.places(), ["d~ada~bob/2"; 2], "{fault:?}");
        story.stands_once();
    }
}

#[test]
fn the_protocol_repeats_at_the_same_place_what_the_sdk_gave_up() {
    for fault in AMBIGUOUS {
        // Every one of the SDK's tries at the first put of the protocol, and two at the second.
        let rules = [puts(fault).nth(1..=1), puts(fault).nth(2..=2).tries(1..=2)];
        let story = Story::new(rules);
        let ok = story.world.ok(&story.ada, &story.frame);
        assert_eq!((&ok["seq"], &ok["duplicate"]), (&2.into(), &true.into()), "{fault:?}");
        let tries: Vec<_> = story.world.seen_of("PutItem", "timeline");
        let tries: Vec<_> = tries.iter().map(|seen| (seen.attempt, seen.attempts_max)).collect();
        assert_eq!(tries, [(1, 3), (2, 3), (3, 3), (1, 3), (2, 3), (3, 3)], "{fault:?}");
        assert_eq!(story.places(), ["d~ada~bob/2"; 6], "{fault:?}");
        story.stands_once();
    }
}

#[test]
fn a_client_that_is_told_nothing_of_its_message_finds_it_kept() {
    let story = Story::new([puts(Fault::Lost)]);
    let problem = story.world.refused(&story.ada, &story.frame);
    assert_eq!(problem["name"], "unavailable");
    assert_eq!(story.places(), ["d~ada~bob/2"; 9]);
    story.world.calm_down();
    let (ok, attempts) = story.world.persist(&story.ada, &story.frame);
    assert_eq!((&ok["seq"], &ok["duplicate"], attempts), (&2.into(), &true.into(), 1));
    assert_eq!(story.places(), [""; 0]);
    story.stands_once();
}
