//! The port to the sync library, and how an entry is delivered to an inbox.
//!
//! An inbox is a hint of what is new: the timeline has the truth. Its positions are dense, so a
//! device sees when it missed one. Entries expire; what keeps the numbering going when all of them
//! did is the *anchor*, an item that sorts after every entry and says how far the numbers went.

use std::time::Duration;

use async_trait::async_trait;
use timeline::{ConversationId, InboxEntry, InboxLife, Seq, Timestamp, UserId, limits};

use crate::error::Error;
use crate::pace::Pace;
use crate::timelines::Put;

/// The end of an inbox, as a writer sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxTail {
    /// The newest entries, newest first, at most [`limits::INBOX_LOOK_BACK`]; expired ones that are
    /// still there included, for their places are taken.
    pub newest: Vec<InboxEntry>,
    /// How far the numbers went at least.
    pub anchor: Seq,
}

impl InboxTail {
    /// The highest position ever given out.
    pub fn position(&self) -> Seq {
        self.newest.first().map_or(Seq::ZERO, |entry| entry.position).max(self.anchor)
    }

    /// Where the inbox already tells of an entry, if it does among its newest.
    pub fn find(&self, conversation: &ConversationId, seq: Seq) -> Option<Seq> {
        let found = self.newest.iter().find(|entry| entry.tells_of(conversation, seq));
        found.map(|entry| entry.position)
    }

    /// Where the inbox already tells what `entry` does, if it does among its newest.
    pub fn place_of(&self, entry: &InboxEntry) -> Option<Seq> {
        // Of a control the newest of its kind counts: what was on, off and on again is on.
        let is_candidate = |other: &&InboxEntry| {
            !entry.kind.is_control()
                || (&other.kind, &other.conversation) == (&entry.kind, &entry.conversation)
        };
        let mut candidates = self.newest.iter().filter(is_candidate);
        let found = if entry.kind.is_control() {
            candidates.next().filter(|other| entry.tells_the_same(other))
        } else {
            candidates.find(|other| entry.tells_the_same(other))
        };
        found.map(|other| other.position)
    }

    /// The entries that `author` wrote right before the end, oldest first.
    pub fn own(&self, author: &UserId) -> Vec<&InboxEntry> {
        let own = self.newest.iter().take_while(|entry| entry.author == *author);
        let mut own: Vec<_> = own.collect();
        own.reverse();
        own
    }
}

/// A part of an inbox after a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxPage {
    /// The entries, ascending, expired ones that are still there included.
    pub entries: Vec<InboxEntry>,
    /// The inbox's end, where the page reached it.
    pub end: Option<InboxEnd>,
}

/// The end of an inbox, as a reader sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxEnd {
    /// How far the numbers went; less than the reader's cursor only if nothing stands at the cursor
    /// or after it.
    pub position: Seq,
    /// How far the anchor says that they went.
    pub anchor: Seq,
    /// When the newest entry expires, if the reader saw one.
    pub expires: Option<Timestamp>,
}

impl InboxEnd {
    /// Whether its newest entry has been there for long, as `life` goes, and the anchor does not
    /// hold its place yet.
    pub fn wants_anchor(&self, life: InboxLife, now: Timestamp) -> bool {
        let old = life.milliseconds() - life.anchor_age_ms();
        self.anchor < self.position && self.expires.is_some_and(|expires| expires.since(now) <= old)
    }
}

/// The sync library. Every read is strongly consistent.
#[async_trait]
pub trait Inboxes: Send + Sync {
    /// The end of a user's inbox.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn tail(&self, user: &UserId) -> Result<InboxTail, Error>;

    /// The entries after `cursor`, at most `max_count`.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn after(&self, user: &UserId, cursor: Seq, max_count: usize)
    -> Result<InboxPage, Error>;

    /// Puts `entry` at its position if nothing is there.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] leaves open whether it was put.
    async fn put(&self, user: &UserId, entry: &InboxEntry) -> Result<Put<InboxEntry>, Error>;

    /// Writes down that the numbers of a user's inbox went as far as `position`; a lower one than
    /// was written before changes nothing.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn raise_anchor(&self, user: &UserId, position: Seq) -> Result<(), Error>;
}

/// Delivers an entry to a user's inbox, whose end the caller has read as `tail`, and returns where
/// it stands. Entries that the inbox's newest tell of already are not put again; under failure one
/// may rarely stand twice, which a device sees by (conversation, sequence).
///
/// `entry` is asked for the entry at a position.
///
/// # Errors
///
/// [`Error::Contended`] after [`limits::INBOX_CONFLICTS_MAX`] lost places, and the store's own.
pub async fn deliver(
    inboxes: &dyn Inboxes,
    pace: &dyn Pace,
    user: &UserId,
    tail: &InboxTail,
    entry: impl Fn(Seq) -> InboxEntry + Send + Sync,
) -> Result<Seq, Error> {
    let mut tail = tail.clone();
    for conflict in 0..limits::INBOX_CONFLICTS_MAX {
        let candidate = entry(tail.position().next());
        if let Some(position) = tail.place_of(&candidate) {
            return Ok(position);
        }
        match inboxes.put(user, &candidate).await {
            Ok(Put::Stored) => return Ok(candidate.position),
            Ok(Put::Occupied(other)) if candidate.tells_the_same(&other) => {
                return Ok(other.position);
            }
            // Lost the place, or the answer: either way the end tells what stands there now.
            Ok(Put::Occupied(_)) => {}
            Err(error) if error.is_ambiguous() => {}
            Err(error) => return Err(error),
        }
        if conflict > 0 {
            pace.pause(Duration::from_millis(limits::JITTER_MS_MAX)).await;
        }
        tail = inboxes.tail(user).await?;
    }
    Err(Error::Contended)
}
