//! The parts that functions are made of, over the connector, and people who use them.

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_sdk_dynamodb::config::retry::RetryPartition;
use chat::{ConnectPorts, DevicePolicy, DisconnectPorts, Policy};
use edge::{Boot, Direction, Environment, Event, environment};
use push::Alerts;
use push_apigw::ApiGateway;
use serde_json::{Value, json};
use store::{Connections, Inboxes, Registration, Scan, Tables, Timelines};
use store_dynamo::Dynamo;
use tests::embedded;
use timeline::exchange::Caller;
use timeline::{
    ConnectionId, ConversationId, DeviceId, Entry, InboxEntry, InboxLife, Seq, TimelineId,
    Timestamp, UserId, limits,
};

use crate::clock::{Clock, START};
use crate::connector::{Connector, REAL_TIME};
use crate::plan::Plan;
use crate::routes;
use crate::seen::Seen;

/// A deployment that a test has for itself.
pub(crate) struct World {
    /// Its time.
    pub(crate) clock: Clock,
    /// What carries its requests.
    pub(crate) connector: Connector,
    /// The store of its functions.
    pub(crate) store: Dynamo,
    /// `@connections` of its functions.
    pub(crate) push: ApiGateway,
    /// The topic of its functions.
    pub(crate) alerts: Box<dyn Alerts>,
    /// What it decides.
    pub(crate) policy: Policy,
    /// The same tables by a way on which nothing fails and nothing is seen.
    calm: Dynamo,
}

impl World {
    /// A deployment in which nothing has been kept.
    pub(crate) fn new() -> Self {
        let (client, tables) = embedded::parts();
        let calm = Dynamo::new(client, tables.clone());
        REAL_TIME.block_on(calm.set_up()).unwrap();
        let clock = Clock::default();
        let connector = Connector::new(clock.clone());
        let boot =
            Boot::new(environment(&tables), SharedHttpClient::new(connector.clone())).unwrap();
        let topic = boot.topic().unwrap().unwrap();
        // The settings stay as they are. What differs is whose time it is, and that tests do not
        // share what the SDK remembers of failures.
        let partition = || RetryPartition::custom("test").build();
        let config = boot.dynamodb.config().to_builder();
        let config = config.sleep_impl(clock.clone()).time_source(clock.clone());
        let config = config.retry_partition(partition()).build();
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(config);
        let config = boot.management.config().to_builder();
        let config = config.sleep_impl(clock.clone()).time_source(clock.clone());
        let config = config.retry_partition(partition()).build();
        let management = aws_sdk_apigatewaymanagement::Client::from_conf(config);
        let config = topic.client.config().to_builder();
        let config = config.sleep_impl(clock.clone()).time_source(clock.clone());
        let config = config.retry_partition(partition()).build();
        let sns = aws_sdk_sns::Client::from_conf(config);
        let policy = Policy {
            inbox_members_max: 100,
            group_members_max: 1_000,
            inbox_life: InboxLife::default(),
            recall_ms: limits::RECALL_MS_DEFAULT,
        };
        Self {
            store: Dynamo::new(dynamodb, boot.tables),
            push: ApiGateway::new(management),
            alerts: push_sns::alerts(Some((sns, topic.arn))),
            policy,
            clock,
            connector,
            calm,
        }
    }

    /// A device of a user that has been connected for long.
    pub(crate) fn device(&self, user: &str, device: &str) -> Caller {
        let caller = caller(user, device);
        let registration = Registration {
            device: caller.device.clone(),
            platform: None,
            connection: caller.connection.clone(),
            connected: caller.connected,
            expires: caller.expires,
        };
        self.calm(async |store| store.register(&caller.user, &registration).await).unwrap();
        self.open(&caller);
        caller
    }

    /// Has the gateway take posts to a device.
    pub(crate) fn open(&self, caller: &Caller) {
        let connection = caller.connection.as_str().to_owned();
        self.connector.outside(|outside| outside.open.insert(connection));
    }

    /// From now on it goes as planned.
    pub(crate) fn go(&self, plan: Plan) {
        self.connector.go(plan);
    }

    /// From now on nothing goes wrong; what was under way arrives first.
    pub(crate) fn calm_down(&self) {
        self.clock.settle();
        self.connector.go(Plan::default());
    }

