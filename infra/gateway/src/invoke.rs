//! Lambda's `Invoke`: what `aws lambda invoke --endpoint-url` and the SDKs ask for.
//!
//! Source: "Invoke", AWS Lambda API reference; what an error of a function looks like is in
//! "Understanding retry behavior in Lambda" and in the errors that the Runtime API is told. A
//! function is named by its logical id, alone or at the end of an ARN; it has no versions here.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::BoxError;
use crate::management::{Answer, failure, json_answer, plain};
use crate::pool::{Failure, Outcome, Pool};
use crate::server::Shared;

/// What the path of every request about functions begins with: the version of the API.
const PREFIX: &str = "/2015-03-31/functions/";

/// What it ends with.
const SUFFIX: &str = "/invocations";

/// The largest event of an invocation that is waited for: 6 MB ("Lambda quotas").
const EVENT_BYTES_MAX: usize = 6 * 1024 * 1024;

/// The name of the function that a path invokes, if it is such a path.
pub(crate) fn named(path: &str) -> Option<String> {
    let name = path.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let name = percent_decode_str(name).decode_utf8().ok()?;
    let name = name.strip_suffix(":$LATEST").unwrap_or(&name);
    let name = name.rsplit_once(":function:").map_or(name, |(_, name)| name);
    (!name.is_empty() && !name.contains('/')).then(|| name.to_owned())
}

/// Invokes a function with the body of a request.
pub(crate) async fn answer(shared: &Shared, name: &str, request: Request<Incoming>) -> Answer {
    if request.method() != Method::POST {
        return failure(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowedException", "POST it");
    }
    let Some(pool) = shared.functions.pools.get(name) else {
        let message = format!("Function not found: {}", name.escape_default());
        return failure(StatusCode::NOT_FOUND, "ResourceNotFoundException", &message);
    };
    let kind = kind(request.headers());
    let event = match event(request).await {
        Ok(event) => event,
        Err(answer) => return answer,
    };
    match kind.as_str() {
        "DryRun" => plain(StatusCode::NO_CONTENT, ""),
        "Event" => {
            let pool = Arc::clone(pool);
            // Its outcome is for nobody: what AWS does with a failure is not mapped here.
            tokio::spawn(async move { drop(pool.invoke(event).await) });
            plain(StatusCode::ACCEPTED, "")
        }
        _ => told(pool, pool.invoke(event).await),
    }
}

fn kind(headers: &HeaderMap) -> String {
    let kind = headers.get("x-amz-invocation-type").and_then(|kind| kind.to_str().ok());
    kind.unwrap_or("RequestResponse").to_owned()
}

/// The event of a request: its body, or an empty object where it has none.
async fn event(request: Request<Incoming>) -> Result<Bytes, Answer> {
    let collected: Result<_, BoxError> =
        Limited::new(request.into_body(), EVENT_BYTES_MAX).collect().await;
    let body = match collected {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("the event is larger than {EVENT_BYTES_MAX} bytes");
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(failure(status, "RequestTooLargeException", &message));
        }
        Err(_) => {
            let status = StatusCode::BAD_REQUEST;
            return Err(failure(status, "InvalidRequestContentException", "the body broke off"));
        }
    };
    if body.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() {
        let message = "Could not parse request body into json";
        return Err(failure(StatusCode::BAD_REQUEST, "InvalidRequestContentException", message));
    }
    Ok(body)
}

/// What an invocation came to. A function that fails is told by a header and a 200.
fn told(pool: &Pool, outcome: Outcome) -> Answer {
    let error = |kind: &str, message: &str| json!({"errorType": kind, "errorMessage": message});
    let body: Value = match outcome {
        Ok(body) => {
            let mut answer = json_answer(StatusCode::OK, &Value::Null);
            *answer.body_mut() = Full::new(body);
            return executed(answer);
        }
        Err(Failure::Refused) => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            return failure(status, "TooManyRequestsException", "Rate Exceeded.");
        }
        Err(Failure::Raised { kind, message }) => error(&kind, &message),
        Err(Failure::Crashed | Failure::NotStarted) => {
            error("Runtime.ExitError", "Runtime exited without providing a reason")
        }
        Err(Failure::TimedOut) => {
            let seconds = pool.launch.timeout.as_secs_f64();
            error("Sandbox.Timedout", &format!("Task timed out after {seconds:.2} seconds"))
        }
        Err(Failure::TooLarge) => {
            error("Function.ResponseSizeTooLarge", "Response payload size exceeded the maximum")
        }
    };
    let mut answer = json_answer(StatusCode::OK, &body);
    let unhandled = HeaderValue::from_static("Unhandled");
    answer.headers_mut().insert("x-amz-function-error", unhandled);
    executed(answer)
}

fn executed(mut answer: Answer) -> Answer {
    let latest = HeaderValue::from_static("$LATEST");
    answer.headers_mut().insert("x-amz-executed-version", latest);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_by_its_id_or_an_arn() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:IndexFunction";
        for (name, expected) in [
            ("IndexFunction", Some("IndexFunction")),
            ("IndexFunction:$LATEST", Some("IndexFunction")),
            (arn, Some("IndexFunction")),
            (&arn.replace(':', "%3A"), Some("IndexFunction")),
            ("", None),
            ("a/b", None),
        ] {
            assert_eq!(named(&format!("{PREFIX}{name}{SUFFIX}")).as_deref(), expected, "{name}");
        }
        assert_eq!(named("/v1/@connections/abc"), None);
    }
}
