//! What a line that was written in `chat` asks for.

/// The letter that a command begins with; two of them begin a text with one.
const SIGN: char = '/';

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// This is to be said.
    Say(String),
    /// The last own message is to be taken back.
    Recall,
    /// The last own message is to say this.
    Edit(String),
    /// Messages of the conversation that say this are to be shown.
    Search(String),
}

impl Wish {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// Why it asks for nothing, as a sentence.
    pub(crate) fn read(line: &str) -> Result<Self, &'static str> {
        let Some(command) = line.strip_prefix(SIGN) else { return Ok(Self::Say(line.to_owned())) };
        let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
        match (name, rest.trim()) {
            _ if command.starts_with(SIGN) => Ok(Self::Say(command.to_owned())),
            ("recall", "") => Ok(Self::Recall),
            ("recall", _) => Err("/recall takes back the last message, and says nothing"),
            ("edit", "") => Err("/edit TEXT: what is the last message to say?"),
            ("edit", text) => Ok(Self::Edit(text.to_owned())),
            ("search", "") => Err("/search WORDS: what is to be found?"),
            // White space at the end tells that the last word is whole.
            ("search", _) => Ok(Self::Search(rest.trim_start().to_owned())),
            (_, _) => Err(
                "the commands are /recall, /edit TEXT and /search WORDS; // begins a text with a /",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_text_or_a_command() {
        let say = |text: &str| Ok(Wish::Say(text.to_owned()));
        assert_eq!(Wish::read("hello /recall"), say("hello /recall"));
        assert_eq!(Wish::read("//recall"), say("/recall"));
        assert_eq!(Wish::read("/recall"), Ok(Wish::Recall));
        assert_eq!(Wish::read("/edit  at six "), Ok(Wish::Edit("at six".to_owned())));
        assert_eq!(Wish::read("/search  tea "), Ok(Wish::Search("tea ".to_owned())));
        for wrong in
            ["/", "/edit", "/edit ", "/search", "/search  ", "/recall it", "/recalls", "/help"]
        {
            assert!(Wish::read(wrong).is_err(), "{wrong}");
        }
    }
}
