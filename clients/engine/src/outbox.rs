//! The messages that wait to be kept: one in flight per conversation, the others behind it.

use std::collections::{BTreeMap, VecDeque};

use timeline::{ConversationId, MessageId, Seq, Timestamp};

use crate::record::Queued;

/// A message and what happens about it.
#[derive(Debug)]
pub(crate) struct Item {
    /// The message.
    pub(crate) queued: Queued,
    /// What happens about it.
    pub(crate) stage: Stage,
    /// How often it was transmitted.
    pub(crate) attempts: u32,
    /// How many attempts failed in a row.
    pub(crate) failures: u32,
}

/// What happens about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It is transmitted at this time, if it is first in its conversation.
    Ready(Timestamp),
    /// It was transmitted.
    Flying,
    /// Others may hide an earlier attempt: the conversation is looked through.
    Search(Search),
}

/// A search for an earlier attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    /// Up to here every message was looked at.
    pub(crate) inspected: Seq,
    /// The last message to look at.
    pub(crate) tail: Seq,
    /// When the next part is asked for; `None` while it is.
    pub(crate) due: Option<Timestamp>,
}

impl Item {
    /// A message that has not been transmitted by this process.
    pub(crate) fn new(queued: Queued) -> Self {
        Self { queued, stage: Stage::Ready(Timestamp(0)), attempts: 0, failures: 0 }
    }

    /// When something is to be done about it.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Ready(due) => Some(due),
            Stage::Flying => None,
            Stage::Search(search) => search.due,
        }
    }
}

/// All messages that wait, per conversation in the order in which they were composed.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    lanes: BTreeMap<ConversationId, VecDeque<Item>>,
}

impl Outbox {
    /// Takes a message in behind the others of its conversation.
    pub(crate) fn push(&mut self, queued: Queued) {
        self.lanes.entry(queued.conversation.clone()).or_default().push_back(Item::new(queued));
    }

    /// The message with this id.
    pub(crate) fn find(
        &mut self,
        conversation: &ConversationId,
        cid: MessageId,
    ) -> Option<&mut Item> {
        self.lanes.get_mut(conversation)?.iter_mut().find(|item| item.queued.cid == cid)
    }

    /// Takes a message out.
    pub(crate) fn remove(&mut self, conversation: &ConversationId, cid: MessageId) -> Option<Item> {
        let lane = self.lanes.get_mut(conversation)?;
        let index = lane.iter().position(|item| item.queued.cid == cid)?;
        let item = lane.remove(index);
        if lane.is_empty() {
            self.lanes.remove(conversation);
        }
        item
    }

    /// The first message of each conversation.
    pub(crate) fn heads(&self) -> impl Iterator<Item = &Item> {
        self.lanes.values().filter_map(VecDeque::front)
    }

    /// Every message of a conversation.
    pub(crate) fn lane(
        &mut self,
        conversation: &ConversationId,
    ) -> impl Iterator<Item = &mut Item> {
        self.lanes.get_mut(conversation).into_iter().flatten()
    }

    /// Every message.
    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        self.lanes.values().flatten()
    }

    /// Lets whatever was in flight be repeated at once on the next connection.
    pub(crate) fn disconnected(&mut self, now: Timestamp) {
        for item in self.lanes.values_mut().flatten() {
            item.stage = match item.stage {
                Stage::Flying => Stage::Ready(now),
                Stage::Ready(due) => Stage::Ready(due),
                Stage::Search(search) => {
                    Stage::Search(Search { due: Some(search.due.unwrap_or(now)), ..search })
                }
            };
        }
    }
}
