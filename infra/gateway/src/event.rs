//! The events that functions are invoked with, in the shapes that AWS sends since 2021: what is
//! not there is absent, never `null`, and fields are in the order of captured events.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::head::Head;
use crate::identifier;
use crate::timestamp::Timestamp;

/// What every event of one connection says.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) connection_id: String,
    pub(crate) connected_at: Timestamp,
    pub(crate) domain_name: String,
    pub(crate) port: u16,
    pub(crate) api_id: String,
    pub(crate) stage: String,
    pub(crate) stage_variables: BTreeMap<String, String>,
    pub(crate) source_ip: String,
    pub(crate) user_agent: Option<String>,
    /// The authorizer's context and `principalId`, once it has decided.
    pub(crate) authorizer: Option<Map<String, Value>>,
}

/// One event on its way to a function.
#[derive(Debug)]
pub(crate) struct Event {
    /// The id that an error frame names.
    pub(crate) request_id: String,
    /// The event itself, JSON.
    pub(crate) body: Bytes,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

impl Facts {
    /// Makes the event of `$connect`; `latency` is the authorizer's, in milliseconds.
    pub(crate) fn connect(&self, head: &Head, latency: Option<u64>) -> Event {
        let hidden = |name: &str| {
            name.eq_ignore_ascii_case("connection") || name.eq_ignore_ascii_case("upgrade")
        };
        let mut headers = self.forwarded(head);
        headers.retain(|(name, _)| !hidden(name));
        let parameters = head.parameters();
        let has_parameters = !parameters.is_empty();
        let request_id = identifier::opaque();
        let mut authorizer = self.authorizer.clone();
        if let (Some(authorizer), Some(latency)) = (&mut authorizer, latency) {
            authorizer.insert("integrationLatency".to_owned(), latency.into());
        }
        let context = Context {
            authorizer: authorizer.as_ref(),
            ..self.context("$connect", "CONNECT", &request_id)
        };
        let body = json(&Proxy {
            headers: Some(Single(&headers)),
            multi_value_headers: Some(Multiple(&headers)),
            query_string_parameters: has_parameters.then_some(Single(&parameters)),
            multi_value_query_string_parameters: has_parameters.then_some(Multiple(&parameters)),
            ..self.proxy(context)
        });
        Event { request_id, body }
    }

    /// Makes the event of one message, which carries neither headers nor a query string.
    pub(crate) fn message(&self, route: &str, text: &str) -> Event {
        let request_id = identifier::opaque();
        let message_id = identifier::message(&self.connection_id);
        let context = Context {
            message_id: Some(&message_id),
            ..self.context(route, "MESSAGE", &request_id)
        };
        let body = json(&Proxy { body: Some(text), ..self.proxy(context) });
        Event { request_id, body }
    }

    /// Makes the event of `$disconnect`, with the four headers that it always has.
    pub(crate) fn disconnect(&self, ending: &Ending) -> Event {
        let headers = [
            ("Host".to_owned(), self.domain_name.clone()),
            ("x-api-key".to_owned(), String::new()),
            ("X-Forwarded-For".to_owned(), String::new()),
            ("x-restapi".to_owned(), String::new()),
        ];
        let request_id = identifier::opaque();
        let context = Context {
            disconnect_status_code: Some(ending.code),
            disconnect_reason: Some(&ending.reason),
            ..self.context("$disconnect", "DISCONNECT", &request_id)
        };
        let body = json(&Proxy {
            headers: Some(Single(&headers)),
            multi_value_headers: Some(Multiple(&headers)),
            ..self.proxy(context)
        });
        Event { request_id, body }
    }

