//! The shape of each kind of event, against a file that was written from captures of AWS.
//!
//! What differs from run to run is checked for its form and then replaced by the file's value.

use aws_lambda_events::event::apigw::{
    ApiGatewayCustomAuthorizerRequestTypeRequest, ApiGatewayWebsocketProxyRequest,
};
use serde_json::{Value, json};

use crate::addresses::is_identifier;
use crate::local::Local;

const CONNECT: &str = include_str!("../golden/connect.json");
const MESSAGE: &str = include_str!("../golden/message.json");
const DISCONNECT: &str = include_str!("../golden/disconnect.json");
const AUTHORIZER: &str = include_str!("../golden/authorizer.json");

/// Asserts that `event` is what `golden` says, to the last member.
pub(crate) fn check(golden: &str, event: &Value) {
    let golden: Value = serde_json::from_str(golden).unwrap();
    let expected = serde_json::to_string_pretty(&golden).unwrap();
    let got = serde_json::to_string_pretty(&masked("", event.clone())).unwrap();
    assert_eq!(got, expected, "\n--- got\n{got}\n--- expected\n{expected}\n");
}

/// `value`, which is the member `name`, with whatever is volatile in it replaced.
fn masked(name: &str, value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mask = |(name, value): (String, Value)| {
                let value = masked(&name, value);
                (name, value)
            };
            Value::Object(members.into_iter().map(mask).collect())
        }
        Value::Array(elements) => {
            elements.into_iter().map(|element| masked(name, element)).collect()
        }
        Value::Number(_) => match name {
            "connectedAt" => json!(1_701_245_041_796_i64),
            "requestTimeEpoch" => json!(1_701_245_041_798_i64),
            "integrationLatency" => json!(111),
            "ApproximateCreationDateTime" if value.is_u64() => json!(1_480_642_020),
            // How the bytes are counted is documented nowhere.
            "SizeBytes" if value.is_u64() => json!(54),
            _ => value,
        },
        Value::String(text) => masked_text(name, text).into(),
        Value::Null | Value::Bool(_) => value,
    }
}

fn masked_text(name: &str, text: String) -> String {
    let replacement = match name {
        "connectionId" if is_identifier(&text) => "PJqB0fHsqRcCHlw=",
        "requestId" | "extendedRequestId" if is_identifier(&text) => "PJqB0E1tKRcF-Qw=",
        "messageId" if is_identifier(&text) => "PJqCFfHyKRcCHlw=",
        "eventID" if is_hexadecimal(&text, 32) => "f07f8ca4b0b26cb9c4e5e77e69f274ee",
        "SequenceNumber" if is_sequence_number(&text) => "1405400000000002063282832",
        "requestTime" => "29/Nov/2023:08:04:01 +0000",
        "apiId" if is_api_identifier(&text) => "dl7ptocha9",
        "Host" | "domainName" if text.starts_with("127.0.0.1:") => "127.0.0.1:3001",
        "X-Amzn-Trace-Id" if is_trace(&text) => "Root=1-65d2ff2e-718990494fd688f062bf1571",
        // Without TLS and on any port: these two cannot be what they are on AWS.
        "X-Forwarded-Port" if text.parse::<u16>().is_ok() => "443",
        "X-Forwarded-Proto" if text == "http" => "https",
        "methodArn" => return masked_arn(&text),
        _ => return text,
    };
    replacement.to_owned()
}

/// Ten lower-case letters and digits.
fn is_api_identifier(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
}

/// `Root=1-`, the time in 8 hexadecimal digits, `-`, and 24 more digits.
fn is_trace(text: &str) -> bool {
    let parts = text.strip_prefix("Root=1-").and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(time, rest)| is_hexadecimal(time, 8) && is_hexadecimal(rest, 24))
}

fn is_hexadecimal(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'a'..=b'f' | b'0'..=b'9'))
}

/// 21 to 40 digits.
fn is_sequence_number(text: &str) -> bool {
    (21..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn masked_arn(arn: &str) -> String {
    let (head, path) = arn.split_once('/').expect("an ARN with a stage");
    let (head, api) = head.rsplit_once(':').expect("an ARN with an API");
    format!("{head}:{}/{path}", masked_text("apiId", api.to_owned()))
}

#[tokio::test]
async fn every_event_of_a_connection_is_as_captured() {
    let mut local = Local::start().await;
    let extensions = "permessage-deflate; client_max_window_bits";
    let handshake = local.handshake("ada").header("Sec-WebSocket-Extensions", extensions);
    let mut socket = handshake.open().await;
    check(AUTHORIZER, local.journal.next("authorizer").await.event());
    check(CONNECT, local.journal.next("$connect").await.event());
    socket.say(r#"{"action": "tell",  "text":"h\u00e9 é"}"#).await;
    check(MESSAGE, local.journal.next("tell").await.event());
    socket.leave().await;
    check(DISCONNECT, local.journal.next("$disconnect").await.event());
}

#[test]
fn every_golden_event_is_read_by_the_crate_that_functions_read_it_with() {
    for (golden, kind) in [(CONNECT, "CONNECT"), (MESSAGE, "MESSAGE"), (DISCONNECT, "DISCONNECT")] {
        let event: ApiGatewayWebsocketProxyRequest = serde_json::from_str(golden).unwrap();
        let context = event.request_context;
        assert_eq!(context.event_type.as_deref(), Some(kind));
        assert_eq!(context.connected_at, 1_701_245_041_796);
        assert_eq!(context.authorizer.fields["principalId"], "ada");
    }
    let event: ApiGatewayCustomAuthorizerRequestTypeRequest =
        serde_json::from_str(AUTHORIZER).unwrap();
    assert_eq!(event.query_string_parameters.first("user"), Some("ada"));
}

#[tokio::test]
async fn every_event_is_read_by_the_crate_that_functions_read_it_with() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    socket.say("hello").await;
    let message = local.journal.next("$default").await;
    socket.leave().await;
    let disconnect = local.journal.next("$disconnect").await;
    for entry in [&message, &disconnect] {
        let event: ApiGatewayWebsocketProxyRequest =
            serde_json::from_value(entry.event().clone()).unwrap();
        assert_eq!(event.request_context.connection_id.as_ref(), Some(&id));
    }
}
