//! What clients ask for.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde_json::value::RawValue;
use timeline::exchange::{Catchup, Destination, Lookup, Outgoing, Part};
use timeline::{Kind, Seq, Timestamp, UserId, limits};
use wire::{History, Refusal, Request, Send, Sync, action_of, readable_id, text_body};

use crate::{Golden, body, cid, direct, group, request, seq};

/// A frame as a client writes it, and what the server reads.
struct Case<F, M> {
    name: &'static str,
    frame: F,
    model: M,
}

#[test]
fn the_server_reads_what_the_client_writes() {
    require(sends(), Send::to_json, Send::parse, "send");
    require(syncs(), Sync::to_json, Sync::parse, "sync");
    require(histories(), History::to_json, History::parse, "history");
}

fn require<F, M: Debug + PartialEq>(
    cases: Vec<Case<F, M>>,
    write: impl Fn(&F) -> String,
    read: impl Fn(&str) -> Result<Request<M>, Refusal>,
    action: &str,
) {
    for case in cases {
        let text = write(&case.frame);
        let expected = Request { id: request(), fields: case.model };
        assert_eq!(read(&text).as_ref(), Ok(&expected), "{}", case.name);
        assert_eq!(readable_id(&text), Some(request()));
        assert_eq!(action_of(&text).as_deref(), Some(action));
        assert!(wire::action::ALL.contains(&action));
    }
}

pub(crate) fn goldens() -> Vec<Golden> {
    let sends = sends().into_iter().map(|case| golden("send", case.name, case.frame.to_json()));
    let syncs = syncs().into_iter().map(|case| golden("sync", case.name, case.frame.to_json()));
    let histories =
        histories().into_iter().map(|case| golden("history", case.name, case.frame.to_json()));
    sends.chain(syncs).chain(histories).collect()
}

fn golden(route: &str, name: &str, text: String) -> Golden {
    (format!("request-{route}-{name}"), text)
}

fn sends() -> Vec<Case<Send, Outgoing>> {
    let text = Send::new("7".into(), cid().to_string(), text_body("Shall we meet?"));
    let raw = r#"{ "width": 640, "ratio": 1.50, "alt": "caf\u00e9 ☕" }"#;
    let image = RawValue::from_string(raw.into()).unwrap();
    let image = Send::new("7".into(), cid().to_string(), image);
    let outgoing = Outgoing {
        destination: Destination::Person(UserId::parse("bob").unwrap()),
        message: cid(),
        base: None,
        kind: Kind::text(),
        target: None,
        body: body(r#"{"text":"Shall we meet?"}"#),
    };
    vec![
        Case {
            name: "minimal",
            frame: Send { to: Some("bob".into()), ..text.clone() },
            model: outgoing.clone(),
        },
        Case {
            name: "first",
            frame: Send { to: Some("bob".into()), base: Some(0), ..text },
            model: Outgoing { base: Some(Seq::ZERO), ..outgoing.clone() },
        },
        Case {
            name: "full",
            frame: Send {
                conversation: Some("d~alice~bob".into()),
                base: Some(41),
                kind: Some("image".into()),
                ..image
            },
            model: Outgoing {
                destination: Destination::Conversation(direct()),
                base: Some(seq(41)),
                kind: Kind::parse("image").unwrap(),
                body: body(raw),
                ..outgoing
            },
        },
    ]
}

fn syncs() -> Vec<Case<Sync, Catchup>> {
    let tails = BTreeMap::from([(group().to_string(), 120), ("d~alice~bob".to_owned(), 42)]);
    let model_tails = BTreeMap::from([(group(), seq(120)), (direct(), seq(42))]);
    let catchup = Catchup {
        cursor: None,
        limit: limits::PAGE_ENTRIES_DEFAULT,
        tails: BTreeMap::new(),
        seen: None,
        page: None,
    };
    vec![
        Case { name: "minimal", frame: Sync::new("7".into(), None), model: catchup.clone() },
        Case {
            name: "full",
            frame: Sync {
                limit: Some(50),
                tails,
                seen: Some(1_763_917_045_123),
                ..Sync::new("7".into(), Some(16))
            },
            model: Catchup {
                cursor: Some(seq(16)),
                limit: 50,
                tails: model_tails,
                seen: Some(Timestamp(1_763_917_045_123)),
                page: None,
            },
        },
        Case {
            name: "page",
            frame: Sync { page: Some("d~alice~bob".into()), ..Sync::new("7".into(), None) },
            model: Catchup { page: Some(direct()), ..catchup },
        },
    ]
}

fn histories() -> Vec<Case<History, Lookup>> {
    let newest = || History::new("7".into(), "d~alice~bob".into());
    let range = || History { range: Some((3, 9)), ..newest() };
    let case = |name, frame, part| Case {
        name,
        frame,
        model: Lookup { conversation: direct(), part, limit: limits::PAGE_ENTRIES_DEFAULT },
    };
    vec![
        case("minimal", newest(), Part::Newest),
        case("before", History { before: Some(42), ..newest() }, Part::Before(seq(42))),
        case("after", History { after: Some(41), ..newest() }, Part::After(seq(41))),
        case("range", range(), Part::Between(seq(3), seq(9))),
        case("own", History { own: true, ..range() }, Part::Own(seq(3), seq(9))),
        case(
            "seqs",
            History { seqs: Some(vec![9, 3, 4, 3]), ..newest() },
            Part::Listed(vec![seq(3), seq(4), seq(9)]),
        ),
        Case {
            name: "full",
            frame: History {
                range: Some((1, limits::SEQ_MAX)),
                limit: Some(1),
                ..History::new("7".into(), group().to_string())
            },
            model: Lookup {
                conversation: group(),
                part: Part::Between(seq(1), Seq::MAX),
                limit: 1,
            },
        },
    ]
}
