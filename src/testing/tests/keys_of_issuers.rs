//! Keys: names, rotation, forms.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::{builder, get_json, json_part, judge};
use crate::jwk::Algorithm;

#[tokio::test]
async fn rotation_publishes_the_new_key_and_can_still_sign_with_the_old_one() {
    let issuer = builder()
        .algorithms([Algorithm::RS256])
        .start()
        .await
        .unwrap();
    let old = issuer.kid(Algorithm::RS256).unwrap();
    let new = issuer.rotate(Algorithm::RS256);
    assert_eq!(json_part(&issuer.token().mint(), 0)["kid"], new.as_str());
    assert_ne!(
        issuer.public_jwk(&old).unwrap()["n"],
        issuer.public_jwk(&new).unwrap()["n"]
    );
    let published = get_json(&issuer, "/jwks").await;
    assert_eq!(
        published,
        json!({ "keys": [issuer.public_jwk(&new).unwrap()] })
    );

    let token = issuer.token().signed_with_kid(&old).mint();
    assert!(judge(&issuer, Algorithm::RS256, &old, &token));

    let more = issuer.add_key(Algorithm::EdDSA);
    assert!(issuer.retire(&more) && !issuer.retire(&more));
    assert_eq!(issuer.kid(Algorithm::EdDSA), None);
}

#[tokio::test]
async fn two_issuers_share_names_but_no_keys() {
    let build = || {
        builder()
            .algorithms([Algorithm::RS256, Algorithm::EdDSA])
            .start()
    };
    let (one, two) = (build().await.unwrap(), build().await.unwrap());
    for algorithm in [Algorithm::RS256, Algorithm::EdDSA] {
        let kid = one.kid(algorithm).unwrap();
        assert_eq!(two.kid(algorithm).unwrap(), kid);
        assert_ne!(one.public_der(&kid), two.public_der(&kid));
        let foreign = two
            .token()
            .claim("iss", one.id().as_str())
            .signed_by(algorithm)
            .mint();
        assert!(!judge(&one, algorithm, &kid, &foreign));
    }
}

#[tokio::test]
async fn public_keys_come_in_all_their_forms() {
    let issuer = builder()
        .algorithms([Algorithm::PS256])
        .start()
        .await
        .unwrap();
    let kid = issuer.kid(Algorithm::PS256).unwrap();
    let (der, raw) = (
        issuer.public_der(&kid).unwrap(),
        issuer.public_raw(&kid).unwrap(),
    );
    assert!(der.ends_with(&raw) && der.len() > raw.len());
    let pem = issuer.public_pem(&kid).unwrap();
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\nMII"));
    assert!(pem.lines().all(|line| line.len() <= 64));
    let jwk = issuer.public_jwk(&kid).unwrap();
    assert_eq!(jwk["use"], "sig");
    assert_eq!(
        URL_SAFE_NO_PAD
            .decode(jwk["n"].as_str().unwrap())
            .unwrap()
            .len(),
        256
    );
    assert_eq!(issuer.public_jwk("absent"), None);
    assert!(!format!("{issuer:?} {:?}", issuer.token()).contains("content"));
}
