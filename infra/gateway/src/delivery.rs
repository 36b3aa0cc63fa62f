//! Batches of one mapping on their way to its function: what is tried again, halved or given up.
//!
//! Source: "Process DynamoDB records with Lambda" and "CreateEventSourceMapping". What they leave
//! open and is decided here: a batch that failed in part counts its retries on, whatever remains of
//! it; halving is not a retry; a half has been invoked as often as its whole was.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use template::model::StreamMapping;
use tokio::sync::watch;

use crate::checkpoints::Checkpoints;
use crate::destination::{Attempt, Condition, Destination, Discarded};
use crate::identifier;
use crate::pool::Pool;
use crate::progress::Progress;
use crate::record::{self, Record};
use crate::timestamp::Timestamp;
use crate::verdict::Verdict;

/// Ours: how long the first retry waits; every further one waits twice as long.
///
/// AWS backs off "exponentially" and says no more.
const RETRY_FIRST: Duration = Duration::from_millis(100);

/// Ours: the longest that a retry waits.
const RETRY_MAX: Duration = Duration::from_secs(10);

/// What all batches of a mapping share.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) mapping: StreamMapping,
    pub(crate) pool: Arc<Pool>,
    pub(crate) shard: String,
    pub(crate) progress: Progress,
    pub(crate) checkpoints: Arc<Checkpoints>,
    pub(crate) destination: Option<Destination>,
    /// Turns true when the gateway stops.
    pub(crate) stop: watch::Receiver<bool>,
}

/// A batch, or what remains of one.
#[derive(Debug)]
struct Part {
    records: Vec<Record>,
    retries: u32,
    invocations: u32,
    last: Option<Attempt>,
}

impl Delivery {
    /// Hands `records` over until each of them has succeeded or been given up, or the gateway
    /// stops.
    pub(crate) async fn deliver(&self, records: Vec<Record>) {
        let whole = Part { records, retries: 0, invocations: 0, last: None };
        let mut parts = VecDeque::from([whole]);
        while let Some(mut part) = parts.pop_front() {
            self.give_up_expired(&mut part);
            if part.records.is_empty() || self.is_stopped() {
                continue;
            }
            match self.attempt(&mut part).await {
                Verdict::Success => self.end(&part.records),
                Verdict::Failure if self.mapping.bisect && part.records.len() > 1 => {
                    let second = part.records.split_off(part.records.len().div_ceil(2));
                    let last = part.last.clone();
                    parts.push_front(Part { records: second, last, ..part });
                    parts.push_front(part);
                }
                Verdict::From(index) => {
                    let rest = part.records.split_off(index);
                    self.end(&part.records);
                    self.try_again(Part { records: rest, ..part }, &mut parts).await;
                }
                Verdict::Failure => self.try_again(part, &mut parts).await,
                Verdict::Throttled => {
                    self.rest(RETRY_FIRST).await;
                    parts.push_front(part);
                }
            }
        }
    }

    /// Takes note that `records` need not be read again.
    pub(crate) fn end(&self, records: &[Record]) {
        self.end_places(records.iter().map(|record| record.place));
    }

    /// Takes note that the records at `places` need not be read again.
    pub(crate) fn end_places(&self, places: impl IntoIterator<Item = u64>) {
        if let Some(sequence) = self.progress.end(places) {
            self.checkpoints.keep(&self.mapping.id, sequence);
        }
    }

    /// Waits until the gateway stops.
    pub(crate) async fn stopped(&self) {
        // An error is the sender dropped: the end, too.
        let _ = self.stop.clone().wait_for(|stops| *stops).await;
    }

    pub(crate) fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    async fn attempt(&self, part: &mut Part) -> Verdict {
        let request_id = identifier::invocation();
        let event = record::event(&part.records);
        let outcome = self.pool.invoke_as(request_id.clone(), event).await;
        let verdict = Verdict::of(&outcome, &part.records, self.mapping.reports_failures);
        if verdict != Verdict::Throttled {
            part.invocations = part.invocations.saturating_add(1);
            part.last = Some(Attempt { request_id, is_error: outcome.is_err() });
        }
        verdict
    }

    /// Puts `part` back for another try, or gives it up if it had them all.
    async fn try_again(&self, mut part: Part, parts: &mut VecDeque<Part>) {
        if self.mapping.retries_max.is_some_and(|retries_max| part.retries >= retries_max) {
            return self.give_up(&part, &part.records, Condition::Exhausted);
        }
        let factor = 2_u32.saturating_pow(part.retries);
        self.rest(RETRY_FIRST.saturating_mul(factor).min(RETRY_MAX)).await;
        part.retries = part.retries.saturating_add(1);
        parts.push_front(part);
    }

    /// Gives up the records that are too old; they are the first ones, for records are in order.
    fn give_up_expired(&self, part: &mut Part) {
        let Some(age_max) = self.mapping.record_age_max else { return };
        let age_max = u64::try_from(age_max.as_millis()).unwrap_or(u64::MAX);
        let Timestamp(now) = Timestamp::now();
        let is_expired = |record: &Record| now.saturating_sub(record.created.0) >= age_max;
        let count = part.records.iter().take_while(|record| is_expired(record)).count();
        if count > 0 {
            let rest = part.records.split_off(count);
            self.give_up(part, &part.records, Condition::Expired);
            part.records = rest;
        }
    }

    fn give_up(&self, part: &Part, records: &[Record], condition: Condition) {
        let StreamMapping { id, function, source, .. } = &self.mapping;
        tracing::warn!("{id} gave up {} records: {condition:?}", records.len());
        let discarded = Discarded {
            condition,
            function,
            stream: source,
            shard: &self.shard,
            records,
            invocations: part.invocations,
            last: part.last.as_ref(),
        };
        if let Some(destination) = &self.destination
            && let Err(error) = destination.tell(&discarded)
        {
            tracing::warn!("the destination of {id} cannot be written: {error}");
        }
        self.end(records);
    }

    async fn rest(&self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.stopped() => {}
        }
    }
}
