//! Every bound of the system, in one place, with whose it is.
//!
//! The unit is part of the name. *Ours* may be changed with a release; *theirs* may not.

/// The largest number of a position: 2^53 − 2. Ours: JSON readers hold integers up to 2^53 − 1
/// exactly (RFC 8259, section 6), and that one is the place of the inbox's anchor.
pub const SEQ_MAX: u64 = ANCHOR_NUMBER - 1;

/// The place of the inbox's anchor: after every entry, so that the read of the tail finds it.
pub const ANCHOR_NUMBER: u64 = (1 << 53) - 1;

/// The longest user id. Ours.
pub const USER_ID_BYTES_MAX: usize = 64;

/// The longest device id. Ours.
pub const DEVICE_ID_BYTES_MAX: usize = 64;

/// The longest name of a platform. Ours.
pub const PLATFORM_BYTES_MAX: usize = 16;

/// How many devices of one user may be online unless the deployment says otherwise. Ours.
pub const DEVICES_DEFAULT: usize = 5;

/// How many devices of one user a deployment may let online at most. Ours: their registrations are
/// one item, which every message to the user reads.
pub const DEVICES_MAX: usize = 20;

/// How many kicked devices of one user are remembered before those whose tokens expire first are
/// forgotten. Ours: with [`DEVICES_MAX`] registrations they stay far below an item's 400 KB.
pub const TOMBSTONES_MAX: usize = 50;

/// How often a write to a user's registrations is tried again because another changed what it goes
/// by. Ours.
pub const REGISTRY_CONFLICTS_MAX: usize = 4;

/// The longest connection id we keep. Ours; API Gateway's are 16 characters.
pub const CONNECTION_ID_BYTES_MAX: usize = 128;

/// The longest conversation id. Ours: `d~`, two user ids and a `~`.
pub const CONVERSATION_ID_BYTES_MAX: usize = 2 * USER_ID_BYTES_MAX + 3;

/// The longest timeline id. Ours; a direct conversation needs 131.
pub const TIMELINE_ID_BYTES_MAX: usize = 255;

/// The longest id that a client may give a request. Ours.
pub const REQUEST_ID_BYTES_MAX: usize = 64;

/// The length of a hyphenated UUID (RFC 9562, section 4).
pub const MESSAGE_ID_TEXT_BYTES: usize = 36;

/// The longest kind. Ours.
pub const KIND_BYTES_MAX: usize = 32;

/// The longest message body. Ours: with its envelope it fits one frame.
pub const BODY_BYTES_MAX: usize = 8_192;

/// The longest body that an inbox copies. Ours: an inbox entry then stays one write unit (1 KB).
pub const INBOX_BODY_BYTES_MAX: usize = 700;

/// The largest WebSocket frame. Theirs: "Quotas for configuring and running a WebSocket API in API
/// Gateway", WebSocket frame size.
pub const FRAME_BYTES_MAX: usize = 32 * 1_024;

/// The largest answer or push. Ours: it leaves room in a frame for whatever wraps it.
pub const ANSWER_BYTES_MAX: usize = 30_000;

/// What an answer's envelope and one message's fields around its body take at most. Ours: the ids
/// at their longest, numbers at theirs, and the names.
pub const ENVELOPE_BYTES_MAX: usize = 1_536;

/// What a message's field names, numbers and cid take at most in an answer, its conversation,
/// author, kind and body apart. Ours: three numbers of at most 20 digits, a UUID, nine names.
pub const MESSAGE_FIELDS_BYTES: usize = 220;

/// What the longest message takes in an answer. Ours.
pub const MESSAGE_BYTES_MAX: usize = MESSAGE_FIELDS_BYTES
    + CONVERSATION_ID_BYTES_MAX
    + USER_ID_BYTES_MAX
    + KIND_BYTES_MAX
    + BODY_BYTES_MAX;

