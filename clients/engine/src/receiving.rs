//! What comes in: messages by push, by sync and by history, and the cursor that follows them.

use timeline::{ConversationId, Kind, Party, Seq, Timestamp};
use wire::{Marker, Message, Messages, Problem, Push, Synced, Tail};

use crate::engine::{Engine, is_final};
use crate::inbox::Sync;
use crate::input::Older;
use crate::limits;
use crate::output::{Change, Output};
use crate::record::Record;
use crate::requests::Purpose;
use crate::thread::{Page, Step, Thread, place};

impl Engine {
    /// Takes a pushed message, and what it says of own messages before it.
    pub(crate) fn pushed(&mut self, push: Push) {
        self.marked(&push.own);
        self.entered(push.message);
    }

    /// Takes the places of own messages in the inbox.
    pub(crate) fn marked(&mut self, own: &[Marker]) {
        for marker in own {
            let Ok(id) = ConversationId::parse(&marker.conversation) else { continue };
            match (&marker.kind, place(marker.q), place(marker.seq)) {
                (Some(kind), Some(q), Some(seq)) if kind == Kind::READ => {
                    self.stands_read(&id, seq);
                    self.inbox.note(q, &id, Seq::ZERO);
                }
                // What it says is not here; the gap lets a sync bring it.
                (Some(_), ..) | (None, _, None) | (None, None, _) => {}
                (None, Some(q), Some(seq)) => {
                    self.thread(&id, seq).learn(seq);
                    self.inbox.note(q, &id, seq);
                    self.touched.insert(id);
                }
            }
        }
    }

    /// Takes a message with its place in the inbox.
    fn entered(&mut self, message: Message) {
        let q = message.q.and_then(place);
        if Kind::CONTROLS.contains(&message.kind.as_str()) {
            return self.controlled(q, message);
        }
        if let Some(q) = q
            && self.is_void(q, &message)
        {
            return;
        }
        if let (Some((id, seq)), Some(q)) = (self.receive(message), q) {
            self.positions.heard(&id, q, seq);
            self.inbox.note(q, &id, seq);
        }
    }

    /// Whether an entry is of a group that the user had left when the inbox was reset: everything
    /// up to the reset was received since, or is of a conversation that it named.
    fn is_void(&self, q: Seq, message: &Message) -> bool {
        let id = ConversationId::parse(&message.conversation);
        let is_unknown = |id: &ConversationId| {
            matches!(id.party(), Party::Group(_)) && !self.threads.contains_key(id)
        };
        !self.inbox.is_reset() && q <= self.inbox.covered() && id.is_ok_and(|id| is_unknown(&id))
    }

    /// Takes what another device of this user did: it stands in no conversation, so the cursor may
    /// pass it at once.
    fn controlled(&mut self, q: Option<Seq>, message: Message) {
        let (Some(q), Ok(id)) = (q, ConversationId::parse(&message.conversation)) else { return };
        if let (true, Some(seq)) = (message.kind == Kind::READ, place(message.seq)) {
            self.stands_read(&id, seq);
        }
        if q > self.inbox.covered() {
            self.change(Change::Control(message));
        }
        self.inbox.note(q, &id, Seq::ZERO);
    }

    /// Takes a message, wherever it came from; its place, if it can be one.
    pub(crate) fn receive(&mut self, mut message: Message) -> Option<(ConversationId, Seq)> {
        let id = ConversationId::parse(&message.conversation).ok()?;
        let seq = place(message.seq)?;
        self.sized(&id, &message);
        self.sighted(&id, seq, &message);
        message.q = None;
        self.thread(&id, seq).receive(seq, message);
        self.touched.insert(id.clone());
        Some((id, seq))
    }

    /// Takes the answer to a sync.
    pub(crate) fn synced(&mut self, synced: Synced) {
        let bounded = |number| Seq::new(number).filter(|seq| *seq < Seq::MAX);
        let (Some(cursor), Some(tail)) = (bounded(synced.cursor), bounded(synced.tail)) else {
            return self.sync_failed(None);
        };
        self.connection.works();
        self.large.answered();
        self.focuses.seen(synced.seen, self.now);
        if self.inbox.seen != Some(synced.seen) {
            self.inbox.seen = Some(synced.seen);
            self.persist(Record::Seen { at: synced.seen });
        }
        if synced.reset {
            return self.reset(cursor, &synced);
        }
        let before = self.inbox.covered();
        for message in synced.entries {
            self.entered(message);
        }
        for listed in &synced.conversations {
            if let Some((id, tail)) = self.listed(listed) {
                self.learn(&id, tail);
            }
        }
        if !synced.more && self.inbox.covered() >= tail {
            self.inbox.synced = true;
            self.inbox.failures = 0;
            self.inbox.sync = Sync::Due(self.next_sync());
        } else if self.inbox.covered() > before {
            self.inbox.failures = 0;
            self.inbox.sync = Sync::Due(self.now);
        } else {
            self.sync_failed(None);
        }
    }

