//! Why a store call failed, by what its caller can do about it.

use timeline::Seq;

/// Any error, kept for the log.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a store call failed.
///
/// A `Display` says what *we* were doing and never repeats its source; whoever logs the error
/// prints the chain. No text in here comes from a message.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something else is kept there already. Read again, then decide again.
    #[error("another write holds {item}")]
    Conflict {
        /// What both wanted to write.
        item: &'static str,
    },
    /// Entries that were not looked at may hide an earlier attempt: they begin below what is kept,
    /// or there are too many. The caller looks through (base, tail] itself.
    #[error("the base is stale, the tail is {tail}")]
    StaleBase {
        /// The newest sequence.
        tail: Seq,
    },
    /// The caller knew more than is kept: the log went back, as after a restore.
    #[error("the base lies beyond the tail {tail}")]
    BaseAhead {
        /// The newest sequence.
        tail: Seq,
    },
    /// The device was kicked, and this login of it is not newer.
    #[error("the device was kicked")]
    Kicked,
    /// Others were quicker too often. The same call may be made again.
    #[error("too many writers at the tail")]
    Contended,
    /// The store asks us to slow down. Nothing was written.
    #[error("throttled during {operation}")]
    Throttled {
        /// What we were doing.
        operation: &'static str,
        /// What the store said.
        source: BoxError,
    },
    /// The store did not answer. A write may or may not have happened.
    #[error("no answer during {operation}")]
    Unavailable {
        /// What we were doing.
        operation: &'static str,
        /// What went wrong on the way.
        source: BoxError,
    },
    /// The store refuses the request: a permission or a defect of ours. Never retry; wake someone.
    #[error("refused during {operation}")]
    Refused {
        /// What we were doing.
        operation: &'static str,
        /// What the store said.
        source: BoxError,
    },
    /// What is kept is not what we wrote. Never retry; wake someone.
    #[error("{item} cannot be read: {reason}")]
    Corrupt {
        /// What was read.
        item: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The call itself makes no sense and never will.
    #[error("{reason}")]
    Invalid {
        /// Why.
        reason: &'static str,
    },
    /// What the call is about is not there.
    #[error("there is no such {item}")]
    NotFound {
        /// What was looked for.
        item: &'static str,
    },
}

impl Error {
    /// Whether the same call may succeed if made again.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Contended | Self::Throttled { .. } | Self::Unavailable { .. } => true,
            Self::Conflict { .. }
            | Self::StaleBase { .. }
            | Self::BaseAhead { .. }
            | Self::Kicked
            | Self::Refused { .. }
            | Self::Corrupt { .. }
            | Self::Invalid { .. }
            | Self::NotFound { .. } => false,
        }
    }

    /// Whether a write of this call may have happened although it failed.
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
