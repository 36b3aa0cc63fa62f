//! What goes out: each message until it is kept or refused for good, with one id and one base.
//!
//! A lost answer leaves a message that may or may not be kept. Repeating it with the same id lets
//! the server find the first attempt; the base, fixed before that attempt, tells it from where to
//! look.

use std::collections::BTreeSet;

use timeline::exchange::Destination;
use timeline::{ConversationId, MessageId, Seq, Timestamp};
use wire::{ErrorCode, Message, Messages, Problem, Sent};

use crate::engine::{Engine, is_final};
use crate::input::Draft;
use crate::outbox::{Item, Search, Stage};
use crate::output::{Acked, Change};
use crate::record::{Queued, Record};
use crate::requests::Purpose;
use crate::thread::{Page, Thread, place};

impl Engine {
    /// Puts a message in the outbox, unless the server would refuse it as it stands.
    pub(crate) fn compose(&mut self, draft: Draft) {
        let cid = draft.cid;
        match self.queue(draft) {
            Ok(Some(queued)) => {
                self.persist(Record::Queued(queued.clone()));
                self.outbox.push(queued);
            }
            Ok(None) => {}
            Err(problem) => self.change(Change::Failed { cid, problem }),
        }
    }

    /// Transmits what is due, or looks for its earlier attempt.
    pub(crate) fn send(&mut self) {
        let is_due = |item: &&Item| item.due().is_some_and(|due| due <= self.now);
        let due: Vec<(ConversationId, MessageId)> = self
            .outbox
            .heads()
            .filter(is_due)
            .map(|item| (item.queued.conversation.clone(), item.queued.cid))
            .collect();
        for (id, cid) in due {
            let Some(item) = self.outbox.find(&id, cid) else { continue };
            if let Stage::Search(search) = &mut item.stage {
                search.due = None;
                let (first, last) = (search.inspected.next(), search.tail);
                self.ask_range(Purpose::Search(id.clone(), cid, last), &id, first, last);
            } else {
                item.stage = Stage::Flying;
                item.attempts = item.attempts.saturating_add(1);
                let mut frame = frame(&item.queued);
                frame.id = self.requests.add(self.now, Purpose::Send(id, cid));
                self.transmit(frame.to_json());
            }
        }
    }

    /// Takes the ack of a message.
    pub(crate) fn kept(&mut self, id: &ConversationId, cid: MessageId, sent: &Sent) {
        // An ack that names no place in this conversation is no ack; the message is repeated.
        if let Some(seq) = place(sent.seq)
            && sent.conversation == id.as_str()
        {
            let acked = Acked {
                cid,
                conversation: id.clone(),
                seq,
                at: Timestamp(sent.at),
                duplicate: sent.duplicate,
            };
            self.settle(acked);
            self.marked(&sent.own);
        }
    }

    /// Takes a message that came back by sync or history as the ack it is.
    pub(crate) fn sighted(&mut self, id: &ConversationId, seq: Seq, message: &Message) {
        if message.from != self.user.as_str() {
            return;
        }
        let Ok(cid) = MessageId::parse(&message.cid) else { return };
        if let Some(item) = self.outbox.find(id, cid) {
            let duplicate = item.attempts > 1;
            let (conversation, at) = (id.clone(), Timestamp(message.at));
            self.settle(Acked { cid, conversation, seq, at, duplicate });
        }
    }

