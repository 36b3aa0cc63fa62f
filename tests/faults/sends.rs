//! Whatever request of `send` fails, and however: after the client's repeats the message stands
//! once, nothing has a hole, and every inbox is complete.

use std::time::Duration;

use serde_json::{Value, json};
use timeline::exchange::Caller;
use timeline::{MessageId, Seq};

use crate::cases;
use crate::plan::{Fault, Plan};
use crate::world::{World, text};

/// What happens by chance.
const FAULTS: [Fault; 8] = [
    Fault::Dropped,
    Fault::Hung,
    Fault::Lost,
    Fault::Mute,
    Fault::Slow(Duration::from_millis(2_500)),
    Fault::Late(Duration::from_secs(7)),
    Fault::Refused("ThrottlingException"),
    Fault::Status(503),
];

/// Which message is sent.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The first one to somebody.
    First,
    /// A later one to somebody.
    Later,
    /// One whose client cannot say its base.
    Claimed,
    /// One to a group, with a member who is offline.
    Group,
}

/// People who write to each other, and how many messages they have kept.
struct People {
    ada: Caller,
    users: Vec<String>,
    conversation: String,
    kind: Kind,
    kept: u64,
}

impl People {
    fn meet(world: &World, kind: Kind, number: usize) -> Self {
        let name = |letter: &str| format!("{letter}{number}");
        let (a, b, c) = (name("a"), name("b"), name("c"));
        world.go(Plan::default());
        let ada = world.device(&a, "desk");
        world.device(&a, "phone");
        world.device(&b, "phone");
        let mut conversation = format!("d~{a}~{b}");
        let mut users = vec![a, b.clone()];
        let mut kept = 1;
        match kind {
            Kind::First => kept = 0,
            Kind::Later | Kind::Claimed => drop(world.ok(&ada, &text(&b, "before", 0))),
            Kind::Group => {
                let made = json!({ "op": "create", "title": "tea", "members": [b, c] });
                let made = world.ok(&ada, &tests::frame("group", made));
                conversation = made["conversation"].as_str().unwrap().to_owned();
                users.push(c);
            }
        }
        Self { ada, users, conversation, kind, kept }
    }

    /// The next message.
    fn message(&self) -> Value {
        let mut frame = text(&self.users[1], "survivor", self.kept);
        let fields = frame.as_object_mut().unwrap();
        match self.kind {
            Kind::First | Kind::Later => {}
            Kind::Claimed => drop(fields.remove("base")),
            Kind::Group => {
                fields.remove("to");
                fields.insert("conversation".to_owned(), json!(self.conversation));
            }
        }
        frame
    }

    /// Sends a message until it is acknowledged, and lets everything arrive and the stream come by:
    /// it is the next on the timeline and in every inbox, and nothing else is there.
    ///
    /// Whether any request was struck.
    fn say(&mut self, world: &World, message: &Value) -> bool {
        let (ok, _) = world.persist(&self.ada, message);
        let (before, seq) = (Seq::new(self.kept).unwrap(), self.kept + 1);
        assert_eq!(ok["seq"], seq);
        let struck = world.seen().iter().any(|seen| seen.fault.is_some());
        world.calm_down();
        let entries = world.timeline(&self.conversation, before);
        for entry in &entries {
            world.come_by(&self.conversation, entry);
        }
        let ids: Vec<_> = entries.iter().map(|entry| (entry.seq.number(), entry.id)).collect();
        let id = MessageId::parse(message["cid"].as_str().unwrap()).unwrap();
        assert_eq!(ids, [(seq, id)], "the timeline has it once, without a hole");
        for user in &self.users {
            let told = world.inbox(user, before).into_iter();
            let told = told.map(|entry| (entry.position.number(), entry.seq.number()));
            let told: Vec<_> = told.collect();
            assert_eq!(told, [(seq, seq)], "the inbox of {user} has it once, without a hole");
        }
        self.kept = seq;
        struck
    }
}

/// Sends messages of a kind, each with another request that fails in another way.
fn sweep(kind: Kind) {
    let world = World::new();
    let mut people = People::meet(&world, kind, 0);
    let message = people.message();
    world.go(Plan::default());
    world.ok(&people.ada, &message);
    let seen = world.seen();
    people.say(&world, &message);
    let cases = cases::doubtful(&seen).into_iter().chain(cases::plain(&seen));
    for (number, case) in (1..).zip(cases) {
        if matches!(kind, Kind::First) {
            people = People::meet(&world, kind, number);
        }
        let message = people.message();
        world.go(case.plan());
        println!("{kind:?}: {case:?}");
        assert!(people.say(&world, &message), "it is struck");
    }
}

#[test]
fn the_first_message_survives_any_fault_of_any_request() {
    sweep(Kind::First);
}

#[test]
fn a_later_message_survives_any_fault_of_any_request() {
    sweep(Kind::Later);
}

#[test]
fn a_message_without_a_base_survives_any_fault_of_any_request() {
    sweep(Kind::Claimed);
}

#[test]
fn a_message_to_a_group_survives_any_fault_of_any_request() {
    sweep(Kind::Group);
}

/// Any request may fail in any way, the client's repeats included.
#[test]
fn messages_survive_faults_by_chance() {
    let world = World::new();
    for seed in 0..32 {
        let kinds = [Kind::First, Kind::Later, Kind::Claimed, Kind::Group];
        let kind = kinds[seed % kinds.len()];
        let mut people = People::meet(&world, kind, seed);
        let message = people.message();
        world.go(Plan::chance(seed as u64, 30, FAULTS.to_vec()));
        println!("seed {seed}, {kind:?}");
        people.say(&world, &message);
    }
}
