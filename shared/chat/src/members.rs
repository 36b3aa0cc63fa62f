//! Who may see a conversation.

use std::collections::BTreeMap;

use store::{Conversation, Directory, Membership};
use timeline::{ConversationId, Party, Seq, Timestamp, UserId};

use crate::error::Error;

/// The membership of a direct conversation never changes.
const DIRECT_VERSION: u64 = 1;

/// The membership of `user` in a conversation, as it is known.
///
/// # Errors
///
/// [`Error::NotMember`] when they are none, or there is no such conversation.
pub(crate) fn membership(
    conversation: Option<&Conversation>,
    user: &UserId,
) -> Result<Membership, Error> {
    let known = conversation.and_then(|conversation| conversation.members.get(user));
    known.cloned().ok_or(Error::NotMember)
}

/// A direct conversation as it is made by its first message; `None` for a group, which is not made
/// that way, and for other people's.
pub(crate) fn direct(id: &ConversationId, user: &UserId, now: Timestamp) -> Option<Conversation> {
    let Party::Direct(one, other) = id.party() else { return None };
    if *user != one && *user != other {
        return None;
    }
    let member = |user| (user, Membership { joined: Seq::FIRST });
    let members = BTreeMap::from([member(one), member(other)]);
    Some(Conversation { id: id.clone(), version: DIRECT_VERSION, made: now, members })
}

/// Makes a conversation: on its members' lists first, so that one that exists is on all of them.
/// Doing it twice, or from two sides at once, is doing it once.
pub(crate) async fn create(
    directory: &dyn Directory,
    conversation: &Conversation,
) -> Result<(), Error> {
    const OPERATION: &str = "make the conversation";
    let lists = conversation
        .members
        .iter()
        .map(|(user, membership)| directory.list(user, &conversation.id, membership.joined));
    let lists = futures_util::future::try_join_all(lists).await;
    lists.map_err(Error::store(OPERATION))?;
    directory.create(conversation).await.map_err(Error::store(OPERATION))
}
