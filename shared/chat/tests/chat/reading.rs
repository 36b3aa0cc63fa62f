//! How far one has read, what that leaves unread, and who is told.

use std::collections::{BTreeMap, BTreeSet};

use chat::Error;
use proptest::prelude::*;
use timeline::exchange::Caller;
use timeline::group::GroupRequest;
use timeline::lists::{Conversations, ConversationsRequest, Place, ReadRequest, ReceiptsRequest};
use timeline::{Admission, Body, ConversationId, Seq, Title, Visibility, limits};

use crate::club::{CLUB, add, club, desk, leave, remove, rename, to_club};
use crate::town::{Town, caller, direct, message, poll, run, seq, text};

impl Town {
    pub(crate) async fn reading(
        &self,
        caller: &Caller,
        conversation: &ConversationId,
        at: u64,
    ) -> Result<timeline::lists::Read, Error> {
        let request = ReadRequest { conversation: conversation.clone(), seq: seq(at) };
        chat::read(self.tell_ports(), caller, request).await
    }

    /// A user reads up to a message of the club: where their position is then, and what is unread.
    pub(crate) fn read(&self, user: &str, at: u64) -> (u64, usize) {
        let read = run(self.reading(&desk(user), &club(), at)).unwrap();
        (read.seq.number(), read.unread)
    }

    pub(crate) fn list(&self, user: &str) -> Conversations {
        let request = ConversationsRequest { limit: 100, after: None };
        run(self.listing(user, request)).unwrap()
    }

    fn list_ports(&self) -> chat::ListPorts<'_> {
        chat::ListPorts { directory: &self.store, timelines: &self.store }
    }

    pub(crate) async fn listing(
        &self,
        user: &str,
        request: ConversationsRequest,
    ) -> Result<Conversations, Error> {
        chat::conversations(self.list_ports(), &desk(user), request).await
    }

    /// How many messages of the club a user has not read, by their list.
    pub(crate) fn unread(&self, user: &str) -> usize {
        let list = self.list(user);
        let mut rows = list.rows.iter().filter(|row| row.conversation == club());
        rows.next().map_or(0, |row| row.unread)
    }

    fn receipts(&self, user: &str, at: Option<u64>) -> (usize, Vec<String>) {
        let request =
            ReceiptsRequest { conversation: club(), seq: at.map(seq), after: None, limit: 100 };
        let receipts = run(chat::receipts(self.list_ports(), &desk(user), request)).unwrap();
        let readers = receipts.readers.iter();
        let readers = readers.map(|reader| format!("{} {}", reader.user, reader.seq));
        (receipts.count, readers.collect())
    }
}

#[test]
fn own_messages_and_events_are_never_unread() {
    let town = Town::new();
    town.found(&["bob", "cy"]);
    for number in 1..=3 {
        town.say("alice", number).unwrap();
    }
    town.group("alice", rename("tea")).unwrap();
    town.say("bob", 4).unwrap();
    assert_eq!(["alice", "bob", "cy"].map(|user| town.unread(user)), [1, 3, 4]);
    // However often it is asked, and from whichever device.
    assert_eq!(town.unread("alice"), 1);
    assert_eq!(town.list("cy").unread, 4);
}

#[test]
fn a_lower_position_changes_nothing_and_one_beyond_the_tail_is_refused() {
    let town = Town::new();
    town.found(&["bob"]);
    for number in 1..=4 {
        town.say("alice", number).unwrap();
    }
    assert_eq!(town.read("bob", 4), (4, 1));
    assert_eq!(town.read("bob", 2), (4, 1));
    assert_eq!(town.unread("bob"), 1);
    let beyond = run(town.reading(&desk("bob"), &club(), 6));
    assert!(matches!(beyond, Err(Error::Invalid { .. })), "{beyond:?}");
    assert_eq!(town.read("bob", 5), (5, 0));
    let stranger = run(town.reading(&desk("eve"), &club(), 2));
    assert!(matches!(stranger, Err(Error::NotMember)), "{stranger:?}");
}

