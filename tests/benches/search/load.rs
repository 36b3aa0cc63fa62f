//! Puts everything into the store, many items at a time.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use futures_util::{StreamExt, stream};
use store::{Conversation, Directory, Enlisting, Members, Membership};
use store_dynamo::Dynamo;
use store_dynamo::keys::entry;
use timeline::{Admission, Diffusion, Entry, Muted, Role, Seq, Visibility, limits};

use crate::data::{Data, Talk};

/// How many writes are under way at once.
const AT_ONCE: usize = 16;

/// An item as DynamoDB has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Keeps every conversation and every message.
pub(crate) async fn load(client: &Client, store: &Dynamo, data: &Data) {
    for talk in &data.talks {
        enlist(store, data, talk).await;
    }
    let items = data.talks.iter().flat_map(|talk| talk.entries.iter().map(|e| item(talk, e)));
    write(client, "timeline", items).await;
}

/// Writes items into a table, 25 at a time.
pub(crate) async fn write(client: &Client, table: &str, items: impl Iterator<Item = Item>) {
    let mut items = items.peekable();
    let batches = std::iter::from_fn(|| {
        items.peek()?;
        let batch = items.by_ref().take(limits::BATCH_PUTS_MAX).map(|item| {
            let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        });
        Some(batch.collect::<Vec<_>>())
    });
    let writes = batches.map(|batch| {
        let write = client.batch_write_item().request_items(table, batch).send();
        async move {
            let left = write.await.unwrap().unprocessed_items.unwrap_or_default();
            assert!(left.is_empty(), "nothing slows the embedded store down");
        }
    });
    stream::iter(writes).buffer_unordered(AT_ONCE).collect::<()>().await;
}

/// Puts a conversation on the lists of both.
pub(crate) async fn enlist(directory: &dyn Directory, data: &Data, talk: &Talk) {
    let membership = Membership { role: Role::Member, joined: Seq::FIRST, muted: Muted::No };
    let both = [data.user.clone(), talk.friend.clone()];
    let conversation = Conversation {
        id: talk.id.clone(),
        version: 1,
        made: talk.entries[0].at,
        title: None,
        visibility: Visibility::FromStart,
        admission: Admission::Closed,
        members: Members::Inline(both.into_iter().map(|user| (user, membership)).collect()),
        pending: None,
    };
    let enlisting = Enlisting {
        conversation: talk.id.clone(),
        version: 1,
        joined: Seq::FIRST,
        diffusion: Diffusion::Write,
        begins: None,
    };
    directory.list(&data.user, &enlisting).await.unwrap();
    directory.create(&conversation).await.unwrap();
}

/// The item of a message, as the store keeps it.
fn item(talk: &Talk, kept: &Entry) -> Item {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let number = |number: u64| AttributeValue::N(number.to_string());
    let attributes = [
        (entry::TIMELINE, text(talk.id.as_str())),
        (entry::SEQ, number(kept.seq.number())),
        (entry::ID, AttributeValue::B(Blob::new(kept.id.as_bytes().to_vec()))),
        (entry::AUTHOR, text(kept.author.as_str())),
        (entry::DEVICE, text(kept.device.as_str())),
        (entry::AT, number(kept.at.0)),
        (entry::KIND, text(kept.kind.as_str())),
        (entry::COUNTABLE, number(kept.countable)),
        (entry::RECALLS, number(kept.recalls)),
        (entry::VERSION, number(kept.version)),
        (entry::INBOX_BEFORE, number(kept.inbox_before.number())),
        (entry::BODY, text(kept.body.as_ref().unwrap().as_str())),
    ];
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
