//! What `chat` shows of one conversation: its messages in their places, those that wait below them,
//! and which part of it is on the screen.
//!
//! What comes late, or from a page that was paged back to, stands where its sequence says. A recall
//! or an edit is no line of its own: it changes the message that it is about, whichever of the two
//! comes first, and of what was said before nothing is left here.

use std::collections::BTreeMap;

use timeline::Seq;
use timeline::exchange::Part;
use wire::{Message, Messages};

use crate::entry::{Entry, Mark, Revision, Row};
use crate::story;

/// A conversation, without a screen.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    /// What the server keeps, by its sequence.
    kept: BTreeMap<u64, Entry>,
    /// Own messages that are not there yet, as they were written.
    waiting: Vec<Entry>,
    /// What was taken back or changed.
    revisions: BTreeMap<u64, Revision>,
    /// When something happened last: milliseconds since 1970 UTC.
    pub(crate) at: u64,
    /// How many messages are not read.
    pub(crate) unread: u64,
    /// How far somebody else has read.
    pub(crate) read_by: u64,
    /// The first sequence that was asked for or came; what is before it is not known.
    oldest: Option<u64>,
    /// Whether nothing is before that.
    is_complete: bool,
    /// Whether the server would not tell what is before that.
    is_refused: bool,
    /// The ticket of the page before that, while it is waited for.
    pub(crate) ticket: Option<u64>,
    /// The message at the bottom of the screen; the newest if absent.
    bottom: Option<u64>,
}

impl Transcript {
    /// Adds a message that is kept; the own one that waited for it becomes it.
    pub(crate) fn message(&mut self, message: &Message, me: &str) {
        self.at = self.at.max(message.at);
        self.reach(message.seq);
        if story::target(message).is_some() {
            return self.revise(message);
        }
        let entry = Entry::kept(message, me);
        if message.from == me {
            self.waiting.retain(|other| other.cid != entry.cid);
        }
        self.kept.insert(message.seq, entry);
        self.apply_revision(message.seq);
    }

    /// Adds an own message that waits to be kept.
    pub(crate) fn waiting(&mut self, me: &str, cid: String, text: String) {
        self.waiting.push(Entry::waiting(me, cid, text));
    }

    /// Marks an own message that has no place yet.
    pub(crate) fn mark(&mut self, cid: &str, mark: Mark) {
        for entry in self.waiting.iter_mut().filter(|entry| entry.cid == cid) {
            entry.mark = mark;
        }
    }

    /// Forgets what came after a sequence.
    pub(crate) fn restart(&mut self, seq: u64) {
        self.kept.retain(|kept, _| *kept <= seq);
        self.revisions.retain(|_, revision| revision.by() <= seq);
        self.read_by = self.read_by.min(seq);
        self.bottom = self.bottom.filter(|bottom| *bottom <= seq);
    }

    /// Adds the page before what is known.
    pub(crate) fn page(&mut self, page: &Messages, me: &str) {
        for message in &page.messages {
            self.message(message, me);
        }
        for seq in &page.missing {
            self.reach(*seq);
            self.apply_revision(*seq);
        }
        self.is_complete |= !page.more;
    }

    /// Takes the refusal of that page; whether the user was waiting for it.
    pub(crate) fn page_refused(&mut self) -> bool {
        let is_waited_for = !self.kept.is_empty();
        self.is_refused = true;
        is_waited_for
    }

    /// The newest message of somebody else.
    pub(crate) fn newest_of_others(&self, me: &str) -> u64 {
        let is_theirs = |entry: &Entry| entry.from.as_deref().is_some_and(|from| from != me);
        let mut newest = self.kept.iter().rev().filter(|(_, entry)| is_theirs(entry));
        newest.next().map_or(0, |(seq, _)| *seq)
    }

