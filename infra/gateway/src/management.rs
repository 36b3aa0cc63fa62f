//! The `@connections` management API, and every other plain HTTP request but those to functions.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde_json::json;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::BoxError;
use crate::caller::Caller;
use crate::connection::{Connection, PostError};
use crate::decision::PostAnswer;
use crate::dispatch::MESSAGE_BYTES_MAX;
use crate::event::Ending;
use crate::identifier;
use crate::invoke;
use crate::permissions;
use crate::server::Shared;

pub(crate) type Answer = Response<Full<Bytes>>;

/// Answers one request.
pub(crate) async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Answer {
    let path = request.uri().path();
    if path == "/ping" || path == "/sping" {
        return plain(StatusCode::OK, "healthy"); // Reserved for health checks by API Gateway.
    }
    let authorization = request.headers().get(header::AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok());
    let key = authorization.and_then(Caller::access_key_id).map(str::to_owned);
    if let Some(function) = invoke::named(path) {
        // No page of a browser can send the header, so none invokes anything.
        return if key.is_some() {
            invoke::answer(&shared, &function, request).await
        } else {
            unsigned()
        };
    }
    let Some((stage, rest)) = split(path) else { return forbidden() };
    let Some(stage) = shared.stages.get(&stage) else { return forbidden() };
    let Some(id) = rest else {
        // The endpoint of sockets, asked for without an upgrade.
        return plain(StatusCode::UPGRADE_REQUIRED, "");
    };
    let Some(key) = key else { return unsigned() };
    if !identifier::is_connection_id(&id) {
        let message = format!("Invalid connectionId: {}", id.escape_default());
        return failure(StatusCode::BAD_REQUEST, "BadRequestException", &message);
    }
    let resource = permissions::connection(&stage.api, &stage.name, request.method().as_str(), &id);
    let caller = Caller::parse(&key);
    if let Err(denied) = shared.permissions.permit(caller, permissions::MANAGE, &resource) {
        return failure(StatusCode::FORBIDDEN, "AccessDeniedException", &denied.message);
    }
    let connection = shared.registry.find(&id);
    let connection = connection.filter(|found| found.stage.name == stage.name);
    match *request.method() {
        Method::POST => post(&shared, connection.as_deref(), &key, request).await,
        Method::GET => connection.map_or_else(gone, |connection| show(&connection)),
        Method::DELETE => connection.map_or_else(gone, |connection| delete(&shared, &connection)),
        _ => forbidden(),
    }
}

/// Splits `/{stage}/@connections/{id}`, decoded; the id is `None` in `/{stage}` and `/{stage}/`.
fn split(path: &str) -> Option<(String, Option<String>)> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
    let path = path.strip_prefix('/')?;
    let Some((stage, rest)) = path.split_once('/') else { return Some((decode(path)?, None)) };
    let stage = decode(stage)?;
    if rest.is_empty() {
        return Some((stage, None));
    }
    let (kind, id) = rest.split_once('/')?;
    let is_known = decode(kind)? == "@connections" && !id.contains('/');
    is_known.then_some((stage, Some(decode(id)?)))
}

async fn post(
    shared: &Shared,
    connection: Option<&Connection>,
    access_key_id: &str,
    request: Request<Incoming>,
) -> Answer {
    let limited: Result<_, BoxError> =
        Limited::new(request.into_body(), MESSAGE_BYTES_MAX).collect().await;
    let body = match limited {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return failure(status, "PayloadTooLargeException", "Message too long");
        }
        Err(_) => return failure(StatusCode::BAD_REQUEST, "BadRequestException", "Bad Request"),
    };
    let caller = Caller::parse(access_key_id);
    let faults = shared.faults.at_post(caller.map_or("", |caller| caller.function));
    if let Some(delay) = faults.delay {
        tokio::time::sleep(delay).await;
    }
    if faults.kill_before {
        shared.functions.end(caller, "a post").await;
        return internal();
    }
    let answer = match faults.answer {
        PostAnswer::Honest => deliver(connection, &body),
        PostAnswer::Lost => plain(StatusCode::OK, ""),
        PostAnswer::Gone => gone(),
        PostAnswer::Throttled => throttled(),
    };
    if faults.kill_after {
        shared.functions.end(caller, "a post").await;
    }
    answer
}

