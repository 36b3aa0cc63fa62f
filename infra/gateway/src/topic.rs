//! A topic: what it takes, what it drops as a repetition, and in which order it delivers.
//!
//! Source: "Message deduplication for FIFO topics" and "Message grouping for FIFO topics", Amazon
//! SNS developer guide; limits of "Publish" and "PublishBatch", API reference. What AWS answers to
//! a repetition is not documented; here it is the first one's ids.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use sha2::{Digest, Sha256};
use template::model::{self, Fifo, FifoScope};

use crate::TopicUse;
use crate::identifier;
use crate::price::METERED_PUBLISH_BYTES;
use crate::query::{Answer, Call, Message, Published, Refusal};
use crate::subscriber::{Line, Place, Subscriber};
use crate::timestamp::Timestamp;

/// How long a FIFO topic knows a deduplication id, in milliseconds. Theirs.
const DEDUPLICATION_MS: u64 = 5 * 60 * 1000;

/// The most messages in a batch. Theirs.
const BATCH_ENTRIES_MAX: usize = 10;

/// The longest message, and the longest batch. Theirs.
pub(crate) const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// The longest id of a group or for deduplication. Theirs.
const ID_CHARACTERS_MAX: usize = 128;

/// The longest id within a batch. Theirs.
const ENTRY_ID_CHARACTERS_MAX: usize = 80;

/// The number before that of a FIFO topic's first message: numbers have 20 digits.
const SEQUENCE_BEFORE: u64 = 10_000_000_000_000_000_000;

/// One topic of the deployment.
#[derive(Debug)]
pub(crate) struct Topic {
    declared: model::Topic,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    subscriber: Subscriber,
    seen: HashMap<Identity, Published>,
    /// When each of `seen` was published, the oldest first.
    order: VecDeque<(String, Identity)>,
    sequence: u64,
    used: TopicUse,
}

/// What a FIFO topic knows a message by: the group, where that is the scope, and the deduplication
/// id.
type Identity = (Option<String>, String);

impl Topic {
    /// Opens the topic with what it has delivered to its place.
    pub(crate) fn open(
        declared: &model::Topic,
        place: Option<Place<'_>>,
        memory: Memory,
    ) -> io::Result<Self> {
        let mut subscriber = Subscriber::open(place, &declared.id)?;
        let horizon = horizon(Timestamp::now());
        let lines = subscriber.last(&horizon)?;
        let mut state = State {
            subscriber,
            seen: HashMap::new(),
            order: VecDeque::new(),
            sequence: SEQUENCE_BEFORE,
            used: TopicUse { is_fifo: declared.fifo.is_some(), ..TopicUse::default() },
        };
        for line in lines {
            let sequence = line.sequence_number.as_deref().and_then(|text| text.parse().ok());
            state.sequence = state.sequence.max(sequence.unwrap_or_default());
            let group = line.message_group_id.as_deref();
            let identity = identity(declared, group, line.message_deduplication_id.as_deref());
            if memory == Memory::Kept
                && line.timestamp > horizon
                && let Some(identity) = identity
                && !state.seen.contains_key(&identity)
            {
                let published =
                    Published { message_id: line.message_id, sequence: line.sequence_number };
                state.remember(line.timestamp, identity, published);
            }
        }
        Ok(Self { declared: declared.clone(), state: Mutex::new(state) })
    }

    /// Its logical id.
    pub(crate) fn id(&self) -> &str {
        &self.declared.id
    }

    pub(crate) fn used(&self) -> TopicUse {
        self.state().used
    }

    /// Everything that was delivered and is still known.
    pub(crate) fn lines(&self) -> io::Result<Vec<Value>> {
        self.state().subscriber.lines()
    }

    /// Does what is asked at the time `now`.
    pub(crate) fn apply(&self, call: &Call, now: Timestamp) -> Result<Answer, Refusal> {
        match call {
            Call::Publish(message) => {
                self.check(message)?;
                if message.bytes() > MESSAGE_BYTES_MAX {
                    return Err(Refusal::parameter("Message too long"));
                }
                let mut state = self.state();
                let published = self.publish(&mut state, message, now)?;
                state.meter([message]);
                Ok(Answer::Published(published))
            }
            Call::PublishBatch(entries) => {
                self.check_batch(entries)?;
                let mut state = self.state();
                let mut outcomes = Vec::with_capacity(entries.len());
                for (id, message) in entries {
                    outcomes.push((id.clone(), self.publish(&mut state, message, now)));
                }
                let taken = entries.iter().zip(&outcomes).filter(|(_, (_, taken))| taken.is_ok());
                let taken: Vec<_> = taken.map(|((_, message), _)| message).collect();
                state.meter(taken);
                Ok(Answer::Batch(outcomes))
            }
        }
    }

