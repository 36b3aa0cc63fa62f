//! Every member, every device: each ends with the complete history, in order and once.

use std::collections::BTreeSet;

use serde_json::json;
use tests::{Device, Shown, Town, frame, within};
use wire::Group;

use crate::exchange::{texts, told};
use crate::groups::say;

/// A request for a group of these and its creator.
fn create(title: &str, members: &[String]) -> Group {
    let mut asked = Group::new(String::new(), "create");
    (asked.title, asked.members) = (Some(title.to_owned()), Some(members.to_vec()));
    asked
}

fn change(op: &str, conversation: &str) -> Group {
    let mut asked = Group::new(String::new(), op);
    asked.conversation = Some(conversation.to_owned());
    asked
}

fn names(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|number| format!("user-{number}")).collect()
}

/// Requires that a device was shown every message from `first` to `last` in order and once.
fn require_complete(device: &Device, conversation: &str, first: u64, last: u64, whose: &str) {
    let shown = device.shown(conversation);
    let seqs: Vec<_> = shown.iter().map(|message| message.0).collect();
    assert_eq!(seqs, (first..=last).collect::<Vec<_>>(), "{whose}");
}

/// The texts of what was shown, without events.
fn said(shown: &[Shown]) -> BTreeSet<&str> {
    let texts = shown.iter().filter(|(_, _, kind, _)| kind == "text");
    texts.map(|(_, _, _, text)| text.as_str()).collect()
}

#[tokio::test]
async fn three_people_on_two_devices_each_talk_all_at_once() {
    let town = Town::start().await;
    let mut devices = Vec::new();
    for user in ["alice", "bob", "cy"] {
        for device in ["desk", "phone"] {
            devices.push(Device::connect(&town, user, device).await);
        }
    }
    let made = devices[0].group(create("trip", &["bob".to_owned(), "cy".to_owned()])).await;
    let trip = made.conversation;
    let sending = devices.iter().enumerate().map(|(number, device)| {
        let trip = &trip;
        async move {
            device.until(trip, 1).await;
            for count in 0..8 {
                device.send(trip, &format!("{number}: {count}")).await;
                if count == number {
                    device.restart().await;
                }
            }
        }
    });
    futures_util::future::join_all(sending).await;
    let last = 1 + 6 * 8;
    let mut expected = BTreeSet::new();
    for (number, device) in devices.iter().enumerate() {
        within(device.until(&trip, last)).await;
        require_complete(device, &trip, 1, last, &format!("device {number}"));
        // What one device sent stands in the order in which it did.
        let prefix = format!("{number}: ");
        let shown = device.shown(&trip);
        let own: Vec<_> = shown.iter().filter(|message| message.3.starts_with(&prefix)).collect();
        let counts: Vec<_> = own.iter().map(|message| message.3.as_str()).collect();
        let in_order: Vec<_> = (0..8).map(|count| format!("{prefix}{count}")).collect();
        assert_eq!(counts, in_order);
        expected.extend(in_order);
    }
    for device in &devices {
        let shown = device.shown(&trip);
        assert_eq!(said(&shown).len(), expected.len());
        assert!(expected.iter().all(|text| said(&shown).contains(text.as_str())));
    }
    town.stop().await;
}

/// Ninety members become a hundred and fifty while messages flow: on the way the group outgrows
/// inboxes, and nobody misses a thing.
#[tokio::test]
async fn a_group_grows_from_inboxes_to_its_timeline_while_messages_flow() {
    let town = Town::start().await;
    let owner = Device::connect(&town, "owner", "desk").await;
    let everyone = names(0, 149);
    let club = owner.group(create("club", &everyone[..89])).await.conversation;
    let mut members = Vec::new();
    for name in everyone.iter().step_by(6) {
        members.push(Device::connect(&town, name, "phone").await);
    }
    let growing = async {
        for users in everyone[89..].chunks(15) {
            let mut asked = change("add", &club);
            asked.users = Some(users.to_vec());
            owner.group(asked).await;
        }
    };
    let writing_first = async {
        for count in 0..25 {
            members[0].send(&club, &format!("first {count}")).await;
        }
    };
    let writing_second = async {
        for count in 0..25 {
            members[1].send(&club, &format!("second {count}")).await;
        }
    };
    futures_util::future::join3(growing, writing_first, writing_second).await;
    let grown = owner.group(change("members", &club)).await;
    assert_eq!((grown.large, grown.count), (true, 150));
    let last = owner.send(&club, "the end").await;

    for (number, device) in members.iter().enumerate() {
        // A connection asks for the tails at once; otherwise it is the keep-alive that does.
        device.disconnect().await;
        device.reconnect().await;
        within(device.until(&club, last)).await;
        require_complete(device, &club, 1, last, &format!("member {number}"));
    }
    let shown = members[0].shown(&club);
    assert_eq!(said(&shown).len(), 51);
    let kinds = |kind: &str| shown.iter().filter(|message| message.2 == kind).count();
    assert_eq!((kinds("mode"), kinds("join")), (1, 5));
    town.stop().await;
}

