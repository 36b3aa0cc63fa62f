//! The whole of it in one process, by a clock and dice of its own: the routes that are deployed,
//! from the JSON of an event to the JSON of an answer, the engine that every client runs, and
//! between them a network, a gateway, a store and a stream to which everything happens that may.
//!
//! A seed and a climate make a run, always the same to the byte.
//!
//! # Layout
//!
//! * `machine`: time, dice, and what is due. `trace`: what happened.
//! * `weather`: what goes wrong, and how often.
//! * `store`: the memory store at the other end of a network. `stream`: its stream.
//! * `gateway`: API Gateway. `functions`: the functions behind it.
//! * `device`: a device. `script`: what users do with theirs.
//! * `world`: all of it, one thing after another. `event`: what happens there.
//! * `laws`: what must hold.

mod device;
mod event;
mod functions;
mod gateway;
mod laws;
mod machine;
mod script;
mod store;
mod stream;
mod trace;
mod weather;
mod world;

pub use laws::{Outcome, simulate};
pub use trace::Trace;
pub use weather::Climate;
