//! Nothing is waited for without end: a try, an operation, and the work on a frame.

use std::time::Duration;

use push::{Alert, Error, Notice, Push};
use serde_json::json;
use store::Directory;
use timeline::{ConversationId, Seq, limits};

use crate::plan::{Fault, Plan, Rule};
use crate::seen::Service;
use crate::world::{World, text};

/// What a client waits: section 5 of the data model has the store's, section 4 the posts'.
struct Settings {
    /// At most, before the first of the further tries.
    backoff: Duration,
    /// For one try.
    attempt: Duration,
    /// For all of them.
    operation: Duration,
    /// How many there is time for.
    tries: usize,
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

const STORE: Settings =
    Settings { backoff: ms(25), attempt: ms(800), operation: ms(3_000), tries: 3 };
const PUSH: Settings =
    Settings { backoff: ms(50), attempt: ms(2_000), operation: ms(3_000), tries: 2 };
const ALERTS: Settings =
    Settings { backoff: ms(50), attempt: ms(1_000), operation: ms(2_000), tries: 2 };

impl Settings {
    /// Has an operation done that is never answered: its tries begin and end as they are set.
    fn check<T>(&self, operation: impl AsyncFnOnce(&World) -> T) -> T {
        let world = World::new();
        let ada = world.device("ada", "desk");
        world.ok(&ada, &text("bob", "hello", 0));
        world.go(Plan::of([Rule::every(Fault::Hung)]));
        let start = world.clock.elapsed();
        let outcome = world.clock.run(operation(&world));
        let end = world.clock.elapsed() - start;
        let seen = world.seen();
        assert_eq!(seen.len(), self.tries);
        let mut due = Duration::ZERO..=Duration::ZERO;
        let mut backoff = self.backoff;
        for seen in &seen {
            let begins = seen.at - start;
            assert!(due.contains(&begins), "try {} begins at {begins:?}", seen.attempt);
            assert_eq!(seen.attempts_max, 3);
            due = begins + self.attempt..=begins + self.attempt + backoff;
            backoff *= 2;
        }
        assert_eq!(end, self.operation.min(*due.start()));
        outcome
    }
}

#[test]
fn a_store_that_never_answers_is_given_up() {
    let id = ConversationId::parse("d~ada~bob").unwrap();
    let outcome = STORE.check(async |world: &World| world.store.conversation(&id).await);
    assert!(matches!(outcome, Err(store::Error::Unavailable { .. })), "{outcome:?}");
}

/// Further tries are a budget: an outage that lasts is not made worse by them.
#[test]
fn a_store_that_fails_for_long_is_tried_once() {
    let world = World::new();
    let id = ConversationId::parse("d~ada~bob").unwrap();
    let mut tries = Vec::new();
    for _ in 0..100 {
        world.go(Plan::of([Rule::every(Fault::Status(500))]));
        world.clock.run(world.store.conversation(&id)).unwrap_err();
        tries.push(world.seen().len());
    }
    assert_eq!((tries[0], tries[99]), (3, 1));
    // It comes back as requests go well.
    world.go(Plan::default());
    for _ in 0..100 {
        world.clock.run(world.store.conversation(&id)).unwrap();
    }
    world.go(Plan::of([Rule::every(Fault::Status(500)).tries(1..=2)]));
    world.clock.run(world.store.conversation(&id)).unwrap();
}

#[test]
fn a_post_that_is_never_answered_is_given_up() {
    let ada = crate::world::caller("ada", "desk");
    let notice = Notice::Frame("{}".to_owned());
    let outcome = PUSH.check(async |world: &World| world.push.post(&ada.connection, &notice).await);
    assert!(matches!(outcome, Err(Error::Unavailable { .. })), "{outcome:?}");
}

#[test]
fn a_close_that_is_never_answered_is_given_up() {
    let ada = crate::world::caller("ada", "desk");
    let outcome = PUSH.check(async |world: &World| world.push.close(&ada.connection).await);
    assert!(matches!(outcome, Err(Error::Unavailable { .. })), "{outcome:?}");
}

#[test]
fn a_topic_that_never_answers_is_given_up() {
    let conversation = ConversationId::parse("d~ada~bob").unwrap();
    let outcome = ALERTS.check(async |world: &World| {
        let entry = world.timeline("d~ada~bob", Seq::ZERO).remove(0);
        let user = crate::world::caller("bob", "phone").user;
        let alert = Alert { user, conversation: conversation.clone(), entry: Box::new(entry) };
        world.alerts.publish(&[alert]).await
    });
    assert!(matches!(outcome, Err(Error::Unavailable { .. })), "{outcome:?}");
}

/// A store that takes nothing any more leaves the client's question open no longer than the route's
/// own deadline; and the client is told that it may ask again.
#[test]
fn a_message_that_is_not_kept_in_time_is_refused_at_the_deadline() {
    let world = World::new();
    let ada = world.device("ada", "desk");
    let message = text("bob", "hello", 0);
    world.ok(&ada, &text("bob", "before", 0));
    for message in [text("bob", "hello", 1), message] {
        for fault in [Fault::Hung, Fault::Mute] {
            world.go(Plan::of([Rule::every(fault).on("PutItem", "timeline")]));
            let start = world.clock.elapsed();
            let problem = world.refused(&ada, &message);
            assert_eq!((&problem["code"], &problem["name"]), (&json!(503), &json!("unavailable")));
            assert_eq!(problem["retry_after_ms"], limits::RETRY_AFTER_MS);
            assert_eq!(world.clock.elapsed() - start, ms(6_000), "{fault:?}");
        }
    }
}

/// Whatever route is asked, it answers by its deadline.
#[test]
fn every_route_answers_while_the_store_hangs() {
    let world = World::new();
    let (_, frames) = crate::throttling::frames(&world);
    for (asking, frame) in frames {
        world.go(Plan::of([Rule::every(Fault::Hung).to(Service::DynamoDb)]));
        let start = world.clock.elapsed();
        let problem = world.refused(&asking, &frame);
        assert_eq!(problem["name"], "unavailable", "{frame}");
        assert_eq!(problem["retry_after_ms"], limits::RETRY_AFTER_MS, "{frame}");
        assert!(world.clock.elapsed() - start <= ms(6_000), "{frame}");
        world.go(Plan::default());
        world.clock.run(world.clock.after(ms(limits::SIGNAL_GAP_MS)));
        world.ok(&asking, &frame);
    }
}

/// From the acknowledgement on nothing fails the call: an inbox that hangs is left to the stream.
#[test]
fn a_message_that_was_acknowledged_is_not_refused_at_the_deadline() {
    let world = World::new();
    let ada = world.device("ada", "desk");
    world.ok(&ada, &text("bob", "before", 0));
    world.go(Plan::of([Rule::every(Fault::Hung).on("PutItem", "inbox")]));
    let start = world.clock.elapsed();
    world.ok(&ada, &text("bob", "hello", 1));
    assert!(world.clock.elapsed() - start <= ms(6_000));
}
