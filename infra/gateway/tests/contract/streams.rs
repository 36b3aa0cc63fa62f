//! Event source mappings: how the records of a table's stream reach a function.
//!
//! Every post but those of the golden event holds its function until the test says how it ends.

use std::path::Path;
use std::time::Duration;

use gateway::{Error, Gateway, Settings, Store};
use serde_json::{Value, json};
use template::model::StreamMapping;

use crate::golden;
use crate::http::Request;
use crate::journal::Entry;
use crate::local::{Local, within};

const STREAM: &str = include_str!("../golden/stream.json");

/// A window that no test outlives: what comes within it came because the batch was full.
const LONG: Duration = Duration::from_secs(300);

/// Starts a gateway after `change` has changed its mapping.
async fn mapped(change: impl FnOnce(&mut StreamMapping)) -> Local {
    Local::with(|settings| change(mapping(settings))).await
}

fn mapping(settings: &mut Settings) -> &mut StreamMapping {
    settings.deployment.streams.first_mut().unwrap()
}

/// Hands over batches of exactly `size`.
fn by(size: u32) -> impl Fn(&mut StreamMapping) {
    move |mapping| {
        mapping.batch_size = size;
        mapping.batching_window = LONG;
    }
}

/// Makes a request about the table, which must succeed.
async fn request(local: &Local, operation: &str, mut body: Value) {
    body["TableName"] = "Posts".into();
    let endpoint = local.running.dynamodb_endpoint();
    let answer = Request::new("POST", "/")
        .header("x-amz-target", &format!("DynamoDB_20120810.{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .signed()
        .body(body.to_string().as_bytes())
        .send(endpoint.strip_prefix("http://").unwrap())
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Posts to `room` at each of `places`.
async fn post(local: &Local, room: &str, places: impl IntoIterator<Item = u32>) {
    for place in places {
        let script = json!({"hold": true}).to_string();
        let place = json!({"N": place.to_string()});
        let item = json!({"room": {"S": room}, "place": place, "script": {"S": script}});
        request(local, "PutItem", json!({"Item": item})).await;
    }
}

/// The posts that an invocation was given, as `room/place`.
fn posts(entry: &Entry) -> Vec<String> {
    let records = entry.event()["Records"].as_array().unwrap().iter();
    let post = |record: &Value| {
        let keys = &record["dynamodb"]["Keys"];
        format!("{}/{}", keys["room"]["S"].as_str().unwrap(), keys["place"]["N"].as_str().unwrap())
    };
    records.map(post).collect()
}

/// Waits for the next invocation, which must be given `expected`.
async fn next(local: &mut Local, expected: &[&str]) -> Entry {
    let entry = local.journal.next("stream").await;
    assert_eq!(posts(&entry), expected);
    entry
}

/// The answer that names the records at `indices` as failed.
fn failed(entry: &Entry, indices: &[usize]) -> Value {
    let record = |index: &usize| &entry.event()["Records"][*index]["dynamodb"]["SequenceNumber"];
    let failures: Vec<_> =
        indices.iter().map(|index| json!({"itemIdentifier": record(index)})).collect();
    json!({"answer": {"batchItemFailures": failures}})
}

/// What the queue was told first.
async fn told(folder: &Path) -> Value {
    let path = folder.join("Lost.jsonl");
    let line = async {
        loop {
            match tokio::fs::read_to_string(&path).await {
                Ok(text) if text.ends_with('\n') => return text,
                Ok(_) | Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    serde_json::from_str(within(line).await.lines().next().unwrap()).unwrap()
}

fn error() -> Value {
    json!({"error": "no"})
}

#[tokio::test]
async fn an_event_is_as_documented() {
    let mut local = mapped(by(3)).await;
    let key = json!({"room": {"S": "tea"}, "place": {"N": "1"}});
    for text in ["milk", "sugar"] {
        let mut item = key.clone();
        item["text"] = json!({"S": text});
        item["raw"] = json!({"B": "AAEqQQ=="});
        request(&local, "PutItem", json!({"Item": item})).await;
    }
    request(&local, "DeleteItem", json!({"Key": key})).await;
    golden::check(STREAM, local.journal.next("stream").await.event());
}

#[tokio::test]
async fn a_batch_is_handed_over_when_it_is_full() {
    let mut local = mapped(by(2)).await;
    post(&local, "tea", 1..=5).await;
    next(&mut local, &["tea/1", "tea/2"]).await.release().await;
    next(&mut local, &["tea/3", "tea/4"]).await.release().await;
    post(&local, "tea", [6]).await;
    next(&mut local, &["tea/5", "tea/6"]).await.release().await;
}

#[tokio::test]
async fn a_batch_that_is_not_full_is_handed_over_when_its_window_ends() {
    let mut local = mapped(|mapping| mapping.batching_window = Duration::from_millis(1)).await;
    post(&local, "tea", [1]).await;
    next(&mut local, &["tea/1"]).await.release().await;
}

/// What comes first of a post that was there before the mapping and one that was written later.
async fn first_with(from_oldest: bool) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::File(folder.path().join("tables.db"));
    let before = Local::with(|settings| {
        settings.store = store.clone();
        settings.deployment.streams.clear();
    })
    .await;
    post(&before, "tea", [1]).await;
    before.running.stop().await;
    let mut local = Local::with(|settings| {
        settings.store = store;
        let mapping = mapping(settings);
        mapping.from_oldest = from_oldest;
        mapping.batch_size = 1;
    })
    .await;
    post(&local, "tea", [2]).await;
    let entry = local.journal.next("stream").await;
    let posts = posts(&entry);
    entry.release().await;
    posts
}

#[tokio::test]
async fn latest_begins_with_the_next_record() {
    assert_eq!(first_with(false).await, ["tea/2"]);
}

#[tokio::test]
async fn trim_horizon_begins_with_the_oldest_record() {
    assert_eq!(first_with(true).await, ["tea/1"]);
}

#[tokio::test]
async fn a_filter_chooses_the_records() {
    let pattern = json!({"eventName": ["INSERT"], "dynamodb": {"Keys": {"room": {"S": ["tea"]}}}});
    let mut local = mapped(|mapping| {
        by(2)(mapping);
        mapping.filters = vec![pattern.to_string()];
    })
    .await;
    post(&local, "tea", [1]).await;
    post(&local, "bar", [1]).await;
    post(&local, "tea", [2]).await;
    next(&mut local, &["tea/1", "tea/2"]).await.release().await;
}

/// Ten parts, and a post in the room `tea` that its function holds; then twenty posts elsewhere.
async fn parted() -> (Local, Entry) {
    let mut local = mapped(|mapping| {
        mapping.parallelization = 10;
        mapping.batch_size = 1;
    })
    .await;
    post(&local, "tea", [1, 2]).await;
    let held = next(&mut local, &["tea/1"]).await;
    for room in 0..20 {
        post(&local, &room.to_string(), [1]).await;
    }
    (local, held)
}

#[tokio::test]
async fn parts_are_handed_over_at_the_same_time_and_a_key_in_its_order() {
    let (mut local, held) = parted().await;
    for _ in 0..5 {
        let entry = local.journal.next("stream").await;
        assert_ne!(posts(&entry), ["tea/2"]);
        entry.release().await;
    }
    held.release().await;
    loop {
        let entry = local.journal.next("stream").await;
        let is_second = posts(&entry) == ["tea/2"];
        entry.release().await;
        if is_second {
            break;
        }
    }
}

#[tokio::test]
async fn a_batch_that_fails_holds_up_its_own_part_alone() {
    let (mut local, held) = parted().await;
    held.end(&error()).await;
    let (mut again, mut others) = (0, 0);
    let both = async {
        while again < 2 || others < 5 {
            let entry = local.journal.next("stream").await;
            assert_ne!(posts(&entry), ["tea/2"]);
            if posts(&entry) == ["tea/1"] {
                again += 1;
                entry.end(&error()).await;
            } else {
                others += 1;
                entry.release().await;
            }
        }
    };
    within(both).await;
}

#[tokio::test]
async fn a_batch_that_failed_is_tried_until_it_succeeds() {
    let mut local = mapped(by(1)).await;
    post(&local, "tea", [1, 2]).await;
    for script in [error(), json!({"exit": 1}), json!({"end": "panic"})] {
        next(&mut local, &["tea/1"]).await.end(&script).await;
    }
    next(&mut local, &["tea/1"]).await.release().await;
    next(&mut local, &["tea/2"]).await.release().await;
}

#[tokio::test]
async fn a_batch_that_had_its_retries_is_told_to_the_destination_and_left() {
    let folder = tempfile::tempdir().unwrap();
    let mut local = Local::with(|settings| {
        settings.destinations = Some(folder.path().to_owned());
        let mapping = mapping(settings);
        by(2)(mapping);
        mapping.retries_max = Some(2);
    })
    .await;
    post(&local, "tea", 1..=4).await;
    let mut sequences = Vec::new();
    for _ in 0..3 {
        let entry = next(&mut local, &["tea/1", "tea/2"]).await;
        for record in entry.event()["Records"].as_array().unwrap() {
            sequences.push(record["dynamodb"]["SequenceNumber"].clone());
        }
        entry.end(&error()).await;
    }
    let entry = next(&mut local, &["tea/3", "tea/4"]).await;
    let told = told(folder.path()).await;
    assert_eq!(told["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(told["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(told["responseContext"]["functionError"], "Unhandled");
    let batch = &told["DDBStreamBatchInfo"];
    assert_eq!(batch["batchSize"], 2);
    assert_eq!(batch["startSequenceNumber"], sequences[0]);
    assert_eq!(batch["endSequenceNumber"], sequences[1]);
    assert_eq!(told.get("payload"), None);
    entry.release().await;
    let bill = local.running.stop().await;
    let used = bill.functions["Follower"];
    assert_eq!((used.invocations, used.failures), (4, 3));
}

#[tokio::test]
async fn a_record_that_is_too_old_is_told_to_the_destination_unseen() {
    let folder = tempfile::tempdir().unwrap();
    let local = Local::with(|settings| {
        settings.destinations = Some(folder.path().to_owned());
        mapping(settings).record_age_max = Some(Duration::ZERO);
    })
    .await;
    post(&local, "tea", [1]).await;
    let told = told(folder.path()).await;
    assert_eq!(told["requestContext"]["condition"], "RecordAgeExceeded");
    assert_eq!(told["requestContext"]["approximateInvokeCount"], 0);
    assert!(!local.running.stop().await.functions.contains_key("Follower"));
}

#[tokio::test]
async fn a_batch_that_failed_is_halved_down_to_the_record() {
    let mut local = mapped(|mapping| {
        by(4)(mapping);
        mapping.bisect = true;
        mapping.retries_max = Some(0);
    })
    .await;
    post(&local, "tea", 1..=4).await;
    next(&mut local, &["tea/1", "tea/2", "tea/3", "tea/4"]).await.end(&error()).await;
    next(&mut local, &["tea/1", "tea/2"]).await.release().await;
    next(&mut local, &["tea/3", "tea/4"]).await.end(&error()).await;
    next(&mut local, &["tea/3"]).await.end(&error()).await;
    next(&mut local, &["tea/4"]).await.release().await;
    post(&local, "tea", 5..=8).await;
    next(&mut local, &["tea/5", "tea/6", "tea/7", "tea/8"]).await.release().await;
}

#[tokio::test]
async fn a_batch_goes_on_from_the_first_record_that_is_named() {
    let mut local = mapped(by(3)).await;
    post(&local, "tea", 1..=6).await;
    let entry = next(&mut local, &["tea/1", "tea/2", "tea/3"]).await;
    let answer = failed(&entry, &[2, 1]);
    entry.end(&answer).await;
    next(&mut local, &["tea/2", "tea/3"]).await.release().await;
    next(&mut local, &["tea/4", "tea/5", "tea/6"]).await.release().await;
}

#[tokio::test]
async fn an_answer_that_names_nothing_is_a_success() {
    let mut local = mapped(by(1)).await;
    let answers = [json!(null), json!({}), json!("text"), json!({"batchItemFailures": null})];
    for (place, answer) in (1..).zip(answers) {
        post(&local, "tea", [place]).await;
        next(&mut local, &[&format!("tea/{place}")]).await.end(&json!({"answer": answer})).await;
    }
    post(&local, "tea", [9]).await;
    next(&mut local, &["tea/9"]).await.release().await;
}

#[tokio::test]
async fn an_answer_that_names_a_stranger_fails_the_batch() {
    let mut local = mapped(by(2)).await;
    post(&local, "tea", 1..=2).await;
    for identifier in [json!("100000000000000000007"), json!(""), json!(null)] {
        let entry = next(&mut local, &["tea/1", "tea/2"]).await;
        let mut answer = failed(&entry, &[1, 1]);
        answer["answer"]["batchItemFailures"][0]["itemIdentifier"] = identifier;
        entry.end(&answer).await;
    }
    next(&mut local, &["tea/1", "tea/2"]).await.release().await;
}

#[tokio::test]
async fn an_answer_counts_only_where_the_mapping_says_so() {
    let mut local = mapped(|mapping| {
        by(1)(mapping);
        mapping.reports_failures = false;
    })
    .await;
    post(&local, "tea", 1..=2).await;
    let entry = next(&mut local, &["tea/1"]).await;
    let answer = failed(&entry, &[0]);
    entry.end(&answer).await;
    next(&mut local, &["tea/2"]).await.release().await;
}

#[tokio::test]
async fn a_gateway_that_starts_again_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let with = |settings: &mut Settings| {
        settings.store = Store::File(folder.path().join("tables.db"));
        by(1)(mapping(settings));
    };
    let mut local = Local::with(with).await;
    post(&local, "tea", [1]).await;
    let entry = next(&mut local, &["tea/1"]).await;
    // The stop waits for what the function has in hand.
    let (bill, ()) = within(async { tokio::join!(local.running.stop(), entry.release()) }).await;
    assert_eq!(bill.functions["Follower"].failures, 0);

    let mut local = Local::with(with).await;
    post(&local, "tea", [2]).await;
    let held = next(&mut local, &["tea/2"]).await;
    // It ends without a stop, and what was in hand comes again.
    drop(local);
    drop(held);
    let mut local = Local::with(with).await;
    next(&mut local, &["tea/2"]).await.release().await;
}

#[tokio::test]
async fn a_function_may_have_two_mappings() {
    let mut local = Local::with(|settings| {
        let mut second = mapping(settings).clone();
        second.id = "Second".to_owned();
        settings.deployment.streams.push(second);
    })
    .await;
    post(&local, "tea", [1]).await;
    let first = next(&mut local, &["tea/1"]).await;
    next(&mut local, &["tea/1"]).await.release().await;
    first.release().await;
}

/// Why a gateway does not start after `change` has changed its mapping.
async fn refused(change: impl FnOnce(&mut StreamMapping)) -> Error {
    let text = include_str!("../../fixture/template.yaml");
    let deployment = template::load(text, &[].into(), &template::Context::default()).unwrap();
    let executables = [("fixture".to_owned(), "/nowhere/fixture".into())].into();
    let mut settings = Settings::new(deployment, executables);
    change(mapping(&mut settings));
    within(Gateway::start(settings)).await.unwrap_err()
}

#[tokio::test]
async fn a_mapping_that_cannot_be_served_is_named() {
    let error = refused(|mapping| mapping.table = "Notes".to_owned()).await;
    assert!(matches!(&error, Error::Mapping { mapping, .. } if mapping == "FollowerPosts"));
    let error = refused(|mapping| mapping.filters = vec!["{".to_owned()]).await;
    assert!(matches!(&error, Error::Mapping { mapping, .. } if mapping == "FollowerPosts"));
    let error = refused(|mapping| mapping.function = "Nobody".to_owned()).await;
    assert!(matches!(&error, Error::UnknownFunction { function, .. } if function == "Nobody"));
}
