//! Assertions that are forged, stale, meant for others, or shown again.

use std::sync::Arc;

use chrono::TimeDelta;
use clearance::clock::Clock as _;
use clearance::jwk::Algorithm;
use clearance::testing::{AuthorizationServer, TokenBuilder};
use serde_json::json as object;
use tokio::task::JoinSet;

use super::assertions::*;
use super::user_agent::*;
use crate::support::Answer;

/// What a client is answered that nobody knows.
async fn unknown(server: &AuthorizationServer) -> Answer {
    let form = [&OWN[..], &[("client_id", "nobody")]].concat();
    post(server, "/token", &form).await
}

#[tokio::test]
async fn a_wrong_assertion_is_refused_and_nobody_learns_why() {
    let (server, clock, keys) = server().await;
    let right = || assertion(&keys, &server);
    let stranger = keys_of(&clock, &[Algorithm::ES256]).await;
    let published = keys.public_pem(&keys.kid(Algorithm::ES256).expect("a key"));
    let id = server.id().as_str();
    let endpoint = server.token_endpoint();
    let nested = format!("{}1{}", "[".repeat(64), "]".repeat(64));
    let twice = right().payload_json().replacen('{', r#"{"sub":"twin","#, 1);
    let two_types = right().header_json().replacen('{', r#"{"typ":"JWT","#, 1);
    let members = object!(["ES256"]).to_string();
    let unknown = unknown(&server).await;
    let cases: Vec<(&str, TokenBuilder<'_>)> = vec![
        ("another key of that name", right().wrong_signature()),
        ("a key of no client", right().unknown_key()),
        ("another issuer's key", assertion(&stranger, &server)),
        ("unsigned", right().alg_none()),
        ("a signature of nothing", right().raw_signature("")),
        (
            "a public key as a secret",
            right().hmac_with("HS256", published.expect("a key")),
        ),
        (
            "an algorithm of another key",
            right().header("alg", "RS256"),
        ),
        ("an algorithm that is none", right().header("alg", "none")),
        ("no algorithm", right().without_header("alg")),
        ("for another", right().audience("https://as.example.com")),
        ("for nobody", right().without("aud")),
        ("for an empty list", right().audience(Vec::<String>::new())),
        ("for the endpoint", right().audience(endpoint.as_str())),
        ("for a name like it", right().audience(format!("{id}/"))),
        (
            "for another, too",
            right().audience(vec![id, "https://as.example.com"]),
        ),
        ("for it twice", right().audience(vec![id, id])),
        ("expired", right().expired()),
        ("without an end", right().without("exp")),
        ("an end in words", right().claim("exp", "tomorrow")),
        ("an end before all time", right().claim("exp", -1)),
        ("an end after all time", right().claim("exp", 1e300)),
        (
            "an end that is no number",
            right().claim_text("exp", "1e400"),
        ),
        ("not yet", right().not_yet_valid()),
        ("a start that is nothing", right().claim_text("nbf", "null")),
        ("without a name", right().without("jti")),
        ("an empty name", right().token_id("")),
        ("a name that is a number", right().claim("jti", 1)),
        ("from another", right().claim("iss", "twin")),
        ("about another", right().subject("twin")),
        ("from nobody", right().without("iss")),
        ("about nobody", right().without("sub")),
        (
            "of a client that is not known",
            by("nobody", &keys, &server),
        ),
        ("of nobody", by("", &keys, &server)),
        ("an access token", right().header("typ", "at+jwt")),
        (
            "a token of another kind",
            right().header("typ", "logout+jwt"),
        ),
        ("a type that is nothing", right().header_text("typ", "null")),
        (
            "what must be understood",
            right().header("crit", vec!["b64"]).header("b64", false),
        ),
        ("an empty list of that", right().header_text("crit", "[]")),
        (
            "a key name that is nothing",
            right().header_text("kid", "null"),
        ),
        ("two clients", right().raw_payload(twice)),
        ("two types", right().raw_header(two_types)),
        ("a list for a header", right().raw_header(members)),
        ("deep", right().raw_payload(nested)),
        ("no claims", right().raw_payload("{}")),
        ("no JSON", right().raw_payload([0xff, 0xfe])),
        ("nothing", right().raw_payload("")),
    ];
    for (case, wrong) in cases {
        let answer = ask(&server, &wrong.mint()).await;
        assert_error(&answer, 401, "invalid_client");
        assert_eq!(answer.body, unknown.body, "{case}");
    }
}

#[tokio::test]
async fn what_is_no_assertion_is_refused() {
    let (server, _, keys) = server().await;
    let right = || assertion(&keys, &server).mint();
    let unknown = unknown(&server).await;
    let whole = right();
    let (signed, signature) = whole.rsplit_once('.').expect("a signature");
    for text in [
        "x",
        ".",
        "..",
        "...",
        "e30.e30.",
        "e30.e30.AA",
        signed,
        &format!("{signed}.{signature}.AA"),
        &format!("{signed}.{signature}="),
        &format!(".{signed}.{signature}"),
        &format!(" {}", right()),
        &format!("{}\n", right()),
        &"x".repeat(15_000),
        &format!("{signed}.{}", "A".repeat(15_000)),
    ] {
        let answer = ask(&server, text).await;
        assert_error(&answer, 401, "invalid_client");
        assert_eq!(answer.body, unknown.body);
    }
    let large = assertion(&keys, &server).claim("x", "x".repeat(100_000));
    assert_eq!(ask(&server, &large.mint()).await.status, 413);
    // Nothing of that was taken for the whole one.
    granted(&ask(&server, &whole).await);
}

#[tokio::test]
async fn an_assertion_lives_for_five_minutes_at_most() {
    let (server, clock, keys) = server().await;
    let now = clock.now();
    let at = |seconds: i64| (now + TimeDelta::seconds(seconds)).timestamp();
    let right = || assertion(&keys, &server);
    let half = at(0).to_string() + ".5";
    for (claim, value, is_right) in [
        ("exp", at(300).to_string(), true),
        ("exp", at(301).to_string(), false),
        ("exp", at(300).to_string() + ".001", false),
        ("exp", at(1).to_string(), true),
        ("exp", half.clone(), true),
        ("exp", at(0).to_string(), false),
        ("iat", at(10).to_string(), true),
        ("iat", at(11).to_string(), false),
        ("iat", at(-999_999).to_string(), true),
        ("nbf", at(10).to_string(), true),
        ("nbf", at(11).to_string(), false),
        ("nbf", half, true),
    ] {
        let answer = ask(&server, &right().claim_text(claim, &value).mint()).await;
        let status = if is_right { 200 } else { 401 };
        assert_eq!(answer.status, status, "{claim}: {value}");
    }
    // It dies in the hands of its client, too.
    let old = right().mint();
    clock.advance(TimeDelta::milliseconds(49_999));
    let young = right().mint();
    clock.advance(TimeDelta::milliseconds(1));
    assert_error(&ask(&server, &old).await, 401, "invalid_client");
    granted(&ask(&server, &young).await);
}

#[tokio::test]
async fn an_assertion_is_good_once() {
    let (server, clock, keys) = server().await;
    let named = |client| by(client, &keys, &server).token_id("one");
    // What is refused spends nothing.
    let wrong = named("robot").wrong_signature().mint();
    assert_error(&ask(&server, &wrong).await, 401, "invalid_client");
    let late = named("robot").lifetime(TimeDelta::hours(1)).mint();
    assert_error(&ask(&server, &late).await, 401, "invalid_client");

    let first = named("robot").mint();
    granted(&ask(&server, &first).await);
    // The same name in another assertion of the same client; the same one at another endpoint.
    let again = named("robot").claim("x", 1).mint();
    for replayed in [&first, &again] {
        assert_error(&ask(&server, replayed).await, 401, "invalid_client");
    }
    let told = post_signed(&server, "/introspect", &[("token", "x")], &first).await;
    assert_error(&told, 401, "invalid_client");
    // Names of other clients are their own affair.
    granted(&ask(&server, &named("twin").mint()).await);
    // What the request was for does not matter: the assertion was shown.
    let second = by("robot", &keys, &server).token_id("two").mint();
    let failed = post_signed(&server, "/token", &[("grant_type", "password")], &second).await;
    assert_error(&failed, 400, "unsupported_grant_type");
    assert_error(&ask(&server, &second).await, 401, "invalid_client");
    // Nor does time bring it back.
    clock.advance(TimeDelta::minutes(2));
    assert_error(
        &ask(&server, &named("robot").mint()).await,
        401,
        "invalid_client",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_who_show_one_assertion_one_is_believed() {
    let (server, _, keys) = server().await;
    let shown = Arc::new(assertion(&keys, &server).mint());
    let server = Arc::new(server);
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let (server, shown) = (Arc::clone(&server), Arc::clone(&shown));
        tasks.spawn(async move { ask(&server, &shown).await.status });
    }
    let mut answers = tasks.join_all().await;
    answers.sort_unstable();
    assert_eq!((answers[0], answers[1], answers[19]), (200, 401, 401));
}
