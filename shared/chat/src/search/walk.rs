//! A walk through one conversation, the newest message first.
//!
//! The newest 64 entries are read as they are: they are what no block can have yet. Before them a
//! [`Trail`] names candidates, and each is judged by its live entry.
//!
//! An edit is an entry of its own, above the message that it changes, and has the new text. So it
//! is indexed where it stands, and leads to that message: whatever a message says now, either its
//! own place or that of its last edit was indexed with. Going down, the edit comes first. A walk
//! that begins further down looks for edits above it before anything else; where there are more
//! than one request reads, it reads the timeline itself, which shows every live text.
//!
//! # Invariants
//!
//! * From where the walk has come on, every message that the search may find was judged, once.
//! * Hits come in the order of the timeline, the newest first, and each is as it stood when read.

use std::collections::{BTreeSet, VecDeque};

use futures_util::{StreamExt, TryStreamExt, stream};
use search_index::cover::LEAF_MESSAGES;
use store::{Direction, Freshness, Scan};
use timeline::search::Hit;
use timeline::{ConversationId, Entry, Seq, limits};

use super::Search;
use super::trail::{Progress, Trail};
use super::wanted::Verdict;
use crate::error::Error;
use crate::index::Work;

/// The fewest candidates that are read at once: about what one read unit each buys in one trip.
const BATCH_MIN: usize = 8;

/// How many entries are read in place of a block.
const LEAF: usize = LEAF_MESSAGES as usize;

/// A walk through one conversation.
pub(super) struct Walk {
    conversation: ConversationId,
    /// The first message that the caller may see.
    floor: u64,
    /// Where it has come: from here on everything was judged.
    reached: u64,
    /// Messages before there that edits lead to.
    led: BTreeSet<u64>,
    source: Source,
    /// What was found and not taken, the newest first.
    hits: VecDeque<Hit>,
}

/// By what a walk goes on.
enum Source {
    /// By what blocks name.
    Trail(Box<Trail>),
    /// By the timeline itself, every entry of it. Blocks that were built before are to be written.
    Timeline(Work),
}

impl Walk {
    /// Begins a walk from the newest message, or from the one before `below`, down to `floor`.
    ///
    /// # Errors
    ///
    /// As the store's.
    pub(super) async fn begin(
        search: &Search<'_>,
        conversation: &ConversationId,
        floor: Seq,
        below: Option<Seq>,
    ) -> Result<Self, Error> {
        let newest = read_down(search, conversation, floor.number(), Seq::MAX.number()).await?;
        let head = newest.first().map_or(0, |entry| entry.seq.number());
        let below = match below {
            Some(below) => below.number().min(head + 1),
            None => end(search, conversation, floor.number(), head + 1).await?,
        };
        let is_all = newest.len() < LEAF;
        let read = newest.last().filter(|_| !is_all).map_or(floor, |entry| entry.seq).number();
        let mut walk = Self {
            floor: floor.number(),
            reached: below.min(read).max(floor.number()),
            ..Self::nowhere(conversation)
        };
        for entry in &newest {
            walk.note_age(search, entry);
            match search.wanted.judge(conversation, entry) {
                Verdict::Found(hit) if hit.seq.number() < below => walk.hits.push_back(*hit),
                Verdict::LeadsTo(target) => walk.lead(target),
                Verdict::Found(_) | Verdict::Passed => {}
            }
        }
        walk.reached = walk.reached.max(walk.floor);
        if walk.reached > walk.floor {
            walk.source = walk.look_ahead(search, read, head).await?;
        }
        Ok(walk)
    }

    /// A walk that has nothing to find.
    pub(super) fn nowhere(conversation: &ConversationId) -> Self {
        Self {
            conversation: conversation.clone(),
            floor: 0,
            reached: 0,
            led: BTreeSet::new(),
            source: Source::Timeline(Work::new(0)),
            hits: VecDeque::new(),
        }
    }

    /// Goes on until `count` hits are there, or all that there are. Once it has spent what it may,
    /// it is not to be asked again.
    ///
    /// # Errors
    ///
    /// As the store's.
    pub(super) async fn go_on(
        &mut self,
        search: &Search<'_>,
        count: usize,
    ) -> Result<Progress, Error> {
        let begun = self.reached;
        // Each turn comes further down, or spends.
        while self.hits.len() < count && self.reached > self.floor {
            let progress = match &self.source {
                Source::Trail(_) => self.follow(search, count).await?,
                Source::Timeline(_) if !search.budget.leaves.take(1) => Progress::Spent,
                Source::Timeline(_) => self.read_on(search).await?,
            };
            if progress == Progress::Spent {
                // Whoever is asked comes further, if only by one step.
                if self.reached == begun {
                    self.read_on(search).await?;
                }
                return Ok(Progress::Spent);
            }
        }
        Ok(Progress::Made)
    }

