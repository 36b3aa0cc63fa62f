//! What each operation costs, against the table of `COSTS.md`.

use std::collections::BTreeMap;

use chat::IndexPorts;
use serde_json::{Value, json};
use store::Timelines;
use tests::{Client, Town, binaries, frame, id};
use timeline::{Body, ConversationId, DeviceId, Diffusion, Draft, Kind, MessageId, Seq, Timestamp};

use crate::corpus::{Corpus, Language};
use crate::exchange::text;
use crate::groups::{found, group, say};

/// Dollars of a million write units and of a million read units.
const PRICES: (f64, f64) = (0.625, 0.125);

/// Write units and read units.
type Units = (f64, f64);

/// The rows of the table.
fn table() -> BTreeMap<String, Units> {
    let text = std::fs::read_to_string(binaries::root().join("COSTS.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.contains("write units"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let number = |cell: usize| cells[cell].parse::<f64>().unwrap();
        let (write, read) = (number(1), number(2));
        let dollars = write * PRICES.0 + read * PRICES.1;
        assert!((dollars - number(3)).abs() <= 0.0051, "{row}: it is {dollars}");
        (cells[0].to_owned(), (write, read))
    })
    .collect()
}

/// A meter over what a town's store has reported.
struct Meter {
    town: Town,
    rows: BTreeMap<String, Units>,
    seen: Units,
    /// What is not as the table says.
    wrong: Vec<String>,
}

impl Meter {
    fn new(town: Town) -> Self {
        Self { town, rows: table(), seen: (0.0, 0.0), wrong: Vec::new() }
    }

    fn units(&self) -> Units {
        let bill = self.town.gateway().bill();
        let tables = bill.tables.values();
        tables.fold((0.0, 0.0), |(write, read), table| {
            (write + table.write_units + table.failed_write_units, read + table.read_units)
        })
    }

    /// From here on it counts.
    fn begin(&mut self) {
        self.seen = self.units();
    }

    /// What it counted is what the table says of `operation`: no more, and not much less.
    fn end(&mut self, operation: &str) {
        let (write, read) = self.rows.remove(operation).unwrap_or_else(|| panic!("{operation}?"));
        let now = self.units();
        let found = (now.0 - self.seen.0, now.1 - self.seen.1);
        let fits = |found: f64, stated: f64| found <= stated && found > stated - 2.0;
        let is_true = fits(found.0, write) && fits(found.1, read);
        if !is_true {
            self.wrong.push(format!("{operation}: {} write and {} read units", found.0, found.1));
        }
    }
}

/// Sends, and waits until the sender's other device is told: the last thing that a fan-out does.
async fn send(alice: &mut Client, phone: &mut Client, message: &Value) -> u64 {
    let seq = alice.ok(message).await["seq"].as_u64().unwrap();
    phone.wait_for(|frame| frame["seq"] == seq && frame["event"] == "message").await;
    seq
}

#[tokio::test]
async fn every_operation_costs_what_the_table_says() {
    let town = Town::with(|settings| settings.deployment.streams.clear()).await;
    let mut meter = Meter::new(town);
    let mut alice = meter.town.client("alice", "desk").await;
    let mut phone = meter.town.client("alice", "phone").await;
    let mut bob = meter.town.client("bob", "desk").await;

    meter.begin();
    let passer = meter.town.client("passer", "desk").await;
    meter.end("connect");
    meter.begin();
    passer.close().await;
    let disconnected = async {
        while !meter.town.gateway().bill().functions.contains_key("DisconnectFunction") {
            tokio::task::yield_now().await;
        }
    };
    tests::within(disconnected).await;
    meter.end("disconnect");

    two_people(&mut meter, &mut alice, &mut phone, &mut bob).await;
    groups(&mut meter, &mut alice, &mut phone, &mut bob).await;
    list(&mut meter).await;
    index(&mut meter).await;
    search(&mut meter, &mut bob).await;
    assert!(meter.wrong.is_empty(), "{:#?}", meter.wrong);
    assert!(meter.rows.is_empty(), "nobody measures {:?}", meter.rows.keys());
    meter.town.stop().await;
}

/// Operations between two people.
async fn two_people(meter: &mut Meter, alice: &mut Client, phone: &mut Client, bob: &mut Client) {
    let words = "x".repeat(120);
    let direct = json!("d~alice~bob");
    for base in 0..100 {
        if base == 99 {
            meter.begin();
        }
        send(alice, phone, &text("bob", &words, base)).await;
    }
    meter.end("send, two people");
    meter.begin();
    bob.ok(&frame("sync", json!({ "cursor": 0, "limit": 100 }))).await;
    meter.end("sync, 100 messages");
    meter.begin();
    bob.ok(&frame("sync", json!({ "cursor": 100 }))).await;
    meter.end("sync, nothing new");
    meter.begin();
    bob.ok(&frame("history", json!({ "conversation": direct, "limit": 100 }))).await;
    meter.end("history, 100 messages");
    meter.begin();
    bob.ok(&frame("read", json!({ "conversation": direct, "seq": 100 }))).await;
    meter.end("read");
    meter.begin();
    let recall = json!({ "conversation": direct, "seq": 100, "cid": id(), "base": 100 });
    alice.ok(&frame("recall", recall)).await;
    meter.end("recall, two people");
    for kind in ["typing", "presence"] {
        meter.begin();
        bob.ok(&frame("signal", json!({ "conversation": direct, "kind": kind }))).await;
        meter.end(&format!("signal: {kind}, two people"));
    }
}

