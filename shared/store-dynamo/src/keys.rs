//! The key schema: the only file that spells a key or an attribute.
//!
//! | item         | table       | key                                        | read by |
//! |--------------|-------------|--------------------------------------------|---------|
//! | entry        | timeline    | `c` timeline id, `s` sequence              | `send`: s ≥ base; `history`: a range; `sync`: by key |
//! | inbox entry  | inbox       | `u` user, `q` position                     | `sync`: q > cursor; `send`: the newest 8 |
//! | anchor       | inbox       | `u` user, `q` = 2^53 − 1                   | with the newest, by the same query |
//! | conversation | directory   | `p` = `C#{conversation}`, `k` = `META`     | `send`, `history`: by key |
//! | member       | directory   | `p` = `C#{conversation}`, `k` = `M#{user}` | of a large group; `send`, `history`: by key |
//! | reading      | directory   | `p` = `C#{conversation}`, `k` = `R#{user}` | `receipts`: all |
//! | focus        | directory   | `p` = `C#{conversation}`, `k` = `F#{user}#{device}` | `send` to a large group: all |
//! | claim        | directory   | `p` = `C#{conversation}`, `k` = `B#{user}#{cid}` | `send` without a base: by its put |
//! | listing      | directory   | `p` = `U#{user}`, `k` = `C#{conversation}` | `sync` after a reset: all of a user's |
//! | meta         | directory   | `p` = `T#{timeline}`, `k` = `META`         | the library's meta store: by key |
//! | registration | connections | `u` user                                   | `send`, `sync`: by key, one attribute `d…` per device; `$connect`: by its write |
//! | block        | search      | `p` = `{conversation}#{analyzer}{level}{bucket}`, `n` number | `search`: by key |
//! | tombstone    | connections | an attribute `k…` of the registration's item | `$connect`: by its write |
//!
//! No user id, conversation, timeline or cid contains `#`, so no two keys can collide.
//!
//! An item that is no longer written keeps its row, marked *retired*: its letters are not free.

use store::BlockKey;
use timeline::{ConversationId, DeviceId, MessageId, TimelineId, UserId};

/// Attributes of the timeline table.
pub mod entry {
    /// Timeline id (S), partition key.
    pub const TIMELINE: &str = "c";
    /// Sequence (N), sort key.
    pub const SEQ: &str = "s";
    /// The author's own id of the message (B, 16 bytes).
    pub const ID: &str = "i";
    /// Author (S).
    pub const AUTHOR: &str = "u";
    /// Device (S).
    pub const DEVICE: &str = "d";
    /// When it was taken (N, milliseconds).
    pub const AT: &str = "t";
    /// Kind (S).
    pub const KIND: &str = "k";
    /// How many entries up to this one count as messages (N).
    pub const COUNTABLE: &str = "n";
    /// How many entries up to this one are recalls (N).
    pub const RECALLS: &str = "r";
    /// The version of the membership it was written under (N).
    pub const VERSION: &str = "v";
    /// The author's inbox tail before it was written (N).
    pub const INBOX_BEFORE: &str = "q";
    /// That it is read from the timeline (N): 1; 2 of an event that names members, whose inboxes
    /// tell of it as well; absent where inboxes tell of it. The stream's consumer is filtered by
    /// it.
    pub const LARGE: &str = "l";
    /// Whom an event is about (L of S); absent if nobody.
    pub const NAMED: &str = "m";
    /// Of a recall or an edit: the sequence that it is about (N).
    pub const TARGET: &str = "y";
    /// The event that replaced the body last (N), 0 for none; absent while it was not replaced.
    pub const REVISION: &str = "w";
    /// The event that took the message back (N); absent while none did.
    pub const RECALLED: &str = "x";
    /// That it completes a block of the index (N): 1; absent elsewhere. The stream's consumer is
    /// filtered by it.
    pub const COMPLETES: &str = "ix";
    /// The body (S); absent once it was deleted.
    pub const BODY: &str = "b";
}

