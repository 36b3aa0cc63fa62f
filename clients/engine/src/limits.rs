//! Every bound of the client. All are ours; the unit is part of the name.

/// How long a hole in a conversation or in the inbox may close by itself before it is asked for,
/// in milliseconds: messages that overtake one another are apart by less.
pub const HOLE_WAIT_MS: u64 = 150;

/// How long a request waits for its answer before it is made again, in milliseconds.
pub const ANSWER_WAIT_MS: u64 = 10_000;

/// How long nothing at all may be heard while requests are out, in milliseconds; then the
/// connection is taken for dead and opened anew.
pub const SILENCE_MS_MAX: u64 = 2 * ANSWER_WAIT_MS;

/// The first back-off, in milliseconds; each failure doubles it.
pub const BACKOFF_MS_FIRST: u64 = 1_000;

/// The longest back-off, in milliseconds.
pub const BACKOFF_MS_MAX: u64 = 30_000;

/// The longest wait that a server may ask for, in milliseconds: 5 minutes.
pub const RETRY_AFTER_MS_MAX: u64 = 5 * 60 * 1_000;

/// How often an open connection syncs, in milliseconds: 4.5 minutes. API Gateway closes a
/// connection that was idle for 10 ("Quotas for configuring and running a WebSocket API"). Also how
/// often the tails of all large groups are asked for, and so how late a message of one that nobody
/// looks at may be: asking costs the server a read for each group, so it is no more often.
pub const KEEP_ALIVE_MS: u64 = 270_000;

/// The earliest planned reconnect, in milliseconds after the connection opened: 100 minutes.
pub const RECONNECT_MS_MIN: u64 = 100 * 60 * 1_000;

/// The latest planned reconnect: 118 minutes, below [`timeline::limits::CONNECTION_MS_MAX`].
pub const RECONNECT_MS_MAX: u64 = 118 * 60 * 1_000;

/// How many unread messages of a conversation are counted, the newest ones: far beyond what anybody
/// shows, and what bounds a device whose user never reads.
pub const UNREAD_KEPT_MAX: usize = 10_000;

/// How often the list of conversations is read for positions that it must have, but lacks: what is
/// active between two of its pages may be on neither.
pub const LISTS_MAX: u32 = 3;

/// How many holes are filled at the same time.
pub const FILLS_MAX: usize = 4;

/// How far below the first message seen of a new conversation a device without backfill reads, in
/// messages: one page, enough for messages that a later one overtook.
pub const LOOK_BACK: u64 = timeline::limits::PAGE_ENTRIES_MAX as u64;

/// Over how long, in milliseconds, the members of a group that became large spread their first
/// question for its tail: all learn of it at the same moment.
pub const LARGE_SPREAD_MS: u64 = 2_000;

/// How long before its end a focus is renewed, in milliseconds.
pub const FOCUS_MARGIN_MS: u64 = 60_000;

/// How long after a focus it is renewed at the earliest, in milliseconds, whatever its end.
pub const FOCUS_MS_MIN: u64 = 30_000;

const _: () = assert!(UNREAD_KEPT_MAX > timeline::limits::UNREAD_MAX);
const _: () = assert!(FOCUS_MARGIN_MS + FOCUS_MS_MIN < timeline::limits::FOCUS_MS);
const _: () = assert!(RECONNECT_MS_MIN < RECONNECT_MS_MAX);
const _: () = assert!(RECONNECT_MS_MAX < timeline::limits::CONNECTION_MS_MAX);
const _: () = assert!(BACKOFF_MS_FIRST <= BACKOFF_MS_MAX);
