//! What can be asked for on the command line.

mod conversations;
mod group;
mod search;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use timeline::exchange::{Destination, Part};
use timeline::{ConversationId, Platform, Seq, UserId};

pub(crate) use conversations::{
    Asked, ConversationsArguments, EditArguments, ReadArguments, RecallArguments, ReceiptsArguments,
};
pub(crate) use group::GroupArguments;
pub(crate) use search::{RebuildArguments, SearchArguments};

use crate::report::Crowd;

/// The longest load. Ours: what it keeps of each message must fit in memory.
const LOAD_MAX: Duration = Duration::from_secs(3_600);

/// The most pairs or groups of a load. Ours: the sockets of pairs must fit the ports of one
/// address.
const LOAD_TEAMS_MAX: usize = 10_000;

/// How many members a group of a load may have. Ours: as many as are pushed a message of a large
/// group, [`timeline::limits::FOCUSED_MAX`].
const LOAD_MEMBERS: RangeInclusive<usize> = 2..=1_000;

/// The slowest load, in messages a second. Ours.
const LOAD_RATE_MIN: f64 = 0.001;

/// The fastest load by the clock, in messages a second. Ours: far above any machine's.
const LOAD_RATE_MAX: f64 = 1_000_000.0;

/// How long a text of a load may be, in bytes: its number and time fit, and so does its body in
/// [`timeline::limits::BODY_BYTES_MAX`].
const LOAD_TEXT_BYTES: RangeInclusive<usize> = 32..=8_000;

/// A client for Tideline.
#[derive(Debug, Parser)]
#[command(name = "tideline", version)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a development token, valid for 24 hours.
    Token(TokenArguments),
    /// Send messages, and print one JSON line for each that is kept.
    Send(SendArguments),
    /// Print each message once, in order, as it comes.
    Listen(ListenArguments),
    /// Print each message that came since the last time, and exit.
    Sync(SyncArguments),
    /// Print a page of a conversation.
    History(HistoryArguments),
    /// Mark a conversation as read, and print how far it is.
    Read(ReadArguments),
    /// Print who has read.
    Receipts(ReceiptsArguments),
    /// Take a message back.
    Recall(RecallArguments),
    /// Have a message say something else.
    Edit(EditArguments),
    /// Print your conversations, those that were active last first.
    Conversations(ConversationsArguments),
    /// Find messages by what they say, and groups by their titles.
    Search(SearchArguments),
    /// Make and change groups, and list their members.
    Group(GroupArguments),
    /// Talk in a terminal.
    Chat(ChatArguments),
    /// Let many people talk at once, check every message, and print what it came to.
    Load(LoadArguments),
    /// Build anew what messages are found by, on a local gateway.
    RebuildIndex(RebuildArguments),
}

/// Arguments of `token`.
#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    /// Whom the token names.
    pub(crate) user: UserId,
    /// Where its key comes from.
    #[command(flatten)]
    pub(crate) key: KeyArguments,
}

/// Where the development key comes from.
#[derive(Clone, Debug, Args)]
pub(crate) struct KeyArguments {
    /// The development key; otherwise `DevelopmentSecret` of infra/sam/samconfig.toml, environment
    /// `local`, in this directory or one above.
    #[arg(long)]
    pub(crate) key: Option<String>,
}

/// Who acts, and where.
#[derive(Clone, Debug, Args)]
pub(crate) struct Identity {
    /// Who acts.
    #[arg(long = "as", value_name = "USER")]
    pub(crate) user: UserId,
    /// The server.
    #[arg(long, env = "TIDELINE_URL", default_value = "ws://127.0.0.1:3001/v1")]
    pub(crate) url: String,
    /// The token to use instead of a development token.
    #[arg(long, env = "TIDELINE_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Where the key of a development token comes from.
    #[command(flatten)]
    pub(crate) key: KeyArguments,
    /// The directory of all users' devices; another directory is another device.
    #[arg(long, value_name = "DIR", default_value = ".tideline/clients")]
    pub(crate) state: PathBuf,
    /// What this device runs on, 1 to 16 of a-z 0-9 -; a deployment may let but one device of each
    /// platform online.
    #[arg(long, env = "TIDELINE_PLATFORM")]
    pub(crate) platform: Option<Platform>,
    /// Let conversations that are older than this device begin at their newest message.
    #[arg(long)]
    pub(crate) no_backfill: bool,
}

/// Where a message goes.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Addressee {
    /// A person: the direct conversation with them.
    #[arg(long, visible_alias = "with", value_name = "USER")]
    to: Option<UserId>,
    /// A conversation.
    #[arg(long, value_name = "ID", value_parser = conversation)]
    conversation: Option<ConversationId>,
}

impl Addressee {
    /// Where it goes.
    pub(crate) fn destination(&self) -> Destination {
        let person = self.to.clone().map(Destination::Person);
        let conversation = self.conversation.clone().map(Destination::Conversation);
        person.or(conversation).expect("the group of the two is required")
    }
}

