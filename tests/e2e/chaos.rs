//! Everything goes wrong under a load, and every message stands once, in order, for everyone.
//!
//! The gateway is the program that `cargo local` starts and the load is `tideline load`, so a
//! failure prints the two commands that make it happen again. The seed fixes what is drawn, not
//! what runs at the same time, so it may take several runs.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use serde_json::Value;
use tests::{Program, binaries};
use tokio::process::Command;

use crate::load::wrong;

/// How long a load may take, its end included, before its test fails.
const LOAD_MAX: Duration = Duration::from_secs(180);

const PAIRS: &[&str] = &["--pairs", "3"];
const GROUPS: &[&str] = &["--groups", "2", "--members", "4"];

/// What goes wrong.
struct Chaos {
    seed: &'static str,
    faults: &'static [&'static str],
    /// Other options of the gateway.
    options: &'static [&'static str],
    /// How long messages are sent, in seconds.
    seconds: &'static str,
    /// How often the gateway itself is killed, each time after some kills of functions.
    restarts: usize,
}

/// After how many kills of functions the gateway itself is killed.
const KILLS_BEFORE_RESTART: usize = 4;

impl Chaos {
    /// What the gateway is started with.
    fn gateway(&self) -> Vec<&str> {
        let faults = self.faults.iter().flat_map(|fault| ["--fault", fault]);
        ["--seed", self.seed]
            .into_iter()
            .chain(self.options.iter().copied())
            .chain(faults)
            .collect()
    }

    /// What a load is started with.
    fn load(&self, crowd: &'static [&'static str]) -> Vec<&str> {
        let others = ["--duration", self.seconds, "--patience", "60", "--audit", "--json"];
        crowd.iter().copied().chain(others).collect()
    }

    /// Lets pairs and groups talk while it goes wrong, and demands that nothing of it shows.
    async fn check(&self) {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port().to_string();
        let arguments: Vec<&str> = ["--port", &port].into_iter().chain(self.gateway()).collect();
        let mut program = Program::start(folder.path(), &arguments).await;
        let url = program.url().to_owned();
        let restarts = async {
            for _ in 0..self.restarts {
                program.says("as armed", KILLS_BEFORE_RESTART).await;
                program.kill().await;
                program = Program::start(folder.path(), &arguments).await;
            }
            program
        };
        let (pairs, groups) = (self.talk(&url, PAIRS), self.talk(&url, GROUPS));
        let ((), (), program) = tokio::join!(pairs, groups, restarts);
        let struck = struck(&program.stop().await);
        let idle = self.faults.iter().filter(|fault| !struck.contains_key(**fault)).count();
        // One that is drawn seldom may not come; where most do not, nothing is shown.
        assert!(2 * idle < self.faults.len(), "few of the faults have struck: {struck:?}");
    }

    async fn talk(&self, url: &str, crowd: &'static [&'static str]) {
        let arguments = self.load(crowd);
        let mut command = Command::new(binaries::one("tideline"));
        command.current_dir(binaries::root()).kill_on_drop(true).stdin(Stdio::null());
        command.arg("load").args(&arguments).args(["--url", url]);
        let output = tokio::time::timeout(LOAD_MAX, command.output()).await;
        let output =
            output.unwrap_or_else(|_| panic!("the load has no end\n{}", self.replay(crowd)));
        let output = output.unwrap();
        let wrong = match serde_json::from_slice::<Value>(&output.stdout) {
            Ok(report) => wrong(&report).map(|wrong| format!("{wrong}: {report}")),
            Err(_) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
        };
        if let Some(wrong) = wrong {
            panic!("{wrong}\n{}", self.replay(crowd));
        }
    }

    /// The commands that do it again.
    fn replay(&self, crowd: &'static [&'static str]) -> String {
        let (gateway, load) = (self.gateway().join(" "), self.load(crowd).join(" "));
        let restarts = match self.restarts {
            0 => String::new(),
            count => format!("\n    kill -9 the gateway and start it again, {count} times"),
        };
        format!("again:\n    cargo local -- {gateway}\n    cargo tideline load {load}{restarts}")
    }
}

/// How often each fault has struck, as the gateway says at its end.
fn struck(said: &[String]) -> BTreeMap<String, u64> {
    let told = said.iter().filter_map(|line| {
        let (fault, count) = line.trim().strip_prefix("struck")?.trim().rsplit_once(": ")?;
        Some((fault.to_owned(), count.strip_suffix(" times")?.parse().unwrap()))
    });
    told.collect()
}

/// A port that no outgoing connection is given: a client that connects again and again to a port
/// where nobody listens may otherwise be given that very port, and reach itself.
fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 8_000).unwrap();
    loop {
        let port = first + TAKEN.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

#[tokio::test]
async fn functions_die_at_any_point() {
    let faults = &["kill:*:0.015"];
    Chaos { seed: "1", faults, options: &["--ephemeral"], seconds: "5", restarts: 0 }.check().await;
}

#[tokio::test]
async fn posts_are_lost_refused_and_late() {
    let faults =
        &["lose-posts:0.05", "gone-posts:0.05", "throttle-posts:0.05", "slow-posts:60ms:0.2"];
    Chaos { seed: "2", faults, options: &["--ephemeral"], seconds: "5", restarts: 0 }.check().await;
}

#[tokio::test]
async fn tables_throttle_fail_and_do_not_answer() {
    let faults = &["throttle:*:0.03", "fail:*:0.02", "lose-answers:*:0.02"];
    Chaos { seed: "3", faults, options: &["--ephemeral"], seconds: "5", restarts: 0 }.check().await;
}

/// So often that the SDK gives up, and nobody knows whether a message stands.
#[tokio::test]
async fn what_became_of_an_append_is_often_unknown() {
    let faults = &["lose-answers:TimelineTable:0.4"];
    Chaos { seed: "7", faults, options: &["--ephemeral"], seconds: "4", restarts: 0 }.check().await;
}

#[tokio::test]
async fn connections_are_cut_and_nobody_says_so() {
    let faults = &["cut-connections:0.03", "lose-disconnects:0.5", "throttle-connects:0.3"];
    Chaos { seed: "4", faults, options: &["--ephemeral"], seconds: "5", restarts: 0 }.check().await;
}

const ALL: &[&str] = &[
    "kill:*:0.008",
    "lose-posts:0.02",
    "gone-posts:0.02",
    "throttle-posts:0.03",
    "slow-posts:60ms:0.1",
    "throttle:*:0.02",
    "fail:*:0.01",
    "lose-answers:*:0.01",
    "cut-connections:0.02",
    "lose-disconnects:0.5",
    "throttle-connects:0.2",
];

#[tokio::test]
async fn everything_goes_wrong_at_once() {
    let options = &["--ephemeral", "--dispatch", "shuffle"];
    Chaos { seed: "5", faults: ALL, options, seconds: "6", restarts: 0 }.check().await;
}

#[tokio::test]
async fn the_gateway_itself_is_killed_and_comes_back_on_the_same_tables() {
    let faults = &["kill:*:0.02"];
    Chaos { seed: "6", faults, options: &[], seconds: "8", restarts: 2 }.check().await;
}
