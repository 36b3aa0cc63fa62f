//! What a function answers to a proxy integration.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

/// A well-formed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The sub-protocol that the function chose; no other header reaches the client.
    pub(crate) protocol: Option<String>,
    pub(crate) body: String,
}

/// The answer as the function spells it: a key that is not listed makes it malformed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Answer {
    status_code: Value,
    headers: Option<serde_json::Map<String, Value>>,
    multi_value_headers: Option<serde_json::Map<String, Value>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

impl Reply {
    /// Reads an answer; `None` where it is malformed.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let answer: Answer = serde_json::from_slice(bytes).ok()?;
        let status = match &answer.status_code {
            Value::Number(number) => u16::try_from(number.as_u64()?).ok()?,
            Value::String(text) => text.parse().ok()?,
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        if !(100..=599).contains(&status) {
            return None;
        }
        let protocol = answer.protocol();
        let mut body = answer.body.unwrap_or_default();
        if answer.is_base64_encoded == Some(true) {
            body = String::from_utf8(STANDARD.decode(&body).ok()?).ok()?;
        }
        Some(Self { status, protocol, body })
    }

    /// Whether the function agrees to a handshake.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Answer {
    /// Finds the header in either kind of headers; of several values the first one counts.
    fn protocol(&self) -> Option<String> {
        let mut headers = self.headers.iter().chain(&self.multi_value_headers).flatten();
        let is_protocol = |name: &str| name.eq_ignore_ascii_case("sec-websocket-protocol");
        let (_, value) = headers.find(|(name, _)| is_protocol(name))?;
        let first = value.as_array().map_or(Some(value), |values| values.first())?;
        first.as_str().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_answer_is_read() {
        let reply = Reply::parse(br#"{"statusCode":201,"body":"text","headers":{"x":"y"}}"#);
        let expected = Reply { status: 201, protocol: None, body: "text".to_owned() };
        assert_eq!(reply, Some(expected));
    }

    #[test]
    fn what_serializers_add_does_no_harm() {
        let text = br#"{"statusCode":"200","headers":{},"multiValueHeaders":null,
            "body":null,"isBase64Encoded":false}"#;
        assert_eq!(Reply::parse(text).unwrap().status, 200);
    }

    #[test]
    fn the_protocol_is_found_in_either_kind_of_headers() {
        let single = br#"{"statusCode":200,"headers":{"sec-websocket-protocol":"chat"}}"#;
        assert_eq!(Reply::parse(single).unwrap().protocol.as_deref(), Some("chat"));
        let multiple =
            br#"{"statusCode":200,"multiValueHeaders":{"Sec-WebSocket-Protocol":["a"]}}"#;
        assert_eq!(Reply::parse(multiple).unwrap().protocol.as_deref(), Some("a"));
    }

    #[test]
    fn base64_is_decoded() {
        let text = br#"{"statusCode":200,"body":"aGk=","isBase64Encoded":true}"#;
        assert_eq!(Reply::parse(text).unwrap().body, "hi");
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for text in [
            "null",
            r#""ok""#,
            "{}",
            r#"{"body":"no status"}"#,
            r#"{"statusCode":200,"extra":1}"#,
            r#"{"statusCode":200,"body":{"not":"text"}}"#,
            r#"{"statusCode":null}"#,
            r#"{"statusCode":20}"#,
            r#"{"statusCode":200,"body":"???","isBase64Encoded":true}"#,
        ] {
            assert_eq!(Reply::parse(text.as_bytes()), None, "{text}");
        }
    }
}
