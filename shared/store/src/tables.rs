//! The names under which a database keeps a store.

/// The names of a store's tables, as the environment of a function gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// The storage library.
    pub timeline: String,
    /// The sync library.
    pub inbox: String,
    /// Conversations, members, claims and meta.
    pub directory: String,
    /// The registry of connections.
    pub connections: String,
    /// What messages are found by.
    pub search: String,
}

impl Tables {
    /// One family of tables among several in the same place.
    pub fn prefixed(prefix: &str) -> Self {
        Self {
            timeline: format!("{prefix}timeline"),
            inbox: format!("{prefix}inbox"),
            directory: format!("{prefix}directory"),
            connections: format!("{prefix}connections"),
            search: format!("{prefix}search"),
        }
    }
}
