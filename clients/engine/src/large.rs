//! Large groups: their messages are in no inbox, and are found by asking for their tails.
//!
//! The tails are asked for in rounds: one after every connect, and then one with every keep-alive.
//! A sync names so many tails as it may, and the next goes on where it ended, at once.

use std::collections::{BTreeMap, BTreeSet};

use timeline::{ConversationId, Kind, Seq, Timestamp, limits::TAILS_MAX};
use wire::{Event, Message, Problem};

use crate::engine::Engine;
use crate::limits;
use crate::record::{Record, Standing};

/// HTTP's "forbidden": not a member, or not any more.
const FORBIDDEN: u16 = 403;

/// Every large group that this device knows.
#[derive(Debug)]
pub(crate) struct Large {
    groups: BTreeMap<ConversationId, Standing>,
    /// Those whose tails are still to be asked for in this round.
    round: BTreeSet<ConversationId>,
    /// Of these, those whose tails were never known on this connection.
    owed: BTreeSet<ConversationId>,
    /// Those that the sync in flight names.
    named: Vec<ConversationId>,
    /// When the next round begins.
    next: Timestamp,
}

impl Large {
    /// The large groups of a device that was here before.
    pub(crate) fn new(groups: BTreeMap<ConversationId, Standing>) -> Self {
        let (round, owed) = (BTreeSet::new(), BTreeSet::new());
        let mut large = Self { groups, round, owed, named: Vec::new(), next: Timestamp(0) };
        large.disconnected();
        large
    }

    /// Whether a conversation is a large group.
    pub(crate) fn contains(&self, id: &ConversationId) -> bool {
        self.groups.contains_key(id)
    }

    /// Whether a conversation is a large group and the user in it.
    pub(crate) fn is_member(&self, id: &ConversationId) -> bool {
        self.groups.get(id) == Some(&Standing::Member)
    }

    /// Whether every tail was asked for, and answered, on this connection.
    pub(crate) fn is_asked(&self) -> bool {
        self.owed.is_empty()
    }

    /// Whether the round is over.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.round.is_empty()
    }

    /// When the next round begins, if there is a group to ask for.
    pub(crate) fn next_round(&self) -> Option<Timestamp> {
        self.groups.values().any(|standing| *standing == Standing::Member).then_some(self.next)
    }

    /// Names none in the next sync.
    pub(crate) fn name_none(&mut self) {
        self.named.clear();
    }

    /// The groups whose tails the next sync names; a round begins if it is time.
    pub(crate) fn name(&mut self, now: Timestamp) -> &[ConversationId] {
        if self.round.is_empty() && self.next <= now {
            self.round = self.members().cloned().collect();
        }
        if !self.round.is_empty() {
            self.next = now.plus(limits::KEEP_ALIVE_MS);
        }
        self.named = self.round.iter().take(TAILS_MAX).cloned().collect();
        &self.named
    }

    /// Takes the answer to the sync in flight: the tails that it named are known.
    pub(crate) fn answered(&mut self) {
        for id in std::mem::take(&mut self.named) {
            self.listed(&id);
        }
    }

    /// Takes a group whose tail is known: in a reset without having been named.
    pub(crate) fn listed(&mut self, id: &ConversationId) {
        self.round.remove(id);
        self.owed.remove(id);
    }

    /// Lets the tail of a group be asked for in this round, whether or not it was.
    pub(crate) fn ask(&mut self, id: &ConversationId) {
        if self.is_member(id) {
            self.round.insert(id.clone());
            // What is in flight was asked before.
            self.named.retain(|named| named != id);
        }
    }

    /// Forgets the connection; on the next one a round begins.
    pub(crate) fn disconnected(&mut self) {
        self.named.clear();
        self.round = self.members().cloned().collect();
        self.owed.clone_from(&self.round);
    }

    fn members(&self) -> impl Iterator<Item = &ConversationId> {
        let members = self.groups.iter().filter(|(_, standing)| **standing == Standing::Member);
        members.map(|(id, _)| id)
    }

    /// Notes where the user stands; whether that is new.
    fn stand(&mut self, id: &ConversationId, standing: Standing) -> bool {
        if standing == Standing::Gone {
            self.listed(id);
        }
        self.groups.insert(id.clone(), standing) != Some(standing)
    }
}

