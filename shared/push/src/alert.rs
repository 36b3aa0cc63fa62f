//! The port to members whom no push can reach: those without a live device are told by other means.
//!
//! An alert is a hint, as a push is: what it tells of is kept before, and is found by `sync` when
//! the user comes back. It may be published again whenever its message is told of again; it has the
//! same [`id`](Alert::id) then, by which whoever delivers it drops the repetition.

use async_trait::async_trait;
use timeline::{ConversationId, Entry, UserId};

use crate::Error;

/// A message of which a user without a live device is to be told by other means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Who is to be told.
    pub user: UserId,
    /// On whose timeline it is kept.
    pub conversation: ConversationId,
    /// What was kept.
    pub entry: Box<Entry>,
}

impl Alert {
    /// The id of the message among the alerts of one user: `<author>#<cid>`, the same at every
    /// attempt. No user id has a `#`, so no two messages share one.
    pub fn id(&self) -> String {
        format!("{}#{}", self.entry.author, self.entry.id)
    }
}

/// A way to tell those who have no live device.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Publishes any number of alerts; those of one user in this order.
    ///
    /// # Errors
    ///
    /// [`Error`], after tries that its adapter bounds. Some of the alerts may have been published;
    /// to publish all of them again repeats none within minutes.
    async fn publish(&self, alerts: &[Alert]) -> Result<(), Error>;
}

/// Publishes nothing: for a deployment without a topic.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

#[async_trait]
impl Alerts for Silent {
    async fn publish(&self, _alerts: &[Alert]) -> Result<(), Error> {
        Ok(())
    }
}
