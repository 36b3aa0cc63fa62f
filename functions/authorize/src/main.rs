//! `authorize`: decides at the handshake who is calling, by their token.
//!
//! Wiring only. Tokens are in `auth`, events in `edge::authorizer`. It touches no table.

use edge::BootError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    edge::authorizer::serve().await
}
