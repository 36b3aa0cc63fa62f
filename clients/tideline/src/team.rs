//! Users who send one another messages, two directly or more in a group, in one task.

mod audit;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use engine::{Acked, Change, Command, Draft, Engine, Input, Older, Options, Output, State};
use timeline::exchange::Destination;
use timeline::{ConversationId, DeviceId, Kind, MessageId, Party, Timestamp, UserId};
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;
use wire::{ErrorCode, Grouped, Message, Messages, Problem};

use crate::checker::{Checker, Seat};
use crate::error::Error;
use crate::key::Tokens;
use crate::link::{self, Event, Link};
use crate::report::Tally;
use crate::stamp;

/// How long nothing may come after the end before whoever lacks something connects anew, as a
/// device that comes back does: it repeats what was not acknowledged, and syncs.
const STALL_MAX: Duration = Duration::from_secs(3);

/// What a frame that sends a message begins with, as [`wire::Send`] is written.
const SEND_FRAME: &str = r#"{"action":"send""#;

/// What everyone of a load does.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The server.
    pub(crate) url: String,
    /// The development key.
    pub(crate) key: String,
    /// How long a text is, in bytes.
    pub(crate) text_bytes: usize,
    /// How long messages are sent.
    pub(crate) duration: Duration,
    /// How often a user sends one; absent, when the last one was acknowledged.
    pub(crate) interval: Option<Duration>,
    /// How long after the end everything must be acknowledged and received.
    pub(crate) patience: Duration,
    /// Whether the history is read back in the end.
    pub(crate) is_audited: bool,
    /// When times began.
    pub(crate) clock: Instant,
}

/// The users of one conversation.
#[derive(Debug)]
pub(crate) struct Team {
    plan: Arc<Plan>,
    users: Vec<User>,
    /// The group, once it is made; two people need none.
    group: Option<ConversationId>,
    /// The answer to the last request about the group.
    grouped: Option<Result<Grouped, Problem>>,
    /// The answer to the last request for a page of the history.
    fetched: Option<Result<Messages, Problem>>,
    events: mpsc::UnboundedReceiver<(u64, Event)>,
    checker: Checker,
    tally: Tally,
    /// Whether a server was ever heard.
    has_server: bool,
    /// When the last message is sent; absent while they connect.
    end: Option<Instant>,
    /// When something was acknowledged or received the last time.
    moved: Instant,
}

/// One of them, with one device.
#[derive(Debug)]
struct User {
    id: UserId,
    engine: Engine,
    device: DeviceId,
    tokens: Tokens,
    link: Option<Link>,
    /// The link's number: it goes up by the count of users, so that each is one user's.
    number: u64,
    sender: mpsc::UnboundedSender<(u64, Event)>,
    /// How many messages it sent.
    sent: u64,
    /// Those that are not acknowledged, with their numbers and when they were handed over.
    waiting: VecDeque<(MessageId, u64, Instant)>,
    /// When its next message is due, if it goes by the clock.
    due: Option<Instant>,
}

impl Team {
    /// Users who are not connected yet.
    pub(crate) fn new(plan: Arc<Plan>, users: Vec<UserId>) -> Result<Self, Error> {
        let (sender, events) = mpsc::unbounded_channel();
        let device = DeviceId::parse("load").expect("these letters are a device's");
        // An address that cannot be used is told before anything is tried.
        link::request(&plan.url, &device, None, "")?;
        let checker = Checker::new(users.clone());
        let users = (0..).zip(users).map(|(number, id)| {
            let (_, seed) = Uuid::now_v7().as_u64_pair();
            let options = Options { older: Older::Backfill };
            let engine = Engine::new(id.clone(), options, State::default(), seed);
            let tokens = Tokens::Minted { user: id.clone(), key: plan.key.clone(), last: None };
            User {
                id,
                engine,
                device: device.clone(),
                tokens,
                link: None,
                number,
                sender: sender.clone(),
                sent: 0,
                waiting: VecDeque::new(),
                due: None,
            }
        });
        let users = users.collect();
        Ok(Self {
            plan,
            users,
            group: None,
            grouped: None,
            fetched: None,
            has_server: false,
            events,
            checker,
            tally: Tally::default(),
            end: None,
            moved: Instant::now(),
        })
    }

