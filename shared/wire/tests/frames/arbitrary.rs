//! Any text is a request or a refusal, and any body comes back byte for byte.

use proptest::prelude::*;
use timeline::exchange::{Caught, Found};
use timeline::{Body, InboxEntry, Kind, limits};
use wire::{Answer, History, Incoming, Message, Messages, Push, Search, Send, Sync, Synced};

use crate::{direct, entry, goldens, inbox_entry, request, seq};

/// Reads a text as everything that it could be; what is understood is what was written.
fn survive(text: &str) {
    let _ = (wire::action_of(text), wire::readable_id(text));
    match Send::parse(text) {
        Ok(send) => {
            assert!(text.contains(send.fields.body.as_str()));
            assert_eq!(wire::readable_id(text), Some(send.id));
        }
        Err(refusal) => assert!(refusal.problem.error_code().is_some()),
    }
    match Sync::parse(text) {
        Ok(sync) => assert!((1..=limits::PAGE_ENTRIES_MAX).contains(&sync.fields.limit)),
        Err(refusal) => assert!(refusal.problem.error_code().is_some()),
    }
    match History::parse(text) {
        Ok(history) => assert!((1..=limits::PAGE_ENTRIES_MAX).contains(&history.fields.limit)),
        Err(refusal) => assert!(refusal.problem.error_code().is_some()),
    }
    match Search::parse(text) {
        Ok(search) => assert!((1..=limits::SEARCH_HITS_MAX).contains(&search.fields.limit)),
        Err(refusal) => assert!(refusal.problem.error_code().is_some()),
    }
    if let Ok(Incoming::Message(push)) = Incoming::parse(text) {
        let again = Incoming::parse(&push.to_json());
        assert!(matches!(again, Ok(Incoming::Message(read)) if read == push));
    }
}

/// What mutations put into a frame.
const PIECES: [&str; 16] = [
    "\"",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\\",
    "\\ud800",
    "null",
    "-1",
    "1e999",
    "\u{0}",
    "☕",
    "9007199254740991",
    "\"id\":\"7\",",
];

/// One of the golden frames, cut and patched at some places.
fn mutated() -> impl Strategy<Value = String> {
    let frames: Vec<_> = goldens().into_iter().map(|(_, text)| text).collect();
    let piece = prop_oneof![
        4 => proptest::sample::select(PIECES.to_vec()).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    let patch = (any::<prop::sample::Index>(), 0..4_usize, piece);
    (proptest::sample::select(frames), proptest::collection::vec(patch, 1..4)).prop_map(
        |(frame, patches)| {
            let mut text: Vec<char> = frame.chars().collect();
            for (place, cut, piece) in patches {
                let place = place.index(text.len() + 1);
                let end = text.len().min(place + cut);
                text.splice(place..end, piece.chars());
            }
            text.into_iter().collect()
        },
    )
}

/// The text of a JSON object, spelled in any way that JSON allows.
fn object() -> impl Strategy<Value = String> {
    let space = proptest::sample::select(vec!["", " ", "\n", "\t \r\n"]);
    let number = proptest::sample::select(vec!["0", "-0", "1.50", "1E+2", "123456789012345678901"]);
    let string = prop_oneof![
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        proptest::sample::select(vec![r#""\u00e9\/""#, r#""\ud83d\ude00""#]).prop_map(String::from),
    ];
    let value = prop_oneof![
        string.clone(),
        number.prop_map(String::from),
        proptest::sample::select(vec!["null", "[ ]", "{ }", "[[],{\"a\" :1}]"])
            .prop_map(String::from),
    ];
    let field = (space.clone(), string.clone(), space.clone(), value)
        .prop_map(|(before, name, after, value)| format!("{before}{name}{after}:{after}{value}"));
    let fields = proptest::collection::vec(field, 0..6);
    (string, fields, space).prop_map(|(text, fields, space)| {
        let fields = fields.into_iter().map(|field| format!(",{field}")).collect::<String>();
        format!("{{{space}\"said\":{text}{fields}{space}}}")
    })
}

/// Sends a body and reads it from a push, a `sync` and a `history`.
fn require_unchanged(text: &str) {
    let cid = entry().id;
    let frame = format!(
        r#"{{"action":"send","id":"7","to":"bob","cid":"{cid}","kind":"note","body": {text} }}"#
    );
    let body = Send::parse(&frame).expect("an object is a body").fields.body;
    assert_eq!(body.as_str(), text);

    let mut entry = entry();
    (entry.kind, entry.body) = (Kind::parse("note").unwrap(), Some(body.clone()));
    let push =
        Push { message: Message::of_push(&direct(), &entry, Some(seq(17))), own: Vec::new() };
    let Ok(Incoming::Message(push)) = Incoming::parse(&push.to_json()) else { panic!("{text}") };
    assert_eq!(raw(&push.message), text);

    let entries = vec![InboxEntry { body: Some(body), ..inbox_entry() }];
    let synced = Synced::from(Caught { entries, ..Caught::default() });
    let synced: Synced = read(&Answer::ok(&request(), synced).to_json());
    assert_eq!(raw(&synced.entries[0]), text);

    let (conversation, last) = (direct(), entry.seq);
    let entries = vec![entry];
    let found = Found { conversation, entries, first: seq(1), last, missing: vec![], more: false };
    let messages: Messages = read(&Answer::ok(&request(), Messages::from(found)).to_json());
    assert_eq!(raw(&messages.messages[0]), text);
}

fn raw(message: &Message) -> &str {
    message.body.as_ref().expect("a body").get()
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
    let Ok(Incoming::Answer { outcome: Ok(ok), .. }) = Incoming::parse(text) else {
        panic!("{text}");
    };
    Incoming::ok(&ok).unwrap()
}

#[test]
fn a_body_that_is_nested_deeply_comes_back() {
    let depth = 1_000;
    let text = format!("{}{{}}{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert!(Body::parse(&text).is_ok());
    require_unchanged(&text);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn arbitrary_text_is_survived(text in any::<String>()) {
        survive(&text);
    }

    #[test]
    fn mutated_frames_are_survived(text in mutated()) {
        survive(&text);
    }

    #[test]
    fn a_body_comes_back_byte_for_byte(text in object()) {
        require_unchanged(&text);
    }
}
