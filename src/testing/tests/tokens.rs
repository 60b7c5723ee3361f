//! Tokens, under the eyes of a second judge.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde_json::json;

use super::super::{ManualClock, TokenBuilder};
use super::{ALL, RESOURCE, builder, issuer, json_part, judge};
use crate::clock::Clock;
use crate::jwk::Algorithm;

#[tokio::test]
async fn right_tokens_of_every_algorithm_satisfy_a_second_judge() {
    let issuer = builder().algorithms(ALL).start().await.unwrap();
    for algorithm in ALL {
        let kid = issuer.kid(algorithm).unwrap();
        let token = issuer.token().signed_by(algorithm).mint();
        assert_eq!(
            json_part(&token, 0),
            json!({ "typ": "at+jwt", "alg": algorithm.as_str(), "kid": kid })
        );
        assert!(judge(&issuer, algorithm, &kid, &token), "{algorithm:?}");

        let (signed, _) = token.rsplit_once('.').unwrap();
        let again = URL_SAFE_NO_PAD.encode(issuer.sign(algorithm, signed.as_bytes()));
        assert!(
            judge(&issuer, algorithm, &kid, &format!("{signed}.{again}")),
            "{algorithm:?}"
        );

        let forged = issuer.token().signed_by(algorithm).wrong_signature().mint();
        assert_eq!(json_part(&forged, 0)["kid"], kid.as_str());
        assert!(!judge(&issuer, algorithm, &kid, &forged), "{algorithm:?}");
    }
}

#[tokio::test]
async fn claims_are_those_of_the_documentation() {
    let clock = ManualClock::at_fixed_start();
    let issuer = builder()
        .clock(Arc::new(clock.clone()))
        .start()
        .await
        .unwrap();
    let now = clock.now().timestamp();
    assert_eq!(
        json_part(&issuer.token().scope("a b").mint(), 1),
        json!({
            "iss": issuer.id().as_str(), "aud": RESOURCE, "sub": "alice", "client_id": "client-1",
            "iat": now - 10, "exp": now + 600, "jti": "token-1", "scope": "a b",
        })
    );
    let other = issuer
        .token()
        .subject("bob")
        .client("c")
        .audience(vec!["x", RESOURCE])
        .token_id("j")
        .lifetime(TimeDelta::seconds(5))
        .issued_at(clock.now())
        .claim("extra", json!({ "a": 1 }))
        .without("iss")
        .mint();
    assert_eq!(
        json_part(&other, 1),
        json!({
            "aud": ["x", RESOURCE], "sub": "bob", "client_id": "c", "iat": now, "exp": now + 5,
            "jti": "j", "extra": { "a": 1 },
        })
    );
    clock.set(clock.now() + TimeDelta::hours(1));
    assert_eq!(json_part(&issuer.token().mint(), 1)["iat"], now + 3590);
}

#[tokio::test]
async fn each_wrong_token_is_refused_by_a_second_judge() {
    type Change = for<'a> fn(TokenBuilder<'a>) -> TokenBuilder<'a>;
    let cases: [(&str, Change); 10] = [
        ("expired", |token| token.expired()),
        ("not yet valid", |token| token.not_yet_valid()),
        ("audience", |token| token.wrong_audience()),
        ("issuer", |token| token.wrong_issuer()),
        ("signature", |token| token.wrong_signature()),
        ("unknown key", |token| token.unknown_key()),
        ("none", |token| token.alg_none()),
        ("MAC", |token| token.hmac_with("HS256", "secret")),
        ("empty MAC", |token| token.hmac_with("HS256", "")),
        ("raw signature", |token| token.raw_signature([0; 64])),
    ];
    let issuer = issuer().await;
    let kid = issuer.kid(Algorithm::ES256).unwrap();
    assert!(judge(
        &issuer,
        Algorithm::ES256,
        &kid,
        &issuer.token().mint()
    ));
    for (name, change) in cases {
        let token = change(issuer.token()).mint();
        assert!(!judge(&issuer, Algorithm::ES256, &kid, &token), "{name}");
    }
}

#[tokio::test]
async fn what_is_set_by_hand_is_signed_as_it_stands() {
    let issuer = issuer().await;
    let kid = issuer.kid(Algorithm::ES256).unwrap();

    let none = issuer.token().header("alg", "nOnE").alg_none().mint();
    assert!(none.ends_with('.'));
    assert_eq!(json_part(&none, 0)["alg"], "nOnE");

    let mac = issuer
        .token()
        .hmac_with("HS512", issuer.public_der(&kid).unwrap())
        .mint();
    assert_eq!(json_part(&mac, 0)["alg"], "HS512");
    assert_eq!(mac.rsplit('.').next().unwrap().len(), 86);

    assert_eq!(
        json_part(&issuer.token().wrong_type().mint(), 0)["typ"],
        "JWT"
    );
    let bare = issuer
        .token()
        .without_header("kid")
        .header_text("crit", "[ ]")
        .mint();
    assert_eq!(
        json_part(&bare, 0),
        json!({ "typ": "at+jwt", "alg": "ES256", "crit": [] })
    );

    let token = issuer.token();
    let twice = token.payload_json().replace('{', "{\"client_id\":\"x\",");
    let token = token.raw_payload(twice.as_str()).mint();
    let payload = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).unwrap())
        .unwrap();
    assert_eq!(payload, twice.as_bytes());
    assert!(judge(&issuer, Algorithm::ES256, &kid, &token));

    let huge = issuer.token().claim_text("exp", "1e400");
    assert!(huge.payload_json().contains("\"exp\":1e400,"));
    let odd = issuer
        .token()
        .raw_header(b"\xef\xbb\xbf{}".as_slice())
        .mint();
    assert!(odd.starts_with(&URL_SAFE_NO_PAD.encode(b"\xef\xbb\xbf{}")));
}

#[tokio::test]
async fn unknown_keys_are_new_each_time() {
    let issuer = issuer().await;
    let (one, two) = (
        issuer.token().unknown_key().mint(),
        issuer.token().unknown_key().mint(),
    );
    assert_ne!(json_part(&one, 0)["kid"], json_part(&two, 0)["kid"]);
    let named = issuer.token().signed_with_kid("mine").mint();
    assert_eq!(json_part(&named, 0)["kid"], "mine");
}
