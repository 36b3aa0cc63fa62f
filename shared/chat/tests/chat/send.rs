//! A message is kept once and acknowledged, or refused without a trace.

use chat::Error;
use futures_util::future::join;
use store::Members;
use timeline::exchange::Outgoing;
use timeline::{Body, Kind};

use crate::town::{Town, caller, direct, group, message, run, said, seq, text, trips, within};

#[test]
fn a_known_conversation_takes_two_round_trips_to_the_ack_and_four_to_the_push() {
    let town = Town::new();
    let (desk, _phone) = (town.online("alice", "desk"), town.online("bob", "phone"));
    town.online("alice", "phone");
    town.fill(&desk, "bob", 1);
    let sending = async { town.attempt(&desk, text("bob", 2, Some(1))).await.unwrap() };
    let (told, total) = trips(&town, sending);
    assert_eq!(
        told,
        [
            "after 2: alice/desk: kept 2 own 1=1",
            "after 4: bob/phone: 2=2 by alice",
            "after 6: alice/phone: 2=2 by alice"
        ]
    );
    assert_eq!(total, 6);
}

#[test]
fn a_first_message_takes_two_round_trips_more() {
    let town = Town::new();
    let desk = town.online("alice", "desk");
    let sending = async { town.attempt(&desk, text("bob", 1, Some(0))).await.unwrap() };
    assert_eq!(trips(&town, sending).0, ["after 4: alice/desk: kept 1"]);
}

#[test]
fn a_message_without_a_base_looks_for_one_and_claims_it() {
    let town = Town::new();
    let desk = town.online("alice", "desk");
    town.fill(&desk, "bob", 1);
    let sending = async { town.attempt(&desk, text("bob", 2, None)).await.unwrap() };
    assert_eq!(trips(&town, sending).0, ["after 4: alice/desk: kept 2 own 1=1"]);
}

#[test]
fn a_first_message_makes_the_conversation_of_both() {
    let town = Town::new();
    let conversation = direct("alice", "bob");
    town.send(&caller("bob", "phone"), text("alice", 1, Some(0)));
    for user in ["alice", "bob"] {
        assert_eq!(town.conversations(user), [direct("alice", "bob")], "{user}");
    }
    let made = run(store::Directory::conversation(&town.store, &conversation)).unwrap().unwrap();
    let Members::Inline(members) = &made.members else { panic!("{made:?}") };
    let names: Vec<_> = members.keys().map(|user| user.as_str()).collect();
    assert_eq!(names, ["alice", "bob"]);
    assert!(members.values().all(|member| member.joined == seq(1)));
}

#[test]
fn two_who_write_to_each_other_first_are_in_one_conversation() {
    let town = Town::new();
    let (desk, phone) = (town.online("alice", "desk"), town.online("bob", "phone"));
    let one = town.attempt(&desk, text("bob", 1, Some(0)));
    let other = town.attempt(&phone, text("alice", 2, Some(0)));
    let (one, other) = run(join(one, other));
    one.unwrap();
    other.unwrap();
    let entries = town.entries(&direct("alice", "bob"));
    let mut kept: Vec<_> = entries.iter().map(|entry| entry.id).collect();
    kept.sort_unstable();
    assert_eq!(kept, [message(1), message(2)]);
    for user in ["alice", "bob"] {
        let mut told: Vec<_> = town.inbox(user).iter().map(|entry| entry.seq.number()).collect();
        told.sort_unstable();
        assert_eq!(told, [1, 2], "{user}");
        assert_eq!(town.conversations(user), [direct("alice", "bob")], "{user}");
    }
}

#[test]
fn what_is_kept_is_what_was_said() {
    let town = Town::new();
    let desk = caller("alice", "desk");
    let body = r#"{ "text" : "caf\u00e9 ☕" , "x":[1e0, 1.0] }"#;
    let outgoing = Outgoing { kind: Kind::parse("note").unwrap(), ..said("bob", 1, Some(0), body) };
    town.send(&desk, outgoing);
    let entries = town.entries(&direct("alice", "bob"));
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((entry.seq, entry.id), (seq(1), message(1)));
    assert_eq!((&entry.author, &entry.device), (&desk.user, &desk.device));
    assert_eq!((entry.at, entry.kind.as_str()), (crate::town::START, "note"));
    assert_eq!(entry.body.as_ref().map(Body::as_str), Some(body));
}

#[test]
fn a_repeat_is_answered_as_the_first_and_told_to_nobody() {
    for base in [Some(0), None] {
        let town = Town::new();
        let (desk, _phone) = (town.online("alice", "desk"), town.online("bob", "phone"));
        let first = town.send(&desk, text("bob", 1, base));
        assert_eq!(first, ["alice/desk: kept 1", "bob/phone: 1=1 by alice"]);
        let kept = town.kept();
        town.wait(5_000);
        assert_eq!(town.send(&desk, text("bob", 1, base)), ["alice/desk: kept 1 again own 1=1"]);
        assert_eq!(town.kept(), kept, "a repeat with base {base:?} changed something");
    }
}

