//! The wall clock, real waiting, and real randomness.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use timeline::{MessageId, Timestamp};

/// The wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock;

impl chat::Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that others are given")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Real waiting, for a random time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wall;

#[async_trait]
impl store::Pace for Wall {
    async fn pause(&self, at_most: Duration) {
        let part: f64 = rand::random();
        tokio::time::sleep(at_most.mul_f64(part)).await;
    }

    async fn wait(&self, exactly: Duration) {
        tokio::time::sleep(exactly).await;
    }
}

/// Ids that nobody has used: of version 7, so that they sort by time.
#[derive(Clone, Copy, Debug, Default)]
pub struct FreshIds;

impl chat::Ids for FreshIds {
    fn next(&self) -> MessageId {
        MessageId::from_bytes(uuid::Uuid::now_v7().into_bytes())
    }
}
