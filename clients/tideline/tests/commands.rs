//! The binary itself, against a small server on a real socket.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod server;

use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use server::{CONVERSATION, Fault, GROUP, Server};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

/// How long anything may take before a test fails.
const BOUND: Duration = Duration::from_secs(60);

/// A directory for devices, and a server.
struct Desk {
    state: TempDir,
    server: Server,
}

impl Desk {
    async fn new() -> Self {
        Self { state: tempfile::tempdir().unwrap(), server: Server::start().await }
    }

    /// A command that talks to the server.
    fn command(&self, line: &str) -> Command {
        let mut command = tideline(line);
        command.args(["--url", &self.server.url, "--key", "s3cret", "--state"]);
        command.arg(self.state.path());
        command
    }

    async fn run(&self, line: &str) -> Output {
        finish(self.command(line)).await
    }
}

fn tideline(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tideline"));
    command.args(line.split(' ')).kill_on_drop(true);
    for name in ["TIDELINE_URL", "TIDELINE_TOKEN", "TIDELINE_PLATFORM"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn finish(mut command: Command) -> Output {
    tokio::time::timeout(BOUND, command.output()).await.expect("the command ends").unwrap()
}

/// What was printed, a value per line.
fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The sequences and texts that were printed.
fn texts(output: &Output) -> Vec<String> {
    let text = |line: &Value| format!("{} {}", line["seq"], line["body"]["text"].as_str().unwrap());
    lines(output).iter().map(text).collect()
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn a_token_is_printed_alone() {
    let output = finish(tideline("token alice --key s3cret")).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert_eq!((text.lines().count(), text.trim().split('.').count()), (1, 3), "{text}");
}

#[tokio::test]
async fn a_wrong_command_line_is_told_apart_from_a_failure() {
    assert_eq!(finish(tideline("send --as alice")).await.status.code(), Some(2));
    let folder = tempfile::tempdir().unwrap();
    let mut elsewhere = tideline("send --as alice --to bob --key k --url http://x hi --state");
    elsewhere.arg(folder.path());
    let output = finish(elsewhere).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("begins with ws://"), "{}", complaint(&output));
}

#[tokio::test]
async fn a_message_is_sent_and_its_place_printed() {
    let desk = Desk::new().await;
    let output = desk.run("send --as alice --to bob hello").await;
    assert!(output.status.success(), "{}", complaint(&output));
    let lines = lines(&output);
    assert_eq!(lines.len(), 1);
    let shared = desk.server.shared.lock().unwrap();
    assert_eq!(lines[0]["cid"], shared.log[0]["cid"]);
    assert_eq!((&lines[0]["conversation"], &lines[0]["seq"]), (&CONVERSATION.into(), &1.into()));
    assert_eq!((&lines[0]["at"], &lines[0]["duplicate"]), (&7.into(), &false.into()));
    let (path, authorization, protocol) = &shared.handshakes[0];
    assert!(path.starts_with("/v1?device="), "{path}");
    assert!(authorization.starts_with("Bearer "));
    assert_eq!(protocol, "tideline.v1");
}

#[tokio::test]
async fn each_line_of_standard_input_is_a_message() {
    let desk = Desk::new().await;
    let mut child =
        desk.command("send --as alice --to bob -").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"one\ntwo\nthree\n").await.unwrap();
    let output = tokio::time::timeout(BOUND, child.wait_with_output()).await.unwrap().unwrap();
    let seqs: Vec<u64> = lines(&output).iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [1, 2, 3]);
    let shared = desk.server.shared.lock().unwrap();
    let texts: Vec<&str> = shared.log.iter().map(|m| m["body"]["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["one", "two", "three"]);
}

#[tokio::test]
async fn a_lost_connection_is_survived_and_the_message_kept_once() {
    let desk = Desk::new().await;
    desk.server.shared.lock().unwrap().faults.push_back(Fault::KeptAndClosed);
    let output = desk.run("send --as alice --to bob hello").await;
    assert!(output.status.success(), "{}", complaint(&output));
    assert_eq!(lines(&output)[0]["seq"], 1);
    let shared = desk.server.shared.lock().unwrap();
    assert_eq!((shared.log.len(), shared.handshakes.len()), (1, 2));
}

#[tokio::test]
async fn a_message_that_is_not_kept_in_time_is_sent_by_the_next_command() {
    let desk = Desk::new().await;
    let mut nowhere = tideline("send --as alice --to bob first --timeout 0.2 --key s3cret");
    nowhere.args(["--url", "ws://127.0.0.1:1/v1", "--state"]).arg(desk.state.path());
    let output = finish(nowhere).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("not kept yet: 1"), "{}", complaint(&output));
    let output = desk.run("send --as alice --to bob second").await;
    assert_eq!(lines(&output).len(), 2, "{}", complaint(&output));
    let shared = desk.server.shared.lock().unwrap();
    assert_eq!(shared.log[0]["body"]["text"], "first");
}

#[tokio::test]
async fn why_a_server_is_not_reached_is_said() {
    let desk = Desk::new().await;
    // Nobody listens on port 1; the small server speaks no TLS.
    let plain = desk.server.url.replace("ws://", "wss://");
    for (url, cause) in [("wss://127.0.0.1:1/v1", "refused"), (plain.as_str(), "tls handshake")] {
        let mut nowhere = tideline("listen --as alice --key s3cret");
        nowhere.args(["--url", url, "--state"]).arg(desk.state.path());
        let mut child = nowhere.spawn().unwrap();
        let mut complaints = BufReader::new(child.stderr.take().unwrap()).lines();
        let complaint = tokio::time::timeout(BOUND, complaints.next_line()).await.unwrap();
        let complaint = complaint.unwrap().unwrap();
        assert!(complaint.contains(&format!("no connection to {url} (")), "{complaint}");
        assert!(complaint.contains(cause), "{complaint}");
        // The device is free for the next one once this one is gone.
        child.kill().await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_message_is_a_failure() {
    let desk = Desk::new().await;
    desk.server.shared.lock().unwrap().faults.push_back(Fault::Forbidden);
    let output = desk.run("send --as alice --to bob hello").await;
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("not yours"), "{}", complaint(&output));
}

#[tokio::test]
async fn a_refused_token_is_said_and_not_tried_for_ever() {
    for (status, handshakes) in [(401, 2), (403, 1)] {
        let desk = Desk::new().await;
        desk.server.shared.lock().unwrap().status = Some(status);
        let output = desk.run("listen --as bob").await;
        assert_eq!(output.status.code(), Some(1));
        let complaint = complaint(&output);
        assert!(complaint.contains(&format!("refused the token (HTTP {status})")), "{complaint}");
        assert_eq!(desk.server.shared.lock().unwrap().handshakes.len(), handshakes);
    }
}

#[tokio::test]
async fn a_kicked_device_says_so_and_is_not_tried_again() {
    for line in ["listen --as bob", "chat --as bob --with alice"] {
        let desk = Desk::new().await;
        desk.server.say("alice", "before");
        let mut command = desk.command(line);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        // The input stays open: it is not its end that ends a chat.
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(next(&mut output).await.contains("before"), "{line}");
        desk.server.kick("platform");
        let ended = tokio::time::timeout(BOUND, child.wait_with_output()).await.unwrap().unwrap();
        drop(input);
        assert_eq!(ended.status.code(), Some(1), "{line}");
        let complaint = complaint(&ended);
        assert!(complaint.contains("kicked: another one of its platform"), "{line}: {complaint}");
        assert_eq!(desk.server.shared.lock().unwrap().handshakes.len(), 1, "{line}");
    }
}

#[tokio::test]
async fn a_device_says_what_it_runs_on_if_it_is_told() {
    let desk = Desk::new().await;
    desk.run("sync --as bob").await;
    desk.run("sync --as bob --platform web").await;
    let handshakes = desk.server.shared.lock().unwrap().handshakes.clone();
    let paths: Vec<_> = handshakes.into_iter().map(|handshake| handshake.0).collect();
    assert!(!paths[0].contains("platform"), "{paths:?}");
    assert!(paths[1].ends_with("&platform=web"), "{paths:?}");
    let wrong = desk.run("sync --as bob --platform iOS").await;
    assert_eq!(wrong.status.code(), Some(2));
}

#[tokio::test]
async fn messages_are_listened_to_once_over_several_runs() {
    let desk = Desk::new().await;
    desk.server.say("alice", "one");
    desk.server.say("alice", "two");
    let output = desk.run("listen --as bob --count 1").await;
    assert_eq!(texts(&output), ["1 one"], "{}", complaint(&output));
    let output = desk.run("listen --as bob --count 1").await;
    assert_eq!(texts(&output), ["2 two"], "{}", complaint(&output));
    desk.server.say("alice", "three");
    assert_eq!(texts(&desk.run("sync --as bob").await), ["3 three"]);
    assert_eq!(texts(&desk.run("sync --as bob").await), Vec::<String>::new());
    assert!(desk.run("listen --as bob --idle 0.1").await.status.success());
}

#[tokio::test]
async fn a_message_is_printed_as_it_comes() {
    let desk = Desk::new().await;
    desk.server.say("alice", "before");
    let mut child = desk.command("listen --as bob --count 2").spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(next(&mut output).await.contains("before"));
    desk.server.say("alice", "after");
    assert!(next(&mut output).await.contains("after"));
    assert!(ended(&mut child).await);
}

#[tokio::test]
async fn a_device_is_run_by_one_process() {
    let desk = Desk::new().await;
    desk.server.say("alice", "hello");
    let mut child = desk.command("listen --as bob --count 2").spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    next(&mut output).await;
    let second = desk.run("sync --as bob").await;
    assert_eq!(second.status.code(), Some(1));
    assert!(complaint(&second).contains("another tideline runs as bob"), "{}", complaint(&second));
}

#[tokio::test]
async fn a_page_of_history_is_printed() {
    let desk = Desk::new().await;
    for text in ["one", "two", "three"] {
        desk.server.say("alice", text);
    }
    let output = desk.run("history --as bob --with alice --range 2:3").await;
    assert_eq!(texts(&output), ["2 two", "3 three"], "{}", complaint(&output));
    let output = desk.run("history --as bob --conversation d~alice~bob --before 3").await;
    assert_eq!(texts(&output), ["1 one", "2 two"], "{}", complaint(&output));
}

#[tokio::test]
async fn a_chat_without_a_terminal_is_plain_lines() {
    let desk = Desk::new().await;
    desk.server.say("bob", "are you there?");
    let mut child = desk.command("chat --as alice --to bob").stdin(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(next(&mut output).await, "bob: are you there?");
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"yes\n").await.unwrap();
    assert_eq!(next(&mut output).await, "alice: yes");
    drop(input);
    assert!(ended(&mut child).await);
}

#[tokio::test]
async fn a_group_is_made_and_printed_for_a_person_to_read() {
    let desk = Desk::new().await;
    let output = desk.run("group create tea bob cy --as alice --history join").await;
    assert!(output.status.success(), "{}", complaint(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with(&format!("{GROUP}\ntea: 3 members, closed")), "{text}");
    let shared = desk.server.shared.lock().unwrap();
    let request = &shared.requests[0];
    assert_eq!((&request["op"], &request["history"]), (&"create".into(), &"join".into()));
    assert_eq!(request["members"], json!(["bob", "cy"]));
    assert!(request["cid"].is_string());
}

#[tokio::test]
async fn all_pages_of_the_members_are_one_answer() {
    let desk = Desk::new().await;
    let output = desk.run(&format!("group members {GROUP} --as alice --json")).await;
    let group = &lines(&output)[0];
    let users: Vec<&Value> =
        group["members"].as_array().unwrap().iter().map(|member| &member["user"]).collect();
    assert_eq!(users, ["alice", "bob", "cy"]);
    assert!(group.get("page").is_none(), "{group}");
}

#[tokio::test]
async fn all_pages_of_the_readers_are_one_answer() {
    let desk = Desk::new().await;
    let receipts = &lines(&desk.run("receipts alice 1 --as bob --json").await)[0];
    let readers = receipts["readers"].as_array().unwrap();
    let users: Vec<_> = readers.iter().map(|reader| reader["user"].as_str().unwrap()).collect();
    assert_eq!((users, &receipts["count"]), (vec!["alice", "bob"], &2.into()));
    assert!(receipts.get("page").is_none(), "{receipts}");
    let output = desk.run("receipts alice 1 --as bob").await;
    let text = String::from_utf8(output.stdout).unwrap();
    let expected = "2 have read message 1\n  2025-11-25 00:00       1  alice\n  \
                    2025-11-25 00:01       2  bob\n";
    assert_eq!(text, expected);
}

#[tokio::test]
async fn what_is_not_there_cannot_be_read() {
    let desk = Desk::new().await;
    let output = desk.run("read alice --as bob").await;
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("nothing to read in d~alice~bob"), "{output:?}");
}

#[tokio::test]
async fn a_chat_begins_with_what_is_not_read_and_reads_it() {
    let desk = Desk::new().await;
    desk.server.say("bob", "are you there?");
    assert_eq!(texts(&desk.run("sync --as alice").await), ["1 are you there?"]);
    for expected in ["bob: are you there?\n", ""] {
        let output = desk.run("chat --as alice --to bob").await;
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
    let shared = desk.server.shared.lock().unwrap();
    let positions = shared.requests.iter().filter(|request| request["action"] == "read");
    assert_eq!(positions.map(|read| &read["seq"]).collect::<Vec<_>>(), [&json!(1)]);
}

#[tokio::test]
async fn a_chat_says_why_a_line_asks_for_nothing() {
    let desk = Desk::new().await;
    desk.server.say("bob", "hello");
    let mut child = desk.command("chat --as alice --to bob").stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"/recall\n/dance\n").await.unwrap();
    drop(input);
    let output = tokio::time::timeout(BOUND, child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let complaint = complaint(&output);
    for part in ["no message of yours", "the commands are /recall", "refused: 2 of"] {
        assert!(complaint.contains(part), "{part} is not in {complaint}");
    }
}

#[tokio::test]
async fn a_refused_request_about_a_group_is_a_failure() {
    let desk = Desk::new().await;
    let output = desk.run(&format!("group join {GROUP} --as bob")).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("not yours"), "{}", complaint(&output));
}

#[tokio::test]
async fn a_chat_looks_at_its_group_and_tells_its_events() {
    let desk = Desk::new().await;
    let line = format!("chat --as bob --conversation {GROUP}");
    let mut child = desk.command(&line).stdin(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let event = |seq: u64, kind: &str, body: Value| {
        let cid = format!("01935b2e-7c1a-7def-8123-{seq:012}");
        json!({"conversation": GROUP, "seq": seq, "cid": cid, "from": "alice", "at": 7,
            "kind": kind, "large": true, "body": body})
    };
    until(&desk, |shared| !shared.handshakes.is_empty()).await;
    desk.server.push(&event(1, "join", json!({"users": ["bob"], "title": "tea"})));
    assert_eq!(next(&mut output).await, "* alice made the group tea with bob");
    until(&desk, |shared| shared.requests.iter().any(|r| r["kind"] == "focus")).await;
    desk.server.push(&event(2, "text", json!({"text": "welcome"})));
    assert_eq!(next(&mut output).await, "alice: welcome");
}

/// Waits until the server saw something.
async fn until(desk: &Desk, is_so: impl Fn(&server::Shared) -> bool) {
    let mut news = desk.server.seen.subscribe();
    let seen = async {
        while !is_so(&desk.server.shared.lock().unwrap()) {
            news.changed().await.unwrap();
        }
    };
    tokio::time::timeout(BOUND, seen).await.unwrap();
}

/// The next line of a child's output.
async fn next(lines: &mut tokio::io::Lines<BufReader<tokio::process::ChildStdout>>) -> String {
    tokio::time::timeout(BOUND, lines.next_line()).await.unwrap().unwrap().unwrap()
}

/// Whether a child ends well.
async fn ended(child: &mut Child) -> bool {
    tokio::time::timeout(BOUND, child.wait()).await.unwrap().unwrap().success()
}
