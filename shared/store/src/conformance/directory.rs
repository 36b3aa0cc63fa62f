//! Promises of the directory, of claims and of focuses.

use std::collections::BTreeMap;

use timeline::{
    Admission, Body, ConnectionId, ConversationId, DeviceId, Kind, MessageId, Muted, Role,
    Timestamp, Title, UserId, Visibility,
};

use super::{Store, seq, tea, user};
use crate::directory::{Conversation, MemberRow, Members, Membership, Pending};
use crate::error::Error;
use crate::focuses::Focus;
use crate::timelines::Put;

pub(super) fn club() -> ConversationId {
    ConversationId::parse("g~01935b2e-7c1a-7def-8123-456789abcdef").expect("a group's id")
}

fn membership(joined: u64) -> Membership {
    Membership { joined: seq(joined), role: Role::Member, muted: Muted::No }
}

/// A group of two with everything that can be known about one.
fn group() -> Conversation {
    let ada = Membership { role: Role::Owner, muted: Muted::Yes, ..membership(1) };
    let bob = Membership { role: Role::Admin, ..membership(7) };
    Conversation {
        id: club(),
        version: 3,
        made: Timestamp(1_000),
        title: Some(Title::parse("周末 \"trip\"").expect("a title")),
        visibility: Visibility::FromJoin,
        admission: Admission::Open,
        members: Members::Inline(BTreeMap::from([(user("ada"), ada), (user("bob"), bob)])),
        pending: Some(Pending {
            version: 3,
            id: MessageId::from_bytes([3; 16]),
            author: user("ada"),
            device: DeviceId::parse("desk").expect("a device"),
            at: Timestamp(2_000),
            kind: Kind::event(Kind::LEAVE),
            named: vec![user("cy")],
            body: Body::parse(r#"{"users":["cy"]}"#).expect("a body"),
            base: seq(9),
            countable: 5,
            members: vec![(user("bob"), Some(bob)), (user("cy"), None)],
        }),
    }
}

/// Both sides may create a direct conversation at once; the first one stands.
pub async fn a_conversation_is_created_once(store: &impl Store) {
    assert_eq!(store.conversation(&tea()).await.expect("a read"), None);
    let members = ["ada", "bob"].map(|name| (user(name), membership(1)));
    let made = Conversation {
        id: tea(),
        version: 1,
        made: Timestamp(1_000),
        title: None,
        visibility: Visibility::FromStart,
        admission: Admission::Closed,
        members: Members::Inline(BTreeMap::from(members)),
        pending: None,
    };
    assert_eq!(store.create(&made).await.expect("a creation"), Put::Stored);
    let later = Conversation { made: Timestamp(2_000), ..made.clone() };
    assert_eq!(store.create(&later).await.expect("an answer"), Put::Occupied(made.clone()));
    assert_eq!(store.conversation(&tea()).await.expect("a read"), Some(made));
}

/// Whatever is known about a conversation is read as it was written, large or not.
pub async fn a_conversation_comes_back_as_it_was(store: &impl Store) {
    store.create(&group()).await.expect("a creation");
    assert_eq!(store.conversation(&club()).await.expect("a read"), Some(group()));
    let members = Members::Rows { switched: seq(11), since: 4, count: 101 };
    let large = Conversation { version: 4, members, pending: None, title: None, ..group() };
    store.replace(&large, 3).await.expect("a replacement");
    assert_eq!(store.conversation(&club()).await.expect("a read"), Some(large));
}

/// Of two changes of one version one is refused, and so is a change of nothing.
pub async fn a_replacement_needs_the_version_before(store: &impl Store) {
    let next = Conversation { version: 4, ..group() };
    let missing = store.replace(&next, 3).await;
    assert!(matches!(missing, Err(Error::Conflict { .. })), "{missing:?}");
    store.create(&group()).await.expect("a creation");
    store.replace(&next, 3).await.expect("a replacement");
    let late = Conversation { made: Timestamp(9), ..next.clone() };
    let refused = store.replace(&late, 3).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    assert_eq!(store.conversation(&club()).await.expect("a read"), Some(next));
}

/// What a change had to do is forgotten when it is done, and only that.
pub async fn what_is_pending_is_settled_by_its_own_version(store: &impl Store) {
    store.settle(&club(), 3).await.expect("nothing to do");
    store.create(&group()).await.expect("a creation");
    store.settle(&club(), 2).await.expect("nothing to do");
    assert_eq!(store.conversation(&club()).await.expect("a read"), Some(group()));
    for _ in 0..2 {
        store.settle(&club(), 3).await.expect("it is settled");
    }
    let settled = Conversation { pending: None, ..group() };
    assert_eq!(store.conversation(&club()).await.expect("a read"), Some(settled));
}

/// A request of an earlier change that comes late undoes nothing.
pub async fn a_members_row_never_goes_back(store: &impl Store) {
    let (id, bob) = (club(), user("bob"));
    assert_eq!(store.member(&id, &bob).await.expect("a read"), None);
    let rows = [
        (4, Some(membership(7)), 4),
        (6, None, 6),
        (5, Some(membership(7)), 6),
        (6, Some(membership(7)), 6),
        (8, Some(membership(12)), 8),
    ];
    for (version, membership, kept) in rows {
        let row = MemberRow { version, membership };
        store.put_member(&id, &bob, &row).await.expect("an answer");
        let read = store.member(&id, &bob).await.expect("a read").expect("a row");
        assert_eq!(read.version, kept);
        if kept == version && version != 6 {
            assert_eq!(read, row);
        }
    }
    let out = MemberRow { version: 9, membership: None };
    store.put_member(&id, &bob, &out).await.expect("an answer");
    assert_eq!(store.member(&id, &bob).await.expect("a read"), Some(out));
}

/// A large group's members are paged in the order of ids, those who are out among them.
pub async fn members_are_paged_in_order(store: &impl Store) {
    for (number, name) in ["mia", "bob", "zoe", "kim"].into_iter().enumerate() {
        let membership = (name != "kim").then(|| membership(1));
        let row = MemberRow { version: number as u64 + 1, membership };
        store.put_member(&club(), &user(name), &row).await.expect("a row");
    }
    let names = |page: &[(UserId, MemberRow)]| {
        page.iter().map(|(user, _)| user.to_string()).collect::<Vec<_>>()
    };
    let page = store.members(&club(), None, 3).await.expect("a page");
    assert_eq!(names(&page), ["bob", "kim", "mia"]);
    assert_eq!(page[1].1, MemberRow { version: 4, membership: None });
    let rest = store.members(&club(), Some(&user("mia")), 3).await.expect("a page");
    assert_eq!(names(&rest), ["zoe"]);
    assert_eq!(store.members(&tea(), None, 3).await.expect("a page"), []);
}

/// What the first attempt knew is what every attempt goes by.
pub async fn a_claim_keeps_its_first_base(store: &impl Store) {
    let (one, two) = (MessageId::from_bytes([1; 16]), MessageId::from_bytes([2; 16]));
    let claim = async |author: &str, id, base| {
        store.claim(&tea(), &user(author), &id, seq(base)).await.expect("a claim").number()
    };
    assert_eq!(claim("ada", one, 7).await, 7);
    assert_eq!(claim("ada", one, 9).await, 7);
    assert_eq!(claim("ada", two, 9).await, 9);
    assert_eq!(claim("bob", one, 11).await, 11);
}

fn focus(name: &str, device: &str, connection: &str) -> Focus {
    Focus {
        user: user(name),
        device: DeviceId::parse(device).expect("a device"),
        connection: ConnectionId::parse(connection).expect("a connection"),
        expires: super::NOW.whole_seconds(),
    }
}

/// The devices that show a conversation are found by it, and a user's by both.
pub async fn focuses_are_found_by_conversation_and_by_user(store: &impl Store) {
    let all = [focus("ada", "desk", "c1"), focus("ada", "phone", "c2"), focus("bob", "desk", "c3")];
    for focus in &all {
        store.focus(&club(), focus).await.expect("a focus");
    }
    store.focus(&tea(), &focus("ada", "desk", "c1")).await.expect("a focus");
    // The longer name must not be taken for the shorter one's.
    store.focus(&club(), &focus("ada.2", "desk", "c4")).await.expect("a focus");
    let found = store.focused(&club(), None, 9).await.expect("a read");
    assert_eq!(found.len(), 4);
    assert!(all.iter().all(|focus| found.contains(focus)), "{found:?}");
    assert_eq!(store.focused(&club(), Some(&user("ada")), 9).await.expect("a read"), all[..2]);
    assert_eq!(store.focused(&club(), None, 2).await.expect("a read").len(), 2);
}

/// A device's focus is its newest, and an older connection does not end it.
pub async fn a_focus_ends_by_its_own_connection_alone(store: &impl Store) {
    let (old, new) = (focus("ada", "desk", "c1"), focus("ada", "desk", "c2"));
    store.blur(&club(), &old).await.expect("nothing to do");
    for focus in [&old, &new] {
        store.focus(&club(), focus).await.expect("a focus");
    }
    store.blur(&club(), &old).await.expect("nothing to do");
    let found = store.focused(&club(), None, 9).await.expect("a read");
    assert_eq!(found.as_slice(), std::slice::from_ref(&new));
    store.blur(&club(), &new).await.expect("an end");
    assert_eq!(store.focused(&club(), None, 9).await.expect("a read"), []);
}
