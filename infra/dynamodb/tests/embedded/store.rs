//! What is kept, and that streams stay fast and bounded.

use std::path::Path;
use std::sync::Arc;

use dynamodb::{Embedded, Location, NoFaults, Options};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::client::Client;
use crate::{quiet, table};

fn open(path: &Path, fsync: bool) -> (Embedded, Client) {
    let options = Options { store: Location::File(path.to_owned()), fsync, port: 0 };
    let embedded = Embedded::start(&options, Arc::new(NoFaults)).unwrap();
    embedded.create_tables([&table()]).unwrap();
    let client = Client::new(&embedded.endpoint(), "Test");
    (embedded, client)
}

fn put(client: &mut Client, key: &str) {
    let item = json!({ "pk": { "S": key }, "sk": { "N": "1" } });
    client.ok("PutItem", &json!({ "TableName": "Box", "Item": item }));
}

#[test]
fn a_file_outlives_its_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("items.db");
    for (round, fsync) in [false, true, false].into_iter().enumerate() {
        let (embedded, mut client) = open(&path, fsync);
        assert_eq!(client.ok("Scan", &json!({ "TableName": "Box" }))["Count"], json!(round));
        put(&mut client, &round.to_string());
        if fsync { embedded.stop() } else { drop(embedded) }
    }
}

#[test]
fn an_expired_item_goes_at_the_latest_when_the_store_opens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("items.db");
    let (embedded, mut client) = open(&path, false);
    let past = json!({ "pk": { "S": "a" }, "sk": { "N": "1" }, "exp": { "N": "1700000000" } });
    client.ok("PutItem", &json!({ "TableName": "Box", "Item": past }));
    put(&mut client, "b");
    embedded.stop();
    let (_embedded, mut client) = open(&path, false);
    let mut asked = 0;
    while client.ok("Scan", &json!({ "TableName": "Box" }))["Count"] != json!(1) {
        asked += 1;
        assert!(asked < 100_000, "nothing expires");
    }
}

#[test]
fn stores_in_memory_are_apart() {
    let ((_one, mut ada), (_two, mut bob)) = (quiet(), quiet());
    put(&mut ada, "a");
    assert_eq!(bob.ok("Scan", &json!({ "TableName": "Box" }))["Count"], json!(0));
}

#[test]
fn tables_are_made_once() {
    let (embedded, mut client) = quiet();
    put(&mut client, "a");
    embedded.create_tables([&table()]).unwrap();
    assert_eq!(client.ok("Scan", &json!({ "TableName": "Box" }))["Count"], json!(1));
    let ttl = client.ok("DescribeTimeToLive", &json!({ "TableName": "Box" }));
    assert_eq!(ttl["TimeToLiveDescription"]["AttributeName"], json!("exp"));
}

#[test]
fn a_table_that_differs_is_refused() {
    type Change = fn(&mut Value);
    let changes: [(Change, &str); 4] = [
        (|create| create["KeySchema"].as_array_mut().unwrap().truncate(1), "key schema"),
        (
            |create| create["AttributeDefinitions"][1]["AttributeType"] = json!("S"),
            "attribute definitions",
        ),
        (
            |create| drop(create.as_object_mut().unwrap().remove("GlobalSecondaryIndexes")),
            "global secondary indexes",
        ),
        (|create| create["StreamSpecification"]["StreamViewType"] = json!("OLD_IMAGE"), "stream"),
    ];
    for (change, part) in changes {
        let (embedded, _client) = quiet();
        let mut other = table();
        change(&mut other.create);
        let error = embedded.create_tables([&other]).unwrap_err().to_string();
        let expected = format!(
            "the table Box exists with a different {part}: delete the store to make it anew"
        );
        assert_eq!(error, expected);
    }
}

#[test]
fn a_stream_can_be_switched_on_later() {
    let embedded = Embedded::start(&Options::default(), Arc::new(NoFaults)).unwrap();
    let mut without = table();
    without.create.as_object_mut().unwrap().remove("StreamSpecification");
    embedded.create_tables([&without]).unwrap();
    let mut client = Client::new(&embedded.endpoint(), "Test");
    assert_eq!(client.ok("ListStreams", &json!({}))["Streams"], json!([]));
    embedded.create_tables([&table()]).unwrap();
    put(&mut client, "a");
    assert_eq!(records(&mut client).len(), 1);
}

#[test]
fn an_impossible_table_is_refused() {
    let (embedded, _client) = quiet();
    let mut broken = table();
    broken.create["TableName"] = json!("Crate");
    broken.create["KeySchema"] = json!([]);
    let error = embedded.create_tables([&broken]).unwrap_err();
    assert_eq!(error.to_string(), "the table Crate is refused");
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let (embedded, _client) = quiet();
    let port = embedded.endpoint().rsplit(':').next().unwrap().parse().unwrap();
    let options = Options { port, ..Options::default() };
    let error = Embedded::start(&options, Arc::new(NoFaults)).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on port {port} of 127.0.0.1"));
}

