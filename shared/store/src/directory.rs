//! The port to the directory: who is in which conversation; and claims, for clients without a base.

use std::collections::BTreeMap;

use async_trait::async_trait;
use timeline::{ConversationId, MessageId, Seq, Timestamp, UserId};

use crate::error::Error;

/// A member of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The first sequence that the member may see and is sent.
    pub joined: Seq,
}

/// What is known about a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Which one.
    pub id: ConversationId,
    /// Counts the changes of the membership.
    pub version: u64,
    /// When it was made.
    pub made: Timestamp,
    /// Its members.
    pub members: BTreeMap<UserId, Membership>,
}

/// The directory. Every read is strongly consistent.
#[async_trait]
pub trait Directory: Send + Sync {
    /// What is known about a conversation; `None` when it does not exist.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn conversation(&self, id: &ConversationId) -> Result<Option<Conversation>, Error>;

    /// Lists a conversation as one of `user`'s, unless it is listed.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn list(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        joined: Seq,
    ) -> Result<(), Error>;

    /// Creates a conversation, unless it exists. Its members' lists come first (see
    /// [`Directory::list`]): a conversation that exists is on all of them.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn create(&self, conversation: &Conversation) -> Result<(), Error>;

    /// A user's conversations after `after` in the order of ids, at most `max_count`.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn conversations(
        &self,
        user: &UserId,
        after: Option<&ConversationId>,
        max_count: usize,
    ) -> Result<Vec<ConversationId>, Error>;
}

/// Claims: what the server remembers in place of a client that cannot say its base.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Writes down that `author` first tried to send `id` when the tail was `base`, and returns
    /// what was written the first time. A claim never expires: a later one would not know of
    /// attempts before it.
    ///
    /// # Errors
    ///
    /// As the store's; after [`Error::Unavailable`] it is made again.
    async fn claim(
        &self,
        conversation: &ConversationId,
        author: &UserId,
        id: &MessageId,
        base: Seq,
    ) -> Result<Seq, Error>;
}
