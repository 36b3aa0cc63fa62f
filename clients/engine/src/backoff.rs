//! How long to wait after a failure: doubling, with full jitter.
//!
//! Full jitter spreads clients that failed together best ("Exponential Backoff And Jitter", AWS
//! Architecture Blog).

use crate::limits;

/// A random wait after so many failures in a row, in milliseconds: from 0 to 1 s after the first,
/// to 2 s after the second, and so on up to 30 s.
pub(crate) fn after(random: &mut fastrand::Rng, failures: u32) -> u64 {
    let doublings = failures.saturating_sub(1).min(16);
    let longest = (limits::BACKOFF_MS_FIRST << doublings).min(limits::BACKOFF_MS_MAX);
    random.u64(0..=longest)
}

/// The wait before a request is repeated that the server refused for the time being: what it asked
/// for, up to half as much again so that those refused together do not come back together.
pub(crate) fn asked(random: &mut fastrand::Rng, failures: u32, asked_ms: Option<u64>) -> u64 {
    match asked_ms {
        Some(wait) => {
            let wait = wait.min(limits::RETRY_AFTER_MS_MAX);
            wait + random.u64(0..=wait / 2)
        }
        None => after(random, failures),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_never_pass_their_bound() {
        let mut random = fastrand::Rng::with_seed(1);
        for (failures, longest) in [(1, 1_000), (2, 2_000), (5, 16_000), (6, 30_000), (99, 30_000)]
        {
            let waits: Vec<u64> = (0..200).map(|_| after(&mut random, failures)).collect();
            assert!(waits.iter().all(|wait| *wait <= longest), "{failures}");
            assert!(waits.iter().any(|wait| *wait > longest / 2), "{failures}: no jitter");
        }
    }

    #[test]
    fn a_server_is_given_the_time_it_asked_for() {
        let mut random = fastrand::Rng::with_seed(1);
        let wait = asked(&mut random, 9, Some(400));
        assert!((400..=600).contains(&wait), "{wait}");
        assert!(asked(&mut random, 1, Some(u64::MAX)) <= 2 * limits::RETRY_AFTER_MS_MAX);
    }
}
