//! Lists that show what their caller may use.

use std::net::SocketAddr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use clearance::mcp::method::{CompletionComplete, ToolsList};
use clearance::mcp::{Kind, Policy, any_valid_token, nobody, requires};
use clearance::testing::Issuer;
use clearance::{Authorized, Guard, Guarded};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::fixture::{self, Site, tool, verdict};
use crate::support::http::{KeptAlive, parts_with};
use crate::support::mcp::Log;
use crate::support::request::{MODERN, Request};
use crate::support::{self, Answer, FilesRead, FilesWrite, Fixture, ScopeA, ScopeB, ToolsRead};

/// In the order of the service, which is no other's.
const TOOLS: [&str; 6] = ["write", "read", "shell", "whoami", "unlisted", "db_query"];

fn policy() -> Policy<Fixture> {
    Policy::closed()
        .tool("read", requires::<FilesRead>())
        .tool("write", requires::<(FilesRead, FilesWrite)>())
        .tool("shell", nobody())
        .tool("whoami", any_valid_token())
        .tool_prefix("db_", requires::<ScopeA>())
        .method(ToolsList, requires::<ToolsRead>())
}

/// What a service has that filters its lists.
#[derive(Clone)]
struct App {
    guard: Guard<Fixture>,
    policy: Policy<Fixture>,
    log: Log,
}

impl Guarded for App {
    type Vocabulary = Fixture;
    fn guard(&self) -> &Guard<Fixture> {
        &self.guard
    }
}

async fn serve(State(app): State<App>, auth: Authorized<()>, body: Bytes) -> Json<Value> {
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let method = body["method"].as_str().expect("a method");
    app.log.ran(method);
    let shown = app.policy.visible(Kind::Tool, &auth, TOOLS);
    let tools: Vec<_> = shown.map(|name| json!({ "name": name })).collect();
    let result = match method {
        "tools/list" => json!({ "tools": tools, "cacheScope": "private" }),
        _ => json!({ "content": [] }),
    };
    Json(json!({ "jsonrpc": "2.0", "id": body["id"], "result": result }))
}

async fn site() -> Site {
    let issuer = support::issuer(&support::clock()).await;
    let log = Log::default();
    let guard = fixture::guard(&issuer).await;
    let app = App {
        guard: guard.clone(),
        policy: policy(),
        log: log.clone(),
    };
    let service = axum::Router::new()
        .route("/mcp", post(serve))
        .with_state(app);
    let layer = fixture::layer(&guard, policy());
    let (address, task) = support::spawn(service.layer(layer)).await;
    Site {
        issuer,
        log,
        address,
        task,
    }
}

/// The names in a list.
#[track_caller]
fn names(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    let tools = body["result"]["tools"].as_array().expect("a list");
    let names = tools
        .iter()
        .map(|tool| tool["name"].as_str().expect("a name"));
    names.map(str::to_owned).collect()
}

/// The bytes of a request after which the connection stays open.
fn kept(request: &Request, token: &str) -> Vec<u8> {
    let text = String::from_utf8(request.clone().bearer(token).bytes()).expect("text");
    let (closing, kept) = (
        "connection: close\r\n",
        text.replacen("connection: close\r\n", "", 1),
    );
    assert_eq!(kept.len() + closing.len(), text.len());
    kept.into_bytes()
}

/// An HTTP/2 connection that posts.
#[derive(Clone)]
struct Http2(hyper::client::conn::http2::SendRequest<Full<Bytes>>);

impl Http2 {
    async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let io = TokioIo::new(stream);
        let connected = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await;
        let (sender, connection) = connected.expect("HTTP/2");
        tokio::spawn(connection);
        Self(sender)
    }

    async fn send(&mut self, request: &Request, token: &str) -> Answer {
        let mut head = http::Request::post("http://t/mcp");
        for (name, value) in request.clone().bearer(token).headers {
            head = head.header(name, value);
        }
        let request = head
            .body(Full::from(request.body.clone()))
            .expect("a request");
        let answer = self.0.send_request(request).await.expect("an answer");
        let (head, body) = answer.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let text = |value: &http::HeaderValue| value.to_str().expect("text").to_owned();
        let headers = head.headers.iter();
        Answer {
            status: head.status.as_u16(),
            headers: headers
                .map(|(n, v)| (n.as_str().to_owned(), text(v)))
                .collect(),
            body: String::from_utf8(body.to_vec()).expect("text"),
        }
    }
}