    /// The newest hit.
    pub(super) fn newest(&self) -> Option<&Hit> {
        self.hits.front()
    }

    /// Takes the newest hit.
    pub(super) fn take_newest(&mut self) -> Option<Hit> {
        self.hits.pop_front()
    }

    /// Below which sequence the rest lies; `None` when nothing is left.
    pub(super) fn below(&self) -> Option<Seq> {
        match self.hits.front() {
            Some(hit) => Some(hit.seq.next()),
            None if self.reached > self.floor => Some(place(self.reached)),
            None => None,
        }
    }

    /// Writes what was built, for the next search. That it fails, fails nothing.
    pub(super) async fn settle(self, search: &Search<'_>) {
        let work = match self.source {
            Source::Trail(trail) => trail.into_work(),
            Source::Timeline(work) => work,
        };
        if let Err(error) = work.write(search.ports.blocks).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(conversation = %self.conversation, error, "blocks stay missing");
        }
    }

    /// Looks for edits that stand from where the walk begins on, up to what was `read`, notes where
    /// they lead, and says how to go on: by the timeline when there are too many.
    async fn look_ahead(
        &mut self,
        search: &Search<'_>,
        read: u64,
        head: u64,
    ) -> Result<Source, Error> {
        let lookups = vec![search.wanted.edits()];
        let part = (self.reached, read);
        let mut trail = Trail::new(&self.conversation, lookups, part, head, Work::new(0));
        let mut edits = Vec::new();
        // Ends with the trail.
        while !trail.is_at_end() {
            let mut progress = trail.advance(search.ports, &search.ahead).await?;
            while let Some(edit) = trail.take_newest() {
                edits.push(place(edit));
                if !search.ahead.candidates.take(1) {
                    progress = Progress::Spent;
                }
            }
            if progress == Progress::Spent {
                return Ok(Source::Timeline(trail.into_work()));
            }
        }
        for entry in fetch(search, &self.conversation, &edits).await? {
            if let Verdict::LeadsTo(target) = search.wanted.judge(&self.conversation, &entry) {
                self.lead(target);
            }
        }
        let (lookups, part) = (search.wanted.lookups(), (self.floor, self.reached));
        let trail = Trail::new(&self.conversation, lookups, part, head, trail.into_work());
        Ok(Source::Trail(Box::new(trail)))
    }

    /// Lets the walk end above whatever is too old.
    fn note_age(&mut self, search: &Search<'_>, entry: &Entry) {
        if search.wanted.is_too_old(entry, search.ports.bounds.disorder_ms) {
            self.floor = self.floor.max(entry.seq.next().number());
        }
    }

    /// Notes that an edit leads to a message, if that is still to come.
    fn lead(&mut self, target: Seq) {
        let target = target.number();
        if (self.floor..self.reached).contains(&target) {
            self.led.insert(target);
        }
    }

    /// Judges the next candidates, or lets blocks name more.
    async fn follow(&mut self, search: &Search<'_>, count: usize) -> Result<Progress, Error> {
        let Source::Trail(trail) = &mut self.source else { return Ok(Progress::Made) };
        let size = (2 * count).clamp(BATCH_MIN, limits::SEQS_MAX);
        let batch = next(trail, &mut self.led, size);
        let Some(last) = batch.last().copied() else {
            self.reached = trail.reached();
            if trail.is_at_end() {
                return Ok(Progress::Made);
            }
            return trail.advance(search.ports, &search.budget).await;
        };
        if !search.budget.candidates.take(batch.len()) {
            self.led.extend(batch);
            return Ok(Progress::Spent);
        }
        let (mut hits, edited) = self.judge(search, &batch).await?;
        // What edits of this batch lead to among it, and what lies before it is led to.
        let before = edited.iter().filter(|seq| **seq < last && **seq >= self.floor);
        self.led.extend(before);
        let among: Vec<_> = edited.into_iter().filter(|seq| *seq >= last).collect();
        let among: Vec<_> = among.into_iter().filter(|seq| !batch.contains(seq)).collect();
        // Whatever was edited is no edit: nothing leads on from there.
        hits.extend(self.judge(search, &among).await?.0);
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.seq));
        self.hits.extend(hits);
        self.reached = last.max(self.floor);
        Ok(Progress::Made)
    }

    /// Reads candidates: those that are found, and where the others lead.
    async fn judge(
        &mut self,
        search: &Search<'_>,
        seqs: &[u64],
    ) -> Result<(Vec<Hit>, BTreeSet<u64>), Error> {
        let (mut hits, mut led) = (Vec::new(), BTreeSet::new());
        let seqs: Vec<_> = seqs.iter().copied().map(place).collect();
        for entry in fetch(search, &self.conversation, &seqs).await? {
            self.note_age(search, &entry);
            match search.wanted.judge(&self.conversation, &entry) {
                Verdict::Found(hit) => hits.push(*hit),
                Verdict::LeadsTo(target) => {
                    led.insert(target.number());
                }
                Verdict::Passed => {}
            }
        }
        Ok((hits, led))
    }

    /// Judges the next entries of the timeline, whatever leads to them.
    async fn read_on(&mut self, search: &Search<'_>) -> Result<Progress, Error> {
        let entries = read_down(search, &self.conversation, self.floor, self.reached - 1).await?;
        for entry in &entries {
            self.note_age(search, entry);
            if let Verdict::Found(hit) = search.wanted.judge(&self.conversation, entry) {
                self.hits.push_back(*hit);
            }
        }
        let is_all = entries.len() < LEAF;
        let last = entries.last().filter(|_| !is_all).map(|entry| entry.seq.number());
        self.reached = last.unwrap_or(self.floor).max(self.floor);
        Ok(Progress::Made)
    }
}

