//! What outlives a process: records, in the order in which they were made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use timeline::{ConversationId, InvalidId, Kind, MessageId, Seq, UserId};
use wire::Message;

use crate::reading::Reading;

/// One thing to remember. As JSON it is one object without line breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Record {
    /// A message was put in the outbox, or its base was moved.
    Queued(Queued),
    /// A message left the outbox: it is kept, or refused for good.
    Settled {
        /// The message.
        cid: MessageId,
    },
    /// The next message of its conversation was applied.
    Applied(Message),
    /// The conversation counts as applied up to here; there was nothing to show.
    Reached {
        /// The conversation.
        conversation: ConversationId,
        /// The last sequence that is done with.
        seq: Seq,
    },
    /// The conversation went back to here.
    Restarted {
        /// The conversation.
        conversation: ConversationId,
        /// Its newest message that still stands.
        seq: Seq,
    },
    /// The user has read so far; the server is still to be told.
    Reading {
        /// The conversation.
        conversation: ConversationId,
        /// The last message that was read.
        seq: Seq,
    },
    /// The conversation counts as read up to here; the server knows, or is not to be told.
    Read {
        /// The conversation.
        conversation: ConversationId,
        /// The last message that was read.
        seq: Seq,
    },
    /// What of the conversation can be unread, in place of everything that was applied before.
    Unread {
        /// The conversation.
        conversation: ConversationId,
        /// The messages, and who wrote each.
        messages: BTreeMap<Seq, String>,
    },
    /// The conversation is a large group, for good; whether this device asks for its tail.
    Large {
        /// The conversation.
        conversation: ConversationId,
        /// Where the user stands in it.
        standing: Standing,
    },
    /// Everything in the inbox up to here is applied.
    Cursor {
        /// The position.
        q: Seq,
    },
    /// The server's time at the last sync.
    Seen {
        /// Milliseconds since 1970 UTC, by the server's clock.
        at: u64,
    },
}

impl Record {
    /// Whether it says what the user wrote or read: that holds whatever other records are lost.
    pub fn is_wish(&self) -> bool {
        matches!(self, Self::Queued(_) | Self::Settled { .. } | Self::Reading { .. })
    }
}

/// Which of the records that a host numbered one by one still count, when any may be lost.
///
/// Those before the first that is missing are an earlier state of the device, from which the engine
/// brings itself up to date. Those after it speak of messages whose predecessors may be missing
/// without anybody knowing, and do not count; wishes do, wherever they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survivors {
    next: u64,
    is_broken: bool,
}

impl Survivors {
    /// Whether the next one that is left counts; the first of all has number 0.
    pub fn counts(&mut self, number: u64, is_wish: bool) -> bool {
        self.is_broken |= number != self.next;
        self.next += 1;
        !self.is_broken || is_wish
    }
}

/// Where a user stands in a large group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// They are in it: its tail is asked for.
    Member,
    /// They left it, or were removed.
    Gone,
}

/// A message that waits to be kept. All but `base` is the same at every attempt, and `base` too
/// unless the server asked this device to look through what came after it.
#[derive(Clone, Debug)]
pub struct Queued {
    /// Where it goes.
    pub conversation: ConversationId,
    /// To whom it goes, if the sender named a person.
    pub to: Option<UserId>,
    /// Its own id.
    pub cid: MessageId,
    /// The highest sequence of the conversation known before the first attempt: no earlier attempt
    /// can have been kept at or below it.
    pub base: Seq,
    /// What sort of message it is.
    pub kind: Kind,
    /// What it says.
    pub body: Box<RawValue>,
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        (&self.conversation, &self.to, self.cid) == (&other.conversation, &other.to, other.cid)
            && (self.base, &self.kind) == (other.base, &other.kind)
            && self.body.get() == other.body.get()
    }
}

impl Eq for Queued {}

/// What an engine starts from: the sum of its records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The last inbox position that was applied; `None` on a new device.
    pub cursor: Option<Seq>,
    /// The server's time at the last sync.
    pub seen: Option<u64>,
    /// How far each conversation was applied.
    pub applied: BTreeMap<ConversationId, Seq>,
    /// How far each conversation is read, and what was applied beyond; own messages too, as records
    /// do not know whose they are.
    pub readings: BTreeMap<ConversationId, Reading>,
    /// The large groups, and where the user stands in each.
    pub large: BTreeMap<ConversationId, Standing>,
    /// The messages that wait, in the order in which they were composed.
    pub outbox: Vec<Queued>,
}