    /// Makes the event that an authorizer decides by.
    pub(crate) fn authorization(&self, head: &Head) -> Event {
        let mut headers = self.forwarded(head);
        headers.push(("content-length".to_owned(), "0".to_owned()));
        let parameters = head.parameters();
        let request_id = identifier::opaque();
        let request = Authorization {
            kind: "REQUEST",
            method_arn: self.method_arn(),
            headers: Single(&headers),
            multi_value_headers: Multiple(&headers),
            query_string_parameters: Single(&parameters),
            multi_value_query_string_parameters: Multiple(&parameters),
            stage_variables: &self.stage_variables,
            request_context: Context {
                authorizer: None,
                ..self.context("$connect", "CONNECT", &request_id)
            },
        };
        let body = json(&request);
        Event { request_id, body }
    }

    /// The resource that an authorizer's policy has to allow.
    pub(crate) fn method_arn(&self) -> String {
        let Self { api_id, stage, .. } = self;
        format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/{stage}/$connect")
    }

    /// An event without headers, parameters and body.
    fn proxy<'a>(&'a self, request_context: Context<'a>) -> Proxy<'a> {
        let variables = &self.stage_variables;
        Proxy {
            headers: None,
            multi_value_headers: None,
            query_string_parameters: None,
            multi_value_query_string_parameters: None,
            stage_variables: (!variables.is_empty()).then_some(variables),
            request_context,
            body: None,
            is_base64_encoded: false,
        }
    }

    fn context<'a>(&'a self, route: &'a str, kind: &'a str, request_id: &'a str) -> Context<'a> {
        let now = Timestamp::now().max(self.connected_at);
        Context {
            route_key: route,
            authorizer: self.authorizer.as_ref(),
            message_id: None,
            disconnect_status_code: None,
            event_type: kind,
            extended_request_id: request_id,
            request_time: now.common_log(),
            message_direction: "IN",
            disconnect_reason: None,
            stage: &self.stage,
            connected_at: self.connected_at.0,
            request_time_epoch: now.0,
            identity: Identity {
                user_agent: self.user_agent.as_deref(),
                source_ip: &self.source_ip,
            },
            request_id,
            domain_name: &self.domain_name,
            connection_id: &self.connection_id,
            api_id: &self.api_id,
        }
    }

    /// The client's headers and the four that API Gateway adds.
    fn forwarded(&self, head: &Head) -> Vec<(String, String)> {
        let added = ["X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"];
        let replaced = |name: &str| added.iter().any(|added| added.eq_ignore_ascii_case(name));
        let mut headers = head.headers.clone();
        headers.retain(|(name, _)| !replaced(name));
        let forwarded_for = match head.header("x-forwarded-for") {
            Some(given) => format!("{given}, {}", self.source_ip),
            None => self.source_ip.clone(),
        };
        let trace = identifier::trace_root(self.connected_at.0 / 1000);
        let values = [trace, forwarded_for, self.port.to_string(), "http".to_owned()];
        headers.extend(added.map(str::to_owned).into_iter().zip(values));
        headers
    }
}

/// The region that everything local claims to be in.
pub(crate) const REGION: &str = "us-east-1";

/// The account that everything local claims to belong to; AWS's own placeholder.
pub(crate) const ACCOUNT: &str = "123456789012";

fn json(event: &impl Serialize) -> Bytes {
    serde_json::to_vec(event).expect("an event has only text keys").into()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Proxy<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Single<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_value_headers: Option<Multiple<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_string_parameters: Option<Single<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_value_query_string_parameters: Option<Multiple<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage_variables: Option<&'a BTreeMap<String, String>>,
    request_context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Authorization<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    method_arn: String,
    headers: Single<'a>,
    multi_value_headers: Multiple<'a>,
    query_string_parameters: Single<'a>,
    multi_value_query_string_parameters: Multiple<'a>,
    stage_variables: &'a BTreeMap<String, String>,
    request_context: Context<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    route_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect_status_code: Option<u16>,
    event_type: &'a str,
    extended_request_id: &'a str,
    request_time: String,
    message_direction: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect_reason: Option<&'a str>,
    stage: &'a str,
    connected_at: u64,
    request_time_epoch: u64,
    identity: Identity<'a>,
    request_id: &'a str,
    domain_name: &'a str,
    connection_id: &'a str,
    api_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
    source_ip: &'a str,
}

/// Pairs as a JSON object of texts; of equal names the last one counts.
struct Single<'a>(&'a [(String, String)]);

