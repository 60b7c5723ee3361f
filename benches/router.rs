//! What `mcp::Router` adds to the same JSON-RPC handled by hand, for tokens not seen before.
//!
//! `cargo bench --bench router` measures a `tools/call` with criterion, then prints ratios from a
//! loop that takes all sides in turn.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark fails at once, and prints what it found"
)]

mod common;

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::routing::post;
use axum::{Json, Router};
use clearance::Authorized;
use clearance::jwk::Algorithm;
use clearance::mcp::{self, McpScopes, Params, ToolError, ToolsExecute};
use clearance::testing::Issuer;
use clearance::{Guard, GuardBuilder};
use common::{Turn, guard, issuer, median, mint, quiet, runtime};
use criterion::{BatchSize, Criterion};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// How many tokens there are, used in turn.
const TOKENS: usize = 4_096;
/// How often each batch is timed.
const ROUNDS: usize = 3_000;
/// The tools of the large router.
const TOOLS: usize = 1_000;

/// What the router may cost: times the same by hand, authorization taken away from both.
const ROUTER_BAR: f64 = 1.15;
/// What many tools may cost: times one tool.
const TOOLS_BAR: f64 = 1.05;

#[derive(Deserialize)]
struct Read {
    path: String,
}

#[derive(Serialize)]
struct File {
    path: String,
    size: u64,
}

async fn read(_: Authorized<ToolsExecute>, Params(read): Params<Read>) -> Result<File, ToolError> {
    Ok(file(read))
}

fn file(read: Read) -> File {
    File {
        path: read.path,
        size: 4_096,
    }
}

/// A call as it is taken apart by hand.
#[derive(Deserialize)]
struct Call {
    jsonrpc: String,
    id: Box<RawValue>,
    method: String,
    params: CallParams,
}

#[derive(Deserialize)]
struct CallParams {
    name: String,
    arguments: Read,
}

#[derive(Serialize)]
struct Answer {
    jsonrpc: &'static str,
    id: Box<RawValue>,
    result: ToolResult,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult {
    content: [Text; 1],
    structured_content: File,
}

#[derive(Serialize)]
struct Text {
    r#type: &'static str,
    text: String,
}

/// `tools/call` by hand, without authorization.
async fn by_hand(Json(call): Json<Call>) -> Result<Json<Answer>, StatusCode> {
    if call.jsonrpc != "2.0" || call.method != "tools/call" || call.params.name != "tool-0" {
        return Err(StatusCode::BAD_REQUEST);
    }
    let file = file(call.params.arguments);
    let text = serde_json::to_string(&file).ok();
    let text = text.ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    let content = [Text {
        r#type: "text",
        text,
    }];
    Ok(Json(Answer {
        jsonrpc: "2.0",
        id: call.id,
        result: ToolResult {
            content,
            structured_content: file,
        },
    }))
}

/// The same behind the extractor.
async fn by_hand_guarded(
    _: Authorized<ToolsExecute>,
    call: Json<Call>,
) -> Result<Json<Answer>, StatusCode> {
    by_hand(call).await
}

/// What is measured.
struct Bench {
    runtime: Runtime,
    tokens: Turn<String>,
    by_hand: Router,
    router: Router,
    many_tools: Router,
    /// What the cold extractor adds is measured where it is paid: after it, nothing is in the
    /// processor's caches any more.
    by_hand_guarded: Router,
    /// Keeps the keys served.
    _issuer: Issuer,
}

fn endpoint(guard: &Guard<McpScopes>, tools: usize) -> Router {
    (0..tools)
        .fold(mcp::Router::new(guard), |router, number| {
            router.tool(format!("tool-{number}").as_str(), read)
        })
        .build()
        .expect("a router")
}

impl Bench {
    fn new() -> Self {
        let runtime = runtime();
        let (issuer, guard) = runtime.block_on(async {
            let issuer = issuer([Algorithm::RS256]).await;
            let guard = guard(&issuer, GuardBuilder::unlimited).await;
            (issuer, guard)
        });
        let tokens = (0..TOKENS).map(|number| mint(&issuer, Algorithm::RS256, number));
        Self {
            tokens: Turn::new(tokens.collect()),
            by_hand: Router::new().route("/mcp", post(by_hand)),
            router: endpoint(&guard, 1),
            many_tools: endpoint(&guard, TOOLS),
            by_hand_guarded: Router::new()
                .route("/mcp", post(by_hand_guarded))
                .with_state(guard),
            runtime,
            _issuer: issuer,
        }
    }

