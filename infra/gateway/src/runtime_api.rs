//! The Lambda Runtime API, as one process sees it: where it takes its work and leaves its answers.
//!
//! Every process has a listener of its own, so that whatever comes in is known to be its.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::BoxError;
use crate::event::{ACCOUNT, REGION};
use crate::identifier;
use crate::pool::{Failure, Pool, Report};
use crate::process::Process;
use crate::timestamp::Timestamp;

/// The longest answer of a function.
///
/// Theirs: "Lambda quotas", invocation payload of synchronous invocations.
const RESPONSE_BYTES_MAX: usize = 6 * 1024 * 1024;

const VERSION: &str = "/2018-06-01/runtime/";
const INVOCATION_ID: &str = "lambda-runtime-invocation-id";

/// Serves one process until the task is aborted.
pub(crate) async fn serve(listener: TcpListener, pool: Arc<Pool>, process: Arc<Process>) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!("the Runtime API of {} is lost: {error}", pool.name());
                    return;
                }
            },
            Some(_) = connections.join_next() => continue,
        };
        // Without it a small answer waits for the acknowledgment of the one before.
        let _ = stream.set_nodelay(true);
        let (pool, process) = (Arc::clone(&pool), Arc::clone(&process));
        connections.spawn(async move {
            let service = service_fn(async |request| {
                Ok::<_, Infallible>(answer(&pool, &process, request).await)
            });
            // A process that ends in the middle of a request is no failure of the API.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    pool: &Arc<Pool>,
    process: &Arc<Process>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().strip_prefix(VERSION).unwrap_or_default().to_owned();
    let is_post = request.method() == Method::POST;
    if request.method() == Method::GET && path == "invocation/next" {
        return next(pool, process).await;
    }
    if is_post && path == "init/error" {
        return init_error(pool, request).await;
    }
    let invocation = path.strip_prefix("invocation/").and_then(|rest| rest.split_once('/'));
    match invocation {
        Some((id, "response")) if is_post => response(pool, process, id, request).await,
        Some((id, "error")) if is_post => error(pool, process, id, request).await,
        _ => refusal(StatusCode::NOT_FOUND, "InvalidRequest", "no such call"),
    }
}

async fn next(pool: &Arc<Pool>, process: &Arc<Process>) -> Response<Full<Bytes>> {
    let invocation = pool.next(process).await;
    let (id, event) = pool.begin(process, invocation);
    let now = Timestamp::now();
    let timeout = u64::try_from(pool.launch.timeout.as_millis()).unwrap_or(u64::MAX);
    let function = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", pool.name());
    let trace = identifier::trace_root(now.0 / 1000);
    let parent = rand::random::<u64>();
    Response::builder()
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", &id)
        .header(INVOCATION_ID, &id)
        .header("Lambda-Runtime-Deadline-Ms", now.0.saturating_add(timeout))
        .header("Lambda-Runtime-Invoked-Function-Arn", function)
        .header("Lambda-Runtime-Trace-Id", format!("{trace};Parent={parent:016x};Sampled=0"))
        .body(Full::new(event))
        .expect("ids and numbers are header values")
}

async fn response(
    pool: &Pool,
    process: &Process,
    id: &str,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    if is_stale(id, &request) {
        return stale();
    }
    let collected = collect(request).await;
    let Some(flight) = process.take(id) else { return stale() };
    match collected {
        Ok(body) => {
            pool.finish(process, flight, Ok(body));
            accepted()
        }
        Err(CollectError::TooLarge) => {
            pool.finish(process, flight, Err(Failure::TooLarge));
            let kind = "RequestEntityTooLarge";
            refusal(StatusCode::PAYLOAD_TOO_LARGE, kind, "the answer is larger than 6 MB")
        }
        Err(CollectError::Broken) => {
            pool.finish(process, flight, Err(Failure::Crashed));
            refusal(StatusCode::BAD_REQUEST, "InvalidRequest", "the answer broke off")
        }
    }
}

async fn error(
    pool: &Pool,
    process: &Process,
    id: &str,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    if is_stale(id, &request) {
        return stale();
    }
    let failure = raised(request).await;
    let Some(flight) = process.take(id) else { return stale() };
    pool.finish(process, flight, Err(failure));
    accepted()
}

async fn init_error(pool: &Pool, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if let Failure::Raised { kind, message } = raised(request).await {
        tracing::warn!("{} failed to start: {kind}: {message}", pool.name());
    }
    accepted()
}

async fn raised(request: Request<Incoming>) -> Failure {
    let header = request.headers().get("lambda-runtime-function-error-type");
    let header = header.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = collect(request).await.unwrap_or_default();
    Report::read(&body).failure(header)
}

enum CollectError {
    TooLarge,
    Broken,
}

async fn collect(request: Request<Incoming>) -> Result<Bytes, CollectError> {
    let collected: Result<_, BoxError> =
        Limited::new(request.into_body(), RESPONSE_BYTES_MAX).collect().await;
    match collected {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(CollectError::TooLarge),
        Err(_) => Err(CollectError::Broken),
    }
}

/// An answer that names another invocation than its path does; runtimes may leave the name out.
fn is_stale(id: &str, request: &Request<Incoming>) -> bool {
    let named = request.headers().get(INVOCATION_ID);
    named.is_some_and(|named| named.as_bytes() != id.as_bytes())
}

fn accepted() -> Response<Full<Bytes>> {
    json(StatusCode::ACCEPTED, r#"{"status":"OK"}"#.to_owned())
}

fn stale() -> Response<Full<Bytes>> {
    refusal(StatusCode::GONE, "InvalidRequestID", "the invocation is over")
}

fn refusal(status: StatusCode, kind: &str, message: &str) -> Response<Full<Bytes>> {
    json(status, format!(r#"{{"errorType":"{kind}","errorMessage":"{message}"}}"#))
}

fn json(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}
