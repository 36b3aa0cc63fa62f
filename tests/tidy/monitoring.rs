//! Alarms and the dashboard look at metrics that there are.

use std::collections::BTreeSet;

use edge::metrics;

use crate::tree::{read, require_none};

/// The names of our own metrics that the template mentions, wherever it does.
fn mentioned(template: &str) -> BTreeSet<&str> {
    let namespace = metrics::NAMESPACE;
    let mut mentioned = BTreeSet::new();
    for (index, line) in template.lines().enumerate() {
        let line = line.trim();
        if line == format!("Namespace: {namespace}") {
            let next = template.lines().nth(index + 1).unwrap_or_default();
            mentioned.extend(next.trim().strip_prefix("MetricName: "));
        }
        if let Some((_, after)) = line.split_once(&format!("[\"{namespace}\", \"")) {
            mentioned.extend(after.split('"').next());
        }
    }
    mentioned
}

#[test]
fn what_alarms_look_at_is_counted() {
    let template = read("template.yaml");
    let mentioned = mentioned(&template);
    assert!(!mentioned.is_empty(), "nothing of ours is looked at");
    let unknown = mentioned.into_iter().filter(|name| !metrics::ALL.contains(name));
    require_none(unknown.map(str::to_owned), "a metric that nobody counts");
}