impl Engine {
    /// Learns from a message, in whatever order it came, whether its conversation is large.
    pub(crate) fn sized(&mut self, id: &ConversationId, message: &Message) {
        let is_switch = message.kind == Kind::MODE;
        if (message.large || is_switch) && !self.large.contains(id) {
            self.became_large(id);
        }
    }

    /// Learns that a conversation is a large group, and the user in it.
    pub(crate) fn became_large(&mut self, id: &ConversationId) {
        self.stands(id, Standing::Member);
    }

    /// Learns from the next event of a large group, in order, whether the user is in it.
    pub(crate) fn moved(&mut self, id: &ConversationId, message: &Message) {
        if !self.large.contains(id) {
            return;
        }
        let me = self.user.as_str();
        let names_me = |users: &[String]| users.iter().any(|user| user == me);
        match Event::read(message) {
            Some(Event::Join { users, .. }) if names_me(&users) => {
                self.stands(id, Standing::Member);
            }
            Some(Event::Leave { users }) if names_me(&users) => self.stands(id, Standing::Gone),
            Some(
                Event::Join { .. }
                | Event::Leave { .. }
                | Event::Rename { .. }
                | Event::Role { .. }
                | Event::Mode,
            )
            | None => {}
        }
    }

    /// Takes the refusal of a part that is still missing: who may not read it is not a member, and
    /// nothing of it is unread. An answer that comes after the user was let in again says nothing
    /// of now; then the part is not missing any more, or the event of the joining follows it.
    pub(crate) fn shut_out(&mut self, id: &ConversationId, to: Seq, problem: &Problem) {
        if problem.code != FORBIDDEN {
            return;
        }
        self.left(id, to);
        if self.large.contains(id) {
            self.stands(id, Standing::Gone);
        }
    }

    fn stands(&mut self, id: &ConversationId, standing: Standing) {
        if !self.large.stand(id, standing) {
            return;
        }
        self.persist(Record::Large { conversation: id.clone(), standing });
        if standing == Standing::Member {
            self.large.ask(id);
            self.large.owed.insert(id.clone());
            let spread = self.random.u64(0..=limits::LARGE_SPREAD_MS);
            self.inbox.ask(self.now.plus(spread));
            self.focuses.rouse(id, self.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(number: usize) -> ConversationId {
        ConversationId::parse(&format!("g~01935b2e-7c1a-7def-8123-{number:012}")).unwrap()
    }

    fn large(count: usize) -> Large {
        Large::new((0..count).map(|number| (group(number), Standing::Member)).collect())
    }

    #[test]
    fn a_round_names_every_group_once_a_hundred_at_a_time() {
        let mut large = large(250);
        let mut sizes = Vec::new();
        while !large.is_at_rest() {
            sizes.push(large.name(Timestamp(1)).len());
            large.answered();
        }
        assert_eq!(sizes, [100, 100, 50]);
        assert!(large.name(Timestamp(2)).is_empty());
        large.answered();
        assert_eq!(large.next_round(), Some(Timestamp(1 + limits::KEEP_ALIVE_MS)));
        assert_eq!(large.name(Timestamp(1 + limits::KEEP_ALIVE_MS)).len(), 100);
        assert!(large.is_asked() && !large.is_at_rest());
    }

    #[test]
    fn a_sync_without_an_answer_is_no_question() {
        let mut large = large(3);
        large.name(Timestamp(1));
        assert_eq!(large.name(Timestamp(2)).len(), 3);
        large.disconnected();
        large.answered();
        assert!(!large.is_asked());
    }

    #[test]
    fn what_becomes_large_during_a_sync_is_asked_for_by_the_next() {
        let mut large = large(2);
        large.name(Timestamp(1));
        large.ask(&group(1));
        large.answered();
        assert_eq!(large.name(Timestamp(2)), [group(1)]);
    }
}
