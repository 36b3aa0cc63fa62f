//! Where a search goes on: a position for each conversation that it has begun, sealed.
//!
//! A client keeps it and gives it back, so it holds no id and nothing that somebody else could use:
//! conversations are named by a keyed hash, and a seal over all of it and over the question makes
//! it worthless for another user or another question. Whoever forged one would gain nothing, for
//! every page is authorized anew.
//!
//! ```text
//! format:1 byte
//! newest:4 bytes                    when the newest of what is left was taken, in units of 65,536
//!                                   ms, rounded up
//! for each conversation:
//!     name:6 bytes                  a keyed hash of its id
//!     below:varint                  what is left lies below this sequence; 0: nothing is
//!     age:varint                    unless nothing is left: how much older that is than the
//!                                   newest, in these units, at most 2^21 - 1
//! seal:16 bytes
//! ```
//!
//! # Invariants
//!
//! * What a conversation has left is not newer than its age says, so one that cannot be next is not
//!   read. Times are rounded once: a page that is read and written again says the same.

use std::collections::BTreeMap;

use timeline::search::{Filters, SearchPage, SearchRequest};
use timeline::{ConversationId, Seq, Timestamp, UserId};

use crate::error::Error;

/// A keyed hash that nobody outside can compute.
pub trait Seal: Send + Sync {
    /// The hash of these parts, in their order: other parts have another, even if they are the same
    /// bytes in a row.
    fn seal(&self, parts: &[&[u8]]) -> [u8; SEAL_BYTES];
}

/// How many bytes a seal has.
pub const SEAL_BYTES: usize = 32;

/// Which format a page is.
const FORMAT: u8 = 1;

/// How many bytes of a seal are kept. Forging one gains nothing; these tell a page from all that is
/// none.
const TAG_BYTES: usize = 16;

/// How many bytes name a conversation: of a thousand two have one name once in 10^9.
const NAME_BYTES: usize = 6;

/// How many bytes a time has: enough for the eras to come.
const TIME_BYTES: usize = 4;

/// The milliseconds of a unit of time: what is left is at most this much older than a page says,
/// unless it is very old.
pub(super) const UNIT_MS: u64 = 1 << 16;

/// The oldest that an age says: four years, in 3 bytes.
const AGE_MAX: u64 = (1 << 21) - 1;

/// The most bytes of a position of fewer than 2^35 messages, more than a conversation can take in a
/// century.
pub(super) const POSITION_BYTES_MAX: usize = NAME_BYTES + 5 + 3;

/// The most bytes of a page beside its positions.
pub(super) const PAGE_BYTES: usize = 1 + TIME_BYTES + TAG_BYTES;

/// A conversation's name in a page.
pub(super) type Name = [u8; NAME_BYTES];

/// What is left of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// It lies below this sequence: above zero.
    pub(super) below: Seq,
    /// It is not newer than this.
    pub(super) at: Timestamp,
}

/// What is left of the conversations that were begun; `None` of one that was searched to its end.
pub(super) type Begun = BTreeMap<Name, Option<Left>>;

/// Names conversations, and seals what one question of one user is answered with.
pub(super) struct Sealer<'a> {
    seal: &'a dyn Seal,
    question: [u8; SEAL_BYTES],
}

impl<'a> Sealer<'a> {
    pub(super) fn new(seal: &'a dyn Seal, user: &UserId, request: &SearchRequest) -> Self {
        let Filters { from, kind, since, until } = &request.filters;
        let time = |time: &Option<Timestamp>| {
            time.map_or(Vec::new(), |time| time.0.to_be_bytes().to_vec())
        };
        let (since, until) = (time(since), time(until));
        let conversation = request.conversation.as_ref().map_or("", ConversationId::as_str);
        let question = seal.seal(&[
            b"question",
            user.as_str().as_bytes(),
            request.query.as_str().as_bytes(),
            conversation.as_bytes(),
            from.as_ref().map_or("", UserId::as_str).as_bytes(),
            kind.as_ref().map_or("", timeline::Kind::as_str).as_bytes(),
            &since,
            &until,
        ]);
        Self { seal, question }
    }

