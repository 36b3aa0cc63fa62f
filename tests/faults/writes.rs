//! Whatever write of a change is in doubt, and however: after the client's repeats all is as if
//! nothing had failed, and what arrives late changes nothing any more.

use serde_json::{Value, json};
use store::{Directory, Members};
use timeline::exchange::Caller;
use timeline::{ConversationId, Seq, UserId};

use crate::cases;
use crate::plan::Plan;
use crate::world::{World, caller, text};

/// Ada's group, with Bob and Cleo, and one message in it.
struct Club {
    ada: Caller,
    bob: Caller,
    users: [String; 4],
    id: String,
}

impl Club {
    fn meet(world: &World, number: usize) -> Self {
        world.go(Plan::default());
        let name = |letter: &str| format!("{letter}{number}");
        let users = [name("a"), name("b"), name("c"), name("d")];
        let (ada, bob) = (world.device(&users[0], "desk"), world.device(&users[1], "phone"));
        let made = json!({ "op": "create", "title": "tea", "members": users[1..3], "open": true });
        let made = world.ok(&ada, &tests::frame("group", made));
        let id = made["conversation"].as_str().unwrap().to_owned();
        let mut frame = text("nobody", "hello", 1);
        frame.as_object_mut().unwrap().remove("to");
        frame["conversation"] = json!(id);
        world.ok(&ada, &frame);
        Self { ada, bob, users, id }
    }

    /// Lets everything arrive and the stream come by, and finishes what is left; what is then.
    fn settle(&self, world: &World) -> String {
        world.calm_down();
        // Whoever asks for a change next finishes what is left of the last one.
        let nothing = json!({ "op": "add", "user": self.users[2] });
        world.ok(&self.ada, &group(self, nothing));
        for entry in world.timeline(&self.id, Seq::new(2).unwrap()) {
            world.come_by(&self.id, &entry);
        }
        self.describe(world)
    }

    /// Everything that is kept about it, but for ids and times.
    fn describe(&self, world: &World) -> String {
        let id = ConversationId::parse(&self.id).unwrap();
        let kept = world.calm(async |store| store.conversation(&id).await).unwrap().unwrap();
        let letter = |user: &UserId| user.as_str()[..1].to_owned();
        let mut lines = vec![format!("{:?}, pending {}", kept.title, kept.pending.is_some())];
        let Members::Inline(members) = kept.members else { panic!("the group is small") };
        let members = members.iter();
        let members =
            members.map(|(user, is)| format!("{} {:?} {:?}", letter(user), is.role, is.muted));
        lines.extend(members);
        for entry in world.timeline(&self.id, Seq::ZERO) {
            let (seq, version) = (entry.seq, entry.version);
            let body = entry.body.is_some();
            lines.push(format!(
                "{seq} {} {} {version} {body}",
                letter(&entry.author),
                entry.kind.as_str()
            ));
        }
        for user in &self.users {
            let inbox = world.inbox(user, Seq::ZERO).into_iter();
            let inbox = inbox.map(|entry| format!("{} {}", entry.seq, entry.kind.as_str()));
            let user = UserId::parse(user).unwrap();
            let listing = world.calm(async |store| store.listing(&user, &id).await).unwrap();
            let listing = listing.map(|is| (is.read.seq.number(), is.muted, is.pinned.is_some()));
            lines.push(format!("{}: {:?} {listing:?}", letter(&user), inbox.collect::<Vec<_>>()));
        }
        lines.join("\n")
    }
}

/// Who asks, and for what.
type Ask = fn(&Club) -> (Caller, Value);

/// Asks once without a fault, and then once with each fault of each write.
fn sweep(ask: Ask) {
    let world = World::new();
    let club = Club::meet(&world, 0);
    let (asking, frame) = ask(&club);
    world.go(Plan::default());
    world.ok(&asking, &frame);
    let cases = cases::doubtful(&world.seen());
    let expected = club.settle(&world);
    for (number, case) in (1..).zip(cases) {
        let club = Club::meet(&world, number);
        let (asking, frame) = ask(&club);
        world.go(case.plan());
        println!("{case:?}");
        world.persist(&asking, &frame);
        assert!(world.seen().iter().any(|seen| seen.fault.is_some()), "it is struck");
        assert_eq!(club.settle(&world), expected);
    }
}

fn group(club: &Club, fields: Value) -> Value {
    let mut frame = tests::frame("group", fields);
    frame["conversation"] = json!(club.id);
    frame
}

#[test]
fn an_addition_survives_any_fault() {
    sweep(|club| (club.ada.clone(), group(club, json!({ "op": "add", "user": club.users[3] }))));
}

#[test]
fn a_removal_survives_any_fault() {
    sweep(|club| (club.ada.clone(), group(club, json!({ "op": "remove", "user": club.users[1] }))));
}

#[test]
fn a_role_survives_any_fault() {
    sweep(|club| {
        let fields = json!({ "op": "role", "user": club.users[1], "role": "owner" });
        (club.ada.clone(), group(club, fields))
    });
}

#[test]
fn a_departure_survives_any_fault() {
    sweep(|club| (club.bob.clone(), group(club, json!({ "op": "leave" }))));
}

#[test]
fn a_wish_survives_any_fault() {
    sweep(|club| (club.bob.clone(), group(club, json!({ "op": "mute", "muted": true }))));
}

#[test]
fn an_arrival_survives_any_fault() {
    sweep(|club| (caller(&club.users[3], "desk"), group(club, json!({ "op": "join" }))));
}

#[test]
fn a_read_position_survives_any_fault() {
    sweep(|club| {
        let fields = json!({ "conversation": club.id, "seq": 2 });
        (club.bob.clone(), tests::frame("read", fields))
    });
}

#[test]
fn a_recall_survives_any_fault() {
    sweep(|club| {
        let fields = json!({ "conversation": club.id, "seq": 2, "cid": tests::id(), "base": 2 });
        (club.ada.clone(), tests::frame("recall", fields))
    });
}