/// Arguments of `send`.
#[derive(Debug, Args)]
pub(crate) struct SendArguments {
    /// Who sends.
    #[command(flatten)]
    pub(crate) identity: Identity,
    /// Where to.
    #[command(flatten)]
    pub(crate) addressee: Addressee,
    /// The text; `-` sends each line of standard input.
    pub(crate) text: String,
    /// Give up after so many seconds; what is not kept by then is sent by the next command.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
}

/// Arguments of `listen`.
#[derive(Debug, Args)]
pub(crate) struct ListenArguments {
    /// Who listens.
    #[command(flatten)]
    pub(crate) identity: Identity,
    /// Exit after so many messages.
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
    /// Exit when no message came for so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) idle: Option<Duration>,
    /// Have the messages of this large group at once; otherwise they may be minutes late.
    #[arg(long, value_name = "ID", value_parser = conversation)]
    pub(crate) focus: Vec<ConversationId>,
}

/// Arguments of `sync`.
#[derive(Debug, Args)]
pub(crate) struct SyncArguments {
    /// Who catches up.
    #[command(flatten)]
    pub(crate) identity: Identity,
    /// Give up after so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    pub(crate) timeout: Duration,
}

/// Arguments of `history`.
#[derive(Debug, Args)]
pub(crate) struct HistoryArguments {
    /// Who reads.
    #[command(flatten)]
    pub(crate) identity: Identity,
    /// Which conversation.
    #[command(flatten)]
    pub(crate) addressee: Addressee,
    /// Which part of it; the newest page if absent.
    #[command(flatten)]
    pub(crate) part: PartArguments,
    /// The most messages, 1 to 100.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100))]
    pub(crate) limit: Option<u64>,
    /// Give up after so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    pub(crate) timeout: Duration,
}

/// Which part of a conversation.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct PartArguments {
    /// The newest page below this sequence.
    #[arg(long, value_name = "SEQ", value_parser = seq)]
    before: Option<Seq>,
    /// The page that follows this sequence.
    #[arg(long, value_name = "SEQ", value_parser = seq)]
    after: Option<Seq>,
    /// From one sequence to another, both included.
    #[arg(long, value_name = "A:B", value_parser = range)]
    range: Option<(Seq, Seq)>,
    /// Just these sequences.
    #[arg(long, value_name = "SEQ,…", value_delimiter = ',', value_parser = seq)]
    seqs: Vec<Seq>,
}

impl PartArguments {
    /// The part.
    pub(crate) fn part(&self) -> Part {
        match (self.before, self.after, self.range) {
            (Some(seq), _, _) => Part::Before(seq),
            (None, Some(seq), _) => Part::After(seq),
            (None, None, Some((first, last))) => Part::Between(first, last),
            (None, None, None) if self.seqs.is_empty() => Part::Newest,
            (None, None, None) => Part::Listed(self.seqs.clone()),
        }
    }
}

/// Arguments of `chat`.
#[derive(Debug, Args)]
pub(crate) struct ChatArguments {
    /// Who talks.
    #[command(flatten)]
    pub(crate) identity: Identity,
    /// Where.
    #[command(flatten)]
    pub(crate) addressee: Addressee,
}

/// Arguments of `load`.
#[derive(Debug, Args)]
pub(crate) struct LoadArguments {
    /// How many pairs talk, each both ways.
    #[arg(
        long, value_name = "N", value_parser = teams,
        required_unless_present = "groups", conflicts_with_all = ["groups", "members"]
    )]
    pairs: Option<usize>,
    /// How many groups talk, each member to all of its group.
    #[arg(long, value_name = "N", value_parser = teams, requires = "members")]
    groups: Option<usize>,
    /// How many members each group has, 2 to 1000.
    #[arg(long, value_name = "N", value_parser = members, requires = "groups")]
    members: Option<usize>,
    /// Messages a second, of all users together; without it, each sends when its last message was
    /// acknowledged.
    #[arg(long, value_name = "MESSAGES", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// How many seconds messages are sent.
    #[arg(long, value_name = "SECONDS", value_parser = load_seconds, default_value = "30")]
    pub(crate) duration: Duration,
    /// How many seconds after that everything may take to be acknowledged and received.
    #[arg(long, value_name = "SECONDS", value_parser = load_seconds, default_value = "30")]
    pub(crate) patience: Duration,
    /// Read the whole history of each conversation back in the end, and compare it with what
    /// everyone saw and was told.
    #[arg(long)]
    pub(crate) audit: bool,
    /// How long each text is, 32 to 8000 bytes.
    #[arg(long, value_name = "BYTES", value_parser = text_bytes, default_value = "120")]
    pub(crate) text_bytes: usize,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// The server.
    #[arg(long, env = "TIDELINE_URL", default_value = "ws://127.0.0.1:3001/v1")]
    pub(crate) url: String,
    /// Where the key of the users' tokens comes from.
    #[command(flatten)]
    pub(crate) key: KeyArguments,
}

