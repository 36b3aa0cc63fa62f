//! Large groups: how a group becomes one, and how its messages are found then.

use chat::Error;
use store::{Directory, Focuses, MemberRow, Membership};
use timeline::exchange::{Caller, Catchup, Signal, SignalKind, Signaled};
use timeline::{ConversationId, Diffusion, Muted, Role, Seq, limits};

use crate::club::{add, club, desk, overtake, remove, to_club};
use crate::town::{Town, from, person, poll, run, seq};

/// What a device of a user is told when it names the club's tail.
fn tails(town: &Town, user: &str, known: u64) -> Vec<(u64, Diffusion)> {
    let device = town.online(user, "desk");
    let tails = [(club(), seq(known))].into();
    let caught = town.sync(&device, Catchup { tails, ..from(Some(0)) });
    let listed = caught.conversations.into_iter();
    listed.map(|listed| (listed.tail.number(), listed.diffusion)).collect()
}

pub(crate) async fn signaling(
    town: &Town,
    caller: &Caller,
    kind: SignalKind,
) -> Result<Signaled, Error> {
    let ports = chat::SignalPorts {
        directory: &town.store,
        focuses: &town.store,
        connections: &town.store,
        push: &town.tape,
        clock: &town.dial,
    };
    chat::signal(ports, caller, Signal { conversation: club(), kind }).await
}

fn focus(town: &Town, caller: &Caller) -> Signaled {
    run(signaling(town, caller, SignalKind::Focus)).unwrap()
}

fn focused(town: &Town) -> Vec<String> {
    let focused = run(town.store.focused(&club(), None, 100)).unwrap();
    focused.iter().map(|focus| focus.connection.to_string()).collect()
}

#[test]
fn a_group_that_outgrows_inboxes_tells_them_so_and_is_read_from_its_timeline_then() {
    let town = Town::with_inboxes(3);
    town.found(&["bob", "cy"]);
    town.say("bob", 1).unwrap();
    assert!(!town.is_large());
    let grown = town.group("alice", add(&["dan"])).unwrap();
    assert_eq!((grown.count, grown.diffusion), (4, Diffusion::Read));
    town.say("dan", 2).unwrap();
    let log =
        ["join bob cy by alice", "1 by bob", "mode by alice", "join dan by alice", "2 by dan"];
    assert_eq!(town.log(), log);
    // Up to the `mode` event everyone is told; after it those whom an event names, and its author.
    for (user, heard) in [
        ("alice", vec![1, 2, 3, 4]),
        ("bob", vec![1, 2, 3]),
        ("cy", vec![1, 2, 3]),
        ("dan", vec![4]),
    ] {
        assert_eq!(town.heard(user), heard, "{user}");
        assert_eq!(tails(&town, user, 3), [(5, Diffusion::Read)], "{user}");
        assert_eq!(tails(&town, user, 5), [], "{user}");
        let caught = town.sync(&desk(user), from(None));
        assert_eq!(caught.conversations[0].diffusion, Diffusion::Read, "{user}");
    }
    assert_eq!(tails(&town, "eve", 0), []);
    town.group("alice", remove("dan")).unwrap();
    assert!(town.is_large(), "it stays what it has become");
    assert_eq!(tails(&town, "dan", 0), []);
    assert_eq!(town.heard("dan"), [4, 6]);
    assert!(matches!(town.say("dan", 3), Err(Error::NotMember)));
}

#[test]
fn a_message_of_a_large_group_is_one_write_and_reaches_who_shows_it() {
    let town = Town::with_inboxes(1);
    let devices: Vec<_> =
        ["alice", "bob", "cy"].into_iter().map(|user| town.online(user, "desk")).collect();
    town.found(&["bob", "cy"]);
    let until = focus(&town, &devices[1]).until.unwrap();
    assert_eq!(until, town.dial_now().plus(limits::FOCUS_MS).min(devices[1].expires));
    focus(&town, &devices[0]);
    town.told();
    let before: Vec<_> = ["alice", "bob", "cy"].map(|user| town.places(user)).into();
    town.say("alice", 1).unwrap();
    assert_eq!(town.told(), ["alice/desk: kept 2 own 1=1", "bob/desk: ?=2 by alice"]);
    let after: Vec<_> = ["alice", "bob", "cy"].map(|user| town.places(user)).into();
    assert_eq!(before, after);

    // A focus ends by itself, by a blur, and when its connection is gone.
    run(signaling(&town, &devices[0], SignalKind::Blur)).unwrap();
    assert_eq!(focused(&town), ["bob/desk"]);
    town.tape.lose(&devices[1].connection);
    town.say("cy", 2).unwrap();
    assert_eq!(focused(&town), [""; 0]);
    focus(&town, &devices[2]);
    town.wait(limits::FOCUS_MS + 1_000);
    town.told();
    town.say("alice", 3).unwrap();
    assert_eq!(town.told().len(), 1, "the sender's acknowledgement alone");
}

