//! Metrics: every logged event with a field `metric` is counted under that name.
//!
//! A line of its own in the embedded metric format makes the count a metric of CloudWatch, without
//! a request and without a permission. Source: "Specification: embedded metric format", in the user
//! guide of CloudWatch.

use std::fmt;
use std::io::Write;

use chat::Clock;
use serde_json::{Value, json};
use timeline::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::wall::WallClock;

/// An answer that was our fault, or our store's.
pub const FAILED: &str = "Failed";
/// A client that was told to wait, by us or because the store is throttled.
pub const SLOW_MODE: &str = "SlowMode";
/// A record of a stream that is not done, and comes again.
pub const RECORD_LEFT: &str = "RecordsLeft";

/// Everything that is counted.
pub const ALL: [&str; 5] =
    [FAILED, SLOW_MODE, RECORD_LEFT, chat::metric::FAN_OUT_FINISHED, chat::metric::FAN_OUT_LEFT];

/// What metrics are of.
pub const NAMESPACE: &str = "Tideline";

/// By what they are told apart: a variable of Lambda's own, and a dimension of its own metrics.
const DIMENSION: &str = "FunctionName";

/// Counts events to standard output.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// The function's name.
    pub(crate) function: String,
}

impl<S: Subscriber> Layer<S> for Metrics {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut name = Name(None);
        event.record(&mut name);
        if let Some(name) = name.0 {
            let line = line(&name, &self.function, WallClock.now());
            // Standard output is the log: where it is gone, there is nobody to tell.
            drop(writeln!(std::io::stdout(), "{line}"));
        }
    }
}

/// One of a metric, in the embedded metric format.
fn line(name: &str, function: &str, at: Timestamp) -> Value {
    json!({
        "_aws": {
            "Timestamp": at.0,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [[DIMENSION]],
                "Metrics": [{"Name": name, "Unit": "Count"}],
            }],
        },
        DIMENSION: function,
        name: 1,
    })
}

/// The metric that an event names.
struct Name(Option<String>);

impl Visit for Name {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "metric" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_one_line_that_cloudwatch_reads() {
        let line = line("Failed", "SendFunction", Timestamp(1_763_917_045_123));
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(line["_aws"]["Timestamp"], 1_763_917_045_123_u64);
        assert_eq!(directive["Namespace"], "Tideline");
        // What a directive names is a member of the line.
        let dimension = directive["Dimensions"][0][0].as_str().unwrap();
        assert_eq!(line[dimension], "SendFunction");
        let metric = directive["Metrics"][0]["Name"].as_str().unwrap();
        assert_eq!((metric, &line[metric]), ("Failed", &json!(1)));
        assert!(!line.to_string().contains('\n'));
    }
}
