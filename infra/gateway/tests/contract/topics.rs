//! The topics of the template: what is delivered and what is not, how wrong requests are answered,
//! what is metered, and what can go wrong.
//!
//! AWS's own client speaks wherever it lets one say what the test is about; what it would not send
//! is posted as a form.

use aws_sdk_sns::Client;
use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sns::error::ProvideErrorMetadata;
use aws_sdk_sns::operation::publish::builders::PublishFluentBuilder;
use aws_sdk_sns::primitives::Blob;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use expect_test::{Expect, expect};
use serde_json::Value;

use crate::faults::fault;
use crate::http::{Answer, Request};
use crate::local::{Local, within};

/// A line of a topic, its members in the order of AWS's own example of a notification ("Amazon SNS
/// message formats").
const GOLDEN: &str = include_str!("../golden/topic.json");

const ALARMS: &str = "arn:aws:sns:us-east-1:123456789012:alarms.fifo";
const HEADLINES: &str = "arn:aws:sns:us-east-1:123456789012:headlines.fifo";
const CHATTER: &str = "arn:aws:sns:us-east-1:123456789012:Chatter";

const ANNOUNCE: &str = r#"{"action":"announce","text":"smoke"}"#;

fn client(local: &Local) -> Client {
    let config = aws_sdk_sns::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("TEST", "test", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(aws_sdk_sns::config::retry::RetryConfig::disabled())
        .endpoint_url(local.running.sns_endpoint());
    Client::from_conf(config.build())
}

/// A message to the alarms.
fn alarm(client: &Client, group: &str, id: &str, text: &str) -> PublishFluentBuilder {
    let request = client.publish().topic_arn(ALARMS).message_group_id(group);
    request.message_deduplication_id(id).message(text)
}

fn entry(id: &str, group: &str, deduplication: &str, text: &str) -> PublishBatchRequestEntry {
    let entry = PublishBatchRequestEntry::builder().id(id).message_group_id(group).message(text);
    entry.message_deduplication_id(deduplication).build().unwrap()
}

/// The texts that the topic has delivered.
fn told(local: &Local, topic: &str) -> Vec<String> {
    let lines = local.running.topic_lines(topic).into_iter();
    lines.map(|line| line["Message"].as_str().unwrap().to_owned()).collect()
}

/// Posts a form, signed as an SDK would.
async fn post(local: &Local, form: &str) -> Answer {
    let request = Request::new("POST", "/").signed().body(form.as_bytes());
    request.send(local.running.sns_endpoint().strip_prefix("http://").unwrap()).await
}

#[tokio::test]
async fn a_message_is_delivered_as_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("topics");
    let local = Local::with(|settings| settings.topics = Some(directory.clone())).await;
    let attribute = |kind: &str| MessageAttributeValue::builder().data_type(kind);
    let published = alarm(&client(&local), "kitchen", "smoke-1", r#"{"text":"smoke & <fire>"}"#)
        .subject("Fire")
        .message_attributes("floor", attribute("Number").string_value("3").build().unwrap())
        .message_attributes(
            "photo",
            attribute("Binary").binary_value(Blob::new([1, 2, 3])).build().unwrap(),
        )
        .send()
        .await
        .unwrap();
    let text = std::fs::read_to_string(directory.join("Alarms.jsonl")).unwrap();
    let mut line: Value = serde_json::from_str(text.strip_suffix('\n').unwrap()).unwrap();
    assert_eq!(local.running.topic_lines("Alarms"), [line.clone()]);
    assert_eq!(line["MessageId"], published.message_id().unwrap());
    assert_eq!(line["SequenceNumber"], published.sequence_number().unwrap());
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    for name in ["MessageId", "SequenceNumber", "Timestamp"] {
        let lengths = [&line, &golden].map(|of| of[name].as_str().unwrap().len());
        assert_eq!(lengths[0], lengths[1], "{name}");
        line[name] = golden[name].clone();
    }
    assert_eq!(line, golden);
}

#[tokio::test]
async fn a_repetition_is_accepted_and_not_delivered() {
    let local = Local::start().await;
    let client = client(&local);
    let first = alarm(&client, "kitchen", "1", "smoke").send().await.unwrap();
    let again = alarm(&client, "kitchen", "1", "smoke, again").send().await.unwrap();
    assert_eq!(again.message_id(), first.message_id());
    assert_eq!(again.sequence_number(), first.sequence_number());
    let other = alarm(&client, "cellar", "1", "flood").send().await.unwrap();
    assert!(other.sequence_number() > first.sequence_number());
    assert_eq!(told(&local, "Alarms"), ["smoke", "flood"]);
}

#[tokio::test]
async fn the_messages_of_a_batch_are_delivered_in_their_order() {
    let local = Local::start().await;
    let batch = client(&local).publish_batch().topic_arn(ALARMS);
    let entries = (0..10).map(|number| {
        let (id, text) = (number.to_string(), format!("alarm {number}"));
        // The last one repeats the one before it.
        entry(&id, "kitchen", &number.min(8).to_string(), &text)
    });
    let batch = batch.set_publish_batch_request_entries(Some(entries.collect()));
    let answer = batch.send().await.unwrap();
    assert_eq!(answer.failed().len(), 0);
    let ids: Vec<_> = answer.successful().iter().map(|entry| entry.id().unwrap()).collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    let numbers: Vec<_> = answer.successful().iter().map(|entry| entry.sequence_number()).collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    assert_eq!(numbers[8], numbers[9]);
    let lines = within(local.running.topic_lines_at_least("Alarms", 9)).await;
    let texts: Vec<_> = lines.iter().map(|line| line["Message"].as_str().unwrap()).collect();
    assert_eq!(texts, (0..9).map(|number| format!("alarm {number}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_message_of_a_batch_may_fail_alone() {
    let local = Local::start().await;
    let batch = client(&local).publish_batch().topic_arn(ALARMS);
    let batch = batch.publish_batch_request_entries(entry("empty", "kitchen", "1", ""));
    let batch = batch.publish_batch_request_entries(entry("full", "kitchen", "1", "smoke"));
    let answer = batch.send().await.unwrap();
    let [failed] = answer.failed() else { panic!("one fails: {answer:?}") };
    assert_eq!((failed.id(), failed.code()), ("empty", "InvalidParameter"));
    assert!(failed.sender_fault());
    assert_eq!(answer.successful()[0].id(), Some("full"));
    assert_eq!(told(&local, "Alarms"), ["smoke"]);
    assert_eq!(local.running.bill().topics["Alarms"].messages, 1);
}

#[tokio::test]
async fn a_topic_may_know_messages_by_their_content() {
    let local = Local::start().await;
    let client = client(&local);
    for (group, text) in [("a", "storm"), ("b", "storm"), ("a", "calm")] {
        let request = client.publish().topic_arn(HEADLINES).message_group_id(group);
        request.message(text).send().await.unwrap();
    }
    assert_eq!(told(&local, "Headlines"), ["storm", "calm"]);
}

#[tokio::test]
async fn a_standard_topic_delivers_repetitions() {
    let local = Local::start().await;
    let client = client(&local);
    for _ in 0..2 {
        let answer = client.publish().target_arn(CHATTER).message("hello").send().await.unwrap();
        assert_eq!(answer.sequence_number(), None);
    }
    assert_eq!(told(&local, "Chatter"), ["hello", "hello"]);
}

#[tokio::test]
async fn the_client_knows_the_errors() {
    let local = Local::start().await;
    let client = client(&local);
    let nowhere = client.publish().topic_arn(format!("{CHATTER}y")).message("hello").send().await;
    assert!(nowhere.unwrap_err().into_service_error().is_not_found_exception());
    let lost = client.publish().topic_arn(ALARMS).message("smoke").send().await;
    assert!(lost.unwrap_err().into_service_error().is_invalid_parameter_exception());
    let batch = || client.publish_batch().topic_arn(ALARMS);
    let empty = batch().set_publish_batch_request_entries(Some(Vec::new())).send().await;
    assert!(empty.unwrap_err().into_service_error().is_empty_batch_request_exception());
    let many = (0..11).map(|id| entry(&id.to_string(), "g", "1", "x")).collect();
    let many = batch().set_publish_batch_request_entries(Some(many)).send().await;
    let many = many.unwrap_err().into_service_error();
    assert!(many.is_too_many_entries_in_batch_request_exception());
    let twins = ["1", "2"].map(|id| entry("twin", "g", id, "x")).to_vec();
    let twins = batch().set_publish_batch_request_entries(Some(twins)).send().await;
    assert!(twins.unwrap_err().into_service_error().is_batch_entry_ids_not_distinct_exception());
    let named = batch().publish_batch_request_entries(entry("a b", "g", "1", "x")).send().await;
    assert!(named.unwrap_err().into_service_error().is_invalid_batch_entry_id_exception());
    let half = "x".repeat(128 * 1024 + 1);
    let long = ["1", "2"].map(|id| entry(id, "g", id, &half)).to_vec();
    let long = batch().set_publish_batch_request_entries(Some(long)).send().await;
    assert!(long.unwrap_err().into_service_error().is_batch_request_too_long_exception());
    assert_eq!(told(&local, "Alarms"), [""; 0]);
}

/// What each form is answered: the status, the code and where the message begins.
async fn check(forms: &[String], expected: &Expect) {
    let local = Local::start().await;
    let mut answers = Vec::new();
    for form in forms {
        let answer = post(&local, form).await;
        assert_eq!(answer.header("content-type"), Some("text/xml"));
        let text = answer.text();
        let part = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>")).unwrap_or(("", ""));
            rest.split_once(&format!("</{name}>")).map(|(part, _)| part.to_owned())
        };
        let message: String = part("Message").unwrap().chars().take(48).collect();
        let (code, message) = (part("Code").unwrap(), message.trim_end());
        answers.push(format!("{} {code}: {message}", answer.status));
    }
    expected.assert_eq(&answers.join("\n"));
}

#[tokio::test]
async fn a_wrong_request_is_answered_as_by_aws() {
    let alarm = format!("Action=Publish&Message=x&TopicArn={ALARMS}");
    let long = "x".repeat(129);
    check(
        &[
            String::new(),
            "Action=DeleteTopic".to_owned(),
            "Action=Publish&Message=x".to_owned(),
            "Action=Publish&Message=x&TopicArn=alarms".to_owned(),
            format!("{alarm}.x"),
            alarm.clone(),
            format!("{alarm}&MessageGroupId=g"),
            format!("{alarm}&MessageGroupId={long}&MessageDeduplicationId=1"),
            format!("{alarm}&MessageGroupId=g&MessageDeduplicationId=a+b"),
            format!("Action=Publish&TopicArn={CHATTER}"),
            format!("Action=Publish&Message=x&TopicArn={CHATTER}&MessageDeduplicationId=1"),
            format!("Action=Publish&TopicArn={CHATTER}&Message={}", "x".repeat(256 * 1024 + 1)),
            format!("Action=Publish&TopicArn={CHATTER}&Message={}", "x".repeat(1024 * 1024)),
        ],
        &expect![[r#"
            400 MissingAction: The request names no action
            400 InvalidAction: The action is not served here
            400 InvalidParameter: Invalid parameter: TopicArn or TargetArn Reason:
            400 InvalidParameter: Invalid parameter: TopicArn
            404 NotFound: Topic does not exist
            400 InvalidParameter: Invalid parameter: The MessageGroupId parameter
            400 InvalidParameter: Invalid parameter: The topic should either have
            400 InvalidParameter: Invalid parameter: MessageGroupId
            400 InvalidParameter: Invalid parameter: MessageDeduplicationId
            400 InvalidParameter: Invalid parameter: Empty message
            400 InvalidParameter: Invalid parameter: MessageDeduplicationId Reason
            400 InvalidParameter: Invalid parameter: Message too long
            413 RequestEntityTooLarge: Request entity is too large"#]],
    )
    .await;
}

#[tokio::test]
async fn a_request_without_a_signature_is_refused() {
    let local = Local::start().await;
    let endpoint = local.running.sns_endpoint();
    let form = format!("Action=Publish&Message=x&TopicArn={CHATTER}");
    let request = Request::new("POST", "/").body(form.as_bytes());
    let answer = request.send(endpoint.strip_prefix("http://").unwrap()).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("<Code>MissingAuthenticationToken</Code>"), "{answer:?}");
    assert_eq!(told(&local, "Chatter"), [""; 0]);
}

#[tokio::test]
async fn a_restart_forgets_nothing_that_tables_remember() {
    let folder = tempfile::tempdir().unwrap();
    let with = |kept: bool| {
        let folder = folder.path().to_owned();
        Local::with(move |settings| {
            settings.topics = Some(folder.join("topics"));
            if kept {
                settings.store = gateway::Store::File(folder.join("tables.db"));
            }
        })
    };
    let mut numbers = Vec::new();
    for (kept, lines) in [(true, 1), (true, 1), (false, 2)] {
        let local = with(kept).await;
        let answer = alarm(&client(&local), "kitchen", "1", "smoke").send().await.unwrap();
        numbers.push(answer.sequence_number().unwrap().to_owned());
        assert_eq!(local.running.topic_lines("Alarms").len(), lines, "{kept}");
        local.running.stop().await;
    }
    assert_eq!(numbers[0], numbers[1]);
    assert!(numbers[1] < numbers[2], "{numbers:?}");
}

#[tokio::test]
async fn what_is_published_is_on_the_bill_repetitions_included() {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    for _ in 0..3 {
        socket.say(ANNOUNCE).await;
        assert_eq!(socket.text().await, "announced");
    }
    assert_eq!(told(&local, "Alarms"), ["smoke"]);
    let bill = local.running.stop().await;
    let used = bill.topics["Alarms"];
    assert_eq!((used.messages, used.bytes, used.requests), (3, 15, 3));
    assert!(used.is_fifo && !bill.topics["Chatter"].is_fifo);
    assert!(
        bill.to_string().contains("\n    Alarms                                3           15")
    );
}

/// Announces with a kill armed, which makes it fail; what was delivered then.
async fn announced_with_kill(armed: &str) -> Vec<String> {
    let mut local = Local::start().await;
    let (mut socket, _) = local.join("ada").await;
    local.running.faults().arm(fault(armed));
    // Not the function's: whoever publishes from outside is never killed nor counted.
    alarm(&client(&local), "kitchen", "1", "outside").send().await.unwrap();
    socket.say(ANNOUNCE).await;
    within(local.running.faults().fired_at_least(1)).await;
    assert_eq!(socket.json().await["message"], "Internal server error");
    let delivered = told(&local, "Alarms");
    let killed = local.journal.next("announce").await.process();
    socket.say(ANNOUNCE).await;
    assert_eq!(socket.text().await, "announced");
    assert_ne!(local.journal.next("announce").await.process(), killed);
    // Whether it was the first attempt or the second, it was delivered once.
    assert_eq!(told(&local, "Alarms"), ["outside", "smoke"]);
    delivered
}

#[tokio::test]
async fn a_kill_before_a_publish_leaves_it_undone() {
    assert_eq!(announced_with_kill("kill:Room:before:Publish:1").await, ["outside"]);
}

#[tokio::test]
async fn a_kill_after_a_publish_leaves_it_done() {
    assert_eq!(announced_with_kill("kill:Room:after:Publish:1").await, ["outside", "smoke"]);
}

#[tokio::test]
async fn a_throttled_publish_delivers_nothing_and_is_known_as_such() {
    let local = Local::start().await;
    let throttled = fault("throttle-publishes:1");
    local.running.faults().arm(throttled.clone());
    let client = client(&local);
    let refused = alarm(&client, "kitchen", "1", "smoke").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("Throttling"));
    local.running.faults().disarm(&throttled);
    alarm(&client, "kitchen", "1", "smoke").send().await.unwrap();
    assert_eq!(told(&local, "Alarms"), ["smoke"]);
}
