//! Items to the model and back.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use store::Error;
use timeline::{
    Body, ConnectionId, ConversationId, DeviceId, Diffusion, Entry, InboxEntry, Kind, MessageId,
    Platform, Seq, TimelineId, Timestamp, UserId,
};

use crate::keys::{entry, inbox};

/// An item as DynamoDB has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Reads one kind of item; whatever does not fit names the item and the attribute.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    item: &'a Item,
    kind: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(item: &'a Item, kind: &'static str) -> Self {
        Self { item, kind }
    }

    pub(crate) fn corrupt(self, reason: &'static str) -> Error {
        Error::Corrupt { item: self.kind, reason }
    }

    pub(crate) fn optional_text(self, attribute: &'static str) -> Result<Option<&'a str>, Error> {
        match self.item.get(attribute) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(self.corrupt(attribute)),
        }
    }

    pub(crate) fn text(self, attribute: &'static str) -> Result<&'a str, Error> {
        self.optional_text(attribute)?.ok_or_else(|| self.corrupt(attribute))
    }

    pub(crate) fn number(self, attribute: &'static str) -> Result<u64, Error> {
        let Some(AttributeValue::N(number)) = self.item.get(attribute) else {
            return Err(self.corrupt(attribute));
        };
        number.parse().map_err(|_| self.corrupt(attribute))
    }

    pub(crate) fn seq(self, attribute: &'static str) -> Result<Seq, Error> {
        Seq::new(self.number(attribute)?).ok_or_else(|| self.corrupt(attribute))
    }

    pub(crate) fn optional_seq(self, attribute: &'static str) -> Result<Option<Seq>, Error> {
        if self.is_set(attribute) { self.seq(attribute).map(Some) } else { Ok(None) }
    }

    pub(crate) fn user(self, attribute: &'static str) -> Result<UserId, Error> {
        UserId::parse(self.text(attribute)?).map_err(|_| self.corrupt(attribute))
    }

    pub(crate) fn device(self, attribute: &'static str) -> Result<DeviceId, Error> {
        DeviceId::parse(self.text(attribute)?).map_err(|_| self.corrupt(attribute))
    }

    pub(crate) fn platform(self, attribute: &'static str) -> Result<Option<Platform>, Error> {
        let platform = self.optional_text(attribute)?.map(Platform::parse).transpose();
        platform.map_err(|_| self.corrupt(attribute))
    }

    pub(crate) fn connection(self, attribute: &'static str) -> Result<ConnectionId, Error> {
        ConnectionId::parse(self.text(attribute)?).map_err(|_| self.corrupt(attribute))
    }

    pub(crate) fn message(self, attribute: &'static str) -> Result<MessageId, Error> {
        let Some(AttributeValue::B(bytes)) = self.item.get(attribute) else {
            return Err(self.corrupt(attribute));
        };
        let bytes = bytes.as_ref().try_into().map_err(|_| self.corrupt(attribute))?;
        Ok(MessageId::from_bytes(bytes))
    }

    pub(crate) fn kind(self, attribute: &'static str) -> Result<Kind, Error> {
        Kind::stored(self.text(attribute)?).map_err(|_| self.corrupt(attribute))
    }

    /// Whether the attribute is there at all: flags are kept only where they are set.
    pub(crate) fn is_set(self, attribute: &'static str) -> bool {
        self.item.contains_key(attribute)
    }

    pub(crate) fn diffusion(self, attribute: &'static str) -> Diffusion {
        if self.is_set(attribute) { Diffusion::Read } else { Diffusion::Write }
    }

    pub(crate) fn users(self, attribute: &'static str) -> Result<Vec<UserId>, Error> {
        let list = match self.item.get(attribute) {
            None => return Ok(Vec::new()),
            Some(AttributeValue::L(list)) => list,
            Some(_) => return Err(self.corrupt(attribute)),
        };
        let user = |value: &AttributeValue| UserId::parse(value.as_s().ok()?).ok();
        let users = list.iter().map(user).collect::<Option<_>>();
        users.ok_or_else(|| self.corrupt(attribute))
    }

    pub(crate) fn map(self, attribute: &'static str) -> Result<&'a Item, Error> {
        match self.item.get(attribute) {
            Some(AttributeValue::M(map)) => Ok(map),
            Some(_) | None => Err(self.corrupt(attribute)),
        }
    }

    pub(crate) fn body(self, attribute: &'static str) -> Result<Option<Body>, Error> {
        let body = self.optional_text(attribute)?.map(Body::parse).transpose();
        body.map_err(|_| self.corrupt(attribute))
    }
}

/// A list of users, as an event names them.
pub(crate) fn users(users: &[UserId]) -> AttributeValue {
    AttributeValue::L(users.iter().map(|user| text(user.as_str())).collect())
}

/// What a diffusion is kept as: nothing where inboxes tell.
pub(crate) fn large(diffusion: Diffusion) -> Option<AttributeValue> {
    (diffusion == Diffusion::Read).then_some(AttributeValue::Bool(true))
}

/// The key of an entry.
pub(crate) fn entry_key(timeline: &TimelineId, seq: Seq) -> Item {
    HashMap::from([
        (entry::TIMELINE.to_owned(), text(timeline.as_str())),
        (entry::SEQ.to_owned(), number(seq.number())),
    ])
}

/// The item of an entry.
pub(crate) fn of_entry(timeline: &TimelineId, kept: &Entry) -> Item {
    let mut item = entry_key(timeline, kept.seq);
    let mut set = |name: &str, value| item.insert(name.to_owned(), value);
    set(entry::ID, AttributeValue::B(Blob::new(kept.id.as_bytes().to_vec())));
    set(entry::AUTHOR, text(kept.author.as_str()));
    set(entry::DEVICE, text(kept.device.as_str()));
    set(entry::AT, number(kept.at.0));
    set(entry::KIND, text(kept.kind.as_str()));
    set(entry::COUNTABLE, number(kept.countable));
    set(entry::RECALLS, number(kept.recalls));
    set(entry::VERSION, number(kept.version));
    set(entry::INBOX_BEFORE, number(kept.inbox_before.number()));
    if kept.diffusion == Diffusion::Read {
        set(entry::LARGE, number(if kept.is_marked() { 2 } else { 1 }));
    }
    if kept.seq.completes_block() {
        set(entry::COMPLETES, number(1));
    }
    if !kept.named.is_empty() {
        set(entry::NAMED, users(&kept.named));
    }
    let marks = [
        (entry::TARGET, kept.target),
        (entry::REVISION, kept.revision),
        (entry::RECALLED, kept.recalled),
    ];
    for (name, seq) in marks {
        if let Some(seq) = seq {
            set(name, number(seq.number()));
        }
    }
    if let Some(body) = &kept.body {
        set(entry::BODY, text(body.as_str()));
    }
    item
}

/// The entry of an item, with its timeline.
pub(crate) fn to_entry(item: &Item) -> Result<(TimelineId, Entry), Error> {
    let read = Reader::new(item, "entry");
    let timeline = TimelineId::parse(read.text(entry::TIMELINE)?);
    let kept = Entry {
        seq: read.seq(entry::SEQ)?,
        id: read.message(entry::ID)?,
        author: read.user(entry::AUTHOR)?,
        device: read.device(entry::DEVICE)?,
        at: Timestamp(read.number(entry::AT)?),
        kind: read.kind(entry::KIND)?,
        countable: read.number(entry::COUNTABLE)?,
        recalls: read.number(entry::RECALLS)?,
        version: read.number(entry::VERSION)?,
        inbox_before: read.seq(entry::INBOX_BEFORE)?,
        diffusion: read.diffusion(entry::LARGE),
        named: read.users(entry::NAMED)?,
        target: read.optional_seq(entry::TARGET)?,
        revision: read.optional_seq(entry::REVISION)?,
        recalled: read.optional_seq(entry::RECALLED)?,
        body: read.body(entry::BODY)?,
    };
    Ok((timeline.map_err(|_| read.corrupt(entry::TIMELINE))?, kept))
}

/// The key of a place in an inbox, the anchor's included.
pub(crate) fn inbox_key(user: &UserId, position: u64) -> Item {
    HashMap::from([
        (inbox::USER.to_owned(), text(user.as_str())),
        (inbox::POSITION.to_owned(), number(position)),
    ])
}

/// The item of an inbox entry.
pub(crate) fn of_inbox(user: &UserId, kept: &InboxEntry) -> Item {
    let mut item = inbox_key(user, kept.position.number());
    let mut set = |name: &str, value| item.insert(name.to_owned(), value);
    set(inbox::CONVERSATION, text(kept.conversation.as_str()));
    set(inbox::SEQ, number(kept.seq.number()));
    set(inbox::ID, AttributeValue::B(Blob::new(kept.id.as_bytes().to_vec())));
    set(inbox::AUTHOR, text(kept.author.as_str()));
    set(inbox::AT, number(kept.at.0));
    set(inbox::KIND, text(kept.kind.as_str()));
    set(inbox::COUNTABLE, number(kept.countable));
    if let Some(large) = large(kept.diffusion) {
        set(inbox::LARGE, large);
    }
    if let Some(target) = kept.target {
        set(inbox::TARGET, number(target.number()));
    }
    set(inbox::EXPIRES, number(kept.expires.seconds()));
    if let Some(body) = &kept.body {
        set(inbox::BODY, text(body.as_str()));
    }
    item
}

/// The inbox entry of an item that is not the anchor.
pub(crate) fn to_inbox(item: &Item) -> Result<InboxEntry, Error> {
    let read = Reader::new(item, "inbox entry");
    let conversation = ConversationId::parse(read.text(inbox::CONVERSATION)?);
    Ok(InboxEntry {
        position: read.seq(inbox::POSITION)?,
        conversation: conversation.map_err(|_| read.corrupt(inbox::CONVERSATION))?,
        seq: read.seq(inbox::SEQ)?,
        id: read.message(inbox::ID)?,
        author: read.user(inbox::AUTHOR)?,
        at: Timestamp(read.number(inbox::AT)?),
        kind: read.kind(inbox::KIND)?,
        countable: read.number(inbox::COUNTABLE)?,
        diffusion: read.diffusion(inbox::LARGE),
        target: read.optional_seq(inbox::TARGET)?,
        expires: Timestamp(read.number(inbox::EXPIRES)?.saturating_mul(1_000)),
        body: read.body(inbox::BODY)?,
    })
}
