//! Two users who send one another messages, in one task.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use engine::{Acked, Change, Command, Draft, Engine, Input, Options, Output, State};
use serde::Deserialize;
use timeline::exchange::Destination;
use timeline::{DeviceId, Kind, MessageId, Timestamp, UserId};
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;
use wire::Message;

use crate::checker::{Checker, Side};
use crate::error::Error;
use crate::key::Tokens;
use crate::link::{self, Event, Link};
use crate::report::Tally;

/// How long nothing may come after the end before whoever lacks something connects anew, as a
/// device that comes back does: it repeats what was not acknowledged, and syncs.
const STALL_MAX: Duration = Duration::from_secs(3);

/// How long after the end everything must be acknowledged and received.
const DRAIN_MAX: Duration = Duration::from_secs(30);

/// What a frame that sends a message begins with, as [`wire::Send`] is written.
const SEND_FRAME: &str = r#"{"action":"send""#;

/// What every pair of a load does.
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
    /// When times began.
    pub(crate) clock: Instant,
}

/// Two users.
#[derive(Debug)]
pub(crate) struct Pair {
    plan: Arc<Plan>,
    users: [User; 2],
    events: mpsc::UnboundedReceiver<(u64, Event)>,
    checker: Checker,
    tally: Tally,
    /// When the last message is sent; absent while the two connect.
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
    /// The link's number: of 0 the even ones, of 1 the odd ones, so that each is some user's.
    number: u64,
    sender: mpsc::UnboundedSender<(u64, Event)>,
    /// How many messages it sent.
    sent: u64,
    /// Those that are not acknowledged, with their numbers and when they were handed over.
    waiting: VecDeque<(MessageId, u64, Instant)>,
    /// When its next message is due, if it goes by the clock.
    due: Option<Instant>,
}

impl Pair {
    /// Two users who are not connected yet.
    pub(crate) fn new(plan: Arc<Plan>, users: [UserId; 2]) -> Result<Self, Error> {
        let (sender, events) = mpsc::unbounded_channel();
        let device = DeviceId::parse("load").expect("these letters are a device's");
        // An address that cannot be used is told before anything is tried.
        link::request(&plan.url, &device, "")?;
        let checker = Checker::new(users.clone());
        let mut side = 0;
        let users = users.map(|id| {
            let (_, seed) = Uuid::now_v7().as_u64_pair();
            let options = Options::default();
            let engine = Engine::new(id.clone(), options, State::default(), seed);
            let tokens = Tokens::Minted { user: id.clone(), key: plan.key.clone(), last: None };
            side += 1;
            User {
                id,
                engine,
                device: device.clone(),
                tokens,
                link: None,
                number: side - 1,
                sender: sender.clone(),
                sent: 0,
                waiting: VecDeque::new(),
                due: None,
            }
        });
        let (tally, moved) = (Tally::default(), Instant::now());
        Ok(Self { plan, users, events, checker, tally, end: None, moved })
    }

    /// Connects both and lets them catch up.
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

