//! Everything that the routes touch, in memory, and the only place that knows how they are called.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use chat::{
    Clock, ConnectPorts, DevicePolicy, DisconnectPorts, Error, GroupPorts, HistoryPorts, Ids,
    Policy, SendPorts, SyncPorts, TellPorts,
};
use push::tape::Act;
use push::{Notice, Push, Tape};
use store::{Connections, Conversation, Directory, Inboxes, Memory, Pace, Scan, Timelines};
use timeline::exchange::{Caller, Catchup, Caught, Destination, Found, Lookup, Outgoing, Part};
use timeline::{
    Body, ConnectionId, ConversationId, DeviceId, Entry, InboxEntry, Kind, MessageId, RequestId,
    Seq, Timestamp, UserId, limits,
};

/// When every test begins, on a full second.
pub(crate) const START: Timestamp = Timestamp(1_763_917_045_000);

/// More polls than any future of a test takes.
const POLLS_MAX: usize = 1_000_000;

/// A clock that stands until it is moved.
#[derive(Debug)]
pub(crate) struct Dial(AtomicU64);

impl Clock for Dial {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// Waits for as long as it is asked to: the dial is moved.
#[async_trait]
impl Pace for Town {
    async fn pause(&self, _at_most: Duration) {}

    async fn wait(&self, exactly: Duration) {
        Self::wait(self, u64::try_from(exactly.as_millis()).unwrap());
    }
}

impl Ids for Town {
    fn next(&self) -> MessageId {
        message(self.named.fetch_add(1, Ordering::Relaxed))
    }
}

/// A store, a push and a clock.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) store: Memory,
    pub(crate) tape: Tape,
    pub(crate) dial: Dial,
    pub(crate) policy: Policy,
    named: AtomicU64,
}

impl Town {
    pub(crate) fn new() -> Self {
        let dial = Dial(AtomicU64::new(START.0));
        Self {
            store: Memory::default(),
            tape: Tape::default(),
            dial,
            policy: Policy::default(),
            named: AtomicU64::new(1 << 32),
        }
    }

    /// A town whose groups are large beyond so many members.
    pub(crate) fn with_inboxes(inbox_members_max: u64) -> Self {
        let policy = Policy { inbox_members_max, ..Policy::default() };
        Self { policy, ..Self::new() }
    }

    pub(crate) fn dial_now(&self) -> Timestamp {
        self.dial.now()
    }

    pub(crate) fn wait(&self, milliseconds: u64) {
        self.dial.0.fetch_add(milliseconds, Ordering::Relaxed);
    }

