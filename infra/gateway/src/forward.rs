//! The one exception to loopback: an address of this machine that containers can see, by which they
//! reach what is served on 127.0.0.1.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::Error;

/// Ports of one address that lead to the same ports of 127.0.0.1, until it is dropped.
#[derive(Debug)]
pub(crate) struct Forward {
    tasks: Vec<JoinHandle<()>>,
}

impl Forward {
    /// Listens on `address` at each of `ports`.
    ///
    /// # Errors
    ///
    /// The machine does not have the address, or somebody listens there.
    pub(crate) async fn start(
        address: IpAddr,
        ports: impl IntoIterator<Item = u16>,
    ) -> Result<Self, Error> {
        let mut forward = Self { tasks: Vec::new() };
        for port in ports {
            let listener = TcpListener::bind((address, port)).await;
            let listener = listener.map_err(|source| Error::Forward { address, port, source })?;
            forward.tasks.push(tokio::spawn(serve(listener, (Ipv4Addr::LOCALHOST, port).into())));
        }
        Ok(forward)
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Accepts until the task is aborted; those who are served go down with it.
async fn serve(listener: TcpListener, to: SocketAddr) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(clients.spawn(carry(stream, to))),
                Err(error) => {
                    tracing::warn!("a container cannot be accepted: {error}");
                    tokio::task::yield_now().await;
                }
            },
            Some(_) = clients.join_next() => {}
        }
    }
}

async fn carry(mut from: TcpStream, to: SocketAddr) {
    let Ok(mut to) = TcpStream::connect(to).await else { return };
    // Either end may hang up in the middle.
    let _ended = tokio::io::copy_bidirectional(&mut from, &mut to).await;
}