/// The very statements of dynoxide 3.2.0 (`storage.rs`) that would otherwise read every record.
#[test]
fn streams_are_read_by_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("items.db");
    let (_embedded, mut client) = open(&path, false);
    put(&mut client, "a");
    let statements = [
        "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records \
         WHERE table_name = ?1",
        "SELECT event_name FROM _stream_records WHERE table_name = ?1 AND shard_id = ?2 AND \
         CAST(sequence_number AS INTEGER) > ?3 ORDER BY CAST(sequence_number AS INTEGER) ASC \
         LIMIT ?4",
        "SELECT MIN(CAST(sequence_number AS INTEGER)), MAX(CAST(sequence_number AS INTEGER)) \
         FROM _stream_records WHERE table_name = ?1 AND shard_id = ?2",
    ];
    let connection = Connection::open(&path).unwrap();
    for statement in statements {
        let explained = format!("EXPLAIN QUERY PLAN {statement}");
        let mut plan = connection.prepare(&explained).unwrap();
        let parameters = vec!["Box"; plan.parameter_count()];
        let steps = plan.query_map(rusqlite::params_from_iter(parameters), |row| row.get(3));
        let steps: Vec<String> = steps.unwrap().collect::<Result<_, _>>().unwrap();
        let plan = steps.join("; ");
        assert!(plan.contains("INDEX local_stream_"), "{statement}: {plan}");
        assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{statement}: {plan}");
    }
}

#[test]
fn old_stream_records_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("items.db");
    let (_embedded, mut client) = open(&path, false);
    put(&mut client, "first");
    let connection = Connection::open(&path).unwrap();
    let copies = "WITH RECURSIVE copy(number) AS
            (SELECT 1 UNION ALL SELECT number + 1 FROM copy WHERE number < 25000)
        INSERT INTO _stream_records(table_name, event_name, keys_json, new_image, sequence_number,
            shard_id, created_at, event_id)
        SELECT table_name, event_name, keys_json, new_image,
            CAST(CAST(sequence_number AS INTEGER) + number AS TEXT), shard_id, created_at, event_id
        FROM _stream_records, copy WHERE id = 1";
    connection.execute(copies, []).unwrap();
    put(&mut client, "last");
    let count = "SELECT COUNT(*) FROM _stream_records";
    let count: u64 = connection.query_row(count, [], |row| row.get(0)).unwrap();
    assert!((20_000..=20_256).contains(&count), "{count} records");
    let newest = "SELECT keys_json FROM _stream_records ORDER BY id DESC LIMIT 1";
    let newest: String = connection.query_row(newest, [], |row| row.get(0)).unwrap();
    assert!(newest.contains("last"), "{newest}");
    assert!(!records(&mut client).is_empty());
}

#[test]
fn a_stream_tells_every_write_in_order() {
    let (_embedded, mut client) = quiet();
    for key in ["a", "b", "c"] {
        put(&mut client, key);
    }
    let keys: Vec<_> = records(&mut client)
        .iter()
        .map(|record| record["dynamodb"]["NewImage"]["pk"]["S"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(keys, ["a", "b", "c"]);
}

#[test]
fn a_stream_is_read_in_the_process_from_any_position() {
    let (embedded, mut client) = quiet();
    let stream = embedded.stream("Box").unwrap();
    assert_eq!((stream.last().unwrap(), stream.after(None, 10).unwrap()), (None, vec![]));
    for key in ["a", "b", "c"] {
        put(&mut client, key);
    }
    let all = stream.after(None, 10).unwrap();
    assert_eq!(all, records(&mut client));
    let sequence = |index: usize| all[index]["dynamodb"]["SequenceNumber"].as_str();
    assert_eq!(stream.last().unwrap().as_deref(), sequence(2));
    assert_eq!(stream.after(sequence(0), 1).unwrap(), all[1..2]);
    assert_eq!(stream.after(sequence(0), 10).unwrap(), all[1..]);
    assert!(stream.after(sequence(2), 10).unwrap().is_empty());
}

#[test]
fn a_stream_tells_of_writes_and_not_of_reads() {
    let (embedded, mut client) = quiet();
    let mut changes = embedded.stream("Box").unwrap().changes();
    let key = json!({ "TableName": "Box", "Key": { "pk": { "S": "a" }, "sk": { "N": "1" } } });
    client.ok("GetItem", &key);
    assert!(!changes.has_changed().unwrap());
    put(&mut client, "a");
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    client.ok("DeleteItem", &key);
    assert!(changes.has_changed().unwrap());
}

#[test]
fn a_table_without_a_stream_is_an_error() {
    let (embedded, _client) = quiet();
    let error = embedded.stream("Crate").unwrap_err();
    assert_eq!(error.to_string(), "cannot read the stream of Crate");
}

/// The first page of the only stream, from its oldest record.
fn records(client: &mut Client) -> Vec<Value> {
    let streams = client.ok("ListStreams", &json!({ "TableName": "Box" }));
    let arn = &streams["Streams"][0]["StreamArn"];
    let stream = client.ok("DescribeStream", &json!({ "StreamArn": arn }));
    let shard = &stream["StreamDescription"]["Shards"][0]["ShardId"];
    let start = json!({
        "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON",
    });
    let iterator = client.ok("GetShardIterator", &start)["ShardIterator"].clone();
    let page = client.ok("GetRecords", &json!({ "ShardIterator": iterator }));
    page["Records"].as_array().unwrap().clone()
}
