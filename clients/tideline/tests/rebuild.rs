//! `rebuild-index` against a small server of functions on a real socket.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

/// How long anything may take before a test fails.
const BOUND: Duration = Duration::from_secs(60);

/// What a server answers: headers beside the usual, and the body.
type Answer = (&'static str, Value);

/// What the function failed with is told by this header.
const FAILED: &str = "x-amz-function-error: Unhandled\r\n";

/// Runs the command for al's conversations against a server that gives these answers, one after the
/// other; its outcome, and what it asked for.
async fn rebuild(answers: Vec<Answer>) -> (Output, Vec<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut asked = Vec::new();
        for (headers, body) in answers {
            let (stream, _) = listener.accept().await.unwrap();
            asked.push(serve(stream, headers, &body.to_string()).await);
        }
        asked
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_tideline"));
    command.args(["rebuild-index", "--user", "al", "--lambda", &url]).stdin(Stdio::null());
    let output = tokio::time::timeout(BOUND, command.kill_on_drop(true).output()).await;
    let asked = tokio::time::timeout(BOUND, server).await.unwrap().unwrap();
    (output.unwrap().unwrap(), asked)
}

/// Answers one request, and ends the connection; the request's body.
async fn serve(stream: TcpStream, headers: &str, body: &str) -> Value {
    let mut stream = BufReader::new(stream);
    let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
    stream.read_line(&mut first).await.unwrap();
    assert_eq!(first, "POST /2015-03-31/functions/IndexFunction/invocations HTTP/1.1\r\n");
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).await.unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut event = vec![0; length];
    stream.read_exact(&mut event).await.unwrap();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    serde_json::from_slice(&event).unwrap()
}

fn user() -> Value {
    json!({"rebuild": {"user": "al"}})
}

fn next(conversation: &str, after: u64) -> Value {
    json!({"rebuild": {"user": "al", "conversation": conversation, "after": after}})
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn an_index_is_rebuilt_step_by_step_to_its_end() {
    let steps = [next("d~al~bo", 32_767), next("d~al~cy", 63)];
    let (output, asked) = rebuild(vec![
        ("", json!({"blocks": 512, "next": steps[0]})),
        ("", json!({"blocks": 7, "next": steps[1]})),
        ("", json!({"blocks": 1})),
    ])
    .await;
    assert!(output.status.success(), "{}", complaint(&output));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(done, json!({"blocks": 520, "steps": 3}));
    assert_eq!(asked, [user(), steps[0].clone(), steps[1].clone()]);
    let complaint = complaint(&output);
    let progress = ["512 blocks; goes on in d~al~bo after message 32767", "519 blocks"];
    assert!(progress.iter().all(|part| complaint.contains(part)), "{complaint}");
}

#[tokio::test]
async fn a_function_that_fails_or_does_not_go_on_is_not_asked_for_ever() {
    let failure = json!({"errorType": "invalid", "errorMessage": "not a user"});
    for (answer, expected) in [
        ((FAILED, failure), "refused (HTTP 200): not a user"),
        (("", json!({"blocks": 1, "next": user()})), "not done after 1 blocks"),
        (("", json!("what?")), "not that of the function"),
    ] {
        let (output, asked) = rebuild(vec![answer]).await;
        assert_eq!((output.status.code(), asked.len()), (Some(1), 1));
        assert!(complaint(&output).contains(expected), "{}", complaint(&output));
    }
}
