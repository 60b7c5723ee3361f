//! What the client's layer adds to a request with a token that is good.
//!
//! `cargo bench --bench client` measures with criterion, then prints what the layer adds, from a loop that
//! takes both sides in turn.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark fails at once, and prints what it found"
)]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use chrono::TimeDelta;
use clearance::Guard;
use clearance::client::Client;
use clearance::client::layer::{Access, ClientCredentials};
use clearance::clock::{Clock as _, SystemClock};
use clearance::credentials::{ClientAuthentication, ClientSecret};
use clearance::mcp::McpScopes;
use clearance::testing::AuthorizationServer;
use criterion::{BatchSize, Criterion};
use http::{Request, Response};
use http_body_util::Full;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower::{Layer as _, Service, ServiceExt as _};

/// How many requests are timed at once, and how often.
const BATCH: u32 = 16;
const ROUNDS: usize = 4_000;
/// What the layer may add, in nanoseconds.
const BAR: f64 = 2_000.0;

/// Answers what is always the same.
#[derive(Clone)]
struct Constant;

impl Service<Request<Full<Bytes>>> for Constant {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        black_box(request.headers().get("authorization"));
        ready(Ok(Response::new(Full::from("{}"))))
    }
}

/// The access of a machine that has its token.
async fn signed_in() -> (Access, String, AuthorizationServer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a place");
    let address = listener.local_addr().expect("an address");
    let endpoint = format!("http://{address}/mcp");
    let issuer = AuthorizationServer::builder(endpoint.parse().expect("a resource"))
        .client("machine", "s3cret", "mcp:tools:read")
        .access_token_lifetime(TimeDelta::hours(1));
    let issuer = issuer.start().await.expect("an authorization server");
    let guard = Guard::<McpScopes>::builder(endpoint.parse().expect("a resource"))
        .issuer(issuer.id().clone())
        .build()
        .expect("a guard");
    let app = Router::new()
        .route("/mcp", get(|| async {}))
        .merge(clearance::metadata_routes([&guard]).expect("metadata"))
        .with_state(guard);
    tokio::spawn(async move { axum::serve(listener, app).await.expect("a server") });
    let known = ClientAuthentication::client_secret_basic("machine", ClientSecret::new("s3cret"));
    let client = Client::builder(endpoint.parse().expect("an endpoint"))
        .pre_registered(issuer.id().clone(), known)
        .build()
        .expect("a client");
    let access = Access::builder(client, ClientCredentials).build();
    access.sign_in().await.expect("a token");
    (access, endpoint, issuer)
}

/// As an MCP client writes it.
fn request(endpoint: &str) -> Request<Full<Bytes>> {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","arguments":{"path":"notes/today.txt"}}}"#;
    Request::post(endpoint)
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "read_file")
        .body(Full::from(body))
        .expect("a request")
}

/// The time of one of these requests, in nanoseconds.
fn time<S>(runtime: &Runtime, service: &S, endpoint: &str) -> f64
where
    S: Service<Request<Full<Bytes>>, Error: std::fmt::Debug> + Clone,
{
    let requests: Vec<_> = (0..BATCH).map(|_| request(endpoint)).collect();
    runtime.block_on(async {
        let start = SystemClock.monotonic();
        for request in requests {
            let answer = service.clone().oneshot(request).await;
            black_box(answer.expect("an answer"));
        }
        let took = SystemClock.monotonic().saturating_sub(start);
        took.as_secs_f64() * 1e9 / f64::from(BATCH)
    })
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    let middle = all.len().checked_div(2).unwrap_or_default();
    *all.get(middle).expect("a number")
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let (access, endpoint, _issuer) = runtime.block_on(signed_in());
    let layered = access.layer().layer(Constant);

    let mut criterion = Criterion::default()
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let mut group = criterion.benchmark_group("client");
    let one = |bencher: &mut criterion::Bencher<'_>, service: &dyn Fn(Request<Full<Bytes>>)| {
        bencher.iter_batched(|| request(&endpoint), service, BatchSize::SmallInput);
    };
    group.bench_function("without", |bencher| {
        one(bencher, &|request| {
            black_box(
                runtime
                    .block_on(Constant.oneshot(request))
                    .expect("an answer"),
            );
        });
    });
    group.bench_function("layer", |bencher| {
        one(bencher, &|request| {
            let answer = runtime.block_on(layered.clone().oneshot(request));
            black_box(answer.expect("an answer"));
        });
    });
    group.finish();

    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(time(&runtime, &Constant, &endpoint));
        with.push(time(&runtime, &layered, &endpoint));
    }
    let (without, with) = (median(without), median(with));
    let added = with - without;
    println!(
        "without the layer {without:.0} ns, with it {with:.0} ns: it adds {added:.0} ns (bar {BAR:.0})"
    );
    assert!(added < BAR, "the layer is too slow");
}
