//! The ports to people: a frame for a connection of a device that is online, and an alert for a
//! user who has none.
//!
//! A push is only an optimization: what is pushed is kept before, and a device that misses it finds
//! it at its next `sync`. So nothing here is retried for long, and no failure of a push fails what
//! it tells of.
//!
//! # Layout
//!
//! * [`Push`]: the port. [`Notice`]: what can be pushed. [`Posted`], [`Error`]: what became of it.
//! * [`alert`]: [`Alerts`], the port to those without a live device; [`Silent`] tells nobody.
//! * [`tape`]: a push that only writes down, for tests.

pub mod alert;
pub mod tape;

use async_trait::async_trait;
use timeline::exchange::{Kept, KickReason, Marker};
use timeline::{
    ConnectionId, ConversationId, Entry, InboxEntry, RequestId, Seq, Timestamp, UserId,
};

pub use alert::{Alert, Alerts, Silent};
pub use tape::Tape;

/// What can be pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A message came into the receiver's inbox.
    Message {
        /// On whose timeline it is kept.
        conversation: ConversationId,
        /// What was kept.
        entry: Box<Entry>,
        /// Where it stands in the receiver's inbox; `None` where no inbox tells of it.
        position: Option<Seq>,
        /// The receiver's own messages right before it.
        own: Vec<Marker>,
    },
    /// A message was kept: the answer to its sender.
    Kept {
        /// The request's id.
        re: RequestId,
        /// Where it was kept.
        kept: Kept,
    },
    /// Another device of the receiver's did something: what the receiver's inbox tells of it.
    Control {
        /// What it tells, and where.
        entry: Box<InboxEntry>,
    },
    /// Somebody has read so far.
    Read {
        /// In which conversation.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// Up to which message.
        seq: Seq,
        /// When.
        at: Timestamp,
    },
    /// Somebody is typing.
    Typing {
        /// In which conversation.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// When.
        at: Timestamp,
    },
    /// The device was kicked; the connection is closed next.
    Kicked {
        /// Why.
        reason: KickReason,
    },
    /// A frame that is ready as it is: a refusal.
    Frame(String),
}

/// What became of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// The gateway took it for the connection.
    Delivered,
    /// The connection is closed, or still opening.
    Gone,
}

/// Why a push or an alert failed: by what can be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The other side asks us to slow down, also after some tries.
    #[error("throttled while telling someone")]
    Throttled {
        /// What it said.
        source: BoxError,
    },
    /// No answer, also after some tries.
    #[error("no answer while telling someone")]
    Unavailable {
        /// What went wrong on the way.
        source: BoxError,
    },
    /// The other side will never take it: it is too large, or we lack a permission.
    #[error("refused while telling someone")]
    Refused {
        /// What it said.
        source: BoxError,
    },
}

/// Any error, kept for the log.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A way to the devices that are online.
#[async_trait]
pub trait Push: Send + Sync {
    /// Posts a notice to a connection.
    ///
    /// # Errors
    ///
    /// [`Error`], after tries that its adapter bounds. A closed connection is no error.
    async fn post(&self, connection: &ConnectionId, notice: &Notice) -> Result<Posted, Error>;

    /// Closes a connection; that it is closed already is no error.
    ///
    /// # Errors
    ///
    /// [`Error`], after tries that its adapter bounds.
    async fn close(&self, connection: &ConnectionId) -> Result<(), Error>;
}