/// What a conversation's tail takes at most in an answer, its id apart. Ours: a number, two names.
pub const TAIL_FIELDS_BYTES: usize = 60;

/// What a conversation's tail takes at most in an answer. Ours.
pub const TAIL_BYTES_MAX: usize = TAIL_FIELDS_BYTES + CONVERSATION_ID_BYTES_MAX;

/// What a sequence takes at most in a list of an answer. Ours: 16 digits and a comma.
pub const SEQ_BYTES: usize = 17;

/// The most entries in one answer of `sync` or `history`. Ours.
pub const PAGE_ENTRIES_MAX: usize = 100;

/// How many entries an answer holds when the client does not say. Ours.
pub const PAGE_ENTRIES_DEFAULT: usize = 100;

/// The longest title of a group, in characters. Ours.
pub const TITLE_CHARS_MAX: usize = 100;

/// The most members that one request adds to a group. Ours: with ids at their longest they fit the
/// event's body.
pub const MEMBERS_ADDED_MAX: usize = 100;

/// The most members in one page of a list. Ours: with ids at their longest they fit a frame.
pub const MEMBERS_PAGE_MAX: usize = 100;

/// The most sequences that `history` takes by name. Ours: one batch read (theirs: 100 keys).
pub const SEQS_MAX: usize = 100;

/// The most large groups whose tails a `sync` may name. Ours.
pub const TAILS_MAX: usize = 100;

/// How often one append may lose its place to another before it gives up. Ours.
pub const APPEND_CONFLICTS_MAX: usize = 8;

/// How many lost places an append answers by trying the next one at once. Ours: measured, more
/// would cost 128 write units in a burst of 256 writers.
pub const APPEND_GALLOPS_MAX: usize = 2;

/// How often one put whose answer was lost is repeated at its place. Ours.
pub const AMBIGUOUS_PUTS_MAX: usize = 3;

/// The longest wait between two tries at the tail, in milliseconds. Ours.
pub const JITTER_MS_MAX: u64 = 64;

/// How many entries after its base an append verifies before the client must. Ours.
pub const VERIFY_ENTRIES_MAX: usize = 5_000;

/// How many of an inbox's newest entries a writer looks at before it adds one. Ours.
pub const INBOX_LOOK_BACK: usize = 8;

/// How often one inbox entry may lose its place before its writer gives up. Ours.
pub const INBOX_CONFLICTS_MAX: usize = 16;

/// How long an inbox keeps an entry, in milliseconds, where a deployment does not say: 30 days.
/// Ours.
pub const INBOX_LIFE_MS_DEFAULT: u64 = 30 * DAY_MS;

/// How long a device's registration is never removed because a post found its connection gone, in
/// milliseconds. Ours: a post to a connection that is still opening is answered "gone".
pub const YOUNG_CONNECTION_MS: u64 = 30_000;

/// How long a WebSocket connection lasts at most, in milliseconds: 2 hours. Theirs: same page as
/// [`FRAME_BYTES_MAX`], connection duration.
pub const CONNECTION_MS_MAX: u64 = 2 * 60 * 60 * 1_000;

/// What a client is asked to wait after the store slowed us down, in milliseconds. Ours.
pub const RETRY_AFTER_MS: u64 = 250;

/// The most conversations in one page of a reset. Ours: with ids at their longest they fit a frame.
pub const RESET_CONVERSATIONS_MAX: usize = 140;

/// How many requests of one invocation run at once. Ours.
pub const CONCURRENT_MAX: usize = 64;

/// How many pages of its author's inbox a message is looked for in: 10,000 entries, however late
/// the stream is. Ours.
pub const MARKER_PAGES_MAX: usize = 100;

/// How old a message is, in milliseconds, before the stream's consumer finishes its fan-out: until
/// then its sender may be at it. Ours: measured, without the wait a slow stream redid nearly all.
pub const FAN_OUT_PATIENCE_MS: u64 = 5_000;

