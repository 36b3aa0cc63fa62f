//! The MESSAGE event, clause by clause; as a whole it is in the golden files.

use serde_json::json;

use crate::local::Local;

#[tokio::test]
async fn it_has_neither_headers_nor_a_query_string() {
    let mut local = Local::start().await;
    let (_socket, entry) = local.say("tell", r#"{"action":"tell","text":"hi"}"#).await;
    let mut names: Vec<&String> = entry.event().as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["body", "isBase64Encoded", "requestContext"]);
}

#[tokio::test]
async fn its_body_is_the_message_to_the_byte() {
    let message = "  {\"action\" : \"shout\", \"text\":\"\\u00e9 \u{1f30a}\" , \"text\":\"x\"}\n";
    let mut local = Local::start().await;
    let (_socket, entry) = local.say("shout", message).await;
    assert_eq!(entry.event()["body"], message);
    assert_eq!(entry.event()["isBase64Encoded"], json!(false));
}

#[tokio::test]
async fn its_route_is_the_one_that_was_selected() {
    let mut local = Local::start().await;
    let (mut socket, entry) = local.say("shout", r#"{"action":"shout"}"#).await;
    assert_eq!(entry.context()["routeKey"], "shout");
    socket.say(r#"{"action":"nowhere"}"#).await;
    let fallback = local.journal.next("$default").await;
    assert_eq!(fallback.context()["routeKey"], "$default");
    assert_eq!(fallback.event()["body"], r#"{"action":"nowhere"}"#);
}

#[tokio::test]
async fn only_a_message_has_a_message_id() {
    let mut local = Local::start().await;
    let mut socket = local.handshake("ada").open().await;
    socket.say("hello").await;
    socket.text().await;
    socket.leave().await;
    for _ in ["authorizer", "$connect", "$default", "$disconnect"] {
        let entry = local.journal.any().await;
        let is_message = entry.route() == "$default";
        assert_eq!(entry.context().get("messageId").is_some(), is_message, "{}", entry.route());
    }
}
