//! A user's device: the client's engine on a real socket, with its records kept in memory.
//!
//! It runs in a task of its own, as a client does in a process of its own: what it is told to do
//! and what comes in are taken one after the other, and a test waits for what it wants to see.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use engine::{Change, Command, Draft, Engine, Input, Older, Options, Output, Record, State};
use serde_json::Value;
use timeline::exchange::Destination;
use timeline::{ConversationId, Kind, MessageId, Seq, Timestamp, UserId};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;
use wire::{Grouped, Message, Problem};

use crate::client::{Client, Handshake};
use crate::{Town, within};

/// What a device was shown: the sequence, who wrote it, its kind, and its text; of a message that
/// is no text, its body, and nothing of one that was withdrawn.
pub type Shown = (u64, String, String, String);

/// What a device is told to do.
enum Order {
    /// A command of its user.
    Command(Command),
    /// Its process dies and starts anew.
    Restart,
}

/// A device that runs.
#[derive(Debug)]
pub struct Device {
    user: UserId,
    kept: Arc<Mutex<Kept>>,
    orders: mpsc::UnboundedSender<Order>,
    news: watch::Sender<()>,
    task: JoinHandle<()>,
}

/// What the device knows, and what it showed.
#[derive(Debug)]
struct Kept {
    engine: Engine,
    /// What outlives its process.
    records: Vec<Record>,
    /// Every message shown, over all lives of its process.
    shown: Vec<Message>,
    /// Where its messages are kept, or why they are not.
    sent: BTreeMap<MessageId, Result<Seq, Problem>>,
    /// The answers about groups, by ticket.
    grouped: BTreeMap<u64, Result<Grouped, Problem>>,
    /// The ids of signals without an answer.
    signals: Vec<String>,
    /// How many signals were answered.
    signaled: u64,
    /// The ticket of the last request about a group.
    ticket: u64,
}

impl Device {
    /// A new device of a user, connected and caught up.
    pub async fn connect(town: &Town, user: &str, device: &str) -> Self {
        let handshake = town.handshake(user, device);
        let user = UserId::parse(user).unwrap();
        let kept = Arc::new(Mutex::new(Kept {
            engine: engine(&user, State::default()),
            records: Vec::new(),
            shown: Vec::new(),
            sent: BTreeMap::new(),
            grouped: BTreeMap::new(),
            signals: Vec::new(),
            signaled: 0,
            ticket: 0,
        }));
        let (orders, queue) = mpsc::unbounded_channel();
        let (news, _) = watch::channel(());
        let process = Process {
            user: user.clone(),
            handshake,
            kept: Arc::clone(&kept),
            news: news.clone(),
            start: Instant::now(),
            client: None,
            frames: Vec::new(),
            is_connecting: false,
        };
        let task = tokio::spawn(process.run(queue));
        let device = Self { user, kept, orders, news, task };
        device.caught_up().await;
        device
    }

    /// Asks something about a group, and waits for the answer. A `create` without a `cid` is given
    /// one.
    pub async fn group(&self, request: wire::Group) -> Grouped {
        self.try_group(request).await.unwrap()
    }

    /// The same, where a refusal is expected.
    ///
    /// # Errors
    ///
    /// Why the server refused.
    pub async fn try_group(&self, mut request: wire::Group) -> Result<Grouped, Problem> {
        if request.op == "create" && request.cid.is_none() {
            request.cid = Some(Uuid::now_v7().to_string());
        }
        let ticket = {
            let mut kept = self.kept();
            kept.ticket += 1;
            kept.ticket
        };
        self.order(Command::Group { ticket, request: Box::new(request) });
        self.wait(|kept| kept.grouped.remove(&ticket)).await
    }

    /// Sends a text, and waits until it is kept: its sequence. A direct conversation is made if
    /// there is none.
    pub async fn send(&self, conversation: &str, text: &str) -> u64 {
        self.try_send(conversation, text).await.unwrap()
    }

    /// The same, where a refusal is expected.
    ///
    /// # Errors
    ///
    /// Why the server refused.
    pub async fn try_send(&self, conversation: &str, text: &str) -> Result<u64, Problem> {
        let cid = self.compose(conversation, text);
        self.wait(|kept| kept.sent.remove(&cid)).await.map(Seq::number)
    }

