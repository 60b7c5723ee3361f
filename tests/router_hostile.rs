//! Attacks on `mcp::Router` that once worked, or nearly did.
#![cfg(test)]

mod support;

use axum::http::Request as Call;
use chrono::TimeDelta;
use clearance::limit::Quota;
use clearance::mcp::{
    self, CallError, McpScopes, Params, Progress, ResourcesRead, ResourcesSubscribe, Streamed,
    ToolError, method,
};
use clearance::testing::{Issuer, ManualClock};
use clearance::{Authorized, Guard, GuardBuilder, Ready, scopes};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use support::Answer;
use support::mcp::server_with;
use support::request::{Request, code_of};
use tower::ServiceExt as _;

scopes! {
    /// Documents, some of which are for few.
    vocabulary Docs includes McpScopes;
    Few = "docs:few";
    Many = "docs:many";
}

type Seen = Arc<Mutex<Vec<String>>>;

/// An endpoint over `Docs`, and what its handlers saw.
struct Site {
    issuer: Issuer,
    app: axum::Router,
}

impl Site {
    async fn new(
        change: impl FnOnce(GuardBuilder<Docs, Ready>) -> GuardBuilder<Docs, Ready>,
        routes: impl FnOnce(mcp::Router<Docs, Seen>) -> mcp::Router<Docs, Seen>,
    ) -> (Self, Seen) {
        let resource = "https://docs.example.com/mcp".parse().expect("a resource");
        let issuer = Issuer::start(resource).await.expect("an issuer");
        let builder = Guard::<Docs>::builder(issuer.resource().clone());
        let guard = change(builder.issuer(issuer.id().clone())).build();
        let guard = guard.expect("a guard");
        guard.ready().await.expect("keys");
        let seen = Seen::default();
        let empty = mcp::Router::with_state(&guard, Arc::clone(&seen));
        let app = routes(empty).build().expect("a router");
        (Self { issuer, app }, seen)
    }

    async fn call(&self, scopes: &str, body: &str) -> (u16, Value) {
        let token = self.issuer.token().scope(scopes).mint();
        let request = Call::post("/mcp")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body(axum::body::Body::from(body.to_owned()))
            .expect("a request");
        let answer = self.app.clone().oneshot(request).await.expect("an answer");
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await;
        let body = serde_json::from_slice(&body.expect("a body")).expect("JSON");
        (status, body)
    }

    async fn read(&self, scopes: &str, uri: &str) -> (u16, Value) {
        let params = json!({ "uri": uri });
        let body =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": params });
        self.call(scopes, &body.to_string()).await
    }
}

fn took(seen: &Seen) -> Vec<String> {
    std::mem::take(&mut *seen.lock().expect("a lock"))
}

#[derive(serde::Deserialize)]
struct Path {
    path: String,
}

async fn few(
    _: Authorized<Few>,
    Params(Path { path }): Params<Path>,
    axum::extract::State(seen): axum::extract::State<Seen>,
) -> Result<String, CallError> {
    seen.lock().expect("a lock").push(format!("few {path}"));
    Ok(path)
}

async fn many(
    _: Authorized<Many>,
    Params(Path { path }): Params<Path>,
    axum::extract::State(seen): axum::extract::State<Seen>,
) -> Result<String, CallError> {
    seen.lock().expect("a lock").push(format!("many {path}"));
    Ok(path)
}

