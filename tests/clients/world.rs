//! The quickstart's server, on a clock that the test moves; and what it was asked.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::middleware::{self, Next};
use axum::response::Response;
use chrono::TimeDelta;
use clearance::Guard;
use clearance::clock::SystemClock;
use clearance::testing::{AuthorizationServer, ManualClock, RecordedRequest};
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::trial::Outcome;
use crate::server::{self, Files, FilesRead, FilesScopes, Folder};

/// The file that is read, and deleted.
pub(crate) const FIRST: &str = "notes.txt";
pub(crate) const FIRST_TEXT: &str = "buy milk\n";

/// The file that is there when time has passed.
pub(crate) const SECOND: &str = "later.txt";
pub(crate) const SECOND_TEXT: &str = "buy more milk";

/// Longer than an access token lives, with leeway.
pub(crate) const PASSES: TimeDelta = TimeDelta::minutes(15);

pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) authorization: AuthorizationServer,
    guard: Guard<FilesScopes>,
    clock: ManualClock,
    folder: PathBuf,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// How much had been asked when time passed.
    passed_at: Option<Passed>,
    serving: JoinHandle<()>,
}

#[derive(Clone, Copy)]
struct Passed {
    seen: usize,
    requests: usize,
}

/// A request to the MCP server, and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The method of the message; none in a request without a message, as to open a stream.
    pub(crate) method: Option<String>,
    pub(crate) tool: Option<String>,
    /// `MCP-Protocol-Version`.
    pub(crate) revision: Option<String>,
    pub(crate) with_token: bool,
    pub(crate) status: u16,
    pub(crate) challenge: String,
}

impl World {
    pub(crate) async fn start() -> Outcome<Self> {
        let world = Self::start_deaf().await?;
        server::listen_for_revocations(&world.authorization, &world.guard);
        Ok(world)
    }

    /// One whose guard is not told what the authorization server revokes.
    pub(crate) async fn start_deaf() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/mcp", listener.local_addr()?);
        // Clients compare what they are told with their own clocks.
        let clock = ManualClock::new(clearance::clock::Clock::now(&SystemClock));
        let authorization = AuthorizationServer::builder(url.parse()?)
            .describing::<FilesScopes>()
            .clock(Arc::new(clock.clone()))
            .start()
            .await?;
        let guard = Guard::<FilesScopes>::builder(authorization.resource().clone())
            .issuer(authorization.id().clone())
            .baseline::<FilesRead>()
            .clock(Arc::new(clock.clone()))
            .build()?;
        guard.ready().await?;

        let folder = Folder::with(FIRST, FIRST_TEXT)?;
        let path = folder.path().to_owned();
        let seen = Arc::default();
        let config = StreamableHttpServerConfig::default();
        let app = Files::new(&guard, folder).app(&guard, config)?;
        let app = app.layer(middleware::from_fn_with_state(Arc::clone(&seen), watch));
        let serving = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("a server");
        });
        Ok(Self {
            url,
            authorization,
            guard,
            clock,
            folder: path,
            seen,
            passed_at: None,
            serving,
        })
    }

    /// Lets time pass, until every access token so far is worth nothing.
    pub(crate) fn later(&mut self) -> Outcome<()> {
        if self.passed_at.is_some() {
            return Err("time has passed before".into());
        }
        std::fs::write(self.folder.join(SECOND), SECOND_TEXT)?;
        self.passed_at = Some(Passed {
            seen: self.seen().len(),
            requests: self.authorization.requests().len(),
        });
        self.clock.advance(PASSES);
        Ok(())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the MCP server was asked before time passed, and after.
    pub(crate) fn seen_before_and_after(&self) -> (Vec<Seen>, Vec<Seen>) {
        let mut before = self.seen();
        let at = self.passed_at.map_or(before.len(), |passed| passed.seen);
        let after = before.split_off(at);
        (before, after)
    }

    /// The same of the authorization server.
    pub(crate) fn requests_before_and_after(&self) -> (Vec<RecordedRequest>, Vec<RecordedRequest>) {
        let mut before = self.authorization.requests();
        let at = self
            .passed_at
            .map_or(before.len(), |passed| passed.requests);
        let after = before.split_off(at);
        (before, after)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("a lock").clone()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn watch(
    State(seen): State<Arc<Mutex<Vec<Seen>>>>,
    request: Request,
    next: Next,
) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let revision = head.headers.get("mcp-protocol-version");
    let mut record = Seen {
        method: text(&message["method"]),
        tool: text(&message["params"]["name"]),
        revision: revision.map(|value| value.to_str().expect("text").to_owned()),
        with_token: head.headers.contains_key(AUTHORIZATION),
        status: 0,
        challenge: String::new(),
    };
    let is_of_the_server = head.uri.path() == "/mcp";
    let response = next.run(Request::from_parts(head, Body::from(body))).await;
    record.status = response.status().as_u16();
    if let Some(challenge) = response.headers().get(WWW_AUTHENTICATE) {
        challenge
            .to_str()
            .expect("text")
            .clone_into(&mut record.challenge);
    }
    if is_of_the_server {
        seen.lock().expect("a lock").push(record);
    }
    response
}
