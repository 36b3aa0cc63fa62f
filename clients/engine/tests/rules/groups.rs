//! The rules of groups, large ones above all.

use engine::{Command, Input, Older, Record, Standing, State};
use serde_json::{Value, json};
use timeline::{ConversationId, Seq};

use crate::device::{Device, cid, page};

const GROUP: &str = "g~01935b2e-7c1a-7def-8123-000000000001";

/// How long a device waits between two rounds, in milliseconds.
const ROUND_MS: u64 = engine::limits::KEEP_ALIVE_MS;

fn group() -> ConversationId {
    ConversationId::parse(GROUP).unwrap()
}

/// The record of a large group and where the user stands in it.
fn record(conversation: &ConversationId, standing: Standing) -> Record {
    Record::Large { conversation: conversation.clone(), standing }
}

/// A device that is connected and synced, knows a large group, and has applied 3 messages of it.
fn member() -> Device {
    let reached = Record::Reached { conversation: group(), seq: Seq::new(3).unwrap() };
    let mut device = Device::with(&[reached, record(&group(), Standing::Member)]);
    device.connect();
    device.answer_sync();
    device.actions();
    device
}

/// A message of the group.
fn message(seq: u64, kind: &str, body: &Value) -> Value {
    json!({"conversation": GROUP, "seq": seq, "cid": cid(1_000 + seq), "from": "bo", "at": 1,
        "kind": kind, "body": body})
}

/// A text of the group, which is large.
fn large(seq: u64) -> Value {
    let mut message = message(seq, "text", &json!({"text": "x"}));
    message["large"] = json!(true);
    message
}

/// An event of the group that names users.
fn event(seq: u64, kind: &str, users: &[&str]) -> Value {
    let mut message = message(seq, kind, &json!({"users": users}));
    message["large"] = json!(true);
    message
}

/// Pushes a message; with its place in the inbox, if it has one.
fn push(device: &mut Device, message: &Value, q: Option<u64>) {
    let mut push = message.clone();
    push["event"] = json!("message");
    if let Some(q) = q {
        push["q"] = json!(q);
    }
    device.frame(&push.to_string());
}

/// Answers the newest sync: the inbox is read, and these tails moved.
fn answer_tails(device: &mut Device, tails: &Value) {
    let cursor = device.last("sync")["cursor"].clone();
    let ok = json!({"entries": [], "cursor": cursor, "more": false, "reset": false,
        "conversations": tails, "tail": cursor, "seen": 1});
    device.answer("sync", &ok);
}

/// Where the device's records say that its user stands in the group.
fn standing(device: &Device) -> Option<Standing> {
    device.state().large.get(&group()).copied()
}

#[test]
fn a_small_group_is_received_like_a_direct_conversation() {
    let mut device = Device::online();
    let text = message(1, "text", &json!({"text": "x"}));
    push(&mut device, &text, Some(1));
    assert_eq!(device.shown, [format!("{GROUP} 1")]);
    assert_eq!((device.state().cursor, standing(&device)), (Some(Seq::FIRST), None));
    device.pass(ROUND_MS);
    assert_eq!(device.last("sync").get("tails"), None);
}

#[test]
fn a_switch_a_large_message_and_a_large_tail_each_make_a_group_large_for_good() {
    let mut switched = Device::online();
    push(&mut switched, &message(1, "mode", &json!({})), Some(1));
    let mut told = Device::online();
    push(&mut told, &large(9), None);
    let mut listed = Device::new(Older::OnDemand, State::default());
    listed.connect();
    let tails = json!([{"conversation": GROUP, "tail": 4, "large": true}]);
    let reset = json!({"entries": [], "cursor": 1, "more": false, "reset": true,
        "conversations": tails, "tail": 1, "seen": 5});
    listed.answer("sync", &reset);
    listed.answer_positions(GROUP, 4);
    for mut device in [switched, told, listed] {
        assert_eq!(standing(&device), Some(Standing::Member));
        device.restart();
        assert_eq!(standing(&device), Some(Standing::Member));
        device.connect();
        assert!(device.last("sync")["tails"][GROUP].is_u64());
    }
}

#[test]
fn a_group_that_is_read_from_history_alone_is_known_to_be_large() {
    let mut device = Device::online();
    let own = json!([{"q": 1, "conversation": GROUP, "seq": 2}]);
    let mut other = crate::device::message(1, "bo", &cid(7));
    (other["event"], other["q"], other["own"]) = (json!("message"), json!(2), own);
    device.frame(&other.to_string());
    device.pass(200);
    device.answer("history", &page(&[message(1, "mode", &json!({})), large(2)], 2));
    assert_eq!(standing(&device), Some(Standing::Member));
}

#[test]
fn that_a_group_is_large_is_persisted_before_what_says_so() {
    let mut device = Device::online();
    push(&mut device, &message(1, "mode", &json!({})), Some(1));
    let log = device.log();
    let at = |start: &str| log.iter().position(|line| line.starts_with(start)).unwrap();
    assert!(at("persist {\"large\"") < at("persist {\"applied\""), "{log:#?}");
}