    /// The last own message that can be taken back or changed.
    ///
    /// # Errors
    ///
    /// Why there is none, as a sentence.
    pub(crate) fn last_own(&self) -> Result<Seq, &'static str> {
        if self.waiting.iter().any(|entry| entry.mark != Mark::Refused) {
            return Err("the last message is not kept yet");
        }
        let last = self.kept.iter().rev().find(|(_, entry)| entry.mark == Mark::Kept);
        last.and_then(|(seq, _)| Seq::new(*seq)).ok_or("there is no message of yours here")
    }

    /// Whether the newest message is on the screen.
    pub(crate) fn is_at_bottom(&self) -> bool {
        self.bottom.is_none()
    }

    /// Moves a screen of so many lines back, but for one line; the part that is to be asked for, so
    /// that there is something before it.
    pub(crate) fn page_up(&mut self, fits: usize) -> Option<Part> {
        let end = self.end(fits).saturating_sub(fits.saturating_sub(1).max(1));
        let end = end.max(fits.min(self.count()));
        self.show_until(end);
        if end < 2 * fits { self.before() } else { None }
    }

    /// The part that is to be asked for so that a screen of so many lines is full.
    pub(crate) fn lack(&self, fits: usize) -> Option<Part> {
        if self.count() < fits && !self.is_refused { self.before() } else { None }
    }

    /// Moves a screen of so many lines forward, but for one line.
    pub(crate) fn page_down(&mut self, fits: usize) {
        self.show_until(self.end(fits) + fits.saturating_sub(1).max(1));
    }

    /// The lines that are on a screen of so many.
    pub(crate) fn rows(&self, fits: usize) -> Vec<Row> {
        let beginning =
            Row { mark: Mark::None, from: None, text: "the conversation begins here".to_owned() };
        let beginning = self.has_beginning().then_some(beginning);
        let kept = self.kept.iter().map(|(seq, entry)| {
            let is_read = entry.mark == Mark::Kept && *seq <= self.read_by;
            Row { mark: if is_read { Mark::Read } else { entry.mark }, ..entry.row() }
        });
        let rows = beginning.into_iter().chain(kept).chain(self.waiting.iter().map(Entry::row));
        let end = self.end(fits);
        rows.take(end).skip(end.saturating_sub(fits)).collect()
    }

    /// How many lines there are.
    fn count(&self) -> usize {
        usize::from(self.has_beginning()) + self.kept.len() + self.waiting.len()
    }

    /// How many lines there are down to the bottom of a screen of so many, which is full if it can.
    fn end(&self, fits: usize) -> usize {
        let end = match self.bottom {
            Some(bottom) => usize::from(self.has_beginning()) + self.kept.range(..=bottom).count(),
            None => self.count(),
        };
        end.max(fits.min(self.count()))
    }

    /// Puts the last of so many lines at the bottom.
    fn show_until(&mut self, end: usize) {
        let index = end.checked_sub(usize::from(self.has_beginning()) + 1);
        let is_newest = end >= self.count();
        let seq = index.and_then(|index| self.kept.keys().nth(index)).copied();
        self.bottom = seq.filter(|_| !is_newest);
    }

    /// The part before what is known, unless there is none or it was asked for.
    fn before(&self) -> Option<Part> {
        if self.has_beginning() || self.ticket.is_some() {
            return None;
        }
        Some(self.oldest.and_then(Seq::new).map_or(Part::Newest, Part::Before))
    }

    fn has_beginning(&self) -> bool {
        self.is_complete || self.oldest == Some(1)
    }

    fn reach(&mut self, seq: u64) {
        self.oldest = Some(self.oldest.map_or(seq, |oldest| oldest.min(seq)));
    }

    /// Takes an event that takes a message back or changes it.
    fn revise(&mut self, event: &Message) {
        let Some((target, revision)) = Revision::of(event) else { return };
        if self.revisions.get(&target).is_none_or(|known| revision.replaces(known)) {
            self.revisions.insert(target, revision);
        }
        // What is before all that is known has no line yet.
        if self.oldest.is_some_and(|oldest| oldest <= target) {
            self.apply_revision(target);
        }
    }

    /// Does to a message what is known to have become of it.
    fn apply_revision(&mut self, seq: u64) {
        match (self.revisions.get(&seq), self.kept.get_mut(&seq)) {
            (Some(revision), Some(entry)) => entry.revise(revision),
            (Some(Revision::Recalled(_)), None) => {
                self.kept.insert(seq, Entry::recalled());
            }
            (Some(Revision::Edited(..)), None) | (None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sample::text as message;

    use super::*;

    fn event(seq: u64, kind: &str, target: u64, text: &str) -> Message {
        Message { kind: kind.into(), target: Some(target), ..message(seq, "bo", text) }
    }

    /// What al sees of these.
    fn transcript(messages: impl IntoIterator<Item = Message>) -> Transcript {
        let mut transcript = Transcript::default();
        for message in messages {
            transcript.message(&message, "al");
        }
        transcript
    }

    /// So many messages of bo, from one on.
    fn said(from: u64, count: u64) -> impl Iterator<Item = Message> {
        (from..from + count).map(|seq| message(seq, "bo", &format!("number {seq}")))
    }

    fn page(messages: impl Iterator<Item = Message>, missing: Vec<u64>, more: bool) -> Messages {
        Messages { messages: messages.collect(), first: 1, last: 99, missing, more }
    }

    fn lines(transcript: &Transcript, fits: usize) -> Vec<String> {
        let line = |row: Row| format!("{} {}", row.mark.symbol(), row.text).trim().to_owned();
        transcript.rows(fits).into_iter().map(line).collect()
    }

    #[test]
    fn what_comes_late_stands_in_its_place_above_what_waits() {
        let mut transcript = transcript([message(4, "bo", "four")]);
        transcript.waiting("al", "c6".into(), "mine".into());
        for seq in [2, 3] {
            transcript.message(&message(seq, "bo", &format!("late {seq}")), "al");
        }
        assert_eq!(lines(&transcript, 9), ["late 2", "late 3", "four", "… mine"]);
        transcript.message(&message(6, "al", "mine"), "al");
        assert_eq!(lines(&transcript, 2), ["four", "✓ mine"]);
    }

    #[test]
    fn ticks_tell_how_far_an_own_message_is() {
        let mut transcript = transcript((2..=4).map(|seq| message(seq, "al", "mine")));
        transcript.waiting("al", "c5".into(), "no".into());
        transcript.waiting("al", "c6".into(), "yet".into());
        transcript.mark("c5", Mark::Refused);
        transcript.read_by = 3;
        let expected = ["✓✓ mine", "✓✓ mine", "✓ mine", "✗ no", "… yet"];
        assert_eq!(lines(&transcript, 9), expected);
    }

    #[test]
    fn a_recalled_message_leaves_nothing_of_what_it_said() {
        let recall = event(4, "recall", 3, "");
        let edit = || event(5, "edit", 3, "a secret");
        let before =
            transcript([message(2, "bo", "x"), message(3, "al", "secret"), recall.clone()]);
        // The other way round, and never read at all.
        let after = transcript([message(2, "bo", "x"), edit(), recall]);
        for mut transcript in [before, after] {
            transcript.message(&edit(), "al");
            assert_eq!(lines(&transcript, 9), ["x", "message recalled"]);
            assert!(!format!("{transcript:?}").contains("secret"));
            assert!(transcript.last_own().is_err());
        }
        let withdrawn = Message { body: None, ..message(2, "al", "") };
        assert_eq!(lines(&transcript([withdrawn]), 9), ["message recalled"]);
    }

    #[test]
    fn an_edited_message_shows_its_newest_text() {
        let mut transcript = transcript([message(2, "al", "at 5"), event(3, "edit", 2, "at 6")]);
        transcript.message(&event(5, "edit", 2, "at 8"), "al");
        transcript.message(&event(4, "edit", 2, "at 7"), "al");
        assert_eq!(lines(&transcript, 9), ["✓ at 8 (edited)"]);
        assert_eq!(transcript.last_own().unwrap().number(), 2);
        // A page has the text of an edit that was told before it came.
        transcript.message(&event(6, "edit", 1, "old"), "al");
        let paged = Message { edited: Some(6), ..message(1, "bo", "old") };
        transcript.page(&page([paged].into_iter(), vec![], false), "al");
        let expected = ["the conversation begins here", "old (edited)", "✓ at 8 (edited)"];
        assert_eq!(lines(&transcript, 9), expected);
    }

    #[test]
    fn paging_back_asks_for_what_is_before_until_the_beginning() {
        let mut transcript = transcript(said(8, 3).chain([event(11, "recall", 5, "")]));
        let before = |seq| Some(Part::Before(Seq::new(seq).unwrap()));
        assert_eq!(transcript.page_up(2), before(8));
        assert_eq!(lines(&transcript, 2), ["number 8", "number 9"]);
        transcript.ticket = Some(1);
        assert_eq!(transcript.page_up(2), None, "it was asked for");
        transcript.ticket = None;
        transcript.page(&page(said(6, 2), vec![4, 5], true), "al");
        // What is on the screen stays there, and what was taken back has a line.
        assert_eq!(lines(&transcript, 2), ["number 8", "number 9"]);
        let expected = ["message recalled", "number 6", "number 7", "number 8", "number 9"];
        assert_eq!(lines(&transcript, 5), expected);
        assert_eq!(transcript.page_up(3), before(4));
        transcript.page(&page(said(1, 3), vec![], false), "al");
        for _ in 0..3 {
            assert_eq!(transcript.page_up(3), None);
        }
        let beginning = ["the conversation begins here", "number 1", "number 2"];
        assert_eq!(lines(&transcript, 3), beginning);
        for _ in 0..9 {
            transcript.page_down(3);
        }
        assert!(transcript.is_at_bottom());
        assert_eq!(lines(&transcript, 1), ["number 10"]);
    }

    #[test]
    fn a_screen_that_is_not_full_is_filled_from_history() {
        let mut transcript = Transcript::default();
        assert_eq!(transcript.lack(2), Some(Part::Newest));
        transcript.page(&page(said(8, 1), vec![], true), "al");
        let before = Some(Part::Before(Seq::new(8).unwrap()));
        assert_eq!((transcript.lack(1), transcript.lack(2)), (None, before.clone()));
        assert!(transcript.page_refused());
        assert_eq!((transcript.lack(2), transcript.page_up(2)), (None, before));
        assert!(!Transcript::default().page_refused(), "it may not exist yet");
    }

    #[test]
    fn the_newest_message_of_others_is_what_is_to_be_read() {
        let mut transcript = transcript(said(4, 2).chain([message(6, "al", "mine")]));
        assert_eq!(transcript.newest_of_others("al"), 5);
        transcript.message(&event(7, "leave", 0, ""), "al");
        assert_eq!(transcript.newest_of_others("al"), 5);
        assert_eq!(Transcript::default().newest_of_others("al"), 0);
    }

    #[test]
    fn what_comes_while_older_messages_are_read_does_not_move_them() {
        let mut transcript = transcript(said(1, 6));
        assert_eq!(transcript.page_up(3), None, "the first message is here");
        assert_eq!(lines(&transcript, 2), ["number 3", "number 4"]);
        transcript.message(&message(7, "bo", "new"), "al");
        assert!(!transcript.is_at_bottom());
        assert_eq!(lines(&transcript, 2), ["number 3", "number 4"]);
        transcript.restart(3);
        assert_eq!(lines(&transcript, 2), ["number 2", "number 3"]);
    }

    #[test]
    fn a_message_that_has_no_place_yet_is_not_taken_back() {
        let mut transcript = transcript([message(2, "al", "mine")]);
        transcript.waiting("al", "c3".into(), "next".into());
        assert!(transcript.last_own().is_err());
        transcript.mark("c3", Mark::Refused);
        assert_eq!(transcript.last_own().unwrap().number(), 2);
    }
}
