//! What a recall or an edit does to the message that it is about.
//!
//! The event is kept first, then the message's body is taken away or replaced: a reader of the
//! timeline sees the event whatever happens in between, and whoever finishes the event's fan-out
//! does this again. Of several edits the body of the newest event alone is left; of a message that
//! was taken back, none.

use store::{Revised, Timelines};
use timeline::{Entry, Kind, Seq, TimelineId};

/// Does what `event` says to the message that it is about, if it says anything.
///
/// # Errors
///
/// As the store's; the same call may be made again.
pub(crate) async fn apply(
    timelines: &dyn Timelines,
    timeline: &TimelineId,
    event: &Entry,
) -> Result<(), store::Error> {
    let Some(target) = event.target else { return Ok(()) };
    let idle = match (event.kind.as_str(), &event.body) {
        (Kind::RECALL, _) => timelines.recall(timeline, target, event.seq).await?,
        (Kind::EDIT, Some(body)) => {
            match timelines.revise(timeline, target, body, event.seq).await? {
                Revised::Done { before } => before,
                Revised::Superseded => Some(event.seq),
            }
        }
        (_, _) => None,
    };
    // An edit whose body nobody is to read any more.
    match idle {
        Some(edit) if edit > Seq::ZERO => timelines.delete(timeline, edit).await,
        Some(_) | None => Ok(()),
    }
}