    fn check_batch(&self, entries: &[(String, Message)]) -> Result<(), Refusal> {
        if entries.is_empty() {
            let text = "The batch request doesn't contain any entries.";
            return Err(Refusal::new("EmptyBatchRequest", text));
        }
        if entries.len() > BATCH_ENTRIES_MAX {
            let text = "The batch request contains more entries than permissible.";
            return Err(Refusal::new("TooManyEntriesInBatchRequest", text));
        }
        if !entries.iter().all(|(id, _)| is_entry_id(id)) {
            let text = "The Id of a batch entry in a batch request doesn't abide by the \
                        specification.";
            return Err(Refusal::new("InvalidBatchEntryId", text));
        }
        if entries.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len() < entries.len() {
            let text = "Two or more batch entries in the request have the same Id.";
            return Err(Refusal::new("BatchEntryIdsNotDistinct", text));
        }
        if entries.iter().map(|(_, message)| message.bytes()).sum::<usize>() > MESSAGE_BYTES_MAX {
            let text = "The length of all the batch messages put together is more than the limit.";
            return Err(Refusal::new("BatchRequestTooLong", text));
        }
        entries.iter().try_for_each(|(_, message)| self.check(message))
    }

    /// Holds the ids that a message has against those that its topic needs.
    fn check(&self, message: &Message) -> Result<(), Refusal> {
        let Message { group, deduplication, .. } = message;
        let ids = [("MessageGroupId", group), ("MessageDeduplicationId", deduplication)];
        for (name, id) in ids {
            if id.as_ref().is_some_and(|id| !is_id(id)) {
                return Err(Refusal::parameter(name));
            }
        }
        match &self.declared.fifo {
            None if deduplication.is_some() => Err(Refusal::parameter(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId \
                 parameter that is not valid for this topic type",
            )),
            None => Ok(()),
            Some(_) if group.is_none() => {
                Err(Refusal::parameter("The MessageGroupId parameter is required for FIFO topics"))
            }
            Some(Fifo { by_content: false, .. }) if deduplication.is_none() => {
                Err(Refusal::parameter(
                    "The topic should either have ContentBasedDeduplication enabled or \
                     MessageDeduplicationId provided explicitly",
                ))
            }
            Some(_) => Ok(()),
        }
    }

    /// Delivers a message, unless it repeats one.
    fn publish(
        &self,
        state: &mut State,
        message: &Message,
        now: Timestamp,
    ) -> Result<Published, Refusal> {
        if message.text.is_empty() {
            return Err(Refusal::parameter("Empty message"));
        }
        state.forget(&horizon(now));
        let is_fifo = self.declared.fifo.is_some();
        let content = || Sha256::digest(&message.text).iter().map(|b| format!("{b:02x}")).collect();
        let deduplication = is_fifo.then(|| message.deduplication.clone().unwrap_or_else(content));
        let identity = identity(&self.declared, message.group.as_deref(), deduplication.as_deref());
        if let Some(first) = identity.as_ref().and_then(|identity| state.seen.get(identity)) {
            return Ok(first.clone());
        }
        let sequence = is_fifo.then(|| (state.sequence + 1).to_string());
        let line = Line {
            message_id: identifier::invocation(),
            sequence_number: sequence.clone(),
            topic_arn: self.declared.arn.clone(),
            message_group_id: message.group.clone(),
            message_deduplication_id: deduplication,
            subject: message.subject.clone(),
            message: message.text.clone(),
            timestamp: now.iso_8601(),
            message_attributes: message.attributes.clone(),
        };
        if let Err(error) = state.subscriber.deliver(&line) {
            tracing::warn!("a message of {} cannot be delivered: {error}", self.declared.id);
            return Err(Refusal::internal());
        }
        state.sequence += u64::from(is_fifo);
        let published = Published { message_id: line.message_id, sequence };
        if let Some(identity) = identity {
            state.remember(line.timestamp, identity, published.clone());
        }
        Ok(published)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the ids of what an earlier run delivered are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    Kept,
    Forgotten,
}

impl State {
    fn remember(&mut self, at: String, identity: Identity, published: Published) {
        self.order.push_back((at, identity.clone()));
        self.seen.insert(identity, published);
    }

    /// Forgets what was published up to `horizon`.
    fn forget(&mut self, horizon: &str) {
        while let Some((at, _)) = self.order.front()
            && at.as_str() <= horizon
            && let Some((_, identity)) = self.order.pop_front()
        {
            self.seen.remove(&identity);
        }
    }

    fn meter<'a>(&mut self, messages: impl IntoIterator<Item = &'a Message>) {
        let (mut count, mut bytes) = (0, 0);
        for message in messages {
            count += 1;
            bytes += message.bytes();
        }
        let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        self.used.messages += count;
        self.used.bytes += wide(bytes);
        self.used.requests += wide(bytes.div_ceil(METERED_PUBLISH_BYTES));
    }
}

/// The latest time of which deduplication knows nothing any more.
fn horizon(now: Timestamp) -> String {
    Timestamp(now.0.saturating_sub(DEDUPLICATION_MS)).iso_8601()
}

