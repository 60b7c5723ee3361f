//! A connection between two programs that a test cuts, stops or slows down.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::Held;

/// Passes on what comes to its address.
pub struct Proxy {
    address: SocketAddr,
    ways: Arc<Mutex<Ways>>,
    _task: Held,
}

/// Where what comes goes, and how.
struct Ways {
    target: SocketAddr,
    delay: Duration,
    /// Of the connections that come, and of those that came since it is there.
    mode: watch::Sender<Mode>,
    forgotten: Vec<watch::Sender<Mode>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// What comes is passed on.
    Pass,
    /// Connections stay open, and nothing comes through.
    Hold,
    /// Connections end.
    Cut,
}

impl Proxy {
    /// To a port of this machine.
    pub async fn to(port: u16) -> Self {
        let ways = Arc::new(Mutex::new(Ways {
            target: SocketAddr::from(([127, 0, 0, 1], port)),
            delay: Duration::ZERO,
            mode: watch::Sender::new(Mode::Pass),
            forgotten: Vec::new(),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let known = Arc::clone(&ways);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (target, delay, mode) = {
                    let ways = known.lock().unwrap_or_else(PoisonError::into_inner);
                    (ways.target, ways.delay, ways.mode.subscribe())
                };
                tokio::spawn(pass(stream, target, delay, mode));
            }
        });
        Self {
            address,
            ways,
            _task: task.into(),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn change(&self, change: impl FnOnce(&mut Ways)) {
        change(&mut self.ways.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn mode(&self, mode: Mode) {
        self.change(|ways| {
            ways.mode.send_replace(mode);
        });
    }

    /// Connections that are there stay open, as those that come, and nothing comes through any of them.
    pub fn hold(&self) {
        self.mode(Mode::Hold);
    }

    /// Connections that are there stay open and nothing ever comes through; others are good.
    pub fn forget(&self) {
        self.change(|ways| {
            ways.mode.send_replace(Mode::Hold);
            let old = std::mem::replace(&mut ways.mode, watch::Sender::new(Mode::Pass));
            // Without its sender a connection would end.
            ways.forgotten.push(old);
        });
    }

    /// Connections end, and those that come end at once.
    pub fn cut(&self) {
        self.mode(Mode::Cut);
    }

    /// What comes is passed on, also what was held.
    pub fn pass(&self) {
        self.mode(Mode::Pass);
    }

    /// Connections that come take so long in each direction.
    pub fn delay(&self, by: Duration) {
        self.change(|ways| ways.delay = by);
    }

    /// Connections that are there end, and others go to another port.
    pub fn turn_to(&self, port: u16) {
        self.change(|ways| {
            ways.mode.send_replace(Mode::Cut);
            ways.target.set_port(port);
            ways.mode = watch::Sender::new(Mode::Pass);
        });
    }
}

async fn pass(stream: TcpStream, target: SocketAddr, delay: Duration, mode: watch::Receiver<Mode>) {
    if *mode.borrow() == Mode::Cut {
        return;
    }
    let Ok(other) = TcpStream::connect(target).await else {
        return;
    };
    stream.set_nodelay(true).ok();
    other.set_nodelay(true).ok();
    let (here, there) = (stream.into_split(), other.into_split());
    let ways = [
        tokio::spawn(copy(here.0, there.1, delay, mode.clone())),
        tokio::spawn(copy(there.0, here.1, delay, mode)),
    ];
    for way in ways {
        way.await.ok();
    }
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: Duration,
    mut mode: watch::Receiver<Mode>,
) {
    let mut cut = mode.clone();
    let copying = async move {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let Ok(length @ 1..) = from.read(&mut bytes).await else {
                return;
            };
            tokio::time::sleep(delay).await;
            // What was read while it is held comes when it goes on.
            let passes = mode.wait_for(|mode| *mode != Mode::Hold).await;
            let passes = passes.is_ok_and(|mode| *mode == Mode::Pass);
            let Some(read) = bytes.get(..length).filter(|_| passes) else {
                return;
            };
            if to.write_all(read).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = copying => {}
        _ = cut.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}
