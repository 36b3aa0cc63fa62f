//! The client's brain: what one device of a user sends, repeats, asks for, applies and shows.
//!
//! A state machine. Frames, times and wishes go in by [`Engine::handle`]; frames, records,
//! connection requests and changes come out by [`Engine::poll`]. The command line, a load
//! generator, a simulation and a web page are hosts of this one engine: what it promises is tested
//! once, for all of them.
//!
//! # Layout
//!
//! * [`input`], [`output`]: what an [`Engine`] is told, and what it wants done.
//! * [`record`]: what outlives a process; a [`State`] is the sum of [`Record`]s.
//! * [`limits`]: every bound of the client.
//! * `engine`: the machine; `connection`, `receiving` and `sending` are its three concerns.
//! * `reading`: read positions and what is unread; `positions`: how they are learned anew.
//! * `large`: groups whose messages are found by their tails; `focus`: which of them is looked at.
//! * `errands`: what the host asks for and the engine only carries.
//! * `thread`, `inbox`, `outbox`, `requests`, `backoff`: what it is made of.
//!
//! # Invariants
//!
//! * No I/O, no clock, no randomness that its host did not seed, no `async`. The same inputs and
//!   the same seed give the same outputs.
//! * Of each conversation every message is shown once and in order, over any number of restarts
//!   from what was persisted.
//! * A message's id and base are persisted before its first attempt and are the same at every
//!   later one; only a search of everything between them moves a base.
//! * Once a group is known to be large, that is never forgotten; while its user is a member, its
//!   tail is asked for after every connect and in every round of the keep-alive.
//! * A read position never goes back, and one that its user asked for outlives the process until
//!   the server knows it or refuses it for good.
//! * Once a device has everything, it counts as unread what the server does.
//! * Records that a host numbers may be lost, any of them: what [`Survivors`] lets count is a state
//!   from which the device comes to have everything again.
//! * The cursor stands only after messages that are applied and persisted.
//! * No frame, whatever it says, makes it panic.
//!
//! Deliberately absent: the messages themselves. A host that shows them keeps them.

mod backoff;
mod connection;
mod engine;
mod errands;
mod focus;
mod inbox;
pub mod input;
mod large;
pub mod limits;
mod outbox;
pub mod output;
mod positions;
mod reading;
mod receiving;
pub mod record;
mod requests;
mod sending;
mod thread;

pub use engine::Engine;
pub use input::{Command, Draft, Input, Older, Options, Query};
pub use output::{Acked, Change, Found, Link, Output, Token};
pub use reading::Reading;
pub use record::{Queued, Record, Standing, State, Survivors};
