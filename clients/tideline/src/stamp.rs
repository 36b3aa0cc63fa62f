//! The texts of a load: each says its number and when it was handed over.

use std::time::Duration;

use serde::Deserialize;

/// A text of so many bytes that says its number and when it was handed over.
pub(crate) fn write(number: u64, time: Duration, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes);
    text.push_str(&format!("{number} {} ", time.as_micros()));
    text.extend(std::iter::repeat_n('x', bytes.saturating_sub(text.len())));
    text
}

/// The number and the time in the body of such a text.
pub(crate) fn read(body: &str) -> Option<(u64, Duration)> {
    /// The body as it travels; a text without escapes is not copied.
    #[derive(Deserialize)]
    struct Body<'a> {
        text: &'a str,
    }
    let body: Body<'_> = serde_json::from_str(body).ok()?;
    let mut words = body.text.split(' ');
    let number = words.next()?.parse().ok()?;
    let time = words.next()?.parse().ok()?;
    Some((number, Duration::from_micros(time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_long_as_it_should_be_and_is_read_as_it_was_written() {
        let time = Duration::from_micros(86_400_000_000);
        let text = write(1_000_000, time, 120);
        assert_eq!(text.len(), 120);
        let body = wire::text_body(&text);
        assert_eq!(read(body.get()), Some((1_000_000, time)));
        assert_eq!(read(r#"{"text":"hello"}"#), None);
        assert_eq!(read(r#"{"image":"1 2"}"#), None);
    }
}
