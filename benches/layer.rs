//! What the authorization layer adds to a service, for tokens that are known.
//!
//! `cargo bench --bench layer` measures with criterion, then prints ratios from a loop that takes all
//! sides in turn.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark fails at once, and prints what it found"
)]

mod common;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use axum::response::Response as Answer;
use axum::routing::any;
use clearance::clock::{Clock as _, SystemClock};
use clearance::jwk::Algorithm;
use clearance::mcp::McpScopes;
use clearance::testing::{Issuer, is_message};
use clearance::{AuthorizationService, Authorized, Guard, GuardBuilder};
use common::guarded::{Caller, caller, get, layer, post, routes, serve};
use common::{Turn, allocations, both, guard, issuer, median, mint, quiet, runtime, time};
use criterion::{BatchSize, Criterion};
use http_body_util::Full;
use tokio::runtime::Runtime;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

/// How many tokens there are, used in turn.
const TOKENS: usize = 4_096;
/// How often each batch is timed.
const ROUNDS: usize = 2_000;
/// The rules of the large policy.
const RULES: usize = 1_000;

/// Allocations over an empty layer, without those of the verification.
const ALLOCATIONS_BAR: f64 = 4.0;
/// What many rules may cost: times one rule.
const RULES_BAR: f64 = 1.05;
/// Reading a body to decide about it: times reading all of it, for a short one and a long one.
const PEEK_BARS: [f64; 2] = [0.5, 0.8];

/// A layer that does nothing.
#[derive(Clone)]
struct Empty<T>(T);

impl<T: Service<R>, R> Service<R> for Empty<T> {
    type Response = T::Response;
    type Error = T::Error;
    type Future = T::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> T::Future {
        self.0.call(request)
    }
}

/// A service that takes any body, and answers what is always the same.
#[derive(Clone)]
struct Constant;

impl<B> Service<Request<B>> for Constant {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut answer = Response::new(Full::from("{}"));
        let json = HeaderValue::from_static("application/json");
        answer.headers_mut().insert(header::CONTENT_TYPE, json);
        ready(Ok(answer))
    }
}

async fn guarded(_: Authorized<()>, request: Request<Body>) -> Answer {
    serve(request).await
}

/// What is measured.
struct Bench {
    runtime: Runtime,
    /// Each with a session of its owner's.
    tokens: Turn<Caller>,
    empty: Router,
    extractor: Router,
    layer: Router,
    many_rules: Router,
    /// What the layer itself allocates shows where nothing else does.
    constant: AuthorizationService<Constant>,
    guard: Guard<McpScopes>,
    /// Keeps the keys served.
    _issuer: Issuer,
}

impl Bench {
    fn new() -> Self {
        let runtime = runtime();
        let (issuer, guard) = runtime.block_on(async {
            let issuer = issuer([Algorithm::RS256]).await;
            let guard = guard(&issuer, GuardBuilder::unlimited).await;
            (issuer, guard)
        });
        let constant = layer(&guard, 1);
        let layered = routes().layer(constant.clone());
        let tokens = (0..TOKENS).map(|number| {
            let token = mint(&issuer, Algorithm::RS256, number);
            runtime.block_on(caller(&layered, token))
        });
        Self {
            tokens: Turn::new(tokens.collect()),
            empty: routes().layer(tower::layer::layer_fn(Empty)),
            extractor: Router::new()
                .route("/mcp", any(guarded))
                .with_state(guard.clone()),
            many_rules: routes().layer(layer(&guard, RULES)),
            constant: constant.layer(Constant),
            layer: layered,
            runtime,
            guard,
            _issuer: issuer,
        }
    }

    fn posts(&self) -> Vec<Request<Body>> {
        self.tokens.batch(post)
    }

    fn gets(&self) -> Vec<Request<Body>> {
        self.tokens.batch(get)
    }

    /// All sides answer.
    fn check(&self) {
        let sides = [&self.empty, &self.extractor, &self.layer, &self.many_rules];
        for (side, requests) in [self.posts(), self.gets()]
            .into_iter()
            .flat_map(|requests| sides.into_iter().zip(requests))
        {
            // Sessions of one layer's keys are not another's.
            if std::ptr::eq(side, &raw const self.many_rules) && requests.method() == "GET" {
                continue;
            }
            let answer = self.runtime.block_on(side.clone().oneshot(requests));
            assert_eq!(answer.expect("an answer").status(), StatusCode::OK);
        }
    }
}

/// A `tools/call` of about so many bytes.
fn body(length: usize) -> String {
    let entry = r#"{"path":"reports/2026/november/summary.md","lines":[1,200],"follow":false}"#;
    let entries = vec![entry; length.div_ceil(entry.len())].join(",");
    format!(
        r#"{{"jsonrpc":"2.0","id":17,"method":"tools/call","params":{{"name":"tool-0","arguments":{{"entries":[{entries}]}}}}}}"#
    )
}

/// Nanoseconds for peeking into a body, and for reading all of it.
fn peek(length: usize) -> [Vec<f64>; 2] {
    let body = body(length);
    let mut times = [Vec::new(), Vec::new()];
    let [peeked, read] = &mut times;
    for _ in 0..ROUNDS {
        let spent = |work: &dyn Fn() -> bool| {
            let start = SystemClock.monotonic();
            for _ in 0..common::BATCH {
                assert!(black_box(work()));
            }
            common::each(start)
        };
        let text = black_box(body.as_bytes());
        peeked.push(spent(&|| is_message(text)));
        read.push(spent(&|| {
            serde_json::from_slice::<serde_json::Value>(text).is_ok()
        }));
    }
    times
}

