//! A small server of one direct conversation, on a real socket, that does as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// The conversation.
pub(crate) const CONVERSATION: &str = "d~alice~bob";

/// The group.
pub(crate) const GROUP: &str = "g~01935b2e-7c1a-7def-8123-000000000001";

/// What happens instead of an answer to a `send`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The message is kept and the connection closed before the ack.
    KeptAndClosed,
    /// The message is refused for good.
    Forbidden,
}

/// What the server has and saw.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// The messages of the conversation; an inbox holds the same.
    pub(crate) log: Vec<Value>,
    /// What happens to the next sends.
    pub(crate) faults: VecDeque<Fault>,
    /// The HTTP status of the next handshakes; open if absent.
    pub(crate) status: Option<u16>,
    /// The requests about groups, read positions, receipts and recalls, and the signals.
    pub(crate) requests: Vec<Value>,
    /// The handshakes: path with query, authorization, subprotocol.
    pub(crate) handshakes: Vec<(String, String, String)>,
}

/// A running server. Its task ends with the test's runtime.
#[derive(Debug)]
pub(crate) struct Server {
    /// What it has and saw.
    pub(crate) shared: Arc<Mutex<Shared>>,
    /// Its address.
    pub(crate) url: String,
    pushes: broadcast::Sender<String>,
    /// Told whenever something was seen.
    pub(crate) seen: watch::Sender<()>,
}

impl Server {
    /// Starts a server on a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/v1", listener.local_addr().unwrap());
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (pushes, _) = broadcast::channel(64);
        let (seen, _) = watch::channel(());
        let (state, sender, news) = (Arc::clone(&shared), pushes.clone(), seen.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, pushes) = (Arc::clone(&state), sender.subscribe());
                let news = news.clone();
                tokio::spawn(async move { serve(stream, &state, pushes, &news).await });
            }
        });
        Self { shared, url, pushes, seen }
    }

    /// Pushes a message to whoever is there.
    pub(crate) fn push(&self, message: &Value) {
        let mut push = message.clone();
        push["event"] = json!("message");
        self.pushes.send(push.to_string()).unwrap();
    }

    /// Keeps a text of a user and pushes it to whoever is there.
    pub(crate) fn say(&self, from: &str, text: &str) {
        let body = json!({"text": text});
        let mut message = keep(&mut self.shared.lock().unwrap(), from, "", &body);
        message["event"] = json!("message");
        message["q"] = message["seq"].clone();
        // Nobody may be there; then it is found by the next sync.
        let _ = self.pushes.send(message.to_string());
    }

    /// Tells every device that it is kicked.
    pub(crate) fn kick(&self, reason: &str) {
        self.pushes.send(json!({"event": "kicked", "reason": reason}).to_string()).unwrap();
    }
}

async fn serve(
    stream: TcpStream,
    shared: &Mutex<Shared>,
    mut pushes: broadcast::Receiver<String>,
    seen: &watch::Sender<()>,
) {
    #[expect(clippy::result_large_err, reason = "the type is tungstenite's")]
    let handshake = |request: &Request, response: Response| check(request, response, shared);
    let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, handshake).await else {
        return;
    };
    let user = alice_or_bob(&shared.lock().unwrap().handshakes);
    loop {
        seen.send_replace(());
        let answer = tokio::select! {
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) => {
                    let request: Value = serde_json::from_str(&text).unwrap();
                    answer(&mut shared.lock().unwrap(), &user, &request)
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
            push = pushes.recv() => push.ok(),
        };
        let Some(answer) = answer else { return };
        if socket.send(Message::text(answer)).await.is_err() {
            return;
        }
    }
}

/// Writes the handshake down, and refuses it if that was asked for.
#[expect(clippy::result_large_err, reason = "the type is tungstenite's")]
fn check(
    request: &Request,
    mut response: Response,
    shared: &Mutex<Shared>,
) -> Result<Response, ErrorResponse> {
    let mut shared = shared.lock().unwrap();
    let header = |name| {
        let value = request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        value.unwrap_or_default()
    };
    let path = request.uri().to_string();
    shared.handshakes.push((path, header("authorization"), header("sec-websocket-protocol")));
    if let Some(status) = shared.status {
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = status.try_into().unwrap();
        return Err(refusal);
    }
    let protocol = HeaderValue::from_static("tideline.v1");
    response.headers_mut().insert("sec-websocket-protocol", protocol);
    Ok(response)
}

/// Who opened the newest connection, by the claims of the token.
fn alice_or_bob(handshakes: &[(String, String, String)]) -> String {
    let token = handshakes.last().unwrap().1.strip_prefix("Bearer ").unwrap();
    let validation = {
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
        validation.set_required_spec_claims(&["sub", "exp"]);
        validation
    };
    let key = jsonwebtoken::DecodingKey::from_secret(b"s3cret");
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims;
    claims["sub"].as_str().unwrap().to_owned()
}

