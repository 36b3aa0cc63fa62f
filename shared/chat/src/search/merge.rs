//! Several conversations as one list, the newest hit first.
//!
//! Within a conversation the order is that of its timeline. Between them it is by time: what is
//! left of a conversation counts as taken no later than what was taken of it before, for clocks of
//! servers differ a little and places on a timeline do not. A conversation is read as soon as what
//! is left of it could be the next hit, and not before: so a page that is full of what was said
//! today reads nothing of a conversation that has slept for a year.
//!
//! # Invariants
//!
//! * A hit is given when nothing that is left anywhere can be newer, but for a minute where the
//!   request may look into no more conversations.
//! * What is left of a conversation lies below its position in the page, and everything from there
//!   on was given or can never be: so the pages give each hit once, whatever comes meanwhile.

use std::cmp::Reverse;

use futures_util::future::{join_all, try_join_all};
use timeline::search::{Hit, Hits, TitleHit, hit_bytes};
use timeline::{Timestamp, limits};

use super::paging::{Begun, Left, PAGE_BYTES, POSITION_BYTES_MAX, UNIT_MS};
use super::standing::{self, Standing};
use super::trail::Progress;
use super::walk::Walk;
use super::{Search, paging};
use crate::error::Error;

/// How many conversations are read at once at first; then twice as many each time.
const STREAMS_FIRST: usize = 8;

/// How many hits are looked for at once in each of several conversations.
const HITS_EACH: usize = 4;

// A page that names every conversation leaves room for the longest hit, and so does the first page
// with its titles.
const _: () = {
    let left = limits::ANSWER_BYTES_MAX - limits::ENVELOPE_BYTES_MAX;
    let titles = limits::TITLE_HITS_MAX * limits::TITLE_HIT_BYTES_MAX;
    let first = page_bytes(limits::SEARCH_CONVERSATIONS_MAX);
    assert!(page_bytes(limits::CONVERSATIONS_MAX) + limits::HIT_BYTES_MAX <= left);
    assert!(titles + first + limits::HIT_BYTES_MAX <= left);
};

/// A conversation of the list.
struct Stream {
    standing: Standing,
    name: paging::Name,
    walk: Option<Walk>,
    /// Whether this request does no more about it.
    spent: bool,
}

impl Stream {
    /// When its newest hit counts as taken.
    fn key(&self) -> Option<Timestamp> {
        let hit = self.walk.as_ref()?.newest()?;
        Some(hit.at.min(self.standing.at))
    }

    /// Whether it has to be read before it is known what is next in it.
    fn is_open(&self) -> bool {
        let Some(walk) = &self.walk else { return true };
        walk.newest().is_none() && walk.below().is_some()
    }

    fn left(&self) -> Option<Left> {
        let below = match &self.walk {
            Some(walk) => walk.below()?,
            None => self.standing.below?,
        };
        Some(Left { below, at: self.key().unwrap_or(self.standing.at) })
    }
}

/// A page of what is found in these conversations.
///
/// # Errors
///
/// As the store's.
pub(super) async fn merge(
    search: &Search<'_>,
    standings: Vec<Standing>,
    begun: Begun,
    titles: Vec<TitleHit>,
) -> Result<Hits, Error> {
    let named = |standing: Standing| {
        let name = search.sealer.name(&standing.conversation);
        Stream { standing, name, walk: None, spent: false }
    };
    let mut streams: Vec<_> = standings.into_iter().map(named).collect();
    let title_bytes = titles.len() * limits::TITLE_HIT_BYTES_MAX;
    let room = limits::ANSWER_BYTES_MAX - limits::ENVELOPE_BYTES_MAX - title_bytes;
    let mut hits: Vec<Hit> = Vec::new();
    let (mut used, mut width, mut left) = (0, STREAMS_FIRST, search.ports.bounds.conversations);
    // Each turn gives a hit, or reads on, until nothing is left or the request has done enough.
    while hits.len() < search.limit {
        let best = best(&streams);
        let mut open = open(&streams, best);
        let newest_open = open.first().map(|index| streams[*index].standing.at);
        if open.iter().any(|index| streams[*index].spent) {
            break;
        }
        open.truncate(width);
        let open = affordable(&streams, open, &mut left);
        if !open.is_empty() {
            read(search, &mut streams, &open, search.limit - hits.len()).await?;
            width = (width * 2).min(limits::CONCURRENT_MAX);
            continue;
        }
        let Some(stream) = best.map(|best| &mut streams[best]) else { break };
        let (Some(key), Some(walk)) = (stream.key(), &mut stream.walk) else { break };
        // No more conversations may be looked into. Pages keep times by the minute, and without
        // this two conversations of one minute could wait for each other for ever.
        if newest_open.is_some_and(|at| at.since(key) > UNIT_MS) {
            break;
        }
        let bytes = walk.newest().map_or(0, hit_bytes);
        let known = begun.len() + search.ports.bounds.conversations - left;
        if !hits.is_empty() && used + bytes + page_bytes(known) > room {
            break;
        }
        used += bytes;
        hits.extend(walk.take_newest());
        stream.standing.at = key;
    }
    let page = page(search, &streams, begun);
    let walks = streams.into_iter().filter_map(|stream| stream.walk);
    join_all(walks.map(|walk| walk.settle(search))).await;
    Ok(Hits { hits, titles, page })
}