fn line(what: &str, values: [f64; 2], bar: Option<(f64, bool)>) {
    let [all, quiet] = values;
    let verdict = match bar {
        None => String::new(),
        Some((bar, is_least)) => {
            let holds = if is_least { quiet >= bar } else { quiet <= bar };
            let verdict = if holds { "holds" } else { "MISSED" };
            format!("{bar:>6.2}  {verdict}")
        }
    };
    println!("{what:<64} {all:>9.3} {quiet:>9.3} {verdict}");
}

/// What was timed: for each side its times for requests with a body and for those without, in the
/// order of [`Times::routes`]; and the same for a service without axum.
struct Times {
    posts: Vec<Vec<f64>>,
    gets: Vec<Vec<f64>>,
    /// The layer, with a body and without; the empty layer, likewise.
    plain: [Vec<f64>; 4],
}

impl Times {
    fn routes(bench: &Bench) -> [(&'static str, &Router); 4] {
        [
            ("empty layer", &bench.empty),
            ("extractor", &bench.extractor),
            ("layer", &bench.layer),
            ("layer, 1 000 rules", &bench.many_rules),
        ]
    }

    fn take(bench: &Bench) -> Self {
        let routes = Self::routes(bench);
        let mut posts: Vec<Vec<f64>> = vec![Vec::new(); routes.len()];
        let mut gets = posts.clone();
        let mut plain: [Vec<f64>; 4] = Default::default();
        for _ in 0..ROUNDS {
            let [post, get, empty_post, empty_get] = &mut plain;
            post.push(time(&bench.runtime, &bench.constant, bench.posts()));
            get.push(time(&bench.runtime, &bench.constant, bench.gets()));
            empty_post.push(time(&bench.runtime, &Empty(Constant), bench.posts()));
            empty_get.push(time(&bench.runtime, &Empty(Constant), bench.gets()));
            for ((into, other), (_, route)) in posts.iter_mut().zip(&mut gets).zip(routes) {
                into.push(time(&bench.runtime, route, bench.posts()));
                other.push(time(&bench.runtime, route, bench.gets()));
            }
        }
        Self { posts, gets, plain }
    }
}

fn ratios(times: &Times) {
    let [_, extractor, layer, many] = times.posts.as_slice() else {
        return;
    };
    let [_, extractor_get, layer_get, _] = times.gets.as_slice() else {
        return;
    };
    line(
        "layer that decides by a 200-byte body / extractor",
        both(|t| t(layer) / t(extractor)),
        None,
    );
    line(
        "layer that reads no body / extractor",
        both(|t| t(layer_get) / t(extractor_get)),
        None,
    );
    line(
        "1 000 rules / one rule",
        both(|t| t(many) / t(layer)),
        Some((RULES_BAR, false)),
    );
    for (length, bar) in [200, 100_000].into_iter().zip(PEEK_BARS) {
        let [peeked, read] = peek(length);
        line(
            &format!("peek / serde_json::Value, {length} bytes"),
            both(|t| t(&peeked) / t(&read)),
            Some((bar, false)),
        );
    }
}

/// Allocations of the layer over those of an empty one, without those of the verification.
fn added(bench: &Bench, requests: impl Fn() -> Vec<Request<Body>>) -> f64 {
    let verify = service_fn(|request: Request<Body>| {
        let (mut parts, body) = request.into_parts();
        async move {
            let proof = bench.guard.authorize::<()>(&mut parts).await;
            assert!(proof.is_ok());
            Constant.call(Request::from_parts(parts, body)).await
        }
    });
    let empty = allocations(&bench.runtime, &Empty(Constant), requests());
    let verification = allocations(&bench.runtime, &verify, requests()) - empty;
    let layer = allocations(&bench.runtime, &bench.constant, requests());
    layer - empty - verification
}

fn nanoseconds(bench: &Bench, times: &Times) {
    let row = |what: &str, values: &[f64]| {
        println!("{what:<64} {:>9.0} {:>9.0}", median(values), quiet(values));
    };
    println!("\n{:<64} {:>9} {:>9}", "time, ns", "median", "quiet");
    let routes = Times::routes(bench);
    for ((name, _), values) in routes.iter().zip(&times.posts) {
        row(name, values);
    }
    let [post, get, empty_post, empty_get] = &times.plain;
    row("layer around a service without axum", post);
    row("the same, no body", get);
    row("empty layer around it", empty_post);
    row("the same, no body", empty_get);
    for ((name, _), values) in routes.iter().zip(&times.gets) {
        row(&format!("{name}, no body"), values);
    }
}

fn table(bench: &Bench) {
    let times = Times::take(bench);
    println!("\n{ROUNDS} rounds, {TOKENS} RS256 tokens in turn, all of them known");
    println!(
        "{:<64} {:>9} {:>9} {:>6}",
        "ratio", "median", "quiet", "bar"
    );
    ratios(&times);
    for (what, added) in [
        ("reading a body", added(bench, || bench.posts())),
        ("reading none", added(bench, || bench.gets())),
    ] {
        line(
            &format!("allocations over an empty layer, verification apart, {what}"),
            [added, added],
            Some((ALLOCATIONS_BAR, false)),
        );
    }
    nanoseconds(bench, &times);
}

fn main() {
    let bench = Bench::new();
    bench.check();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut group = criterion.benchmark_group("layer");
    for (what, route) in [("empty", &bench.empty), ("layer", &bench.layer)] {
        group.bench_function(what, |bencher| {
            bencher.to_async(&bench.runtime).iter_batched(
                || post(bench.tokens.next()),
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
