//! The gateway ends and comes back.

use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use tests::{Client, Handshake, Town, binaries, frame, within};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::exchange::{text, texts, told};

#[tokio::test]
async fn the_file_store_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tables.sqlite");
    let town = Town::in_file(&file).await;
    let mut alice = town.client("alice", "desk").await;
    for base in 0..5 {
        alice.ok(&text("bob", &base.to_string(), base)).await;
    }
    told(&mut town.client("bob", "desk").await, 5).await;
    town.stop().await;

    let town = Town::in_file(&file).await;
    let mut alice = town.client("alice", "desk").await;
    assert_eq!(alice.ok(&text("bob", "5", 5)).await["seq"], 6);
    let mut bob = town.client("bob", "phone").await;
    assert_eq!(texts(&told(&mut bob, 6).await), ["0", "1", "2", "3", "4", "5"]);
    let asked = frame("history", json!({ "conversation": "d~alice~bob" }));
    assert_eq!(bob.ok(&asked).await["last"], 6);
    town.stop().await;
}

/// The gateway as a program, whose process can be killed.
struct Program {
    child: Child,
    url: String,
    /// What it goes on saying; a pipe that nobody holds would fail it.
    _said: Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// Starts it on a folder of tables; it finds everything built.
    async fn start(folder: &Path) -> Self {
        let template = binaries::root().join("template.yaml");
        let mut command = Command::new(binaries::one("gateway"));
        command.arg("--template").arg(template).arg("--data-dir").arg(folder);
        command.args(["--port", "0"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = loop {
            let line = within(lines.next_line()).await.unwrap().expect("it says where it listens");
            if let Some(url) = line.trim().strip_prefix("sockets") {
                break url.trim().to_owned();
            }
        };
        Self { child, url, _said: lines }
    }

    /// A user's device, connected.
    async fn client(&self, user: &str) -> Client {
        let secret = &tests::deployment().parameters["DevelopmentSecret"];
        let token = tests::development_token(user, 3_600, secret);
        Handshake::new(&self.url).device("desk").bearer(&token).connect().await.unwrap()
    }

    async fn kill(mut self) {
        within(self.child.kill()).await.unwrap();
    }
}

/// An acknowledged message survives SIGKILL of the whole stack, right after its acknowledgement.
#[tokio::test]
async fn an_acknowledged_message_survives_a_kill_of_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let program = Program::start(folder.path()).await;
        let mut alice = program.client("alice").await;
        let ack = alice.ok(&text("bob", &round.to_string(), round)).await;
        assert_eq!(ack["seq"], round + 1);
        program.kill().await;
    }
    let program = Program::start(folder.path()).await;
    let mut bob = program.client("bob").await;
    let asked = frame("history", json!({ "conversation": "d~alice~bob" }));
    let page = bob.ok(&asked).await;
    assert_eq!(texts(page["messages"].as_array().unwrap()), ["0", "1", "2"]);
    program.kill().await;
}
