//! `conversations`: what is new in each.

use std::collections::BTreeSet;

use engine::{Change, Command};
use timeline::UserId;
use timeline::limits::PAGE_ENTRIES_MAX;
use wire::{Conversation, Listed};

use crate::arguments::ConversationsArguments;
use crate::error::Error;
use crate::hit;
use crate::print;
use crate::session::Session;
use crate::story;

/// The most pages that are put together: 100,000 conversations.
const PAGES_MAX: usize = 1_000;

/// How much of the last message is printed, in letters.
const DIGEST_LETTERS_MAX: usize = 60;

/// Prints the conversations, a line each, and how many messages are not read in all.
pub(crate) async fn run(arguments: ConversationsArguments) -> Result<(), Error> {
    let mut session = Session::open(&arguments.identity)?;
    let list = tokio::time::timeout(arguments.timeout, all(&mut session, arguments.limit)).await;
    let list = list.unwrap_or(Err(Error::Timeout))?;
    if arguments.json {
        return print::json(&list);
    }
    for row in &list.conversations {
        print::line(&readable(row, &arguments.identity.user))?;
    }
    print::line(&format!(
        "{} unread",
        story::badge(list.unread).unwrap_or_else(|| "none".to_owned())
    ))
}

/// Asks for pages until there are so many, or no more.
async fn all(session: &mut Session, limit: Option<u64>) -> Result<Listed, Error> {
    let limit = limit.unwrap_or(u64::MAX);
    let mut list = Listed { conversations: Vec::new(), unread: 0, page: None };
    let mut listed = BTreeSet::new();
    for _ in 0..PAGES_MAX {
        let left = limit - list.conversations.len() as u64;
        let page = once(session, left.min(PAGE_ENTRIES_MAX as u64), list.page.take()).await?;
        list.unread = page.unread;
        list.page = page.page;
        // What becomes active between two pages may be on both.
        let mut rows = page.conversations;
        rows.retain(|row| listed.insert(row.conversation.clone()));
        list.conversations.extend(rows);
        if list.page.is_none() || list.conversations.len() as u64 >= limit {
            break;
        }
    }
    Ok(list)
}

async fn once(session: &mut Session, limit: u64, page: Option<String>) -> Result<Listed, Error> {
    session.command(Command::Conversations { ticket: 0, limit: Some(limit), page })?;
    loop {
        if let Some(Change::Conversations { outcome, .. }) = session.next().await? {
            return Ok(outcome?);
        }
    }
}

/// A conversation as a person reads it: when it was active, what is unread, its name and its last
/// message; the id of a group comes last, for the next command.
fn readable(row: &Conversation, me: &UserId) -> String {
    let time = row.last.as_ref().map_or_else(|| "-".to_owned(), |last| print::time(last.at));
    let badge = story::badge(row.unread).unwrap_or_default();
    let name = hit::partner(&row.conversation, me).or_else(|| row.title.clone());
    let name = name.unwrap_or_default();
    let flags = [(row.muted, " (muted)"), (row.pinned.is_some(), " (pinned)")];
    let flags = flags.into_iter().filter_map(|(is_so, flag)| is_so.then_some(flag));
    let flags = flags.collect::<String>();
    let digest = row.last.as_ref().map(|last| digest(&story::line(last))).unwrap_or_default();
    let end = match row.sort.as_str() {
        "direct" => String::new(),
        _ => format!("  {}", row.conversation),
    };
    format!("{time:<16}  {badge:>3}  {name}{flags}  {digest}{end}")
}

/// The beginning of a line.
fn digest(line: &str) -> String {
    let letters = print::letters(line);
    let mut digest: String = letters.clone().take(DIGEST_LETTERS_MAX).collect();
    if letters.count() > DIGEST_LETTERS_MAX {
        digest.push('…');
    }
    digest
}

#[cfg(test)]
mod tests {
    use crate::sample;

    use super::*;

    fn row(conversation: &str, text: &str) -> Conversation {
        let last = wire::Message { at: 1_764_028_800_000, ..sample::text(9, "bo", text) };
        Conversation {
            conversation: conversation.into(),
            sort: if conversation.starts_with('d') { "direct" } else { "group" }.into(),
            title: None,
            large: false,
            tail: 9,
            read: 0,
            unread: 0,
            muted: false,
            pinned: None,
            last: Some(last),
        }
    }

    #[test]
    fn a_conversation_is_a_line() {
        let me = UserId::parse("al").unwrap();
        let time = "2025-11-25 00:00";
        let direct = row("d~al~bo", "two\nlines \u{1b}[2J");
        assert_eq!(readable(&direct, &me), format!("{time}       bo  bo: two lines  [2J"));
        let group = "g~01935b2e-7c1a-7def-8123-000000000001";
        let group = Conversation {
            title: Some("tea".into()),
            unread: 100,
            muted: true,
            pinned: Some(1),
            ..row(group, &"x".repeat(99))
        };
        let digest = format!("bo: {}…", "x".repeat(DIGEST_LETTERS_MAX - 4));
        let expected =
            format!("{time}  99+  tea (muted) (pinned)  {digest}  {}", group.conversation);
        assert_eq!(readable(&group, &me), expected);
        let empty = Conversation { last: None, unread: 3, ..direct };
        assert_eq!(readable(&empty, &me), format!("{:<16}    3  bo  ", "-"));
    }
}
