//! Which messages of a part of a conversation may be found, the newest first: what blocks name.
//!
//! The newest blocks are read first, then twice as many each time, so a page that is full of new
//! messages reads no old block. A block that is missing, or is not as it was written, is made up
//! for: one of 64 messages by reading these, a larger one by its eight children; and it is written
//! for the next search. That fails no search, and none waits for the index.
//!
//! # Invariants
//!
//! * Whatever of the part has the fingerprints of one of the lookups, and is not before where the
//!   trail has come, was named.

use std::collections::{BTreeSet, VecDeque};

use futures_util::future::try_join_all;
use search_index::cover::CHILDREN;
use search_index::{Block, BlockId, Cover, Level, Lookup, Positions, candidates};
use timeline::ConversationId;

use super::SearchPorts;
use super::bounds::Budget;
use crate::error::Error;
use crate::index::{self, Work};

/// How many blocks are read at first.
const BLOCKS_FIRST: usize = 2;

/// How many blocks are read at once at most.
const BLOCKS_MAX: usize = 32;

/// How many blocks are made up for at once.
const LEAVES_MAX: usize = 8;

/// What blocks name of a part of a conversation.
pub(super) struct Trail {
    conversation: ConversationId,
    lookups: Vec<Vec<Lookup>>,
    /// The part's first sequence, and the first one after it.
    first: u64,
    end: u64,
    /// What is to be done, the next at the end.
    steps: Vec<Step>,
    /// What was named and not taken, the newest first.
    named: VecDeque<u64>,
    /// Where it has come.
    reached: u64,
    /// How many blocks are read next.
    width: usize,
    /// What was built, to be written. It reads no messages itself.
    work: Work,
}

/// What is done about a block.
enum Step {
    /// It is read.
    Read(BlockId),
    /// It is made up for: it is not there.
    MakeUp(BlockId),
    /// It is built of its children, which were read in its place.
    Build(BlockId),
    /// What it names is added.
    Name(BlockId, Vec<u64>),
}

/// Whether there is anything left to spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It went on.
    Made,
    /// It stands where it stood: the request has done enough.
    Spent,
}

impl Trail {
    /// The trail of what has everything of one of `lookups`, from `first` to before `end`, in a
    /// conversation whose newest message is `head`. The block of 64 messages that the last of them
    /// is in has to be complete. What it builds is added to `work`.
    pub(super) fn new(
        conversation: &ConversationId,
        lookups: Vec<Vec<Lookup>>,
        (first, end): (u64, u64),
        head: u64,
        work: Work,
    ) -> Self {
        let mut steps = Vec::new();
        if first < end {
            // One of them may go on beyond the end: a long block is one read, too.
            let blocks = Cover::new(first, head).newest_first();
            steps.extend(blocks.filter(|block| block.first() < end).map(Step::Read));
            steps.reverse();
        }
        Self {
            conversation: conversation.clone(),
            lookups,
            first,
            end,
            steps,
            named: VecDeque::new(),
            reached: end,
            width: BLOCKS_FIRST,
            work,
        }
    }

    /// From which sequence on everything was named.
    pub(super) fn reached(&self) -> u64 {
        self.reached
    }

    /// Whether there is nothing to name any more.
    pub(super) fn is_at_end(&self) -> bool {
        self.reached <= self.first
    }

    /// The newest that was named.
    pub(super) fn newest(&self) -> Option<u64> {
        self.named.front().copied()
    }

    /// Takes the newest that was named.
    pub(super) fn take_newest(&mut self) -> Option<u64> {
        self.named.pop_front()
    }

    /// What was built, to be written.
    pub(super) fn into_work(self) -> Work {
        self.work
    }

    /// Goes on to one more block.
    ///
    /// # Errors
    ///
    /// As the store's.
    pub(super) async fn advance(
        &mut self,
        ports: SearchPorts<'_>,
        budget: &Budget,
    ) -> Result<Progress, Error> {
        // Each turn does a step, or puts steps of shorter blocks in place of it.
        while let Some(step) = self.steps.pop() {
            match step {
                Step::Name(block, named) => {
                    self.named.extend(named);
                    self.reached = block.first().max(self.first);
                    self.build(ports, budget).await;
                    return Ok(Progress::Made);
                }
                Step::Read(block) => {
                    self.steps.push(Step::Read(block));
                    if self.read(ports, budget).await? == Progress::Spent {
                        return Ok(Progress::Spent);
                    }
                }
                Step::MakeUp(block) => {
                    self.steps.push(Step::MakeUp(block));
                    if self.make_up(ports, budget).await? == Progress::Spent {
                        return Ok(Progress::Spent);
                    }
                }
                Step::Build(_) => {}
            }
        }
        self.reached = self.first;
        Ok(Progress::Made)
    }