/// RS-093: however it is spelled, what a strict template is meant for does not reach a weaker one.
#[tokio::test]
async fn no_spelling_reaches_a_weaker_template() {
    let (site, seen) = Site::new(
        |builder| builder,
        |router| {
            router
                .resource("docs:///team@hr/{*path}", few)
                .resource("docs:///(secret)/{path}", few)
                .resource("docs:///{*path}", many)
                .resource("repo://internal/{path}", few)
                .resource("repo://{owner}/{path}", many)
        },
    )
    .await;
    for uri in [
        "docs:///team@hr/x",
        "docs:///team%40hr/x",
        "docs:///x/../team@hr/x",
        "DOCS:///te%61m%40hr/x",
        "docs:///(secret)/x",
        "docs:///%28secret%29/x",
        "docs:///%28secret)//x",
        "docs:///(secret)/x/",
        "repo://internal/x",
        "repo://INTERNAL/x",
        "repo://internal:/x",
        "repo://@internal/x",
        "repo://internal./x",
        "repo://inte%72nal/x",
    ] {
        let (_, answer) = site.read("docs:many", uri).await;
        assert!(answer.get("result").is_none(), "{uri} {answer}");
        assert_eq!(took(&seen), [""; 0], "{uri}");
    }
    let (status, _) = site.read("docs:many", "docs:///team/x").await;
    assert_eq!((status, took(&seen)), (200, vec!["many team/x".to_owned()]));
    let (status, _) = site.read("docs:few", "docs:///team%40hr/x").await;
    assert_eq!((status, took(&seen)), (200, vec!["few x".to_owned()]));
    let long = format!("docs:///{}", "a".repeat(9_000));
    let (_, answer) = site.read("docs:many", &long).await;
    assert_eq!(answer["error"]["code"], -32602);
}

