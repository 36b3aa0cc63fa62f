//! How far the inbox is applied: the cursor, and the positions that wait for their messages.
//!
//! The cursor moves only over a position whose message is applied, one by one, so what it stands
//! after is never asked for again and never missed. What is *covered* is merely received: from
//! there a sync goes on.

use std::collections::BTreeMap;

use timeline::{ConversationId, Seq, Timestamp};

/// Everything about the inbox.
#[derive(Debug)]
pub(crate) struct Inbox {
    /// Up to here every message is applied; `None` before the first reset.
    cursor: Option<Seq>,
    /// The cursor that was persisted last.
    saved: Option<Seq>,
    /// Up to here every position was received.
    covered: Seq,
    /// Received positions after the cursor, and the message that each tells of.
    positions: BTreeMap<Seq, (ConversationId, Seq)>,
    /// After a reset: how far each conversation must be applied before the cursor is worth saving.
    targets: BTreeMap<ConversationId, Seq>,
    /// The server's time at the last sync.
    pub(crate) seen: Option<u64>,
    /// What happens about the next sync.
    pub(crate) sync: Sync,
    /// How many syncs in a row failed.
    pub(crate) failures: u32,
    reset: Option<Reset>,
    /// Whether a sync reached the tail on this connection.
    pub(crate) synced: bool,
}

/// What happens about the next sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sync {
    /// It is made at this time, whatever happens.
    Due(Timestamp),
    /// It was asked for.
    Flying,
}

/// A reset whose list of conversations goes on.
#[derive(Debug)]
struct Reset {
    cursor: Seq,
    page: String,
}

impl Inbox {
    /// The inbox of a device that was here before, or never.
    pub(crate) fn new(cursor: Option<Seq>, seen: Option<u64>) -> Self {
        Self {
            cursor,
            saved: cursor,
            covered: cursor.unwrap_or_default(),
            positions: BTreeMap::new(),
            targets: BTreeMap::new(),
            seen,
            sync: Sync::Due(Timestamp(0)),
            failures: 0,
            reset: None,
            synced: false,
        }
    }

    /// The frame that asks for what comes next.
    pub(crate) fn request(&self, id: String) -> wire::Sync {
        let mut sync = wire::Sync::new(id, self.cursor.map(|_| self.covered.number()));
        sync.seen = self.seen;
        sync.page = self.reset.as_ref().map(|reset| reset.page.clone());
        sync
    }

    /// Whether a list of conversations goes on.
    pub(crate) fn is_listing(&self) -> bool {
        self.reset.is_some()
    }

    /// Whether the next sync is answered with all conversations of this user.
    pub(crate) fn is_reset(&self) -> bool {
        self.cursor.is_none() || self.reset.is_some()
    }

    /// Notes that a position tells of this message.
    pub(crate) fn note(&mut self, q: Seq, conversation: &ConversationId, seq: Seq) {
        if self.cursor.is_none() || q > self.covered {
            self.positions.entry(q).or_insert_with(|| (conversation.clone(), seq));
            self.cover();
        }
    }

    /// Whether a position was received that others before it were not.
    pub(crate) fn has_gap(&self) -> bool {
        let last = self.positions.keys().next_back();
        self.cursor.is_some() && last.is_some_and(|last| *last > self.covered)
    }

    /// Lets a sync be made at `due`, unless one happens earlier anyway.
    pub(crate) fn ask(&mut self, due: Timestamp) {
        if let Sync::Due(planned) = self.sync {
            self.sync = Sync::Due(due.min(planned));
        }
    }

    /// Forgets the connection; on the next one everything begins with a sync.
    pub(crate) fn disconnected(&mut self) {
        self.reset = None;
        self.synced = false;
        self.failures = 0;
        self.sync = Sync::Due(Timestamp(0));
    }

    /// Takes the first page of a reset, or the next: what was noted of the old inbox is void. The
    /// cursor that the inbox then goes on from, if this was the last page.
    pub(crate) fn reset(&mut self, cursor: Seq, page: Option<String>) -> Option<Seq> {
        let first = match self.reset.take() {
            Some(reset) => reset.cursor,
            None => {
                self.positions.clear();
                self.targets.clear();
                self.cursor = None;
                cursor
            }
        };
        match page {
            Some(page) => {
                self.reset = Some(Reset { cursor: first, page });
                None
            }
            None => {
                self.cursor = Some(first);
                self.covered = first;
                self.positions = self.positions.split_off(&first.next());
                self.cover();
                Some(first)
            }
        }
    }

