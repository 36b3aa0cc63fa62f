//! `$connect`: who is let in, who is not, and what a client can see of the decision.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error as ClientError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::faults::fault;
use crate::http::Request;
use crate::local::{Local, within};
use crate::socket::Socket;

/// The status of a handshake whose `$connect` ends as `script` says.
async fn status_of(local: &Local, script: Value) -> u16 {
    local.scripted("connect", &script).send().await.status()
}

#[tokio::test]
async fn the_authorizer_comes_first_then_connect_then_the_upgrade() {
    let mut local = Local::start().await;
    let handshake = local.scripted("connect", &json!({"hold": true}));
    let upgrade = tokio::spawn(handshake.send());
    assert_eq!(local.journal.any().await.route(), "authorizer");
    let held = local.journal.any().await;
    assert_eq!(held.route(), "$connect");
    // An answer that came before its time would have been read by now: a whole exchange fits in.
    Request::new("GET", "/prod").send(&local.address()).await;
    assert!(!upgrade.is_finished());
    held.release().await;
    assert_eq!(within(upgrade).await.unwrap().status(), 101);
}

#[tokio::test]
async fn without_a_connect_route_everyone_is_let_in() {
    let mut local = Local::with_api(|api| {
        api.routes.remove("$connect");
    })
    .await;
    let mut socket = local.handshake("ada").open().await;
    socket.say("hello").await;
    assert_eq!(socket.text().await, "hello");
    // `$default` did not stand in for it.
    assert_eq!(local.journal.any().await.route(), "authorizer");
    assert_eq!(local.journal.any().await.context()["eventType"], "MESSAGE");
}

#[tokio::test]
async fn any_success_lets_in() {
    let local = Local::start().await;
    for status in [200, 201, 204, 299] {
        let script = json!({"answer": {"statusCode": status}});
        assert_eq!(status_of(&local, script).await, 101, "{status}");
    }
}

#[tokio::test]
async fn any_other_status_is_the_status_of_the_handshake() {
    let local = Local::start().await;
    for status in [301, 400, 401, 403, 404, 429, 500, 501, 502, 503] {
        let script = json!({"answer": {"statusCode": status, "body": "no"}});
        assert_eq!(status_of(&local, script).await, status);
    }
}

/// An assumption: passed on, an informational status would not be an answer at all.
#[tokio::test]
async fn an_informational_status_is_a_bad_gateway() {
    let local = Local::start().await;
    for status in [100, 101] {
        let script = json!({"answer": {"statusCode": status}});
        assert_eq!(status_of(&local, script).await, 502, "{status}");
    }
}

#[tokio::test]
async fn too_many_new_connections_are_throttled_before_any_function_is_asked() {
    let mut local = Local::start().await;
    let throttled = fault("throttle-connects:1");
    local.running.faults().arm(throttled.clone());
    assert_eq!(local.handshake("ada").send().await.status(), 429);
    local.running.faults().disarm(&throttled);
    let (_socket, id) = local.join("bob").await;
    assert_eq!(local.journal.any().await.connection(), id);
}

#[tokio::test]
async fn a_function_that_fails_is_a_bad_gateway() {
    let local = Local::start().await;
    for script in [json!({"error": "no"}), json!({"end": "panic"}), json!({"exit": 3})] {
        assert_eq!(status_of(&local, script.clone()).await, 502, "{script}");
    }
}

#[tokio::test]
async fn a_function_that_takes_longer_than_it_may_is_a_bad_gateway() {
    let local = Local::with(|settings| {
        let door = settings.deployment.functions.get_mut("Door").unwrap();
        door.timeout = Duration::from_millis(300);
    })
    .await;
    assert_eq!(status_of(&local, json!({"end": "hang"})).await, 502);
}

#[tokio::test]
async fn an_integration_that_takes_too_long_is_a_bad_gateway() {
    let local = Local::with_api(|api| {
        let connect = api.routes.get_mut("$connect").unwrap();
        connect.integration_timeout = Duration::from_millis(300);
    })
    .await;
    assert_eq!(status_of(&local, json!({"end": "hang"})).await, 502);
}

#[tokio::test]
async fn a_function_that_never_starts_is_a_bad_gateway() {
    let local = Local::with_api(|api| {
        api.routes.get_mut("$connect").unwrap().function = "Broken".to_owned();
    })
    .await;
    assert_eq!(local.handshake("ada").send().await.status(), 502);
}

#[tokio::test]
async fn a_malformed_response_is_a_bad_gateway() {
    let local = Local::start().await;
    for answer in [
        json!("welcome"),
        json!(200),
        json!([]),
        json!({}),
        json!({"body": "welcome"}),
        json!({"statusCode": "fine"}),
        json!({"statusCode": 200, "body": {"welcome": true}}),
        json!({"statusCode": 200, "welcome": true}),
    ] {
        assert_eq!(status_of(&local, json!({"answer": answer})).await, 502, "{answer}");
    }
}

