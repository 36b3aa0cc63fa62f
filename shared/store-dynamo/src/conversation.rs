//! Conversations, members and listings to items and back.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use store::{
    Conversation, Error, Listing, MemberRow, Members, Membership, Pending, ReadPosition, Reading,
};
use timeline::{Admission, ConversationId, Muted, Role, Timestamp, Title, UserId, Visibility};

use crate::directory::key;
use crate::item::{Item, Reader, number, text, users};
use crate::keys::{self, directory, pending};

/// The item of a conversation.
pub(crate) fn of_conversation(conversation: &Conversation) -> Item {
    let mut item = key(keys::conversation(&conversation.id), keys::META);
    let mut set = |name: &str, value| item.insert(name.to_owned(), value);
    set(directory::VERSION, number(conversation.version));
    set(directory::MADE, number(conversation.made.0));
    if let Some(title) = &conversation.title {
        set(directory::TITLE, text(title.as_str()));
    }
    if conversation.visibility == Visibility::FromJoin {
        set(directory::FROM_JOIN, AttributeValue::Bool(true));
    }
    if conversation.admission == Admission::Open {
        set(directory::OPEN, AttributeValue::Bool(true));
    }
    match &conversation.members {
        Members::Inline(members) => {
            let members = members.iter().map(|(user, membership)| (user, Some(membership)));
            set(directory::MEMBERS, of_members(members));
        }
        Members::Rows { switched, since, count } => {
            set(directory::SWITCHED, number(switched.number()));
            set(directory::SINCE, number(*since));
            set(directory::COUNT, number(*count));
        }
    }
    if let Some(pending) = &conversation.pending {
        set(directory::PENDING, AttributeValue::M(of_pending(pending)));
    }
    item
}

/// The conversation of an item.
pub(crate) fn to_conversation(id: &ConversationId, item: &Item) -> Result<Conversation, Error> {
    let read = Reader::new(item, "conversation");
    let title = read.optional_text(directory::TITLE)?.map(Title::parse).transpose();
    let members = if read.is_set(directory::SWITCHED) {
        Members::Rows {
            switched: read.seq(directory::SWITCHED)?,
            since: read.number(directory::SINCE)?,
            count: read.number(directory::COUNT)?,
        }
    } else {
        let members = to_members(read.map(directory::MEMBERS)?)?;
        let inline = members.into_iter().map(|(user, membership)| Some((user, membership?)));
        let inline = inline.collect::<Option<BTreeMap<_, _>>>();
        Members::Inline(inline.ok_or_else(|| read.corrupt(directory::MEMBERS))?)
    };
    let pending = match item.get(directory::PENDING) {
        None => None,
        Some(_) => Some(to_pending(read.map(directory::PENDING)?)?),
    };
    Ok(Conversation {
        id: id.clone(),
        version: read.number(directory::VERSION)?,
        made: Timestamp(read.number(directory::MADE)?),
        title: title.map_err(|_| read.corrupt(directory::TITLE))?,
        visibility: if read.is_set(directory::FROM_JOIN) {
            Visibility::FromJoin
        } else {
            Visibility::FromStart
        },
        admission: if read.is_set(directory::OPEN) { Admission::Open } else { Admission::Closed },
        members,
        pending,
    })
}

fn of_pending(kept: &Pending) -> Item {
    let mut item = Item::new();
    let mut set = |name: &str, value| item.insert(name.to_owned(), value);
    set(pending::VERSION, number(kept.version));
    set(pending::ID, AttributeValue::B(Blob::new(kept.id.as_bytes().to_vec())));
    set(pending::AUTHOR, text(kept.author.as_str()));
    set(pending::DEVICE, text(kept.device.as_str()));
    set(pending::AT, number(kept.at.0));
    set(pending::KIND, text(kept.kind.as_str()));
    if !kept.named.is_empty() {
        set(pending::NAMED, users(&kept.named));
    }
    set(pending::BODY, text(kept.body.as_str()));
    set(pending::BASE, number(kept.base.number()));
    set(pending::COUNTABLE, number(kept.countable));
    let members = kept.members.iter();
    let members = members.map(|(user, membership)| (user, membership.as_ref()));
    set(pending::MEMBERS, of_members(members));
    item
}

fn to_pending(item: &Item) -> Result<Pending, Error> {
    let read = Reader::new(item, "pending change");
    let body = read.body(pending::BODY)?;
    Ok(Pending {
        version: read.number(pending::VERSION)?,
        id: read.message(pending::ID)?,
        author: read.user(pending::AUTHOR)?,
        device: read.device(pending::DEVICE)?,
        at: Timestamp(read.number(pending::AT)?),
        kind: read.kind(pending::KIND)?,
        named: read.users(pending::NAMED)?,
        body: body.ok_or_else(|| read.corrupt(pending::BODY))?,
        base: read.seq(pending::BASE)?,
        countable: read.number(pending::COUNTABLE)?,
        members: to_members(read.map(pending::MEMBERS)?)?,
    })
}