    /// Keeps the cursor from being saved before a conversation is applied up to `tail`.
    pub(crate) fn target(&mut self, conversation: &ConversationId, tail: Seq) {
        self.targets.insert(conversation.clone(), tail);
    }

    /// Up to here every position was received.
    pub(crate) fn covered(&self) -> Seq {
        self.covered
    }

    /// Whether everything that was received is applied, and the cursor saved.
    pub(crate) fn is_settled(&self) -> bool {
        self.cursor.is_some() && self.saved == self.cursor && self.cursor == Some(self.covered)
    }

    /// Moves the cursor over what is applied; the new one, if it is to be saved.
    /// One that waits for something else is saved later.
    pub(crate) fn advance(
        &mut self,
        is_waiting: bool,
        applied: impl Fn(&ConversationId) -> Seq,
    ) -> Option<Seq> {
        let mut cursor = self.cursor?;
        while let Some((conversation, seq)) = self.positions.get(&cursor.next()) {
            if applied(conversation) < *seq {
                break;
            }
            cursor = cursor.next();
            self.positions.remove(&cursor);
        }
        self.cursor = Some(cursor);
        self.targets.retain(|conversation, tail| applied(conversation) < *tail);
        if is_waiting || !self.targets.is_empty() || self.saved == self.cursor {
            return None;
        }
        self.saved = self.cursor;
        self.saved
    }

    fn cover(&mut self) {
        if self.cursor.is_some() {
            while self.positions.contains_key(&self.covered.next()) {
                self.covered = self.covered.next();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(number: u64) -> Seq {
        Seq::new(number).unwrap()
    }

    fn conversation() -> ConversationId {
        ConversationId::parse("d~al~bo").unwrap()
    }

    /// Notes that each position tells of the message of the same number.
    fn note(inbox: &mut Inbox, positions: &[u64]) {
        for q in positions {
            inbox.note(seq(*q), &conversation(), seq(*q));
        }
    }

    #[test]
    fn the_cursor_passes_only_what_is_applied_and_only_without_a_gap() {
        let mut inbox = Inbox::new(Some(Seq::ZERO), None);
        note(&mut inbox, &[1, 2, 4]);
        assert!(inbox.has_gap());
        assert_eq!(inbox.advance(false, |_| seq(1)), Some(seq(1)));
        assert_eq!(inbox.advance(false, |_| seq(9)), Some(seq(2)));
        assert_eq!(inbox.advance(false, |_| seq(9)), None);
        note(&mut inbox, &[3]);
        assert!(!inbox.has_gap());
        assert_eq!(inbox.advance(false, |_| seq(9)), Some(seq(4)));
        assert!(inbox.is_settled());
    }

    #[test]
    fn a_sync_goes_on_after_what_was_received_not_what_was_applied() {
        let mut inbox = Inbox::new(Some(Seq::ZERO), Some(7));
        note(&mut inbox, &[1, 2]);
        let sync = inbox.request("1".into());
        assert_eq!((sync.cursor, sync.seen), (Some(2), Some(7)));
    }

    #[test]
    fn a_reset_keeps_the_first_cursor_and_saves_it_when_all_is_filled() {
        let mut inbox = Inbox::new(Some(seq(3)), None);
        note(&mut inbox, &[4]);
        assert_eq!(inbox.reset(seq(70), Some("d~al~bo".into())), None);
        inbox.target(&conversation(), seq(9));
        assert_eq!(inbox.request("1".into()).page.as_deref(), Some("d~al~bo"));
        assert_eq!(inbox.reset(seq(72), None), Some(seq(70)));
        assert_eq!(inbox.request("1".into()).cursor, Some(70));
        assert_eq!(inbox.advance(false, |_| seq(8)), None);
        assert_eq!(inbox.advance(false, |_| seq(9)), Some(seq(70)));
    }
}
