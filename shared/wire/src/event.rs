//! What the events of a group's timeline say: the bodies of kinds `join`, `leave`, `rename`,
//! `role` and `mode`. The server writes them, clients read them by [`Event::read`].

use serde::{Deserialize, Serialize};
use timeline::{Body, Kind, Role, Title, UserId};

use crate::message::Message;

/// An event, as a client understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// They came in.
    Join {
        /// Who; the event's author if it names nobody.
        users: Vec<String>,
        /// What the group is called, where the event is its first.
        title: Option<String>,
    },
    /// They went.
    Leave {
        /// Who; the event's author if it names nobody.
        users: Vec<String>,
    },
    /// It is called something else.
    Rename {
        /// What.
        title: String,
    },
    /// A member may do something else.
    Role {
        /// Who.
        user: String,
        /// What.
        role: String,
    },
    /// From here on its messages are found by its tail.
    Mode,
}

/// The body of an event, with the fields of all kinds.
#[derive(Default, Serialize, Deserialize)]
struct Said {
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    users: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    title: Option<String>,
}

impl Event {
    /// What a message says if it is an event of a group; `None` for other messages, and for an
    /// event that a later version of the protocol may have written.
    pub fn read(message: &Message) -> Option<Self> {
        let said = || -> Option<Said> { serde_json::from_str(message.body.as_ref()?.get()).ok() };
        let users = |said: &Said| {
            if said.users.is_empty() { vec![message.from.clone()] } else { said.users.clone() }
        };
        match message.kind.as_str() {
            Kind::JOIN => {
                let said = said()?;
                Some(Self::Join { users: users(&said), title: said.title })
            }
            Kind::LEAVE => Some(Self::Leave { users: users(&said()?) }),
            Kind::RENAME => Some(Self::Rename { title: said()?.title? }),
            Kind::ROLE => {
                let said = said()?;
                Some(Self::Role { user: said.user?, role: said.role? })
            }
            Kind::MODE => Some(Self::Mode),
            _ => None,
        }
    }
}

/// The body of a `join` of these.
pub(crate) fn joined(users: &[UserId], title: Option<&Title>) -> Body {
    body(&Said {
        users: users.iter().map(|user| user.as_str().to_owned()).collect(),
        title: title.map(|title| title.as_str().to_owned()),
        ..Said::default()
    })
}

/// The body of a `leave` of this one.
pub(crate) fn left(user: &UserId) -> Body {
    body(&Said { users: vec![user.as_str().to_owned()], ..Said::default() })
}

/// The body of a `rename`.
pub(crate) fn renamed(title: &Title) -> Body {
    body(&Said { title: Some(title.as_str().to_owned()), ..Said::default() })
}

/// The body of a `role`.
pub(crate) fn given(user: &UserId, role: Role) -> Body {
    body(&Said {
        user: Some(user.as_str().to_owned()),
        role: Some(role.as_str().to_owned()),
        ..Said::default()
    })
}

fn body(said: &Said) -> Body {
    let text = serde_json::to_string(said).expect("an event is JSON");
    Body::parse(&text).expect("limits hold that an event fits a body")
}
