//! The command: what it says, that it stops when told, and that it leaves nothing behind.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::journal::Journal;
use crate::local::within;
use crate::socket::{Handshake, Received};

/// The command with the fixture's template, in a folder of its own.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/fixture/template.yaml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command
        .args(["--template", template, "--data-dir"])
        .arg(folder)
        .args(arguments)
        // It builds the fixture as the tests do, and so finds it built.
        .env("CARGO", env!("CARGO"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Reads what the command says until it has said where its sockets are.
async fn url(output: &mut BufReader<ChildStdout>, said: &mut String) -> String {
    loop {
        let start = said.len();
        let count = within(output.read_line(said)).await.unwrap();
        assert_ne!(count, 0, "it ended before it listened:\n{said}");
        if let Some(at) = said[start..].find("ws://") {
            return said[start + at..].trim_end().to_owned();
        }
    }
}

/// The command once it serves.
struct Serving {
    child: Child,
    output: BufReader<ChildStdout>,
    /// What it has said so far.
    said: String,
    address: String,
}

impl Serving {
    async fn start(folder: &Path, journal: &Journal) -> Self {
        Self::with(folder, journal, &[]).await
    }

    async fn with(folder: &Path, journal: &Journal, others: &[&str]) -> Self {
        let parameter = format!("Journal={}", journal.address);
        let arguments = ["--port", "0", "--ephemeral", "--parameter", &parameter];
        let arguments: Vec<&str> = arguments.iter().chain(others).copied().collect();
        let mut child = command(folder, &arguments).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        let url = url(&mut output, &mut said).await;
        let address = url.strip_prefix("ws://").unwrap().strip_suffix("/prod").unwrap().to_owned();
        Self { child, output, said, address }
    }
}

/// Sends the signal `name`, or none at all with `0`; whether there is such a process.
async fn signal(process: u64, name: &str) -> bool {
    let mut kill = Command::new("kill");
    kill.args(["-s", name, &process.to_string()]).stderr(Stdio::null());
    within(kill.status()).await.unwrap().success()
}

fn id(child: &Child) -> u64 {
    child.id().expect("it has not been waited for").into()
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::listen().await;
    let Serving { mut child, mut output, mut said, address } =
        Serving::start(folder.path(), &journal).await;

    let mut socket = Handshake::new(&address, "/prod?user=confidential").open().await;
    socket.say(r#"{"action":"shout","text":"secret"}"#).await;
    assert_eq!(socket.text().await, "SECRET");
    socket.say(r#"{"action":"shout","script":{"error":"told why"}}"#).await;
    assert_eq!(socket.json().await["message"], "Internal server error");
    let process = journal.next("shout").await.process();
    assert!(signal(process, "0").await);

    assert!(signal(id(&child), "TERM").await);
    socket.closed().await;
    within(output.read_to_string(&mut said)).await.unwrap();
    assert!(within(child.wait()).await.unwrap().success(), "{said}");
    assert!(!signal(process, "0").await, "{process} still runs");
    // The bill was printed, and why a function failed; never what was said, nor by whom.
    assert!(said.contains("2 messages: $"), "{said}");
    assert!(said.contains("told why"), "{said}");
    assert!(said.contains("FollowerPosts: the stream of Posts to Follower"), "{said}");
    let alarms = folder.path().join("topics").join("Alarms.jsonl");
    assert!(said.contains(&format!("Alarms: what is published to {}", alarms.display())), "{said}");
    assert!(alarms.exists(), "{said}");
    for private in ["secret", "SECRET", "confidential", "script"] {
        assert!(!said.contains(private), "{private} in:\n{said}");
    }
}

/// A killed program cannot clean up, and still nothing of it may go on running.
#[tokio::test]
async fn it_leaves_no_process_behind_even_when_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::listen().await;
    let Serving { mut child, address, output: _output, .. } =
        Serving::start(folder.path(), &journal).await;
    let mut socket = Handshake::new(&address, "/prod?user=ada").open().await;
    socket.say(r#"{"action":"shout","text":"hello"}"#).await;
    assert_eq!(socket.text().await, "HELLO");
    let process = journal.next("shout").await.process();

    within(child.kill()).await.unwrap();
    within(async { while signal(process, "0").await {} }).await;
}

#[tokio::test]
async fn it_says_how_often_each_fault_has_struck() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::listen().await;
    let faults = ["--fault", "cut-connections:1", "--fault", "throttle:Notes:1"];
    let Serving { child, mut output, mut said, address } =
        Serving::with(folder.path(), &journal, &faults).await;
    for _ in 0..2 {
        let mut socket = Handshake::new(&address, "/prod?user=ada").open().await;
        socket.say(r#"{"action":"mutter"}"#).await;
        assert_eq!(socket.receive().await, Received::End);
    }
    assert!(signal(id(&child), "TERM").await);
    within(output.read_to_string(&mut said)).await.unwrap();
    assert!(said.contains("struck        cut-connections:1: 2 times"), "{said}");
    assert!(!said.contains("struck        throttle"), "{said}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = command(folder.path(), &["--port", &port, "--ephemeral"]).output();
    let output = within(output).await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains(&format!("port {port} is taken")), "{said}");
}

#[tokio::test]
async fn a_parameter_without_a_value_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = "Parameters:\n  Secret:\n    Type: String\nResources: {}\n";
    let template = folder.path().join("template.yaml");
    std::fs::write(&template, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command.arg("--template").arg(&template).stdin(Stdio::null()).kill_on_drop(true);
    let output = within(command.output()).await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("Secret"), "{said}");
}