    /// Takes the refusal of a message.
    pub(crate) fn send_refused(&mut self, id: &ConversationId, cid: MessageId, problem: Problem) {
        let Some(item) = self.outbox.find(id, cid) else { return };
        let base = item.queued.base;
        let is_flying = item.stage == Stage::Flying;
        if matches!(item.stage, Stage::Search(_)) {
            // An answer to an attempt before the search.
            return;
        }
        let tail = problem.tail.and_then(Seq::new);
        match (problem.error_code(), tail) {
            (Some(ErrorCode::StaleBase), Some(tail)) if base < tail && tail < Seq::MAX => {
                let search = Search { inspected: base, tail, due: Some(self.now) };
                item.stage = Stage::Search(search);
            }
            (Some(ErrorCode::BaseAhead), Some(tail)) if tail < base => self.restart(id, tail),
            (Some(ErrorCode::StaleBase | ErrorCode::BaseAhead | ErrorCode::Malformed), _) => {
                self.retry(id, cid, &problem);
            }
            (_, _) if problem.code != 400 && is_final(&problem) => self.fail(id, cid, problem),
            (_, _) if is_flying => self.retry(id, cid, &problem),
            (_, _) => {}
        }
    }

    /// Lets a message whose ack did not come be transmitted again.
    pub(crate) fn send_unanswered(&mut self, id: &ConversationId, cid: MessageId) {
        let lost = Problem::new(ErrorCode::Internal, "no answer");
        self.retry(id, cid, &lost);
    }

    /// Takes a part of the conversation that may hide an earlier attempt.
    pub(crate) fn searched(
        &mut self,
        id: &ConversationId,
        cid: MessageId,
        to: Seq,
        messages: Messages,
    ) {
        let page = self.page(id, to, messages);
        let found = page.messages.iter().find(|(_, message)| {
            message.from == self.user.as_str() && message.cid == cid.to_string()
        });
        if let Some((seq, message)) = found {
            let (seq, at) = (*seq, Timestamp(message.at));
            let conversation = id.clone();
            return self.settle(Acked { cid, conversation, seq, at, duplicate: true });
        }
        let Some(item) = self.outbox.find(id, cid) else { return };
        let Stage::Search(search) = &mut item.stage else { return };
        let inspected = inspected(search.inspected, &page);
        if inspected == search.inspected {
            item.failures = item.failures.saturating_add(1);
            let failures = item.failures;
            let due = self.later(failures, None);
            self.search_again(id, cid, due);
        } else if inspected < search.tail {
            search.inspected = inspected;
            search.due = Some(self.now);
        } else {
            item.queued.base = inspected;
            item.stage = Stage::Ready(self.now);
            let queued = item.queued.clone();
            self.persist(Record::Queued(queued));
        }
    }

    /// Takes the refusal of a part of the conversation.
    pub(crate) fn search_refused(&mut self, id: &ConversationId, cid: MessageId, problem: Problem) {
        if is_final(&problem) {
            return self.fail(id, cid, problem);
        }
        let Some(item) = self.outbox.find(id, cid) else { return };
        item.failures = item.failures.saturating_add(1);
        let failures = item.failures;
        let due = self.later(failures, problem.retry_after_ms);
        self.search_again(id, cid, due);
    }

    /// Lets the search go on at `due`.
    pub(crate) fn search_again(&mut self, id: &ConversationId, cid: MessageId, due: Timestamp) {
        if let Some(Item { stage: Stage::Search(search), .. }) = self.outbox.find(id, cid) {
            search.due = Some(due);
        }
    }

    /// Makes what is queued of a draft, with its base; nothing if it is queued already.
    fn queue(&mut self, draft: Draft) -> Result<Option<Queued>, Problem> {
        let (conversation, to) = match draft.destination {
            Destination::Conversation(id) => (id, None),
            Destination::Person(user) => (ConversationId::direct(&self.user, &user)?, Some(user)),
        };
        if self.outbox.find(&conversation, draft.cid).is_some() {
            return Ok(None);
        }
        let base = self.threads.get(&conversation).map(Thread::known).unwrap_or_default();
        let Draft { cid, kind, body, .. } = draft;
        let queued = Queued { conversation, to, cid, base, kind, body };
        // By the server's own rules.
        let mut frame = frame(&queued);
        frame.id = "1".to_owned();
        match wire::Send::parse(&frame.to_json()) {
            Ok(_) => Ok(Some(queued)),
            Err(refusal) => Err(refusal.problem),
        }
    }

