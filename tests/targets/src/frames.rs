//! Frames: whatever is understood is understood alike once it is written again, and a refusal says
//! nothing of what was sent.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use timeline::{Body, MessageId, limits};
use wire::{
    Alert, Conversations, Event, Group, Grouped, History, Incoming, Kicked, Listed, Matches,
    Message, Messages, Problem, Read, ReadUpTo, Readers, Rebuild, Rebuilt, Recall, Receipts,
    Refusal, Request, Search, Send, Sent, Signal, Signaled, Sync, Synced,
};

use crate::{Outcome, Target};

/// What a refusal must not repeat: no sentence of ours has it.
const SECRET: &str = "qzxq";

pub(crate) const TARGET: Target = Target {
    name: "frames",
    run: frames,
    seeds: || crate::files("shared/wire/tests/golden", ".json"),
    dictionary: &[
        SECRET,
        "\"",
        "\"qzxq\"",
        "{",
        "}",
        "{}",
        "[",
        "]",
        ":",
        ",",
        "\\",
        "\\u0000",
        "\\ud800",
        "null",
        "true",
        "☕",
        "\u{feff}",
        ",\"id\":\"7\"",
        ",\"limit\":1",
        ",\"page\":\"bob\"",
        "\"qzxq\":1,",
        "d~alice~bob",
        "g~01935b2e-7c1a-7def-8123-456789abcdef",
        "\"event\":\"read\",",
        "\"event\":\"signal\",",
    ],
};

/// Reads a text as every frame that it could be.
pub fn frames(data: &[u8]) -> Outcome {
    let text = &*String::from_utf8_lossy(data);
    drop((wire::action_of(text), wire::readable_id(text)));
    let fresh = MessageId::from_bytes([7; 16]);
    let requests = [
        request::<Send, _>(text, Send::parse),
        request::<Sync, _>(text, Sync::parse),
        request::<History, _>(text, History::parse),
        request::<Group, _>(text, |text| Group::parse(text, fresh)),
        request::<Signal, _>(text, Signal::parse),
        request::<Read, _>(text, Read::parse),
        request::<Receipts, _>(text, Receipts::parse),
        request::<Recall, _>(text, Recall::parse),
        request::<Conversations, _>(text, Conversations::parse),
        request::<Search, _>(text, Search::parse),
        rebuild(text),
    ];
    Outcome::any(requests.into_iter().chain([incoming(text), alert(text)]))
}

/// A request that is parsed, written as clients write it, and parsed again.
fn request<T, M>(text: &str, parse: impl Fn(&str) -> Result<Request<M>, Refusal>) -> bool
where
    T: Serialize + DeserializeOwned,
    M: PartialEq + Debug,
{
    match parse(text) {
        Ok(request) => {
            assert!(text.len() <= limits::FRAME_BYTES_MAX);
            assert_eq!(wire::readable_id(text).as_ref(), Some(&request.id));
            let frame: T = serde_json::from_str(text).unwrap();
            let written = serde_json::to_string(&frame).unwrap();
            if written.len() <= limits::FRAME_BYTES_MAX {
                assert_eq!(parse(&written), Ok(request), "{written}");
            }
            true
        }
        Err(Refusal { re, problem }) => {
            assert_eq!(re, wire::readable_id(text));
            require_discreet(text, &problem);
            false
        }
    }
}

fn require_discreet(text: &str, problem: &Problem) {
    let code = problem.error_code().expect("a refusal's code is one of ours");
    assert_eq!(code.number(), problem.code);
    assert!(!problem.message.contains(SECRET), "{} of {text}", problem.message);
}

fn rebuild(text: &str) -> bool {
    match Rebuild::parse(text) {
        Ok(request) => {
            let written = serde_json::to_string(&Rebuild::from(request.clone())).unwrap();
            assert_eq!(Rebuild::parse(&written), Ok(request), "{written}");
            true
        }
        Err(problem) => {
            require_discreet(text, &problem);
            false
        }
    }
}

/// What a client understands, it understands again.
fn incoming(text: &str) -> bool {
    let Ok(incoming) = Incoming::parse(text) else { return false };
    let again = |text: &str| Incoming::parse(text).expect("a frame of ours");
    match incoming {
        Incoming::Message(push) => {
            require_read(&push.message);
            let Incoming::Message(read) = again(&push.to_json()) else { panic!("{push:?}") };
            assert_eq!(read, push);
        }
        Incoming::Read(by) => {
            let Incoming::Read(read) = again(&by.to_json()) else { panic!("{by:?}") };
            assert_eq!(read, by);
        }
        Incoming::Signal(by) => {
            let Incoming::Signal(read) = again(&by.to_json()) else { panic!("{by:?}") };
            assert_eq!(read, by);
        }
        Incoming::Kicked { reason: Some(reason) } => {
            let Incoming::Kicked { reason: read } = again(&Kicked { reason }.to_json()) else {
                panic!("{reason:?}")
            };
            assert_eq!(read, Some(reason));
        }
        Incoming::Answer { outcome: Ok(ok), .. } => answer(&ok),
        Incoming::Answer { outcome: Err(problem), .. } => drop(problem.error_code()),
        // Any object is a push of some later version: that says nothing.
        Incoming::Kicked { reason: None } | Incoming::Unknown { .. } | Incoming::Gateway { .. } => {
            return false;
        }
    }
    true
}

/// Every answer that it could be is the same when it is written again.
fn answer(ok: &RawValue) {
    written_again::<Sent>(ok);
    written_again::<Synced>(ok);
    written_again::<Messages>(ok);
    written_again::<Grouped>(ok);
    written_again::<Signaled>(ok);
    written_again::<ReadUpTo>(ok);
    written_again::<Readers>(ok);
    written_again::<Listed>(ok);
    written_again::<Matches>(ok);
    written_again::<Rebuilt>(ok);
    if let Ok(page) = Incoming::ok::<Messages>(ok) {
        page.messages.iter().for_each(require_read);
    }
}

fn written_again<T: PartialEq + Serialize + for<'de> Deserialize<'de>>(ok: &RawValue) {
    if let Ok(answer) = Incoming::ok::<T>(ok) {
        let written = serde_json::to_string(&answer).unwrap();
        let read: T = serde_json::from_str(&written).unwrap();
        assert!(read == answer, "{written}");
    }
}

/// What a client does with a message.
fn require_read(message: &Message) {
    drop((message.text(), Event::read(message)));
    if let Some(Ok(body)) = message.body.as_ref().map(|body| Body::parse(body.get())) {
        let searched = wire::searched_text(&body);
        assert_eq!(wire::searched_text(&body), searched);
        assert!(searched.len() <= body.as_str().len(), "{}", body.as_str());
    }
}

fn alert(text: &str) -> bool {
    let Ok(alert) = Alert::parse(text) else { return false };
    let written = alert.to_json();
    assert_eq!(Alert::parse(&written).expect("an alert of ours").to_json(), written);
    true
}
