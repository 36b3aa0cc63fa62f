//! Frames of protocol `tideline.v1`: JSON text, in both directions.
//!
//! The only crate that knows JSON. Each frame is a plain structure with the protocol's field names
//! and a hand-written way to and from the model; the server reads requests and writes answers and
//! pushes, a client does the reverse with the same types.
//!
//! # Layout
//!
//! * [`frame`]: what every frame has: [`Request`], [`Answer`].
//! * [`code`]: [`ErrorCode`] and [`Problem`], everything that can be answered instead of `ok`.
//! * [`message`]: a message as pushes, `sync` and `history` carry it.
//! * [`send`], [`sync`], [`history`], [`group`], [`signal`], [`read`], [`recall`],
//!   [`conversations`], [`search`]: one file per route; `receipts` is beside `read`.
//! * [`searched`]: what of a body is searched.
//! * [`rebuild`]: what an operator asks of the index.
//! * [`event`]: what the events of a group's timeline say.
//! * [`alert`]: what is published of a message to those who notify users without a live device.
//! * [`push`]: frames that nobody asked for, and [`Incoming`], all that a client may get.
//!
//! # Invariants
//!
//! * A request with a field that is not listed is refused; a client ignores what it does not know
//!   in answers and pushes.
//! * A body is never re-formatted: it leaves byte for byte as it came.
//! * No error repeats what was sent.

pub mod alert;
pub mod code;
pub mod conversations;
pub mod event;
pub mod frame;
pub mod group;
pub mod history;
pub mod message;
pub mod push;
pub mod read;
pub mod rebuild;
pub mod recall;
pub mod search;
pub mod searched;
pub mod send;
pub mod signal;
pub mod sync;

pub use alert::Alert;
pub use code::{ErrorCode, Problem, Refusal};
pub use conversations::{Conversation, Conversations, Listed};
pub use event::Event;
pub use frame::{Answer, Request, action, action_of, protocol, readable_id};
pub use group::{Group, Grouped, Member};
pub use history::{History, Messages};
pub use message::{Marker, Message, text_body};
pub use push::{Incoming, Kicked, NotUnderstood, Push, ReadBy, SignalBy};
pub use read::{Read, ReadUpTo, Reader, Readers, Receipts};
pub use rebuild::{Rebuild, Rebuilt};
pub use recall::Recall;
pub use search::{Match, Matches, Search, TitleMatch};
pub use searched::searched_text;
pub use send::{Send, Sent};
pub use signal::{Signal, Signaled};
pub use sync::{Sync, Synced, Tail};
