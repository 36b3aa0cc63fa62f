//! What can be made to go wrong, and how it is spelled on the command line.
//!
//! | text                                      | what happens                                     |
//! |-------------------------------------------|--------------------------------------------------|
//! | `kill:SendFunction:before:PutItem:Inbox:2`| the process dies at its function's second such   |
//! | `kill:SendFunction:after:*:*:1`           | operation; `*` matches every operation or table  |
//! | `kill:SendFunction:before:post:1`         | the process dies at the first post it makes      |
//! | `kill:SendFunction:before:Publish:1`      | the process dies at its function's first request |
//! |                                           | to a topic                                       |
//! | `kill:SendFunction:0.01`                  | at one operation of the function in a hundred    |
//! |                                           | its process dies, before it or after it; `*`     |
//! |                                           | matches every function                           |
//! | `throttle:Inbox:0.1`                      | one request in ten to the table is throttled     |
//! | `fail:Inbox:0.1`                          | one in ten is answered 500 and not carried out   |
//! | `lose-answers:Inbox:0.1`                  | one in ten is carried out and never answered     |
//! | `lose-posts:0.05`                         | posts are answered 200 and never sent            |
//! | `gone-posts:0.05`                         | posts are answered 410 though the peer is there  |
//! | `throttle-posts:0.05`                     | posts are answered 429                           |
//! | `throttle-publishes:0.05`                 | requests to topics are throttled                 |
//! | `slow-posts:250ms`                        | every post takes this much longer                |
//! | `slow-posts:250ms:0.1`                    | one post in ten does, and others overtake it     |
//! | `throttle-connects:0.05`                  | handshakes are answered 429                      |
//! | `cut-connections:0.01`                    | after one message in a hundred of a client its   |
//! |                                           | connection ends without a close frame            |
//! | `lose-disconnects:1`                      | `$disconnect` is not invoked                     |
//!
//! An operation is a request to a table or a topic, or a post.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Something that is made to go wrong.
///
/// A kill at a place happens once, at the Nth match after it was armed; the others last until
/// disarmed. Probabilities are from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Ends the process that makes a request to DynamoDB.
    KillAtTable {
        /// The function whose requests are counted.
        function: String,
        /// Whether the request is still carried out.
        moment: Moment,
        /// For example `PutItem`; `*` is any.
        operation: String,
        /// The table's name; `*` is any.
        table: String,
        /// Which match it is, from 1.
        nth: u64,
    },
    /// Ends the process that posts to a connection.
    KillAtPost {
        /// The function whose posts are counted.
        function: String,
        /// Whether the post is still carried out.
        moment: Moment,
        /// Which post it is, from 1.
        nth: u64,
    },
    /// Ends the process that publishes to a topic.
    KillAtPublish {
        /// The function whose requests are counted.
        function: String,
        /// Whether the request is still carried out.
        moment: Moment,
        /// Which request it is, from 1; a batch is one.
        nth: u64,
    },
    /// Ends processes at any of their operations, again and again.
    KillAtRandom {
        /// The function whose processes end; `*` is any.
        function: String,
        /// At how many of the operations, half of which are carried out.
        probability: f64,
    },
    /// Throttles requests to a table.
    ThrottleTable {
        /// The table's name; `*` is any.
        table: String,
        /// How many of the requests.
        probability: f64,
    },
    /// Answers requests to a table with status 500, and does not carry them out.
    FailTable {
        /// The table's name; `*` is any.
        table: String,
        /// How many of the requests.
        probability: f64,
    },
    /// Carries requests to a table out and closes the connection instead of answering.
    LoseAnswers {
        /// The table's name; `*` is any.
        table: String,
        /// How many of the requests.
        probability: f64,
    },
    /// Answers posts with 200 and sends nothing.
    LosePosts {
        /// How many of the posts.
        probability: f64,
    },
    /// Answers posts with 410 though the connection is open.
    GonePosts {
        /// How many of the posts.
        probability: f64,
    },
    /// Answers posts with 429.
    ThrottlePosts {
        /// How many of the posts.
        probability: f64,
    },
    /// Throttles requests to topics.
    ThrottlePublishes {
        /// How many of the requests.
        probability: f64,
    },
    /// Holds posts back before they are carried out.
    SlowPosts {
        /// How long.
        delay: Duration,
        /// How many of the posts.
        probability: f64,
    },
    /// Answers handshakes with 429 before any function is asked.
    ThrottleConnects {
        /// How many of the handshakes.
        probability: f64,
    },
    /// Ends connections without a close frame, after a message of the client was taken.
    CutConnections {
        /// How many of the messages.
        probability: f64,
    },
    /// Does not invoke `$disconnect` when a connection ends.
    LoseDisconnects {
        /// How many of the ends.
        probability: f64,
    },
}

