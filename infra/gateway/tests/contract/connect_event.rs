//! The CONNECT event, clause by clause; as a whole it is in the golden files.

use serde_json::{Value, json};

use crate::journal::Entry;
use crate::local::Local;
use crate::socket::Handshake;

/// Connects to an API without an authorizer and gives the event of `$connect`.
async fn connected(query: &str, headers: &[(&str, &str)]) -> Entry {
    let mut local = Local::with_api(|api| api.authorizer = None).await;
    let mut handshake = Handshake::new(&local.address(), &format!("/prod{query}"));
    for (name, value) in headers {
        handshake = handshake.header(name, value);
    }
    handshake.open().await;
    local.journal.next("$connect").await
}

#[tokio::test]
async fn headers_keep_the_case_they_were_sent_in() {
    let entry = connected("", &[("X-mIxEd-Case", "Kept"), ("lower", "too")]).await;
    let headers = &entry.event()["headers"];
    assert_eq!(headers["X-mIxEd-Case"], "Kept");
    assert_eq!(headers["lower"], "too");
    assert_eq!(entry.event()["multiValueHeaders"]["X-mIxEd-Case"], json!(["Kept"]));
}

#[tokio::test]
async fn a_repeated_header_has_all_its_values_in_order() {
    let entry = connected("", &[("X-Many", "one"), ("X-Many", "two")]).await;
    assert_eq!(entry.event()["multiValueHeaders"]["X-Many"], json!(["one", "two"]));
}

#[tokio::test]
async fn four_headers_are_added() {
    let entry = connected("", &[]).await;
    let headers = &entry.event()["headers"];
    for name in ["X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"] {
        assert!(headers[name].is_string(), "{name} in {headers}");
        assert_eq!(entry.event()["multiValueHeaders"][name], json!([headers[name]]));
    }
    assert_eq!(headers["X-Forwarded-For"], entry.context()["identity"]["sourceIp"]);
}

#[tokio::test]
async fn connection_and_upgrade_stay_out() {
    let entry = connected("", &[]).await;
    for part in ["headers", "multiValueHeaders"] {
        let names = entry.event()[part].as_object().unwrap().keys();
        for name in names.map(|name| name.to_lowercase()) {
            assert!(!["connection", "upgrade", "content-length"].contains(&&*name), "{name}");
        }
    }
}

#[tokio::test]
async fn query_parameters_are_absent_without_a_query_string() {
    let entry = connected("", &[]).await;
    let event = entry.event().as_object().unwrap();
    assert!(!event.contains_key("queryStringParameters"));
    assert!(!event.contains_key("multiValueQueryStringParameters"));
}

#[tokio::test]
async fn query_parameters_are_decoded_and_repeated_ones_all_kept() {
    let entry = connected("?token=a%2Fb%3D%20c%C3%A9&room=1&room=2", &[]).await;
    assert_eq!(entry.event()["queryStringParameters"]["token"], "a/b= cé");
    let all = &entry.event()["multiValueQueryStringParameters"];
    assert_eq!(*all, json!({"token": ["a/b= cé"], "room": ["1", "2"]}));
}

#[tokio::test]
async fn the_user_agent_is_there_if_it_was_sent() {
    let identity = |entry: &Entry| entry.context()["identity"].clone();
    assert_eq!(identity(&connected("", &[]).await), json!({"sourceIp": "127.0.0.1"}));
    let sent = connected("", &[("User-Agent", "Mozilla/5.0")]).await;
    assert_eq!(identity(&sent), json!({"sourceIp": "127.0.0.1", "userAgent": "Mozilla/5.0"}));
}

#[tokio::test]
async fn it_has_nothing_of_a_message_or_of_a_rest_request() {
    let entry = connected("?x=1", &[]).await;
    let event = entry.event().as_object().unwrap();
    for name in ["body", "path", "httpMethod", "resource", "pathParameters", "version"] {
        assert!(!event.contains_key(name), "{name}");
    }
    let context = entry.context().as_object().unwrap();
    for name in ["messageId", "accountId", "resourcePath", "httpMethod", "authorizer", "error"] {
        assert!(!context.contains_key(name), "{name}");
    }
}

/// An assumption: captures without variables lack the member, and none with variables is known.
#[tokio::test]
async fn stage_variables_are_there_if_the_stage_has_some() {
    assert!(connected("", &[]).await.event().get("stageVariables").is_none());

    let mut local = Local::with_api(|api| {
        api.stage_variables.insert("color".to_owned(), "blue".to_owned());
    })
    .await;
    let _socket = local.handshake("ada").open().await;
    for route in ["authorizer", "$connect"] {
        let entry = local.journal.next(route).await;
        assert_eq!(entry.event()["stageVariables"], json!({"color": "blue"}), "{route}");
    }
}

#[tokio::test]
async fn the_request_comes_when_the_connection_does_or_after() {
    let entry = connected("", &[]).await;
    let connected = entry.context()["connectedAt"].as_i64().unwrap();
    let requested = entry.context()["requestTimeEpoch"].as_i64().unwrap();
    assert!(connected <= requested, "{connected} > {requested}");
    assert!(connected > 1_700_000_000_000, "{connected} is not in milliseconds");
}

#[tokio::test]
async fn the_request_time_is_that_of_the_epoch_in_common_log_format() {
    let entry = connected("", &[]).await;
    let epoch = entry.context()["requestTimeEpoch"].as_i64().unwrap();
    let text = entry.context()["requestTime"].as_str().unwrap();
    assert_eq!(seconds_of(text), epoch / 1000, "{text}");
}

/// The seconds since the epoch of a time such as `29/Nov/2023:08:04:01 +0000`.
fn seconds_of(text: &str) -> i64 {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    assert_eq!((text.len(), &text[20..]), (26, " +0000"), "{text}");
    let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    let month = i64::try_from(MONTHS.find(&text[3..6]).unwrap() / 3).unwrap() + 1;
    // Days from the civil date, with years that begin in March so that a leap day ends one.
    let year = number(7..11) - i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + number(0..2) - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    ((days * 24 + number(12..14)) * 60 + number(15..17)) * 60 + number(18..20)
}

#[tokio::test]
async fn the_time_of_the_connection_never_changes() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    socket.say("hello").await;
    let message = local.journal.next("$default").await;
    socket.leave().await;
    let disconnect = local.journal.next("$disconnect").await;
    let authorizer = local.journal.next("authorizer").await;
    let connected = |entry: &Entry| entry.context()["connectedAt"].clone();
    assert!(connected(&message).is_i64());
    assert_eq!(connected(&message), connected(&disconnect));
    assert_eq!(connected(&message), connected(&authorizer));
}

#[tokio::test]
async fn no_event_has_a_null() {
    let mut local = Local::start().await;
    let mut socket = local.handshake("ada").open().await;
    socket.say("hello").await;
    socket.text().await;
    socket.leave().await;
    for _ in ["authorizer", "$connect", "$default", "$disconnect"] {
        let entry = local.journal.any().await;
        assert!(!has_null(entry.event()), "{}", entry.event());
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
