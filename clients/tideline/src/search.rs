//! `search`: messages by what they say, and conversations by their titles.

use std::collections::BTreeMap;

use engine::{Change, Command, Found, Query};
use timeline::search::Filters;
use wire::Matches;

use crate::arguments::SearchArguments;
use crate::error::Error;
use crate::hit::{self, Marks};
use crate::pages::Pages;
use crate::print;
use crate::session::Session;

/// Prints what is found as it comes: conversations by their titles, then messages, newest first.
pub(crate) async fn run(arguments: SearchArguments) -> Result<(), Error> {
    let mut session = Session::open(&arguments.identity)?;
    let timeout = arguments.timeout;
    let search = search(&mut session, arguments);
    tokio::time::timeout(timeout, search).await.unwrap_or(Err(Error::Timeout))
}

async fn search(session: &mut Session, arguments: SearchArguments) -> Result<(), Error> {
    let place = arguments.place.destination();
    let conversation = place.map(|place| session.conversation(&place)).transpose()?;
    let (wanted, is_json) = (arguments.wanted(), arguments.json);
    let SearchArguments { query, from, kind, since, until, .. } = arguments;
    let filters = Filters { from, kind, since, until };
    let query = Query { conversation, filters, ..Query::new(query) };
    let mut pages = Pages::new(query, wanted);
    let mut titles = BTreeMap::new();
    let mut is_empty = true;
    while let Some(query) = pages.next() {
        let mut found = once(session, query).await?;
        let is_cut = pages.take(&mut found);
        is_empty &= found.hits.is_empty() && found.conversations.is_empty();
        if is_json {
            found.conversations.iter().try_for_each(print::json)?;
            found.hits.iter().try_for_each(print::json)?;
        } else {
            show(session, &found, &mut titles).await?;
        }
        if is_cut {
            print::note("there is more: --limit N prints N messages, --all all of them");
        }
    }
    if is_empty {
        print::note("nothing is found");
    }
    Ok(())
}

async fn once(session: &mut Session, query: Query) -> Result<Matches, Error> {
    session.search(0, query)?;
    loop {
        if let Some(Change::Searched { outcome, .. }) = session.next().await? {
            let Found(found) = outcome?;
            return Ok(found);
        }
    }
}

/// Prints a page for a person; what groups are called is asked for once.
async fn show(
    session: &mut Session,
    found: &Matches,
    titles: &mut BTreeMap<String, String>,
) -> Result<(), Error> {
    let marks = Marks::of_output();
    for found in &found.conversations {
        titles.insert(found.conversation.clone(), found.title.clone());
        print::line(&hit::title_line(found, marks))?;
    }
    for found in &found.hits {
        let id = &found.conversation;
        let name = match (hit::partner(id, session.user()), titles.get(id)) {
            (Some(partner), _) => partner,
            (None, Some(title)) => title.clone(),
            (None, None) => {
                let title = title(session, id).await?;
                titles.insert(id.clone(), title.clone());
                title
            }
        };
        print::line(&hit::line(found, &name, marks))?;
    }
    Ok(())
}

/// What a group is called, as far as the server tells.
async fn title(session: &mut Session, id: &str) -> Result<String, Error> {
    let request = wire::Group {
        conversation: Some(id.to_owned()),
        limit: Some(1),
        ..wire::Group::new(String::new(), "members")
    };
    session.command(Command::Group { ticket: 0, request: Box::new(request) })?;
    loop {
        if let Some(Change::Grouped { outcome, .. }) = session.next().await? {
            return Ok(outcome.ok().and_then(|group| group.title).unwrap_or_default());
        }
    }
}
