//! Who comes in, and for how long.

use serde_json::json;
use tests::{Handshake, Token, Town, frame};

#[tokio::test]
async fn a_token_is_taken_from_each_of_its_homes() {
    let town = Town::start().await;
    let token = town.token(&Token { user: "alice".to_owned(), seconds: 600 });
    let at = || Handshake::new(&town.gateway().url()).device("desk");
    let protocols = format!("tideline.v1, token.{token}");

    let by_header = at().bearer(&token).connect().await.unwrap();
    assert_eq!(by_header.protocol, None, "a subprotocol that nobody offered is picked");
    let by_protocol = at().header("Sec-WebSocket-Protocol", protocols).connect().await.unwrap();
    assert_eq!(by_protocol.protocol.as_deref(), Some("tideline.v1"));
    let by_query = at().query("token", &token).connect().await.unwrap();
    assert_eq!(by_query.protocol, None);
    town.stop().await;
}

#[tokio::test]
async fn who_brings_no_good_token_is_refused_before_the_upgrade() {
    let town = Town::start().await;
    let at = || Handshake::new(&town.gateway().url()).device("desk");
    let good = town.token(&Token { user: "alice".to_owned(), seconds: 600 });
    let expired = town.token(&Token { user: "alice".to_owned(), seconds: 0 });
    let (head, rest) = good.split_once('.').unwrap();
    let (body, _) = rest.split_once('.').unwrap();
    // {"alg":"none","typ":"JWT"}
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}.");
    let forged = format!("{head}.{body}.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    for token in ["", "nonsense", &expired, &none, &forged] {
        assert_eq!(at().bearer(token).connect().await.unwrap_err(), 401, "{token}");
    }
    assert_eq!(at().connect().await.unwrap_err(), 401, "without a token");
    town.stop().await;
}

#[tokio::test]
async fn who_names_no_good_device_or_platform_is_refused() {
    let town = Town::start().await;
    let token = town.token(&Token { user: "alice".to_owned(), seconds: 600 });
    let at = || Handshake::new(&town.gateway().url()).bearer(&token);
    assert_eq!(at().connect().await.unwrap_err(), 403);
    for device in ["", "a.b", "a%20b", &"d".repeat(65)] {
        assert_eq!(at().device(device).connect().await.unwrap_err(), 403, "{device}");
    }
    let on = |platform: &str| at().device("desk").query("platform", platform).connect();
    for platform in ["", "iOS", "a_b", &"p".repeat(17)] {
        assert_eq!(on(platform).await.unwrap_err(), 403, "{platform}");
    }
    assert!(on("desktop-2").await.is_ok());
    town.stop().await;
}

/// The client is told why, and then the connection ends. It asks until then: no time is asserted.
#[tokio::test]
async fn an_open_connection_ends_with_its_token() {
    let town = Town::start().await;
    for action in ["sync", "history", "send", "nowhere"] {
        let token = town.token(&Token { user: "alice".to_owned(), seconds: 2 });
        let at = Handshake::new(&town.gateway().url()).device("desk").bearer(&token);
        let mut alice = at.connect().await.unwrap();
        let expired = loop {
            let answer = alice.ask(&frame(action, json!({ "probe": 1 }))).await;
            if answer["error"]["code"] == 401 {
                break answer;
            }
        };
        assert_eq!(expired["error"]["name"], "expired", "{action}");
        assert_eq!(alice.closed().await, Some(1_000), "{action}");
    }
    town.stop().await;
}

#[tokio::test]
async fn nothing_is_pushed_to_a_connection_whose_token_has_expired() {
    let town = Town::start().await;
    let token = town.token(&Token { user: "bob".to_owned(), seconds: 2 });
    let at = Handshake::new(&town.gateway().url()).device("phone").bearer(&token);
    let mut bob = at.connect().await.unwrap();
    // Asking for something that is refused without closing: the token's end is what is waited for.
    let mut alice = town.client("alice", "desk").await;
    let mut base = 0;
    loop {
        alice.ok(&crate::exchange::text("bob", "still there?", base)).await;
        base += 1;
        let answer = bob.ask(&frame("sync", json!({ "cursor": base - 1 }))).await;
        if answer["error"]["code"] == 401 {
            break;
        }
    }
    let pushed_before = bob.left().len() as u64;
    assert!(pushed_before <= base);
    alice.ok(&crate::exchange::text("bob", "gone", base)).await;
    let mut again = town.client("bob", "phone").await;
    crate::exchange::told(&mut again, usize::try_from(base).unwrap() + 1).await;
    town.stop().await;
}
