//! The command line against a running gateway: what the README tells a newcomer to do.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tests::{Town, binaries, within};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The command line with these arguments and its state in `folder`, from the workspace's root,
/// where it finds the development key.
pub(crate) fn tideline(town: &Town, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binaries::one("tideline"));
    command.current_dir(binaries::root()).kill_on_drop(true).stdin(Stdio::null());
    command.env("TIDELINE_URL", town.gateway().url()).args(arguments);
    command.arg("--state").arg(folder);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A command that runs, and the lines it prints.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    input: Option<ChildStdin>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let input = child.stdin.take();
        Self { child, lines, input }
    }

    pub(crate) async fn line(&mut self) -> String {
        within(self.lines.next_line()).await.unwrap().expect("the command prints a line")
    }

    pub(crate) async fn json(&mut self) -> Value {
        serde_json::from_str(&self.line().await).unwrap()
    }

    /// Ends its input, and waits until it has done everything that was asked for.
    pub(crate) async fn end(mut self) {
        drop(self.input.take());
        assert!(within(self.child.wait()).await.unwrap().success());
    }

    /// Stops it as Ctrl-C does.
    pub(crate) async fn stop(mut self) {
        let process = self.child.id().unwrap().to_string();
        let mut kill = Command::new("kill");
        within(kill.args(["-s", "INT", &process]).status()).await.unwrap();
        within(self.child.wait()).await.unwrap();
    }
}

/// Runs a command to its end, and gives the JSON lines it printed.
pub(crate) async fn run(mut command: Command) -> Vec<Value> {
    let output = within(command.output()).await.unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn hello_is_printed_on_the_other_terminal() {
    let town = Town::start().await;
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let mut bob = Running::start(tideline(&town, state, &["listen", "--as", "bob"]));
    let sent = ["send", "--as", "alice", "--to", "bob", "hello"];
    let acks = run(tideline(&town, state, &sent)).await;
    assert_eq!((&acks[0]["seq"], &acks[0]["conversation"]), (&1.into(), &"d~alice~bob".into()));
    let message = bob.json().await;
    assert_eq!((&message["body"]["text"], &message["from"]), (&"hello".into(), &"alice".into()));
    bob.stop().await;

    // Ten more while bob is away; back again, he has all ten, once and in order.
    for number in 1..=10 {
        let text = format!("number {number}");
        let sent = ["send", "--as", "alice", "--to", "bob", &text];
        run(tideline(&town, state, &sent)).await;
    }
    let listen = ["listen", "--as", "bob", "--count", "10"];
    let messages = run(tideline(&town, state, &listen)).await;
    let texts: Vec<_> = messages.iter().map(|m| m["body"]["text"].as_str().unwrap()).collect();
    let expected: Vec<_> = (1..=10).map(|number| format!("number {number}")).collect();
    assert_eq!(texts, expected);
    assert_eq!(run(tideline(&town, state, &["sync", "--as", "bob"])).await, [] as [Value; 0]);

    let history = ["history", "--as", "bob", "--with", "alice", "--limit", "3"];
    let page = run(tideline(&town, state, &history)).await;
    let seqs: Vec<_> = page.iter().map(|message| message["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [9, 10, 11]);
    town.stop().await;
}

#[tokio::test]
async fn a_token_prints_alone_and_lets_its_user_in() {
    let town = Town::start().await;
    let mut command = Command::new(binaries::one("tideline"));
    command.current_dir(binaries::root()).args(["token", "alice"]);
    let output = within(command.output()).await.unwrap();
    let token = String::from_utf8(output.stdout).unwrap();
    let token = token.trim_end();
    assert_eq!(token.split('.').count(), 3, "{token}");
    assert!(town.handshake("x", "desk").bearer(token).connect().await.is_ok());
    town.stop().await;
}

/// A chat whose output is no terminal prints plain lines; it outlives the gateway.
#[tokio::test]
async fn a_chat_survives_a_restart_of_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let file = state.join("tables.sqlite");
    let town = Town::in_file(&file).await;
    let port: u16 = port(&town);
    let chat = |as_, to| {
        let mut command = tideline(&town, state, &["chat", "--as", as_, "--to", to]);
        command.stdin(Stdio::piped());
        Running::start(command)
    };
    let (mut alice, mut bob) = (chat("alice", "bob"), chat("bob", "alice"));
    say(&mut alice, "before").await;
    see(&mut bob, "before").await;

    town.stop().await;
    say(&mut alice, "while it is down").await;
    let town = Town::with(|settings| {
        settings.store = gateway::Store::File(file.clone());
        settings.port = port;
    })
    .await;
    see(&mut bob, "while it is down").await;
    say(&mut bob, "after").await;
    see(&mut alice, "after").await;
    alice.stop().await;
    bob.stop().await;
    town.stop().await;
}

fn port(town: &Town) -> u16 {
    let url = town.gateway().url();
    let address = url.strip_prefix("ws://127.0.0.1:").unwrap();
    address.split('/').next().unwrap().parse().unwrap()
}

pub(crate) async fn say(chat: &mut Running, text: &str) {
    let line = format!("{text}\n");
    within(chat.input.as_mut().unwrap().write_all(line.as_bytes())).await.unwrap();
}

pub(crate) async fn see(chat: &mut Running, text: &str) {
    while !chat.line().await.contains(text) {}
}