impl State {
    /// Adds up the records of earlier runs.
    pub fn replay<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut state = Self::default();
        for record in records {
            state.apply(record);
        }
        state
    }

    /// Adds one record.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Queued(queued) => {
                match self.outbox.iter_mut().find(|other| other.cid == queued.cid) {
                    Some(known) => *known = queued.clone(),
                    None => self.outbox.push(queued.clone()),
                }
            }
            Record::Settled { cid } => self.outbox.retain(|queued| queued.cid != *cid),
            Record::Applied(message) => {
                let conversation = ConversationId::parse(&message.conversation);
                if let (Ok(conversation), Some(seq)) = (conversation, Seq::new(message.seq)) {
                    if seq > self.applied.get(&conversation).copied().unwrap_or_default() {
                        self.reading(&conversation).apply(seq, message);
                    }
                    self.reach(&conversation, seq);
                }
            }
            Record::Reached { conversation, seq } => self.reach(conversation, *seq),
            Record::Restarted { conversation, seq } => {
                self.applied.insert(conversation.clone(), *seq);
                self.reading(conversation).restart(*seq);
            }
            Record::Reading { conversation, seq } => {
                self.reading(conversation).want(*seq);
            }
            Record::Read { conversation, seq } => {
                self.reading(conversation).read(*seq);
            }
            Record::Unread { conversation, messages } => {
                self.reading(conversation).unread.clone_from(messages);
            }
            Record::Large { conversation, standing } => {
                self.large.insert(conversation.clone(), *standing);
            }
            Record::Cursor { q } => self.cursor = Some(*q),
            Record::Seen { at } => self.seen = Some(*at),
        }
    }

    /// The fewest records that add up to this state.
    pub fn records(&self) -> Vec<Record> {
        let mut records: Vec<Record> = self
            .applied
            .iter()
            .map(|(id, seq)| Record::Reached { conversation: id.clone(), seq: *seq })
            .collect();
        for (id, reading) in &self.readings {
            let unread = reading.unread.clone();
            records.push(Record::Unread { conversation: id.clone(), messages: unread });
            records.push(Record::Read { conversation: id.clone(), seq: reading.read });
            let wanted =
                reading.wanted.map(|seq| Record::Reading { conversation: id.clone(), seq });
            records.extend(wanted);
        }
        records.extend(
            self.large.iter().map(|(id, standing)| Record::Large {
                conversation: id.clone(),
                standing: *standing,
            }),
        );
        records.extend(self.outbox.iter().cloned().map(Record::Queued));
        records.extend(self.seen.map(|at| Record::Seen { at }));
        records.extend(self.cursor.map(|q| Record::Cursor { q }));
        records
    }

    fn reading(&mut self, conversation: &ConversationId) -> &mut Reading {
        self.readings.entry(conversation.clone()).or_default()
    }

    fn reach(&mut self, conversation: &ConversationId, seq: Seq) {
        let applied = self.applied.entry(conversation.clone()).or_default();
        *applied = seq.max(*applied);
    }
}

/// A record as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Queued {
        conversation: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        to: Option<String>,
        cid: String,
        base: u64,
        kind: String,
        body: Box<RawValue>,
    },
    Settled {
        cid: String,
    },
    Applied(Message),
    Reached {
        conversation: String,
        seq: u64,
    },
    Restarted {
        conversation: String,
        seq: u64,
    },
    Reading {
        conversation: String,
        seq: u64,
    },
    Read {
        conversation: String,
        seq: u64,
    },
    Unread {
        conversation: String,
        messages: Vec<(u64, String)>,
    },
    Large {
        conversation: String,
        standing: Standing,
    },
    Cursor {
        q: u64,
    },
    Seen {
        at: u64,
    },
}

impl From<Record> for Written {
    fn from(record: Record) -> Self {
        match record {
            Record::Queued(queued) => Self::Queued {
                conversation: queued.conversation.to_string(),
                to: queued.to.map(|user| user.to_string()),
                cid: queued.cid.to_string(),
                base: queued.base.number(),
                kind: queued.kind.to_string(),
                body: queued.body,
            },
            Record::Settled { cid } => Self::Settled { cid: cid.to_string() },
            Record::Applied(message) => Self::Applied(message),
            Record::Reached { conversation, seq } => {
                Self::Reached { conversation: conversation.to_string(), seq: seq.number() }
            }
            Record::Restarted { conversation, seq } => {
                Self::Restarted { conversation: conversation.to_string(), seq: seq.number() }
            }
            Record::Reading { conversation, seq } => {
                Self::Reading { conversation: conversation.to_string(), seq: seq.number() }
            }
            Record::Read { conversation, seq } => {
                Self::Read { conversation: conversation.to_string(), seq: seq.number() }
            }
            Record::Unread { conversation, messages } => Self::Unread {
                conversation: conversation.to_string(),
                messages: messages.into_iter().map(|(seq, from)| (seq.number(), from)).collect(),
            },
            Record::Large { conversation, standing } => {
                Self::Large { conversation: conversation.to_string(), standing }
            }
            Record::Cursor { q } => Self::Cursor { q: q.number() },
            Record::Seen { at } => Self::Seen { at },
        }
    }
}

impl TryFrom<Written> for Record {
    type Error = InvalidId;

