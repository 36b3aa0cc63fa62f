//! Two stores as one: every call is made to both, and what they answer is compared.
//!
//! The ports are written down once more in [`ports!`]. A method that a port has and this list has
//! not does not compile, and one that no operation calls fails the test, see [`METHODS`].

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::mem::discriminant;
use std::sync::Mutex;

use async_trait::async_trait;
use store::{
    BlockKey, Blocks, Claims, Connections, Conversation, Directory, Enlisting, Error, Eviction,
    Focus, Focuses, InboxPage, InboxTail, Inboxes, Listing, MemberRow, Memory, Meta, Metas, Put,
    ReadPosition, Reading, Registered, Registration, Revised, Scan, Timelines, Wish,
};
use store_dynamo::Dynamo;
use timeline::{
    Body, ConnectionId, ConversationId, DeviceId, Entry, InboxEntry, MessageId, Seq, TimelineId,
    Timestamp, UserId,
};

/// How often each method gave which sort of answer.
pub(crate) type Tally = BTreeMap<(&'static str, String), usize>;

/// The memory store and the adapter on the embedded DynamoDB.
pub(crate) struct Both {
    memory: Memory,
    dynamo: Dynamo,
    compared: Mutex<Compared>,
}

#[derive(Default)]
struct Compared {
    tally: Tally,
    difference: Option<String>,
}

impl Both {
    /// Two stores in which nothing has been kept.
    pub(crate) async fn fresh() -> Self {
        let dynamo = tests::embedded::fresh().await;
        Self { memory: Memory::default(), dynamo, compared: Mutex::default() }
    }

    /// The first call that the two answered differently.
    pub(crate) fn difference(&self) -> Option<String> {
        self.compared.lock().unwrap().difference.clone()
    }

    /// What was answered.
    pub(crate) fn tally(&self) -> Tally {
        self.compared.lock().unwrap().tally.clone()
    }

    /// Compares two answers, errors by their kind, and returns the first.
    fn compare<T: PartialEq + Debug>(
        &self,
        method: &'static str,
        memory: Result<T, Error>,
        dynamo: &Result<T, Error>,
    ) -> Result<T, Error> {
        let equal = match (&memory, dynamo) {
            (Ok(one), Ok(other)) => one == other,
            (Err(one), Err(other)) => discriminant(one) == discriminant(other),
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
        };
        let mut compared = self.compared.lock().unwrap();
        *compared.tally.entry((method, sort_of(&memory))).or_default() += 1;
        if !equal && compared.difference.is_none() {
            let difference = format!("{method}\n  memory: {memory:?}\n  dynamo: {dynamo:?}");
            compared.difference = Some(difference);
        }
        memory
    }
}

/// The first word of an answer: `Stored`, `Kicked`, `true`; `[` of a list with something in it.
fn sort_of<T: Debug>(answer: &Result<T, Error>) -> String {
    let text = match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => format!("{error:?}"),
    };
    let end = text.find(|character: char| !character.is_alphanumeric());
    match end {
        Some(0) if text.starts_with("[]") => "[]".to_owned(),
        Some(0) => text[..1].to_owned(),
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Answers in no order, in one.
trait Unordered {
    fn ordered(self) -> Self;
}

impl Unordered for Vec<(TimelineId, Entry)> {
    fn ordered(mut self) -> Self {
        self.sort_by(|one, other| (&one.0, one.1.seq).cmp(&(&other.0, other.1.seq)));
        self
    }
}

impl Unordered for Vec<(UserId, Vec<Registration>)> {
    fn ordered(mut self) -> Self {
        self.sort_by(|one, other| one.0.cmp(&other.0));
        self
    }
}

/// Fulfils ports by both stores. A method that answers in no order says so.
macro_rules! ports {
    ($($port:ident {
        $(fn $method:ident($($name:ident: $type:ty),*) -> $answer:ty $(, $ordered:ident)?;)+
    })+) => {
        /// Every method of every port.
        pub(crate) const METHODS: &[&str] =
            &[$($(concat!(stringify!($port), "::", stringify!($method))),+),+];

        $(
            #[async_trait]
            impl $port for Both {
                $(
                    async fn $method(&self, $($name: $type),*) -> Result<$answer, Error> {
                        let memory = $port::$method(&self.memory, $($name),*).await;
                        let dynamo = $port::$method(&self.dynamo, $($name),*).await;
                        $(
                            let memory = memory.map(Unordered::$ordered);
                            let dynamo = dynamo.map(Unordered::$ordered);
                        )?
                        let method = concat!(stringify!($port), "::", stringify!($method));
                        self.compare(method, memory, &dynamo)
                    }
                )+
            }
        )+
    };
}

ports! {
    Timelines {
        fn put(timeline: &TimelineId, entry: &Entry) -> Put<Entry>;
        fn get(timeline: &TimelineId, seq: Seq) -> Option<Entry>;
        fn get_many(places: &[(TimelineId, Seq)]) -> Vec<(TimelineId, Entry)>, ordered;
        fn scan(timeline: &TimelineId, scan: Scan) -> Vec<Entry>;
        fn update(timeline: &TimelineId, seq: Seq, body: &Body) -> Entry;
        fn revise(timeline: &TimelineId, seq: Seq, body: &Body, by: Seq) -> Revised;
        fn recall(timeline: &TimelineId, seq: Seq, by: Seq) -> Option<Seq>;
        fn delete(timeline: &TimelineId, seq: Seq) -> ();
    }
    Inboxes {
        fn tail(user: &UserId) -> InboxTail;
        fn after(user: &UserId, cursor: Seq, max_count: usize) -> InboxPage;
        fn put(user: &UserId, entry: &InboxEntry) -> Put<InboxEntry>;
        fn raise_anchor(user: &UserId, position: Seq) -> ();
    }
    Connections {
        fn register(user: &UserId, registration: &Registration) -> Registered;
        fn evict(user: &UserId, eviction: Eviction<'_>) -> bool;
        fn unregister(
            user: &UserId,
            device: &DeviceId,
            connection: &ConnectionId,
            made_before: Option<Timestamp>
        ) -> ();
        fn signals(
            user: &UserId,
            device: &DeviceId,
            connection: &ConnectionId,
            now: Timestamp,
            gap_ms: u64
        ) -> bool;
        fn of(users: &[UserId]) -> Vec<(UserId, Vec<Registration>)>, ordered;
    }
    Directory {
        fn conversation(id: &ConversationId) -> Option<Conversation>;
        fn create(conversation: &Conversation) -> Put<Conversation>;
        fn replace(conversation: &Conversation, before: u64) -> ();
        fn settle(id: &ConversationId, version: u64) -> ();
        fn member(id: &ConversationId, user: &UserId) -> Option<MemberRow>;
        fn put_member(id: &ConversationId, user: &UserId, row: &MemberRow) -> ();
        fn members(
            id: &ConversationId,
            after: Option<&UserId>,
            max_count: usize
        ) -> Vec<(UserId, MemberRow)>;
        fn list(user: &UserId, enlisting: &Enlisting) -> ();
        fn unlist(user: &UserId, conversation: &ConversationId, version: u64) -> ();
        fn listing(user: &UserId, conversation: &ConversationId) -> Option<Listing>;
        fn mark_read(
            user: &UserId,
            conversation: &ConversationId,
            position: ReadPosition
        ) -> Option<ReadPosition>;
        fn wish(user: &UserId, conversation: &ConversationId, wish: Wish) -> ();
        fn note_read(id: &ConversationId, reading: &Reading) -> ();
        fn readings(
            id: &ConversationId,
            after: Option<&UserId>,
            max_count: usize
        ) -> Vec<Reading>;
        fn conversations(
            user: &UserId,
            after: Option<&ConversationId>,
            max_count: usize
        ) -> Vec<Listing>;
    }
    Claims {
        fn claim(
            conversation: &ConversationId,
            author: &UserId,
            id: &MessageId,
            base: Seq
        ) -> Seq;
    }
    Focuses {
        fn focus(conversation: &ConversationId, focus: &Focus) -> ();
        fn blur(conversation: &ConversationId, focus: &Focus) -> ();
        fn focused(
            conversation: &ConversationId,
            user: Option<&UserId>,
            max_count: usize
        ) -> Vec<Focus>;
    }
    Metas {
        fn insert(timeline: &TimelineId, meta: &Meta) -> ();
        fn read(timeline: &TimelineId) -> Option<Meta>;
        fn update(timeline: &TimelineId, fields: &Meta) -> ();
        fn forget(timeline: &TimelineId) -> ();
    }
    Blocks {
        fn read_blocks(keys: &[BlockKey]) -> Vec<Option<Vec<u8>>>;
        fn write_blocks(blocks: &[(BlockKey, Vec<u8>)]) -> ();
    }
}
