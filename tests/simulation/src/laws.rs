//! What must hold once nothing goes wrong any more.
//!
//! While a world runs, every write is looked at ([`crate::store`]) and every acknowledgement. Here
//! is what the devices, and the server's answers, must come to in the end.

mod delivery;
mod membership;
mod reading;
mod searching;

use crate::trace::Trace;
use crate::weather::Climate;
use crate::world::World;

/// How long a new device has to read everything, in milliseconds.
const NEWCOMER_MS: u64 = 60_000;

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was not as it must be.
    pub violations: Vec<String>,
    /// A digest of everything that happened.
    pub digest: u64,
    /// How many invocations were killed.
    pub kills: u64,
    /// How many messages were kept.
    pub kept: u64,
    /// Whether the group became large.
    pub large: bool,
    /// How many messages are unread in the end, of all users.
    pub unread: u64,
    /// How many messages were taken back.
    pub recalled: u64,
    /// How often somebody was in the group.
    pub stays: u64,
}

/// Runs a world, and looks at what it came to.
pub fn simulate(seed: u64, climate: Climate, trace: Trace) -> Outcome {
    let mut world = World::new(seed, climate, trace);
    world.run_until(world.weather.end);
    world.look_at_delivery();
    world.look_at_membership();
    // A device that misses a push of what others read learns of it by a keep-alive.
    if climate != Climate::NoPing {
        world.look_at_reading();
    }
    world.look_at_searches();
    world.look_at_newcomers(NEWCOMER_MS);
    world.outcome()
}

impl World {
    fn outcome(&self) -> Outcome {
        let entries: Vec<_> = self.conversations().iter().flat_map(|id| self.entries(id)).collect();
        let unread = self.devices.iter().map(|device| device.engine.total_unread()).sum();
        Outcome {
            violations: self.machine.violations(),
            digest: self.machine.digest(),
            kills: self.kills,
            kept: entries.iter().filter(|entry| !entry.kind.is_event()).count() as u64,
            large: self.is_large(),
            unread,
            recalled: entries.iter().filter(|entry| entry.recalled.is_some()).count() as u64,
            stays: delivery::users().iter().map(|user| self.stays(user).len() as u64).sum(),
        }
    }
}