#[test]
fn a_repeat_tells_the_time_of_the_first() {
    let town = Town::new();
    let desk = caller("alice", "desk");
    let at = |town: &Town| {
        run(town.attempt(&desk, text("bob", 1, Some(0)))).unwrap();
        let acts = town.tape.take();
        let kept = acts.iter().find_map(|(_, act)| match act {
            push::tape::Act::Post(push::Notice::Kept { kept, .. }) => Some(kept.at),
            push::tape::Act::Post(_) | push::tape::Act::Close => None,
        });
        kept.unwrap()
    };
    let first = at(&town);
    town.wait(5_000);
    assert_eq!(at(&town), first);
}

#[test]
fn a_repeat_whose_marker_is_far_back_is_told_to_nobody() {
    let town = Town::new();
    let (desk, phone) = (town.online("alice", "desk"), town.online("bob", "phone"));
    town.send(&desk, text("bob", 1, Some(0)));
    for number in 2..=12 {
        town.send(&phone, text("alice", number, Some(number - 1)));
    }
    let kept = town.kept();
    assert_eq!(town.send(&desk, text("bob", 1, Some(0))), ["alice/desk: kept 1 again"]);
    assert_eq!(town.kept(), kept);
}

#[test]
fn a_repeat_without_a_base_finds_what_a_later_tail_would_hide() {
    let town = Town::new();
    let (desk, phone) = (caller("alice", "desk"), caller("bob", "phone"));
    town.fill(&phone, "alice", 2);
    town.send(&desk, text("bob", 7, None));
    for number in 3..=5 {
        town.send(&phone, text("alice", number, Some(number)));
    }
    town.send(&desk, text("bob", 7, None));
    let entries = town.entries(&direct("alice", "bob"));
    let copies = entries.iter().filter(|entry| entry.is(&desk.user, &message(7))).count();
    assert_eq!((entries.len(), copies), (6, 1));
}

#[test]
fn the_same_id_of_two_people_is_two_messages() {
    let town = Town::new();
    town.send(&caller("alice", "desk"), text("bob", 1, Some(0)));
    town.send(&caller("bob", "phone"), text("alice", 1, Some(0)));
    assert_eq!(town.entries(&direct("alice", "bob")).len(), 2);
}

#[test]
fn who_may_not_write_changes_nothing() {
    let strangers = direct("carol", "dave");
    let refused = [
        ("a stranger", within(&direct("alice", "bob"), 9, Some(0))),
        ("without a base", within(&direct("alice", "bob"), 9, None)),
        ("no such group", within(&group(), 9, Some(0))),
        ("no such conversation of others", within(&strangers, 9, Some(0))),
    ];
    for (case, outgoing) in refused {
        let error = refusal("eve", outgoing);
        assert!(matches!(error, Error::NotMember), "{case}: {error:?}");
    }
}

#[test]
fn nobody_writes_to_themselves() {
    let error = refusal("alice", text("alice", 9, Some(0)));
    assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
}

#[test]
fn the_same_id_with_another_content_is_refused() {
    let other_body = said("bob", 1, Some(0), r#"{"text":"something else"}"#);
    let other_kind = Outgoing { kind: Kind::parse("note").unwrap(), ..text("bob", 1, Some(0)) };
    for outgoing in [other_body, other_kind] {
        let error = refusal("alice", outgoing);
        assert!(matches!(error, Error::IdReused), "{error:?}");
    }
}

#[test]
fn a_base_beyond_the_tail_is_told() {
    let error = refusal("alice", text("bob", 9, Some(4)));
    assert!(matches!(error, Error::BaseAhead { tail } if tail == seq(3)), "{error:?}");
}

#[test]
fn a_base_below_what_is_kept_is_stale() {
    let town = Town::new();
    let desk = caller("alice", "desk");
    town.fill(&desk, "bob", 5);
    run(town.store.purge(&direct("alice", "bob").timeline(), seq(4)));
    let kept = town.kept();
    let error = run(town.attempt(&desk, text("bob", 9, Some(2)))).unwrap_err();
    assert!(matches!(error, Error::StaleBase { tail } if tail == seq(5)), "{error:?}");
    assert_eq!(town.kept(), kept);
}

/// Alice wrote three messages to Bob. Why `user`'s message is refused, which tells nobody and
/// changes nothing.
fn refusal(user: &str, outgoing: Outgoing) -> Error {
    let town = Town::new();
    town.online("bob", "phone");
    town.fill(&town.online("alice", "desk"), "bob", 3);
    let kept = town.kept();
    let error = run(town.attempt(&caller(user, "phone"), outgoing)).unwrap_err();
    assert_eq!(town.kept(), kept, "{error:?} left a trace");
    assert_eq!(town.told(), [""; 0], "{error:?} was told");
    error
}
