//! The port to the focuses: which devices show a large group just now.

use async_trait::async_trait;
use timeline::{ConnectionId, ConversationId, DeviceId, Timestamp, UserId};

use crate::error::Error;

/// A device that shows a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Focus {
    /// Whose device.
    pub user: UserId,
    /// Which device.
    pub device: DeviceId,
    /// Where it listens.
    pub connection: ConnectionId,
    /// When the focus ends.
    pub expires: Timestamp,
}

/// The focuses. Every read is strongly consistent; focuses that have ended may be returned.
#[async_trait]
pub trait Focuses: Send + Sync {
    /// Writes down a device's focus in place of its older one.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn focus(&self, conversation: &ConversationId, focus: &Focus) -> Result<(), Error>;

    /// Ends a device's focus, if it is still by this connection.
    ///
    /// # Errors
    ///
    /// As the store's; that there is none is no error.
    async fn blur(&self, conversation: &ConversationId, focus: &Focus) -> Result<(), Error>;

    /// The focuses on a conversation, of one user if one is named, at most `max_count`.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn focused(
        &self,
        conversation: &ConversationId,
        user: Option<&UserId>,
        max_count: usize,
    ) -> Result<Vec<Focus>, Error>;
}
