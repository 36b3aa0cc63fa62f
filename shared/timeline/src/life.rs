//! How long an inbox keeps an entry, and what follows from it.

use crate::entry::Timestamp;
use crate::limits;

/// How long an inbox keeps an entry; 30 days unless a deployment says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxLife {
    milliseconds: u64,
}

impl Default for InboxLife {
    fn default() -> Self {
        Self { milliseconds: limits::INBOX_LIFE_MS_DEFAULT }
    }
}

impl InboxLife {
    /// So many seconds, at least one.
    pub fn from_seconds(seconds: u64) -> Option<Self> {
        let milliseconds = seconds.checked_mul(1_000)?;
        (seconds > 0).then_some(Self { milliseconds })
    }

    /// The whole of it, in milliseconds.
    pub fn milliseconds(self) -> u64 {
        self.milliseconds
    }

    /// When an entry expires that is written at `now`: a full second, as a TTL attribute keeps it.
    pub fn end(self, now: Timestamp) -> Timestamp {
        now.plus(self.milliseconds).whole_seconds()
    }

    /// How old an inbox's newest entry is, in milliseconds, when `sync` raises the anchor to it: a
    /// quarter of the life, a week of 30 days.
    pub fn anchor_age_ms(self) -> u64 {
        self.milliseconds / 4
    }

    /// How long a device may stay away, in milliseconds, before its cursor is worth nothing: less
    /// than half of the life, two weeks of 30 days.
    pub fn away_ms_max(self) -> u64 {
        self.milliseconds / 15 * 7
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_thirty_days_of_which_two_weeks_may_be_spent_away() {
        let life = InboxLife::default();
        assert_eq!(life.milliseconds(), 30 * limits::DAY_MS);
        assert_eq!(life.away_ms_max(), 14 * limits::DAY_MS);
        assert!(life.anchor_age_ms() < life.away_ms_max());
        assert_eq!(InboxLife::from_seconds(30 * 24 * 60 * 60), Some(life));
        assert_eq!(InboxLife::from_seconds(0), None);
        assert_eq!(InboxLife::from_seconds(u64::MAX), None);
    }
}
