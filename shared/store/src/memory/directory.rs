//! The directory, claims and focuses in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use timeline::{ConversationId, MessageId, Seq, UserId};

use super::{Listed, Memory, Personal};
use crate::directory::{
    Claims, Conversation, Directory, Enlisting, Listing, MemberRow, ReadPosition, Reading, Wish,
};
use crate::error::Error;
use crate::focuses::{Focus, Focuses};
use crate::timelines::Put;

#[async_trait]
impl Directory for Memory {
    async fn conversation(&self, id: &ConversationId) -> Result<Option<Conversation>, Error> {
        Ok(self.turn().await.conversations.get(id).cloned())
    }

    async fn create(&self, conversation: &Conversation) -> Result<Put<Conversation>, Error> {
        let mut state = self.turn().await;
        if let Some(other) = state.conversations.get(&conversation.id) {
            return Ok(Put::Occupied(other.clone()));
        }
        state.conversations.insert(conversation.id.clone(), conversation.clone());
        Ok(Put::Stored)
    }

    async fn replace(&self, conversation: &Conversation, before: u64) -> Result<(), Error> {
        let mut state = self.turn().await;
        match state.conversations.get_mut(&conversation.id) {
            Some(kept) if kept.version == before => {
                *kept = conversation.clone();
                Ok(())
            }
            Some(_) | None => Err(Error::Conflict { item: "conversation" }),
        }
    }

    async fn settle(&self, id: &ConversationId, version: u64) -> Result<(), Error> {
        let mut state = self.turn().await;
        if let Some(kept) = state.conversations.get_mut(id)
            && kept.pending.as_ref().is_some_and(|pending| pending.version == version)
        {
            kept.pending = None;
        }
        Ok(())
    }

    async fn member(&self, id: &ConversationId, user: &UserId) -> Result<Option<MemberRow>, Error> {
        let state = self.turn().await;
        Ok(state.members.get(id).and_then(|rows| rows.get(user)).copied())
    }

    async fn put_member(
        &self,
        id: &ConversationId,
        user: &UserId,
        row: &MemberRow,
    ) -> Result<(), Error> {
        let mut state = self.turn().await;
        let rows = state.members.entry(id.clone()).or_default();
        if rows.get(user).is_none_or(|kept| kept.version < row.version) {
            rows.insert(user.clone(), *row);
        }
        Ok(())
    }

    async fn members(
        &self,
        id: &ConversationId,
        after: Option<&UserId>,
        max_count: usize,
    ) -> Result<Vec<(UserId, MemberRow)>, Error> {
        let state = self.turn().await;
        let all = state.members.get(id).into_iter().flatten();
        let rest = all.filter(|(user, _)| after.is_none_or(|after| *user > after));
        Ok(rest.take(max_count).map(|(user, row)| (user.clone(), *row)).collect())
    }

    async fn list(&self, user: &UserId, enlisting: &Enlisting) -> Result<(), Error> {
        let mut state = self.turn().await;
        let list = state.lists.entry(user.clone()).or_default();
        let kept = list.get(&enlisting.conversation);
        if kept.is_some_and(|kept| kept.version > enlisting.version) {
            return Ok(());
        }
        let is_first = kept.is_none_or(|kept| kept.version < enlisting.version);
        let before = kept.map(|kept| kept.personal).unwrap_or_default();
        let read = enlisting.begins.filter(|_| is_first).unwrap_or(before.read);
        let listed = Listed {
            version: enlisting.version,
            place: Some((enlisting.joined, enlisting.diffusion)),
            personal: Personal { read, ..before },
        };
        list.insert(enlisting.conversation.clone(), listed);
        Ok(())
    }

    async fn unlist(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        version: u64,
    ) -> Result<(), Error> {
        let mut state = self.turn().await;
        let list = state.lists.entry(user.clone()).or_default();
        let kept = list.entry(conversation.clone()).or_default();
        if kept.version <= version {
            (kept.version, kept.place) = (version, None);
        }
        Ok(())
    }

