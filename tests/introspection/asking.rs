//! Who is asked, how, and what happens while nobody answers.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use clearance::credentials::{ClientAuthentication, ClientKey, ClientSecret};
use clearance::jwk::Algorithm;
use clearance::lifecycle::Introspection;
use clearance::{ConfigError, TrustedIssuer};
use serde_json::json;

use crate::endpoint::{Endpoint, Reply, SECRET};
use crate::support::http::{ask, eventually, verdict};
use crate::support::{self, ToolsRead};
use crate::{TOKEN, guard, guard_with};

/// For questions that shall fail by time.
const SHORT: Duration = Duration::from_millis(300);

/// RS-077: the call says who asks, in the one way that was chosen.
#[tokio::test]
async fn the_call_is_authenticated() {
    let endpoint = Endpoint::start().await;
    endpoint.answer_with(endpoint.but(&json!({})));
    let ask_by = async |authentication: ClientAuthentication| {
        let introspection = Introspection::by(authentication);
        let rules = TrustedIssuer::introspected(endpoint.issuer(), introspection);
        let guard = support::with_rules(rules, endpoint.clock())
            .build()
            .expect("a guard");
        assert_eq!(verdict(&guard, TOKEN).await, "ok");
        let question = endpoint.questions().pop().expect("a question");
        assert_eq!(question.path, "/introspect");
        assert_eq!(question.get("token"), Some(TOKEN));
        assert_eq!(question.get("token_type_hint"), Some("access_token"));
        let kind = question.headers.get("content-type").expect("a type");
        assert_eq!(kind, "application/x-www-form-urlencoded");
        let accepted = question.headers.get("accept").expect("a type");
        assert_eq!(accepted, "application/json");
        question
    };
    let secret = || ClientSecret::new("p:w d");
    let question = ask_by(ClientAuthentication::client_secret_basic("a:b", secret())).await;
    let field = question.headers.get("authorization").expect("a field");
    assert_eq!(field, "Basic YSUzQWI6cCUzQXcrZA==");
    assert_eq!(question.form.len(), 2);

    let question = ask_by(ClientAuthentication::client_secret_post("a:b", secret())).await;
    assert!(!question.headers.contains_key("authorization"));
    assert_eq!(question.get("client_id"), Some("a:b"));
    assert_eq!(question.get("client_secret"), Some("p:w d"));
    assert_eq!(question.form.len(), 4);
}

/// RS-077: an assertion that the issuer can verify, for it alone, and never the same twice.
#[tokio::test]
async fn an_assertion_is_for_one_issuer_and_one_call() {
    use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
    let pair = Ed25519KeyPair::generate().expect("a key");
    let public = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref().to_vec());
    let der = pair.to_pkcs8v1().expect("a key");
    let key = ClientKey::from_pkcs8_der(Algorithm::EdDSA, der.as_ref()).expect("a key");
    let authentication = ClientAuthentication::private_key_jwt("mcp-server", key.with_key_id("k1"));
    let endpoint = Endpoint::start().await;
    endpoint.answer_with(endpoint.but(&json!({})));
    let introspection = Introspection::by(authentication).lifetime(Duration::ZERO);
    let rules = TrustedIssuer::introspected(endpoint.issuer(), introspection);
    let guard = support::with_rules(rules, endpoint.clock())
        .build()
        .expect("a guard");
    let mut names = Vec::new();
    for _ in 0..3 {
        assert_eq!(verdict(&guard, TOKEN).await, "ok");
        let question = endpoint.questions().pop().expect("a question");
        assert!(!question.headers.contains_key("authorization"));
        assert_eq!(question.get("client_id"), Some("mcp-server"));
        assert_eq!(
            question.get("client_assertion_type"),
            Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        );
        let text = question.get("client_assertion").expect("an assertion");
        let (message, signature) = text.rsplit_once('.').expect("three parts");
        let signature = support::tokens::unb64(signature);
        public
            .verify(message.as_bytes(), &signature)
            .expect("a signature that matches");
        let [header, claims, _] = support::tokens::segments(text);
        let read = |part| -> serde_json::Value {
            serde_json::from_slice(&support::tokens::unb64(part)).expect("JSON")
        };
        let kind = json!({"alg": "EdDSA", "typ": "client-authentication+jwt", "kid": "k1"});
        assert_eq!(read(header), kind);
        let claims = read(claims);
        let now = endpoint.right()["iat"].as_i64().expect("a number") + 10;
        assert_eq!(claims["iss"], "mcp-server");
        assert_eq!(claims["sub"], "mcp-server");
        assert_eq!(claims["aud"], endpoint.issuer().as_str());
        assert_eq!(
            (claims["iat"].as_i64(), claims["exp"].as_i64()),
            (Some(now), Some(now + 60))
        );
        names.push(claims["jti"].as_str().expect("a name").to_owned());
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 3);
}

