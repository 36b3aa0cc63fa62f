//! What becomes of an operation that faults were asked about.

use std::time::Duration;

/// What becomes of a request to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtTable {
    Proceed,
    Throttle,
    Fail,
    LoseAnswer,
    Kill,
}

/// What becomes of a post.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AtPost {
    pub(crate) delay: Option<Duration>,
    pub(crate) kill_before: bool,
    pub(crate) kill_after: bool,
    pub(crate) answer: PostAnswer,
}

/// How a post is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PostAnswer {
    #[default]
    Honest,
    Lost,
    Gone,
    Throttled,
}

/// What becomes of a request to a topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AtPublish {
    pub(crate) kill_before: bool,
    pub(crate) kill_after: bool,
    pub(crate) is_throttled: bool,
}
