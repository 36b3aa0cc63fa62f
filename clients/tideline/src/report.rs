//! What a load was, in numbers.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::checker::{Fault, Finding};

/// What one pair or group did; the sum of all is the load's.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Messages handed to an engine.
    pub(crate) sent: u64,
    /// Messages acknowledged.
    pub(crate) acked: u64,
    /// Of these, within the duration.
    pub(crate) acked_in_time: u64,
    /// Messages that arrived, counted once at each recipient.
    pub(crate) received: u64,
    /// Of these, within the duration.
    pub(crate) received_in_time: u64,
    /// Attempts after the first.
    pub(crate) resends: u64,
    /// Acks of messages that an earlier attempt had kept.
    pub(crate) duplicates: u64,
    /// Connections after a user's first.
    pub(crate) reconnects: u64,
    /// Messages and events that were read back in the end.
    pub(crate) audited: u64,
    /// From handing over to the ack, in microseconds.
    pub(crate) ack_us: Vec<u32>,
    /// From handing over to being shown to a recipient, in microseconds.
    pub(crate) push_us: Vec<u32>,
    /// What was wrong.
    pub(crate) findings: Vec<Finding>,
}

impl Tally {
    /// Adds another's.
    pub(crate) fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.acked += other.acked;
        self.acked_in_time += other.acked_in_time;
        self.received += other.received;
        self.received_in_time += other.received_in_time;
        self.resends += other.resends;
        self.duplicates += other.duplicates;
        self.reconnects += other.reconnects;
        self.audited += other.audited;
        self.ack_us.extend(other.ack_us);
        self.push_us.extend(other.push_us);
        self.findings.extend(other.findings);
    }
}

/// Who talks.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Crowd {
    /// Two people each, both ways.
    Pairs {
        /// How many.
        pairs: usize,
    },
    /// Everyone in a group to all of it.
    Groups {
        /// How many.
        groups: usize,
        /// How many are in each.
        members: usize,
    },
}

impl Crowd {
    /// How many conversations there are.
    pub(crate) fn teams(self) -> usize {
        match self {
            Self::Pairs { pairs } => pairs,
            Self::Groups { groups, .. } => groups,
        }
    }

    /// How many users are in each.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Pairs { .. } => 2,
            Self::Groups { members, .. } => members,
        }
    }
}

impl fmt::Display for Crowd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pairs { pairs } => write!(formatter, "{pairs} pairs"),
            Self::Groups { groups, members } => write!(formatter, "{groups} groups of {members}"),
        }
    }
}

/// What is printed of a load; with `--json` under these names.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    crowd: Crowd,
    /// Messages a second that were asked for; `null` flat out.
    rate: Option<f64>,
    seconds: f64,
    text_bytes: usize,
    sent: u64,
    acked: u64,
    received: u64,
    acked_per_second: f64,
    received_per_second: f64,
    ack_ms: Spread,
    push_ms: Spread,
    resends: u64,
    duplicates: u64,
    reconnects: u64,
    /// Messages and events that were read back in the end.
    audited: u64,
    lost: usize,
    doubled: usize,
    disordered: usize,
    unkept: usize,
    foreign: usize,
    /// The first fault, as a sentence.
    first: Option<String>,
}