#[test]
fn who_joins_has_read_what_was_there_and_who_comes_back_too() {
    let town = Town::new();
    town.found(&["bob"]);
    for number in 1..=3 {
        town.say("alice", number).unwrap();
    }
    town.group("alice", add(&["cy"])).unwrap();
    assert_eq!(town.unread("cy"), 0);
    town.say("alice", 4).unwrap();
    assert_eq!(town.unread("cy"), 1);
    town.group("cy", leave()).unwrap();
    town.say("alice", 5).unwrap();
    assert_eq!((town.unread("cy"), town.list("cy").rows.len()), (0, 0));
    town.group("alice", add(&["cy"])).unwrap();
    town.say("alice", 6).unwrap();
    assert_eq!((town.unread("cy"), town.unread("bob")), (1, 6));
}

#[test]
fn more_than_can_be_counted_is_a_hundred() {
    let town = Town::new();
    town.found(&["bob"]);
    for number in 1..=130 {
        town.say("alice", number).unwrap();
    }
    assert_eq!(town.unread("bob"), limits::UNREAD_MAX);
    assert_eq!(town.read("bob", 40), (40, 91));
}

#[test]
fn a_position_is_told_to_ones_other_devices_in_order_and_to_who_is_to_know() {
    let town = Town::new();
    let phone = town.online("bob", "phone");
    for (user, device) in [("bob", "desk"), ("alice", "desk"), ("cy", "desk")] {
        town.online(user, device);
    }
    town.found(&["bob", "cy"]);
    town.say("alice", 1).unwrap();
    town.told();
    town.read("bob", 2);
    let mut told = town.told();
    told.sort();
    assert_eq!(told, ["alice/desk: bob read 2", "bob/phone: 3=read 2 {}", "cy/desk: bob read 2"]);
    let inbox = town.inbox("bob");
    let kinds: Vec<_> = inbox.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["join", "text", "read"]);
    // The same again tells nobody's inbox a second time.
    town.read("bob", 2);
    assert_eq!(town.inbox("bob").len(), 3);
    let caught = town.sync(&phone, crate::town::from(Some(2)));
    assert_eq!((caught.entries.len(), caught.cursor), (1, seq(3)));
    // And what tells of it is not mistaken for the message itself.
    town.stream();
    assert_eq!(town.heard("alice"), [1, 2]);
}

