//! The search itself, on DynamoDB for units and times, and in memory for round trips.

use std::hash::{DefaultHasher, Hash, Hasher};

use chat::search::SEAL_BYTES;
use chat::{IndexPorts, Seal, SearchBounds, SearchPorts};
use store::{Blocks, Directory, Memory, Timelines};
use timeline::exchange::Caller;
use timeline::search::{Filters, QueryText, SearchRequest};
use timeline::{ConnectionId, DeviceId, Timestamp, UserId};

use crate::asking::HITS;
use crate::data::{Data, Talk};
use crate::indexing::SEARCHED;
use crate::load;
use crate::rounds::Rounds;

/// More pages than any search has here.
const PAGES_MAX: usize = 1_000;

/// A seal for pages that nobody forges.
struct Wax;

impl Seal for Wax {
    fn seal(&self, parts: &[&[u8]]) -> [u8; SEAL_BYTES] {
        let mut hasher = DefaultHasher::new();
        parts.hash(&mut hasher);
        let mut seal = [0; SEAL_BYTES];
        seal[..8].copy_from_slice(&hasher.finish().to_be_bytes());
        seal
    }
}

/// Searches one conversation, or, where there are several, all of the user's: so many pages that
/// there is a screen of hits, or nothing more.
pub(crate) async fn find(
    (directory, timelines, blocks): (&dyn Directory, &dyn Timelines, &dyn Blocks),
    user: &UserId,
    talks: &[Talk],
    query: &str,
) -> usize {
    let ports = SearchPorts {
        directory,
        timelines,
        blocks,
        searched: SEARCHED,
        seal: &Wax,
        bounds: &SearchBounds::default(),
    };
    let mut request = SearchRequest {
        query: QueryText::new(query.to_owned()),
        conversation: if let [one] = talks { Some(one.id.clone()) } else { None },
        filters: Filters::default(),
        limit: HITS,
        page: None,
    };
    let caller = Caller {
        user: user.clone(),
        device: DeviceId::parse("desk").unwrap(),
        platform: None,
        connection: ConnectionId::parse("desk").unwrap(),
        connected: Timestamp(0),
        expires: Timestamp(0),
    };
    let mut hits = 0;
    for _ in 0..PAGES_MAX {
        let found = chat::search(ports, &caller, request.clone()).await.unwrap();
        hits += found.hits.len();
        request.page = found.page;
        if hits >= HITS || request.page.is_none() {
            return hits.min(HITS);
        }
    }
    unreachable!("a search comes to its end")
}

/// Everything in memory, indexed.
pub(crate) async fn in_memory(data: &Data) -> Memory {
    let store = Memory::default();
    let ports = IndexPorts { timelines: &store, blocks: &store, searched: SEARCHED };
    for talk in &data.talks {
        load::enlist(&store, data, talk).await;
        let timeline = talk.id.timeline();
        for entry in &talk.entries {
            store.put(&timeline, entry).await.unwrap();
            chat::index(ports, &timeline, entry.seq).await.unwrap();
        }
    }
    store
}

/// The number of round trips that a search takes.
pub(crate) fn trips(store: &Memory, user: &UserId, talks: &[Talk], query: &str) -> usize {
    let rounds = Rounds::new(store);
    // And one to the directory.
    rounds.run(find((store, &rounds, &rounds), user, talks, query)).1 + 1
}