fn identity(
    topic: &model::Topic,
    group: Option<&str>,
    deduplication: Option<&str>,
) -> Option<Identity> {
    let group = match topic.fifo.as_ref()?.scope {
        FifoScope::Topic => None,
        FifoScope::MessageGroup => group.map(str::to_owned),
    };
    Some((group, deduplication?.to_owned()))
}

fn is_id(id: &str) -> bool {
    id.len() <= ID_CHARACTERS_MAX && id.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_entry_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !id.is_empty() && id.len() <= ENTRY_ID_CHARACTERS_MAX && id.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some time in 2027.
    const START: u64 = 1_800_000_000_000;

    fn declared(scope: FifoScope) -> model::Topic {
        model::Topic {
            id: "T".to_owned(),
            name: "T.fifo".to_owned(),
            arn: "arn:aws:sns:us-east-1:123456789012:T.fifo".to_owned(),
            fifo: Some(Fifo { scope, by_content: true }),
        }
    }

    fn topic(scope: FifoScope) -> Topic {
        Topic::open(&declared(scope), None, Memory::Kept).unwrap()
    }

    fn say(group: &str, id: &str, text: &str) -> Call {
        let deduplication = (!id.is_empty()).then(|| id.to_owned());
        let (group, text) = (Some(group.to_owned()), text.to_owned());
        Call::Publish(Message { text, group, deduplication, ..Message::default() })
    }

    /// The texts that were delivered.
    fn told(topic: &Topic) -> Vec<String> {
        let lines = topic.lines().unwrap().into_iter();
        lines.map(|line| line["Message"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn an_id_is_known_for_five_minutes() {
        let topic = topic(FifoScope::MessageGroup);
        let publish = |text: &str, at| topic.apply(&say("g", "id", text), Timestamp(at)).unwrap();
        let first = publish("first", START);
        assert_eq!(publish("again", START + DEDUPLICATION_MS - 1), first);
        // The repetition has not made it last longer.
        assert_ne!(publish("anew", START + DEDUPLICATION_MS), first);
        assert_eq!(told(&topic), ["first", "anew"]);
    }

    #[test]
    fn the_scope_is_the_group_or_the_topic() {
        for (scope, expected) in
            [(FifoScope::MessageGroup, vec!["a", "b"]), (FifoScope::Topic, vec!["a"])]
        {
            let topic = topic(scope);
            for (group, text) in [("g", "a"), ("h", "b"), ("g", "c")] {
                topic.apply(&say(group, "id", text), Timestamp(START)).unwrap();
            }
            assert_eq!(told(&topic), expected, "{scope:?}");
        }
    }

    #[test]
    fn without_an_id_the_content_is_the_id() {
        let topic = topic(FifoScope::Topic);
        // "SHA-256 of abc", FIPS 180-4, appendix.
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for (id, text) in [("", "abc"), ("", "abc"), (digest, "other"), ("", "abcd")] {
            topic.apply(&say("g", id, text), Timestamp(START)).unwrap();
        }
        assert_eq!(told(&topic), ["abc", "abcd"]);
        assert_eq!(topic.lines().unwrap()[0]["MessageDeduplicationId"], digest);
    }

    #[test]
    fn sequence_numbers_ascend_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut last = String::new();
        for run in 0..3 {
            let declared = declared(FifoScope::Topic);
            let place = Place { directory: folder.path(), syncs: false };
            let topic = Topic::open(&declared, Some(place), Memory::Kept).unwrap();
            for text in ["a", "b"] {
                let call = say("g", &format!("{run}{text}"), text);
                let Ok(Answer::Published(published)) = topic.apply(&call, Timestamp::now()) else {
                    panic!("it is published");
                };
                let sequence = published.sequence.unwrap();
                assert_eq!(sequence.len(), 20);
                assert!(sequence > last, "{sequence} after {last}");
                last = sequence;
            }
        }
    }

    #[test]
    fn a_restart_knows_the_last_of_two_messages_of_one_id() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { directory: folder.path(), syncs: false };
        let declared = declared(FifoScope::Topic);
        let open = || Topic::open(&declared, Some(place), Memory::Kept).unwrap();
        let now = Timestamp::now();
        let call = say("g", "id", "text");
        for minutes in [10, 4] {
            open().apply(&call, Timestamp(now.0 - minutes * 60 * 1000)).unwrap();
        }
        let topic = open();
        topic.apply(&call, now).unwrap();
        assert_eq!(told(&topic).len(), 2);
    }

    #[test]
    fn a_restart_forgets_no_id_unless_it_forgets_the_tables() {
        let folder = tempfile::tempdir().unwrap();
        let call = say("g", "id", "once");
        for (memory, expected) in [(Memory::Kept, 1), (Memory::Kept, 1), (Memory::Forgotten, 2)] {
            let declared = declared(FifoScope::Topic);
            let place = Place { directory: folder.path(), syncs: false };
            let topic = Topic::open(&declared, Some(place), memory).unwrap();
            topic.apply(&call, Timestamp::now()).unwrap();
            assert_eq!(told(&topic).len(), expected, "{memory:?}");
        }
    }
}
