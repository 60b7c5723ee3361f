//! What a guard adds to an axum route for tokens that it has verified before, which is what a server sees
//! all day: each side over the same route without it, in one run, against the check as it is written by
//! hand with `jsonwebtoken`.
//!
//! `cargo bench --bench warm` prints ratios from a loop that takes all sides in turn.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark fails at once, and prints what it found"
)]

mod common;

use std::sync::Barrier;
use std::thread;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::any;
use clearance::audit::{AuditEvent, AuditSink};
use clearance::clock::{Clock as _, SystemClock};
use clearance::jwk::Algorithm;
use clearance::limit::Quota;
use clearance::mcp::{McpScopes, ToolsRead};
use clearance::testing::Issuer;
use clearance::{Authorized, Guard, GuardBuilder, TrustedIssuer};
use common::guarded::{Caller, caller, get, layer, peer, post, routes, serve};
use common::{Turn, allocations, both, guard, issuer, median, mint, quiet, runtime, time};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use tower::layer::util::Identity;

/// How many tokens a real server sees in turn.
const MANY: usize = 9_000;
const ROUNDS: usize = 1_500;
/// Requests of each thread in one round of two.
const THREAD_REQUESTS: usize = 20_000;
const THREAD_ROUNDS: usize = 15;

/// The peer's overhead divided by ours: with one token, and with many in turn.
const EXTRACTOR_BARS: [f64; 2] = [60.0, 45.0];
const LIMITED_BARS: [f64; 2] = [50.0, 35.0];
const LAYER_BARS: [f64; 2] = [40.0, 30.0];
const BODY_BAR: f64 = 20.0;
const ALLOCATIONS_BAR: f64 = 1.0;
const THREADS_BAR: f64 = 0.85;
/// A hundred keys, or issuers, against one.
const HUNDRED_BAR: f64 = 1.05;
/// All of a request with an audit log, against the same without.
const AUDIT_BAR: f64 = 1.15;

async fn guarded(_: Authorized<ToolsRead>, request: Request) -> Response {
    serve(request).await
}

fn extractor(guard: &Guard<McpScopes>) -> Router {
    let router = Router::new().route("/mcp", any(guarded));
    router.with_state(guard.clone())
}

/// Takes events as fast as they come.
struct Looks;

impl AuditSink for Looks {
    fn write(&mut self, event: &AuditEvent) -> std::io::Result<()> {
        std::hint::black_box(event);
        Ok(())
    }
}

/// One side: a route, what is asked of it, and what it was timed as.
struct Side<'b> {
    route: &'b Router,
    callers: Turn<Caller>,
    request: fn(&Caller) -> Request,
    times: Vec<f64>,
}

impl<'b> Side<'b> {
    fn new(route: &'b Router, callers: &[Caller], request: fn(&Caller) -> Request) -> Self {
        Self {
            route,
            callers: Turn::new(callers.to_vec()),
            request,
            times: Vec::new(),
        }
    }

    fn batch(&self) -> Vec<Request> {
        self.callers.batch(self.request)
    }

    fn allocations(&self, runtime: &Runtime) -> f64 {
        allocations(runtime, self.route, self.batch())
    }
}

