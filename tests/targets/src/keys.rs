//! Ids and keys: an id has one spelling, a key says what it is made of, and no two things have one
//! key.

use std::fmt::{Debug, Display};

use store::BlockKey;
use store_dynamo::keys;
use timeline::{
    ConnectionId, ConversationId, DeviceId, Kind, MessageId, Party, Platform, RequestId, Seq,
    TimelineId, Title, UserId,
};

use crate::{Outcome, Target};

/// What separates the ids of an input.
const SEPARATOR: char = '\n';

pub(crate) const TARGET: Target = Target {
    name: "keys",
    run: keys,
    seeds,
    dictionary: &[
        "\n",
        "#",
        "~",
        "d~",
        "g~",
        "M#",
        "F#",
        "R#",
        "C#",
        "B#",
        "META",
        "ada",
        "bob",
        "ada.2",
        "desk",
        "-",
        "_",
        "@",
        ":",
        " ",
        "é",
        "\u{0}",
        "01935b2e-7c1a-7def-8123-456789abcdef",
    ],
};

fn seeds() -> Vec<Vec<u8>> {
    let group = "g~01935b2e-7c1a-7def-8123-456789abcdef";
    let cid = "0193b8a4-5c1e-7a3b-9d2f-0123456789ab";
    let long = "u".repeat(timeline::limits::USER_ID_BYTES_MAX);
    let texts = [
        format!("ada\ndesk\nd~ada~bob\n{cid}"),
        format!("ada.2\nphone_1\n{group}\n{cid}\nada\ndesk"),
        format!("F#ada#desk\nM#ada\nR#bob\nC#{group}\n{cid}"),
        format!("{long}\nd~a~{long}\nb@example.org:7\nR0oX_fdD0-wCH6w="),
        "text\njoin\nios\n42\n9007199254740990\nimage".to_owned(),
    ];
    texts.into_iter().map(String::into_bytes).collect()
}

/// Reads lines as every id that they could be, and makes keys of what they are.
pub fn keys(data: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(data);
    let lines: Vec<_> = text.split(SEPARATOR).take(8).collect();
    let taken: Vec<_> = lines.iter().map(|line| ids(line)).collect();
    lines.iter().for_each(|line| sort_keys(line));
    let users = parsed(&lines, UserId::parse);
    let devices = parsed(&lines, DeviceId::parse);
    let messages = parsed(&lines, MessageId::parse);
    let conversations = parsed(&lines, ConversationId::parse);
    for user in &users {
        assert_eq!(keys::of_member(&keys::member(user)).as_ref(), Some(user));
        assert_eq!(keys::of_reading(&keys::reading(user)).as_ref(), Some(user));
        for device in &devices {
            let key = keys::focus(user, device);
            assert_eq!(keys::of_focus(&key), Some((user.clone(), device.clone())));
            // A read of one user's focuses finds those alone.
            for other in &users {
                assert_eq!(key.starts_with(&keys::focuses(other)), user == other, "{key}");
            }
        }
    }
    for conversation in &conversations {
        assert_eq!(keys::of_listing(&keys::listing(conversation)).as_ref(), Some(conversation));
    }
    require_distinct(&pairs(&users, &messages), |(user, id)| keys::claim(user, id));
    require_distinct(&devices, keys::device);
    require_distinct(&devices, keys::tombstone);
    require_distinct(&blocks(&conversations, data), keys::blocks);
    require_partitions(&users, &conversations);
    for (one, other) in pairs(&devices, &devices) {
        assert_ne!(keys::device(&one), keys::tombstone(&other));
        for fixed in [keys::connections::USER, keys::connections::EXPIRES] {
            assert!(keys::device(&one) != fixed && keys::tombstone(&one) != fixed);
        }
    }
    if taken.iter().all(|taken| *taken) { Outcome::Taken } else { Outcome::Refused }
}

