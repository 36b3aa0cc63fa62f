//! The stream's part: a fan-out that was interrupted is finished, whoever began it and however it
//! died.
//!
//! Every message that inboxes tell of comes by here once, some time after it was kept. Nearly
//! always its marker stands and one read shows it. Where it does not, the sender may still be at
//! work: the message is let become old first.

use std::time::Duration;

use timeline::{ConversationId, Entry, TimelineId, limits};

use crate::edits;
use crate::error::Error;
use crate::fan_out;
use crate::members;
use crate::metric;
use crate::ports::TellPorts;

/// Makes sure that everyone has been told of an entry. `told` is the entry as it was when it was
/// kept; a timeline that is no conversation's has nobody to tell.
///
/// # Errors
///
/// What kept it from being complete; the same call may be made again.
pub async fn complete(
    ports: TellPorts<'_>,
    timeline: &TimelineId,
    told: &Entry,
) -> Result<(), Error> {
    let Ok(id) = ConversationId::parse(timeline.as_str()) else { return Ok(()) };
    if !told.is_marked() || fan_out::is_marked(ports, &id, told).await? {
        return Ok(());
    }
    let age = ports.clock.now().since(told.at);
    if age < limits::FAN_OUT_PATIENCE_MS {
        ports.pace.wait(Duration::from_millis(limits::FAN_OUT_PATIENCE_MS - age)).await;
        if fan_out::is_marked(ports, &id, told).await? {
            return Ok(());
        }
    }
    let (metric, seq) = (metric::FAN_OUT_FINISHED, told.seq);
    tracing::info!(metric, conversation = %id, %seq, "an interrupted fan-out is finished");
    // The entry as it is now: its body may have been taken back.
    let entry = ports.timelines.get(timeline, told.seq).await;
    let entry = entry.map_err(Error::store("read the message"))?;
    let conversation = ports.directory.conversation(&id).await;
    let conversation = conversation.map_err(Error::store("read the conversation"))?;
    let (Some(entry), Some(conversation)) = (entry, conversation) else {
        return Err(Error::store("read the message")(store::Error::NotFound { item: "message" }));
    };
    let applied = edits::apply(ports.timelines, timeline, &entry).await;
    applied.map_err(Error::store("recall or edit a message"))?;
    members::begin(ports.directory, &id, &entry).await?;
    let own = ports.inboxes.tail(&entry.author).await;
    let own = own.map_err(Error::store("read the inboxes"))?;
    fan_out::redo(ports, &conversation, &entry, None, own).await
}
