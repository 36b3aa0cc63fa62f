//! What is read and taken back, what a device forgets, and what must count as unread.

use engine::{Command, Input, Record, Survivors};
use timeline::{ConversationId, MessageId, Seq, limits};

use super::{END, Event, PEACE, USERS, World, cid};

/// How many times somebody reads.
const READS: u64 = 14;

/// How many messages are taken back or changed.
const RECALLS: u64 = 6;

/// When every position is where it stays, and a question is answered before the end, in
/// milliseconds.
const SETTLED: u64 = PEACE + 400_000;

/// How likely a device that starts again has lost some of its records, in percent.
const FORGETFUL: u8 = 30;

impl World {
    /// How many messages are unread in the end, how many were read by wish, and how many withdrawn.
    pub(crate) fn reading_extent(&self) -> (u64, u64, usize) {
        let unread = self.devices.iter().map(|device| device.engine.total_unread()).sum();
        let messages = self.server.logs.values().flatten();
        let recalled = messages.filter(|message| message.body.is_none()).count();
        (unread, self.asked.values().sum(), recalled)
    }

    /// Plans that users read, and that they take messages back.
    pub(super) fn plan_reading(&mut self) {
        for _ in 0..READS {
            let (at, index) = (self.random.u64(0..PEACE), self.random.usize(0..USERS.len()));
            self.plan(at, Event::Read(index));
        }
        for index in 0..USERS.len() {
            let (early, late) = (self.random.u64(0..PEACE), self.random.u64(SETTLED..END - 60_000));
            self.plan(early, Event::Wondered(index));
            self.plan(late, Event::Wondered(index));
        }
        for number in 0..RECALLS {
            let (at, index) = (self.random.u64(0..PEACE), self.random.usize(0..USERS.len()));
            self.plan(at, Event::Recalled(index, number));
        }
    }

    /// Lets a user read something of what their device has.
    pub(super) fn read(&mut self, index: usize) {
        let ids: Vec<String> = self.server.logs.keys().cloned().collect();
        if ids.is_empty() {
            return;
        }
        let id = ConversationId::parse(&ids[self.random.usize(0..ids.len())]).unwrap();
        let applied = self.devices[index].engine.applied(&id).number();
        let seq = Seq::new(self.random.u64(0..=applied)).unwrap();
        self.input(index, Input::Command(Command::Read { conversation: id, seq }));
    }

    /// Lets a user ask how far the others have read, wherever they are.
    pub(super) fn wonder(&mut self, index: usize) {
        let ids: Vec<String> = self.server.conversations_of(USERS[index]).cloned().collect();
        for id in ids {
            let conversation = ConversationId::parse(&id).unwrap();
            let command = Command::Receipts { ticket: 0, conversation, seq: None, page: None };
            self.input(index, Input::Command(command));
        }
    }

    /// Lets a user take back or change one of their messages.
    pub(super) fn recall(&mut self, index: usize, number: u64) {
        let engine = &self.devices[index].engine;
        let is_own = |message: &&wire::Message| {
            let is_known = ConversationId::parse(&message.conversation)
                .is_ok_and(|id| engine.applied(&id).number() >= message.seq);
            message.from == USERS[index] && message.kind == "text" && is_known
        };
        let own = self.server.logs.values().flatten().filter(is_own);
        let own: Vec<(String, u64)> = own.map(|own| (own.conversation.clone(), own.seq)).collect();
        if own.is_empty() {
            return;
        }
        let (id, seq) = own[self.random.usize(0..own.len())].clone();
        let body = (self.random.u8(0..4) == 0).then(|| wire::text_body("changed"));
        let command = Command::Recall {
            ticket: 0,
            conversation: ConversationId::parse(&id).unwrap(),
            seq: Seq::new(seq).unwrap(),
            cid: event(number),
            body,
        };
        self.input(index, Input::Command(command));
    }

    /// What of its records a device that starts again has: now and then any of them are lost, but
    /// for what its user wrote and read, and it goes by what counts of the others.
    pub(super) fn survive(
        &mut self,
        records: Vec<Record>,
        shown: Vec<(String, u64)>,
    ) -> (Vec<Record>, Vec<(String, u64)>) {
        if !self.is_war() || self.random.u8(0..100) >= FORGETFUL {
            return (records, shown);
        }
        // From a single one to half of them, and whatever follows one of them.
        let lost_per_mille = 1 << self.random.u16(0..10);
        let end = self.random.u64(0..=2 * records.len() as u64);
        let mut left: Vec<(u64, Record)> = (0..).zip(records).collect();
        left.retain(|(number, record)| {
            let is_lost = *number >= end || self.random.u16(0..1_000) < lost_per_mille;
            record.is_wish() || !is_lost
        });
        let mut survivors = Survivors::default();
        left.retain(|(number, record)| survivors.counts(*number, record.is_wish()));
        let records: Vec<Record> = left.into_iter().map(|(_, record)| record).collect();
        let mut shown = Vec::new();
        for record in &records {
            if let Record::Applied(message) = record {
                shown.push((message.conversation.clone(), message.seq));
            }
        }
        (records, shown)
    }

    /// Whether a message was not taken back.
    pub(super) fn stands(&self, id: &str, seq: u64) -> bool {
        let log = self.server.logs.get(id);
        log.and_then(|log| log.get(seq as usize - 1)).is_none_or(|message| message.body.is_some())
    }

    /// Those that were not taken back.
    pub(super) fn standing(&self, id: &str, seqs: &[u64]) -> Vec<u64> {
        seqs.iter().copied().filter(|seq| self.stands(id, *seq)).collect()
    }

    /// Where a device counts otherwise than the server, or the server was not told what its user
    /// has read.
    pub(super) fn reading_violations(&self, index: usize) -> Vec<String> {
        let (engine, user) = (&self.devices[index].engine, USERS[index]);
        let mut violations = Vec::new();
        let mut total = 0;
        for id in self.server.conversations_of(user) {
            let conversation = ConversationId::parse(id).unwrap();
            let (here, there) = (engine.unread(&conversation), self.server.unread(user, id));
            total += there;
            if here != there {
                violations.push(format!("device {index} counts {here}, not {there} in {id}"));
            }
            let position = self.server.position(user, id);
            if engine.position(&conversation).number() != position {
                let here = engine.position(&conversation);
                violations.push(format!("device {index} has read {here}, not {position} in {id}"));
            }
            // Who has left may have been told of; what nobody has read, never.
            let read = engine.read_by(&conversation).number();
            let theirs =
                |other: &str| if other == user { 0 } else { self.server.position(other, id) };
            let members = self.server.users_of(id);
            let least = members.iter().map(|other| theirs(other)).max().unwrap_or_default();
            let most = USERS.into_iter().map(theirs).max().unwrap_or_default();
            if read < least || read > most {
                violations.push(format!("{index} sees {read} read in {id}, not {least} to {most}"));
            }
            let asked = self.asked.get(&(user, id.clone())).copied().unwrap_or_default();
            if position < asked {
                violations.push(format!("{user} read {asked} in {id}, the server has {position}"));
            }
        }
        if engine.total_unread() != total {
            violations.push(format!("device {index}: {} of {total}", engine.total_unread()));
        }
        assert!(total < limits::UNREAD_MAX as u64, "a world in which counts are not exact");
        violations
    }
}

/// The id of an event.
fn event(number: u64) -> MessageId {
    cid(100_000 + number)
}
