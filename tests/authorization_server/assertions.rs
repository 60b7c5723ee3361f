//! Clients that sign who they are.

use std::sync::Arc;

use chrono::TimeDelta;
use clearance::jwk::Algorithm;
use clearance::testing::{AuthorizationServer, Issuer, ManualClock, TokenBuilder, User};
use serde_json::{Value, json as object};

use super::hostile::is_active;
use super::tokens::{ACCESS_TOKEN, TOKEN_EXCHANGE};
use super::user_agent::*;
use crate::support::Answer;

pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An issuer that lends its keys to a client.
pub async fn keys_of(clock: &ManualClock, algorithms: &[Algorithm]) -> Issuer {
    let keys = Issuer::builder(FILES.parse().expect("a resource"))
        .clock(Arc::new(clock.clone()))
        .algorithms(algorithms.iter().copied());
    keys.start().await.expect("keys")
}

/// A server, what it tells the time by, and the keys of its clients `robot` and `twin`.
pub async fn server() -> (AuthorizationServer, ManualClock, Issuer) {
    let clock = ManualClock::at_fixed_start();
    let keys = keys_of(&clock, &[Algorithm::ES256]).await;
    let server = builder(&clock)
        .client_with_keys("robot", &keys.jwks(), "files:read files:write")
        .client_with_keys("twin", &keys.jwks(), "files:read")
        .approve_automatically(User::Alice);
    (server.start().await.expect("a server"), clock, keys)
}

/// A right assertion of `robot`, until it is changed.
pub fn assertion<'k>(keys: &'k Issuer, server: &AuthorizationServer) -> TokenBuilder<'k> {
    by("robot", keys, server)
}

pub fn by<'k>(client: &str, keys: &'k Issuer, server: &AuthorizationServer) -> TokenBuilder<'k> {
    keys.token()
        .header("typ", "client-authentication+jwt")
        .claim("iss", client)
        .subject(client)
        .without("client_id")
        .audience(server.id().as_str())
        .lifetime(TimeDelta::minutes(1))
}

/// A request with an assertion.
pub async fn post_signed(
    server: &AuthorizationServer,
    path: &str,
    pairs: &[(&str, &str)],
    assertion: &str,
) -> Answer {
    let proof = [
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ];
    post(server, path, &[pairs, &proof].concat()).await
}

/// For a token of its own.
pub const OWN: [(&str, &str); 3] = [
    ("grant_type", "client_credentials"),
    ("resource", FILES),
    ("scope", "files:read"),
];

pub async fn ask(server: &AuthorizationServer, assertion: &str) -> Answer {
    post_signed(server, "/token", &OWN, assertion).await
}