    /// When the next sync is made, now that the inbox is read: at once while tails are left to ask
    /// for, otherwise as the keep-alive.
    fn next_sync(&self) -> Timestamp {
        if !self.large.is_at_rest() {
            return self.now;
        }
        let keep_alive = self.now.plus(limits::KEEP_ALIVE_MS);
        self.large.next_round().map_or(keep_alive, |round| round.min(keep_alive))
    }

    /// Lets a sync that was refused, or brought nothing of what it promised, be made again later.
    pub(crate) fn sync_failed(&mut self, asked_ms: Option<u64>) {
        self.inbox.failures = self.inbox.failures.saturating_add(1);
        self.inbox.sync = Sync::Due(self.later(self.inbox.failures, asked_ms));
    }

    /// Makes the sync that is due.
    pub(crate) fn sync(&mut self) {
        if matches!(self.inbox.sync, Sync::Due(due) if due <= self.now) {
            let id = self.requests.add(self.now, Purpose::Sync);
            self.inbox.sync = Sync::Flying;
            if !self.inbox.is_listing() {
                self.positions.note(self.threads.iter());
            }
            let mut sync = self.inbox.request(id);
            if self.inbox.is_reset() {
                self.large.name_none();
            } else {
                for group in self.large.name(self.now) {
                    let applied = self.threads.get(group).map(Thread::applied).unwrap_or_default();
                    sync.tails.insert(group.as_str().to_owned(), applied.number());
                }
            }
            self.transmit(sync.to_json());
        }
    }

    /// Takes a part of a hole.
    pub(crate) fn filled(&mut self, id: ConversationId, to: Seq, messages: Messages) {
        let page = self.page(&id, to, messages);
        let Some(thread) = self.threads.get_mut(&id) else { return };
        let progress = thread.filled(page);
        let failures = thread.failures();
        let due = if progress { self.now } else { self.later(failures, None) };
        if let Some(thread) = self.threads.get_mut(&id) {
            thread.unanswered(due);
        }
        self.touched.insert(id);
    }

    /// Takes the refusal of a part of a conversation: what may not be read is passed over.
    pub(crate) fn fill_refused(&mut self, id: ConversationId, to: Seq, problem: &Problem) {
        let later = self.later(1, problem.retry_after_ms);
        let Some(thread) = self.threads.get_mut(&id) else { return };
        let is_missing = thread.applied() < to;
        let due = if is_final(problem) {
            thread.skip(to);
            self.now
        } else {
            later
        };
        thread.unanswered(due);
        if is_missing {
            self.shut_out(&id, to, problem);
        }
        self.touched.insert(id);
    }

    /// Whether another hole may be filled now.
    pub(crate) fn may_fill(&self) -> bool {
        self.requests.fills() < limits::FILLS_MAX
    }

    /// Asks for the holes that are due.
    pub(crate) fn fill(&mut self) {
        while self.may_fill() {
            let due = self.fills().filter(|(due, _)| *due <= self.now).min();
            let Some(id) = due.map(|(_, id)| id.clone()) else { break };
            let Some(thread) = self.threads.get_mut(&id) else { break };
            let (first, last) = thread.hole();
            thread.asked();
            self.ask_range(Purpose::Fill(id.clone(), last), &id, first, last);
        }
    }

    /// Asks for a range of a conversation; in a search, for one's own messages there.
    pub(crate) fn ask_range(
        &mut self,
        purpose: Purpose,
        id: &ConversationId,
        first: Seq,
        last: Seq,
    ) {
        let is_search = matches!(purpose, Purpose::Search(..));
        let request = self.requests.add(self.now, purpose);
        let mut history = wire::History::new(request, id.as_str().to_owned());
        history.range = Some((first.number(), last.number()));
        history.own = is_search;
        self.transmit(history.to_json());
    }

