//! Whatever a server says, and whenever, the client does not panic and goes on.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use engine::{Command, Draft, Engine, Input, Older, Options, Output, State};
use proptest::prelude::*;
use serde_json::{Value, json};
use timeline::exchange::Destination;
use timeline::{Kind, MessageId, Timestamp, UserId};

/// Numbers at which arithmetic goes wrong first.
const EDGES: [u64; 9] = [0, 1, 2, 7, (1 << 53) - 2, (1 << 53) - 1, 1 << 53, u64::MAX - 1, u64::MAX];

/// A group.
const GROUP: &str = "g~01935b2e-7c1a-7def-8123-000000000001";

/// A number, often one at an edge.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![proptest::sample::select(EDGES.to_vec()), 0..20_u64, any::<u64>()]
}

/// A conversation, sometimes none.
fn conversation() -> impl Strategy<Value = String> {
    proptest::sample::select(vec!["d~al~bo", "d~al~cy", "d~bo~al", "", "g~x", GROUP])
        .prop_map(str::to_owned)
}

prop_compose! {
    /// A message that may be anybody's, also this device's own.
    fn message()(
        conversation in conversation(),
        seq in number(),
        q in proptest::option::of(number()),
        from in proptest::sample::select(vec!["al", "bo", ""]),
        cid in 0..3_u8,
        kind in proptest::sample::select(vec!["text", "mode", "join", "leave"]),
        large in any::<bool>(),
    ) -> Value {
        let mut message = json!({"conversation": conversation, "seq": seq, "from": from, "at": 1,
            "cid": MessageId::from_bytes([cid; 16]).to_string(), "kind": kind, "large": large,
            "body": {"users": ["al"]}});
        if let Some(q) = q {
            message["q"] = json!(q);
        }
        message
    }
}

/// The `ok` of some route, with any numbers.
fn ok() -> impl Strategy<Value = Value> {
    let messages = || proptest::collection::vec(message(), 0..4);
    let numbers = || proptest::collection::vec(number(), 0..4);
    prop_oneof![
        (conversation(), number()).prop_map(|(conversation, seq)| {
            json!({"conversation": conversation, "seq": seq, "at": 1, "duplicate": false})
        }),
        (messages(), number(), number(), any::<[bool; 3]>(), conversation()).prop_map(
            |(entries, cursor, tail, [more, reset, large], conversation)| {
                json!({"entries": entries, "cursor": cursor, "more": more, "reset": reset,
                    "conversations": [{"conversation": conversation, "tail": tail,
                        "large": large}], "tail": tail, "seen": tail})
            }
        ),
        proptest::option::of(number()).prop_map(|until| json!({"until": until})),
        (messages(), number(), number(), numbers()).prop_map(|(messages, first, last, missing)| {
            json!({"messages": messages, "first": first, "last": last, "missing": missing,
                "more": false})
        }),
    ]
}

/// A problem with any name and numbers.
fn problem() -> impl Strategy<Value = Value> {
    let names: Vec<&str> = wire::ErrorCode::ALL.iter().map(|row| row.2).chain(["new"]).collect();
    let codes = vec![400, 401, 403, 404, 409, 413, 422, 429, 500, 503, 0];
    let optional = || proptest::option::of(number());
    let names = proptest::sample::select(names);
    (proptest::sample::select(codes), names, optional(), optional()).prop_map(
        |(code, name, retry, tail)| {
            json!({"code": code, "name": name, "message": "", "retry_after_ms": retry,
                "tail": tail})
        },
    )
}

/// A frame: valid in form, or not even that. `re` is one of the first requests.
fn frame() -> impl Strategy<Value = String> {
    let re = || (0..12_u8).prop_map(|re| re.to_string());
    let valid = prop_oneof![
        4 => (re(), ok()).prop_map(|(re, ok)| json!({"re": re, "ok": ok}).to_string()),
        2 => (re(), problem()).prop_map(|(re, error)| {
            json!({"re": re, "error": error}).to_string()
        }),
        2 => (message(), conversation(), number()).prop_map(|(mut push, conversation, q)| {
            push["event"] = json!("message");
            push["own"] = json!([{"q": q, "conversation": conversation, "seq": q}]);
            push.to_string()
        }),
        1 => Just(r#"{"message":"Internal server error","connectionId":"x"}"#.to_owned()),
    ]
    .boxed();
    let broken = (valid.clone(), any::<prop::sample::Index>(), any::<char>());
    let broken = broken.prop_map(|(text, index, letter)| {
        let mut letters: Vec<char> = text.chars().collect();
        let index = index.index(letters.len());
        letters[index] = letter;
        letters.into_iter().collect()
    });
    prop_oneof![6 => valid, 1 => broken, 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn no_frame_makes_the_client_panic_or_spin(
        frames in proptest::collection::vec((frame(), 0..20_000_u64), 1..12),
        cursor in proptest::option::of(0..3_u64),
    ) {
        let state = State { cursor: cursor.and_then(timeline::Seq::new), ..State::default() };
        let options = Options { older: Older::Backfill };
        let mut engine = Engine::new(UserId::parse("al").unwrap(), options, state, 1);
        let mut now = 0;
        step(&mut engine, now, Input::Tick);
        step(&mut engine, now, Input::Connected);
        step(&mut engine, now, Input::Command(Command::Send(draft())));
        step(&mut engine, now, Input::Command(Command::Focus(group())));
        for (text, wait) in frames {
            step(&mut engine, now, Input::Frame(&text));
            now += wait;
            step(&mut engine, now, Input::Tick);
            step(&mut engine, now, Input::Connected);
            if let Some(wake) = engine.next_wake() {
                prop_assert!(wake.0 > now, "something is due and not done");
            }
        }
    }
}

fn step(engine: &mut Engine, now: u64, input: Input<'_>) {
    engine.handle(Timestamp(now), input);
    let outputs = std::iter::from_fn(|| engine.poll());
    let frames = outputs.filter(|output| matches!(output, Output::Transmit(_))).count();
    assert!(frames < 20, "{frames} frames for one input");
}

fn group() -> timeline::ConversationId {
    timeline::ConversationId::parse(GROUP).unwrap()
}

fn draft() -> Draft {
    Draft {
        destination: Destination::Person(UserId::parse("bo").unwrap()),
        cid: MessageId::from_bytes([1; 16]),
        kind: Kind::text(),
        body: wire::text_body("x"),
    }
}
