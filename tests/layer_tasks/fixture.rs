//! A service that works on tasks, behind a layer whose policy opens them.
#![allow(
    unreachable_pub,
    clippy::allow_attributes,
    clippy::missing_panics_doc,
    reason = "it is for the tests beside it"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use clearance::mcp::method::{CompletionComplete, Other, SubscriptionsListen};
use clearance::mcp::{Policy, any_valid_token, nobody, requires};
use clearance::session::{Seal, SealKeys, Sealed, TaskId, TaskOrigin};
use clearance::testing::{Issuer, ManualClock};
use clearance::{AuthorizationLayer, Authorized, Guard, Guarded};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::mcp::Log;
use crate::support::request::{MODERN, Request, whole};
use crate::support::{self, Answer, FilesRead, FilesWrite, Fixture, ScopeA, ScopeB, plain};

/// The revisions that have tasks.
pub const REVISIONS: [&str; 2] = ["2025-11-25", MODERN];

/// All methods of tasks that name one.
pub const METHODS: [&str; 4] = ["tasks/get", "tasks/update", "tasks/cancel", "tasks/result"];

pub const EVERYTHING: &str = "mcp:tools.read mcp:admin files:read files:write a b";

#[derive(Deserialize)]
struct Target {
    prod: bool,
}

/// What makes tasks, and what is demanded for it.
pub fn policy() -> Policy<Fixture> {
    let deploy = requires::<ScopeA>().when::<ScopeB, Target>(|target| target.prod);
    let mine = any_valid_token().only_if(|auth| auth.client().as_str() == "mine");
    Policy::closed()
        .tool("export", requires::<FilesRead>())
        .tool_prefix("db_", requires::<FilesWrite>())
        .tool("deploy", deploy)
        .tool("mine", mine)
        .tool("off", nobody())
        .prompt("greeting", requires::<ScopeA>())
        .resource("file:///pub/*", requires::<ScopeB>())
        .method(Other("example/index"), requires::<FilesRead>())
        .method(CompletionComplete, any_valid_token())
        .method(SubscriptionsListen, any_valid_token())
        .tasks()
}

/// The tasks that go on, by the service's own key.
pub type Tasks = Arc<Mutex<BTreeMap<String, &'static str>>>;

#[derive(Clone)]
struct App {
    guard: Guard<Fixture>,
    ids: Seal<TaskId>,
    tasks: Tasks,
    log: Log,
}

impl Guarded for App {
    type Vocabulary = Fixture;
    fn guard(&self) -> &Guard<Fixture> {
        &self.guard
    }
}

/// Makes a task of every call, and does with tasks what it is asked for: it does not ask whose they
/// are.
async fn serve(State(app): State<App>, auth: Authorized<()>, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let method = body["method"].as_str().expect("a method");
    let params = &body["params"];
    let mut tasks = app.tasks.lock().unwrap_or_else(PoisonError::into_inner);
    let result = if method.starts_with("tasks/") {
        let id = params["taskId"].as_str().expect("a task");
        let origin = app.ids.open(&auth, "", &Sealed::from_client(id));
        let Ok(origin) = origin else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let key = origin.key().to_owned();
        app.log.ran(format!("{method} {key}"));
        if method == "tasks/cancel" {
            tasks.insert(key.clone(), "cancelled");
        }
        json!({ "status": tasks.get(&key) })
    } else {
        let name = params["name"].as_str().or(params["uri"].as_str());
        let key = tasks.len().to_string();
        tasks.insert(key.clone(), "working");
        let origin = TaskOrigin::new(method, name.unwrap_or_default(), &key);
        json!({ "task": app.ids.seal(&auth, "", &origin).expect("an id") })
    };
    Json(json!({ "jsonrpc": "2.0", "id": body["id"], "result": result })).into_response()
}

