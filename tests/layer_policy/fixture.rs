//! A layer with a policy of a test's own, before a service that does whatever it is asked for.
#![allow(
    unreachable_pub,
    clippy::allow_attributes,
    clippy::missing_panics_doc,
    reason = "it is for the tests beside it"
)]

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::any;
use clearance::mcp::Policy;
use clearance::scope::Vocabulary;
use clearance::testing::{Issuer, TokenBuilder};
use clearance::{AuthorizationLayer, Guard, TrustedIssuer};
use serde_json::{Value, json};

use crate::support::mcp::Log;
use crate::support::request::{MODERN, Request, error_of, whole};
use crate::support::{self, Answer, M, plain};

/// All that a token of the fixture's vocabulary can have.
pub const EVERYTHING: &str = "mcp:tools.read mcp:admin files:read files:write a b";

/// A service behind a layer, and what is around it.
pub struct Site {
    pub issuer: Issuer,
    /// Each call that came through, by its method.
    pub log: Log,
    pub address: SocketAddr,
    pub task: tokio::task::JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A guard of [`support::E`] that is ready.
pub async fn guard<V: Vocabulary>(issuer: &Issuer) -> Guard<V> {
    let guard = Guard::<V>::builder(support::resource())
        .clock(Arc::clone(issuer.clock()))
        .trusted_issuer(TrustedIssuer::new(issuer.id().clone()))
        .unlimited()
        .refusal_budget(support::PATIENCE)
        .build()
        .expect("a guard");
    guard.ready().await.expect("keys");
    guard
}

/// A layer that decides so.
pub fn layer<V: Vocabulary>(guard: &Guard<V>, policy: Policy<V>) -> AuthorizationLayer {
    let builder = AuthorizationLayer::builder(guard, policy);
    builder.seal_keys(plain::keys()).build().expect("a layer")
}

/// A service that answers every call, and writes it down.
pub fn service(log: &Log) -> axum::Router {
    axum::Router::new()
        .route("/mcp", any(serve))
        .with_state(log.clone())
}

async fn serve(State(log): State<Log>, body: Bytes) -> Json<Value> {
    let body: Value = serde_json::from_slice(&body).expect("what a layer lets through is JSON");
    log.ran(body["method"].as_str().unwrap_or("a batch"));
    Json(json!({ "jsonrpc": "2.0", "id": body["id"], "result": {} }))
}

/// That service, with a layer before it that decides so.
pub async fn site<V: Vocabulary>(policy: Policy<V>) -> Site {
    let issuer = support::issuer(&support::clock()).await;
    let log = Log::default();
    let guard = guard(&issuer).await;
    let (address, task) = support::spawn(service(&log).layer(layer(&guard, policy))).await;
    Site {
        issuer,
        log,
        address,
        task,
    }
}

impl Site {
    pub fn scoped(&self, scopes: &str) -> TokenBuilder<'_> {
        let token = self.issuer.token();
        if scopes.is_empty() {
            token
        } else {
            token.scope(scopes)
        }
    }

    pub async fn send(&self, request: &Request, token: &str) -> Answer {
        let request = request.clone().bearer(token);
        whole(support::raw(self.address, &request.bytes()).await)
    }

    /// What becomes of a request of whoever has these scopes. See [`verdict`].
    pub async fn ask(&self, request: &Request, scopes: &str) -> String {
        let token = self.scoped(scopes).mint();
        self.ask_with(request, &token).await
    }

    pub async fn ask_with(&self, request: &Request, token: &str) -> String {
        let answer = self.send(request, token).await;
        verdict(&answer, &self.log.take())
    }
}

/// A request that is right for its revision.
pub fn request(revision: &str, method: &str, params: &Value) -> Request {
    let request = Request::new(revision, method).patched(&json!({ "params": params }));
    let name = match method {
        "tools/call" | "prompts/get" => &params["name"],
        "resources/read" => &params["uri"],
        _ => &Value::Null,
    };
    match name.as_str() {
        Some(name) if revision == MODERN => request.with("mcp-name", name),
        _ => request,
    }
}

/// A call of a tool, as clients of 2026-07-28 write it.
pub fn tool(name: &str) -> Request {
    request(MODERN, "tools/call", &json!({ "name": name }))
}

/// The same of a resource.
pub fn read(uri: &str) -> Request {
    request(MODERN, "resources/read", &json!({ "uri": uri }))
}

/// In short what an answer says: `passed`, and nothing else does once and well; `closed`, if no
/// scope helps; `lacks` and the scopes that are asked for; or status and code.
#[track_caller]
pub fn verdict(answer: &Answer, ran: &[String]) -> String {
    if answer.status == 200 && answer.body.contains("\"result\"") {
        assert_eq!(ran.len(), 1, "{answer:?}");
        return "passed".to_owned();
    }
    assert!(ran.is_empty(), "{ran:?} ran: {answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let error = error_of(answer);
    let code = error["error"]["code"].as_i64().expect("a code");
    if answer.status != 403 {
        assert_eq!(answer.header("www-authenticate"), None, "{answer:?}");
        return format!("{} {code}", answer.status);
    }
    assert_eq!(error["id"], 1, "{answer:?}");
    if answer.header("www-authenticate").is_none() {
        assert_eq!(code, 40301, "{answer:?}");
        return "closed".to_owned();
    }
    assert_eq!(code, 40300, "{answer:?}");
    let challenge = answer.challenge();
    let [(_, kind), (_, scopes), (_, metadata)] = &challenge[..] else {
        panic!("not three parameters: {challenge:?}");
    };
    assert_eq!((&**kind, &**metadata), ("insufficient_scope", M));
    format!("lacks {scopes}")
}