/// What a handler sees as `Value` is what was decided about, and costs no stack.
#[tokio::test]
async fn no_document_hides_in_a_string() {
    async fn subscribe(
        _: Authorized<ResourcesSubscribe>,
        Params(params): Params<Value>,
        axum::extract::State(seen): axum::extract::State<Seen>,
    ) -> Result<(), CallError> {
        seen.lock().expect("a lock").push(params.to_string());
        Ok(())
    }
    let (site, seen) = Site::new(
        |builder| builder,
        |router| router.method(method::ResourcesSubscribe, subscribe),
    )
    .await;
    let call = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{params}}}"#)
    };
    let scope = "mcp:resources:subscribe";
    for params in [
        r#"{"$serde_json::private::RawValue":"{\"uri\":\"file:///x\"}"}"#,
        r#"{"\u0024serde_json::private::RawValue":"{\"uri\":\"file:///x\"}"}"#,
        r#"{"a":[{"$serde_json::priv\u0061te::RawValue":"1"}]}"#,
    ] {
        let (status, answer) = site.call(scope, &call(params)).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32600)));
        assert_eq!(took(&seen), [""; 0]);
    }
    let (status, _) = site.call(scope, &call(r#"{"uri":"\u0066:x"}"#)).await;
    assert_eq!(status, 200);
    assert_eq!(took(&seen), [r#"{"uri":"f:x"}"#]);
    // Derived readers take arrays by position: what is no object is no parameters.
    let (status, answer) = site.call(scope, &call(r#"["file:///x"]"#)).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32602)));
    let (status, answer) = site
        .call(scope, &call(r#"{"_meta":["2026-07-28",{}]}"#))
        .await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32602)));
}

/// RS-119: a batch is decided as a whole, and costs as many requests as it has.
#[tokio::test]
async fn a_batch_costs_what_its_requests_cost() {
    let quota = Quota::per_hour(1).burst(10);
    let server = server_with(|builder| builder.limit(quota), |router, _| router).await;
    let token = server.token("mcp:tools.read");
    let send = async |calls: &[&str]| -> Answer {
        let members: Vec<Value> = calls
            .iter()
            .map(|name| match *name {
                "list" => json!({ "jsonrpc": "2.0", "id": name, "method": "tools/list" }),
                name => json!({
                    "jsonrpc": "2.0", "id": name, "method": "tools/call", "params": { "name": name }
                }),
            })
            .collect();
        let request = Request::new("2025-03-26", "tools/list").bearer(&token);
        server
            .send(&request.body(&Value::from(members).to_string()))
            .await
    };
    let refused = send(&["list", "delete_file"]).await;
    assert_eq!((refused.status, code_of(&refused)), (403, 40300));
    let challenge = refused.header("www-authenticate").expect("a challenge");
    for scope in ["files:read", "files:write", "mcp:tools.read"] {
        assert!(challenge.contains(scope), "{challenge}");
    }
    assert_eq!(server.log.take(), [""; 0]);
    // Two of ten are gone; eight more pass, and the ninth does not.
    assert_eq!(send(&["get_weather"; 7]).await.status, 200);
    server.log.take();
    let refused = send(&["get_weather"; 2]).await;
    assert_eq!((refused.status, code_of(&refused)), (429, 42900));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(server.log.take(), [""; 0]);
}

/// Work ends at the deadline also where nobody reads, and when the client is gone.
#[tokio::test]
async fn work_ends_although_nobody_reads() {
    let clock = ManualClock::at_fixed_start();
    let issuer = Issuer::builder("https://docs.example.com/mcp".parse().expect("a resource"))
        .clock(Arc::new(clock.clone()))
        .start()
        .await
        .expect("an issuer");
    let guard = Guard::<McpScopes>::builder(issuer.resource().clone())
        .clock(Arc::new(clock.clone()))
        .issuer(issuer.id().clone())
        .build()
        .expect("a guard");
    guard.ready().await.expect("keys");
    let (ended, mut ends) = tokio::sync::mpsc::unbounded_channel::<()>();
    let export = move |_: Authorized<()>| {
        let ended = ended.clone();
        async move {
            Ok::<_, ToolError>(Streamed::new(move |_: Progress| async move {
                let ended = OnDrop(ended);
                std::future::pending::<()>().await;
                drop(ended);
                Ok::<_, ToolError>(())
            }))
        }
    };
    let app: axum::Router = mcp::Router::new(&guard)
        .tool("export", export)
        .build()
        .expect("a router");
    let call = async || {
        let token = issuer.token().lifetime(TimeDelta::minutes(5)).mint();
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"export"}}"#;
        let request = Call::post("/mcp")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("authorization", format!("Bearer {token}"))
            .body(axum::body::Body::from(body))
            .expect("a request");
        let answer = app.clone().oneshot(request).await.expect("an answer");
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        tokio::task::yield_now().await;
        answer
    };
    drop(call().await);
    ends.recv().await.expect("the end of what nobody wants");
    let unread = call().await;
    assert!(ends.try_recv().is_err());
    clock.advance(TimeDelta::minutes(10));
    ends.recv().await.expect("the end at the deadline");
    drop(unread);
}

/// Says when it is dropped.
struct OnDrop(tokio::sync::mpsc::UnboundedSender<()>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        let _sent = self.0.send(());
    }
}

/// A token that has one of two is not asked for the other, because something else is missing.
#[tokio::test]
async fn a_batch_asks_for_nothing_that_is_met() {
    async fn any(_: Authorized<clearance::scope::AnyOf<(Few, Many)>>) -> Result<(), CallError> {
        Ok(())
    }
    async fn read(_: Authorized<ResourcesRead>) -> Result<(), CallError> {
        Ok(())
    }
    let (site, _) = Site::new(GuardBuilder::challenge_per_operation, |router| {
        router.prompt("any", any).prompt("read", read)
    })
    .await;
    let body = r#"[
        {"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"any"}},
        {"jsonrpc":"2.0","id":2,"method":"prompts/get","params":{"name":"read"}}
    ]"#;
    let token = site.issuer.token().scope("docs:many").mint();
    let request = Call::post("/mcp")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(axum::body::Body::from(body))
        .expect("a request");
    let answer = site.app.clone().oneshot(request).await.expect("an answer");
    assert_eq!(answer.status(), 403);
    let challenge = answer.headers()["www-authenticate"].to_str().expect("text");
    assert!(
        challenge.contains(r#"scope="mcp:resources:read""#),
        "{challenge}"
    );
}
