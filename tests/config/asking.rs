//! What a text says about an issuer that is asked about its tokens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use clearance::Guard;
use serde_json::json;

use super::fixture::{Held, guard, text};
use crate::endpoint::{Endpoint, Question};
use crate::support::Fixture;
use crate::support::http::verdict;

/// An opaque token, as RFC 6749 writes one.
const TOKEN: &str = "2YotnFZFEjr1zCsicMWpAA";

fn asking(endpoint: &Endpoint, options: &str, lines: &str) -> Guard<Fixture> {
    let lines = format!("{options}\n[issuers.introspection]\nclient_id = \"a:b\"\n{lines}");
    let text = text(endpoint.issuer().as_str(), "", &lines);
    guard(&text, endpoint.clock())
}

async fn asked(lines: &str) -> Question {
    let endpoint = Endpoint::start().await;
    endpoint.answer_with(endpoint.but(&json!({})));
    let guard = asking(&endpoint, "", lines);
    assert_eq!(verdict(&guard, TOKEN).await, "ok", "{lines}");
    endpoint.questions().pop().expect("a question")
}

#[tokio::test]
async fn the_secret_goes_where_the_text_says() {
    let secret = Held::file("p:w d\n");
    let line = format!("client_secret = {{ file = \"{}\" }}", secret.path());
    let question = asked(&format!("authentication = \"client_secret_basic\"\n{line}")).await;
    let field = question.headers.get("authorization").expect("a field");
    assert_eq!(field, "Basic YSUzQWI6cCUzQXcrZA==");
    assert_eq!(question.get("client_secret"), None);

    let question = asked(&format!("authentication = \"client_secret_post\"\n{line}")).await;
    assert!(!question.headers.contains_key("authorization"));
    assert_eq!(question.get("client_id"), Some("a:b"));
    assert_eq!(question.get("client_secret"), Some("p:w d"));
}

#[tokio::test]
async fn the_key_signs_what_the_text_says() {
    use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
    let pair = Ed25519KeyPair::generate().expect("a key");
    let public = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref().to_vec());
    let der = STANDARD.encode(pair.to_pkcs8v1().expect("a key").as_ref());
    let pem = Held::file(format!(
        "-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n"
    ));
    let lines = format!(
        "authentication = \"private_key_jwt\"\nprivate_key_algorithm = \"EdDSA\"\n\
         private_key = {{ file = \"{}\" }}\n",
        pem.path()
    );
    for (line, header) in [
        (
            "",
            json!({"alg": "EdDSA", "typ": "client-authentication+jwt"}),
        ),
        (
            "private_key_id = \"k1\"",
            json!({"alg": "EdDSA", "typ": "client-authentication+jwt", "kid": "k1"}),
        ),
    ] {
        let question = asked(&format!("{lines}{line}")).await;
        let text = question.get("client_assertion").expect("an assertion");
        let (message, signature) = text.rsplit_once('.').expect("three parts");
        let signature = crate::support::tokens::unb64(signature);
        let verified = public.verify(message.as_bytes(), &signature);
        verified.expect("a signature that matches");
        let [written, ..] = crate::support::tokens::segments(text);
        let written = crate::support::tokens::unb64(written);
        let written: serde_json::Value = serde_json::from_slice(&written).expect("JSON");
        assert_eq!(written, header);
    }
}

const PLAIN: &str = "authentication = \"client_secret_basic\"\n\
                     client_secret = { env = \"CARGO_PKG_NAME\" }\n";

#[tokio::test]
async fn endpoint() {
    let endpoint = Endpoint::start().await;
    endpoint.answer_with(endpoint.but(&json!({})));
    let address = endpoint.address();
    let line = format!("{PLAIN}endpoint = \"http://{address}/elsewhere\"");
    let guard = asking(&endpoint, "", &line);
    assert_eq!(verdict(&guard, TOKEN).await, "ok");
    let question = endpoint.questions().pop().expect("a question");
    assert_eq!(question.path, "/elsewhere");
    // The value of the variable, which cargo sets for every test.
    let secret = STANDARD.encode("a%3Ab:clearance");
    assert_eq!(
        question.headers.get("authorization").expect("a field"),
        &format!("Basic {secret}")
    );
}

#[tokio::test]
async fn lifetime_seconds() {
    for (line, after, questions) in [
        ("", 59, 1),
        ("", 61, 2),
        ("lifetime_seconds = 0", 0, 2),
        ("lifetime_seconds = 300", 299, 1),
        ("lifetime_seconds = 5", 6, 2),
    ] {
        let endpoint = Endpoint::start().await;
        endpoint.answer_with(endpoint.but(&json!({})));
        let guard = asking(&endpoint, "", &format!("{PLAIN}{line}"));
        assert_eq!(verdict(&guard, TOKEN).await, "ok");
        endpoint.clock().advance(TimeDelta::seconds(after));
        assert_eq!(verdict(&guard, TOKEN).await, "ok");
        assert_eq!(endpoint.asked(), questions, "{line} {after}");
    }
}

#[tokio::test]
async fn without_issued_at() {
    let endpoint = Endpoint::start().await;
    endpoint.answer_with(endpoint.but(&json!({ "iat": null })));
    for (line, code) in [
        ("", "missing_claim"),
        ("without_issued_at = false", "missing_claim"),
        ("without_issued_at = true", "ok"),
    ] {
        let guard = asking(&endpoint, line, PLAIN);
        assert_eq!(verdict(&guard, TOKEN).await, code, "{line}");
    }
}
