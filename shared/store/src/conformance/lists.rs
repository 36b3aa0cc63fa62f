//! Promises of users' lists: what is on them, how far they have read, and what they want.

use timeline::{ConversationId, Diffusion, Muted, Seq, Timestamp};

use super::directory::club;
use super::{Store, seq, tea, user};
use crate::directory::{Enlisting, Listing, ReadPosition, Reading, Wish};

fn enlisting(conversation: ConversationId, version: u64) -> Enlisting {
    Enlisting {
        conversation,
        version,
        joined: Seq::FIRST,
        diffusion: Diffusion::Write,
        begins: None,
    }
}

/// What is read of it, as long as nothing else was written.
fn listing(conversation: ConversationId, version: u64) -> Listing {
    Listing {
        conversation,
        version,
        joined: Seq::FIRST,
        diffusion: Diffusion::Write,
        read: ReadPosition::default(),
        muted: Muted::No,
        pinned: None,
    }
}

fn position(number: u64, countable: u64) -> ReadPosition {
    ReadPosition { seq: seq(number), countable }
}

/// A user's list is complete, in the order of ids, and listing twice is once.
pub async fn a_users_conversations_are_paged_in_order(store: &impl Store) {
    let with = |name: &str| {
        ConversationId::direct(&user("ada"), &user(name)).expect("two different people")
    };
    for name in ["mia", "bob", "zoe", "bob", "kim"] {
        store.list(&user("ada"), &enlisting(with(name), 1)).await.expect("a listing");
    }
    store.list(&user("bob"), &enlisting(with("bob"), 1)).await.expect("a listing");
    let ada = user("ada");
    let page = store.conversations(&ada, None, 3).await.expect("a page");
    assert_eq!(page, ["bob", "kim", "mia"].map(|name| listing(with(name), 1)));
    let last = page.last().map(|listing| &listing.conversation);
    let page = store.conversations(&ada, last, 3).await.expect("a page");
    assert_eq!(page, [listing(with("zoe"), 1)]);
    assert_eq!(store.conversations(&user("eve"), None, 3).await.expect("a page"), []);
}

/// What was taken off a list does not come back by a late request, and does by a later change.
pub async fn a_list_never_goes_back(store: &impl Store) {
    let ada = user("ada");
    let all = async || store.conversations(&ada, None, 9).await.expect("a page");
    store.list(&ada, &enlisting(club(), 3)).await.expect("a listing");
    let large = Enlisting { diffusion: Diffusion::Read, ..enlisting(club(), 3) };
    store.list(&ada, &large).await.expect("a listing");
    let expected = Listing { diffusion: Diffusion::Read, ..listing(club(), 3) };
    let alone = store.listing(&ada, &club()).await.expect("a read");
    assert_eq!(alone.as_ref(), Some(&expected));
    assert_eq!(all().await, [expected], "the same version says it anew");
    store.unlist(&ada, &club(), 2).await.expect("an answer");
    assert_eq!(all().await.len(), 1);
    store.unlist(&ada, &club(), 5).await.expect("an answer");
    store.list(&ada, &enlisting(club(), 4)).await.expect("an answer");
    assert_eq!(all().await, []);
    assert_eq!(store.listing(&ada, &club()).await.expect("a read"), None);
    store.list(&ada, &enlisting(tea(), 1)).await.expect("a listing");
    assert_eq!(store.conversations(&ada, None, 1).await.expect("a page"), [listing(tea(), 1)]);
    store.list(&ada, &enlisting(club(), 6)).await.expect("a listing");
    assert_eq!(all().await, [listing(tea(), 1), listing(club(), 6)]);
}

/// Of two devices that read at once the further one counts; a lower position changes nothing.
pub async fn a_read_position_never_goes_back(store: &impl Store) {
    let ada = user("ada");
    let mark = async |at| store.mark_read(&ada, &tea(), at).await.expect("an answer");
    assert_eq!(mark(position(3, 2)).await, None, "what is not on the list has no position");
    assert_eq!(store.listing(&ada, &tea()).await.expect("a read"), None, "and makes none");
    store.list(&ada, &enlisting(tea(), 1)).await.expect("a listing");
    assert_eq!(mark(position(3, 2)).await, Some(position(3, 2)));
    assert_eq!(mark(position(7, 5)).await, Some(position(7, 5)));
    for lower in [position(3, 2), position(7, 5)] {
        assert_eq!(mark(lower).await, Some(position(7, 5)));
    }
    // What else is written about the conversation leaves it where it is.
    store.list(&ada, &enlisting(tea(), 2)).await.expect("a listing");
    let kept = store.listing(&ada, &tea()).await.expect("a read").expect("a listing");
    assert_eq!((kept.read, kept.version), (position(7, 5), 2));
    // Who joins anew begins there; who is out has none.
    store.unlist(&ada, &tea(), 3).await.expect("an answer");
    assert_eq!(mark(position(9, 6)).await, None);
    let begins = Some(position(20, 11));
    let again = Enlisting { begins, ..enlisting(tea(), 4) };
    store.list(&ada, &again).await.expect("a listing");
    let kept = store.listing(&ada, &tea()).await.expect("a read").expect("a listing");
    assert_eq!(Some(kept.read), begins);
    // The same once more, by whoever finishes the change, leaves what was read since.
    assert_eq!(mark(position(23, 12)).await, Some(position(23, 12)));
    store.list(&ada, &again).await.expect("a listing");
    let kept = store.listing(&ada, &tea()).await.expect("a read").expect("a listing");
    assert_eq!(kept.read, position(23, 12));
}

/// What a user wants of a conversation is theirs, and each wish leaves the others as they are.
pub async fn wishes_do_not_disturb_each_other(store: &impl Store) {
    let ada = user("ada");
    let wish = async |wish| store.wish(&ada, &tea(), wish).await.expect("an answer");
    wish(Wish::Mute(Muted::Yes)).await;
    assert_eq!(store.listing(&ada, &tea()).await.expect("a read"), None);
    store.list(&ada, &enlisting(tea(), 1)).await.expect("a listing");
    wish(Wish::Mute(Muted::Yes)).await;
    wish(Wish::Pin(Some(Timestamp(7)))).await;
    store.mark_read(&ada, &tea(), position(3, 2)).await.expect("an answer");
    let kept = async || store.listing(&ada, &tea()).await.expect("a read").expect("a listing");
    let expected = Listing {
        read: position(3, 2),
        muted: Muted::Yes,
        pinned: Some(Timestamp(7)),
        ..listing(tea(), 1)
    };
    assert_eq!(kept().await, expected);
    wish(Wish::Mute(Muted::No)).await;
    wish(Wish::Pin(None)).await;
    assert_eq!(kept().await, Listing { read: position(3, 2), ..listing(tea(), 1) });
}

/// How far members have read is told in the order of ids, and never goes back.
pub async fn readings_are_paged_and_never_go_back(store: &impl Store) {
    let reading =
        |name: &str, number| Reading { user: user(name), seq: seq(number), at: Timestamp(number) };
    for (name, number) in [("mia", 4), ("bob", 7), ("zoe", 1), ("bob", 5), ("mia", 6)] {
        store.note_read(&club(), &reading(name, number)).await.expect("an answer");
    }
    let page = store.readings(&club(), None, 2).await.expect("a page");
    assert_eq!(page, [reading("bob", 7), reading("mia", 6)]);
    let rest = store.readings(&club(), Some(&user("mia")), 2).await.expect("a page");
    assert_eq!(rest, [reading("zoe", 1)]);
    assert_eq!(store.readings(&tea(), None, 2).await.expect("a page"), []);
}
