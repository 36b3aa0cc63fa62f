//! `group`: groups are made and changed, and their members listed.

use std::fmt::Write;

use engine::{Change, Command};
use wire::Grouped;

use crate::arguments::GroupArguments;
use crate::error::Error;
use crate::print;
use crate::session::{self, Session};

/// The most pages of members that are put together: 100,000 members.
const PAGES_MAX: usize = 1_000;

/// Does what was asked for, and prints the group.
pub(crate) async fn run(arguments: GroupArguments) -> Result<(), Error> {
    let options = arguments.act.options();
    let mut session = Session::open(&options.identity)?;
    let request = arguments.act.request(session::fresh());
    let outcome = tokio::time::timeout(options.timeout, ask(&mut session, request)).await;
    let group = outcome.unwrap_or(Err(Error::Timeout))?;
    if options.json { print::json(&group) } else { print::line(&readable(&group)) }
}

/// Asks; a list of members is put together from all its pages.
async fn ask(session: &mut Session, request: wire::Group) -> Result<Grouped, Error> {
    let mut group = once(session, request.clone()).await?;
    if request.op == "members" {
        for _ in 1..PAGES_MAX {
            let Some(page) = group.page.take() else { break };
            let next = once(session, wire::Group { page: Some(page), ..request.clone() }).await?;
            group.members.extend(next.members);
            group.page = next.page;
        }
    }
    Ok(group)
}

async fn once(session: &mut Session, request: wire::Group) -> Result<Grouped, Error> {
    session.command(Command::Group { ticket: 0, request: Box::new(request) })?;
    loop {
        if let Some(Change::Grouped { outcome, .. }) = session.next().await? {
            return Ok(outcome?);
        }
    }
}

/// A group as a person reads it: its id first, for the next command.
fn readable(group: &Grouped) -> String {
    let mut text = group.conversation.clone();
    let size = if group.large { "large, " } else { "" };
    let door = if group.open { "open" } else { "closed" };
    let title = group.title.as_deref().unwrap_or_default();
    let Grouped { version, count, history, .. } = group;
    let facts = format!("{count} members, {size}{door}, history from {history}, version {version}");
    // Writing to a text does not fail.
    let _ = write!(text, "\n{title}: {facts}");
    for member in &group.members {
        let _ = write!(text, "\n  {:<6}  {}", member.role, member.user);
    }
    if group.page.is_some() {
        let _ = write!(text, "\n  …");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_read_from_its_id_to_its_members() {
        let member = |user: &str, role: &str| wire::Member { user: user.into(), role: role.into() };
        let group = Grouped {
            conversation: "g~1".into(),
            title: Some("tea".into()),
            version: 3,
            large: true,
            history: "start".into(),
            open: false,
            count: 9,
            members: vec![member("al", "owner"), member("bo", "member")],
            page: Some("bo".into()),
        };
        let facts = "tea: 9 members, large, closed, history from start, version 3";
        let expected = format!("g~1\n{facts}\n  owner   al\n  member  bo\n  …");
        assert_eq!(readable(&group), expected);
    }
}
