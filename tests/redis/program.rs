//! Redis servers that a test starts, stops and breaks.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue};

use super::world::eventually;

/// Whether the program is there, or why not.
pub(crate) fn needed() -> Result<(), String> {
    let mut command = Command::new("redis-server");
    let quiet = command.arg("--version").stdout(Stdio::null());
    match quiet.status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err("redis-server is missing: the Debian package of that name brings it".to_owned()),
    }
}

/// A running server with a folder of its own. It ends with whoever holds this.
pub(crate) struct Program {
    child: Option<Child>,
    folder: PathBuf,
    pub(crate) port: u16,
    more: Vec<String>,
}

impl Program {
    /// A server that keeps nothing.
    pub(crate) async fn start() -> Self {
        Self::start_with(&["--appendonly", "no"]).await
    }

    /// A server with these settings more.
    pub(crate) async fn start_with(more: &[&str]) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("clearance-redis-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let more = more.iter().map(|&text| text.to_owned()).collect();
        let mut this = Self {
            child: None,
            folder,
            port,
            more,
        };
        this.run().await;
        this
    }

    /// Runs it, also again on the same port.
    pub(crate) async fn run(&mut self) {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--daemonize", "no", "--dir"])
            .arg(&self.folder)
            .args(["--repl-diskless-sync-delay", "0"])
            .args(&self.more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.expect("redis-server"));
        eventually("the server answers", async || {
            match self.try_ask::<String>(&redis::cmd("PING")).await {
                Ok(said) => said == "PONG",
                // It wants a password first.
                Err(error) => error.code() == Some("NOAUTH"),
            }
        })
        .await;
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    async fn connection(&self) -> redis::RedisResult<MultiplexedConnection> {
        let client = redis::Client::open(self.url())?;
        client.get_multiplexed_async_connection().await
    }

    pub(crate) async fn try_ask<T: FromRedisValue>(&self, command: &Cmd) -> redis::RedisResult<T> {
        let mut connection = self.connection().await?;
        command.query_async(&mut connection).await
    }

    /// What it answers to a command, which is its words.
    pub(crate) async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = Cmd::new();
        for word in words {
            command.arg(*word);
        }
        let answer = self.try_ask(&command).await;
        answer.unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// It ends, and loses what it has kept.
    pub(crate) fn lose(&mut self) {
        self.kill();
        std::fs::remove_dir_all(&self.folder).expect("it goes");
        std::fs::create_dir_all(&self.folder).expect("a folder");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().expect("a running server").id();
        let status = Command::new("kill")
            .args([signal, &id.to_string()])
            .status();
        assert!(status.expect("kill").success());
    }

    /// It does nothing more, and its connections stay open.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    /// It ends as if the machine had lost its power.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it ends");
            child.wait().expect("it has ended");
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
