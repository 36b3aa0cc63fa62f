//! What a run would have cost on AWS.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::price;

/// What a run used, by the units that AWS bills.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    /// Request units by table.
    pub tables: BTreeMap<String, TableUse>,
    /// Published messages by topic.
    pub topics: BTreeMap<String, TopicUse>,
    /// Time and calls by function.
    pub functions: BTreeMap<String, FunctionUse>,
    /// Metered frames from clients.
    pub frames_in: u64,
    /// Metered frames to clients.
    pub frames_out: u64,
    /// How long connections were open, in milliseconds, all of them together.
    pub connection_milliseconds: u64,
    /// The route whose frames are [`Bill::messages`]; `None` where all routes count.
    pub message_route: Option<String>,
    /// What the run was for: the messages that the cost is divided by.
    pub messages: u64,
}

/// What the requests to one table used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableUse {
    /// Read request units.
    pub read_units: f64,
    /// Write request units of writes that happened.
    pub write_units: f64,
    /// Write request units of writes that a condition refused, billed like the others.
    pub failed_write_units: f64,
    /// Requests.
    pub requests: u64,
}

/// What was published to one topic; a repetition counts as any other message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicUse {
    /// Whether it is a FIFO topic, which is billed by the message.
    pub is_fifo: bool,
    /// Requests as a standard topic bills them: by 64 KB.
    pub requests: u64,
    /// Messages.
    pub messages: u64,
    /// Their bytes, attributes included.
    pub bytes: u64,
}

/// What the invocations of one function used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionUse {
    /// Invocations, failed ones included.
    pub invocations: u64,
    /// Invocations that failed: an error, a crash, or a time-out.
    pub failures: u64,
    /// Billed milliseconds, each invocation rounded up to a whole one.
    pub milliseconds: u64,
    /// The function's memory in MB.
    pub memory_mb: u32,
}

impl FunctionUse {
    /// Billed gigabyte-seconds.
    pub fn gigabyte_seconds(&self) -> f64 {
        let gigabytes = f64::from(self.memory_mb) / price::MEGABYTES_PER_GIGABYTE;
        number(self.milliseconds) / 1000.0 * gigabytes
    }
}

impl Bill {
    /// What reads and writes cost, in dollars.
    pub fn table_dollars(&self) -> f64 {
        let dollars = |table: &TableUse| {
            (table.write_units + table.failed_write_units) * price::MILLION_WRITE_UNITS
                + table.read_units * price::MILLION_READ_UNITS
        };
        self.tables.values().map(dollars).fold(0.0, std::ops::Add::add) / MILLION
    }

    /// What publishing costs, in dollars.
    pub fn topic_dollars(&self) -> f64 {
        let dollars = |topic: &TopicUse| match topic.is_fifo {
            true => {
                number(topic.messages) * price::MILLION_FIFO_MESSAGES / MILLION
                    + number(topic.bytes) * price::FIFO_GIGABYTE / price::BYTES_PER_GIGABYTE
            }
            false => number(topic.requests) * price::MILLION_PUBLISH_REQUESTS / MILLION,
        };
        self.topics.values().map(dollars).fold(0.0, std::ops::Add::add)
    }

    /// What frames and open connections cost, in dollars.
    pub fn connection_dollars(&self) -> f64 {
        let frames = number(self.frames_in + self.frames_out) * price::MILLION_FRAMES;
        let minutes = self.connection_minutes() * price::MILLION_CONNECTION_MINUTES;
        (frames + minutes) / MILLION
    }

    /// What invocations cost, in dollars.
    pub fn function_dollars(&self) -> f64 {
        let dollars = |function: &FunctionUse| {
            function.gigabyte_seconds() * price::GIGABYTE_SECOND
                + number(function.invocations) * price::MILLION_INVOCATIONS / MILLION
        };
        self.functions.values().map(dollars).fold(0.0, std::ops::Add::add)
    }

    /// What everything cost, in dollars.
    pub fn dollars(&self) -> f64 {
        let requests = self.table_dollars() + self.topic_dollars();
        requests + self.connection_dollars() + self.function_dollars()
    }

    /// What a million messages cost, in dollars; `None` where no message came.
    pub fn dollars_per_million_messages(&self) -> Option<f64> {
        (self.messages > 0).then(|| self.dollars() / number(self.messages) * MILLION)
    }

    /// How long connections were open, in minutes, all of them together.
    pub fn connection_minutes(&self) -> f64 {
        number(self.connection_milliseconds) / 60_000.0
    }
}

const MILLION: f64 = 1_000_000.0;

/// Counts are far below 2^53, where `f64` still holds every integer.
fn number(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of a run is far below 2^53")]
    let number = count as f64;
    number
}

