//! A WebSocket client that knows frames as JSON and nothing else.

use std::collections::VecDeque;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

use crate::within;

/// A handshake before it is made.
#[derive(Clone, Debug)]
pub struct Handshake {
    url: String,
    headers: Vec<(&'static str, String)>,
}

impl Handshake {
    /// A handshake at `url` that brings nothing.
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), headers: Vec::new() }
    }

    /// Names a device.
    #[must_use]
    pub fn device(self, device: &str) -> Self {
        self.query("device", device)
    }

    /// Adds to the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        let sign = if self.url.contains('?') { '&' } else { '?' };
        self.url.push_str(&format!("{sign}{name}={value}"));
        self
    }

    /// Brings a token in the header.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// Brings a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.retain(|(present, _)| *present != name);
        self.headers.push((name, value));
        self
    }

    fn request(&self) -> Request {
        let mut request = self.url.as_str().into_client_request().unwrap();
        for (name, value) in &self.headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        request
    }

    /// Makes it.
    ///
    /// # Errors
    ///
    /// The HTTP status with which it is refused.
    pub async fn connect(self) -> Result<Client, u16> {
        self.try_connect().await.map_err(|status| status.expect("the handshake has an answer"))
    }

    /// Makes it, where a server may not be there.
    ///
    /// # Errors
    ///
    /// The HTTP status with which it is refused, or nothing if it breaks.
    pub(crate) async fn try_connect(self) -> Result<Client, Option<u16>> {
        match within(tokio_tungstenite::connect_async(self.request())).await {
            Ok((socket, response)) => {
                let protocol = response.headers().get("sec-websocket-protocol");
                let protocol = protocol.map(|value| value.to_str().unwrap().to_owned());
                Ok(Client { socket, protocol, waiting: VecDeque::new() })
            }
            Err(Error::Http(response)) => Err(Some(response.status().as_u16())),
            Err(_) => Err(None),
        }
    }
}

/// A client that is connected.
#[derive(Debug)]
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The subprotocol that the server picked.
    pub protocol: Option<String>,
    /// Frames that came while another was waited for.
    waiting: VecDeque<Value>,
}

impl Client {
    /// Sends a frame.
    pub async fn send(&mut self, frame: &Value) {
        self.raw(Message::text(frame.to_string())).await;
    }

    /// Sends anything.
    pub async fn raw(&mut self, message: Message) {
        within(self.socket.send(message)).await.unwrap();
    }

    /// Sends a text; whether the connection took it.
    pub(crate) async fn try_send(&mut self, text: String) -> bool {
        within(self.socket.send(Message::text(text))).await.is_ok()
    }

    /// Sends a frame, and waits for its answer.
    pub async fn ask(&mut self, frame: &Value) -> Value {
        self.send(frame).await;
        self.answer(frame["id"].as_str().unwrap()).await
    }

    /// Sends a frame, and waits for the `ok` of its answer.
    pub async fn ok(&mut self, frame: &Value) -> Value {
        let mut answer = self.ask(frame).await;
        assert!(answer.get("error").is_none(), "{frame} is refused: {answer}");
        answer["ok"].take()
    }

    /// Sends a frame, and waits for its refusal: the code and the name.
    pub async fn refused(&mut self, frame: &Value) -> (u64, String) {
        let answer = self.ask(frame).await;
        let error = &answer["error"];
        assert!(error.is_object(), "{frame} is not refused: {answer}");
        (error["code"].as_u64().unwrap(), error["name"].as_str().unwrap().to_owned())
    }

    /// Waits for the answer to a request.
    pub async fn answer(&mut self, id: &str) -> Value {
        self.wait_for(|frame| frame["re"] == id).await
    }

    /// Waits for the next pushed message.
    pub async fn pushed(&mut self) -> Value {
        self.wait_for(|frame| frame["event"] == "message").await
    }

    /// Waits for the next frame that `is_wanted`, and keeps the others.
    pub async fn wait_for(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.waiting.iter().position(&is_wanted) {
            return self.waiting.remove(at).unwrap();
        }
        loop {
            let frame = self.next().await.expect("the connection stays open");
            if is_wanted(&frame) {
                return frame;
            }
            self.waiting.push_back(frame);
        }
    }

    /// Waits for the end of the connection, and for its close code.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            match self.next().await {
                Ok(frame) => self.waiting.push_back(frame),
                Err(close) => return close.map(|close| close.code.into()),
            }
        }
    }

    /// Frames that came and were not waited for.
    pub fn left(&self) -> Vec<&Value> {
        self.waiting.iter().collect()
    }

    /// Closes the connection.
    pub async fn close(mut self) {
        within(self.socket.close(None)).await.unwrap();
        while let Some(Ok(_)) = within(self.socket.next()).await {}
    }

    /// Sends a frame, and waits for the text of the next frame.
    pub async fn ask_text(&mut self, frame: &Value) -> String {
        self.send(frame).await;
        self.next_text().await.expect("the connection stays open")
    }

    /// Waits for the text of the next frame, which is to be a push.
    pub async fn pushed_text(&mut self) -> String {
        self.next_text().await.expect("the connection stays open")
    }

    async fn next(&mut self) -> Result<Value, Option<CloseFrame>> {
        self.next_text().await.map(|text| serde_json::from_str(&text).unwrap())
    }

    async fn next_text(&mut self) -> Result<String, Option<CloseFrame>> {
        within(self.text()).await
    }

    /// Waits for the text of the next frame, however long that takes. It may be given up at any
    /// point and called again: nothing is lost.
    ///
    /// # Errors
    ///
    /// The close frame, if there was one, when the connection ends.
    pub(crate) async fn text(&mut self) -> Result<String, Option<CloseFrame>> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    // A two-way route whose function returned nothing sends an empty message.
                    if !text.is_empty() {
                        return Ok(text.as_str().to_owned());
                    }
                }
                Some(Ok(Message::Close(close))) => return Err(close),
                Some(Ok(Message::Binary(_))) => panic!("API Gateway sends no binary frames"),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }
}

/// An id that no other frame or message has.
pub fn id() -> String {
    Uuid::now_v7().to_string()
}

/// A frame with an id of its own.
pub fn frame(action: &str, fields: Value) -> Value {
    let mut frame = json!({ "action": action, "id": id() });
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    frame.as_object_mut().unwrap().extend(fields);
    frame
}
