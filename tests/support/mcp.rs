//! An MCP server on loopback, the policy of the requirements on it, and requests for it.
//!
//! | what | demands |
//! | --- | --- |
//! | tool `get_weather` | `mcp:tools.read` |
//! | tool `delete_file` | `files:read` and `files:write` |
//! | tool `one_of` | `a` or `b` |
//! | tool `whoami` | any valid token |
//! | tool `export`, which answers bit by bit | `files:read` |
//! | prompt `greeting` | `files:read` |
//! | resource `file:///pub/readme.txt` | any valid token |
//! | resources `file:///pub/{name}` | `mcp:tools.read` |
//! | resources `file:///private/{*path}` | `files:read` |
//! | `completion/complete` | `b` |
//! | `logging/setLevel` | `mcp:admin` |
//! | `example/index`, of nobody's standard | `files:write` |
//! | `tools/list`, `prompts/list` | `mcp:tools.read` |
//! | `resources/list`, `resources/templates/list` | `files:read` |

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use clearance::id::TokenId;
use clearance::mcp::method::{
    CompletionComplete, LoggingSetLevel, Other, PromptsList, ResourcesList, ResourcesTemplatesList,
    ToolsList,
};
use clearance::mcp::{CallError, Params, Router, Streamed, ToolError};
use clearance::scope::AnyOf;
use clearance::testing::{Issuer, ManualClock, TokenBuilder};
use clearance::{Authorized, Guard, GuardBuilder, Ready};
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{MODERN, Request, whole};
use super::{Answer, FilesRead, FilesWrite, Fixture, McpAdmin, ScopeA, ScopeB, ToolsRead, raw};

/// What is served, the oldest first.
pub const REVISIONS: [&str; 4] = ["2025-03-26", "2025-06-18", "2025-11-25", MODERN];
/// Who is denied by a rule.
pub const DENIED: &str = "mallory";
/// A token that is revoked.
pub const REVOKED: &str = "revoked-1";

/// Which handlers ran, and what they saw of the name that was called.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn ran(&self, what: impl Into<String>) {
        self.lock().push(what.into());
    }

    /// What ran since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct File {
    path: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    name: String,
}

#[derive(Deserialize)]
struct Tree {
    path: String,
}

type Text = Result<&'static str, ToolError>;

async fn weather(_: Authorized<ToolsRead>, State(log): State<Log>) -> Result<Value, ToolError> {
    log.ran("get_weather");
    Ok(json!({ "degrees": 21 }))
}

async fn delete(
    _: Authorized<(FilesRead, FilesWrite)>,
    Params(file): Params<File>,
    State(log): State<Log>,
) -> Result<String, ToolError> {
    log.ran("delete_file");
    Ok(format!("deleted {:?}", file.path))
}

async fn one_of(_: Authorized<AnyOf<(ScopeA, ScopeB)>>, State(log): State<Log>) -> Text {
    log.ran("one_of");
    Ok("one of them")
}

async fn whoami(auth: Authorized<()>, State(log): State<Log>) -> Result<String, ToolError> {
    log.ran("whoami");
    Ok(auth.subject().to_string())
}

async fn export(
    _: Authorized<FilesRead>,
    State(log): State<Log>,
) -> Result<Streamed<u32>, ToolError> {
    log.ran("export");
    Ok(Streamed::new(async |progress| {
        progress.report(1.0, Some(2.0), "half of it").await;
        Ok::<_, ToolError>(42)
    }))
}

async fn greeting(_: Authorized<FilesRead>, State(log): State<Log>) -> Result<String, CallError> {
    log.ran("greeting");
    Ok("Say hello.".to_owned())
}

async fn readme(_: Authorized<()>, State(log): State<Log>) -> Result<String, CallError> {
    log.ran("readme");
    Ok("Read me.".to_owned())
}

async fn page(
    _: Authorized<ToolsRead>,
    Params(page): Params<Page>,
    State(log): State<Log>,
) -> Result<String, CallError> {
    log.ran(format!("page {}", page.name));
    Ok(page.name)
}

async fn tree(
    _: Authorized<FilesRead>,
    Params(tree): Params<Tree>,
    State(log): State<Log>,
) -> Result<String, CallError> {
    log.ran(format!("tree {}", tree.path));
    Ok(tree.path)
}

async fn complete(_: Authorized<ScopeB>, State(log): State<Log>) -> Result<Value, CallError> {
    log.ran("completion/complete");
    Ok(json!({ "completion": { "values": [] } }))
}

async fn set_level(_: Authorized<McpAdmin>, State(log): State<Log>) -> Result<(), CallError> {
    log.ran("logging/setLevel");
    Ok(())
}

