//! Several processes, crashes, and what is seen of secrets.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, mpsc};

use chrono::TimeDelta;
use clearance::client::Client;
use clearance::client::layer::{Access, AuthorizationCode};
use clearance::client::store::{CredentialStore as _, FileStore, StoreKey};
use tracing_subscriber::fmt::MakeWriter;

use crate::guarded::{Guarded, Nobody, call};
use crate::processes::{self, Directory};
use crate::support::Reply;

fn file_store(directory: &Directory) -> Arc<FileStore> {
    Arc::new(FileStore::open(directory.path()).unwrap())
}

/// One call by this process, which has a store and nobody to ask.
async fn call_as_child(part: &str) {
    let (directory, endpoint) = part.split_once('|').unwrap();
    let client = Client::builder(endpoint.parse().unwrap()).build().unwrap();
    let access = Access::builder(client, AuthorizationCode::by(Nobody))
        .store(Arc::new(FileStore::open(directory).unwrap()))
        .build();
    match call(&access, endpoint, "x").await {
        Ok(status) => assert_eq!(status, 200),
        Err(error) => panic!("{error}"),
    }
}

fn child(test: &str, directory: &Path, endpoint: &str) -> Command {
    let part = format!("{}|{endpoint}", directory.display());
    processes::again(test, &part)
}

async fn ends(mut child: Child) -> bool {
    tokio::task::spawn_blocking(move || child.wait().unwrap().success())
        .await
        .unwrap()
}

/// CL-073, CL-076: processes that share a store share one refresh.
#[tokio::test]
async fn processes_share_one_refresh() {
    let name = "layer_processes::processes_share_one_refresh";
    if let Some(part) = processes::part() {
        call_as_child(&part).await;
        return;
    }
    let guarded = Guarded::start().await;
    let directory = Directory::new();
    // By the clock of the children, which is the machine's, the token is over.
    let access = guarded.builder().store(file_store(&directory)).build();
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    guarded.world.log.take();
    let children: Vec<_> = (0..4)
        .map(|_| {
            child(name, directory.path(), &guarded.world.endpoint)
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        assert!(ends(child).await);
    }
    assert_eq!(guarded.mint().shown, ["refresh-token-1"]);
    assert_eq!(guarded.presented().len(), 4);
    let newest = Some("Bearer access-token-2".to_owned());
    assert!(guarded.presented().iter().all(|one| *one == newest));
}

/// CL-076: who is killed between the answer and the store has the new refresh token or none afterwards, and
/// never the one that was shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crash_never_brings_an_old_refresh_token_back() {
    let name = "layer_processes::a_crash_never_brings_an_old_refresh_token_back";
    if let Some(part) = processes::part() {
        call_as_child(&part).await;
        return;
    }
    let guarded = Guarded::start().await;
    let directory = Directory::new();
    let access = guarded.builder().store(file_store(&directory)).build();
    assert_eq!(guarded.call(&access, "x").await, Ok(200));

    // The server rotates, and the child is dead before it reads the answer.
    let (is_asked, asked) = mpsc::channel::<()>();
    let (go_on, waits) = mpsc::channel::<()>();
    let (is_asked, waits) = (Mutex::new(is_asked), Mutex::new(waits));
    let mint = Arc::clone(&guarded.mint);
    guarded.world.server.site.on("POST /token", move |seen| {
        let reply = {
            let mut mint = mint.lock().unwrap();
            mint.shown.push(seen.one("refresh_token").unwrap());
            mint.tokens("mcp:basic")
        };
        is_asked.lock().unwrap().send(()).unwrap();
        waits.lock().unwrap().recv().unwrap();
        reply
    });
    let mut killed = child(name, directory.path(), &guarded.world.endpoint)
        .spawn()
        .unwrap();
    tokio::task::spawn_blocking(move || asked.recv().unwrap())
        .await
        .unwrap();
    killed.kill().unwrap();
    killed.wait().unwrap();
    go_on.send(()).unwrap();
    assert_eq!(guarded.mint().shown, ["refresh-token-1"]);

    // Another one asks for no refresh: it would have to ask the person, and there is nobody.
    let next = child(name, directory.path(), &guarded.world.endpoint).output();
    let told = String::from_utf8(next.unwrap().stderr).unwrap();
    assert!(told.contains("nobody to be asked"), "{told}");
    assert_eq!(guarded.mint().shown, ["refresh-token-1"]);
}

