//! What a device remembers: one JSON line per record, only ever appended to.
//!
//! Lines are numbered, so that one that is lost is noticed, wherever it was: what counts then is an
//! earlier state of the device, and what its user wrote, read or had printed.
//!
//! When it is opened it is written anew with what still counts: the sum of the engine's records,
//! the messages that `listen` has not printed, and the newest ones, for `chat` to show. So it is
//! when a message was taken back or changed: what it said before is on no disk after that.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use engine::{Record, State, Survivors};
use serde::{Deserialize, Serialize};
use wire::Message;

use crate::error::Error;
use crate::home::unusable;
use crate::story;

/// How many printed messages of a conversation are kept for `chat`.
const KEPT_MESSAGES_MAX: usize = 200;

/// The journal of a device.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    memory: Memory,
    /// The number of the next line.
    next: u64,
    /// Whether a record was written that must be on disk before the next frame leaves.
    is_due: bool,
    /// Whether the file says something that was taken back or changed since.
    is_stale: bool,
}

/// A line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// A record of the engine.
    Engine(Record),
    /// `listen` and `sync` have printed the conversation up to here.
    Printed { conversation: String, seq: u64 },
}

impl Line {
    /// Whether it counts whatever else was lost: what was printed is not to be printed again.
    fn is_wish(&self) -> bool {
        match self {
            Self::Engine(record) => record.is_wish(),
            Self::Printed { .. } => true,
        }
    }
}

/// The sum of all lines.
#[derive(Debug, Default)]
struct Memory {
    state: State,
    /// Applied messages, in the order in which they were applied.
    messages: Vec<Message>,
    printed: BTreeMap<String, u64>,
    /// So many messages at the beginning are printed for certain.
    skip: usize,
}

impl Journal {
    /// Reads and compacts a journal; a new device has an empty one.
    ///
    /// A last line without its end is what a crash leaves; nothing was done in its name.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] when another line is damaged, rather than lost.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let text = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(unusable(path, error)),
        };
        let mut memory = Memory::default();
        let mut survivors = Survivors::default();
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for (index, line) in text[..whole].split(|byte| *byte == b'\n').enumerate() {
            if !line.is_empty() {
                let damaged =
                    |source| Error::Journal { path: path.to_owned(), line: index + 1, source };
                let (number, line): (u64, Line) = serde_json::from_slice(line).map_err(damaged)?;
                if survivors.counts(number, line.is_wish()) {
                    memory.add(&line);
                }
            }
        }
        memory.forget();
        let (file, next) = write_anew(path, &memory).map_err(|error| unusable(path, error))?;
        Ok(Self { path: path.to_owned(), file, memory, next, is_due: false, is_stale: false })
    }

    /// What the engine starts from.
    pub(crate) fn state(&self) -> &State {
        &self.memory.state
    }

    /// The messages that are kept, in the order in which they were applied.
    pub(crate) fn messages(&self) -> &[Message] {
        &self.memory.messages
    }

    /// The messages that `listen` has not printed, in the order in which they were applied.
    pub(crate) fn unprinted(&self) -> Vec<Message> {
        let is_unprinted = |message: &&Message| !self.memory.is_printed(message);
        let messages = self.memory.messages.iter().skip(self.memory.skip);
        messages.filter(is_unprinted).cloned().collect()
    }

    /// Appends a record of the engine.
    pub(crate) fn append(&mut self, record: Record) -> Result<(), Error> {
        self.is_due |= matches!(record, Record::Queued(_) | Record::Reading { .. });
        self.write(&Line::Engine(record))
    }

    /// Notes that a message, and so everything before it in its conversation, was printed.
    pub(crate) fn printed(&mut self, message: &Message) -> Result<(), Error> {
        let conversation = message.conversation.clone();
        self.write(&Line::Printed { conversation, seq: message.seq })
    }

    /// Sees to it that the file says nothing that was taken back or changed.
    pub(crate) fn redact(&mut self) -> Result<(), Error> {
        if self.is_stale {
            self.memory.forget();
            let anew = write_anew(&self.path, &self.memory);
            (self.file, self.next) = anew.map_err(|error| unusable(&self.path, error))?;
            (self.is_stale, self.is_due) = (false, false);
        }
        Ok(())
    }

    /// Sees to it that what must be on disk before a frame leaves is there.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        if self.is_due {
            self.file.sync_data().map_err(|error| unusable(&self.path, error))?;
            self.is_due = false;
        }
        Ok(())
    }

    fn write(&mut self, line: &Line) -> Result<(), Error> {
        let bytes = bytes(self.next, line);
        self.file.write_all(&bytes).map_err(|error| unusable(&self.path, error))?;
        self.next += 1;
        self.is_stale |= self.memory.add(line);
        Ok(())
    }
}