/// A text as every id: what is taken is printed as it was, or in the one spelling that it has.
fn ids(text: &str) -> bool {
    let messages = MessageId::parse(text).map(|id| {
        assert_eq!(MessageId::parse(&id.to_string()), Ok(id));
        assert_eq!(MessageId::from_bytes(*id.as_bytes()), id);
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
    });
    let numbers = text.parse().ok().and_then(Seq::new).map(|seq| {
        assert_eq!(Seq::new(seq.number()), Some(seq));
        assert_eq!(seq.to_string().parse(), Ok(seq.number()));
    });
    let conversation = ConversationId::parse(text).map(|id| {
        assert_eq!(id.timeline().as_str(), text);
        assert_eq!(TimelineId::parse(text), Ok(id.timeline()));
        match id.party() {
            Party::Direct(one, other) => {
                assert_eq!(ConversationId::direct(&one, &other).as_ref(), Ok(&id));
                assert_eq!(ConversationId::direct(&other, &one).as_ref(), Ok(&id));
                assert_eq!(id.party().other(&one), Some(other));
            }
            Party::Group(name) => {
                let name = MessageId::from_bytes(*name.as_bytes());
                assert_eq!(ConversationId::group(name), id);
            }
        }
    });
    let kept = [
        printed(text, UserId::parse),
        printed(text, DeviceId::parse),
        printed(text, Platform::parse),
        printed(text, ConnectionId::parse),
        printed(text, TimelineId::parse),
        printed(text, ConversationId::parse),
        printed(text, Kind::stored),
    ];
    let titled = Title::parse(text).is_ok_and(|title| title.as_str() == text);
    let requested = RequestId::parse(text).is_ok_and(|id| id.as_str() == text);
    assert_eq!(titled, Title::parse(text).is_ok());
    assert_eq!(requested, RequestId::parse(text).is_ok());
    // Nearly every text may be a title, or name a request.
    kept.into_iter().any(|kept| kept)
        || messages.is_ok()
        || numbers.is_some()
        || conversation.is_ok()
}

fn printed<T: Display, E: Display>(text: &str, parse: impl Fn(&str) -> Result<T, E>) -> bool {
    match parse(text) {
        Ok(id) => {
            assert_eq!(id.to_string(), text);
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

/// A text as every sort key: what is understood is spelled so.
fn sort_keys(text: &str) {
    if let Some((user, device)) = keys::of_focus(text) {
        assert_eq!(keys::focus(&user, &device), text);
    }
    if let Some(user) = keys::of_member(text) {
        assert_eq!(keys::member(&user), text);
    }
    if let Some(user) = keys::of_reading(text) {
        assert_eq!(keys::reading(&user), text);
    }
    if let Some(conversation) = keys::of_listing(text) {
        assert_eq!(keys::listing(&conversation), text);
    }
}

fn parsed<T: PartialEq, E>(lines: &[&str], parse: impl Fn(&str) -> Result<T, E>) -> Vec<T> {
    let mut all = Vec::new();
    for one in lines.iter().filter_map(|line| parse(line).ok()) {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

fn pairs<A: Clone, B: Clone>(ones: &[A], others: &[B]) -> Vec<(A, B)> {
    let pairs = ones.iter().flat_map(|one| others.iter().map(|other| (one.clone(), other.clone())));
    pairs.collect()
}

/// What differs has keys that differ.
fn require_distinct<T: PartialEq + Debug>(all: &[T], key: impl Fn(&T) -> String) {
    for (index, one) in all.iter().enumerate() {
        for other in &all[..index] {
            assert!(one == other || key(one) != key(other), "{one:?} {other:?}: {}", key(one));
        }
    }
}

/// Buckets of blocks, their numbers from the input's bytes.
fn blocks(conversations: &[ConversationId], data: &[u8]) -> Vec<BlockKey> {
    let mut bytes = data.iter().copied().cycle();
    let mut next = || bytes.next().unwrap_or_default();
    let mut keys = Vec::new();
    for conversation in conversations {
        for _ in 0..3 {
            let (conversation, number) = (conversation.clone(), 0);
            let (analyzer, level, bucket) = (next(), next(), next());
            keys.push(BlockKey { conversation, analyzer, level, bucket, number });
        }
    }
    keys
}

/// No partition of one kind of thing is one of another.
fn require_partitions(users: &[UserId], conversations: &[ConversationId]) {
    let of_users = users.iter().map(keys::user);
    let of_conversations = conversations.iter().map(keys::conversation);
    let timelines = conversations.iter().map(|id| keys::timeline(&id.timeline()));
    let partitions: Vec<_> = of_users.chain(of_conversations).chain(timelines).collect();
    let distinct: std::collections::BTreeSet<_> = partitions.iter().collect();
    assert_eq!(distinct.len(), partitions.len(), "{partitions:?}");
}
