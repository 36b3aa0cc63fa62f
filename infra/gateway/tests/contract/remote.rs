//! Functions that somebody else runs, and the address that containers see.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::http::Request;
use crate::local::Local;
use crate::socket::Handshake;

/// What `function` answers, and whether that is a failure.
fn answer(function: &str, event: &Value) -> (bool, Value) {
    match function {
        "Guard" => {
            let statement =
                json!({"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "*"});
            let document = json!({"Version": "2012-10-17", "Statement": [statement]});
            (false, json!({"principalId": "ada", "policyDocument": document}))
        }
        "Room" if event["body"].as_str().unwrap().contains("fail") => {
            (true, json!({"errorType": "Oops", "errorMessage": "as it was told"}))
        }
        _ => (false, json!({"statusCode": 200, "body": format!("{function} from afar")})),
    }
}

/// Serves Lambda's API to one connection.
async fn serve(stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        if let Some(number) = line.to_lowercase().strip_prefix("content-length: ") {
            length = number.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let path = head.split(' ').nth(1).unwrap();
    let function = path.strip_prefix("/2015-03-31/functions/").unwrap();
    let function = function.strip_suffix("/invocations").unwrap();
    let (failed, answer) = answer(function, &serde_json::from_slice(&body).unwrap());
    let (answer, error) =
        (answer.to_string(), if failed { "x-amz-function-error: Unhandled\r\n" } else { "" });
    let answer = format!(
        "HTTP/1.1 200 OK\r\n{error}content-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

/// Serves Lambda's API; where.
async fn lambda() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream));
        }
    });
    endpoint
}

#[tokio::test]
async fn functions_that_somebody_else_runs_are_invoked_by_lambdas_api() {
    let endpoint = lambda().await;
    let local = Local::with(|settings| {
        settings.lambda = Some(endpoint.parse().unwrap());
        settings.executables.clear();
    })
    .await;
    let mut socket = local.handshake("ada").open().await;
    socket.say(r#"{"action":"shout","text":"hi"}"#).await;
    assert_eq!(socket.text().await, "Room from afar");
    socket.say(r#"{"action":"shout","text":"fail"}"#).await;
    assert_eq!(socket.json().await["message"], "Internal server error");
    let bill = local.running.stop().await;
    assert_eq!((bill.functions["Room"].invocations, bill.functions["Room"].failures), (2, 1));
}

#[tokio::test]
async fn where_nobody_runs_them_nobody_comes_in() {
    let local = Local::with(|settings| {
        settings.lambda = Some("http://127.0.0.1:1".parse().unwrap());
    })
    .await;
    let answer = local.handshake("ada").send().await;
    assert_eq!(answer.status(), 500);
}

#[tokio::test]
async fn an_address_for_containers_leads_to_the_same_ports() {
    // Another address of the loopback network: containers would see the one of their bridge.
    let address = IpAddr::from([127, 0, 0, 2]);
    let mut local = Local::with(|settings| settings.listen = Some(address)).await;
    let port = local.address().rsplit_once(':').unwrap().1.to_owned();
    let mut socket = Handshake::new(&format!("{address}:{port}"), "/prod?user=ada").open().await;
    socket.say(r#"{"action":"shout","text":"hi"}"#).await;
    assert_eq!(socket.text().await, "HI");
    local.journal.next("shout").await;

    let endpoint = local.running.dynamodb_endpoint();
    let port = endpoint.rsplit_once(':').unwrap().1;
    let answer = Request::new("POST", "/")
        .header("x-amz-target", "DynamoDB_20120810.ListTables")
        .header("content-type", "application/x-amz-json-1.0")
        .signed()
        .body(b"{}")
        .send(&format!("{address}:{port}"))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}
