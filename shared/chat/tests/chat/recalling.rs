//! Messages that are taken back, or changed.

use chat::Error;
use timeline::exchange::{Catchup, Kept, Part};
use timeline::lists::RecallRequest;
use timeline::{Body, Role, limits};

use crate::club::{club, desk, give};
use crate::town::{Town, from, lookup, message, poll, run, seq};

fn request(at: u64, number: u64, body: Option<&str>) -> RecallRequest {
    RecallRequest {
        conversation: club(),
        seq: seq(at),
        message: message(number),
        base: Some(seq(0)),
        body: body.map(|body| Body::parse(body).unwrap()),
    }
}

impl Town {
    async fn recalling(&self, user: &str, request: RecallRequest) -> Result<Kept, Error> {
        chat::recall(self.send_ports(), &desk(user), request).await
    }

    /// Takes a message of the club back, by the event `number`.
    pub(crate) fn take_back(&self, user: &str, at: u64, number: u64) -> Result<Kept, Error> {
        run(self.recalling(user, request(at, number, None)))
    }

    fn edit(&self, user: &str, at: u64, number: u64, body: &str) -> Result<Kept, Error> {
        run(self.recalling(user, request(at, number, Some(body))))
    }

    /// The bodies that are kept, by sequence; a dash where there is none.
    fn bodies(&self) -> Vec<String> {
        let entries = self.entries(&club());
        let body = |body: &Option<Body>| {
            body.as_ref().map_or_else(|| "-".to_owned(), |b| b.as_str().into())
        };
        entries.iter().map(|entry| body(&entry.body)).collect()
    }
}

fn three() -> Town {
    let town = Town::new();
    town.found(&["bob", "cy"]);
    town.say("bob", 1).unwrap();
    town
}

#[test]
fn a_message_that_is_taken_back_keeps_its_place_and_nothing_else() {
    let town = three();
    for user in ["alice", "bob"] {
        town.online(user, "phone");
    }
    let kept = town.take_back("bob", 2, 7).unwrap();
    assert_eq!((kept.seq, kept.duplicate), (seq(3), false));
    assert_eq!(town.log()[2], "recall by bob");
    assert_eq!(town.bodies()[1..], ["-", "{}"]);
    let entry = &town.entries(&club())[1];
    assert_eq!((entry.recalled, entry.countable), (Some(seq(3)), 1));
    let told = town.told();
    assert!(told.contains(&"alice/phone: 3=3 recall by bob".to_owned()), "{told:?}");
    for user in ["alice", "bob", "cy"] {
        let target = town.inbox(user)[2].target;
        assert_eq!((town.heard(user), target), (vec![1, 2, 3], Some(seq(2))), "{user}");
    }
    let found = town.history(&desk("cy"), lookup(&club(), Part::Newest, 10)).unwrap();
    assert_eq!(found.missing, [seq(2)]);
    assert_eq!(["alice", "cy"].map(|user| town.unread(user)), [0, 0], "nobody has it unread");
    // The same request again is the same event; another one changes nothing more.
    assert!(town.take_back("bob", 2, 7).unwrap().duplicate);
    town.take_back("bob", 2, 8).unwrap();
    assert_eq!(town.entries(&club())[1].recalled, Some(seq(3)));
}

