//! Who says what in which conversation: the same for the same seed.

use timeline::{
    Body, ConversationId, DeviceId, Diffusion, Draft, Entry, Kind, MessageId, Seq, Timestamp,
    UserId,
};

use crate::corpus::{Corpus, Language};

/// How many conversations the user has.
const CONVERSATIONS: usize = 200;

/// How many messages queries are made of.
const UNSAID: usize = 500;

/// Where the corpus starts from.
const SEED: u64 = 1;

/// When the first message was taken.
const START: Timestamp = Timestamp(1_763_917_045_123);

/// A conversation and all that was said in it.
pub(crate) struct Talk {
    /// Which one.
    pub(crate) id: ConversationId,
    /// With whom.
    pub(crate) friend: UserId,
    /// What was said.
    pub(crate) entries: Vec<Entry>,
}

/// Everything.
pub(crate) struct Data {
    /// Whose conversations they are.
    pub(crate) user: UserId,
    /// The conversations, the longest first.
    pub(crate) talks: Vec<Talk>,
    /// What nobody said, of the same words: what is searched for is made of it.
    pub(crate) unsaid: Vec<String>,
}

impl Data {
    /// About so many messages.
    pub(crate) fn new(language: Language, messages: usize) -> Self {
        let user = UserId::parse("ada").unwrap();
        let mut corpus = Corpus::new(language, SEED);
        let weights = (1..=CONVERSATIONS).map(|rank| 1.0 / rank as f64);
        let all: f64 = weights.clone().sum();
        let talks = weights.enumerate().map(|(index, weight)| {
            let count = (messages as f64 * weight / all).round() as usize;
            let friend = UserId::parse(&format!("friend-{index}")).unwrap();
            let id = ConversationId::direct(&user, &friend).unwrap();
            let authors = [user.clone(), friend.clone()];
            let texts = corpus.messages(count);
            let entries = (1..).zip(&texts).map(|(seq, text)| entry(&authors, index, seq, text));
            Talk { id, friend, entries: entries.collect() }
        });
        let talks = talks.collect();
        let unsaid = corpus.messages(UNSAID);
        Self { user, talks, unsaid }
    }

    /// How many messages there are.
    pub(crate) fn len(&self) -> usize {
        self.talks.iter().map(|talk| talk.entries.len()).sum()
    }
}

/// A message, as `send` keeps one.
fn entry(authors: &[UserId; 2], conversation: usize, number: u64, text: &str) -> Entry {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(conversation as u64).to_be_bytes());
    id[8..].copy_from_slice(&number.to_be_bytes());
    let mut body = serde_json::Map::new();
    body.insert("text".to_owned(), text.into());
    let draft = Draft {
        id: MessageId::from_bytes(id),
        author: authors[usize::try_from(number % 2).unwrap()].clone(),
        device: DeviceId::parse("desk").unwrap(),
        // A message a minute, and conversations take turns.
        at: START.plus(number * 60_000 + conversation as u64),
        kind: Kind::text(),
        version: 1,
        inbox_before: Seq::ZERO,
        diffusion: Diffusion::Write,
        named: Vec::new(),
        target: None,
        body: Body::parse(&serde_json::Value::Object(body).to_string()).unwrap(),
    };
    let mut entry = draft.at(Seq::new(number).unwrap());
    entry.countable = number;
    entry
}
