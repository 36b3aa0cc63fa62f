//! The requests that wait for their answers, each by the id that the answer will carry.

use std::collections::BTreeMap;

use timeline::{ConversationId, MessageId, Seq, Timestamp};
use wire::{Conversations, Group, History, Recall, Receipts, Search};

use crate::focus::Wish;
use crate::input::Query;
use crate::limits;

/// What an answer is for.
#[derive(Clone, Debug)]
pub(crate) enum Purpose {
    /// What came into the inbox.
    Sync,
    /// A hole in a conversation, up to this sequence.
    Fill(ConversationId, Seq),
    /// A message of the outbox.
    Send(ConversationId, MessageId),
    /// A part of a conversation in which an earlier attempt may have been kept, up to this
    /// sequence.
    Search(ConversationId, MessageId, Seq),
    /// How far the user has read a conversation.
    Read(ConversationId, Seq),
    /// How far the user has read all conversations.
    Positions,
    /// Something that the host asked for.
    Errand(Box<Errand>),
    /// Whether the user looks at a conversation.
    Signal(ConversationId, Wish),
}

/// Something that the host asked for, until it has an answer.
#[derive(Clone, Debug)]
pub(crate) struct Errand {
    /// The command's ticket.
    pub(crate) ticket: u64,
    /// The request, without its id.
    pub(crate) question: Question,
    /// How often it failed.
    pub(crate) failures: u32,
    /// When it is made, the next time.
    pub(crate) due: Timestamp,
}

/// What a host can ask for.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    /// A page of a conversation.
    Page(History),
    /// A group's making, change or list of members.
    Group(Box<Group>),
    /// A page of the user's conversations.
    Conversations(Conversations),
    /// Who has read.
    Receipts(Receipts),
    /// A page of messages that say something.
    Search(Box<Query>),
    /// That a message is taken back, or changed.
    Recall(Recall),
}

impl Question {
    /// The frame, with this id.
    pub(crate) fn frame(&self, id: String) -> String {
        match self {
            Self::Page(history) => History { id, ..history.clone() }.to_json(),
            Self::Group(group) => Group { id, ..(**group).clone() }.to_json(),
            Self::Conversations(list) => Conversations { id, ..list.clone() }.to_json(),
            Self::Receipts(receipts) => Receipts { id, ..receipts.clone() }.to_json(),
            Self::Search(query) => search(query, id).to_json(),
            Self::Recall(recall) => Recall { id, ..recall.clone() }.to_json(),
        }
    }
}

/// The frame of a search, with this id.
fn search(query: &Query, id: String) -> Search {
    let filters = &query.filters;
    Search {
        conversation: query.conversation.as_ref().map(|id| id.as_str().to_owned()),
        from: filters.from.as_ref().map(|user| user.as_str().to_owned()),
        kind: filters.kind.as_ref().map(|kind| kind.as_str().to_owned()),
        since: filters.since.map(|since| since.0),
        until: filters.until.map(|until| until.0),
        limit: query.limit,
        page: query.page.clone(),
        ..Search::new(id, query.text.as_str().to_owned())
    }
}

#[derive(Debug)]
struct Pending {
    purpose: Purpose,
    /// When it is given up; `None` once it was, though its answer is still welcome.
    deadline: Option<Timestamp>,
}

/// The table of requests.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    last: u64,
    pending: BTreeMap<u64, Pending>,
}

impl Requests {
    /// Adds a request made at `now`; its id.
    pub(crate) fn add(&mut self, now: Timestamp, purpose: Purpose) -> String {
        self.last += 1;
        let deadline = Some(now.plus(limits::ANSWER_WAIT_MS));
        self.pending.insert(self.last, Pending { purpose, deadline });
        self.last.to_string()
    }

    /// What the answer with this id is for; anything but a `send` is then done with.
    pub(crate) fn answered(&mut self, re: &str) -> Option<Purpose> {
        let id: u64 = re.parse().ok()?;
        let purpose = self.pending.get(&id)?.purpose.clone();
        if !matches!(purpose, Purpose::Send(..)) {
            self.pending.remove(&id);
        }
        Some(purpose)
    }

    /// Forgets the attempts of a message that has left the outbox.
    pub(crate) fn settled(&mut self, message: MessageId) {
        self.pending.retain(
            |_, pending| !matches!(&pending.purpose, Purpose::Send(_, cid) if *cid == message),
        );
    }

    /// What was asked for and is overdue. The answer to a `send` stays welcome: whichever attempt
    /// it answers, the message is kept.
    pub(crate) fn expired(&mut self, now: Timestamp) -> Vec<Purpose> {
        let mut expired = Vec::new();
        self.pending.retain(|_, pending| {
            if pending.deadline.is_none_or(|deadline| now < deadline) {
                return true;
            }
            pending.deadline = None;
            expired.push(pending.purpose.clone());
            matches!(pending.purpose, Purpose::Send(..))
        });
        expired
    }

    /// Gives every request up at `due`, if not earlier: an answer may have been lost.
    pub(crate) fn hurry(&mut self, due: Timestamp) {
        for pending in self.pending.values_mut() {
            pending.deadline = pending.deadline.map(|deadline| deadline.min(due));
        }
    }

    /// Takes everything off the table: the connection that the answers would come by is gone.
    pub(crate) fn clear(&mut self) -> Vec<Purpose> {
        std::mem::take(&mut self.pending).into_values().map(|pending| pending.purpose).collect()
    }

    /// How many holes are being asked for.
    pub(crate) fn fills(&self) -> usize {
        let is_fill = |pending: &&Pending| matches!(pending.purpose, Purpose::Fill(..));
        self.pending.values().filter(is_fill).count()
    }

    /// When the first request is overdue.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.pending.values().filter_map(|pending| pending.deadline).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_once_and_only_for_what_was_asked() {
        let mut requests = Requests::default();
        let id = requests.add(Timestamp(0), Purpose::Sync);
        assert!(requests.answered("99").is_none());
        assert!(requests.answered("").is_none());
        assert!(requests.answered(&id).is_some());
        assert!(requests.answered(&id).is_none());
    }

    #[test]
    fn an_overdue_send_is_given_up_once_and_its_answer_stays_welcome() {
        let mut requests = Requests::default();
        let conversation = ConversationId::parse("d~al~bo").unwrap();
        let cid = MessageId::from_bytes([7; 16]);
        let id = requests.add(Timestamp(0), Purpose::Send(conversation, cid));
        assert!(requests.expired(Timestamp(limits::ANSWER_WAIT_MS - 1)).is_empty());
        assert_eq!(requests.expired(Timestamp(limits::ANSWER_WAIT_MS)).len(), 1);
        assert!(requests.expired(Timestamp(u64::MAX)).is_empty());
        assert!(requests.answered(&id).is_some());
        requests.settled(cid);
        assert!(requests.answered(&id).is_none());
    }
}