#[test]
fn after_a_switch_the_tail_is_asked_for_and_the_hole_filled() {
    let mut device = Device::online();
    push(&mut device, &message(1, "mode", &json!({})), Some(1));
    assert!(!device.engine.is_caught_up());
    device.pass(engine::limits::LARGE_SPREAD_MS);
    assert_eq!(device.last("sync")["tails"], json!({GROUP: 1}));
    answer_tails(&mut device, &json!([{"conversation": GROUP, "tail": 2, "large": true}]));
    assert_eq!(device.last("history")["range"], json!([2, 2]));
    device.answer("history", &page(&[large(2)], 2));
    assert_eq!(device.shown, [format!("{GROUP} 1"), format!("{GROUP} 2")]);
    assert!(device.engine.is_caught_up());
}

#[test]
fn tails_are_asked_for_after_a_connect_and_then_with_every_keep_alive() {
    let mut device = member();
    device.pass(ROUND_MS);
    assert_eq!(device.last("sync")["tails"], json!({GROUP: 3}));
    answer_tails(&mut device, &json!([]));
    device.actions();
    device.pass(ROUND_MS - 1);
    assert_eq!(device.actions(), Vec::<String>::new());
    device.pass(1);
    assert_eq!(device.actions(), ["sync"]);
    device.input(Input::Disconnected);
    device.pass(1_000);
    device.connect();
    assert_eq!(device.last("sync")["tails"], json!({GROUP: 3}));
}

#[test]
fn a_round_of_many_groups_takes_several_syncs_and_ends_with_the_last() {
    let groups = (0..150).map(|number| {
        let id = format!("g~01935b2e-7c1a-7def-8123-{number:012}");
        record(&ConversationId::parse(&id).unwrap(), Standing::Member)
    });
    let mut device = Device::with(&groups.collect::<Vec<_>>());
    device.connect();
    let count = |device: &Device| device.last("sync")["tails"].as_object().unwrap().len();
    assert_eq!(count(&device), 100);
    answer_tails(&mut device, &json!([]));
    assert!(!device.engine.is_caught_up());
    assert_eq!(count(&device), 50);
    answer_tails(&mut device, &json!([]));
    assert!(device.engine.is_caught_up());
    device.actions();
    device.pass(ROUND_MS - 1);
    assert_eq!(device.actions(), Vec::<String>::new());
}

#[test]
fn a_push_without_a_place_in_the_inbox_moves_no_cursor() {
    let mut device = member();
    push(&mut device, &large(4), None);
    assert_eq!(device.shown, [format!("{GROUP} 4")]);
    assert_eq!(device.state().cursor, Some(Seq::ZERO));
    push(&mut device, &large(4), None);
    assert_eq!(device.shown.len(), 1);
}

#[test]
fn who_leaves_asks_no_more_until_let_in_again() {
    let mut device = member();
    push(&mut device, &event(4, "leave", &["cy", "al"]), Some(1));
    assert_eq!(standing(&device), Some(Standing::Gone));
    device.pass(ROUND_MS);
    assert_eq!(device.last("sync").get("tails"), None);
    device.answer_sync();
    push(&mut device, &event(5, "join", &["cy"]), None);
    assert_eq!(standing(&device), Some(Standing::Gone));
    push(&mut device, &event(6, "join", &["al"]), Some(2));
    assert_eq!(standing(&device), Some(Standing::Member));
    device.pass(engine::limits::LARGE_SPREAD_MS);
    assert_eq!(device.last("sync")["tails"], json!({GROUP: 6}));
}

#[test]
fn an_event_of_ones_own_names_its_author() {
    let mut device = member();
    let mut left = event(4, "leave", &[]);
    left["from"] = json!("al");
    push(&mut device, &left, Some(1));
    assert_eq!(standing(&device), Some(Standing::Gone));
}

#[test]
fn what_happened_before_a_joining_does_not_undo_it() {
    let mut device = member();
    push(&mut device, &event(6, "join", &["al"]), Some(1));
    device.pass(200);
    assert_eq!(device.last("history")["range"], json!([4, 5]));
    device.answer("history", &page(&[event(4, "leave", &["al"]), large(5)], 6));
    assert_eq!(device.shown.len(), 3);
    assert_eq!(standing(&device), Some(Standing::Member));
}

#[test]
fn a_history_that_is_refused_ends_a_membership_and_hides_no_more_than_was_asked_for() {
    let forbidden = json!({"code": 403, "name": "forbidden", "message": ""});
    let mut device = member();
    push(&mut device, &large(5), None);
    device.pass(200);
    push(&mut device, &large(8), None);
    device.refuse("history", &forbidden);
    assert_eq!(standing(&device), Some(Standing::Gone));
    assert_eq!(device.shown, [format!("{GROUP} 5")]);
    assert_eq!(device.last("history")["range"], json!([6, 7]));
}

