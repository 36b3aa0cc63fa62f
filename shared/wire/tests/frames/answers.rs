//! What clients are answered.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use timeline::exchange::{Caught, Found, Kept, Listed, Marker};
use timeline::{ConversationId, Diffusion, InboxEntry, Party, Seq, Timestamp};
use wire::{Answer, ErrorCode, Incoming, Messages, Problem, Refusal, Sent, Synced};

use crate::{Golden, body, direct, entry, group, inbox_entry, request, seq};

#[test]
fn the_client_reads_what_the_server_answers() {
    for (name, sent) in sents() {
        require(name, &sent);
    }
    for (name, synced) in synceds() {
        require(name, &synced);
    }
    for (name, messages) in histories() {
        require(name, &messages);
    }
}

pub(crate) fn require<T: Clone + Debug + PartialEq + Serialize + DeserializeOwned>(
    name: &str,
    ok: &T,
) {
    let text = Answer::ok(&request(), ok.clone()).to_json();
    let Ok(Incoming::Answer { re, outcome: Ok(raw) }) = Incoming::parse(&text) else {
        panic!("{name} is no answer: {text}");
    };
    assert_eq!(re.as_deref(), Some("7"), "{name}");
    assert_eq!(Incoming::ok::<T>(&raw).as_ref().ok(), Some(ok), "{name}");
    let answer: Answer<T> = serde_json::from_str(&text).unwrap();
    assert_eq!(answer, Answer::ok(&request(), ok.clone()), "{name}");
}

#[test]
fn the_client_reads_why_it_was_refused() {
    for (name, refusal) in refusals() {
        let text = Answer::refused(refusal.clone()).to_json();
        let Ok(Incoming::Answer { re, outcome: Err(problem) }) = Incoming::parse(&text) else {
            panic!("{name} is no refusal: {text}");
        };
        assert_eq!(re.as_deref(), refusal.re.as_ref().map(|re| re.as_str()), "{name}");
        assert_eq!(problem, refusal.problem, "{name}");
        assert!(problem.error_code().is_some(), "{name}");
    }
}

#[test]
fn a_client_ignores_what_it_does_not_know() {
    let later = r#"{"re":"7","ok":{"conversation":"d~alice~bob","seq":1,"at":2,
        "duplicate":false,"later":[1]},"also":{}}"#;
    let Ok(Incoming::Answer { outcome: Ok(raw), .. }) = Incoming::parse(later) else {
        panic!("no answer");
    };
    assert_eq!(Incoming::ok::<Sent>(&raw).unwrap().seq, 1);

    let code = r#"{"re":null,"error":{"code":418,"name":"teapot","message":"short and stout"}}"#;
    let Ok(Incoming::Answer { re: None, outcome: Err(problem) }) = Incoming::parse(code) else {
        panic!("no refusal");
    };
    assert_eq!((problem.code, problem.error_code()), (418, None));
}

pub(crate) fn goldens() -> Vec<Golden> {
    let sents = sents().into_iter().map(|(name, ok)| golden(name, ok));
    let synceds = synceds().into_iter().map(|(name, ok)| golden(name, ok));
    let histories = histories().into_iter().map(|(name, ok)| golden(name, ok));
    let refusals = refusals()
        .into_iter()
        .map(|(name, refusal)| (format!("error-{name}"), Answer::refused(refusal).to_json()));
    sents.chain(synceds).chain(histories).chain(refusals).collect()
}

pub(crate) fn golden<T: Serialize>(name: &str, ok: T) -> Golden {
    (format!("answer-{name}"), Answer::ok(&request(), ok).to_json())
}

fn sents() -> Vec<(&'static str, Sent)> {
    let marker = |position, number| Marker {
        position: seq(position),
        conversation: direct(),
        seq: seq(number),
        control: None,
    };
    let kept = Kept {
        conversation: direct(),
        seq: seq(42),
        at: Timestamp(1_763_917_045_123),
        duplicate: false,
        own: Vec::new(),
    };
    let again = Kept { duplicate: true, own: vec![marker(5, 40), marker(6, 41)], ..kept.clone() };
    vec![("send", kept.into()), ("send-again", again.into())]
}

/// A conversation of a list; a group is a large one.
fn listed(conversation: ConversationId, tail: Seq) -> Listed {
    let diffusion = match conversation.party() {
        Party::Direct(..) => Diffusion::Write,
        Party::Group(_) => Diffusion::Read,
    };
    Listed { conversation, tail, diffusion }
}

fn synceds() -> Vec<(&'static str, Synced)> {
    let withdrawn = InboxEntry {
        position: seq(18),
        conversation: group(),
        seq: Seq::MAX,
        body: None,
        ..inbox_entry()
    };
    let page = Caught {
        entries: vec![inbox_entry(), withdrawn],
        cursor: seq(18),
        more: true,
        reset: false,
        conversations: vec![listed(group(), seq(121))],
        tail: seq(20),
        seen: Timestamp(1_763_917_045_123),
        page: None,
    };
    let reset = Caught {
        cursor: seq(20),
        reset: true,
        conversations: vec![listed(direct(), seq(42)), listed(group(), Seq::ZERO)],
        tail: seq(20),
        seen: Timestamp(1_763_917_045_123),
        page: Some(group()),
        ..Caught::default()
    };
    vec![
        ("sync-empty", Caught::default().into()),
        ("sync-page", page.into()),
        ("sync-reset", reset.into()),
    ]
}

fn histories() -> Vec<(&'static str, Messages)> {
    let mut other = entry();
    (other.seq, other.body) = (seq(44), Some(body(r#"{ "text" : "caf\u00e9 ☕" }"#)));
    let page = Found {
        conversation: direct(),
        entries: vec![entry(), other],
        first: seq(1),
        last: seq(120),
        missing: vec![seq(43)],
        more: true,
    };
    let empty = Found {
        conversation: direct(),
        entries: Vec::new(),
        first: Seq::ZERO,
        last: Seq::ZERO,
        missing: Vec::new(),
        more: false,
    };
    vec![("history-empty", empty.into()), ("history-page", page.into())]
}

/// Every code once as it is told to a request, and what has fields or an id of its own.
fn refusals() -> Vec<(String, Refusal)> {
    let refusal = |code: ErrorCode| {
        let problem = Problem::new(code, "a sentence for the developer");
        Refusal { re: Some(request()), problem }
    };
    let mut refusals: Vec<_> =
        ErrorCode::ALL.map(|(code, _, name)| (name.to_owned(), refusal(code))).into();
    for (name, refusal) in &mut refusals {
        if ["stale_base", "base_ahead"].contains(&name.as_str()) {
            refusal.problem = refusal.problem.clone().with_tail(42);
        }
    }
    let unread = Refusal { re: None, ..refusal(ErrorCode::Malformed) };
    refusals.push(("without_id".to_owned(), unread));
    refusals
}
