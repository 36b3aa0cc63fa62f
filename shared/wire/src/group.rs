//! `group`: groups are made, changed, and their members listed.

use serde::{Deserialize, Serialize};
use timeline::group::{Change, GroupRequest};
use timeline::{
    Admission, ConversationId, Diffusion, MessageId, Muted, Pinned, Role, Title, UserId,
    Visibility, limits,
};

use crate::code::{ErrorCode, Problem, Refusal};
use crate::event;
use crate::frame::{self, Request, action};

/// The values of a group's `history`.
const FROM_START: &str = "start";
const FROM_JOIN: &str = "join";

/// The frame as it travels. Each `op` has its own fields; one that the `op` does not have is
/// refused.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Always [`action::GROUP`].
    pub action: String,
    /// The request's id.
    pub id: String,
    /// One of [`Group::OPS`].
    pub op: String,
    /// Which group; not with `create`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub conversation: Option<String>,
    /// What it is called: with `create` and `rename`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
    /// With `create`: everyone but the caller.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub members: Option<Vec<String>>,
    /// With `create`: how much of the history a member sees, from the `start` (so it is if absent)
    /// or from when they `join`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub history: Option<String>,
    /// With `create`: whether whoever knows its id may join.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub open: Option<bool>,
    /// With `create`: a UUIDv7 that names the group, the same at every attempt; without it a
    /// repeated `create` makes another group.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cid: Option<String>,
    /// With `add`, `remove` and `role`: whom.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user: Option<String>,
    /// With `add`, in place of `user`: several at once, at most 100.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub users: Option<Vec<String>>,
    /// With `role`: `owner`, `admin` or `member`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role: Option<String>,
    /// With `mute`: whether the caller is left alone while offline.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub muted: Option<bool>,
    /// With `pin`: whether the caller keeps it at hand.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pinned: Option<bool>,
    /// With `members`: the `page` of the last answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page: Option<String>,
    /// With `members`: the most members to return: 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<u64>,
}

