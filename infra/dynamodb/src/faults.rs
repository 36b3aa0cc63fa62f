//! The seam for fault injection: someone who sees every request before and after it is applied.

use std::fmt;
use std::time::Duration;

/// Sees every request before and after it is applied, and may decide that it fails.
///
/// Both calls are made on a thread where blocking is allowed: they may wait for a process to end,
/// or send requests of their own. The request is applied, or was, whether or not the client still
/// listens.
pub trait Faults: Send + Sync {
    /// Whether there is anything to see; decided once, at the start.
    ///
    /// Where there is not, requests are spared two thread changes.
    fn watches(&self) -> bool {
        true
    }

    /// Decides what becomes of a request that has arrived and was not applied yet.
    fn before(&self, request: &Request) -> Verdict;

    /// Learns that a request was applied (or refused, for a reason of its own) and that its answer
    /// was not sent yet.
    fn after(&self, request: &Request);
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is applied and answered.
    Proceed,
    /// It is refused as beyond the table's capacity, and not applied.
    Throttle,
    /// It is answered with status 500, and not applied.
    Fail,
    /// The connection is closed, and nothing applied.
    Drop,
    /// It is applied, and the connection closed without an answer.
    Swallow,
    /// It is applied and answered after this time.
    Hold(Duration),
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The access key id that the request was signed with; empty if it was not signed.
    pub caller: String,
    /// The operation: `PutItem`, `GetRecords`, ….
    pub operation: String,
    /// The table, the first one where there are several; empty where the request names none.
    pub table: String,
    /// The request's number in order of arrival, from 0.
    pub sequence: u64,
}

/// Lets every request pass unseen.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn watches(&self) -> bool {
        false
    }

    fn before(&self, _request: &Request) -> Verdict {
        Verdict::Proceed
    }

    fn after(&self, _request: &Request) {}
}

impl fmt::Debug for dyn Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Faults").field("watches", &self.watches()).finish()
    }
}
