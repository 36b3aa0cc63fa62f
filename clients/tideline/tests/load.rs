//! A load of a group against a small server on a real socket, honest or not.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{
    Callback, ErrorResponse, Request, Response,
};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};

const GROUP: &str = "g~01935b2e-7c1a-7def-8123-000000000001";

/// How long a load may take before its test fails.
const BOUND: Duration = Duration::from_secs(60);

/// The place at which the server lies.
const PLACE: usize = 5;

/// How many messages a page of the history has.
const PAGE: usize = 10;

/// How many handshakes are refused.
const REFUSALS: usize = 4;

/// What the server does to its one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    None,
    /// A message is kept twice.
    Double,
    /// Who wrote neither of two messages is shown the second in the place of the first.
    Swap,
    /// Everyone is shown what they should, and one message is not kept.
    Forget,
    /// The first handshakes are refused, and nobody is to notice.
    Refuse,
}

/// What is kept: the group's log, which is everyone's inbox as well.
struct Kept {
    lie: Lie,
    /// Handshakes that were refused.
    refused: usize,
    log: Vec<Value>,
}

impl Kept {
    fn keep(&mut self, from: &str, kind: &str, cid: &Value, body: &Value) -> usize {
        let copies = if self.lie == Lie::Double && self.log.len() + 1 == PLACE { 2 } else { 1 };
        let first = self.log.len() + 1;
        for seq in first..first + copies {
            self.log.push(json!({"conversation": GROUP, "seq": seq, "q": seq, "cid": cid,
                "from": from, "at": 1, "kind": kind, "body": body}));
        }
        first
    }

    /// The log as a user is shown it.
    fn view(&self, user: &str) -> Vec<Value> {
        let mut view = self.log.clone();
        if self.lie == Lie::Swap && view.len() == PLACE {
            // Held back until there is another to be shown in its place.
            view.truncate(PLACE - 1);
        }
        let is_lied_to = || view[PLACE - 1]["from"] != user && view[PLACE]["from"] != user;
        if self.lie == Lie::Swap && view.len() > PLACE && is_lied_to() {
            for field in ["cid", "from", "body"] {
                let (one, other) = (view[PLACE - 1][field].take(), view[PLACE][field].take());
                (view[PLACE - 1][field], view[PLACE][field]) = (other, one);
            }
        }
        view
    }

    fn answer(&mut self, user: &str, request: &Value) -> Value {
        let view = self.view(user);
        let tail = view.len();
        match request["action"].as_str().unwrap() {
            "sync" => {
                let cursor = request["cursor"].as_u64();
                let skip = cursor.map_or(tail, |cursor| usize::try_from(cursor).unwrap());
                json!({"entries": view[skip..], "cursor": tail, "more": false,
                    "reset": cursor.is_none(), "conversations": [], "tail": tail, "seen": 1})
            }
            "history" if request["after"].is_u64() => {
                let after = usize::try_from(request["after"].as_u64().unwrap()).unwrap();
                let end = tail.min(after + PAGE);
                let mut page = view[after..end].to_vec();
                if self.lie == Lie::Forget {
                    page.retain(|message| message["seq"] != PLACE);
                }
                json!({"messages": page, "first": 1, "last": tail, "missing": [],
                    "more": end < tail})
            }
            "history" => {
                let bound = |index: usize| request["range"][index].as_u64().unwrap() as usize;
                json!({"messages": view[bound(0) - 1..bound(1).min(tail)], "first": 1,
                    "last": tail, "missing": [], "more": false})
            }
            "conversations" => json!({"conversations": [], "unread": 0}),
            "group" => {
                let body = json!({"users": request["members"], "title": "load"});
                self.keep(user, "join", &request["cid"], &body);
                json!({"conversation": GROUP, "version": 1, "history": "start", "open": false,
                    "count": 3, "members": []})
            }
            "send" => {
                let is_it = |kept: &&Value| kept["cid"] == request["cid"];
                let kept = self.log.iter().find(is_it).map(|kept| kept["seq"].clone());
                let duplicate = kept.is_some();
                let seq = kept.unwrap_or_else(|| {
                    self.keep(user, "text", &request["cid"], &request["body"]).into()
                });
                json!({"conversation": GROUP, "seq": seq, "at": 1, "duplicate": duplicate})
            }
            other => panic!("no such route: {other}"),
        }
    }
}

/// Finds the user in the token, and picks the subprotocol.
struct Greeting {
    user: Arc<Mutex<String>>,
    kept: Arc<Mutex<Kept>>,
}