    /// Connects everyone and lets them catch up.
    ///
    /// # Errors
    ///
    /// [`Error::NoServer`] when a connection cannot be made, [`Error::Refused`] when the server
    /// does not accept the token.
    pub(crate) async fn connect(&mut self) -> Result<(), Error> {
        self.tick()?;
        while !self.users.iter().all(|user| user.engine.is_caught_up()) {
            self.step(None).await?;
        }
        Ok(())
    }

    /// Lets the first user make a group of all, and everyone look at it: should it be large, its
    /// messages are pushed to all.
    ///
    /// # Errors
    ///
    /// [`Error::Problem`] when the server refuses to make it.
    pub(crate) async fn make_group(&mut self) -> Result<(), Error> {
        let ids = self.users[1..].iter().map(|user| user.id.as_str().to_owned());
        let ids: Vec<String> = ids.collect();
        let mut batches = ids.chunks(timeline::limits::MEMBERS_ADDED_MAX).map(<[String]>::to_vec);
        let create = wire::Group {
            title: Some("load".to_owned()),
            members: batches.next(),
            cid: Some(Uuid::now_v7().to_string()),
            ..wire::Group::new(String::new(), "create")
        };
        let group = self.ask(create).await?;
        for batch in batches {
            let add = wire::Group {
                conversation: Some(group.conversation.clone()),
                users: Some(batch),
                ..wire::Group::new(String::new(), "add")
            };
            self.ask(add).await?;
        }
        let id = ConversationId::parse(&group.conversation)
            .map_err(|error| refused(Problem::new(ErrorCode::Internal, error.to_string())))?;
        for seat in 0..self.users.len() {
            self.input(seat, Input::Command(Command::Focus(id.clone())))?;
        }
        self.group = Some(id);
        Ok(())
    }

    /// Lets the first user ask something about a group.
    async fn ask(&mut self, request: wire::Group) -> Result<Grouped, Error> {
        let request = Box::new(request);
        self.input(0, Input::Command(Command::Group { ticket: 0, request }))?;
        loop {
            if let Some(outcome) = self.grouped.take() {
                return outcome.map_err(refused);
            }
            self.step(None).await?;
        }
    }

    /// Sends for as long as is planned, and waits until everything has arrived.
    ///
    /// The first messages by the clock come after `turn` of an interval, from 0 to 1.
    pub(crate) async fn talk(mut self, turn: f64) -> Result<Tally, Error> {
        let start = Instant::now();
        let end = start + self.plan.duration;
        self.end = Some(end);
        if let Some(interval) = self.plan.interval {
            let count = self.users.len() as f64;
            for (seat, user) in self.users.iter_mut().enumerate() {
                let share = seat as f64 / count;
                user.due = Some(start + interval.mul_f64((turn + share).fract()));
            }
        }
        loop {
            let now = Instant::now();
            let due = self.send(now, end)?;
            if now >= end {
                break;
            }
            self.step(Some(due.map_or(end, |due| due.min(end)))).await?;
        }
        self.moved = Instant::now();
        let deadline = end + self.plan.patience;
        while !self.is_complete() && Instant::now() < deadline {
            self.step(Some(deadline.min(self.moved + STALL_MAX))).await?;
            if self.moved.elapsed() >= STALL_MAX {
                self.come_back()?;
            }
        }
        if self.plan.is_audited && self.tally.sent > 0 {
            // Whoever cannot be answered has lost what was not read.
            let reading = tokio::time::timeout(self.plan.patience, self.audit());
            reading.await.unwrap_or(Ok(()))?;
        }
        Ok(self.finish())
    }

    /// Hands over what is due by now and before the end; when the next message is, if it goes by
    /// the clock. However late a task runs, so many messages are sent as the clock says.
    fn send(&mut self, now: Instant, end: Instant) -> Result<Option<Instant>, Error> {
        let is_flat_out = self.plan.interval.is_none() && now < end;
        for seat in 0..self.users.len() {
            if is_flat_out && self.users[seat].waiting.is_empty() {
                self.compose(seat, now)?;
            }
            while let (Some(interval), Some(due)) = (self.plan.interval, self.users[seat].due)
                && due <= now
                && due < end
            {
                self.compose(seat, now)?;
                self.users[seat].due = Some(due + interval);
            }
        }
        Ok(self.users.iter().filter_map(|user| user.due).min())
    }

