//! DynamoDB's protocol on a loopback port.
//!
//! A request that `operation` knows is applied on the thread that read it: the store is one
//! connection behind one lock, so handing it to another thread would only add the change (on two
//! cores, one client: 7,500 puts a second without, 2,400 with it). Everything else goes to
//! dynoxide's own server, on a port that nobody is told.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dynoxide::auth_material::{AuthMaterial, validate};
use dynoxide::{Database, DynoxideError};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::access::{self, Access, Need};
use crate::faults::{Faults, Request, Verdict};
use crate::meter::Meter;
use crate::operation::{Answer, Till};

/// DynamoDB's: a `BatchWriteItem` is up to 16 MB ("Quotas in Amazon DynamoDB").
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The media type of protocol JSON 1.0, which every SDK sends.
const MEDIA_TYPE: &str = "application/x-amz-json-1.0";

/// Ours: how long accepting rests when it fails, which it does for want of file descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut")]
pub(crate) struct Cut;

/// What all connections share.
pub(crate) struct Server {
    pub(crate) database: Database,
    pub(crate) faults: Arc<dyn Faults>,
    pub(crate) access: Arc<dyn Access>,
    pub(crate) meter: Arc<Meter>,
    /// Where dynoxide's own server listens.
    pub(crate) upstream: SocketAddr,
    /// Told after every request that may have written.
    pub(crate) changes: watch::Sender<()>,
    watched: bool,
    sequence: AtomicU64,
    /// Distinguishes the request ids of this run from those of any other.
    nonce: u64,
}

impl Server {
    pub(crate) fn new(
        database: Database,
        (faults, access): (Arc<dyn Faults>, Arc<dyn Access>),
        meter: Arc<Meter>,
        upstream: SocketAddr,
        changes: watch::Sender<()>,
    ) -> Self {
        let watched = faults.watches();
        let nonce = RandomState::new().build_hasher().finish();
        let sequence = AtomicU64::new(0);
        Self { database, faults, access, meter, upstream, changes, watched, sequence, nonce }
    }

    /// Accepts connections for as long as the runtime lives.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(Arc::clone(&self).converse(stream))),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "not accepted");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    }

    async fn converse(self: Arc<Self>, stream: TcpStream) {
        // Answers are small, and a client waits for each: Nagle's algorithm would hold them back.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = &error as &dyn std::error::Error, "no TCP_NODELAY");
        }
        let service = service_fn(|request| Arc::clone(&self).answer(request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        if let Err(error) = connection.await {
            tracing::debug!(error = &error as &dyn std::error::Error, "connection ended");
        }
    }

    async fn answer(
        self: Arc<Self>,
        request: http::Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Cut> {
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Ok(self.too_large()),
            Err(_) => return Err(Cut),
        };
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let needs = operation(&head.headers).map(|operation| access::needs(operation, &body));
        let needs = needs.unwrap_or_default();
        let caller = caller(&head.headers);
        if let Err(denied) = needs.iter().try_for_each(|need| self.access.permit(caller, need)) {
            return Ok(self.tell(Err(DynoxideError::AccessDeniedException(denied)), sequence));
        }
        if !self.watched {
            return match self.apply(&head, &body, sequence) {
                Some(answer) => Ok(answer),
                None => self.forward(head, body).await,
            };
        }
        // A task of its own: a request that has arrived is applied even if its client has gone.
        tokio::spawn(self.answer_watched(head, body, needs, sequence)).await.map_err(|_| Cut)?
    }

    async fn answer_watched(
        self: Arc<Self>,
        head: Parts,
        body: Bytes,
        needs: Vec<Need>,
        sequence: u64,
    ) -> Result<Response<Full<Bytes>>, Cut> {
        let request = Arc::new(describe(&head, needs, sequence));
        let verdict = {
            let (server, request) = (Arc::clone(&self), Arc::clone(&request));
            let asked = tokio::task::spawn_blocking(move || server.faults.before(&request));
            asked.await.map_err(|_| Cut)?
        };
        match verdict {
            Verdict::Proceed | Verdict::Swallow => {}
            Verdict::Hold(time) => tokio::time::sleep(time).await,
            Verdict::Drop => return Err(Cut),
            Verdict::Throttle => return Ok(self.tell(Err(throttled()), sequence)),
            Verdict::Fail => return Ok(self.tell(Err(failed()), sequence)),
        }
        let local = {
            let (server, head, body) = (Arc::clone(&self), head.clone(), body.clone());
            tokio::task::spawn_blocking(move || server.apply(&head, &body, sequence)).await
        };
        let answer = match local.map_err(|_| Cut)? {
            Some(answer) => answer,
            None => self.forward(head, body).await?,
        };
        tokio::task::spawn_blocking(move || self.faults.after(&request)).await.map_err(|_| Cut)?;
        if verdict == Verdict::Swallow { Err(Cut) } else { Ok(answer) }
    }

    /// Applies the request if it is one of ours, well formed and signed; nothing was done
    /// otherwise.
    fn apply(&self, head: &Parts, body: &[u8], sequence: u64) -> Option<Response<Full<Bytes>>> {
        let operation = operation(&head.headers)?;
        let media_type = text(&head.headers, CONTENT_TYPE.as_str());
        let material = AuthMaterial {
            authorization: head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()),
            query: head.uri.query().unwrap_or_default(),
            has_date_header: head.headers.contains_key("x-amz-date")
                || head.headers.contains_key("date"),
        };
        let ours = head.method == Method::POST
            && head.uri.path() == "/"
            && media_type == MEDIA_TYPE
            && !head.headers.contains_key("origin")
            && validate(material).is_none();
        if !ours {
            return None;
        }
        let caller = caller(&head.headers);
        let till = Till { database: &self.database, meter: &self.meter, caller };
        let answer = till.apply(operation, body)?;
        if !reads(operation) {
            self.changes.send_replace(());
        }
        Some(self.tell(answer, sequence))
    }

