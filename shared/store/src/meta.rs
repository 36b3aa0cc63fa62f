//! The port to the meta store: free fields about a timeline, the library's `TimelineMetaStore`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use timeline::TimelineId;

use crate::error::Error;

/// What is known about a timeline, by field.
pub type Meta = BTreeMap<String, String>;

/// The meta store. Every read is strongly consistent.
#[async_trait]
pub trait Metas: Send + Sync {
    /// Writes down what is known about a timeline of which nothing was known.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when something was: nothing is overwritten silently.
    async fn insert(&self, timeline: &TimelineId, meta: &Meta) -> Result<(), Error>;

    /// What is known about a timeline.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn read(&self, timeline: &TimelineId) -> Result<Option<Meta>, Error>;

    /// Sets these fields and leaves the others as they are; creates what is not there.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] without any field.
    async fn update(&self, timeline: &TimelineId, fields: &Meta) -> Result<(), Error>;

    /// Forgets a timeline's meta; that there is none is no error. The timeline itself stays.
    ///
    /// # Errors
    ///
    /// As the store's.
    async fn forget(&self, timeline: &TimelineId) -> Result<(), Error>;
}
