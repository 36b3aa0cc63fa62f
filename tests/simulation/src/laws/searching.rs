//! A search finds what reading everything finds.

use std::collections::BTreeSet;

use serde_json::json;

use crate::laws::delivery::users;
use crate::script::QUERIES;
use crate::world::World;

impl World {
    /// Looks at what everybody finds.
    pub(crate) fn look_at_searches(&mut self) {
        for user in users() {
            for query in QUERIES {
                let found = self.found(user, query);
                let expected = self.written_of(user, query);
                if found != expected {
                    let law = format!("{user} finds {found:?} of {expected:?} for {query:?}");
                    self.machine.violated(law);
                }
            }
        }
    }

    fn found(&mut self, user: &'static str, query: &str) -> BTreeSet<(String, u64)> {
        let mut found = BTreeSet::new();
        let mut page = serde_json::Value::Null;
        loop {
            let mut frame = json!({"action": "search", "id": "1", "query": query, "limit": 10});
            if !page.is_null() {
                frame["page"] = page;
            }
            let answer = self.ask(user, &frame);
            for hit in answer["ok"]["hits"].as_array().cloned().unwrap_or_default() {
                let id = hit["conversation"].as_str().unwrap_or_default().to_owned();
                found.insert((id, hit["seq"].as_u64().unwrap_or_default()));
            }
            page = answer["ok"]["page"].clone();
            if page.is_null() {
                return found;
            }
        }
    }

    /// What somebody may see that has the words of a query, each of them between spaces, or within
    /// what is written without any.
    fn written_of(&self, user: &str, query: &str) -> BTreeSet<(String, u64)> {
        let is_typed = !query.ends_with(' ');
        let word = query.trim().to_lowercase();
        let mut written = BTreeSet::new();
        for id in self.conversations() {
            let Some(first) = self.first_owed(user, &id, true) else { continue };
            for entry in self.entries(&id) {
                let Some(body) = &entry.body else { continue };
                let text = wire::searched_text(body).to_lowercase();
                let has = text.split(' ').any(|part| {
                    if word.is_ascii() {
                        part == word || (is_typed && part.starts_with(&word))
                    } else {
                        part.contains(&word)
                    }
                });
                let is_message = !entry.kind.is_event();
                if has && is_message && entry.seq.number() >= first {
                    written.insert((id.to_string(), entry.seq.number()));
                }
            }
        }
        written
    }
}
