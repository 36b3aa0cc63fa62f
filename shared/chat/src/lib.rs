//! What the product does: who may write, what happens to a message, who is told.
//!
//! # Layout
//!
//! One file per route, each with the ports that the route may touch:
//!
//! * [`mod@connect`]: a device comes, others may have to go, and a device leaves.
//! * [`mod@send`]: a message is kept, acknowledged, and told to everyone.
//! * [`fan_out`]: telling: inboxes first, then the devices online, the author's own inbox last.
//! * [`mod@complete`]: the stream's part: a fan-out that was interrupted is finished.
//! * [`mod@group`]: groups are made, changed, and their members listed.
//! * [`mod@recall`]: a message is taken back, or changed; [`edits`]: what that does to its body.
//! * [`mod@read`]: somebody has read so far, and who asks; [`unread`]: how much they have not.
//! * [`mod@index`]: what messages are found by, built of the timeline.
//! * [`lists`]: a user's conversations. [`control`]: what one of their devices did.
//! * [`mod@sync`]: what came into an inbox after a cursor.
//! * [`mod@history`]: a part of one conversation.
//! * [`mod@search`]: what somebody's messages say.
//! * [`mod@signal`]: what a device does just now.
//! * [`members`]: who may see a conversation.
//! * [`ports`]: what the routes that write may touch. [`policy`]: what a deployment decides.
//! * [`clock`]: the time, as an argument. [`metric`]: what is counted.
//!
//! # Invariants
//!
//! * No AWS, no JSON, no clock, no randomness: everything comes through ports.
//! * The actor is the caller of the token; no id in a request ever is.
//! * Every route looks up the membership again.
//! * After a message is kept nothing fails its call: what is left undone is found by `sync`, and is
//!   done by the next attempt at the same message or by the stream.

pub mod clock;
pub mod complete;
pub mod connect;
pub mod control;
pub mod edits;
pub mod error;
pub mod fan_out;
pub mod group;
pub mod history;
pub mod index;
pub mod lists;
pub mod members;
pub mod metric;
pub mod policy;
pub mod ports;
mod posting;
pub mod read;
pub mod recall;
pub mod search;
pub mod send;
pub mod signal;
pub mod sync;
pub mod unread;

pub use clock::Clock;
pub use complete::complete;
pub use connect::{ConnectPorts, DevicePolicy, DisconnectPorts, PerPlatform, connect, disconnect};
pub use error::Error;
pub use group::group;
pub use history::{HistoryPorts, history};
pub use index::{IndexPorts, RebuildPorts, index, rebuild};
pub use lists::{ListPorts, conversations};
pub use policy::Policy;
pub use ports::{GroupPorts, Ids, SendPorts, TellPorts};
pub use read::{read, receipts};
pub use recall::recall;
pub use search::{Seal, SearchBounds, SearchPorts, search};
pub use send::send;
pub use signal::{SignalPorts, signal};
pub use sync::{SyncPorts, sync};
