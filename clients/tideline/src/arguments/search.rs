//! What can be searched for, and how the index of a search is built anew.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime};
use clap::Args;
use timeline::exchange::Destination;
use timeline::rebuild::{RebuildRequest, RebuildScope};
use timeline::{ConversationId, Kind, Seq, Timestamp, UserId};

use super::{Identity, conversation, seconds};

/// Arguments of `search`.
#[derive(Debug, Args)]
pub(crate) struct SearchArguments {
    /// What messages have to say: all of these words; "in quotes" in this order; any part of a text
    /// in Chinese, Japanese or Korean. The last word may go on.
    pub(crate) query: String,
    /// Who searches.
    #[command(flatten)]
    pub(crate) identity: Identity,
    /// Where.
    #[command(flatten)]
    pub(crate) place: Place,
    /// Only what they wrote.
    #[arg(long, value_name = "USER")]
    pub(crate) from: Option<UserId>,
    /// Only messages of this kind, for example text.
    #[arg(long, value_parser = kind)]
    pub(crate) kind: Option<Kind>,
    /// Only what was sent then or later: 2026-11-25T09:30:00+08:00, or 2026-11-25 for the beginning
    /// of that day in UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Only what was sent before then; a time as in --since.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// The most messages.
    #[arg(
        long, value_name = "N", default_value = "20", conflicts_with = "all",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    limit: u64,
    /// Print all messages that are found.
    #[arg(long)]
    all: bool,
    /// Print one JSON object for each.
    #[arg(long)]
    pub(crate) json: bool,
    /// Give up after so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    pub(crate) timeout: Duration,
}

impl SearchArguments {
    /// The most messages; `None` for all.
    pub(crate) fn wanted(&self) -> Option<u64> {
        (!self.all).then_some(self.limit)
    }
}

/// Where is searched; in all of one's conversations if nothing is named.
#[derive(Clone, Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Place {
    /// Only in the direct conversation with this person.
    #[arg(long, value_name = "USER")]
    with: Option<UserId>,
    /// Only in this conversation.
    #[arg(long, value_name = "ID", value_parser = conversation)]
    conversation: Option<ConversationId>,
}

impl Place {
    /// The conversation, if one is named.
    pub(crate) fn destination(&self) -> Option<Destination> {
        let person = self.with.clone().map(Destination::Person);
        person.or_else(|| self.conversation.clone().map(Destination::Conversation))
    }
}

/// Arguments of `rebuild-index`.
#[derive(Debug, Args)]
#[command(after_help = "\
This asks a local gateway, which checks no signature. On AWS, ask the deployed function with
  aws lambda invoke --function-name NAME --cli-binary-format raw-in-base64-out \\
      --payload '{\"rebuild\":{\"user\":\"alice\"}}' /dev/stdout
and as long as it answers with \"next\", ask that.")]
pub(crate) struct RebuildArguments {
    /// Of what.
    #[command(flatten)]
    scope: ScopeArguments,
    /// Where functions are invoked: the local gateway.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3001")]
    pub(crate) lambda: String,
    /// The function that builds the index.
    #[arg(long, value_name = "NAME", default_value = "IndexFunction", value_parser = function)]
    pub(crate) function: String,
}

/// Whose index is built.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
struct ScopeArguments {
    /// Of one conversation.
    #[arg(long, value_name = "ID", value_parser = conversation)]
    conversation: Option<ConversationId>,
    /// Of all conversations of this user.
    #[arg(long)]
    user: Option<UserId>,
}

impl RebuildArguments {
    /// What is asked for first.
    pub(crate) fn request(&self) -> RebuildRequest {
        let ScopeArguments { conversation, user } = self.scope.clone();
        let user = user.map(|user| RebuildScope::User { user, from: None });
        let scope = user.or_else(|| conversation.map(RebuildScope::Conversation));
        let scope = scope.expect("the group of the two is required");
        RebuildRequest { scope, after: Seq::ZERO }
    }
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::parse(text).map_err(|error| error.to_string())
}

/// A moment by RFC 3339, or the first one of a date, in UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    let moment = DateTime::parse_from_rfc3339(text).map(|moment| moment.to_utc());
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d");
    let moment = moment.or_else(|_| date().map(|date| date.and_time(NaiveTime::MIN).and_utc()));
    let milliseconds = moment.ok().and_then(|time| u64::try_from(time.timestamp_millis()).ok());
    let usage = "not a time like 2026-11-25 or 2026-11-25T09:30:00Z";
    milliseconds.map(Timestamp).ok_or_else(|| usage.to_owned())
}

/// The name of a function or its ARN: "Invoke", AWS Lambda API reference.
fn function(text: &str) -> Result<String, String> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_:$".contains(letter);
    match !text.is_empty() && text.chars().all(is_name) {
        true => Ok(text.to_owned()),
        false => Err("not the name of a function".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::arguments::{Arguments, Command};

    use super::*;

    fn parse(line: &str) -> Option<Command> {
        Some(Arguments::try_parse_from(line.split(' ')).ok()?.command)
    }

    #[test]
    fn a_search_has_a_place_filters_and_an_end() {
        let search = |options: &str| match parse(&format!("tideline search tea --as al{options}")) {
            Some(Command::Search(search)) => Some(search),
            _ => None,
        };
        let plain = search("").unwrap();
        assert_eq!((plain.place.destination(), plain.wanted()), (None, Some(20)));
        let bob = Destination::Person(UserId::parse("bob").unwrap());
        assert_eq!(search(" --with bob --all").unwrap().wanted(), None);
        assert_eq!(search(" --with bob").unwrap().place.destination(), Some(bob));
        let direct = search(" --conversation d~al~bob --from bob --kind text --limit 500").unwrap();
        assert_eq!((direct.wanted(), direct.from.unwrap().as_str()), (Some(500), "bob"));
        for wrong in [
            " --with bob --conversation d~al~bob",
            " --limit 5 --all",
            " --limit 0",
            " --from a~b",
            " --since yesterday",
        ] {
            assert!(search(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_time_is_a_moment_or_the_beginning_of_a_day() {
        let at = |text: &str| time(text).ok().map(|time| time.0);
        assert_eq!(at("2025-11-25"), Some(1_764_028_800_000));
        assert_eq!(at("2025-11-25T00:00:00Z"), Some(1_764_028_800_000));
        assert_eq!(at("2025-11-25T08:00:00.5+08:00"), Some(1_764_028_800_500));
        for wrong in ["", "today", "2025-11", "2025-13-01", "2025-11-25T08:00", "1969-12-31"] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_index_is_rebuilt_of_a_conversation_or_a_user() {
        let request = |options: &str| match parse(&format!("tideline rebuild-index{options}")) {
            Some(Command::RebuildIndex(rebuild)) => Some(rebuild.request()),
            _ => None,
        };
        let user = RebuildScope::User { user: UserId::parse("al").unwrap(), from: None };
        assert_eq!(request(" --user al").unwrap().scope, user);
        let direct = ConversationId::parse("d~al~bob").unwrap();
        let scope = RebuildScope::Conversation(direct);
        assert_eq!(request(" --conversation d~al~bob").unwrap().scope, scope);
        for wrong in ["", " --user al --conversation d~al~bob", " --user al --function a/b"] {
            assert!(request(wrong).is_none(), "{wrong}");
        }
    }
}