/// Keys of every kind sign, and what is no key is refused when it is read.
#[test]
fn a_key_is_one_for_its_algorithm() {
    use clearance::credentials::ClientKeyError;
    let pair = aws_lc_rs::signature::Ed25519KeyPair::generate().expect("a key");
    let der = pair.to_pkcs8v1().expect("a key");
    let text = STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    let pem = pem.as_bytes();
    assert!(ClientKey::from_pkcs8_pem(Algorithm::EdDSA, pem).is_ok());
    let wrong = |algorithm| ClientKey::from_pkcs8_pem(algorithm, pem).expect_err("another kind");
    for algorithm in [Algorithm::ES256, Algorithm::RS256, Algorithm::PS512] {
        assert_eq!(wrong(algorithm), ClientKeyError::Unsuitable);
    }
    for text in [
        &b""[..],
        b"-----BEGIN PRIVATE KEY-----\n",
        b"MC4CAQAwBQYDK2VwBCIEIA",
    ] {
        let error = ClientKey::from_pkcs8_pem(Algorithm::EdDSA, text).expect_err("no key");
        assert_eq!(error, ClientKeyError::NotPkcs8);
    }
    let key = ClientKey::from_pkcs8_pem(Algorithm::EdDSA, pem).expect("a key");
    assert_eq!(
        format!("{key:?}"),
        "ClientKey { algorithm: EdDSA, id: None, .. }"
    );
}

/// RS-077: only https, only one such issuer, and only with a proof.
#[test]
fn a_configuration_that_would_give_tokens_away_is_refused() {
    let issuer = |text: &str| text.parse::<clearance::id::Issuer>().expect("an issuer");
    let build = |rules: TrustedIssuer| {
        let built = support::with_rules(rules, &support::clock()).build();
        built.map(drop).expect_err("refused")
    };
    let with =
        |introspection| TrustedIssuer::introspected(issuer("https://as.example"), introspection);
    for url in [
        "http://as.example/introspect",
        "http://127.0.0.1/introspect",
        "ftp://as.example/introspect",
        "as.example/introspect",
        "https://user:password@as.example/introspect",
        "",
    ] {
        let error = build(with(Endpoint::introspection().endpoint(url)));
        assert_eq!(
            error,
            ConfigError::IntrospectionEndpoint(issuer("https://as.example")),
            "{url}"
        );
    }
    let error = build(with(
        Endpoint::introspection().lifetime(Duration::from_millis(300_001)),
    ));
    assert_eq!(
        error,
        ConfigError::IntrospectionLifetime(issuer("https://as.example"))
    );
    for (id, secret) in [("", "s"), ("c", "")] {
        let secret = ClientSecret::new(secret);
        let by = ClientAuthentication::client_secret_basic(id, secret);
        let error = build(with(Introspection::by(by)));
        assert_eq!(
            error,
            ConfigError::ClientAuthentication(issuer("https://as.example"))
        );
    }
    let second =
        TrustedIssuer::introspected(issuer("https://as2.example"), Endpoint::introspection());
    let both = support::with_rules(with(Endpoint::introspection()), &support::clock());
    let error = both
        .trusted_issuer(second)
        .build()
        .map(drop)
        .expect_err("refused");
    assert_eq!(
        error,
        ConfigError::SecondIntrospected(issuer("https://as2.example"))
    );
}

