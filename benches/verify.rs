//! What a guarded axum route adds to the same route without a guard, for tokens not seen before.
//!
//! `cargo bench --bench verify` measures the parts with criterion, then prints ratios. Times do not
//! travel between machines, and ratios do only if both sides come from one run, so the table at the
//! end has a loop of its own that takes all sides in turn.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark fails at once, and prints what it found"
)]

mod common;

use std::hint::black_box;
use std::time::Duration;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clearance::clock::{Clock, SystemClock};
use clearance::jwk::Algorithm;
use clearance::limit::Quota;
use clearance::mcp::{McpScopes, ToolsRead};
use clearance::testing::Issuer;
use clearance::{Authorized, GuardBuilder, Ready};
use common::{BATCH, Turn, batch_size, each, guard, issuer, median, mint, quiet, runtime};
use criterion::{BatchSize, BenchmarkId, Criterion};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// How many tokens of each algorithm there are. They are used in turn, so that nothing which
/// remembers the last ones would help.
const TOKENS: usize = 4_096;

/// The algorithms, each with the bar for what the guard may cost: times the bare signature check.
const ALGORITHMS: [(Algorithm, f64); 3] = [
    (Algorithm::RS256, 1.18),
    (Algorithm::ES256, 1.05),
    (Algorithm::EdDSA, 1.07),
];

/// The same for the refusal of a bad signature.
const REFUSAL_BAR: f64 = 1.06;

/// How many heap allocations the guard may add.
const ALLOCATIONS_BAR: f64 = 10.0;

/// How often each batch is timed.
const ROUNDS: usize = 1_000;

async fn guarded(_: Authorized<ToolsRead>) -> &'static str {
    "tools"
}

async fn unguarded() -> &'static str {
    "tools"
}

/// What all measurements share.
struct Bench {
    runtime: Runtime,
    unguarded: Router,
    guarded: Router,
    unlimited: Router,
    samples: Vec<Sample>,
    /// Keeps the keys served.
    _issuer: Issuer,
}

/// Tokens of one algorithm.
struct Sample {
    algorithm: Algorithm,
    bar: f64,
    key: ParsedPublicKey,
    good: Turn<String>,
    /// The same with one bit of the signature changed.
    bad: Turn<String>,
    /// What was signed, and the signature.
    signed: Turn<(String, Vec<u8>)>,
}

impl Bench {
    fn new() -> Self {
        let runtime = runtime();
        let (issuer, limited, unlimited) = runtime.block_on(async {
            let issuer = issuer(ALGORITHMS.map(|(algorithm, _)| algorithm)).await;
            // The same work as with any other quota, and nobody is refused.
            let quota = Quota::per_second(1_000_000);
            // Far fewer than there are, so that each token comes as if for the first time.
            let cold = |builder: GuardBuilder<McpScopes, Ready>| builder.max_cached_tokens(64);
            let limited = guard(&issuer, |builder| cold(builder).limit(quota)).await;
            let unlimited = guard(&issuer, |builder| cold(builder).unlimited()).await;
            (issuer, limited, unlimited)
        });
        let samples = ALGORITHMS
            .map(|(algorithm, bar)| Sample::new(&issuer, algorithm, bar))
            .into();
        let routes = || Router::new().route("/mcp", post(guarded));
        Self {
            runtime,
            unguarded: Router::new()
                .route("/mcp", post(unguarded))
                .with_state(limited.clone()),
            guarded: routes().with_state(limited),
            unlimited: routes().with_state(unlimited),
            samples,
            _issuer: issuer,
        }
    }

    fn answer(&self, route: &Router, token: &str) -> Response {
        let call = route.clone().oneshot(request(token));
        self.runtime.block_on(call).expect("an answer")
    }