/// How long a device's focus on a large group lasts, in milliseconds: 2 hours, as long as its
/// connection can. Ours.
pub const FOCUS_MS: u64 = CONNECTION_MS_MAX;

/// The most devices that are pushed a message of a large group. Ours: each is a post, and the
/// account's posts are bounded.
pub const FOCUSED_MAX: usize = 1_000;

/// How often one message or change is authorized again because the membership changed meanwhile.
/// Ours.
pub const AUTHORIZATIONS_MAX: usize = 8;

/// The most unread messages that are counted in one conversation. Ours: it stands for "more than
/// 99".
pub const UNREAD_MAX: usize = 100;

/// How long a device's signals must lie apart, in milliseconds. Ours: typing is told anew every few
/// seconds.
pub const SIGNAL_GAP_MS: u64 = 1_000;

/// Up to how many members a group has its read positions pushed to all. Ours: each is a post.
pub const READ_TOLD_MAX: usize = 20;

/// The most conversations of a user that a list considers. Ours: each is a read, whichever page is
/// asked for.
pub const CONVERSATIONS_MAX: usize = 1_000;

/// What a conversation takes at most in a list, the body of its last message apart. Ours: its title
/// escaped, two messages' fields and ids.
pub const ROW_BYTES_MAX: usize = 12 * TITLE_CHARS_MAX
    + 2 * (MESSAGE_FIELDS_BYTES + CONVERSATION_ID_BYTES_MAX)
    + USER_ID_BYTES_MAX
    + KIND_BYTES_MAX;

/// The most hits in one answer of `search`. Ours.
pub const SEARCH_HITS_MAX: usize = 100;

/// How many hits an answer of `search` holds when the client does not say. Ours: a screen.
pub const SEARCH_HITS_DEFAULT: usize = 20;

/// The most places of one text that an answer of `search` shows. Ours: a text may match at each of
/// its letters, and what is highlighted after so many nobody looks for.
pub const SPANS_MAX: usize = 20;

/// What a place in a text takes at most in an answer. Ours: two numbers of at most 4 digits, for a
/// text is no longer than a body, two brackets and two commas.
pub const SPAN_BYTES_MAX: usize = 12;

/// What a hit's field names and numbers take at most in an answer, its conversation, author, kind,
/// text and spans apart. Ours: two numbers of at most 20 digits, seven names.
pub const HIT_FIELDS_BYTES: usize = 150;

/// What the longest hit takes in an answer. Ours: its text is no longer than the body it is from.
pub const HIT_BYTES_MAX: usize = HIT_FIELDS_BYTES
    + SPANS_MAX * SPAN_BYTES_MAX
    + CONVERSATION_ID_BYTES_MAX
    + USER_ID_BYTES_MAX
    + KIND_BYTES_MAX
    + BODY_BYTES_MAX;

/// What a conversation that is found by its title takes at most in an answer. Ours: its title
/// escaped, its id, three names, and where it matches.
pub const TITLE_HIT_BYTES_MAX: usize =
    12 * TITLE_CHARS_MAX + CONVERSATION_ID_BYTES_MAX + 60 + SPANS_MAX * SPAN_BYTES_MAX;

/// The most conversations that a search finds by their titles. Ours: those that were active last.
/// They leave room for the longest hit.
pub const TITLE_HITS_MAX: usize = 8;

/// How many conversations one request of a search over all of them looks into. Ours: each is a read
/// of its newest messages and of its blocks; those that were active before come on later pages.
pub const SEARCH_CONVERSATIONS_MAX: usize = 200;

/// How many buckets of blocks one request of a search reads. Ours: 40 batch reads. A conversation
/// of a million messages has some 40 blocks, and a query of two words reads each once or twice.
pub const SEARCH_BUCKETS_MAX: usize = 4_000;

/// How many messages one request of a search reads because blocks named them. Ours: ten batch
/// reads, each of at most 100 read units and some milliseconds.
pub const SEARCH_CANDIDATES_MAX: usize = 1_000;

