//! What a message costs, by what the store reports.

use serde_json::{Value, json};
use store::{Directory, Enlisting, Inboxes, Scan, Timelines};
use tests::{Client, Town, frame};
use timeline::{ConversationId, Diffusion, Seq, UserId};

use crate::exchange::text;
use crate::groups::{found, group, say};

/// Read units, write units and requests over all tables. A failed condition counts as a write.
fn units(town: &Town) -> (f64, f64, u64) {
    town.gateway().bill().tables.values().fold((0.0, 0.0, 0), |(read, write, requests), table| {
        let written = table.write_units + table.failed_write_units;
        (read + table.read_units, write + written, requests + table.requests)
    })
}

/// 120 bytes of text in a conversation that exists, base = tail: at most 3 write and 7 read units,
/// and the one read of the stream's consumer, which comes when it comes and is not counted here.
#[tokio::test]
async fn a_message_between_two_is_at_most_3_write_and_8_read_units() {
    let town = Town::with(|settings| settings.deployment.streams.clear()).await;
    let mut alice = town.client("alice", "desk").await;
    let mut phone = town.client("alice", "phone").await;
    let mut bob = town.client("bob", "phone").await;
    let words = "x".repeat(120);
    for base in 0..30 {
        let before = units(&town);
        alice.ok(&text("bob", &words, base)).await;
        bob.pushed().await;
        // The last thing that a fan-out does.
        phone.pushed().await;
        let after = units(&town);
        let (read, write) = (after.0 - before.0, after.1 - before.1);
        if base > 0 {
            assert!(write <= 3.0, "message {base}: {write} write units");
            assert!(read <= 7.0, "message {base}: {read} read units");
            assert!(after.2 - before.2 >= 9, "the meter misses requests");
        }
    }
    town.stop().await;
}

/// What a message to a group costs, by its size and the table of the design; less the second look
/// at the membership, which the version on each message makes unnecessary, and less the one read of
/// the stream's consumer, which is counted apart. Of two, of ten and of a hundred each inbox is
/// written; a large group costs one write, however large.
#[tokio::test]
async fn a_message_to_a_group_costs_what_its_size_says() {
    for (size, write_max, read_max) in
        [(2, 3.0, 6.0), (10, 11.0, 22.0), (100, 101.0, 202.0), (500, 1.0, 6.0)]
    {
        let town = Town::with(|settings| settings.deployment.streams.clear()).await;
        let mut alice = town.client("alice", "desk").await;
        let mut phone = town.client("alice", "phone").await;
        let club = grown(&mut alice, size).await;
        let asked = frame("history", json!({ "conversation": club }));
        let mut base = alice.ok(&asked).await["last"].as_u64().unwrap();
        if size > 100 {
            let focus = json!({ "conversation": club, "kind": "focus" });
            phone.ok(&frame("signal", focus)).await;
        }
        let words = "x".repeat(120);
        for number in 0..4 {
            let before = units(&town);
            alice.ok(&say(&club, &words, base)).await;
            // The last thing that a fan-out does.
            phone.wait_for(|frame| frame["seq"] == base + 1).await;
            let after = units(&town);
            let (read, write) = (after.0 - before.0, after.1 - before.1);
            base += 1;
            if number > 0 {
                assert!(write <= write_max, "{size} members: {write} write units");
                assert!(read <= read_max, "{size} members: {read} read units");
            }
        }
        town.stop().await;
    }
}

/// A group of so many, made by steps of a hundred: its id.
async fn grown(alice: &mut Client, size: usize) -> Value {
    let names: Vec<_> = (1..size).map(|number| format!("user-{number}")).collect();
    let mut steps = names.chunks(100);
    let first: Vec<_> = steps.next().unwrap().iter().map(String::as_str).collect();
    let club = found(alice, &first[..first.len().min(99)]).await;
    let rest: Vec<_> = names.iter().skip(99).collect();
    for users in rest.chunks(100) {
        alice.ok(&group("add", json!({ "conversation": club, "users": users }))).await;
    }
    club
}