impl Group {
    /// Every `op`, and the fields that it has.
    pub const OPS: [(&'static str, &'static [&'static str]); 10] = [
        ("create", &["title", "members", "history", "open", "cid"]),
        ("join", &["conversation"]),
        ("leave", &["conversation"]),
        ("add", &["conversation", "user", "users"]),
        ("remove", &["conversation", "user"]),
        ("role", &["conversation", "user", "role"]),
        ("rename", &["conversation", "title"]),
        ("mute", &["conversation", "muted"]),
        ("pin", &["conversation", "pinned"]),
        ("members", &["conversation", "page", "limit"]),
    ];

    /// Reads a frame of this route. `fresh` names the group of a `create` that brings no `cid`.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] that says which rule the frame breaks.
    pub fn parse(text: &str, fresh: MessageId) -> Result<Request<GroupRequest>, Refusal> {
        frame::parse(text, |group: Self| {
            group.require_fields()?;
            let asked = match group.op.as_str() {
                "create" => group.create(fresh)?,
                "members" => GroupRequest::Members {
                    conversation: group.conversation()?,
                    after: group.page.as_deref().map(UserId::parse).transpose()?,
                    limit: members_limit(group.limit)?,
                },
                _ => GroupRequest::Change {
                    conversation: group.conversation()?,
                    change: group.change()?,
                },
            };
            Ok((group.id, asked))
        })
    }

    /// The frame's text, as a client sends it.
    pub fn to_json(&self) -> String {
        frame::to_json(self)
    }

    /// The frame of an `op`; its fields are filled in after.
    pub fn new(id: String, op: &str) -> Self {
        Self { action: action::GROUP.to_owned(), id, op: op.to_owned(), ..Self::default() }
    }

    fn require_fields(&self) -> Result<(), Problem> {
        let Some((_, allowed)) = Self::OPS.iter().find(|(op, _)| *op == self.op) else {
            let ops: Vec<_> = Self::OPS.iter().map(|(op, _)| *op).collect();
            return Err(invalid(format!("the ops are {}", ops.join(", "))));
        };
        let present = [
            ("conversation", self.conversation.is_some()),
            ("title", self.title.is_some()),
            ("members", self.members.is_some()),
            ("history", self.history.is_some()),
            ("open", self.open.is_some()),
            ("cid", self.cid.is_some()),
            ("user", self.user.is_some()),
            ("users", self.users.is_some()),
            ("role", self.role.is_some()),
            ("muted", self.muted.is_some()),
            ("pinned", self.pinned.is_some()),
            ("page", self.page.is_some()),
            ("limit", self.limit.is_some()),
        ];
        match present.iter().find(|(name, is)| *is && !allowed.contains(name)) {
            Some((name, _)) => Err(Problem::new(
                ErrorCode::Malformed,
                format!("this op has no {name}, only {}", allowed.join(", ")),
            )),
            None => Ok(()),
        }
    }

    fn create(&self, fresh: MessageId) -> Result<GroupRequest, Problem> {
        let members = users(self.members.as_deref().unwrap_or_default())?;
        let title = self.title()?;
        let visibility = match self.history.as_deref() {
            None | Some(FROM_START) => Visibility::FromStart,
            Some(FROM_JOIN) => Visibility::FromJoin,
            Some(_) => return Err(invalid("history is start or join")),
        };
        Ok(GroupRequest::Create {
            id: self.cid.as_deref().map_or(Ok(fresh), MessageId::parse)?,
            body: event::joined(&members, Some(&title)),
            title,
            members,
            visibility,
            admission: if self.open == Some(true) { Admission::Open } else { Admission::Closed },
        })
    }

    fn change(&self) -> Result<Change, Problem> {
        Ok(match self.op.as_str() {
            "join" => Change::Join,
            "leave" => Change::Leave,
            "add" => {
                let users = match (&self.user, &self.users) {
                    (Some(user), None) => vec![UserId::parse(user)?],
                    (None, Some(several)) => users(several)?,
                    (Some(_), Some(_)) | (None, None) => {
                        return Err(invalid("exactly one of user and users"));
                    }
                };
                if users.is_empty() {
                    return Err(invalid("nobody is named"));
                }
                Change::Add { body: event::joined(&users, None), users }
            }
            "remove" => {
                let user = self.user()?;
                Change::Remove { body: event::left(&user), user }
            }
            "role" => {
                let user = self.user()?;
                let role = self.role.as_deref().and_then(Role::from_name);
                let role = role.ok_or_else(|| invalid("a role is owner, admin or member"))?;
                Change::Role { body: event::given(&user, role), user, role }
            }
            "rename" => {
                let title = self.title()?;
                Change::Rename { body: event::renamed(&title), title }
            }
            "pin" => match self.pinned {
                Some(true) => Change::Pin(Pinned::Yes),
                Some(false) => Change::Pin(Pinned::No),
                None => return Err(invalid("pinned is true or false")),
            },
            _ => match self.muted {
                Some(true) => Change::Mute(Muted::Yes),
                Some(false) => Change::Mute(Muted::No),
                None => return Err(invalid("muted is true or false")),
            },
        })
    }

    fn conversation(&self) -> Result<ConversationId, Problem> {
        let id = self.conversation.as_deref().ok_or_else(|| invalid("which conversation?"))?;
        Ok(ConversationId::parse(id)?)
    }

    fn user(&self) -> Result<UserId, Problem> {
        let user = self.user.as_deref().ok_or_else(|| invalid("which user?"))?;
        Ok(UserId::parse(user)?)
    }

    fn title(&self) -> Result<Title, Problem> {
        let title = self.title.as_deref().ok_or_else(|| invalid("which title?"))?;
        Title::parse(title).map_err(|error| invalid(error.to_string()))
    }
}

fn invalid(message: impl Into<String>) -> Problem {
    Problem::new(ErrorCode::Invalid, message)
}

/// Reads a list of users, each named once.
fn users(names: &[String]) -> Result<Vec<UserId>, Problem> {
    if names.len() > limits::MEMBERS_ADDED_MAX {
        let message = format!("at most {} users at once", limits::MEMBERS_ADDED_MAX);
        return Err(Problem::new(ErrorCode::TooLarge, message));
    }
    let mut users = names.iter().map(|name| UserId::parse(name)).collect::<Result<Vec<_>, _>>()?;
    users.sort_unstable();
    users.dedup();
    Ok(users)
}

/// Reads the `limit` of a list.
pub(crate) fn members_limit(limit: Option<u64>) -> Result<usize, Problem> {
    match usize::try_from(limit.unwrap_or(limits::MEMBERS_PAGE_MAX as u64)) {
        Ok(limit) if (1..=limits::MEMBERS_PAGE_MAX).contains(&limit) => Ok(limit),
        Ok(_) | Err(_) => Err(invalid(format!("a limit is 1 to {}", limits::MEMBERS_PAGE_MAX))),
    }
}

/// What a `group` is answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grouped {
    /// The group.
    pub conversation: String,
    /// What it is called; absent of a direct conversation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
    /// Counts its changes.
    pub version: u64,
    /// Whether it is a large group, whose messages are found by its tail and not in the inbox.
    #[serde(skip_serializing_if = "is_false", default)]
    pub large: bool,
    /// How much of its history a member sees: from the `start`, or from when they `join`.
    pub history: String,
    /// Whether whoever knows its id may join.
    pub open: bool,
    /// How many members it has.
    pub count: u64,
    /// A page of them, in the order of ids; none for who has just left.
    pub members: Vec<Member>,
    /// Where the list of members goes on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page: Option<String>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub user: String,
    /// `owner`, `admin` or `member`.
    pub role: String,
}

pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

impl From<timeline::group::Group> for Grouped {
    fn from(group: timeline::group::Group) -> Self {
        let member = |(user, role): &(UserId, Role)| Member {
            user: user.as_str().to_owned(),
            role: role.as_str().to_owned(),
        };
        let history = match group.visibility {
            Visibility::FromStart => FROM_START,
            Visibility::FromJoin => FROM_JOIN,
        };
        Self {
            conversation: group.conversation.as_str().to_owned(),
            title: group.title.map(|title| title.as_str().to_owned()),
            version: group.version,
            large: group.diffusion == Diffusion::Read,
            history: history.to_owned(),
            open: group.admission == Admission::Open,
            count: group.count,
            members: group.members.iter().map(member).collect(),
            page: group.page.map(|user| user.as_str().to_owned()),
        }
    }
}