#[test]
fn a_group_that_is_not_small_tells_nobody_but_ones_own() {
    let town = Town::new();
    let names: Vec<_> = (0..limits::READ_TOLD_MAX).map(|number| format!("user-{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    town.online("alice", "desk");
    town.online("user-1", "phone");
    town.found(&names);
    town.say("alice", 1).unwrap();
    town.told();
    town.read("user-1", 2);
    let told = town.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("user-1/phone: "));
}

#[test]
fn a_position_that_ends_at_any_await_is_told_by_its_repeat() {
    for polls in 0.. {
        let town = Town::new();
        town.found(&["bob"]);
        town.say("alice", 1).unwrap();
        let bob = desk("bob");
        let done = poll(town.reading(&bob, &club(), 2), polls).is_some();
        assert!(town.receipts("alice", Some(2)).0 <= 2 - town.unread("bob"), "never ahead");
        town.read("bob", 2);
        assert_eq!(town.receipts("alice", Some(2)), (1, vec!["bob 2".to_owned()]));
        let told = town.inbox("bob").iter().filter(|entry| entry.kind.as_str() == "read").count();
        assert_eq!(told, 1, "after {polls} polls");
        if done {
            break;
        }
    }
}

#[test]
fn a_message_was_read_by_those_who_were_there_and_did_not_write_it() {
    let town = Town::new();
    town.found(&["bob", "cy", "dan"]);
    town.say("alice", 1).unwrap();
    town.group("alice", add(&["eve"])).unwrap();
    town.say("bob", 2).unwrap();
    for (user, at) in [("alice", 4), ("bob", 4), ("cy", 2), ("dan", 1), ("eve", 4)] {
        town.read(user, at);
    }
    let told = |at| town.receipts("alice", at);
    assert_eq!(told(Some(2)), (2, vec!["bob 4".to_owned(), "cy 2".to_owned()]));
    assert_eq!(told(Some(4)), (2, vec!["alice 4".to_owned(), "eve 4".to_owned()]));
    assert_eq!(told(None).0, 5);
    town.group("alice", remove("cy")).unwrap();
    assert_eq!(told(Some(2)), (1, vec!["bob 4".to_owned()]));
    let request = ReceiptsRequest { conversation: club(), seq: None, after: None, limit: 100 };
    let refused = run(chat::receipts(town.list_ports(), &desk("cy"), request));
    assert!(matches!(refused, Err(Error::NotMember)), "{refused:?}");
}

#[test]
fn who_may_not_see_a_message_does_not_learn_who_has_read_it() {
    let town = Town::new();
    let request = GroupRequest::Create {
        id: message(CLUB),
        title: Title::parse("club").unwrap(),
        members: vec![],
        visibility: Visibility::FromJoin,
        admission: Admission::Closed,
        body: Body::empty(),
    };
    town.group("alice", request).unwrap();
    town.say("alice", 1).unwrap();
    town.group("alice", add(&["bob"])).unwrap();
    let asked = |user: &str, at| {
        let request =
            ReceiptsRequest { conversation: club(), seq: Some(seq(at)), after: None, limit: 9 };
        run(chat::receipts(town.list_ports(), &desk(user), request))
    };
    assert!(matches!(asked("bob", 2), Err(Error::Invalid { .. })));
    assert!(asked("bob", 3).is_ok() && asked("alice", 2).is_ok());
}

#[test]
fn receipts_are_paged() {
    let town = Town::new();
    town.found(&["bob", "cy", "dan"]);
    town.say("alice", 1).unwrap();
    for user in ["bob", "cy", "dan"] {
        town.read(user, 2);
    }
    let (mut readers, mut after) = (Vec::new(), None);
    for expected in [2, 1] {
        let request = ReceiptsRequest { conversation: club(), seq: Some(seq(2)), after, limit: 2 };
        let page = run(chat::receipts(town.list_ports(), &desk("alice"), request)).unwrap();
        assert_eq!((page.count, page.readers.len()), (3, expected));
        readers.extend(page.readers.into_iter().map(|reader| reader.user.to_string()));
        after = page.page;
    }
    assert_eq!((readers, after), (vec!["bob".to_owned(), "cy".to_owned(), "dan".to_owned()], None));
}

#[test]
fn a_list_is_newest_first_and_paged_and_shows_what_is_last() {
    let town = Town::new();
    for (number, name) in ["mia", "bob", "zoe", "kim"].into_iter().enumerate() {
        town.wait(1_000);
        town.send(&desk(name), text("alice", number as u64, Some(0)));
    }
    town.wait(1_000);
    town.found(&["bob"]);
    town.wait(1_000);
    town.send(&desk("alice"), text("mia", 9, Some(1)));
    let order: Vec<_> =
        ["mia", "kim", "zoe", "bob"].map(|name| direct("alice", name)).into_iter().collect();
    let list = town.list("alice");
    let ids: Vec<_> = list.rows.iter().map(|row| row.conversation.clone()).collect();
    assert_eq!(ids, [vec![order[0].clone(), club()], order[1..].to_vec()].concat());
    assert_eq!(list.unread, 4);
    assert_eq!(list.rows[0].last.as_ref().unwrap().seq, seq(2));
    assert_eq!((list.rows[0].unread, list.rows[0].tail), (1, seq(2)));
    assert_eq!(list.rows[1].title.as_ref().unwrap().as_str(), "club");

    let (mut paged, mut after): (Vec<ConversationId>, Option<Place>) = (Vec::new(), None);
    for expected in [2, 2, 1] {
        let page = run(town.listing("alice", ConversationsRequest { limit: 2, after })).unwrap();
        assert_eq!((page.rows.len(), page.unread), (expected, 4));
        paged.extend(page.rows.into_iter().map(|row| row.conversation));
        after = page.page;
    }
    assert_eq!((paged, after), (ids, None));
}

/// What may happen in the club.
#[derive(Clone, Debug)]
enum Step {
    Say(usize),
    Read(usize, u64),
    Recall(u64),
    Leave(usize),
    Join(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..4usize).prop_map(Step::Say),
        3 => (0..4usize, 1..60u64).prop_map(|(user, at)| Step::Read(user, at)),
        2 => (1..60u64).prop_map(Step::Recall),
        1 => (1..4usize).prop_map(Step::Leave),
        1 => (1..4usize).prop_map(Step::Join),
    ]
}

