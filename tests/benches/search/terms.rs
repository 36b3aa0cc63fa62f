//! The index that comes to mind first: an item for each term of each message.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ReturnConsumedCapacity, ScalarAttributeType,
};
use futures_util::{StreamExt, stream};
use search_index::{Query, Text};
use store::Timelines;
use store_dynamo::{Dynamo, Units};
use timeline::{Seq, limits};

use crate::asking::HITS;
use crate::data::{Data, Talk};
use crate::indexing::SEARCHED;
use crate::load::{self, Item};

/// Its table.
const TABLE: &str = "terms";
/// Conversation and term (S), partition key.
const TERM: &str = "p";
/// Sequence (N), sort key.
const SEQ: &str = "s";

/// How many conversations are searched at once.
const AT_ONCE: usize = 64;

/// An index of terms, with a meter of its own.
pub(crate) struct Terms {
    client: Client,
    read: Mutex<Units>,
}

/// How many items there are: each is a write unit.
pub(crate) fn count(data: &Data) -> usize {
    let entries = data.talks.iter().flat_map(|talk| &talk.entries);
    entries.map(|entry| terms_of(&SEARCHED(entry.body.as_ref().unwrap())).len()).sum()
}

fn terms_of(text: &str) -> BTreeSet<String> {
    Text::new(text).terms().map(|term| term.to_string()).collect()
}

/// The terms that every match has: of a run all but its last letter, which is no term inside.
fn terms_of_query(query: &str) -> BTreeSet<String> {
    let mut terms = terms_of(query);
    let is_ideograph = |term: &String| term.chars().count() == 1 && term > &"\u{3000}".to_owned();
    if terms.len() > 1 {
        terms.retain(|term| !is_ideograph(term));
    }
    terms
}

impl Terms {
    /// Writes it, and tells what that took.
    pub(crate) async fn build(client: &Client, data: &Data) -> Self {
        create(client).await;
        let start = Instant::now();
        let items = data.talks.iter().flat_map(|talk| {
            talk.entries.iter().flat_map(move |entry| {
                let terms = terms_of(&SEARCHED(entry.body.as_ref().unwrap()));
                terms.into_iter().map(move |term| item(talk, &term, entry.seq))
            })
        });
        load::write(client, TABLE, items).await;
        println!("  terms: {:.0} s to write", start.elapsed().as_secs_f64());
        Self { client: client.clone(), read: Mutex::default() }
    }

    /// What was read so far.
    pub(crate) fn consumed(&self) -> Units {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest hits of each conversation, and of these the newest.
    pub(crate) async fn find(&self, store: &Dynamo, talks: &[Talk], query: &str) -> usize {
        let terms = &terms_of_query(query);
        let query = &Query::parse(query).unwrap();
        let finds: Vec<_> =
            talks.iter().map(|talk| self.of_one(store, talk, terms, query)).collect();
        let found: Vec<usize> = stream::iter(finds).buffer_unordered(AT_ONCE).collect().await;
        found.iter().sum::<usize>().min(HITS)
    }

    async fn of_one(
        &self,
        store: &Dynamo,
        talk: &Talk,
        terms: &BTreeSet<String>,
        query: &Query,
    ) -> usize {
        let mut common: Option<BTreeSet<u64>> = None;
        for term in terms {
            let seqs = self.seqs(talk, term).await;
            common = Some(match common {
                None => seqs,
                Some(others) => others.intersection(&seqs).copied().collect(),
            });
        }
        let candidates: Vec<_> = common.unwrap_or_default().into_iter().rev().collect();
        let mut hits = 0;
        for some in candidates.chunks(limits::SEQS_MAX.min(2 * HITS)) {
            let place = |seq: &u64| (talk.id.timeline(), Seq::new(*seq).unwrap());
            let places: Vec<_> = some.iter().map(place).collect();
            let entries = store.get_many(&places).await.unwrap();
            let bodies = entries.iter().filter_map(|(_, entry)| entry.body.as_ref());
            hits += bodies.filter(|body| query.verify(&SEARCHED(body)).is_some()).count();
            if hits >= HITS {
                break;
            }
        }
        hits
    }

    /// Where a conversation has a term.
    async fn seqs(&self, talk: &Talk, term: &str) -> BTreeSet<u64> {
        let mut seqs = BTreeSet::new();
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(TABLE)
                .key_condition_expression("#p = :p")
                .expression_attribute_names("#p", TERM)
                .expression_attribute_values(":p", partition(talk, term))
                .set_exclusive_start_key(start)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .unwrap();
            let units = page.consumed_capacity.and_then(|units| units.capacity_units);
            self.count(units.unwrap_or_default());
            let items = page.items.unwrap_or_default();
            seqs.extend(items.iter().map(|item| item[SEQ].as_n().unwrap().parse::<u64>().unwrap()));
            // Each page is at least one item or the last, so this ends.
            start = page.last_evaluated_key;
            if start.is_none() {
                return seqs;
            }
        }
    }

    fn count(&self, units: f64) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.read += units;
        read.requests += 1;
    }
}

fn partition(talk: &Talk, term: &str) -> AttributeValue {
    AttributeValue::S(format!("{}#{term}", talk.id))
}

fn item(talk: &Talk, term: &str, seq: Seq) -> Item {
    Item::from([
        (TERM.to_owned(), partition(talk, term)),
        (SEQ.to_owned(), AttributeValue::N(seq.number().to_string())),
    ])
}

async fn create(client: &Client) {
    let mut request =
        client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    let keys = [
        (TERM, ScalarAttributeType::S, KeyType::Hash),
        (SEQ, ScalarAttributeType::N, KeyType::Range),
    ];
    for (name, kind, role) in keys {
        let key = KeySchemaElement::builder().attribute_name(name).key_type(role).build();
        let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(kind);
        request =
            request.key_schema(key.unwrap()).attribute_definitions(attribute.build().unwrap());
    }
    request.send().await.unwrap();
}
