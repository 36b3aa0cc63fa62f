//! Pages: where a list or a search goes on is read as it was written, a sealed page that was
//! changed is refused, and a forged one shows nobody what they may not see.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use chat::search::{SEAL_BYTES, Seal};
use chat::{Error, SearchBounds, SearchPorts};
use store::{Directory, Enlisting, Members, Membership, Memory, Put, Timelines};
use timeline::exchange::Caller;
use timeline::group::GroupRequest;
use timeline::lists;
use timeline::search::{Filters, Hits, QueryText, SearchPage, SearchRequest};
use timeline::{
    Admission, Body, ConnectionId, ConversationId, DeviceId, Diffusion, Draft, Kind, MessageId,
    Muted, Role, Seq, Timestamp, UserId, Visibility,
};
use wire::{Conversations, Group, Listed, Matches, Receipts, Search, Sync};

use crate::{Outcome, Target};

/// What an input begins with: what the rest is.
const TEXT: u8 = 0;
const SEALED: u8 = 1;
const FORGED: u8 = 2;

/// How many messages a conversation has, and how many hits a page.
const MESSAGES: u64 = 80;
const LIMIT: usize = 7;

/// More pages than any search has.
const PAGES_MAX: usize = 200;

/// When a message is taken.
const NOW: Timestamp = Timestamp(1_763_917_045_123);

/// The first message of the group that its new member sees.
const JOINED: u64 = 30;

pub(crate) const TARGET: Target = Target {
    name: "pages",
    run: pages,
    seeds,
    dictionary: &[
        "~",
        "d~ada~bob",
        "g~",
        "bob",
        "=",
        "-",
        "_",
        "+",
        "AA",
        "\u{0}",
        "\u{1}",
        "\u{7f}",
        "é",
        "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}",
        "0",
        "18446744073709551615",
    ],
};

/// A store in which Ada has two conversations, and others have two.
struct Town {
    store: Memory,
    ada: Caller,
    /// Every page that her search gives, under the seal.
    given: Vec<Vec<u8>>,
}

static TOWN: LazyLock<Town> = LazyLock::new(Town::new);

fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "1763917045123~d~ada~bob",
        "0~g~01935b2e-7c1a-7def-8123-456789abcdef",
        "g~01935b2e-7c1a-7def-8123-456789abcdef",
        "bob@example.org",
        "AQAABm4BAQEBAQF_gAE",
    ];
    let texts = texts.iter().map(|text| [&[TEXT], text.as_bytes()].concat());
    let sealed = TOWN.given.iter().map(|page| [&[SEALED], &page[..]].concat());
    // Under the open seal, all that a page says without what seals it.
    let forged = TOWN.given.iter().map(|page| [&[FORGED], &page[..page.len() - 16]].concat());
    texts.chain(sealed).chain(forged).collect()
}

/// Takes bytes as the text of a page, as a sealed page, or as what a forged one says.
pub fn pages(data: &[u8]) -> Outcome {
    match data.split_first() {
        None => Outcome::Refused,
        Some((what, rest)) => match what % 3 {
            TEXT => texts(&String::from_utf8_lossy(rest)),
            SEALED => sealed(rest),
            _ => forged(rest),
        },
    }
}

