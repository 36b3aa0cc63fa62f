//! How far a mapping has come in its shard: records end in any order, the checkpoint in theirs.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Records of one mapping that are read and not ended at a time.
///
/// Ours: the largest batch of a DynamoDB mapping (`CreateEventSourceMapping`, `BatchSize`). A part
/// of the shard that fails keeps the others going until so many records have been read behind it.
const RECORDS_MAX: usize = 10_000;

/// The records that are read and not behind the checkpoint.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    window: Mutex<Window>,
    room: Notify,
}

#[derive(Debug, Default)]
struct Window {
    /// How many records are behind the checkpoint: the place of the first entry.
    passed: u64,
    entries: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    sequence: String,
    has_ended: bool,
}

impl Progress {
    /// Waits until records may be read, and tells how many.
    pub(crate) async fn room(&self) -> usize {
        loop {
            let notified = self.room.notified();
            let room = RECORDS_MAX.saturating_sub(self.window().entries.len());
            if room > 0 {
                return room;
            }
            notified.await;
        }
    }

    /// Takes note of a record that was read, and gives its place.
    pub(crate) fn begin(&self, sequence: String) -> u64 {
        let mut window = self.window();
        let place = window.passed + u64::try_from(window.entries.len()).unwrap_or(u64::MAX);
        window.entries.push_back(Entry { sequence, has_ended: false });
        place
    }

    /// Takes note that the records at `places` have ended; the new checkpoint if it moves.
    pub(crate) fn end(&self, places: impl IntoIterator<Item = u64>) -> Option<String> {
        let mut window = self.window();
        for place in places {
            let index = usize::try_from(place.saturating_sub(window.passed));
            if let Some(entry) = index.ok().and_then(|index| window.entries.get_mut(index)) {
                entry.has_ended = true;
            }
        }
        let mut checkpoint = None;
        while let Some(entry) = window.entries.pop_front_if(|entry| entry.has_ended) {
            window.passed += 1;
            checkpoint = Some(entry.sequence);
        }
        if checkpoint.is_some() {
            self.room.notify_one();
        }
        checkpoint
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        // Nothing under the lock panics.
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkpoint_moves_only_past_what_has_ended() {
        let progress = Progress::default();
        let places: Vec<_> = ["a", "b", "c", "d"].map(|at| progress.begin(at.to_owned())).into();
        assert_eq!(progress.end([places[1]]), None);
        assert_eq!(progress.end([places[0]]), Some("b".to_owned()));
        assert_eq!(progress.end([places[3]]), None);
        assert_eq!(progress.end([places[2]]), Some("d".to_owned()));
        let next = progress.begin("e".to_owned());
        assert_eq!(progress.end([next]), Some("e".to_owned()));
    }

    #[tokio::test]
    async fn reading_waits_for_what_was_read() {
        let progress = Progress::default();
        let places: Vec<_> = (0..RECORDS_MAX).map(|at| progress.begin(at.to_string())).collect();
        let (room, checkpoint) = tokio::join!(biased; progress.room(), async {
            progress.end([places[0]])
        });
        assert_eq!((room, checkpoint), (1, Some("0".to_owned())));
    }
}