    pub(crate) fn tell_ports(&self) -> TellPorts<'_> {
        TellPorts {
            directory: &self.store,
            timelines: &self.store,
            inboxes: &self.store,
            connections: &self.store,
            focuses: &self.store,
            push: &self.tape,
            alerts: &self.tape,
            clock: &self.dial,
            pace: self,
            policy: &self.policy,
        }
    }

    pub(crate) fn send_ports(&self) -> SendPorts<'_> {
        SendPorts { tell: self.tell_ports(), claims: &self.store }
    }

    pub(crate) fn group_ports(&self) -> GroupPorts<'_> {
        GroupPorts { tell: self.tell_ports(), ids: self }
    }

    /// One attempt at a message, to be polled.
    pub(crate) async fn attempt(&self, caller: &Caller, outgoing: Outgoing) -> Result<(), Error> {
        chat::send(self.send_ports(), caller, &request(), outgoing).await
    }

    /// Sends a message, and what was told to whom because of it.
    pub(crate) fn send(&self, caller: &Caller, outgoing: Outgoing) -> Vec<String> {
        self.tape.take();
        run(self.attempt(caller, outgoing)).unwrap();
        self.told()
    }

    /// Messages 1 to `count` of `caller` to `to`, in a conversation that has none before.
    pub(crate) fn fill(&self, caller: &Caller, to: &str, count: u64) {
        for number in 1..=count {
            self.send(caller, text(to, number, Some(number - 1)));
        }
    }

    pub(crate) async fn syncing(&self, caller: &Caller, catchup: Catchup) -> Result<Caught, Error> {
        let ports = SyncPorts {
            directory: &self.store,
            timelines: &self.store,
            inboxes: &self.store,
            connections: &self.store,
            clock: &self.dial,
            policy: &self.policy,
        };
        chat::sync(ports, caller, catchup).await
    }

    pub(crate) fn sync(&self, caller: &Caller, catchup: Catchup) -> Caught {
        run(self.syncing(caller, catchup)).unwrap()
    }

    pub(crate) fn history(&self, caller: &Caller, lookup: Lookup) -> Result<Found, Error> {
        let ports = HistoryPorts { directory: &self.store, timelines: &self.store };
        run(chat::history(ports, caller, lookup))
    }

    pub(crate) fn connect(&self, caller: &Caller) -> Result<(), Error> {
        self.connect_by(&self.tape, caller)
    }

    pub(crate) fn connect_by(&self, push: &dyn Push, caller: &Caller) -> Result<(), Error> {
        run(chat::connect(ConnectPorts { push, ..self.connect_ports() }, caller))
    }

    pub(crate) fn connect_ports(&self) -> ConnectPorts<'_> {
        ConnectPorts {
            connections: &self.store,
            push: &self.tape,
            clock: &self.dial,
            policy: DevicePolicy::default(),
        }
    }

    pub(crate) fn disconnect(&self, caller: &Caller) {
        run(chat::disconnect(DisconnectPorts { connections: &self.store }, caller)).unwrap();
    }

    /// A device that has connected just now.
    pub(crate) fn online(&self, user: &str, device: &str) -> Caller {
        let caller = Caller { connected: self.dial.now(), ..caller(user, device) };
        self.connect(&caller).unwrap();
        caller
    }

    /// What was told to whom since the last time, one line for each.
    pub(crate) fn told(&self) -> Vec<String> {
        self.tape.take().iter().map(told).collect()
    }

    /// The connections that are registered for a user.
    pub(crate) fn listening(&self, user: &str) -> Vec<String> {
        let found = run(self.store.of(&[person(user)])).unwrap();
        let devices = found.into_iter().flat_map(|(_, devices)| devices);
        devices.map(|device| device.connection.to_string()).collect()
    }

    pub(crate) fn entries(&self, conversation: &ConversationId) -> Vec<Entry> {
        run(self.store.scan(&conversation.timeline(), Scan::since(Seq::FIRST, 10_000))).unwrap()
    }

    pub(crate) fn inbox(&self, user: &str) -> Vec<InboxEntry> {
        run(self.store.after(&person(user), Seq::ZERO, 10_000)).unwrap().entries
    }

    /// The inbox as "position=sequence", in order.
    pub(crate) fn places(&self, user: &str) -> Vec<String> {
        let inbox = self.inbox(user);
        inbox.iter().map(|entry| format!("{}={}", entry.position, entry.seq)).collect()
    }

    pub(crate) fn anchor(&self, user: &str) -> u64 {
        run(self.store.tail(&person(user))).unwrap().anchor.number()
    }

    pub(crate) fn create(&self, conversation: &Conversation) {
        run(Directory::create(&self.store, conversation)).unwrap();
    }

    pub(crate) fn conversations(&self, user: &str) -> Vec<ConversationId> {
        let listed = run(self.store.conversations(&person(user), None, 10_000)).unwrap();
        listed.into_iter().map(|listing| listing.conversation).collect()
    }

    /// All that is kept, to see whether it changed.
    pub(crate) fn kept(&self) -> String {
        format!("{:?}", self.store)
    }
}

fn told((connection, act): &(ConnectionId, Act)) -> String {
    let own = |own: &[timeline::exchange::Marker]| {
        let own = own.iter().map(|marker| format!(" own {}={}", marker.position, marker.seq));
        own.collect::<String>()
    };
    match act {
        Act::Close => format!("{connection}: closed"),
        Act::Post(Notice::Control { entry }) => {
            let body = entry.body.as_ref().map_or("", Body::as_str);
            let (position, kind, seq) = (entry.position, &entry.kind, entry.seq);
            format!("{connection}: {position}={kind} {seq} {body}")
        }
        Act::Post(Notice::Typing { user, .. }) => format!("{connection}: {user} is typing"),
        Act::Post(Notice::Read { user, seq, .. }) => format!("{connection}: {user} read {seq}"),
        Act::Post(Notice::Frame(frame)) => format!("{connection}: {frame}"),
        Act::Post(Notice::Kicked { reason }) => format!("{connection}: kicked for {reason:?}"),
        Act::Post(Notice::Kept { kept, .. }) => {
            let again = if kept.duplicate { " again" } else { "" };
            format!("{connection}: kept {}{again}{}", kept.seq, own(&kept.own))
        }
        Act::Post(Notice::Message { entry, position, own: before, .. }) => {
            let (author, seq) = (&entry.author, entry.seq);
            let kind = match entry.kind.as_str() {
                Kind::TEXT => String::new(),
                kind => format!("{kind} "),
            };
            let place = position.map_or("?".to_owned(), |position| position.to_string());
            format!("{connection}: {place}={seq} {kind}by {author}{}", own(before))
        }
    }
}

