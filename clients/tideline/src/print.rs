//! Standard output: one line at a time, whole and at once.

use std::io::Write;

use chrono::DateTime;
use serde::Serialize;

use crate::error::Error;

/// Prints a line.
pub(crate) fn line(text: &str) -> Result<(), Error> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{text}")?;
    output.flush()?;
    Ok(())
}

/// Prints a value as a line of JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<(), Error> {
    let text = serde_json::to_string(value).expect("what is printed has text for keys");
    line(&text)
}

/// A time as a person reads it, in UTC; `at` is in milliseconds since 1970.
pub(crate) fn time(at: u64) -> String {
    let time = i64::try_from(at).ok().and_then(DateTime::from_timestamp_millis);
    time.map_or_else(|| at.to_string(), |time| time.format("%Y-%m-%d %H:%M").to_string())
}

/// The letters of somebody's text, without what would end a line or move the cursor.
pub(crate) fn letters(text: &str) -> impl Iterator<Item = char> + Clone {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter })
}

/// Says something that is no result.
pub(crate) fn note(text: &str) {
    // There is nowhere left to say that standard error is closed.
    let _ = writeln!(std::io::stderr(), "tideline: {text}");
}
