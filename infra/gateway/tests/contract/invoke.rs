//! Lambda's `Invoke`: a function that is called directly.

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::local::Local;

/// Invokes a function, as `kind` says, with an event.
async fn invoke(local: &Local, function: &str, kind: &str, event: &[u8]) -> Answer {
    let path = format!("/2015-03-31/functions/{function}/invocations");
    let request = Request::new("POST", &path).header("x-amz-invocation-type", kind);
    request.signed().body(event).send(&local.address()).await
}

/// An event whose function does as the script says.
fn scripted(script: &Value) -> Vec<u8> {
    json!({ "body": json!({ "script": script }).to_string() }).to_string().into_bytes()
}

#[tokio::test]
async fn what_the_function_returns_is_the_answer() {
    let local = Local::start().await;
    let event = scripted(&json!({ "answer": { "deep": [1, "é"] } }));
    let answer = invoke(&local, "Room", "RequestResponse", &event).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "deep": [1, "é"] })));
    assert_eq!(answer.header("x-amz-executed-version"), Some("$LATEST"));
    assert_eq!(answer.header("x-amz-function-error"), None);
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:Room";
    assert_eq!(invoke(&local, arn, "RequestResponse", &event).await.json()["deep"][0], 1);
}

#[tokio::test]
async fn a_function_that_fails_is_told_by_a_header_and_a_200() {
    let local = Local::start().await;
    let event = scripted(&json!({ "error": "not today" }));
    let answer = invoke(&local, "Room", "RequestResponse", &event).await;
    assert_eq!((answer.status, answer.header("x-amz-function-error")), (200, Some("Unhandled")));
    assert_eq!(answer.json()["errorMessage"], "not today");
    let crash = scripted(&json!({ "exit": 1 }));
    let answer = invoke(&local, "Room", "RequestResponse", &crash).await;
    assert_eq!((answer.status, answer.header("x-amz-function-error")), (200, Some("Unhandled")));
    assert_eq!(answer.json()["errorType"], "Runtime.ExitError");
}

#[tokio::test]
async fn an_event_is_accepted_and_invoked_in_the_background() {
    let mut local = Local::start().await;
    let event = json!({ "requestContext": { "routeKey": "none" }, "n": 7 }).to_string();
    let answer = invoke(&local, "Room", "Event", event.as_bytes()).await;
    assert_eq!((answer.status, answer.text()), (202, String::new()));
    assert_eq!(local.journal.next("none").await.event()["n"], 7);
}

#[tokio::test]
async fn a_dry_run_invokes_nothing() {
    let mut local = Local::start().await;
    let event = json!({ "requestContext": { "routeKey": "dry" } }).to_string();
    assert_eq!(invoke(&local, "Room", "DryRun", event.as_bytes()).await.status, 204);
    let event = json!({ "requestContext": { "routeKey": "real" } }).to_string();
    invoke(&local, "Room", "RequestResponse", event.as_bytes()).await;
    assert_eq!(local.journal.any().await.route(), "real");
}

#[tokio::test]
async fn what_cannot_be_invoked_is_refused() {
    let local = Local::start().await;
    let check = |answer: Answer, status: u16, kind: &str| {
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("x-amzn-errortype"), Some(kind));
    };
    let nobody = invoke(&local, "Nobody", "RequestResponse", b"{}").await;
    check(nobody, 404, "ResourceNotFoundException");
    let nonsense = invoke(&local, "Room", "RequestResponse", b"{").await;
    check(nonsense, 400, "InvalidRequestContentException");
    let large = vec![b' '; 6 * 1024 * 1024 + 1];
    let large = invoke(&local, "Room", "RequestResponse", &large).await;
    check(large, 413, "RequestTooLargeException");
    let path = "/2015-03-31/functions/Room/invocations";
    let unsigned = Request::new("POST", path).body(b"{}").send(&local.address()).await;
    check(unsigned, 403, "MissingAuthenticationTokenException");
    let read = Request::new("GET", path).signed().send(&local.address()).await;
    check(read, 405, "MethodNotAllowedException");
}