/// A text as the page of every list: what is taken is given again, and taken again.
fn texts(text: &str) -> Outcome {
    let (id, page) = (|| "7".to_owned(), || Some(text.to_owned()));
    let list = |page| Conversations { page, ..Conversations::new(id()) }.to_json();
    let listed = Conversations::parse(&list(page())).ok().map(|request| {
        let list_end = lists::Conversations {
            rows: Vec::new(),
            unread: 0,
            page: request.fields.after.clone(),
        };
        let given = Listed::from(list_end).page;
        assert!(given.is_some());
        assert_eq!(Conversations::parse(&list(given)), Ok(request));
    });
    let sync = Sync { page: page(), ..Sync::new(id(), None) };
    let synced = Sync::parse(&sync.to_json()).ok().map(|request| {
        assert_eq!(request.fields.page.as_ref().map(ConversationId::as_str), Some(text));
    });
    let conversation = Some("g~01935b2e-7c1a-7def-8123-456789abcdef".to_owned());
    let group = Group { conversation, page: page(), ..Group::new(id(), "members") };
    let members = Group::parse(&group.to_json(), MessageId::NONE).ok().map(|request| {
        let GroupRequest::Members { after, .. } = request.fields else { panic!("{request:?}") };
        assert_eq!(after.as_ref().map(UserId::as_str), Some(text));
    });
    let receipts = serde_json::json!({
        "action": "receipts", "id": "7", "conversation": "d~ada~bob", "page": text,
    });
    let read = Receipts::parse(&receipts.to_string()).ok().map(|request| {
        assert_eq!(request.fields.after.as_ref().map(UserId::as_str), Some(text));
    });
    let search = |page| Search { page, ..Search::new(id(), "tea".to_owned()) }.to_json();
    let searched = Search::parse(&search(page())).ok().map(|request| {
        let hits = Hits { page: request.fields.page, ..Hits::default() };
        let given = Matches::from(hits).page;
        // One spelling: what was changed is another page.
        assert_eq!(given.as_deref(), Some(text));
    });
    Outcome::any([listed, synced, members, read, searched].map(|taken| taken.is_some()))
}

/// Bytes as a page of Ada's search: one that she was given, or none.
fn sealed(bytes: &[u8]) -> Outcome {
    let town = &*TOWN;
    let found = town.search(&Keyed, Some(SearchPage::new(bytes.to_vec())));
    if town.given.iter().any(|given| given == bytes) {
        assert!(found.is_ok(), "a page that was given is refused: {found:?}");
        return Outcome::Taken;
    }
    assert!(matches!(found, Err(Error::Invalid { .. })), "a page that was not given: {found:?}");
    Outcome::Refused
}

/// Bytes as what a page says whose seal somebody broke: they come to see what they may see anyway.
fn forged(bytes: &[u8]) -> Outcome {
    let town = &*TOWN;
    let page = [bytes, &[0; 16]].concat();
    match town.search(&Open, Some(SearchPage::new(page))) {
        Ok(found) => {
            town.require_seen(&found);
            assert!(found.titles.is_empty(), "titles are on the first page");
            if let Some(next) = found.page {
                let next = town.search(&Open, Some(next)).unwrap();
                town.require_seen(&next);
            }
            Outcome::Taken
        }
        Err(Error::Invalid { .. }) => Outcome::Refused,
        Err(other) => panic!("{other:?}"),
    }
}

impl Town {
    fn new() -> Self {
        let ada = Caller {
            user: user("ada"),
            device: DeviceId::parse("desk").unwrap(),
            platform: None,
            connection: ConnectionId::parse("c1").unwrap(),
            connected: NOW,
            expires: NOW.plus(3_600_000),
        };
        let mut town = Self { store: Memory::default(), ada, given: Vec::new() };
        let direct = |one, other| ConversationId::direct(&user(one), &user(other)).unwrap();
        town.talk(&direct("ada", "bob"), &[("ada", 1), ("bob", 1)]);
        town.talk(&direct("bob", "eve"), &[("bob", 1), ("eve", 1)]);
        let group = |number| ConversationId::group(MessageId::from_bytes([number; 16]));
        town.talk(&group(1), &[("ada", JOINED), ("bob", 1)]);
        town.talk(&group(2), &[("bob", 1), ("eve", 1)]);
        let mut page = None;
        for _ in 0..PAGES_MAX {
            let found = town.search(&Keyed, page).unwrap();
            town.require_seen(&found);
            page = found.page;
            let Some(page) = &page else { break };
            town.given.push(page.as_bytes().to_vec());
        }
        assert!(page.is_none() && town.given.len() > 5, "{} pages", town.given.len());
        town
    }