    /// All routes say what is expected of them.
    fn check(&self) {
        for sample in &self.samples {
            for _ in 0..TOKENS {
                let (good, bad) = (sample.good.next(), sample.bad.next());
                for (route, token, status) in [
                    (&self.unguarded, good, StatusCode::OK),
                    (&self.guarded, good, StatusCode::OK),
                    (&self.unlimited, good, StatusCode::OK),
                    (&self.guarded, bad, StatusCode::UNAUTHORIZED),
                ] {
                    assert_eq!(self.answer(route, token).status(), status);
                }
                let (message, signature) = sample.signed.next();
                let verdict = sample.key.verify_sig(message.as_bytes(), signature);
                verdict.expect("a good signature");
            }
        }
    }

    /// The time of one request, from a batch that was made before.
    fn time_route(&self, route: &Router, tokens: &Turn<String>) -> f64 {
        let requests = tokens.batch(|token| request(token));
        self.runtime.block_on(async {
            let start = SystemClock.monotonic();
            for request in requests {
                let answer = route.clone().oneshot(request).await;
                black_box(answer.expect("an answer"));
            }
            each(start)
        })
    }

    /// How many allocations one request makes, on average.
    fn allocations(&self, route: &Router, tokens: &Turn<String>) -> f64 {
        let requests = tokens.batch(|token| request(token));
        let counted = allocation_counter::measure(|| {
            self.runtime.block_on(async {
                for request in requests {
                    let answer = route.clone().oneshot(request).await;
                    black_box(answer.expect("an answer"));
                }
            });
        });
        let total = u32::try_from(counted.count_total).expect("a small number");
        f64::from(total) / batch_size()
    }
}

impl Sample {
    fn new(issuer: &Issuer, algorithm: Algorithm, bar: f64) -> Self {
        let kid = issuer.kid(algorithm).expect("a key");
        let raw = issuer.public_raw(&kid).expect("a public key");
        let key = if algorithm == Algorithm::RS256 {
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &raw)
        } else if algorithm == Algorithm::ES256 {
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &raw)
        } else {
            ParsedPublicKey::new(&ED25519, &raw)
        };
        let good: Vec<String> = (0..TOKENS)
            .map(|number| mint(issuer, algorithm, number))
            .collect();
        let signed: Vec<(String, Vec<u8>)> = good.iter().map(|token| split(token)).collect();
        Self {
            algorithm,
            bar,
            key: key.expect("a key that parses"),
            bad: Turn::new(signed.iter().map(damaged).collect()),
            signed: Turn::new(signed),
            good: Turn::new(good),
        }
    }

    fn time_bare(&self) -> f64 {
        let signed = self.signed.batch(Clone::clone);
        let start = SystemClock.monotonic();
        for (message, signature) in &signed {
            let verdict = self.key.verify_sig(message.as_bytes(), signature);
            verdict.expect("a good signature");
        }
        each(start)
    }
}

fn split(token: &str) -> (String, Vec<u8>) {
    let (message, signature) = token.rsplit_once('.').expect("a signature");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    (message.to_owned(), signature)
}

fn damaged((message, signature): &(String, Vec<u8>)) -> String {
    let mut signature = signature.clone();
    // Far from the front, so that the number stays below the modulus and all the work is done.
    *signature.get_mut(40).expect("a long signature") ^= 1;
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn request(token: &str) -> Request<Body> {
    Request::post("/mcp")
        .header(header::HOST, "files.example.com")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::empty())
        .expect("a request")
}

fn groups(bench: &Bench, criterion: &mut Criterion) {
    for sample in &bench.samples {
        let bytes = sample.good.next().len();
        let name = format!("{}/{bytes}B", sample.algorithm);
        let mut group = criterion.benchmark_group("verify");
        let mut routes = vec![
            ("unguarded", &bench.unguarded, &sample.good),
            ("guarded", &bench.guarded, &sample.good),
            ("guarded_unlimited", &bench.unlimited, &sample.good),
        ];
        if sample.algorithm == Algorithm::RS256 {
            routes.push(("refused", &bench.guarded, &sample.bad));
        }
        for (what, route, tokens) in routes {
            group.bench_function(BenchmarkId::new(what, &name), |bencher| {
                bencher.to_async(&bench.runtime).iter_batched(
                    || request(tokens.next()),
                    |request| route.clone().oneshot(request),
                    BatchSize::SmallInput,
                );
            });
        }
        group.bench_function(BenchmarkId::new("bare", &name), |bencher| {
            bencher.iter_batched(
                || sample.signed.next(),
                |(message, signature)| sample.key.verify_sig(message.as_bytes(), signature),
                BatchSize::SmallInput,
            );
        });
        group.finish();
    }
}

