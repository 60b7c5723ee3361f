//! Many tools, many calls at once, HTTP/2, and a handler that panics.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use clearance::mcp::{self, Params, Tool, ToolError, ToolsExecute};
use clearance::{Authorized, Caller};
use http::Request;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Barrier;

use super::fixture::{BOTH, FilesDelete, FilesRead, Reply, Site, call, new, old, site, try_send};

async fn who<const N: usize>(
    _: Authorized<ToolsExecute>,
    caller: Caller,
    Params(given): Params<Value>,
) -> Result<Value, ToolError> {
    Ok(json!({ "by": caller.subject().as_str(), "given": given, "handler": N }))
}

async fn delete(_: Authorized<FilesDelete>) -> Result<(), ToolError> {
    Ok(())
}

async fn bad(_: Authorized<()>) -> Result<(), ToolError> {
    panic!("a handler that panics");
}

async fn meet(_: Authorized<FilesRead>, State(all): State<Arc<Barrier>>) -> Result<(), ToolError> {
    all.wait().await;
    Ok(())
}

/// Every tenth one may not be called by who may execute the others.
#[tokio::test]
async fn a_thousand_tools_are_told_apart() {
    let site = site(|guard| {
        (0..1_000).fold(mcp::Router::new(guard), |router, at| {
            let tool = Tool::new(&format!("tool-{at}")).description(format!("number {at}"));
            match at % 10 {
                0 => router.tool(tool, delete),
                1 => router.tool(tool, who::<1>),
                _ => router.tool(tool, who::<2>),
            }
        })
    })
    .await;
    let token = site.token("mcp:tools:execute mcp:tools:read");
    let expected: Vec<String> = (0..1_000)
        .filter(|at| at % 10 != 0)
        .map(|at| format!("tool-{at}"))
        .collect();
    for written in BOTH {
        assert_eq!(site.list(&token, written, "tools/list").await, expected);
    }
    for at in (0..1_000).step_by(37) {
        let name = format!("tool-{at}");
        let reply = site
            .send(&token, &call(new, &name, &json!({ "at": at })))
            .await;
        if at % 10 == 0 {
            reply.assert_403("files:delete mcp:tools:execute mcp:tools:read");
            continue;
        }
        let structure = json!({
            "by": "alice",
            "given": { "at": at },
            "handler": if at % 10 == 1 { 1 } else { 2 },
        });
        assert_eq!(reply.result()["structuredContent"], structure, "{name}");
    }
    for name in ["tool-1000", "tool-", "Tool-1", "tool-01", " tool-1", ""] {
        let reply = site.send(&token, &call(old, name, &json!({}))).await;
        assert_eq!(
            reply.error(),
            (200, -32602, "unknown name".to_owned()),
            "{name}"
        );
    }
}

/// Each answer is for its own call: the caller, the arguments and the id.
async fn crowd() -> (Site, Vec<(String, String, Request<Full<Bytes>>)>) {
    let site = site(|guard| mcp::Router::new(guard).tool("who", who::<0>)).await;
    let calls = (0..200)
        .map(|at| {
            let name = format!("user-{at}");
            let may = at % 4 != 0;
            let token = site.issuer.token().subject(&name);
            let token = token.scope(if may {
                "mcp:tools:execute"
            } else {
                "files:read"
            });
            let id = format!("\"id-{at}\"");
            let message = call(BOTH[at % 2], "who", &json!({ "at": at })).id(&id);
            (name, id, message.request(&token.mint()))
        })
        .collect();
    (site, calls)
}

