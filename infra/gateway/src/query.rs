//! The Query protocol as SNS speaks it: a form comes in, XML goes out.
//!
//! Source: "Publish", "PublishBatch" and "Common Error Types", Amazon SNS API reference. Of the
//! texts of errors some are AWS's own and some are ours: a client goes by the code.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::{Deserialize, Serialize};

/// The name space of every answer.
const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// The fields of a request.
#[derive(Debug)]
pub(crate) struct Form(BTreeMap<String, String>);

/// What a request asks of a topic.
#[derive(Debug, PartialEq)]
pub(crate) enum Call {
    Publish(Message),
    /// Messages with their ids within the batch.
    PublishBatch(Vec<(String, Message)>),
}

/// What is to be published.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) subject: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) deduplication: Option<String>,
    pub(crate) attributes: BTreeMap<String, Attribute>,
}

/// An attribute of a message, as a notification carries it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attribute {
    pub(crate) r#type: String,
    /// A text, or bytes in base64.
    pub(crate) value: String,
}

/// Why a request, or a message of a batch, is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// A message that was taken, delivered or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) message_id: String,
    /// On a FIFO topic: greater than that of any earlier message.
    pub(crate) sequence: Option<String>,
}

/// What a call comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Published(Published),
    /// What became of each message, by its id within the batch.
    Batch(Vec<(String, Result<Published, Refusal>)>),
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.to_owned() }
    }

    /// A parameter that is missing or wrong.
    pub(crate) fn parameter(reason: &str) -> Self {
        Self::new("InvalidParameter", &format!("Invalid parameter: {reason}"))
    }

    /// No topic has that name.
    pub(crate) fn unknown_topic() -> Self {
        let message = "Topic does not exist".to_owned();
        Self { status: StatusCode::NOT_FOUND, code: "NotFound", message }
    }

    /// The caller's policy does not allow it.
    pub(crate) fn denied(message: String) -> Self {
        Self { status: StatusCode::FORBIDDEN, code: "AuthorizationError", message }
    }

    /// The request is not signed.
    pub(crate) fn unsigned() -> Self {
        let message = "Request is missing Authentication Token".to_owned();
        Self { status: StatusCode::FORBIDDEN, code: "MissingAuthenticationToken", message }
    }

    /// The request is longer than any that could be served.
    pub(crate) fn too_large() -> Self {
        let message = "Request entity is too large".to_owned();
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, code: "RequestEntityTooLarge", message }
    }

    /// Too many requests.
    pub(crate) fn throttled() -> Self {
        Self::new("Throttling", "Rate exceeded")
    }

    /// Nothing that the client did.
    pub(crate) fn internal() -> Self {
        let message = "Internal server error".to_owned();
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, code: "InternalError", message }
    }

    fn is_senders(&self) -> bool {
        self.status.is_client_error()
    }
}

impl Form {
    /// Reads a body; whatever is no form has no fields.
    pub(crate) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The topic that the request names.
    pub(crate) fn topic(&self) -> Option<&str> {
        self.text("TopicArn").or_else(|| self.text("TargetArn"))
    }

    /// What it asks for.
    pub(crate) fn call(&self) -> Result<Call, Refusal> {
        match self.text("Action") {
            Some("Publish") => Ok(Call::Publish(self.message("")?)),
            Some("PublishBatch") => Ok(Call::PublishBatch(self.batch()?)),
            Some(_) => Err(Refusal::new("InvalidAction", "The action is not served here")),
            None => Err(Refusal::new("MissingAction", "The request names no action")),
        }
    }

    /// The value of a field; an empty one counts as absent.
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn batch(&self) -> Result<Vec<(String, Message)>, Refusal> {
        let members = self.members("PublishBatchRequestEntries.member.");
        let entries = members.map(|prefix| {
            let id = self.text(&format!("{prefix}Id")).unwrap_or_default().to_owned();
            Ok((id, self.message(&prefix)?))
        });
        entries.collect()
    }

