//! Two people talk.

use serde_json::{Value, json};
use tests::{Client, Town, frame, id};

/// The frame of a text from a client that knows of `base` messages.
pub(crate) fn text(to: &str, text: &str, base: u64) -> Value {
    frame("send", json!({ "to": to, "cid": id(), "base": base, "body": { "text": text } }))
}

/// Everything that a device's inbox holds after `cursor`, by pages of `limit`.
pub(crate) async fn inbox(client: &mut Client, mut cursor: u64, limit: u64) -> Vec<Value> {
    let mut entries = Vec::new();
    loop {
        let page = client.ok(&frame("sync", json!({ "cursor": cursor, "limit": limit }))).await;
        assert_eq!(page["reset"], false, "{page}");
        let got = page["entries"].as_array().unwrap();
        assert!(got.len() as u64 <= limit);
        entries.extend(got.iter().cloned());
        cursor = page["cursor"].as_u64().unwrap();
        if page["more"] == false {
            return entries;
        }
    }
}

/// Waits until a device's inbox holds `count` entries, for a fan-out goes on after its message is
/// acknowledged, and gives them by conversation and sequence: an inbox tells what is new, the
/// sequence tells in which order.
pub(crate) async fn told(client: &mut Client, count: usize) -> Vec<Value> {
    let waiting = async {
        loop {
            let entries = inbox(client, 0, 100).await;
            assert!(entries.len() <= count, "more than {count} entries: {entries:?}");
            if entries.len() == count {
                return entries;
            }
        }
    };
    let mut entries = tests::within(waiting).await;
    let place = |entry: &Value| (entry["conversation"].to_string(), entry["seq"].as_u64());
    entries.sort_by_key(place);
    entries
}

/// The texts of messages.
pub(crate) fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["body"]["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_message_is_acknowledged_and_pushed() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;

    let sent = text("bob", "hello", 0);
    let ack = alice.ok(&sent).await;
    assert_eq!(ack["conversation"], "d~alice~bob");
    assert_eq!((&ack["seq"], &ack["duplicate"]), (&json!(1), &json!(false)));

    let pushed = bob.pushed().await;
    assert_eq!(
        pushed,
        json!({
            "event": "message", "q": 1, "conversation": "d~alice~bob", "seq": 1,
            "cid": sent["cid"], "from": "alice", "at": ack["at"], "kind": "text",
            "body": { "text": "hello" },
        })
    );

    // Bob answers; both sides know one conversation.
    let ack = bob.ok(&text("alice", "hi", 1)).await;
    assert_eq!((&ack["conversation"], &ack["seq"]), (&json!("d~alice~bob"), &json!(2)));
    let pushed = alice.pushed().await;
    assert_eq!((&pushed["seq"], &pushed["from"]), (&json!(2), &json!("bob")));
    town.stop().await;
}