/// RS-094: a list is for its token, whatever connection it comes over.
#[tokio::test]
async fn a_list_is_for_the_token_and_not_for_the_connection() {
    let site = site().await;
    let list = Request::new(MODERN, "tools/list");
    let reader = site.scoped("mcp:tools.read files:read").mint();
    let writer = site
        .scoped("mcp:tools.read files:read files:write a")
        .mint();
    let may_read = ["read", "whoami"];
    let may_write = ["write", "read", "whoami", "db_query"];

    // Two tokens on one connection, in turn.
    let mut first = KeptAlive::to(site.address).await;
    let mut multiplexed = Http2::to(site.address).await;
    for _ in 0..3 {
        assert_eq!(names(&first.send(&kept(&list, &reader)).await), may_read);
        assert_eq!(names(&first.send(&kept(&list, &writer)).await), may_write);
        assert_eq!(names(&multiplexed.send(&list, &reader).await), may_read);
        assert_eq!(names(&multiplexed.send(&list, &writer).await), may_write);
    }
    // Both at once.
    let mut twin = multiplexed.clone();
    let (one, two) = tokio::join!(multiplexed.send(&list, &reader), twin.send(&list, &writer));
    assert_eq!(
        (names(&one), names(&two)),
        (
            may_read.map(str::to_owned).to_vec(),
            may_write.map(str::to_owned).to_vec()
        )
    );

    // One token on two connections: the same list, in the same order.
    let mut second = KeptAlive::to(site.address).await;
    let before = first.send(&kept(&list, &writer)).await;
    let after = second.send(&kept(&list, &writer)).await;
    assert_eq!(before.body, after.body);
    assert_eq!(names(&after), may_write);
    // What was filtered is for nobody else.
    for answer in [&before, &after, &one] {
        assert!(answer.body.contains(r#""cacheScope":"private""#));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

/// RS-094: what a list does not show is refused when it is called all the same, and what it shows is
/// not.
#[tokio::test]
async fn a_hidden_tool_is_checked_when_it_is_called() {
    let site = site().await;
    for (scopes, shown) in [
        ("mcp:tools.read", vec!["whoami"]),
        ("mcp:tools.read files:read", vec!["read", "whoami"]),
        ("mcp:tools.read mcp:admin", vec!["write", "read", "whoami"]),
        ("mcp:tools.read a b", vec!["whoami", "db_query"]),
        (
            fixture::EVERYTHING,
            vec!["write", "read", "whoami", "db_query"],
        ),
    ] {
        let token = site.scoped(scopes).mint();
        let list = Request::new(MODERN, "tools/list");
        let mut connection = KeptAlive::to(site.address).await;
        assert_eq!(names(&connection.send(&kept(&list, &token)).await), shown);
        site.log.take();
        for name in TOOLS {
            // On the connection whose list has just told otherwise.
            let answer = connection.send(&kept(&tool(name), &token)).await;
            let verdict = verdict(&answer, &site.log.take());
            let expected = match name {
                _ if shown.contains(&name) => "passed",
                "shell" | "unlisted" => "closed",
                _ => "lacks",
            };
            assert!(
                verdict.starts_with(expected),
                "{name} with {scopes}: {verdict}"
            );
        }
    }
    // Who may not list sees nothing, and what he may call he may call.
    let token = site.scoped("files:read").mint();
    let list = Request::new(MODERN, "tools/list");
    assert_eq!(
        site.ask_with(&list, &token).await,
        "lacks mcp:tools.read files:read"
    );
    assert_eq!(site.ask_with(&tool("read"), &token).await, "passed");
}

#[derive(Deserialize)]
struct Target {
    prod: bool,
}

async fn proof(
    issuer: &Issuer,
    guard: &Guard<Fixture>,
    scopes: &str,
    client: &str,
) -> Authorized<()> {
    let token = issuer.token().client(client).scope(scopes).mint();
    let mut parts = parts_with(&token);
    guard.authorize(&mut parts).await.expect("a valid token")
}

/// Every kind of name can be filtered, by all that a rule may say.
#[tokio::test]
async fn all_kinds_of_names_are_shown_by_their_rules() {
    let issuer = support::issuer(&support::clock()).await;
    let guard = fixture::guard(&issuer).await;
    let deploy = requires::<FilesRead>().when::<ScopeA, Target>(|target| target.prod);
    let mine = any_valid_token().only_if(|auth| auth.client().as_str() == "mine");
    let policy = policy()
        .tool("deploy", deploy)
        .tool("mine", mine)
        .prompts(requires::<ScopeA>())
        .prompt("greeting", any_valid_token())
        .resource("file:///pub/*", requires::<ScopeB>())
        .resource("file:///pub/{name}", any_valid_token())
        .completion_of_prompt("greeting", requires::<ScopeB>())
        .completion_of_resource("file:///pub/{name}", requires::<ScopeA>())
        .method(CompletionComplete, requires::<ScopeB>());
    let (a, b) = (
        proof(&issuer, &guard, "a", "mine").await,
        proof(&issuer, &guard, "b files:read", "other").await,
    );
    let shown = |kind, auth, names: &[&'static str]| -> Vec<&str> {
        policy.visible(kind, auth, names.iter().copied()).collect()
    };
    // By one of the sets that a rule names, whichever arguments choose it; and by its condition.
    let tools = ["mine", "deploy", "read", "shell", "deploy", "db_x", ""];
    assert_eq!(
        shown(Kind::Tool, &a, &tools),
        ["mine", "deploy", "deploy", "db_x"]
    );
    assert_eq!(shown(Kind::Tool, &b, &tools), ["deploy", "read", "deploy"]);
    let prompts = ["other", "greeting"];
    assert_eq!(shown(Kind::Prompt, &a, &prompts), prompts);
    assert_eq!(shown(Kind::Prompt, &b, &prompts), ["greeting"]);
    let uris = ["file:///pub/a/b", "file:///pub/%61", "file:///etc", "none"];
    assert_eq!(shown(Kind::Resource, &a, &uris), ["file:///pub/%61"]);
    assert_eq!(
        shown(Kind::Resource, &b, &uris),
        ["file:///pub/a/b", "file:///pub/%61"]
    );
    let methods = ["tools/list", "completion/complete", "ping", "prompts/list"];
    assert_eq!(
        shown(Kind::Method, &b, &methods),
        ["completion/complete", "ping"]
    );
    assert_eq!(shown(Kind::PromptCompletion, &b, &prompts), ["greeting"]);
    assert_eq!(
        shown(Kind::PromptCompletion, &a, &prompts),
        <[&str; 0]>::default()
    );
    let templates = ["file:///pub/{other}", "file:///{x}"];
    assert_eq!(
        shown(Kind::ResourceCompletion, &a, &templates),
        ["file:///pub/{other}"]
    );
}
