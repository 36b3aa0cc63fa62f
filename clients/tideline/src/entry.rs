//! A message as `chat` shows it, and what becomes of it there.

use timeline::Kind;
use wire::Message;

use crate::story;

/// A message, or an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Who wrote it; an event's text says so itself.
    pub(crate) from: Option<String>,
    words: Words,
    /// Its own id.
    pub(crate) cid: String,
    /// How far it is.
    pub(crate) mark: Mark,
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
pub(crate) enum Revision {
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

impl Entry {
    /// A message that is kept.
    pub(crate) fn kept(message: &Message, me: &str) -> Self {
        let cid = message.cid.clone();
        if let Some(sentence) = story::sentence(message) {
            return Self { from: None, words: Words::Said(sentence), cid, mark: Mark::None };
        }
        let words = match (&message.body, message.edited) {
            (None, _) => Words::Recalled,
            (Some(_), None) => Words::Said(story::words(message)),
            (Some(_), Some(by)) => Words::Edited(by, story::words(message)),
        };
        let is_own = message.from == me && words != Words::Recalled;
        let mark = if is_own { Mark::Kept } else { Mark::None };
        Self { from: Some(message.from.clone()), words, cid, mark }
    }

    /// An own message that waits to be kept.
    pub(crate) fn waiting(me: &str, cid: String, text: String) -> Self {
        Self { from: Some(me.to_owned()), words: Words::Said(text), cid, mark: Mark::Waiting }
    }

    /// A message that was taken back before this device read it.
    pub(crate) fn recalled() -> Self {
        Self { from: None, words: Words::Recalled, cid: String::new(), mark: Mark::None }
    }

    /// Takes it back or changes it.
    pub(crate) fn revise(&mut self, revision: &Revision) {
        match (revision, &self.words) {
            (Revision::Recalled(_), _) => {
                (self.words, self.mark) = (Words::Recalled, Mark::None);
            }
            (Revision::Edited(..), Words::Recalled) => {}
            (Revision::Edited(by, _), Words::Edited(known, _)) if known >= by => {}
            (Revision::Edited(by, text), Words::Said(_) | Words::Edited(..)) => {
                self.words = Words::Edited(*by, text.clone());
            }
        }
    }

    /// How it is shown.
    pub(crate) fn row(&self) -> Row {
        let text = match &self.words {
            Words::Said(text) => text.clone(),
            Words::Edited(_, text) => format!("{text} {}", story::EDITED),
            Words::Recalled => story::RECALLED.to_owned(),
        };
        Row { mark: self.mark, from: self.from.clone(), text }
    }
}

impl Revision {
    /// What an event does to the message that it is about; `None` if it does nothing.
    pub(crate) fn of(event: &Message) -> Option<(u64, Self)> {
        let target = story::target(event)?;
        if event.kind == Kind::RECALL {
            return Some((target, Self::Recalled(event.seq)));
        }
        // Of an edit that says nothing any more, a later event says what became of the message.
        event.body.as_ref()?;
        Some((target, Self::Edited(event.seq, story::words(event))))
    }

    /// The event's sequence.
    pub(crate) fn by(&self) -> u64 {
        match self {
            Self::Edited(by, _) | Self::Recalled(by) => *by,
        }
    }

    /// Whether it is what counts, and not the other.
    pub(crate) fn replaces(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Recalled(_)) => false,
            (Self::Recalled(_), Self::Edited(..)) => true,
            (Self::Edited(by, _), Self::Edited(known, _)) => by > known,
        }
    }
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