impl Callback for Greeting {
    fn on_request(
        self,
        request: &Request,
        mut response: Response,
    ) -> Result<Response, ErrorResponse> {
        let mut kept = self.kept.lock().unwrap();
        if kept.lie == Lie::Refuse && kept.refused < REFUSALS {
            let statuses = [StatusCode::TOO_MANY_REQUESTS, StatusCode::INTERNAL_SERVER_ERROR];
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = statuses[kept.refused % 2];
            kept.refused += 1;
            return Err(refusal);
        }
        let token = request.headers()["authorization"].to_str().unwrap();
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
        validation.set_required_spec_claims(&["sub", "exp"]);
        let key = jsonwebtoken::DecodingKey::from_secret(b"s3cret");
        let token = token.strip_prefix("Bearer ").unwrap();
        let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims;
        claims["sub"].as_str().unwrap().clone_into(&mut self.user.lock().unwrap());
        let protocol = HeaderValue::from_static("tideline.v1");
        response.headers_mut().insert("sec-websocket-protocol", protocol);
        Ok(response)
    }
}

async fn serve(stream: TcpStream, kept: Arc<Mutex<Kept>>, news: broadcast::Sender<()>) {
    let user = Arc::new(Mutex::new(String::new()));
    let greeting = Greeting { user: Arc::clone(&user), kept: Arc::clone(&kept) };
    let mut grown = news.subscribe();
    let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, greeting).await else {
        return;
    };
    let user = user.lock().unwrap().clone();
    let mut pushed = kept.lock().unwrap().log.len();
    loop {
        let frames: Vec<Value> = tokio::select! {
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) => {
                    let request: Value = serde_json::from_str(&text).unwrap();
                    let ok = kept.lock().unwrap().answer(&user, &request);
                    // Everyone is connected as long as this is.
                    let _ = news.send(());
                    vec![json!({"re": request["id"], "ok": ok})]
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
            _ = grown.recv() => {
                let mut view = kept.lock().unwrap().view(&user);
                let mut new = view.split_off(pushed);
                pushed += new.len();
                for message in &mut new {
                    message["event"] = json!("message");
                }
                new
            }
        };
        for frame in frames {
            if socket.send(Message::text(frame.to_string())).await.is_err() {
                return;
            }
        }
    }
}

/// Runs a load of a group of three against a server that lies so.
async fn load(lie: Lie) -> Output {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/v1", listener.local_addr().unwrap());
    let kept = Arc::new(Mutex::new(Kept { lie, refused: 0, log: Vec::new() }));
    let (news, _) = broadcast::channel(1_024);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&kept), news.clone()));
        }
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_tideline"));
    command.args(["load", "--groups", "1", "--members", "3", "--rate", "20", "--duration", "1"]);
    command.args(["--audit", "--json", "--key", "s3cret", "--url", &url]).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    tokio::time::timeout(BOUND, command.output()).await.expect("the load ends").unwrap()
}

fn report(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no report: {error}"))
}

#[tokio::test]
async fn a_group_whose_server_is_honest_is_found_to_be_whole() {
    let output = load(Lie::None).await;
    let report = report(&output);
    assert!(output.status.success(), "{report}");
    assert_eq!((&report["groups"], &report["members"]), (&1.into(), &3.into()));
    let sent = report["sent"].as_u64().unwrap();
    assert!(sent > 0, "{report}");
    assert_eq!((&report["acked"], &report["received"]), (&sent.into(), &(2 * sent).into()));
}

#[tokio::test]
async fn a_server_that_forgets_what_it_has_shown_is_found_out_by_the_audit() {
    let whole = report(&load(Lie::None).await);
    // The event that made the group included.
    assert_eq!(whole["audited"], whole["sent"].as_u64().unwrap() + 1, "{whole}");
    let output = load(Lie::Forget).await;
    let report = report(&output);
    assert_eq!(output.status.code(), Some(1), "{report}");
    assert_eq!(report["lost"], 1, "{report}");
    assert_eq!(report["received"], 2 * report["sent"].as_u64().unwrap(), "{report}");
}

#[tokio::test]
async fn who_is_refused_at_first_tries_again() {
    let output = load(Lie::Refuse).await;
    let report = report(&output);
    assert!(output.status.success(), "{report}");
    assert_eq!(report["reconnects"], REFUSALS, "{report}");
}

#[tokio::test]
async fn a_server_that_keeps_a_message_twice_is_found_out() {
    let output = load(Lie::Double).await;
    let report = report(&output);
    assert_eq!(output.status.code(), Some(1), "{report}");
    assert_eq!(report["doubled"], 4, "once at each member, and in the history: {report}");
}

#[tokio::test]
async fn a_server_that_shows_one_member_another_order_is_found_out() {
    let output = load(Lie::Swap).await;
    let report = report(&output);
    assert_eq!(output.status.code(), Some(1), "{report}");
    assert!(report["disordered"].as_u64().unwrap() >= 2, "{report}");
}