/// How many blocks that are not there one request of a search makes up for, each by reading its 64
/// messages. Ours: a quarter of a second; whoever goes on finds them built.
pub const SEARCH_LEAVES_MAX: usize = 64;

/// How much earlier than one before it on its timeline a message may have been taken, in
/// milliseconds: an hour. Ours: it is taken at most one invocation before it is kept (theirs: 15
/// minutes, "Lambda quotas", function timeout), by clocks that agree to far less than the rest.
pub const DISORDER_MS_MAX: u64 = 60 * 60 * 1_000;

/// How many messages one round of a search for a time reads. Ours: in five rounds it finds its
/// place among a million.
pub const TIME_PROBES: u64 = 16;

/// How long an author may take a message back or change it, in milliseconds, where a deployment
/// does not say: a day. Ours.
pub const RECALL_MS_DEFAULT: u64 = DAY_MS;

/// How many places of a timeline are one block of the search index. Ours: never to be changed, for
/// the marks of the entries that complete one are kept for good.
pub const INDEX_BLOCK_ENTRIES: u64 = 64;

/// How many blocks of 64 messages the index reads for one message that completes longer ones: as
/// many as the longest has, if all are missing. Ours.
pub const INDEX_LEAVES_MAX: usize = 512;

/// How many conversations of a user one request to build the index anew looks at. Ours: each is a
/// read at least.
pub const REBUILD_CONVERSATIONS_MAX: usize = 100;

/// How many items one read by key may name. Theirs: BatchGetItem, 100 keys.
pub const BATCH_KEYS_MAX: usize = 100;

/// How many items one request may write. Theirs: BatchWriteItem, 25 put requests.
pub const BATCH_PUTS_MAX: usize = 25;

/// The most alerts in one request. Theirs: "PublishBatch", Amazon SNS API reference.
pub const ALERT_BATCH_MAX: usize = 10;

/// The longest id of an alert, and of the user whose order it keeps. Theirs:
/// "PublishBatchRequestEntry", Amazon SNS API reference, deduplication and group id.
pub const ALERT_ID_BYTES_MAX: usize = 128;

/// A day in milliseconds.
pub const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

const _: () = assert!(BODY_BYTES_MAX + ENVELOPE_BYTES_MAX <= ANSWER_BYTES_MAX);
const _: () = {
    let left = ANSWER_BYTES_MAX - ENVELOPE_BYTES_MAX;
    assert!(RESET_CONVERSATIONS_MAX * TAIL_BYTES_MAX <= left);
    // Beside as many tails as a request may name, an answer holds the longest message.
    assert!(TAILS_MAX * TAIL_BYTES_MAX + MESSAGE_BYTES_MAX <= left);
};
const _: () = {
    let quoted = USER_ID_BYTES_MAX + 3;
    // The event that adds members names them, and the group's title with every character escaped.
    assert!(MEMBERS_ADDED_MAX * quoted + TITLE_CHARS_MAX * 12 + 64 <= BODY_BYTES_MAX);
    assert!(MEMBERS_PAGE_MAX * (quoted + 32) + ENVELOPE_BYTES_MAX <= ANSWER_BYTES_MAX);
};
const _: () = assert!(ANSWER_BYTES_MAX < FRAME_BYTES_MAX);
const _: () = assert!(CONVERSATION_ID_BYTES_MAX <= TIMELINE_ID_BYTES_MAX);
const _: () = assert!(APPEND_GALLOPS_MAX < APPEND_CONFLICTS_MAX);
const _: () = assert!(DEVICES_DEFAULT <= DEVICES_MAX);
// An alert's id is its author's, a `#`, and the message's.
const _: () = assert!(USER_ID_BYTES_MAX + 1 + MESSAGE_ID_TEXT_BYTES <= ALERT_ID_BYTES_MAX);