#[test]
fn a_refusal_that_comes_too_late_ends_nothing() {
    let mut device = member();
    push(&mut device, &event(5, "join", &["al"]), Some(1));
    device.pass(200);
    push(&mut device, &large(4), None);
    device.refuse("history", &json!({"code": 403, "name": "forbidden", "message": ""}));
    assert_eq!(standing(&device), Some(Standing::Member));
}

#[test]
fn a_focus_is_told_of_large_groups_alone() {
    let mut device = Device::online();
    let direct = ConversationId::parse("d~al~bo").unwrap();
    for id in [direct.clone(), group()] {
        device.command(Command::Focus(id));
    }
    device.command(Command::Blur(direct));
    assert_eq!(device.actions(), Vec::<String>::new());
    push(&mut device, &message(1, "mode", &json!({})), Some(1));
    let signal = device.last("signal");
    assert_eq!((&signal["conversation"], &signal["kind"]), (&GROUP.into(), &"focus".into()));
}

#[test]
fn a_focus_is_followed_by_a_sync_and_renewed_before_its_end() {
    let mut device = member();
    device.command(Command::Focus(group()));
    assert_eq!(device.actions(), ["signal"]);
    // The server's clock stood at 1 a moment ago.
    let minutes = 3;
    device.answer("signal", &json!({"until": 1 + minutes * 60_000}));
    assert_eq!(device.actions(), ["sync"]);
    assert_eq!(device.last("sync")["tails"], json!({GROUP: 3}));
    answer_tails(&mut device, &json!([]));
    device.pass((minutes - 1) * 60_000 - 1);
    assert_eq!(device.actions(), Vec::<String>::new());
    device.pass(1);
    assert_eq!(device.actions(), ["signal"]);
}

#[test]
fn a_focus_is_told_again_on_every_connection_until_it_ends() {
    let mut device = member();
    device.command(Command::Focus(group()));
    device.answer("signal", &json!({"until": 7_200_000}));
    device.input(Input::Disconnected);
    device.pass(1_000);
    device.actions();
    device.connect();
    assert_eq!(device.actions(), ["sync", "signal"]);
    device.command(Command::Blur(group()));
    assert_eq!(device.actions(), Vec::<String>::new(), "one signal at a time");
    device.answer("signal", &json!({"until": 7_200_000}));
    assert_eq!(device.last("signal")["kind"], "blur");
    device.answer("signal", &json!({}));
    device.input(Input::Disconnected);
    device.pass(1_000);
    device.actions();
    device.connect();
    assert_eq!(device.actions(), ["sync"]);
}

#[test]
fn a_signal_is_repeated_until_it_is_answered() {
    let mut device = member();
    device.command(Command::Focus(group()));
    device.refuse("signal", &json!({"code": 503, "name": "unavailable", "message": ""}));
    device.actions();
    device.pass(1_000);
    assert_eq!(device.actions(), ["signal"]);
    device.refuse("signal", &json!({"code": 403, "name": "forbidden", "message": ""}));
    push(&mut device, &event(4, "leave", &["al"]), Some(1));
    device.pass(60_000);
    device.refuse("signal", &json!({"code": 403, "name": "forbidden", "message": ""}));
    device.actions();
    device.pass(ROUND_MS - 60_000);
    assert!(!device.actions().contains(&"signal".to_owned()), "nobody's group is not signaled");
}

#[test]
fn a_request_about_a_group_is_repeated_until_its_answer_is_final() {
    let mut device = Device::online();
    let mut request = wire::Group::new(String::new(), "create");
    (request.title, request.cid) = (Some("tea".to_owned()), Some(cid(1)));
    device.command(Command::Group { ticket: 7, request: Box::new(request) });
    let first = device.last("group");
    device.refuse("group", &json!({"code": 503, "name": "unavailable", "message": ""}));
    device.pass(1_000);
    let mut again = device.last("group");
    assert_ne!(again["id"], first["id"]);
    again["id"] = first["id"].clone();
    assert_eq!(again, first);
    let ok = json!({"conversation": GROUP, "title": "tea", "version": 1, "large": true,
        "history": "start", "open": false, "count": 1, "members": []});
    device.answer("group", &ok);
    assert!(device.log().contains(&format!("grouped 7 {GROUP}")));
    assert_eq!(standing(&device), Some(Standing::Member));
}

#[test]
fn a_request_that_could_not_be_repeated_or_taken_is_refused_at_once() {
    let mut device = Device::online();
    let mut nameless = wire::Group::new(String::new(), "create");
    nameless.title = Some("tea".to_owned());
    let aimless = wire::Group::new(String::new(), "leave");
    for (ticket, request) in [(1, nameless), (2, aimless)] {
        device.command(Command::Group { ticket, request: Box::new(request) });
        assert!(device.log().contains(&format!("grouped {ticket} invalid")));
    }
    assert_eq!(device.actions(), Vec::<String>::new());
}
