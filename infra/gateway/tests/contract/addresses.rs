//! Addresses and identifiers: what they look like, and what does not exist.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::json;

use crate::http::Request;
use crate::local::Local;
use crate::socket::Handshake;

/// Whether `text` is 11 bytes in the URL-safe alphabet of base64, padding included.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.len() == 16
        && text.ends_with('=')
        && URL_SAFE.decode(text).is_ok_and(|bytes| bytes.len() == 11)
}

#[tokio::test]
async fn identifiers_are_eleven_bytes_of_padded_base64_and_never_repeat() {
    let mut local = Local::start().await;
    let mut seen = BTreeSet::new();
    for user in ["ada", "bob"] {
        let (mut socket, connection) = local.join(user).await;
        seen.insert(connection);
        for message in ["one", "two"] {
            socket.say(message).await;
            let entry = local.journal.next("$default").await;
            for name in ["messageId", "requestId"] {
                seen.insert(entry.context()[name].as_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(seen.len(), 2 + 2 * 2 * 2);
    for identifier in seen {
        assert!(is_identifier(&identifier), "{identifier}");
    }
}

#[tokio::test]
async fn a_request_and_its_extended_request_have_one_id() {
    let mut local = Local::start().await;
    let (socket, message) = local.say("$default", "hello").await;
    socket.leave().await;
    let disconnect = local.journal.next("$disconnect").await;
    for entry in [&message, &disconnect] {
        assert_eq!(entry.context()["requestId"], entry.context()["extendedRequestId"]);
    }
    assert_ne!(message.context()["requestId"], disconnect.context()["requestId"]);
}

#[tokio::test]
async fn a_message_id_ends_as_the_id_of_its_connection() {
    let mut local = Local::start().await;
    let (_socket, entry) = local.say("$default", "hello").await;
    let message = entry.context()["messageId"].as_str().unwrap();
    let connection = entry.connection();
    assert_eq!(message[message.len() - 6..], connection[connection.len() - 6..]);
    assert_ne!(message, connection);
}

#[tokio::test]
async fn a_plain_request_is_told_to_upgrade() {
    let local = Local::start().await;
    let answer = Request::new("GET", "/prod").send(&local.address()).await;
    assert_eq!(answer.status, 426);
}

#[tokio::test]
async fn a_slash_after_the_stage_makes_no_difference() {
    let mut local = Local::start().await;
    let mut socket = Handshake::new(&local.address(), "/prod/?user=ada").open().await;
    assert_eq!(local.journal.next("$connect").await.context()["stage"], "prod");
    socket.say(r#"{"action":"shout","text":"here"}"#).await;
    assert_eq!(socket.text().await, "HERE");
}

#[tokio::test]
async fn a_stage_that_does_not_exist_is_forbidden() {
    let mut local = Local::start().await;
    for path in ["/?user=nobody", "/test?user=nobody", "/production?user=nobody"] {
        let socket = Handshake::new(&local.address(), path).send().await;
        assert_eq!(socket.status(), 403, "{path}");
    }
    // No function heard of it: the first that anyone tells is the next connection's.
    let (_socket, _) = local.join("ada").await;
    let first = local.journal.next("authorizer").await;
    assert_eq!(first.event()["queryStringParameters"], json!({"user": "ada"}));
}

#[tokio::test]
async fn the_url_and_the_management_endpoint_name_the_stage() {
    let local = Local::start().await;
    let address = local.address();
    assert_eq!(local.running.url(), format!("ws://{address}/prod"));
    assert_eq!(local.running.management_endpoint(), format!("http://{address}/prod"));
}

#[tokio::test]
async fn open_connections_are_listed_by_id() {
    let mut local = Local::start().await;
    let (ada, first) = local.join("ada").await;
    let (_bob, second) = local.join("bob").await;
    let listed: BTreeSet<String> = local.running.connections().into_iter().collect();
    assert_eq!(listed, BTreeSet::from([first, second.clone()]));
    ada.leave().await;
    local.journal.next("$disconnect").await;
    assert_eq!(local.running.connections(), [second]);
}
