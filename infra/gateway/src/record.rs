//! A record of a table's stream as Lambda hands it over, and the event of a batch.

use bytes::Bytes;
use serde_json::Value;

use crate::timestamp::Timestamp;

/// A record on its way to a function.
#[derive(Debug)]
pub(crate) struct Record {
    /// Its place in the mapping's progress.
    pub(crate) place: u64,
    /// Its sequence number, 21 to 40 digits.
    pub(crate) sequence: String,
    /// When it was written, to the second, as AWS tells it.
    pub(crate) created: Timestamp,
    /// All of it.
    pub(crate) json: String,
}

impl Record {
    /// Takes the record `value`, whose shape is [`shaped`].
    pub(crate) fn new(place: u64, value: &Value) -> Self {
        let seconds = value["dynamodb"]["ApproximateCreationDateTime"].as_u64().unwrap_or_default();
        let created = Timestamp(seconds.saturating_mul(1000));
        Self { place, sequence: sequence(value).to_owned(), created, json: value.to_string() }
    }
}

/// Tells the sequence number of a record.
pub(crate) fn sequence(value: &Value) -> &str {
    value["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default()
}

/// Turns what `GetRecords` answers into what Lambda hands over: the stream's ARN is added, the
/// region is the stream's, and the time is a whole number.
///
/// Source: "DynamoDB Streams record event" in "Using AWS Lambda with Amazon DynamoDB".
pub(crate) fn shaped(mut value: Value, stream: &str) -> Value {
    let region = stream.split(':').nth(3).unwrap_or_default();
    value["awsRegion"] = region.into();
    value["eventSourceARN"] = stream.into();
    let time = &mut value["dynamodb"]["ApproximateCreationDateTime"];
    let whole = time.to_string().split('.').next().and_then(|digits| digits.parse::<u64>().ok());
    *time = whole.unwrap_or_default().into();
    value
}

/// Spells the event that hands `records` over.
pub(crate) fn event(records: &[Record]) -> Bytes {
    let records: Vec<_> = records.iter().map(|record| record.json.as_str()).collect();
    format!(r#"{{"Records":[{}]}}"#, records.join(",")).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_gains_what_lambda_adds() {
        let stream = "arn:aws:dynamodb:eu-west-1:123456789012:table/T/stream/1";
        let read = json!({
            "awsRegion": "local",
            "dynamodb": {"ApproximateCreationDateTime": 1_480_642_020.0, "SequenceNumber": "77"},
        });
        let value = shaped(read, stream);
        let expected = json!({
            "awsRegion": "eu-west-1",
            "dynamodb": {"ApproximateCreationDateTime": 1_480_642_020, "SequenceNumber": "77"},
            "eventSourceARN": stream,
        });
        assert_eq!(value.to_string(), expected.to_string());
        let record = Record::new(3, &value);
        assert_eq!((record.place, record.sequence.as_str()), (3, "77"));
        assert_eq!(record.created, Timestamp(1_480_642_020_000));
        assert_eq!(event(&[record]), format!(r#"{{"Records":[{expected}]}}"#));
    }
}
