//! What the world may become, learned once: what a request does is a function of the world.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::line::{Answer, Request, digest};

/// What a request does to a world.
#[derive(Clone, Debug)]
pub(super) struct Applied {
    /// The world then.
    pub(super) world: u32,
    /// What it is answered with.
    pub(super) answer: Answer,
}

/// Every world and every request that was seen, by number.
pub(super) struct Worlds<W> {
    worlds: Vec<Arc<W>>,
    numbers: HashMap<u64, u32>,
    requests: Vec<Request<W>>,
    request_numbers: HashMap<u64, u32>,
    applied: HashMap<(u32, u32), Applied>,
}

impl<W> Worlds<W> {
    pub(super) fn new() -> Self {
        Self {
            worlds: Vec::new(),
            numbers: HashMap::new(),
            requests: Vec::new(),
            request_numbers: HashMap::new(),
            applied: HashMap::new(),
        }
    }

    /// The number of a request.
    pub(super) fn request(&mut self, request: Request<W>) -> u32 {
        let next = number(self.requests.len());
        let found = *self.request_numbers.entry(request.digest).or_insert(next);
        if found == next {
            self.requests.push(request);
        }
        found
    }

    pub(super) fn asked(&self, request: u32) -> &Request<W> {
        &self.requests[request as usize]
    }

    pub(super) fn at(&self, world: u32) -> &W {
        &self.worlds[world as usize]
    }

    /// How many worlds have been seen.
    pub(super) fn count(&self) -> usize {
        self.worlds.len()
    }
}

impl<W: Clone + fmt::Debug> Worlds<W> {
    /// The number of a world.
    pub(super) fn world(&mut self, world: W) -> u32 {
        let next = number(self.worlds.len());
        let found = *self.numbers.entry(digest(&world)).or_insert(next);
        if found == next {
            self.worlds.push(Arc::new(world));
        }
        found
    }

    /// What a request does to a world.
    pub(super) fn apply(&mut self, world: u32, request: u32) -> Applied {
        if let Some(applied) = self.applied.get(&(world, request)) {
            return applied.clone();
        }
        let mut after = self.at(world).clone();
        let answer = Answer::of((self.asked(request).apply)(&mut after));
        let applied = Applied { world: self.world(after), answer };
        self.applied.insert((world, request), applied.clone());
        applied
    }

    /// What something that is no request makes of a world.
    pub(super) fn change(&mut self, world: u32, change: impl Fn(&mut W)) -> u32 {
        let mut after = self.at(world).clone();
        change(&mut after);
        self.world(after)
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("there are fewer than that")
}
