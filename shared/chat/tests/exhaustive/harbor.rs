//! A world of a store and a gateway, those who act in it, and the laws between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use chat::{Clock, ConnectPorts, DevicePolicy, DisconnectPorts, Policy, SyncPorts, TellPorts};
use push::{Notice, Posted, Push, Silent};
use store::explorer::{Checked, Effect, Explorer, Line, Report, Scene, Violation, at_once};
use store::pace::Immediately;
use store::{
    Connections, Conversation, Directory, Inboxes, Members, Membership, Memory, Registration,
    Timelines,
};
use timeline::exchange::{Caller, Catchup};
use timeline::{
    Admission, Body, ConnectionId, ConversationId, DeviceId, Diffusion, Draft, Entry, Kind,
    MessageId, Muted, Role, Seq, Timestamp, UserId, Visibility, limits,
};

/// When the messages of these tests were kept.
pub(crate) const KEPT: Timestamp = Timestamp(1_763_917_045_000);

/// So many messages are kept. Whether anybody is told of them is what happens.
const KEPT_COUNT: u64 = 4;

/// A store and a gateway.
#[derive(Clone, Debug, Default)]
pub(crate) struct Harbor {
    pub(crate) memory: Memory,
    /// The connections that were opened or lost; another one is still opening.
    pub(crate) lines: BTreeMap<ConnectionId, Wire>,
    /// Where the device stands in its inbox, once it has kept a cursor.
    pub(crate) cursor: Option<(Seq, Timestamp)>,
}

/// A connection that was opened or lost.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire {
    pub(crate) is_closed: bool,
    /// Whether its device was told that it was kicked.
    pub(crate) is_kicked: bool,
    /// The messages that were pushed to it, or acknowledged to it.
    pub(crate) pushed: BTreeSet<u64>,
}

impl AsRef<Memory> for Harbor {
    fn as_ref(&self) -> &Memory {
        &self.memory
    }
}

/// What became of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A fan-out of this message is complete.
    Complete(u64),
    /// A device is connected and has synced; it has been told of these messages.
    Synced(Arrival, BTreeSet<u64>),
    /// A device has found that it is not to go on with its connection.
    Gone,
    /// Nobody knows.
    Failed,
    /// Something happened that was none of these.
    Happened,
}

/// A connection of one of Bob's devices, and when it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) device: &'static str,
    pub(crate) name: &'static str,
    pub(crate) at: Timestamp,
}

impl Arrival {
    pub(crate) fn device(self) -> DeviceId {
        DeviceId::parse(self.device).unwrap()
    }

    pub(crate) fn connection(self) -> ConnectionId {
        ConnectionId::parse(self.name).unwrap()
    }

    pub(crate) fn caller(self) -> Caller {
        Caller {
            user: person("bob"),
            device: self.device(),
            platform: None,
            connection: self.connection(),
            connected: self.at,
            expires: self.at.plus(limits::CONNECTION_MS_MAX),
        }
    }

    pub(crate) fn registration(self) -> Registration {
        let Caller { device, platform, connection, connected, expires, .. } = self.caller();
        Registration { device, platform, connection, connected, expires }
    }
}