    /// Reads the next blocks that are to be read.
    async fn read(&mut self, ports: SearchPorts<'_>, budget: &Budget) -> Result<Progress, Error> {
        let blocks = self.next(self.width, |step| match step {
            Step::Read(block) => Some(*block),
            Step::MakeUp(_) | Step::Build(_) | Step::Name(..) => None,
        });
        let places: Vec<_> = blocks.iter().flat_map(|block| self.places(*block)).collect();
        if !budget.buckets.take(places.len()) {
            return Ok(Progress::Spent);
        }
        let mut opened = index::open_blocks(ports.blocks, &places).await?.into_iter();
        let first = self.steps.len() - blocks.len();
        // From the oldest to the newest, as the steps are.
        for (step, block) in (first..).zip(blocks) {
            let opened = opened.by_ref().take(self.buckets(block).len());
            let opened: Vec<Option<Block>> = opened.collect();
            let opened: Option<Vec<_>> = opened.into_iter().collect();
            let named = opened.and_then(|opened| self.names(block, &opened));
            self.steps[step] = named.map_or(Step::MakeUp(block), |named| Step::Name(block, named));
        }
        self.width = (self.width * 2).min(BLOCKS_MAX);
        Ok(Progress::Made)
    }

    /// Makes up for the next block, and for those after it that are missing as well.
    async fn make_up(
        &mut self,
        ports: SearchPorts<'_>,
        budget: &Budget,
    ) -> Result<Progress, Error> {
        let missing = self.next(LEAVES_MAX, |step| match step {
            Step::MakeUp(block) => Some(*block),
            Step::Read(_) | Step::Build(_) | Step::Name(..) => None,
        });
        let Some(newest) = missing.last().copied() else { return Ok(Progress::Made) };
        if let Some(children) = newest.children() {
            self.steps.pop();
            self.steps.push(Step::Build(newest));
            let children = children.into_iter().filter(|child| child.first() < self.end);
            self.steps.extend(children.map(Step::Read));
            self.width = self.width.max(CHILDREN);
            return Ok(Progress::Made);
        }
        let leaves = missing.into_iter().rev().take_while(|block| block.level == Level::L0);
        let leaves: Vec<_> = leaves.take_while(|_| budget.leaves.take(1)).collect();
        if leaves.is_empty() {
            return Ok(Progress::Spent);
        }
        let builds =
            leaves.iter().map(|leaf| index::leaf(ports.index(), &self.conversation, leaf.number));
        let built = try_join_all(builds).await?;
        // The newest first, as they were taken from the end.
        for (step, (leaf, block)) in (0..self.steps.len()).rev().zip(leaves.into_iter().zip(built))
        {
            // A block none of whose messages stand any more names none.
            let Some(block) = block else {
                self.steps[step] = Step::Name(leaf, Vec::new());
                continue;
            };
            let block = [block];
            let named = self.names(leaf, &block).expect("it was built just now");
            self.steps[step] = Step::Name(leaf, named);
            self.work.add(&self.conversation, leaf, Vec::from(block));
        }
        Ok(Progress::Made)
    }

    /// Builds the blocks whose children were all read or made up for, for the next search.
    async fn build(&mut self, ports: SearchPorts<'_>, budget: &Budget) {
        while let Some(Step::Build(block)) = self.steps.last() {
            let block = *block;
            self.steps.pop();
            let buckets = block.level.child().map_or(0, |child| usize::from(child.buckets()));
            if !budget.buckets.take(buckets * CHILDREN) {
                continue;
            }
            let of = &self.conversation;
            if let Err(error) = index::build(ports.index(), of, block, &mut self.work).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(conversation = %of, error, "a block stays missing");
            }
        }
    }

    /// The blocks of the next steps, as far as these are of one sort: the oldest first.
    fn next(&self, max_count: usize, sort: impl Fn(&Step) -> Option<BlockId>) -> Vec<BlockId> {
        let next = self.steps.iter().rev().map_while(sort).take(max_count);
        let mut next: Vec<_> = next.collect();
        next.reverse();
        next
    }

    /// The buckets of a block that the lookups are in.
    fn buckets(&self, block: BlockId) -> BTreeSet<u8> {
        self.lookups.iter().flatten().map(|lookup| block.level.bucket(*lookup)).collect()
    }

    fn places(&self, block: BlockId) -> impl Iterator<Item = (ConversationId, BlockId, u8)> {
        let buckets = self.buckets(block).into_iter();
        buckets.map(move |bucket| (self.conversation.clone(), block, bucket))
    }

    /// What a block names, the newest first, by all of its buckets that the lookups are in; `None`
    /// if one of them is not there, or not as it was written.
    fn names(&self, block: BlockId, buckets: &[Block]) -> Option<Vec<u64>> {
        let mut named = Positions::none(block.level);
        for lookups in &self.lookups {
            let pairs: Option<Vec<_>> = lookups
                .iter()
                .map(|lookup| {
                    let bucket = block.level.bucket(*lookup);
                    let block = buckets.iter().find(|block| block.bucket() == bucket)?;
                    Some((*lookup, block))
                })
                .collect();
            let found = candidates(block.level, &pairs?).ok()?;
            found.newest_first().for_each(|position| named.insert(position));
        }
        let seqs = named.newest_first().map(|position| block.seq(position));
        Some(seqs.filter(|seq| (self.first..self.end).contains(seq)).collect())
    }
}
