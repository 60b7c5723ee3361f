//! Configurations that `build` refuses, each beside one that it takes.
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

use chrono::TimeDelta;
use clearance::jwk::KeySetError;
use clearance::keys::FixedKeys;
use clearance::limit::Quota;
use clearance::{ConfigError, Guard, GuardBuilder, Ready, TrustedIssuer, metadata_routes};
use serde_json::{Value, json};
use support::{Fixture, M_PATH};

const AS: &str = "https://as.example.com";

/// A key set that can be read.
fn keys() -> Value {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "d1", "x": x }] })
}

fn fixed(keys: impl AsRef<[u8]>) -> TrustedIssuer {
    TrustedIssuer::with_keys(AS.parse().expect("an issuer"), FixedKeys::from_json(keys))
}

fn built(issuer: TrustedIssuer) -> Result<(), ConfigError> {
    support::with_rules(issuer, &support::clock())
        .build()
        .map(drop)
}

#[test]
fn key_sets_that_are_refused() {
    let of = |keys: Value| built(fixed(keys.to_string()));
    let issuer = || AS.parse().expect("an issuer");
    let wrong = |error| Err(ConfigError::KeySet(issuer(), error));
    assert_eq!(of(keys()), Ok(()));
    for text in [
        "",
        "{}",
        "[]",
        "x",
        r#"{"keys":{}}"#,
        r#"{"keys":"x"}"#,
        r#"{"keys":[]} x"#,
    ] {
        assert_eq!(built(fixed(text)), wrong(KeySetError::NotAKeySet), "{text}");
    }
    let good = &keys()["keys"][0];
    assert_eq!(of(json!({ "keys": vec![good; 64] })), Ok(()));
    assert_eq!(
        of(json!({ "keys": vec![good; 65] })),
        wrong(KeySetError::TooManyKeys)
    );
    let unusable = Err(ConfigError::NoUsableKey(issuer()));
    for keys in [
        json!([]),
        json!([{ "kty": "oct", "k": "AA" }]),
        json!([7, null, "x", {}, []]),
        json!([{ "kty": "OKP", "crv": "Ed25519", "x": "AAAA" }]),
    ] {
        assert_eq!(of(json!({ "keys": keys })), unusable, "{keys}");
    }
    // Good keys for algorithms that are not allowed.
    let only = fixed(keys().to_string()).only_algorithms(&[clearance::jwk::Algorithm::ES256]);
    assert_eq!(built(only), unusable);
}

#[test]
fn key_set_urls_that_are_refused() {
    let of = |issuer: &str, uri: &str| {
        built(TrustedIssuer::with_jwks_uri(
            issuer.parse().expect("an issuer"),
            uri,
        ))
    };
    let local = "http://127.0.0.1:1";
    assert_eq!(of(AS, "https://keys.example.com/jwks"), Ok(()));
    assert_eq!(of(local, "http://127.0.0.1:2/jwks"), Ok(()));
    for (issuer, uri) in [
        (AS, "http://as.example.com/jwks"),
        (AS, "http://127.0.0.1/jwks"),
        (local, "http://as.example.com/jwks"),
        (local, "http://169.254.169.254/jwks"),
        (AS, "ftp://as.example.com/jwks"),
        (AS, "file:///etc/jwks"),
        (AS, "/jwks"),
        (AS, ""),
    ] {
        let refused = Err(ConfigError::KeySetUrl(issuer.parse().expect("an issuer")));
        assert_eq!(of(issuer, uri), refused, "{issuer} {uri}");
    }
}

#[test]
fn rules_that_are_refused() {
    let issuer = || fixed(keys().to_string());
    let id = || AS.parse().expect("an issuer");
    assert_eq!(built(issuer().scope_prefix("api://files/")), Ok(()));
    for prefix in ["a b", "\"", "\\", "\u{fc}", "a\n", "\u{7f}"] {
        let refused = Err(ConfigError::ScopePrefix(id()));
        assert_eq!(built(issuer().scope_prefix(prefix)), refused, "{prefix}");
    }
    let mapped = |scope| built(issuer().scopes_from_claim(&["roles"], &[("r", scope)]));
    assert_eq!(mapped("mcp:admin"), Ok(()));
    for scope in ["mcp:unknown", "MCP:admin", "", "mcp:admin files:read"] {
        assert_eq!(mapped(scope), Err(ConfigError::UnknownScope(scope.into())));
    }
    for typ in [
        "id_token+jwt",
        "DPOP+jwt",
        "application/logout+jwt",
        "JWT",
        "application/jwt",
    ] {
        let error = built(issuer().accept_type(typ)).expect_err("a foreign type");
        assert!(
            matches!(error, ConfigError::ForeignType(_)),
            "{typ}: {error:?}"
        );
    }
    let twice = support::with_rules(issuer(), &support::clock()).trusted_issuer(issuer());
    assert_eq!(
        twice.build().map(drop),
        Err(ConfigError::RepeatedIssuer(id()))
    );
    let slash: TrustedIssuer = TrustedIssuer::new(format!("{AS}/").parse().expect("an issuer"));
    let two = support::with_rules(issuer(), &support::clock()).trusted_issuer(slash);
    assert_eq!(
        two.build().map(drop),
        Ok(()),
        "another text is another issuer"
    );
}