    /// Puts a text in the outbox and does not wait; its id.
    pub fn compose(&self, conversation: &str, text: &str) -> MessageId {
        let cid = MessageId::from_bytes(Uuid::now_v7().into_bytes());
        let destination = self.destination(id(conversation));
        let body = wire::text_body(text);
        self.order(Command::Send(Draft { destination, cid, kind: Kind::text(), body }));
        cid
    }

    /// Waits until everything of a conversation up to here is applied.
    pub async fn until(&self, conversation: &str, seq: u64) {
        let id = id(conversation);
        self.wait(|kept| (kept.engine.applied(&id).number() >= seq).then_some(())).await;
    }

    /// Waits until the device has everything that the server had when it connected.
    pub async fn caught_up(&self) {
        self.wait(|kept| kept.engine.is_caught_up().then_some(())).await;
    }

    /// Every message of a conversation that was shown since the first start, in the order in which
    /// it was.
    pub fn shown(&self, conversation: &str) -> Vec<Shown> {
        let kept = self.kept();
        let shown = kept.shown.iter().filter(|message| message.conversation == conversation);
        let body = |message: &Message| message.body.as_ref().map(|body| body.get().to_owned());
        let shown = shown.map(|message| {
            let text = message.text().or_else(|| body(message)).unwrap_or_default();
            (message.seq, message.from.clone(), message.kind.clone(), text)
        });
        shown.collect()
    }

    /// What its records add up to.
    pub fn state(&self) -> State {
        State::replay(&self.kept().records)
    }

    /// Looks at a conversation.
    pub fn focus(&self, conversation: &str) {
        self.order(Command::Focus(id(conversation)));
    }

    /// Looks at it no more.
    pub fn blur(&self, conversation: &str) {
        self.order(Command::Blur(id(conversation)));
    }

    /// Waits until so many signals were answered since the first start: only of a large group is
    /// there one for each focus and blur, and one for each connection.
    pub async fn signaled(&self, count: u64) {
        self.wait(|kept| (kept.signaled >= count).then_some(())).await;
    }

    /// Goes offline, and stays so.
    pub async fn disconnect(&self) {
        self.order(Command::Close);
        self.wait(|kept| (!kept.engine.is_caught_up()).then_some(())).await;
    }

    /// Comes back online, and waits until it has caught up.
    pub async fn reconnect(&self) {
        self.order(Command::Open);
        self.caught_up().await;
    }

    /// Dies with its socket and all that it did not persist, starts from its records, and waits
    /// until it has caught up.
    pub async fn restart(&self) {
        // Whoever waits sees the new engine or the old one, which is not caught up: it is closed.
        self.disconnect().await;
        self.orders.send(Order::Restart).unwrap();
        self.caught_up().await;
    }

    fn destination(&self, conversation: ConversationId) -> Destination {
        match conversation.party().other(&self.user) {
            Some(other) => Destination::Person(other),
            None => Destination::Conversation(conversation),
        }
    }

