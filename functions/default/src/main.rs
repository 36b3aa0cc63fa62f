//! `default`: answers a frame that no route claims.
//!
//! Wiring only. The answer is in `edge::failure`. It touches no table.

use edge::{BootError, Direction, Event, Failure, Reply};
use push_apigw::ApiGateway;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    let boot = edge::boot()?;
    edge::serve(Direction::TwoWay, ApiGateway::new(boot.management), handle).await
}

async fn handle(event: Event) -> Result<Reply, Failure> {
    edge::route::unclaimed(&event)
}
