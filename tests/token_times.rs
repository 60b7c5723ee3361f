//! When a token is in force. Time stands still unless a test moves it.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_in_result,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

mod support;

use chrono::{DateTime, TimeDelta, Utc};
use clearance::ConfigError;
use clearance::clock::Clock as _;
use clearance::secret::BearerToken;
use clearance::testing::TokenBuilder;
use clearance::token::{AudienceError, Token};
use support::Server;
use support::tokens::{Table, t0};

fn now(server: &Server) -> DateTime<Utc> {
    server.clock.now()
}

/// T0 with a claim that lies so many seconds from now.
fn at<'a>(server: &'a Server, name: &str, seconds: i64) -> TokenBuilder<'a> {
    t0(&server.issuer).claim(name, now(server).timestamp() + seconds)
}

/// RS-064
#[tokio::test]
async fn a_token_is_dead_from_exp_and_the_leeway_on() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    table
        .accepts(
            "a second left",
            &at(&server, "exp", -59)
                .claim("iat", now(&server).timestamp() - 100)
                .mint(),
        )
        .await;
    let token = t0(&server.issuer)
        .expires_at(now(&server) + TimeDelta::seconds(600))
        .mint();
    table.accepts("new", &token).await;
    server.clock.advance(TimeDelta::seconds(600));
    table.accepts("exp", &token).await;
    server.clock.advance(TimeDelta::seconds(59));
    table.accepts("exp + 59", &token).await;
    server.clock.advance(TimeDelta::milliseconds(999));
    table.accepts("exp + 59.999", &token).await;
    server.clock.advance(TimeDelta::milliseconds(1));
    table.refuses("exp + 60", &token, "expired").await;
    server.clock.advance(TimeDelta::days(400));
    table.refuses_anyhow("a year later", "abc.def.ghi").await;
    let missing = t0(&server.issuer).without("exp").mint();
    table.refuses("missing", &missing, "missing_claim").await;
    table.accepts("another", &t0(&server.issuer).mint()).await;
}

/// RS-064: the first transitions alone, as another transport would use them. The guard looks at the
/// time once more afterwards, which this one does not.
#[tokio::test]
async fn the_moment_of_death_counts_in_the_core_too() {
    let server = support::server().await;
    let (guard, text) = (&server.app.guard, t0(&server.issuer).mint());
    let deadline = now(&server) + TimeDelta::seconds(660);
    let moment = TimeDelta::milliseconds(1);
    for (at, expected) in [
        (now(&server), None),
        (deadline - moment, None),
        (deadline, Some(AudienceError::Expired)),
        (deadline + moment, Some(AudienceError::Expired)),
    ] {
        let raw = BearerToken::from_bytes(text.as_bytes()).expect("a token");
        let token = Token::parse(raw).expect("a token");
        let keys = guard.key_set(&token).await.expect("keys");
        let token = token.verify_signature(&keys).expect("a signature");
        let token = token.verify_audience(guard.acceptance(), at);
        assert_eq!(token.err(), expected, "{at}");
    }
}

/// RS-064: from none to 300 seconds.
#[tokio::test]
async fn the_leeway_is_bounded() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let with = |leeway| {
        support::strict(&issuer, &clock)
            .leeway(leeway)
            .build()
            .map(drop)
    };
    assert_eq!(with(TimeDelta::zero()), Ok(()));
    assert_eq!(with(TimeDelta::seconds(300)), Ok(()));
    for wrong in [
        TimeDelta::seconds(301),
        TimeDelta::milliseconds(300_001),
        TimeDelta::milliseconds(-1),
        TimeDelta::MAX,
        TimeDelta::MIN,
    ] {
        assert_eq!(with(wrong), Err(ConfigError::Leeway), "{wrong}");
    }
    for leeway in [0, 300] {
        let leeway = TimeDelta::seconds(leeway);
        let server = support::server_with(|r| r, |b| b.leeway(leeway)).await;
        let table = Table::of(&server).await;
        let token = t0(&server.issuer).mint();
        server
            .clock
            .advance(TimeDelta::minutes(10) + leeway - TimeDelta::milliseconds(1));
        table.accepts("just before", &token).await;
        server.clock.advance(TimeDelta::milliseconds(1));
        table.refuses("at the end", &token, "expired").await;
    }
}

/// RS-065
#[tokio::test]
async fn nbf_is_honoured() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    for seconds in [-100_000, 0, 30, 60] {
        let token = at(&server, "nbf", seconds).mint();
        table.accepts(&format!("{seconds}"), &token).await;
    }
    for seconds in [61, 120, 100_000] {
        let token = at(&server, "nbf", seconds).mint();
        table
            .refuses(&format!("{seconds}"), &token, "not_yet_valid")
            .await;
    }
    let later = at(&server, "nbf", 120).mint();
    table.refuses("not yet", &later, "not_yet_valid").await;
    server.clock.advance(TimeDelta::seconds(60));
    table.accepts("now", &later).await;
    for text in ["null", r#""0""#, "true", "-1", "1e400", "[]"] {
        let token = t0(&server.issuer).claim_text("nbf", text).mint();
        table.refuses_anyhow(text, &token).await;
    }
}