impl fmt::Display for Bill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "What this run would have cost on AWS (us-east-1, on demand)")?;
        self.fmt_tables(formatter)?;
        self.fmt_topics(formatter)?;
        self.fmt_functions(formatter)?;
        writeln!(
            formatter,
            "  {:<28} {:>12} {:>12} {:>12}",
            "connections", "in", "out", "minutes"
        )?;
        let (frames_in, frames_out) = (self.frames_in, self.frames_out);
        let minutes = self.connection_minutes();
        writeln!(
            formatter,
            "    {:<26} {frames_in:>12} {frames_out:>12} {minutes:>12.1}",
            "frames"
        )?;
        let mut dollars_by_name = vec![("tables", self.table_dollars())];
        if !self.topics.is_empty() {
            dollars_by_name.push(("topics", self.topic_dollars()));
        }
        dollars_by_name.extend([
            ("functions", self.function_dollars()),
            ("connections", self.connection_dollars()),
            ("total", self.dollars()),
        ]);
        for (name, dollars) in dollars_by_name {
            writeln!(formatter, "  {name:<28} ${dollars:>11.6}")?;
        }
        let messages = self.messages;
        let route = match &self.message_route {
            Some(route) => format!("messages on `{route}`"),
            None => "messages".to_owned(),
        };
        match self.dollars_per_million_messages() {
            Some(dollars) => write!(formatter, "  {messages} {route}: ${dollars:.2} per million"),
            None => write!(formatter, "  no {route}"),
        }
    }
}

impl Bill {
    fn fmt_tables(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tables.is_empty() {
            return Ok(());
        }
        let (write, failed, read) = ("write units", "refused", "read units");
        writeln!(formatter, "  {:<28} {write:>12} {failed:>12} {read:>12}", "tables")?;
        for (name, table) in &self.tables {
            let TableUse { read_units, write_units, failed_write_units, .. } = table;
            writeln!(
                formatter,
                "    {name:<26} {write_units:>12.1} {failed_write_units:>12.1} {read_units:>12.1}",
            )?;
        }
        Ok(())
    }

    fn fmt_topics(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.topics.is_empty() {
            return Ok(());
        }
        let (messages, bytes) = ("messages", "bytes");
        writeln!(formatter, "  {:<28} {messages:>12} {bytes:>12}", "topics")?;
        for (name, TopicUse { messages, bytes, .. }) in &self.topics {
            writeln!(formatter, "    {name:<26} {messages:>12} {bytes:>12}")?;
        }
        Ok(())
    }

    fn fmt_functions(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.functions.is_empty() {
            return Ok(());
        }
        let (calls, time, memory) = ("invocations", "ms", "GB-s");
        writeln!(formatter, "  {:<28} {calls:>12} {time:>12} {memory:>12}", "functions")?;
        for (name, function) in &self.functions {
            let FunctionUse { invocations, milliseconds, .. } = function;
            let gigabyte_seconds = function.gigabyte_seconds();
            writeln!(
                formatter,
                "    {name:<26} {invocations:>12} {milliseconds:>12} {gigabyte_seconds:>12.3}",
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn million_messages() -> Bill {
        let inbox = TableUse {
            read_units: 2_000_000.0,
            write_units: 1_000_000.0,
            failed_write_units: 1000.0,
            requests: 2_000_000,
        };
        let send = FunctionUse {
            invocations: 1_000_000,
            failures: 0,
            milliseconds: 8_000_000,
            memory_mb: 128,
        };
        Bill {
            tables: BTreeMap::from([("InboxTable".to_owned(), inbox)]),
            topics: BTreeMap::new(),
            functions: BTreeMap::from([("SendFunction".to_owned(), send)]),
            frames_in: 1_000_000,
            frames_out: 2_000_000,
            connection_milliseconds: 90_000,
            message_route: Some("send".to_owned()),
            messages: 1_000_000,
        }
    }

    #[test]
    fn the_print_is_a_table() {
        expect![[r#"
            What this run would have cost on AWS (us-east-1, on demand)
              tables                        write units      refused   read units
                InboxTable                    1000000.0       1000.0    2000000.0
              functions                     invocations           ms         GB-s
                SendFunction                    1000000      8000000     1000.000
              connections                            in          out      minutes
                frames                          1000000      2000000          1.5
              tables                       $   0.875625
              functions                    $   0.213333
              connections                  $   3.000000
              total                        $   4.088959
              1000000 messages on `send`: $4.09 per million"#]]
        .assert_eq(&million_messages().to_string());
    }

    #[test]
    fn a_topic_has_lines_of_its_own() {
        let fifo =
            TopicUse { is_fifo: true, requests: 100_000, messages: 1_000_000, bytes: 250_000_000 };
        let standard = TopicUse { is_fifo: false, ..fifo };
        let topics = [("News", standard), ("OfflineTopic", fifo)];
        let topics = topics.map(|(name, used)| (name.to_owned(), used));
        let bill = Bill { topics: BTreeMap::from(topics), ..Bill::default() };
        expect![[r#"
            What this run would have cost on AWS (us-east-1, on demand)
              topics                           messages        bytes
                News                            1000000    250000000
                OfflineTopic                    1000000    250000000
              connections                            in          out      minutes
                frames                                0            0          0.0
              tables                       $   0.000000
              topics                       $   0.353958
              functions                    $   0.000000
              connections                  $   0.000000
              total                        $   0.353958
              no messages"#]]
        .assert_eq(&bill.to_string());
    }

    #[test]
    fn no_message_costs_nothing_for_each() {
        let bill = Bill::default();
        assert_eq!(bill.dollars_per_million_messages(), None);
        let print = bill.to_string();
        assert!(print.ends_with("no messages"), "{print}");
        assert!(!print.contains("-0"), "{print}");
    }

    #[test]
    fn a_bill_survives_json() {
        let bill = million_messages();
        let text = serde_json::to_string(&bill).unwrap();
        assert_eq!(serde_json::from_str::<Bill>(&text).unwrap(), bill);
    }
}
