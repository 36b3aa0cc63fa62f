//! Rules that are code: what a reviewer would otherwise have to see.
//!
//! One file per rule. A failure names the place and the rule; where a rule fights the clearest
//! code, the rule is what gets changed.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod docs;
mod environment;
mod events;
mod keys;
mod layers;
mod leftovers;
mod manifests;
mod modules;
mod monitoring;
mod routes;
mod sizes;
mod tree;
