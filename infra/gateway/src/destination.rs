//! Where a mapping tells of batches that it gave up: a file of lines for each destination, instead
//! of the queue, topic or bucket.
//!
//! Source: "Retain discarded records for a DynamoDB event source in Lambda", AWS Lambda developer
//! guide: a queue and a topic get only where the records are, a bucket the whole event as well.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::event::{ACCOUNT, REGION};
use crate::record::{self, Record};
use crate::timestamp::Timestamp;

/// Why a batch was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It was tried as often as the mapping allows.
    Exhausted,
    /// Its records are older than the mapping allows.
    Expired,
}

/// A batch that was given up.
#[derive(Debug)]
pub(crate) struct Discarded<'a> {
    pub(crate) condition: Condition,
    pub(crate) function: &'a str,
    pub(crate) stream: &'a str,
    pub(crate) shard: &'a str,
    /// The records in their order, at least one.
    pub(crate) records: &'a [Record],
    /// How often the function was invoked with them.
    pub(crate) invocations: u32,
    /// The last invocation; `None` where there was none.
    pub(crate) last: Option<&'a Attempt>,
}

/// An invocation that failed.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) request_id: String,
    /// Whether the function failed, and did not just name records that did.
    pub(crate) is_error: bool,
}

/// A queue, a topic or a bucket.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    file: PathBuf,
    takes_payload: bool,
}

impl Destination {
    /// Names the file in `directory` that stands in for the resource `arn`.
    pub(crate) fn new(directory: &Path, arn: &str) -> Self {
        let name = arn.rsplit([':', '/']).next().unwrap_or_default();
        let takes_payload = arn.split(':').nth(2) == Some("s3");
        Self { file: directory.join(format!("{name}.jsonl")), takes_payload }
    }

    /// Appends a line about `discarded`.
    pub(crate) fn tell(&self, discarded: &Discarded<'_>) -> io::Result<()> {
        let mut told = discarded.told(Timestamp::now());
        if self.takes_payload {
            let event: Bytes = record::event(discarded.records);
            told["payload"] = String::from_utf8_lossy(&event).into();
        }
        if let Some(directory) = self.file.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&self.file)?;
        file.write_all(format!("{told}\n").as_bytes())
    }
}

impl Discarded<'_> {
    fn told(&self, now: Timestamp) -> Value {
        let (first, last) = (self.records.first(), self.records.last());
        let sequence = |record: Option<&Record>| record.map(|record| record.sequence.clone());
        let arrival = |record: Option<&Record>| record.map(|r| r.created.iso_8601_seconds());
        let condition = match self.condition {
            Condition::Exhausted => "RetryAttemptsExhausted",
            Condition::Expired => "RecordAgeExceeded",
        };
        let response = self.last.map(|attempt| {
            json!({
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": attempt.is_error.then_some("Unhandled"),
            })
        });
        let function = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", self.function);
        json!({
            "requestContext": {
                "requestId": self.last.map(|attempt| &attempt.request_id),
                "functionArn": function,
                "condition": condition,
                "approximateInvokeCount": self.invocations,
            },
            "responseContext": response,
            "version": "1.0",
            "timestamp": now.iso_8601(),
            "DDBStreamBatchInfo": {
                "shardId": self.shard,
                "startSequenceNumber": sequence(first),
                "endSequenceNumber": sequence(last),
                "approximateArrivalOfFirstRecord": arrival(first),
                "approximateArrivalOfLastRecord": arrival(last),
                "batchSize": self.records.len(),
                "streamArn": self.stream,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(sequence: &str, seconds: u64) -> Record {
        let dynamodb = json!({"SequenceNumber": sequence, "ApproximateCreationDateTime": seconds});
        Record::new(0, &json!({"dynamodb": dynamodb}))
    }

    #[test]
    fn what_is_told_is_the_documented_example() {
        let records = [record("800", 1_573_690_399)];
        let request_id = "316aa6d0-8154-4aaa-9af7-85d5f4a6bc81".to_owned();
        let attempt = Attempt { request_id, is_error: true };
        let discarded = Discarded {
            condition: Condition::Exhausted,
            function: "myfunction",
            stream: "arn:aws:dynamodb:us-east-1:123456789012:table/mytable/stream/1",
            shard: "shardId-00000001573689847184-864758bb",
            records: &records,
            invocations: 1,
            last: Some(&attempt),
        };
        let expected = json!({
            "requestContext": {
                "requestId": "316aa6d0-8154-4aaa-9af7-85d5f4a6bc81",
                "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:myfunction",
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 1
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled"
            },
            "version": "1.0",
            "timestamp": "2019-11-14T00:13:49.717Z",
            "DDBStreamBatchInfo": {
                "shardId": "shardId-00000001573689847184-864758bb",
                "startSequenceNumber": "800",
                "endSequenceNumber": "800",
                "approximateArrivalOfFirstRecord": "2019-11-14T00:13:19Z",
                "approximateArrivalOfLastRecord": "2019-11-14T00:13:19Z",
                "batchSize": 1,
                "streamArn": "arn:aws:dynamodb:us-east-1:123456789012:table/mytable/stream/1"
            }
        });
        assert_eq!(discarded.told(Timestamp(1_573_690_429_717)), expected);
    }

    #[test]
    fn a_bucket_alone_takes_the_records() {
        let folder = tempfile::tempdir().unwrap();
        let records = [record("800", 1), record("801", 2)];
        let discarded = Discarded {
            condition: Condition::Expired,
            function: "F",
            stream: "",
            shard: "",
            records: &records,
            invocations: 0,
            last: None,
        };
        for (arn, has_payload) in [
            ("arn:aws:sqs:us-east-1:123456789012:Queue", false),
            ("arn:aws:sns:us-east-1:123456789012:Topic", false),
            ("arn:aws:s3:::Bucket", true),
        ] {
            Destination::new(folder.path(), arn).tell(&discarded).unwrap();
            let name = arn.rsplit(':').next().unwrap();
            let text = fs::read_to_string(folder.path().join(format!("{name}.jsonl"))).unwrap();
            let told: Value = serde_json::from_str(text.strip_suffix('\n').unwrap()).unwrap();
            assert_eq!(told["requestContext"]["condition"], "RecordAgeExceeded");
            assert_eq!(told["responseContext"], Value::Null);
            let payload = told["payload"].as_str().map(|text| text.as_bytes().to_vec());
            assert_eq!(payload, has_payload.then(|| record::event(&records).to_vec()));
        }
    }
}
