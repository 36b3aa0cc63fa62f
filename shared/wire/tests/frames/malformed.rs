//! Frames that are refused, by which code, and whether the refusal finds its request.

use timeline::limits;
use wire::{ErrorCode, History, Refusal, Send, Sync};

use ErrorCode::{Invalid, Malformed, TooLarge};

const CID: &str = r#""cid":"0193b8a4-5c1e-7a3b-9d2f-0123456789ab""#;
const BODY: &str = r#""body":{"text":"hi"}"#;

/// A `send` with these fields beside action and id.
fn send(fields: &str) -> String {
    format!(r#"{{"action":"send","id":"7",{fields}}}"#)
}

/// A `send` to Bob with this body, of this kind.
fn said(kind: &str, body: &str) -> String {
    send(&format!(r#""to":"bob",{CID},"kind":"{kind}","body":{body}"#))
}

fn sync(fields: &str) -> String {
    format!(r#"{{"action":"sync","id":"7",{fields}}}"#)
}

fn history(fields: &str) -> String {
    format!(r#"{{"action":"history","id":"7","conversation":"d~alice~bob",{fields}}}"#)
}

fn numbers(count: u64) -> String {
    let numbers: Vec<_> = (1..=count).map(|number| number.to_string()).collect();
    numbers.join(",")
}

#[test]
fn what_is_no_frame_is_malformed_and_answers_nobody() {
    let no_id = format!(r#"{{"action":"send","to":"bob",{CID},{BODY}}}"#);
    let number_id = format!(r#"{{"action":"send","id":7,"to":"bob",{CID},{BODY}}}"#);
    let two_ids = format!(r#"{{"action":"send","id":"7","id":"8","to":"bob",{CID},{BODY}}}"#);
    let long = format!(r#"{{"action":"send","id":"{}","to":"bob",{CID},{BODY}}}"#, "7".repeat(65));
    let empty = format!(r#"{{"action":"send","id":"","to":"bob",{CID},{BODY}}}"#);
    for frame in ["", " ", "nonsense", "7", "null", "[]", "{", "{}", &no_id, &number_id, &two_ids] {
        require(Send::parse(frame), Malformed, None, frame);
    }
    for frame in [&long, &empty] {
        require(Send::parse(frame), Invalid, None, frame);
    }
}

#[test]
fn a_send_is_exact() {
    let max = limits::SEQ_MAX;
    let cases = [
        (Malformed, send(&format!(r#""to":"bob",{CID}"#))),
        (Malformed, send(&format!(r#""to":"bob",{BODY}"#))),
        (Malformed, send(&format!(r#""to":"bob",{CID},{BODY},"extra":1"#))),
        (Malformed, send(&format!(r#""to":"bob","to":"bob",{CID},{BODY}"#))),
        (Malformed, send(&format!(r#""to":"bob",{CID},{BODY},"base":0,"base":1"#))),
        (Malformed, send(&format!(r#""to":7,{CID},{BODY}"#))),
        (Malformed, send(&format!(r#""to":"bob",{CID},{BODY},"base":"1""#))),
        (Malformed, send(&format!(r#""to":"bob",{CID},{BODY},"base":-1"#))),
        (Malformed, send(&format!(r#""to":"bob",{CID},{BODY},"base":1.5"#))),
        (Malformed, send(&format!(r#""to":"bob",{CID},{BODY},"kind":["text"]"#))),
        (Malformed, send(&format!(r#""to":"bob","cid":7,{BODY}"#))),
        (Invalid, send(&format!("{CID},{BODY}"))),
        (Invalid, send(&format!(r#""to":"bob","conversation":"d~alice~bob",{CID},{BODY}"#))),
        (Invalid, send(&format!(r#""conversation":"d~bob~alice",{CID},{BODY}"#))),
        (Invalid, send(&format!(r#""conversation":"tea",{CID},{BODY}"#))),
        (Invalid, send(&format!(r#""to":"",{CID},{BODY}"#))),
        (Invalid, send(&format!(r#""to":"a~b",{CID},{BODY}"#))),
        (Invalid, send(&format!(r#""to":"{}",{CID},{BODY}"#, "b".repeat(65)))),
        (Invalid, send(&format!(r#""to":"bob","cid":"",{BODY}"#))),
        (Invalid, send(&format!(r#""to":"bob","cid":"0193b8a45c1e7a3b9d2f0123456789ab",{BODY}"#))),
        (Invalid, send(&format!(r#""to":"bob",{CID},{BODY},"base":{}"#, max + 1))),
        (Invalid, send(&format!(r#""to":"bob",{CID},{BODY},"base":{}"#, u64::MAX))),
    ];
    for (code, frame) in cases {
        require(Send::parse(&frame), code, Some("7"), &frame);
    }
    let last = send(&format!(r#""to":"bob",{CID},{BODY},"base":{max}"#));
    assert!(Send::parse(&last).is_ok());
}

#[test]
fn a_body_is_an_object_of_its_kind() {
    let long = |bytes| format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes - r#"{"text":""}"#.len()));
    let longest = limits::BODY_BYTES_MAX;
    let cases = [
        (Invalid, said("text", "null")),
        (Invalid, said("text", r#""hi""#)),
        (Invalid, said("text", "{}")),
        (Invalid, said("text", r#"{"text":7}"#)),
        (Invalid, said("text", r#"{"text":null}"#)),
        (Invalid, said("text", r#"{"text":"\ud800"}"#)),
        (Invalid, said("note", "[]")),
        (Invalid, said("", "{}")),
        (Invalid, said("Text", "{}")),
        (Invalid, said(&"k".repeat(33), "{}")),
        (TooLarge, said("text", &long(longest + 1))),
        (Malformed, said("text", "{")),
        (Malformed, said("note", "{'text':1}")),
    ];
    for (code, frame) in cases {
        let re =
            Some("7").filter(|_| serde_json::from_str::<serde::de::IgnoredAny>(&frame).is_ok());
        require(Send::parse(&frame), code, re, &frame);
    }
    for event in timeline::Kind::EVENTS {
        let frame = said(event, "{}");
        require(Send::parse(&frame), Invalid, Some("7"), &frame);
    }
    assert!(Send::parse(&said("text", &long(longest))).is_ok());
    assert!(Send::parse(&said("note", "{}")).is_ok());
}

#[test]
fn a_frame_is_bounded() {
    let frame = |bytes: usize| {
        let frame = said("text", r#"{"text":"hi"}"#);
        format!("{frame}{}", " ".repeat(bytes - frame.len()))
    };
    assert!(Send::parse(&frame(limits::FRAME_BYTES_MAX)).is_ok());
    let long = frame(limits::FRAME_BYTES_MAX + 1);
    require(Send::parse(&long), TooLarge, Some("7"), "a long frame");
    require(Sync::parse(&long), TooLarge, Some("7"), "a long frame");
    require(History::parse(&long), TooLarge, Some("7"), "a long frame");
}

#[test]
fn a_sync_is_exact() {
    let tails = |count| {
        let tails: Vec<_> = (0..count).map(|number| format!(r#""d~a~b{number}":1"#)).collect();
        sync(&format!(r#""tails":{{{}}}"#, tails.join(",")))
    };
    let cases = [
        (Malformed, sync(r#""extra":1"#)),
        (Malformed, sync(r#""cursor":"1""#)),
        (Malformed, sync(r#""cursor":-1"#)),
        (Malformed, sync(r#""cursor":1,"cursor":1"#)),
        (Malformed, sync(r#""tails":[]"#)),
        (Malformed, sync(r#""tails":{"d~alice~bob":null}"#)),
        (Malformed, sync(r#""seen":-1"#)),
        (Invalid, sync(&format!(r#""cursor":{}"#, limits::SEQ_MAX + 1))),
        (Invalid, sync(r#""limit":0"#)),
        (Invalid, sync(r#""limit":101"#)),
        (Invalid, sync(&format!(r#""limit":{}"#, u64::MAX))),
        (Invalid, sync(r#""tails":{"tea":1}"#)),
        (Invalid, sync(&format!(r#""tails":{{"d~alice~bob":{}}}"#, limits::SEQ_MAX + 1))),
        (Invalid, sync(r#""page":"tea""#)),
        (TooLarge, tails(limits::TAILS_MAX + 1)),
    ];
    for (code, frame) in cases {
        require(Sync::parse(&frame), code, Some("7"), &frame);
    }
    let ok = [tails(limits::TAILS_MAX), sync(r#""limit":1"#), sync(r#""limit":100"#)];
    assert!(ok.iter().all(|frame| Sync::parse(frame).is_ok()));
}

#[test]
fn a_history_is_exact() {
    let max = limits::SEQ_MAX;
    let cases = [
        (Malformed, history(r#""extra":1"#)),
        (Malformed, history(r#""before":"1""#)),
        (Malformed, history(r#""range":[1]"#)),
        (Malformed, history(r#""range":[1,2,3]"#)),
        (Malformed, history(r#""range":{"first":1,"last":2}"#)),
        (Malformed, history(r#""seqs":7"#)),
        (Malformed, history(r#""seqs":[1,-2]"#)),
        (Malformed, history(r#""after":1,"after":1"#)),
        (Malformed, r#"{"action":"history","id":"7"}"#.to_owned()),
        (Invalid, r#"{"action":"history","id":"7","conversation":"tea"}"#.to_owned()),
        (Invalid, history(r#""before":5,"after":1"#)),
        (Invalid, history(r#""range":[1,2],"seqs":[1]"#)),
        (Invalid, history(r#""range":[3,2]"#)),
        (Invalid, history(r#""range":[0,2]"#)),
        (Invalid, history(&format!(r#""range":[1,{}]"#, max + 1))),
        (Invalid, history(&format!(r#""before":{}"#, max + 1))),
        (Invalid, history(&format!(r#""after":{}"#, max + 1))),
        (Invalid, history(r#""seqs":[]"#)),
        (Invalid, history(r#""seqs":[0]"#)),
        (Invalid, history(&format!(r#""seqs":[{}]"#, max + 1))),
        (Invalid, history(r#""own":true"#)),
        (Invalid, history(r#""after":1,"own":true"#)),
        (Invalid, history(r#""limit":0"#)),
        (Invalid, history(r#""limit":101"#)),
        (TooLarge, history(&format!(r#""seqs":[{}]"#, numbers(limits::SEQS_MAX as u64 + 1)))),
    ];
    for (code, frame) in cases {
        require(History::parse(&frame), code, Some("7"), &frame);
    }
    let full = history(&format!(r#""seqs":[{}]"#, numbers(limits::SEQS_MAX as u64)));
    assert!(History::parse(&full).is_ok());
}

#[test]
fn a_refusal_repeats_nothing_of_what_was_sent() {
    let secret = "s3cret-in-a-wrong-place";
    let frames = [
        send(&format!(r#""to":"~{secret}",{CID},{BODY}"#)),
        send(&format!(r#""to":"bob",{CID},{BODY},"{secret}":1"#)),
        send(&format!(r#""to":"bob","cid":"{secret}",{BODY}"#)),
        send(&format!(r#""to":"bob",{CID},{BODY},"base":"{secret}""#)),
        send(&format!(r#""conversation":"{secret}",{CID},{BODY}"#)),
        said(&format!("~{secret}"), "{}"),
        said("text", &format!(r#"["{secret}"]"#)),
    ];
    for frame in frames {
        let refusal = Send::parse(&frame).unwrap_err();
        assert!(!format!("{refusal:?}").contains(secret), "{refusal:?}");
    }
}

fn require<T: std::fmt::Debug>(
    outcome: Result<T, Refusal>,
    code: ErrorCode,
    re: Option<&str>,
    frame: &str,
) {
    let refusal = outcome.expect_err(frame);
    assert_eq!(refusal.problem.error_code(), Some(code), "{frame}");
    assert_eq!(refusal.problem.code, code.number(), "{frame}");
    assert_eq!(refusal.re.as_ref().map(|re| re.as_str()), re, "{frame}");
}