/// RS-005, RS-077: while the issuer cannot be asked, or does not let this server ask, nobody is refused
/// for good.
#[tokio::test]
async fn no_answer_is_503() {
    let endpoint = Endpoint::start().await;
    let served = serve(
        &endpoint,
        guard_with(&endpoint, |rules| rules.fetch_time_limit(SHORT), |b| b),
    )
    .await;
    let elsewhere = "http://169.254.169.254/introspect".to_owned();
    for (reply, wait) in [
        (Reply::Text(500, "{\"active\":true}".to_owned()), 1),
        (Reply::Text(503, endpoint.but(&json!({}))), 1),
        (Reply::Text(429, String::new()), 1),
        (Reply::Busy("7"), 7),
        (Reply::Busy("100000"), 60),
        (Reply::Busy("Fri, 01 Jan 2027 00:00:00 GMT"), 1),
        (Reply::Text(401, "{\"active\":false}".to_owned()), 1),
        (Reply::Text(403, String::new()), 1),
        (
            Reply::Text(400, "{\"error\":\"invalid_request\"}".to_owned()),
            1,
        ),
        (Reply::Text(404, String::new()), 1),
        (Reply::Text(201, endpoint.but(&json!({}))), 1),
        (Reply::Half, 1),
        (Reply::Late(String::new()), 1),
        (Reply::RedirectTo(elsewhere), 1),
    ] {
        endpoint.answer([reply.clone()]);
        let answer = served.get(TOKEN).await;
        assert_eq!(answer.status, 503, "{reply:?}: {answer:?}");
        assert_eq!(answer.code(), 50300);
        assert_eq!(answer.header("www-authenticate"), None);
        assert_eq!(answer.header("retry-after"), Some(&*format!("{wait}")));
        answer.assert_silent_about(TOKEN);
        answer.assert_silent_about(SECRET);
    }
    // Nothing of that is remembered.
    endpoint.answer_with(endpoint.but(&json!({})));
    served.get(TOKEN).await.assert_ok();
    // And with nobody there at all.
    let address = endpoint.address();
    drop(endpoint);
    eventually(|| std::net::TcpListener::bind(address).is_ok()).await;
    assert_eq!(served.get("another").await.status, 503);
}

struct Served {
    address: std::net::SocketAddr,
    _task: support::Held,
}

async fn serve(endpoint: &Endpoint, guard: clearance::Guard<support::Fixture>) -> Served {
    assert_eq!(guard.issuers().next(), Some(&endpoint.issuer()));
    let app = support::App {
        guard,
        ran: Arc::default(),
    };
    let (address, task) = support::spawn(support::router(&app)).await;
    Served {
        address,
        _task: task.into(),
    }
}

impl Served {
    async fn get(&self, token: &str) -> support::Answer {
        let line = support::http::bearer(token);
        support::raw(self.address, &support::http::request("GET /mcp", &[&line])).await
    }
}

