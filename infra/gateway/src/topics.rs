//! The topics of the deployment, served as SNS serves them on a loopback port of their own.
//!
//! Only publishing is served: who subscribes is beyond one machine, and a file of lines stands in
//! for them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::accept::accept;
use crate::caller::Caller;
use crate::functions::Functions;
use crate::permissions::Permissions;
use crate::query::{Answer, Form, Refusal};
use crate::subscriber::Place;
use crate::timestamp::Timestamp;
use crate::topic::{MESSAGE_BYTES_MAX, Memory, Topic};
use crate::{BoxError, Error, FaultSwitches, Settings, Store, TopicUse, identifier};

/// The longest request: every byte of a message may be escaped to three, and there are fields
/// around it. Ours.
const REQUEST_BYTES_MAX: usize = 4 * MESSAGE_BYTES_MAX;

/// The topics, and who serves them.
#[derive(Debug)]
pub(crate) struct Topics {
    topics: Arc<BTreeMap<String, Topic>>,
    address: SocketAddr,
    /// Until it is served.
    listener: Option<TcpListener>,
    server: Option<JoinHandle<()>>,
    changes: watch::Sender<()>,
}

impl Topics {
    /// Opens the topics and listens, and serves nobody yet.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, Error> {
        let memory = match settings.store {
            Store::File(_) => Memory::Kept,
            Store::Memory => Memory::Forgotten,
        };
        let directory = settings.topics.as_deref();
        let place = directory.map(|directory| Place { directory, syncs: settings.fsync });
        let mut topics = BTreeMap::new();
        for declared in settings.deployment.topics.values() {
            let topic = Topic::open(declared, place, memory);
            let topic =
                topic.map_err(|source| Error::Topic { topic: declared.id.clone(), source })?;
            topics.insert(declared.arn.clone(), topic);
        }
        let port = settings.sns_port;
        let failed = |source| Error::Listen { port, source };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            topics: Arc::new(topics),
            address,
            listener: Some(listener),
            server: None,
            changes: watch::Sender::new(()),
        })
    }

    /// Begins to serve.
    pub(crate) fn serve(
        &mut self,
        faults: Arc<FaultSwitches>,
        functions: Arc<Functions>,
        permissions: Arc<Permissions>,
    ) {
        if let Some(listener) = self.listener.take() {
            let topics = Arc::clone(&self.topics);
            let changes = self.changes.clone();
            let server = Server { topics, faults, functions, permissions, changes };
            self.server = Some(tokio::spawn(Arc::new(server).accept(listener)));
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Tells what each topic has taken, by its logical id.
    pub(crate) fn used(&self) -> BTreeMap<String, TopicUse> {
        self.topics.values().map(|topic| (topic.id().to_owned(), topic.used())).collect()
    }

    /// Everything that the topic of the logical id `topic` has delivered.
    pub(crate) fn lines(&self, topic: &str) -> Vec<Value> {
        let found = self.topics.values().find(|found| found.id() == topic);
        let lines = found.map_or_else(|| Ok(Vec::new()), Topic::lines);
        lines.unwrap_or_else(|error| {
            tracing::warn!("what {topic} has delivered cannot be read: {error}");
            Vec::new()
        })
    }

    /// Waits until that many lines are delivered; a caller bounds the wait.
    pub(crate) async fn at_least(&self, topic: &str, count: usize) -> Vec<Value> {
        let mut changes = self.changes.subscribe();
        loop {
            let lines = self.lines(topic);
            // The sender lives as long as `self`, so the only way out is the count.
            if lines.len() >= count || changes.changed().await.is_err() {
                return lines;
            }
        }
    }
}

impl Drop for Topics {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

/// What every connection shares.
struct Server {
    /// By ARN.
    topics: Arc<BTreeMap<String, Topic>>,
    faults: Arc<FaultSwitches>,
    functions: Arc<Functions>,
    permissions: Arc<Permissions>,
    changes: watch::Sender<()>,
}

impl Server {
    /// Accepts clients until the task is aborted; those who are served go down with it.
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        accept(listener, "a client of the topics", |stream| Arc::clone(&self).converse(stream))
            .await;
    }

    async fn converse(self: Arc<Self>, stream: TcpStream) {
        // Without it a small answer waits for the acknowledgment of the one before.
        let _ = stream.set_nodelay(true);
        let service = service_fn(|request| {
            let server = Arc::clone(&self);
            async move { Ok::<_, Infallible>(respond(server.answer(request).await)) }
        });
        // A client that hangs up in the middle is no failure of the server.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Refusal> {
        let authorization = request.headers().get(header::AUTHORIZATION);
        let authorization = authorization.and_then(|value| value.to_str().ok());
        let Some(key) = authorization.and_then(Caller::access_key_id).map(str::to_owned) else {
            return Err(Refusal::unsigned());
        };
        let limited: Result<_, BoxError> =
            Limited::new(request.into_body(), REQUEST_BYTES_MAX).collect().await;
        let form = match limited {
            Ok(body) => Form::parse(&body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => return Err(Refusal::too_large()),
            Err(_) => return Err(Refusal::new("IncompleteSignature", "The request is not whole")),
        };
        let caller = Caller::parse(&key);
        // A batch needs the same permission as a single message.
        let permitted = self.permissions.permit(caller, "sns:Publish", form.topic().unwrap_or("*"));
        permitted.map_err(|denied| Refusal::denied(denied.message))?;
        let faults = self.faults.at_publish(caller.map_or("", |caller| caller.function));
        if faults.kill_before {
            self.functions.end(caller, "a publish").await;
            return Err(Refusal::internal());
        }
        let answer = match faults.is_throttled {
            true => Err(Refusal::throttled()),
            false => self.apply(&form),
        };
        if faults.kill_after {
            self.functions.end(caller, "a publish").await;
        }
        answer
    }

    fn apply(&self, form: &Form) -> Result<Answer, Refusal> {
        let call = form.call()?;
        let Some(arn) = form.topic() else {
            let reason = "TopicArn or TargetArn Reason: no value for required parameter";
            return Err(Refusal::parameter(reason));
        };
        let Some(topic) = self.topics.get(arn) else {
            let is_arn = arn.starts_with("arn:") && arn.split(':').count() == ARN_PARTS;
            return Err(if is_arn { Refusal::unknown_topic() } else { invalid_arn() });
        };
        let answer = topic.apply(&call, Timestamp::now());
        self.changes.send_replace(());
        answer
    }
}

/// The parts of a topic's ARN: `arn:aws:sns:us-east-1:123456789012:name`.
const ARN_PARTS: usize = 6;

fn invalid_arn() -> Refusal {
    Refusal::parameter("TopicArn")
}

fn respond(answer: Result<Answer, Refusal>) -> Response<Full<Bytes>> {
    let id = identifier::invocation();
    let (status, body) = match answer {
        Ok(answer) => (http::StatusCode::OK, answer.to_xml(&id)),
        Err(refusal) => (refusal.status, refusal.to_xml(&id)),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