    /// Reads a page of a conversation, without what cannot be part of it.
    pub(crate) fn page(&self, id: &ConversationId, to: Seq, messages: Messages) -> Page {
        let is_asked = |seq: &Seq| *seq <= to;
        let taken = messages.messages.into_iter().filter_map(|mut message| {
            message.q = None;
            let seq = place(message.seq).filter(is_asked)?;
            (message.conversation == id.as_str()).then_some((seq, message))
        });
        Page {
            to,
            messages: taken.collect(),
            missing: messages.missing.into_iter().filter_map(place).filter(is_asked).collect(),
            first: place(messages.first).unwrap_or(Seq::FIRST),
            last: Seq::new(messages.last).unwrap_or_default(),
        }
    }

    /// Applies whatever is next, conversation by conversation, and lets the cursor follow.
    pub(crate) fn apply(&mut self) {
        for id in std::mem::take(&mut self.touched) {
            self.apply_thread(&id);
        }
        let threads = &self.threads;
        let applied =
            |id: &ConversationId| threads.get(id).map(Thread::applied).unwrap_or_default();
        if let Some(q) = self.inbox.advance(!self.positions.is_complete(), applied) {
            self.persist(Record::Cursor { q });
        }
        if self.inbox.has_gap() {
            self.inbox.ask(self.now.plus(limits::HOLE_WAIT_MS));
        }
    }

    fn apply_thread(&mut self, id: &ConversationId) {
        let Some(thread) = self.threads.get_mut(id) else { return };
        let mut steps = Vec::new();
        while let Some(step) = thread.advance() {
            steps.push(step);
        }
        thread.ask(self.now.plus(limits::HOLE_WAIT_MS));
        if thread.known() > thread.applied() {
            self.holes.insert(id.clone());
        } else {
            self.holes.remove(id);
        }
        for step in steps {
            match step {
                Step::Message(message) => {
                    self.sized(id, &message);
                    self.moved(id, &message);
                    // A position that it brings is not lost with what comes after.
                    self.counted(id, Seq::new(message.seq).unwrap_or_default(), &message);
                    self.persist(Record::Applied(message.clone()));
                    self.put(Output::Changed(Change::Message(message)));
                }
                Step::Reached(seq) => {
                    self.persist(Record::Reached { conversation: id.clone(), seq });
                }
            }
        }
    }

    /// Takes a page of a reset: all conversations of this user, which are then compared.
    fn reset(&mut self, cursor: Seq, synced: &Synced) {
        if !self.inbox.is_listing() {
            self.positions.begin();
        }
        let end = self.inbox.reset(cursor, synced.page.clone());
        self.inbox.failures = 0;
        self.inbox.sync = Sync::Due(self.now);
        for listed in &synced.conversations {
            let Some((id, tail)) = self.listed(listed) else { continue };
            self.large.listed(&id);
            self.positions.listed(&id);
            if !self.threads.contains_key(&id) && self.options.older == Older::OnDemand {
                self.begin(&id, tail);
            }
            self.learn(&id, tail);
            self.inbox.target(&id, tail);
        }
        if let Some(end) = end {
            self.positions_owed(end);
        }
    }

    /// Reads a conversation and its tail, and whether it is a large group.
    fn listed(&mut self, listed: &Tail) -> Option<(ConversationId, Seq)> {
        let id = ConversationId::parse(&listed.conversation).ok()?;
        let tail = place(listed.tail)?;
        if listed.large {
            self.became_large(&id);
        }
        Some((id, tail))
    }

    /// Lets a conversation of which nothing is known begin at its first message.
    pub(crate) fn know(&mut self, id: &ConversationId) {
        self.threads.entry(id.clone()).or_insert_with(|| Thread::new(Seq::ZERO));
    }

    /// Learns of a message that nobody is going to push any more.
    pub(crate) fn learn(&mut self, id: &ConversationId, tail: Seq) {
        let now = self.now;
        let thread = self.thread(id, tail);
        thread.learn(tail);
        thread.ask(now);
        self.touched.insert(id.clone());
    }

    /// The conversation; a new one begins so that `seen` and what it may have overtaken are read.
    fn thread(&mut self, id: &ConversationId, seen: Seq) -> &mut Thread {
        if !self.threads.contains_key(id) {
            let below = match self.options.older {
                Older::Backfill => 0,
                Older::OnDemand => seen.previous().number().saturating_sub(limits::LOOK_BACK),
            };
            self.begin(id, Seq::new(below).unwrap_or_default());
        }
        self.threads.entry(id.clone()).or_insert_with(|| Thread::new(Seq::ZERO))
    }

    /// Lets a conversation begin after a sequence.
    fn begin(&mut self, id: &ConversationId, after: Seq) {
        self.threads.insert(id.clone(), Thread::new(after));
        if after > Seq::ZERO {
            self.persist(Record::Reached { conversation: id.clone(), seq: after });
        }
    }
}
