//! The baseline without any index: everything is read, the newest message first, and looked at.

use futures_util::{StreamExt, stream};
use search_index::Query;
use store::{Freshness, Scan, Timelines};
use store_dynamo::Dynamo;
use timeline::Seq;

use crate::asking::HITS;
use crate::data::Talk;
use crate::indexing::SEARCHED;

/// How many conversations are read at once.
const AT_ONCE: usize = 64;

/// How many messages are read at a time: about a megabyte, which is what one request reads at most.
const PAGE: usize = 3_000;

/// The newest hits of each conversation, and of these the newest.
pub(crate) async fn find(store: &Dynamo, talks: &[Talk], query: &str) -> usize {
    let query = &Query::parse(query).unwrap();
    let finds: Vec<_> = talks.iter().map(|talk| of_one(store, talk, query)).collect();
    let found: Vec<usize> = stream::iter(finds).buffer_unordered(AT_ONCE).collect().await;
    found.iter().sum::<usize>().min(HITS)
}

async fn of_one(store: &Dynamo, talk: &Talk, query: &Query) -> usize {
    let (mut hits, mut last) = (0, Seq::MAX);
    // Each page ends before the one before it, so this ends at the first message.
    while hits < HITS && last > Seq::ZERO {
        let scan = Scan { freshness: Freshness::Eventual, last, max_count: PAGE, ..Scan::newest() };
        let page = store.scan(&talk.id.timeline(), scan).await.unwrap();
        let bodies = page.iter().filter_map(|entry| entry.body.as_ref());
        hits += bodies.filter(|body| query.verify(&SEARCHED(body)).is_some()).count();
        last = page.last().map_or(Seq::ZERO, |entry| entry.seq.previous());
    }
    hits
}
