//! A group and what is done with it, for the tests that need one.

use std::pin::Pin;
use std::task::{Context, Waker};

use chat::Error;
use store::{Conversation, Directory, Members};
use timeline::exchange::{Caller, Outgoing};
use timeline::group::{Change, Group, GroupRequest};
use timeline::{
    Admission, Body, ConversationId, Entry, Kind, MessageId, Muted, Role, Title, Visibility,
};

use crate::town::{Town, caller, message, person, run, within};

/// The name of the group of most tests.
pub(crate) const CLUB: u64 = 1 << 40;

/// The group of most tests.
pub(crate) fn club() -> ConversationId {
    ConversationId::group(message(CLUB))
}

/// What makes a request.
pub(crate) type Request = fn() -> GroupRequest;

/// Everyone's only device.
pub(crate) fn desk(user: &str) -> Caller {
    caller(user, "desk")
}

fn body() -> Body {
    Body::parse(r#"{"said":"so"}"#).unwrap()
}

/// A request for a group of the caller and these.
pub(crate) fn create(id: MessageId, members: &[&str]) -> GroupRequest {
    GroupRequest::Create {
        id,
        title: Title::parse("club").unwrap(),
        members: members.iter().map(|name| person(name)).collect(),
        visibility: Visibility::FromStart,
        admission: Admission::Closed,
        body: body(),
    }
}

/// A request for a change of the club.
pub(crate) fn ask(change: Change) -> GroupRequest {
    GroupRequest::Change { conversation: club(), change }
}

pub(crate) fn add(users: &[&str]) -> GroupRequest {
    ask(Change::Add { users: users.iter().map(|name| person(name)).collect(), body: body() })
}

pub(crate) fn remove(user: &str) -> GroupRequest {
    ask(Change::Remove { user: person(user), body: body() })
}

pub(crate) fn give(user: &str, role: Role) -> GroupRequest {
    ask(Change::Role { user: person(user), role, body: body() })
}

pub(crate) fn rename(title: &str) -> GroupRequest {
    ask(Change::Rename { title: Title::parse(title).unwrap(), body: body() })
}

pub(crate) fn mute(muted: Muted) -> GroupRequest {
    ask(Change::Mute(muted))
}

pub(crate) fn leave() -> GroupRequest {
    ask(Change::Leave)
}

impl Town {
    /// One attempt at a request, to be polled.
    pub(crate) async fn grouping(
        &self,
        caller: &Caller,
        request: GroupRequest,
    ) -> Result<Group, Error> {
        chat::group(self.group_ports(), caller, request).await
    }

    pub(crate) fn group(&self, user: &str, request: GroupRequest) -> Result<Group, Error> {
        run(self.grouping(&desk(user), request))
    }

    /// The club of alice, who owns it, and these.
    pub(crate) fn found(&self, members: &[&str]) {
        self.group("alice", create(message(CLUB), members)).unwrap();
    }

    /// Sends message `number` to the club, by a base below everything.
    pub(crate) fn say(&self, user: &str, number: u64) -> Result<(), Error> {
        run(self.attempt(&desk(user), to_club(number)))
    }

    /// The club as it is kept.
    pub(crate) fn club(&self) -> Conversation {
        run(self.store.conversation(&club())).unwrap().unwrap()
    }

    /// Whether the club is a large group.
    pub(crate) fn is_large(&self) -> bool {
        matches!(self.club().members, Members::Rows { .. })
    }

    /// The club's timeline: kind and author of each entry, and the text's number.
    pub(crate) fn log(&self) -> Vec<String> {
        self.entries(&club()).iter().map(line).collect()
    }

    /// What an inbox tells of the club, in order: sequences.
    pub(crate) fn heard(&self, user: &str) -> Vec<u64> {
        let inbox = self.inbox(user);
        let club = club();
        inbox
            .iter()
            .filter(|told| told.conversation == club)
            .map(|told| told.seq.number())
            .collect()
    }

    /// Everything of the club's timeline goes by the stream's consumer.
    pub(crate) fn stream(&self) {
        for entry in self.entries(&club()) {
            run(chat::complete(self.tell_ports(), &club().timeline(), &entry)).unwrap();
        }
    }
}

/// Message `number` to the club.
pub(crate) fn to_club(number: u64) -> Outgoing {
    within(&club(), number, Some(0))
}

fn line(entry: &Entry) -> String {
    let named: Vec<_> = entry.named.iter().map(|user| user.as_str()).collect();
    match entry.kind.as_str() {
        Kind::TEXT => {
            let number = u64::from_be_bytes(entry.id.as_bytes()[8..].try_into().unwrap());
            format!("{number} by {}", entry.author)
        }
        kind if named.is_empty() => format!("{kind} by {}", entry.author),
        kind => format!("{kind} {} by {}", named.join(" "), entry.author),
    }
}

/// Lets `slow` be polled so often, then `fast` be done, then `slow` be done; whether `slow` had
/// been done before.
pub(crate) fn overtake<S, F>(
    polls: usize,
    slow: impl Future<Output = S>,
    fast: impl FnOnce() -> F,
) -> (S, F, bool) {
    let mut slow: Pin<Box<dyn Future<Output = S> + '_>> = Box::pin(slow);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let std::task::Poll::Ready(done) = slow.as_mut().poll(&mut context) {
            return (done, fast(), true);
        }
    }
    let fast = fast();
    (run(slow), fast, false)
}
