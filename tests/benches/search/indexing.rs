//! What it takes to build the blocks, message by message, as the stream has them built.

use std::time::Instant;

use chat::IndexPorts;
use futures_util::{StreamExt, stream};
use store_dynamo::{Dynamo, Units};
use timeline::Body;

use crate::data::{Data, Talk};

/// How many conversations are indexed at once.
const AT_ONCE: usize = 4;

/// What of a body is searched.
pub(crate) const SEARCHED: fn(&Body) -> String = wire::searched_text;

/// Builds all of it, and tells what that took.
pub(crate) async fn measure(store: &Dynamo, data: &Data) {
    let before = consumed(store);
    let start = Instant::now();
    let talks = data.talks.iter().map(|talk| index(store, talk)).collect::<Vec<_>>();
    stream::iter(talks).buffer_unordered(AT_ONCE).collect::<()>().await;
    let took = start.elapsed();
    let now = consumed(store);
    let (read, write) = (now.read - before.read, now.write - before.write);
    let each = |of: f64| of / data.len() as f64;
    println!(
        "  index: {:.4} write and {:.4} read units a message, {:.0} us, {} requests in all",
        each(write),
        each(read),
        each(took.as_secs_f64() * 1e6),
        now.requests - before.requests,
    );
}

async fn index(store: &Dynamo, talk: &Talk) {
    let ports = IndexPorts { timelines: store, blocks: store, searched: SEARCHED };
    let timeline = talk.id.timeline();
    for entry in talk.entries.iter().filter(|entry| entry.seq.completes_block()) {
        chat::index(ports, &timeline, entry.seq).await.unwrap();
    }
}

/// What was consumed so far.
pub(crate) fn consumed(store: &Dynamo) -> Units {
    store.consumed().values().fold(Units::default(), |sum, units| Units {
        read: sum.read + units.read,
        write: sum.write + units.write,
        requests: sum.requests + units.requests,
    })
}
