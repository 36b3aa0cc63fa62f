//! A device comes, others may have to go, and a device leaves.
//!
//! The newcomer is registered first, in the one write that also tells who else is registered. From
//! there on nothing fails its handshake: whoever has to go is evicted one by one, and what fails or
//! is cut off is found again by the next registration of any of the user's devices.
//!
//! # What a cut leaves behind
//!
//! * Before the registration is written: nothing.
//! * After it, with the handshake unanswered: a registration whose connection never opens. The
//!   device connects again and replaces it, or its next push finds it gone.
//! * Before an eviction is written: a device too many, registered and reached as before.
//! * After it, with the device not told or not closed: a connection that nothing is pushed to. Its
//!   next `sync` finds that it is not registered, and it is closed. A connection that is still
//!   opening ends this way too, for it can be neither told nor closed yet.
//!
//! # Invariants
//!
//! * The one who registered last stays. Registrations of a user are written one after the other, so
//!   of two newcomers the later one sees the earlier.
//! * No device is told that it was kicked before the registry says so.

use futures_util::future::join;
use futures_util::{StreamExt, stream};
use push::{Notice, Push};
use store::{Connections, Eviction, Registered, Registration, Tombstone};
use timeline::exchange::{Caller, KickReason};
use timeline::{ConnectionId, Timestamp, UserId, limits};

use crate::clock::Clock;
use crate::error::Error;

/// Which devices a user may have online at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevicePolicy {
    /// How many in all, at least 1.
    pub devices_max: usize,
    /// How many of one platform.
    pub per_platform: PerPlatform,
}

impl Default for DevicePolicy {
    fn default() -> Self {
        Self { devices_max: limits::DEVICES_DEFAULT, per_platform: PerPlatform::Any }
    }
}

/// How many devices of one platform a user may have online at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PerPlatform {
    /// Any number.
    Any,
    /// One. Devices that name no platform are of none, and count in all alone.
    One,
}

/// What `connect` may touch.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct ConnectPorts<'a> {
    /// Who is listening, and where.
    pub connections: &'a dyn Connections,
    /// How those that have to go are told, and closed.
    pub push: &'a dyn Push,
    /// When.
    pub clock: &'a dyn Clock,
    /// Who has to go.
    pub policy: DevicePolicy,
}

/// What `disconnect` may touch.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct DisconnectPorts<'a> {
    /// Who is listening, and where.
    pub connections: &'a dyn Connections,
}

/// Registers the caller's connection as the one of their device, closes the one before it, and
/// kicks the devices that the policy leaves no room for.
///
/// # Errors
///
/// Any error refuses the handshake: a device that is connected but not registered would be deaf.
/// [`Error::Replaced`] when a newer connection of the device is registered already;
/// [`Error::Kicked`] when the device was kicked and its token is not newer than it was then.
pub async fn connect(ports: ConnectPorts<'_>, caller: &Caller) -> Result<(), Error> {
    let newcomer = Registration {
        device: caller.device.clone(),
        platform: caller.platform.clone(),
        connection: caller.connection.clone(),
        connected: caller.connected,
        expires: caller.expires,
    };
    let registered = ports.connections.register(&caller.user, &newcomer).await;
    if matches!(registered, Err(store::Error::Conflict { .. })) {
        return Err(Error::Replaced);
    }
    let registered = registered.map_err(Error::store("register the connection"))?;
    let Registered { replaced, others, tombstones } = registered;

    // It is registered. From here on nothing fails the call.
    let now = ports.clock.now();
    let arrival = Arrival { user: &caller.user, newcomer: &newcomer, tombstones: &tombstones, now };
    let departures = departures(ports.policy, &newcomer, others, now);
    let departures = departures.into_iter().map(|departure| dismiss(ports, arrival, departure));
    let departures = stream::iter(departures).buffer_unordered(limits::CONCURRENT_MAX);
    join(close_replaced(ports, arrival, replaced), departures.collect::<Vec<()>>()).await;
    Ok(())
}

