//! What the host asks for and the engine only carries: pages of history and of conversations,
//! groups, receipts, searches, and messages taken back.

use serde_json::value::RawValue;
use timeline::exchange::Part;
use timeline::{ConversationId, MessageId, Seq};
use wire::{
    Conversations, ErrorCode, Group, Grouped, History, Problem, Readers, Recall, Receipts, Search,
    Sent,
};

use crate::engine::{Engine, is_final, read};
use crate::input::{Older, Query};
use crate::output::{Change, Found};
use crate::requests::{Errand, Purpose, Question};
use crate::thread::{Thread, place};

impl Engine {
    /// Takes the wish for a page.
    pub(crate) fn fetch(
        &mut self,
        ticket: u64,
        id: &ConversationId,
        part: Part,
        limit: Option<u64>,
    ) {
        let mut history = History::new(String::new(), id.as_str().to_owned());
        history.limit = limit;
        match part {
            Part::Newest => {}
            Part::Before(seq) => history.before = Some(seq.number()),
            Part::After(seq) => history.after = Some(seq.number()),
            Part::Between(first, last) => history.range = Some((first.number(), last.number())),
            Part::Own(first, last) => {
                history.range = Some((first.number(), last.number()));
                history.own = true;
            }
            Part::Listed(seqs) => {
                history.seqs = Some(seqs.into_iter().map(Seq::number).collect());
            }
        }
        self.errand(ticket, Question::Page(history));
    }

    /// Takes a request about a group, unless the server would refuse it as it stands.
    pub(crate) fn group(&mut self, ticket: u64, request: Box<Group>) {
        match checked(&request) {
            Ok(()) => self.errand(ticket, Question::Group(request)),
            Err(problem) => self.change(Change::Grouped { ticket, outcome: Err(problem) }),
        }
    }

    /// Takes the wish for a page of the user's conversations.
    pub(crate) fn conversations(&mut self, ticket: u64, limit: Option<u64>, page: Option<String>) {
        let list = Conversations { limit, page, ..Conversations::new(String::new()) };
        self.errand(ticket, Question::Conversations(list));
    }

    /// Takes the question who has read a message, or how far everyone has.
    pub(crate) fn receipts(
        &mut self,
        ticket: u64,
        id: &ConversationId,
        seq: Option<Seq>,
        page: Option<String>,
    ) {
        let receipts = Receipts::new(String::new(), id.as_str().to_owned());
        let receipts = Receipts { seq: seq.map(Seq::number), page, ..receipts };
        self.errand(ticket, Question::Receipts(receipts));
    }

    /// Takes the wish for a page of messages that say something, unless the server would refuse it
    /// as it stands.
    pub(crate) fn query(&mut self, ticket: u64, query: Box<Query>) {
        let question = Question::Search(query);
        match Search::parse(&question.frame("1".to_owned())) {
            Ok(_) => self.errand(ticket, question),
            Err(refusal) => {
                self.change(Change::Searched { ticket, outcome: Err(refusal.problem) });
            }
        }
    }

    /// Takes the wish to take a message back, or to change it, unless the server would refuse it as
    /// it stands. Its base is the same at every attempt.
    pub(crate) fn recall(
        &mut self,
        ticket: u64,
        id: &ConversationId,
        seq: Seq,
        cid: MessageId,
        body: Option<Box<RawValue>>,
    ) {
        let recall =
            Recall::new("1".to_owned(), id.as_str().to_owned(), seq.number(), cid.to_string());
        let known = self.threads.get(id).map(Thread::known).unwrap_or_default();
        let recall = Recall { base: Some(known.number()), body, ..recall };
        match Recall::parse(&recall.to_json()) {
            Ok(_) => self.errand(ticket, Question::Recall(recall)),
            Err(refusal) => {
                self.change(Change::Recalled { ticket, outcome: Err(refusal.problem) });
            }
        }
    }

    /// Makes the requests that are due.
    pub(crate) fn run_errands(&mut self) {
        for errand in std::mem::take(&mut self.errands) {
            if errand.due > self.now {
                self.errands.push(errand);
                continue;
            }
            let question = errand.question.clone();
            let id = self.requests.add(self.now, Purpose::Errand(Box::new(errand)));
            self.transmit(question.frame(id));
        }
    }

