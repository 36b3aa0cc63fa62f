//! What a function's answer says about its batch.
//!
//! Source: "Configuring partial batch response with DynamoDB and Lambda", AWS Lambda developer
//! guide: an answer that is null, empty, or has a null or empty list is a complete success; an
//! identifier that is empty, null or under another name is a complete failure; otherwise everything
//! before the lowest sequence number succeeded.

use serde_json::Value;

use crate::pool::{Failure, Outcome};
use crate::record::Record;

/// What becomes of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every record has ended.
    Success,
    /// The records from this index on are to be tried again.
    From(usize),
    /// All are to be tried again.
    Failure,
    /// The function was not invoked; that counts as no attempt.
    Throttled,
}

impl Verdict {
    /// Judges `outcome`; what the function answers counts only where it `reports` failures.
    pub(crate) fn of(outcome: &Outcome, records: &[Record], reports: bool) -> Self {
        match outcome {
            Ok(answer) if reports => Self::reported(answer, records),
            Ok(_) => Self::Success,
            Err(Failure::Refused) => Self::Throttled,
            Err(
                Failure::Raised { .. }
                | Failure::Crashed
                | Failure::TimedOut
                | Failure::NotStarted
                | Failure::TooLarge,
            ) => Self::Failure,
        }
    }

    fn reported(answer: &[u8], records: &[Record]) -> Self {
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let Some(failures) = answer["batchItemFailures"].as_array() else { return Self::Success };
        let mut lowest = None;
        for failure in failures {
            let sequence = failure["itemIdentifier"].as_str();
            let index = sequence
                .and_then(|sequence| records.iter().position(|record| record.sequence == sequence));
            let Some(index) = index else { return Self::Failure };
            lowest = Some(lowest.map_or(index, |lowest: usize| lowest.min(index)));
        }
        lowest.map_or(Self::Success, Self::From)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(answer: &str, reports: bool) -> Verdict {
        let record =
            |sequence: &str| Record::new(0, &json!({"dynamodb": {"SequenceNumber": sequence}}));
        let records = ["10", "11", "12"].map(record);
        Verdict::of(&Ok(answer.to_owned().into()), &records, reports)
    }

    #[test]
    fn an_answer_that_names_nothing_is_a_success() {
        for answer in [
            "",
            "null",
            "{}",
            "nonsense",
            "[]",
            r#""text""#,
            r#"{"batchItemFailures":null}"#,
            r#"{"batchItemFailures":[]}"#,
            r#"{"batchItemFailures":"10"}"#,
        ] {
            assert_eq!(judged(answer, true), Verdict::Success, "{answer}");
        }
    }

    #[test]
    fn the_lowest_that_is_named_is_where_it_goes_on() {
        let answer = r#"{"batchItemFailures":[{"itemIdentifier":"12"},{"itemIdentifier":"11"}]}"#;
        assert_eq!(judged(answer, true), Verdict::From(1));
        assert_eq!(judged(answer, false), Verdict::Success);
    }

    #[test]
    fn a_name_that_cannot_be_read_fails_all() {
        for element in [
            r#"{"itemIdentifier":"99"}"#,
            r#"{"itemIdentifier":""}"#,
            r#"{"itemIdentifier":null}"#,
            r#"{"identifier":"11"}"#,
            r#""11""#,
            "null",
        ] {
            let answer =
                format!(r#"{{"batchItemFailures":[{{"itemIdentifier":"11"}},{element}]}}"#);
            assert_eq!(judged(&answer, true), Verdict::Failure, "{answer}");
        }
    }

    #[test]
    fn a_refused_invocation_is_no_attempt() {
        assert_eq!(Verdict::of(&Err(Failure::Refused), &[], true), Verdict::Throttled);
        assert_eq!(Verdict::of(&Err(Failure::TimedOut), &[], true), Verdict::Failure);
    }
}
