//! Registries and inboxes that lack one rule each.

use async_trait::async_trait;
use store::explorer::{Checked, Effect, Line, at_once};
use store::{
    Connections, Error, Eviction, InboxPage, InboxTail, Inboxes, Put, Registered, Registration,
};
use timeline::{ConnectionId, DeviceId, InboxEntry, Seq, Timestamp, UserId};

use crate::harbor::{Harbor, registered};

/// What a [`Lax`] registry does not look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Laxity {
    /// Which of two connections was made later.
    Order,
    /// Whether the connection that goes is the one that is registered.
    Connection,
    /// Whether it is young.
    Youth,
}

/// A registry that lacks one rule.
#[derive(Debug)]
pub(crate) struct Lax {
    pub(crate) line: Line<Harbor>,
    pub(crate) laxity: Laxity,
}

#[async_trait]
impl Connections for Lax {
    async fn register(
        &self,
        user: &UserId,
        registration: &Registration,
    ) -> Result<Registered, Error> {
        if self.laxity != Laxity::Order {
            return Checked::new(&self.line).register(user, registration).await;
        }
        let label = format!("registers {} in any case", registration.connection);
        let (user, own) = (user.clone(), registration.clone());
        let register = move |harbor: &mut Harbor| {
            let before = registered(harbor, &own.device);
            if let Some(before) = &before {
                forget(harbor, &user, before);
            }
            at_once(harbor.memory.register(&user, &own)).unwrap();
            before.map(|before| before.connection).filter(|before| *before != own.connection)
        };
        let replaced = self.line.call(Effect::Write, label, registration, register).await;
        let (others, tombstones) = (Vec::new(), Vec::new());
        let lost = |_| Error::Unavailable { operation: "register", source: "lost".into() };
        Ok(Registered { replaced: replaced.map_err(lost)?, others, tombstones })
    }

    async fn evict(&self, user: &UserId, eviction: Eviction<'_>) -> Result<bool, Error> {
        Checked::new(&self.line).evict(user, eviction).await
    }

    async fn unregister(
        &self,
        user: &UserId,
        device: &DeviceId,
        connection: &ConnectionId,
        made_before: Option<Timestamp>,
    ) -> Result<(), Error> {
        if self.laxity != Laxity::Connection {
            let made_before = made_before.filter(|_| self.laxity != Laxity::Youth);
            let store = Checked::new(&self.line);
            return store.unregister(user, device, connection, made_before).await;
        }
        let (user, device) = (user.clone(), device.clone());
        let unregister = move |harbor: &mut Harbor| {
            if let Some(any) = registered(harbor, &device) {
                forget(harbor, &user, &any);
            }
        };
        let label = format!("unregisters {connection} or whatever there is");
        let done = self.line.call(Effect::Write, label, (), unregister).await;
        done.map_err(|_| Error::Unavailable { operation: "unregister", source: "lost".into() })
    }

    async fn signals(
        &self,
        user: &UserId,
        device: &DeviceId,
        connection: &ConnectionId,
        now: Timestamp,
        gap_ms: u64,
    ) -> Result<bool, Error> {
        Checked::new(&self.line).signals(user, device, connection, now, gap_ms).await
    }

    async fn of(&self, users: &[UserId]) -> Result<Vec<(UserId, Vec<Registration>)>, Error> {
        Checked::new(&self.line).of(users).await
    }
}

fn forget(harbor: &Harbor, user: &UserId, registration: &Registration) {
    let Registration { device, connection, .. } = registration;
    at_once(harbor.memory.unregister(user, device, connection, None)).unwrap();
}

/// Inboxes whose anchor is never raised.
#[derive(Debug)]
pub(crate) struct Unanchored(pub(crate) Line<Harbor>);

#[async_trait]
impl Inboxes for Unanchored {
    async fn tail(&self, user: &UserId) -> Result<InboxTail, Error> {
        Checked::new(&self.0).tail(user).await
    }

    async fn after(
        &self,
        user: &UserId,
        cursor: Seq,
        max_count: usize,
    ) -> Result<InboxPage, Error> {
        Checked::new(&self.0).after(user, cursor, max_count).await
    }

    async fn put(&self, user: &UserId, entry: &InboxEntry) -> Result<Put<InboxEntry>, Error> {
        Inboxes::put(&Checked::new(&self.0), user, entry).await
    }

    async fn raise_anchor(&self, _: &UserId, _: Seq) -> Result<(), Error> {
        Ok(())
    }
}
