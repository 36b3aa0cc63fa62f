//! What can be asked of a conversation, and of the list of all: read positions, receipts, recalls
//! and edits.

use std::time::Duration;

use clap::Args;
use timeline::exchange::Destination;
use timeline::{ConversationId, Seq, UserId};

use super::{Identity, seconds, seq};

/// Between the parts of a conversation's id; no user's has it.
const ID_SEPARATOR: char = '~';

/// A conversation, and who asks.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// Which conversation: its id, or a person, for the direct one with them.
    #[arg(value_name = "CONVERSATION", value_parser = destination)]
    pub(crate) conversation: Destination,
    /// Who asks.
    #[command(flatten)]
    pub(crate) identity: Identity,
    /// Give up after so many seconds; what was asked for may be done or not.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    pub(crate) timeout: Duration,
}

/// Arguments of `read`.
#[derive(Debug, Args)]
pub(crate) struct ReadArguments {
    /// Where.
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// The last message that was read; everything that is there if absent.
    #[arg(value_name = "SEQ", value_parser = place)]
    pub(crate) seq: Option<Seq>,
}

/// Arguments of `receipts`.
#[derive(Debug, Args)]
pub(crate) struct ReceiptsArguments {
    /// Where.
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// The message; how far everyone has read if absent.
    #[arg(value_name = "SEQ", value_parser = place)]
    pub(crate) seq: Option<Seq>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `recall`.
#[derive(Debug, Args)]
pub(crate) struct RecallArguments {
    /// Where.
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// The message.
    #[arg(value_name = "SEQ", value_parser = place)]
    pub(crate) seq: Seq,
}

/// Arguments of `edit`.
#[derive(Debug, Args)]
pub(crate) struct EditArguments {
    /// Where.
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// The message.
    #[arg(value_name = "SEQ", value_parser = place)]
    pub(crate) seq: Seq,
    /// What it is to say.
    pub(crate) text: String,
}

/// Arguments of `conversations`.
#[derive(Debug, Args)]
pub(crate) struct ConversationsArguments {
    /// Whose.
    #[command(flatten)]
    pub(crate) identity: Identity,
    /// The most conversations; all if absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// Give up after so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    pub(crate) timeout: Duration,
}

fn destination(text: &str) -> Result<Destination, String> {
    if text.contains(ID_SEPARATOR) {
        let id = ConversationId::parse(text).map_err(|error| error.to_string())?;
        return Ok(Destination::Conversation(id));
    }
    UserId::parse(text).map(Destination::Person).map_err(|error| error.to_string())
}

/// The sequence of a message.
fn place(text: &str) -> Result<Seq, String> {
    seq(text).and_then(|seq| if seq > Seq::ZERO { Ok(seq) } else { Err("not a message".into()) })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::arguments::{Arguments, Command};

    use super::*;

    #[test]
    fn a_conversation_is_named_by_its_id_or_by_a_person() {
        let bob = || Some(Destination::Person(UserId::parse("bob").unwrap()));
        let direct = ConversationId::parse("d~al~bob").unwrap();
        let asked = |line: &str| {
            let line = format!("tideline {line} --as al");
            let command = Arguments::try_parse_from(line.split(' ')).ok()?.command;
            match command {
                Command::Read(read) => Some((read.asked.conversation, read.seq)),
                Command::Recall(recall) => Some((recall.asked.conversation, Some(recall.seq))),
                Command::Edit(edit) => Some((edit.asked.conversation, Some(edit.seq))),
                Command::Receipts(receipts) => Some((receipts.asked.conversation, receipts.seq)),
                Command::Token(_)
                | Command::Send(_)
                | Command::Listen(_)
                | Command::Sync(_)
                | Command::History(_)
                | Command::Conversations(_)
                | Command::Search(_)
                | Command::Group(_)
                | Command::Chat(_)
                | Command::Load(_)
                | Command::RebuildIndex(_) => None,
            }
        };
        let nine = Seq::new(9);
        assert_eq!(asked("read d~al~bob"), Some((Destination::Conversation(direct), None)));
        for line in ["read bob 9", "receipts bob 9", "recall bob 9", "edit bob 9 tea"] {
            assert_eq!(asked(line), bob().map(|bob| (bob, nine)), "{line}");
        }
        for wrong in
            ["read", "read bob 0", "read d~bob", "recall bob", "edit bob 9", "edit bob x y"]
        {
            assert_eq!(asked(wrong), None, "{wrong}");
        }
    }
}