    async fn listing(
        &self,
        user: &UserId,
        conversation: &ConversationId,
    ) -> Result<Option<Listing>, Error> {
        let state = self.turn().await;
        let listed = state.lists.get(user).and_then(|list| list.get(conversation));
        Ok(listed.and_then(|listed| listed.shown(conversation)))
    }

    async fn mark_read(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        position: ReadPosition,
    ) -> Result<Option<ReadPosition>, Error> {
        let mut state = self.turn().await;
        let listed = state.lists.get_mut(user).and_then(|list| list.get_mut(conversation));
        let Some(listed) = listed.filter(|listed| listed.place.is_some()) else { return Ok(None) };
        if listed.personal.read.seq < position.seq {
            listed.personal.read = position;
        }
        Ok(Some(listed.personal.read))
    }

    async fn wish(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        wish: Wish,
    ) -> Result<(), Error> {
        let mut state = self.turn().await;
        let listed = state.lists.get_mut(user).and_then(|list| list.get_mut(conversation));
        if let Some(listed) = listed.filter(|listed| listed.place.is_some()) {
            match wish {
                Wish::Mute(muted) => listed.personal.muted = muted,
                Wish::Pin(pinned) => listed.personal.pinned = pinned,
            }
        }
        Ok(())
    }

    async fn note_read(&self, id: &ConversationId, reading: &Reading) -> Result<(), Error> {
        let mut state = self.turn().await;
        let readings = state.readings.entry(id.clone()).or_default();
        if readings.get(&reading.user).is_none_or(|kept| kept.seq < reading.seq) {
            readings.insert(reading.user.clone(), reading.clone());
        }
        Ok(())
    }

    async fn readings(
        &self,
        id: &ConversationId,
        after: Option<&UserId>,
        max_count: usize,
    ) -> Result<Vec<Reading>, Error> {
        let state = self.turn().await;
        let all = state.readings.get(id).into_iter().flatten();
        let rest = all.filter(|(user, _)| after.is_none_or(|after| *user > after));
        Ok(rest.take(max_count).map(|(_, reading)| reading.clone()).collect())
    }

    async fn conversations(
        &self,
        user: &UserId,
        after: Option<&ConversationId>,
        max_count: usize,
    ) -> Result<Vec<Listing>, Error> {
        let state = self.turn().await;
        let all = state.lists.get(user).into_iter().flatten();
        let all = all.filter_map(|(conversation, listed)| listed.shown(conversation));
        let rest = all.filter(|listing| after.is_none_or(|after| listing.conversation > *after));
        Ok(rest.take(max_count).collect())
    }
}

#[async_trait]
impl Claims for Memory {
    async fn claim(
        &self,
        conversation: &ConversationId,
        author: &UserId,
        id: &MessageId,
        base: Seq,
    ) -> Result<Seq, Error> {
        let mut state = self.turn().await;
        let key = (conversation.clone(), author.clone(), *id);
        Ok(*state.claims.entry(key).or_insert(base))
    }
}

#[async_trait]
impl Focuses for Memory {
    async fn focus(&self, conversation: &ConversationId, focus: &Focus) -> Result<(), Error> {
        let mut state = self.turn().await;
        let focuses = state.focuses.entry(conversation.clone()).or_default();
        focuses.insert((focus.user.clone(), focus.device.clone()), focus.clone());
        Ok(())
    }

    async fn blur(&self, conversation: &ConversationId, focus: &Focus) -> Result<(), Error> {
        let mut state = self.turn().await;
        let Some(focuses) = state.focuses.get_mut(conversation) else { return Ok(()) };
        let key = (focus.user.clone(), focus.device.clone());
        if focuses.get(&key).is_some_and(|kept| kept.connection == focus.connection) {
            focuses.remove(&key);
        }
        Ok(())
    }

    async fn focused(
        &self,
        conversation: &ConversationId,
        user: Option<&UserId>,
        max_count: usize,
    ) -> Result<Vec<Focus>, Error> {
        let state = self.turn().await;
        let all = state.focuses.get(conversation).into_iter().flat_map(BTreeMap::values);
        let mine = all.filter(|focus| user.is_none_or(|user| focus.user == *user));
        Ok(mine.take(max_count).cloned().collect())
    }
}
