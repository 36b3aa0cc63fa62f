//! The one exception to loopback: an address of this machine that containers can see, by which they
//! reach what is served on 127.0.0.1.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::Error;
use crate::accept::accept;

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
            let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let serve = accept(listener, "a container", move |stream| carry(stream, to));
            forward.tasks.push(tokio::spawn(serve));
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

async fn carry(mut from: TcpStream, to: SocketAddr) {
    let Ok(mut to) = TcpStream::connect(to).await else { return };
    // Either end may hang up in the middle.
    let _ended = tokio::io::copy_bidirectional(&mut from, &mut to).await;
}
