//! The DISCONNECT event: every end of a connection has one, with its code and its reason.

use std::time::Duration;

use serde_json::json;

use crate::faults::fault;
use crate::http::Request;
use crate::journal::Entry;
use crate::local::{Local, asking};
use crate::socket::{BINARY, TEXT};

/// Asserts how the event of `entry` says that the connection ended.
fn check(entry: &Entry, code: u16, reason: &str) {
    let context = entry.context();
    assert_eq!(context["eventType"], "DISCONNECT");
    assert_eq!(context["disconnectStatusCode"], json!(code));
    assert_eq!(context["disconnectReason"], reason);
}

/// Connects, closes with `payload` in the close frame, and gives the event.
async fn left_with(payload: &[u8]) -> Entry {
    let mut local = Local::start().await;
    let (socket, _) = local.join("ada").await;
    assert_eq!(socket.leave_with(payload).await, [""; 0]);
    local.journal.next("$disconnect").await
}

#[tokio::test]
async fn a_client_that_closes_without_a_code_is_1005() {
    check(&left_with(&[]).await, 1005, "Client-side close frame status not set");
}

#[tokio::test]
async fn a_browser_that_navigates_away_is_1001_without_a_reason() {
    check(&left_with(&1001_u16.to_be_bytes()).await, 1001, "");
}

/// An assumption: the only capture, of 1001 without a reason, is consistent with it.
#[tokio::test]
async fn a_client_that_closes_with_its_own_code_and_reason_is_quoted() {
    let mut payload = 4001_u16.to_be_bytes().to_vec();
    payload.extend("signed out".as_bytes());
    check(&left_with(&payload).await, 4001, "signed out");
}

#[tokio::test]
async fn a_deletion_is_1000_and_has_the_context_of_the_authorizer() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    assert_eq!(local.manage("DELETE", &id, &[]).await.status, 204);
    assert_eq!(socket.closed().await.unwrap().0, 1000);
    let entry = local.journal.next("$disconnect").await;
    check(&entry, 1000, "Connection Closed Normally");
    assert_eq!(entry.context()["authorizer"]["principalId"], "ada");
}

#[tokio::test]
async fn an_idle_connection_is_1001_going_away() {
    let mut local =
        Local::with(|settings| settings.idle_timeout = Duration::from_millis(100)).await;
    let (mut socket, _) = local.join("ada").await;
    assert_eq!(socket.closed().await.unwrap().0, 1001);
    check(&local.journal.next("$disconnect").await, 1001, "Going away");
}

/// An assumption: nobody has published what the two-hour limit looks like.
#[tokio::test]
async fn a_connection_at_the_end_of_its_life_is_1001_going_away() {
    let mut local = Local::with(|settings| settings.lifetime = Duration::from_millis(100)).await;
    let (mut socket, _) = local.join("ada").await;
    assert_eq!(socket.closed().await.unwrap().0, 1001);
    check(&local.journal.next("$disconnect").await, 1001, "Going away");
}

/// An assumption: 1006 is what RFC 6455 reserves for it.
#[tokio::test]
async fn a_connection_that_is_cut_is_1006() {
    let mut local = Local::start().await;
    let (socket, _) = local.join("ada").await;
    drop(socket);
    let entry = local.journal.next("$disconnect").await;
    assert_eq!(entry.context()["disconnectStatusCode"], json!(1006));
}

#[tokio::test]
async fn a_refused_frame_has_its_event_too() {
    let mut local = Local::start().await;
    for (opcode, payload) in [(BINARY, 4), (TEXT, 32 * 1024 + 1)] {
        let (mut socket, id) = local.join("ada").await;
        socket.send(true, opcode, &vec![b'x'; payload]).await;
        socket.closed().await;
        assert_eq!(local.journal.next("$disconnect").await.connection(), id);
    }
}

#[tokio::test]
async fn its_headers_are_four_odd_ones() {
    let entry = left_with(&[]).await;
    let host = &entry.context()["domainName"];
    let odd = json!({"Host": host, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""});
    assert_eq!(entry.event()["headers"], odd);
    let odd =
        json!({"Host": [host], "x-api-key": [""], "X-Forwarded-For": [""], "x-restapi": [""]});
    assert_eq!(entry.event()["multiValueHeaders"], odd);
    assert!(entry.event().get("body").is_none());
}

#[tokio::test]
async fn it_comes_after_the_close() {
    let mut local = Local::start().await;
    let (socket, id) = local.join("ada").await;
    socket.leave().await;
    local.journal.next("$disconnect").await;
    assert_eq!(local.manage("POST", &id, b"late").await.status, 410);
}

#[tokio::test]
async fn it_does_not_wait_for_a_message_that_is_being_handled() {
    let mut local = Local::start().await;
    let (socket, held) = local.say("shout", &asking("shout", &json!({"hold": true}))).await;
    socket.leave().await;
    let disconnect = local.journal.next("$disconnect").await;
    assert_eq!(disconnect.connection(), held.connection());
    held.release().await;
}

#[tokio::test]
async fn a_handshake_that_was_refused_has_none() {
    let mut local = Local::start().await;
    let refused = local.scripted("connect", &json!({"answer": {"statusCode": 403}}));
    assert_eq!(refused.send().await.status(), 403);
    let refused = local.journal.next("$connect").await.connection();
    let (socket, id) = local.join("bob").await;
    socket.leave().await;
    assert_eq!(local.journal.next("$disconnect").await.connection(), id);
    assert_ne!(refused, id);
}

#[tokio::test]
async fn it_may_get_lost() {
    let mut local = Local::start().await;
    let lost = fault("lose-disconnects:1");
    local.running.faults().arm(lost.clone());
    let (socket, _) = local.join("ada").await;
    socket.leave().await;
    crate::local::within(local.running.faults().fired_at_least(1)).await;
    local.running.faults().disarm(&lost);
    let (socket, id) = local.join("bob").await;
    socket.leave().await;
    assert_eq!(local.journal.next("$disconnect").await.connection(), id);
}

#[tokio::test]
async fn an_api_without_the_route_is_told_nothing() {
    let mut local = Local::with_api(|api| {
        api.routes.remove("$disconnect");
    })
    .await;
    let (socket, id) = local.join("ada").await;
    socket.leave().await;
    // Not even `$default`: the next that any function hears of is the next connection.
    let path = format!("/prod/@connections/{}", id.replace('=', "%3D"));
    let answer = Request::new("GET", &path).signed().send(&local.address()).await;
    assert_eq!(answer.status, 410);
    local.journal.next("authorizer").await;
    let (_socket, _) = local.join("bob").await;
    assert_eq!(local.journal.any().await.route(), "authorizer");
}
