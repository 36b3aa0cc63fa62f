//! What can be asked of `group`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use timeline::{ConversationId, MessageId, UserId};

use super::{Identity, conversation, seconds};

/// Arguments of `group`.
#[derive(Debug, Args)]
pub(crate) struct GroupArguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) act: GroupAct,
}

/// Arguments of every act.
#[derive(Debug, Args)]
pub(crate) struct GroupOptions {
    /// Who acts.
    #[command(flatten)]
    pub(crate) identity: Identity,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// Give up after so many seconds; the act may be done or not.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    pub(crate) timeout: Duration,
}

/// A group, and the arguments of every act.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// Which group.
    #[arg(value_name = "GROUP", value_parser = conversation)]
    id: ConversationId,
    /// What every act has.
    #[command(flatten)]
    options: GroupOptions,
}

/// How much of a group's history a member sees.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum History {
    /// All of it.
    Start,
    /// What came after they joined.
    Join,
}

/// A member's role.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Rank {
    /// Gives roles.
    Owner,
    /// Adds, renames and removes.
    Admin,
    /// Reads and writes.
    Member,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum GroupAct {
    /// Make a group of yourself and others.
    Create {
        /// What it is called.
        title: String,
        /// Who is in it beside you.
        members: Vec<UserId>,
        /// Let whoever knows its id join.
        #[arg(long)]
        open: bool,
        /// From where a member sees its history.
        #[arg(long, value_enum, default_value = "start")]
        history: History,
        /// What every act has.
        #[command(flatten)]
        options: GroupOptions,
    },
    /// Come in by yourself, where it is open.
    Join(Of),
    /// Go.
    Leave(Of),
    /// Bring others in.
    Add {
        /// Which group.
        #[command(flatten)]
        of: Of,
        /// Who.
        #[arg(required = true, value_name = "USER")]
        users: Vec<UserId>,
    },
    /// Put another one out.
    Remove {
        /// Which group.
        #[command(flatten)]
        of: Of,
        /// Who.
        #[arg(id = "member", value_name = "USER")]
        user: UserId,
    },
    /// Give a member a role.
    Role {
        /// Which group.
        #[command(flatten)]
        of: Of,
        /// Who.
        #[arg(id = "member", value_name = "USER")]
        user: UserId,
        /// Which.
        #[arg(value_enum)]
        role: Rank,
    },
    /// Call it something else.
    Rename {
        /// Which group.
        #[command(flatten)]
        of: Of,
        /// What.
        title: String,
    },
    /// Be left alone by it while you are offline.
    Mute {
        /// Which group.
        #[command(flatten)]
        of: Of,
        /// Be told again.
        #[arg(long)]
        off: bool,
    },
    /// Keep it at hand.
    Pin {
        /// Which group.
        #[command(flatten)]
        of: Of,
        /// Let it go again.
        #[arg(long)]
        off: bool,
    },
    /// List its members.
    Members(Of),
}

impl GroupAct {
    /// What every act has.
    pub(crate) fn options(&self) -> &GroupOptions {
        match self {
            Self::Create { options, .. } => options,
            Self::Join(of) | Self::Leave(of) | Self::Members(of) => &of.options,
            Self::Add { of, .. }
            | Self::Remove { of, .. }
            | Self::Role { of, .. }
            | Self::Rename { of, .. }
            | Self::Mute { of, .. }
            | Self::Pin { of, .. } => &of.options,
        }
    }

