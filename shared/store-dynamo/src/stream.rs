//! A record of the timeline table's stream.

use store::Error;
use timeline::{Entry, TimelineId};

use crate::item::{Item, of_entry, to_entry};

/// The entry that a record tells of, as it was then, with its timeline.
///
/// # Errors
///
/// [`Error::Corrupt`] when the image is none that we wrote.
pub fn entry(image: serde_dynamo::Item) -> Result<(TimelineId, Entry), Error> {
    let item: Item = image.into();
    to_entry(&item)
}

/// The image in the record that tells of an entry.
pub fn image(timeline: &TimelineId, entry: &Entry) -> serde_dynamo::Item {
    of_entry(timeline, entry).into()
}