async fn index(_: Authorized<FilesWrite>, State(log): State<Log>) -> Result<Value, CallError> {
    log.ran("example/index");
    Ok(json!({ "entries": [] }))
}

/// All of the table above.
pub fn router(guard: &Guard<Fixture>, log: &Log) -> Router<Fixture, Log> {
    Router::with_state(guard, log.clone())
        .tool("get_weather", weather)
        .tool("delete_file", delete)
        .tool("one_of", one_of)
        .tool("whoami", whoami)
        .tool("export", export)
        .prompt("greeting", greeting)
        .resource("file:///pub/readme.txt", readme)
        .resource("file:///pub/{name}", page)
        .resource("file:///private/{*path}", tree)
        .method(CompletionComplete.demanding::<ScopeB>(), complete)
        .method(LoggingSetLevel.demanding::<McpAdmin>(), set_level)
        .method(Other("example/index"), index)
        .list(ToolsList.demanding::<ToolsRead>())
        .list(PromptsList.demanding::<ToolsRead>())
        .list(ResourcesList.demanding::<FilesRead>())
        .list(ResourcesTemplatesList.demanding::<FilesRead>())
}

/// A running MCP server, and what is around it.
pub struct McpServer {
    pub issuer: Issuer,
    pub clock: ManualClock,
    pub log: Log,
    pub guard: Guard<Fixture>,
    pub address: SocketAddr,
    pub task: tokio::task::JoinHandle<()>,
}

impl Drop for McpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The policy above, without a quota. A rule denies [`DENIED`].
pub async fn server() -> McpServer {
    server_with(GuardBuilder::unlimited, |router, _| router).await
}

/// A guard after changes, ready, which denies [`DENIED`] and knows that [`REVOKED`] is revoked.
pub async fn guarded(
    change: impl FnOnce(GuardBuilder<Fixture, Ready>) -> GuardBuilder<Fixture, Ready>,
) -> (ManualClock, Issuer, Guard<Fixture>) {
    let clock = super::clock();
    let issuer = super::issuer(&clock).await;
    let guard = change(super::strict(&issuer, &clock))
        .deny_if(|auth| auth.subject().as_str() == DENIED)
        .build()
        .expect("a guard");
    guard.ready().await.expect("keys");
    let revocations = guard.revocations();
    revocations
        .revoke_token(issuer.id(), &TokenId::new(REVOKED))
        .expect("room");
    (clock, issuer, guard)
}

/// The same after changes to the guard and to what is served.
pub async fn server_with(
    guard: impl FnOnce(GuardBuilder<Fixture, Ready>) -> GuardBuilder<Fixture, Ready>,
    served: impl FnOnce(Router<Fixture, Log>, &ManualClock) -> Router<Fixture, Log>,
) -> McpServer {
    let (clock, issuer, guard) = guarded(guard).await;
    let log = Log::default();
    let router = served(router(&guard, &log), &clock)
        .build()
        .expect("a router");
    let (address, task) = super::spawn(router).await;
    McpServer {
        issuer,
        clock,
        log,
        guard,
        address,
        task,
    }
}

impl McpServer {
    /// A token with these scopes.
    pub fn token(&self, scopes: &str) -> String {
        self.scoped(scopes).mint()
    }

    pub fn scoped(&self, scopes: &str) -> TokenBuilder<'_> {
        let token = self.issuer.token();
        if scopes.is_empty() {
            token
        } else {
            token.scope(scopes)
        }
    }

    /// A token that is right, or wrong in the one way that the name says.
    pub fn token_of(&self, kind: &str, scopes: &str) -> String {
        let token = self.scoped(scopes);
        let token = match kind {
            "valid" => token,
            "denied" => token.subject(DENIED),
            "expired" => token.expired(),
            "future" => token.not_yet_valid(),
            "revoked" => token.token_id(REVOKED),
            "unknown_key" => token.unknown_key(),
            "unsigned" => token.alg_none(),
            "wrong_audience" => token.wrong_audience(),
            "wrong_issuer" => token.wrong_issuer(),
            "wrong_signature" => token.wrong_signature(),
            "wrong_type" => token.wrong_type(),
            _ => panic!("no kind of token: {kind}"),
        };
        token.mint()
    }

    /// Sends it on a connection of its own.
    pub async fn send(&self, request: &Request) -> Answer {
        whole(raw(self.address, &request.bytes()).await)
    }

    /// Sends a right request for `call` with a token of these scopes.
    pub async fn call(&self, revision: &str, call: &str, scopes: &str) -> Answer {
        let request = Request::new(revision, call).bearer(&self.token(scopes));
        self.send(&request).await
    }
}
