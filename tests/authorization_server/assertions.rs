//! Clients that sign who they are (RFC 7523), and those who only seem to.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clearance::clock::Clock as _;
use clearance::testing::{AuthorizationServer, ManualClock, User};
use serde_json::{Value, json as object};

use super::user_agent::*;
use crate::support::Answer;

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

struct Signing {
    server: AuthorizationServer,
    clock: ManualClock,
    pair: Ed25519KeyPair,
}

impl Signing {
    async fn start() -> Self {
        let clock = ManualClock::at_fixed_start();
        let pair = Ed25519KeyPair::generate().expect("a key");
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        let keys = object!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": x}]});
        let server = builder(&clock).client_with_keys("signer", &keys.to_string(), "files:read");
        let server = server.start().await.expect("a server");
        Self {
            server,
            clock,
            pair,
        }
    }

    fn header() -> Value {
        object!({"alg": "EdDSA", "kid": "k1", "typ": "client-authentication+jwt"})
    }

    /// Claims that are right in every way, named `jti`.
    fn claims(&self, jti: &str) -> Value {
        let now = self.clock.now().timestamp();
        object!({
            "iss": "signer", "sub": "signer", "aud": self.server.id().as_str(),
            "jti": jti, "iat": now, "exp": now + 60,
        })
    }

    fn signed_by(pair: &Ed25519KeyPair, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = [part(header), part(claims)].join(".");
        let signature = pair.sign(message.as_bytes());
        [message, URL_SAFE_NO_PAD.encode(signature)].join(".")
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        Self::signed_by(&self.pair, header, claims)
    }

    async fn send(&self, lines: &[&str], more: &[(&str, &str)]) -> Answer {
        let mut pairs = vec![
            ("grant_type", "client_credentials"),
            ("resource", FILES),
            ("scope", "files:read"),
        ];
        pairs.extend(more);
        let mut all = vec![FORM.to_owned()];
        all.extend(lines.iter().map(|line| (*line).to_owned()));
        send(&self.server, "POST /token", &all, &form(pairs)).await
    }

    async fn show(&self, assertion: &str) -> Answer {
        let pairs = [
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion),
        ];
        self.send(&[], &pairs).await
    }
}

#[tokio::test]
async fn a_client_signs_who_it_is() {
    let signing = Signing::start().await;
    let good = signing.signed(&Signing::header(), &signing.claims("j1"));
    granted(&signing.show(&good).await);
    // Once.
    assert_error(&signing.show(&good).await, 401, "invalid_client");
    // As an array of one, without a type, and with its id beside it.
    let mut claims = signing.claims("j2");
    claims["aud"] = object!([signing.server.id().as_str()]);
    let assertion = signing.signed(&object!({"alg": "EdDSA", "kid": "k1"}), &claims);
    let pairs = [
        ("client_id", "signer"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &assertion),
    ];
    granted(&signing.send(&[], &pairs).await);
    // It may ask about tokens, too.
    let token = signing.server.grant(User::Alice, "editor", "files:read");
    let token = token.expect("a token");
    let assertion = signing.signed(&Signing::header(), &signing.claims("j3"));
    let pairs = [
        ("token", &*token),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &assertion),
    ];
    let answer = post(&signing.server, "/introspect", &pairs).await;
    assert_eq!(json(&answer)["active"], true);
    // What is remembered of requests has no assertion in it.
    let shown = format!("{:?}", signing.server.requests());
    assert!(!shown.contains(&assertion), "{shown}");
}

#[tokio::test]
async fn whoever_only_seems_to_sign_gets_nothing() {
    let signing = Signing::start().await;
    let now = signing.clock.now().timestamp();
    let other = Ed25519KeyPair::generate().expect("a key");
    let with = |name: &str, value: Value| {
        let mut claims = signing.claims(&format!("{name}-{value}"));
        claims[name] = value;
        signing.signed(&Signing::header(), &claims)
    };
    let without = |name: &str| {
        let mut claims = signing.claims(&format!("without-{name}"));
        claims.as_object_mut().expect("an object").remove(name);
        signing.signed(&Signing::header(), &claims)
    };
    let headed = |header: Value| signing.signed(&header, &signing.claims(&header.to_string()));
    let good = signing.signed(&Signing::header(), &signing.claims("untouched"));
    let server = signing.server.id().as_str();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let claims = URL_SAFE_NO_PAD.encode(signing.claims("unsigned").to_string());
    let bad = [
        Signing::signed_by(&other, &Signing::header(), &signing.claims("by-other")),
        format!("{none}.{claims}."),
        headed(object!({"alg": "HS256", "kid": "k1"})),
        headed(object!({"alg": "ES256", "kid": "k1"})),
        headed(object!({"alg": "EdDSA", "kid": "k2"})),
        headed(object!({"alg": "EdDSA", "kid": "k1", "typ": "at+jwt"})),
        headed(object!({"alg": "EdDSA", "kid": "k1", "crit": ["exp"]})),
        with("aud", object!("https://other.example")),
        with("aud", object!([server, "https://other.example"])),
        with("aud", object!([])),
        with("aud", object!(format!("{server}/token"))),
        with("iss", object!("machine")),
        with("sub", object!("machine")),
        with("exp", object!(now)),
        with("exp", object!(now + 301)),
        with("exp", object!("soon")),
        with("iat", object!(now + 11)),
        with("nbf", object!(now + 11)),
        with("jti", object!("")),
        with("jti", object!(7)),
        without("jti"),
        without("exp"),
        without("aud"),
        without("iss"),
        good.get(..good.len() - 2).expect("ASCII").to_owned(),
        good.replace('.', ":"),
        "x".repeat(10_000),
    ];
    for assertion in &bad {
        let answer = signing.show(assertion).await;
        assert_error(&answer, 401, "invalid_client");
        assert!(!answer.body.contains("jti") && !answer.body.contains("audience"));
    }
    // One too long for any request here.
    let huge = signing.show(&"x".repeat(100_000)).await;
    assert_eq!(huge.status, 413);
    // It is good, but not beside something else, nor under another name.
    let basic = "authorization: Basic c2lnbmVyOng=";
    let kind = ("client_assertion_type", JWT_BEARER);
    let shown = ("client_assertion", good.as_str());
    for (lines, more) in [
        (&[basic][..], &[kind, shown][..]),
        (&[], &[kind, shown, ("client_secret", "x")]),
        (&[], &[shown]),
        (&[], &[kind]),
        (&[], &[kind, ("client_assertion", "")]),
    ] {
        let answer = signing.send(lines, more).await;
        assert_error(&answer, 400, "invalid_request");
    }
    for named in [
        [("client_id", "machine"), kind, shown],
        [("x", "y"), ("client_assertion_type", "saml2-bearer"), shown],
    ] {
        assert_error(&signing.send(&[], &named).await, 401, "invalid_client");
    }
    // A client with keys has no secret.
    assert_error(&signing.send(&[basic], &[]).await, 401, "invalid_client");
    // None of that has spent it.
    granted(&signing.show(&good).await);
}
