//! How one conversation is received: strictly in order, each message once.

use std::collections::{BTreeMap, BTreeSet};

use timeline::{Seq, Timestamp};
use wire::Message;

/// A place that a message or an inbox entry can have; a server that says otherwise is not believed.
pub(crate) fn place(number: u64) -> Option<Seq> {
    Seq::new(number).filter(|seq| (Seq::FIRST..Seq::MAX).contains(seq))
}

/// One conversation, as far as this device has applied it.
#[derive(Debug)]
pub(crate) struct Thread {
    /// Everything up to here is applied.
    applied: Seq,
    /// The newest message that is known to exist.
    known: Seq,
    /// Up to here, what is neither early nor applied does not come any more.
    skipped: Seq,
    /// Messages that came before their turn.
    early: BTreeMap<Seq, Message>,
    /// Sequences after `applied` that have no live message.
    void: BTreeSet<Seq>,
    fill: Fill,
    /// How many fills in a row brought nothing.
    failures: u32,
}

/// What happens about the hole after the last applied message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// There is no hole.
    Complete,
    /// It is asked for at this time.
    Due(Timestamp),
    /// It was asked for.
    Flying,
}

/// What is next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A message to be applied.
    Message(Message),
    /// Nothing to show up to here.
    Reached(Seq),
}

/// A part of a conversation as `history` gave it.
#[derive(Debug)]
pub(crate) struct Page {
    /// The last sequence that was asked for.
    pub(crate) to: Seq,
    /// The live messages.
    pub(crate) messages: Vec<(Seq, Message)>,
    /// Where no live message is.
    pub(crate) missing: Vec<Seq>,
    /// The first sequence that this user may see.
    pub(crate) first: Seq,
    /// The newest sequence.
    pub(crate) last: Seq,
}

impl Thread {
    /// A conversation that is applied up to here.
    pub(crate) fn new(applied: Seq) -> Self {
        Self {
            applied,
            known: applied,
            skipped: applied,
            early: BTreeMap::new(),
            void: BTreeSet::new(),
            fill: Fill::Complete,
            failures: 0,
        }
    }

    /// Everything up to here is applied.
    pub(crate) fn applied(&self) -> Seq {
        self.applied
    }

    /// The newest message that is known to exist.
    pub(crate) fn known(&self) -> Seq {
        self.known
    }

    /// What happens about the hole.
    pub(crate) fn fill(&self) -> Fill {
        self.fill
    }

    /// How many fills in a row brought nothing.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Takes a message, wherever it came from; whether it is new.
    pub(crate) fn receive(&mut self, seq: Seq, message: Message) -> bool {
        if seq <= self.applied || self.early.contains_key(&seq) {
            return false;
        }
        self.known = seq.max(self.known);
        self.early.insert(seq, message);
        true
    }

    /// Learns that a message exists; the holes below are asked for by [`Thread::ask`].
    pub(crate) fn learn(&mut self, seq: Seq) {
        self.known = seq.max(self.known);
    }

    /// Lets the hole, if there is one, be asked for at `due`, unless that happens earlier anyway.
    pub(crate) fn ask(&mut self, due: Timestamp) {
        self.fill = match self.fill {
            _ if self.known <= self.applied => Fill::Complete,
            Fill::Complete => Fill::Due(due),
            Fill::Due(earlier) => Fill::Due(due.min(earlier)),
            Fill::Flying => Fill::Flying,
        };
    }

    /// The next step in order, if it is there.
    pub(crate) fn advance(&mut self) -> Option<Step> {
        let start = self.applied;
        self.pass_void();
        let step = if self.applied > start {
            Some(Step::Reached(self.applied))
        } else {
            let next = self.applied.next();
            self.early.remove(&next).map(|message| {
                self.applied = next;
                Step::Message(message)
            })
        };
        if self.known <= self.applied {
            self.fill = Fill::Complete;
        }
        step
    }

    /// The hole: its first and its last sequence.
    pub(crate) fn hole(&self) -> (Seq, Seq) {
        let last = self.early.keys().next().map_or(self.known, |early| early.previous());
        (self.applied.next(), last)
    }

    /// Remembers that the hole was asked for.
    pub(crate) fn asked(&mut self) {
        self.fill = Fill::Flying;
    }

    /// Gives up waiting for an answer; the hole is asked for again at `due`.
    pub(crate) fn unanswered(&mut self, due: Timestamp) {
        self.fill = Fill::Complete;
        self.ask(due);
    }

    /// Takes a page of the hole; whether it brought anything.
    pub(crate) fn filled(&mut self, page: Page) -> bool {
        let mut progress = false;
        if page.first > self.applied.next() {
            let skipped = page.first.previous().min(page.to);
            progress |= skipped > self.skipped;
            self.skipped = skipped.max(self.skipped);
        }
        for (seq, message) in page.messages {
            progress |= self.receive(seq, message);
        }
        for seq in page.missing {
            progress |= seq > self.applied && self.void.insert(seq);
        }
        // An answer from before something was promised says nothing of it.
        let was_asked = page.to >= self.known;
        if !progress && self.early.is_empty() && page.last <= self.applied && was_asked {
            // The server does not know of what was promised: its log went back.
            self.known = self.applied;
        }
        self.failures = if progress { 0 } else { self.failures.saturating_add(1) };
        progress
    }

    /// Gives up on everything that is missing up to here: it may not be read.
    pub(crate) fn skip(&mut self, to: Seq) {
        self.skipped = to.min(self.known).max(self.skipped);
    }

