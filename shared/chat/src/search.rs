//! What somebody's messages say: full text and filters, in one conversation or all of theirs.
//!
//! There is no cluster and no lag. What was acknowledged is found by the next request, for the
//! newest messages are read as they are; older ones are found by blocks, and a block that nobody
//! has built yet is made up for by the messages themselves.
//!
//! # Layout
//!
//! * `bounds`: how much one request does.
//! * `wanted`: what is looked up, and what a live entry is to a search.
//! * `trail`: which messages may be found, by blocks.
//! * `walk`: one conversation, the newest message first.
//! * `standing`: which conversations, and what the caller may see of them.
//! * `merge`: several conversations as one list.
//! * `paging`: where a search goes on.
//!
//! # Invariants
//!
//! * What is found is judged by its live entry, which was read after the request came: nothing that
//!   was taken back, nothing by what it said before an edit, nothing that the caller may not see.
//! * Blocks only ever name candidates, and none is missed: what a message says now is named by the
//!   block of its own place, or by that of its last edit's place (see [`index`](mod@crate::index)),
//!   which is above it. So an edit is met before its message, or is looked for when a page begins
//!   between them, and leads there.
//! * Every page is authorized anew.
//! * A request's work has a bound, whatever there is: an answer may have fewer hits than were asked
//!   for, or none, and a page to go on with. Each request comes further.

mod bounds;
mod merge;
mod paging;
mod standing;
mod trail;
mod walk;
mod wanted;

use store::{Blocks, Directory, Timelines};
use timeline::exchange::Caller;
use timeline::search::{Hits, SearchRequest};
use timeline::{Body, UserId};

use self::bounds::Budget;
pub use self::bounds::SearchBounds;
use self::paging::{Begun, Sealer};
pub use self::paging::{SEAL_BYTES, Seal};
use self::wanted::Wanted;
use crate::error::Error;
use crate::index::IndexPorts;

/// What `search` may touch.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a port has nothing to show")]
pub struct SearchPorts<'a> {
    /// Which conversations the caller has, and what they may see of them.
    pub directory: &'a dyn Directory,
    /// What messages say.
    pub timelines: &'a dyn Timelines,
    /// Which of them may say what is searched for.
    pub blocks: &'a dyn Blocks,
    /// What of a body is searched: the same that the blocks are built by.
    pub searched: fn(&Body) -> String,
    /// What makes a page worthless to others.
    pub seal: &'a dyn Seal,
    /// How much one request does.
    pub bounds: &'a SearchBounds,
}

impl<'a> SearchPorts<'a> {
    /// What it takes to build a block.
    fn index(self) -> IndexPorts<'a> {
        let Self { timelines, blocks, searched, .. } = self;
        IndexPorts { timelines, blocks, searched }
    }
}

/// A search as it is being done.
struct Search<'a> {
    ports: SearchPorts<'a>,
    user: &'a UserId,
    wanted: Wanted,
    limit: usize,
    is_first: bool,
    sealer: Sealer<'a>,
    /// What may be done to come further.
    budget: Budget,
    /// What may be done to find edits that were passed on earlier pages.
    ahead: Budget,
}

/// Searches one of the caller's conversations, or all: the newest messages first, and on the first
/// page of an unfiltered search over all of them the conversations whose titles match.
///
/// # Errors
///
/// [`Error::Query`] when there is nothing to look for or too much, [`Error::Invalid`] when the page
/// is of another search, [`Error::NotMember`] when the caller may not see the conversation.
pub async fn search(
    ports: SearchPorts<'_>,
    caller: &Caller,
    request: SearchRequest,
) -> Result<Hits, Error> {
    let sealer = Sealer::new(ports.seal, &caller.user, &request);
    let begun = match &request.page {
        None => Begun::new(),
        Some(page) => sealer.read(page)?,
    };
    let search = Search {
        ports,
        user: &caller.user,
        wanted: Wanted::parse(&request, ports.searched)?,
        limit: request.limit,
        is_first: request.page.is_none(),
        sealer,
        budget: Budget::new(ports.bounds),
        ahead: Budget::new(ports.bounds),
    };
    let standings = match &request.conversation {
        Some(conversation) => {
            standing::one(&search, conversation, &begun).await?.into_iter().collect()
        }
        None => standing::all(&search, &begun).await?,
    };
    let is_asked = search.is_first && request.conversation.is_none();
    let titles = if is_asked && !search.wanted.is_filtered() {
        standing::titles(&search, &standings)
    } else {
        Vec::new()
    };
    merge::merge(&search, standings, begun, titles).await
}
