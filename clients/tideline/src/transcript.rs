//! What `chat` shows of one conversation: its messages in their places, those that wait below them,
//! and which part of it is on the screen.
//!
//! What comes late, or from a page that was paged back to, stands where its sequence says. A recall
//! or an edit is no line of its own: it changes the message that it is about, whichever of the two
//! comes first, and of what was said before nothing is left here.

use std::collections::BTreeMap;

use timeline::exchange::Part;
use timeline::{Kind, Seq};
use wire::{Message, Messages};

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
    /// The ticket of the page before that, while it is waited for.
    pub(crate) ticket: Option<u64>,
    /// The message at the bottom of the screen; the newest if absent.
    bottom: Option<u64>,
}

/// A message as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// Who wrote it; an event's text says so itself.
    from: Option<String>,
    words: Words,
    /// Its own id.
    cid: String,
    mark: Mark,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Words {
    /// What it has always said.
    Said(String),
    /// What it says since the event at this sequence.
    Edited(u64, String),
    /// It was taken back.
    Recalled,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Revision {
    /// The event at this sequence changed it to say this.
    Edited(u64, String),
    /// The event at this sequence took it back.
    Recalled(u64),
}

/// How far an own message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Another's, or nobody's: there is nothing to say.
    None,
    /// It waits to be kept.
    Waiting,
    /// The server keeps it.
    Kept,
    /// Somebody else has read it.
    Read,
    /// The server refused it.
    Refused,
}

impl Mark {
    /// How it is drawn.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Waiting => "…",
            Self::Kept => "✓",
            Self::Read => "✓✓",
            Self::Refused => "✗",
        }
    }
}

/// A line of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// How far it is.
    pub(crate) mark: Mark,
    /// Who says it; what nobody says tells of the conversation itself.
    pub(crate) from: Option<String>,
    /// What it says.
    pub(crate) text: String,
}

impl Transcript {
    /// Adds a message that is kept; the own one that waited for it becomes it.
    pub(crate) fn message(&mut self, message: &Message, me: &str) {
        self.at = self.at.max(message.at);
        self.reach(message.seq);
        if story::target(message).is_some() {
            return self.revise(message);
        }
        let sentence = story::sentence(message);
        let is_said = sentence.is_none() && message.body.is_some();
        let mark = if is_said && message.from == me { Mark::Kept } else { Mark::None };
        let (from, words) = match sentence {
            Some(sentence) => (None, Words::Said(sentence)),
            None => (Some(message.from.clone()), words(message)),
        };
        let entry = Entry { from, words, cid: message.cid.clone(), mark };
        if message.from == me {
            self.waiting.retain(|other| other.cid != entry.cid);
        }
        self.kept.insert(message.seq, entry);
        self.apply_revision(message.seq);
    }

    /// Adds an own message that waits to be kept.
    pub(crate) fn waiting(&mut self, me: &str, cid: String, text: String) {
        let from = Some(me.to_owned());
        self.waiting.push(Entry { from, words: Words::Said(text), cid, mark: Mark::Waiting });
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
        let is_near = end < 2 * fits;
        if !is_near || self.has_beginning() || self.ticket.is_some() {
            return None;
        }
        Some(self.oldest.and_then(Seq::new).map_or(Part::Newest, Part::Before))
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

    fn has_beginning(&self) -> bool {
        self.is_complete || self.oldest == Some(1)
    }

    fn reach(&mut self, seq: u64) {
        self.oldest = Some(self.oldest.map_or(seq, |oldest| oldest.min(seq)));
    }

    /// Takes an event that takes a message back or changes it.
    fn revise(&mut self, event: &Message) {
        let Some(target) = story::target(event) else { return };
        let revision = match &event.body {
            _ if event.kind == Kind::RECALL => Revision::Recalled(event.seq),
            Some(_) => Revision::Edited(event.seq, story::words(event)),
            // A later event says what the message says.
            None => return,
        };
        match self.revisions.get(&target) {
            Some(Revision::Recalled(_)) => {}
            Some(Revision::Edited(by, _))
                if *by >= event.seq && matches!(revision, Revision::Edited(..)) => {}
            Some(Revision::Edited(..)) | None => {
                self.revisions.insert(target, revision);
            }
        }
        // What is before all that is known has no line yet.
        if self.oldest.is_some_and(|oldest| oldest <= target) {
            self.apply_revision(target);
        }
    }

    /// Does to a message what is known to have become of it.
    fn apply_revision(&mut self, seq: u64) {
        match (self.revisions.get(&seq), self.kept.get_mut(&seq)) {
            (Some(Revision::Recalled(_)), Some(entry)) => {
                (entry.words, entry.mark) = (Words::Recalled, Mark::None);
            }
            // It was taken back before this device read it.
            (Some(Revision::Recalled(_)), None) => {
                let cid = String::new();
                let entry = Entry { from: None, words: Words::Recalled, cid, mark: Mark::None };
                self.kept.insert(seq, entry);
            }
            (Some(Revision::Edited(by, text)), Some(entry)) => match &entry.words {
                Words::Said(_) => entry.words = Words::Edited(*by, text.clone()),
                Words::Edited(known, _) if known < by => {
                    entry.words = Words::Edited(*by, text.clone());
                }
                Words::Edited(..) | Words::Recalled => {}
            },
            (Some(Revision::Edited(..)), None) | (None, _) => {}
        }
    }
}

impl Revision {
    /// The event's sequence.
    fn by(&self) -> u64 {
        match self {
            Self::Edited(by, _) | Self::Recalled(by) => *by,
        }
    }
}

impl Entry {
    fn row(&self) -> Row {
        let text = match &self.words {
            Words::Said(text) => text.clone(),
            Words::Edited(_, text) => format!("{text} {}", story::EDITED),
            Words::Recalled => story::RECALLED.to_owned(),
        };
        Row { mark: self.mark, from: self.from.clone(), text }
    }
}

/// What a message says, as far as it says so itself.
fn words(message: &Message) -> Words {
    match (&message.body, message.edited) {
        (None, _) => Words::Recalled,
        (Some(_), None) => Words::Said(story::words(message)),
        (Some(_), Some(by)) => Words::Edited(by, story::words(message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(seq: u64, from: &str, text: &str) -> Message {
        Message {
            q: None,
            conversation: "d~al~bo".into(),
            seq,
            cid: format!("c{seq}"),
            from: from.into(),
            at: seq,
            kind: "text".into(),
            large: false,
            target: None,
            edited: None,
            body: Some(wire::text_body(text)),
        }
    }

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
