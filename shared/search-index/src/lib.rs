//! Full-text search over dense sequence numbers, without a cluster: what a text's terms are, how
//! blocks of messages say which of them they have, and what a query matches.
//!
//! A conversation's messages are numbered without holes, so 64 of them in a row are a *block* that
//! never changes, eight blocks are the children of one that is eight times as long, and any range
//! of messages is a few blocks and a rest. A block keeps, for each fingerprint of a term, the
//! positions that have it. It names *candidates*; the text itself decides.
//!
//! # Layout
//!
//! * [`tokenizer`]: a [`Text`] and its [`Term`]s. Below it `folding` and `script`.
//! * [`fingerprint`]: a term, or the value of a [`Filter`], in 24 bits.
//! * [`cover`]: [`Level`]s, [`BlockId`]s, and which blocks cover a range.
//! * [`block`]: a [`Block`]'s bytes, and what is looked up in them. Beside it [`encoding`] writes
//!   them, [`merging`] makes a parent of its children, `bits` has the codes, and [`positions`] the
//!   set that a lookup gives.
//! * [`sealing`]: a block as it is kept, with a sum.
//! * [`query`]: a [`Query`] from what somebody typed. [`verification`]: where it matches a text.
//!
//! # Invariants
//!
//! * No false negative: a text that a query matches has every fingerprint that the query looks up.
//!   Texts and queries go through the same tokenizer.
//! * Nothing here does I/O, reads a clock or is random; the same messages are the same bytes.
//! * Bytes that nobody here wrote are an error or a wrong set of candidates, which verification
//!   corrects: never a panic, and memory is bounded by their length.
//! * A bound is beside what it bounds, for this crate knows none of ours. How long a text is, and
//!   how many bytes of blocks are kept, is for the caller to bound.
//! * What is missing is the caller's: messages that a block was built without, blocks that are not
//!   there, and the rest that no block covers.

mod bits;
pub mod block;
pub mod cover;
pub mod encoding;
pub mod fingerprint;
mod folding;
pub mod merging;
pub mod positions;
pub mod query;
mod script;
pub mod sealing;
pub mod tokenizer;
pub mod verification;

pub use block::{BLOCK_BYTES_MAX, Block, Corrupt, candidates};
pub use cover::{BlockId, Cover, Level};
pub use encoding::Leaf;
pub use fingerprint::{Filter, Fingerprint, Lookup};
pub use folding::Span;
pub use merging::merge;
pub use positions::Positions;
pub use query::{InvalidQuery, Query};
pub use sealing::{open, seal};
pub use tokenizer::{ANALYZER, Term, Text};
