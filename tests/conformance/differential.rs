//! Random operations, asked of the memory store and of the adapter on the embedded DynamoDB: what
//! simulations learn from the one holds of the other only if both answer alike.
//!
//! A failure shows the operations of its seed up to the difference, and the fewest of them that
//! still show one. `STORE_SEEDS=17..18` asks those of seed 17 again, `STORE_SEEDS=0..100000` more
//! than the suite does.

mod both;
mod operation;
mod world;

use std::ops::Range;
use std::panic::AssertUnwindSafe;

use futures_util::{FutureExt, StreamExt, stream};

use both::{Both, METHODS, Tally};
use operation::Operation;
use world::World;

/// The seeds of a run without the variable.
const SEEDS: Range<u64> = 0..48;

/// The operations of one seed.
const OPERATIONS: usize = 250;

/// How many seeds are asked at once: the database has a thread of its own.
const SEEDS_AT_ONCE: usize = 4;

/// What has to have happened at least once, or the operations would prove little.
const ANSWERS: [(&str, &str); 28] = [
    ("Timelines::put", "Occupied"),
    ("Timelines::get", "None"),
    ("Timelines::get", "Some"),
    ("Timelines::get_many", "["),
    ("Timelines::get_many", "Invalid"),
    ("Timelines::scan", "["),
    ("Timelines::update", "Entry"),
    ("Timelines::update", "NotFound"),
    ("Timelines::revise", "Done"),
    ("Timelines::revise", "Superseded"),
    ("Timelines::recall", "Some"),
    ("Inboxes::put", "Occupied"),
    ("Connections::register", "Registered"),
    ("Connections::register", "Conflict"),
    ("Connections::register", "Kicked"),
    ("Connections::evict", "true"),
    ("Connections::evict", "false"),
    ("Connections::signals", "true"),
    ("Connections::of", "["),
    ("Directory::create", "Occupied"),
    ("Directory::replace", "Conflict"),
    ("Directory::members", "["),
    ("Directory::mark_read", "Some"),
    ("Directory::readings", "["),
    ("Directory::conversations", "["),
    ("Focuses::focused", "["),
    ("Metas::insert", "Conflict"),
    ("Metas::update", "Invalid"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_store_answers_as_the_database_does() {
    let asked = asked_seeds();
    let seeds = asked.clone().unwrap_or(SEEDS);
    let runs = stream::iter(seeds).map(run).buffer_unordered(SEEDS_AT_ONCE);
    let tallies: Vec<Tally> = runs.collect().await;
    if asked.is_some() {
        return;
    }
    let mut all = Tally::new();
    for (answer, count) in tallies.into_iter().flatten() {
        *all.entry(answer).or_default() += count;
    }
    for method in METHODS {
        assert!(all.keys().any(|(asked, _)| asked == method), "nothing asked for {method}");
    }
    for (method, answer) in ANSWERS {
        let key = (method, answer.to_owned());
        assert!(all.contains_key(&key), "{method} never answered {answer}: {all:#?}");
    }
}

/// The seeds that the environment names.
fn asked_seeds() -> Option<Range<u64>> {
    #[expect(clippy::disallowed_methods, reason = "what is asked of a test beside the suite")]
    let text = std::env::var("STORE_SEEDS").ok()?;
    let (first, end) = text.split_once("..").expect("STORE_SEEDS is like 17..18");
    Some(first.parse().unwrap()..end.parse().unwrap())
}

/// Asks both stores for a seed's operations; what they answered.
async fn run(seed: u64) -> Tally {
    let mut operations = World::new(seed).operations(OPERATIONS);
    let (tally, found) = ask(&operations).await;
    let Some((count, difference)) = found else { return tally };
    operations.truncate(count);
    let (fewest, now) = fewest(operations, difference.clone()).await;
    let lines = fewest.iter().map(|operation| format!("\n  {operation:?}"));
    let lines: String = lines.collect();
    panic!(
        "the stores differ: STORE_SEEDS={seed}..{} cargo test -p tests --test conformance \
         differential\nafter {count} operations of seed {seed}: {difference}\n\
         the fewest of them, {}: {now}{lines}",
        seed + 1,
        fewest.len(),
    );
}

/// Asks both stores, fresh ones, for operations until they differ: what they answered, and after
/// how many they differed and how.
async fn ask(operations: &[Operation]) -> (Tally, Option<(usize, String)>) {
    let both = Both::fresh().await;
    for (count, operation) in (1..).zip(operations) {
        // A store that panics differs from one that answers.
        let asked = AssertUnwindSafe(operation.ask(&both)).catch_unwind().await;
        let panicked = asked.is_err().then(|| "a store panicked".to_owned());
        if let Some(difference) = both.difference().or(panicked) {
            return (both.tally(), Some((count, difference)));
        }
    }
    (both.tally(), None)
}

/// Leaves out operations as long as what is left still shows a difference: halves, quarters, at
/// last single ones.
async fn fewest(mut operations: Vec<Operation>, difference: String) -> (Vec<Operation>, String) {
    let mut shown = difference;
    let mut size = operations.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < operations.len() {
            let end = operations.len().min(at + size);
            let without = [&operations[..at], &operations[end..]].concat();
            match ask(&without).await.1 {
                Some((count, difference)) => {
                    (operations, shown) = (without[..count].to_vec(), difference);
                }
                None => at = end,
            }
        }
        size /= 2;
    }
    (operations, shown)
}
