//! The timeline model: who writes, where, what is kept, and in which order everybody reads it.
//!
//! A conversation has one timeline, a user has one inbox. Both are lists of entries numbered 1, 2,
//! 3, … without holes. A reader that knows the last number it applied needs nothing else to catch
//! up, and sees by itself when something is missing, doubled or out of order.
//!
//! # Layout
//!
//! * [`id`]: [`UserId`], [`DeviceId`], [`Platform`], [`ConversationId`], [`ConnectionId`],
//!   [`MessageId`], [`TimelineId`].
//! * [`entry`]: a [`Draft`] is what is asked for, an [`Entry`] what was kept, an [`InboxEntry`]
//!   what a member's inbox says of it.
//! * [`body`]: [`Body`] and [`Kind`] of a message.
//! * [`group`]: roles, titles, and what is asked about groups.
//! * [`exchange`]: what clients ask for and are given, from [`Caller`](exchange::Caller) on.
//! * [`life`]: how long an inbox keeps what it is told.
//! * [`lists`]: what is asked about one's own conversations. [`search`]: what is searched for.
//! * [`rebuild`]: what an operator asks of the index.
//! * [`limits`]: every bound of the system and whose it is.
//!
//! # Invariants
//!
//! * This crate does no I/O, reads no clock, and knows neither JSON nor AWS.
//! * A value that exists is valid: ids, kinds and bodies are parsed once and never checked again.
//! * A sequence is never re-used and never goes back.

pub mod body;
pub mod entry;
pub mod exchange;
pub mod group;
pub mod id;
pub mod life;
pub mod limits;
pub mod lists;
pub mod rebuild;
pub mod search;

pub use body::{Body, InvalidBody, InvalidKind, Kind};
pub use entry::{Diffusion, Draft, Entry, InboxEntry, Seq, Timestamp};
pub use group::{Admission, InvalidTitle, Muted, Pinned, Role, Title, Visibility};
pub use id::{
    ConnectionId, ConversationId, DeviceId, InvalidId, MessageId, Party, Platform, RequestId,
    TimelineId, UserId,
};
pub use life::InboxLife;
