//! The machine itself: what comes in is taken to its part, what is due is done.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::value::RawValue;
use timeline::{ConversationId, Seq, Timestamp, UserId};
use wire::{ErrorCode, Incoming, Problem};

use crate::backoff;
use crate::connection::{Connection, Phase};
use crate::focus::Focuses;
use crate::inbox::{self, Inbox};
use crate::input::{Command, Input, Options};
use crate::large::Large;
use crate::outbox::Outbox;
use crate::output::{Change, Output};
use crate::positions::Positions;
use crate::reading::{Reading, Telling};
use crate::record::{Queued, Record, State};
use crate::requests::{Errand, Purpose, Requests};
use crate::thread::{Fill, Thread};

/// One device of a user.
///
/// After every [`handle`](Engine::handle) its host takes all outputs by [`poll`](Engine::poll), and
/// comes back with [`Input::Tick`] at [`next_wake`](Engine::next_wake) at the latest. A new engine
/// connects at its first tick.
#[derive(Debug)]
pub struct Engine {
    pub(crate) user: UserId,
    pub(crate) options: Options,
    pub(crate) random: fastrand::Rng,
    pub(crate) now: Timestamp,
    pub(crate) connection: Connection,
    pub(crate) requests: Requests,
    pub(crate) inbox: Inbox,
    pub(crate) threads: BTreeMap<ConversationId, Thread>,
    /// Conversations that were told something new since they were applied last.
    pub(crate) touched: BTreeSet<ConversationId>,
    /// Conversations with a hole.
    pub(crate) holes: BTreeSet<ConversationId>,
    pub(crate) outbox: Outbox,
    pub(crate) errands: Vec<Errand>,
    pub(crate) large: Large,
    pub(crate) focuses: Focuses,
    pub(crate) positions: Positions,
    /// How far each conversation is read.
    pub(crate) readings: BTreeMap<ConversationId, Reading>,
    /// Which of these the server is to be told.
    pub(crate) tellings: BTreeMap<ConversationId, Telling>,
    /// Groups that the user has left: what still comes of them is not unread.
    pub(crate) gone: BTreeSet<ConversationId>,
    /// How far anybody else has read.
    pub(crate) others: BTreeMap<ConversationId, Seq>,
    outputs: VecDeque<Output>,
}

