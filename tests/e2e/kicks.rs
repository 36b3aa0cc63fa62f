//! Devices that have to go: for another of their platform, for the number of all, or because they
//! are gone already.

use serde_json::{Value, json};
use store::{Connections, Registration};
use tests::{Handshake, Token, Town, frame};
use timeline::{Timestamp, UserId, limits};

use crate::exchange::{text, texts, told};

/// The handshake of Bob's device of a platform, with this token.
fn handshake(town: &Town, device: &str, platform: &str, token: &str) -> Handshake {
    let at = Handshake::new(&town.gateway().url()).device(device).bearer(token);
    at.query("platform", platform)
}

/// A token of Bob's that expires in so many seconds.
fn token(town: &Town, seconds: u64) -> String {
    town.token(&Token { user: "bob".to_owned(), seconds })
}

/// Bob's registrations, in the order of their devices' names.
async fn registered(town: &Town) -> Vec<Registration> {
    let found = town.store().of(&[UserId::parse("bob").unwrap()]).await.unwrap();
    found.into_iter().flat_map(|(_, devices)| devices).collect()
}

async fn names(town: &Town) -> Vec<String> {
    registered(town).await.iter().map(|registration| registration.device.to_string()).collect()
}

#[tokio::test]
async fn a_second_login_of_a_platform_kicks_the_first_and_its_token_is_dead() {
    let town = Town::with_parameters(&[("DevicesPerPlatform", "one")]).await;
    let (first, second) = (token(&town, 3_000), token(&town, 3_600));
    let mut phone = handshake(&town, "phone", "ios", &first).connect().await.unwrap();
    let mut laptop = handshake(&town, "laptop", "web", &first).connect().await.unwrap();
    let mut phone2 = handshake(&town, "phone2", "ios", &second).connect().await.unwrap();
    let kicked = phone.wait_for(|frame| frame.get("event").is_some()).await;
    assert_eq!(kicked, json!({ "event": "kicked", "reason": "platform" }));
    assert_eq!(phone.closed().await, Some(1_000));
    assert_eq!(names(&town).await, ["laptop", "phone2"]);

    // The old token is dead on the kicked device alone.
    let back = |token| handshake(&town, "phone", "ios", token);
    assert_eq!(back(&first).connect().await.unwrap_err(), 403);
    let mut alice = town.client("alice", "desk").await;
    alice.ok(&text("bob", "who is there?", 0)).await;
    for device in [&mut laptop, &mut phone2] {
        assert_eq!(device.pushed().await["body"]["text"], "who is there?");
        assert_eq!(device.left(), [] as [&Value; 0]);
    }

    // A newer login is let in, and has missed nothing.
    let mut phone = back(&token(&town, 3_300)).connect().await.unwrap();
    let kicked = phone2.wait_for(|frame| frame.get("event").is_some()).await;
    assert_eq!(kicked["reason"], "platform");
    assert_eq!(phone2.closed().await, Some(1_000));
    assert_eq!(texts(&told(&mut phone, 1).await), ["who is there?"]);
    assert_eq!(names(&town).await, ["laptop", "phone"]);
    town.stop().await;
}

#[tokio::test]
async fn one_device_too_many_kicks_the_one_that_was_there_longest() {
    let town = Town::with_parameters(&[("DevicesMax", "2")]).await;
    let mut first = town.client("bob", "c").await;
    let mut second = town.client("bob", "a").await;
    let mut third = town.client("bob", "b").await;
    let kicked = first.wait_for(|frame| frame.get("event").is_some()).await;
    assert_eq!(kicked, json!({ "event": "kicked", "reason": "limit" }));
    assert_eq!(first.closed().await, Some(1_000));
    assert_eq!(names(&town).await, ["a", "b"]);
    for device in [&mut second, &mut third] {
        device.ok(&frame("sync", json!({ "cursor": 0 }))).await;
        assert_eq!(device.left(), [] as [&Value; 0]);
    }
    town.stop().await;
}

