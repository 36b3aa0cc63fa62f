//! How far the user has read everything, asked for after a reset.
//!
//! Positions come with the inbox, in order with the messages. A device that was away for too long,
//! or never here, has missed them, so it reads them off the list of conversations; until it has,
//! its cursor is not worth saving.

use std::collections::BTreeMap;

use timeline::{ConversationId, Party, Seq, Timestamp};
use wire::{Conversations, Listed, Problem};

use crate::engine::{Engine, is_final};
use crate::limits;
use crate::requests::Purpose;
use crate::thread::{Thread, place};

/// Which positions are missing, and what happens about them.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    /// The conversations of the reset whose positions are not known, and how often the list ended
    /// without them.
    owed: BTreeMap<ConversationId, u32>,
    /// Groups that were known when the sync was made, and up to where: if it is answered with a
    /// reset that does not name them, the user has left them.
    before: BTreeMap<ConversationId, Seq>,
    /// Groups whose entries came since then, and what each tells of: if the reset is of a later
    /// time and does not name them, the user has left them too.
    heard: BTreeMap<ConversationId, BTreeMap<Seq, Seq>>,
    stage: Stage,
    /// Where the list goes on.
    page: Option<String>,
    failures: u32,
}

/// What happens about the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing is missing.
    #[default]
    Complete,
    /// It is asked for at this time.
    Due(Timestamp),
    /// It was asked for.
    Flying,
}

impl Positions {
    /// When the list is asked for.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Due(due) => Some(due),
            Stage::Complete | Stage::Flying => None,
        }
    }

    /// Whether none is missing.
    pub(crate) fn is_complete(&self) -> bool {
        self.stage == Stage::Complete
    }

    /// Notes what is known as a sync is made, which may be answered with a reset.
    pub(crate) fn note<'a>(
        &mut self,
        known: impl Iterator<Item = (&'a ConversationId, &'a Thread)>,
    ) {
        let groups = known.filter(|(id, _)| matches!(id.party(), Party::Group(_)));
        self.before = groups.map(|(id, thread)| (id.clone(), thread.known())).collect();
        self.heard.clear();
    }

    /// Notes an entry of the inbox, and the place that it tells of.
    pub(crate) fn heard(&mut self, id: &ConversationId, q: Seq, seq: Seq) {
        if matches!(id.party(), Party::Group(_)) {
            self.heard.entry(id.clone()).or_default().insert(q, seq);
        }
    }

    /// Notes that the user came into a group; that says nothing new if it was before the sync.
    pub(crate) fn joined(&mut self, id: &ConversationId, seq: Seq) {
        if self.before.get(id).is_some_and(|known| *known < seq) {
            self.before.remove(id);
        }
    }

    /// Begins with the first page of a reset. The answer to an earlier list finds nothing that
    /// it is for.
    pub(crate) fn begin(&mut self) {
        let (before, heard) = (std::mem::take(&mut self.before), std::mem::take(&mut self.heard));
        *self = Self { before, heard, ..Self::default() };
    }

    /// Takes a conversation that the reset names.
    pub(crate) fn listed(&mut self, id: &ConversationId) {
        self.before.remove(id);
        self.heard.remove(id);
        self.owed.insert(id.clone(), 0);
    }
}

impl Engine {
    /// Takes the end of a reset, which stands for everything in the inbox up to the cursor.
    pub(crate) fn positions_owed(&mut self, cursor: Seq) {
        // Whatever is known from before counts as read, applied or not: who comes back has read it.
        let mut left = std::mem::take(&mut self.positions.before);
        for (id, mut entries) in std::mem::take(&mut self.positions.heard) {
            let is_before = entries.split_off(&cursor.next()).is_empty();
            let last = entries.into_values().max().unwrap_or_default();
            match left.get_mut(&id) {
                Some(known) => *known = last.max(*known),
                None if is_before => drop(left.insert(id, last)),
                None => {}
            }
        }
        for (id, known) in left {
            self.left(&id, known);
        }
        let is_complete = self.positions.owed.is_empty();
        self.positions.stage = if is_complete { Stage::Complete } else { Stage::Due(self.now) };
    }

    /// Asks for the list, if that is due.
    pub(crate) fn ask_positions(&mut self) {
        if self.positions.due().is_some_and(|due| due <= self.now) {
            self.positions.stage = Stage::Flying;
            let id = self.requests.add(self.now, Purpose::Positions);
            let page = self.positions.page.clone();
            self.transmit(Conversations { page, ..Conversations::new(id) }.to_json());
        }
    }

    /// Takes a page of the list; one that does not come may be one that this server does not have.
    pub(crate) fn positions_answered(&mut self, outcome: Result<Listed, Problem>) {
        if self.positions.stage != Stage::Flying {
            return;
        }
        match outcome {
            Ok(listed) => {
                self.positions.failures = 0;
                self.positions_listed(&listed);
                self.positions.page.clone_from(&listed.page);
                if listed.page.is_none() {
                    // What was active meanwhile may have moved from a later page to an earlier one.
                    self.positions.owed.retain(|_, ends| {
                        *ends += 1;
                        *ends < limits::LISTS_MAX
                    });
                }
                let is_complete = self.positions.owed.is_empty();
                self.positions.stage =
                    if is_complete { Stage::Complete } else { Stage::Due(self.now) };
            }
            Err(problem) if is_final(&problem) => self.positions.stage = Stage::Complete,
            Err(problem) => {
                self.positions.failures = self.positions.failures.saturating_add(1);
                let due = self.later(self.positions.failures, problem.retry_after_ms);
                self.positions.stage = Stage::Due(due);
            }
        }
    }

    /// Lets a list that was not answered be asked for again.
    pub(crate) fn positions_unanswered(&mut self) {
        if self.positions.stage == Stage::Flying {
            self.positions.stage = Stage::Due(self.now);
        }
    }

    /// Learns the positions of a list, whoever asked for it.
    pub(crate) fn positions_listed(&mut self, listed: &Listed) {
        for row in &listed.conversations {
            let Ok(id) = ConversationId::parse(&row.conversation) else { continue };
            // A position that this device is about to tell counts as told by the answer alone: a
            // function that died on the way may have kept it, and told nobody.
            let wanted = self.readings.get(&id).and_then(|reading| reading.wanted);
            if let Some(read) = place(row.read).filter(|read| wanted != Some(*read)) {
                self.stands_read(&id, read);
            }
            self.positions.owed.remove(&id);
        }
    }
}
