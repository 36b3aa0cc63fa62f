//! What an operator asks of the index, and how far it came.

use crate::entry::Seq;
use crate::id::{ConversationId, UserId};

/// A part of the index that is to be built anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuildRequest {
    /// Of whose messages.
    pub scope: RebuildScope,
    /// Of the conversation that it begins with: the messages after this one.
    pub after: Seq,
}

/// Whose messages are indexed anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RebuildScope {
    /// Those of one conversation.
    Conversation(ConversationId),
    /// Those of all conversations of a user, by the order of ids.
    User {
        /// Who.
        user: UserId,
        /// The conversation to begin with; the first if none is named.
        from: Option<ConversationId>,
    },
}

/// How far an index was built anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// How many blocks of 64 messages were built.
    pub blocks: usize,
    /// What is to be asked next; nothing once all of it is done.
    pub next: Option<RebuildRequest>,
}
