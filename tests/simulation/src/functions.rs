//! The functions: the routes that are deployed, from an event's JSON to the answer's.

use std::sync::{Arc, LazyLock};

use auth::{Configuration, Verifier, development};
use chat::{
    Clock, ConnectPorts, DevicePolicy, DisconnectPorts, GroupPorts, HistoryPorts, IndexPorts,
    ListPorts, Policy, SearchBounds, SearchPorts, SendPorts, SignalPorts, SyncPorts, TellPorts,
};
use edge::{Direction, Event, Failure, HmacSeal, Inserted, answer, answer_handshake, route};
use push::Silent;
use serde_json::{Value, json};
use store::Pace as _;
use timeline::{Entry, TimelineId, UserId};

use crate::gateway::{self, Connection, Gateway};
use crate::machine::Machine;
use crate::store::Distant;

/// The secret of the tokens here, at least as long as one must be.
const SECRET: &str = "a secret of the simulation alone, which signs nothing else";

/// Events as AWS sends them: those that the documentation tries functions with.
static AUTHORIZE: LazyLock<Value> =
    LazyLock::new(|| read(include_str!("../../../infra/events/authorize.json")));
static CONNECT: LazyLock<Value> =
    LazyLock::new(|| read(include_str!("../../../infra/events/connect.json")));
static DISCONNECT: LazyLock<Value> =
    LazyLock::new(|| read(include_str!("../../../infra/events/disconnect.json")));
static FRAME: LazyLock<Value> =
    LazyLock::new(|| read(include_str!("../../../infra/events/send.json")));
static RECORDS: LazyLock<Value> =
    LazyLock::new(|| read(include_str!("../../../infra/events/fanout.json")));

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("an example event is JSON")
}

/// What functions are made of.
pub(crate) struct Parts {
    pub(crate) store: Distant,
    pub(crate) gateway: Gateway,
    pub(crate) machine: Machine,
    pub(crate) policy: Policy,
    pub(crate) seal: HmacSeal,
    pub(crate) bounds: SearchBounds,
    verifier: Verifier,
}

impl Parts {
    pub(crate) fn new(
        store: Distant,
        gateway: Gateway,
        machine: Machine,
        policy: Policy,
    ) -> Arc<Self> {
        let verifier = Verifier::new(Configuration {
            keys: None,
            development_secret: Some(SECRET),
            audience: None,
            issuer: None,
        });
        Arc::new(Self {
            store,
            gateway,
            machine,
            policy,
            seal: HmacSeal::new(SECRET),
            bounds: SearchBounds::default(),
            verifier: verifier.expect("a secret that is long enough is taken"),
        })
    }

    fn tell(&self) -> TellPorts<'_> {
        TellPorts {
            directory: &self.store,
            timelines: &self.store,
            inboxes: &self.store,
            connections: &self.store,
            focuses: &self.store,
            push: &self.gateway,
            alerts: &Silent,
            clock: &self.machine,
            pace: &self.machine,
            policy: &self.policy,
        }
    }

    fn writing(&self) -> SendPorts<'_> {
        SendPorts { tell: self.tell(), claims: &self.store }
    }

    fn listing(&self) -> ListPorts<'_> {
        ListPorts { directory: &self.store, timelines: &self.store }
    }

    fn indexing(&self) -> IndexPorts<'_> {
        let (timelines, blocks) = (&self.store, &self.store);
        IndexPorts { timelines, blocks, searched: wire::searched_text }
    }
}

/// What the authorizer says of a handshake: a status, or the context of every later event.
pub(crate) fn authorize(parts: &Parts, user: &UserId, device: &str) -> Result<Value, u16> {
    let now = parts.machine.now();
    let mut event = AUTHORIZE.clone();
    let token = format!("Bearer {}", development::token(user, SECRET, now));
    event["headers"]["Authorization"] = json!(token);
    event["multiValueHeaders"]["Authorization"] = json!([token]);
    event["queryStringParameters"]["device"] = json!(device);
    event["multiValueQueryStringParameters"]["device"] = json!([device]);
    let request = serde_json::from_value(event).expect("an event of the authorizer");
    let response = edge::authorizer::decide(&parts.verifier, &request, now).map_err(|_| 401_u16)?;
    let response = serde_json::to_value(response).expect("a policy is JSON");
    if response["policyDocument"]["Statement"][0]["Effect"] != "Allow" {
        return Err(403);
    }
    let mut context = response["context"].clone();
    context["principalId"] = response["principalId"].clone();
    Ok(context)
}

/// The event of a handshake.
pub(crate) fn connecting(number: u64, connection: &Connection) -> String {
    of_connection(&CONNECT, number, connection).to_string()
}

/// The event of a connection that ended.
pub(crate) fn disconnecting(number: u64, connection: &Connection) -> String {
    of_connection(&DISCONNECT, number, connection).to_string()
}

/// The event of a frame.
pub(crate) fn framed(number: u64, connection: &Connection, route: &str, text: &str) -> String {
    let mut event = of_connection(&FRAME, number, connection);
    event["requestContext"]["routeKey"] = json!(route);
    event["body"] = json!(text);
    event.to_string()
}

