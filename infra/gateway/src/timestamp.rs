//! Instants in the spellings that API Gateway and Lambda have for them.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the epoch, as events carry them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(pub(crate) u64);

impl Timestamp {
    #[expect(clippy::disallowed_methods, reason = "events carry the time: it is read here alone")]
    pub(crate) fn now() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
    }

    /// The Common Log Format of `requestTime`, for example `29/Nov/2023:08:04:01 +0000`.
    pub(crate) fn common_log(self) -> String {
        let Calendar { year, month, day, hour, minute, second } = self.calendar();
        let month = MONTHS[month - 1];
        format!("{day:02}/{month}/{year}:{hour:02}:{minute:02}:{second:02} +0000")
    }

    /// ISO 8601, as `GET @connections` answers it, for example `2023-11-29T08:04:01.796Z`.
    pub(crate) fn iso_8601(self) -> String {
        let Calendar { year, month, day, hour, minute, second } = self.calendar();
        let millisecond = self.0 % 1000;
        format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
    }

    /// ISO 8601 without a fraction, for example `2023-11-29T08:04:01Z`.
    pub(crate) fn iso_8601_seconds(self) -> String {
        let Calendar { year, month, day, hour, minute, second } = self.calendar();
        format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// Counts days in years that begin in March, so that a leap day is the last of its year.
    fn calendar(self) -> Calendar {
        const DAYS_TO_EPOCH: u64 = 719_468; // From 1 March of the year 0.
        const DAYS_PER_ERA: u64 = 146_097; // 400 years.
        let seconds = self.0 / 1000;
        let days = seconds / 86_400 + DAYS_TO_EPOCH;
        let day_of_era = days % DAYS_PER_ERA;
        let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
        let year_of_era = (day_of_era - leap_days) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let is_next_year = month_from_march >= 10;
        let month = if is_next_year { month_from_march - 9 } else { month_from_march + 3 };
        Calendar {
            year: days / DAYS_PER_ERA * 400 + year_of_era + u64::from(is_next_year),
            month: usize::try_from(month).unwrap_or(1),
            day,
            hour: seconds / 3600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
        }
    }
}

struct Calendar {
    year: u64,
    month: usize,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_captured_instant_is_spelled_as_captured() {
        let captured = Timestamp(1_701_245_041_796);
        assert_eq!(captured.common_log(), "29/Nov/2023:08:04:01 +0000");
        assert_eq!(captured.iso_8601(), "2023-11-29T08:04:01.796Z");
        assert_eq!(captured.iso_8601_seconds(), "2023-11-29T08:04:01Z");
    }

    #[test]
    fn leap_days_and_year_ends_are_right() {
        assert_eq!(Timestamp(0).iso_8601(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp(1_709_164_800_000).iso_8601(), "2024-02-29T00:00:00.000Z");
        assert_eq!(Timestamp(1_735_689_599_999).iso_8601(), "2024-12-31T23:59:59.999Z");
        assert_eq!(Timestamp(4_107_542_400_000).iso_8601(), "2100-03-01T00:00:00.000Z");
    }
}
