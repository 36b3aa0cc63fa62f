//! When a connection is opened, given up, and opened again.

use timeline::Timestamp;
use timeline::exchange::KickReason;

use crate::backoff;
use crate::engine::Engine;
use crate::limits;
use crate::output::{Change, Link, Output, Token};

/// HTTP's "unauthorized": a bad or expired token.
const UNAUTHORIZED: u16 = 401;

/// HTTP's "forbidden": a good token that may not connect, as a kicked device's.
const FORBIDDEN: u16 = 403;

/// Everything about the connection.
#[derive(Debug)]
pub(crate) struct Connection {
    /// What happens about it.
    pub(crate) phase: Phase,
    /// Which token opens it next.
    pub(crate) token: Token,
    /// How often in a row it failed before a sync was answered.
    pub(crate) failures: u32,
    /// Since when requests are out and nothing at all was heard.
    pub(crate) silent_since: Option<Timestamp>,
}

/// What happens about the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It is opened at this time.
    Waiting(Timestamp),
    /// It is being opened.
    Connecting,
    /// It is open, and replaced at this time.
    Open {
        /// Before the server would close it.
        planned: Timestamp,
    },
    /// Nothing, until the user wants it.
    Stopped,
}

impl Connection {
    /// The first connection, due at once.
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Waiting(Timestamp(0)),
            token: Token::Current,
            failures: 0,
            silent_since: None,
        }
    }

    /// Lets a stopped connection be opened again, with a token that was not refused.
    pub(crate) fn open(&mut self, now: Timestamp) {
        if self.phase == Phase::Stopped {
            self.phase = Phase::Waiting(now);
            self.token = Token::Fresh;
            self.failures = 0;
        }
    }

    /// Notes that the connection does what it is for.
    pub(crate) fn works(&mut self) {
        self.token = Token::Current;
        self.failures = 0;
    }

    /// Whether frames can come and go.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open { .. })
    }

    /// Whether requests were out for so long without a sound that the connection must be dead.
    pub(crate) fn is_silent(&self, now: Timestamp) -> bool {
        self.silent_since.is_some_and(|since| now.since(since) >= limits::SILENCE_MS_MAX)
    }
}

impl Engine {
    /// Opens the connection if that is due, and replaces it in time.
    pub(crate) fn connect(&mut self) {
        if let Phase::Open { planned } = self.connection.phase
            && planned <= self.now
        {
            self.put(Output::Close);
            self.forget_connection();
            self.connection.phase = Phase::Waiting(self.now);
        }
        if let Phase::Waiting(until) = self.connection.phase
            && until <= self.now
        {
            self.connection.phase = Phase::Connecting;
            self.put(Output::Connect { token: self.connection.token });
            self.change(Change::Link(Link::Connecting));
        }
    }

    /// Takes an open connection into use.
    pub(crate) fn opened(&mut self) {
        if self.connection.phase == Phase::Connecting {
            let life = self.random.u64(limits::RECONNECT_MS_MIN..=limits::RECONNECT_MS_MAX);
            self.connection.phase = Phase::Open { planned: self.now.plus(life) };
            self.connection.silent_since = None;
            self.change(Change::Link(Link::Open));
        }
    }

    /// Waits, after the connection was lost or could not be made.
    pub(crate) fn lost(&mut self) {
        if matches!(self.connection.phase, Phase::Connecting | Phase::Open { .. }) {
            self.forget_connection();
            self.connection.failures = self.connection.failures.saturating_add(1);
            let wait = backoff::after(&mut self.random, self.connection.failures);
            self.wait(wait);
        }
    }

    /// Takes a refused handshake: a bad token is replaced once, a second refusal is final, and
    /// anything but a refusal of the token passes.
    pub(crate) fn refused(&mut self, status: u16) {
        if self.connection.phase != Phase::Connecting {
            return;
        }
        match (status, self.connection.token) {
            (UNAUTHORIZED, Token::Current) => {
                self.connection.token = Token::Fresh;
                self.wait(0);
            }
            (UNAUTHORIZED | FORBIDDEN, _) => {
                self.connection.phase = Phase::Stopped;
                self.change(Change::Link(Link::Refused { status }));
            }
            (_, _) => self.lost(),
        }
    }

    /// Opens the connection anew with a fresh token: at once, but not again and again at once.
    pub(crate) fn expired_token(&mut self) {
        self.put(Output::Close);
        self.forget_connection();
        self.connection.token = Token::Fresh;
        let failures = self.connection.failures;
        self.connection.failures = failures.saturating_add(1);
        let wait = if failures == 0 { 0 } else { backoff::after(&mut self.random, failures) };
        self.wait(wait);
    }

    /// Stops: coming back would kick the device that took this one's place.
    pub(crate) fn kicked(&mut self, reason: Option<KickReason>) {
        self.put(Output::Close);
        self.forget_connection();
        self.connection.phase = Phase::Stopped;
        self.change(Change::Link(Link::Kicked { reason }));
    }

    /// Closes the connection for good.
    pub(crate) fn stop(&mut self) {
        if self.connection.phase != Phase::Stopped {
            if !matches!(self.connection.phase, Phase::Waiting(_)) {
                self.put(Output::Close);
            }
            self.forget_connection();
            self.connection.phase = Phase::Stopped;
            self.change(Change::Link(Link::Closed));
        }
    }

    fn wait(&mut self, wait_ms: u64) {
        let retry = self.now.plus(wait_ms);
        self.connection.phase = Phase::Waiting(retry);
        self.change(Change::Link(Link::Lost { retry }));
    }

    /// Lets everything that waits for an answer be asked again on the next connection.
    fn forget_connection(&mut self) {
        self.outbox.disconnected(self.now);
        for purpose in self.requests.clear() {
            self.unanswered(purpose);
        }
        self.inbox.disconnected();
        self.large.disconnected();
        self.focuses.disconnected(self.now);
        self.connection.silent_since = None;
    }
}
