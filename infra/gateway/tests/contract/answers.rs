//! Two-way routes: which answers reach the client, and as what.

use serde_json::json;

use crate::local::{Local, asking};
use crate::socket::Received;

#[tokio::test]
async fn an_answer_is_the_body_to_the_byte() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    for body in ["plain", "  {\"a\" : 1}\n", "é \u{1f30a}", "null", "\"quoted\"", "\u{0}"] {
        let answer = json!({"statusCode": 200, "body": body});
        socket.say(&asking("shout", &json!({"answer": answer}))).await;
        let frames = vec![body.len()];
        assert_eq!(socket.receive().await, Received::Text(body.to_owned(), frames));
    }
}

#[tokio::test]
async fn the_status_of_an_answer_is_not_visible() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    for status in [201, 302, 404, 500] {
        let answer = json!({"statusCode": status, "body": "all the same"});
        socket.say(&asking("shout", &json!({"answer": answer}))).await;
        assert_eq!(socket.text().await, "all the same");
    }
}

#[tokio::test]
async fn an_empty_body_is_an_empty_message() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    for answer in [json!({"statusCode": 200, "body": ""}), json!({"statusCode": 200})] {
        socket.say(&asking("shout", &json!({"answer": answer}))).await;
        assert_eq!(socket.text().await, "", "{answer}");
    }
}

#[tokio::test]
async fn without_a_route_response_the_answer_is_discarded() {
    let mut local = Local::with(|settings| settings.processes_max = 1).await;
    let (mut socket, _) = local.join("ada").await;
    // `tell` has no selection expression; `mutter` has one, and no route response.
    for route in ["tell", "mutter"] {
        let answer = json!({"statusCode": 200, "body": "never heard"});
        socket.say(&asking(route, &json!({"answer": answer}))).await;
        local.journal.next(route).await;
        // The one process takes the next message when it is done with this one.
        socket.say("hello").await;
        assert_eq!(socket.text().await, "hello");
    }
    assert_eq!(socket.leave().await, [""; 0]);
}

#[tokio::test]
async fn the_default_route_may_be_two_way() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    socket.say("anything").await;
    assert_eq!(socket.text().await, "anything");
}

#[tokio::test]
async fn an_answer_of_more_than_32_kilobytes_comes_in_frames_of_at_most_that() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    let text = "é".repeat(15_000);
    let message = json!({"action": "shout", "text": text}).to_string();
    assert!(message.len() <= 32 * 1024);
    socket.say(&message).await;
    assert_eq!(socket.text().await, "É".repeat(15_000));

    // A longer message has to come in frames itself.
    let body = "y".repeat(100_000);
    let chunks: Vec<&[u8]> = body.as_bytes().chunks(32 * 1024).collect();
    for (index, chunk) in chunks.iter().enumerate() {
        let opcode = if index == 0 { crate::socket::TEXT } else { crate::socket::CONTINUATION };
        socket.send(index + 1 == chunks.len(), opcode, chunk).await;
    }
    let Received::Text(answer, sizes) = socket.receive().await else {
        panic!("something else instead of the answer");
    };
    assert_eq!(answer, body);
    assert!(sizes.iter().all(|size| *size <= 32 * 1024), "{sizes:?}");
}

#[tokio::test]
async fn an_answer_to_someone_who_has_left_harms_nobody() {
    let mut local = Local::start().await;
    let (socket, held) = local.say("shout", &asking("shout", &json!({"hold": true}))).await;
    socket.leave().await;
    local.journal.next("$disconnect").await;
    held.release().await;
    let (mut socket, _) = local.join("bob").await;
    socket.say(r#"{"action":"shout","text":"fine"}"#).await;
    assert_eq!(socket.text().await, "FINE");
}

#[tokio::test]
async fn an_answer_goes_to_the_connection_that_asked() {
    let mut local = Local::start().await;
    let (mut ada, _) = local.join("ada").await;
    let (mut bob, _) = local.join("bob").await;
    ada.say("from ada").await;
    bob.say("from bob").await;
    assert_eq!(ada.text().await, "from ada");
    assert_eq!(bob.text().await, "from bob");
    assert_eq!(ada.leave().await, [""; 0]);
    assert_eq!(bob.leave().await, [""; 0]);
}
