//! What `chat` shows: conversations, messages, what is being written, and the connection.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use engine::{Change, Command, Found, Link};
use timeline::exchange::Part;
use timeline::limits::SEARCH_HITS_DEFAULT;
use timeline::{ConversationId, Party, Seq, UserId};
use wire::{Listed, Message, Problem, SignalBy};

use crate::entry::{Mark, Row};
use crate::findings::Findings;
use crate::story;
use crate::transcript::Transcript;

/// The kind of the signal that somebody types.
const TYPING: &str = "typing";

/// Everything on the screen, without a screen.
#[derive(Debug)]
pub(crate) struct View {
    me: UserId,
    transcripts: BTreeMap<ConversationId, Transcript>,
    /// What groups are called.
    titles: BTreeMap<ConversationId, String>,
    /// How many messages are not read in all conversations.
    unread: u64,
    /// Who types, and where.
    typing: Option<(ConversationId, String)>,
    /// The last ticket that was given out.
    ticket: u64,
    /// The conversation that is open.
    pub(crate) selected: ConversationId,
    /// What is being written.
    pub(crate) input: String,
    /// What the status line says of the connection.
    pub(crate) status: &'static str,
    /// What the status line says beside that, until the next key.
    pub(crate) notice: Option<String>,
    /// What was searched for, in place of the messages.
    pub(crate) findings: Option<Findings>,
    /// How many lines of messages the screen shows.
    pub(crate) fits: usize,
}

/// A conversation of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// What it is called.
    pub(crate) name: String,
    /// How many messages of it are not read, if any.
    pub(crate) badge: Option<String>,
    /// Whether it is open.
    pub(crate) is_open: bool,
}

impl View {
    /// A view of one conversation, with nothing in it.
    pub(crate) fn new(me: UserId, selected: ConversationId) -> Self {
        Self {
            me,
            transcripts: BTreeMap::from([(selected.clone(), Transcript::default())]),
            titles: BTreeMap::new(),
            unread: 0,
            typing: None,
            ticket: 0,
            selected,
            input: String::new(),
            status: "connecting",
            notice: None,
            findings: None,
            fits: 0,
        }
    }

    /// Adds a message that is kept; the own one that waited for it becomes it.
    pub(crate) fn message(&mut self, message: &Message) {
        let Ok(id) = ConversationId::parse(&message.conversation) else { return };
        if let Some(title) = story::title(message) {
            self.titles.insert(id.clone(), title);
        }
        self.typing.take_if(|(place, user)| *place == id && *user == message.from);
        if let (Some(findings), Some(target)) = (&mut self.findings, story::target(message)) {
            findings.forget(&message.conversation, target);
        }
        let me = self.me.as_str();
        self.transcripts.entry(id).or_default().message(message, me);
    }

    /// Adds an own message that waits to be kept.
    pub(crate) fn waiting(&mut self, id: &ConversationId, cid: String, text: String) {
        let me = self.me.as_str();
        self.transcripts.entry(id.clone()).or_default().waiting(me, cid, text);
    }