    fn compose(&mut self, seat: Seat, now: Instant) -> Result<(), Error> {
        let destination = match &self.group {
            Some(group) => Destination::Conversation(group.clone()),
            None => Destination::Person(self.users[1 - seat].id.clone()),
        };
        let user = &mut self.users[seat];
        user.sent += 1;
        let cid = MessageId::from_bytes(Uuid::now_v7().into_bytes());
        user.waiting.push_back((cid, user.sent, now));
        let time = now.duration_since(self.plan.clock);
        let body = wire::text_body(&stamp::write(user.sent, time, self.plan.text_bytes));
        self.tally.sent += 1;
        let draft = Draft { destination, cid, kind: Kind::text(), body };
        self.input(seat, Input::Command(Command::Send(draft)))
    }

    /// Waits for something to happen or to be due, until `until` at the latest.
    async fn step(&mut self, until: Option<Instant>) -> Result<(), Error> {
        let clock = self.plan.clock;
        let wakes = self.users.iter().filter_map(|user| user.engine.next_wake());
        let wakes = wakes.map(|at| clock + Duration::from_millis(at.0));
        let wake = async {
            match wakes.chain(until).min() {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some((number, event)) = self.events.recv() => {
                match self.users.iter().position(|user| user.number == number) {
                    Some(seat) => self.happen(seat, event),
                    None => Ok(()),
                }
            }
            () = wake => self.tick(),
        }
    }

    fn tick(&mut self) -> Result<(), Error> {
        for seat in 0..self.users.len() {
            self.input(seat, Input::Tick)?;
        }
        Ok(())
    }

    fn happen(&mut self, seat: Seat, event: Event) -> Result<(), Error> {
        // A server that refuses a handshake is there, and one that was there comes back.
        self.has_server |= !matches!(event, Event::Failed(_));
        match event {
            Event::Open => self.input(seat, Input::Connected),
            Event::Frame(text) => self.input(seat, Input::Frame(&text)),
            Event::Refused(status) => self.input(seat, Input::Refused { status }),
            Event::Failed(_) | Event::Closed => self.input(seat, Input::Disconnected),
        }
    }

    fn input(&mut self, seat: Seat, input: Input<'_>) -> Result<(), Error> {
        let elapsed = self.plan.clock.elapsed().as_millis();
        let now = Timestamp(u64::try_from(elapsed).unwrap_or(u64::MAX));
        self.users[seat].engine.handle(now, input);
        while let Some(output) = self.users[seat].engine.poll() {
            self.take(seat, output)?;
        }
        Ok(())
    }

    fn take(&mut self, seat: Seat, output: Output) -> Result<(), Error> {
        let count = self.users.len() as u64;
        let user = &mut self.users[seat];
        match output {
            Output::Connect { token } => {
                let token = user.tokens.token(token)?;
                let request = link::request(&self.plan.url, &user.device, None, &token)?;
                user.number += count;
                user.link = Some(Link::open(request, user.number, user.sender.clone()));
                self.tally.reconnects += 1;
            }
            Output::Close => {
                user.number += count;
                user.link = None;
            }
            Output::Transmit(frame) => {
                if frame.starts_with(SEND_FRAME) {
                    self.tally.resends += 1;
                }
                if let Some(link) = &user.link {
                    link.send(frame);
                }
            }
            // A load that is stopped is not gone on with.
            Output::Persist(_) => {}
            Output::Changed(change) => self.changed(seat, change)?,
        }
        Ok(())
    }

    fn changed(&mut self, seat: Seat, change: Change) -> Result<(), Error> {
        match change {
            Change::Message(message) => self.shown(seat, &message),
            Change::Acked(acked) => self.acked(seat, &acked),
            Change::Failed { cid, .. } => {
                if let Some((number, _)) = self.settled(seat, cid) {
                    self.checker.unkept(seat, number);
                }
            }
            Change::Link(engine::Link::Refused { status }) => {
                return Err(Error::Refused { status });
            }
            Change::Link(engine::Link::Kicked { reason }) => return Err(Error::Kicked { reason }),
            Change::Link(engine::Link::Lost { .. }) if !self.has_server => {
                return Err(Error::NoServer { url: self.plan.url.clone() });
            }
            // What is void after a restart arrives again, and is found to be doubled.
            Change::Grouped { outcome, .. } => self.grouped = Some(outcome),
            Change::Fetched { outcome, .. } => self.fetched = Some(outcome),
            Change::Link(_)
            | Change::Conversations { .. }
            | Change::Receipts { .. }
            | Change::Searched { .. }
            | Change::Recalled { .. }
            | Change::Told { .. }
            | Change::Control(_)
            | Change::Read(_)
            | Change::Signal(_)
            | Change::Restarted { .. } => {}
        }
        Ok(())
    }

    fn shown(&mut self, seat: Seat, message: &Message) {
        let Some((author, sent)) = self.checked(seat, message) else { return };
        if author != seat {
            let now = Instant::now();
            self.moved = now;
            self.tally.received_in_time += u64::from(self.end.is_some_and(|end| now <= end));
            let sent = self.plan.clock + sent;
            self.tally.push_us.push(microseconds(now.saturating_duration_since(sent)));
        }
    }

    /// Has what is shown to a viewer checked; the author of a message, and when it was sent.
    fn checked(&mut self, seat: Seat, message: &Message) -> Option<(Seat, Duration)> {
        // An event without an author is the server's own.
        let by = || UserId::parse(&message.from).unwrap_or_else(|_| self.users[0].id.clone());
        if Self::is_of_group(message) && wire::Event::read(message).is_some() {
            self.checker.event(seat, by(), message.seq);
            return None;
        }
        let author = self.users.iter().position(|user| user.id.as_str() == message.from);
        let read = message.body.as_ref().and_then(|body| stamp::read(body.get()));
        let (Some(author), Some((number, sent))) = (author, read) else {
            self.checker.foreign(seat, by(), message.seq);
            return None;
        };
        self.checker.shown(seat, message.seq, author, number);
        Some((author, sent))
    }

    /// Whether a message is of a group, whose events are shown like messages.
    fn is_of_group(message: &Message) -> bool {
        let id = ConversationId::parse(&message.conversation);
        id.is_ok_and(|id| matches!(id.party(), Party::Group(_)))
    }

    fn acked(&mut self, seat: Seat, acked: &Acked) {
        let Some((number, sent)) = self.settled(seat, acked.cid) else { return };
        let now = Instant::now();
        self.moved = now;
        self.checker.acked(seat, number, acked.seq.number());
        self.tally.acked += 1;
        self.tally.acked_in_time += u64::from(self.end.is_some_and(|end| now <= end));
        self.tally.duplicates += u64::from(acked.duplicate);
        self.tally.ack_us.push(microseconds(now.duration_since(sent)));
    }

    /// Takes a message out of those that wait: its number, and when it was handed over.
    fn settled(&mut self, seat: Seat, cid: MessageId) -> Option<(u64, Instant)> {
        let waiting = &mut self.users[seat].waiting;
        let index = waiting.iter().position(|(waits, _, _)| *waits == cid)?;
        waiting.remove(index).map(|(_, number, sent)| (number, sent))
    }

    fn is_complete(&self) -> bool {
        (0..self.users.len()).all(|seat| self.has_all(seat))
    }

    /// Whether everything of this user is acknowledged, and everything of everyone shown to it.
    fn has_all(&self, seat: Seat) -> bool {
        self.users[seat].waiting.is_empty() && self.checker.count(seat) >= self.tally.sent
    }

    /// Connects whoever lacks something anew.
    fn come_back(&mut self) -> Result<(), Error> {
        self.moved = Instant::now();
        for seat in 0..self.users.len() {
            if !self.has_all(seat) {
                self.input(seat, Input::Command(Command::Close))?;
                self.input(seat, Input::Command(Command::Open))?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Tally {
        for seat in 0..self.users.len() {
            self.tally.received += self.checker.count(seat) - self.checker.count_of(seat, seat);
            for (_, number, _) in &self.users[seat].waiting {
                self.checker.unkept(seat, *number);
            }
        }
        // Every message was transmitted once and every user connected once; the rest came on top.
        self.tally.resends = self.tally.resends.saturating_sub(self.tally.sent);
        self.tally.reconnects = self.tally.reconnects.saturating_sub(self.users.len() as u64);
        let sent: Vec<u64> = self.users.iter().map(|user| user.sent).collect();
        self.tally.findings = self.checker.finish(&sent);
        self.tally
    }
}

fn refused(problem: Problem) -> Error {
    Error::Problem { name: problem.name, message: problem.message }
}

/// A time in microseconds, of at most an hour.
fn microseconds(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}