/// Pairs as a JSON object of lists.
struct Multiple<'a>(&'a [(String, String)]);

impl Serialize for Single<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (index, (name, value)) in self.0.iter().enumerate() {
            if !self.0[index + 1..].iter().any(|(later, _)| later == name) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

impl Serialize for Multiple<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (index, (name, _)) in self.0.iter().enumerate() {
            if !self.0[..index].iter().any(|(earlier, _)| earlier == name) {
                let same = self.0.iter().filter(|(other, _)| other == name);
                let values: Vec<_> = same.map(|(_, value)| value).collect();
                map.serialize_entry(name, &values)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts() -> Facts {
        Facts {
            connection_id: "R1kmxc2VNjMCFIA=".to_owned(),
            connected_at: Timestamp(1_701_245_041_796),
            domain_name: "127.0.0.1:3001".to_owned(),
            port: 3001,
            api_id: "abcd123000".to_owned(),
            stage: "prod".to_owned(),
            stage_variables: BTreeMap::new(),
            source_ip: "127.0.0.1".to_owned(),
            user_agent: None,
            authorizer: None,
        }
    }

    fn head(headers: &[(&str, &str)], query: &str) -> Head {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let headers = headers.iter().map(owned).collect();
        Head { query: Some(query.to_owned()), headers, ..Head::default() }
    }

    fn parsed(event: &Event) -> Value {
        serde_json::from_slice(&event.body).unwrap()
    }

    #[test]
    fn of_equal_names_the_last_counts_and_all_are_listed() {
        let event = parsed(&facts().connect(&head(&[("X", "1"), ("X", "2")], "a=1&a=2&b"), None));
        assert_eq!(event["headers"]["X"], "2");
        assert_eq!(event["multiValueHeaders"]["X"], json!(["1", "2"]));
        assert_eq!(event["queryStringParameters"], json!({"a": "2", "b": ""}));
        let all = json!({"a": ["1", "2"], "b": [""]});
        assert_eq!(event["multiValueQueryStringParameters"], all);
    }

    #[test]
    fn who_forwarded_the_request_is_kept() {
        let sent = head(&[("x-forwarded-for", "192.0.2.1"), ("Upgrade", "websocket")], "");
        let event = parsed(&facts().connect(&sent, None));
        assert_eq!(event["headers"]["X-Forwarded-For"], "192.0.2.1, 127.0.0.1");
        assert!(event["headers"].get("Upgrade").is_none());
        let event = parsed(&facts().authorization(&sent));
        assert_eq!(event["headers"]["Upgrade"], "websocket");
        assert_eq!(event["headers"]["content-length"], "0");
    }

    #[test]
    fn the_authorizer_is_on_every_event_and_its_latency_on_the_first() {
        let mut facts = facts();
        let context = json!({"team": "red", "principalId": "ada"});
        facts.authorizer = context.as_object().cloned();
        let event = parsed(&facts.connect(&Head::default(), Some(7)));
        let with_latency = json!({"team": "red", "principalId": "ada", "integrationLatency": 7});
        assert_eq!(event["requestContext"]["authorizer"], with_latency);
        for event in [facts.message("send", "hi"), facts.disconnect(&ending())] {
            assert_eq!(parsed(&event)["requestContext"]["authorizer"], context);
        }
    }

    #[test]
    fn variables_are_there_where_the_stage_has_some() {
        let mut facts = facts();
        assert!(parsed(&facts.message("send", "hi")).get("stageVariables").is_none());
        facts.stage_variables.insert("color".to_owned(), "blue".to_owned());
        assert_eq!(parsed(&facts.message("send", "hi"))["stageVariables"]["color"], "blue");
    }

    fn ending() -> Ending {
        Ending { code: 1001, reason: String::new() }
    }
}
