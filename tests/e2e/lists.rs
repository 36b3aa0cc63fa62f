//! What a messenger remembers: unread counts, read positions, receipts, recalls and edits, lists.

use serde_json::{Value, json};
use tests::{Client, Town, frame, id};

use crate::exchange::{inbox, text};
use crate::groups::{found, group, say};

fn read(conversation: &Value, seq: u64) -> Value {
    frame("read", json!({ "conversation": conversation, "seq": seq }))
}

/// The row of a conversation in a client's list, and the total of what is unread.
async fn row(client: &mut Client, conversation: &Value) -> (Value, u64) {
    let list = client.ok(&frame("conversations", json!({}))).await;
    let rows = list["conversations"].as_array().unwrap();
    let row = rows.iter().find(|row| row["conversation"] == *conversation);
    (row.cloned().unwrap_or_default(), list["unread"].as_u64().unwrap())
}

/// Alice and bob, and the phone beside bob's desk; alice has sent so many messages.
async fn town(count: u64) -> (Town, Client, Client, Client) {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let desk = town.client("bob", "desk").await;
    let mut phone = town.client("bob", "phone").await;
    for base in 0..count {
        alice.ok(&text("bob", &format!("number {}", base + 1), base)).await;
        phone.pushed().await;
    }
    (town, alice, desk, phone)
}

#[tokio::test]
async fn unread_per_conversation_and_total_on_the_server() {
    let (town, mut alice, mut desk, mut phone) = town(3).await;
    let direct = json!("d~alice~bob");
    let club = found(&mut alice, &["bob"]).await;
    alice.ok(&say(&club, "in the club", 1)).await;
    phone.wait_for(|frame| frame["body"]["text"] == "in the club").await;
    for device in [&mut desk, &mut phone] {
        let (direct_row, total) = row(device, &direct).await;
        assert_eq!((&direct_row["unread"], total), (&json!(3), 4));
        assert_eq!((&direct_row["type"], &direct_row["read"]), (&json!("direct"), &json!(0)));
        let (club_row, _) = row(device, &club).await;
        assert_eq!((&club_row["unread"], &club_row["title"]), (&json!(1), &json!("club")));
        assert_eq!(club_row["last"]["body"]["text"], "in the club");
    }
    assert_eq!(row(&mut alice, &direct).await.1, 0, "own messages count nothing");
    // A new device shows the same.
    let mut tablet = town.client("bob", "tablet").await;
    assert_eq!(row(&mut tablet, &direct).await.1, 4);
    town.stop().await;
}

#[tokio::test]
async fn unread_cleared_on_read_roams() {
    let (town, mut alice, mut desk, mut phone) = town(3).await;
    let direct = json!("d~alice~bob");
    assert_eq!(desk.ok(&read(&direct, 3)).await, json!({ "seq": 3, "unread": 0 }));
    let told = phone.wait_for(|frame| frame["kind"] == "read").await;
    assert_eq!((&told["conversation"], &told["seq"], &told["q"]), (&direct, &json!(3), &json!(4)));
    assert_eq!(row(&mut phone, &direct).await.1, 0);
    // A message that comes meanwhile still counts.
    alice.ok(&text("bob", "one more", 3)).await;
    phone.wait_for(|frame| frame["body"]["text"] == "one more").await;
    assert_eq!(phone.ok(&read(&direct, 3)).await, json!({ "seq": 3, "unread": 1 }));
    // Who was away finds the position in order with the messages.
    let mut tablet = town.client("bob", "tablet").await;
    let entries = inbox(&mut tablet, 0, 100).await;
    let kinds: Vec<_> = entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["text", "text", "text", "read", "text"]);
    town.stop().await;
}

#[tokio::test]
async fn monotonic_read_position() {
    let (town, _alice, mut desk, mut phone) = town(4).await;
    let direct = json!("d~alice~bob");
    assert_eq!(desk.ok(&read(&direct, 4)).await["unread"], 0);
    assert_eq!(phone.ok(&read(&direct, 2)).await, json!({ "seq": 4, "unread": 0 }));
    let refused = phone.refused(&read(&direct, 5)).await;
    assert_eq!(refused, (422, "invalid".to_owned()));
    town.stop().await;
}