/// CL-076: new tokens that cannot be kept are not used, and the old refresh token is not shown again.
#[tokio::test]
async fn what_cannot_be_kept_is_not_used() {
    let guarded = Guarded::start().await;
    let directory = Directory::new();
    let access = guarded.builder().store(file_store(&directory)).build();
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    guarded.world.log.take();
    let key = StoreKey::tokens(
        &guarded.world.server.issuer.parse().unwrap(),
        &guarded.world.endpoint.parse().unwrap(),
    );
    // When the answer comes, the place for the new file is a directory.
    let place = directory.path().join(format!("{}.new", key.name()));
    let (mint, made) = (Arc::clone(&guarded.mint), place.clone());
    guarded.world.server.site.on("POST /token", move |seen| {
        std::fs::create_dir(&made).unwrap();
        let mut mint = mint.lock().unwrap();
        mint.shown.push(seen.one("refresh_token").unwrap());
        mint.tokens("mcp:basic")
    });
    guarded.world.clock.advance(TimeDelta::seconds(600));
    let error = guarded.call(&access, "x").await.unwrap_err();
    assert_eq!(error.code(), "store_refused");
    assert_eq!(guarded.presented().len(), 0, "no request went out");
    std::fs::remove_dir(&place).unwrap();
    guarded.mint().always = Some(Reply::status(403));
    assert_eq!(guarded.call(&access, "x").await, Ok(403));
    assert_eq!(guarded.presented(), [None]);
    assert_eq!(guarded.mint().shown, ["refresh-token-1"]);
}

/// A record that is damaged is told, is not overwritten, and can be signed out.
#[tokio::test]
async fn a_damaged_record_is_told() {
    let guarded = Guarded::start().await;
    let directory = Directory::new();
    let access = guarded.builder().store(file_store(&directory)).build();
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    let key = StoreKey::tokens(
        &guarded.world.server.issuer.parse().unwrap(),
        &guarded.world.endpoint.parse().unwrap(),
    );
    let file = directory.path().join(format!("{}.credential", key.name()));
    std::fs::write(&file, "clearance credential\n").unwrap();
    let next = guarded.builder().store(file_store(&directory)).build();
    for _ in 0..2 {
        assert_eq!(
            guarded.call(&next, "x").await.unwrap_err().code(),
            "damaged_record"
        );
    }
    assert!(file.exists());
    next.sign_out().await.unwrap();
    assert_eq!(guarded.call(&next, "x").await, Ok(200));
    let kept = file_store(&directory).load(&key).await.unwrap();
    assert!(kept.is_some());
}

/// All that is written to the log.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// CL-079: no secret is in the log at its finest, in `Debug`, in an error, in a URL or in a name of a file.
#[tokio::test]
async fn secrets_are_seen_nowhere() {
    if processes::part().is_none() {
        // What other tests do at the same time decides what is logged at all: it is alone in a process.
        let name = "layer_processes::secrets_are_seen_nowhere";
        processes::succeeds(processes::again(name, "alone"));
        return;
    }
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(captured.clone())
        .finish();
    let _subscriber = tracing::subscriber::set_default(subscriber);

    let guarded = Guarded::start().await;
    guarded.world.server.state().registration =
        serde_json::json!({"client_secret": "the-secret-of-the-client"});
    let directory = Directory::new();
    let access = guarded.builder().store(file_store(&directory)).build();
    let mut shown = String::new();
    for body in ["x", "write"] {
        assert_eq!(guarded.call(&access, body).await, Ok(200));
        write!(shown, "{access:?}{:?}", access.layer()).unwrap();
    }
    guarded.world.clock.advance(TimeDelta::seconds(600));
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    for fault in [
        Reply::text(200, "{\"access_token\": \"access-token-of-a-bad-answer\""),
        Reply::text(400, "{\"error\": \"refresh-token-in-an-error\"}"),
        Reply::status(500),
    ] {
        guarded.mint().fault = Some(fault);
        guarded.world.clock.advance(TimeDelta::seconds(600));
        let done = guarded.call(&access, "x").await;
        write!(shown, "{done:?}").unwrap();
        if let Err(error) = done {
            write!(shown, "{error}").unwrap();
        }
    }
    write!(shown, "{:?}", access.sign_out().await).unwrap();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        shown.push_str(entry.unwrap().file_name().to_str().unwrap());
    }
    for seen in guarded.world.log.all() {
        if seen.path != "/callback" {
            shown.push_str(&seen.line());
        }
    }
    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert!(!log.is_empty(), "nothing was captured");
    let verifiers = guarded.world.log.to("/token");
    let verifiers = verifiers
        .iter()
        .filter_map(|seen| seen.one("code_verifier"));
    let mut secrets: Vec<String> = verifiers.collect();
    secrets.extend(
        [
            "access-token-",
            "refresh-token-",
            "the-secret-of-the-client",
        ]
        .map(str::to_owned),
    );
    for secret in secrets {
        assert!(!shown.contains(&secret), "{secret} is in {shown}");
        assert!(!log.contains(&secret), "{secret} is in {log}");
    }
}
