//! What groups are, who may change them, and what their members are told.

use chat::{Error, Policy};
use store::Timelines;
use timeline::group::{Change, GroupRequest};
use timeline::{Admission, Body, Diffusion, Entry, Muted, Role, Title, Visibility, limits};

use crate::club::{CLUB, Request, add, ask, club, create, desk, give, leave, mute, remove, rename};
use crate::town::{Town, from, lookup, message, person, run, seq};

#[test]
fn who_makes_a_group_owns_it_and_everyone_is_told_that_they_joined() {
    let town = Town::new();
    for user in ["alice", "bob"] {
        town.online(user, "desk");
    }
    let made = town.group("alice", create(message(CLUB), &["bob", "cy"])).unwrap();
    assert_eq!((made.conversation, made.version, made.count), (club(), 1, 3));
    let members = [("alice", Role::Owner), ("bob", Role::Member), ("cy", Role::Member)];
    assert_eq!(made.members, members.map(|(name, role)| (person(name), role)));
    assert_eq!(town.log(), ["join bob cy by alice"]);
    // The answer does not say where the event stands, so the device that asked is told as well.
    assert_eq!(town.told(), ["bob/desk: 1=1 join by alice", "alice/desk: 1=1 join by alice"]);
    for user in ["alice", "bob", "cy"] {
        assert_eq!(town.heard(user), [1], "{user}");
        assert_eq!(town.conversations(user), [club()], "{user}");
    }
    assert_eq!(town.club().pending, None);
}

#[test]
fn a_group_is_made_once_and_its_name_is_nobody_elses() {
    let town = Town::new();
    town.found(&["bob"]);
    let again = town.group("alice", create(message(CLUB), &["bob"])).unwrap();
    assert_eq!((again.version, town.log().len()), (1, 1));
    for user in ["bob", "eve"] {
        let refused = town.group(user, create(message(CLUB), &["alice"])).unwrap_err();
        assert!(matches!(refused, Error::IdReused), "{user}: {refused:?}");
    }
    assert_eq!(town.log().len(), 1);
    assert_eq!(town.heard("eve"), [0; 0]);
}

#[test]
fn a_message_reaches_every_inbox_and_every_device_but_the_senders_connection() {
    let town = Town::new();
    for (user, device) in [("alice", "desk"), ("alice", "phone"), ("bob", "desk"), ("eve", "desk")]
    {
        town.online(user, device);
    }
    town.found(&["bob", "cy"]);
    town.told();
    town.say("alice", 1).unwrap();
    let told = town.told();
    assert_eq!(
        told,
        ["alice/desk: kept 2 own 1=1", "bob/desk: 2=2 by alice", "alice/phone: 2=2 by alice"]
    );
    for user in ["alice", "bob", "cy"] {
        assert_eq!(town.heard(user), [1, 2], "{user}");
    }
    assert!(matches!(town.say("eve", 2), Err(Error::NotMember)));
}

#[test]
fn a_members_role_decides_what_they_may_change() {
    let requests: [(&str, Request, Role); 6] = [
        ("add", || add(&["dan"]), Role::Admin),
        ("remove", || remove("cy"), Role::Admin),
        ("rename", || rename("tea"), Role::Admin),
        ("role", || give("cy", Role::Admin), Role::Owner),
        ("mute", || mute(Muted::Yes), Role::Member),
        ("leave", leave, Role::Member),
    ];
    for (name, request, needed) in requests {
        for (role, user) in [(Role::Member, "mia"), (Role::Admin, "ada"), (Role::Owner, "alice")] {
            let town = Town::new();
            town.found(&["mia", "ada", "cy"]);
            town.group("alice", give("ada", Role::Admin)).unwrap();
            let before = town.club();
            let outcome = town.group(user, request());
            let expected = role >= needed && !(name == "leave" && role == Role::Owner);
            assert_eq!(outcome.is_ok(), expected, "{name} by {user}: {outcome:?}");
            if let Err(error) = outcome {
                let told = matches!(error, Error::NotAllowed | Error::Invalid { .. });
                assert!(told, "{name} by {user}: {error:?}");
                assert_eq!(town.club(), before, "{name} by {user}");
            }
        }
        let town = Town::new();
        town.found(&["mia", "cy"]);
        let before = town.kept();
        assert!(matches!(town.group("eve", request()), Err(Error::NotMember)), "{name}");
        assert_eq!(town.kept(), before, "{name} by a stranger");
    }
}

