//! The gateway as a program, whose process can be killed.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::{Client, Handshake, binaries, deployment, development_token, within};

/// The gateway as a program.
#[derive(Debug)]
pub struct Program {
    child: Child,
    url: String,
    /// The lines that it has said so far; the sender ends with its output.
    said: watch::Receiver<Vec<String>>,
}

impl Program {
    /// Starts it on a folder of tables; it finds everything built.
    pub async fn start(folder: &Path, arguments: &[&str]) -> Self {
        let template = binaries::root().join("template.yaml");
        let mut command = Command::new(binaries::one("gateway"));
        command.arg("--template").arg(template).arg("--data-dir").arg(folder).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, said) = watch::channel(Vec::new());
        // A pipe that nobody reads would hold it up.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                sender.send_modify(|lines| lines.push(line));
            }
        });
        let mut program = Self { child, url: String::new(), said };
        program.url = program.says("sockets ", 1).await.trim().to_owned();
        program
    }

    /// Where clients connect.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until it has said `words` in so many lines, and gives what follows them in the last.
    pub async fn says(&mut self, words: &str, count: usize) -> String {
        let is_it = |line: &&String| line.contains(words);
        let said = self.said.wait_for(|lines| lines.iter().filter(is_it).count() >= count);
        let said = within(said).await.expect("it says so before it ends");
        let line = said.iter().filter(is_it).nth(count - 1).unwrap();
        line.split_once(words).unwrap().1.to_owned()
    }

    /// A user's device, connected.
    pub async fn client(&self, user: &str) -> Client {
        let secret = &deployment().parameters["DevelopmentSecret"];
        let token = development_token(user, 3_600, secret);
        Handshake::new(&self.url).device("desk").bearer(&token).connect().await.unwrap()
    }

    /// Kills it.
    pub async fn kill(mut self) {
        within(self.child.kill()).await.unwrap();
    }

    /// Tells it to stop, and gives all that it has said.
    pub async fn stop(mut self) -> Vec<String> {
        let process = self.child.id().unwrap().to_string();
        let mut kill = Command::new("kill");
        assert!(within(kill.args(["-s", "TERM", &process]).status()).await.unwrap().success());
        assert!(within(self.child.wait()).await.unwrap().success());
        // Until its output has ended.
        while within(self.said.changed()).await.is_ok() {}
        self.said.borrow().clone()
    }
}