    /// What a conversation is called in pages.
    pub(super) fn name(&self, conversation: &ConversationId) -> Name {
        let hash = self.seal.seal(&[b"name", conversation.as_str().as_bytes()]);
        *hash.first_chunk().expect("a seal is longer than a name")
    }

    /// The page from which the search goes on.
    pub(super) fn write(&self, begun: &Begun) -> SearchPage {
        let newest = begun.values().flatten().map(|left| units(left.at)).max().unwrap_or_default();
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&newest.to_be_bytes());
        for (name, left) in begun {
            bytes.extend_from_slice(name);
            put(&mut bytes, left.map_or(0, |left| left.below.number()));
            if let Some(left) = left {
                put(&mut bytes, u64::from(newest - units(left.at)).min(AGE_MAX));
            }
        }
        let tag = self.tag(&bytes);
        bytes.extend_from_slice(&tag);
        SearchPage::new(bytes)
    }

    /// How far a page has come.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when it is not one that this question was answered with.
    pub(super) fn read(&self, page: &SearchPage) -> Result<Begun, Error> {
        const FOREIGN: Error = Error::Invalid { reason: "a page is for the search that gave it" };
        let (bytes, tag) = page.as_bytes().split_last_chunk().ok_or(FOREIGN)?;
        if *tag != self.tag(bytes) {
            return Err(FOREIGN);
        }
        parse(bytes).ok_or(FOREIGN)
    }

    fn tag(&self, bytes: &[u8]) -> [u8; TAG_BYTES] {
        let hash = self.seal.seal(&[b"page", &self.question, bytes]);
        *hash.first_chunk().expect("a seal is longer than its tag")
    }
}

fn parse(bytes: &[u8]) -> Option<Begun> {
    let (format, bytes) = bytes.split_first()?;
    let (newest, mut bytes) = bytes.split_first_chunk::<TIME_BYTES>()?;
    if *format != FORMAT {
        return None;
    }
    let newest = u64::from(u32::from_be_bytes(*newest));
    let mut begun = Begun::new();
    // Each position takes bytes, so this ends with them.
    while !bytes.is_empty() {
        let (name, rest) = bytes.split_first_chunk::<NAME_BYTES>()?;
        bytes = rest;
        let below = Seq::new(take(&mut bytes)?)?;
        let left = if below > Seq::ZERO {
            let age = take(&mut bytes)?.min(AGE_MAX);
            Some(Left { below, at: Timestamp(newest.saturating_sub(age) * UNIT_MS) })
        } else {
            None
        };
        begun.insert(*name, left);
    }
    Some(begun)
}

/// A time in units, rounded up.
fn units(at: Timestamp) -> u32 {
    u32::try_from(at.0.div_ceil(UNIT_MS)).unwrap_or(u32::MAX)
}

