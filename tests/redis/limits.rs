//! Quotas that machines share.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use clearance::clock::SystemClock;
use clearance::jwk::Algorithm;
use clearance::limit::{Quota, per_client};
use clearance::redis::RedisLimits;
use clearance::testing::Issuer;
use clearance::{Guard, GuardBuilder, Ready, TrustedIssuer};
use libtest_mimic::Trial;

use super::program::Program;
use super::trial::trial;
use super::world::{eventually, options};
use crate::support::http::ask;
use crate::support::{Fixture, resource};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("limits_a_quota_is_for_all_machines", sums),
        trial("limits_no_window_has_too_many_on_all_machines", windows),
        trial(
            "limits_a_clients_quota_is_for_all_whom_it_speaks_for",
            clients,
        ),
        trial("limits_a_request_is_one_round_trip", round_trips),
        trial("limits_redis_holds_no_subject_of_a_quota", unreadable),
        trial("limits_a_quota_that_is_whole_again_leaves", expiry),
        trial("limits_guards_with_two_ids_count_apart", ids),
        trial("limits_a_server_that_is_gone_costs_one_wait", outage),
        trial("limits_a_server_that_hangs_costs_one_wait", hanging),
        trial("limits_or_everybody_is_refused", refusing),
        trial("limits_what_strangers_write_begins_anew", damage),
        trial("limits_a_server_that_starts_empty_begins_anew", emptied),
    ]
}

type Change = fn(GuardBuilder<Fixture, Ready>) -> GuardBuilder<Fixture, Ready>;

/// Machines that count together, by their own clocks.
struct Fleet {
    issuer: Issuer,
    guards: Vec<Guard<Fixture>>,
}

impl Fleet {
    async fn of(machines: usize, server: &Program, change: Change) -> Self {
        Self::with(machines, server, change, true).await
    }

    async fn with(machines: usize, server: &Program, change: Change, goes_on: bool) -> Self {
        let issuer = Issuer::builder(resource()).algorithms([Algorithm::EdDSA]);
        let issuer = issuer.start().await.expect("an issuer");
        Self::under(issuer, machines, server, change, goes_on).await
    }

    /// One more machine, in place of these.
    async fn joined(self, server: &Program, change: Change) -> Self {
        Self::under(self.issuer, 1, server, change, true).await
    }

    async fn under(
        issuer: Issuer,
        machines: usize,
        server: &Program,
        change: Change,
        goes_on: bool,
    ) -> Self {
        let mut guards = Vec::new();
        for _ in 0..machines {
            let limits = RedisLimits::new(&options(&server.url())).expect("limits");
            let builder = Guard::<Fixture>::builder(resource())
                .clock(std::sync::Arc::new(SystemClock))
                .trusted_issuer(TrustedIssuer::new(issuer.id().clone()));
            let builder = if goes_on {
                change(builder).share_limits(limits)
            } else {
                change(builder).share_limits_or_refuse(limits)
            };
            let guard = builder.build().expect("a guard");
            guard.ready().await.expect("keys");
            guards.push(guard);
        }
        Self { issuer, guards }
    }

    fn token(&self, subject: &str) -> String {
        self.issuer.token().subject(subject).client("cli").mint()
    }

    /// The status on this machine.
    async fn asks(&self, machine: usize, token: &str) -> u16 {
        match ask::<()>(&self.guards[machine % self.guards.len()], token).await {
            Ok(_) => 200,
            Err(refusal) => refusal.status().as_u16(),
        }
    }

    /// How many of so many requests pass, from machine to machine.
    async fn passed(&self, token: &str, times: usize) -> usize {
        let mut passed = 0;
        for number in 0..times {
            match self.asks(number, token).await {
                200 => passed += 1,
                429 => {}
                other => panic!("{other}"),
            }
        }
        passed
    }
}

/// What one principal asks on three machines is counted together, and nobody else is.
async fn sums() {
    let server = Program::start().await;
    let fleet = Fleet::of(3, &server, |guard| guard.limit(Quota::per_hour(10))).await;
    let (alice, bob) = (fleet.token("alice"), fleet.token("bob"));
    assert_eq!(fleet.passed(&alice, 30).await, 10);
    assert_eq!(fleet.passed(&bob, 6).await, 6);
    // Another token is the same principal.
    assert_eq!(fleet.passed(&fleet.token("alice"), 3).await, 0);
    assert_eq!(fleet.passed(&bob, 6).await, 4);
}