    /// Takes the answer to one.
    pub(crate) fn errand_answered(
        &mut self,
        errand: Errand,
        outcome: Result<Box<RawValue>, Problem>,
    ) {
        let ticket = errand.ticket;
        match &errand.question {
            Question::Page(_) => match read(outcome) {
                Err(problem) if !is_final(&problem) => self.errand_again(errand, &problem),
                outcome => self.change(Change::Fetched { ticket, outcome }),
            },
            Question::Group(group) => match read(outcome) {
                Err(problem) if !is_final(&problem) => self.errand_again(errand, &problem),
                outcome => {
                    if let Ok(grouped) = &outcome {
                        self.grouped(&group.op, grouped);
                    }
                    self.change(Change::Grouped { ticket, outcome });
                }
            },
            Question::Conversations(_) => match read(outcome) {
                Err(problem) if !is_final(&problem) => self.errand_again(errand, &problem),
                outcome => {
                    if let Ok(listed) = &outcome {
                        self.positions_listed(listed);
                    }
                    self.change(Change::Conversations { ticket, outcome });
                }
            },
            Question::Receipts(receipts) => match read(outcome) {
                Err(problem) if !is_final(&problem) => self.errand_again(errand, &problem),
                outcome => {
                    if let Ok(readers) = &outcome {
                        self.receipted(receipts, readers);
                    }
                    self.change(Change::Receipts { ticket, outcome });
                }
            },
            Question::Search(_) => match read(outcome) {
                Err(problem) if !is_final(&problem) => self.errand_again(errand, &problem),
                outcome => {
                    self.change(Change::Searched { ticket, outcome: outcome.map(Found) });
                }
            },
            Question::Recall(_) => match read(outcome) {
                Err(problem) if !is_final(&problem) => self.errand_again(errand, &problem),
                outcome => {
                    if let Ok(sent) = &outcome {
                        self.recalled(sent);
                    }
                    self.change(Change::Recalled { ticket, outcome });
                }
            },
        }
    }

    fn recalled(&mut self, sent: &Sent) {
        self.marked(&sent.own);
        // The event is pushed to everyone but this device.
        if let (Ok(id), Some(seq)) = (ConversationId::parse(&sent.conversation), place(sent.seq)) {
            self.learn(&id, seq);
        }
    }

    /// Learns from receipts how far anybody else has read.
    fn receipted(&mut self, receipts: &Receipts, readers: &Readers) {
        for reader in &readers.readers {
            self.read_by_other(&receipts.conversation, &reader.user, reader.seq);
        }
    }

    fn errand(&mut self, ticket: u64, question: Question) {
        self.errands.push(Errand { ticket, question, failures: 0, due: self.now });
    }

    fn errand_again(&mut self, mut errand: Errand, problem: &Problem) {
        errand.failures = errand.failures.saturating_add(1);
        errand.due = self.later(errand.failures, problem.retry_after_ms);
        self.errands.push(errand);
    }

    /// Learns what an answer says of the group.
    fn grouped(&mut self, op: &str, grouped: &Grouped) {
        let Ok(id) = ConversationId::parse(&grouped.conversation) else { return };
        if grouped.large && op != "leave" {
            self.became_large(&id);
        }
        // A new group begins here. One that was joined does too where everything is read; otherwise
        // it begins with the event of the joining, whose place the answer does not say.
        if op == "create" || (op == "join" && self.options.older == Older::Backfill) {
            self.know(&id);
        }
    }
}

/// Whether the server would take it, and a repetition for the same.
fn checked(request: &Group) -> Result<(), Problem> {
    if request.op == "create" && request.cid.is_none() {
        let message = "a create that may be repeated has a cid";
        return Err(Problem::new(ErrorCode::Invalid, message));
    }
    let frame = Group { id: "1".to_owned(), ..request.clone() }.to_json();
    match Group::parse(&frame, MessageId::from_bytes([0; 16])) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(refusal.problem),
    }
}