    /// Takes a message that is kept out of the outbox, and applies it in its place.
    fn settle(&mut self, acked: Acked) {
        let Some(item) = self.outbox.remove(&acked.conversation, acked.cid) else { return };
        self.requests.settled(acked.cid);
        self.persist(Record::Settled { cid: acked.cid });
        let message = Message {
            q: None,
            conversation: acked.conversation.as_str().to_owned(),
            seq: acked.seq.number(),
            cid: acked.cid.to_string(),
            from: self.user.as_str().to_owned(),
            at: acked.at.0,
            kind: item.queued.kind.as_str().to_owned(),
            large: self.large.contains(&acked.conversation),
            target: None,
            edited: None,
            body: Some(item.queued.body),
        };
        self.change(Change::Acked(acked));
        self.receive(message);
    }

    /// Gives a message up. It is told before it is forgotten: a process that dies between the two
    /// tells it again.
    fn fail(&mut self, id: &ConversationId, cid: MessageId, problem: Problem) {
        if self.outbox.remove(id, cid).is_some() {
            self.requests.settled(cid);
            self.change(Change::Failed { cid, problem });
            self.persist(Record::Settled { cid });
        }
    }

    /// Lets a message in flight be transmitted again after a wait.
    fn retry(&mut self, id: &ConversationId, cid: MessageId, problem: &Problem) {
        let Some(item) = self.outbox.find(id, cid) else { return };
        if item.stage == Stage::Flying {
            item.failures = item.failures.saturating_add(1);
            let failures = item.failures;
            let due = self.later(failures, problem.retry_after_ms);
            if let Some(item) = self.outbox.find(id, cid) {
                item.stage = Stage::Ready(due);
            }
        }
    }

    /// Goes back to the server's tail: its log was restored, what came after is void.
    fn restart(&mut self, id: &ConversationId, tail: Seq) {
        if let Some(thread) = self.threads.get_mut(id)
            && tail < thread.known()
        {
            let is_shown = tail < thread.applied();
            thread.restart(tail.min(thread.applied()));
            self.touched.insert(id.clone());
            if is_shown {
                if let Some(reading) = self.readings.get_mut(id) {
                    reading.restart(tail);
                }
                self.persist(Record::Restarted { conversation: id.clone(), seq: tail });
                self.change(Change::Restarted { conversation: id.clone(), seq: tail });
            }
        }
        let mut moved = Vec::new();
        for item in self.outbox.lane(id) {
            if item.queued.base > tail {
                item.queued.base = tail;
                moved.push(item.queued.clone());
            }
            if item.stage == Stage::Flying {
                item.stage = Stage::Ready(self.now);
            }
        }
        for queued in moved {
            self.persist(Record::Queued(queued));
        }
    }
}

/// The frame of a message, without its id.
fn frame(queued: &Queued) -> wire::Send {
    let mut send = wire::Send::new(String::new(), queued.cid.to_string(), queued.body.clone());
    match &queued.to {
        Some(user) => send.to = Some(user.as_str().to_owned()),
        None => send.conversation = Some(queued.conversation.as_str().to_owned()),
    }
    send.base = Some(queued.base.number());
    send.kind = Some(queued.kind.as_str().to_owned());
    send
}

/// Up to where a page was looked at without a hole, if everything up to `inspected` was.
fn inspected(inspected: Seq, page: &Page) -> Seq {
    let messages = page.messages.iter().map(|(seq, _)| *seq);
    let seqs: BTreeSet<Seq> = messages.chain(page.missing.iter().copied()).collect();
    // Where the log begins; it shows one's own messages from before one joined again.
    let purged = page.first.previous().min(page.to);
    let mut inspected = inspected.max(purged);
    while seqs.contains(&inspected.next()) {
        inspected = inspected.next();
    }
    inspected
}