/// Guests come and go while others talk. Who stays has everything; a guest has nothing from while
/// they were out, and everything from when they came to stay.
#[tokio::test]
async fn who_joins_and_leaves_under_load_has_what_is_theirs() {
    for inboxes in ["100", "3"] {
        let town = Town::with_parameters(&[("InboxMembersMax", inboxes)]).await;
        let owner = Device::connect(&town, "owner", "desk").await;
        let mut asked = create("open", &["stayer".to_owned()]);
        (asked.open, asked.history) = (Some(true), Some("join".to_owned()));
        let club = owner.group(asked).await.conversation;
        let stayer = Device::connect(&town, "stayer", "phone").await;
        let names = ["ann", "ben", "cat"];
        let mut guests = Vec::new();
        for name in names {
            guests.push(Device::connect(&town, name, "desk").await);
        }
        let talking = async {
            for count in 0..60 {
                owner.send(&club, &format!("number {count}")).await;
            }
        };
        let visiting = guests.iter().zip(names).map(|(guest, name)| {
            let (owner, club) = (&owner, &club);
            async move {
                for _ in 0..3 {
                    guest.group(change("join", club)).await;
                    guest.send(club, "hello").await;
                    guest.group(change("leave", club)).await;
                    owner.send(club, &format!("{name} is out")).await;
                }
                guest.group(change("join", club)).await;
            }
        });
        tokio::join!(talking, futures_util::future::join_all(visiting));
        let last = owner.send(&club, "the end").await;
        for (device, whose) in [(&owner, "the owner"), (&stayer, "who stays")] {
            device.disconnect().await;
            device.reconnect().await;
            within(device.until(&club, last)).await;
            require_complete(device, &club, 1, last, whose);
        }
        let log = owner.shown(&club);
        for (guest, name) in guests.iter().zip(names) {
            guest.disconnect().await;
            guest.reconnect().await;
            within(guest.until(&club, last)).await;
            require_visits(&guest.shown(&club), &log, name);
        }
        town.stop().await;
    }
}

/// What a guest was shown is in order and once, is what the log has, and nothing that was said
/// while they were out; and from when they came to stay it is everything.
fn require_visits(shown: &[Shown], log: &[Shown], name: &str) {
    let seqs: Vec<_> = shown.iter().map(|message| message.0).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "{name}: {seqs:?}");
    for message in shown {
        assert_eq!(log[message.0 as usize - 1], *message, "{name}");
    }
    let out = format!("{name} is out");
    assert_eq!(log.iter().filter(|message| message.3 == out).count(), 3, "{name}");
    assert!(shown.iter().all(|message| message.3 != out), "{name}");
    let joins = log.iter().filter(|message| message.1 == name && message.2 == "join");
    let stays = joins.map(|message| message.0).max().unwrap();
    let stay: Vec<_> = seqs.iter().copied().filter(|seq| *seq >= stays).collect();
    assert_eq!(stay, (stays..=log.len() as u64).collect::<Vec<_>>(), "{name}");
}

/// Not one push, and not one acknowledgement, reaches anybody: what was kept is found by `sync`.
#[tokio::test]
async fn with_every_push_lost_sync_alone_brings_everything() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let club = crate::groups::found(&mut alice, &["bob", "cy"]).await;
    town.arm("lose-posts:1");
    for count in 0..10 {
        alice.send(&say(&club, &format!("number {count}"), 1)).await;
    }
    let mut bob = town.client("bob", "phone").await;
    let expected: BTreeSet<_> = (0..10).map(|count| format!("number {count}")).collect();
    let entries = told(&mut bob, 11).await;
    assert_eq!(
        texts(&entries[1..]).into_iter().map(str::to_owned).collect::<BTreeSet<_>>(),
        expected
    );
    let club = club.as_str().unwrap().to_owned();
    for user in ["alice", "bob", "cy"] {
        let device = Device::connect(&town, user, "tablet").await;
        within(device.until(&club, 11)).await;
        require_complete(&device, &club, 1, 11, user);
    }
    let asked = frame("history", json!({ "conversation": club }));
    assert_eq!(alice.ok(&asked).await["last"], 11);
    town.stop().await;
}