/// How a latency is spread, in milliseconds.
#[derive(Debug, PartialEq, Serialize)]
struct Spread {
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

impl Report {
    /// What a load of such a crowd came to.
    pub(crate) fn new(
        crowd: Crowd,
        rate: Option<f64>,
        duration: Duration,
        text_bytes: usize,
        tally: Tally,
    ) -> Self {
        let seconds = duration.as_secs_f64();
        let count = |fault| tally.findings.iter().filter(|finding| finding.fault == fault).count();
        Self {
            crowd,
            rate,
            seconds,
            text_bytes,
            sent: tally.sent,
            acked: tally.acked,
            received: tally.received,
            acked_per_second: tally.acked_in_time as f64 / seconds,
            received_per_second: tally.received_in_time as f64 / seconds,
            resends: tally.resends,
            duplicates: tally.duplicates,
            reconnects: tally.reconnects,
            audited: tally.audited,
            lost: count(Fault::Lost),
            doubled: count(Fault::Doubled),
            disordered: count(Fault::Disordered),
            unkept: count(Fault::Unkept),
            foreign: count(Fault::Foreign),
            first: tally.findings.first().map(Finding::to_string),
            ack_ms: Spread::of(tally.ack_us),
            push_ms: Spread::of(tally.push_us),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pace = match self.rate {
            Some(rate) => format!("{rate} messages/s asked for"),
            None => "flat out".to_owned(),
        };
        let Self { crowd, seconds, text_bytes, sent, acked, received, .. } = self;
        writeln!(formatter, "load        {crowd}, {seconds} s, {text_bytes}-byte texts, {pace}")?;
        writeln!(formatter, "messages    {sent} sent, {acked} acked, {received} received")?;
        let Self { acked_per_second, received_per_second, .. } = self;
        writeln!(
            formatter,
            "throughput  {acked_per_second:.1} acked/s, {received_per_second:.1} received/s"
        )?;
        writeln!(formatter, "to ack      {}", self.ack_ms)?;
        writeln!(formatter, "to push     {}", self.push_ms)?;
        let Self { resends, duplicates, reconnects, .. } = self;
        writeln!(
            formatter,
            "retries     {resends} resends, {duplicates} of kept messages; {reconnects} reconnects"
        )?;
        if self.audited > 0 {
            writeln!(formatter, "history     {} read back", self.audited)?;
        }
        let Self { lost, doubled, disordered, unkept, foreign, .. } = self;
        write!(
            formatter,
            "faults      {lost} lost, {doubled} doubled, {disordered} out of order, \
             {unkept} not kept, {foreign} foreign"
        )
    }
}

impl Spread {
    /// The spread of these microseconds: the smallest sample that so many per cent do not exceed.
    fn of(mut samples: Vec<u32>) -> Self {
        samples.sort_unstable();
        let at = |per_cent: usize| {
            let rank = (samples.len() * per_cent).div_ceil(100);
            let sample = rank.checked_sub(1).and_then(|index| samples.get(index));
            f64::from(sample.copied().unwrap_or_default()) / 1_000.0
        };
        Self { p50: at(50), p90: at(90), p99: at(99), max: at(100) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p90, p99, max } = self;
        write!(formatter, "p50 {p50:.1}  p90 {p90:.1}  p99 {p99:.1}  max {max:.1} ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_sample() {
        let spread = Spread::of((1..=200).rev().map(|number| number * 1_000).collect());
        assert_eq!(spread, Spread { p50: 100.0, p90: 180.0, p99: 198.0, max: 200.0 });
        let single = Spread::of(vec![1_500]);
        assert_eq!(single, Spread { p50: 1.5, p90: 1.5, p99: 1.5, max: 1.5 });
        assert_eq!(Spread::of(Vec::new()), Spread { p50: 0.0, p90: 0.0, p99: 0.0, max: 0.0 });
    }

    #[test]
    fn only_what_was_acked_in_time_counts_for_the_throughput() {
        let mut tally = Tally { acked: 30, acked_in_time: 20, ..Tally::default() };
        tally.add(Tally { acked: 30, acked_in_time: 25, received_in_time: 40, ..Tally::default() });
        let crowd = Crowd::Groups { groups: 2, members: 5 };
        let report = Report::new(crowd, None, Duration::from_secs(5), 120, tally);
        assert_eq!((report.acked, report.acked_per_second), (60, 9.0));
        assert_eq!(report.received_per_second, 8.0);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!((&json["groups"], &json["members"]), (&2.into(), &5.into()));
        assert!(report.to_string().starts_with("load        2 groups of 5, 5 s"), "{report}");
    }
}
