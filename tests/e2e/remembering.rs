//! What the command line remembers: two people, each with a device in a directory of its own.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Town, within};

use crate::command_line::{Running, run, say, see, tideline};

/// A running gateway, and where devices are kept.
struct Desk {
    town: Town,
    state: TempDir,
}

impl Desk {
    async fn new() -> Self {
        Self { town: Town::start().await, state: tempfile::tempdir().unwrap() }
    }

    /// Runs a command to its end; the JSON lines it prints.
    async fn run(&self, line: &str) -> Vec<Value> {
        let arguments: Vec<&str> = line.split(' ').collect();
        run(tideline(&self.town, self.state.path(), &arguments)).await
    }

    /// Runs a command on another device.
    async fn elsewhere(&self, folder: &Path, line: &str) -> Vec<Value> {
        let arguments: Vec<&str> = line.split(' ').collect();
        run(tideline(&self.town, folder, &arguments)).await
    }

    /// Starts a command that goes on; its input stays open.
    fn start(&self, line: &str) -> Running {
        let arguments: Vec<&str> = line.split(' ').collect();
        let mut command = tideline(&self.town, self.state.path(), &arguments);
        command.stdin(Stdio::piped());
        Running::start(command)
    }

    /// What a command prints for a person.
    async fn print(&self, line: &str) -> String {
        let arguments: Vec<&str> = line.split(' ').collect();
        let mut command = tideline(&self.town, self.state.path(), &arguments);
        let output = within(command.output()).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Alice says so many things to bob: `number 1` and so on.
    async fn say(&self, count: u64) {
        for number in 1..=count {
            self.run(&format!("send --as alice --to bob number-{number}")).await;
        }
    }

    /// What is not read: in all, and in the conversation that was active last.
    async fn unread(&self, user: &str) -> (u64, u64) {
        unread(&self.run(&format!("conversations --as {user} --json")).await[0])
    }
}

fn unread(list: &Value) -> (u64, u64) {
    let number = |value: &Value| value.as_u64().unwrap();
    (number(&list["unread"]), number(&list["conversations"][0]["unread"]))
}

/// The sequences and texts of messages; of an event, its kind and what it is about.
fn told(messages: &[Value]) -> Vec<String> {
    let line = |message: &Value| match message["target"].as_u64() {
        Some(target) => {
            format!("{} {} {target}", message["seq"], message["kind"].as_str().unwrap())
        }
        None => format!("{} {}", message["seq"], message["body"]["text"].as_str().unwrap_or("-")),
    };
    messages.iter().map(line).collect()
}

#[tokio::test]
async fn unread_is_shown_per_conversation_and_in_total_and_cleared_on_read() {
    let desk = Desk::new().await;
    let phone = tempfile::tempdir().unwrap();
    desk.say(3).await;
    desk.run("send --as cy --to bob hello").await;
    assert_eq!(desk.unread("bob").await, (4, 1));
    let list = desk.elsewhere(phone.path(), "conversations --as bob --json").await;
    assert_eq!(unread(&list[0]), (4, 1), "a new device shows the same");

    let read = desk.run("read alice --as bob").await;
    assert_eq!(read, [json!({"conversation": "d~alice~bob", "seq": 3, "unread": 0})]);
    assert_eq!(desk.unread("bob").await, (1, 1));
    let list = desk.elsewhere(phone.path(), "conversations --as bob --json").await;
    assert_eq!(unread(&list[0]), (1, 1), "it roams");
    // A position never goes back, and one beyond the newest message is that one's.
    let read = desk.run("read d~alice~bob 2 --as bob").await;
    assert_eq!((&read[0]["seq"], &read[0]["unread"]), (&json!(3), &json!(0)));
    let read = desk.elsewhere(phone.path(), "read cy 9 --as bob").await;
    assert_eq!((&read[0]["seq"], &read[0]["unread"]), (&json!(1), &json!(0)));
    assert_eq!(desk.unread("bob").await, (0, 0));
    desk.town.stop().await;
}

#[tokio::test]
async fn own_messages_are_never_unread_after_a_restart_of_the_device() {
    let desk = Desk::new().await;
    desk.say(2).await;
    desk.run("send --as bob --to alice mine").await;
    let listen = "listen --as bob --count 3";
    assert_eq!(told(&desk.run(listen).await), ["1 number-1", "2 number-2", "3 mine"]);
    assert_eq!(desk.unread("bob").await, (2, 2));
    // By its own count, too: a device that read up to there and one more of its own.
    let read = desk.run("read alice 1 --as bob").await;
    assert_eq!((&read[0]["seq"], &read[0]["unread"]), (&json!(1), &json!(1)));
    desk.run("send --as bob --to alice again").await;
    let read = desk.run("read alice 1 --as bob").await;
    assert_eq!((&read[0]["seq"], &read[0]["unread"]), (&json!(1), &json!(1)));
    desk.town.stop().await;
}

#[tokio::test]
async fn a_recall_is_a_line_at_who_listens_and_in_history() {
    let desk = Desk::new().await;
    let mut bob = desk.start("listen --as bob");
    desk.say(2).await;
    assert_eq!(told(&[bob.json().await, bob.json().await]), ["1 number-1", "2 number-2"]);
    let recall = desk.run("recall bob 1 --as alice").await;
    assert_eq!((&recall[0]["target"], &recall[0]["seq"]), (&json!(1), &json!(3)));
    assert_eq!(told(&[bob.json().await]), ["3 recall 1"]);
    // Neither device's disk says it any more, while one of them still listens.
    for user in ["alice", "bob"] {
        let journal = desk.state.path().join(user).join("journal.jsonl");
        let journal = std::fs::read_to_string(journal).unwrap();
        assert!(journal.contains("number-2") && !journal.contains("number-1"), "{user}");
    }
    bob.stop().await;
    let history = desk.run("history --as bob --with alice").await;
    assert_eq!(told(&history), ["2 number-2", "3 recall 1"]);
    assert_eq!(desk.unread("bob").await, (1, 1), "what was taken back is not unread");
    // Who was away finds it without its text.
    let phone = tempfile::tempdir().unwrap();
    let found = desk.elsewhere(phone.path(), "sync --as bob").await;
    assert_eq!(told(&found), ["2 number-2", "3 recall 1"]);
    desk.town.stop().await;
}

#[tokio::test]
async fn an_edit_is_shown() {
    let desk = Desk::new().await;
    let mut bob = desk.start("listen --as bob");
    desk.say(1).await;
    bob.json().await;
    let edit = desk.run("edit bob 1 number-one --as alice").await;
    assert_eq!((&edit[0]["target"], &edit[0]["seq"]), (&json!(1), &json!(2)));
    let event = bob.json().await;
    assert_eq!(told(std::slice::from_ref(&event)), ["2 edit 1"]);
    assert_eq!(event["body"]["text"], "number-one");
    bob.stop().await;
    let history = desk.run("history --as bob --with alice --seqs 1").await;
    assert_eq!(told(&history), ["1 number-one"]);
    assert_eq!(history[0]["edited"], 2);
    desk.town.stop().await;
}

#[tokio::test]
async fn only_an_own_message_is_taken_back() {
    let desk = Desk::new().await;
    desk.say(1).await;
    let arguments = ["recall", "alice", "1", "--as", "bob"];
    let output = within(tideline(&desk.town, desk.state.path(), &arguments).output()).await;
    let output = output.unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("(forbidden)"), "{complaint}");
    desk.town.stop().await;
}

