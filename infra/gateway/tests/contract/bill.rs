//! What a run is billed: frames by 32 kilobytes, invocations by function.

use std::time::Duration;

use crate::local::Local;
use crate::socket::{CONTINUATION, TEXT};

#[tokio::test]
async fn frames_are_metered_by_32_kilobytes_in_both_directions() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    // One in, one out.
    socket.say("hello").await;
    socket.text().await;
    // Two out.
    local.post(&id, &"y".repeat(32 * 1024 + 1)).await;
    socket.text().await;
    // Two in, two out.
    socket.send(false, TEXT, &[b'x'; 32 * 1024]).await;
    socket.send(true, CONTINUATION, b"x").await;
    socket.text().await;
    socket.leave().await;
    local.journal.next("$disconnect").await;
    let bill = local.running.stop().await;
    assert_eq!((bill.frames_in, bill.frames_out), (3, 5));
    assert_eq!(bill.messages, 2);
}

#[tokio::test]
async fn invocations_are_metered_by_function() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    for message in ["one", "two"] {
        socket.say(message).await;
        socket.text().await;
    }
    socket.say(r#"{"action":"shout","script":{"error":"no"}}"#).await;
    socket.text().await;
    socket.leave().await;
    local.journal.next("$disconnect").await;
    let bill = local.running.stop().await;
    let count = |name: &str| (bill.functions[name].invocations, bill.functions[name].failures);
    assert_eq!(count("Guard"), (1, 0));
    assert_eq!(count("Door"), (2, 0));
    assert_eq!(count("Room"), (3, 1));
    assert!(bill.functions["Room"].milliseconds >= 3);
    assert_eq!(bill.functions["Room"].memory_mb, 256);
}

#[tokio::test]
async fn the_messages_of_one_route_may_be_what_the_run_was_for() {
    let mut local = Local::with(|settings| settings.bill_route = Some("shout".to_owned())).await;
    let (mut socket, _) = local.join("ada").await;
    for message in ["hello", r#"{"action":"shout","text":"x"}"#] {
        socket.say(message).await;
        socket.text().await;
    }
    assert_eq!(local.running.bill().messages, 1);
}

#[tokio::test]
async fn an_open_connection_is_metered_by_the_time_it_is_open() {
    let lifetime = Duration::from_millis(200);
    let mut local = Local::with(|settings| settings.lifetime = lifetime).await;
    let (mut socket, _) = local.join("ada").await;
    socket.closed().await;
    local.journal.next("$disconnect").await;
    let bill = local.running.stop().await;
    assert!(bill.connection_milliseconds > 0);
}

#[tokio::test]
async fn what_was_not_used_costs_nothing() {
    let local = Local::start().await;
    let bill = local.running.stop().await;
    assert_eq!((bill.frames_in, bill.frames_out, bill.messages), (0, 0, 0));
    let printed = bill.to_string();
    assert!(printed.contains("0.000000") && !printed.contains("-0"), "{printed}");
}