    /// The message whose fields begin with `prefix`.
    fn message(&self, prefix: &str) -> Result<Message, Refusal> {
        let field = |name: &str| self.text(&format!("{prefix}{name}")).map(str::to_owned);
        if field("MessageStructure").is_some() {
            return Err(Refusal::parameter("MessageStructure is not served here"));
        }
        let entries = format!("{prefix}MessageAttributes.entry.");
        let attributes = self.members(&entries).map(|prefix| {
            let field = |name: &str| self.text(&format!("{prefix}{name}")).unwrap_or_default();
            let value = match field("Value.StringValue") {
                "" => field("Value.BinaryValue"),
                text => text,
            };
            let r#type = field("Value.DataType").to_owned();
            (field("Name").to_owned(), Attribute { r#type, value: value.to_owned() })
        });
        Ok(Message {
            text: field("Message").unwrap_or_default(),
            subject: field("Subject"),
            group: field("MessageGroupId"),
            deduplication: field("MessageDeduplicationId"),
            attributes: attributes.collect(),
        })
    }

    /// The prefixes of a list's elements, which are numbered from 1.
    fn members(&self, prefix: &str) -> impl Iterator<Item = String> {
        let numbered = (1..).map(move |number: u32| format!("{prefix}{number}."));
        numbered.take_while(|prefix| {
            let mut from = self.0.range(prefix.clone()..);
            from.next().is_some_and(|(name, _)| name.starts_with(prefix))
        })
    }
}

impl Message {
    /// What its size is counted by: the text and the attributes.
    pub(crate) fn bytes(&self) -> usize {
        let attributes = self.attributes.iter();
        let attributes = attributes
            .map(|(name, Attribute { r#type, value })| name.len() + r#type.len() + value.len());
        self.text.len() + attributes.sum::<usize>()
    }
}

impl Answer {
    /// The document that answers the request `id`.
    pub(crate) fn to_xml(&self, id: &str) -> String {
        let (action, result) = match self {
            Self::Published(published) => ("Publish", published.elements()),
            Self::Batch(entries) => ("PublishBatch", batch(entries)),
        };
        format!(
            "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{result}</{action}Result>\
             <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>"
        )
    }
}

impl Published {
    fn elements(&self) -> String {
        let mut elements = element("MessageId", &self.message_id);
        if let Some(sequence) = &self.sequence {
            elements.push_str(&element("SequenceNumber", sequence));
        }
        elements
    }
}

impl Refusal {
    /// The document that answers the request `id`.
    pub(crate) fn to_xml(&self, id: &str) -> String {
        let kind = if self.is_senders() { "Sender" } else { "Receiver" };
        let (code, message) = (element("Code", self.code), element("Message", &self.message));
        format!(
            "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{kind}</Type>{code}{message}</Error>\
             <RequestId>{id}</RequestId></ErrorResponse>"
        )
    }
}

fn batch(entries: &[(String, Result<Published, Refusal>)]) -> String {
    let (mut successful, mut failed) = (String::new(), String::new());
    for (id, outcome) in entries {
        let id = element("Id", id);
        match outcome {
            Ok(published) => {
                successful.push_str(&format!("<member>{id}{}</member>", published.elements()));
            }
            Err(refusal) => {
                let code = element("Code", refusal.code);
                let message = element("Message", &refusal.message);
                let fault = element("SenderFault", &refusal.is_senders().to_string());
                failed.push_str(&format!("<member>{id}{code}{message}{fault}</member>"));
            }
        }
    }
    format!("<Successful>{successful}</Successful><Failed>{failed}</Failed>")
}

fn element(name: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<{name}>{text}</{name}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_from_a_form() {
        let form = "Action=Publish&TopicArn=t&Message=a%26b+c&MessageGroupId=g&Subject=&\
            MessageAttributes.entry.1.Name=sort&MessageAttributes.entry.1.Value.DataType=String&\
            MessageAttributes.entry.1.Value.StringValue=x";
        let form = Form::parse(form.as_bytes());
        assert_eq!(form.topic(), Some("t"));
        let sort = Attribute { r#type: "String".to_owned(), value: "x".to_owned() };
        let message = Message {
            text: "a&b c".to_owned(),
            group: Some("g".to_owned()),
            attributes: BTreeMap::from([("sort".to_owned(), sort)]),
            ..Message::default()
        };
        assert_eq!(message.bytes(), 5 + 4 + 6 + 1);
        assert_eq!(form.call(), Ok(Call::Publish(message)));
    }

    #[test]
    fn a_batch_is_read_in_its_own_order() {
        let fields = (1..=11).rev().map(|number| {
            let prefix = format!("PublishBatchRequestEntries.member.{number}");
            format!("&{prefix}.Id=i{number}&{prefix}.Message=m{number}")
        });
        let body = format!("Action=PublishBatch{}", fields.collect::<String>());
        let Ok(Call::PublishBatch(entries)) = Form::parse(body.as_bytes()).call() else {
            panic!("it is a batch");
        };
        let expected = (1..=11).map(|number| (format!("i{number}"), format!("m{number}")));
        let read = entries.into_iter().map(|(id, message)| (id, message.text));
        assert!(read.eq(expected));
    }

    #[test]
    fn what_is_no_call_is_refused() {
        for (body, code) in [
            ("", "MissingAction"),
            ("{}", "MissingAction"),
            ("Action=CreateTopic", "InvalidAction"),
            ("Action=Publish&MessageStructure=json", "InvalidParameter"),
        ] {
            let refusal = Form::parse(body.as_bytes()).call().unwrap_err();
            assert_eq!(refusal.code, code, "{body}");
        }
    }

    #[test]
    fn what_is_special_in_xml_is_escaped() {
        let xml = Refusal::parameter("a<b>&c").to_xml("id");
        assert!(xml.contains("Invalid parameter: a&lt;b&gt;&amp;c</Message>"), "{xml}");
    }
}
