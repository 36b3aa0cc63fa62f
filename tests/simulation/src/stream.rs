//! The stream of the timeline table: lanes of two mappings, in batches, again and again until
//! what they deliver is done; what fails too often is parked.

use std::collections::VecDeque;

use serde_json::Value;
use timeline::{Entry, TimelineId};

use crate::functions;

/// How many lanes the mapping of `fanout` has: records of one conversation go by one.
const FANOUT_LANES: usize = 3;
/// The lane of `index`.
const INDEX_LANE: usize = FANOUT_LANES;
/// How often a batch is tried again, as the template says.
const RETRIES_MAX: u32 = 5;
/// How many records a batch has at most.
const BATCH_MAX: usize = 20;

/// A record: its sequence number, and what it tells of.
pub(crate) type Record = (u64, TimelineId, Entry);

/// A lane.
#[derive(Default)]
struct Lane {
    waiting: VecDeque<Record>,
    /// How many of them are delivered just now.
    delivered: usize,
    /// How often that failed.
    failures: u32,
    /// Whether it is going to be polled.
    is_planned: bool,
}

/// The stream.
pub(crate) struct Stream {
    lanes: Vec<Lane>,
    numbered: u64,
    /// What was given up.
    parked: Vec<(usize, Record)>,
}

/// Which function a batch is for, and the event.
pub(crate) struct Batch {
    pub(crate) is_index: bool,
    pub(crate) event: String,
}

impl Stream {
    pub(crate) fn new() -> Self {
        let lanes = (0..=INDEX_LANE).map(|_| Lane::default()).collect();
        Self { lanes, numbered: 0, parked: Vec::new() }
    }

    /// Takes an entry to the lanes whose filters let it through; those that have to be polled.
    pub(crate) fn record(&mut self, timeline: &TimelineId, entry: &Entry) -> Vec<usize> {
        let image = functions::image(timeline, entry);
        let large = image["l"]["N"].as_str();
        let bytes = timeline.as_str().bytes();
        let hash = bytes.fold(0_usize, |hash, byte| hash.wrapping_mul(31) ^ usize::from(byte));
        let mut lanes = Vec::new();
        if large.is_none() || large == Some("2") {
            lanes.push(hash % FANOUT_LANES);
        }
        if image["ix"]["N"] == "1" {
            lanes.push(INDEX_LANE);
        }
        self.numbered += 1;
        for lane in &lanes {
            let record = (self.numbered, timeline.clone(), entry.clone());
            self.lanes[*lane].waiting.push_back(record);
        }
        lanes.retain(|lane| !std::mem::replace(&mut self.lanes[*lane].is_planned, true));
        lanes
    }

    /// A lane is polled: the batch that is to be delivered, if there is any.
    pub(crate) fn poll(&mut self, number: usize) -> Option<Batch> {
        let lane = &mut self.lanes[number];
        lane.is_planned = false;
        if lane.delivered > 0 || lane.waiting.is_empty() {
            return None;
        }
        lane.delivered = lane.waiting.len().min(BATCH_MAX);
        let batch: Vec<Record> = lane.waiting.iter().take(lane.delivered).cloned().collect();
        Some(Batch { is_index: number == INDEX_LANE, event: functions::recorded(&batch) })
    }

    /// A batch was delivered: the report, or nothing of a function that was killed. Whether its
    /// lane has to be polled.
    pub(crate) fn delivered(&mut self, number: usize, report: Option<&str>, again: bool) -> bool {
        let lane = &mut self.lanes[number];
        let delivered = std::mem::take(&mut lane.delivered);
        let failed = report.map(first_failed);
        let done = match failed {
            None => 0,
            Some(None) if again => 0,
            Some(None) => delivered,
            Some(Some(first)) => {
                lane.waiting.iter().take_while(|(number, ..)| *number != first).count()
            }
        };
        lane.waiting.drain(..done);
        lane.failures = if done > 0 || failed == Some(None) { 0 } else { lane.failures + 1 };
        if lane.failures > RETRIES_MAX {
            lane.failures = 0;
            let parked = lane.waiting.pop_front();
            self.parked.extend(parked.map(|record| (number, record)));
        }
        let lane = &mut self.lanes[number];
        let polls = !lane.waiting.is_empty() && !lane.is_planned;
        lane.is_planned |= polls;
        polls
    }

    /// What was parked is sent again, as an operator does; the lanes that have to be polled.
    pub(crate) fn send_parked(&mut self) -> Vec<usize> {
        let mut lanes = Vec::new();
        for (number, record) in std::mem::take(&mut self.parked) {
            self.lanes[number].waiting.push_back(record);
            if !std::mem::replace(&mut self.lanes[number].is_planned, true) {
                lanes.push(number);
            }
        }
        lanes
    }
}

/// The number of the first record that failed.
fn first_failed(report: &str) -> Option<u64> {
    let report: Value = serde_json::from_str(report).expect("a report is JSON");
    let failures = report["batchItemFailures"].as_array().expect("a report has failures");
    let numbers = failures.iter().filter_map(|failure| failure["itemIdentifier"].as_str());
    numbers.filter_map(|number| number.parse().ok()).min()
}