/// In no window do more than burst plus rate times its length pass on three machines together.
///
/// The tolerance is what cannot be seen from here: a request is counted between the moment when it was sent
/// and that at which it was answered.
async fn windows() {
    const RATE: f64 = 40.0;
    const BURST: f64 = 8.0;
    let server = Program::start().await;
    let fleet = Fleet::of(3, &server, |guard| {
        guard.limit(Quota::per_second(40).burst(8))
    })
    .await;
    let token = fleet.token("alice");
    let start = Instant::now();
    let mut passed: Vec<(f64, f64)> = Vec::new();
    let mut number = 0;
    while start.elapsed() < Duration::from_secs(3) {
        number += 1;
        // Three machines at once, with pauses that let the quota come back in part.
        let ask = async |machine| {
            let sent = start.elapsed().as_secs_f64();
            let status = fleet.asks(machine, &token).await;
            (status == 200).then(|| (sent, start.elapsed().as_secs_f64()))
        };
        let (one, two, three) = tokio::join!(ask(0), ask(1), ask(2));
        passed.extend([one, two, three].into_iter().flatten());
        if number % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(70)).await;
        }
    }
    for (first, (sent, _)) in passed.iter().enumerate() {
        for (more, (_, answered)) in passed.iter().enumerate().skip(first) {
            let count = f64::from(u32::try_from(more - first + 1).expect("few"));
            let window = answered - sent;
            assert!(
                count <= BURST + RATE * window + 1.0,
                "{count} requests in {window} s"
            );
        }
    }
    let least = 0.7 * RATE * 3.0;
    let all = f64::from(u32::try_from(passed.len()).expect("few"));
    assert!(all >= least, "only {all} passed, of {least} at least");
}

async fn clients() {
    let server = Program::start().await;
    let fleet = Fleet::of(2, &server, |guard| {
        guard
            .limit(Quota::per_hour(4))
            .limit(per_client(Quota::per_hour(7)))
    })
    .await;
    let mut passed = 0;
    for subject in ["alice", "bob", "carol"] {
        passed += fleet.passed(&fleet.token(subject), 4).await;
    }
    assert_eq!(passed, 7);
    let other = fleet.issuer.token().subject("dave").client("web").mint();
    assert_eq!(fleet.passed(&other, 3).await, 3);
}

/// How often a script was run.
async fn scripts(server: &Program) -> u64 {
    let stats: String = server.ask(&["INFO", "commandstats"]).await;
    let line = stats
        .lines()
        .find(|line| line.starts_with("cmdstat_evalsha:"));
    let calls = line.and_then(|line| line.split("calls=").nth(1)?.split(',').next());
    calls.map_or(0, |calls| calls.parse().expect("a number"))
}

async fn round_trips() {
    let server = Program::start().await;
    let fleet = Fleet::of(1, &server, |guard| {
        guard
            .limit(Quota::per_hour(50))
            .limit(per_client(Quota::per_hour(50)))
    })
    .await;
    let token = fleet.token("alice");
    // The script is made known first.
    assert_eq!(fleet.passed(&token, 1).await, 1);
    let before = scripts(&server).await;
    assert_eq!(fleet.passed(&token, 10).await, 10);
    assert_eq!(scripts(&server).await - before, 10);
}

async fn unreadable() {
    let server = Program::start().await;
    let fleet = Fleet::of(1, &server, |guard| guard.limit(Quota::per_hour(50))).await;
    let token = fleet.issuer.token().subject("alice-in-wonderland");
    let token = token.client("cli-of-alice").mint();
    assert_eq!(fleet.passed(&token, 3).await, 3);
    let keys: Vec<String> = server.ask(&["KEYS", "*"]).await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    let mut seen = keys.join(" ");
    for key in &keys {
        assert!(key.starts_with("clearance:{files}:limit:"), "{key}");
        let value: String = server.ask(&["GET", key]).await;
        seen.push_str(&value);
    }
    for secret in [
        "alice",
        "cli-of",
        "wonderland",
        fleet.issuer.id().as_str(),
        "127.0.0.1",
    ] {
        assert!(!seen.contains(secret), "{secret} in {seen}");
    }
}

async fn expiry() {
    let server = Program::start().await;
    let fleet = Fleet::of(1, &server, |guard| {
        guard.limit(Quota::per_second(10).burst(5))
    })
    .await;
    let tokens: BTreeSet<String> = (0..20).map(|n| fleet.token(&format!("u{n}"))).collect();
    for token in &tokens {
        assert_eq!(fleet.passed(token, 2).await, 2);
    }
    eventually("nothing is left", async || {
        server.ask::<usize>(&["DBSIZE"]).await == 0
    })
    .await;
    assert_eq!(fleet.passed(tokens.first().expect("one"), 5).await, 5);
}

async fn ids() {
    let server = Program::start().await;
    let one = Fleet::of(1, &server, |guard| guard.limit(Quota::per_hour(3))).await;
    let mail = clearance::redis::RedisOptions::new(
        server.url().parse().expect("an address"),
        "mail",
        super::world::key(),
    );
    let builder = Guard::<Fixture>::builder(resource())
        .trusted_issuer(TrustedIssuer::new(one.issuer.id().clone()))
        .limit(Quota::per_hour(3))
        .share_limits(RedisLimits::new(&mail).expect("limits"));
    let guard = builder.build().expect("a guard");
    let token = one.token("alice");
    assert_eq!(one.passed(&token, 5).await, 3);
    for _ in 0..3 {
        assert!(ask::<()>(&guard, &token).await.is_ok());
    }
    assert!(ask::<()>(&guard, &token).await.is_err());
}

