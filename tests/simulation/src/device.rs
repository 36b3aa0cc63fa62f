//! A device: the engine that every client runs, and what a host does for it.

use std::collections::BTreeMap;

use engine::{Change, Engine, Link, Older, Options, Output, Record, State, Survivors};
use timeline::UserId;
use wire::{ErrorCode, Message};

use crate::machine::Machine;

/// A device.
pub(crate) struct Device {
    pub(crate) user: &'static str,
    pub(crate) name: String,
    pub(crate) engine: Engine,
    pub(crate) records: Vec<Record>,
    /// Everything shown, over all lives of the process, as the records tell.
    pub(crate) shown: Vec<(String, u64)>,
    /// What each shown message said when it was shown, by its conversation and place.
    pub(crate) texts: BTreeMap<(String, u64), String>,
    /// The connection that is open or opening.
    pub(crate) connection: u64,
    pub(crate) is_open: bool,
    /// Whether it is kept closed, because its user is away.
    pub(crate) is_away: bool,
    /// When it is woken.
    pub(crate) wake: u64,
}

impl Device {
    pub(crate) fn new(user: &'static str, name: &str, seed: u64) -> Self {
        let engine = engine(user, &[], seed);
        Self {
            user,
            name: name.to_owned(),
            engine,
            records: Vec::new(),
            shown: Vec::new(),
            texts: BTreeMap::new(),
            connection: 0,
            is_open: false,
            is_away: false,
            wake: 0,
        }
    }

    /// Whether what its user wrote is safe in the outbox; before that, life may not end.
    pub(crate) fn is_composed(&self) -> bool {
        State::replay(&self.records).outbox.len() == self.engine.outbox().count()
    }

    /// Writes down a record.
    pub(crate) fn persist(&mut self, record: Record) {
        if let Record::Applied(message) = &record {
            self.show(message);
        }
        self.records.push(record);
    }

    fn show(&mut self, message: &Message) {
        let place = (message.conversation.clone(), message.seq);
        let body = message.body.as_ref().map_or("", |body| body.get());
        self.texts.insert(place.clone(), body.to_owned());
        self.shown.push(place);
    }

    /// Its process dies and starts again, with the records that count of those that are left.
    pub(crate) fn restart(&mut self, machine: &Machine, forgetful: bool, seed: u64) {
        let records = std::mem::take(&mut self.records);
        self.records = if forgetful { left(machine, records) } else { records };
        self.engine = engine(self.user, &self.records, seed);
        self.shown.clear();
        for record in self.records.clone() {
            if let Record::Applied(message) = &record {
                self.show(message);
            }
        }
        self.connection += 1;
        self.is_open = false;
        self.wake = 0;
    }
}

/// What is left of the records of a device that lost some; what its user wrote and read is safe.
fn left(machine: &Machine, records: Vec<Record>) -> Vec<Record> {
    let lost_per_mille = 1 << machine.number(0..10);
    let end = machine.number(0..2 * records.len() as u64 + 1);
    let mut left: Vec<(u64, Record)> = (0..).zip(records).collect();
    left.retain(|(number, record)| {
        let is_lost = *number >= end || machine.happens(lost_per_mille);
        record.is_wish() || !is_lost
    });
    let mut survivors = Survivors::default();
    left.retain(|(number, record)| survivors.counts(*number, record.is_wish()));
    left.into_iter().map(|(_, record)| record).collect()
}

fn engine(user: &str, records: &[Record], seed: u64) -> Engine {
    let user = UserId::parse(user).expect("a user of the simulation");
    let options = Options { older: Older::Backfill };
    Engine::new(user, options, State::replay(records), seed)
}

/// Whether the engine waits to be opened again by its host, with a fresh token.
pub(crate) fn wants_opening(output: &Output) -> bool {
    matches!(
        output,
        Output::Changed(Change::Link(Link::Refused { .. } | Link::Kicked { .. } | Link::Closed))
    )
}

/// Whether a message may be refused for good: its author may not write there any more.
pub(crate) fn is_fair_refusal(code: u16) -> bool {
    code == wire::Problem::new(ErrorCode::Forbidden, "").code
}