/// On which side of an operation a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The operation is not carried out.
    Before,
    /// The operation is carried out, and its answer reaches no one.
    After,
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Before => "before",
            Self::After => "after",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillAtTable { function, moment, operation, table, nth } => {
                write!(formatter, "kill:{function}:{moment}:{operation}:{table}:{nth}")
            }
            Self::KillAtPost { function, moment, nth } => {
                write!(formatter, "kill:{function}:{moment}:post:{nth}")
            }
            Self::KillAtPublish { function, moment, nth } => {
                write!(formatter, "kill:{function}:{moment}:Publish:{nth}")
            }
            Self::KillAtRandom { function, probability } => {
                write!(formatter, "kill:{function}:{probability}")
            }
            Self::ThrottleTable { table, probability } => {
                write!(formatter, "throttle:{table}:{probability}")
            }
            Self::FailTable { table, probability } => {
                write!(formatter, "fail:{table}:{probability}")
            }
            Self::LoseAnswers { table, probability } => {
                write!(formatter, "lose-answers:{table}:{probability}")
            }
            Self::LosePosts { probability } => write!(formatter, "lose-posts:{probability}"),
            Self::GonePosts { probability } => write!(formatter, "gone-posts:{probability}"),
            Self::ThrottlePosts { probability } => {
                write!(formatter, "throttle-posts:{probability}")
            }
            Self::ThrottlePublishes { probability } => {
                write!(formatter, "throttle-publishes:{probability}")
            }
            Self::SlowPosts { delay, probability } => {
                write!(formatter, "slow-posts:{}ms", delay.as_millis())?;
                if *probability < 1.0 { write!(formatter, ":{probability}") } else { Ok(()) }
            }
            Self::ThrottleConnects { probability } => {
                write!(formatter, "throttle-connects:{probability}")
            }
            Self::CutConnections { probability } => {
                write!(formatter, "cut-connections:{probability}")
            }
            Self::LoseDisconnects { probability } => {
                write!(formatter, "lose-disconnects:{probability}")
            }
        }
    }
}

/// A fault whose text is of none of the known forms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no fault is spelled `{text}`; for example `kill:Send:before:PutItem:Inbox:2`")]
pub struct ParseFaultError {
    /// What was given.
    pub text: String,
}

impl FromStr for Fault {
    type Err = ParseFaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseFaultError { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<Fault> {
    let parts: Vec<&str> = text.split(':').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return None;
    }
    match parts[..] {
        ["kill", function, moment, "post", nth] => Some(Fault::KillAtPost {
            function: function.to_owned(),
            moment: parse_moment(moment)?,
            nth: parse_nth(nth)?,
        }),
        ["kill", function, moment, "Publish", nth] => Some(Fault::KillAtPublish {
            function: function.to_owned(),
            moment: parse_moment(moment)?,
            nth: parse_nth(nth)?,
        }),
        ["kill", function, moment, operation, table, nth] => Some(Fault::KillAtTable {
            function: function.to_owned(),
            moment: parse_moment(moment)?,
            operation: operation.to_owned(),
            table: table.to_owned(),
            nth: parse_nth(nth)?,
        }),
        ["slow-posts", delay] => {
            Some(Fault::SlowPosts { delay: parse_delay(delay)?, probability: 1.0 })
        }
        ["slow-posts", delay, probability] => Some(Fault::SlowPosts {
            delay: parse_delay(delay)?,
            probability: parse_probability(probability)?,
        }),
        [name, whose, probability] => {
            let (whose, probability) = (whose.to_owned(), parse_probability(probability)?);
            match name {
                "kill" => Some(Fault::KillAtRandom { function: whose, probability }),
                "throttle" => Some(Fault::ThrottleTable { table: whose, probability }),
                "fail" => Some(Fault::FailTable { table: whose, probability }),
                "lose-answers" => Some(Fault::LoseAnswers { table: whose, probability }),
                _ => None,
            }
        }
        [name, probability] => {
            let probability = parse_probability(probability)?;
            match name {
                "lose-posts" => Some(Fault::LosePosts { probability }),
                "gone-posts" => Some(Fault::GonePosts { probability }),
                "throttle-posts" => Some(Fault::ThrottlePosts { probability }),
                "throttle-publishes" => Some(Fault::ThrottlePublishes { probability }),
                "throttle-connects" => Some(Fault::ThrottleConnects { probability }),
                "cut-connections" => Some(Fault::CutConnections { probability }),
                "lose-disconnects" => Some(Fault::LoseDisconnects { probability }),
                _ => None,
            }
        }
        _ => None,
    }
}

fn parse_moment(text: &str) -> Option<Moment> {
    match text {
        "before" => Some(Moment::Before),
        "after" => Some(Moment::After),
        _ => None,
    }
}

fn parse_nth(text: &str) -> Option<u64> {
    text.parse().ok().filter(|nth| *nth >= 1)
}

fn parse_delay(text: &str) -> Option<Duration> {
    text.strip_suffix("ms")?.parse().ok().map(Duration::from_millis)
}

fn parse_probability(text: &str) -> Option<f64> {
    text.parse().ok().filter(|probability| (0.0..=1.0).contains(probability))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_displayed_is_parsed_again() {
        for text in [
            "kill:SendFunction:before:PutItem:InboxTable:2",
            "kill:SendFunction:after:*:*:1",
            "kill:SendFunction:before:post:1",
            "kill:SendFunction:after:Publish:2",
            "kill:SendFunction:0.01",
            "kill:*:1",
            "throttle:InboxTable:0.1",
            "fail:InboxTable:0.1",
            "lose-answers:*:0.1",
            "lose-posts:0.05",
            "gone-posts:1",
            "throttle-posts:0.5",
            "throttle-publishes:0.5",
            "slow-posts:250ms",
            "slow-posts:250ms:0.1",
            "throttle-connects:0.5",
            "cut-connections:0.01",
            "lose-disconnects:1",
        ] {
            let fault: Fault = text.parse().unwrap();
            assert_eq!(fault.to_string(), text);
        }
    }

    #[test]
    fn what_is_of_no_known_form_is_refused() {
        for text in [
            "",
            "kill",
            "kill:SendFunction:during:PutItem:InboxTable:2",
            "kill:SendFunction:before:PutItem:InboxTable:0",
            "kill::before:PutItem:InboxTable:1",
            "kill:SendFunction:before:Publish",
            "throttle:InboxTable:1.5",
            "throttle:InboxTable:NaN",
            "lose-posts:-0.1",
            "slow-posts:250",
            "slow-posts:250ms:2",
            "kill:SendFunction:2",
            "lose-answers:0.1",
            "cut-connections:*:0.1",
            "lose-everything:1",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap_err().text, text);
        }
    }
}