    fn order(&self, command: Command) {
        self.orders.send(Order::Command(command)).unwrap();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// Waits until something can be found.
    async fn wait<T>(&self, mut find: impl FnMut(&mut Kept) -> Option<T>) -> T {
        let mut news = self.news.subscribe();
        let found = async {
            loop {
                if let Some(found) = find(&mut self.kept()) {
                    return found;
                }
                news.changed().await.unwrap();
            }
        };
        within(found).await
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The device's process: everything but what outlives it.
struct Process {
    user: UserId,
    handshake: Handshake,
    kept: Arc<Mutex<Kept>>,
    news: watch::Sender<()>,
    /// When the engine's clock began.
    start: Instant,
    client: Option<Client>,
    /// Frames to be sent.
    frames: Vec<String>,
    is_connecting: bool,
}

impl Process {
    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        self.input(Input::Tick);
        loop {
            if std::mem::take(&mut self.is_connecting) {
                self.connect().await;
            } else if !self.frames.is_empty() {
                self.transmit().await;
            } else {
                let wake = self.kept.lock().unwrap().engine.next_wake();
                let wake = wake.map(|at| self.start + Duration::from_millis(at.0));
                tokio::select! {
                    text = frame(self.client.as_mut()) => self.heard(text),
                    order = orders.recv() => match order {
                        Some(Order::Command(command)) => self.input(Input::Command(command)),
                        Some(Order::Restart) => self.restart(),
                        None => return,
                    },
                    () = until(wake) => self.input(Input::Tick),
                }
            }
        }
    }

    async fn connect(&mut self) {
        match self.handshake.clone().try_connect().await {
            Ok(client) => {
                self.client = Some(client);
                self.input(Input::Connected);
            }
            Err(Some(status)) => self.input(Input::Refused { status }),
            Err(None) => self.input(Input::Disconnected),
        }
    }

    async fn transmit(&mut self) {
        for frame in std::mem::take(&mut self.frames) {
            if let Some(client) = &mut self.client
                && !client.try_send(frame).await
            {
                self.client = None;
                self.input(Input::Disconnected);
            }
        }
    }

    fn heard(&mut self, text: Option<String>) {
        let Some(text) = text else {
            self.client = None;
            return self.input(Input::Disconnected);
        };
        let frame: Value = serde_json::from_str(&text).unwrap();
        if let Some(re) = frame["re"].as_str() {
            let mut kept = self.kept.lock().unwrap();
            let count = kept.signals.len();
            kept.signals.retain(|id| id != re);
            kept.signaled += (count - kept.signals.len()) as u64;
        }
        self.input(Input::Frame(&text));
    }

    fn restart(&mut self) {
        self.client = None;
        self.frames.clear();
        self.is_connecting = false;
        self.start = Instant::now();
        {
            let mut kept = self.kept.lock().unwrap();
            let state = State::replay(&kept.records);
            kept.engine = engine(&self.user, state);
            kept.signals.clear();
        }
        self.input(Input::Tick);
    }

    fn input(&mut self, input: Input<'_>) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap();
        let kept = Arc::clone(&self.kept);
        let mut kept = kept.lock().unwrap();
        kept.engine.handle(Timestamp(now), input);
        while let Some(output) = kept.engine.poll() {
            self.take(&mut kept, output);
        }
        drop(kept);
        self.news.send_replace(());
    }

    fn take(&mut self, kept: &mut Kept, output: Output) {
        match output {
            Output::Connect { .. } => self.is_connecting = true,
            Output::Close => {
                self.client = None;
                self.frames.clear();
                self.is_connecting = false;
                kept.signals.clear();
            }
            Output::Transmit(text) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                if frame["action"] == wire::action::SIGNAL {
                    kept.signals.push(frame["id"].as_str().unwrap().to_owned());
                }
                self.frames.push(text);
            }
            Output::Persist(record) => kept.records.push(record),
            Output::Changed(change) => match change {
                Change::Message(message) => kept.shown.push(message),
                Change::Acked(acked) => {
                    kept.sent.insert(acked.cid, Ok(acked.seq));
                }
                Change::Failed { cid, problem } => {
                    kept.sent.insert(cid, Err(problem));
                }
                Change::Grouped { ticket, outcome } => {
                    kept.grouped.insert(ticket, outcome);
                }
                Change::Link(_)
                | Change::Fetched { .. }
                | Change::Conversations { .. }
                | Change::Receipts { .. }
                | Change::Searched { .. }
                | Change::Recalled { .. }
                | Change::Told { .. }
                | Change::Control(_)
                | Change::Read(_)
                | Change::Signal(_)
                | Change::Restarted { .. } => {}
            },
        }
    }
}

/// The next frame; `None` when the connection ends, and nothing at all while there is none.
async fn frame(client: Option<&mut Client>) -> Option<String> {
    match client {
        Some(client) => client.text().await.ok(),
        None => std::future::pending().await,
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn engine(user: &UserId, state: State) -> Engine {
    let (_, seed) = Uuid::now_v7().as_u64_pair();
    Engine::new(user.clone(), Options { older: Older::Backfill }, state, seed)
}

fn id(conversation: &str) -> ConversationId {
    ConversationId::parse(conversation).unwrap()
}