/// Attributes of the inbox table.
pub mod inbox {
    /// User (S), partition key.
    pub const USER: &str = "u";
    /// Position (N), sort key.
    pub const POSITION: &str = "q";
    /// Conversation (S).
    pub const CONVERSATION: &str = "c";
    /// Sequence there (N).
    pub const SEQ: &str = "s";
    /// The author's own id of the message (B, 16 bytes).
    pub const ID: &str = "i";
    /// Author (S).
    pub const AUTHOR: &str = "f";
    /// When it was taken (N, milliseconds).
    pub const AT: &str = "t";
    /// Kind (S).
    pub const KIND: &str = "k";
    /// How many entries of its timeline up to this one count as messages (N).
    pub const COUNTABLE: &str = "n";
    /// Whether its conversation is read from its timeline (BOOL); absent where it is not.
    pub const LARGE: &str = "l";
    /// Of a recall or an edit: the sequence that it is about (N).
    pub const TARGET: &str = "y";
    /// When it expires (N, seconds): the table's TTL attribute.
    pub const EXPIRES: &str = "e";
    /// The body (S), if it is short.
    pub const BODY: &str = "b";
    /// On the anchor: how far the positions went (N).
    pub const BASE: &str = "base";
}

/// Attributes of the directory table.
pub mod directory {
    /// Partition key (S).
    pub const PARTITION: &str = "p";
    /// Sort key (S).
    pub const SORT: &str = "k";
    /// On a conversation: its version (N). On a member and on a listing: the version of the
    /// conversation that wrote it.
    pub const VERSION: &str = "v";
    /// On a conversation: when it was made (N, milliseconds).
    pub const MADE: &str = "t";
    /// On a conversation: what it is called (S); absent of a direct one.
    pub const TITLE: &str = "ti";
    /// On a conversation: whether members see no more than what came since they joined (BOOL);
    /// absent where they see all.
    pub const FROM_JOIN: &str = "fj";
    /// On a conversation: whether whoever knows its id may join (BOOL); absent where not.
    pub const OPEN: &str = "op";
    /// On a conversation: its members (M of M), by user id; absent of a large group.
    pub const MEMBERS: &str = "ms";
    /// On a large group: the sequence of the event after which it was so (N).
    pub const SWITCHED: &str = "sw";
    /// On a large group: the version that wrote its members' rows (N).
    pub const SINCE: &str = "sv";
    /// On a large group: how many members it has (N).
    pub const COUNT: &str = "ct";
    /// On a conversation: what its last change still has to do (M); absent once it is done.
    pub const PENDING: &str = "pe";
    /// On a member and on a listing: the first sequence that is theirs (N); absent of a member who
    /// is out.
    pub const JOINED: &str = "js";
    /// On a member: their role (N).
    pub const ROLE: &str = "ro";
    /// On a member and on a listing: whether they are left alone while offline (BOOL); absent where
    /// not.
    pub const MUTED: &str = "mu";
    /// On a listing: whether the conversation is read from its timeline (BOOL); absent where not.
    pub const LARGE: &str = "l";
    /// On a listing and on a reading: the last sequence that was read (N); absent if none was.
    pub const READ: &str = "rs";
    /// On a listing: how many entries up to there count as messages (N).
    pub const READ_COUNTABLE: &str = "rn";
    /// On a reading: when (N, milliseconds).
    pub const READ_AT: &str = "rt";
    /// On a listing: since when it is kept at hand (N, milliseconds); absent where it is not.
    pub const PINNED: &str = "pi";
    /// On a listing: that the conversation is the user's no more (BOOL).
    pub const GONE: &str = "go";
    /// On a focus: the connection (S).
    pub const CONNECTION: &str = "cn";
    /// On a focus: when it ends (N, seconds): the table's TTL attribute.
    pub const EXPIRES: &str = "e";
    /// On a claim: the base (N).
    pub const FROM: &str = "from";
    /// On a meta: the fields (M of S). A key of its own, so that no field can shadow a key.
    pub const FIELDS: &str = "f";
}

/// Attributes of a conversation's pending change, a map.
pub mod pending {
    /// The version that it made (N).
    pub const VERSION: &str = "v";
    /// The event's id (B, 16 bytes).
    pub const ID: &str = "i";
    /// Who made it (S).
    pub const AUTHOR: &str = "u";
    /// On which device (S).
    pub const DEVICE: &str = "d";
    /// When (N, milliseconds).
    pub const AT: &str = "t";
    /// The event's kind (S).
    pub const KIND: &str = "k";
    /// Whom the event is about (L of S); absent if nobody.
    pub const NAMED: &str = "m";
    /// What the event says (S).
    pub const BODY: &str = "b";
    /// The tail before the change (N).
    pub const BASE: &str = "from";
    /// How many entries up to there count as messages (N).
    pub const COUNTABLE: &str = "n";
    /// Whose membership is what now (M of M), by user id; an empty map of those who are out.
    pub const MEMBERS: &str = "ms";
}

