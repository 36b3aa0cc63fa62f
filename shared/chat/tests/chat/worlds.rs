//! Random worlds: whatever was said, changed and taken back by whom, and whatever became of the
//! index, a search finds what reading everything finds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use chat::SearchBounds;
use fastrand::Rng;
use timeline::group::{Change, GroupRequest};
use timeline::search::{Filters, Hit};
use timeline::{Admission, Body, ConversationId, Kind, Timestamp, Title, Visibility};

use crate::club::desk;
use crate::library::{Asked, Library, Spot, spot_set, spots};
use crate::town::{START, Town, direct, message, person, text};

const USERS: [&str; 4] = ["alice", "bob", "cy", "dan"];

/// Letters of scripts without spaces: few, so that what is searched occurs.
const RUNS: [&str; 3] = ["北京开会讨论消息", "東京でお茶を飲む", "서울에서회의하자"];

const WORDS: [&str; 14] = [
    "tea",
    "team",
    "teapot",
    "Café",
    "cafe",
    "run",
    "running",
    "K8s",
    "a.example.com",
    "10h",
    "👍",
    "👍🏽",
    "to",
    "don't",
];

/// How far times go back at times.
const WOBBLE_MS: u64 = 3_000;

/// What becomes of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The stream is stopped, and nothing is kept that searches build.
    Stopped,
    /// The stream brings something now and then, late, twice and in any order.
    Careless,
    /// The same, and blocks are lost and spoiled, and sometimes not taken.
    Rotten,
    /// Everything is brought at once.
    Faithful,
}

