//! The rules of a reset: what it does not name was left, whatever of it comes when.

use engine::{Input, Record};
use serde_json::{Value, json};
use timeline::{ConversationId, Seq};

use crate::device::{Device, cid};

const GROUP: &str = "g~01935b2e-7c1a-7def-8123-000000000001";

fn group() -> ConversationId {
    ConversationId::parse(GROUP).unwrap()
}

/// A device that has applied the first message of a group, and whose sync is on its way.
fn device() -> Device {
    let reached = Record::Reached { conversation: group(), seq: Seq::FIRST };
    let mut device = Device::with(&[reached]);
    device.connect();
    device
}

/// Pushes a message of the group with its place in the inbox.
fn push(device: &mut Device, q: u64, seq: u64, kind: &str, body: &Value) {
    let push = json!({"event": "message", "q": q, "conversation": GROUP, "seq": seq,
        "cid": cid(seq), "from": "bo", "at": 1, "kind": kind, "body": body});
    device.frame(&push.to_string());
}

fn join(device: &mut Device, q: u64, seq: u64) {
    push(device, q, seq, "join", &json!({"users": ["al"]}));
}

fn text(device: &mut Device, q: u64, seq: u64) {
    push(device, q, seq, "text", &json!({"text": "x"}));
}

/// Answers the newest sync with a reset that names nothing.
fn answer_reset(device: &mut Device, cursor: u64) {
    answer_page(device, cursor, None);
}

/// The same, with a page that goes on.
fn answer_page(device: &mut Device, cursor: u64, page: Option<&str>) {
    let ok = json!({"entries": [], "cursor": cursor, "more": page.is_some(), "reset": true,
        "conversations": [], "tail": cursor, "seen": 1, "page": page});
    device.answer("sync", &ok);
}

/// Says that a part of the group is not to be seen.
fn hide(device: &mut Device, missing: &[u64], last: u64) {
    let ok = json!({"messages": [], "first": 1, "last": last, "missing": missing, "more": false});
    device.answer("history", &ok);
}

#[test]
fn a_group_that_is_not_named_counts_nothing_though_it_waits_for_a_hole() {
    let mut device = device();
    device.answer_sync();
    join(&mut device, 1, 4);
    text(&mut device, 2, 5);
    device.input(Input::Disconnected);
    device.pass(60_000);
    device.input(Input::Connected);
    answer_reset(&mut device, 9);
    device.pass(1_000);
    hide(&mut device, &[2, 3], 5);
    assert_eq!(device.shown, [format!("{GROUP} 4"), format!("{GROUP} 5")]);
    assert_eq!((device.engine.applied(&group()).number(), device.engine.total_unread()), (5, 0));
    device.restart();
    assert_eq!(device.engine.total_unread(), 0);
}

#[test]
fn what_comes_before_the_answer_of_a_reset_that_does_not_name_its_group_counts_nothing() {
    let mut device = device();
    join(&mut device, 1, 2);
    text(&mut device, 2, 3);
    answer_reset(&mut device, 9);
    assert_eq!((device.engine.applied(&group()).number(), device.engine.total_unread()), (3, 0));
}

#[test]
fn who_comes_back_while_a_reset_is_answered_is_in() {
    let mut device = device();
    answer_page(&mut device, 9, Some("d~al~bo"));
    join(&mut device, 10, 2);
    text(&mut device, 11, 3);
    answer_reset(&mut device, 11);
    text(&mut device, 12, 4);
    assert_eq!((device.engine.position(&group()), device.engine.total_unread()), (Seq::FIRST, 2));
}

#[test]
fn who_comes_back_after_a_reset_counts_from_there() {
    let mut device = device();
    answer_reset(&mut device, 9);
    join(&mut device, 10, 6);
    text(&mut device, 11, 7);
    device.pass(1_000);
    hide(&mut device, &[2, 3, 4, 5], 7);
    assert_eq!((device.engine.position(&group()).number(), device.engine.total_unread()), (5, 1));
}

#[test]
fn what_is_repeated_of_a_group_that_was_left_before_a_reset_is_void() {
    let mut device = Device::fresh();
    device.connect();
    answer_reset(&mut device, 9);
    text(&mut device, 4, 3);
    assert_eq!((device.shown.len(), device.engine.total_unread()), (0, 0));
}