/// Forgets the caller's connection, unless their device has another by now.
///
/// # Errors
///
/// As the store's.
pub async fn disconnect(ports: DisconnectPorts<'_>, caller: &Caller) -> Result<(), Error> {
    let (user, device, connection) = (&caller.user, &caller.device, &caller.connection);
    let removed = ports.connections.unregister(user, device, connection, None).await;
    removed.map_err(Error::store("forget the connection"))
}

/// A device that is registered now, and what its registration met.
#[derive(Clone, Copy)]
struct Arrival<'a> {
    user: &'a UserId,
    newcomer: &'a Registration,
    tombstones: &'a [Tombstone],
    now: Timestamp,
}

/// A registration that has to go.
enum Departure {
    /// Nobody can listen there any more: there is nobody to kick.
    Dead(Registration),
    /// A device that is kicked.
    Kicked(Registration, KickReason),
}

/// Who of `others` has to go: first the dead, once there is no room for all; then those whose
/// platform the newcomer takes; then those that were there longest.
fn departures(
    policy: DevicePolicy,
    newcomer: &Registration,
    others: Vec<Registration>,
    now: Timestamp,
) -> Vec<Departure> {
    let is_full = others.len() >= policy.devices_max;
    let mut departures = Vec::new();
    let mut staying = Vec::new();
    for other in others {
        if !other.is_live(now) {
            if is_full {
                departures.push(Departure::Dead(other));
            }
        } else if takes_the_place(policy.per_platform, newcomer, &other) {
            departures.push(Departure::Kicked(other, KickReason::Platform));
        } else {
            staying.push(other);
        }
    }
    staying.sort_by_key(|other| other.connected);
    let surplus = (staying.len() + 1).saturating_sub(policy.devices_max).min(staying.len());
    let oldest = staying.into_iter().take(surplus);
    departures.extend(oldest.map(|other| Departure::Kicked(other, KickReason::Limit)));
    departures
}

/// Whether the newcomer has the place that its platform has.
fn takes_the_place(rule: PerPlatform, newcomer: &Registration, other: &Registration) -> bool {
    match rule {
        PerPlatform::Any => false,
        PerPlatform::One => newcomer.platform.is_some() && newcomer.platform == other.platform,
    }
}

async fn close_replaced(
    ports: ConnectPorts<'_>,
    arrival: Arrival<'_>,
    replaced: Option<ConnectionId>,
) {
    let Some(connection) = replaced else { return };
    if let Err(error) = ports.push.close(&connection).await {
        // It stays open and unregistered; its next `sync` finds that out and closes it.
        log(arrival, &error, "the replaced connection is not closed");
    }
}

async fn dismiss(ports: ConnectPorts<'_>, arrival: Arrival<'_>, departure: Departure) {
    match departure {
        Departure::Dead(dead) => {
            let (user, connections) = (arrival.user, ports.connections);
            let removed = connections.unregister(user, &dead.device, &dead.connection, None).await;
            if let Err(error) = removed {
                log(arrival, &error, "a dead connection stays registered");
            }
        }
        Departure::Kicked(evicted, reason) => kick(ports, arrival, &evicted, reason).await,
    }
}

/// Takes a device out of the registry, and then tells it and closes its connection.
async fn kick(
    ports: ConnectPorts<'_>,
    arrival: Arrival<'_>,
    evicted: &Registration,
    reason: KickReason,
) {
    let Arrival { user, newcomer, tombstones, now } = arrival;
    let eviction = Eviction { evicted, newcomer, tombstones, now };
    match ports.connections.evict(user, eviction).await {
        Ok(true) => {}
        // It left, or it has connected again: then its registration came after this one, and it
        // was up to that one to see who has to go.
        Ok(false) => return,
        Err(error) => return log(arrival, &error, "a device is not kicked"),
    }
    let device = &evicted.device;
    tracing::info!(%user, %device, ?reason, "kicked");
    if let Err(error) = ports.push.post(&evicted.connection, &Notice::Kicked { reason }).await {
        log(arrival, &error, "a device is not told that it was kicked");
    }
    if let Err(error) = ports.push.close(&evicted.connection).await {
        log(arrival, &error, "the connection of a kicked device is not closed");
    }
}

fn log(arrival: Arrival<'_>, error: &(dyn std::error::Error + 'static), what: &str) {
    tracing::warn!(user = %arrival.user, error, "{what}");
}
