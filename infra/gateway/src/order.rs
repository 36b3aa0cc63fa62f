//! In which order the frames of one connection are handed to functions.

use std::sync::Arc;
use std::time::Duration;

use rand::seq::SliceRandom;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::Dispatch;
use crate::connection::Connection;
use crate::dispatch;
use crate::server::Shared;

/// Frames of one connection that wait for their turn; beyond it, its socket is not read.
const FRAMES_MAX: usize = 64;

/// How long frames are gathered before they are shuffled.
///
/// Long enough for frames that were sent back to back to arrive together.
const SHUFFLE_WINDOW: Duration = Duration::from_millis(2);

/// The order of one connection's frames.
#[derive(Debug)]
pub(crate) enum Order {
    Concurrent { shared: Arc<Shared>, connection: Arc<Connection> },
    Queued(mpsc::Sender<Utf8Bytes>),
}

impl Order {
    pub(crate) fn new(shared: &Arc<Shared>, connection: &Arc<Connection>) -> Self {
        let (shared, connection) = (Arc::clone(shared), Arc::clone(connection));
        let dispatch = shared.dispatch;
        if dispatch == Dispatch::Concurrent {
            return Self::Concurrent { shared, connection };
        }
        let (sender, frames) = mpsc::channel(FRAMES_MAX);
        if dispatch == Dispatch::Serial {
            tokio::spawn(serially(shared, connection, frames));
        } else {
            tokio::spawn(shuffled(shared, connection, frames));
        }
        Self::Queued(sender)
    }

    /// Takes the next frame, and sees to it that it is handed on.
    pub(crate) async fn take(&mut self, text: Utf8Bytes) {
        match self {
            Self::Concurrent { shared, connection } => spawn(shared, connection, text),
            // The queue lives as long as the connection is read.
            Self::Queued(frames) => drop(frames.send(text).await),
        }
    }
}

fn spawn(shared: &Arc<Shared>, connection: &Arc<Connection>, text: Utf8Bytes) {
    let (shared, connection) = (Arc::clone(shared), Arc::clone(connection));
    tokio::spawn(async move { dispatch::message(&shared.meter, &connection, &text).await });
}

async fn serially(
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    mut frames: mpsc::Receiver<Utf8Bytes>,
) {
    while let Some(text) = frames.recv().await {
        dispatch::message(&shared.meter, &connection, &text).await;
    }
}

async fn shuffled(
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    mut frames: mpsc::Receiver<Utf8Bytes>,
) {
    while let Some(first) = frames.recv().await {
        let mut together = vec![first];
        tokio::time::sleep(SHUFFLE_WINDOW).await;
        while let Ok(text) = frames.try_recv() {
            together.push(text);
        }
        together.shuffle(&mut *shared.random());
        for text in together {
            spawn(&shared, &connection, text);
        }
    }
}