fn of_connection(example: &Value, number: u64, connection: &Connection) -> Value {
    let mut event = example.clone();
    let context = &mut event["requestContext"];
    context["authorizer"] = connection.context.clone();
    context["connectionId"] = json!(gateway::id(number));
    context["connectedAt"] = json!(connection.made.0);
    event
}

/// The event of a batch of a stream.
pub(crate) fn recorded(batch: &[(u64, TimelineId, Entry)]) -> String {
    let records = batch.iter().map(|(number, timeline, entry)| {
        let mut record = RECORDS["Records"][0].clone();
        record["dynamodb"]["NewImage"] = image(timeline, entry);
        record["dynamodb"]["SequenceNumber"] = json!(number.to_string());
        record
    });
    json!({ "Records": records.collect::<Vec<_>>() }).to_string()
}

/// The image in the record of an entry.
pub(crate) fn image(timeline: &TimelineId, entry: &Entry) -> Value {
    let image = store_dynamo::stream::image(timeline, entry);
    serde_json::to_value(image).expect("an item is JSON")
}

/// `$connect`.
pub(crate) async fn connect(parts: Arc<Parts>, event: String) -> String {
    let event = parse(&parts, &event);
    let ports = ConnectPorts {
        connections: &parts.store,
        push: &parts.gateway,
        clock: &parts.machine,
        policy: DevicePolicy::default(),
    };
    written(&answer_handshake(route::connect(ports, &event)).await)
}

/// `$disconnect`.
pub(crate) async fn disconnect(parts: Arc<Parts>, event: String) -> String {
    let event = parse(&parts, &event);
    let ports = DisconnectPorts { connections: &parts.store };
    written(&answer_handshake(route::disconnect(ports, &event)).await)
}

/// Any other route.
pub(crate) async fn frame(parts: Arc<Parts>, action: String, event: String) -> String {
    let event = parse(&parts, &event);
    let direction =
        if action == wire::action::SEND { Direction::OneWay } else { Direction::TwoWay };
    let deadline = parts.machine.wait(edge::DEADLINE);
    let handle = |event| work(&parts, &action, event);
    written(&answer(direction, &parts.gateway, event, deadline, handle).await.into())
}

async fn work(parts: &Parts, action: &str, event: Event) -> Result<edge::Reply, Failure> {
    let event = &event;
    let store = &parts.store;
    match action {
        wire::action::SEND => route::send(parts.writing(), event).await,
        wire::action::RECALL => route::recall(parts.writing(), event).await,
        wire::action::READ => route::read(parts.tell(), event).await,
        wire::action::RECEIPTS => route::receipts(parts.listing(), event).await,
        wire::action::CONVERSATIONS => route::conversations(parts.listing(), event).await,
        wire::action::SYNC => {
            let ports = SyncPorts {
                directory: store,
                timelines: store,
                inboxes: store,
                connections: store,
                clock: &parts.machine,
                policy: &parts.policy,
            };
            route::sync(ports, event).await
        }
        wire::action::HISTORY => {
            let ports = HistoryPorts { directory: store, timelines: store };
            route::history(ports, event).await
        }
        wire::action::GROUP => {
            let ports = GroupPorts { tell: parts.tell(), ids: &parts.machine };
            route::group(ports, event).await
        }
        wire::action::SIGNAL => {
            let ports = SignalPorts {
                directory: store,
                focuses: store,
                connections: store,
                push: &parts.gateway,
                clock: &parts.machine,
            };
            route::signal(ports, event).await
        }
        wire::action::SEARCH => {
            let ports = SearchPorts {
                directory: store,
                timelines: store,
                blocks: store,
                searched: wire::searched_text,
                seal: &parts.seal,
                bounds: &parts.bounds,
            };
            route::search(ports, event).await
        }
        _ => route::unclaimed(event),
    }
}

/// The stream's consumer that finishes fan-outs.
pub(crate) async fn fanout(parts: Arc<Parts>, event: String) -> String {
    let event = serde_json::from_str(&event).expect("an event of a stream");
    let handle = |inserted: Inserted| {
        let parts = Arc::clone(&parts);
        async move {
            let (timeline, entry) = store_dynamo::stream::entry(inserted.image)?;
            Ok(chat::complete(parts.tell(), &timeline, &entry).await?)
        }
    };
    serde_json::to_string(&edge::deliver(event, handle).await).expect("a report is JSON")
}

/// The stream's consumer that builds the search index.
pub(crate) async fn index(parts: Arc<Parts>, event: String) -> String {
    let event = serde_json::from_str(&event).expect("an event of a stream");
    let handle = |inserted: Inserted| {
        let parts = Arc::clone(&parts);
        async move {
            let (timeline, entry) = store_dynamo::stream::entry(inserted.image)?;
            Ok(chat::index(parts.indexing(), &timeline, entry.seq).await?)
        }
    };
    serde_json::to_string(&edge::deliver(event, handle).await).expect("a report is JSON")
}

fn parse(parts: &Parts, text: &str) -> Event {
    let request = serde_json::from_str(text).expect("an event of the WebSocket API");
    Event::new(request, parts.machine.now())
}

fn written(response: &edge::Response) -> String {
    serde_json::to_string(response).expect("an answer is JSON")
}
