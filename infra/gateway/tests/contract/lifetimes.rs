//! How long a connection lives, and what keeps it alive.
//!
//! No test here says how long anything took: each waits for an end that only comes if the clock in
//! question was, or was not, set back.

use std::time::Duration;

use crate::journal::Entry;
use crate::local::{Local, within};
use crate::socket::{PING, Received, Socket};

/// Pings as often as it is answered, until the connection is closed; the close code.
async fn ping_until_closed(socket: &mut Socket) -> u16 {
    loop {
        socket.send(true, PING, b"").await;
        match socket.receive().await {
            Received::Pong(_) => {}
            Received::Close(close) => return close.expect("a code").0,
            other @ (Received::Text(..) | Received::Other(_) | Received::End) => {
                panic!("{other:?} instead of a pong")
            }
        }
    }
}

#[tokio::test]
async fn pings_do_not_keep_a_connection_alive() {
    let mut local =
        Local::with(|settings| settings.idle_timeout = Duration::from_millis(200)).await;
    let (mut socket, _) = local.join("ada").await;
    assert_eq!(within(ping_until_closed(&mut socket)).await, 1001);
}

/// How long the connection had lived when `$disconnect` came, in milliseconds.
fn age(disconnect: &Entry) -> i64 {
    let context = disconnect.context();
    context["requestTimeEpoch"].as_i64().unwrap() - context["connectedAt"].as_i64().unwrap()
}

/// A gateway whose connections may be idle for a second and live for three.
async fn mortal() -> Local {
    Local::with(|settings| {
        settings.idle_timeout = Duration::from_millis(1000);
        settings.lifetime = Duration::from_millis(3000);
    })
    .await
}

#[tokio::test]
async fn messages_keep_a_connection_alive_until_the_end_of_its_life() {
    let mut local = mortal().await;
    let (mut socket, _) = local.join("ada").await;
    let disconnect = within(async {
        loop {
            // The answer is discarded: nothing but these messages passes.
            socket.say(r#"{"action":"mutter"}"#).await;
            let entry = local.journal.any().await;
            if entry.route() == "$disconnect" {
                break entry;
            }
        }
    })
    .await;
    assert_eq!(socket.closed().await.unwrap().0, 1001);
    // Had only the idle clock run out, it would be younger.
    assert!(age(&disconnect) >= 3000);
}

#[tokio::test]
async fn posts_keep_a_connection_alive_until_the_end_of_its_life() {
    let mut local = mortal().await;
    let (mut socket, id) = local.join("ada").await;
    within(async {
        while local.manage("POST", &id, b"still there").await.status == 200 {
            if let Received::Close(_) = socket.receive().await {
                break;
            }
        }
    })
    .await;
    assert!(age(&local.journal.next("$disconnect").await) >= 3000);
}

#[tokio::test]
async fn a_connection_that_has_ended_is_gone() {
    let mut local =
        Local::with(|settings| settings.idle_timeout = Duration::from_millis(100)).await;
    let (mut socket, id) = local.join("ada").await;
    assert_eq!(socket.closed().await.unwrap().0, 1001);
    local.journal.next("$disconnect").await;
    assert_eq!(local.manage("POST", &id, b"late").await.status, 410);
    assert_eq!(local.running.connections(), [""; 0]);
}

#[tokio::test]
async fn a_gateway_that_stops_closes_its_connections_and_tells_the_function() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    let stopping = tokio::spawn(local.running.stop());
    socket.closed().await;
    assert_eq!(local.journal.next("$disconnect").await.connection(), id);
    within(stopping).await.unwrap();
}