/// RS-077: the endpoint is where the metadata of the issuer says, and the metadata is its own.
#[tokio::test]
async fn metadata_that_does_not_fit_leads_nowhere() {
    let endpoint = Endpoint::start().await;
    let issuer = endpoint.issuer();
    endpoint.answer_with(endpoint.but(&json!({})));
    let here = format!("{issuer}/introspect");
    let table = [
        None,
        Some(json!({"issuer": issuer.as_str()})),
        Some(json!({"issuer": "https://other.example", "introspection_endpoint": here})),
        Some(json!({"issuer": issuer.as_str(), "introspection_endpoint": 7})),
        Some(json!({"issuer": issuer.as_str(), "introspection_endpoint": "http://as.example/i"})),
        Some(json!({"issuer": issuer.as_str(), "introspection_endpoint": "https://10.0.0.1/i"})),
        Some(
            json!({"issuer": issuer.as_str(), "introspection_endpoint": "https://169.254.169.254/"}),
        ),
    ];
    for document in table {
        endpoint.publish_document(document.clone());
        let guard = guard_with(&endpoint, |rules| rules.fetch_time_limit(SHORT), |b| b);
        assert_eq!(verdict(&guard, TOKEN).await, "unavailable", "{document:?}");
        assert!(guard.ready().await.is_err());
        assert_eq!(endpoint.asked(), 0);
        // It is not looked for again and again, and found when it is there.
        endpoint.publish(&here);
        assert_eq!(verdict(&guard, TOKEN).await, "unavailable", "{document:?}");
        endpoint.clock().advance(TimeDelta::seconds(5));
        guard.ready().await.expect("a place");
    }
    // Where it is configured, nobody looks at metadata.
    endpoint.publish_document(None);
    let configured = Endpoint::introspection().endpoint(format!("{issuer}/elsewhere"));
    let rules = TrustedIssuer::introspected(issuer, configured);
    let guard = support::with_rules(rules, endpoint.clock())
        .build()
        .expect("a guard");
    guard.ready().await.expect("a place");
    endpoint.answer_with(endpoint.but(&json!({})));
    assert_eq!(verdict(&guard, TOKEN).await, "ok");
    assert_eq!(
        endpoint.questions().pop().expect("a question").path,
        "/elsewhere"
    );
}

/// A place that was found serves on while the metadata cannot be had.
#[tokio::test]
async fn a_place_is_not_forgotten_for_want_of_metadata() {
    let endpoint = Endpoint::start().await;
    endpoint.answer_with("{\"active\":false}");
    let guard = guard(&endpoint);
    guard.ready().await.expect("a place");
    endpoint.publish_document(None);
    for hours in 1..5 {
        endpoint.clock().advance(TimeDelta::hours(1));
        assert_eq!(verdict(&guard, TOKEN).await, "inactive");
        assert_eq!(endpoint.asked(), hours);
    }
    let moved = format!("{}/moved", endpoint.issuer());
    endpoint.publish(&moved);
    endpoint.clock().advance(TimeDelta::seconds(5));
    // It is looked for in the background, and until it is found the old place is asked.
    let mut number = 0;
    let path = || endpoint.questions().pop().expect("a question").path;
    while path() != "/moved" {
        number += 1;
        assert!(number < 10_000, "never found");
        let token = format!("token-{number}");
        assert_eq!(verdict(&guard, &token).await, "inactive");
    }
}