impl Engine {
    /// An engine that goes on where its records end.
    ///
    /// `seed` drives every random wait: engines that must not act in step need different ones, and
    /// one that is given the same inputs and the same seed does the same.
    pub fn new(user: UserId, options: Options, state: State, seed: u64) -> Self {
        let mut outbox = Outbox::default();
        for queued in state.outbox {
            outbox.push(queued);
        }
        let mut readings = state.readings;
        for reading in readings.values_mut() {
            reading.unread.retain(|_, from| from != user.as_str());
        }
        let wanted = readings.iter().filter(|(_, reading)| reading.wanted.is_some());
        let tellings = wanted.map(|(id, _)| (id.clone(), Telling::new(Timestamp(0)))).collect();
        let threads = state.applied.into_iter().map(|(id, seq)| (id, Thread::new(seq)));
        Self {
            user,
            options,
            random: fastrand::Rng::with_seed(seed),
            now: Timestamp(0),
            connection: Connection::new(),
            requests: Requests::default(),
            inbox: Inbox::new(state.cursor, state.seen),
            threads: threads.collect(),
            touched: BTreeSet::new(),
            holes: BTreeSet::new(),
            outbox,
            errands: Vec::new(),
            large: Large::new(state.large),
            focuses: Focuses::default(),
            positions: Positions::default(),
            readings,
            tellings,
            gone: BTreeSet::new(),
            others: BTreeMap::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes something that happened at `now`, and does whatever is due by then.
    ///
    /// `now` is in milliseconds by any clock that does not go back; a time before an earlier one
    /// counts as that one.
    pub fn handle(&mut self, now: Timestamp, input: Input<'_>) {
        self.now = now.max(self.now);
        match input {
            Input::Connected => self.opened(),
            Input::Disconnected => self.lost(),
            Input::Refused { status } => self.refused(status),
            Input::Frame(text) if self.connection.is_open() => self.heard(text),
            Input::Frame(_) | Input::Tick => {}
            Input::Command(command) => self.command(command),
        }
        self.apply();
        self.act();
    }

    /// The next thing to be done; `None` until something happens.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When something is due; `None` if only an input other than a tick can change anything.
    pub fn next_wake(&self) -> Option<Timestamp> {
        let planned = match self.connection.phase {
            Phase::Waiting(until) => return Some(until),
            Phase::Connecting | Phase::Stopped => return None,
            Phase::Open { planned } => planned,
        };
        let sync = match self.inbox.sync {
            inbox::Sync::Due(due) => Some(due),
            inbox::Sync::Flying => None,
        };
        let fill = if self.may_fill() { self.fills().map(|(due, _)| due).min() } else { None };
        let send = self.outbox.heads().filter_map(|item| item.due()).min();
        let errand = self.errands.iter().map(|errand| errand.due).min();
        let signal = self.focuses.due();
        let positions = self.positions.due();
        let read = self.tellings.values().filter_map(|telling| telling.due).min();
        let due = [Some(planned), self.requests.next_deadline(), sync, fill, send, errand];
        due.into_iter().chain([signal, positions, read]).flatten().min()
    }

    /// Whether this device has everything that the server had at the last sync of the connection,
    /// which may be several: one for each hundred large groups.
    pub fn is_caught_up(&self) -> bool {
        self.connection.is_open()
            && self.inbox.synced
            && self.large.is_asked()
            && !self.inbox.has_gap()
            && self.inbox.is_settled()
            && self.holes.is_empty()
    }

    /// The messages that are not kept yet; those of one conversation as they were composed.
    pub fn outbox(&self) -> impl Iterator<Item = &Queued> {
        self.outbox.items().map(|item| &item.queued)
    }

    /// How far a conversation was applied.
    pub fn applied(&self, conversation: &ConversationId) -> Seq {
        self.threads.get(conversation).map(Thread::applied).unwrap_or_default()
    }

    pub(crate) fn put(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(crate) fn persist(&mut self, record: Record) {
        self.put(Output::Persist(record));
    }

    pub(crate) fn change(&mut self, change: Change) {
        self.put(Output::Changed(change));
    }

    pub(crate) fn transmit(&mut self, frame: String) {
        self.connection.silent_since.get_or_insert(self.now);
        self.put(Output::Transmit(frame));
    }

    /// The wait after so many failures, from now.
    pub(crate) fn later(&mut self, failures: u32, asked_ms: Option<u64>) -> Timestamp {
        self.now.plus(backoff::asked(&mut self.random, failures, asked_ms))
    }

    /// Holes that are to be filled, and when.
    pub(crate) fn fills(&self) -> impl Iterator<Item = (Timestamp, &ConversationId)> {
        self.holes.iter().filter_map(|id| match self.threads.get(id)?.fill() {
            Fill::Due(due) => Some((due, id)),
            Fill::Complete | Fill::Flying => None,
        })
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Open => self.connection.open(self.now),
            Command::Close => self.stop(),
            Command::Send(draft) => self.compose(draft),
            Command::Fetch { ticket, conversation, part, limit } => {
                self.fetch(ticket, &conversation, part, limit);
            }
            Command::Group { ticket, request } => self.group(ticket, request),
            Command::Read { conversation, seq } => self.read(conversation, seq),
            Command::Conversations { ticket, limit, page } => {
                self.conversations(ticket, limit, page);
            }
            Command::Receipts { ticket, conversation, seq, page } => {
                self.receipts(ticket, &conversation, seq, page);
            }
            Command::Search { ticket, query } => self.query(ticket, query),
            Command::Recall { ticket, conversation, seq, cid, body } => {
                self.recall(ticket, &conversation, seq, cid, body);
            }
            Command::Focus(id) => self.look(id),
            Command::Blur(id) => self.look_away(&id),
        }
    }

    fn heard(&mut self, text: &str) {
        self.connection.silent_since = None;
        match Incoming::parse(text) {
            Ok(Incoming::Answer { outcome: Err(problem), .. })
                if problem.error_code() == Some(ErrorCode::Expired) =>
            {
                self.expired_token();
            }
            Ok(Incoming::Answer { re: Some(re), outcome }) => {
                if let Some(purpose) = self.requests.answered(&re) {
                    self.answered(purpose, outcome);
                }
            }
            Ok(Incoming::Message(push)) => self.pushed(push),
            Ok(Incoming::Read(read)) => {
                self.read_by_other(&read.conversation, &read.user, read.seq);
                self.change(Change::Read(read));
            }
            Ok(Incoming::Signal(signal)) => self.change(Change::Signal(signal)),
            Ok(Incoming::Kicked { reason }) => self.kicked(reason),
            Ok(Incoming::Gateway { .. }) => {
                let due = self.later(1, None);
                self.requests.hurry(due);
            }
            Ok(Incoming::Answer { re: None, .. } | Incoming::Unknown { .. }) | Err(_) => {}
        }
    }

    /// Takes an answer. One that cannot be read counts as none, and as no reason to hurry.
    fn answered(&mut self, purpose: Purpose, outcome: Result<Box<RawValue>, Problem>) {
        match purpose {
            Purpose::Sync => match read(outcome) {
                Ok(synced) => self.synced(synced),
                Err(problem) => self.sync_failed(problem.retry_after_ms),
            },
            Purpose::Fill(id, to) => match read(outcome) {
                Ok(messages) => self.filled(id, to, messages),
                Err(problem) => self.fill_refused(id, to, &problem),
            },
            Purpose::Send(id, cid) => match read(outcome) {
                Ok(sent) => self.kept(&id, cid, &sent),
                Err(problem) => self.send_refused(&id, cid, problem),
            },
            Purpose::Search(id, cid, to) => match read(outcome) {
                Ok(messages) => self.searched(&id, cid, to, messages),
                Err(problem) => self.search_refused(&id, cid, problem),
            },
            Purpose::Errand(errand) => self.errand_answered(*errand, outcome),
            Purpose::Read(id, seq) => self.told(id, seq, read(outcome)),
            Purpose::Positions => self.positions_answered(read(outcome)),
            Purpose::Signal(id, wish) => match read(outcome) {
                Ok(signaled) => self.signaled(&id, wish, &signaled),
                Err(problem) => self.signal_refused(&id, wish, &problem),
            },
        }
    }

    /// Does what is due.
    fn act(&mut self) {
        if self.connection.is_open() {
            self.expire();
        }
        self.connect();
        if self.connection.is_open() {
            self.sync();
            self.ask_positions();
            self.run_errands();
            self.signal();
            self.send();
            self.tell();
            self.fill();
        }
    }

    /// Gives up waiting for what is overdue.
    fn expire(&mut self) {
        let expired = self.requests.expired(self.now);
        let is_dead = !expired.is_empty() && self.connection.is_silent(self.now);
        for purpose in expired {
            self.unanswered(purpose);
        }
        if is_dead {
            self.put(Output::Close);
            self.lost();
        }
    }

    /// Lets what was not answered be asked again.
    pub(crate) fn unanswered(&mut self, purpose: Purpose) {
        match purpose {
            Purpose::Sync => self.inbox.sync = inbox::Sync::Due(self.now),
            Purpose::Fill(id, _) => {
                if let Some(thread) = self.threads.get_mut(&id) {
                    thread.unanswered(self.now);
                }
            }
            Purpose::Send(id, cid) => self.send_unanswered(&id, cid),
            Purpose::Search(id, cid, _) => self.search_again(&id, cid, self.now),
            Purpose::Errand(mut errand) => {
                errand.due = self.now;
                self.errands.push(*errand);
            }
            Purpose::Read(id, _) => self.tell_unanswered(&id),
            Purpose::Positions => self.positions_unanswered(),
            Purpose::Signal(id, _) => self.signal_unanswered(&id),
        }
    }
}

/// Whether asking the same again cannot help.
pub(crate) fn is_final(problem: &Problem) -> bool {
    matches!(problem.code, 400 | 403 | 404 | 409 | 413 | 422)
}

/// Reads an answer as its route's; one that is not the route's counts as the server's failure.
pub(crate) fn read<T: serde::de::DeserializeOwned>(
    outcome: Result<Box<RawValue>, Problem>,
) -> Result<T, Problem> {
    let ok = outcome?;
    Incoming::ok(&ok).map_err(|error| Problem::new(ErrorCode::Internal, error.to_string()))
}