const USERS: [&str; 4] = ["alice", "bob", "cy", "dan"];

/// What is unread, counted naively: by a list of who wrote what, and who has read how far.
#[derive(Default)]
struct Naive {
    /// By sequence: the author of a message that stands, nobody of an event or a recalled one.
    log: Vec<Option<&'static str>>,
    read: BTreeMap<&'static str, usize>,
    gone: BTreeSet<&'static str>,
}

impl Naive {
    /// Whether the entry at `seq` is a message that nobody has taken back.
    fn stands(&self, seq: u64) -> bool {
        self.log.get(seq as usize - 1).is_some_and(Option::is_some)
    }

    fn unread(&self, user: &str) -> usize {
        if self.gone.contains(user) {
            return 0;
        }
        let read = self.read.get(user).copied().unwrap_or_default();
        let others = self.log.iter().skip(read).flatten().filter(|author| **author != user);
        others.count()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever is written, read, taken back, left and joined, on whichever device: everyone's
    /// unread count is what counting everything anew gives.
    #[test]
    fn unread_is_what_counting_everything_gives(
        steps in proptest::collection::vec(step(), 1..40),
        large: bool,
    ) {
        let town = if large { Town::with_inboxes(1) } else { Town::new() };
        town.found(&USERS[1..]);
        let mut naive = Naive { log: vec![None], ..Naive::default() };
        for (number, step) in (1..).zip(&steps) {
            match step {
                Step::Say(user) if !naive.gone.contains(USERS[*user]) => {
                    run(town.attempt(&desk(USERS[*user]), to_club(number))).unwrap();
                    naive.log.push(Some(USERS[*user]));
                }
                Step::Read(user, at) if *at as usize <= naive.log.len() => {
                    let user = USERS[*user];
                    let device = if at % 2 == 0 { "desk" } else { "phone" };
                    let outcome = run(town.reading(&caller(user, device), &club(), *at));
                    prop_assert_eq!(outcome.is_ok(), !naive.gone.contains(user));
                    if let Ok(read) = outcome {
                        let kept = naive.read.entry(user).or_default();
                        *kept = (*kept).max(*at as usize);
                        prop_assert_eq!(read.seq, Seq::new(*kept as u64).unwrap());
                        prop_assert_eq!(read.unread, naive.unread(user));
                    }
                }
                Step::Recall(at) if naive.stands(*at) => {
                    town.take_back("alice", *at, 1_000 + number).unwrap();
                    naive.log[*at as usize - 1] = None;
                    naive.log.push(None);
                }
                Step::Leave(user) if !naive.gone.contains(USERS[*user]) => {
                    town.group(USERS[*user], leave()).unwrap();
                    naive.log.push(None);
                    naive.gone.insert(USERS[*user]);
                }
                Step::Join(user) if naive.gone.remove(USERS[*user]) => {
                    naive.read.insert(USERS[*user], naive.log.len());
                    town.group("alice", add(&[USERS[*user]])).unwrap();
                    naive.log.push(None);
                }
                Step::Say(_)
                | Step::Read(..)
                | Step::Recall(_)
                | Step::Leave(_)
                | Step::Join(_) => {}
            }
            for user in USERS {
                let (found, counted) = (town.unread(user), naive.unread(user));
                prop_assert_eq!(found, counted, "{} after {:?}", user, steps);
            }
        }
    }
}
