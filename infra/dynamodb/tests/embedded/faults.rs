//! Every verdict does what it says, and nothing else.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dynamodb::{Embedded, Faults, NoFaults, Request, Verdict};
use serde_json::{Value, json};

use crate::client::Client;
use crate::start;

/// Gives the writes of `Ada` one verdict, and tells what it sees.
struct Fault {
    verdict: Verdict,
    seen: Mutex<Sender<(&'static str, Request)>>,
}

impl Fault {
    fn see(&self, when: &'static str, request: &Request) {
        // A test that has seen enough no longer listens.
        let _heard = self.seen.lock().unwrap().send((when, request.clone()));
    }
}

impl Faults for Fault {
    fn before(&self, request: &Request) -> Verdict {
        self.see("before", request);
        if request.operation == "PutItem" { self.verdict } else { Verdict::Proceed }
    }

    fn after(&self, request: &Request) {
        self.see("after", request);
    }
}

type Seen = Receiver<(&'static str, Request)>;

fn faulty(verdict: Verdict) -> (Embedded, Client, Seen) {
    let (seen, receiver) = channel();
    let (embedded, client) = start(Arc::new(Fault { verdict, seen: Mutex::new(seen) }));
    (embedded, client, receiver)
}

fn put() -> Value {
    json!({ "TableName": "Box", "Item": { "pk": { "S": "a" }, "sk": { "N": "1" } } })
}

/// Whether the item that [`put`] puts is there.
fn kept(embedded: &Embedded) -> bool {
    let key = json!({ "TableName": "Box", "Key": put()["Item"] });
    let mut client = Client::new(&embedded.endpoint(), "Test");
    client.ok("GetItem", &key)["Item"].is_object()
}

#[test]
fn every_verdict_does_what_it_says() {
    // The verdict, the answer's status and error, and whether the write is applied.
    let table = [
        (Verdict::Proceed, Some((200, "")), true),
        (Verdict::Hold(Duration::from_millis(20)), Some((200, "")), true),
        (Verdict::Throttle, Some((400, "ProvisionedThroughputExceededException")), false),
        (Verdict::Fail, Some((500, "InternalServerError")), false),
        (Verdict::Drop, None, false),
        (Verdict::Swallow, None, true),
    ];
    for (verdict, answered, applied) in table {
        let (embedded, mut client, seen) = faulty(verdict);
        let answer = client.ask("PutItem", &put());
        let answer = answer.map(|answer| (answer.status, answer.error()));
        let expected = answered.map(|(status, error)| (status, error.to_owned()));
        assert_eq!(answer, expected, "{verdict:?}");
        let told: Vec<_> = seen.try_iter().map(|(when, _)| when).collect();
        let expected: &[_] = if applied { &["before", "after"] } else { &["before"] };
        assert_eq!(told, expected, "{verdict:?}");
        assert_eq!(kept(&embedded), applied, "{verdict:?}");
        let written = embedded.consumed().tables["Box"].write_units;
        assert_eq!(written, f64::from(u8::from(applied)), "{verdict:?}");
    }
}

#[test]
fn a_held_request_waits() {
    let (embedded, mut client, seen) = faulty(Verdict::Hold(Duration::from_secs(3600)));
    client.send("PutItem", &put());
    assert_eq!(seen.recv().unwrap().0, "before");
    assert!(!kept(&embedded));
    embedded.stop();
    let told = seen.try_iter().filter(|(_, request)| request.operation == "PutItem");
    assert_eq!(told.count(), 0, "a request was applied before its time");
}

#[test]
fn a_request_is_described() {
    let (_embedded, mut client, seen) = faulty(Verdict::Proceed);
    let write = json!({ "PutRequest": { "Item": put()["Item"] } });
    let requests = [
        ("PutItem", put(), "Box"),
        ("BatchWriteItem", json!({ "RequestItems": { "Box": [write] } }), "Box"),
        ("TransactWriteItems", json!({ "TransactItems": [{ "Put": put() }] }), "Box"),
        ("ListTables", json!({}), ""),
    ];
    for (sequence, (operation, body, table)) in requests.into_iter().enumerate() {
        client.ok(operation, &body);
        let expected = Request {
            caller: "AdaFunction".to_owned(),
            operation: operation.to_owned(),
            table: table.to_owned(),
            sequence: sequence as u64,
        };
        assert_eq!(seen.recv().unwrap(), ("before", expected.clone()));
        assert_eq!(seen.recv().unwrap(), ("after", expected));
    }
}

#[test]
fn a_request_is_applied_though_its_client_is_gone() {
    /// Holds a request until the test says that its client has gone.
    struct Gate {
        arrived: Mutex<Sender<()>>,
        gone: Mutex<Receiver<()>>,
        done: Mutex<Sender<()>>,
    }

    impl Faults for Gate {
        fn before(&self, request: &Request) -> Verdict {
            if request.caller == "Mortal" {
                self.arrived.lock().unwrap().send(()).unwrap();
                self.gone.lock().unwrap().recv().unwrap();
            }
            Verdict::Proceed
        }

        fn after(&self, request: &Request) {
            if request.caller == "Mortal" {
                self.done.lock().unwrap().send(()).unwrap();
            }
        }
    }

    let ((arrived, arrival), (go, gone), (done, end)) = (channel(), channel(), channel());
    let gate =
        Gate { arrived: Mutex::new(arrived), gone: Mutex::new(gone), done: Mutex::new(done) };
    let (embedded, _client) = start(Arc::new(gate));
    let mut mortal = Client::new(&embedded.endpoint(), "Mortal");
    mortal.send("PutItem", &put());
    arrival.recv().unwrap();
    // While the hook waits, others are served.
    assert!(!kept(&embedded));
    drop(mortal);
    go.send(()).unwrap();
    end.recv().unwrap();
    assert!(kept(&embedded));
}

#[test]
fn no_faults_see_nothing() {
    assert!(!NoFaults.watches());
}