/// The answer to a handshake that offers two protocols to a `$connect` that answers `headers`.
async fn offering(local: &Local, headers: Value) -> Socket {
    let script = json!({"answer": {"statusCode": 200, "body": "welcome", "headers": headers}});
    let handshake = local.scripted("connect", &script);
    handshake.header("Sec-WebSocket-Protocol", "chat1, chat2").open().await
}

#[tokio::test]
async fn a_protocol_is_never_chosen_for_the_function() {
    let local = Local::start().await;
    let socket = offering(&local, json!({})).await;
    assert_eq!(socket.answer.header("Sec-WebSocket-Protocol"), None);
}

#[tokio::test]
async fn the_protocol_that_the_function_chose_reaches_the_client_and_no_other_header_does() {
    let local = Local::start().await;
    let headers = json!({
        "Sec-WebSocket-Protocol": "chat2",
        "Set-Cookie": "session=1",
        "X-Mine": "yes",
    });
    let mut socket = offering(&local, headers).await;
    let answer = &socket.answer;
    assert_eq!(answer.header("Sec-WebSocket-Protocol"), Some("chat2"));
    assert_eq!(answer.header("Set-Cookie"), None);
    assert_eq!(answer.header("X-Mine"), None);
    // The key is the example of RFC 6455, section 1.3, and so is what it makes.
    let accept = answer.header("Sec-WebSocket-Accept");
    assert_eq!(accept, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    // Nor does the body: the first that comes is the answer to the first message.
    socket.say("hello").await;
    assert_eq!(socket.text().await, "hello");
}

#[tokio::test]
async fn the_name_of_the_protocol_header_is_found_in_any_case() {
    let local = Local::start().await;
    let socket = offering(&local, json!({"sec-websocket-protocol": "chat1"})).await;
    assert_eq!(socket.answer.header("Sec-WebSocket-Protocol"), Some("chat1"));
}

#[tokio::test]
async fn the_protocols_are_offered_to_the_function_in_one_header() {
    let mut local = Local::start().await;
    let _socket = offering(&local, json!({})).await;
    let entry = local.journal.next("$connect").await;
    assert_eq!(entry.event()["headers"]["Sec-WebSocket-Protocol"], "chat1, chat2");
}

#[tokio::test]
async fn a_client_library_fails_if_its_protocol_was_not_chosen() {
    let local = Local::start().await;
    let mut request = format!("{}?user=ada", local.running.url()).into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", "chat1".parse().unwrap());
    let error = within(connect_async(request)).await.unwrap_err();
    assert!(matches!(error, ClientError::Protocol(_)), "{error:?}");
}

#[tokio::test]
async fn a_client_library_is_let_in_and_answered() {
    use futures_util::{SinkExt as _, StreamExt as _};

    let local = Local::start().await;
    let url = format!("{}?user=ada", local.running.url());
    let (mut socket, response) = within(connect_async(url)).await.unwrap();
    assert_eq!(response.status(), 101);
    socket.send(r#"{"action":"shout","text":"hello"}"#.into()).await.unwrap();
    let answer = within(socket.next()).await.unwrap().unwrap();
    assert_eq!(answer.to_text().unwrap(), "HELLO");
}

#[tokio::test]
async fn a_client_library_sees_the_status_of_a_refusal() {
    let local = Local::start().await;
    let script = json!({"answer": {"statusCode": 418}}).to_string();
    let script = crate::http::percent_encoded(&script);
    let url = format!("{}?user=ada&connect={script}", local.running.url());
    match within(connect_async(url)).await {
        Err(ClientError::Http(response)) => assert_eq!(response.status(), 418),
        other => panic!("{other:?} instead of a refusal"),
    }
}

#[tokio::test]
async fn a_connection_is_gone_until_connect_has_ended() {
    let mut local = Local::start().await;
    let handshake = local.scripted("connect", &json!({"hold": true}));
    let upgrade = tokio::spawn(handshake.send());
    let held = local.journal.next("$connect").await;
    let id = held.connection();
    for method in ["POST", "GET", "DELETE"] {
        let answer = local.manage(method, &id, b"welcome").await;
        assert_eq!(answer.status, 410, "{method}");
        assert_eq!(answer.header("x-amzn-ErrorType"), Some("GoneException"), "{method}");
    }
    assert_eq!(local.running.connections(), [""; 0]);
    held.release().await;
    let mut socket = within(upgrade).await.unwrap();
    local.post(&id, "welcome").await;
    assert_eq!(socket.text().await, "welcome");
}

#[tokio::test]
async fn a_connection_whose_handshake_was_refused_stays_gone() {
    let mut local = Local::start().await;
    assert_eq!(status_of(&local, json!({"answer": {"statusCode": 400}})).await, 400);
    let id = local.journal.next("$connect").await.connection();
    assert_eq!(local.manage("POST", &id, b"welcome").await.status, 410);
}

#[tokio::test]
async fn a_client_may_speak_as_soon_as_it_is_let_in() {
    let local = Local::start().await;
    let mut socket = local.handshake("ada").open().await;
    socket.say(r#"{"action":"shout","text":"first"}"#).await;
    assert_eq!(socket.text().await, "FIRST");
}
