//! The issuer's HTTP server: loopback only, one request per connection.
//!
//! It is written on bare sockets, because its faults (a head that comes byte by byte, a body cut
//! short) are what a proper HTTP server takes care not to do.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Mutex;
use tokio::task::{self, JoinHandle, JoinSet};
use tokio::time;

use super::site::{Answer, Manner, Site};

/// More than any request for a document needs.
const MAX_HEAD: usize = 16 * 1024;
const BACKLOG: u32 = 1024;

/// A port of this machine, bound and not yet listening.
#[derive(Debug)]
pub(super) struct Reserved {
    socket: TcpSocket,
    address: SocketAddr,
}

/// A server that can be stopped and started again on the same port.
#[derive(Debug)]
pub(super) struct Server {
    site: Arc<Site>,
    address: SocketAddr,
    port: Mutex<Port>,
}

#[derive(Debug)]
enum Port {
    Listening(JoinHandle<()>),
    // A bound socket that does not listen refuses connections and keeps the port from others.
    Silent(Option<TcpSocket>),
}

impl Reserved {
    /// Takes a free port.
    pub(super) fn any_port() -> io::Result<Self> {
        let socket = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Server {
    /// Serves `site` on `port`.
    pub(super) fn start(port: Reserved, site: Arc<Site>) -> io::Result<Self> {
        let listener = port.socket.listen(BACKLOG)?;
        let accepting = task::spawn(accept(listener, Arc::clone(&site)));
        Ok(Self {
            site,
            address: port.address,
            port: Mutex::new(Port::Listening(accepting)),
        })
    }

    /// Stops listening and closes every connection.
    pub(super) async fn stop(&self) {
        let mut port = self.port.lock().await;
        if let Port::Listening(accepting) = &mut *port {
            accepting.abort();
            // The listener and the connections are gone once the task has ended, not before.
            drop(accepting.await);
            *port = Port::Silent(bind(self.address).ok());
        }
    }

    /// Listens again.
    pub(super) async fn resume(&self) -> io::Result<()> {
        let mut port = self.port.lock().await;
        if let Port::Silent(reserved) = &mut *port {
            let socket = reserved.take().map_or_else(|| bind(self.address), Ok)?;
            let listener = socket.listen(BACKLOG)?;
            *port = Port::Listening(task::spawn(accept(listener, Arc::clone(&self.site))));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Port::Listening(accepting) = self.port.get_mut() {
            accepting.abort();
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Without it, connections of the past keep the port for a minute.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(listener: TcpListener, site: Arc<Site>) {
    // Ends all its tasks when it is dropped.
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let site = Arc::clone(&site);
                connections.spawn(async move {
                    // A client that went away is no concern of the server.
                    drop(serve(&stream, &site).await);
                });
            }
            // Out of file descriptors, for instance: let others finish.
            Err(_) => time::sleep(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: &TcpStream, site: &Site) -> io::Result<()> {
    let head = read_head(stream).await?;
    let answer = match target(&head) {
        Some(target) => site.answer(target),
        None => Answer::not_found(),
    };
    let length = match answer.manner {
        Manner::Endless => String::new(),
        Manner::Disconnect | Manner::Hang | Manner::Slow(_) | Manner::Truncated | Manner::Whole => {
            format!("Content-Length: {}\r\n", answer.body.len())
        }
    };
    let location = answer
        .location
        .map(|url| format!("Location: {url}\r\n"))
        .unwrap_or_default();
    let status = answer.status;
    let head = format!(
        "HTTP/1.1 {status} Test\r\nContent-Type: application/json\r\n\
         Connection: close\r\n{length}{location}\r\n"
    );
    let bytes = [head.as_bytes(), &answer.body].concat();
    match answer.manner {
        Manner::Whole => write(stream, &bytes).await,
        Manner::Disconnect => Ok(()),
        Manner::Hang => until_closed(stream).await,
        Manner::Truncated => {
            let cut = bytes.len().saturating_sub(answer.body.len().div_ceil(2));
            write(stream, bytes.get(..cut).unwrap_or_default()).await
        }
        Manner::Slow(pause) => {
            for byte in bytes {
                write(stream, &[byte]).await?;
                time::sleep(pause).await;
            }
            Ok(())
        }
        Manner::Endless => {
            write(stream, &bytes).await?;
            loop {
                // White space: as JSON the document stays whole, it only never ends.
                write(stream, &[b' '; 8192]).await?;
                task::yield_now().await;
            }
        }
    }
}

/// The target of a request head: `/jwks` of `GET /jwks HTTP/1.1`.
fn target(head: &[u8]) -> Option<&str> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    str::from_utf8(line).ok()?.split(' ').nth(1)
}

async fn read_head(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < MAX_HEAD {
        match read(stream, &mut buffer).await? {
            [] => return Err(io::ErrorKind::UnexpectedEof.into()),
            some => head.extend_from_slice(some),
        }
    }
    Ok(head)
}

async fn until_closed(stream: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    while !read(stream, &mut buffer).await?.is_empty() {}
    Ok(())
}

async fn read<'b>(stream: &TcpStream, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    loop {
        stream.readable().await?;
        match stream.try_read(buffer) {
            Ok(count) => return Ok(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
