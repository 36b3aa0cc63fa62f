//! Why a route did not do what it was asked.

use timeline::Seq;

/// Why a route did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller is not in the conversation, or it does not exist: the two look the same.
    #[error("not a member of the conversation")]
    NotMember,
    /// The caller is a member whose role does not allow it.
    #[error("not allowed to a member of this role")]
    NotAllowed,
    /// There is no such message that it could be done to.
    #[error("no such message")]
    NoSuchMessage,
    /// The same was done a moment ago.
    #[error("too soon")]
    TooSoon,
    /// The time in which it could be done is over.
    #[error("too late")]
    TooLate,
    /// The caller's connection is no longer the one registered for their device.
    #[error("the connection was replaced")]
    Replaced,
    /// The caller's device was kicked, and their login is not newer.
    #[error("the device was kicked")]
    Kicked,
    /// Other messages may hide a first attempt.
    #[error("the base is stale, the tail is {tail}")]
    StaleBase {
        /// The conversation's newest sequence.
        tail: Seq,
    },
    /// The client knows of messages that are not there.
    #[error("the base lies beyond the tail {tail}")]
    BaseAhead {
        /// The conversation's newest sequence.
        tail: Seq,
    },
    /// The same id was sent before with another content.
    #[error("the message's id was used for another content")]
    IdReused,
    /// The request can never be done.
    #[error("{reason}")]
    Invalid {
        /// Why.
        reason: &'static str,
    },
    /// Nothing can be searched by what was typed.
    #[error("the query was refused")]
    Query(#[from] search_index::InvalidQuery),
    /// The store failed.
    #[error("could not {operation}")]
    Store {
        /// What we were doing.
        operation: &'static str,
        /// What the store said.
        source: store::Error,
    },
    /// The gateway failed.
    #[error("could not {operation}")]
    Push {
        /// What we were doing.
        operation: &'static str,
        /// What it said.
        source: push::Error,
    },
}

impl Error {
    /// What a failure of the store during `operation` means to the caller.
    pub(crate) fn store(operation: &'static str) -> impl Fn(store::Error) -> Self {
        move |source| {
            if let store::Error::StaleBase { tail } = source {
                return Self::StaleBase { tail };
            }
            if let store::Error::BaseAhead { tail } = source {
                return Self::BaseAhead { tail };
            }
            if matches!(source, store::Error::Kicked) {
                return Self::Kicked;
            }
            Self::Store { operation, source }
        }
    }
}