impl Memory {
    /// Adds a line; whether an earlier one says something that it takes back or changes.
    fn add(&mut self, line: &Line) -> bool {
        match line {
            Line::Engine(record) => {
                self.state.apply(record);
                match record {
                    Record::Applied(message) => {
                        let is_revised = self.revise(message);
                        self.messages.push(message.clone());
                        return is_revised;
                    }
                    Record::Restarted { conversation, seq } => {
                        self.restart(conversation.as_str(), seq.number());
                    }
                    Record::Queued(_)
                    | Record::Settled { .. }
                    | Record::Reached { .. }
                    | Record::Reading { .. }
                    | Record::Read { .. }
                    | Record::Unread { .. }
                    | Record::Large { .. }
                    | Record::Cursor { .. }
                    | Record::Seen { .. } => {}
                }
            }
            Line::Printed { conversation, seq } => {
                let printed = self.printed.entry(conversation.clone()).or_default();
                *printed = (*printed).max(*seq);
                while self.messages.get(self.skip).is_some_and(|next| self.is_printed(next)) {
                    self.skip += 1;
                }
            }
        }
        false
    }

    /// Takes back or changes the message that an event is about, and takes their words from the
    /// edits before it; whether anything said something else.
    fn revise(&mut self, event: &Message) -> bool {
        let Some(target) = story::target(event) else { return false };
        let mut is_revised = false;
        for message in &mut self.messages {
            let is_meant = message.seq == target || story::target(message) == Some(target);
            if is_meant && message.conversation == event.conversation {
                is_revised |= story::revise(message, event);
            }
        }
        is_revised
    }

    fn restart(&mut self, conversation: &str, seq: u64) {
        self.skip = 0;
        self.messages.retain(|message| message.conversation != conversation || message.seq <= seq);
        if let Some(printed) = self.printed.get_mut(conversation) {
            *printed = seq.min(*printed);
        }
    }

    fn is_printed(&self, message: &Message) -> bool {
        self.printed.get(&message.conversation).is_some_and(|printed| message.seq <= *printed)
    }

    /// Forgets all but the newest of the printed messages.
    fn forget(&mut self) {
        let mut newer: BTreeMap<&str, usize> = BTreeMap::new();
        let mut keep: Vec<bool> = Vec::new();
        for message in self.messages.iter().rev() {
            let count = newer.entry(&message.conversation).or_default();
            *count += 1;
            keep.push(*count <= KEPT_MESSAGES_MAX || !self.is_printed(message));
        }
        let mut keep = keep.into_iter().rev();
        self.messages.retain(|_| keep.next().unwrap_or_default());
        self.skip = 0;
    }

    fn lines(&self) -> impl Iterator<Item = Line> {
        let messages = self.messages.iter().cloned().map(Record::Applied);
        let records = messages.chain(self.state.records()).map(Line::Engine);
        let printed = self.printed.iter().map(|(conversation, seq)| Line::Printed {
            conversation: conversation.clone(),
            seq: *seq,
        });
        records.chain(printed)
    }
}

/// Writes a journal beside the old one and puts it in its place, so that at any moment one of the
/// two is whole; the file to append to, and the number of its next line.
fn write_anew(path: &Path, memory: &Memory) -> io::Result<(File, u64)> {
    let new = path.with_extension("new");
    let mut text = Vec::new();
    let mut next = 0;
    for line in memory.lines() {
        text.extend(bytes(next, &line));
        next += 1;
    }
    let mut file = File::create(&new)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok((OpenOptions::new().append(true).open(path)?, next))
}