    fn sides(&self) -> [&Router; 4] {
        [
            &self.by_hand,
            &self.router,
            &self.many_tools,
            &self.by_hand_guarded,
        ]
    }

    /// Both ways give one answer.
    fn check(&self) {
        let bodies = self.sides().map(|route| {
            let answer = route.clone().oneshot(request(self.tokens.next()));
            self.runtime.block_on(async {
                let answer = answer.await.expect("an answer");
                assert_eq!(answer.status(), StatusCode::OK);
                let body = axum::body::to_bytes(answer.into_body(), 1 << 16).await;
                let body = body.expect("a body");
                serde_json::from_slice::<serde_json::Value>(&body).expect("JSON")
            })
        });
        let [first, rest @ ..] = bodies;
        assert!(rest.iter().all(|body| *body == first), "{first} {rest:?}");
    }

    /// The time of one request, from a batch that was made before.
    fn time(&self, route: &Router) -> f64 {
        let requests = self.tokens.batch(|token| request(token));
        common::time(&self.runtime, route, requests)
    }
}

fn request(token: &str) -> Request<Body> {
    let body = r#"{"jsonrpc":"2.0","id":17,"method":"tools/call","params":{"name":"tool-0","arguments":{"path":"reports/2026/november/summary.md"}}}"#;
    Request::post("/mcp")
        .header(header::HOST, "files.example.com")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(body))
        .expect("a request")
}

fn table(bench: &Bench) {
    let mut times: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        for (into, route) in times.iter_mut().zip(bench.sides()) {
            into.push(bench.time(route));
        }
    }
    println!("\n{ROUNDS} rounds, {TOKENS} RS256 tokens in turn");
    println!(
        "{:<56} {:>9} {:>9} {:>6}",
        "ratio", "median", "quiet", "bar"
    );
    let line = |what: &str, of: &dyn Fn(fn(&[f64]) -> f64) -> f64, bar: f64| {
        let (all, quiet) = (of(median), of(quiet));
        let verdict = if quiet <= bar { "holds" } else { "MISSED" };
        println!("{what:<56} {all:>9.3} {quiet:>9.3} {bar:>6.2}  {verdict}");
    };
    let [by_hand, router, many_tools, by_hand_guarded] = &times;
    line(
        "(router - what the extractor adds) / by hand",
        &|typical| {
            let extractor = typical(by_hand_guarded) - typical(by_hand);
            (typical(router) - extractor) / typical(by_hand)
        },
        ROUTER_BAR,
    );
    line(
        "1 000 tools / one tool",
        &|typical| typical(many_tools) / typical(router),
        TOOLS_BAR,
    );
    println!("\n{:<56} {:>9} {:>9}", "time, ns", "median", "quiet");
    for (what, values) in [
        ("by hand, without authorization", by_hand),
        ("router", router),
        ("router, 1 000 tools", many_tools),
        ("by hand, behind the extractor", by_hand_guarded),
    ] {
        println!("{what:<56} {:>9.0} {:>9.0}", median(values), quiet(values));
    }
}

fn main() {
    let bench = Bench::new();
    bench.check();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut group = criterion.benchmark_group("tools_call");
    for (what, route) in [("by_hand", &bench.by_hand), ("router", &bench.router)] {
        group.bench_function(what, |bencher| {
            bencher.to_async(&bench.runtime).iter_batched(
                || request(bench.tokens.next()),
                |request| route.clone().oneshot(request),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
    criterion.final_summary();
    // Without it this is a test run, where times mean nothing.
    if std::env::args().any(|argument| argument == "--bench") {
        table(&bench);
    }
}
