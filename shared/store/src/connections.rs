//! The port to the registry: which device of whom listens on which connection, and which may not.
//!
//! A device that is evicted leaves a *tombstone*: until the token that it came with has expired,
//! that token and older ones of the device are dead. A newer login of the device is not.

use async_trait::async_trait;
use timeline::{ConnectionId, DeviceId, Platform, Timestamp, UserId, limits};

use crate::error::Error;

/// A device's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Which device.
    pub device: DeviceId,
    /// What it runs on, if it says.
    pub platform: Option<Platform>,
    /// Where it listens.
    pub connection: ConnectionId,
    /// When the connection was made, by API Gateway's clock.
    pub connected: Timestamp,
    /// When the token that opened it expires; nothing is pushed after that.
    pub expires: Timestamp,
}

impl Registration {
    /// Whether anyone can still listen there at `now`: neither the token nor the longest connection
    /// has ended. What is not live may stand in the registry for hours and counts for nothing.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires > now && now.since(self.connected) < limits::CONNECTION_MS_MAX
    }
}

/// What an evicted device left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Which device.
    pub device: DeviceId,
    /// Its tokens that expire then or earlier are dead.
    pub expires: Timestamp,
}

impl Tombstone {
    /// Those of `tombstones` that the next one is written without: the expired, and so many of
    /// those that expire first that no more than [`limits::TOMBSTONES_MAX`] stand afterwards.
    pub fn faded(tombstones: &[Self], now: Timestamp) -> Vec<Self> {
        let mut oldest_first = tombstones.to_vec();
        oldest_first
            .sort_by(|one, other| (one.expires, &one.device).cmp(&(other.expires, &other.device)));
        let expired = oldest_first.partition_point(|tombstone| tombstone.expires <= now);
        let surplus = (oldest_first.len() + 1).saturating_sub(limits::TOMBSTONES_MAX);
        oldest_first.truncate(expired.max(surplus));
        oldest_first
    }
}

/// What a registration met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The device's connection before, to be closed.
    pub replaced: Option<ConnectionId>,
    /// The user's other devices, in the order of their names.
    pub others: Vec<Registration>,
    /// The user's other devices that were evicted, in the order of their names.
    pub tombstones: Vec<Tombstone>,
}

/// A device that has to go.
#[derive(Clone, Copy, Debug)]
pub struct Eviction<'a> {
    /// Which, and on which connection.
    pub evicted: &'a Registration,
    /// The registration for which it goes.
    pub newcomer: &'a Registration,
    /// The tombstones that the newcomer's registration met. They save a read: whoever wrote in the
    /// meantime is noticed.
    pub tombstones: &'a [Tombstone],
    /// Now.
    pub now: Timestamp,
}

/// The registry. One row per user, so one read finds all their devices; every read is strongly
/// consistent, because a push that misses a device which has just registered is lost to it.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Registers a device's connection in place of its older one, in one write that also tells who
    /// else was registered. It takes the device's tombstone away.
    ///
    /// Doing it again with the same connection is no error.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when a newer connection of the device is registered: connections are
    /// not always registered in the order in which they were made. [`Error::Kicked`] when the
    /// device was evicted and this login is not newer than the one that was.
    async fn register(
        &self,
        user: &UserId,
        registration: &Registration,
    ) -> Result<Registered, Error>;

    /// Removes a registration that still names its connection and leaves a tombstone in its place,
    /// in one write. Tombstones that have faded go with it.
    ///
    /// Whether the device is out: it is not when it has another connection by now, or had left
    /// already. Doing it again gives the same answer.
    ///
    /// # Errors
    ///
    /// As the store's; [`Error::Contended`] when others were quicker too often.
    async fn evict(&self, user: &UserId, eviction: Eviction<'_>) -> Result<bool, Error>;

    /// Removes a device's registration if it still names `connection` and, where `made_before` is
    /// given, was made before that. It leaves no tombstone.
    ///
    /// # Errors
    ///
    /// As the store's; that it names another connection is none.
    async fn unregister(
        &self,
        user: &UserId,
        device: &DeviceId,
        connection: &ConnectionId,
        made_before: Option<Timestamp>,
    ) -> Result<(), Error>;

    /// Writes down that a device signals at `now`, unless it is not registered by this connection
    /// or did so, since that was registered last, less than `gap_ms` milliseconds before; whether
    /// it is written. Doing it again at the same time gives the same answer.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn signals(
        &self,
        user: &UserId,
        device: &DeviceId,
        connection: &ConnectionId,
        now: Timestamp,
        gap_ms: u64,
    ) -> Result<bool, Error>;

    /// The registered devices of each of `users`, at most 100 users, in no order, each user once
    /// however often they are named.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn of(&self, users: &[UserId]) -> Result<Vec<(UserId, Vec<Registration>)>, Error>;
}