#[tokio::test]
async fn a_client_signs_who_it_is() {
    let (server, _, keys) = server().await;
    let right = || assertion(&keys, &server);
    let own = text(
        &granted(&ask(&server, &right().mint()).await),
        "access_token",
    );
    assert_eq!(claims(&own)["sub"], "robot");
    for right in [
        right().header("typ", "JWT"),
        right().header("typ", "jwt"),
        right().without_header("typ"),
        right().without_header("kid"),
        right().without("iat"),
        right().audience(vec![server.id().as_str()]),
        right().claim("client_id", "robot"),
        right().claim("x", "x".repeat(9_000)),
    ] {
        granted(&ask(&server, &right.mint()).await);
    }
    let named = [&OWN[..], &[("client_id", "robot")]].concat();
    granted(&post_signed(&server, "/token", &named, &right().mint()).await);

    // At the other endpoints, too.
    let access = text(&tokens(&server).await, "access_token");
    let shown = [("token", access.as_str())];
    let known = post_signed(&server, "/introspect", &shown, &right().mint()).await;
    assert_eq!(json(&known)["sub"], "alice");
    let exchange = [
        ("grant_type", TOKEN_EXCHANGE),
        ("resource", MAIL),
        ("subject_token", access.as_str()),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    let exchanged = granted(&post_signed(&server, "/token", &exchange, &right().mint()).await);
    let exchanged = claims(&text(&exchanged, "access_token"));
    assert_eq!(exchanged["act"]["sub"], "robot");
    let foreign = post_signed(&server, "/revoke", &shown, &right().mint()).await;
    assert_error(&foreign, 400, "invalid_grant");
    let end = [("token", own.as_str())];
    let ended = post_signed(&server, "/revoke", &end, &right().mint()).await;
    assert_eq!(ended.status, 200);
    assert!(!is_active(&server, &own).await && is_active(&server, &access).await);
}

#[tokio::test]
async fn a_client_signs_with_any_algorithm_that_is_promised() {
    let clock = ManualClock::at_fixed_start();
    let keys = keys_of(&clock, &Algorithm::ALL).await;
    let server = builder(&clock).client_with_keys("robot", &keys.jwks(), "files:read");
    let server = server.start().await.expect("a server");
    let metadata = get(&server, "/.well-known/oauth-authorization-server").await;
    let metadata: Value = serde_json::from_str(&metadata.body).expect("JSON");
    let of =
        |endpoint: &str, what: &str| metadata[format!("{endpoint}_endpoint_auth_{what}")].clone();
    let confidential = [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
    ];
    let all = [&["none"], &confidential[..]].concat();
    assert_eq!(
        of("introspection", "methods_supported"),
        object!(confidential)
    );
    for endpoint in ["token", "revocation"] {
        assert_eq!(of(endpoint, "methods_supported"), object!(all));
    }
    let promised = of("token", "signing_alg_values_supported");
    for endpoint in ["introspection", "revocation"] {
        assert_eq!(of(endpoint, "signing_alg_values_supported"), promised);
    }
    assert_eq!(promised, object!(Algorithm::ALL.map(Algorithm::as_str)));
    for algorithm in Algorithm::ALL {
        let right = assertion(&keys, &server).signed_by(algorithm);
        granted(&ask(&server, &right.mint()).await);
        // With the other key of the same kind it is not the client's.
        let wrong = assertion(&keys, &server).signed_by(algorithm);
        let answer = ask(&server, &wrong.wrong_signature().mint()).await;
        assert_error(&answer, 401, "invalid_client");
    }
}

/// `robot:s3cret`
const SECRET_OF_ROBOT: &str = "authorization: Basic cm9ib3Q6czNjcmV0";

#[tokio::test]
async fn an_assertion_stands_alone() {
    let (server, _, keys) = server().await;
    let right = assertion(&keys, &server).mint();
    let kind = ("client_assertion_type", JWT_BEARER);
    let shown = ("client_assertion", right.as_str());
    let secret = ("client_secret", "s3cret");
    let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
    for (lines, more, status, error) in [
        (&[][..], &[kind, shown, secret][..], 400, "invalid_request"),
        (
            &[],
            &[kind, secret, ("client_id", "robot")],
            400,
            "invalid_request",
        ),
        (&[SECRET_OF_ROBOT], &[kind, shown], 400, "invalid_request"),
        (&[SECRET_OF_ROBOT], &[shown], 400, "invalid_request"),
        (
            &["authorization: Bearer x"],
            &[kind, shown],
            400,
            "invalid_request",
        ),
        (&["authorization:"], &[kind, shown], 400, "invalid_request"),
        (&[], &[shown], 400, "invalid_request"),
        (&[], &[kind], 400, "invalid_request"),
        (&[], &[kind, ("client_id", "robot")], 400, "invalid_request"),
        (
            &[],
            &[kind, ("client_assertion", "")],
            400,
            "invalid_request",
        ),
        (
            &[],
            &[("client_assertion_type", ""), shown],
            400,
            "invalid_request",
        ),
        (&[], &[kind, shown, shown], 400, "invalid_request"),
        (&[], &[kind, kind, shown], 400, "invalid_request"),
        (
            &[],
            &[("client_assertion_type", saml), shown],
            401,
            "invalid_client",
        ),
        (
            &[],
            &[("client_assertion_type", "jwt-bearer"), shown],
            401,
            "invalid_client",
        ),
        (
            &[],
            &[kind, shown, ("client_id", "twin")],
            401,
            "invalid_client",
        ),
        (
            &[],
            &[kind, shown, ("client_id", "machine")],
            401,
            "invalid_client",
        ),
        (
            &[],
            &[kind, shown, ("client_id", "nobody")],
            401,
            "invalid_client",
        ),
    ] {
        let mut all = vec![FORM.to_owned()];
        all.extend(lines.iter().map(|line: &&str| (*line).to_owned()));
        let body = form(OWN.iter().chain(more).copied());
        let answer = send(&server, "POST /token", &all, &body).await;
        assert_error(&answer, status, error);
    }
    // None of that has spent it.
    granted(&ask(&server, &right).await);
}

#[tokio::test]
async fn each_client_has_its_own_way() {
    let (server, _, keys) = server().await;
    // Who has no keys signs nothing, whoever signs it.
    for client in ["machine", "editor"] {
        let signed = by(client, &keys, &server).mint();
        assert_error(&ask(&server, &signed).await, 401, "invalid_client");
    }
    let code = code(&server, &[]).await;
    let signed = by("editor", &keys, &server).mint();
    let form = redemption(&code, &[]);
    let answer = post_signed(&server, "/token", &form, &signed).await;
    assert_error(&answer, 401, "invalid_client");
    granted(&post(&server, "/token", &form).await);
    // Who has keys has no secret, and is not believed without a proof.
    let robot = ("client_id", "robot");
    for secret in [&[][..], &[("client_secret", "s3cret")]] {
        let form = [&OWN[..], &[robot], secret].concat();
        assert_error(&post(&server, "/token", &form).await, 401, "invalid_client");
    }
    let lines = [FORM.to_owned(), SECRET_OF_ROBOT.to_owned()];
    let body = super::user_agent::form(OWN);
    let answer = send(&server, "POST /token", &lines, &body).await;
    assert_error(&answer, 401, "invalid_client");
    // No user is ever asked about it.
    let asked = authorize(&server, &[robot]).await;
    assert_eq!((asked.status, asked.header("location")), (400, None));
    // What it may get is its own, as with a secret.
    let wide = [&OWN[..2], &[("scope", "files:write")]].concat();
    let twin = by("twin", &keys, &server).mint();
    let answer = post_signed(&server, "/token", &wide, &twin).await;
    assert_error(&answer, 400, "invalid_scope");
}

#[tokio::test]
async fn a_client_without_a_usable_key_is_a_mistake() {
    let clock = ManualClock::at_fixed_start();
    let right = keys_of(&clock, &[Algorithm::ES256]).await.jwks();
    let private = right.replace(r#""kty""#, r#""d":"AA","kty""#);
    let encrypts = right.replace(r#""sig""#, r#""enc""#);
    let one = right.replace(r#"{"keys":["#, "").replace("]}", "");
    assert!(![&private, &encrypts, &one].contains(&&right));
    let symmetric = r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#;
    for set in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"keys":[]}"#,
        r#"{"keys":{}}"#,
        &one,
        symmetric,
        &private,
        &encrypts,
    ] {
        let started = builder(&clock).client_with_keys("robot", set, "").start();
        let error = started.await.expect_err("it started");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{set}");
    }
    for impossible in [
        builder(&clock).client_with_keys("", &right, ""),
        builder(&clock).client_with_keys("alice", &right, ""),
        builder(&clock).client_with_keys("machine", &right, ""),
        builder(&clock).client_with_keys("robot", &right, "a  b"),
        builder(&clock).client_with_keys("robot", &right, "files:reed"),
    ] {
        let error = impossible.start().await.expect_err("it started");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
    let bare = builder(&clock).client_with_keys("robot", &right, "");
    bare.start().await.expect("a server");
}
