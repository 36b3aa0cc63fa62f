//! How far conversations are read, and what is unread: derived from what was applied.
//!
//! A position only moves forward, whoever moves it: this device, another of its user, or the server
//! that lets who joins begin at that point. What this device's user has read is told to the server
//! one position at a time, always the furthest, until it is kept or refused for good.

use std::collections::BTreeMap;

use timeline::{ConversationId, Kind, Seq, Timestamp};
use wire::{Event, Message, Problem, ReadUpTo};

use crate::engine::{Engine, is_final};
use crate::limits;
use crate::output::Change;
use crate::record::Record;
use crate::requests::Purpose;
use crate::thread::place;

/// How far a conversation is read, and what was applied beyond.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Up to here, as far as the server knows.
    pub read: Seq,
    /// Up to here, as the server is still to be told.
    pub wanted: Option<Seq>,
    /// The messages beyond that can be unread, and who wrote each: neither events nor withdrawn, at
    /// most the newest [`limits::UNREAD_KEPT_MAX`].
    pub unread: BTreeMap<Seq, String>,
}

impl Reading {
    /// Up to where everything is read, whether or not the server knows.
    pub(crate) fn position(&self) -> Seq {
        self.wanted.unwrap_or_default().max(self.read)
    }

    /// Takes the next message of the conversation.
    pub(crate) fn apply(&mut self, seq: Seq, message: &Message) {
        if message.kind == Kind::RECALL {
            if let Some(target) = message.target.and_then(place) {
                self.unread.remove(&target);
            }
        } else if is_countable(message) && seq > self.position() {
            self.unread.insert(seq, message.from.clone());
            if self.unread.len() > limits::UNREAD_KEPT_MAX {
                self.unread.pop_first();
            }
        }
    }

    /// Notes that the server knows of this position, or is not told of it any more; whether that
    /// is new.
    pub(crate) fn read(&mut self, seq: Seq) -> bool {
        let is_new = seq > self.read;
        self.read = seq.max(self.read);
        self.wanted = self.wanted.filter(|wanted| *wanted > self.read);
        self.forget();
        is_new
    }

    /// Notes that the server is to be told of this position; whether that is new.
    pub(crate) fn want(&mut self, seq: Seq) -> bool {
        let is_new = seq > self.position();
        if is_new {
            self.wanted = Some(seq);
            self.forget();
        }
        is_new
    }

    /// Goes back to `seq`: what came after it is void.
    pub(crate) fn restart(&mut self, seq: Seq) {
        self.read = self.read.min(seq);
        self.wanted =
            self.wanted.map(|wanted| wanted.min(seq)).filter(|wanted| *wanted > self.read);
        self.unread.split_off(&seq.next());
    }

    fn forget(&mut self) {
        self.unread = self.unread.split_off(&self.position().next());
    }
}

fn is_countable(message: &Message) -> bool {
    let kind = message.kind.as_str();
    message.body.is_some() && !Kind::EVENTS.contains(&kind) && !Kind::CONTROLS.contains(&kind)
}

/// What happens about a position that the server is to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Telling {
    /// When it is told; `None` while an answer is waited for.
    pub(crate) due: Option<Timestamp>,
    /// How often in a row that failed.
    failures: u32,
}

impl Telling {
    /// One that begins at this time.
    pub(crate) fn new(due: Timestamp) -> Self {
        Self { due: Some(due), failures: 0 }
    }
}

impl Engine {
    /// How far a conversation is read, whether or not the server knows yet.
    pub fn position(&self, conversation: &ConversationId) -> Seq {
        self.readings.get(conversation).map(Reading::position).unwrap_or_default()
    }

    /// Whether the server knows how far a conversation is read, as far as this device does.
    pub fn is_told(&self, conversation: &ConversationId) -> bool {
        !self.tellings.contains_key(conversation)
    }

    /// How many messages of others were applied and not read, nor withdrawn; of more than
    /// [`limits::UNREAD_KEPT_MAX`] the newest count. What lies before the place where a device
    /// without backfill began counts nothing.
    pub fn unread(&self, conversation: &ConversationId) -> u64 {
        self.readings.get(conversation).map_or(0, |reading| reading.unread.len() as u64)
    }

    /// The same of all conversations.
    pub fn total_unread(&self) -> u64 {
        self.readings.values().map(|reading| reading.unread.len() as u64).sum()
    }

    /// How far anybody else has read a conversation, of whom this was told since the engine began.
    pub fn read_by(&self, conversation: &ConversationId) -> Seq {
        self.others.get(conversation).copied().unwrap_or_default()
    }

    /// Takes the wish to have read so far: no further than what was applied.
    pub(crate) fn read(&mut self, id: ConversationId, seq: Seq) {
        let seq = seq.min(self.applied(&id));
        if self.readings.entry(id.clone()).or_default().want(seq) {
            self.persist(Record::Reading { conversation: id.clone(), seq });
            self.tellings.entry(id).or_insert_with(|| Telling::new(self.now));
        }
    }

    /// Tells the positions that are due.
    pub(crate) fn tell(&mut self) {
        let is_due = |telling: &Telling| telling.due.is_some_and(|due| due <= self.now);
        let due = self.tellings.iter().filter(|(_, telling)| is_due(telling));
        let due: Vec<ConversationId> = due.map(|(id, _)| id.clone()).collect();
        for id in due {
            let Some(seq) = self.readings.get(&id).and_then(|reading| reading.wanted) else {
                self.tellings.remove(&id);
                continue;
            };
            if let Some(telling) = self.tellings.get_mut(&id) {
                telling.due = None;
            }
            let conversation = id.as_str().to_owned();
            let request = self.requests.add(self.now, Purpose::Read(id, seq));
            self.transmit(wire::Read::new(request, conversation, seq.number()).to_json());
        }
    }

