//! What stands in for a topic's subscribers: a file with a line for each message that is delivered.
//!
//! A line is a JSON object with the members of a notification ("Amazon SNS message formats", Amazon
//! SNS developer guide) and the two ids that a queue would have them as attributes.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::query::Attribute;

/// How much of the end of a file is read at first when its last lines are looked for.
const TAIL_BYTES: u64 = 1024 * 1024;

/// One message that was delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Line {
    pub(crate) message_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sequence_number: Option<String>,
    pub(crate) topic_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message_group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message_deduplication_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    pub(crate) message: String,
    /// When it was published: ISO 8601 in UTC with milliseconds, so that later ones are greater.
    pub(crate) timestamp: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub(crate) message_attributes: BTreeMap<String, Attribute>,
}

/// Where files of lines are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) directory: &'a Path,
    /// Whether a line is delivered only when it has reached the disk.
    pub(crate) syncs: bool,
}

/// Where the lines go.
#[derive(Debug)]
pub(crate) enum Subscriber {
    /// Nowhere but here, for as long as the gateway runs.
    Memory(Vec<String>),
    /// To the end of a file.
    File { path: PathBuf, file: File, length: u64, syncs: bool },
}

impl Subscriber {
    /// Opens the file of a topic in its place; without one, lines are kept in memory.
    ///
    /// A line that was not written to its end is taken away: its message was never accepted.
    pub(crate) fn open(place: Option<Place<'_>>, topic: &str) -> io::Result<Self> {
        let Some(Place { directory, syncs }) = place else { return Ok(Self::Memory(Vec::new())) };
        fs::create_dir_all(directory)?;
        let path = directory.join(format!("{topic}.jsonl"));
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
        let end = file.seek(SeekFrom::End(0))?;
        let mut length = end;
        for start in tails(end) {
            let tail = read(&mut file, start)?;
            if let Some(at) = tail.iter().rposition(|byte| *byte == b'\n') {
                length = end - count(tail.len() - at - 1);
                break;
            }
            length = start;
        }
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        Ok(Self::File { path, file, length, syncs })
    }

    /// Appends a line, which is whole or not there.
    pub(crate) fn deliver(&mut self, line: &Line) -> io::Result<()> {
        let text = serde_json::to_string(line)?;
        match self {
            Self::Memory(lines) => lines.push(text),
            Self::File { file, length, syncs, .. } => {
                let written = file.write_all(format!("{text}\n").as_bytes());
                let written = written.and_then(|()| if *syncs { file.sync_data() } else { Ok(()) });
                if let Err(error) = written {
                    file.set_len(*length)?;
                    file.seek(SeekFrom::Start(*length))?;
                    return Err(error);
                }
                *length += count(text.len() + 1);
            }
        }
        Ok(())
    }

    /// The last lines: at least the last one, and all after the time `since`.
    pub(crate) fn last(&mut self, since: &str) -> io::Result<Vec<Line>> {
        let Self::File { file, length, .. } = self else { return Ok(Vec::new()) };
        let mut lines = Vec::new();
        for start in tails(*length) {
            let tail = read(file, start)?;
            let mut texts = tail.split(|byte| *byte == b'\n');
            if start > 0 {
                texts.next(); // The rest of a line that begins before.
            }
            let texts = texts.filter(|text| !text.is_empty());
            lines = texts.map(serde_json::from_slice).collect::<Result<Vec<Line>, _>>()?;
            if lines.first().is_some_and(|first| first.timestamp.as_str() <= since) {
                break;
            }
        }
        file.seek(SeekFrom::Start(*length))?;
        Ok(lines)
    }

    /// All lines, those of earlier runs included.
    pub(crate) fn lines(&self) -> io::Result<Vec<Value>> {
        let text = match self {
            Self::Memory(lines) => lines.join("\n"),
            Self::File { path, .. } => fs::read_to_string(path)?,
        };
        Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }
}

/// Where to begin reading the end of a file: further and further to its front.
fn tails(length: u64) -> impl Iterator<Item = u64> {
    let sizes = std::iter::successors(Some(TAIL_BYTES), move |size| {
        (*size < length).then(|| size.saturating_mul(4))
    });
    sizes.map(move |size| length.saturating_sub(size))
}

fn read(file: &mut File, start: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u64, bytes: usize) -> Line {
        Line {
            message_id: number.to_string(),
            sequence_number: None,
            topic_arn: "arn".to_owned(),
            message_group_id: None,
            message_deduplication_id: None,
            subject: None,
            message: "x".repeat(bytes),
            timestamp: format!("2026-11-25T00:00:00.{number:03}Z"),
            message_attributes: BTreeMap::new(),
        }
    }

    fn numbers(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.message_id.as_str()).collect()
    }

    #[test]
    fn the_end_of_a_file_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { directory: folder.path(), syncs: true };
        let open = || Subscriber::open(Some(place), "T").unwrap();
        let mut subscriber = open();
        assert_eq!(subscriber.last("").unwrap(), []);
        // Two lines are longer than what is read at first.
        for number in 1..=4 {
            subscriber.deliver(&line(number, 600 * 1024)).unwrap();
        }
        let mut again = open();
        assert_eq!(numbers(&again.last("9").unwrap()), ["4"]);
        let since = line(2, 0).timestamp;
        assert!(numbers(&again.last(&since).unwrap()).ends_with(&["3", "4"]));
        assert_eq!(numbers(&again.last("").unwrap()), ["1", "2", "3", "4"]);
        again.deliver(&line(5, 1)).unwrap();
        assert_eq!(again.lines().unwrap().len(), 5);
    }

    #[test]
    fn a_line_without_its_end_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("T.jsonl");
        let whole = serde_json::to_string(&line(1, 1)).unwrap();
        for kept in [String::new(), format!("{whole}\n")] {
            fs::write(&path, format!("{kept}{{\"Message\":\"{}", "x".repeat(3 << 20))).unwrap();
            let place = Place { directory: folder.path(), syncs: false };
            let mut subscriber = Subscriber::open(Some(place), "T").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), kept);
            subscriber.deliver(&line(2, 1)).unwrap();
            assert_eq!(numbers(&subscriber.last("9").unwrap()).last(), Some(&"2"));
        }
    }
}