pub(crate) fn person(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub(crate) fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

pub(crate) fn tea() -> ConversationId {
    ConversationId::direct(&person("ada"), &person("bob")).unwrap()
}

/// A message of Ada's to Bob as it is kept.
pub(crate) fn message(number: u64) -> Entry {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    let draft = Draft {
        id: MessageId::from_bytes(id),
        author: person("ada"),
        device: DeviceId::parse("desk").unwrap(),
        at: KEPT,
        kind: Kind::text(),
        version: 1,
        inbox_before: Seq::ZERO,
        diffusion: Diffusion::Write,
        named: Vec::new(),
        target: None,
        body: Body::parse(r#"{"text":"hello"}"#).unwrap(),
    };
    draft.at(seq(number))
}

/// What does not change in these tests: the conversation, and what is kept on its timeline.
pub(crate) static KEEPSAKES: LazyLock<Arc<Memory>> = LazyLock::new(|| {
    let memory = Memory::default();
    let membership = Membership { joined: Seq::FIRST, role: Role::Member, muted: Muted::No };
    let members = ["ada", "bob"].map(|name| (person(name), membership));
    let conversation = Conversation {
        id: tea(),
        version: 1,
        made: KEPT,
        title: None,
        visibility: Visibility::FromStart,
        admission: Admission::Closed,
        members: Members::Inline(BTreeMap::from(members)),
        pending: None,
    };
    at_once(Directory::create(&memory, &conversation)).unwrap();
    for number in 1..=KEPT_COUNT {
        let timeline = tea().timeline();
        at_once(Timelines::put(&memory, &timeline, &message(number))).unwrap();
    }
    Arc::new(memory)
});

/// The time of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At(pub(crate) Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// A gateway on a line. It takes what it is asked to, as long as its caller lives: a push that is
/// lost for another reason is lost to its device until that syncs.
#[derive(Clone, Debug)]
pub(crate) struct Gateway(pub(crate) Line<Harbor>);

#[async_trait]
impl Push for Gateway {
    async fn post(
        &self,
        connection: &ConnectionId,
        notice: &Notice,
    ) -> Result<Posted, push::Error> {
        let seq = match notice {
            Notice::Message { entry, .. } => Some(entry.seq.number()),
            Notice::Kept { kept, .. } => Some(kept.seq.number()),
            Notice::Control { .. }
            | Notice::Read { .. }
            | Notice::Typing { .. }
            | Notice::Kicked { .. }
            | Notice::Frame(_) => None,
        };
        let is_kick = matches!(notice, Notice::Kicked { .. });
        let what = seq.map_or_else(|| "a notice".to_owned(), |seq| format!("message {seq}"));
        let label = format!("pushes {what} to {connection}");
        let connection = connection.clone();
        let post = move |harbor: &mut Harbor| match harbor.lines.get_mut(&connection) {
            Some(wire) if !wire.is_closed => {
                wire.pushed.extend(seq);
                wire.is_kicked |= is_kick;
                Posted::Delivered
            }
            Some(_) | None => Posted::Gone,
        };
        Ok(self.0.call(Effect::Sure, label, is_kick, post).await.unwrap())
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), push::Error> {
        let (label, connection) = (format!("closes {connection}"), connection.clone());
        // One that is still opening opens nevertheless.
        let close = move |harbor: &mut Harbor| {
            if let Some(wire) = harbor.lines.get_mut(&connection) {
                wire.is_closed = true;
            }
        };
        self.0.call(Effect::Sure, label, (), close).await.unwrap();
        Ok(())
    }
}

/// A fan-out by production's code, over this registry.
pub(crate) async fn fan_out(
    line: &Line<Harbor>,
    connections: &dyn Connections,
    number: u64,
    now: Timestamp,
) -> Outcome {
    let (store, policy) = (Checked::new(line), Policy::default());
    let keepsakes = Arc::clone(&KEEPSAKES);
    let ports = TellPorts {
        directory: &*keepsakes,
        timelines: &*keepsakes,
        inboxes: &store,
        connections,
        focuses: &*keepsakes,
        push: &Gateway(line.clone()),
        alerts: &Silent,
        clock: &At(now),
        pace: &Immediately,
        policy: &policy,
    };
    let done = chat::complete(ports, &tea().timeline(), &message(number)).await;
    done.map_or(Outcome::Failed, |()| Outcome::Complete(number))
}

/// A handshake by production's code, and whether the connection is open then.
pub(crate) async fn arrive(
    line: &Line<Harbor>,
    connections: &dyn Connections,
    arrival: Arrival,
    policy: DevicePolicy,
) -> bool {
    let push = &Gateway(line.clone());
    let ports = ConnectPorts { connections, push, clock: &At(arrival.at), policy };
    if chat::connect(ports, &arrival.caller()).await.is_err() {
        return false;
    }
    let (label, connection) = (format!("{} is open", arrival.name), arrival.connection());
    let open = move |harbor: &mut Harbor| {
        harbor.lines.entry(connection.clone()).or_default();
    };
    line.call(Effect::Sure, label, (), open).await.is_ok()
}

/// A sync by production's code from the device's cursor. A device that is told to closes its
/// connection.
pub(crate) async fn catch_up(
    line: &Line<Harbor>,
    inboxes: &dyn Inboxes,
    arrival: Arrival,
    cursor: Option<(Seq, Timestamp)>,
) -> Outcome {
    let (store, policy) = (Checked::new(line), Policy::default());
    let keepsakes = Arc::clone(&KEEPSAKES);
    let ports = SyncPorts {
        directory: &*keepsakes,
        timelines: &*keepsakes,
        inboxes,
        connections: &store,
        clock: &At(arrival.at),
        policy: &policy,
    };
    let (cursor, seen) = cursor.map_or((Seq::ZERO, None), |(cursor, seen)| (cursor, Some(seen)));
    let limit = limits::PAGE_ENTRIES_MAX;
    let catchup =
        Catchup { cursor: Some(cursor), limit, tails: Default::default(), seen, page: None };
    match chat::sync(ports, &arrival.caller(), catchup).await {
        Ok(caught) => {
            // Who is reset reads the conversations themselves.
            let all = (1..=KEPT_COUNT).filter(|_| caught.reset);
            let entries = caught.entries.iter().map(|entry| entry.seq.number());
            let (told, kept) = (entries.chain(all).collect(), (caught.cursor, caught.seen));
            let keep = move |harbor: &mut Harbor| harbor.cursor = Some(kept);
            let label = format!("keeps cursor {}", caught.cursor);
            let kept = line.call(Effect::Sure, label, kept, keep).await;
            kept.map_or(Outcome::Failed, |()| Outcome::Synced(arrival, told))
        }
        Err(chat::Error::Replaced) => {
            let closed = Gateway(line.clone()).close(&arrival.connection()).await;
            closed.map_or(Outcome::Failed, |()| Outcome::Gone)
        }
        Err(_) => Outcome::Failed,
    }
}

/// A device connects, and syncs from the beginning.
pub(crate) async fn connect_and_sync(
    line: Line<Harbor>,
    connections: &dyn Connections,
    arrival: Arrival,
    policy: DevicePolicy,
) -> Outcome {
    if !arrive(&line, connections, arrival, policy).await {
        return Outcome::Gone;
    }
    catch_up(&line, &Checked::new(&line), arrival, None).await
}

/// A connection is lost, and some time after that the gateway says so, to production's code.
pub(crate) async fn leave(
    line: &Line<Harbor>,
    connections: &dyn Connections,
    arrival: Arrival,
) -> Outcome {
    if lose(line, arrival).await == Outcome::Failed {
        return Outcome::Failed;
    }
    let left = chat::disconnect(DisconnectPorts { connections }, &arrival.caller()).await;
    left.map_or(Outcome::Failed, |()| Outcome::Happened)
}

/// A connection is lost, whether or not it was open already.
pub(crate) async fn lose(line: &Line<Harbor>, arrival: Arrival) -> Outcome {
    let (label, connection) = (format!("{} is lost", arrival.name), arrival.connection());
    let lose = move |harbor: &mut Harbor| {
        harbor.lines.entry(connection.clone()).or_default().is_closed = true;
    };
    let lost = line.call(Effect::Sure, label, (), lose).await;
    lost.map_or(Outcome::Failed, |()| Outcome::Happened)
}

/// Law: a device that is connected and has synced, and was neither replaced by a newer connection
/// of its own nor evicted, is registered, and has been told of every message whose fan-out is
/// complete: by its sync or by a push.
pub(crate) fn reached(scene: &Scene<'_, Harbor, Outcome>) -> Result<(), Violation> {
    for (_, outcome) in &scene.outcomes {
        let Outcome::Synced(arrival, told) = outcome else { continue };
        let (name, registered) = (arrival.name, registered(scene.world, &arrival.device()));
        let Some(wire) = scene.world.lines.get(&arrival.connection()) else { continue };
        match &registered {
            _ if wire.is_closed => continue,
            // Its next sync finds that out.
            Some(other) if other.connected > arrival.at => continue,
            None if is_evicted(scene.world, *arrival) => continue,
            Some(own) if own.connection == arrival.connection() => {}
            Some(_) | None => {
                let other = registered.as_ref().map(|other| other.connection.as_str());
                let detail = format!("{name} is connected, and {other:?} is registered");
                return Err(Violation::new("DEAF", detail));
            }
        }
        let complete = scene.outcomes.iter().filter_map(|(_, outcome)| match outcome {
            Outcome::Complete(number) => Some(*number),
            Outcome::Synced(..) | Outcome::Gone | Outcome::Failed | Outcome::Happened => None,
        });
        let mut untold =
            complete.filter(|number| !told.contains(number) && !wire.pushed.contains(number));
        if let Some(number) = untold.next() {
            let detail = format!("{number} is told to all, and {name} does not know of it");
            return Err(Violation::new("NOT TOLD", detail));
        }
    }
    Ok(())
}

/// Law: a fan-out is not marked as complete before Bob's inbox tells of the message.
pub(crate) fn marked(scene: &Scene<'_, Harbor, Outcome>) -> Result<(), Violation> {
    let told = inbox(scene.world, "bob");
    match inbox(scene.world, "ada").into_iter().find(|number| !told.contains(number)) {
        None => Ok(()),
        Some(number) => Err(Violation::new("MARKED BUT UNTOLD", number.to_string())),
    }
}

/// The messages that somebody's inbox tells of, in order.
pub(crate) fn inbox(harbor: &Harbor, name: &str) -> Vec<u64> {
    let page = at_once(harbor.memory.after(&person(name), Seq::ZERO, 100)).unwrap();
    page.entries.iter().map(|entry| entry.seq.number()).collect()
}

/// The connection that is registered for one of Bob's devices.
pub(crate) fn registered(harbor: &Harbor, device: &DeviceId) -> Option<Registration> {
    listening(harbor).into_iter().find(|other| other.device == *device)
}

/// All that is registered for Bob.
pub(crate) fn listening(harbor: &Harbor) -> Vec<Registration> {
    let found = at_once(harbor.memory.of(&[person("bob")])).unwrap();
    found.into_iter().flat_map(|(_, devices)| devices).collect()
}

/// Whether the device would be told that it was kicked.
fn is_evicted(harbor: &Harbor, arrival: Arrival) -> bool {
    let memory = harbor.memory.clone();
    let back = at_once(memory.register(&person("bob"), &arrival.registration()));
    matches!(back, Err(store::Error::Kicked))
}

pub(crate) type Case = Explorer<Harbor, Outcome>;

/// Every law has to hold, in so many states at least.
pub(crate) fn require(case: &str, states_min: usize, report: &Report) {
    println!("{case}: {report}");
    report.require_none(states_min);
}

/// What is wrong has to be found, and it has to be this.
pub(crate) fn refute(case: &str, kind: &str, report: &Report) {
    println!("{case}: {report}\n");
    report.require(kind);
}
