//! What goes wrong, and with which requests.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::seen::{Seen, Service};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It never arrives, and the connection breaks.
    Dropped,
    /// It never arrives, and nobody says so.
    Hung,
    /// It is applied, and the connection breaks before the answer.
    Lost,
    /// It is applied, and the answer never comes.
    Mute,
    /// It is applied, and answered after this time.
    Slow(Duration),
    /// It is applied after this time, when nobody waits for it any more.
    Late(Duration),
    /// It is refused by this code, and not applied.
    Refused(&'static str),
    /// It is answered by this status, and not applied.
    Status(u16),
    /// It is answered by this status, without a word of which error it is.
    Untyped(u16),
}

/// Which requests are struck, and by what.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    rules: Vec<Rule>,
    chance: Option<Chance>,
}

/// Some operations and all or some of the SDK's tries at each.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    service: Option<Service>,
    operation: Option<&'static str>,
    table: Option<&'static str>,
    nth: RangeInclusive<usize>,
    tries: RangeInclusive<u32>,
    fault: Fault,
    met: usize,
    /// Operations by the SDK's own name of each, and whether they are struck.
    known: BTreeMap<String, bool>,
}

impl Rule {
    /// Every request fails like that.
    pub(crate) fn every(fault: Fault) -> Self {
        Self {
            service: None,
            operation: None,
            table: None,
            nth: 1..=usize::MAX,
            tries: 1..=u32::MAX,
            fault,
            met: 0,
            known: BTreeMap::new(),
        }
    }

    /// Only those to this service.
    pub(crate) fn to(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Only those of this operation on this table; a post and a close are on no table.
    pub(crate) fn on(mut self, operation: &'static str, table: &'static str) -> Self {
        (self.operation, self.table) = (Some(operation), Some(table));
        self
    }

    /// Only these of them, counted from 1; all tries at one are one.
    pub(crate) fn nth(mut self, nth: RangeInclusive<usize>) -> Self {
        self.nth = nth;
        self
    }

    /// Only these of the SDK's tries at each, counted from 1.
    pub(crate) fn tries(mut self, tries: RangeInclusive<u32>) -> Self {
        self.tries = tries;
        self
    }

    fn strikes(&mut self, seen: &Seen) -> Option<Fault> {
        let matches = self.service.is_none_or(|service| service == seen.service)
            && self.operation.is_none_or(|operation| operation == seen.operation)
            && self.table.is_none_or(|table| table == seen.table);
        if !matches {
            return None;
        }
        let (met, nth) = (&mut self.met, &self.nth);
        let struck = *self.known.entry(seen.invocation.clone()).or_insert_with(|| {
            *met += 1;
            nth.contains(met)
        });
        (struck && self.tries.contains(&seen.attempt)).then_some(self.fault)
    }
}

/// So many of a hundred requests fail, by one of these faults.
#[derive(Debug)]
struct Chance {
    dice: fastrand::Rng,
    percent: u8,
    faults: Vec<Fault>,
}

impl Plan {
    /// Nothing goes wrong but what these rules say; the first that strikes counts.
    pub(crate) fn of(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self { rules: rules.into_iter().collect(), chance: None }
    }

    /// So many of a hundred requests fail, by one of these faults each, as the seed has it.
    pub(crate) fn chance(seed: u64, percent: u8, faults: Vec<Fault>) -> Self {
        let dice = fastrand::Rng::with_seed(seed);
        Self { rules: Vec::new(), chance: Some(Chance { dice, percent, faults }) }
    }

    /// What becomes of a request.
    pub(crate) fn decide(&mut self, seen: &Seen) -> Option<Fault> {
        // Every rule counts every request, whichever strikes.
        let struck: Vec<_> = self.rules.iter_mut().filter_map(|rule| rule.strikes(seen)).collect();
        if let Some(Chance { dice, percent, faults }) = &mut self.chance
            && dice.u8(0..100) < *percent
        {
            return dice.choice(faults.iter()).copied();
        }
        struck.first().copied()
    }
}
