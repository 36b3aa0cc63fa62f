//! Which conversations are searched, how far they were, and what the caller may see of each.

use std::cmp::Reverse;

use futures_util::{StreamExt, TryStreamExt, stream};
use store::Scan;
use timeline::search::TitleHit;
use timeline::{ConversationId, Party, Seq, Timestamp, Title, limits};

use super::Search;
use super::paging::{Begun, UNIT_MS};
use crate::error::Error;
use crate::members;

/// No message is newer: a time that a page can keep.
const NEWEST: Timestamp = Timestamp(UNIT_MS << 31);

/// A conversation that is searched.
pub(super) struct Standing {
    /// Which one.
    pub(super) conversation: ConversationId,
    /// What it is called, where that was read.
    pub(super) title: Option<Title>,
    /// The first message that the caller may see, where that was read.
    pub(super) floor: Option<Seq>,
    /// Below which sequence the search goes on; `None` of a conversation that is to be begun.
    pub(super) below: Option<Seq>,
    /// What is left in it was not taken later.
    pub(super) at: Timestamp,
}

/// One conversation, unless it was searched to its end.
///
/// # Errors
///
/// [`Error::NotMember`] when the caller may not see it; of a group, also when it does not exist.
pub(super) async fn one(
    search: &Search<'_>,
    conversation: &ConversationId,
    begun: &Begun,
) -> Result<Option<Standing>, Error> {
    let (floor, _) = access(search, conversation).await?.ok_or(Error::NotMember)?;
    let left = match begun.get(&search.sealer.name(conversation)) {
        None => None,
        Some(None) => return Ok(None),
        Some(Some(left)) => Some(left.below),
    };
    let conversation = conversation.clone();
    Ok(Some(Standing { conversation, title: None, floor: Some(floor), below: left, at: NEWEST }))
}

/// The caller's conversations that were not searched to their end: those that were active last
/// come first.
///
/// # Errors
///
/// As the store's.
pub(super) async fn all(search: &Search<'_>, begun: &Begun) -> Result<Vec<Standing>, Error> {
    let directory = search.ports.directory;
    let listed = directory.conversations(search.user, None, limits::CONVERSATIONS_MAX).await;
    let listed = listed.map_err(Error::store("read the conversations"))?;
    let looks = listed.into_iter().map(|listing| look(search, listing.conversation, begun));
    let looks: Vec<_> = looks.collect();
    let looks = stream::iter(looks).buffered(limits::CONCURRENT_MAX);
    let standings: Vec<Option<Standing>> = looks.try_collect().await?;
    let mut standings: Vec<_> = standings.into_iter().flatten().collect();
    standings.sort_by_key(|standing| Reverse(standing.at));
    Ok(standings)
}

async fn look(
    search: &Search<'_>,
    conversation: ConversationId,
    begun: &Begun,
) -> Result<Option<Standing>, Error> {
    let left = match begun.get(&search.sealer.name(&conversation)) {
        None => None,
        Some(None) => return Ok(None),
        Some(Some(left)) => Some(*left),
    };
    if let Some(left) = left {
        let (below, at) = (Some(left.below), left.at);
        return Ok(Some(Standing { conversation, title: None, floor: None, below, at }));
    }
    let (mut floor, mut title) = (None, None);
    if search.is_first {
        match access(search, &conversation).await? {
            Some(access) => (floor, title) = (Some(access.0), access.1),
            None => return Ok(None),
        }
    }
    let newest = search.ports.timelines.scan(&conversation.timeline(), Scan::newest()).await;
    let newest = newest.map_err(Error::store("read the newest message"))?.pop();
    let at = newest.map_or(NEWEST, |entry| entry.at);
    Ok(Some(Standing { conversation, title, floor, below: None, at }))
}

/// The first message that the caller may see; `None` when they may see nothing.
///
/// # Errors
///
/// As the store's.
pub(super) async fn floor(search: &Search<'_>, standing: &Standing) -> Result<Option<Seq>, Error> {
    match standing.floor {
        Some(floor) => Ok(Some(floor)),
        None => Ok(access(search, &standing.conversation).await?.map(|(floor, _)| floor)),
    }
}

/// The conversations that the query finds by their titles, those that were active last first.
pub(super) fn titles(search: &Search<'_>, standings: &[Standing]) -> Vec<TitleHit> {
    let found = standings.iter().filter_map(|standing| {
        let title = standing.title.clone()?;
        let spans = search.wanted.title(title.as_str())?;
        Some(TitleHit { conversation: standing.conversation.clone(), title, spans })
    });
    found.take(limits::TITLE_HITS_MAX).collect()
}

/// From where on the caller may see a conversation, and what it is called; `None` when they may
/// not.
async fn access(
    search: &Search<'_>,
    id: &ConversationId,
) -> Result<Option<(Seq, Option<Title>)>, Error> {
    // Of a direct conversation its id tells who is in it.
    let party = id.party();
    if matches!(party, Party::Direct(..)) {
        return Ok(party.other(search.user).map(|_| (Seq::FIRST, None)));
    }
    let directory = search.ports.directory;
    let kept = directory.conversation(id).await;
    let kept = kept.map_err(Error::store("read the conversation"))?;
    let access = match members::access(directory, kept.as_ref(), search.user).await {
        Ok(access) => access,
        Err(Error::NotMember) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(kept.map(|kept| (members::floor(&kept, &access.membership), kept.title)))
}