    /// Has dynoxide's own server answer.
    async fn forward(&self, mut head: Parts, body: Bytes) -> Result<Response<Full<Bytes>>, Cut> {
        // The body is whole by now, whichever way it came.
        head.headers.remove(TRANSFER_ENCODING);
        head.headers.remove(EXPECT);
        head.headers.insert(CONTENT_LENGTH, body.len().into());
        let request = http::Request::from_parts(head, Full::new(body));
        let answer = exchange(self.upstream, request).await.map_err(|error| {
            tracing::warn!(error = &*error as &dyn std::error::Error, "dynoxide did not answer");
            Cut
        })?;
        self.changes.send_replace(());
        Ok(answer)
    }

    fn tell(&self, answer: Answer, sequence: u64) -> Response<Full<Bytes>> {
        let (status, body) = match answer {
            Ok(body) => (StatusCode::OK, body),
            Err(error) => {
                let status = StatusCode::from_u16(error.status_code());
                (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), error.to_json())
            }
        };
        self.respond(status, body, sequence)
    }

    fn respond(&self, status: StatusCode, body: String, sequence: u64) -> Response<Full<Bytes>> {
        let id = format!("{:016X}{sequence:036X}", self.nonce);
        let mut response = Response::builder()
            .header(CONTENT_TYPE, MEDIA_TYPE)
            .header("x-amzn-requestid", id)
            .header("x-amz-crc32", crc32fast::hash(body.as_bytes()))
            .body(Full::new(Bytes::from(body)))
            .expect("hexadecimal digits and numbers are valid in headers");
        *response.status_mut() = status;
        response
    }

    fn too_large(&self) -> Response<Full<Bytes>> {
        let body = r#"{"__type":"com.amazon.coral.service#RequestEntityTooLargeException"}"#;
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        self.respond(StatusCode::PAYLOAD_TOO_LARGE, body.to_owned(), sequence)
    }
}

async fn exchange(
    upstream: SocketAddr,
    request: http::Request<Full<Bytes>>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(upstream).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    drop(sender);
    connection.await??;
    Ok(Response::from_parts(head, Full::new(body)))
}

fn throttled() -> DynoxideError {
    let message = "The level of configured provisioned throughput for the table was exceeded. \
                   Consider increasing your provisioning level with the UpdateTable API.";
    DynoxideError::ProvisionedThroughputExceededException(message.to_owned())
}

fn failed() -> DynoxideError {
    DynoxideError::InternalServerError("Internal server error".to_owned())
}

fn text<'head>(headers: &'head HeaderMap, name: &str) -> &'head str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether `operation` writes nothing, whatever it answers.
fn reads(operation: &str) -> bool {
    let prefixes = ["Get", "BatchGet", "TransactGet", "Query", "Scan"];
    prefixes.iter().any(|prefix| operation.starts_with(prefix))
}

/// `PutItem` of `DynamoDB_20120810.PutItem`.
fn operation(headers: &HeaderMap) -> Option<&str> {
    let (service, operation) = text(headers, "x-amz-target").split_once('.')?;
    matches!(service, "DynamoDB_20120810" | "DynamoDBStreams_20120810").then_some(operation)
}

/// The access key id of a signature version 4.
fn caller(headers: &HeaderMap) -> &str {
    let authorization = text(headers, AUTHORIZATION.as_str());
    let credential = authorization.split_once("Credential=").map(|(_, after)| after);
    credential.and_then(|credential| credential.split('/').next()).unwrap_or_default()
}

fn describe(head: &Parts, needs: Vec<Need>, sequence: u64) -> Request {
    Request {
        caller: caller(&head.headers).to_owned(),
        operation: operation(&head.headers).unwrap_or_default().to_owned(),
        table: needs.into_iter().next().map(|need| need.table).unwrap_or_default(),
        sequence,
    }
}
