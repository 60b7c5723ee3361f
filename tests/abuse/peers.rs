//! Peers: addresses that bring what is none.

use std::time::Duration;

use chrono::TimeDelta;
use clearance::ForwardedBy;
use clearance::id::TokenId;
use clearance::limit::{Offence, Peers, Quota};
use clearance::testing::TokenBuilder;
use http::header::AUTHORIZATION;

use super::support::http::parts;
use super::{ATTACKER, HOME, Stage, stage, stage_with, verdict};

/// A guard at which a token waits for as long as a penalty lasts.
async fn patient() -> Stage {
    let peers = Peers::of_connections().longest_wait(Duration::from_mins(1));
    stage_with(peers, |builder| builder).await
}

/// RS-127: ten thousand bad tokens that name somebody cost whoever brings them, and nobody else.
#[tokio::test]
async fn an_attacker_cannot_use_up_what_a_user_has() {
    let stage = stage().await;
    let known = stage.token("u1").mint();
    assert_eq!(stage.verdict(ATTACKER, &known).await, "ok");
    let (mut checked, mut waited) = (0, 0);
    for number in 0..10_000_u64 {
        // One after the other, in a hundred seconds; each second one is shown again and again.
        let number = if number % 2 == 0 { number } else { 1 };
        let bad = stage.made_up("u1", number);
        match stage.verdict(ATTACKER, &bad).await.as_str() {
            "bad_signature" => checked += 1,
            wait if wait.starts_with("wait ") => waited += 1,
            other => panic!("{other}"),
        }
        stage.clock.advance(TimeDelta::milliseconds(10));
    }
    assert_eq!(checked + waited, 10_000);
    assert!((21..=60).contains(&checked), "{checked} signatures checked");
    // Elsewhere a new token of that user is good at once, for all that its quota allows.
    let fresh = stage.token("u1").mint();
    for _ in 0..200 {
        assert_eq!(stage.verdict(HOME, &fresh).await, "ok");
    }
    // A token that was verified is good from the attacker's address as well.
    assert_eq!(stage.verdict(ATTACKER, &known).await, "limit_exceeded");
    stage.pass(60);
    assert_eq!(stage.verdict(ATTACKER, &known).await, "ok");
}

/// What is wrong with a token.
type Wrong = for<'a> fn(TokenBuilder<'a>) -> TokenBuilder<'a>;

/// What counts, by the code of the penalty: twenty failures are tolerated at once.
#[tokio::test]
async fn failures_have_their_reasons() {
    let stage = stage().await;
    let kinds: [(&str, Wrong, &str, Offence); 6] = [
        (
            "signature",
            |t| t.wrong_signature(),
            "bad_signature",
            Offence::BadSignature,
        ),
        (
            "key",
            |t| t.unknown_key(),
            "unknown_key",
            Offence::UnknownKey,
        ),
        (
            "audience",
            |t| t.wrong_audience(),
            "other_resource",
            Offence::ForeignAudience,
        ),
        (
            "type",
            |t| t.wrong_type(),
            "foreign_type",
            Offence::ForeignAudience,
        ),
        (
            "issuer",
            |t| t.wrong_issuer(),
            "unknown_issuer",
            Offence::UnknownIssuer,
        ),
        (
            "alg",
            |t| t.alg_none(),
            "algorithm_not_allowed",
            Offence::MalformedToken,
        ),
    ];
    let mut total = 0;
    for (place, (kind, wrong, code, offence)) in (1..).zip(kinds) {
        let address = format!("203.0.113.{place}");
        for failure in 1..=21 {
            assert_eq!(
                stage.guard.health().penalties.total,
                total,
                "{kind} {failure}"
            );
            let token = wrong(stage.token("u1")).mint();
            assert_eq!(
                stage.verdict(&address, &token).await,
                code,
                "{kind} {failure}"
            );
        }
        total += 1;
        let penalties = stage.guard.health().penalties;
        let last = penalties.latest.last().expect("a penalty");
        assert_eq!(
            (penalties.total, last.reason, last.level),
            (total, offence, 0),
            "{kind}"
        );
        assert_eq!(last.offender.to_string(), address);
    }
}

