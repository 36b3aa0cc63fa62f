//! Pushes and alerts that are only written down, for tests and simulation.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use timeline::ConnectionId;

use crate::{Alert, Alerts, Error, Notice, Posted, Push};

/// What was done with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A notice was posted to it.
    Post(Notice),
    /// It was closed.
    Close,
}

/// Writes down every post and close, in order, and every alert; connections that are named gone
/// take nothing.
#[derive(Debug, Default)]
pub struct Tape {
    acts: Mutex<Vec<(ConnectionId, Act)>>,
    gone: Mutex<BTreeSet<ConnectionId>>,
    alerts: Mutex<Vec<Alert>>,
}

impl Tape {
    /// From now on the connection is closed.
    pub fn lose(&self, connection: &ConnectionId) {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).insert(connection.clone());
    }

    /// What was done since the last call.
    pub fn take(&self) -> Vec<(ConnectionId, Act)> {
        std::mem::take(&mut *self.acts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The alerts that were published since the last call, repetitions included.
    pub fn alerts(&self) -> Vec<Alert> {
        std::mem::take(&mut *self.alerts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, connection: &ConnectionId, act: Act) {
        let mut acts = self.acts.lock().unwrap_or_else(PoisonError::into_inner);
        acts.push((connection.clone(), act));
    }
}

#[async_trait]
impl Push for Tape {
    async fn post(&self, connection: &ConnectionId, notice: &Notice) -> Result<Posted, Error> {
        if self.gone.lock().unwrap_or_else(PoisonError::into_inner).contains(connection) {
            return Ok(Posted::Gone);
        }
        self.write(connection, Act::Post(notice.clone()));
        Ok(Posted::Delivered)
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), Error> {
        self.write(connection, Act::Close);
        self.lose(connection);
        Ok(())
    }
}

#[async_trait]
impl Alerts for Tape {
    async fn publish(&self, alerts: &[Alert]) -> Result<(), Error> {
        let mut published = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        published.extend_from_slice(alerts);
        Ok(())
    }
}