    /// Sends for as long as is planned, and waits until everything has arrived.
    ///
    /// The first messages by the clock come after `turn` of an interval, from 0 to 1.
    pub(crate) async fn talk(mut self, turn: f64) -> Result<Tally, Error> {
        let start = Instant::now();
        let end = start + self.plan.duration;
        self.end = Some(end);
        if let Some(interval) = self.plan.interval {
            for (side, user) in self.users.iter_mut().enumerate() {
                let half = if side == 0 { 0.0 } else { 0.5 };
                user.due = Some(start + interval.mul_f64((turn + half).fract()));
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
        let deadline = end + DRAIN_MAX;
        while !self.is_complete() && Instant::now() < deadline {
            self.step(Some(deadline.min(self.moved + STALL_MAX))).await?;
            if self.moved.elapsed() >= STALL_MAX {
                self.come_back()?;
            }
        }
        Ok(self.finish())
    }

    /// Hands over what is due by now and before the end; when the next message is, if it goes by
    /// the clock. However late a task runs, so many messages are sent as the clock says.
    fn send(&mut self, now: Instant, end: Instant) -> Result<Option<Instant>, Error> {
        let is_flat_out = self.plan.interval.is_none() && now < end;
        for side in 0..self.users.len() {
            if is_flat_out && self.users[side].waiting.is_empty() {
                self.compose(side, now)?;
            }
            while let (Some(interval), Some(due)) = (self.plan.interval, self.users[side].due)
                && due <= now
                && due < end
            {
                self.compose(side, now)?;
                self.users[side].due = Some(due + interval);
            }
        }
        Ok(self.users.iter().filter_map(|user| user.due).min())
    }

    fn compose(&mut self, side: Side, now: Instant) -> Result<(), Error> {
        let to = self.users[1 - side].id.clone();
        let user = &mut self.users[side];
        user.sent += 1;
        let cid = MessageId::from_bytes(Uuid::now_v7().into_bytes());
        user.waiting.push_back((cid, user.sent, now));
        let time = now.duration_since(self.plan.clock);
        let body = wire::text_body(&write(user.sent, time, self.plan.text_bytes));
        self.tally.sent += 1;
        let destination = Destination::Person(to);
        let draft = Draft { destination, cid, kind: Kind::text(), body };
        self.input(side, Input::Command(Command::Send(draft)))
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
                    Some(side) => self.happen(side, event),
                    None => Ok(()),
                }
            }
            () = wake => self.tick(),
        }
    }

    fn tick(&mut self) -> Result<(), Error> {
        self.input(0, Input::Tick)?;
        self.input(1, Input::Tick)
    }

    fn happen(&mut self, side: Side, event: Event) -> Result<(), Error> {
        match event {
            Event::Open => self.input(side, Input::Connected),
            Event::Frame(text) => self.input(side, Input::Frame(&text)),
            Event::Refused(status) => self.input(side, Input::Refused { status }),
            Event::Closed => self.input(side, Input::Disconnected),
        }
    }

    fn input(&mut self, side: Side, input: Input<'_>) -> Result<(), Error> {
        let elapsed = self.plan.clock.elapsed().as_millis();
        let now = Timestamp(u64::try_from(elapsed).unwrap_or(u64::MAX));
        self.users[side].engine.handle(now, input);
        while let Some(output) = self.users[side].engine.poll() {
            self.take(side, output)?;
        }
        Ok(())
    }

    fn take(&mut self, side: Side, output: Output) -> Result<(), Error> {
        let user = &mut self.users[side];
        match output {
            Output::Connect { token } => {
                let token = user.tokens.token(token)?;
                let request = link::request(&self.plan.url, &user.device, &token)?;
                user.number += 2;
                user.link = Some(Link::open(request, user.number, user.sender.clone()));
                self.tally.reconnects += 1;
            }
            Output::Close => {
                user.number += 2;
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
            Output::Changed(change) => self.changed(side, change)?,
        }
        Ok(())
    }

    fn changed(&mut self, side: Side, change: Change) -> Result<(), Error> {
        match change {
            Change::Message(message) => self.shown(side, &message),
            Change::Acked(acked) => self.acked(side, &acked),
            Change::Failed { cid, .. } => {
                if let Some((number, _)) = self.settled(side, cid) {
                    self.checker.unkept(side, number);
                }
            }
            Change::Link(engine::Link::Refused { status }) => {
                return Err(Error::Refused { status });
            }
            Change::Link(engine::Link::Lost { .. }) if self.end.is_none() => {
                return Err(Error::NoServer { url: self.plan.url.clone() });
            }
            // What is void after a restart arrives again, and is found to be doubled.
            Change::Link(_)
            | Change::Fetched { .. }
            | Change::Grouped { .. }
            | Change::Restarted { .. } => {}
        }
        Ok(())
    }

    fn shown(&mut self, side: Side, message: &Message) {
        let author = self.users.iter().position(|user| user.id.as_str() == message.from);
        let read = message.body.as_ref().and_then(|body| read(body.get()));
        let (Some(author), Some((number, sent))) = (author, read) else {
            let author = UserId::parse(&message.from);
            let author = author.unwrap_or_else(|_| self.users[side].id.clone());
            return self.checker.foreign(side, author, message.seq);
        };
        self.checker.shown(side, message.seq, author, number);
        if author != side {
            let now = Instant::now();
            self.moved = now;
            let sent = self.plan.clock + sent;
            self.tally.push_us.push(microseconds(now.saturating_duration_since(sent)));
        }
    }

    fn acked(&mut self, side: Side, acked: &Acked) {
        let Some((_, sent)) = self.settled(side, acked.cid) else { return };
        let now = Instant::now();
        self.moved = now;
        self.tally.acked += 1;
        self.tally.acked_in_time += u64::from(self.end.is_some_and(|end| now <= end));
        self.tally.duplicates += u64::from(acked.duplicate);
        self.tally.ack_us.push(microseconds(now.duration_since(sent)));
    }

    /// Takes a message out of those that wait: its number, and when it was handed over.
    fn settled(&mut self, side: Side, cid: MessageId) -> Option<(u64, Instant)> {
        let waiting = &mut self.users[side].waiting;
        let index = waiting.iter().position(|(waits, _, _)| *waits == cid)?;
        waiting.remove(index).map(|(_, number, sent)| (number, sent))
    }

    fn is_complete(&self) -> bool {
        (0..self.users.len()).all(|side| self.has_all(side))
    }

    /// Whether everything of this user is acknowledged, and everything of both shown to it.
    fn has_all(&self, side: Side) -> bool {
        let users = self.users.iter().enumerate();
        let mut shown = users.map(|(author, user)| self.checker.has_all(side, author, user.sent));
        self.users[side].waiting.is_empty() && shown.all(|all| all)
    }

    /// Connects whoever lacks something anew.
    fn come_back(&mut self) -> Result<(), Error> {
        self.moved = Instant::now();
        for side in 0..self.users.len() {
            if !self.has_all(side) {
                self.input(side, Input::Command(Command::Close))?;
                self.input(side, Input::Command(Command::Open))?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Tally {
        for side in 0..self.users.len() {
            self.tally.received += self.checker.count(1 - side, side);
            for (_, number, _) in &self.users[side].waiting {
                self.checker.unkept(side, *number);
            }
        }
        // Every message was transmitted once and every user connected once; the rest came on top.
        self.tally.resends = self.tally.resends.saturating_sub(self.tally.sent);
        self.tally.reconnects = self.tally.reconnects.saturating_sub(self.users.len() as u64);
        let sent = self.users.each_ref().map(|user| user.sent);
        self.tally.findings = self.checker.finish(sent);
        self.tally
    }
}

/// A text of so many bytes that says its number and when it was handed over.
fn write(number: u64, time: Duration, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes);
    text.push_str(&format!("{number} {} ", time.as_micros()));
    text.extend(std::iter::repeat_n('x', bytes.saturating_sub(text.len())));
    text
}

/// The number and the time in the body of such a text.
fn read(body: &str) -> Option<(u64, Duration)> {
    /// The body as it travels; a text without escapes is not copied.
    #[derive(Deserialize)]
    struct Body<'a> {
        text: &'a str,
    }
    let body: Body<'_> = serde_json::from_str(body).ok()?;
    let mut words = body.text.split(' ');
    let number = words.next()?.parse().ok()?;
    let time = words.next()?.parse().ok()?;
    Some((number, Duration::from_micros(time)))
}

/// A time in microseconds, of at most an hour.
fn microseconds(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_long_as_it_should_be_and_is_read_as_it_was_written() {
        let time = Duration::from_micros(86_400_000_000);
        let text = write(1_000_000, time, 120);
        assert_eq!(text.len(), 120);
        let body = wire::text_body(&text);
        assert_eq!(read(body.get()), Some((1_000_000, time)));
        assert_eq!(read(r#"{"text":"hello"}"#), None);
        assert_eq!(read(r#"{"image":"1 2"}"#), None);
    }
}
