//! The rules of what is read and unread, and of messages taken back.

use engine::{Command, Input};
use serde_json::json;
use timeline::{ConversationId, MessageId, Seq};

use crate::device::{Device, cid, text};

fn direct() -> ConversationId {
    ConversationId::parse("d~al~bo").unwrap()
}

fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

fn read(number: u64) -> Command {
    Command::Read { conversation: direct(), seq: seq(number) }
}

/// A device with so many messages of `bo`.
fn device(count: u64) -> Device {
    let mut device = Device::online();
    for number in 1..=count {
        device.push(number, number);
    }
    device.actions();
    device
}

#[test]
fn the_furthest_position_is_told_one_at_a_time() {
    let mut device = device(5);
    for number in [2, 3, 4] {
        device.command(read(number));
    }
    assert_eq!((device.actions(), &device.last("read")["seq"]), (vec!["read".into()], &json!(2)));
    device.answer("read", &json!({"seq": 2, "unread": 3}));
    assert_eq!((device.actions(), &device.last("read")["seq"]), (vec!["read".into()], &json!(4)));
    device.answer("read", &json!({"seq": 4, "unread": 1}));
    assert_eq!((device.actions().len(), device.engine.is_told(&direct())), (0, true));
}

#[test]
fn a_position_is_told_until_the_server_knows_and_survives_a_restart() {
    let mut device = device(3);
    device.command(read(2));
    device.refuse("read", &json!({"code": 503, "name": "unavailable", "message": ""}));
    assert!(!device.engine.is_told(&direct()));
    device.restart();
    assert_eq!(device.engine.unread(&direct()), 1);
    device.connect();
    assert_eq!(device.last("read")["seq"], 2);
    device.refuse("read", &json!({"code": 403, "name": "forbidden", "message": ""}));
    assert!(device.engine.is_told(&direct()), "a final refusal ends it");
}

#[test]
fn an_older_position_changes_nothing() {
    let mut device = device(4);
    device.command(read(3));
    device.command(read(1));
    device.answer("read", &json!({"seq": 3, "unread": 1}));
    device.frame(
        &json!({"event": "message", "q": 5, "conversation": "d~al~bo", "seq": 2, "kind": "read",
            "cid": cid(9), "from": "al", "at": 1, "body": {}})
        .to_string(),
    );
    assert_eq!((device.engine.position(&direct()), device.engine.unread(&direct())), (seq(3), 1));
    assert_eq!(device.actions(), ["read"]);
}

#[test]
fn own_messages_count_nothing_after_a_reconnect_either() {
    let mut device = device(1);
    device.command(text(1, "mine"));
    device.ack("d~al~bo", 2);
    assert_eq!(device.engine.unread(&direct()), 1);
    device.input(Input::Disconnected);
    device.restart();
    device.connect();
    device.answer_sync();
    assert_eq!((device.engine.unread(&direct()), device.engine.total_unread()), (1, 1));
}

#[test]
fn a_recall_takes_an_unread_message_off() {
    let mut device = device(3);
    device.frame(
        &json!({"event": "message", "q": 4, "conversation": "d~al~bo", "seq": 4, "target": 2,
            "kind": "recall", "cid": cid(9), "from": "bo", "at": 1, "body": {}})
        .to_string(),
    );
    assert_eq!(device.engine.unread(&direct()), 2);
}

#[test]
fn what_another_device_read_is_known_by_a_marker_alone() {
    let mut device = device(3);
    let mut push = crate::device::message(4, "bo", &cid(4));
    push["event"] = json!("message");
    push["q"] = json!(5);
    push["own"] = json!([{"q": 4, "conversation": "d~al~bo", "seq": 3, "kind": "read"}]);
    device.frame(&push.to_string());
    assert_eq!((device.engine.position(&direct()), device.engine.unread(&direct())), (seq(3), 1));
    assert_eq!(device.state().cursor, Some(seq(5)));
}

#[test]
fn how_far_the_other_has_read_only_grows_and_is_never_ones_own() {
    let mut device = device(3);
    for (user, number) in [("bo", 2), ("bo", 1), ("al", 3)] {
        device.frame(
            &json!({"event": "read", "conversation": "d~al~bo", "user": user, "seq": number,
                "at": 1})
            .to_string(),
        );
    }
    assert_eq!(device.engine.read_by(&direct()), seq(2));
    device.command(Command::Receipts { ticket: 7, conversation: direct(), seq: None, page: None });
    let readers = json!([{"user": "bo", "seq": 3, "at": 1}]);
    device.answer("receipts", &json!({"count": 1, "readers": readers}));
    assert_eq!(device.engine.read_by(&direct()), seq(3));
}

#[test]
fn a_recall_is_repeated_with_the_same_id_and_base_and_its_event_fetched() {
    let mut device = device(3);
    device.command(Command::Recall {
        ticket: 7,
        conversation: direct(),
        seq: seq(2),
        cid: MessageId::parse(&cid(9)).unwrap(),
        body: None,
    });
    let first = device.last("recall");
    assert_eq!((&first["cid"], &first["base"]), (&json!(cid(9)), &json!(3)));
    device.refuse("recall", &json!({"code": 503, "name": "unavailable", "message": ""}));
    device.push(4, 4);
    device.pass(5_000);
    let again = device.last("recall");
    assert_eq!((&again["cid"], &again["base"]), (&first["cid"], &first["base"]));
    let sent = json!({"conversation": "d~al~bo", "seq": 5, "at": 1, "duplicate": false});
    device.answer("recall", &sent);
    assert_eq!(device.last("history")["range"], json!([5, 5]));
    assert!(device.log().contains(&"recalled 7 5".to_owned()));
}
