//! What the fixture's functions were invoked with, as they tell it.
//!
//! Each invocation is one connection with one line of JSON. An invocation whose script says `hold`
//! goes on only once its entry is released, which is how a test decides what overlaps with what.

use std::collections::VecDeque;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::local::within;

/// The invocations of one gateway's functions, in the order in which they were told.
pub(crate) struct Journal {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    entries: UnboundedReceiver<Entry>,
    /// Entries that came while another route's was waited for.
    passed: VecDeque<Entry>,
}

/// One invocation.
pub(crate) struct Entry {
    /// Everything the function told.
    pub(crate) told: Value,
    stream: BufReader<TcpStream>,
}

impl Journal {
    /// Listens on a free port.
    pub(crate) async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, entries) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                // A process that is killed in between tells nothing.
                if let (Ok(_), false) = (stream.read_line(&mut line).await, line.is_empty()) {
                    let told = serde_json::from_str(&line).unwrap();
                    if sender.send(Entry { told, stream }).is_err() {
                        break;
                    }
                }
            }
        });
        Self { address, entries, passed: VecDeque::new() }
    }

    /// Waits for the next invocation on `route`; the authorizer's route is `authorizer`, that of a
    /// stream's records is `stream`.
    pub(crate) async fn next(&mut self, route: &str) -> Entry {
        if let Some(at) = self.passed.iter().position(|entry| entry.route() == route) {
            return self.passed.remove(at).unwrap();
        }
        loop {
            let entry = self.any_new().await;
            if entry.route() == route {
                return entry;
            }
            self.passed.push_back(entry);
        }
    }

    /// Waits for the next invocation on any route.
    pub(crate) async fn any(&mut self) -> Entry {
        match self.passed.pop_front() {
            Some(entry) => entry,
            None => self.any_new().await,
        }
    }

    async fn any_new(&mut self) -> Entry {
        within(self.entries.recv()).await.expect("the listener lives as long as the journal")
    }
}

impl Entry {
    /// The event, as the function got it.
    pub(crate) fn event(&self) -> &Value {
        &self.told["event"]
    }

    /// The event's request context.
    pub(crate) fn context(&self) -> &Value {
        &self.told["event"]["requestContext"]
    }

    /// The route the event came by.
    pub(crate) fn route(&self) -> &str {
        if self.event()["type"] == "REQUEST" {
            return "authorizer";
        }
        if self.event()["Records"].is_array() {
            return "stream";
        }
        self.context()["routeKey"].as_str().unwrap()
    }

    /// The id of the connection that the event is about.
    pub(crate) fn connection(&self) -> String {
        self.context()["connectionId"].as_str().unwrap().to_owned()
    }

    /// The process that was invoked.
    pub(crate) fn process(&self) -> u64 {
        self.told["process"].as_u64().unwrap()
    }

    /// Lets a held invocation end as `script` says.
    pub(crate) async fn end(mut self, script: &Value) {
        self.stream.write_all(format!("{script}\n").as_bytes()).await.unwrap();
    }

    /// Lets a held invocation go on.
    pub(crate) async fn release(mut self) {
        self.stream.write_all(b"go on\n").await.unwrap();
    }
}
