//! YAML to a tree that keeps what CloudFormation needs and JSON would lose: the short tags
//! (`!Ref`), and whether a scalar was quoted.
//!
//! The tree is built from the parser's events with a stack of our own: nothing here recurses over
//! the text, and both depth and size are bounded, aliases included.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use crate::error::Error;

/// Ours: deeper than any template, shallow enough for the recursion over the tree.
const DEPTH_MAX: usize = 64;

/// Ours: CloudFormation takes templates of 1 MB and 500 resources, far less than this many values.
const NODES_MAX: usize = 200_000;

/// A mapping in the order of the text.
pub(crate) type Map = Vec<(String, Node)>;

/// One value of a template, before any function is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Null,
    /// A scalar without quotes: `true` and `3` are more than text.
    Plain(String),
    Quoted(String),
    List(Vec<Self>),
    Map(Map),
    /// An intrinsic function, of whichever form: `Ref`, `Condition` or `Fn::…`.
    Call {
        function: String,
        argument: Box<Self>,
    },
}

impl Node {
    /// What a mapping holds under `key`; nothing for every other node.
    pub(crate) fn at(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The entries of a mapping; none for every other node.
    pub(crate) fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Map(entries) => entries,
            Self::Null | Self::Plain(_) | Self::Quoted(_) | Self::List(_) | Self::Call { .. } => {
                &[]
            }
        }
    }

    /// The text of a scalar.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match self {
            Self::Plain(text) | Self::Quoted(text) => Some(text),
            Self::Null | Self::List(_) | Self::Map(_) | Self::Call { .. } => None,
        }
    }

    /// What an error calls this.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Plain(text) | Self::Quoted(text) => format!("the text {text:?}"),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
            Self::Call { function, .. } => short(function),
        }
    }

    fn size(&self) -> usize {
        1 + match self {
            Self::Null | Self::Plain(_) | Self::Quoted(_) => 0,
            Self::List(items) => items.iter().map(Self::size).sum(),
            Self::Map(entries) => entries.iter().map(|(_, node)| node.size()).sum(),
            Self::Call { argument, .. } => argument.size(),
        }
    }

    fn depth(&self) -> usize {
        1 + match self {
            Self::Null | Self::Plain(_) | Self::Quoted(_) => 0,
            Self::List(items) => items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Map(entries) => entries.iter().map(|(_, node)| node.depth()).max().unwrap_or(0),
            Self::Call { argument, .. } => argument.depth(),
        }
    }
}

/// The short form of a function's name: `!Sub` of `Fn::Sub`.
pub(crate) fn short(function: &str) -> String {
    format!("!{}", function.strip_prefix("Fn::").unwrap_or(function))
}

/// Reads the first document of `text`.
pub(crate) fn parse(text: &str) -> Result<Node, Error> {
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| refuse(*error.marker(), error.info()))?;
        let end = matches!(event, Event::DocumentEnd | Event::StreamEnd);
        builder.take(event).map_err(|reason| refuse(span.start, reason))?;
        if end {
            break;
        }
    }
    Ok(builder.root.unwrap_or(Node::Null))
}

fn refuse(marker: Marker, reason: &str) -> Error {
    Error::Yaml { line: marker.line(), column: marker.col() + 1, reason: reason.to_owned() }
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
}

/// A collection whose end was not seen yet.
struct Open {
    anchor: usize,
    tag: Option<String>,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Map, key: Option<String> },
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), &'static str> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = scalar(&text, style, tag.as_deref());
                self.place(anchor, called(tag.as_deref(), node))
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(anchor, tag.as_deref(), Content::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                let content = Content::Map { entries: Map::new(), key: None };
                self.open(anchor, tag.as_deref(), content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err("an alias within the value that it stands for");
                };
                // Measured before it is copied: aliases of aliases grow exponentially.
                if self.nodes + node.size() > NODES_MAX
                    || self.open.len() + node.depth() > DEPTH_MAX
                {
                    return Err("more values than a template may hold");
                }
                let node = node.clone();
                self.nodes += node.size();
                self.place(0, node)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn open(
        &mut self,
        anchor: usize,
        tag: Option<&Tag>,
        content: Content,
    ) -> Result<(), &'static str> {
        if self.open.len() >= DEPTH_MAX {
            return Err("nested deeper than a template may be");
        }
        self.open.push(Open { anchor, tag: function(tag), content });
        Ok(())
    }

    fn close(&mut self) -> Result<(), &'static str> {
        let Some(Open { anchor, tag, content }) = self.open.pop() else {
            return Err("an end without a start");
        };
        let node = match content {
            Content::List(items) => Node::List(items),
            Content::Map { entries, .. } => long_form(entries),
        };
        let node = match tag {
            Some(function) => Node::Call { function, argument: Box::new(node) },
            None => node,
        };
        self.place(anchor, node)
    }

    fn place(&mut self, anchor: usize, node: Node) -> Result<(), &'static str> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err("more values than a template may hold");
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, key }) => match key.take() {
                Some(name) => entries.push((name, node)),
                None => {
                    let Some(name) = node.scalar() else {
                        return Err("a key that is not text");
                    };
                    if entries.iter().any(|(other, _)| other == name) {
                        return Err("a key that its mapping already has");
                    }
                    *key = Some(name.to_owned());
                }
            },
        }
        Ok(())
    }
}

/// `{Fn::Sub: x}` and `{Ref: x}` are calls; every other mapping is itself.
fn long_form(mut entries: Map) -> Node {
    let call = matches!(entries.as_slice(), [(name, _)] if name == "Ref" || is_function(name));
    match entries.pop() {
        Some((function, argument)) if call => Node::Call { function, argument: Box::new(argument) },
        Some(entry) => {
            entries.push(entry);
            Node::Map(entries)
        }
        None => Node::Map(entries),
    }
}

/// `Fn::ForEach::Name` is a loop over resources and not a value.
fn is_function(name: &str) -> bool {
    name.strip_prefix("Fn::").is_some_and(|rest| !rest.contains("::"))
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Node {
    let core = tag.filter(|tag| tag.is_yaml_core_schema());
    if style != ScalarStyle::Plain || core.is_some_and(|tag| tag.suffix == "str") {
        return Node::Quoted(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" if tag.is_none() => Node::Null,
        _ => Node::Plain(text.to_owned()),
    }
}

fn called(tag: Option<&Tag>, node: Node) -> Node {
    match function(tag) {
        Some(function) => Node::Call { function, argument: Box::new(node) },
        None => node,
    }
}

/// The function that a short tag stands for.
fn function(tag: Option<&Tag>) -> Option<String> {
    let tag = tag.filter(|tag| tag.handle == "!" && !tag.suffix.is_empty())?;
    Some(match tag.suffix.as_str() {
        name @ ("Ref" | "Condition") => name.to_owned(),
        name => format!("Fn::{name}"),
    })
}