#[test]
fn numbers_that_are_refused() {
    type Change = fn(GuardBuilder<Fixture, Ready>) -> GuardBuilder<Fixture, Ready>;
    let of = |change: Change| {
        let builder = support::with_rules(fixed(keys().to_string()), &support::clock());
        change(builder).build().map(drop)
    };
    let cases: [(Change, Result<(), ConfigError>); 21] = [
        (|b| b, Ok(())),
        (|b| b.leeway(TimeDelta::seconds(300)), Ok(())),
        (
            |b| b.leeway(TimeDelta::seconds(301)),
            Err(ConfigError::Leeway),
        ),
        (
            |b| b.leeway(TimeDelta::seconds(-1)),
            Err(ConfigError::Leeway),
        ),
        (|b| b.max_lifetime(TimeDelta::seconds(1)), Ok(())),
        (
            |b| b.max_lifetime(TimeDelta::zero()),
            Err(ConfigError::Lifetime),
        ),
        (
            |b| b.max_lifetime(TimeDelta::seconds(-1)),
            Err(ConfigError::Lifetime),
        ),
        (
            |b| b.max_lifetime(TimeDelta::MAX),
            Err(ConfigError::Lifetime),
        ),
        (|b| b.max_age(TimeDelta::seconds(1)), Ok(())),
        (|b| b.max_age(TimeDelta::zero()), Err(ConfigError::Lifetime)),
        (|b| b.limit(Quota::per_second(0)), Err(ConfigError::Quota)),
        (
            |b| b.limit(Quota::per_minute(9).burst(0)),
            Err(ConfigError::Quota),
        ),
        (
            |b| b.limit(Quota::per_hour(0).burst(9)),
            Err(ConfigError::Quota),
        ),
        (|b| b.limit(Quota::per_second(1_000_000_000)), Ok(())),
        (
            |b| b.limit(Quota::per_second(u32::MAX)),
            Err(ConfigError::Quota),
        ),
        (
            |b| b.limit(Quota::per_hour(1).burst(u32::MAX)),
            Err(ConfigError::Quota),
        ),
        (|b| b.limit(Quota::per_hour(0)).unlimited(), Ok(())),
        (|b| b.max_principals(0), Err(ConfigError::Quota)),
        (|b| b.max_principals(1), Ok(())),
        (|b| b.max_principals(0).unlimited(), Ok(())),
        (|b| b.max_revocations(0).max_token_length(0), Ok(())),
    ];
    for (at, (change, expected)) in cases.into_iter().enumerate() {
        assert_eq!(of(change), expected, "case {at}");
    }
}

#[test]
fn metadata_paths_that_collide() {
    let guard = |resource: &str, alias: bool| {
        let builder = Guard::<Fixture>::builder(resource.parse().expect("a resource"))
            .trusted_issuer(fixed(keys().to_string()));
        let builder = if alias { builder.root_alias() } else { builder };
        builder.build().expect("a guard")
    };
    let routes =
        |a: &Guard<Fixture>, b: &Guard<Fixture>| metadata_routes::<(), 2>([a, b]).map(drop);
    let here = guard("https://a.example/mcp", false);
    assert_eq!(
        routes(&here, &guard("https://a.example/other", false)),
        Ok(())
    );
    assert_eq!(
        routes(&here, &guard("https://a.example/mcp?t=1", false)),
        Ok(())
    );
    let path = M_PATH.to_owned();
    for (resource, at) in [
        ("https://a.example/mcp", path.clone()),
        ("https://b.example/mcp", path.clone()),
    ] {
        let collide = Err(ConfigError::MetadataPath(at.into()));
        assert_eq!(
            routes(&here, &guard(resource, false)),
            collide,
            "{resource}"
        );
    }
    let one = guard("https://a.example/mcp?t=1", false);
    let with_query = Err(ConfigError::MetadataPath(format!("{path}?t=1").into()));
    assert_eq!(
        routes(&one, &guard("https://b.example/mcp?t=1", false)),
        with_query
    );
    let root = Err(ConfigError::MetadataPath(
        "/.well-known/oauth-protected-resource".into(),
    ));
    let aliases = (
        guard("https://a.example/x", true),
        guard("https://a.example/y", true),
    );
    assert_eq!(routes(&aliases.0, &aliases.1), root);
}