fn of_members<'a>(
    members: impl Iterator<Item = (&'a UserId, Option<&'a Membership>)>,
) -> AttributeValue {
    let members = members.map(|(user, membership)| {
        let fields = membership.map(of_membership).unwrap_or_default();
        (user.as_str().to_owned(), AttributeValue::M(fields))
    });
    AttributeValue::M(members.collect())
}

fn to_members(map: &Item) -> Result<Vec<(UserId, Option<Membership>)>, Error> {
    let read = Reader::new(map, "members");
    let mut members = Vec::with_capacity(map.len());
    for (user, fields) in map {
        let user = UserId::parse(user).map_err(|_| read.corrupt("a member's id"))?;
        let AttributeValue::M(fields) = fields else {
            return Err(read.corrupt("a member's map"));
        };
        members.push((user, to_membership(fields)?));
    }
    members.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(members)
}

fn of_membership(membership: &Membership) -> Item {
    let role = match membership.role {
        Role::Member => 0,
        Role::Admin => 1,
        Role::Owner => 2,
    };
    let mut fields = HashMap::from([
        (directory::JOINED.to_owned(), number(membership.joined.number())),
        (directory::ROLE.to_owned(), number(role)),
    ]);
    if membership.muted == Muted::Yes {
        fields.insert(directory::MUTED.to_owned(), AttributeValue::Bool(true));
    }
    fields
}

/// The membership of an item; none of those who are out.
fn to_membership(item: &Item) -> Result<Option<Membership>, Error> {
    let read = Reader::new(item, "member");
    if !read.is_set(directory::JOINED) {
        return Ok(None);
    }
    let role = match read.number(directory::ROLE)? {
        0 => Role::Member,
        1 => Role::Admin,
        2 => Role::Owner,
        _ => return Err(read.corrupt(directory::ROLE)),
    };
    Ok(Some(Membership {
        joined: read.seq(directory::JOINED)?,
        role,
        muted: if read.is_set(directory::MUTED) { Muted::Yes } else { Muted::No },
    }))
}

/// The item of a member's row.
pub(crate) fn of_row(id: &ConversationId, user: &UserId, row: &MemberRow) -> Item {
    let mut item = key(keys::conversation(id), &keys::member(user));
    item.insert(directory::VERSION.to_owned(), number(row.version));
    item.extend(row.membership.as_ref().map(of_membership).unwrap_or_default());
    item
}

/// The row of an item, with whose it is.
pub(crate) fn to_row(item: &Item) -> Result<(UserId, MemberRow), Error> {
    let read = Reader::new(item, "member");
    let user = keys::of_member(read.text(directory::SORT)?);
    let user = user.ok_or_else(|| read.corrupt(directory::SORT))?;
    let version = read.number(directory::VERSION)?;
    Ok((user, MemberRow { version, membership: to_membership(item)? }))
}

/// The listing of an item.
pub(crate) fn to_listing(item: &Item) -> Result<Listing, Error> {
    let read = Reader::new(item, "listing");
    let id = keys::of_listing(read.text(directory::SORT)?);
    let pinned = read.is_set(directory::PINNED).then(|| read.number(directory::PINNED));
    Ok(Listing {
        conversation: id.ok_or_else(|| read.corrupt(directory::SORT))?,
        version: read.number(directory::VERSION)?,
        joined: read.seq(directory::JOINED)?,
        diffusion: read.diffusion(directory::LARGE),
        read: to_read(item)?,
        muted: if read.is_set(directory::MUTED) { Muted::Yes } else { Muted::No },
        pinned: pinned.transpose()?.map(Timestamp),
    })
}

/// How far the user of a listing has read.
pub(crate) fn to_read(item: &Item) -> Result<ReadPosition, Error> {
    let read = Reader::new(item, "listing");
    if !read.is_set(directory::READ) {
        return Ok(ReadPosition::default());
    }
    let countable = read.number(directory::READ_COUNTABLE)?;
    Ok(ReadPosition { seq: read.seq(directory::READ)?, countable })
}

/// The reading of an item.
pub(crate) fn to_reading(item: &Item) -> Result<Reading, Error> {
    let read = Reader::new(item, "reading");
    let user = keys::of_reading(read.text(directory::SORT)?);
    Ok(Reading {
        user: user.ok_or_else(|| read.corrupt(directory::SORT))?,
        seq: read.seq(directory::READ)?,
        at: Timestamp(read.number(directory::READ_AT)?),
    })
}
