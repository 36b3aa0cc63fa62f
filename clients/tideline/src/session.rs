//! Runs an engine over a socket and a journal.

use std::collections::VecDeque;
use std::time::Duration;

use engine::{Change, Command, Engine, Input, Older, Options, Output, Query, State};
use serde_json::value::RawValue;
use timeline::exchange::Destination;
use timeline::{ConversationId, DeviceId, Kind, MessageId, Platform, Seq, Timestamp, UserId};
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

use crate::arguments::Identity;
use crate::error::Error;
use crate::home::Home;
use crate::journal::Journal;
use crate::key::Tokens;
use crate::link::{self, Event, Link};
use crate::print;

/// A device at work.
#[derive(Debug)]
pub(crate) struct Session {
    engine: Engine,
    journal: Journal,
    user: UserId,
    device: DeviceId,
    platform: Option<Platform>,
    url: String,
    tokens: Tokens,
    link: Option<Link>,
    /// Counts connections, so that a late event of an old one is known as such.
    number: u64,
    sender: mpsc::UnboundedSender<(u64, Event)>,
    events: mpsc::UnboundedReceiver<(u64, Event)>,
    changes: VecDeque<Change>,
    /// How many recalls, edits and searches have no answer yet.
    errands: usize,
    /// When the engine's clock began: it must not go back, as the wall's may.
    start: Instant,
    /// Why the last connection could not be made.
    cause: Option<String>,
    /// Whether the user knows that there is no connection.
    is_reported: bool,
    /// Whether the user is told in another way.
    is_quiet: bool,
    /// The device is ours until everything above is gone.
    _home: Home,
}

impl Session {
    /// Takes possession of the device of whoever acts, and goes on where it ended.
    pub(crate) fn open(identity: &Identity) -> Result<Self, Error> {
        let tokens = Tokens::of(identity)?;
        let home = Home::open(&identity.state, &identity.user)?;
        let device = home.device()?;
        // An address that cannot be used is told before anything is tried.
        link::request(&identity.url, &device, identity.platform.as_ref(), "")?;
        let journal = Journal::open(&home.journal())?;
        let older = if identity.no_backfill { Older::OnDemand } else { Older::Backfill };
        let (_, seed) = Uuid::now_v7().as_u64_pair();
        let state: State = journal.state().clone();
        let engine = Engine::new(identity.user.clone(), Options { older }, state, seed);
        let (sender, events) = mpsc::unbounded_channel();
        Ok(Self {
            engine,
            journal,
            user: identity.user.clone(),
            device,
            platform: identity.platform.clone(),
            url: identity.url.clone(),
            tokens,
            link: None,
            number: 0,
            sender,
            events,
            changes: VecDeque::new(),
            errands: 0,
            start: Instant::now(),
            cause: None,
            is_reported: false,
            is_quiet: false,
            _home: home,
        })
    }

    /// Whose device it is.
    pub(crate) fn user(&self) -> &UserId {
        &self.user
    }

    /// The engine, to be asked how far it is.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The journal, to be read and marked.
    pub(crate) fn journal(&mut self) -> &mut Journal {
        &mut self.journal
    }

    /// Leaves it to the caller to say that the connection was lost.
    pub(crate) fn keep_quiet(&mut self) {
        self.is_quiet = true;
    }

    /// Whether something of what the user wanted is not done yet, or not reported.
    pub(crate) fn is_busy(&self) -> bool {
        let is_queued = self.engine.outbox().next().is_some();
        self.has_news() || is_queued || self.errands > 0
    }