/// Attributes of the connections table.
pub mod connections {
    /// User (S), partition key.
    pub const USER: &str = "u";
    /// When the whole row expires (N, seconds): the table's TTL attribute.
    pub const EXPIRES: &str = "e";
    /// In a device's map: the connection (S).
    pub const CONNECTION: &str = "c";
    /// In a device's map: when it was made (N, milliseconds).
    pub const CONNECTED: &str = "a";
    /// In a device's map: when its token expires (N, milliseconds). In a tombstone's: tokens of the
    /// device that expire then or earlier are dead.
    pub const TOKEN_EXPIRES: &str = "x";
    /// In a device's map: its platform (S); absent if it names none.
    pub const PLATFORM: &str = "p";
    /// In a device's map: when it signaled last (N, milliseconds); absent if it did not.
    pub const SIGNALED: &str = "y";
    /// What a device's attribute begins with.
    pub const DEVICE_PREFIX: &str = "d";
    /// What the attribute of a device's tombstone begins with.
    pub const TOMBSTONE_PREFIX: &str = "k";
}

/// Attributes of the search table.
pub mod search {
    /// Partition key (S).
    pub const PARTITION: &str = "p";
    /// How many blocks of its level come before it (N), sort key.
    pub const NUMBER: &str = "n";
    /// The sealed block (B).
    pub const BYTES: &str = "v";
}

/// The attribute of a device's registration.
pub fn device(device: &DeviceId) -> String {
    format!("{}{device}", connections::DEVICE_PREFIX)
}

/// The attribute of a device's tombstone.
pub fn tombstone(device: &DeviceId) -> String {
    format!("{}{device}", connections::TOMBSTONE_PREFIX)
}

/// The partition of everything about a conversation.
pub fn conversation(conversation: &ConversationId) -> String {
    format!("C#{conversation}")
}

/// The partition of everything about a user.
pub fn user(user: &UserId) -> String {
    format!("U#{user}")
}

/// The partition of a timeline's meta.
pub fn timeline(timeline: &TimelineId) -> String {
    format!("T#{timeline}")
}

/// The sort key of what is known about a conversation or a timeline.
pub const META: &str = "META";

/// What the sort key of a listing begins with.
pub const LISTING_PREFIX: &str = "C#";

/// The sort key of a listing.
pub fn listing(conversation: &ConversationId) -> String {
    format!("{LISTING_PREFIX}{conversation}")
}

/// Which conversation's listing a sort key is.
pub fn of_listing(key: &str) -> Option<ConversationId> {
    ConversationId::parse(key.strip_prefix(LISTING_PREFIX)?).ok()
}

/// What the sort key of a member begins with.
pub const MEMBER_PREFIX: &str = "M#";

/// The sort key of a member.
pub fn member(user: &UserId) -> String {
    format!("{MEMBER_PREFIX}{user}")
}

/// Whose row a sort key is.
pub fn of_member(key: &str) -> Option<UserId> {
    UserId::parse(key.strip_prefix(MEMBER_PREFIX)?).ok()
}

/// What the sort key of a reading begins with.
pub const READING_PREFIX: &str = "R#";

/// The sort key of a reading.
pub fn reading(user: &UserId) -> String {
    format!("{READING_PREFIX}{user}")
}

/// Whose reading a sort key is.
pub fn of_reading(key: &str) -> Option<UserId> {
    UserId::parse(key.strip_prefix(READING_PREFIX)?).ok()
}

/// What the sort key of a focus begins with.
pub const FOCUS_PREFIX: &str = "F#";

/// What the sort keys of a user's focuses begin with.
pub fn focuses(user: &UserId) -> String {
    format!("{FOCUS_PREFIX}{user}#")
}

/// The sort key of a focus.
pub fn focus(user: &UserId, device: &DeviceId) -> String {
    format!("{}{device}", focuses(user))
}

/// Whose focus a sort key is, and on which device.
pub fn of_focus(key: &str) -> Option<(UserId, DeviceId)> {
    let (user, device) = key.strip_prefix(FOCUS_PREFIX)?.split_once('#')?;
    Some((UserId::parse(user).ok()?, DeviceId::parse(device).ok()?))
}

/// The sort key of a claim.
pub fn claim(author: &UserId, id: &MessageId) -> String {
    format!("B#{author}#{id}")
}

/// The partition of one bucket of all blocks of a level of a conversation: two hexadecimal digits
/// each for the analyzer, the level and the bucket.
pub fn blocks(key: &BlockKey) -> String {
    let BlockKey { conversation, analyzer, level, bucket, .. } = key;
    format!("{conversation}#{analyzer:02x}{level:02x}{bucket:02x}")
}