pub struct Site {
    pub issuer: Issuer,
    pub clock: ManualClock,
    pub guard: Guard<Fixture>,
    pub log: Log,
    pub tasks: Tasks,
    pub address: SocketAddr,
    pub task: tokio::task::JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A service whose ids live for an hour, under that policy.
pub async fn site() -> Site {
    let lifetime = Duration::from_hours(1);
    site_with(policy(), lifetime, plain::keys(), plain::keys()).await
}

/// The same with other choices; the keys are those of the service, and those of the layer.
pub async fn site_with(
    policy: Policy<Fixture>,
    lifetime: Duration,
    own: SealKeys,
    of_layer: SealKeys,
) -> Site {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let guard = support::strict(&issuer, &clock).unlimited().build();
    let guard = guard.expect("a guard");
    guard.ready().await.expect("keys");
    let app = App {
        guard: guard.clone(),
        ids: Seal::new(own, lifetime),
        tasks: Tasks::default(),
        log: Log::default(),
    };
    let (log, tasks) = (app.log.clone(), Arc::clone(&app.tasks));
    let service = axum::Router::new()
        .route("/mcp", any(serve))
        .with_state(app);
    let layer = AuthorizationLayer::builder(&guard, policy).seal_keys(of_layer);
    let layer = layer.build().expect("a layer");
    let (address, task) = support::spawn(service.layer(layer)).await;
    Site {
        issuer,
        clock,
        guard,
        log,
        tasks,
        address,
        task,
    }
}

/// A caller: subject, client, scopes.
pub type Who<'w> = (&'w str, &'w str, &'w str);

pub const ALICE: Who<'static> = ("alice", "c1", EVERYTHING);
pub const BOB: Who<'static> = ("bob", "c1", EVERYTHING);

impl Site {
    pub fn token(&self, (subject, client, scopes): Who<'_>) -> String {
        let token = self.issuer.token().subject(subject).client(client);
        if scopes.is_empty() {
            token.mint()
        } else {
            token.scope(scopes).mint()
        }
    }

    pub async fn send(&self, request: &Request, who: Who<'_>) -> Answer {
        let request = request.clone().bearer(&self.token(who));
        whole(support::raw(self.address, &request.bytes()).await)
    }

    /// The id of a task that this call makes.
    pub async fn begin(&self, revision: &str, call: &str, who: Who<'_>) -> String {
        let answer = self.send(&Request::new(revision, call), who).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        body["result"]["task"].as_str().expect("an id").to_owned()
    }

    /// What a task is doing, by the service's own key.
    pub fn state(&self, key: &str) -> Option<&'static str> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.get(key).copied()
    }
}

/// A request about a task, right for its revision.
pub fn about(revision: &str, method: &str, id: &str) -> Request {
    let params = json!({ "params": { "taskId": id } });
    let request = Request::new(revision, method).patched(&params);
    // `tasks/result` is of a revision that has no such header.
    if revision == MODERN && method != "tasks/result" {
        request.with("mcp-name", id)
    } else {
        request
    }
}

/// An answer without what is another one in each answer.
pub fn plainly(mut answer: Answer) -> Answer {
    let number = answer
        .header("x-correlation-id")
        .unwrap_or_default()
        .to_owned();
    assert_eq!(number.len(), 32, "{answer:?}");
    answer
        .headers
        .retain(|(name, _)| name != "x-correlation-id");
    answer.body = answer.body.replace(&number, "");
    answer
}

/// In short: `passed`, `closed`, `lacks` and the scopes, or status and code.
#[track_caller]
pub fn verdict(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(body["id"], 1, "{answer:?}");
    let Some(error) = body.get("error") else {
        assert_eq!(answer.status, 200, "{answer:?}");
        return "passed".to_owned();
    };
    match (answer.status, answer.header("www-authenticate")) {
        (403, None) => "closed".to_owned(),
        (403, Some(_)) => {
            let challenge = answer.challenge().into_iter();
            let mut scopes = challenge.filter(|(name, _)| name == "scope");
            format!("lacks {}", scopes.next().expect("scopes").1)
        }
        (status, _) => format!("{status} {}", error["code"]),
    }
}