#[tokio::test]
async fn receipts_say_who_has_read() {
    let desk = Desk::new().await;
    let group = desk.run("group create tea bob cy --as alice --json").await;
    let id = group[0]["conversation"].as_str().unwrap();
    desk.run(&format!("send --as alice --conversation {id} who-reads-this")).await;
    desk.run(&format!("read {id} --as bob")).await;
    desk.run(&format!("read {id} 1 --as cy")).await;
    let receipts = desk.run(&format!("receipts {id} 2 --as alice --json")).await;
    let readers = receipts[0]["readers"].as_array().unwrap();
    assert_eq!((&receipts[0]["count"], readers.len()), (&json!(1), 1));
    assert_eq!((&readers[0]["user"], &readers[0]["seq"]), (&json!("bob"), &json!(2)));
    let printed = desk.print(&format!("receipts {id} 2 --as alice")).await;
    assert!(printed.starts_with("1 have read message 2\n"), "{printed}");
    assert!(printed.trim_end().ends_with("2  bob"), "{printed}");
    desk.town.stop().await;
}

#[tokio::test]
async fn conversations_stand_newest_first_with_digest_time_and_unread() {
    let desk = Desk::new().await;
    for (name, text) in [("alice", "first"), ("cy", "second"), ("dan", "third")] {
        desk.run(&format!("send --as {name} --to bob {text}")).await;
    }
    let group = desk.run("group create tea bob --as alice --json").await;
    let id = group[0]["conversation"].as_str().unwrap();
    desk.run(&format!("group mute {id} --as bob --json")).await;
    desk.run(&format!("group pin {id} --as bob --json")).await;
    desk.run("send --as alice --to bob fourth").await;
    let printed = desk.print("conversations --as bob").await;
    // A line begins with a time, 16 letters wide.
    let lines: Vec<&str> = printed.lines().map(|line| line.get(18..).unwrap_or(line)).collect();
    let made = format!("     tea (muted) (pinned)  * alice made the group tea with bob  {id}");
    let expected = [
        "  2  alice  alice: fourth",
        &made,
        "  1  dan  dan: third",
        "  1  cy  cy: second",
        "4 unread",
    ];
    assert_eq!(lines, expected, "{printed}");
    let list = desk.run("conversations --as bob --limit 3 --json").await;
    let rows = list[0]["conversations"].as_array().unwrap();
    let texts: Vec<_> = rows.iter().map(|row| &row["last"]["body"]["text"]).collect();
    assert_eq!(texts, [&json!("fourth"), &Value::Null, &json!("third")]);
    assert_eq!(list[0]["unread"], 4, "also of those that are not listed");
    desk.town.stop().await;
}

#[tokio::test]
async fn a_chat_reads_takes_back_and_changes() {
    let desk = Desk::new().await;
    let mut alice = desk.start("chat --as alice --to bob");
    let mut bob = desk.start("chat --as bob --to alice");
    say(&mut alice, "at five").await;
    see(&mut alice, "alice: at five").await;
    see(&mut bob, "alice: at five").await;
    say(&mut alice, "/edit at six").await;
    see(&mut alice, "* alice changed message 1: at six").await;
    see(&mut bob, "* alice changed message 1: at six").await;
    say(&mut alice, "/recall").await;
    see(&mut bob, "* alice recalled message 1").await;
    say(&mut bob, "//recall").await;
    see(&mut alice, "bob: /recall").await;
    // What a chat has shown is read.
    bob.end().await;
    alice.end().await;
    assert_eq!(desk.unread("alice").await, (0, 0));
    let receipts = desk.run("receipts alice --as bob --json").await;
    assert_eq!(receipts[0]["readers"][0]["user"], "alice");
    desk.town.stop().await;
}
