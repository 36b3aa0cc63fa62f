//! `Globals`, merged into a resource's properties as SAM merges them.

use crate::yaml::{Map, Node};

/// `specific` over `global`: mappings merge, lists are joined with the global part first, and
/// everything else is the specific one.
///
/// Source: "Globals section of the AWS SAM template", *Overridable globals*. A function (`!If`) is
/// never merged with anything: it replaces.
pub(crate) fn merge(global: &Node, specific: &Node) -> Node {
    match (global, specific) {
        (Node::Map(under), Node::Map(over)) => {
            let mut merged: Map = under.clone();
            for (key, node) in over {
                match merged.iter_mut().find(|(name, _)| name == key) {
                    Some((_, there)) => *there = merge(there, node),
                    None => merged.push((key.clone(), node.clone())),
                }
            }
            Node::Map(merged)
        }
        (Node::List(first), Node::List(second)) => Node::List([&first[..], second].concat()),
        (Node::Null | Node::Plain(_) | Node::Quoted(_) | Node::Call { .. }, _)
        | (_, Node::Plain(_) | Node::Quoted(_) | Node::Call { .. })
        | (Node::Map(_), Node::List(_))
        | (Node::List(_), Node::Map(_)) => specific.clone(),
        (Node::Map(_) | Node::List(_), Node::Null) => global.clone(),
    }
}