impl LoadArguments {
    /// Who talks.
    pub(crate) fn crowd(&self) -> Crowd {
        match (self.groups, self.members) {
            (Some(groups), Some(members)) => Crowd::Groups { groups, members },
            (_, _) => Crowd::Pairs { pairs: self.pairs.expect("one of the two is required") },
        }
    }
}

fn conversation(text: &str) -> Result<ConversationId, String> {
    ConversationId::parse(text).map_err(|error| error.to_string())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn load_seconds(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        duration if (Duration::from_millis(1)..=LOAD_MAX).contains(&duration) => Ok(duration),
        _ => Err("a load lasts from 0.001 to 3600 seconds".to_owned()),
    }
}

fn teams(text: &str) -> Result<usize, String> {
    let teams = text.parse().ok().filter(|teams| (1..=LOAD_TEAMS_MAX).contains(teams));
    teams.ok_or_else(|| format!("not a number from 1 to {LOAD_TEAMS_MAX}"))
}

fn members(text: &str) -> Result<usize, String> {
    let members = text.parse().ok().filter(|members| LOAD_MEMBERS.contains(members));
    members.ok_or_else(|| "not a number from 2 to 1000".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (LOAD_RATE_MIN..=LOAD_RATE_MAX).contains(rate));
    rate.ok_or_else(|| format!("not a number from {LOAD_RATE_MIN} to {LOAD_RATE_MAX}"))
}

fn text_bytes(text: &str) -> Result<usize, String> {
    let bytes = text.parse().ok().filter(|bytes| LOAD_TEXT_BYTES.contains(bytes));
    bytes.ok_or_else(|| "not a number from 32 to 8000".to_owned())
}

fn seq(text: &str) -> Result<Seq, String> {
    let number = text.parse().ok().and_then(Seq::new);
    number.ok_or_else(|| "not a sequence".to_owned())
}

fn range(text: &str) -> Result<(Seq, Seq), String> {
    let (first, last) = text.split_once(':').ok_or("a range is two sequences, A:B")?;
    match (seq(first)?, seq(last)?) {
        (first, last) if Seq::ZERO < first && first <= last => Ok((first, last)),
        _ => Err("a range is A:B with 1 <= A <= B".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Arguments::try_parse_from(line.split(' ')).map(|arguments| arguments.command)
    }

    #[test]
    fn a_message_goes_to_exactly_one_place() {
        for good in [
            "tideline send --as alice --to bob hello",
            "tideline send --as alice --conversation d~alice~bob -",
            "tideline chat --as alice --with bob",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for wrong in [
            "tideline send --as alice hello",
            "tideline send --as alice --to bob --conversation d~alice~bob hello",
            "tideline send --as a~b --to bob hello",
            "tideline send --as alice --conversation somewhere hello",
        ] {
            assert_eq!(parse(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn a_page_of_history_is_one_part() {
        let part = |options: &str| {
            let line = format!("tideline history --as alice --with bob{options}");
            match parse(&line) {
                Ok(Command::History(arguments)) => Some(arguments.part.part()),
                _ => None,
            }
        };
        let seq = |number| Seq::new(number).unwrap();
        assert_eq!(part(""), Some(Part::Newest));
        assert_eq!(part(" --before 9"), Some(Part::Before(seq(9))));
        assert_eq!(part(" --after 9"), Some(Part::After(seq(9))));
        assert_eq!(part(" --range 2:4"), Some(Part::Between(seq(2), seq(4))));
        assert_eq!(part(" --seqs 2,4"), Some(Part::Listed(vec![seq(2), seq(4)])));
        for wrong in [" --range 4:2", " --range 4", " --before 1 --after 2", " --limit 101"] {
            assert_eq!(part(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_load_has_bounds() {
        let load = |options: &str| match parse(&format!("tideline load {options}")) {
            Ok(Command::Load(arguments)) => Some((arguments.crowd().to_string(), arguments.rate)),
            _ => None,
        };
        assert_eq!(load("--pairs 50"), Some(("50 pairs".to_owned(), None)));
        assert_eq!(
            load("--pairs 2 --rate 0.5 --duration 1.5 --text-bytes 32"),
            Some(("2 pairs".to_owned(), Some(0.5)))
        );
        let groups = load("--groups 3 --members 40");
        assert_eq!(groups, Some(("3 groups of 40".to_owned(), None)));
        for wrong in [
            "--rate 1",
            "--groups 3",
            "--members 3",
            "--pairs 1 --groups 1 --members 3",
            "--groups 1 --members 1",
            "--groups 1 --members 1001",
            "--pairs 0",
            "--pairs 10001",
            "--pairs 1 --rate 0",
            "--pairs 1 --rate NaN",
            "--pairs 1 --duration 0",
            "--pairs 1 --duration 3601",
            "--pairs 1 --patience 0",
            "--pairs 1 --text-bytes 31",
            "--pairs 1 --text-bytes 8001",
        ] {
            assert_eq!(load(wrong), None, "{wrong}");
        }
    }
}