/// Machines count for themselves while it is gone, each request costs nothing after the first, and they
/// count together again when it is back.
async fn outage() {
    let mut server = Program::start_with(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let fleet = Fleet::of(2, &server, |guard| guard.limit(Quota::per_hour(10))).await;
    let token = fleet.token("alice");
    assert_eq!(fleet.passed(&token, 4).await, 4);
    server.kill();
    // Each has let two pass, and has eight of its own.
    let start = Instant::now();
    assert_eq!(fleet.passed(&token, 30).await, 16);
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    assert!(!fleet.guards[0].health().limits.is_current);
    server.run().await;
    let mut number = 0;
    eventually("they count together", async || {
        // Somebody new each time: who has used up what there is here is not asked about.
        number += 1;
        fleet.asks(0, &fleet.token(&format!("u{number}"))).await;
        let keys: usize = server.ask(&["DBSIZE"]).await;
        keys >= 2
    })
    .await;
    assert!(fleet.guards[0].health().limits.is_current);
    // What was counted before is still known: four of ten, to a machine that is new.
    let third = fleet
        .joined(&server, |guard| guard.limit(Quota::per_hour(10)))
        .await;
    assert_eq!(third.passed(&token, 10).await, 6);
}

/// A server that hangs is waited for once a second, not once a request.
async fn hanging() {
    let server = Program::start().await;
    let fleet = Fleet::of(1, &server, |guard| guard.limit(Quota::per_hour(1_000))).await;
    let token = fleet.token("alice");
    assert_eq!(fleet.passed(&token, 2).await, 2);
    server.pause();
    let start = Instant::now();
    assert_eq!(fleet.passed(&token, 200).await, 200);
    let spent = start.elapsed();
    server.go_on();
    // 300 ms for the first, and for a second one if it took longer than a second.
    assert!(spent < Duration::from_secs(3), "{spent:?}");
    eventually("it is asked again", async || {
        fleet.asks(0, &token).await;
        fleet.guards[0].health().limits.is_current
    })
    .await;
}

async fn refusing() {
    let mut server = Program::start().await;
    let change: Change = |guard| guard.limit(Quota::per_hour(1_000));
    let fleet = Fleet::with(2, &server, change, false).await;
    let token = fleet.token("alice");
    assert_eq!(fleet.passed(&token, 2).await, 2);
    server.kill();
    for machine in 0..4 {
        assert_eq!(fleet.asks(machine, &token).await, 503);
    }
    server.run().await;
    for machine in 0..2 {
        eventually("it lets in again", async || {
            fleet.asks(machine, &token).await == 200
        })
        .await;
    }
}

/// Whatever stands under a key, it does no harm beyond a quota that begins anew.
async fn damage() {
    let server = Program::start().await;
    let fleet = Fleet::of(1, &server, |guard| {
        guard.limit(Quota::per_hour(100).burst(50))
    })
    .await;
    let token = fleet.token("alice");
    assert_eq!(fleet.passed(&token, 1).await, 1);
    let keys: Vec<String> = server.ask(&["KEYS", "*"]).await;
    let far = format!("{}:{}", u64::MAX, u64::MAX);
    for value in [
        "",
        "nonsense",
        "1:",
        ":1",
        "-1:-1",
        "1e300:1e300",
        &far,
        "\u{1F980}",
    ] {
        server.ask::<String>(&["SET", &keys[0], value]).await;
        let passed = fleet.asks(0, &token).await;
        // A state that is further in the future than a quota can be is a quota that is used up.
        let expected = if value == far { 429 } else { 200 };
        assert_eq!(passed, expected, "{value:?}");
        // It ends no later than a quota that is used up is whole again.
        let left: i64 = server.ask(&["PTTL", &keys[0]]).await;
        assert!((1..=1_800_001).contains(&left), "{value:?}: {left}");
    }
    server.ask::<usize>(&["DEL", &keys[0]]).await;
    server.ask::<usize>(&["LPUSH", &keys[0], "a list"]).await;
    assert_eq!(fleet.asks(0, &token).await, 200, "a list");
    assert_eq!(server.ask::<String>(&["TYPE", &keys[0]]).await, "string");
}

/// A store that lost everything forgives; it locks nobody out.
async fn emptied() {
    let server = Program::start().await;
    let fleet = Fleet::of(3, &server, |guard| guard.limit(Quota::per_hour(6))).await;
    let token = fleet.token("alice");
    assert_eq!(fleet.passed(&token, 9).await, 6);
    server.ask::<String>(&["FLUSHALL"]).await;
    let more = fleet.passed(&token, 30).await;
    assert!((1..=6).contains(&more), "{more}");
}