fn take(runtime: &Runtime, sides: &mut [Side<'_>], rounds: usize) {
    for side in &mut *sides {
        // All of them are known from here on.
        for request in (0..side.callers.len()).map(|_| (side.request)(side.callers.next())) {
            let answer = runtime.block_on(side.route.clone().oneshot(request));
            assert_eq!(answer.expect("an answer").status(), StatusCode::OK);
        }
    }
    for _ in 0..rounds {
        for side in &mut *sides {
            let spent = time(runtime, side.route, side.batch());
            side.times.push(spent);
        }
    }
}

fn line(what: &str, [all, quiet]: [f64; 2], bar: f64, is_least: bool) {
    let holds = if is_least { quiet >= bar } else { quiet <= bar };
    let verdict = if holds { "holds" } else { "MISSED" };
    println!("{what:<58} {all:>9.3} {quiet:>9.3} {bar:>6.2}  {verdict}");
}

struct Bench {
    runtime: Runtime,
    issuer: Issuer,
    unlimited: Guard<McpScopes>,
    limited: Guard<McpScopes>,
}

impl Bench {
    fn new() -> Self {
        let runtime = runtime();
        let (issuer, unlimited, limited) = runtime.block_on(async {
            let issuer = issuer([Algorithm::RS256]).await;
            let unlimited = guard(&issuer, GuardBuilder::unlimited).await;
            // The same work as with any other quota, and nobody is refused.
            let quota = Quota::per_second(1_000_000);
            let limited = guard(&issuer, |builder| builder.limit(quota)).await;
            (issuer, unlimited, limited)
        });
        Self {
            runtime,
            issuer,
            unlimited,
            limited,
        }
    }

    /// What the guard adds to a route and a layer, with so many tokens in turn.
    fn overheads(&self, tokens: usize, many: bool) {
        let layered = routes().layer(layer(&self.unlimited, 1));
        let mut all = Vec::new();
        for number in 0..tokens {
            let token = mint(&self.issuer, Algorithm::RS256, number);
            all.push(self.runtime.block_on(caller(&layered, token)));
        }
        let (bare, peer) = (routes(), peer(&self.issuer));
        let (unlimited, limited) = (extractor(&self.unlimited), extractor(&self.limited));
        let empty = routes().layer(Identity::new());
        let side = |route, request| Side::new(route, &all, request);
        let mut sides = [
            side(&bare, get),
            side(&peer, get),
            side(&unlimited, get),
            side(&limited, get),
            side(&empty, get),
            side(&layered, get),
            side(&empty, post),
            side(&layered, post),
        ];
        take(&self.runtime, &mut sides, ROUNDS);
        report(&sides.each_ref().map(|side| &side.times), many);
        if many {
            return;
        }
        let [bare, _, extractor, ..] = sides.map(|side| side.allocations(&self.runtime));
        let added = extractor - bare;
        line(
            "heap allocations, extractor",
            [added; 2],
            ALLOCATIONS_BAR,
            false,
        );
    }

    /// A guard that writes an audit log, against one that does not, route included.
    fn audited(&self) {
        let log = guard(&self.issuer, |builder| builder.unlimited().audit(Looks));
        let audited = self.runtime.block_on(log);
        let callers = [(mint(&self.issuer, Algorithm::RS256, 0), String::new())];
        let plain = [
            extractor(&self.unlimited),
            routes().layer(layer(&self.unlimited, 1)),
        ];
        let logged = [extractor(&audited), routes().layer(layer(&audited, 1))];
        let ([by_proof, by_layer], [proof_logged, layer_logged]) = (&plain, &logged);
        let side = |route, request| Side::new(route, &callers, request);
        let mut sides = [
            side(by_proof, get),
            side(proof_logged, get),
            side(by_layer, post),
            side(layer_logged, post),
        ];
        take(&self.runtime, &mut sides, ROUNDS);
        let [proof, proof_log, layer, layer_log] = sides.each_ref().map(|side| &side.times);
        let extractor = both(|t| t(proof_log) / t(proof));
        line(
            "extractor with an audit log / without",
            extractor,
            AUDIT_BAR,
            false,
        );
        let layer = both(|t| t(layer_log) / t(layer));
        line(
            "layer, 200 bytes, with an audit log / without",
            layer,
            AUDIT_BAR,
            false,
        );
        let [without, with, ..] = sides.map(|side| side.allocations(&self.runtime));
        println!("    heap allocations for an event: {}", with - without);
        let stats = audited.health().audit.unwrap_or_default();
        println!(
            "    events: {} written, {} dropped",
            stats.written, stats.dropped
        );
    }

    /// How much more two threads do than one, as a share of what the route without a guard gains.
    fn threads(&self) {
        let minted = (0..64).map(|number| mint(&self.issuer, Algorithm::RS256, number));
        let callers: Vec<Caller> = minted.map(|token| (token, String::new())).collect();
        let (bare, guarded) = (routes(), extractor(&self.unlimited));
        let gain = |route: &Router| -> Vec<f64> {
            let gain = |_| rate(route, &callers, 2) / rate(route, &callers, 1);
            (0..THREAD_ROUNDS).map(gain).collect()
        };
        let (of_bare, of_guarded) = (gain(&bare), gain(&guarded));
        let share = median(&of_guarded) / median(&of_bare);
        line(
            "two threads / one, as share of the bare route's",
            [share; 2],
            THREADS_BAR,
            true,
        );
    }

    /// A guard with a hundred keys of its issuer, or a hundred issuers, against one with one.
    fn hundreds(&self) {
        let token = mint(&self.issuer, Algorithm::RS256, 0);
        let build = |builder: GuardBuilder<McpScopes, clearance::Ready>| {
            let guard = builder.unlimited().build().expect("a guard");
            self.runtime.block_on(guard.ready()).expect("keys");
            guard
        };
        let resource = || self.issuer.resource().clone();
        let own = || TrustedIssuer::new(self.issuer.id().clone());
        let one = build(Guard::builder(resource()).trusted_issuer(own()));
        let keys: serde_json::Value = serde_json::from_str(&self.issuer.jwks()).expect("a key set");
        let other = |number: usize| {
            let id = format!("https://as-{number}.example")
                .parse()
                .expect("an issuer");
            let keys = clearance::keys::FixedKeys::from_json(keys.to_string());
            TrustedIssuer::with_keys(id, keys)
        };
        let hundred = (0..99).fold(
            Guard::builder(resource()).trusted_issuer(other(99)),
            |builder, number| builder.trusted_issuer(other(number)),
        );
        let issuers = build(hundred.trusted_issuer(own()));
        for _ in 0..63 {
            self.issuer.add_key(Algorithm::ES256);
        }
        let keys = build(Guard::builder(resource()).trusted_issuer(own()));
        let callers = [(token, String::new())];
        let routes = [extractor(&one), extractor(&keys), extractor(&issuers)];
        let [one, keys, issuers] = &routes;
        let mut sides = [one, keys, issuers].map(|route| Side::new(route, &callers, get));
        take(&self.runtime, &mut sides, ROUNDS);
        let [one, keys, issuers] = sides.map(|side| side.times);
        line(
            "64 keys / 1",
            both(|t| t(&keys) / t(&one)),
            HUNDRED_BAR,
            false,
        );
        line(
            "100 issuers / 1",
            both(|t| t(&issuers) / t(&one)),
            HUNDRED_BAR,
            false,
        );
    }
}

fn report(times: &[&Vec<f64>; 8], many: bool) {
    let [
        bare,
        peer,
        extractor,
        limited,
        empty,
        layer,
        empty_post,
        layer_post,
    ] = *times;
    let turn = usize::from(many);
    let bar = |bars: [f64; 2]| bars.get(turn).copied().unwrap_or_default();
    let over = |ours: &[f64], under: &[f64]| both(|t| (t(peer) - t(bare)) / (t(ours) - t(under)));
    line(
        "extractor",
        over(extractor, bare),
        bar(EXTRACTOR_BARS),
        true,
    );
    line(
        "extractor with a limit",
        over(limited, bare),
        bar(LIMITED_BARS),
        true,
    );
    line(
        "layer that reads no body",
        over(layer, empty),
        bar(LAYER_BARS),
        true,
    );
    let post = over(layer_post, empty_post);
    line(
        "layer that decides by a body of 200 bytes",
        post,
        BODY_BAR,
        true,
    );
    for (what, values) in [
        ("bare route", bare),
        ("jsonwebtoken by hand", peer),
        ("extractor", extractor),
        ("extractor with a limit", limited),
        ("empty layer, no body", empty),
        ("layer, no body", layer),
        ("empty layer, 200 bytes", empty_post),
        ("layer, 200 bytes", layer_post),
    ] {
        println!(
            "    {what:<54} {:>9.0} {:>9.0} ns",
            median(values),
            quiet(values)
        );
    }
}

/// Requests in a nanosecond by so many threads together.
fn rate(route: &Router, callers: &[Caller], threads: usize) -> f64 {
    let barrier = Barrier::new(threads);
    let work = |thread: usize| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let route = route.clone();
        let requests: Vec<Request> = (0..THREAD_REQUESTS)
            .zip(callers.iter().cycle().skip(thread))
            .map(|(_, caller)| get(caller))
            .collect();
        barrier.wait();
        let start = SystemClock.monotonic();
        runtime.block_on(async {
            for request in requests {
                route.clone().oneshot(request).await.expect("an answer");
            }
        });
        SystemClock.monotonic().saturating_sub(start).as_secs_f64() * 1e9
    };
    let spent: Vec<f64> = thread::scope(|scope| {
        let all: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || work(thread)))
            .collect();
        all.into_iter()
            .map(|one| one.join().expect("no panic"))
            .collect()
    });
    let of_one = f64::from(u32::try_from(THREAD_REQUESTS).expect("a small number"));
    spent.iter().map(|spent| of_one / spent).sum()
}

fn main() {
    let bench = Bench::new();
    println!(
        "\n{:<58} {:>9} {:>9} {:>6}",
        "the peer's overhead / ours", "median", "quiet", "bar"
    );
    println!("one token");
    bench.overheads(1, false);
    println!("{MANY} tokens in turn");
    bench.overheads(MANY, true);
    bench.threads();
    bench.hundreds();
    bench.audited();
}