    /// The requests that were seen since the plan began.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.connector.seen()
    }

    /// Those of this operation on this table.
    pub(crate) fn seen_of(&self, operation: &str, table: &str) -> Vec<Seen> {
        let mut seen = self.seen();
        seen.retain(|seen| seen.is(operation, table));
        seen
    }

    /// Asks the store by a way on which nothing fails.
    pub(crate) fn calm<T>(&self, ask: impl AsyncFnOnce(&Dynamo) -> T) -> T {
        REAL_TIME.block_on(ask(&self.calm))
    }

    /// Sends a frame as a device does, and waits until its function is done: every answer to it,
    /// returned or posted.
    pub(crate) fn ask(&self, caller: &Caller, frame: &Value) -> Vec<Value> {
        let before = self.connector.outside(|outside| outside.frames.len());
        let event = event(caller, frame, chat::Clock::now(&self.clock));
        let direction = match frame["action"].as_str() {
            Some("send") => Direction::OneWay,
            _ => Direction::TwoWay,
        };
        let deadline = self.clock.after(edge::serve::DEADLINE);
        let handle = |event| routes::handle(self, event);
        let reply = edge::serve::answer(direction, &self.push, event, deadline, handle);
        let mut answers = Vec::from_iter(routes::frame_of(self.clock.run(reply)));
        self.connector.outside(|outside| {
            let frames = outside.frames[before..].iter();
            let own = frames.filter(|(to, _)| to == caller.connection.as_str());
            answers.extend(own.map(|(_, frame)| frame.clone()));
        });
        answers.retain(|answer| answer["re"] == frame["id"]);
        answers
    }

    /// The same, of a frame that is answered once, and well.
    pub(crate) fn ok(&self, caller: &Caller, frame: &Value) -> Value {
        let answers = self.ask(caller, frame);
        assert_eq!(answers.len(), 1, "{frame} is answered once: {answers:?}");
        assert!(answers[0]["ok"].is_object(), "{frame} is refused: {}", answers[0]);
        answers[0]["ok"].clone()
    }

    /// The same, of a frame that is refused once: the problem.
    pub(crate) fn refused(&self, caller: &Caller, frame: &Value) -> Value {
        let answers = self.ask(caller, frame);
        assert_eq!(answers.len(), 1, "{frame} is answered once: {answers:?}");
        assert!(answers[0]["error"].is_object(), "{frame} is not refused: {}", answers[0]);
        answers[0]["error"].clone()
    }

    /// Sends a frame until it is answered well, as a client does; how often that was.
    pub(crate) fn persist(&self, caller: &Caller, frame: &Value) -> (Value, usize) {
        let mut frame = frame.clone();
        for attempt in 1..=10 {
            frame["id"] = json!(tests::id());
            let mut answers = self.ask(caller, &frame);
            if let Some(answer) = answers.iter_mut().find(|answer| answer["ok"].is_object()) {
                return (answer["ok"].take(), attempt);
            }
            let retry =
                answers.iter().find_map(|answer| answer["error"]["retry_after_ms"].as_u64());
            assert!(answers.is_empty() || retry.is_some(), "not to be repeated: {answers:?}");
        }
        panic!("never answered: {frame}");
    }

    /// Does what the function of a handshake does.
    pub(crate) fn connect(&self, caller: &Caller) -> Result<(), chat::Error> {
        let Self { store, push, clock, .. } = self;
        let policy = DevicePolicy::default();
        let ports = ConnectPorts { connections: store, push, clock, policy };
        self.clock.run(chat::connect(ports, caller))
    }

    /// Does what the function of a connection's end does.
    pub(crate) fn disconnect(&self, caller: &Caller) -> Result<(), chat::Error> {
        let ports = DisconnectPorts { connections: &self.store };
        self.clock.run(chat::disconnect(ports, caller))
    }

    /// Does what the function of the stream does with an entry.
    pub(crate) fn come_by(&self, conversation: &str, entry: &Entry) {
        let timeline = TimelineId::parse(conversation).unwrap();
        let ports = routes::tell(self, &*self.alerts);
        self.clock.run(chat::complete(ports, &timeline, entry)).unwrap();
    }

    /// What is on a conversation's timeline after a sequence.
    pub(crate) fn timeline(&self, conversation: &str, after: Seq) -> Vec<Entry> {
        let id = ConversationId::parse(conversation).unwrap().timeline();
        let scan = Scan::since(after.next(), 1_000);
        self.calm(async |store| store.scan(&id, scan).await).unwrap()
    }

    /// What is in a user's inbox after a position.
    pub(crate) fn inbox(&self, user: &str, after: Seq) -> Vec<InboxEntry> {
        let user = UserId::parse(user).unwrap();
        self.calm(async |store| store.after(&user, after, 1_000).await).unwrap().entries
    }
}

/// A device of a user, connected long before the clock started.
pub(crate) fn caller(user: &str, device: &str) -> Caller {
    Caller {
        user: UserId::parse(user).unwrap(),
        device: DeviceId::parse(device).unwrap(),
        platform: None,
        connection: ConnectionId::parse(&format!("{user}-{device}")).unwrap(),
        connected: Timestamp(START.0 - 2 * limits::YOUNG_CONNECTION_MS),
        expires: START.plus(limits::DAY_MS),
    }
}

/// The text of a message to a person.
pub(crate) fn text(to: &str, text: &str, base: u64) -> Value {
    let cid = tests::id();
    tests::frame("send", json!({ "to": to, "cid": cid, "base": base, "body": { "text": text } }))
}

fn environment(tables: &Tables) -> Environment {
    let values = [
        (environment::TIMELINE_TABLE, tables.timeline.clone()),
        (environment::INBOX_TABLE, tables.inbox.clone()),
        (environment::DIRECTORY_TABLE, tables.directory.clone()),
        (environment::CONNECTIONS_TABLE, tables.connections.clone()),
        (environment::SEARCH_TABLE, tables.search.clone()),
        (environment::DYNAMODB_ENDPOINT, embedded::endpoint()),
        (environment::MANAGEMENT_ENDPOINT, "http://connections.test/v1".to_owned()),
        (environment::SNS_ENDPOINT, "http://sns.test".to_owned()),
        (environment::TOPIC, "arn:aws:sns:us-east-1:123456789012:offline.fifo".to_owned()),
        (environment::REGION, "us-east-1".to_owned()),
        (environment::ACCESS_KEY, "test".to_owned()),
        (environment::SECRET_KEY, "test".to_owned()),
    ];
    Environment::of(values.into_iter())
}

fn event(caller: &Caller, frame: &Value, now: Timestamp) -> Event {
    let authorizer = json!({
        "user": caller.user.as_str(),
        "device": caller.device.as_str(),
        "expires": caller.expires.0.to_string(),
    });
    let context = json!({
        "connectionId": caller.connection.as_str(),
        "connectedAt": caller.connected.0,
        "requestTimeEpoch": now.0,
        "authorizer": authorizer,
    });
    let request = json!({ "requestContext": context, "body": frame.to_string() });
    Event::new(serde_json::from_value(request).unwrap(), now)
}