    /// A conversation of these, in which everybody talks of tea.
    fn talk(&self, id: &ConversationId, members: &[(&str, u64)]) {
        let membership = |joined| Membership {
            joined: Seq::new(joined).unwrap(),
            role: Role::Member,
            muted: Muted::No,
        };
        let inline = members.iter().map(|(name, joined)| (user(name), membership(*joined)));
        let conversation = store::Conversation {
            id: id.clone(),
            version: 1,
            made: NOW,
            title: None,
            visibility: Visibility::FromJoin,
            admission: Admission::Closed,
            members: Members::Inline(inline.collect()),
            pending: None,
        };
        assert_eq!(run(self.store.create(&conversation)).unwrap(), Put::Stored);
        for (name, joined) in members {
            let enlisting = Enlisting {
                conversation: id.clone(),
                version: 1,
                joined: Seq::new(*joined).unwrap(),
                diffusion: Diffusion::Write,
                begins: None,
            };
            run(self.store.list(&user(name), &enlisting)).unwrap();
        }
        for number in 1..=MESSAGES {
            let draft = Draft {
                id: MessageId::from_bytes([number as u8; 16]),
                author: user("bob"),
                device: DeviceId::parse("desk").unwrap(),
                at: NOW.plus(number * 100_000),
                kind: Kind::text(),
                version: 1,
                inbox_before: Seq::ZERO,
                diffusion: Diffusion::Write,
                named: Vec::new(),
                target: None,
                body: Body::parse(r#"{"text":"more tea"}"#).unwrap(),
            };
            let entry = draft.at(Seq::new(number).unwrap());
            run(Timelines::put(&self.store, &id.timeline(), &entry)).unwrap();
        }
    }

    /// Ada searches all that is hers.
    fn search(&self, seal: &dyn Seal, page: Option<SearchPage>) -> Result<Hits, Error> {
        let ports = SearchPorts {
            directory: &self.store,
            timelines: &self.store,
            blocks: &self.store,
            searched: wire::searched_text,
            seal,
            bounds: &SearchBounds::default(),
        };
        let request = SearchRequest {
            query: QueryText::new("tea".to_owned()),
            conversation: None,
            filters: Filters::default(),
            limit: LIMIT,
            page,
        };
        run(chat::search(ports, &self.ada, request))
    }

    /// Every hit is one that Ada may see, once.
    fn require_seen(&self, found: &Hits) {
        assert!(found.hits.len() <= LIMIT);
        let mut places = BTreeSet::new();
        for hit in &found.hits {
            let first = match hit.conversation.as_str() {
                "d~ada~bob" => 1,
                "g~01010101-0101-0101-0101-010101010101" => JOINED,
                other => panic!("{} sees a message of {other}", self.ada.user),
            };
            assert!(hit.seq.number() >= first, "{hit:?}");
            assert!(places.insert((hit.conversation.clone(), hit.seq)), "{hit:?} twice");
        }
    }
}

/// A seal that differs where its parts do; not one that keeps anybody out.
struct Keyed;

impl Seal for Keyed {
    fn seal(&self, parts: &[&[u8]]) -> [u8; SEAL_BYTES] {
        let mut seal = [0; SEAL_BYTES];
        for (number, eight) in seal.chunks_mut(8).enumerate() {
            let mut hasher = DefaultHasher::new();
            (number, parts).hash(&mut hasher);
            eight.copy_from_slice(&hasher.finish().to_be_bytes());
        }
        seal
    }
}

/// A seal that is always the same, but for names.
struct Open;

impl Seal for Open {
    fn seal(&self, parts: &[&[u8]]) -> [u8; SEAL_BYTES] {
        if parts.first() == Some(&b"name".as_slice()) { Keyed.seal(parts) } else { [0; SEAL_BYTES] }
    }
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

/// Runs what waits for nothing but itself.
fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