/// Answers a frame; `None` closes the connection.
fn answer(shared: &mut Shared, user: &str, request: &Value) -> Option<String> {
    let id = &request["id"];
    let ok = match request["action"].as_str().unwrap() {
        "sync" => sync(shared, request),
        "history" => history(shared, request),
        "conversations" => conversations(shared),
        "read" | "receipts" | "recall" => {
            shared.requests.push(request.clone());
            remembered(shared, user, request)
        }
        "group" | "signal" => {
            shared.requests.push(request.clone());
            match request["op"].as_str() {
                Some("join") => {
                    let error = json!({"code": 403, "name": "forbidden", "message": "not yours"});
                    return Some(json!({"re": id, "error": error}).to_string());
                }
                Some(_) => group(request),
                None => json!({"until": 7_200_000}),
            }
        }
        "send" => match shared.faults.pop_front() {
            Some(Fault::Forbidden) => {
                let error = json!({"code": 403, "name": "forbidden", "message": "not yours"});
                return Some(json!({"re": id, "error": error}).to_string());
            }
            Some(Fault::KeptAndClosed) => {
                send(shared, user, request);
                return None;
            }
            None => send(shared, user, request),
        },
        other => panic!("no such route: {other}"),
    };
    Some(json!({"re": id, "ok": ok}).to_string())
}

/// A group of three, of whom a page holds two.
fn group(request: &Value) -> Value {
    let (members, page) = match request["page"].as_str() {
        None => (
            json!([{"user": "alice", "role": "owner"}, {"user": "bob", "role": "member"}]),
            json!("bob"),
        ),
        Some(_) => (json!([{"user": "cy", "role": "member"}]), Value::Null),
    };
    json!({"conversation": GROUP, "title": "tea", "version": 1, "history": "start", "open": false,
        "count": 3, "members": members, "page": page})
}

fn sync(shared: &Shared, request: &Value) -> Value {
    let tail = shared.log.len();
    let Some(cursor) = request["cursor"].as_u64() else {
        let conversations = match tail {
            0 => json!([]),
            _ => json!([{"conversation": CONVERSATION, "tail": tail}]),
        };
        return json!({"entries": [], "cursor": tail, "more": false, "reset": true,
            "conversations": conversations, "tail": tail, "seen": 1});
    };
    let entries = shared.log.iter().skip(usize::try_from(cursor).unwrap()).map(|message| {
        let mut entry = message.clone();
        entry["q"] = entry["seq"].clone();
        entry
    });
    json!({"entries": entries.collect::<Vec<_>>(), "cursor": tail, "more": false, "reset": false,
        "conversations": [], "tail": tail, "seen": 1})
}

fn history(shared: &Shared, request: &Value) -> Value {
    let tail = shared.log.len() as u64;
    let (first, last) = match request["range"].as_array() {
        Some(range) => (range[0].as_u64().unwrap(), range[1].as_u64().unwrap()),
        None => (1, request["before"].as_u64().map_or(tail, |before| before - 1)),
    };
    let is_part = |message: &&Value| (first..=last).contains(&message["seq"].as_u64().unwrap());
    let messages: Vec<&Value> = shared.log.iter().filter(is_part).collect();
    json!({"messages": messages, "first": 1, "last": tail, "missing": [], "more": false})
}

/// The one conversation, of which nothing is read.
fn conversations(shared: &Shared) -> Value {
    let tail = shared.log.len();
    let rows = shared.log.last().map(|last| {
        json!({"conversation": CONVERSATION, "type": "direct", "tail": tail, "read": 0,
            "unread": tail, "muted": false, "last": last})
    });
    json!({"conversations": rows.into_iter().collect::<Vec<_>>(), "unread": tail})
}

/// A position, who has read, or the event that takes a message back.
fn remembered(shared: &mut Shared, user: &str, request: &Value) -> Value {
    match request["action"].as_str().unwrap() {
        "read" => json!({"seq": request["seq"], "unread": 0}),
        "receipts" => match request["page"].as_str() {
            None => json!({"count": 2, "page": "alice",
                "readers": [{"user": "alice", "seq": 1, "at": 1_764_028_800_000_u64}]}),
            Some(_) => json!({"count": 2,
                "readers": [{"user": "bob", "seq": 2, "at": 1_764_028_860_000_u64}]}),
        },
        _ => {
            let body = request.get("body").cloned();
            let kind = if body.is_some() { "edit" } else { "recall" };
            let body = body.unwrap_or_else(|| json!({}));
            keep(shared, user, request["cid"].as_str().unwrap(), &body);
            let event = shared.log.last_mut().unwrap();
            (event["kind"], event["target"]) = (kind.into(), request["seq"].clone());
            json!({"conversation": CONVERSATION, "seq": event["seq"], "at": 7, "duplicate": false})
        }
    }
}

fn send(shared: &mut Shared, user: &str, request: &Value) -> Value {
    let cid = request["cid"].as_str().unwrap();
    let kept = shared.log.iter().find(|message| message["cid"] == cid).cloned();
    let duplicate = kept.is_some();
    let message = kept.unwrap_or_else(|| keep(shared, user, cid, &request["body"]));
    json!({"conversation": CONVERSATION, "seq": message["seq"], "at": 7, "duplicate": duplicate})
}

fn keep(shared: &mut Shared, from: &str, cid: &str, body: &Value) -> Value {
    let seq = shared.log.len() + 1;
    let cid = match cid {
        "" => format!("01935b2e-7c1a-7def-8123-{seq:012}"),
        cid => cid.to_owned(),
    };
    let message = json!({"conversation": CONVERSATION, "seq": seq, "cid": cid, "from": from,
        "at": 7, "kind": "text", "body": body});
    shared.log.push(message.clone());
    message
}