/// Credentials that are no token count too; no credential, and those of another scheme, do not.
#[tokio::test]
async fn what_stands_in_place_of_a_token_counts() {
    let stage = stage().await;
    for (value, counts) in [
        (Some("Bearer "), true),
        (Some("Bearer a b"), true),
        (Some("Bearer \u{e4}"), true),
        (Some("Bearer one"), true),
        (Some("Basic YTpi"), false),
        (None, false),
    ] {
        let before = stage.guard.health().penalties.failures;
        let mut head = parts("/mcp", value.map(str::as_bytes));
        let refused = stage.guard.authorize::<()>(&mut head).await;
        assert!(
            refused.is_err() && !head.headers.contains_key(AUTHORIZATION),
            "{value:?}"
        );
        let failures = stage.guard.health().penalties.failures - before;
        assert_eq!(failures, u64::from(counts), "{value:?}");
    }
}

/// No token, and genuine ones that are not for now, are everyday life, however many come.
#[tokio::test]
async fn everyday_life_does_not_count() {
    let stage = stage().await;
    let revoked = stage.token("u1").token_id("gone").mint();
    let revocations = stage.guard.revocations();
    let gone = revocations.revoke_token(stage.issuer.id(), &TokenId::new("gone"));
    gone.expect("room");
    for _ in 0..300 {
        for (token, code) in [
            (stage.issuer.token().expired().mint(), "expired"),
            (stage.issuer.token().not_yet_valid().mint(), "not_yet_valid"),
            (revoked.clone(), "revoked"),
            (
                stage.token("u1").lifetime(TimeDelta::days(3)).mint(),
                "lives_too_long",
            ),
            (
                stage.token("u1").without("client_id").mint(),
                "missing_claim",
            ),
        ] {
            assert_eq!(stage.verdict(HOME, &token).await, code);
        }
    }
    let mut bare = parts("/mcp", None);
    for _ in 0..1_000 {
        assert_eq!(
            verdict(stage.guard.authorize::<()>(&mut bare).await),
            "no_credential"
        );
    }
    let penalties = stage.guard.health().penalties;
    assert_eq!((penalties.failures, penalties.total), (0, 0));
}