/// Queues a message. It is sent as text whatever it holds; what is no UTF-8 is replaced, because
/// what API Gateway does with it is not documented.
fn deliver(connection: Option<&Connection>, body: &Bytes) -> Answer {
    let Some(connection) = connection else { return gone() };
    let text = match Utf8Bytes::try_from(body.clone()) {
        Ok(text) => text,
        Err(_) => String::from_utf8_lossy(body).into_owned().into(),
    };
    match connection.post(text) {
        Ok(()) => plain(StatusCode::OK, ""),
        Err(PostError::Gone) => gone(),
        Err(PostError::Full) => throttled(),
    }
}

fn show(connection: &Connection) -> Answer {
    let facts = &connection.facts;
    let mut identity = json!({"sourceIp": facts.source_ip});
    if let Some(user_agent) = &facts.user_agent {
        identity["userAgent"] = user_agent.as_str().into();
    }
    let body = json!({
        "connectedAt": facts.connected_at.iso_8601(),
        "identity": identity,
        "lastActiveAt": connection.last_active().iso_8601(),
    });
    json_answer(StatusCode::OK, &body)
}

fn delete(shared: &Shared, connection: &Connection) -> Answer {
    shared.registry.remove(connection.id());
    connection.close(Ending { code: 1000, reason: "Connection Closed Normally".to_owned() });
    plain(StatusCode::NO_CONTENT, "")
}

/// The body is empty: clients that find no JSON in it are what the header was inferred from.
fn gone() -> Answer {
    let mut answer = plain(StatusCode::GONE, "");
    typed(&mut answer, "GoneException");
    answer
}

fn throttled() -> Answer {
    failure(StatusCode::TOO_MANY_REQUESTS, "LimitExceededException", "Limit exceeded")
}

fn unsigned() -> Answer {
    let kind = "MissingAuthenticationTokenException";
    failure(StatusCode::FORBIDDEN, kind, "Missing Authentication Token")
}

fn forbidden() -> Answer {
    failure(StatusCode::FORBIDDEN, "ForbiddenException", "Forbidden")
}

fn internal() -> Answer {
    failure(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", "Internal server error")
}

pub(crate) fn failure(status: StatusCode, kind: &'static str, message: &str) -> Answer {
    let mut answer = json_answer(status, &json!({"message": message}));
    typed(&mut answer, kind);
    answer
}

/// The header that AWS's clients know an error by.
fn typed(answer: &mut Answer, kind: &'static str) {
    answer.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(kind));
}

pub(crate) fn json_answer(status: StatusCode, body: &serde_json::Value) -> Answer {
    let mut answer = plain(status, "");
    *answer.body_mut() = Full::new(Bytes::from(body.to_string()));
    let kind = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

pub(crate) fn plain(status: StatusCode, body: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *answer.status_mut() = status;
    if let Ok(id) = HeaderValue::from_str(&identifier::opaque()) {
        answer.headers_mut().insert("x-amzn-requestid", id);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<(&str, Option<&str>)>) {
        let split = split(path);
        let split = split.as_ref().map(|(stage, id)| (stage.as_str(), id.as_deref()));
        assert_eq!(split, expected, "{path}");
    }

    #[test]
    fn a_path_is_decoded() {
        check("/v1/@connections/R1k%3D", Some(("v1", Some("R1k="))));
        check("/v1/%40connections/R0oX%2FdfD0%2BwCH6w%3D", Some(("v1", Some("R0oX/dfD0+wCH6w="))));
        check("/v1", Some(("v1", None)));
        check("/v1/", Some(("v1", None)));
        check("/v1/other/x", None);
        check("/v1/other", None);
        check("/v1/@connections/x/more", None);
    }

    #[test]
    fn gone_is_told_by_a_header_and_no_body() {
        let answer = gone();
        assert_eq!(answer.status(), StatusCode::GONE);
        assert_eq!(answer.headers()["x-amzn-errortype"], "GoneException");
    }
}