/// Nobody's token is shown to an issuer that it does not come from.
#[tokio::test]
async fn tokens_are_shown_to_their_own_issuer_alone() {
    let endpoint = Endpoint::start().await;
    endpoint.answer_with(endpoint.but(&json!({})));
    let signing = support::issuer(endpoint.clock()).await;
    let guard = guard_with(
        &endpoint,
        |rules| rules,
        |builder| builder.issuer(signing.id().clone()),
    );
    let b64 = |text: &str| support::tokens::b64(text);
    let own = signing
        .token()
        .claim("iss", endpoint.issuer().as_str())
        .mint();
    let claims = format!(r#"{{"iss":"{}"}}"#, endpoint.issuer());
    let twice = format!(r#"{{"iss":"{0}","iss":"{0}"}}"#, endpoint.issuer());
    let symmetric = [&b64(r#"{"alg":"HS256"}"#), &b64(&claims), "c2ln"].join(".");
    let is_shown = [
        TOKEN.to_owned(),
        "two.parts".to_owned(),
        "three.parts.here".to_owned(),
        "a.b.c.d.e".to_owned(),
        b64(r#"{"alg":"ES256"}"#),
        [b64(r#"{"user":7}"#).as_str(), "a", "b"].join("."),
        own,
        symmetric,
    ];
    for token in &is_shown {
        let before = endpoint.asked();
        assert_eq!(verdict(&guard, token).await, "ok", "{token}");
        assert_eq!(endpoint.asked(), before + 1, "{token}");
        let question = endpoint.questions().pop().expect("a question");
        assert_eq!(question.get("token"), Some(&**token));
    }
    let asked = endpoint.asked();
    let good = signing.token().mint();
    assert_eq!(verdict(&guard, &good).await, "ok");
    let foreign = [
        signing.token().wrong_signature().mint(),
        signing.token().expired().mint(),
        signing.token().wrong_issuer().mint(),
        signing.token().alg_none().mint(),
        signing.token().without("iss").mint(),
        signing.token().raw_payload("{").mint(),
        // Another kind of token of its own.
        signing
            .token()
            .claim("iss", endpoint.issuer().as_str())
            .header("typ", "logout+jwt")
            .mint(),
        // Whose they are is not clear, or their header is not: when in doubt they are shown to nobody.
        [
            &b64(r#"{"alg":"ES256","alg":"ES256"}"#),
            &b64(&claims),
            "c2ln",
        ]
        .join("."),
        [&b64(r#"{"alg":"ES256"}"#), &b64(&twice), "c2ln"].join("."),
        [&b64("\u{feff}{\"alg\":\"ES256\"}"), "e30", "c2ln"].join("."),
        [&b64(r#"{"\u0061lg":"ES256"}"#), "e30", "c2ln"].join("."),
        [
            STANDARD.encode(r#"{"alg":"ES256","x":"??>>"}"#).as_str(),
            "e30",
            "c2ln",
        ]
        .join("."),
        // An encrypted token: nobody here can read whose it is.
        [
            &b64(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#),
            "a",
            "b",
            "c",
            "d",
        ]
        .join("."),
        [
            &b64(r#"{"alg":"HS256"}"#),
            &b64(r#"{"iss":"https://other.example"}"#),
            "c2ln",
        ]
        .join("."),
        [&b64(r#"{"alg":"HS256"}"#), "%%", "c2ln"].join("."),
    ];
    for token in &foreign {
        assert_ne!(verdict(&guard, token).await, "ok", "{token}");
    }
    let long = "a".repeat(16 * 1024 + 1);
    assert_eq!(verdict(&guard, &long).await, "token_too_long");
    assert_eq!(endpoint.asked(), asked);
}

/// Another transport asks by itself, step by step.
#[tokio::test]
async fn the_steps_can_be_walked_by_hand() {
    use clearance::secret::BearerToken;
    use clearance::token::Token;
    let endpoint = Endpoint::start().await;
    endpoint.answer_with(endpoint.but(&json!({})));
    let guard = guard(&endpoint);
    let raw = || BearerToken::from_bytes(TOKEN.as_bytes()).expect("a token");
    let active = guard
        .introspect(Token::opaque(raw()))
        .await
        .expect("active");
    assert_eq!(active.issuer(), &endpoint.issuer());
    let now = clearance::clock::Clock::now(endpoint.clock());
    let accepted = active
        .verify_audience(guard.acceptance(), now)
        .expect("in force");
    assert_eq!(accepted.subject().as_str(), "u1");
    endpoint.answer_with("{\"active\":false}");
    let refusal = guard
        .introspect(Token::opaque(raw()))
        .await
        .expect_err("inactive");
    assert_eq!(refusal.reason().code().as_str(), "inactive");
    assert_eq!(
        ask::<ToolsRead>(&guard, TOKEN)
            .await
            .expect_err("inactive")
            .reason()
            .code()
            .as_str(),
        "inactive"
    );
    // Nobody's token is shown to somebody else this way either.
    let signing = support::issuer(endpoint.clock()).await;
    let other = support::strict(&signing, endpoint.clock())
        .build()
        .expect("a guard");
    let refusal = other
        .introspect(Token::opaque(raw()))
        .await
        .expect_err("nobody is asked");
    assert_eq!(refusal.reason().code().as_str(), "unknown_issuer");
    let asked = endpoint.asked();
    let foreign = BearerToken::from_bytes(signing.token().mint().as_bytes()).expect("a token");
    let refusal = guard
        .introspect(Token::opaque(foreign))
        .await
        .expect_err("somebody else's");
    assert_eq!(refusal.reason().code().as_str(), "unknown_issuer");
    assert_eq!(endpoint.asked(), asked);
}
