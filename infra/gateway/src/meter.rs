//! Counters of what AWS bills.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::FunctionUse;
use crate::price::METERED_FRAME_BYTES;

/// What connections have used so far.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    frames_in: AtomicU64,
    frames_out: AtomicU64,
    connection_milliseconds: AtomicU64,
    messages: BTreeMap<String, AtomicU64>,
}

impl Meter {
    /// Counts messages by the given routes.
    pub(crate) fn new(routes: impl IntoIterator<Item = String>) -> Self {
        let messages = routes.into_iter().map(|route| (route, AtomicU64::new(0))).collect();
        Self { messages, ..Self::default() }
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.frames_in.fetch_add(frames(bytes), Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.frames_out.fetch_add(frames(bytes), Ordering::Relaxed);
    }

    pub(crate) fn routed(&self, route: &str) {
        if let Some(count) = self.messages.get(route) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn closed(&self, open: Duration) {
        let milliseconds = u64::try_from(open.as_millis()).unwrap_or(u64::MAX);
        self.connection_milliseconds.fetch_add(milliseconds, Ordering::Relaxed);
    }

    pub(crate) fn frames_in(&self) -> u64 {
        self.frames_in.load(Ordering::Relaxed)
    }

    pub(crate) fn frames_out(&self) -> u64 {
        self.frames_out.load(Ordering::Relaxed)
    }

    pub(crate) fn connection_milliseconds(&self) -> u64 {
        self.connection_milliseconds.load(Ordering::Relaxed)
    }

    /// Counts the messages on `route`, or those on every route.
    pub(crate) fn messages(&self, route: Option<&str>) -> u64 {
        let counted = self.messages.iter().filter(|(name, _)| route.is_none_or(|r| r == *name));
        counted.map(|(_, count)| count.load(Ordering::Relaxed)).sum()
    }
}

/// What one function's invocations have used so far.
#[derive(Debug, Default)]
pub(crate) struct FunctionMeter {
    invocations: AtomicU64,
    failures: AtomicU64,
    milliseconds: AtomicU64,
}

impl FunctionMeter {
    /// Counts an invocation that took `elapsed`, rounded up to a whole millisecond as on the bill.
    pub(crate) fn ended(&self, elapsed: Duration, has_failed: bool) {
        let milliseconds = elapsed.as_nanos().div_ceil(1_000_000).max(1);
        let milliseconds = u64::try_from(milliseconds).unwrap_or(u64::MAX);
        self.invocations.fetch_add(1, Ordering::Relaxed);
        self.failures.fetch_add(u64::from(has_failed), Ordering::Relaxed);
        self.milliseconds.fetch_add(milliseconds, Ordering::Relaxed);
    }

    pub(crate) fn used(&self, memory_mb: u32) -> FunctionUse {
        FunctionUse {
            invocations: self.invocations.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            milliseconds: self.milliseconds.load(Ordering::Relaxed),
            memory_mb,
        }
    }
}

fn frames(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(METERED_FRAME_BYTES).max(1)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_counts_by_32_kilobytes() {
        let meter = Meter::default();
        for bytes in [0, 1, 32 * 1024, 33 * 1024] {
            meter.received(bytes);
        }
        assert_eq!(meter.frames_in(), 5);
    }

    #[test]
    fn messages_count_by_route() {
        let meter = Meter::new(["send".to_owned(), "sync".to_owned()]);
        for route in ["send", "send", "sync", "unknown"] {
            meter.routed(route);
        }
        assert_eq!(meter.messages(Some("send")), 2);
        assert_eq!(meter.messages(None), 3);
    }

    #[test]
    fn a_begun_millisecond_is_a_whole_one() {
        let meter = FunctionMeter::default();
        meter.ended(Duration::from_micros(200), false);
        meter.ended(Duration::from_micros(1001), true);
        let expected = FunctionUse { invocations: 2, failures: 1, milliseconds: 3, memory_mb: 128 };
        assert_eq!(meter.used(128), expected);
    }
}
