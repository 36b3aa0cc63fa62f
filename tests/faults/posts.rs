//! What `@connections` says of a device: gone, not now, or nothing at all. The message is kept
//! whatever it says.

use std::time::Duration;

use store::{Connections, Registration};
use timeline::exchange::Caller;
use timeline::{ConnectionId, Seq, UserId, limits};

use crate::clock::START;
use crate::plan::{Fault, Plan, Rule};
use crate::seen::{Seen, Service};
use crate::world::{World, caller, text};

/// Ada, who writes, and Bob, who listens.
struct Two {
    world: World,
    ada: Caller,
    bob: Caller,
    sent: u64,
}

impl Two {
    fn new() -> Self {
        let world = World::new();
        let (ada, bob) = (world.device("ada", "desk"), world.device("bob", "phone"));
        Self { world, ada, bob, sent: 0 }
    }

    /// Ada writes while it goes as planned; the posts to Bob that were tried.
    fn write(&mut self, plan: Plan) -> Vec<Seen> {
        self.world.go(plan);
        self.world.ok(&self.ada, &text("bob", "hello", self.sent));
        self.sent += 1;
        // Whatever became of the post, the message is in his inbox.
        let told = self.world.inbox("bob", Seq::new(self.sent - 1).unwrap());
        assert_eq!(told.len(), 1);
        let to_bob = self.bob.connection.as_str();
        let seen = self.world.seen_of("Post", "");
        seen.into_iter().filter(|seen| seen.key == to_bob).collect()
    }

    /// The connections by which Bob is registered.
    fn listening(&self) -> Vec<String> {
        let bob = [UserId::parse("bob").unwrap()];
        let found = self.world.calm(async |store| store.of(&bob).await).unwrap();
        let devices = found.into_iter().flat_map(|(_, devices)| devices);
        devices.map(|device| device.connection.as_str().to_owned()).collect()
    }

    /// How many alerts were published.
    fn alerts(&self) -> usize {
        self.world.connector.outside(|outside| outside.batches.len())
    }
}

/// The posts to Bob's phone fail like that.
fn posts(fault: Fault) -> Rule {
    // The first post of all is the answer to Ada.
    Rule::every(fault).on("Post", "").nth(2..=usize::MAX)
}

fn register(store: &store_dynamo::Dynamo, caller: &Caller) -> impl Future<Output = ()> {
    let registration = Registration {
        device: caller.device.clone(),
        platform: None,
        connection: caller.connection.clone(),
        connected: caller.connected,
        expires: caller.expires,
    };
    let (store, user) = (store.clone(), caller.user.clone());
    async move { drop(store.register(&user, &registration).await.unwrap()) }
}

#[test]
fn a_connection_that_is_gone_is_forgotten_and_its_user_is_alerted() {
    // Typed or not: emulators and proxies lose the header that types it.
    for fault in [Fault::Status(410), Fault::Untyped(410)] {
        let mut two = Two::new();
        let tried = two.write(Plan::of([posts(fault)]));
        assert_eq!(tried.len(), 1, "{fault:?} is final");
        assert_eq!(two.listening(), [""; 0]);
        assert_eq!(two.alerts(), 1);
    }
}

#[test]
fn a_connection_that_is_young_is_not_forgotten() {
    let mut two = Two::new();
    let young = Caller { connected: START, ..caller("bob", "phone") };
    two.world.calm(async |store| register(store, &young).await);
    for (waited, expected) in [(0, 1), (limits::YOUNG_CONNECTION_MS, 1), (1, 0)] {
        let time = Duration::from_millis(waited);
        two.world.clock.run(two.world.clock.after(time));
        two.write(Plan::of([posts(Fault::Status(410))]));
        assert_eq!(two.listening().len(), expected, "{waited}");
    }
}