fn bytes(number: u64, line: &Line) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(&(number, line)).expect("a line has text for keys");
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use crate::sample;

    use super::*;

    fn message(seq: u64) -> Message {
        sample::text(seq, "al", "x")
    }

    /// The sequences of messages.
    fn seqs(messages: &[Message]) -> Vec<u64> {
        messages.iter().map(|message| message.seq).collect()
    }

    fn append(journal: &mut Journal, seqs: std::ops::RangeInclusive<u64>) {
        for seq in seqs {
            journal.append(Record::Applied(message(seq))).unwrap();
        }
    }

    #[test]
    fn what_was_printed_is_not_printed_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        let mut journal = Journal::open(&path).unwrap();
        append(&mut journal, 1..=3);
        journal.printed(&message(2)).unwrap();
        assert_eq!(seqs(&journal.unprinted()), [3]);
        for _ in 0..2 {
            let journal = Journal::open(&path).unwrap();
            assert_eq!(seqs(&journal.unprinted()), [3]);
            assert_eq!(journal.state().applied.values().next().unwrap().number(), 3);
        }
    }

    #[test]
    fn a_torn_last_line_is_forgotten_and_any_other_damage_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        append(&mut Journal::open(&path).unwrap(), 1..=2);
        let mut text = fs::read(&path).unwrap();
        text.truncate(text.len() - 5);
        fs::write(&path, &text).unwrap();
        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(seqs(journal.messages()), [1]);
        append(&mut journal, 2..=2);
        assert_eq!(seqs(Journal::open(&path).unwrap().messages()), [1, 2]);
        fs::write(&path, b"[0,{\"engine\":\n{}\n").unwrap();
        assert!(matches!(Journal::open(&path), Err(Error::Journal { line: 1, .. })));
    }

    /// Every part of eight lines.
    #[test]
    fn whatever_lines_are_lost_what_counts_is_an_earlier_state_and_every_wish() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        let conversation = timeline::ConversationId::parse("d~al~bo").unwrap();
        let read = || {
            let seq = timeline::Seq::FIRST;
            Record::Reading { conversation: conversation.clone(), seq }
        };
        let mut journal = Journal::open(&path).unwrap();
        append(&mut journal, 1..=5);
        journal.append(read()).unwrap();
        journal.printed(&message(2)).unwrap();
        append(&mut journal, 6..=6);
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for part in 0..1_u32 << lines.len() {
            let is_left = |index: &usize| part & (1 << index) != 0;
            let left = (0..lines.len()).filter(is_left).map(|index| format!("{}\n", lines[index]));
            fs::write(&path, left.collect::<String>()).unwrap();
            let journal = Journal::open(&path).unwrap();
            let lost = (0..lines.len()).find(|index| !is_left(index)).unwrap_or(lines.len());
            let expected = lines[..lost].iter().filter(|line| line.contains("applied")).count();
            let expected: Vec<u64> = (1..=expected as u64).collect();
            assert_eq!(seqs(journal.messages()), expected, "{part:b}");
            let state = journal.state();
            let applied = state.applied.get(&conversation).map_or(0, |seq| seq.number());
            assert_eq!(applied, expected.len() as u64, "{part:b}");
            let wanted = state.readings.get(&conversation).and_then(|reading| reading.wanted);
            assert_eq!(wanted.is_some(), is_left(&5), "{part:b}");
            let unprinted =
                if is_left(&6) { expected.len().saturating_sub(2) } else { expected.len() };
            assert_eq!(journal.unprinted().len(), unprinted, "{part:b}");
        }
    }

    #[test]
    fn printed_messages_are_kept_in_bounds_and_unprinted_ones_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        let mut journal = Journal::open(&path).unwrap();
        append(&mut journal, 1..=500);
        assert_eq!(Journal::open(&path).unwrap().messages().len(), 500);
        let mut journal = Journal::open(&path).unwrap();
        journal.printed(&message(250)).unwrap();
        assert_eq!(Journal::open(&path).unwrap().messages()[0].seq, 251);
        let mut journal = Journal::open(&path).unwrap();
        journal.printed(&message(500)).unwrap();
        let journal = Journal::open(&path).unwrap();
        assert_eq!(seqs(journal.messages()), (301..=500).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_taken_back_or_changed_is_on_no_disk() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        let says = |words: &str| fs::read_to_string(&path).unwrap().contains(words);
        let text = |seq, words| Message { body: Some(wire::text_body(words)), ..message(seq) };
        let event = |seq, kind: &str, target, words| Message {
            kind: kind.into(),
            target: Some(target),
            ..text(seq, words)
        };
        let mut journal = Journal::open(&path).unwrap();
        let secret = [text(1, "secret"), event(2, "edit", 1, "a secret"), text(3, "at five")];
        for applied in secret.into_iter().chain([event(4, "recall", 1, "")]) {
            journal.append(Record::Applied(applied)).unwrap();
        }
        assert!(says("secret") && says("at five"));
        journal.redact().unwrap();
        assert!(!says("secret") && says("at five"));
        journal.append(Record::Applied(event(5, "edit", 3, "at six"))).unwrap();
        journal.redact().unwrap();
        assert!(!says("at five"));
        // What is appended after that is found again, and so is what is left of the two.
        append(&mut journal, 6..=6);
        let journal = Journal::open(&path).unwrap();
        let kept: Vec<_> = journal.messages().iter().map(|m| (m.text(), m.edited)).collect();
        assert_eq!(kept[0], (None, Some(2)));
        assert_eq!(kept[2], (Some("at six".to_owned()), Some(5)));
        assert_eq!(seqs(journal.messages()), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn what_the_server_took_back_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(&directory.path().join("journal.jsonl")).unwrap();
        append(&mut journal, 1..=3);
        journal.printed(&message(3)).unwrap();
        let conversation = "d~al~bo";
        let conversation = timeline::ConversationId::parse(conversation).unwrap();
        let seq = timeline::Seq::FIRST;
        journal.append(Record::Restarted { conversation, seq }).unwrap();
        append(&mut journal, 2..=2);
        assert_eq!(seqs(&journal.unprinted()), [2]);
    }
}
