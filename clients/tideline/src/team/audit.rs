//! What is kept of a conversation, compared with what its users saw.

use engine::{Command, Input};
use timeline::exchange::Part;
use timeline::{ConversationId, Seq};

use super::{Team, refused};
use crate::error::Error;

impl Team {
    /// Reads the whole history back, as if one more user were shown it.
    pub(super) async fn audit(&mut self) -> Result<(), Error> {
        let [first, second, ..] = &self.users[..] else { return Ok(()) };
        let id = match &self.group {
            Some(group) => group.clone(),
            None => ConversationId::direct(&first.id, &second.id).expect("they are two"),
        };
        let auditor = self.checker.auditor(&first.id);
        let mut last = Seq::ZERO;
        loop {
            let (conversation, part) = (id.clone(), Part::After(last));
            let fetch = Command::Fetch { ticket: 0, conversation, part, limit: None };
            self.input(0, Input::Command(fetch))?;
            let page = loop {
                match self.fetched.take() {
                    Some(outcome) => break outcome.map_err(refused)?,
                    None => self.step(None).await?,
                }
            };
            for message in &page.messages {
                self.checked(auditor, message);
                self.tally.audited += 1;
            }
            match page.messages.last().and_then(|message| Seq::new(message.seq)) {
                Some(seq) if page.more => last = seq,
                _ => return Ok(()),
            }
        }
    }
}
