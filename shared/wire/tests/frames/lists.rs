//! Frames of `read`, `receipts`, `recall` and `conversations`, and what is pushed of them.

use serde_json::value::RawValue;
use timeline::lists::{
    self, ConversationsRequest, Place, ReadRequest, RecallRequest, Receipt, ReceiptsRequest, Row,
};
use timeline::{
    Diffusion, Entry, InboxEntry, Kind, MessageId, Muted, Seq, Timestamp, Title, UserId,
};
use wire::{
    Conversations, ErrorCode, Incoming, Listed, Message, Push, Read, ReadBy, ReadUpTo, Readers,
    Recall, Receipts, SignalBy,
};

use crate::{Golden, answers, body, cid, direct, entry, group, inbox_entry, request, seq};

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

/// When Alice wrote message 42.
const AT: Timestamp = Timestamp(1_763_917_045_123);

fn read() -> (Read, ReadRequest) {
    let frame = Read::new("7".into(), direct().to_string(), 42);
    (frame, ReadRequest { conversation: direct(), seq: seq(42) })
}

fn receipts() -> [(&'static str, Receipts, ReceiptsRequest); 2] {
    let all = Receipts::new("7".into(), group().to_string());
    let one = Receipts { seq: Some(42), page: Some("bob".into()), limit: Some(10), ..all.clone() };
    let asked = ReceiptsRequest { conversation: group(), seq: None, after: None, limit: 100 };
    let after = Some(user("bob"));
    let of_one = ReceiptsRequest { seq: Some(seq(42)), after, limit: 10, ..asked.clone() };
    [("receipts-minimal", all, asked), ("receipts-full", one, of_one)]
}

fn recalls() -> [(&'static str, Recall, RecallRequest); 2] {
    let back = Recall::new("7".into(), direct().to_string(), 42, cid().to_string());
    let raw = r#"{ "text": "Shall we meet at 5?" }"#;
    let edit =
        Recall { base: Some(44), body: RawValue::from_string(raw.into()).ok(), ..back.clone() };
    let asked = RecallRequest {
        conversation: direct(),
        seq: seq(42),
        message: cid(),
        base: None,
        body: None,
    };
    let edited = RecallRequest { base: Some(seq(44)), body: Some(body(raw)), ..asked.clone() };
    [("recall-minimal", back, asked), ("recall-edit", edit, edited)]
}

fn lists() -> [(&'static str, Conversations, ConversationsRequest); 2] {
    let first = Conversations::new("7".into());
    let page = Some(format!("{AT}~{}", group()));
    let next = Conversations { limit: Some(20), page, ..first.clone() };
    let after = Some(Place { at: AT, conversation: group() });
    [
        ("conversations-minimal", first, ConversationsRequest { limit: 100, after: None }),
        ("conversations-page", next, ConversationsRequest { limit: 20, after }),
    ]
}

fn listed() -> Listed {
    let row = Row {
        conversation: direct(),
        title: None,
        diffusion: Diffusion::Write,
        tail: seq(42),
        read: seq(40),
        unread: 2,
        muted: Muted::No,
        pinned: None,
        last: Some(Box::new(entry())),
    };
    let large = Row {
        conversation: group(),
        title: Some(Title::parse("周末").unwrap()),
        diffusion: Diffusion::Read,
        tail: Seq::ZERO,
        read: Seq::ZERO,
        unread: 100,
        muted: Muted::Yes,
        pinned: Some(AT),
        last: None,
    };
    let page = Some(Place { at: AT, conversation: group() });
    lists::Conversations { rows: vec![row, large], unread: 102, page }.into()
}

fn readers() -> Readers {
    let receipt = |name: &str| Receipt { user: user(name), seq: seq(42), at: AT };
    let readers = vec![receipt("bob"), receipt("cy")];
    lists::Receipts { count: 3, readers, page: Some(user("cy")) }.into()
}

fn read_up_to() -> ReadUpTo {
    lists::Read { seq: seq(42), unread: 3 }.into()
}

fn read_by() -> ReadBy {
    ReadBy { conversation: direct().to_string(), user: "bob".into(), seq: 42, at: AT.0 }
}

fn typing() -> SignalBy {
    let conversation = direct().to_string();
    SignalBy { conversation, user: "bob".into(), kind: "typing".into(), at: AT.0 }
}

/// Alice's other device has read up to 42.
fn control() -> Push {
    let entry = InboxEntry {
        position: seq(18),
        id: MessageId::NONE,
        kind: Kind::event(Kind::READ),
        countable: 0,
        body: Some(body("{}")),
        ..inbox_entry()
    };
    Push { message: Message::of_inbox(&entry), own: Vec::new() }
}

/// The event that takes 42 back, and the one that changed it.
fn events() -> [(&'static str, Push); 2] {
    let event = |kind, said: &str| Entry {
        seq: seq(45),
        kind: Kind::event(kind),
        target: Some(seq(42)),
        body: Some(body(said)),
        ..entry()
    };
    let push = |entry| Push {
        message: Message::of_push(&direct(), &entry, Some(seq(19))),
        own: Vec::new(),
    };
    [
        ("push-message-recall", push(event(Kind::RECALL, "{}"))),
        ("push-message-edit", push(event(Kind::EDIT, r#"{"text":"at 5?"}"#))),
    ]
}

pub(crate) fn goldens() -> Vec<Golden> {
    let mut goldens = vec![
        ("request-read".to_owned(), read().0.to_json()),
        answers::golden("read", read_up_to()),
        answers::golden("receipts", readers()),
        answers::golden("conversations", listed()),
        ("push-read".to_owned(), read_by().to_json()),
        ("push-signal-typing".to_owned(), typing().to_json()),
        ("push-control-read".to_owned(), control().to_json()),
    ];
    let requests = receipts().map(|(name, frame, _)| (name, frame.to_json())).into_iter();
    let requests = requests.chain(recalls().map(|(name, frame, _)| (name, frame.to_json())));
    let requests = requests.chain(lists().map(|(name, frame, _)| (name, frame.to_json())));
    goldens.extend(requests.map(|(name, text)| (format!("request-{name}"), text)));
    goldens.extend(events().map(|(name, push)| (name.to_owned(), push.to_json())));
    goldens
}

#[test]
fn the_server_reads_what_the_client_writes() {
    let (frame, asked) = read();
    assert_eq!(Read::parse(&frame.to_json()).unwrap().fields, asked);
    for (name, frame, asked) in receipts() {
        assert_eq!(Receipts::parse(&frame.to_json()).unwrap().fields, asked, "{name}");
    }
    for (name, frame, asked) in recalls() {
        let read = Recall::parse(&frame.to_json()).unwrap();
        assert_eq!((read.id, read.fields), (request(), asked), "{name}");
    }
    for (name, frame, asked) in lists() {
        assert_eq!(Conversations::parse(&frame.to_json()).unwrap().fields, asked, "{name}");
    }
}

#[test]
fn the_client_reads_what_the_server_answers_and_pushes() {
    answers::require("read", &read_up_to());
    answers::require("receipts", &readers());
    answers::require("conversations", &listed());
    let parsed = Incoming::parse(&read_by().to_json());
    assert!(matches!(parsed, Ok(Incoming::Read(read)) if read == read_by()));
    let parsed = Incoming::parse(&typing().to_json());
    assert!(matches!(parsed, Ok(Incoming::Signal(signal)) if signal == typing()));
    for push in [control(), events()[0].1.clone(), events()[1].1.clone()] {
        let parsed = Incoming::parse(&push.to_json());
        assert!(matches!(parsed, Ok(Incoming::Message(read)) if read == push));
    }
}

/// The page of a list leads to where the next one goes on.
#[test]
fn a_page_leads_back_to_its_place() {
    let page = listed().page;
    let frame = Conversations { page, ..Conversations::new("7".into()) };
    let after = Some(Place { at: AT, conversation: group() });
    assert_eq!(Conversations::parse(&frame.to_json()).unwrap().fields.after, after);
}

#[test]
fn a_frame_is_exact() {
    use ErrorCode::{Invalid, Malformed, TooLarge};
    let frame =
        |action: &str, fields: &str| format!(r#"{{"action":"{action}","id":"7",{fields}}}"#);
    let on = r#""conversation":"d~alice~bob""#;
    let cid = cid();
    let long = "x".repeat(8_193);
    let refused = [
        (Malformed, Read::parse(&frame("read", on)).err()),
        (Malformed, Read::parse(&frame("read", &format!(r#"{on},"seq":-1"#))).err()),
        (Malformed, Read::parse(&frame("read", &format!(r#"{on},"seq":1,"user":"bob""#))).err()),
        (Invalid, Read::parse(&frame("read", r#""conversation":"x","seq":1"#)).err()),
        (Invalid, Receipts::parse(&frame("receipts", &format!(r#"{on},"limit":0"#))).err()),
        (Invalid, Receipts::parse(&frame("receipts", &format!(r#"{on},"page":"a~b""#))).err()),
        (Malformed, Recall::parse(&frame("recall", &format!(r#"{on},"seq":1"#))).err()),
        (
            Invalid,
            Recall::parse(&frame("recall", &format!(r#"{on},"seq":1,"cid":"{cid}","body":"x""#)))
                .err(),
        ),
        (
            TooLarge,
            Recall::parse(&frame(
                "recall",
                &format!(r#"{on},"seq":1,"cid":"{cid}","body":{{"text":"{long}"}}"#),
            ))
            .err(),
        ),
        (Invalid, Conversations::parse(&frame("conversations", r#""limit":101"#)).err()),
        (Invalid, Conversations::parse(&frame("conversations", r#""page":"x""#)).err()),
        (Invalid, Conversations::parse(&frame("conversations", r#""page":"7~x""#)).err()),
    ];
    for (number, (code, refusal)) in refused.into_iter().enumerate() {
        let refusal = refusal.unwrap_or_else(|| panic!("case {number} is taken"));
        assert_eq!(refusal.problem.error_code(), Some(code), "case {number}");
        assert_eq!(refusal.re, Some(request()), "case {number}");
    }
}