/// The first of these streams that may still be looked into; how many more is `left` then.
fn affordable(streams: &[Stream], open: Vec<usize>, left: &mut usize) -> Vec<usize> {
    let may_be_read = |index: &usize| {
        let is_new = streams[*index].walk.is_none();
        let may = !is_new || *left > 0;
        *left -= usize::from(is_new && may);
        may
    };
    open.into_iter().take_while(may_be_read).collect()
}

/// The stream whose newest hit is the newest of all that are known.
fn best(streams: &[Stream]) -> Option<usize> {
    let keyed = streams.iter().enumerate().filter_map(|(index, stream)| {
        let id = &stream.standing.conversation;
        Some(((stream.key()?, Reverse(id)), index))
    });
    keyed.max().map(|(_, index)| index)
}

/// The streams that have to be read before `best` is known to be the best of all: first those that
/// may have the newest.
fn open(streams: &[Stream], best: Option<usize>) -> Vec<usize> {
    let rank = |stream: &Stream, at| (at, Reverse(stream.standing.conversation.clone()));
    let best = best.and_then(|best| Some(rank(&streams[best], streams[best].key()?)));
    let open = streams.iter().enumerate().filter(|(_, stream)| stream.is_open());
    let ranked = open.map(|(index, stream)| (rank(stream, stream.standing.at), index));
    let mut ranked: Vec<_> =
        ranked.filter(|(rank, _)| best.as_ref().is_none_or(|best| rank > best)).collect();
    ranked.sort_by(|one, other| other.cmp(one));
    ranked.into_iter().map(|(_, index)| index).collect()
}

/// Reads on in these streams, at once.
async fn read(
    search: &Search<'_>,
    streams: &mut [Stream],
    open: &[usize],
    wanted: usize,
) -> Result<(), Error> {
    let count = if streams.len() == 1 { wanted } else { wanted.min(HITS_EACH) };
    let chosen = streams.iter_mut().enumerate().filter(|(index, _)| open.contains(index));
    let reads = chosen.map(|(_, stream)| async move {
        if stream.walk.is_none() {
            let Some(floor) = standing::floor(search, &stream.standing).await? else {
                // Who left meanwhile sees nothing of it any more.
                stream.standing.below = None;
                stream.walk = Some(Walk::nowhere(&stream.standing.conversation));
                return Ok(());
            };
            let Standing { conversation, below, .. } = &stream.standing;
            stream.walk = Some(Walk::begin(search, conversation, floor, *below).await?);
        }
        if let Some(walk) = &mut stream.walk {
            stream.spent = walk.go_on(search, count).await? == Progress::Spent;
        }
        Ok(())
    });
    try_join_all(reads).await.map(|_| ())
}

/// Where the search goes on, unless nothing is left anywhere.
fn page(
    search: &Search<'_>,
    streams: &[Stream],
    mut begun: Begun,
) -> Option<timeline::search::SearchPage> {
    let is_left = |stream: &Stream| stream.walk.is_none() || stream.left().is_some();
    if !streams.iter().any(is_left) {
        return None;
    }
    // Those that were not begun come by themselves.
    let known = |stream: &&Stream| stream.walk.is_some() || stream.standing.below.is_some();
    begun.extend(streams.iter().filter(known).map(|stream| (stream.name, stream.left())));
    Some(search.sealer.write(&begun))
}

/// What a page takes at most in an answer: base64 has four characters for three bytes.
const fn page_bytes(conversations: usize) -> usize {
    (PAGE_BYTES + conversations * POSITION_BYTES_MAX).div_ceil(3) * 4
}