/// Polls a future until it is done: whatever it waits for here is ready at its next poll.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    poll(future, POLLS_MAX).expect("a future of a test is done at some time")
}

/// Polls a future at most `polls` times and drops it: a crash at one of its awaits.
pub(crate) fn poll<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

/// What a future does, each with the round trips to the store before it. A call of the store is
/// pending once, and those made at once are pending together.
pub(crate) fn trips(town: &Town, future: impl Future<Output = ()>) -> (Vec<String>, usize) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let mut told = Vec::new();
    for trips in 0..POLLS_MAX {
        let done = future.as_mut().poll(&mut context).is_ready();
        told.extend(town.told().into_iter().map(|line| format!("after {trips}: {line}")));
        if done {
            return (told, trips);
        }
    }
    unreachable!("a future of a test is done at some time")
}

pub(crate) fn person(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub(crate) fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

pub(crate) fn direct(one: &str, other: &str) -> ConversationId {
    ConversationId::direct(&person(one), &person(other)).unwrap()
}

pub(crate) fn group() -> ConversationId {
    ConversationId::parse("g~01935b2e-7c1a-7def-8123-456789abcdef").unwrap()
}

pub(crate) fn request() -> RequestId {
    RequestId::parse("7").unwrap()
}

/// A device on its first connection, which is named after both.
pub(crate) fn caller(user: &str, device: &str) -> Caller {
    Caller {
        user: person(user),
        device: DeviceId::parse(device).unwrap(),
        platform: None,
        connection: ConnectionId::parse(&format!("{user}/{device}")).unwrap(),
        connected: START,
        expires: START.plus(limits::CONNECTION_MS_MAX),
    }
}

/// The same device on another connection, made so much later.
pub(crate) fn again(caller: &Caller, name: &str, later: u64) -> Caller {
    let connection = ConnectionId::parse(name).unwrap();
    Caller { connection, connected: caller.connected.plus(later), ..caller.clone() }
}

/// Message `number` to a person; its text follows from the number.
pub(crate) fn text(to: &str, number: u64, base: Option<u64>) -> Outgoing {
    said(to, number, base, &format!(r#"{{"text":"number {number}"}}"#))
}

/// A message with this body to a person.
pub(crate) fn said(to: &str, number: u64, base: Option<u64>, body: &str) -> Outgoing {
    Outgoing {
        destination: Destination::Person(person(to)),
        message: message(number),
        base: base.map(seq),
        kind: Kind::text(),
        target: None,
        body: Body::parse(body).unwrap(),
    }
}

/// A message to a conversation.
pub(crate) fn within(conversation: &ConversationId, number: u64, base: Option<u64>) -> Outgoing {
    let destination = Destination::Conversation(conversation.clone());
    Outgoing { destination, ..text("anyone", number, base) }
}

pub(crate) fn message(number: u64) -> MessageId {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    MessageId::from_bytes(id)
}

/// A body of exactly so many bytes.
pub(crate) fn body_of(bytes: usize) -> String {
    let envelope = r#"{ "text": "" }"#.len();
    format!(r#"{{ "text": "{}" }}"#, "x".repeat(bytes - envelope))
}

/// A sync from a cursor, or without one.
pub(crate) fn from(cursor: Option<u64>) -> Catchup {
    let cursor = cursor.map(seq);
    let limit = limits::PAGE_ENTRIES_MAX;
    Catchup { cursor, limit, tails: Default::default(), seen: None, page: None }
}

pub(crate) fn lookup(conversation: &ConversationId, part: Part, limit: usize) -> Lookup {
    Lookup { conversation: conversation.clone(), part, limit }
}
