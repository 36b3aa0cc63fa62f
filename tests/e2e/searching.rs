//! The command line searches: what was said a moment ago, by whoever may see it.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Town, binaries, within};
use tokio::process::Command;

use crate::command_line::{Running, run, say, see, tideline};
use crate::exchange::text;

/// More messages than one block is built of, and than the newest that are read as they are.
const MANY: u64 = 140;

/// A running gateway, and where devices are kept.
struct Desk {
    town: Town,
    state: TempDir,
}

impl Desk {
    async fn new() -> Self {
        Self::at(Town::start().await)
    }

    fn at(town: Town) -> Self {
        Self { town, state: tempfile::tempdir().unwrap() }
    }

    fn state(&self) -> &Path {
        self.state.path()
    }

    /// Runs a command to its end; the JSON lines it prints.
    async fn run(&self, arguments: &[&str]) -> Vec<Value> {
        run(tideline(&self.town, self.state(), arguments)).await
    }

    /// Alice says something to bob.
    async fn say(&self, text: &str) {
        self.run(&["send", "--as", "alice", "--to", "bob", text]).await;
    }

    /// What a search of bob's finds.
    async fn find(&self, query: &str, options: &[&str]) -> Vec<Value> {
        let arguments = ["search", query, "--as", "bob", "--json"];
        self.run(&[&arguments, options].concat()).await
    }

