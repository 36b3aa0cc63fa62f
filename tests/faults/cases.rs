//! Every way in which one request of a piece of work may fail.

use std::fmt;
use std::time::Duration;

use crate::plan::{Fault, Plan, Rule};
use crate::seen::Seen;

/// How a request fails that leaves nothing in doubt, at how many of the SDK's tries.
const PLAIN: [(Fault, u32); 2] =
    [(Fault::Refused("ThrottlingException"), 3), (Fault::Status(500), 3)];

/// How a write fails that may have been applied, or may still be.
const DOUBTFUL: [(Fault, u32); 4] = [
    (Fault::Lost, 1),
    // It arrives when the next try has been answered.
    (Fault::Late(Duration::from_millis(2_200)), 1),
    (Fault::Mute, 3),
    // It arrives when the client has repeated its request.
    (Fault::Late(Duration::from_secs(60)), 3),
];

/// The writes, of all operations.
const WRITES: [&str; 3] = ["PutItem", "UpdateItem", "DeleteItem"];

/// One operation that fails.
pub(crate) struct Case {
    number: usize,
    operation: String,
    fault: Fault,
    tries: u32,
}

impl Case {
    /// What goes wrong.
    pub(crate) fn plan(&self) -> Plan {
        let rule = Rule::every(self.fault).nth(self.number..=self.number);
        Plan::of([rule.tries(1..=self.tries)])
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, operation, fault, tries } = self;
        write!(formatter, "{fault:?} at the first {tries} tries of operation {number}, {operation}")
    }
}

/// Every write of work that was seen to go well, and every way in which it may be in doubt.
pub(crate) fn doubtful(seen: &[Seen]) -> Vec<Case> {
    cases(seen, &DOUBTFUL, |seen| WRITES.contains(&seen.operation.as_str()))
}

/// Every request of work that was seen to go well, and every way in which it may fail plainly.
pub(crate) fn plain(seen: &[Seen]) -> Vec<Case> {
    cases(seen, &PLAIN, |_| true)
}

fn cases(seen: &[Seen], faults: &[(Fault, u32)], wanted: impl Fn(&Seen) -> bool) -> Vec<Case> {
    let operations = (1..).zip(seen.iter().filter(|seen| seen.attempt == 1));
    let cases = operations.filter(|(_, seen)| wanted(seen)).flat_map(|(number, seen)| {
        faults.iter().map(move |(fault, tries)| Case {
            number,
            operation: format!("{} {} {}", seen.operation, seen.table, seen.key),
            fault: *fault,
            tries: *tries,
        })
    });
    cases.collect()
}