#[tokio::test]
async fn five_devices_of_one_platform_are_online_unless_the_deployment_says_otherwise() {
    let town = Town::start().await;
    let token = token(&town, 3_600);
    let mut devices = Vec::new();
    for device in ["a", "b", "c", "d", "e", "f"] {
        devices.push(handshake(&town, device, "ios", &token).connect().await.unwrap());
    }
    let kicked = devices[0].wait_for(|frame| frame.get("event").is_some()).await;
    assert_eq!(kicked["reason"], "limit");
    assert_eq!(names(&town).await, ["b", "c", "d", "e", "f"]);
    town.stop().await;
}

/// Bob's phone is gone, and the registry does not know.
async fn town_with_a_stale_row() -> Town {
    let town = Town::start().await;
    town.arm("lose-disconnects:1");
    town.client("bob", "phone").await.close().await;
    town.struck(1).await;
    assert_eq!(names(&town).await, ["phone"]);
    town
}

/// Lets Alice write to Bob, and waits until everyone is told: her own other device comes last.
async fn tell_bob(town: &Town) {
    let mut alice = town.client("alice", "desk").await;
    let mut phone = town.client("alice", "phone").await;
    alice.ok(&text("bob", "anyone?", 0)).await;
    phone.pushed().await;
}

#[tokio::test]
async fn a_stale_row_vanishes_with_the_next_message_to_it() {
    let town = town_with_a_stale_row().await;
    let stale = registered(&town).await.remove(0);
    let connected = Timestamp(stale.connected.0 - limits::YOUNG_CONNECTION_MS);
    let older = Registration { connected, ..stale };
    town.store().register(&UserId::parse("bob").unwrap(), &older).await.unwrap();
    tell_bob(&town).await;
    assert_eq!(registered(&town).await, []);
    town.stop().await;
}

/// It might be a connection that is still opening.
#[tokio::test]
async fn a_young_row_survives_that_its_connection_is_gone() {
    let town = town_with_a_stale_row().await;
    tell_bob(&town).await;
    assert_eq!(names(&town).await, ["phone"]);
    town.stop().await;
}

#[tokio::test]
async fn a_late_goodbye_of_an_old_connection_leaves_the_new_one_registered() {
    let town = Town::start().await;
    let mut first = town.client("bob", "phone").await;
    let mut second = town.client("bob", "phone").await;
    assert_eq!(first.closed().await, Some(1_000));
    let goodbye = async {
        // It is on the bill once it has ended.
        while !town.gateway().bill().functions.contains_key("DisconnectFunction") {
            second.ok(&frame("sync", json!({ "cursor": 0 }))).await;
        }
    };
    tests::within(goodbye).await;
    let mut alice = town.client("alice", "desk").await;
    alice.ok(&text("bob", "still there?", 0)).await;
    assert_eq!(second.pushed().await["body"]["text"], "still there?");
    town.stop().await;
}

/// Read units and write units of the registry.
fn units(town: &Town) -> (f64, f64) {
    let tables = town.gateway().bill().tables;
    tables.get("ConnectionsTable").map_or((0.0, 0.0), |used| (used.read_units, used.write_units))
}

/// The write tells who else is registered; each eviction is one more.
#[tokio::test]
async fn a_connection_is_1_write_unit_and_an_eviction_one_more() {
    let town = Town::with_parameters(&[("DevicesMax", "3")]).await;
    let token = token(&town, 3_600);
    let mut open = Vec::new();
    for (device, writes) in [("a", 1.0), ("b", 1.0), ("c", 1.0), ("d", 2.0), ("e", 2.0), ("f", 2.0)]
    {
        let before = units(&town);
        open.push(handshake(&town, device, "ios", &token).connect().await.unwrap());
        let after = units(&town);
        let (read, written) = (after.0 - before.0, after.1 - before.1);
        assert!(read.abs() < f64::EPSILON, "{device}: {read} read units");
        assert!((written - writes).abs() < f64::EPSILON, "{device}: {written} write units");
    }
    town.stop().await;
}