#[test]
fn nobody_removes_their_equal_and_the_ownership_is_passed_on() {
    let town = Town::new();
    town.found(&["bob", "cy"]);
    for user in ["bob", "cy"] {
        town.group("alice", give(user, Role::Admin)).unwrap();
    }
    assert!(matches!(town.group("bob", remove("cy")), Err(Error::NotAllowed)));
    assert!(matches!(town.group("bob", remove("alice")), Err(Error::NotAllowed)));
    let given = town.group("alice", give("bob", Role::Owner)).unwrap();
    let roles: Vec<_> = given.members.iter().map(|(_, role)| *role).collect();
    assert_eq!(roles, [Role::Admin, Role::Owner, Role::Admin]);
    assert!(matches!(town.group("alice", give("cy", Role::Member)), Err(Error::NotAllowed)));
    town.group("alice", leave()).unwrap();
    town.group("bob", remove("cy")).unwrap();
    town.group("bob", leave()).unwrap();
    assert_eq!(town.club().members.count(), 0);
}

#[test]
fn changes_are_told_to_everyone_in_the_order_in_which_they_were_made() {
    let town = Town::new();
    town.found(&["bob"]);
    town.group("alice", add(&["cy", "dan"])).unwrap();
    town.group("alice", give("bob", Role::Admin)).unwrap();
    town.group("bob", rename("tea")).unwrap();
    town.group("bob", remove("dan")).unwrap();
    town.group("cy", leave()).unwrap();
    let log = [
        "join bob by alice",
        "join cy dan by alice",
        "role bob by alice",
        "rename by bob",
        "leave dan by bob",
        "leave cy by cy",
    ];
    assert_eq!(town.log(), log);
    for (user, heard) in [("alice", 1..=6), ("bob", 1..=6), ("cy", 2..=6), ("dan", 2..=5)] {
        assert_eq!(town.heard(user), heard.collect::<Vec<_>>(), "{user}");
    }
    assert_eq!(town.conversations("dan"), []);
    assert_eq!(town.club().title, Some(Title::parse("tea").unwrap()));
    assert_eq!(town.club().version, 6);
}

/// However long the timeline is, the event of a change is looked for in what came since the change.
#[test]
fn a_change_of_a_long_conversation_is_told() {
    let town = Town::new();
    town.found(&["bob"]);
    town.say("alice", 0).unwrap();
    let said = town.entries(&club()).pop().unwrap();
    for number in 3..limits::VERIFY_ENTRIES_MAX as u64 + 10 {
        let entry = Entry { seq: seq(number), id: message(number), ..said.clone() };
        run(Timelines::put(&town.store, &club().timeline(), &entry)).unwrap();
    }
    town.group("alice", add(&["cy"])).unwrap();
    assert_eq!(town.log().pop().unwrap(), "join cy by alice");
    assert_eq!(town.heard("cy").len(), 1);
}

#[test]
fn asking_for_what_is_so_changes_and_tells_nothing() {
    let town = Town::new();
    town.found(&["bob"]);
    town.group("bob", mute(Muted::Yes)).unwrap();
    let before = town.kept();
    for (user, request) in [
        ("alice", add(&["bob", "alice"])),
        ("alice", remove("eve")),
        ("alice", give("bob", Role::Member)),
        ("alice", rename("club")),
        ("bob", mute(Muted::Yes)),
        ("bob", ask(Change::Join)),
    ] {
        town.group(user, request).unwrap();
        assert_eq!(town.kept(), before);
    }
}

#[test]
fn an_open_group_is_joined_by_whoever_knows_it_and_a_closed_one_looks_like_none() {
    for (admission, opens) in [(Admission::Open, true), (Admission::Closed, false)] {
        let town = Town::new();
        let request = GroupRequest::Create {
            id: message(CLUB),
            title: Title::parse("club").unwrap(),
            members: vec![],
            visibility: Visibility::FromJoin,
            admission,
            body: Body::empty(),
        };
        town.group("alice", request).unwrap();
        let joined = town.group("bob", ask(Change::Join));
        assert_eq!(joined.is_ok(), opens, "{joined:?}");
        assert!(opens || matches!(joined, Err(Error::NotMember)));
        assert_eq!(town.say("bob", 1).is_ok(), opens);
    }
}

