//! Write diffusion: how long it takes to tell 10,000 inboxes of one message of 220 bytes.
//!
//! The same question as the reference library's own figure for its Go version, on another store:
//! here each inbox is read and written by requests of its own, over HTTP, with the number that its
//! next entry has; there rows are buffered and written in batches, and the store numbers them.
//!
//!     cargo bench --bench diffusion [-- --file]

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "what it measures is what it prints")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use dynamodb::{Embedded, Location, NoFaults, Options};
use futures_util::{StreamExt, stream};
use store::{Immediately, Inboxes, Tables, deliver};
use store_dynamo::Dynamo;
use timeline::{
    Body, ConversationId, DeviceId, Diffusion, Draft, Entry, InboxEntry, InboxLife, Kind,
    MessageId, Seq, Timestamp, UserId,
};

/// How many inboxes are told.
const INBOXES: usize = 10_000;
/// How long the message's body is.
const BODY_BYTES: usize = 220;
/// How many messages are told, one after the other.
const ROUNDS: usize = 7;
/// How many inboxes are written at once.
const AT_ONCE: usize = 64;
/// When the message was taken, in the year 2100: the embedded store expires by its own clock.
const NOW: Timestamp = Timestamp(4_102_444_800_000);

fn main() {
    let in_file = std::env::args().any(|argument| argument == "--file");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(in_file));
}

async fn measure(in_file: bool) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tables");
    let location = if in_file { Location::File(file) } else { Location::Memory };
    let options = Options { store: location, ..Options::default() };
    let embedded = Embedded::start(&options, Arc::new(NoFaults)).unwrap();
    let client = tests::embedded::client(&embedded.endpoint());
    let store = Dynamo::new(client, Tables::prefixed(""));
    store.set_up().await.unwrap();
    let users: Vec<_> =
        (0..INBOXES).map(|number| UserId::parse(&format!("user-{number}")).unwrap()).collect();
    let mut times = Vec::new();
    for round in 1..=ROUNDS {
        let entry = message(round as u64);
        let start = Instant::now();
        tell(&store, &users, &entry).await;
        times.push(start.elapsed());
    }
    // The first round opens connections and fills caches.
    times.remove(0);
    times.sort_unstable();
    let median = times[times.len() / 2];
    let (fastest, slowest) = (times[0], times[times.len() - 1]);
    let place = if in_file { "file" } else { "memory" };
    println!(
        "{INBOXES} inboxes, {BODY_BYTES} bytes, {place}: median {}, {} to {}, {:.0} inboxes/s",
        shown(median),
        shown(fastest),
        shown(slowest),
        INBOXES as f64 / median.as_secs_f64(),
    );
}

/// Reads each inbox's end and writes the entry after it.
async fn tell(store: &Dynamo, users: &[UserId], entry: &Entry) {
    let expires = InboxLife::default().end(NOW);
    let deliveries: Vec<_> = users
        .iter()
        .map(|user| async move {
            let tail = store.tail(user).await.unwrap();
            let entry_at = |position| InboxEntry::of(entry, &club(), position, expires);
            deliver(store, &Immediately, user, &tail, entry_at).await.unwrap()
        })
        .collect();
    let positions: Vec<Seq> = stream::iter(deliveries).buffer_unordered(AT_ONCE).collect().await;
    assert!(positions.iter().all(|position| *position == entry.seq), "each inbox is told once");
}

fn club() -> ConversationId {
    ConversationId::group(MessageId::from_bytes([1; 16]))
}

fn message(number: u64) -> Entry {
    let text = "x".repeat(BODY_BYTES - r#"{"text":""}"#.len());
    let draft = Draft {
        id: MessageId::from_bytes([2; 16]),
        author: UserId::parse("author").unwrap(),
        device: DeviceId::parse("desk").unwrap(),
        at: NOW,
        kind: Kind::text(),
        version: 1,
        inbox_before: Seq::ZERO,
        diffusion: Diffusion::Write,
        named: Vec::new(),
        target: None,
        body: Body::parse(&format!(r#"{{"text":"{text}"}}"#)).unwrap(),
    };
    draft.at(Seq::new(number).unwrap())
}

fn shown(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1_000.0)
}
