//! Groups: who may what in them, and what is asked about them.

use std::fmt;

use crate::body::Body;
use crate::entry::Diffusion;
use crate::id::{ConversationId, MessageId, UserId};
use crate::limits;

/// What a member may do; a higher role may do whatever a lower one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads, writes, leaves.
    Member,
    /// Adds, renames, and removes members.
    Admin,
    /// Gives roles, and removes anybody. There is one.
    Owner,
}

impl Role {
    /// Every role, with its name.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Member, "member"), (Self::Admin, "admin"), (Self::Owner, "owner")];

    /// The role's name.
    pub fn as_str(self) -> &'static str {
        let row = Self::ALL.iter().find(|row| row.0 == self);
        row.expect("every role has its row in ALL").1
    }

    /// The role with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|row| row.1 == name).map(|row| row.0)
    }
}

/// How much of a group's history a member sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// All of it.
    #[default]
    FromStart,
    /// What came after they joined, their joining included.
    FromJoin,
}

/// Who may come into a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Admission {
    /// Whoever is added by an admin.
    #[default]
    Closed,
    /// Whoever knows its id.
    Open,
}

/// Why a title is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a title is 1 to {} characters without control characters", limits::TITLE_CHARS_MAX)]
pub struct InvalidTitle;

/// What a group is called: 1 to [`limits::TITLE_CHARS_MAX`] characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// Parses a title.
    ///
    /// # Errors
    ///
    /// [`InvalidTitle`] when it is empty, too long, or has control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidTitle> {
        let count = text.chars().take(limits::TITLE_CHARS_MAX + 1).count();
        if count == 0 || count > limits::TITLE_CHARS_MAX || text.chars().any(char::is_control) {
            return Err(InvalidTitle);
        }
        Ok(Self(text.to_owned()))
    }

    /// The title's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Says how long it is, never what it says: people's words do not belong in a log.
impl fmt::Debug for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Title({} bytes)", self.0.len())
    }
}

/// What is asked about a group. The bodies are those of the events that tell of the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupRequest {
    /// Makes a group of the caller, who owns it, and others.
    Create {
        /// Names the group; the same at every attempt.
        id: MessageId,
        /// What it is called.
        title: Title,
        /// Everyone but the caller.
        members: Vec<UserId>,
        /// How much of its history they see.
        visibility: Visibility,
        /// Who may join by themselves.
        admission: Admission,
        /// What the event says.
        body: Body,
    },
    /// Changes a group.
    Change {
        /// Which one.
        conversation: ConversationId,
        /// What changes.
        change: Change,
    },
    /// Lists a group's members.
    Members {
        /// Which one.
        conversation: ConversationId,
        /// The member after whom the list goes on, in the order of ids.
        after: Option<UserId>,
        /// The most members to return: 1 to [`limits::MEMBERS_PAGE_MAX`].
        limit: usize,
    },
}

/// A change of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The caller comes in.
    Join,
    /// The caller goes.
    Leave,
    /// Others come in: at most [`limits::MEMBERS_ADDED_MAX`] at once.
    Add {
        /// Who.
        users: Vec<UserId>,
        /// What the event says.
        body: Body,
    },
    /// Another one goes.
    Remove {
        /// Who.
        user: UserId,
        /// What the event says.
        body: Body,
    },
    /// A member is given a role; who gives away the owner's is an admin then.
    Role {
        /// To whom.
        user: UserId,
        /// Which.
        role: Role,
        /// What the event says.
        body: Body,
    },
    /// It is called something else.
    Rename {
        /// What.
        title: Title,
        /// What the event says.
        body: Body,
    },
    /// The caller wants to be notified of its messages while offline, or not. Not told to anyone;
    /// direct conversations have it too.
    Mute(Muted),
    /// The caller keeps it at hand, or does not any more. As with muting.
    Pin(Pinned),
}

/// Whether somebody keeps a conversation at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// They do not.
    No,
    /// They do.
    Yes,
}

/// Whether a member is left alone by notifications while they are offline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Muted {
    /// They are notified.
    #[default]
    No,
    /// They are left alone.
    Yes,
}

/// A group, as its members are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Which one.
    pub conversation: ConversationId,
    /// What it is called; a direct conversation is called nothing.
    pub title: Option<Title>,
    /// Counts the changes.
    pub version: u64,
    /// How its messages reach its members.
    pub diffusion: Diffusion,
    /// How much of its history a member sees.
    pub visibility: Visibility,
    /// Who may join by themselves.
    pub admission: Admission,
    /// How many members it has.
    pub count: u64,
    /// A page of them, in the order of ids; empty for who has just left.
    pub members: Vec<(UserId, Role)>,
    /// The member after whom the list goes on.
    pub page: Option<UserId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_ordered_and_named() {
        assert!(Role::Owner > Role::Admin && Role::Admin > Role::Member);
        for (role, name) in Role::ALL {
            assert_eq!((role.as_str(), Role::from_name(name)), (name, Some(role)));
        }
        assert_eq!(Role::from_name("king"), None);
    }

    #[test]
    fn a_title_is_bounded_by_characters_and_keeps_quiet() {
        let longest = "周".repeat(limits::TITLE_CHARS_MAX);
        assert_eq!(Title::parse(&longest).unwrap().as_str(), longest);
        for wrong in ["", "a\nb", "\u{7f}", &"t".repeat(limits::TITLE_CHARS_MAX + 1)] {
            assert_eq!(Title::parse(wrong), Err(InvalidTitle), "{wrong:?} was taken");
        }
        assert_eq!(format!("{:?}", Title::parse("secret").unwrap()), "Title(6 bytes)");
    }
}