    /// The request; `fresh` names a group that is made.
    pub(crate) fn request(&self, fresh: MessageId) -> wire::Group {
        let name = |user: &UserId| user.as_str().to_owned();
        let plain = |op, of: &Of| wire::Group {
            conversation: Some(of.id.as_str().to_owned()),
            ..wire::Group::new(String::new(), op)
        };
        match self {
            Self::Create { title, members, open, history, .. } => wire::Group {
                title: Some(title.clone()),
                members: Some(members.iter().map(name).collect()),
                history: Some(value(history)),
                open: Some(*open),
                cid: Some(fresh.to_string()),
                ..wire::Group::new(String::new(), "create")
            },
            Self::Join(of) => plain("join", of),
            Self::Leave(of) => plain("leave", of),
            Self::Members(of) => plain("members", of),
            Self::Add { of, users } => {
                wire::Group { users: Some(users.iter().map(name).collect()), ..plain("add", of) }
            }
            Self::Remove { of, user } => {
                wire::Group { user: Some(name(user)), ..plain("remove", of) }
            }
            Self::Role { of, user, role } => {
                wire::Group { user: Some(name(user)), role: Some(value(role)), ..plain("role", of) }
            }
            Self::Rename { of, title } => {
                wire::Group { title: Some(title.clone()), ..plain("rename", of) }
            }
            Self::Mute { of, off } => wire::Group { muted: Some(!off), ..plain("mute", of) },
            Self::Pin { of, off } => wire::Group { pinned: Some(!off), ..plain("pin", of) },
        }
    }
}

/// The name of a value, which is the protocol's.
fn value(value: &impl ValueEnum) -> String {
    let possible = value.to_possible_value().expect("no value is hidden");
    possible.get_name().to_owned()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::arguments::{Arguments, Command};

    use super::*;

    const GROUP: &str = "g~01935b2e-7c1a-7def-8123-000000000001";

    /// The frame of a command, without what all have; `None` if it cannot be one.
    fn frame(line: &str) -> Option<String> {
        let line = format!("tideline group {}", line.replace("GROUP", GROUP));
        let command = Arguments::try_parse_from(line.split(' ')).ok()?.command;
        let Command::Group(group) = command else { return None };
        let fresh = MessageId::from_bytes([7; 16]);
        let request = wire::Group { id: "1".into(), ..group.act.request(fresh) };
        wire::Group::parse(&request.to_json(), fresh).unwrap();
        let frame = request.to_json().replace(GROUP, "GROUP");
        frame.strip_prefix(r#"{"action":"group","id":"1","op":"#).map(str::to_owned)
    }

    #[test]
    fn every_act_is_a_request_that_the_server_takes() {
        let cid = MessageId::from_bytes([7; 16]);
        let create = r#""create","title":"tea","members":["bob"],"history":"join","open":true"#;
        let create = format!(r#"{create},"cid":"{cid}"}}"#);
        for (line, expected) in [
            ("create --as al tea bob --open --history join", create.as_str()),
            ("join GROUP --as al", r#""join","conversation":"GROUP"}"#),
            ("leave GROUP --as al", r#""leave","conversation":"GROUP"}"#),
            ("add GROUP bo cy --as al", r#""add","conversation":"GROUP","users":["bo","cy"]}"#),
            ("remove GROUP bo --as al", r#""remove","conversation":"GROUP","user":"bo"}"#),
            (
                "role GROUP bo admin --as al",
                r#""role","conversation":"GROUP","user":"bo","role":"admin"}"#,
            ),
            ("rename GROUP chai --as al", r#""rename","conversation":"GROUP","title":"chai"}"#),
            ("mute GROUP --as al", r#""mute","conversation":"GROUP","muted":true}"#),
            ("mute GROUP --off --as al", r#""mute","conversation":"GROUP","muted":false}"#),
            ("pin GROUP --as al", r#""pin","conversation":"GROUP","pinned":true}"#),
            ("pin GROUP --off --as al", r#""pin","conversation":"GROUP","pinned":false}"#),
            ("members GROUP --as al", r#""members","conversation":"GROUP"}"#),
        ] {
            assert_eq!(frame(line).as_deref(), Some(expected), "{line}");
        }
        for wrong in ["create --as al", "join --as al", "add GROUP --as al", "join GROUP"] {
            assert_eq!(frame(wrong), None, "{wrong}");
        }
    }
}
