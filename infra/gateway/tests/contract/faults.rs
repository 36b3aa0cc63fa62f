//! What can be made to go wrong, and that nothing else does.

use gateway::Fault;
use serde_json::json;

use crate::http::Answer;
use crate::local::{Local, within};
use crate::socket::Received;

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

#[tokio::test]
async fn a_post_overtakes_one_that_is_slow() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    // For longer than any test.
    let slow = fault("slow-posts:3600000ms:1");
    local.running.faults().arm(slow.clone());
    let late = local.manage("POST", &id, b"late");
    tokio::select! {
        _ = late => panic!("it is held back"),
        () = within(local.running.faults().fired_at_least(1)) => {}
    }
    local.running.faults().disarm(&slow);
    local.post(&id, "early").await;
    assert_eq!(socket.text().await, "early");
}

#[tokio::test]
async fn a_connection_may_be_cut_after_a_message_is_taken() {
    let mut local = Local::start().await;
    let (mut socket, id) = local.join("ada").await;
    local.running.faults().arm(fault("cut-connections:1"));
    socket.say(r#"{"action":"mutter"}"#).await;
    // No close frame.
    assert_eq!(socket.receive().await, Received::End);
    local.journal.next("mutter").await;
    let disconnect = local.journal.next("$disconnect").await;
    assert_eq!(disconnect.connection(), id);
    assert_eq!(disconnect.context()["disconnectStatusCode"], 1006);
}

#[tokio::test]
async fn a_random_kill_strikes_again_and_again() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    local.running.faults().arm(fault("kill:*:1"));
    let mut killed = Vec::new();
    // A request to a table, one to a topic, and a post.
    for action in ["note", "announce", "tell"] {
        socket.say(&json!({"action": action, "text": "hello"}).to_string()).await;
        while !socket.text().await.contains("Internal server error") {}
        killed.push(local.journal.next(action).await.process());
    }
    killed.dedup();
    assert_eq!(killed.len(), 3);
    assert_eq!(local.running.faults().struck()["kill:*:1"], 3);
    local.running.faults().disarm_all();
    socket.say(r#"{"action":"note","text":"hello"}"#).await;
    assert_eq!(socket.text().await, "noted");
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