fn check(at: usize, name: &str, id: &str, reply: &Reply) {
    assert!(reply.text.contains(&format!(r#""id":{id},"#)), "{reply:?}");
    if at.is_multiple_of(4) {
        reply.assert_403("mcp:tools:execute files:read");
    } else {
        let expected = json!({ "by": name, "given": { "at": at }, "handler": 0 });
        assert_eq!(reply.result()["structuredContent"], expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_calls_at_once_are_kept_apart() {
    let (site, calls) = crowd().await;
    let tasks: Vec<_> = calls
        .into_iter()
        .map(|(name, id, request)| {
            let answer = tokio::spawn(try_send(site.address, request));
            (name, id, answer)
        })
        .collect();
    for (at, (name, id, answer)) in tasks.into_iter().enumerate() {
        let answer = answer.await.expect("a task").expect("an answer");
        check(at, &name, &id, &Reply::read(answer).await);
    }
}

/// All two hundred are under way before the first is answered.
#[tokio::test]
async fn calls_do_not_wait_for_one_another() {
    let all = Arc::new(Barrier::new(200));
    let site =
        site(|guard| mcp::Router::with_state(guard, Arc::clone(&all)).tool("meet", meet)).await;
    let token = site.token("files:read");
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let request = call(new, "meet", &json!({})).request(&token);
            tokio::spawn(try_send(site.address, request))
        })
        .collect();
    for task in tasks {
        let answer = task.await.expect("a task").expect("an answer");
        assert_eq!(answer.status(), 200);
    }
}

async fn http2(site: &Site) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(site.address)
        .await
        .expect("a connection");
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

/// HTTP/2 has no `Host`, and its requests name the whole URI.
fn as_http2(mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    request.headers_mut().remove("host");
    *request.uri_mut() = "http://mcp.example.com/mcp".parse().expect("a URI");
    request
}

#[tokio::test]
async fn one_http_2_connection_serves_them_all() {
    let (site, calls) = crowd().await;
    let sender = http2(&site).await;
    let tasks: Vec<_> = calls
        .into_iter()
        .map(|(name, id, request)| {
            let mut sender = sender.clone();
            let answer = async move { sender.send_request(as_http2(request)).await };
            (name, id, tokio::spawn(answer))
        })
        .collect();
    for (at, (name, id, answer)) in tasks.into_iter().enumerate() {
        let answer = answer.await.expect("a task").expect("an answer");
        assert_eq!(answer.version(), http::Version::HTTP_2);
        check(at, &name, &id, &Reply::read(answer).await);
    }
}

/// A panic ends one connection; the server and all others go on.
#[tokio::test]
async fn a_handler_that_panics_takes_nothing_down() {
    let site = site(|guard| {
        let router = mcp::Router::new(guard).tool("bad", bad);
        router.tool("who", who::<0>)
    })
    .await;
    let token = site.token("mcp:tools:execute");
    let mut other = http2(&site).await;
    for written in BOTH {
        let request = call(written, "bad", &json!({})).request(&token);
        let answer = try_send(site.address, request).await;
        assert!(answer.is_err(), "{answer:?}");
        // Over HTTP/2 it ends the one stream.
        let request = call(written, "bad", &json!({})).request(&token);
        let answer = other.send_request(as_http2(request)).await;
        assert!(answer.is_err(), "{answer:?}");
        let good = call(written, "who", &json!({})).request(&token);
        let answer = other.send_request(as_http2(good.clone())).await;
        assert_eq!(answer.expect("an answer").status(), 200);
        let reply = site.request(good).await;
        assert_eq!(reply.status, 200);
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Delete {
    /// Which file.
    path: String,
    #[serde(default)]
    force: bool,
}

/// The schema of the arguments comes from their type.
#[tokio::test]
async fn a_schema_is_derived() {
    let site = site(|guard| {
        let tool = Tool::new("delete").arguments::<Delete>();
        mcp::Router::new(guard).tool(tool, delete)
    })
    .await;
    let token = site.token("mcp:tools:read files:delete");
    let reply = site.send(&token, &new("tools/list", json!({}))).await;
    let schema = reply.result()["tools"][0]["inputSchema"].take();
    assert_eq!(schema["type"], "object");
    assert_eq!(schema["required"], json!(["path"]));
    assert_eq!(schema["properties"]["path"]["type"], "string");
    assert_eq!(schema["properties"]["path"]["description"], "Which file.");
    assert_eq!(schema["properties"]["force"]["type"], "boolean");
    let members: BTreeSet<&str> = schema["properties"]
        .as_object()
        .expect("properties")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(members, BTreeSet::from(["force", "path"]));
}