#[test]
fn a_message_of_a_large_group_is_none_of_the_streams_business() {
    let town = Town::with_inboxes(1);
    let bob = town.online("bob", "desk");
    town.found(&["bob", "cy"]);
    focus(&town, &bob);
    town.say("cy", 1).unwrap();
    town.told();
    let (before, kept) = (town.dial_now(), town.kept());
    town.stream();
    assert_eq!((town.dial_now(), town.kept()), (before, kept));
    assert_eq!(town.told(), [""; 0]);
}

#[test]
fn showing_a_small_group_or_another_ones_writes_nothing() {
    let town = Town::with_inboxes(2);
    town.found(&["bob"]);
    assert_eq!(focus(&town, &desk("bob")).until, None);
    let refused = run(signaling(&town, &desk("eve"), SignalKind::Focus));
    assert!(matches!(refused, Err(Error::NotMember)), "{refused:?}");
    town.group("alice", add(&["cy"])).unwrap();
    let refused = run(signaling(&town, &desk("eve"), SignalKind::Focus));
    assert!(matches!(refused, Err(Error::NotMember)), "{refused:?}");
    assert_eq!(focused(&town), [""; 0]);
}

#[test]
fn a_removed_member_keeps_no_focus() {
    let (mut first, mut last) = (0, 0);
    for polls in 0..40 {
        let town = Town::with_inboxes(1);
        town.found(&["bob", "cy"]);
        let bob = desk("bob");
        let focusing = signaling(&town, &bob, SignalKind::Focus);
        let (outcome, removed, _) =
            overtake(polls, focusing, || town.group("alice", remove("bob")));
        removed.unwrap();
        assert_eq!(focused(&town), [""; 0], "after {polls} polls: {outcome:?}");
        if outcome.is_ok() { first += 1 } else { last += 1 }
    }
    assert!(first > 0 && last > 0, "both orders happen");
}

/// Of a message that is under way while the group becomes large nothing is lost: it stands on the
/// timeline, and whoever was told of it by no inbox looks there.
#[test]
fn nothing_is_lost_across_the_switch() {
    let mut told_by = [0, 0];
    for polls in 0..60 {
        let town = Town::with_inboxes(3);
        town.found(&["bob", "cy"]);
        let sending = async { town.attempt(&desk("cy"), to_club(1)).await };
        let (sent, added, _) = overtake(polls, sending, || town.group("alice", add(&["dan"])));
        sent.unwrap();
        added.unwrap();
        town.say("bob", 2).unwrap();
        let log = town.log();
        let place = |line: &str| log.iter().position(|other| other == line).unwrap() as u64 + 1;
        let (switched, message) = (place("mode by alice"), place("1 by cy"));
        for user in ["alice", "bob", "cy"] {
            let heard = town.heard(user);
            assert!(heard.contains(&switched), "{user} after {polls} polls");
            if message < switched {
                assert!(heard.contains(&message), "{user} after {polls} polls: {heard:?} {log:?}");
                told_by[0] += 1;
            } else {
                told_by[1] += 1;
            }
            assert_eq!(tails(&town, user, switched)[0].0, log.len() as u64);
        }
    }
    assert!(told_by.iter().all(|count| *count > 0), "both orders happen: {told_by:?}");
}

#[test]
fn a_switch_that_ends_at_any_await_is_made_by_the_next_change() {
    for polls in 0.. {
        let town = Town::with_inboxes(3);
        town.found(&["bob", "cy"]);
        let done = poll(town.grouping(&desk("alice"), add(&["dan"])), polls).is_some();
        town.say("bob", 1).unwrap();
        town.group("alice", add(&["dan"])).unwrap();
        town.stream();
        let log = town.log();
        let case = format!("after {polls} polls: {log:?}");
        assert!(town.is_large(), "{case}");
        assert_eq!(log.iter().filter(|line| *line == "join dan by alice").count(), 1, "{case}");
        let last_mode = log.iter().rposition(|line| line == "mode by alice").unwrap() as u64 + 1;
        for user in ["alice", "bob", "cy"] {
            let mut heard = town.heard(user);
            heard.retain(|seq| *seq <= last_mode);
            heard.sort_unstable();
            assert_eq!(heard, (1..=last_mode).collect::<Vec<_>>(), "{user} {case}");
            town.say(user, 9).unwrap();
        }
        if done {
            break;
        }
    }
}

/// A row that was long under way, from before the group became large, makes nobody a member.
#[test]
fn a_row_from_before_the_switch_says_nothing() {
    let town = Town::with_inboxes(2);
    town.found(&["bob"]);
    town.group("alice", remove("bob")).unwrap();
    town.group("alice", add(&["cy"])).unwrap();
    town.group("alice", add(&["dan"])).unwrap();
    assert!(town.is_large());
    let membership = Membership { joined: Seq::FIRST, role: Role::Owner, muted: Muted::No };
    let late = MemberRow { version: 2, membership: Some(membership) };
    run(town.store.put_member(&club(), &person("bob"), &late)).unwrap();
    assert!(matches!(town.say("bob", 1), Err(Error::NotMember)));
    let members = town.group("alice", add(&["cy"])).unwrap().members;
    assert!(members.iter().all(|(user, _)| *user != person("bob")), "{members:?}");
    let read: ConversationId = club();
    assert_eq!(run(town.store.conversation(&read)).unwrap().unwrap().members.count(), 3);
}