#[test]
fn an_inbox_does_not_say_what_the_same_page_takes_back_or_changes() {
    let town = three();
    let phone = town.online("cy", "phone");
    town.say("bob", 3).unwrap();
    town.take_back("bob", 2, 7).unwrap();
    town.edit("bob", 3, 8, r#"{"text":"one"}"#).unwrap();
    town.edit("bob", 3, 9, r#"{"text":"two"}"#).unwrap();
    let said = |limit, skip: usize| {
        let caught = town.sync(&phone, Catchup { limit, ..from(Some(0)) });
        let body = |body: &Option<Body>| {
            body.as_ref().map_or_else(|| "-".to_owned(), |b| b.as_str().into())
        };
        caught.entries.iter().skip(skip).map(|entry| body(&entry.body)).collect::<Vec<_>>()
    };
    let two = r#"{"text":"two"}"#;
    assert_eq!(said(100, 1), ["-", two, "{}", "-", two]);
    let before = [r#"{"text":"number 1"}"#, r#"{"text":"number 3"}"#];
    assert_eq!(said(3, 1), before, "a later page takes it back");
}

#[test]
fn authors_find_their_own_messages_withdrawn_ones_too_and_nothing_of_others() {
    let town = three();
    town.say("alice", 2).unwrap();
    town.take_back("bob", 2, 7).unwrap();
    let own = lookup(&club(), Part::Own(seq(1), seq(4)), 10);
    let found = town.history(&desk("bob"), own).unwrap();
    let shown = found.entries.iter().map(|entry| (entry.seq.number(), entry.body.is_some()));
    assert_eq!(shown.collect::<Vec<_>>(), [(2, false), (4, true)]);
    assert_eq!(found.missing, [seq(1), seq(3)]);
}

#[test]
fn the_author_may_for_some_time_and_an_admin_at_any() {
    let town = three();
    assert!(matches!(town.take_back("cy", 2, 7), Err(Error::NotAllowed)));
    assert!(matches!(town.edit("alice", 2, 7, "{}"), Err(Error::NotAllowed)));
    assert!(matches!(town.take_back("eve", 2, 7), Err(Error::NotMember)));
    for at in [1, 3] {
        let none = town.take_back("bob", at, 7);
        assert!(matches!(none, Err(Error::NoSuchMessage)), "{at}: {none:?}");
    }
    town.wait(limits::RECALL_MS_DEFAULT);
    let event = town.edit("bob", 2, 6, r#"{"text":"in time"}"#).unwrap();
    town.wait(1);
    assert!(matches!(town.take_back("bob", 2, 7), Err(Error::TooLate)));
    let again = town.edit("bob", 2, 6, r#"{"text":"in time"}"#).unwrap();
    assert_eq!((again.seq, again.duplicate), (event.seq, true), "it was in time");
    town.group("alice", give("cy", Role::Admin)).unwrap();
    town.take_back("cy", 2, 8).unwrap();
    assert_eq!(town.bodies()[1], "-");
}

#[test]
fn of_several_edits_the_newest_stands_and_the_others_leave_nothing() {
    let town = three();
    town.edit("bob", 2, 7, r#"{"text":"one"}"#).unwrap();
    town.edit("bob", 2, 8, r#"{"text":"two"}"#).unwrap();
    assert_eq!(town.bodies()[1..], [r#"{"text":"two"}"#, "-", r#"{"text":"two"}"#]);
    assert_eq!(town.entries(&club())[1].revision, Some(seq(4)));
    assert_eq!(town.unread("cy"), 1, "an edit is no message more");
    town.take_back("bob", 2, 9).unwrap();
    assert_eq!(town.bodies()[1..], ["-", "-", "-", "{}"]);
    let late = town.edit("bob", 2, 10, r#"{"text":"three"}"#);
    assert!(matches!(late, Err(Error::NoSuchMessage)), "{late:?}");
}

#[test]
fn what_ends_at_any_await_is_finished_by_its_repeat_or_by_the_stream() {
    for large in [false, true] {
        for by_stream in [false, true] {
            for polls in 0.. {
                let town = if large { Town::with_inboxes(1) } else { Town::new() };
                town.found(&["bob", "cy"]);
                town.say("bob", 1).unwrap();
                let edit = request(2, 7, Some(r#"{"text":"edited"}"#));
                run(town.recalling("bob", edit)).unwrap();
                let recalling = town.recalling("bob", request(2, 8, None));
                let done = poll(recalling, polls).is_some();
                let is_kept = town.log().len() == 4;
                if by_stream {
                    town.stream();
                } else {
                    town.take_back("bob", 2, 8).unwrap();
                }
                let case = format!("after {polls} polls, large: {large}, stream: {by_stream}");
                if is_kept || !by_stream {
                    assert_eq!(town.bodies()[1..], ["-", "-", "{}"], "{case}");
                }
                if done {
                    break;
                }
            }
        }
    }
}
