//! The key schema: the only file that spells a key or an attribute.
//!
//! | item         | table       | key                                        | read by |
//! |--------------|-------------|--------------------------------------------|---------|
//! | entry        | timeline    | `c` timeline id, `s` sequence              | `send`: s ≥ base; `history`: a range; `sync`: by key |
//! | inbox entry  | inbox       | `u` user, `q` position                     | `sync`: q > cursor; `send`: the newest 8 |
//! | anchor       | inbox       | `u` user, `q` = 2^53 − 1                   | with the newest, by the same query |
//! | conversation | directory   | `p` = `C#{conversation}`, `k` = `META`     | `send`, `history`: by key |
//! | claim        | directory   | `p` = `C#{conversation}`, `k` = `B#{user}#{cid}` | `send` without a base: by its put |
//! | listing      | directory   | `p` = `U#{user}`, `k` = `C#{conversation}` | `sync` after a reset: all of a user's |
//! | meta         | directory   | `p` = `T#{timeline}`, `k` = `META`         | the library's meta store: by key |
//! | registration | connections | `u` user                                   | `send`, `sync`: by key, one attribute `d…` per device; `$connect`: by its write |
//! | tombstone    | connections | an attribute `k…` of the registration's item | `$connect`: by its write |
//!
//! No user id, conversation, timeline or cid contains `#`, so no two keys can collide.
//!
//! An item that is no longer written keeps its row, marked *retired*: its letters are not free.

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
    /// Whether the body was replaced (BOOL); absent while it was not.
    pub const REVISED: &str = "w";
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
    /// On a conversation: the version of its membership (N).
    pub const VERSION: &str = "v";
    /// On a conversation: when it was made (N, milliseconds).
    pub const MADE: &str = "t";
    /// On a conversation: its members (M of M), by user id.
    pub const MEMBERS: &str = "ms";
    /// On a member and on a listing: the first sequence that is theirs (N).
    pub const JOINED: &str = "js";
    /// On a claim: the base (N).
    pub const FROM: &str = "from";
    /// On a meta: the fields (M of S). A key of its own, so that no field can shadow a key.
    pub const FIELDS: &str = "f";
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
    /// What a device's attribute begins with.
    pub const DEVICE_PREFIX: &str = "d";
    /// What the attribute of a device's tombstone begins with.
    pub const TOMBSTONE_PREFIX: &str = "k";
}

/// The attribute of a device's registration.
pub(crate) fn device(device: &DeviceId) -> String {
    format!("{}{device}", connections::DEVICE_PREFIX)
}

/// The attribute of a device's tombstone.
pub(crate) fn tombstone(device: &DeviceId) -> String {
    format!("{}{device}", connections::TOMBSTONE_PREFIX)
}

/// The partition of everything about a conversation.
pub(crate) fn conversation(conversation: &ConversationId) -> String {
    format!("C#{conversation}")
}

/// The partition of everything about a user.
pub(crate) fn user(user: &UserId) -> String {
    format!("U#{user}")
}

/// The partition of a timeline's meta.
pub(crate) fn timeline(timeline: &TimelineId) -> String {
    format!("T#{timeline}")
}

/// The sort key of what is known about a conversation or a timeline.
pub(crate) const META: &str = "META";

/// What the sort key of a listing begins with.
pub(crate) const LISTING_PREFIX: &str = "C#";

/// The sort key of a listing.
pub(crate) fn listing(conversation: &ConversationId) -> String {
    format!("{LISTING_PREFIX}{conversation}")
}

/// The sort key of a claim.
pub(crate) fn claim(author: &UserId, id: &MessageId) -> String {
    format!("B#{author}#{id}")
}