    /// Takes a change of the engine.
    pub(crate) fn change(&mut self, change: &Change) {
        match change {
            Change::Message(message) => self.message(message),
            Change::Acked(acked) => self.mark(&acked.cid.to_string(), Mark::Kept),
            Change::Failed { cid, problem } => {
                self.mark(&cid.to_string(), Mark::Refused);
                self.refused(problem);
            }
            Change::Link(link) => {
                self.status = match link {
                    Link::Connecting => "connecting",
                    Link::Open => "connected",
                    Link::Lost { .. } => "reconnecting",
                    Link::Refused { .. } => "refused",
                    Link::Kicked { .. } => "kicked",
                    Link::Closed => "offline",
                }
            }
            Change::Restarted { conversation, seq } => {
                self.findings = None;
                self.transcripts.entry(conversation.clone()).or_default().restart(seq.number());
            }
            Change::Grouped { outcome, .. } => {
                if let Ok(group) = outcome {
                    self.titled(&group.conversation, group.title.as_ref());
                }
            }
            Change::Fetched { ticket, outcome } => {
                let asked = |transcript: &&mut Transcript| transcript.ticket == Some(*ticket);
                if let Some(transcript) = self.transcripts.values_mut().find(asked) {
                    transcript.ticket = None;
                    match outcome {
                        Ok(page) => transcript.page(page, self.me.as_str()),
                        Err(problem) if transcript.page_refused() => self.refused(problem),
                        Err(_) => {}
                    }
                }
            }
            Change::Conversations { outcome: Ok(listed), .. } => self.listed(listed),
            Change::Recalled { outcome: Err(problem), .. } => self.refused(problem),
            Change::Searched { ticket, outcome } => self.searched(*ticket, outcome.as_ref()),
            Change::Signal(signal) => self.signaled(signal),
            // How far is read and what is unread is the engine's to say.
            Change::Conversations { .. }
            | Change::Recalled { .. }
            | Change::Receipts { .. }
            | Change::Told { .. }
            | Change::Control(_)
            | Change::Read(_) => {}
        }
    }

    /// Takes how many messages are not read in all, and of each conversation how many and how far
    /// somebody else has read.
    pub(crate) fn count(&mut self, total: u64, of: impl Fn(&ConversationId) -> (u64, Seq)) {
        self.unread = total;
        for (id, transcript) in &mut self.transcripts {
            let (unread, read_by) = of(id);
            (transcript.unread, transcript.read_by) = (unread, read_by.number());
        }
    }

    /// Whether somebody types.
    pub(crate) fn is_typed(&self) -> bool {
        self.typing.is_some()
    }

    /// Nobody types any more.
    pub(crate) fn quiet(&mut self) {
        self.typing = None;
    }

    /// The lines of the open conversation.
    pub(crate) fn rows(&self, fits: usize) -> Vec<Row> {
        let open = self.transcripts.get(&self.selected);
        open.map(|open| open.rows(fits)).unwrap_or_default()
    }

    /// The names of all conversations, the one that was active last first.
    pub(crate) fn names(&self) -> impl Iterator<Item = Name> {
        self.order().into_iter().map(|id| Name {
            name: self.name(id),
            badge: self.transcripts.get(id).and_then(|transcript| story::badge(transcript.unread)),
            is_open: *id == self.selected,
        })
    }

    /// What is above them.
    pub(crate) fn heading(&self) -> String {
        match story::badge(self.unread) {
            Some(badge) => format!("Conversations ({badge})"),
            None => "Conversations".to_owned(),
        }
    }

    /// What is above the messages: the conversation's name, and who types.
    pub(crate) fn title(&self) -> String {
        let name = self.name(&self.selected);
        match &self.typing {
            Some((id, user)) if *id == self.selected => format!("{name}: {user} is typing"),
            Some(_) | None => name,
        }
    }

    /// What a conversation is called: the other person, or the group's title; its id until that is
    /// known.
    pub(crate) fn name(&self, id: &ConversationId) -> String {
        if let Party::Group(group) = id.party() {
            return self.titles.get(id).cloned().unwrap_or_else(|| group.to_string());
        }
        let other = id.party().other(&self.me);
        other.map_or_else(|| id.to_string(), |other| other.to_string())
    }

    /// Opens the conversation below the open one.
    pub(crate) fn select_next(&mut self) {
        let order = self.order();
        let next = order.iter().skip_while(|id| **id != &self.selected).nth(1);
        if let Some(next) = next.map(|id| (*id).clone()) {
            self.selected = next;
        }
    }

    /// Opens the conversation above the open one.
    pub(crate) fn select_previous(&mut self) {
        let order = self.order();
        let previous = order.iter().take_while(|id| **id != &self.selected).last();
        if let Some(previous) = previous.map(|id| (*id).clone()) {
            self.selected = previous;
        }
    }

