//! How much one request does before it leaves the rest to the next.

use std::sync::atomic::{AtomicUsize, Ordering};

use timeline::limits;

/// How much one request does, whatever it found by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchBounds {
    /// How many conversations it looks into.
    pub conversations: usize,
    /// How many buckets of blocks it reads.
    pub buckets: usize,
    /// How many messages it reads because blocks named them.
    pub candidates: usize,
    /// How many times it reads 64 messages in place of a block.
    pub leaves: usize,
    /// How much earlier than one before it a message may have been taken, in milliseconds. More
    /// than that, and times say nothing about what need not be read.
    pub disorder_ms: u64,
}

impl Default for SearchBounds {
    fn default() -> Self {
        Self {
            conversations: limits::SEARCH_CONVERSATIONS_MAX,
            buckets: limits::SEARCH_BUCKETS_MAX,
            candidates: limits::SEARCH_CANDIDATES_MAX,
            leaves: limits::SEARCH_LEAVES_MAX,
            disorder_ms: limits::DISORDER_MS_MAX,
        }
    }
}

/// What is left of the bounds, shared by all that is done at once.
pub(super) struct Budget {
    pub(super) buckets: Allowance,
    pub(super) candidates: Allowance,
    pub(super) leaves: Allowance,
}

impl Budget {
    pub(super) fn new(bounds: &SearchBounds) -> Self {
        Self {
            buckets: Allowance::new(bounds.buckets),
            candidates: Allowance::new(bounds.candidates),
            leaves: Allowance::new(bounds.leaves),
        }
    }
}

/// How much of something may still be done.
pub(super) struct Allowance(AtomicUsize);

impl Allowance {
    fn new(count: usize) -> Self {
        Self(AtomicUsize::new(count))
    }

    /// Takes `count` of it, or what is left if that is less; whether anything was. So whoever comes
    /// first is never sent away, and every request gets on.
    pub(super) fn take(&self, count: usize) -> bool {
        let take = |left: usize| (left > 0).then(|| left.saturating_sub(count));
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_takes_more_than_is_left() {
        let allowance = Allowance::new(10);
        assert!(allowance.take(6) && allowance.take(6));
        assert!(!allowance.take(1));
    }
}
