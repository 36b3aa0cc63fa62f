//! Where timelines are kept: small ports that a database can fulfil, and the protocols that make
//! exactly-once timelines out of them.
//!
//! It is also a library of its own, a stand-in for Tablestore's Timeline: [`Queue`] is a timeline
//! with append, get, scan, latest, update and delete; [`Metas`] the store of what is known about
//! timelines.
//!
//! # Layout
//!
//! * [`timelines`]: the port [`Timelines`], the storage library: one conditional put at a time.
//! * [`mod@append`]: *verified tail*, how an entry gets its place exactly once.
//! * [`queue`]: the library's face over the two.
//! * [`inbox`]: the port [`Inboxes`], the sync library, and how an entry is delivered to one.
//! * [`connections`]: the port [`Connections`], which device listens where.
//! * [`directory`]: the port [`Directory`], who is in which conversation; and [`Claims`].
//! * [`focuses`]: the port [`Focuses`], which devices show a large group.
//! * [`meta`]: the port [`Metas`].
//! * [`blocks`]: the port [`Blocks`], what messages are found by.
//! * [`tables`]: the names under which a database keeps a store.
//! * [`memory`]: all ports in memory, for tests and simulation.
//! * [`faulty`]: a store whose answers get lost, for tests.
//! * [`explorer`]: everything that can happen to a protocol in a small case, for tests.
//! * [`mod@conformance`]: what every store must do, one named test per promise.
//!
//! # Invariants
//!
//! * Ports hold no protocol and protocols hold no database: the code that a simulation checks is
//!   the code that runs.
//! * A filled place never changes its author, its id or its place, and nothing but the body is ever
//!   removed.
//! * Every loop has a bound from `timeline::limits`.
//! * No clock and no randomness: waiting is done by a [`Pace`] that is passed in.
//!
//! Deliberately absent: transactions (they cost double and are not needed), counters (they leak
//! holes), and any time-to-live on timelines (an emptied timeline would number from 1 again).

pub mod append;
pub mod blocks;
pub mod conformance;
pub mod connections;
pub mod directory;
pub mod error;
pub mod explorer;
pub mod faulty;
pub mod focuses;
pub mod inbox;
pub mod memory;
pub mod meta;
pub mod pace;
pub mod queue;
pub mod tables;
pub mod timelines;

pub use append::{Appended, Observed, Outcome, append, append_freely, observe};
pub use blocks::{BlockKey, Blocks};
pub use connections::{Connections, Eviction, Registered, Registration, Tombstone};
pub use directory::{
    Claims, Conversation, Directory, Enlisting, Listing, MemberRow, Members, Membership, Pending,
    ReadPosition, Reading, Wish,
};
pub use error::{BoxError, Error};
pub use focuses::{Focus, Focuses};
pub use inbox::{InboxEnd, InboxPage, InboxTail, Inboxes, deliver};
pub use memory::Memory;
pub use meta::{Meta, Metas};
pub use pace::{Immediately, Pace};
pub use queue::{Mode, Queue};
pub use tables::Tables;
pub use timelines::{Direction, Freshness, Put, Revised, Scan, Timelines};
