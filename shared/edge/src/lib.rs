//! Lambda's side of a function: its environment, its events, its answers.
//!
//! The only crate that names AWS's event types, reads the environment, asks the time and rolls
//! dice.
//!
//! # Layout
//!
//! * [`environment`]: the only place that spells an environment variable.
//! * [`mod@boot`]: what a function does once: reads its environment, builds its clients.
//! * [`event`]: what comes in: [`Event`], and who sent it.
//! * [`reply`]: what goes out. [`answering`]: what a one-way route has told its client already.
//! * [`failure`]: what each error looks like from outside. [`metrics`]: what is counted.
//! * [`sealing`]: the seal of pages.
//! * [`route`]: what each route does with an event.
//! * [`mod@serve`]: the loop of a route, of `$connect` and `$disconnect`.
//! * [`authorizer`]: the loop of the authorizer.
//! * [`wall`]: the wall clock and real waiting.
//!
//! # Invariants
//!
//! * Nothing of a frame, a token or a query string is logged.
//! * Everything that a function does is awaited before it answers: Lambda freezes what is not.

pub mod answering;
pub mod authorizer;
pub mod boot;
pub mod environment;
pub mod event;
pub mod failure;
pub mod metrics;
pub mod reply;
pub mod route;
pub mod sealing;
pub mod serve;
pub mod stream;
pub mod wall;

pub use answering::Answering;
pub use boot::{Boot, BootError, Topic, boot};
pub use environment::Environment;
pub use event::Event;
pub use failure::Failure;
pub use reply::{Reply, Response};
pub use sealing::HmacSeal;
pub use serve::{DEADLINE, Direction, answer, answer_handshake, serve, serve_handshake};
pub use stream::{Inserted, deliver, serve_stream, serve_stream_and_invocations};
pub use wall::{FreshIds, Wall, WallClock};