/// From where on everything is too new, as far as a few reads tell: `end` at most.
async fn end(
    search: &Search<'_>,
    conversation: &ConversationId,
    mut first: u64,
    mut end: u64,
) -> Result<u64, Error> {
    let disorder_ms = search.ports.bounds.disorder_ms;
    // Each turn leaves about a sixteenth of what there was.
    while search.wanted.has_end() && end.saturating_sub(first) > LEAF_MESSAGES {
        let step = (end - first) / limits::TIME_PROBES;
        let probes = (1..limits::TIME_PROBES).map(|number| place(first + number * step));
        let entries = fetch(search, conversation, &probes.collect::<Vec<_>>()).await?;
        let new = entries.iter().filter(|entry| search.wanted.is_too_new(entry, disorder_ms));
        match new.map(|entry| entry.seq.number()).min() {
            Some(new) => (first, end) = (first.max(new - step), new),
            None => first += (limits::TIME_PROBES - 1) * step,
        }
    }
    Ok(end)
}

/// The next candidates, the newest first: what was named, and what edits lead to as far as the
/// trail has come.
fn next(trail: &mut Trail, led: &mut BTreeSet<u64>, max_count: usize) -> Vec<u64> {
    let mut next = Vec::new();
    while next.len() < max_count {
        let led_to = led.last().copied().filter(|seq| *seq >= trail.reached());
        let Some(newest) = trail.newest().max(led_to) else { break };
        if trail.newest() == Some(newest) {
            trail.take_newest();
        }
        led.remove(&newest);
        next.push(newest);
    }
    next
}

/// The newest entries of a part of a conversation, as many as a block has: the newest first.
async fn read_down(
    search: &Search<'_>,
    conversation: &ConversationId,
    first: u64,
    last: u64,
) -> Result<Vec<Entry>, Error> {
    let scan = Scan {
        direction: Direction::Backward,
        first: place(first),
        last: place(last),
        max_count: LEAF,
        freshness: Freshness::Strong,
    };
    let entries = search.ports.timelines.scan(&conversation.timeline(), scan).await;
    entries.map_err(Error::store("read the messages"))
}

/// The entries at these sequences.
async fn fetch(
    search: &Search<'_>,
    conversation: &ConversationId,
    seqs: &[Seq],
) -> Result<Vec<Entry>, Error> {
    let timeline = conversation.timeline();
    let places: Vec<_> = seqs.iter().map(|seq| (timeline.clone(), *seq)).collect();
    let reads = places.chunks(limits::SEQS_MAX);
    let reads: Vec<_> = reads.map(|places| search.ports.timelines.get_many(places)).collect();
    let found = stream::iter(reads).buffered(limits::CONCURRENT_MAX).try_concat().await;
    let found = found.map_err(Error::store("read the messages"))?;
    Ok(found.into_iter().map(|(_, entry)| entry).collect())
}

/// The sequence of this number.
fn place(number: u64) -> Seq {
    Seq::new(number).expect("what is searched lies before the last sequence that can be")
}