#[test]
fn only_the_connection_that_is_gone_is_forgotten() {
    let mut two = Two::new();
    two.world.device("bob", "desk");
    // The phone connects again while a post to its old connection is under way.
    let again = ConnectionId::parse("again").unwrap();
    let again = Caller { connection: again, connected: START, ..caller("bob", "phone") };
    let store = two.world.calm(async |store| store.clone());
    let connected = move || crate::connector::REAL_TIME.block_on(register(&store, &again));
    two.world.connector.outside(|outside| outside.open.remove("bob-phone"));
    two.world.clock.then(Duration::from_millis(100), connected);
    let slow = Fault::Slow(Duration::from_millis(200));
    let tried = two.write(Plan::of([posts(slow)]));
    assert_eq!(tried.len(), 1);
    assert_eq!(two.listening(), ["bob-desk", "again"]);
}

#[test]
fn a_gateway_that_is_busy_or_broken_is_tried_three_times_and_given_up() {
    for fault in [
        Fault::Status(429),
        Fault::Status(500),
        Fault::Status(502),
        Fault::Status(503),
        Fault::Status(504),
        Fault::Dropped,
    ] {
        let mut two = Two::new();
        let tried = two.write(Plan::of([posts(fault)]));
        let tries: Vec<_> = tried.iter().map(|seen| (seen.attempt, seen.attempts_max)).collect();
        assert_eq!(tries, [(1, 3), (2, 3), (3, 3)], "{fault:?}");
        let pauses = [(0, 1, 50), (1, 2, 100)];
        for (before, after, at_most) in pauses {
            let pause = tried[after].at - tried[before].at;
            assert!(pause <= Duration::from_millis(at_most), "{fault:?}: {pause:?}");
        }
        assert_eq!(two.listening(), ["bob-phone"], "{fault:?}: nobody is forgotten for that");
        assert_eq!(two.alerts(), 0, "{fault:?}: he may have it");
    }
}

#[test]
fn a_gateway_that_recovers_delivers_once() {
    for fault in [Fault::Status(429), Fault::Status(503), Fault::Dropped] {
        let mut two = Two::new();
        let tried = two.write(Plan::of([posts(fault).tries(1..=2)]));
        assert_eq!(tried.len(), 3, "{fault:?}");
        let frames = two.world.connector.outside(|outside| outside.frames.clone());
        let delivered = frames.iter().filter(|(to, _)| to == "bob-phone").count();
        assert_eq!(delivered, 1, "{fault:?}");
    }
}

/// A peer that hangs is waited for as long as one operation takes, and keeps nobody else waiting.
#[test]
fn a_device_that_hangs_holds_up_nobody() {
    let mut two = Two::new();
    two.world.device("bob", "desk");
    let start = two.world.clock.elapsed();
    let hung = Rule::every(Fault::Hung).on("Post", "").nth(3..=3);
    let tried = two.write(Plan::of([hung]));
    let took = two.world.clock.elapsed() - start;
    assert_eq!(took, Duration::from_secs(3), "the operation's time, once");
    assert_eq!(tried.len(), 2, "two seconds a try");
    let all = two.world.seen_of("Post", "");
    let first = all.iter().filter(|seen| seen.attempt == 1);
    assert!(first.clone().all(|seen| seen.at == start), "all are posted to at once");
    assert_eq!(first.count(), 3);
}

/// A sender whose own connection hangs keeps the others waiting no more.
#[test]
fn a_sender_that_hangs_holds_up_nobody() {
    let two = Two::new();
    let start = two.world.clock.elapsed();
    let rule = Rule::every(Fault::Hung).to(Service::Connections).nth(1..=1);
    two.world.go(Plan::of([rule]));
    assert_eq!(two.world.ask(&two.ada, &text("bob", "hello", 0)), [""; 0]);
    let frames = two.world.connector.outside(|outside| outside.frames.clone());
    assert_eq!(frames.len(), 1);
    let seen = two.world.seen_of("Post", "");
    let posted: Vec<_> = seen.iter().filter(|seen| seen.key == "bob-phone").collect();
    assert_eq!((posted.len(), posted[0].at), (1, start));
    // The client repeats what it was not told, and is told then.
    two.world.go(Plan::default());
    assert_eq!(two.world.inbox("ada", Seq::ZERO).len(), 1);
}