    /// Moves back in the open conversation; what is to be asked for so that there is something
    /// before what is shown.
    pub(crate) fn page_up(&mut self) -> Option<Command> {
        let part = self.transcripts.get_mut(&self.selected)?.page_up(self.fits)?;
        self.fetch(part)
    }

    /// What is to be asked for so that the screen is full.
    pub(crate) fn fill(&mut self) -> Option<Command> {
        let part = self.transcripts.get(&self.selected)?.lack(self.fits)?;
        self.fetch(part)
    }

    /// Searches the open conversation, for as many messages as can be shown.
    pub(crate) fn search(&mut self, words: String) {
        self.ticket += 1;
        let wanted = if self.fits > 0 { self.fits } else { SEARCH_HITS_DEFAULT };
        let open = self.selected.clone();
        self.findings = Some(Findings::new(open, words, wanted, self.ticket));
    }

    /// Moves forward in the open conversation.
    pub(crate) fn page_down(&mut self) {
        if let Some(open) = self.transcripts.get_mut(&self.selected) {
            open.page_down(self.fits);
        }
    }

    /// The newest message of somebody else in the open conversation, if it is on the screen.
    pub(crate) fn seen(&self) -> Seq {
        let open = self.transcripts.get(&self.selected).filter(|open| open.is_at_bottom());
        let open = open.filter(|_| self.findings.is_none());
        let newest = open.map(|open| open.newest_of_others(self.me.as_str()));
        newest.and_then(Seq::new).unwrap_or_default()
    }

    /// The last own message of the open conversation that can be taken back or changed.
    ///
    /// # Errors
    ///
    /// Why there is none, as a sentence.
    pub(crate) fn last_own(&self) -> Result<Seq, &'static str> {
        self.transcripts.get(&self.selected).ok_or("there is nothing here")?.last_own()
    }

    fn fetch(&mut self, part: Part) -> Option<Command> {
        self.ticket += 1;
        self.transcripts.get_mut(&self.selected)?.ticket = Some(self.ticket);
        let conversation = self.selected.clone();
        Some(Command::Fetch { ticket: self.ticket, conversation, part, limit: None })
    }

    /// All conversations, the one that was active last first.
    fn order(&self) -> Vec<&ConversationId> {
        let mut order: Vec<_> = self.transcripts.iter().collect();
        order.sort_by_key(|(_, transcript)| Reverse(transcript.at));
        order.into_iter().map(|(id, _)| id).collect()
    }

    /// Takes a page of the list of conversations: what they are called, and when they were active.
    fn listed(&mut self, listed: &Listed) {
        for row in &listed.conversations {
            self.titled(&row.conversation, row.title.as_ref());
            if let (Ok(id), Some(last)) = (ConversationId::parse(&row.conversation), &row.last) {
                let transcript = self.transcripts.entry(id).or_default();
                transcript.at = transcript.at.max(last.at);
            }
        }
    }

    fn titled(&mut self, conversation: &str, title: Option<&String>) {
        if let (Ok(id), Some(title)) = (ConversationId::parse(conversation), title) {
            self.titles.insert(id, title.clone());
        }
    }

    fn searched(&mut self, ticket: u64, outcome: Result<&Found, &Problem>) {
        let Some(findings) = self.findings.as_mut().filter(|open| open.asked(ticket)) else {
            return;
        };
        match outcome {
            Ok(found) => findings.page(found),
            Err(problem) => {
                self.findings = None;
                self.refused(problem);
            }
        }
    }

    fn signaled(&mut self, signal: &SignalBy) {
        if let Ok(id) = ConversationId::parse(&signal.conversation)
            && signal.kind == TYPING
        {
            self.typing = Some((id, signal.user.clone()));
        }
    }

    fn refused(&mut self, problem: &Problem) {
        self.notice = Some(format!("refused: {}", problem.message));
    }

    fn mark(&mut self, cid: &str, mark: Mark) {
        for transcript in self.transcripts.values_mut() {
            transcript.mark(cid, mark);
        }
    }
}

#[cfg(test)]
mod tests;