    /// Goes back to `seq`: what came after it is void.
    pub(crate) fn restart(&mut self, seq: Seq) {
        *self = Self::new(seq);
    }

    /// Passes over what has no live message.
    fn pass_void(&mut self) {
        loop {
            let next = self.applied.next();
            if self.early.contains_key(&next) {
                break;
            } else if self.void.remove(&next) {
                self.applied = next;
            } else if next <= self.skipped {
                let early = self.early.keys().next().map(|early| early.previous());
                self.applied = early.map_or(self.skipped, |early| early.min(self.skipped));
                self.void = self.void.split_off(&self.applied.next());
            } else {
                break;
            }
        }
        self.known = self.known.max(self.applied);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(number: u64) -> Seq {
        Seq::new(number).unwrap()
    }

    fn message(number: u64) -> Message {
        let body = wire::message::text_body("x");
        Message {
            q: None,
            conversation: "d~al~bo".into(),
            seq: number,
            cid: "01935b2e-7c1a-7def-8123-456789abcdef".into(),
            from: "al".into(),
            at: 1,
            kind: "text".into(),
            large: false,
            target: None,
            edited: None,
            body: Some(body),
        }
    }

    fn receive(thread: &mut Thread, numbers: &[u64]) {
        for number in numbers {
            thread.receive(seq(*number), message(*number));
        }
    }

    #[test]
    fn an_answer_from_before_a_promise_does_not_break_it() {
        let mut thread = Thread::new(seq(4));
        let page = |to| Page {
            to: seq(to),
            messages: Vec::new(),
            missing: Vec::new(),
            first: seq(1),
            last: seq(4),
        };
        thread.learn(seq(5));
        thread.filled(page(4));
        assert_eq!(thread.known(), seq(5));
        // Asked for what was promised, the server does not know of it.
        thread.filled(page(5));
        assert_eq!(thread.known(), seq(4));
    }

    /// What is applied next, as text: `3` for a message, `..3` for nothing to show up to there.
    fn steps(thread: &mut Thread) -> String {
        let mut steps = Vec::new();
        while let Some(step) = thread.advance() {
            steps.push(match step {
                Step::Message(message) => message.seq.to_string(),
                Step::Reached(seq) => format!("..{seq}"),
            });
        }
        steps.join(" ")
    }

    fn page(first: u64, to: u64, messages: &[u64], missing: &[u64]) -> Page {
        Page {
            to: seq(to),
            messages: messages.iter().map(|number| (seq(*number), message(*number))).collect(),
            missing: missing.iter().copied().map(seq).collect(),
            first: seq(first),
            last: seq(to),
        }
    }

    #[test]
    fn messages_are_applied_in_order_and_each_once() {
        let mut thread = Thread::new(Seq::ZERO);
        receive(&mut thread, &[1, 3, 3, 1]);
        assert_eq!(steps(&mut thread), "1");
        receive(&mut thread, &[4, 2, 3]);
        assert_eq!(steps(&mut thread), "2 3 4");
        receive(&mut thread, &[1, 2, 3, 4]);
        assert_eq!(steps(&mut thread), "");
    }

    #[test]
    fn a_hole_reaches_from_the_first_missing_to_what_came_early() {
        let mut thread = Thread::new(seq(4));
        receive(&mut thread, &[8, 9]);
        assert_eq!(thread.hole(), (seq(5), seq(7)));
        thread.ask(Timestamp(150));
        thread.ask(Timestamp(900));
        assert_eq!(thread.fill(), Fill::Due(Timestamp(150)));
        receive(&mut thread, &[7, 6, 5]);
        assert_eq!(steps(&mut thread), "5 6 7 8 9");
        assert_eq!(thread.fill(), Fill::Complete);
    }

    #[test]
    fn withdrawn_messages_and_those_before_joining_count_as_applied() {
        let mut thread = Thread::new(Seq::ZERO);
        receive(&mut thread, &[9]);
        assert!(thread.filled(page(5, 8, &[5, 8], &[6, 7])));
        assert_eq!(steps(&mut thread), "..4 5 ..7 8 9");
    }

    #[test]
    fn what_may_not_be_read_is_passed_over() {
        let mut thread = Thread::new(seq(2));
        receive(&mut thread, &[5]);
        thread.learn(seq(7));
        thread.skip(seq(4));
        assert_eq!(steps(&mut thread), "..4 5");
        thread.skip(seq(9));
        assert_eq!(steps(&mut thread), "..7");
    }

    #[test]
    fn a_fill_that_brings_nothing_is_counted() {
        let mut thread = Thread::new(seq(2));
        receive(&mut thread, &[5]);
        assert!(!thread.filled(page(1, 4, &[], &[])));
        assert!(!thread.filled(page(1, 4, &[], &[])));
        assert_eq!((thread.failures(), steps(&mut thread).as_str()), (2, ""));
        assert!(thread.filled(page(1, 4, &[3, 4], &[])));
        assert_eq!((thread.failures(), steps(&mut thread).as_str()), (0, "3 4 5"));
    }

    #[test]
    fn a_tail_that_the_server_takes_back_is_no_hole() {
        let mut thread = Thread::new(seq(4));
        thread.learn(seq(9));
        assert!(!thread.filled(Page { last: seq(4), ..page(1, 9, &[], &[]) }));
        thread.unanswered(Timestamp(1));
        assert_eq!(thread.fill(), Fill::Complete);
    }
}