/// Operations in groups.
async fn groups(meter: &mut Meter, alice: &mut Client, phone: &mut Client, bob: &mut Client) {
    let words = "x".repeat(120);
    let names: Vec<_> = (1..9).map(|number| format!("user-{number}")).collect();
    let mut members: Vec<_> = names.iter().map(String::as_str).collect();
    members.push("bob");
    let club = found(alice, &members).await;
    let mut seq = send(alice, phone, &say(&club, &words, 1)).await;
    meter.begin();
    seq = send(alice, phone, &say(&club, &words, seq)).await;
    meter.end("send, group of 10");
    bob.ok(&frame("read", json!({ "conversation": club, "seq": seq }))).await;
    meter.begin();
    let asked = json!({ "conversation": club, "seq": seq });
    alice.ok(&frame("receipts", asked)).await;
    meter.end("receipts, group of 10");
    meter.begin();
    alice.ok(&group("add", json!({ "conversation": club, "user": "late" }))).await;
    meter.end("group: add one to 10");

    let crowd: Vec<_> = (0..100).map(|number| format!("crowd-{number}")).collect();
    alice.ok(&group("add", json!({ "conversation": club, "users": crowd }))).await;
    meter.begin();
    phone.ok(&frame("signal", json!({ "conversation": club, "kind": "focus" }))).await;
    meter.end("signal: focus on a large group");
    let asked = frame("history", json!({ "conversation": club }));
    let last = alice.ok(&asked).await["last"].as_u64().unwrap();
    meter.begin();
    send(alice, phone, &say(&club, &words, last)).await;
    meter.end("send, large group");
}

/// A list of fifty, of which eight have something unread.
async fn list(meter: &mut Meter) {
    let words = "x".repeat(120);
    let mut zoe = meter.town.client("zoe", "desk").await;
    let left = |town: &Town| {
        let bill = town.gateway().bill();
        bill.functions.get("DisconnectFunction").map_or(0, |function| function.invocations)
    };
    let before = left(&meter.town);
    for number in 0..50 {
        let mut friend = meter.town.client(&format!("friend-{number}"), "desk").await;
        friend.ok(&text("zoe", &words, 0)).await;
        zoe.pushed().await;
        if number >= 8 {
            let direct = format!("d~friend-{number}~zoe");
            zoe.ok(&frame("read", json!({ "conversation": direct, "seq": 1 }))).await;
        }
        friend.close().await;
    }
    // Whoever goes is forgotten by a write, some time later.
    let forgotten = async {
        while left(&meter.town) < before + 50 {
            tokio::task::yield_now().await;
        }
    };
    tests::within(forgotten).await;
    meter.begin();
    let list = zoe.ok(&frame("conversations", json!({ "limit": 50 }))).await;
    assert_eq!(list["unread"], 8);
    meter.end("conversations, 50 of two people, 8 unread");
}

/// The stream's part of 512 places: eight blocks of 64, and one of all.
async fn index(meter: &mut Meter) {
    let store = meter.town.store();
    let conversation = ConversationId::parse("d~reader~writer").unwrap();
    let timeline = conversation.timeline();
    for (number, text) in (1..).zip(Corpus::new(Language::English, 1).messages(511)) {
        let draft = Draft {
            id: MessageId::from_bytes([7; 16]),
            author: timeline::UserId::parse("writer").unwrap(),
            device: DeviceId::parse("desk").unwrap(),
            at: Timestamp(1_763_917_045_123),
            kind: Kind::text(),
            version: 1,
            inbox_before: Seq::ZERO,
            diffusion: Diffusion::Write,
            named: Vec::new(),
            target: None,
            body: Body::parse(&json!({ "text": text }).to_string()).unwrap(),
        };
        store.put(&timeline, &draft.at(Seq::new(number).unwrap())).await.unwrap();
    }
    let ports = IndexPorts { timelines: &store, blocks: &store, searched: wire::searched_text };
    meter.begin();
    for number in 1..=511 {
        chat::index(ports, &timeline, Seq::new(number).unwrap()).await.unwrap();
    }
    meter.end("index, 512 messages");
}

/// Searches among 101 messages of two people, in 511 that are indexed, and in fifty conversations.
async fn search(meter: &mut Meter, bob: &mut Client) {
    let search = |query: &str, conversation: Option<&str>| match conversation {
        Some(id) => frame("search", json!({ "query": query, "conversation": id })),
        None => frame("search", json!({ "query": query })),
    };
    meter.begin();
    let found = bob.ok(&search("xxx", Some("d~alice~bob"))).await;
    assert_eq!(found["hits"].as_array().unwrap().len(), 20);
    meter.end("search, a page of the newest messages");
    let mut reader = meter.town.client("reader", "desk").await;
    meter.begin();
    let found = reader.ok(&search("unheard ", Some("d~reader~writer"))).await;
    assert_eq!(found, json!({ "hits": [] }));
    meter.end("search, 511 messages that are indexed");
    let mut zoe = meter.town.client("zoe", "desk").await;
    meter.begin();
    let found = zoe.ok(&search("unheard ", None)).await;
    assert_eq!(found, json!({ "hits": [] }));
    meter.end("search, 50 conversations of two people");
}
