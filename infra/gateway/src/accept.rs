//! How every listener takes its clients.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How long accepting rests when it fails, which it does for want of file descriptors: those who
/// leave make room. Ours.
const REST: Duration = Duration::from_millis(50);

/// Accepts clients, whom the log calls by `name`, until the future is dropped; those who are served
/// go down with it.
pub(crate) async fn accept<F>(listener: TcpListener, name: &str, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(clients.spawn(serve(stream))),
                Err(error) => {
                    tracing::warn!("{name} cannot be accepted: {error}");
                    tokio::time::sleep(REST).await;
                }
            },
            Some(_) = clients.join_next() => {}
        }
    }
}
