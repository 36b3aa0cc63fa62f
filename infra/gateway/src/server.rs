//! The listener: sockets and plain HTTP on one port.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Cursor;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rand::rngs::StdRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::accept::accept;
use crate::connection::Registry;
use crate::functions::Functions;
use crate::head::{self, Received};
use crate::meter::Meter;
use crate::permissions::Permissions;
use crate::stage::Stage;
use crate::{Dispatch, FaultSwitches};
use crate::{handshake, management};

/// How long a client may take to send the head of its first request; ours.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// What every connection shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) port: u16,
    /// Stages by name, which is the first segment of a path.
    pub(crate) stages: BTreeMap<String, Arc<Stage>>,
    pub(crate) functions: Arc<Functions>,
    pub(crate) registry: Registry,
    pub(crate) meter: Arc<Meter>,
    pub(crate) faults: Arc<FaultSwitches>,
    pub(crate) permissions: Arc<Permissions>,
    pub(crate) dispatch: Dispatch,
    pub(crate) idle_timeout: Duration,
    pub(crate) lifetime: Duration,
    /// Where shuffling draws from.
    pub(crate) random: Mutex<StdRng>,
}

impl Shared {
    /// Gives the stage that a socket's path names: `/{stage}` or `/{stage}/`.
    pub(crate) fn stage(&self, path: &str) -> Option<Arc<Stage>> {
        let name = path.strip_prefix('/')?;
        let name = name.strip_suffix('/').unwrap_or(name);
        self.stages.get(name).cloned()
    }

    pub(crate) fn random(&self) -> MutexGuard<'_, StdRng> {
        // A half-drawn number is as random as any.
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts clients until the task is aborted; those who are served go down with it.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    accept(listener, "a client", |stream| serve_client(Arc::clone(&shared), stream)).await;
}

async fn serve_client(shared: Arc<Shared>, mut stream: TcpStream) {
    // Without it a small frame waits for the acknowledgment of the one before.
    let _ = stream.set_nodelay(true);
    match tokio::time::timeout(HEAD_TIMEOUT, head::receive(&mut stream)).await {
        Ok(Ok(Some(received))) if received.head.is_upgrade() => {
            handshake::serve(shared, stream, received).await;
        }
        Ok(Ok(Some(received))) => serve_http(shared, stream, received).await,
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
            respond(&mut stream, 400, r#"{"message":"Bad Request"}"#).await;
        }
        Ok(Ok(None) | Err(_)) | Err(_) => {}
    }
}

/// Gives the connection to the HTTP server, with the bytes that were read put in front.
async fn serve_http(shared: Arc<Shared>, stream: TcpStream, received: Received) {
    let (reader, writer) = stream.into_split();
    let reader = Cursor::new(received.bytes).chain(reader);
    let stream = TokioIo::new(tokio::io::join(reader, writer));
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(management::answer(shared, request).await) }
    });
    // A client that hangs up in the middle is no failure of the server.
    let _ = http1::Builder::new().serve_connection(stream, service).await;
}

/// Answers a request that becomes no socket, and hangs up.
pub(crate) async fn respond(stream: &mut TcpStream, status: u16, body: &str) {
    let reason = http::StatusCode::from_u16(status).ok();
    let reason = reason.and_then(|status| status.canonical_reason()).unwrap_or_default();
    let response = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len(),
    );
    // The client may be gone; it has been refused either way.
    let _ = stream.write_all(response.as_bytes()).await;
    let _ = stream.shutdown().await;
}