/// One query, and the look at the own registration; the stream's consumer reads inboxes, too, and
/// is left out.
#[tokio::test]
async fn a_sync_of_a_hundred_messages_is_at_most_7_read_units_and_one_query() {
    let town = Town::with(|settings| settings.deployment.streams.clear()).await;
    let mut alice = town.client("alice", "desk").await;
    let mut phone = town.client("alice", "phone").await;
    let words = "x".repeat(120);
    for base in 0..100 {
        alice.ok(&text("bob", &words, base)).await;
        phone.pushed().await;
    }
    let mut bob = town.client("bob", "phone").await;
    let before = town.gateway().bill().tables["InboxTable"];
    bob.ok(&frame("sync", json!({ "cursor": 0, "limit": 100 }))).await;
    let after = town.gateway().bill().tables["InboxTable"];
    assert_eq!(after.requests - before.requests, 1);
    let read = after.read_units - before.read_units;
    assert!(read <= 7.0, "{read} read units");

    let before = units(&town);
    bob.ok(&frame("sync", json!({ "cursor": 100 }))).await;
    let after = units(&town);
    assert!(after.0 - before.0 <= 2.0, "an empty sync: {} read units", after.0 - before.0);
    town.stop().await;
}

fn listing(conversation: &ConversationId, version: u64) -> Enlisting {
    Enlisting {
        conversation: conversation.clone(),
        version,
        joined: Seq::FIRST,
        diffusion: Diffusion::Write,
        begins: None,
    }
}

/// What the bill counts is what the store reports to whoever asks it: to this test, through the
/// functions' own adapter.
#[tokio::test]
async fn the_bill_says_what_the_store_reports() {
    let town = Town::start().await;
    let store = town.store();
    let (alice, bob) = (UserId::parse("alice").unwrap(), UserId::parse("bob").unwrap());
    let id = ConversationId::direct(&alice, &bob).unwrap();
    for position in 1..=20 {
        store.list(&alice, &listing(&id, 1)).await.unwrap();
        store.list(&alice, &listing(&id, 0)).await.unwrap();
        store.raise_anchor(&bob, Seq::new(position).unwrap()).await.unwrap();
        store.tail(&bob).await.unwrap();
        store.scan(&id.timeline(), Scan::newest()).await.unwrap();
    }
    let bill = town.gateway().bill();
    let reported = store.consumed();
    assert_eq!(reported.len(), 3, "{reported:?}");
    for (table, units) in reported {
        let billed = bill.tables[&table];
        assert!((billed.read_units - units.read).abs() < 1e-9, "{table}: {billed:?} {units:?}");
        assert!((billed.write_units - units.write).abs() < 1e-9, "{table}: {billed:?} {units:?}");
        // A listing of an earlier version is refused, which costs a unit that no answer reports.
        let refused = if table == "DirectoryTable" { 20.0 } else { 0.0 };
        assert!((billed.failed_write_units - refused).abs() < 1e-9, "{table}: {billed:?}");
    }
    town.stop().await;
}

/// The bill has every part and prices it.
#[tokio::test]
async fn the_bill_counts_every_part() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "phone").await;
    alice.ok(&text("bob", "hello", 0)).await;
    bob.pushed().await;
    bob.ok(&frame("sync", json!({ "cursor": 0 }))).await;
    let bill = town.stop().await;
    assert_eq!((bill.frames_in, bill.frames_out), (2, 3), "{bill}");
    for name in ["SendFunction", "SyncFunction", "ConnectFunction", "AuthorizeFunction"] {
        assert!(bill.functions[name].invocations > 0, "{name}: {bill}");
    }
    for table in ["TimelineTable", "InboxTable", "DirectoryTable", "ConnectionsTable"] {
        assert!(bill.tables[table].write_units > 0.0, "{table}: {bill}");
    }
    assert!(bill.dollars() > 0.0);
}
