//! From an upgrade request to an open socket: authorizer, `$connect`, and only then 101.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::connection::Connection;
use crate::dispatch::{self, FORBIDDEN, INTERNAL};
use crate::event::{Event, Facts};
use crate::head::{Head, Received};
use crate::identifier;
use crate::policy::Verdict;
use crate::pool::Failure;
use crate::server::{Shared, respond};
use crate::socket;
use crate::stage::{CONNECT, Guard, Stage};
use crate::timestamp::Timestamp;

/// What an authorizer fails with to have the handshake answered 401; the text is AWS's.
const UNAUTHORIZED: &str = "Unauthorized";

/// A handshake that is refused.
#[derive(Debug)]
struct Refusal {
    status: u16,
    message: &'static str,
}

const NOT_AUTHORIZED: Refusal = Refusal { status: 401, message: UNAUTHORIZED };
const REFUSED: Refusal = Refusal { status: 403, message: FORBIDDEN };
const AUTHORIZER_FAILED: Refusal = Refusal { status: 500, message: INTERNAL };
const CONNECT_FAILED: Refusal = Refusal { status: 502, message: INTERNAL };

/// Serves one upgrade request, and the socket that it becomes, to the end.
pub(crate) async fn serve(shared: Arc<Shared>, mut stream: TcpStream, received: Received) {
    let Received { head, bytes, length } = received;
    let Some(stage) = shared.stage(&head.path) else {
        return respond(&mut stream, 403, &format!(r#"{{"message":"{FORBIDDEN}"}}"#)).await;
    };
    let Some(key) = head.header("sec-websocket-key").map(str::to_owned) else {
        return respond(&mut stream, 400, r#"{"message":"Bad Request"}"#).await;
    };
    if head.header("sec-websocket-version") != Some("13") {
        return respond(&mut stream, 400, r#"{"message":"Bad Request"}"#).await;
    }
    if shared.faults.throttles_connect() {
        return respond(&mut stream, 429, r#"{"message":"Too Many Requests"}"#).await;
    }
    let mut facts = facts(&shared, &stage, &head, &stream);
    let protocol = match connect(&stage, &mut facts, &head).await {
        Ok(protocol) => protocol,
        Err(Refusal { status, message }) => {
            let request_id = identifier::opaque();
            let body = dispatch::error_frame(message, &facts.connection_id, &request_id);
            return respond(&mut stream, status, &body).await;
        }
    };
    let (connection, messages) = Connection::new(facts, stage, Arc::clone(&shared.meter));
    shared.registry.insert(Arc::clone(&connection));
    // A client that has hung up meanwhile is found out by the first read.
    let _ = stream.write_all(switching(&key, protocol.as_deref()).as_bytes()).await;
    let already_read = bytes[length..].to_vec();
    socket::serve(&shared, &connection, stream, messages, already_read).await;
    shared.registry.over();
}

fn facts(shared: &Shared, stage: &Stage, head: &Head, stream: &TcpStream) -> Facts {
    let peer = stream.peer_addr();
    Facts {
        connection_id: identifier::opaque(),
        connected_at: Timestamp::now(),
        domain_name: format!("127.0.0.1:{}", shared.port),
        port: shared.port,
        api_id: stage.api_id.clone(),
        stage: stage.name.clone(),
        stage_variables: stage.variables.clone(),
        source_ip: peer.map_or_else(|_| "127.0.0.1".to_owned(), |peer| peer.ip().to_string()),
        user_agent: head.header("user-agent").map(str::to_owned),
        authorizer: None,
    }
}

/// Asks the authorizer, then `$connect`; gives the sub-protocol that the latter chose.
async fn connect(stage: &Stage, facts: &mut Facts, head: &Head) -> Result<Option<String>, Refusal> {
    let mut latency = None;
    if let Some(guard) = &stage.guard {
        let asked = Instant::now();
        facts.authorizer = Some(authorize(guard, facts, head).await?);
        latency = u64::try_from(asked.elapsed().as_millis()).ok();
    }
    let Some(route) = stage.route(CONNECT) else { return Ok(None) };
    let Event { body, .. } = facts.connect(head, latency);
    let pool = Arc::clone(&route.pool);
    let (answered, outcome) = oneshot::channel();
    // A late invocation is seen to its end by its own task while the client is told already.
    tokio::spawn(async move { drop(answered.send(pool.invoke(body).await)) });
    let outcome = tokio::time::timeout(route.timeout, outcome).await;
    let outcome = outcome.ok().and_then(Result::ok).and_then(Result::ok);
    let reply = outcome.and_then(|bytes| dispatch::parse(&route.pool, &bytes));
    let reply = reply.ok_or(CONNECT_FAILED)?;
    match reply.status {
        _ if reply.is_success() => Ok(reply.protocol),
        // A refusal with an informational status would be taken for an answer that goes on.
        100..200 => Err(CONNECT_FAILED),
        status => Err(Refusal { status, message: reason(status) }),
    }
}

async fn authorize(
    guard: &Guard,
    facts: &Facts,
    head: &Head,
) -> Result<Map<String, Value>, Refusal> {
    let parameters = head.parameters();
    let is_given = |source: &String| identity(source, facts, head, &parameters);
    if !guard.identity_sources.iter().all(is_given) {
        return Err(NOT_AUTHORIZED);
    }
    let Event { body, .. } = facts.authorization(head);
    let answer = guard.pool.invoke(body).await;
    let answer = answer.map_err(|failure| match failure {
        Failure::Raised { message, .. } if message == UNAUTHORIZED => NOT_AUTHORIZED,
        Failure::Raised { .. }
        | Failure::Crashed
        | Failure::TimedOut
        | Failure::NotStarted
        | Failure::TooLarge
        | Failure::Refused => AUTHORIZER_FAILED,
    })?;
    let Some(verdict) = Verdict::parse(&answer, &facts.method_arn()) else {
        tracing::warn!("the authorizer {} gave a malformed answer", guard.pool.name());
        return Err(AUTHORIZER_FAILED);
    };
    if verdict.is_allowed { Ok(verdict.context) } else { Err(REFUSED) }
}

/// Whether the request has what an identity source names.
fn identity(source: &str, facts: &Facts, head: &Head, parameters: &[(String, String)]) -> bool {
    let has_text = |text: &str| !text.is_empty();
    if let Some(name) = source.strip_prefix("route.request.header.") {
        return head.header(name).is_some_and(has_text);
    }
    if let Some(name) = source.strip_prefix("route.request.querystring.") {
        return parameters.iter().any(|(given, value)| given == name && has_text(value));
    }
    if let Some(name) = source.strip_prefix("stageVariables.") {
        return facts.stage_variables.get(name).is_some_and(|value| has_text(value));
    }
    // `context.` names what every request has.
    source.starts_with("context.")
}

fn switching(key: &str, protocol: Option<&str>) -> String {
    let accept = derive_accept_key(key.as_bytes());
    let protocol = protocol.filter(|protocol| !protocol.contains(['\r', '\n']));
    let protocol = match protocol {
        Some(protocol) => format!("Sec-WebSocket-Protocol: {protocol}\r\n"),
        None => String::new(),
    };
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{protocol}\r\n"
    )
}

fn reason(status: u16) -> &'static str {
    match status {
        401 => UNAUTHORIZED,
        403 => FORBIDDEN,
        500.. => INTERNAL,
        _ => "Refused by the integration",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_key_is_that_of_the_protocol() {
        // The example of RFC 6455, section 1.3.
        let answer = switching("dGhlIHNhbXBsZSBub25jZQ==", Some("chat"));
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        assert!(answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        assert!(answer.contains("Sec-WebSocket-Protocol: chat\r\n"));
        assert!(answer.ends_with("\r\n\r\n"));
    }

    #[test]
    fn a_protocol_cannot_smuggle_headers() {
        let answer = switching("dGhlIHNhbXBsZSBub25jZQ==", Some("chat\r\nSet-Cookie: a=b"));
        assert!(!answer.contains("Set-Cookie"));
        assert!(!answer.contains("Sec-WebSocket-Protocol"));
    }
}