#[test]
fn history_begins_where_the_group_says() {
    for (visibility, first) in [(Visibility::FromStart, 1), (Visibility::FromJoin, 3)] {
        let town = Town::new();
        let request = GroupRequest::Create {
            id: message(CLUB),
            title: Title::parse("club").unwrap(),
            members: vec![],
            visibility,
            admission: Admission::Closed,
            body: Body::empty(),
        };
        town.group("alice", request).unwrap();
        town.say("alice", 1).unwrap();
        town.group("alice", add(&["bob"])).unwrap();
        let part = timeline::exchange::Part::After(seq(0));
        let found = town.history(&desk("bob"), lookup(&club(), part.clone(), 10)).unwrap();
        assert_eq!(found.first, seq(first));
        assert_eq!(found.entries[0].seq, seq(first));
        town.group("alice", remove("bob")).unwrap();
        let refused = town.history(&desk("bob"), lookup(&club(), part, 10));
        assert!(matches!(refused, Err(Error::NotMember)), "{refused:?}");
    }
}

#[test]
fn a_list_of_members_is_paged() {
    let town = Town::with_inboxes(500);
    let names: Vec<_> = (100..250).map(|number| format!("user-{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    town.found(&names[..100]);
    town.group("alice", add(&names[100..])).unwrap();
    for large in [false, true] {
        if large {
            grow(&town);
        }
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let request = GroupRequest::Members { conversation: club(), after, limit: 60 };
            let page = town.group("user-200", request).unwrap();
            assert!(page.members.len() <= 60);
            listed.extend(page.members.iter().map(|(user, _)| user.as_str().to_owned()));
            after = page.page;
            if after.is_none() {
                break;
            }
        }
        let mut expected = vec!["alice"];
        expected.extend(names.iter().filter(|name| !large || **name != "user-101"));
        if large {
            expected.push("zoe");
        }
        expected.sort_unstable();
        assert_eq!(listed, expected, "large: {large}");
    }
    let refused = GroupRequest::Members { conversation: club(), after: None, limit: 10 };
    assert!(matches!(town.group("eve", refused), Err(Error::NotMember)));
}

/// The group becomes large, and somebody leaves it then.
fn grow(town: &Town) {
    let policy = Policy { inbox_members_max: 100, ..town.policy };
    let tell = chat::TellPorts { policy: &policy, ..town.tell_ports() };
    let ports = chat::GroupPorts { tell, ..town.group_ports() };
    for request in [add(&["zoe"]), remove("user-101")] {
        run(chat::group(ports, &desk("alice"), request)).unwrap();
    }
    assert!(town.is_large());
}

#[test]
fn a_full_group_takes_nobody_and_loses_nobody() {
    let mut town = Town::new();
    town.policy.group_members_max = 3;
    let many = town.group("alice", create(message(CLUB), &["bob", "cy", "dan"]));
    assert!(matches!(many, Err(Error::Invalid { .. })), "{many:?}");
    town.found(&["bob", "cy"]);
    let full = town.group("alice", add(&["dan"]));
    assert!(matches!(full, Err(Error::Invalid { .. })), "{full:?}");
    town.group("bob", leave()).unwrap();
    town.group("alice", add(&["dan"])).unwrap();
}

#[test]
fn a_direct_conversation_can_be_muted_and_nothing_else() {
    let town = Town::new();
    town.fill(&desk("alice"), "bob", 1);
    let id = crate::town::direct("alice", "bob");
    let change = |change| GroupRequest::Change { conversation: id.clone(), change };
    let muted = town.group("bob", change(Change::Mute(Muted::Yes))).unwrap();
    assert_eq!((muted.title, muted.diffusion, muted.count), (None, Diffusion::Write, 2));
    let body = Body::empty();
    for request in [
        Change::Join,
        Change::Leave,
        Change::Add { users: vec![person("cy")], body: body.clone() },
        Change::Remove { user: person("alice"), body: body.clone() },
        Change::Role { user: person("alice"), role: Role::Admin, body: body.clone() },
        Change::Rename { title: Title::parse("x").unwrap(), body },
    ] {
        let is_join = request == Change::Join;
        let outcome = town.group("bob", change(request));
        assert_eq!(outcome.is_ok(), is_join, "{outcome:?}");
    }
    let caught = town.sync(&town.online("bob", "phone"), from(None));
    assert_eq!(caught.conversations.len(), 1);
}
