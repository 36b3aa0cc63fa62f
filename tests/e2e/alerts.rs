//! What is published for users without a live device, by the adapter that functions publish with.

use std::collections::BTreeMap;

use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region};
use push::{Alert, Alerts, Error};
use push_sns::Sns;
use template::model::{Deployment, Fifo, FifoScope};
use tests::{Town, binaries, deployment};
use timeline::{
    Body, ConversationId, DeviceId, Diffusion, Entry, Kind, MessageId, Seq, Timestamp, UserId,
    limits,
};

const TOPIC: &str = "OfflineTopic";

fn sns(endpoint: &str, topic: &str) -> Sns {
    let config = aws_sdk_sns::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .endpoint_url(endpoint);
    Sns::new(aws_sdk_sns::Client::from_conf(config.build()), topic.to_owned())
}

/// The town's topic.
fn topic(town: &Town) -> Sns {
    sns(&town.gateway().sns_endpoint(), &deployment().topics[TOPIC].arn)
}

/// Alice's message of that number, of which a user is to be told.
fn alert(user: &str, number: u8) -> Alert {
    let entry = Entry {
        seq: Seq::new(number.into()).unwrap(),
        id: MessageId::from_bytes([number; 16]),
        author: UserId::parse("alice").unwrap(),
        device: DeviceId::parse("desk").unwrap(),
        at: Timestamp(1_763_917_045_123),
        kind: Kind::text(),
        countable: number.into(),
        recalls: 0,
        version: 1,
        inbox_before: Seq::default(),
        diffusion: Diffusion::Write,
        named: Vec::new(),
        target: None,
        revision: None,
        recalled: None,
        body: Some(Body::parse(r#"{"text":"5 > 4 & \"yes\", naïve 你好"}"#).unwrap()),
    };
    let group = ConversationId::parse("g~01935b2e-7c1a-7def-8123-456789abcdef").unwrap();
    Alert { user: UserId::parse(user).unwrap(), conversation: group, entry: Box::new(entry) }
}

#[tokio::test]
async fn every_alert_is_delivered_once_and_each_users_in_their_order() {
    let town = Town::start().await;
    // Three messages to a group that takes two batches and a part for each.
    let longest = "u".repeat(limits::USER_ID_BYTES_MAX);
    let users: Vec<_> = (0..24).map(|number| format!("user-{number}")).chain([longest]).collect();
    let alerts: Vec<_> =
        (1..=3).flat_map(|number| users.iter().map(move |user| alert(user, number))).collect();
    for _ in 0..2 {
        topic(&town).publish(&alerts).await.unwrap();
    }
    topic(&town).publish(&[]).await.unwrap();
    let lines = town.gateway().topic_lines(TOPIC);
    assert_eq!(lines.len(), alerts.len());
    for (line, Alert { user, conversation, entry }) in lines.iter().zip(&alerts) {
        let expected = wire::Alert::of(user, conversation, entry).to_json();
        assert_eq!(line["Message"], expected);
        assert_eq!(line["MessageGroupId"], user.as_str());
    }
    let bill = town.stop().await;
    assert_eq!(bill.topics[TOPIC].messages, 150);
}

#[tokio::test]
async fn a_failure_tells_what_can_be_done() {
    let town = Town::start().await;
    let alerts = [alert("bob", 1)];
    let endpoint = town.gateway().sns_endpoint();
    let elsewhere = sns(&endpoint, "arn:aws:sns:us-east-1:123456789012:elsewhere.fifo");
    let refused = elsewhere.publish(&alerts).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    town.arm("throttle-publishes:1");
    let throttled = topic(&town).publish(&alerts).await;
    assert!(matches!(throttled, Err(Error::Throttled { .. })), "{throttled:?}");
    assert_eq!(town.gateway().topic_lines(TOPIC).len(), 0);
    let topic = topic(&town);
    town.stop().await;
    let unavailable = topic.publish(&alerts).await;
    assert!(matches!(unavailable, Err(Error::Unavailable { .. })), "{unavailable:?}");
}

/// The project's template with the parameter at this value.
fn deployed(notifications: &str) -> Deployment {
    let text = std::fs::read_to_string(binaries::root().join("template.yaml")).unwrap();
    let parameters =
        BTreeMap::from([("OfflineNotifications".to_owned(), notifications.to_owned())]);
    template::load(&text, &parameters, &template::Context::default()).unwrap()
}

#[test]
fn functions_know_the_topic_where_there_is_one() {
    let (on, off) = (deployed("on"), deployed("off"));
    let topic = &on.topics[TOPIC];
    // Every member's alert of a message has the same id: were the scope the topic, all but one of
    // them would be dropped.
    assert_eq!(topic.fifo, Some(Fifo { scope: FifoScope::MessageGroup, by_content: false }));
    assert_eq!(on.outputs["Topic"], topic.arn);
    assert!(off.topics.is_empty() && !off.outputs.contains_key("Topic"));
    let named = |deployment: &Deployment| {
        let functions = deployment.functions.values();
        let named = functions.map(|function| function.environment["TIDELINE_TOPIC"].clone());
        named.collect::<Vec<_>>()
    };
    assert!(named(&on).iter().all(|arn| *arn == topic.arn));
    assert!(named(&off).iter().all(String::is_empty));
}