/// Seven bits a byte, the low ones first; the eighth says that it goes on.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 1 << 7 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push((number & 0x7f) as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use timeline::search::QueryText;

    use super::*;

    /// A seal that anyone can break, and that differs where its parts do.
    struct Sum;

    impl Seal for Sum {
        fn seal(&self, parts: &[&[u8]]) -> [u8; SEAL_BYTES] {
            let mut seal = [0; SEAL_BYTES];
            let bytes = parts.iter().flat_map(|part| part.iter().copied().chain([0xff]));
            let mut state = 1_u64;
            for (index, byte) in bytes.chain([0; SEAL_BYTES]).enumerate() {
                state =
                    (state ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
                seal[index % SEAL_BYTES] ^= state as u8;
            }
            seal
        }
    }

    fn request(query: &str) -> SearchRequest {
        SearchRequest {
            query: QueryText::new(query.to_owned()),
            conversation: None,
            filters: Filters::default(),
            limit: 20,
            page: None,
        }
    }

    fn sealer(user: &str, request: &SearchRequest) -> Sealer<'static> {
        Sealer::new(&Sum, &UserId::parse(user).unwrap(), request)
    }

    const NEWEST: Timestamp = Timestamp(26_915_200 * UNIT_MS);

    fn begun() -> Begun {
        let at = |age: u64| Timestamp(NEWEST.0 - age * UNIT_MS);
        let left = |below, age| Some(Left { below: Seq::new(below).unwrap(), at: at(age) });
        let lefts = [
            left(1, 0),
            left(127, 128),
            None,
            left((1 << 35) - 1, AGE_MAX),
            left(timeline::limits::SEQ_MAX, 1),
        ];
        (1..).map(|name| [name; NAME_BYTES]).zip(lefts).collect()
    }

    #[test]
    fn a_page_is_read_as_it_was_written() {
        let sealer = sealer("alice", &request("tea"));
        let page = sealer.write(&begun());
        assert_eq!(sealer.read(&page).unwrap(), begun());
        let empty = sealer.write(&Begun::new());
        assert_eq!(sealer.read(&empty).unwrap(), Begun::new());
        assert_eq!(empty.as_bytes().len(), PAGE_BYTES);
    }

    #[test]
    fn a_position_is_short() {
        let sealer = sealer("alice", &request("tea"));
        let newest = [0xff; NAME_BYTES];
        for (name, left) in begun().into_iter().take(4) {
            let one = Begun::from([(newest, begun()[&[1; NAME_BYTES]])]);
            let two = one.clone().into_iter().chain([(name, left)]).collect();
            let [one, two] = [&one, &two].map(|begun| sealer.write(begun).as_bytes().len());
            assert!(two - one <= POSITION_BYTES_MAX, "{left:?}");
        }
    }

    #[test]
    fn what_is_left_is_never_newer_than_a_page_says() {
        let sealer = sealer("alice", &request("tea"));
        for at in [NEWEST.0, NEWEST.0 - 1, NEWEST.0 - 65_535, NEWEST.0 - 65_537, 0] {
            let left = |at| Some(Left { below: Seq::FIRST, at });
            let begun = Begun::from([
                ([1; NAME_BYTES], left(NEWEST)),
                ([2; NAME_BYTES], left(Timestamp(at))),
            ]);
            let read = sealer.read(&sealer.write(&begun)).unwrap();
            assert!(read[&[2; NAME_BYTES]].unwrap().at >= Timestamp(at), "{at}");
            // Nor does it become newer from page to page, whatever else is left.
            let rest = Begun::from([([2; NAME_BYTES], read[&[2; NAME_BYTES]])]);
            assert_eq!(sealer.read(&sealer.write(&rest)).unwrap(), rest, "{at}");
        }
    }

    #[test]
    fn a_page_of_another_search_is_refused() {
        let asked = request("tea");
        let page = sealer("alice", &asked).write(&begun());
        let conversation = ConversationId::parse("d~alice~bob").ok();
        let others = [
            ("bob", asked.clone()),
            ("alice", request("tea ")),
            ("alice", SearchRequest { conversation, ..asked.clone() }),
            ("alice", with(|filters| filters.from = UserId::parse("bob").ok())),
            ("alice", with(|filters| filters.kind = Some(timeline::Kind::text()))),
            ("alice", with(|filters| filters.since = Some(Timestamp(1)))),
            ("alice", with(|filters| filters.until = Some(Timestamp(1)))),
        ];
        for (user, other) in others {
            let read = sealer(user, &other).read(&page);
            assert!(matches!(read, Err(Error::Invalid { .. })), "{user} {other:?}");
        }
        let more = SearchRequest { limit: 50, ..asked };
        assert!(sealer("alice", &more).read(&page).is_ok(), "a limit is no other question");
    }

    fn with(change: impl Fn(&mut Filters)) -> SearchRequest {
        let mut request = request("tea");
        change(&mut request.filters);
        request
    }

    #[test]
    fn a_page_that_was_changed_is_refused() {
        let sealer = sealer("alice", &request("tea"));
        let page = sealer.write(&begun());
        for index in 0..page.as_bytes().len() {
            let mut bytes = page.as_bytes().to_vec();
            bytes[index] ^= 1;
            assert!(sealer.read(&SearchPage::new(bytes)).is_err(), "byte {index}");
            let cut = SearchPage::new(page.as_bytes()[..index].to_vec());
            assert!(sealer.read(&cut).is_err(), "{index} bytes");
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_positions_or_some() {
        for bytes in [&[][..], &[1], &[0; 7], &[1, 0, 0, 0, 0, 0, 0, 9], &[0xff; 40]] {
            assert_eq!(parse(bytes), None, "{bytes:?}");
        }
    }
}
