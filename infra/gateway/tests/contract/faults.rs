//! What can be made to go wrong, and that nothing else does.

use gateway::Fault;
use serde_json::json;

use crate::http::Answer;
use crate::local::{Local, within};

/// The fault that `text` spells.
pub(crate) fn fault(text: &str) -> Fault {
    text.parse().unwrap()
}

/// Posts "lost" to a connection with `armed`, then "kept" without; how the first was answered.
async fn posted_with(armed: &str) -> Answer {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    local.running.faults().arm(fault(armed));
    let answer = local.manage("POST", &id, b"lost").await;
    local.running.faults().disarm(&fault(armed));
    local.post(&id, "kept").await;
    assert_eq!(socket.text().await, "kept");
    answer
}

#[tokio::test]
async fn a_lost_post_is_answered_as_if_it_had_been_sent() {
    let answer = posted_with("lose-posts:1").await;
    assert_eq!((answer.status, answer.text()), (200, String::new()));
}

#[tokio::test]
async fn a_post_may_be_gone_though_the_connection_is_there() {
    let answer = posted_with("gone-posts:1").await;
    assert_eq!(answer.status, 410);
    assert_eq!(answer.header("x-amzn-ErrorType"), Some("GoneException"));
}

#[tokio::test]
async fn a_post_may_be_throttled() {
    let answer = posted_with("throttle-posts:1").await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("x-amzn-ErrorType"), Some("LimitExceededException"));
}

#[tokio::test]
async fn a_slow_post_still_arrives() {
    let mut local = Local::with(|settings| settings.faults = vec![fault("slow-posts:20ms")]).await;
    let (mut socket, id) = local.join("ada").await;
    local.post(&id, "late").await;
    assert_eq!(socket.text().await, "late");
    assert!(local.running.faults().fired() >= 1);
}

/// Says something that `Room` posts back, with a kill armed; the process that was killed.
async fn told_with_kill(local: &mut Local, armed: &str) -> Vec<String> {
    let (mut socket, _) = local.join("ada").await;
    local.running.faults().arm(fault(armed));
    socket.say(r#"{"action":"tell","text":"posted"}"#).await;
    within(local.running.faults().fired_at_least(1)).await;
    let killed = local.journal.next("tell").await.process();
    let mut heard = Vec::new();
    loop {
        let text = socket.text().await;
        let is_failure = text.contains("Internal server error");
        heard.push(text);
        if is_failure {
            break;
        }
    }
    assert_eq!(local.running.faults().armed(), []);
    // The next message is served by another process, and is not killed.
    socket.say(r#"{"action":"tell","text":"next"}"#).await;
    assert_eq!(socket.text().await, "next");
    assert_ne!(local.journal.next("tell").await.process(), killed);
    heard.pop();
    heard
}

#[tokio::test]
async fn a_kill_before_a_post_leaves_it_undone() {
    let mut local = Local::start().await;
    assert_eq!(told_with_kill(&mut local, "kill:Room:before:post:1").await, [""; 0]);
}

#[tokio::test]
async fn a_kill_after_a_post_leaves_it_done() {
    let mut local = Local::start().await;
    assert_eq!(told_with_kill(&mut local, "kill:Room:after:post:1").await, ["posted"]);
}

#[tokio::test]
async fn a_kill_counts_the_posts_of_its_function_only() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    local.running.faults().arm(fault("kill:Room:before:post:2"));
    // Not the function's: whoever posts from outside is never killed nor counted.
    local.post(&id, "outside").await;
    assert_eq!(socket.text().await, "outside");
    for text in ["one", "two"] {
        socket.say(&json!({"action": "tell", "text": text}).to_string()).await;
        if text == "one" {
            assert_eq!(socket.text().await, "one");
        }
    }
    assert_eq!(socket.json().await["message"], "Internal server error");
}
