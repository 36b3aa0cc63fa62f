//! Search: what the index costs to write and to search, beside reading everything and beside an
//! index of one item for each term of each message.
//!
//!     cargo bench --profile local --bench search [-- MESSAGES] [LANGUAGE]
//!
//! The corpus is invented and the same for the same number: [`corpus`]. One user has 200
//! conversations; the n-th has 1/n of the messages of the first, which is how people's are. Units
//! are what the embedded store reports, and round trips are counted on a store in memory, whose
//! calls are answered one round after the other. Compare times with one another only.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "what it measures is what it prints")]

mod asking;
#[path = "../../../shared/search-index/tests/recall/corpus.rs"]
mod corpus;
mod data;
mod indexing;
mod load;
mod rounds;
mod scan;
mod searching;
mod terms;

use std::sync::Arc;

use dynamodb::{Embedded, NoFaults, Options};
use store::{Memory, Tables};
use store_dynamo::{Dynamo, Units};

use crate::asking::Sort;
use crate::corpus::Language;
use crate::data::{Data, Talk};
use crate::indexing::consumed;
use crate::terms::Terms;

/// How many messages there are unless the command line says so.
const MESSAGES_DEFAULT: usize = 100_000;

/// How many queries of each sort are asked.
const QUERIES: usize = 40;

/// How many of them by reading everything; of many messages one.
const SCANS: usize = 3;

/// With how many messages an item for each term of each is still written: ten times as many.
const TERMS_MESSAGES_MAX: usize = 150_000;

/// What messages look like, one after the other.
const LANGUAGES: [Language; 3] = [Language::English, Language::Chinese, Language::Mixed];

fn main() {
    // What cargo itself passes on begins with a dash.
    let given: Vec<_> = std::env::args().skip(1).filter(|given| !given.starts_with('-')).collect();
    let number = given.iter().find_map(|given| given.parse().ok());
    let messages = number.unwrap_or(MESSAGES_DEFAULT);
    let is_named = |language: &Language| {
        let name = format!("{language:?}").to_lowercase();
        given.iter().all(|given| given.parse::<usize>().is_ok() || *given == name)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for language in LANGUAGES.into_iter().filter(is_named) {
        runtime.block_on(measure(language, messages));
    }
}

async fn measure(language: Language, messages: usize) {
    let data = Data::new(language, messages);
    println!("\n{language:?}: {} messages in {} conversations", data.len(), data.talks.len());
    let embedded = Embedded::start(&Options::default(), Arc::new(NoFaults)).unwrap();
    let client = tests::embedded::client(&embedded.endpoint());
    let store = Dynamo::new(client.clone(), Tables::prefixed(""));
    store.set_up().await.unwrap();
    load::load(&client, &store, &data).await;
    indexing::measure(&store, &data).await;
    let each = terms::count(&data) as f64 / data.len() as f64;
    println!("  terms: {each:.2} write units a message");
    let terms = if data.len() > TERMS_MESSAGES_MAX {
        None
    } else {
        Some(Terms::build(&client, &data).await)
    };
    let memory = searching::in_memory(&data).await;
    let stores = Stores { store: &store, memory: &memory, terms: terms.as_ref(), data: &data };
    for (place, talks) in [("the longest", &data.talks[..1]), ("all", &data.talks[..])] {
        println!("  in {place}:");
        for sort in Sort::ALL {
            let queries = sort.queries(&data, QUERIES);
            if !queries.is_empty() {
                println!("    {sort:?}");
                ask(stores, talks, sort, &queries).await;
            }
        }
    }
    embedded.stop();
}

/// The same messages in every way.
#[derive(Clone, Copy)]
struct Stores<'a> {
    store: &'a Dynamo,
    memory: &'a Memory,
    terms: Option<&'a Terms>,
    data: &'a Data,
}

/// The same queries by the blocks, by terms, and by reading everything; all of them find the same.
async fn ask(stores: Stores<'_>, talks: &[Talk], sort: Sort, queries: &[String]) {
    let Stores { store, memory, terms, data } = stores;
    let units = || consumed(store);
    let by_blocks =
        async |query: &str| searching::find((store, store, store), &data.user, talks, query).await;
    let expected = asking::measure("blocks", units, queries, by_blocks).await;
    let trips = queries.iter().map(|query| searching::trips(memory, &data.user, talks, query));
    let mut trips: Vec<_> = trips.collect();
    trips.sort_unstable();
    let (half, most) = (trips[trips.len() / 2], trips[trips.len() - 1]);
    println!("      blocks: {half} round trips, at most {most}");
    if let Some(terms) = terms {
        let units = || {
            let (own, others) = (terms.consumed(), consumed(store));
            Units {
                read: own.read + others.read,
                write: others.write,
                requests: own.requests + others.requests,
            }
        };
        let by_terms = async |query: &str| terms.find(store, talks, query).await;
        let hits = asking::measure("terms", units, queries, by_terms).await;
        match sort {
            Sort::Word | Sort::TwoWords | Sort::Nothing => assert_eq!(hits, expected, "terms"),
            // It has single letters only where a run ends.
            Sort::Letter => {}
        }
    }
    let scans = if data.len() > TERMS_MESSAGES_MAX { 1 } else { SCANS };
    let few = &queries[..queries.len().min(scans)];
    let by_scan = async |query: &str| scan::find(store, talks, query).await;
    let hits = asking::measure("scan", units, few, by_scan).await;
    assert_eq!(hits, expected[..few.len()], "scan");
}