/// A world and its dice.
struct World {
    rng: Rng,
    library: Library,
    ids: Vec<ConversationId>,
    fate: Fate,
    /// Whether times go back a little at times.
    wobbles: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let town = if rng.bool() { Town::with_inboxes(2) } else { Town::new() };
        let mut library = Library::new(town);
        let mut ids = Vec::new();
        for (number, visibility) in [(1, Visibility::FromStart), (2, Visibility::FromJoin)] {
            let id = message((1 << 40) + number);
            let create = GroupRequest::Create {
                id,
                title: Title::parse("club").unwrap(),
                members: vec![person("bob"), person("cy")],
                visibility,
                admission: Admission::Open,
                body: Body::empty(),
            };
            library.town.group("alice", create).unwrap();
            ids.push(ConversationId::group(id));
        }
        for (one, other) in [("alice", "bob"), ("bob", "cy")] {
            let number = (1 << 41) + library.next();
            library.town.send(&desk(one), text(other, number, Some(0)));
            ids.push(direct(one, other));
        }
        let fates = [Fate::Stopped, Fate::Careless, Fate::Rotten, Fate::Faithful];
        let fate = fates[rng.usize(..fates.len())];
        library.bounds.disorder_ms = WOBBLE_MS;
        if rng.bool() {
            library.bounds = SearchBounds {
                conversations: rng.usize(1..6),
                buckets: rng.usize(1..100),
                candidates: rng.usize(1..100),
                leaves: rng.usize(1..10),
                disorder_ms: WOBBLE_MS,
            };
        }
        library.shelf.refuses.store(fate == Fate::Stopped, Ordering::Relaxed);
        let wobbles = rng.u8(..4) == 0;
        Self { rng, library, ids, fate, wobbles }
    }

    fn id(&mut self) -> ConversationId {
        // Most is said in the first.
        let index = self.rng.usize(..self.ids.len()) * self.rng.usize(..2);
        self.ids[index].clone()
    }

    fn user(&mut self) -> &'static str {
        USERS[self.rng.usize(..USERS.len())]
    }

    /// A few words, or a part of a run.
    fn words(&mut self) -> String {
        let count = self.rng.usize(1..4);
        let parts: Vec<_> = (0..count).map(|_| self.word()).collect();
        parts.join(if self.rng.u8(..4) == 0 { "" } else { " " })
    }

    fn word(&mut self) -> String {
        if self.rng.bool() {
            return WORDS[self.rng.usize(..WORDS.len())].to_owned();
        }
        let letters: Vec<char> = RUNS[self.rng.usize(..RUNS.len())].chars().collect();
        let count = self.rng.usize(1..6);
        (0..count).map(|_| letters[self.rng.usize(..letters.len())]).collect()
    }

    fn kind(&mut self) -> Kind {
        let kind = if self.rng.u8(..4) == 0 { "file" } else { Kind::TEXT };
        Kind::parse(kind).unwrap()
    }

    fn body(&mut self) -> String {
        let words = self.words();
        match self.rng.u8(..6) {
            0 => format!("{{\"name\":{words:?},\"url\":\"tea\"}}"),
            1 => format!("{{\"title\":{:?},\"text\":{words:?}}}", self.words()),
            _ => format!("{{\"text\":{words:?}}}"),
        }
    }

    fn say(&mut self) {
        let (id, author, kind, body) = (self.id(), self.user(), self.kind(), self.body());
        let wobble = if self.wobbles { self.rng.u64(..WOBBLE_MS) } else { 0 };
        let at = Timestamp(self.library.town.dial_now().0 - wobble);
        let number = self.library.next();
        self.library.say_at(&id, author, kind.as_str(), &body, (number, at));
    }

    /// Something happens.
    fn step(&mut self) {
        self.library.town.wait(self.rng.u64(1..1_000));
        match self.rng.u8(..32) {
            0..20 => self.say(),
            20..24 => self.change(true),
            24..26 => self.change(false),
            26..28 => self.join_or_go(),
            28..31 => self.tend(),
            _ => {
                // Who searches, builds.
                let (user, asked) = (self.user(), self.asked());
                drop(self.library.search(user, &asked, None));
            }
        }
        if self.fate == Fate::Faithful {
            for id in self.ids.clone() {
                let tail = self.library.tail(&id);
                (tail.saturating_sub(3)..=tail).for_each(|at| self.library.index(&id, at));
            }
        }
    }

    /// A message is edited, or taken back, by its author.
    fn change(&mut self, is_edit: bool) {
        let id = self.id();
        let tail = self.library.tail(&id);
        let back = self.rng.u64(1..300).min(tail);
        let at = tail - self.rng.u64(..back);
        let entries = self.library.town.entries(&id);
        let author = entries[at as usize - 1].author.clone();
        let body = self.body();
        // What cannot be changed any more stays.
        let body = is_edit.then_some(body.as_str());
        drop(self.library.recall(&id, author.as_str(), at, body));
    }

    fn join_or_go(&mut self) {
        let conversation = self.ids[self.rng.usize(..2)].clone();
        let user = self.user();
        let (caller, change) = match self.rng.u8(..4) {
            0 => (user, Change::Join),
            1 => (user, Change::Leave),
            2 => ("alice", Change::Remove { user: person(user), body: Body::empty() }),
            _ => ("alice", Change::Add { users: vec![person(user)], body: Body::empty() }),
        };
        // What cannot be done stays undone.
        drop(self.library.town.group(caller, GroupRequest::Change { conversation, change }));
    }

    /// Something becomes of the index.
    fn tend(&mut self) {
        let id = self.id();
        let blocks = self.library.tail(&id) / 64;
        match self.fate {
            Fate::Stopped => self.library.shelf.wipe(),
            Fate::Careless | Fate::Faithful if blocks > 0 => {
                self.library.index(&id, self.rng.u64(..blocks) * 64 + 63);
            }
            Fate::Rotten => {
                let refuses = self.rng.bool();
                self.library.shelf.refuses.store(refuses, Ordering::Relaxed);
                match self.rng.u8(..4) {
                    0 => self.library.shelf.wipe(),
                    _ => self.library.shelf.spoil(&mut self.rng, 4),
                }
                if blocks > 0 {
                    self.library.index(&id, self.rng.u64(..blocks) * 64 + 63);
                }
            }
            Fate::Careless | Fate::Faithful => {}
        }
    }

    /// Something to look for: parts of what is said, so that it is found.
    fn query(&mut self) -> String {
        let mut query = self.word();
        match self.rng.u8(..8) {
            0 => query = format!("{query} {}", self.word()),
            1 => query = format!("\"{query} {}\"", self.word()),
            2 => query.push(' '),
            3 => query = query.chars().take(3).collect(),
            4 => query = query.chars().take(1).collect(),
            _ => {}
        }
        if search_index::Query::parse(&query).is_ok() { query } else { "tea".to_owned() }
    }

    fn asked(&mut self) -> Asked {
        let filters = if self.rng.bool() { self.filters() } else { Filters::default() };
        let conversation = self.rng.bool().then(|| self.id());
        Asked { query: self.query(), conversation, filters, limit: self.rng.usize(1..30) }
    }

    fn filters(&mut self) -> Filters {
        let now = self.library.town.dial_now().0;
        let mut filters = Filters::default();
        if self.rng.bool() {
            filters.from = Some(person(self.user()));
        }
        if self.rng.bool() {
            filters.kind = Some(self.kind());
        }
        let life = now - START.0 + 1;
        if self.rng.u8(..3) == 0 {
            filters.since = Some(Timestamp(now - self.rng.u64(..life)));
        }
        if self.rng.u8(..3) == 0 {
            filters.until = Some(Timestamp(now - self.rng.u64(..life)));
        }
        filters
    }

    /// What is found is what is to be found: the same texts and places, in order.
    fn require_all(&mut self, context: &str) {
        let (user, asked) = (self.user(), self.asked());
        let expected = self.library.brute(user, &asked);
        let context = format!("{context}, {user} asks {asked:?}");
        let found = match self.library.walk(user, &asked) {
            Ok(found) => found,
            Err(chat::Error::NotMember) => Vec::new(),
            Err(error) => panic!("{context}: {error:?}"),
        };
        // Clocks that differ, and conversations that a request may not look into, cost order.
        let is_ordered = self.library.bounds.conversations >= self.ids.len();
        if is_ordered && !self.wobbles {
            assert_eq!(spots(&found), spots(&expected), "{context}");
        }
        assert_eq!(sorted(&found), sorted(&expected), "{context}");
        for one in found.windows(2).filter(|pair| pair[0].conversation == pair[1].conversation) {
            assert!(one[0].seq > one[1].seq, "{context}");
        }
    }

    /// While pages are walked, things happen. What is found was to be found at that time, and
    /// nothing twice; what was to be found all the time is found.
    fn require_steady(&mut self, context: &str) {
        let (user, asked) = (self.user(), self.asked());
        let context = format!("{context}, {user} asks {asked:?}");
        let mut always: Option<BTreeSet<Spot>> = None;
        let mut found = BTreeSet::new();
        let mut page = None;
        loop {
            let expected = self.library.brute(user, &asked);
            let texts: BTreeMap<_, _> = spots(&expected).into_iter().zip(expected.iter()).collect();
            let spots_now = spot_set(&expected);
            let result = match self.library.search(user, &asked, page) {
                Ok(result) => result,
                Err(chat::Error::NotMember) => return,
                Err(error) => panic!("{context}: {error:?}"),
            };
            for hit in &result.hits {
                let spot = (hit.conversation.clone(), hit.seq.number());
                assert_eq!(texts.get(&spot), Some(&hit), "{context}");
                assert!(found.insert(spot), "{hit:?} comes twice: {context}");
            }
            always = Some(match always {
                None => spots_now,
                Some(before) => before.intersection(&spots_now).cloned().collect(),
            });
            page = result.page;
            if page.is_none() {
                break;
            }
            (0..self.rng.usize(..4)).for_each(|_| self.step());
        }
        let missed: Vec<_> = always.unwrap().difference(&found).cloned().collect();
        assert_eq!(missed, [], "{context}");
    }
}

