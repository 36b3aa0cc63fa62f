//! Waiting between two tries, passed in so that nothing here knows a clock.

use std::time::Duration;

use async_trait::async_trait;

/// How long to wait before trying again.
#[async_trait]
pub trait Pace: Send + Sync {
    /// Waits for a random time between none and `at_most`.
    async fn pause(&self, at_most: Duration);

    /// Waits for just as long as this.
    async fn wait(&self, exactly: Duration);
}

/// Waits for nothing: for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Immediately;

#[async_trait]
impl Pace for Immediately {
    async fn pause(&self, _at_most: Duration) {}

    async fn wait(&self, _exactly: Duration) {}
}
