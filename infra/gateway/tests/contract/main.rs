//! The contract of API Gateway's WebSocket APIs and of Lambda, one named test per clause.
//!
//! Every test starts a gateway of its own with the template of `fixture/`, on free ports, with the
//! real executable of the fixture's function, and speaks to it over real sockets. What AWS sends is
//! in `tests/golden/`, written from captures and never from what the gateway happens to say.
//!
//! # Layout
//!
//! * [`local`]: a gateway with the fixture; [`journal`]: what its functions were invoked with.
//! * [`socket`]: a WebSocket client that can also break the rules; [`http`]: one HTTP exchange.
//! * Everything else: a file of tests per topic.
//!
//! # Invariants
//!
//! * A test waits for events, under one generous bound ([`local::within`]), and never for time.
//! * What must not arrive is proven by what arrives next: a message sent afterwards is answered.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod http;
mod journal;
mod local;
mod socket;

mod addresses;
mod answers;
mod authorizer;
mod bill;
mod command;
mod connect_event;
mod disconnect_event;
mod dispatch;
mod error_frames;
mod faults;
mod frames;
mod golden;
mod handshake;
mod invoke;
mod lifetimes;
mod management;
mod message_event;
mod permissions;
mod remote;
mod runtime;
mod selection;
mod streams;
mod tables;
mod topics;

#[test]
fn no_file_of_tests_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy();
        let declared = format!("\nmod {name};\n");
        assert!(name == "main" || include_str!("main.rs").contains(&declared), "{name}");
    }
}