/// All sides of one algorithm's ratios, taken in turn.
#[derive(Default)]
struct Rounds {
    bare: Vec<f64>,
    unguarded: Vec<f64>,
    guarded: Vec<f64>,
    unlimited: Vec<f64>,
    refused: Vec<f64>,
}

impl Rounds {
    fn take(bench: &Bench, sample: &Sample) -> Self {
        let mut rounds = Self::default();
        for _ in 0..ROUNDS {
            rounds.bare.push(sample.time_bare());
            for (into, route, tokens) in [
                (&mut rounds.unguarded, &bench.unguarded, &sample.good),
                (&mut rounds.guarded, &bench.guarded, &sample.good),
                (&mut rounds.unlimited, &bench.unlimited, &sample.good),
                (&mut rounds.refused, &bench.guarded, &sample.bad),
            ] {
                into.push(bench.time_route(route, tokens));
            }
        }
        rounds
    }

    fn print(&self, name: Algorithm) {
        println!(
            "\n{:<44} {:>9} {:>9}",
            format!("time, ns, {name}"),
            "median",
            "quiet"
        );
        for (what, values) in [
            ("bare", &self.bare),
            ("unguarded", &self.unguarded),
            ("guarded", &self.guarded),
            ("guarded, unlimited", &self.unlimited),
            ("refused", &self.refused),
        ] {
            println!("{what:<44} {:>9.0} {:>9.0}", median(values), quiet(values));
        }
    }

    /// What `with` adds to the unguarded route, divided by the bare check, as `typical` sums up
    /// each side.
    fn ratio(&self, with: &[f64], typical: fn(&[f64]) -> f64) -> f64 {
        (typical(with) - typical(&self.unguarded)) / typical(&self.bare)
    }
}

fn table(bench: &Bench) {
    println!("\n{ROUNDS} rounds of {BATCH} requests, {TOKENS} tokens in turn");
    println!(
        "{:<44} {:>9} {:>9} {:>6}",
        "ratio", "median", "quiet", "bar"
    );
    let line = |what: &str, all: f64, quiet: f64, bar: f64| {
        let verdict = if quiet <= bar { "holds" } else { "MISSED" };
        println!("{what:<44} {all:>9.3} {quiet:>9.3} {bar:>6.2}  {verdict}");
    };
    let mut times = Vec::new();
    for sample in &bench.samples {
        let rounds = Rounds::take(bench, sample);
        let (name, bar) = (sample.algorithm, sample.bar);
        let ratio = |what: &str, with: &[f64], bar| {
            line(
                what,
                rounds.ratio(with, median),
                rounds.ratio(with, quiet),
                bar,
            );
        };
        ratio(
            &format!("(guarded - unguarded) / bare, {name}"),
            &rounds.guarded,
            bar,
        );
        ratio(
            &format!("the same with .unlimited(), {name}"),
            &rounds.unlimited,
            bar,
        );
        if name == Algorithm::RS256 {
            ratio(
                "(refused - unguarded) / bare, RS256",
                &rounds.refused,
                REFUSAL_BAR,
            );
        }
        times.push((name, rounds));
    }
    for sample in &bench.samples {
        let added = bench.allocations(&bench.guarded, &sample.good)
            - bench.allocations(&bench.unguarded, &sample.good);
        let what = format!("heap allocations added, {}", sample.algorithm);
        line(&what, added, added, ALLOCATIONS_BAR);
    }
    for (name, rounds) in times {
        rounds.print(name);
    }
}

fn main() {
    let bench = Bench::new();
    bench.check();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    groups(&bench, &mut criterion);
    criterion.final_summary();
    // Without it this is a test run, where times mean nothing.
    if std::env::args().any(|argument| argument == "--bench") {
        table(&bench);
    }
}