    fn try_from(written: Written) -> Result<Self, InvalidId> {
        Ok(match written {
            Written::Queued { conversation, to, cid, base, kind, body } => Self::Queued(Queued {
                conversation: ConversationId::parse(&conversation)?,
                to: to.as_deref().map(UserId::parse).transpose()?,
                cid: MessageId::parse(&cid)?,
                base: position(base)?,
                kind: Kind::parse(&kind)
                    .map_err(|_| InvalidId { kind: "kind", rule: "one that a client may send" })?,
                body,
            }),
            Written::Settled { cid } => Self::Settled { cid: MessageId::parse(&cid)? },
            Written::Applied(message) => Self::Applied(message),
            Written::Reached { conversation, seq } => Self::Reached {
                conversation: ConversationId::parse(&conversation)?,
                seq: position(seq)?,
            },
            Written::Restarted { conversation, seq } => Self::Restarted {
                conversation: ConversationId::parse(&conversation)?,
                seq: position(seq)?,
            },
            Written::Reading { conversation, seq } => Self::Reading {
                conversation: ConversationId::parse(&conversation)?,
                seq: position(seq)?,
            },
            Written::Read { conversation, seq } => Self::Read {
                conversation: ConversationId::parse(&conversation)?,
                seq: position(seq)?,
            },
            Written::Unread { conversation, messages } => Self::Unread {
                conversation: ConversationId::parse(&conversation)?,
                messages: messages
                    .into_iter()
                    .map(|(seq, from)| Ok((position(seq)?, from)))
                    .collect::<Result<_, InvalidId>>()?,
            },
            Written::Large { conversation, standing } => {
                Self::Large { conversation: ConversationId::parse(&conversation)?, standing }
            }
            Written::Cursor { q } => Self::Cursor { q: position(q)? },
            Written::Seen { at } => Self::Seen { at },
        })
    }
}

fn position(number: u64) -> Result<Seq, InvalidId> {
    Seq::new(number).ok_or(InvalidId { kind: "position", rule: "at most 2^53 - 2" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "01935b2e-7c1a-7def-8123-456789abcdef";
    const OTHER: &str = "01935b2e-7c1a-7def-8123-456789abcdee";

    /// One record of every kind; each is written as it was read.
    fn records() -> Vec<Record> {
        let direct = r#""conversation":"d~al~bo""#;
        let text = r#""kind":"text","body":{"text": "x"}"#;
        [
            format!(r#"{{"queued":{{{direct},"to":"bo","cid":"{ONE}","base":4,{text}}}}}"#),
            format!(r#"{{"queued":{{{direct},"cid":"{OTHER}","base":4,{text}}}}}"#),
            format!(r#"{{"settled":{{"cid":"{ONE}"}}}}"#),
            format!(
                r#"{{"applied":{{{direct},"seq":5,"cid":"{ONE}","from":"al","at":7,{text}}}}}"#
            ),
            format!(r#"{{"reached":{{{direct},"seq":6}}}}"#),
            format!(r#"{{"unread":{{{direct},"messages":[[4,"bo"],[6,"bo"]]}}}}"#),
            format!(r#"{{"read":{{{direct},"seq":4}}}}"#),
            format!(r#"{{"reading":{{{direct},"seq":5}}}}"#),
            r#"{"restarted":{"conversation":"d~al~cy","seq":3}}"#.to_owned(),
            format!(r#"{{"large":{{"conversation":"g~{ONE}","standing":"member"}}}}"#),
            format!(r#"{{"large":{{"conversation":"g~{ONE}","standing":"gone"}}}}"#),
            r#"{"seen":{"at":8}}"#.to_owned(),
            r#"{"cursor":{"q":9}}"#.to_owned(),
        ]
        .map(|line| {
            let record: Record = serde_json::from_str(&line).unwrap();
            assert_eq!(serde_json::to_string(&record).unwrap(), line);
            record
        })
        .to_vec()
    }

    #[test]
    fn records_are_read_as_they_were_written_and_add_up() {
        let state = State::replay(&records());
        assert_eq!(state.cursor.map(Seq::number), Some(9));
        assert_eq!(state.seen, Some(8));
        let applied: Vec<(&str, u64)> =
            state.applied.iter().map(|(id, seq)| (id.as_str(), seq.number())).collect();
        assert_eq!(applied, [("d~al~bo", 6), ("d~al~cy", 3)]);
        let large: Vec<Standing> = state.large.values().copied().collect();
        assert_eq!(large, [Standing::Gone]);
        assert_eq!(state.outbox.len(), 1);
        let reading = state.readings.values().next().unwrap();
        let unread: Vec<u64> = reading.unread.keys().map(|seq| seq.number()).collect();
        let wanted = reading.wanted.map(Seq::number);
        assert_eq!((reading.read.number(), wanted, unread), (4, Some(5), vec![6]));
    }

    #[test]
    fn a_state_is_rebuilt_from_its_own_records() {
        let state = State::replay(&records());
        assert_eq!(State::replay(&state.records()), state);
    }

    #[test]
    fn a_moved_base_keeps_its_place_in_the_outbox() {
        let mut queued: Vec<Record> = records().into_iter().take(2).collect();
        let Record::Queued(mut first) = queued[0].clone() else { unreachable!() };
        first.base = Seq::new(40).unwrap();
        queued.push(Record::Queued(first.clone()));
        assert_eq!(State::replay(&queued).outbox[0], first);
    }
}
