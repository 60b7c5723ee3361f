//! The processes of this example. Each ends with whoever holds it, also in a panic.

use std::error::Error;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clearance::redis::{RedisRevocations, RedisStoreError};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};

use crate::machine;

/// A running program, which is killed when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A Redis server of this example alone, and its folder.
pub(crate) struct Redis {
    running: Option<Running>,
    folder: PathBuf,
    port: u16,
}

impl Redis {
    pub(crate) async fn start() -> Result<Self, Box<dyn Error>> {
        let free = TcpListener::bind("127.0.0.1:0")?;
        let port = free.local_addr()?.port();
        drop(free);
        let name = format!("clearance-many-machines-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder)?;
        let mut redis = Self {
            running: None,
            folder,
            port,
        };
        redis.run()?;
        // What an operator does once.
        let options = machine::options(&redis.url())?;
        loop {
            match RedisRevocations::create(&options).await {
                Ok(()) => return Ok(redis),
                Err(RedisStoreError::Unavailable("connection_failed" | "store_refused")) => {
                    redis.check()?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Each write is on the disk before it is answered, so that nothing is lost with the process.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            .args(["--save", "", "--dir"])
            .arg(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let child = child.map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                "redis-server is missing: the Debian package of that name brings it".to_owned()
            } else {
                format!("redis-server: {error}")
            }
        });
        self.running = Some(Running(child?));
        Ok(())
    }

    /// It is still running.
    fn check(&mut self) -> Result<(), Box<dyn Error>> {
        let ended = self
            .running
            .as_mut()
            .map(|it| it.0.try_wait())
            .transpose()?;
        match ended.flatten() {
            Some(status) => Err(format!("redis-server: {status}").into()),
            None => Ok(()),
        }
    }

    /// `kill -9`
    pub(crate) fn kill(&mut self) {
        self.running = None;
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A machine: this program once more.
pub(crate) struct Machine {
    _running: Running,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

impl Machine {
    /// Serves on this port, or on a free one if it is zero.
    pub(crate) async fn start(
        port: u16,
        issuer: &str,
        redis: &str,
    ) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["machine", &port.to_string(), issuer, redis])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let running = Running(child);
        let input = ChildStdin::from_std(input.ok_or("no input")?)?;
        let output = ChildStdout::from_std(output.ok_or("no output")?)?;
        let mut machine = Self {
            _running: running,
            input,
            output: BufReader::new(output),
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        };
        let port = machine.line().await?;
        machine.address.set_port(port.parse()?);
        Ok(machine)
    }

    async fn line(&mut self) -> Result<String, Box<dyn Error>> {
        let mut line = String::new();
        self.output.read_line(&mut line).await?;
        match line.strip_suffix('\n') {
            Some(line) => Ok(line.to_owned()),
            None => Err("a machine ended".into()),
        }
    }

    /// Whether all machines will know that the token is revoked, which this one does.
    pub(crate) async fn revoke(&mut self, token: &str) -> Result<bool, Box<dyn Error>> {
        let line = format!("{token}\n");
        self.input.write_all(line.as_bytes()).await?;
        Ok(self.line().await? == "revoked")
    }
}
