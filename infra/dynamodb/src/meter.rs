//! What was consumed, by whom, of which table.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::{Mutex, PoisonError};

/// Capacity units, as DynamoDB bills them on demand.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Read request units, halves included.
    pub read_units: f64,
    /// Write request units of writes that happened, indexes included.
    pub write_units: f64,
    /// Write request units of writes that a condition refused; billed like the others, and not
    /// contained in `write_units`.
    pub failed_write_units: f64,
    /// Requests that consumed anything. One that touches two tables counts for each.
    pub requests: u64,
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Self) {
        self.read_units += other.read_units;
        self.write_units += other.write_units;
        self.failed_write_units += other.failed_write_units;
        self.requests += other.requests;
    }
}

/// What was consumed since the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consumed {
    /// By table, all callers together.
    pub tables: BTreeMap<String, Units>,
    /// By caller (the access key id that requests were signed with), then by table.
    pub callers: BTreeMap<String, BTreeMap<String, Units>>,
}

#[derive(Debug, Default)]
pub(crate) struct Meter {
    callers: Mutex<BTreeMap<String, BTreeMap<String, Units>>>,
}

impl Meter {
    pub(crate) fn add(&self, caller: &str, table: &str, units: Units) {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked up before it is inserted: after the first request the names need no copy.
        if !callers.contains_key(caller) {
            callers.insert(caller.to_owned(), BTreeMap::new());
        }
        let Some(tables) = callers.get_mut(caller) else { return };
        match tables.get_mut(table) {
            Some(sum) => *sum += units,
            None => drop(tables.insert(table.to_owned(), units)),
        }
    }

    pub(crate) fn snapshot(&self) -> Consumed {
        let callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut tables = BTreeMap::<String, Units>::new();
        for (table, units) in callers.values().flatten() {
            *tables.entry(table.clone()).or_default() += *units;
        }
        Consumed { tables, callers }
    }
}
