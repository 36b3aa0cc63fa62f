//! The index: its blocks are built by the stream, or by whoever asks for them.

use search_index::{ANALYZER, Block, BlockId, Level, Lookup, Query};
use serde_json::json;
use store::{BlockKey, Blocks};
use timeline::ConversationId;

use tests::{Client, Town};

use crate::exchange::text;

/// The first entries of a conversation that are a block.
const FIRST_BLOCK: u64 = 63;

/// The first block of what alice and bob say, once it is there and as it was written.
async fn first_block(town: &Town) -> Block {
    let id = BlockId { level: Level::L0, number: 0 };
    let conversation = ConversationId::parse("d~alice~bob").unwrap();
    let key = BlockKey {
        conversation: conversation.clone(),
        analyzer: ANALYZER,
        level: id.level.number(),
        bucket: 0,
        number: id.number,
    };
    let store = town.store();
    let reading = async {
        loop {
            if let Some(bytes) =
                store.read_blocks(std::slice::from_ref(&key)).await.unwrap().remove(0)
            {
                return bytes;
            }
        }
    };
    let bytes = tests::within(reading).await;
    search_index::open(conversation.as_str(), id, 0, bytes).unwrap()
}

/// Which messages of a block have a word.
fn with(block: &Block, word: &str) -> Vec<u16> {
    let lookups: Vec<Lookup> = Query::parse(&format!("{word} ")).unwrap().lookups();
    block.lookup(lookups[0]).unwrap().newest_first().collect()
}

/// As many messages as complete the first block; every one of them says its number.
async fn fill(alice: &mut Client) {
    for number in 0..FIRST_BLOCK {
        alice.ok(&text("bob", &format!("number n{number}"), number)).await;
    }
}

#[tokio::test]
async fn the_stream_builds_a_block_as_soon_as_it_is_complete() {
    let town = Town::start().await;
    let mut alice = town.client("alice", "desk").await;
    fill(&mut alice).await;
    let block = first_block(&town).await;
    assert_eq!(with(&block, "n41"), [42]);
    assert_eq!(with(&block, "number"), (1..64).rev().collect::<Vec<_>>());
    town.stop().await;
}

/// The stream hands the message over again, and nothing is lost or doubled by it.
#[tokio::test]
async fn an_index_that_dies_at_its_write_does_it_again() {
    for moment in ["before", "after"] {
        let town = Town::start().await;
        town.arm(&format!("kill:IndexFunction:{moment}:BatchWriteItem:SearchTable:1"));
        let mut alice = town.client("alice", "desk").await;
        fill(&mut alice).await;
        town.struck(1).await;
        let block = first_block(&town).await;
        assert_eq!(with(&block, "n41"), [42], "{moment}");
        town.stop().await;
    }
}

/// An operator has a user's conversations indexed, by the API that `aws lambda invoke` calls.
#[tokio::test]
async fn an_operator_has_the_index_built() {
    let town = Town::with_parameters(&[("SearchIndex", "lazy")]).await;
    let mut alice = town.client("alice", "desk").await;
    fill(&mut alice).await;
    let asked = json!({ "rebuild": { "user": "bob" } });
    assert_eq!(town.invoke("IndexFunction", &asked).await, Ok(json!({ "blocks": 1 })));
    assert_eq!(with(&first_block(&town).await, "n41"), [42]);
    let asked = json!({ "rebuild": { "conversation": "d~alice~bob", "after": 63 } });
    assert_eq!(town.invoke("IndexFunction", &asked).await, Ok(json!({ "blocks": 0 })));
    let refused = town.invoke("IndexFunction", &json!({ "rebuild": {} })).await.unwrap_err();
    assert_eq!(refused["errorType"], "invalid");
    town.stop().await;
}

/// Where nobody searches, nothing is indexed.
#[test]
fn a_lazy_index_is_fed_by_no_stream() {
    let eager = tests::deployment();
    let lazy = tests::deployment_with(&[("SearchIndex", "lazy")]);
    let fed = |deployment: &template::model::Deployment| {
        deployment.streams.iter().any(|mapping| mapping.function == "IndexFunction")
    };
    assert!(fed(&eager) && !fed(&lazy));
    assert!(lazy.functions.contains_key("IndexFunction"), "it can still be asked to build");
}