/// Whoever is new, behind the address of an offender, waits once and is served then.
#[tokio::test]
async fn a_new_token_waits_once() {
    let stage = stage().await;
    assert_eq!(stage.penalise(ATTACKER).await, 21);
    let fresh = stage.token("u2").mint();
    let refusal = stage.ask::<()>(ATTACKER, &fresh).await.expect_err("a wait");
    assert_eq!(refusal.status(), 429);
    assert_eq!(refusal.retry_after(), Some(1));
    let text = |value: Option<http::HeaderValue>| {
        value.expect("a value").to_str().expect("text").to_owned()
    };
    assert_eq!(text(refusal.rate_limit()), r#""penalty";r=0;t=1"#);
    assert_eq!(text(refusal.rate_limit_policy()), r#""penalty";q=12;w=60"#);
    assert!(
        refusal.body().contains(r#""policy":"penalty""#),
        "{}",
        refusal.body()
    );
    assert!(refusal.challenge().is_none());
    // Too early: told what is left of it, and it is no longer than that.
    stage.clock.advance(TimeDelta::milliseconds(400));
    assert_eq!(stage.verdict(ATTACKER, &fresh).await, "wait 0.6");
    // The attacker goes on, and has its next penalty by then.
    stage.clock.advance(TimeDelta::milliseconds(600));
    stage.penalise(ATTACKER).await;
    assert_eq!(stage.verdict(ATTACKER, &fresh).await, "ok");
    assert_eq!(
        stage.verdict(ATTACKER, &stage.token("u3").mint()).await,
        "wait 2"
    );
    // Elsewhere nobody waits.
    assert_eq!(stage.verdict(HOME, &stage.token("u3").mint()).await, "ok");
}

/// A hosted client calls from many addresses: who has waited at one of them does not wait at another.
#[tokio::test]
async fn a_wait_counts_at_every_address() {
    let stage = stage().await;
    let other = "203.0.113.9";
    stage.penalise(ATTACKER).await;
    stage.penalise(other).await;
    let fresh = stage.token("u2").mint();
    assert_eq!(stage.verdict(ATTACKER, &fresh).await, "wait 1");
    stage.pass(1);
    stage.penalise(ATTACKER).await;
    stage.penalise(other).await;
    assert_eq!(stage.verdict(other, &fresh).await, "ok");
}

/// Penalties double up to a minute while failures go on, and go down in quiet minutes.
#[tokio::test]
async fn penalties_grow_and_fade() {
    let stage = patient().await;
    let next = |seconds: i64| {
        let stage = &stage;
        async move {
            stage.penalise(ATTACKER).await;
            let wait = stage.verdict(ATTACKER, &stage.token("u2").mint()).await;
            stage.pass(seconds);
            wait
        }
    };
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(next(seconds).await, format!("wait {seconds}"));
    }
    stage.pass(3 * 60);
    assert_eq!(next(16).await, "wait 16");
    stage.pass(3_600);
    assert_eq!(next(1).await, "wait 1");
}

/// Unless something else is said, nobody waits longer than five seconds, however long the penalty is.
#[tokio::test]
async fn a_wait_is_short_where_a_penalty_is_long() {
    let stage = stage().await;
    let mut waits = Vec::new();
    for seconds in [1, 2, 4, 8, 16, 32] {
        stage.penalise(ATTACKER).await;
        waits.push(stage.verdict(ATTACKER, &stage.token("u2").mint()).await);
        let latest = stage.guard.health().penalties.latest;
        assert_eq!(latest[0].left, Duration::from_secs(seconds));
        stage.pass(latest[0].left.as_secs().cast_signed());
    }
    assert_eq!(waits[..3], ["wait 1", "wait 2", "wait 4"]);
    assert_eq!(waits[3..], ["wait 5", "wait 5", "wait 5"]);
}

/// A token that has waited and failed waits again, for longer.
#[tokio::test]
async fn a_bad_token_waits_each_time() {
    let stage = patient().await;
    stage.penalise(ATTACKER).await;
    let bad = stage.made_up("u1", 7);
    for seconds in [1, 2, 4, 8] {
        assert_eq!(
            stage.verdict(ATTACKER, &bad).await,
            format!("wait {seconds}")
        );
        stage.pass(seconds);
        // What came back in the meantime.
        stage.penalise(ATTACKER).await;
        assert_eq!(stage.verdict(ATTACKER, &bad).await, "bad_signature");
    }
}

/// A token that was verified once is exempt until it expires, though nobody remembers what is in it, and so
/// is one whose first request came from elsewhere.
#[tokio::test]
async fn a_token_that_was_verified_is_exempt_until_it_expires() {
    let stage = stage_with(Peers::of_connections(), |builder| {
        builder.max_cached_tokens(0)
    })
    .await;
    let known = stage.issuer.token().lifetime(TimeDelta::minutes(30)).mint();
    assert_eq!(stage.verdict(HOME, &known).await, "ok");
    for _ in 0..29 {
        stage.penalise(ATTACKER).await;
        assert_eq!(stage.verdict(ATTACKER, &known).await, "ok");
        stage.pass(60);
    }
    // Ten seconds of its life were over when it was made, and a minute is forgiven.
    stage.pass(109);
    assert_eq!(stage.verdict(ATTACKER, &known).await, "ok");
    stage.pass(1);
    stage.penalise(ATTACKER).await;
    let wait = stage.verdict(ATTACKER, &known).await;
    assert!(wait.starts_with("wait "), "{wait}");
    stage.pass(60);
    assert_eq!(stage.verdict(ATTACKER, &known).await, "expired");
}

/// Users whose key was withdrawn are no attackers: what was verified here once is no failure.
#[tokio::test]
async fn a_withdrawn_key_makes_no_offenders() {
    let clock = super::clock();
    let issuer = super::support::issuer(&clock).await;
    let guard = super::support::strict(&issuer, &clock);
    let guard = guard
        .peers(Peers::of_connections())
        .build()
        .expect("a guard");
    guard.ready().await.expect("keys");
    let stage = Stage {
        issuer,
        clock,
        guard,
    };
    let mut tokens = Vec::new();
    for user in 0..100 {
        let token = stage.token(&user.to_string()).mint();
        assert_eq!(stage.verdict(HOME, &token).await, "ok");
        tokens.push(token);
    }
    stage.issuer.rotate(clearance::jwk::Algorithm::ES256);
    stage.pass(3_600 * 2);
    stage.guard.ready().await.expect("keys");
    for token in &tokens {
        assert_eq!(stage.verdict(HOME, token).await, "unknown_key");
    }
    let penalties = stage.guard.health().penalties;
    assert_eq!((penalties.failures, penalties.total), (0, 0));
}

/// A network of 64 bits is one peer of IPv6, and so are all of whom nobody knows the address.
#[tokio::test]
async fn peers_are_networks() {
    let stage = stage().await;
    for host in 1..=21 {
        let address = format!("2001:db8:1:2::{host}");
        assert_eq!(stage.verdict(&address, "a.b.c").await, "malformed_base64");
    }
    let wait = stage
        .verdict("2001:db8:1:2:ffff::", &stage.token("u1").mint())
        .await;
    assert_eq!(wait, "wait 1");
    assert_eq!(
        stage
            .verdict("2001:db8:1:3::1", &stage.token("u1").mint())
            .await,
        "ok"
    );
    let nobody = |token: String| {
        let guard = &stage.guard;
        async move {
            let mut head = super::parts_with(&token);
            verdict(guard.authorize::<()>(&mut head).await)
        }
    };
    for _ in 0..21 {
        assert_eq!(nobody("a.b.c".to_owned()).await, "malformed_base64");
    }
    assert_eq!(nobody(stage.token("u4").mint()).await, "wait 1");
    let latest = stage.guard.health().penalties.latest;
    let offenders = latest.iter().map(|penalty| penalty.offender.to_string());
    assert_eq!(
        offenders.collect::<Vec<_>>(),
        ["2001:db8:1:2::/64", "0.0.0.0"]
    );
}

/// Behind a proxy, the failures are those of whom it names.
#[tokio::test]
async fn failures_behind_a_proxy_are_those_of_whom_it_names() {
    let proxies = vec![HOME.parse().expect("a network")];
    let peers = Peers::behind(proxies, ForwardedBy::XForwardedFor);
    let stage = stage_with(peers.failure_budget(Quota::per_minute(1)), |builder| {
        builder
    })
    .await;
    let ask = |named: &'static str, token: String| {
        let stage = &stage;
        async move {
            let mut head = super::parts_with(&token);
            let field = http::HeaderValue::from_static(named);
            head.headers.insert("x-forwarded-for", field);
            let home = std::net::SocketAddr::new(HOME.parse().expect("an address"), 1);
            head.extensions.insert(clearance::PeerInfo::tls(home));
            verdict(stage.guard.authorize::<()>(&mut head).await)
        }
    };
    for _ in 0..2 {
        assert_eq!(ask(ATTACKER, "a.b.c".to_owned()).await, "malformed_base64");
    }
    assert_eq!(ask(ATTACKER, stage.token("u1").mint()).await, "wait 1");
    assert_eq!(ask("203.0.113.9", stage.token("u1").mint()).await, "ok");
}

/// A guard that knows no peers has none who fail.
#[tokio::test]
async fn without_peers_nobody_waits() {
    let clock = super::clock();
    let issuer = super::support::issuer(&clock).await;
    let guard = super::support::strict(&issuer, &clock)
        .build()
        .expect("a guard");
    guard.ready().await.expect("keys");
    let stage = Stage {
        issuer,
        clock,
        guard,
    };
    for _ in 0..200 {
        assert_eq!(stage.verdict(ATTACKER, "a.b.c").await, "malformed_base64");
    }
    assert_eq!(
        stage.verdict(ATTACKER, &stage.token("u1").mint()).await,
        "ok"
    );
    assert_eq!(
        stage.guard.health().penalties,
        clearance::limit::PenaltyStats::default()
    );
}

/// However many addresses fail, what is remembered of them has an end.
#[test]
fn memory_is_bounded() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let stage = runtime.block_on(stage());
    let mut next = 0_u32;
    let mut fail = |count: u32| {
        let measured = allocation_counter::measure(|| {
            for _ in 0..count {
                next += 1;
                let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + next);
                let address = address.to_string();
                let asked = stage.verdict(&address, "a.b.c");
                assert_eq!(runtime.block_on(asked), "malformed_base64");
            }
        });
        measured.bytes_current
    };
    let first = fail(100_000);
    assert!((1 << 20..4 << 20).contains(&first), "{first} bytes");
    let more = fail(50_000);
    assert!(more < 1 << 16, "{more} bytes more");
}