#[tokio::test]
async fn single_chat_read_receipt() {
    let (town, mut alice, mut desk, _phone) = town(2).await;
    let direct = json!("d~alice~bob");
    desk.ok(&read(&direct, 2)).await;
    let receipt = alice.wait_for(|frame| frame["event"] == "read").await;
    assert_eq!((&receipt["user"], &receipt["seq"]), (&json!("bob"), &json!(2)));
    assert_eq!(receipt["conversation"], direct);
    // Later, and on a device that was not there, it is asked for.
    let mut phone = town.client("alice", "phone").await;
    let asked = frame("receipts", json!({ "conversation": direct, "seq": 2 }));
    let receipts = phone.ok(&asked).await;
    assert_eq!((&receipts["count"], &receipts["readers"][0]["user"]), (&json!(1), &json!("bob")));
    town.stop().await;
}

#[tokio::test]
async fn group_read_receipt() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "desk").await;
    let mut cy = town.client("cy", "desk").await;
    let club = found(&mut alice, &["bob", "cy"]).await;
    alice.ok(&say(&club, "who reads this?", 1)).await;
    alice.ok(&group("add", json!({ "conversation": club, "user": "dan" }))).await;
    let mut dan = town.client("dan", "desk").await;
    for (client, seq) in [(&mut bob, 2), (&mut dan, 3), (&mut alice, 3), (&mut cy, 1)] {
        client.ok(&read(&club, seq)).await;
    }
    let asked = frame("receipts", json!({ "conversation": club, "seq": 2 }));
    let receipts = alice.ok(&asked).await;
    // Neither who wrote it, nor who joined later, nor who has not come so far.
    let readers: Vec<_> = receipts["readers"].as_array().unwrap().iter().collect();
    assert_eq!((&receipts["count"], readers.len()), (&json!(1), 1));
    assert_eq!(readers[0]["user"], "bob");
    town.stop().await;
}

#[tokio::test]
async fn a_recall_reaches_devices_online_and_offline() {
    let (town, mut alice, mut desk, phone) = town(2).await;
    phone.close().await;
    let direct = json!("d~alice~bob");
    let taken_back = json!({ "conversation": direct, "seq": 1, "cid": id(), "base": 2 });
    let event = alice.ok(&frame("recall", taken_back.clone())).await;
    assert_eq!((&event["seq"], &event["duplicate"]), (&json!(3), &json!(false)));
    let told = desk.wait_for(|frame| frame["kind"] == "recall").await;
    assert_eq!((&told["target"], &told["from"]), (&json!(1), &json!("alice")));
    // Asked for again it is the same event.
    assert_eq!(alice.ok(&frame("recall", taken_back)).await["duplicate"], true);

    let history = desk.ok(&frame("history", json!({ "conversation": direct, "after": 0 }))).await;
    let seqs: Vec<_> = history["messages"].as_array().unwrap().iter().map(|m| &m["seq"]).collect();
    assert_eq!((seqs, &history["missing"]), (vec![&json!(2), &json!(3)], &json!([1])));
    assert_eq!(row(&mut desk, &direct).await.1, 1, "what was taken back is not unread");
    let mut phone = town.client("bob", "phone").await;
    let entries = inbox(&mut phone, 2, 100).await;
    assert_eq!((&entries[0]["kind"], &entries[0]["target"]), (&json!("recall"), &json!(1)));
    // It is alice's to take back, and bob's is nobody else's.
    let theirs = frame("recall", json!({ "conversation": direct, "seq": 2, "cid": id() }));
    assert_eq!(desk.refused(&theirs).await.0, 403);
    let none = frame("recall", json!({ "conversation": direct, "seq": 9, "cid": id() }));
    assert_eq!(alice.refused(&none).await.0, 404);
    town.stop().await;
}

#[tokio::test]
async fn an_edit_changes_what_history_says() {
    let (town, mut alice, mut desk, _phone) = town(1).await;
    let direct = json!("d~alice~bob");
    for (words, event) in [("at 5", 2), ("at 6", 3)] {
        let edit = json!({
            "conversation": direct, "seq": 1, "cid": id(), "body": { "text": words },
        });
        assert_eq!(alice.ok(&frame("recall", edit)).await["seq"], event);
    }
    let told = desk.wait_for(|frame| frame["kind"] == "edit" && frame["seq"] == 3).await;
    assert_eq!((&told["target"], &told["body"]["text"]), (&json!(1), &json!("at 6")));
    let history = desk.ok(&frame("history", json!({ "conversation": direct, "seqs": [1] }))).await;
    let message = &history["messages"][0];
    assert_eq!((&message["body"]["text"], &message["edited"]), (&json!("at 6"), &json!(3)));
    town.stop().await;
}

