//! `history`: a part of one conversation, for roaming and for filling holes.

use serde::{Deserialize, Serialize};
use timeline::exchange::{Found, Lookup, Part};
use timeline::{ConversationId, limits};

use crate::code::{ErrorCode, Problem, Refusal};
use crate::frame::{self, Request, action};
use crate::group::is_false;
use crate::message::Message;
use crate::send::seq;
use crate::sync::page_limit;

/// The frame as it travels.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Always [`action::HISTORY`].
    pub action: String,
    /// The request's id.
    pub id: String,
    /// The conversation.
    pub conversation: String,
    /// The newest page below this sequence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<u64>,
    /// The page that follows this sequence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<u64>,
    /// From the first sequence to the second, both included.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub range: Option<(u64, u64)>,
    /// Of the range, the caller's own messages alone, whether or not they were withdrawn or are
    /// from an earlier membership; whatever else is there is in `missing`.
    #[serde(skip_serializing_if = "is_false", default)]
    pub own: bool,
    /// Just these sequences.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seqs: Option<Vec<u64>>,
    /// The most messages to return: 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<u64>,
}

impl History {
    /// Reads a frame of this route.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] that says which rule the frame breaks.
    pub fn parse(text: &str) -> Result<Request<Lookup>, Refusal> {
        frame::parse(text, |history: Self| {
            let lookup = Lookup {
                conversation: ConversationId::parse(&history.conversation)?,
                part: history.asked()?,
                limit: page_limit(history.limit)?,
            };
            Ok((history.id, lookup))
        })
    }

    /// The frame's text, as a client sends it.
    pub fn to_json(&self) -> String {
        frame::to_json(self)
    }

    /// The frame that asks for the newest page; the part is filled in after.
    pub fn new(id: String, conversation: String) -> Self {
        Self {
            action: action::HISTORY.to_owned(),
            id,
            conversation,
            before: None,
            after: None,
            range: None,
            own: false,
            seqs: None,
            limit: None,
        }
    }

    fn asked(&self) -> Result<Part, Problem> {
        let part = self.part()?;
        if !self.own {
            return Ok(part);
        }
        let Part::Between(first, last) = part else {
            return Err(Problem::new(ErrorCode::Invalid, "own is for a range"));
        };
        Ok(Part::Own(first, last))
    }

    fn part(&self) -> Result<Part, Problem> {
        match (self.before, self.after, self.range, &self.seqs) {
            (None, None, None, None) => Ok(Part::Newest),
            (Some(before), None, None, None) => Ok(Part::Before(seq(before)?)),
            (None, Some(after), None, None) => Ok(Part::After(seq(after)?)),
            (None, None, Some((first, last)), None) if 1 <= first && first <= last => {
                Ok(Part::Between(seq(first)?, seq(last)?))
            }
            (None, None, Some(_), None) => {
                Err(Problem::new(ErrorCode::Invalid, "a range is [a, b] with 1 <= a <= b"))
            }
            (None, None, None, Some(seqs)) => listed(seqs),
            _ => {
                let message = "at most one of before, after, range and seqs";
                Err(Problem::new(ErrorCode::Invalid, message))
            }
        }
    }
}

fn listed(seqs: &[u64]) -> Result<Part, Problem> {
    if seqs.len() > limits::SEQS_MAX {
        let message = format!("at most {} seqs", limits::SEQS_MAX);
        return Err(Problem::new(ErrorCode::TooLarge, message));
    }
    if seqs.is_empty() || seqs.contains(&0) {
        return Err(Problem::new(ErrorCode::Invalid, "seqs are at least one and above 0"));
    }
    let mut seqs = seqs.iter().copied().map(seq).collect::<Result<Vec<_>, _>>()?;
    seqs.sort_unstable();
    seqs.dedup();
    Ok(Part::Listed(seqs))
}

/// What a `history` is answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Messages {
    /// The live messages of the part, ascending.
    pub messages: Vec<Message>,
    /// The first sequence that the caller may see; 0 in an empty conversation.
    pub first: u64,
    /// The conversation's newest sequence; 0 in an empty conversation.
    pub last: u64,
    /// Sequences of the part, as far as this page answers it, that have no live message.
    pub missing: Vec<u64>,
    /// Whether the part goes on after (before, when paging back) this page.
    pub more: bool,
}

impl From<Found> for Messages {
    fn from(found: Found) -> Self {
        let of = |entry| Message::of_entry(&found.conversation, entry);
        Self {
            messages: found.entries.iter().map(of).collect(),
            first: found.first.number(),
            last: found.last.number(),
            missing: found.missing.iter().map(|seq| seq.number()).collect(),
            more: found.more,
        }
    }
}
