//! Texts, and guards that are made of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clearance::Guard;
use clearance::config::Config;
use clearance::testing::{Issuer, ManualClock};

use crate::support::{self, E, Fixture, Server};

/// A configuration in TOML.
pub(crate) fn read(text: &str) -> Config {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A text with these lines about the guard, and one issuer with these lines about it.
pub(crate) fn text(issuer: &str, guard: &str, lines: &str) -> String {
    format!("resource = \"{E}\"\n{guard}\n[[issuers]]\nidentifier = \"{issuer}\"\n{lines}\n")
}

/// A text about an issuer that nobody asks.
pub(crate) fn about(guard: &str, lines: &str) -> String {
    text("https://as.example.com", guard, lines)
}

/// The guard of a text.
pub(crate) fn guard(text: &str, clock: &ManualClock) -> Guard<Fixture> {
    let builder = read(text).builder::<Fixture>();
    let builder = builder.unwrap_or_else(|error| panic!("{error}\n{text}"));
    builder
        .clock(Arc::new(clock.clone()))
        .build()
        .expect("a guard")
}

/// A server whose guard comes from these lines, about itself and about its one issuer.
pub(crate) async fn server(lines: &str, issuer_lines: &str) -> Server {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    server_of(issuer, clock, lines, issuer_lines).await
}

pub(crate) async fn server_of(
    issuer: Issuer,
    clock: ManualClock,
    lines: &str,
    issuer_lines: &str,
) -> Server {
    let lines = format!("baseline = [\"mcp:tools.read\"]\n{lines}");
    let guard = guard(&text(issuer.id().as_str(), &lines, issuer_lines), &clock);
    guard.ready().await.expect("keys");
    support::serve(issuer, clock, guard).await
}

/// A file that is gone with this.
pub(crate) struct Held(PathBuf);

impl Held {
    pub(crate) fn file(content: impl AsRef<[u8]>) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(format!("clearance-config-{process}-{count}"));
        fs::write(&path, content).expect("a file");
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("text")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

/// A file of the repository.
pub(crate) fn repository(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    path.to_str().expect("text").to_owned()
}
