//! Lists behind a layer: what a service shows, and what is nevertheless checked.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use clearance::mcp::{Kind, Policy, any_valid_token, nobody, requires};
use clearance::{Authorized, Guard, Guarded};
use serde::Deserialize;
use serde_json::{Value, json};

use super::site::{DELETE, Site, T0, WEATHER, assert_403, assert_ran, called, send_on};
use crate::support::http::KeptAlive;
use crate::support::mcp::{Log, McpServer, REVISIONS};
use crate::support::plain::policy;
use crate::support::request::Request;
use crate::support::{FilesRead, FilesWrite, Fixture, ScopeA, ScopeB};

/// What a handler behind the layer has.
#[derive(Clone)]
struct Shop {
    guard: Guard<Fixture>,
    policy: Arc<Policy<Fixture>>,
    log: Log,
}

impl Guarded for Shop {
    type Vocabulary = Fixture;
    fn guard(&self) -> &Guard<Fixture> {
        &self.guard
    }
}

#[derive(Deserialize)]
struct Write {
    prod: bool,
}

fn rules() -> Policy<Fixture> {
    policy()
        .tool("off", nobody())
        .tool(
            "mine",
            any_valid_token().only_if(|auth| auth.subject().as_str() == "bob"),
        )
        .tool(
            "write",
            requires::<(FilesWrite, ScopeA)>().when::<ScopeB, Write>(|write| !write.prod),
        )
        .tool_prefix("db_", requires::<FilesRead>())
        .tool("db_drop", requires::<ScopeA>())
}

const TOOLS: [&str; 11] = [
    "whoami",
    "get_weather",
    "delete_file",
    "one_of",
    "off",
    "mine",
    "write",
    "db_read",
    "db_drop",
    "no_such_tool",
    "Whoami",
];

const OTHERS: [(Kind, &[&str]); 3] = [
    (Kind::Prompt, &["greeting", "no_such_prompt"]),
    (
        Kind::Resource,
        &[
            "file:///private/a",
            "file:///pub/a",
            "file:///pub/readme.txt",
            "file:///pub/../private/a",
            "file:///elsewhere",
            "none",
        ],
    ),
    (
        Kind::Method,
        &["tools/list", "example/index", "ping", "unknown/method"],
    ),
];

/// A service that lists what its caller may use, and does whatever it is asked for.
async fn serve(
    auth: Authorized<()>,
    State(shop): State<Shop>,
    Json(message): Json<Value>,
) -> Json<Value> {
    shop.log.ran(called(&message));
    let visible = |kind, names: &[&str]| {
        let visible = shop.policy.visible(kind, &auth, names.to_vec());
        visible.map(str::to_owned).collect::<Vec<_>>()
    };
    let others = OTHERS.map(|(kind, names)| (kind.to_string(), visible(kind, names)));
    let tools = visible(Kind::Tool, &TOOLS);
    let others = json!(others.to_vec());
    let result = json!({
        "tools": tools, "others": others, "cacheScope": "private", "ttlMs": 0,
    });
    Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }))
}

async fn server() -> McpServer {
    Site::new()
        .policy(rules())
        .service(|guard, log| {
            let shop = Shop {
                guard: guard.clone(),
                policy: Arc::new(rules()),
                log: log.clone(),
            };
            Router::new().route("/mcp", post(serve)).with_state(shop)
        })
        .serve()
        .await
}

fn list(revision: &str, token: &str) -> Request {
    Request::new(revision, "tools/list").bearer(token)
}

/// RS-144: a list is filtered for the token of its request, not for the connection, in the order of
/// the service; and it is passed on, with its mark, as the service wrote it.
#[tokio::test]
async fn a_filtered_list_is_private_and_of_one_token() {
    let server = server().await;
    let reader = server.token(T0);
    let worker = server
        .scoped("mcp:tools.read mcp:admin b")
        .subject("bob")
        .mint();
    let readers = json!({
        "tools": ["whoami", "get_weather"],
        "others": [
            ["prompt", []],
            ["resource", ["file:///pub/a", "file:///pub/readme.txt"]],
            ["method", ["tools/list", "ping"]],
        ],
        "cacheScope": "private",
        "ttlMs": 0,
    });
    let workers = json!({
        "tools": ["whoami", "get_weather", "delete_file", "one_of", "mine", "write", "db_read"],
        "others": [
            ["prompt", ["greeting"]],
            ["resource", [
                "file:///private/a",
                "file:///pub/a",
                "file:///pub/readme.txt",
                "file:///pub/../private/a",
            ]],
            ["method", ["tools/list", "example/index", "ping"]],
        ],
        "cacheScope": "private",
        "ttlMs": 0,
    });
    let mut one = KeptAlive::to(server.address).await;
    let mut two = KeptAlive::to(server.address).await;
    for revision in REVISIONS {
        for (token, expected) in [
            (&reader, &readers),
            (&worker, &workers),
            (&reader, &readers),
        ] {
            let answer = send_on(&mut one, &list(revision, token)).await;
            answer.assert_ok();
            let whole = json!({ "jsonrpc": "2.0", "id": 1, "result": expected });
            assert_eq!(answer.body, whole.to_string());
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let again = send_on(&mut two, &list(revision, token)).await;
            assert_eq!(again.body, answer.body);
        }
    }
}

/// RS-144: what is not shown is checked when it is called, and what is shown as well.
#[tokio::test]
async fn a_hidden_tool_is_checked_when_it_is_called() {
    let server = server().await;
    for revision in REVISIONS {
        let answer = server.call(revision, DELETE, T0).await;
        assert_403(&answer, "files:read files:write mcp:tools.read");
        let answer = server.call(revision, "tools/call db_read", T0).await;
        assert_403(&answer, "files:read mcp:tools.read");
        for call in ["off", "mine", "no_such_tool", "Whoami"] {
            let call = format!("tools/call {call}");
            let answer = server.call(revision, &call, T0).await;
            assert_eq!(answer.status, 403, "{call}");
            assert_eq!(answer.header("www-authenticate"), None);
        }
        assert_ran(&server, &[]);
        server.call(revision, WEATHER, T0).await.assert_ok();
        assert_ran(&server, &[WEATHER]);
        // It is shown because some arguments are granted, not all.
        let write = Request::new(revision, "tools/call write");
        for (is_prod, is_served) in [(true, false), (false, true)] {
            let arguments = json!({ "params": { "arguments": { "prod": is_prod } } });
            let request = write.clone().patched(&arguments).bearer(&server.token("b"));
            let answer = server.send(&request).await;
            if is_served {
                answer.assert_ok();
                assert_ran(&server, &["tools/call write"]);
            } else {
                assert_403(&answer, "files:write a b");
                assert_ran(&server, &[]);
            }
        }
    }
}