fn sorted(hits: &[Hit]) -> Vec<(Spot, String, usize)> {
    let mut sorted: Vec<_> = spots(hits)
        .into_iter()
        .zip(hits)
        .map(|(spot, hit)| (spot, hit.text.clone(), hit.spans.len()))
        .collect();
    sorted.sort();
    sorted
}

fn live(seed: u64, steps: usize, checks: usize) {
    let mut world = World::new(seed);
    (0..steps).for_each(|_| world.step());
    let context = format!("seed {seed}, {:?}", world.fate);
    for _ in 0..checks {
        world.require_all(&context);
    }
    for _ in 0..checks / 2 {
        world.require_steady(&context);
    }
    // However much was lost, all of it heals.
    for id in world.ids.clone() {
        world.library.index_all(&id);
    }
    world.require_all(&context);
}

#[test]
fn small_worlds() {
    (0..250).for_each(|seed| live(seed, 150, 4));
}

#[test]
fn worlds_with_blocks() {
    (500..560).for_each(|seed| live(seed, 600, 8));
}

#[test]
fn worlds_with_blocks_of_blocks() {
    (1_000..1_004).for_each(|seed| live(seed, 2_500, 10));
}

#[test]
fn any_part_of_a_run_is_found() {
    let mut world = World::new(7);
    let id = world.ids[0].clone();
    let texts: Vec<String> = (0..600)
        .map(|_| {
            let letters: Vec<char> = RUNS[world.rng.usize(..RUNS.len())].chars().collect();
            (0..12).map(|_| letters[world.rng.usize(..letters.len())]).collect()
        })
        .collect();
    for text in &texts {
        world.library.text(&id, "alice", text);
    }
    world.library.index_all(&id);
    for _ in 0..300 {
        let letters: Vec<char> = texts[world.rng.usize(..texts.len())].chars().collect();
        let start = world.rng.usize(..letters.len());
        let end = world.rng.usize(start..letters.len().min(start + 4)) + 1;
        let part: String = letters[start..end].iter().collect();
        let asked = Asked { limit: 100, ..Asked::of(&id, &part) };
        let found = world.library.walk("bob", &asked).unwrap();
        // By what Unicode says, and by nothing of ours.
        let expected = texts.iter().rev().filter(|text| text.contains(&part));
        assert!(found.iter().map(|hit| &hit.text).eq(expected), "{part}");
    }
}