#[tokio::test]
async fn too_late_to_take_back_but_not_for_an_admin() {
    let town = Town::with_parameters(&[("RecallSeconds", "0")]).await;
    let mut alice = town.client("alice", "desk").await;
    let mut bob = town.client("bob", "desk").await;
    let club = found(&mut alice, &["bob"]).await;
    bob.ok(&say(&club, "oops", 1)).await;
    let recall = || frame("recall", json!({ "conversation": club, "seq": 2, "cid": id() }));
    let refusal = within_a_second(&mut bob, recall).await;
    assert_eq!(refusal, (409, "conflict".to_owned()));
    alice.ok(&recall()).await;
    town.stop().await;
}

/// Asks until it is too late: within the millisecond in which it was sent it may not be.
async fn within_a_second(client: &mut Client, asked: impl Fn() -> Value) -> (u64, String) {
    client.ok(&frame("sync", json!({ "cursor": 0 }))).await;
    client.refused(&asked()).await
}

#[tokio::test]
async fn do_not_disturb_and_pins_roam() {
    let (town, _alice, mut desk, mut phone) = town(1).await;
    let direct = json!("d~alice~bob");
    for (op, field) in [("mute", "muted"), ("pin", "pinned")] {
        for on in [true, false, true] {
            desk.ok(&group(op, json!({ "conversation": direct, field: on }))).await;
            let told = phone.wait_for(|frame| frame["kind"] == op).await;
            let body = if on { json!({ "on": true }) } else { json!({}) };
            assert_eq!((&told["conversation"], &told["body"]), (&direct, &body), "{op} {on}");
        }
    }
    let (kept, _) = row(&mut phone, &direct).await;
    assert_eq!(kept["muted"], true);
    assert!(kept["pinned"].as_u64().is_some(), "{kept}");
    town.stop().await;
}

#[tokio::test]
async fn conversation_list_with_digest_time_unread() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    let mut phone = town.client("alice", "phone").await;
    let others = ["bob", "cy", "dan", "eve"];
    for (base, other) in others.iter().enumerate() {
        for count in 0..=base as u64 {
            let words = format!("{other} {count}");
            let mut client = town.client(other, "desk").await;
            client.ok(&text("alice", &words, count)).await;
            phone.wait_for(|frame| frame["body"]["text"] == words).await;
            client.close().await;
        }
    }
    let (mut rows, mut page): (Vec<Value>, Option<Value>) = (Vec::new(), None);
    loop {
        let asked = match &page {
            None => json!({ "limit": 3 }),
            Some(page) => json!({ "limit": 3, "page": page }),
        };
        let list = alice.ok(&frame("conversations", asked)).await;
        assert_eq!(list["unread"], 10);
        rows.extend(list["conversations"].as_array().unwrap().iter().cloned());
        page = list.get("page").cloned();
        if page.is_none() {
            break;
        }
    }
    let digests: Vec<_> =
        rows.iter().map(|row| row["last"]["body"]["text"].as_str().unwrap()).collect();
    assert_eq!(digests, ["eve 3", "dan 2", "cy 1", "bob 0"]);
    let unread: Vec<_> = rows.iter().map(|row| row["unread"].as_u64().unwrap()).collect();
    assert_eq!(unread, [4, 3, 2, 1]);
    town.stop().await;
}

#[tokio::test]
async fn typing_and_presence_reach_who_is_online_and_are_never_kept() {
    let (town, mut alice, mut desk, mut phone) = town(1).await;
    let direct = json!("d~alice~bob");
    let signal = |kind: &str| frame("signal", json!({ "conversation": direct, "kind": kind }));
    assert_eq!(alice.ok(&signal("presence")).await["online"], json!(["bob"]));
    alice.ok(&signal("typing")).await;
    for device in [&mut desk, &mut phone] {
        let told = device.wait_for(|frame| frame["event"] == "signal").await;
        assert_eq!((&told["user"], &told["kind"]), (&json!("alice"), &json!("typing")));
    }
    assert_eq!(alice.refused(&signal("typing")).await.0, 429);
    assert_eq!(inbox(&mut phone, 0, 100).await.len(), 1);
    desk.close().await;
    phone.close().await;
    let offline = async {
        loop {
            if alice.ok(&signal("presence")).await["online"] == json!([]) {
                return;
            }
        }
    };
    tests::within(offline).await;
    town.stop().await;
}
