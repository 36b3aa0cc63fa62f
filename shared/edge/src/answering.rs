//! What a one-way route has told its client already: once a message is acknowledged, its frame is
//! not refused any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use push::{Error, Notice, Posted, Push};
use timeline::ConnectionId;

/// Whether a frame's message was acknowledged; clones tell of the same frame.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acknowledged(Arc<AtomicBool>);

impl Acknowledged {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A push that notes the acknowledgement of a frame's message.
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct Answering<'a> {
    pub(crate) push: &'a dyn Push,
    pub(crate) acknowledged: Acknowledged,
}

#[async_trait]
impl Push for Answering<'_> {
    async fn post(&self, connection: &ConnectionId, notice: &Notice) -> Result<Posted, Error> {
        if let Notice::Kept { .. } = notice {
            // Before it arrives: the message is kept, and a post without an answer may arrive too.
            self.acknowledged.0.store(true, Ordering::Relaxed);
        }
        self.push.post(connection, notice).await
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), Error> {
        self.push.close(connection).await
    }
}