/// RS-066
#[tokio::test]
async fn iat_is_required_and_lies_before_now_and_exp() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    for seconds in [-80_000, -10, 0, 10] {
        let token = at(&server, "iat", seconds).mint();
        table.accepts(&format!("{seconds}"), &token).await;
    }
    for seconds in [11, 59, 599, 600, 601, 100_000] {
        let token = at(&server, "iat", seconds).mint();
        table
            .refuses(&format!("{seconds}"), &token, "issued_in_future")
            .await;
    }
    // With the leeway both lie in time; only their order is wrong.
    let pair = |iat: i64, exp: i64| {
        at(&server, "iat", iat)
            .claim("exp", now(&server).timestamp() + exp)
            .mint()
    };
    table.accepts("before exp", &pair(-21, -20)).await;
    table
        .refuses("exp itself", &pair(-20, -20), "issued_in_future")
        .await;
    table
        .refuses("after exp", &pair(-19, -20), "issued_in_future")
        .await;
    let missing = t0(&server.issuer).without("iat").mint();
    table.refuses("missing", &missing, "missing_claim").await;
    for text in ["null", r#""0""#, "true", "-1", "1e400", "[]"] {
        let token = t0(&server.issuer).claim_text("iat", text).mint();
        table.refuses_anyhow(text, &token).await;
    }
}

/// RS-066: the longest lifetime.
#[tokio::test]
async fn lifetime_is_bounded() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let lives = |server: &Server, seconds| {
        t0(&server.issuer)
            .issued_at(now(server))
            .lifetime(TimeDelta::seconds(seconds))
            .mint()
    };
    table.accepts("a day", &lives(&server, 86_400)).await;
    table
        .refuses("a second more", &lives(&server, 86_401), "lives_too_long")
        .await;

    let hour = TimeDelta::hours(1);
    let server = support::server_with(|r| r, |b| b.max_lifetime(hour)).await;
    let table = Table::of(&server).await;
    table.accepts("an hour", &lives(&server, 3_600)).await;
    table
        .refuses("a second more", &lives(&server, 3_601), "lives_too_long")
        .await;
    table
        .refuses("a day", &lives(&server, 86_400), "lives_too_long")
        .await;
    // However little of it is left.
    let rest = at(&server, "exp", 5)
        .claim("iat", now(&server).timestamp() - 3_600)
        .mint();
    table
        .refuses("the rest of a long life", &rest, "lives_too_long")
        .await;
}

/// RS-066: the greatest age.
#[tokio::test]
async fn age_is_bounded_on_demand() {
    let old = |server: &Server| {
        let issued = now(server) - TimeDelta::hours(2);
        t0(&server.issuer)
            .issued_at(issued)
            .lifetime(TimeDelta::hours(3))
            .mint()
    };
    let server = support::server().await;
    Table::of(&server)
        .await
        .accepts("no limit unless said", &old(&server))
        .await;

    let minutes = TimeDelta::minutes(5);
    let server = support::server_with(|r| r, |b| b.max_age(minutes)).await;
    let table = Table::of(&server).await;
    table.refuses("two hours", &old(&server), "too_old").await;
    let token = t0(&server.issuer).issued_at(now(&server)).mint();
    server.clock.advance(minutes);
    table.accepts("five minutes", &token).await;
    server.clock.advance(TimeDelta::milliseconds(1));
    table.refuses("and a moment", &token, "too_old").await;
}

/// RS-067
#[tokio::test]
async fn dates_are_plain_numbers_in_range() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let soon = now(&server).timestamp() + 600;
    for text in [
        format!("{soon}"),
        format!("{soon}.5"),
        format!("{soon}.0"),
        format!("{:.4}e9", 1.7672),
        "17672262E2".to_owned(),
    ] {
        // A date is a date in every spelling; which of them are in force is not the question.
        let exp: f64 = text.parse().expect("a number");
        let token = t0(&server.issuer).claim_text("exp", &text).mint();
        if exp > 1_767_225_600.0 {
            table.accepts(&text, &token).await;
        } else {
            table.refuses(&text, &token, "expired").await;
        }
    }
    for name in ["exp", "iat", "nbf"] {
        for text in [
            r#""1999999999""#,
            "true",
            "false",
            "null",
            "1e400",
            "-1e400",
            "-1",
            "-0.5",
            "-1e-5",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "253402300800",
            "253402300799.5",
            "1e12",
            "[]",
            "{}",
            "[1767226200]",
            "0x7fffffff",
            "NaN",
            "Infinity",
            "1767226200.",
            "+1767226200",
            "01767226200",
        ] {
            let token = t0(&server.issuer).claim_text(name, text).mint();
            let code = support::tokens::reason(&server.app.guard, &token).await;
            assert!(
                matches!(code, "malformed_member" | "malformed_json"),
                "{name} {text}: {code}"
            );
            table
                .refuses_anyhow(&format!("{name} {text}"), &token)
                .await;
        }
    }
    // The range itself, where nothing else refuses it.
    for nbf in ["0", "0.0", "-0", "1e-400"] {
        table
            .accepts(nbf, &t0(&server.issuer).claim_text("nbf", nbf).mint())
            .await;
    }
    let last = t0(&server.issuer).claim_text("nbf", "253402300799").mint();
    table
        .refuses("the last second", &last, "not_yet_valid")
        .await;
}

/// RS-067: the fraction counts.
#[tokio::test]
async fn fractions_of_a_second_count() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let exp = format!("{}.5", now(&server).timestamp() + 600);
    let token = t0(&server.issuer).claim_text("exp", &exp).mint();
    server.clock.advance(TimeDelta::milliseconds(660_499));
    table.accepts("just before", &token).await;
    server.clock.advance(TimeDelta::milliseconds(2));
    table.refuses("just after", &token, "expired").await;
}
