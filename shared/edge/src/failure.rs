//! What each error looks like from outside: decided here and nowhere else.

use wire::{ErrorCode, Problem, Refusal};

use crate::metrics;

/// Why a function does not do what the frame asks.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The frame was refused before anything was tried.
    #[error("the frame was refused")]
    Refused(Box<Refusal>),
    /// The event carries no identity or no frame.
    #[error("the event was not understood")]
    Malformed,
    /// The token that opened the connection has expired.
    #[error("the token has expired")]
    Expired,
    /// No route has the frame's action.
    #[error("no such route")]
    NoRoute,
    /// The work was not done within our own deadline.
    #[error("not done in time")]
    Deadline,
    /// A record of a stream is none that we wrote.
    #[error("a record was not understood")]
    Record(#[source] store::Error),
    /// The work was refused or failed.
    #[error("the work was not done")]
    Chat(#[source] chat::Error),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::from(Refusal { re: None, problem })
    }
}

impl From<chat::Error> for Failure {
    fn from(error: chat::Error) -> Self {
        Self::Chat(error)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::Record(error)
    }
}

impl Failure {
    /// What the client is told. No wildcard arm: a new error does not compile until someone
    /// decides.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Refused(refusal) => refusal.problem.clone(),
            Self::Malformed => Problem::new(ErrorCode::Malformed, "the frame was not understood"),
            Self::Expired => {
                Problem::new(ErrorCode::Expired, "the token has expired: connect with a new one")
            }
            Self::NoRoute => Problem::new(
                ErrorCode::NotFound,
                format!("no such action; there are {}", wire::action::ALL.join(", ")),
            ),
            Self::Deadline => {
                Problem::new(ErrorCode::Unavailable, "not done in time: try the same again")
            }
            Self::Record(_) => Problem::new(ErrorCode::Internal, "our fault"),
            Self::Chat(error) => told(error),
        }
    }

    /// Logs it, and counts it where it should be rare.
    pub(crate) fn log(&self) {
        let problem = self.problem();
        let (code, error) = (problem.code, self as &dyn std::error::Error);
        if problem.error_code() == Some(ErrorCode::SlowMode) {
            tracing::warn!(metric = metrics::SLOW_MODE, code, error, "told to wait");
        } else if self.is_ours() {
            tracing::error!(metric = metrics::FAILED, code, error, "failed");
        } else {
            tracing::info!(code, error, "refused");
        }
    }

    /// Whether the connection is of no use to its client any more.
    pub fn closes(&self) -> bool {
        match self {
            Self::Expired | Self::Chat(chat::Error::Replaced | chat::Error::Kicked) => true,
            Self::Refused(_)
            | Self::Malformed
            | Self::NoRoute
            | Self::Deadline
            | Self::Record(_)
            | Self::Chat(
                chat::Error::NotMember
                | chat::Error::NotAllowed
                | chat::Error::NoSuchMessage
                | chat::Error::TooLate
                | chat::Error::TooSoon
                | chat::Error::StaleBase { .. }
                | chat::Error::BaseAhead { .. }
                | chat::Error::IdReused
                | chat::Error::Invalid { .. }
                | chat::Error::Query(_)
                | chat::Error::Store { .. }
                | chat::Error::Push { .. },
            ) => false,
        }
    }

    /// Whether it is our fault, or our store's, and so worth a line in the log.
    pub fn is_ours(&self) -> bool {
        match self {
            Self::Deadline
            | Self::Record(_)
            | Self::Chat(chat::Error::Store { .. } | chat::Error::Push { .. }) => true,
            Self::Refused(_)
            | Self::Malformed
            | Self::Expired
            | Self::NoRoute
            | Self::Chat(
                chat::Error::NotMember
                | chat::Error::NotAllowed
                | chat::Error::NoSuchMessage
                | chat::Error::TooLate
                | chat::Error::TooSoon
                | chat::Error::Replaced
                | chat::Error::Kicked
                | chat::Error::StaleBase { .. }
                | chat::Error::BaseAhead { .. }
                | chat::Error::IdReused
                | chat::Error::Invalid { .. }
                | chat::Error::Query(_),
            ) => false,
        }
    }
}

fn told(error: &chat::Error) -> Problem {
    use chat::Error::{
        BaseAhead, IdReused, Invalid, Kicked, NoSuchMessage, NotAllowed, NotMember, Push, Query,
        Replaced, StaleBase, Store, TooLate, TooSoon,
    };
    match error {
        NotMember => Problem::new(ErrorCode::Forbidden, "not a conversation of yours"),
        NotAllowed => Problem::new(ErrorCode::Forbidden, "your role does not allow it"),
        NoSuchMessage => Problem::new(ErrorCode::NotFound, "no such message of yours"),
        TooSoon => Problem::new(ErrorCode::SlowMode, "signals lie a second apart"),
        TooLate => Problem::new(ErrorCode::Conflict, "it is too late for that"),
        Replaced => Problem::new(
            ErrorCode::Expired,
            "this connection is no longer the one of your device: connect again",
        ),
        Kicked => Problem::new(
            ErrorCode::Forbidden,
            "this device was kicked: connect with a token of a new login",
        ),
        StaleBase { tail } => Problem::new(
            ErrorCode::StaleBase,
            "look for the message in (base, tail], then send it again with base = tail",
        )
        .with_tail(tail.number()),
        BaseAhead { tail } => {
            Problem::new(ErrorCode::BaseAhead, "the conversation ends before your base")
                .with_tail(tail.number())
        }
        IdReused => Problem::new(ErrorCode::Conflict, "the cid was sent with another content"),
        Invalid { reason } => Problem::new(ErrorCode::Invalid, *reason),
        Query(invalid) => Problem::new(ErrorCode::Invalid, invalid.to_string()),
        Store { source, .. } => match source {
            store::Error::Throttled { .. } | store::Error::Contended => {
                Problem::new(ErrorCode::SlowMode, "too much at once: wait, then try the same again")
            }
            store::Error::Unavailable { .. } => {
                Problem::new(ErrorCode::Unavailable, "try the same again")
            }
            store::Error::Conflict { .. }
            | store::Error::StaleBase { .. }
            | store::Error::BaseAhead { .. }
            | store::Error::Kicked
            | store::Error::Refused { .. }
            | store::Error::Corrupt { .. }
            | store::Error::Invalid { .. }
            | store::Error::NotFound { .. } => Problem::new(ErrorCode::Internal, "our fault"),
        },
        Push { .. } => Problem::new(ErrorCode::Internal, "our fault"),
    }
}
