//! What a message is found by: the fields of its body that people write.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use timeline::Body;

/// The fields of a body that are searched, in the order of their lines.
pub const SEARCHED_FIELDS: [&str; 3] = ["text", "title", "name"];

/// What of a body is searched: its [`SEARCHED_FIELDS`], as far as they are text and not empty, a
/// line each. Of a name that comes twice the last counts, as for most readers of JSON.
///
/// It is no longer than the body, in bytes, and in an answer as well: each character that JSON
/// escapes was escaped in the body.
pub fn searched_text(body: &Body) -> String {
    let mut reader = serde_json::Deserializer::from_str(body.as_str());
    let values = reader.deserialize_map(Fields).unwrap_or_default();
    let lines: Vec<_> = values.into_iter().filter(|value| !value.is_empty()).collect();
    lines.join("\n")
}

/// Picks the fields that are searched, and steps over whatever else there is, however deep.
struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = [String; SEARCHED_FIELDS.len()];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a body")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = Self::Value::default();
        // Ends with the body.
        while let Some(name) = map.next_key::<String>()? {
            match SEARCHED_FIELDS.iter().position(|field| **field == name) {
                Some(index) => {
                    let value: &RawValue = map.next_value()?;
                    values[index] = serde_json::from_str(value.get()).unwrap_or_default();
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &str) {
        assert_eq!(searched_text(&Body::parse(body).unwrap()), expected, "{body}");
    }

    #[test]
    fn what_people_write_is_searched_in_lines() {
        check(r#"{"text":"Shall we meet?"}"#, "Shall we meet?");
        check(r#"{"name":"plan.pdf","url":"https://a.example","title":"计划"}"#, "计划\nplan.pdf");
        check(r#"{"text":"caf\u00e9 \ud83d\ude00\n","other":"no"}"#, "café 😀\n");
        check(r#"{"text":"","name":"a"}"#, "a");
        check(r#"{"text":"first","text":"last"}"#, "last");
    }

    #[test]
    fn what_is_no_text_is_not_searched() {
        check("{}", "");
        check(r#"{"text":7,"title":null,"name":["a"]}"#, "");
        check(r#"{"text":"\ud800","name":"a"}"#, "a");
        check(r#"{"inside":{"text":"no"},"text":"yes"}"#, "yes");
        let deep = format!("{{\"a\":{}{},\"text\":\"yes\"}}", "[".repeat(900), "]".repeat(900));
        check(&deep, "yes");
        // No body of ours, but bytes that a store may have.
        check("[1]", "");
        check("nonsense", "");
    }
}