    /// What a search prints for a person.
    async fn print(&self, arguments: &[&str]) -> Output {
        let output = within(tideline(&self.town, self.state(), arguments).output()).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Rebuilds an index; the command's outcome.
    async fn rebuild(&self, arguments: &[&str]) -> Output {
        let url = self.town.gateway().url();
        let address = url.strip_prefix("ws://").and_then(|rest| rest.split('/').next()).unwrap();
        let mut command = Command::new(binaries::one("tideline"));
        command.arg("rebuild-index").args(["--lambda", &format!("http://{address}")]);
        within(command.args(arguments).kill_on_drop(true).output()).await.unwrap()
    }
}

/// The places and texts of what was found.
fn told(found: &[Value]) -> Vec<String> {
    let line = |hit: &Value| format!("{} {}", hit["seq"], hit["text"].as_str().unwrap());
    found.iter().map(line).collect()
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// As many messages as blocks are built of; each says its number.
async fn fill(town: &Town) {
    let mut alice = town.client("alice", "many").await;
    for number in 0..MANY {
        alice.ok(&text("bob", &format!("number n{number} "), number)).await;
    }
}

#[tokio::test]
async fn full_text_search_on_the_command_line() {
    let desk = Desk::new().await;
    for words in ["Shall we meet in 北京 tomorrow?", "南京市长江大桥", "La Réunion à 10h"]
    {
        desk.say(words).await;
    }
    desk.run(&["send", "--as", "bob", "--to", "alice", "we meet at the station"]).await;
    let found = desk.find("meet", &[]).await;
    assert_eq!(told(&found), ["4 we meet at the station", "1 Shall we meet in 北京 tomorrow?"]);
    assert_eq!((&found[1]["spans"], &found[1]["from"]), (&json!([[9, 13]]), &json!("alice")));
    let both = ["2 南京市长江大桥", "1 Shall we meet in 北京 tomorrow?"];
    assert_eq!(told(&desk.find("京", &[]).await), both, "Chinese needs no spaces");
    assert_eq!(told(&desk.find("长江", &["--with", "alice"]).await), both[..1]);
    assert_eq!(told(&desk.find("reunion", &[]).await), ["3 La Réunion à 10h"]);
    assert_eq!(told(&desk.find("\"in meet\"", &[]).await), [""; 0]);

    assert_eq!(told(&desk.find("meet", &["--from", "alice"]).await), both[1..]);
    let direct = ["--conversation", "d~alice~bob", "--kind", "text", "--since", "2020-01-01"];
    assert_eq!(told(&desk.find("meet", &direct).await).len(), 2);
    assert_eq!(told(&desk.find("meet", &["--until", "2020-01-01T00:00:00Z"]).await), [""; 0]);
    desk.town.stop().await;
}

/// A line begins with a time, 16 letters wide; matches are marked on a terminal only.
#[tokio::test]
async fn what_is_found_is_printed_for_a_person_and_groups_by_their_titles() {
    let desk = Desk::new().await;
    desk.say("tea at five").await;
    let group = desk.run(&["group", "create", "tea break", "bob", "--as", "alice", "--json"]).await;
    let id = group[0]["conversation"].as_str().unwrap();
    desk.run(&["send", "--as", "alice", "--conversation", id, "green tea"]).await;
    let output = desk.print(&["search", "tea", "--as", "bob"]).await;
    let printed = printed(&output);
    let lines: Vec<&str> = printed.lines().map(|line| line.get(18..).unwrap_or(line)).collect();
    let expected = [
        format!("tea break  {id}"),
        format!("tea break 2  alice: green tea  {id}"),
        "alice 1  alice: tea at five".to_owned(),
    ];
    assert_eq!(lines, expected, "{printed}");
    assert!(!printed.contains('\u{1b}'), "no terminal, no colors");
    let first = &desk.find("tea", &[]).await[0];
    assert_eq!((&first["title"], &first["spans"]), (&json!("tea break"), &json!([[0, 3]])));
    // Who is not a member finds neither.
    let output = desk.print(&["search", "tea", "--as", "eve"]).await;
    assert_eq!(output.stdout.len(), 0);
    assert!(complaint(&output).contains("nothing is found"), "{}", complaint(&output));
    desk.town.stop().await;
}

#[tokio::test]
async fn what_was_taken_back_is_not_found_and_what_was_changed_by_its_new_words() {
    let desk = Desk::new().await;
    desk.say("meet me at the station").await;
    desk.say("meet me at the harbor").await;
    desk.run(&["recall", "bob", "1", "--as", "alice"]).await;
    assert_eq!(told(&desk.find("meet", &[]).await), ["2 meet me at the harbor"]);
    desk.run(&["edit", "bob", "2", "see you there", "--as", "alice"]).await;
    assert_eq!(told(&desk.find("meet", &[]).await), [""; 0]);
    assert_eq!(told(&desk.find("see you", &[]).await), ["2 see you there"]);
    desk.town.stop().await;
}

#[tokio::test]
async fn pages_are_followed_to_the_limit_or_to_the_end() {
    let desk = Desk::new().await;
    fill(&desk.town).await;
    let output = desk.print(&["search", "number", "--as", "bob", "--limit", "3"]).await;
    assert_eq!(printed(&output).lines().count(), 3);
    assert!(complaint(&output).contains("there is more: --limit N"), "{}", complaint(&output));
    let output = desk.print(&["search", "number", "--as", "bob", "--all", "--json"]).await;
    let seqs = printed(&output);
    let seqs = seqs.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let seqs: Vec<u64> = seqs.map(|hit| hit["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=MANY).rev().collect::<Vec<_>>(), "each once, the newest first");
    assert!(!complaint(&output).contains("there is more"), "{}", complaint(&output));
    desk.town.stop().await;
}

#[tokio::test]
async fn a_search_that_is_refused_says_why() {
    let desk = Desk::new().await;
    let arguments = ["search", "?!", "--as", "bob"];
    let output = within(tideline(&desk.town, desk.state(), &arguments).output()).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("(invalid)"), "{}", complaint(&output));
    desk.town.stop().await;
}

#[tokio::test]
async fn a_chat_searches_its_conversation() {
    let desk = Desk::new().await;
    desk.run(&["send", "--as", "cy", "--to", "alice", "tea with cy"]).await;
    let mut command = tideline(&desk.town, desk.state(), &["chat", "--as", "alice", "--to", "bob"]);
    command.stdin(Stdio::piped());
    let mut alice = Running::start(command);
    for words in ["tea at five", "and coffee", "green tea"] {
        say(&mut alice, words).await;
        see(&mut alice, words).await;
    }
    say(&mut alice, "/search tea").await;
    let lines = [alice.line().await, alice.line().await];
    let lines = lines.each_ref().map(|line| line.get(18..).unwrap_or(line));
    assert_eq!(lines, ["bob 3  alice: green tea", "bob 1  alice: tea at five"]);
    alice.end().await;
    desk.town.stop().await;
}

#[tokio::test]
async fn an_index_is_rebuilt_to_its_end() {
    let desk = Desk::at(Town::with_parameters(&[("SearchIndex", "lazy")]).await);
    fill(&desk.town).await;
    desk.say("the last one").await;
    desk.run(&["send", "--as", "cy", "--to", "bob", "hello"]).await;
    let outcome = |output: &Output| -> Value { serde_json::from_str(&printed(output)).unwrap() };
    let output = desk.rebuild(&["--user", "bob"]).await;
    assert!(output.status.success(), "{}", complaint(&output));
    assert_eq!(outcome(&output)["blocks"], 2, "of 64 messages each, the last 13 are read");
    let output = desk.rebuild(&["--conversation", "d~alice~bob"]).await;
    assert_eq!((&outcome(&output)["blocks"], &outcome(&output)["steps"]), (&json!(2), &json!(1)));
    assert_eq!(told(&desk.find("n41 ", &[]).await), ["42 number n41 "]);

    let output = desk.rebuild(&["--user", "bob", "--function", "NoFunction"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("Function not found"), "{}", complaint(&output));
    desk.town.stop().await;
}