#[tokio::test]
async fn message_types_arrive_byte_for_byte() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;
    let bodies = [
        ("text", r#"{"text":"周末 \u4e00 \"so\""}"#.to_owned()),
        ("image", r#"{ "w" : 1.0e2, "h":3,"url" :"https://example.com/ä.png" }"#.to_owned()),
        ("file", r#"{"url":"s3://bucket/key","name":"a b.pdf","bytes":1048576}"#.to_owned()),
        ("location", r#"{"lat":31.230416,"lon":121.4737010,"name":"外滩"}"#.to_owned()),
        ("x.custom", r#"{"a":[1,2,{"b":null}],"big":12345678901234567890.10}"#.to_owned()),
        ("x.long", format!(r#"{{"long":"{}"}}"#, "长".repeat(2_000))),
    ];
    for (base, (kind, body)) in (0..).zip(&bodies) {
        // Written by hand: a JSON library would format the body anew.
        let head = format!(r#""action":"send","id":"{base}","to":"bob","base":{base}"#);
        let sent = format!(r#"{{{head},"cid":"{}","kind":"{kind}","body":{body}}}"#, id());
        alice.raw(tokio_tungstenite::tungstenite::Message::text(sent)).await;
        alice.answer(&base.to_string()).await;
        let pushed = bob.pushed_text().await;
        assert!(pushed.contains(body.as_str()) && pushed.contains(kind), "{pushed}");
    }
    let synced = bob.ask_text(&frame("sync", json!({ "cursor": 0 }))).await;
    let asked = frame("history", json!({ "conversation": "d~alice~bob" }));
    let history = bob.ask_text(&asked).await;
    for (_, body) in &bodies {
        assert!(synced.contains(body.as_str()), "{synced}");
        assert!(history.contains(body.as_str()), "{history}");
    }
    town.stop().await;
}

#[tokio::test]
async fn who_was_away_finds_everything_once_and_in_order() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    for number in 1..=10 {
        alice.ok(&text("bob", &format!("number {number}"), number - 1)).await;
    }
    let mut bob = town.client("bob", "phone").await;
    told(&mut bob, 10).await;
    let mut entries = inbox(&mut bob, 0, 3).await;
    entries.sort_by_key(|entry| entry["seq"].as_u64());
    let expected: Vec<_> = (1..=10).map(|number| format!("number {number}")).collect();
    assert_eq!(texts(&entries), expected);
    let mut places: Vec<_> = entries.iter().map(|entry| entry["q"].as_u64().unwrap()).collect();
    places.sort_unstable();
    assert_eq!(places, (1..=10).collect::<Vec<_>>());
    assert_eq!(inbox(&mut bob, 10, 3).await, [] as [Value; 0]);
    town.stop().await;
}

#[tokio::test]
async fn many_send_at_once_and_nothing_is_lost_doubled_or_out_of_order() {
    let town = Town::start().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let user = if writer % 2 == 0 { "alice" } else { "bob" };
        let mut client = town.client(user, &format!("device-{writer}")).await;
        let to = if writer % 2 == 0 { "bob" } else { "alice" };
        writers.spawn(async move {
            for number in 0..10 {
                let sent = text(to, &format!("{writer}:{number}"), 0);
                loop {
                    let answer = client.ask(&sent).await;
                    if answer.get("ok").is_some() {
                        break;
                    }
                    assert!(answer["error"]["retry_after_ms"].is_u64(), "{answer}");
                }
            }
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
    let mut alice = town.client("alice", "reader").await;
    let asked = frame("history", json!({ "conversation": "d~alice~bob", "after": 0 }));
    let page = alice.ok(&asked).await;
    let messages = page["messages"].as_array().unwrap();
    let seqs: Vec<_> = messages.iter().map(|message| message["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=40).collect::<Vec<_>>());
    for writer in 0..4 {
        let of_writer: Vec<_> = texts(messages)
            .into_iter()
            .filter_map(|text| text.strip_prefix(&format!("{writer}:")))
            .map(str::to_owned)
            .collect();
        let expected: Vec<_> = (0..10).map(|number| number.to_string()).collect();
        assert_eq!(of_writer, expected, "writer {writer}");
    }
    for user in ["alice", "bob"] {
        let mut device = town.client(user, "late").await;
        let entries = told(&mut device, 40).await;
        let seqs: Vec<_> = entries.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (1..=40).collect::<Vec<_>>(), "{user}");
    }
    town.stop().await;
}

#[tokio::test]
async fn a_repeated_send_is_one_message() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;
    let sent = text("bob", "once", 0);
    let first = alice.ok(&sent).await;
    bob.pushed().await;
    alice.ok(&text("bob", "between", 1)).await;
    bob.pushed().await;
    let mut again = sent.clone();
    again["id"] = json!(id());
    let second = alice.ok(&again).await;
    assert_eq!(second["duplicate"], true);
    assert_eq!((&second["seq"], &second["at"]), (&first["seq"], &first["at"]));
    assert_eq!(texts(&inbox(&mut bob, 0, 100).await), ["once", "between"]);
    assert_eq!(bob.left(), [] as [&Value; 0], "a repeated send is pushed again");
    town.stop().await;
}

#[tokio::test]
async fn without_a_base_a_raw_client_is_exactly_once_too() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut sent = text("bob", "no base", 0);
    sent.as_object_mut().unwrap().remove("base");
    let first = alice.ok(&sent).await;
    alice.ok(&text("bob", "between", 1)).await;
    sent["id"] = json!(id());
    let second = alice.ok(&sent).await;
    assert_eq!((&second["seq"], &second["duplicate"]), (&first["seq"], &json!(true)));
    let mut bob = town.client("bob", "phone").await;
    assert_eq!(texts(&told(&mut bob, 2).await), ["no base", "between"]);
    town.stop().await;
}
