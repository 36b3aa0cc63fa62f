//! The directory, claims and focuses at the other end of a network.

use async_trait::async_trait;
use store::{
    Claims, Conversation, Directory, Enlisting, Error, Focus, Focuses, Listing, MemberRow, Put,
    ReadPosition, Reading, Wish,
};
use timeline::{ConversationId, MessageId, Seq, UserId};

use super::{Distant, ask, laws};

#[async_trait]
impl Directory for Distant {
    async fn conversation(&self, id: &ConversationId) -> Result<Option<Conversation>, Error> {
        ask!(
            self,
            "read a conversation",
            [id],
            |memory| async move { memory.conversation(&id).await }
        )
    }

    async fn create(&self, conversation: &Conversation) -> Result<Put<Conversation>, Error> {
        let machine = self.machine.clone();
        ask!(self, "create a conversation", [conversation, machine], |memory| async move {
            let put = Directory::create(&*memory, &conversation).await?;
            if put == Put::Stored {
                laws::after_change(&machine, &conversation);
            }
            Ok(put)
        })
    }

    async fn replace(&self, conversation: &Conversation, before: u64) -> Result<(), Error> {
        let machine = self.machine.clone();
        ask!(self, "replace a conversation", [conversation, machine], |memory| async move {
            memory.replace(&conversation, before).await?;
            laws::after_change(&machine, &conversation);
            Ok(())
        })
    }

    async fn settle(&self, id: &ConversationId, version: u64) -> Result<(), Error> {
        ask!(
            self,
            "settle a change",
            [id],
            |memory| async move { memory.settle(&id, version).await }
        )
    }

    async fn member(&self, id: &ConversationId, user: &UserId) -> Result<Option<MemberRow>, Error> {
        ask!(
            self,
            "read a member",
            [id, user],
            |memory| async move { memory.member(&id, &user).await }
        )
    }

    async fn put_member(
        &self,
        id: &ConversationId,
        user: &UserId,
        row: &MemberRow,
    ) -> Result<(), Error> {
        ask!(self, "put a member", [id, user, row], |memory| async move {
            memory.put_member(&id, &user, &row).await
        })
    }

    async fn members(
        &self,
        id: &ConversationId,
        after: Option<&UserId>,
        max_count: usize,
    ) -> Result<Vec<(UserId, MemberRow)>, Error> {
        let after = after.cloned();
        ask!(self, "read members", [id, after], |memory| async move {
            memory.members(&id, after.as_ref(), max_count).await
        })
    }

    async fn list(&self, user: &UserId, enlisting: &Enlisting) -> Result<(), Error> {
        ask!(self, "list a conversation", [user, enlisting], |memory| async move {
            memory.list(&user, &enlisting).await
        })
    }

    async fn unlist(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        version: u64,
    ) -> Result<(), Error> {
        ask!(self, "unlist a conversation", [user, conversation], |memory| async move {
            memory.unlist(&user, &conversation, version).await
        })
    }

    async fn listing(
        &self,
        user: &UserId,
        conversation: &ConversationId,
    ) -> Result<Option<Listing>, Error> {
        ask!(self, "read a listing", [user, conversation], |memory| async move {
            memory.listing(&user, &conversation).await
        })
    }

    async fn mark_read(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        position: ReadPosition,
    ) -> Result<Option<ReadPosition>, Error> {
        ask!(self, "mark read", [user, conversation], |memory| async move {
            memory.mark_read(&user, &conversation, position).await
        })
    }

    async fn wish(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        wish: Wish,
    ) -> Result<(), Error> {
        ask!(self, "write a wish", [user, conversation], |memory| async move {
            memory.wish(&user, &conversation, wish).await
        })
    }

    async fn note_read(&self, id: &ConversationId, reading: &Reading) -> Result<(), Error> {
        ask!(self, "note a reading", [id, reading], |memory| async move {
            memory.note_read(&id, &reading).await
        })
    }

    async fn readings(
        &self,
        id: &ConversationId,
        after: Option<&UserId>,
        max_count: usize,
    ) -> Result<Vec<Reading>, Error> {
        let after = after.cloned();
        ask!(self, "read readings", [id, after], |memory| async move {
            memory.readings(&id, after.as_ref(), max_count).await
        })
    }

    async fn conversations(
        &self,
        user: &UserId,
        after: Option<&ConversationId>,
        max_count: usize,
    ) -> Result<Vec<Listing>, Error> {
        let after = after.cloned();
        ask!(self, "read listings", [user, after], |memory| async move {
            memory.conversations(&user, after.as_ref(), max_count).await
        })
    }
}

#[async_trait]
impl Claims for Distant {
    async fn claim(
        &self,
        conversation: &ConversationId,
        author: &UserId,
        id: &MessageId,
        base: Seq,
    ) -> Result<Seq, Error> {
        ask!(self, "claim", [conversation, author, id], |memory| async move {
            memory.claim(&conversation, &author, &id, base).await
        })
    }
}

#[async_trait]
impl Focuses for Distant {
    async fn focus(&self, conversation: &ConversationId, focus: &Focus) -> Result<(), Error> {
        ask!(self, "focus", [conversation, focus], |memory| async move {
            memory.focus(&conversation, &focus).await
        })
    }

    async fn blur(&self, conversation: &ConversationId, focus: &Focus) -> Result<(), Error> {
        ask!(self, "blur", [conversation, focus], |memory| async move {
            memory.blur(&conversation, &focus).await
        })
    }

    async fn focused(
        &self,
        conversation: &ConversationId,
        user: Option<&UserId>,
        max_count: usize,
    ) -> Result<Vec<Focus>, Error> {
        let user = user.cloned();
        ask!(self, "read focuses", [conversation, user], |memory| async move {
            memory.focused(&conversation, user.as_ref(), max_count).await
        })
    }
}