    /// Takes the answer to a position that was told.
    pub(crate) fn told(
        &mut self,
        id: ConversationId,
        seq: Seq,
        outcome: Result<ReadUpTo, Problem>,
    ) {
        match &outcome {
            Err(problem) if !is_final(problem) => return self.tell_again(&id, problem),
            Err(_) => self.stands_read(&id, seq),
            Ok(read) => {
                self.stands_read(&id, place(read.seq).unwrap_or_default().max(seq));
            }
        }
        // What was read meanwhile is told next.
        if let Some(telling) = self.tellings.get_mut(&id) {
            *telling = Telling::new(self.now);
        }
        self.change(Change::Told { conversation: id, outcome });
    }

    /// Lets a position that was not answered be told again at once.
    pub(crate) fn tell_unanswered(&mut self, id: &ConversationId) {
        if let Some(telling) = self.tellings.get_mut(id) {
            telling.due = Some(self.now);
        }
    }

    fn tell_again(&mut self, id: &ConversationId, problem: &Problem) {
        let Some(telling) = self.tellings.get_mut(id) else { return };
        telling.failures = telling.failures.saturating_add(1);
        let failures = telling.failures;
        let due = self.later(failures, problem.retry_after_ms);
        if let Some(telling) = self.tellings.get_mut(id) {
            telling.due = Some(due);
        }
    }

    /// Learns that the conversation counts as read up to here, forward only.
    pub(crate) fn stands_read(&mut self, id: &ConversationId, seq: Seq) {
        let reading = self.readings.entry(id.clone()).or_default();
        if reading.read(seq) {
            if reading.wanted.is_none() {
                self.tellings.remove(id);
            }
            self.persist(Record::Read { conversation: id.clone(), seq });
        }
    }

    /// Learns that the user has left a group, which counts as read from then on, until the event
    /// that they came back.
    pub(crate) fn left(&mut self, id: &ConversationId, seq: Seq) {
        self.stands_read(id, seq);
        self.gone.insert(id.clone());
    }

    /// Takes what somebody else has read.
    pub(crate) fn read_by_other(&mut self, conversation: &str, user: &str, seq: u64) {
        if let (Ok(id), Some(seq)) = (ConversationId::parse(conversation), place(seq))
            && user != self.user.as_str()
        {
            let known = self.others.entry(id).or_default();
            *known = seq.max(*known);
        }
    }

    /// Counts the next message of a conversation, in order; own ones never do. Who comes into a
    /// group has read what was before, and who leaves it everything.
    pub(crate) fn counted(&mut self, id: &ConversationId, seq: Seq, message: &Message) {
        let me = self.user.as_str();
        if message.from != me || message.kind == Kind::RECALL {
            self.readings.entry(id.clone()).or_default().apply(seq, message);
        }
        let names_me = |users: &[String]| users.iter().any(|user| user == me);
        match Event::read(message) {
            Some(Event::Join { users, .. }) if names_me(&users) => {
                self.gone.remove(id);
                self.positions.joined(id, seq);
                self.stands_read(id, seq.previous());
            }
            Some(Event::Leave { users }) if names_me(&users) => self.left(id, seq),
            Some(
                Event::Join { .. }
                | Event::Leave { .. }
                | Event::Rename { .. }
                | Event::Role { .. }
                | Event::Mode,
            )
            | None => {
                if self.gone.contains(id) {
                    self.stands_read(id, seq);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(number: u64) -> Seq {
        Seq::new(number).unwrap()
    }

    fn message(kind: &str, target: Option<u64>) -> Message {
        Message {
            q: None,
            conversation: "d~al~bo".into(),
            seq: 1,
            cid: "01935b2e-7c1a-7def-8123-456789abcdef".into(),
            from: "bo".into(),
            at: 1,
            kind: kind.into(),
            large: false,
            target,
            edited: None,
            body: Some(wire::message::text_body("x")),
        }
    }

    /// A conversation with so many texts and nothing read.
    fn reading(count: u64) -> Reading {
        let mut reading = Reading::default();
        for number in 1..=count {
            reading.apply(seq(number), &message("text", None));
        }
        reading
    }

    #[test]
    fn events_and_withdrawn_messages_count_nothing() {
        let mut reading = reading(3);
        reading.apply(seq(4), &message("edit", Some(1)));
        reading.apply(seq(5), &message("recall", Some(2)));
        reading.apply(seq(6), &Message { body: None, ..message("text", None) });
        assert_eq!(reading.unread.keys().copied().collect::<Vec<_>>(), [seq(1), seq(3)]);
    }

    #[test]
    fn a_position_never_goes_back() {
        let mut reading = reading(5);
        assert!(reading.want(seq(3)));
        assert!(!reading.want(seq(2)));
        assert!(reading.read(seq(2)));
        assert_eq!((reading.position(), reading.unread.len()), (seq(3), 2));
        assert!(reading.read(seq(4)));
        assert!(!reading.read(seq(1)));
        assert_eq!((reading.position(), reading.wanted, reading.unread.len()), (seq(4), None, 1));
    }

    #[test]
    fn only_so_many_are_counted() {
        let reading = reading(limits::UNREAD_KEPT_MAX as u64 + 5);
        assert_eq!(reading.unread.len(), limits::UNREAD_KEPT_MAX);
        assert_eq!(reading.unread.keys().next(), Some(&seq(6)));
    }

    #[test]
    fn a_log_that_went_back_takes_its_unread_messages_with_it() {
        let mut reading = reading(5);
        reading.want(seq(4));
        reading.restart(seq(2));
        assert_eq!((reading.position(), reading.unread.len()), (seq(2), 0));
    }
}
