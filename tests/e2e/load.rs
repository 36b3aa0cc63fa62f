//! The load generator against a running gateway: its checks pass, and it says what it did.

use std::process::{Output, Stdio};

use serde_json::Value;
use tests::{Town, binaries, within};
use tokio::process::Command;

/// Runs a load from the workspace's root, where it finds the development key.
async fn load(town: &Town, arguments: &[&str]) -> Output {
    let mut command = Command::new(binaries::one("tideline"));
    command.current_dir(binaries::root()).kill_on_drop(true).stdin(Stdio::null());
    command.env("TIDELINE_URL", town.gateway().url()).arg("load").args(arguments);
    let output = within(command.output()).await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    output
}

/// Runs a load, and gives its report, in which nothing is wrong.
async fn clean(town: &Town, arguments: &[&str]) -> Value {
    let output = load(town, arguments).await;
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    if let Some(wrong) = wrong(&report) {
        panic!("{wrong}: {report}");
    }
    report
}

/// What is wrong with a load, if anything is.
pub(crate) fn wrong(report: &Value) -> Option<String> {
    let number = |name: &str| report[name].as_u64().unwrap();
    for fault in ["lost", "doubled", "disordered", "unkept", "foreign"] {
        if number(fault) > 0 {
            return Some(format!("{fault}: {}", report["first"]));
        }
    }
    // How many get each message.
    let others = report["members"].as_u64().map_or(1, |members| members - 1);
    let sent = number("sent");
    match (sent, number("acked") == sent, number("received") == sent * others) {
        (0, _, _) => Some("nothing was sent".to_owned()),
        (_, false, _) => Some("not all is acknowledged".to_owned()),
        (_, _, false) => Some("not all is received".to_owned()),
        (_, true, true) => None,
    }
}

#[tokio::test]
async fn a_load_flat_out_is_clean_and_says_what_it_did() {
    let town = Town::start().await;
    let report = clean(&town, &["--pairs", "3", "--duration", "2", "--json"]).await;
    assert_eq!((&report["pairs"], &report["text_bytes"]), (&3.into(), &120.into()));
    assert_eq!((&report["rate"], &report["seconds"]), (&Value::Null, &2.0.into()));
    for count in ["resends", "duplicates", "reconnects"] {
        assert!(report[count].is_u64(), "{report}");
    }
    assert!(report["acked_per_second"].as_f64().unwrap() > 0.0, "{report}");
    for latency in ["ack_ms", "push_ms"] {
        let spread = ["p50", "p90", "p99", "max"].map(|at| report[latency][at].as_f64().unwrap());
        assert!(spread[0] > 0.0 && spread.is_sorted(), "{report}");
    }
    town.stop().await;
}

#[tokio::test]
async fn a_load_by_the_clock_sends_what_it_was_asked_for() {
    let town = Town::start().await;
    let arguments = ["--pairs", "2", "--rate", "20", "--duration", "2", "--text-bytes", "2000"];
    let output = load(&town, &arguments).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("40 sent, 40 acked, 40 received"), "{text}");
    assert!(text.contains("0 lost, 0 doubled, 0 out of order, 0 not kept, 0 foreign"), "{text}");
    town.stop().await;
}

/// A lost post is a message that is not pushed, or an ack that does not come: a device that comes
/// back finds both by sync.
#[tokio::test]
async fn a_load_whose_posts_are_lost_ends_clean() {
    let town = Town::start().await;
    town.arm("lose-posts:0.5");
    let report = clean(&town, &["--pairs", "3", "--duration", "2", "--json"]).await;
    town.struck(1).await;
    assert!(report["reconnects"].as_u64().unwrap() > 0, "{report}");
    town.stop().await;
}

#[tokio::test]
async fn a_load_without_a_server_says_so() {
    let town = Town::start().await;
    let url = town.gateway().url();
    town.stop().await;
    let mut command = Command::new(binaries::one("tideline"));
    command.current_dir(binaries::root()).args(["load", "--pairs", "2", "--url", &url]);
    let output = within(command.output()).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains(&format!("no connection to {url}")), "{error}");
}