    /// Whether [`Session::next`] has a change at hand.
    pub(crate) fn has_news(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Gives the engine a command.
    pub(crate) fn command(&mut self, command: Command) -> Result<(), Error> {
        self.input(Input::Command(command))
    }

    /// Puts a text in the outbox; its id.
    pub(crate) fn text(
        &mut self,
        destination: Destination,
        text: &str,
    ) -> Result<MessageId, Error> {
        let cid = fresh();
        let body = wire::text_body(text);
        self.command(Command::Send(engine::Draft { destination, cid, kind: Kind::text(), body }))?;
        Ok(cid)
    }

    /// Takes a message back, or has it say something else.
    pub(crate) fn recall(
        &mut self,
        ticket: u64,
        conversation: ConversationId,
        seq: Seq,
        body: Option<Box<RawValue>>,
    ) -> Result<(), Error> {
        let cid = fresh();
        self.errands += 1;
        self.command(Command::Recall { ticket, conversation, seq, cid, body })
    }

    /// Asks for a page of messages that say something.
    pub(crate) fn search(&mut self, ticket: u64, query: Query) -> Result<(), Error> {
        self.errands += 1;
        self.command(Command::Search { ticket, query: Box::new(query) })
    }

    /// Waits until this device has everything that the server has.
    pub(crate) async fn catch_up(&mut self) -> Result<(), Error> {
        while !self.engine.is_caught_up() {
            self.next().await?;
        }
        Ok(())
    }

    /// The conversation that a message to this destination is in.
    pub(crate) fn conversation(&self, destination: &Destination) -> Result<ConversationId, Error> {
        match destination {
            Destination::Conversation(id) => Ok(id.clone()),
            Destination::Person(user) => {
                ConversationId::direct(&self.user, user).map_err(|error| Error::Problem {
                    name: "invalid".to_owned(),
                    message: error.to_string(),
                })
            }
        }
    }

    /// Waits for the next change; `None` when something happened that is no change.
    ///
    /// It may be given up at any point and called again: nothing is lost.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when the server does not accept the token, [`Error::Kicked`] when another
    /// device took this one's place.
    pub(crate) async fn next(&mut self) -> Result<Option<Change>, Error> {
        if let Some(change) = self.changes.pop_front() {
            return self.report(change).map(Some);
        }
        let wake = self.engine.next_wake();
        let wake = async {
            match wake {
                Some(at) => {
                    tokio::time::sleep_until(self.start + Duration::from_millis(at.0)).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some((number, event)) = self.events.recv() => {
                if number == self.number {
                    self.happen(event)?;
                }
            }
            () = wake => self.input(Input::Tick)?,
        }
        self.changes.pop_front().map(|change| self.report(change)).transpose()
    }

    fn happen(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Open => self.input(Input::Connected),
            Event::Frame(text) => self.input(Input::Frame(&text)),
            Event::Refused(status) => self.input(Input::Refused { status }),
            Event::Failed(cause) => {
                self.cause = Some(cause);
                self.input(Input::Disconnected)
            }
            Event::Closed => self.input(Input::Disconnected),
        }
    }

    fn input(&mut self, input: Input<'_>) -> Result<(), Error> {
        self.engine.handle(self.now(), input);
        while let Some(output) = self.engine.poll() {
            self.take(output)?;
        }
        self.journal.redact()
    }

    fn take(&mut self, output: Output) -> Result<(), Error> {
        match output {
            Output::Connect { token } => {
                let token = self.tokens.token(token)?;
                let platform = self.platform.as_ref();
                let request = link::request(&self.url, &self.device, platform, &token)?;
                self.number += 1;
                self.link = Some(Link::open(request, self.number, self.sender.clone()));
            }
            Output::Close => {
                self.number += 1;
                self.link = None;
            }
            Output::Transmit(frame) => {
                self.journal.settle()?;
                if let Some(link) = &self.link {
                    link.send(frame);
                }
            }
            Output::Persist(record) => self.journal.append(record)?,
            Output::Changed(change) => self.changes.push_back(change),
        }
        Ok(())
    }

    /// Turns what ends the session into an error, and tells once of a server that is not there.
    fn report(&mut self, change: Change) -> Result<Change, Error> {
        if matches!(change, Change::Recalled { .. } | Change::Searched { .. }) {
            self.errands = self.errands.saturating_sub(1);
        }
        if let Change::Link(link) = change {
            match link {
                engine::Link::Refused { status } => return Err(Error::Refused { status }),
                engine::Link::Kicked { reason } => return Err(Error::Kicked { reason }),
                engine::Link::Lost { .. } if !self.is_reported && !self.is_quiet => {
                    let cause = self.cause.take().map(|cause| format!(" ({cause})"));
                    let cause = cause.unwrap_or_default();
                    print::note(&format!("no connection to {}{cause}; trying again", self.url));
                    self.is_reported = true;
                }
                engine::Link::Open => self.is_reported = false,
                engine::Link::Connecting | engine::Link::Lost { .. } | engine::Link::Closed => {}
            }
        }
        Ok(change)
    }

    fn now(&self) -> Timestamp {
        let elapsed = self.start.elapsed().as_millis();
        Timestamp(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }
}

/// An id that nothing has yet.
pub(crate) fn fresh() -> MessageId {
    MessageId::from_bytes(Uuid::now_v7().into_bytes())
}
