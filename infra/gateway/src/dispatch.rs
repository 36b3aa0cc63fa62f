//! A message on its way to its route's function, and what the client hears of it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::connection::Connection;
use crate::event::Event;
use crate::meter::Meter;
use crate::pool::{Failure, Outcome, Pool};
use crate::reply::Reply;
use crate::stage::Route;

/// The longest message that API Gateway carries, either way.
///
/// Theirs: "Quotas for configuring and running a WebSocket API", message payload size.
pub(crate) const MESSAGE_BYTES_MAX: usize = 128 * 1024;

/// What the three error frames say, as captured.
pub(crate) const FORBIDDEN: &str = "Forbidden";
pub(crate) const INTERNAL: &str = "Internal server error";
const TIMED_OUT: &str = "Endpoint request timed out";

/// Invokes the function that `text` selects, and tells the client what is to be told.
///
/// What a one-way route's function answers is dropped, an error status too: the documentation does
/// not say that API Gateway does more.
pub(crate) async fn message(meter: &Meter, connection: &Connection, text: &str) {
    let Some((key, route)) = connection.stage.select(text) else {
        let request_id = crate::identifier::opaque();
        connection.send(error_frame(FORBIDDEN, connection.id(), &request_id).into()).await;
        return;
    };
    meter.routed(key);
    let Event { request_id, body } = connection.facts.message(key, text);
    let answer = answer(connection, route, &request_id, body).await;
    let answer = answer
        .unwrap_or_else(|message| Some(error_frame(message, connection.id(), &request_id).into()));
    if let Some(answer) = answer {
        connection.send(answer).await;
    }
}

/// Gives the frame to send, if any, or the message of an error frame.
async fn answer(
    connection: &Connection,
    route: &Route,
    request_id: &str,
    event: Bytes,
) -> Result<Option<Utf8Bytes>, &'static str> {
    let late = || async {
        connection.send(error_frame(TIMED_OUT, connection.id(), request_id).into()).await;
    };
    let Some(outcome) = bounded(&route.pool, event, route.timeout, late).await else {
        return Ok(None);
    };
    let reply = outcome.ok().and_then(|bytes| parse(&route.pool, &bytes)).ok_or(INTERNAL)?;
    if !route.is_two_way {
        return Ok(None);
    }
    if reply.body.len() > MESSAGE_BYTES_MAX {
        tracing::warn!("{} answered more than a message carries", route.pool.name());
        return Err(INTERNAL);
    }
    Ok(Some(reply.body.into()))
}

/// Invokes a function, calls `late` where the integration times out, and sees the invocation to
/// its end even so; `None` is an outcome that came too late.
pub(crate) async fn bounded<F: Future<Output = ()>>(
    pool: &Arc<Pool>,
    event: Bytes,
    limit: Duration,
    late: impl FnOnce() -> F,
) -> Option<Outcome> {
    let mut invocation = pin!(pool.invoke(event));
    if let Ok(outcome) = tokio::time::timeout(limit, &mut invocation).await {
        return Some(outcome);
    }
    tracing::warn!("{} did not answer within {limit:?}", pool.name());
    late().await;
    let _: Result<Bytes, Failure> = invocation.await;
    None
}

/// Reads a proxy answer, and tells on the console where it is malformed.
pub(crate) fn parse(pool: &Pool, bytes: &[u8]) -> Option<Reply> {
    let reply = Reply::parse(bytes);
    if reply.is_none() {
        tracing::warn!(
            "{} gave a malformed answer: a proxy integration takes statusCode, headers, \
             multiValueHeaders, body and isBase64Encoded, and nothing else",
            pool.name(),
        );
    }
    reply
}

/// Spells an error frame, spaces as captured.
pub(crate) fn error_frame(message: &str, connection_id: &str, request_id: &str) -> String {
    let connection = format!(r#""connectionId":"{connection_id}""#);
    format!(r#"{{"message": "{message}", {connection}, "requestId":"{request_id}"}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_frame_is_spelled_as_captured() {
        let frame = error_frame(FORBIDDEN, "eHrdFcnvvHcCE-w=", "eHrjDEuVPHcFWMg=");
        let captured = concat!(
            r#"{"message": "Forbidden", "connectionId":"eHrdFcnvvHcCE-w=", "#,
            r#""requestId":"eHrjDEuVPHcFWMg="}"#,
        );
        assert_eq!(frame, captured);
    }
}
