//! Frames of protocol `tideline.v1` as they travel, each in a file of `tests/golden`.
//!
//! `UPDATE_EXPECT=1 cargo test -p wire` writes the files anew: a difference is a change that a
//! client notices.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use expect_test::expect_file;
use timeline::{
    Body, ConversationId, DeviceId, Diffusion, Entry, InboxEntry, Kind, MessageId, RequestId, Seq,
    Timestamp, UserId,
};

mod alerts;
mod answers;
mod arbitrary;
mod groups;
mod lists;
mod malformed;
mod pushes;
mod requests;
mod searching;

/// A frame, and the name of its file.
type Golden = (String, String);

#[test]
fn every_frame_is_what_its_file_says() {
    for (name, text) in goldens() {
        expect_file![format!("../golden/{name}.json")].assert_eq(&format!("{text}\n"));
    }
}

#[test]
fn every_file_is_some_frame() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let files: BTreeSet<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let names: BTreeSet<_> = goldens().iter().map(|(name, _)| format!("{name}.json")).collect();
    assert_eq!(files, names);
    assert_eq!(names.len(), goldens().len(), "two frames of one name");
}

fn goldens() -> Vec<Golden> {
    let mut goldens = requests::goldens();
    goldens.extend(answers::goldens());
    goldens.extend(pushes::goldens());
    goldens.extend(groups::goldens());
    goldens.extend(lists::goldens());
    goldens.extend(alerts::goldens());
    goldens.extend(searching::goldens());
    goldens
}

fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

fn direct() -> ConversationId {
    ConversationId::parse("d~alice~bob").unwrap()
}

fn group() -> ConversationId {
    ConversationId::parse("g~01935b2e-7c1a-7def-8123-456789abcdef").unwrap()
}

fn cid() -> MessageId {
    MessageId::parse("0193b8a4-5c1e-7a3b-9d2f-0123456789ab").unwrap()
}

fn request() -> RequestId {
    RequestId::parse("7").unwrap()
}

fn body(text: &str) -> Body {
    Body::parse(text).unwrap()
}

/// Message 42 of Alice and Bob's conversation, by Alice.
fn entry() -> Entry {
    Entry {
        seq: seq(42),
        id: cid(),
        author: UserId::parse("alice").unwrap(),
        device: DeviceId::parse("desk").unwrap(),
        at: Timestamp(1_763_917_045_123),
        kind: Kind::text(),
        countable: 41,
        recalls: 0,
        version: 1,
        inbox_before: seq(6),
        diffusion: Diffusion::Write,
        named: Vec::new(),
        target: None,
        revision: None,
        recalled: None,
        body: Some(body(r#"{"text":"Shall we meet?"}"#)),
    }
}

/// The same message at 17 in Bob's inbox.
fn inbox_entry() -> InboxEntry {
    InboxEntry::of(&entry(), &direct(), seq(17), Timestamp(1_763_917_045_200))
}
