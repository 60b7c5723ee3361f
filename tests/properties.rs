//! What holds for any input: parsers never panic, what they accept is well-formed, and a verdict
//! depends on the token, the time and what was revoked, and on nothing else.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    reason = "a test that cannot go on must panic"
)]

mod support;

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use clearance::clock::Clock as _;
use clearance::id::{Issuer as IssuerId, Resource, Subject, TokenId};
use clearance::jwk::Algorithm;
use clearance::keys::FixedKeys;
use clearance::secret::BearerToken;
use clearance::testing::{Issuer, ManualClock};
use clearance::token::{Token, Unverified};
use clearance::{Authorized, Guard, TrustedIssuer};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use support::{Fixture, ToolsRead};
use tokio::runtime::Runtime;
use url::Url;

/// An issuer whose keys guards are given, and a runtime for the calls that may wait and never do.
struct World {
    runtime: Runtime,
    issuer: Issuer,
    now: DateTime<Utc>,
    guard: Guard<Fixture>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let clock = support::clock();
    let (runtime, issuer) = support::issuer_apart(&clock);
    World {
        guard: guard(&issuer, &clock),
        now: clock.now(),
        runtime,
        issuer,
    }
});

fn guard(issuer: &Issuer, clock: &ManualClock) -> Guard<Fixture> {
    let keys = FixedKeys::from_json(issuer.jwks());
    let rules = TrustedIssuer::with_keys(issuer.id().clone(), keys);
    let builder = support::with_rules(rules, clock).unlimited();
    builder.build().expect("a guard")
}

impl World {
    /// How far a token comes: the number of states that it reaches.
    fn states(&self, token: &str) -> usize {
        let Ok(token) = BearerToken::from_bytes(token.as_bytes()) else {
            return 0;
        };
        let Ok(token) = Token::<Unverified>::parse(token) else {
            return 0;
        };
        let Ok(keys) = self.runtime.block_on(self.guard.key_set(&token)) else {
            return 1;
        };
        let Ok(token) = token.verify_signature(&keys) else {
            return 1;
        };
        match token.verify_audience(self.guard.acceptance(), self.now) {
            Ok(_) => 3,
            Err(_) => 2,
        }
    }

    /// A token with this header and these claims, signed with the right key.
    fn sign(&self, header: &str, claims: &str) -> String {
        let token = self.issuer.token();
        token.raw_header(header).raw_payload(claims).mint()
    }
}

/// A JSON string with escapes, some of them wrong.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => any::<char>().prop_map(|c| Value::from(c.to_string()).to_string().trim_matches('"').to_owned()),
        2 => "[a-z:/.]{1,12}",
        1 => select(vec!["\\u0061", "\\ud83d\\ude00", "\\/", "\\n", "\\\"", "\\u0000"])
            .prop_map(str::to_owned),
        1 => select(vec!["\\ud800", "\\x", "\n", "\\", "\u{0}", "\\udc00\\ud800"])
            .prop_map(str::to_owned),
    ];
    vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// The name of a member: one that is read, perhaps with an escape, or any text.
fn name() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "client_id",
        "azp",
        "scope",
        "scp",
        "cnf",
        "nonce",
        "alg",
        "typ",
        "kid",
        "crit",
        "b64",
        "zip",
        "cty",
        "jwk",
        "jku",
        "x",
    ];
    prop_oneof![
        8 => select(KNOWN).prop_map(|name| format!("\"{name}\"")),
        1 => select(KNOWN).prop_map(|name| {
            let (first, rest) = name.split_at(1);
            format!("\"\\u{:04X}{rest}\"", u32::from(first.as_bytes()[0]))
        }),
        1 => text(),
    ]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        (1_767_225_000_i64..1_767_226_000).prop_map(|date| date.to_string()),
        "-?[0-9]{1,30}(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,4})?",
    ]
}

/// Any JSON value, as text that may not be quite right.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(vec![
            "null",
            "true",
            "false",
            "\"at+jwt\"",
            "\"EdDSA\"",
            "\"a b\""
        ])
        .prop_map(str::to_owned),
        number(),
        text(),
        Just("\"https://mcp.example.com/mcp\"".to_owned()),
    ];
    let deep = (1_usize..150).prop_map(|depth| {
        let (open, close) = ("[{\"x\":".repeat(depth), "}]".repeat(depth));
        format!("{open}0{close}")
    });
    let leaf = prop_oneof![20 => leaf, 1 => deep];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            vec((name(), inner), 0..5).prop_map(|members| object(&members)),
        ]
    })
}

fn object(members: &[(String, String)]) -> String {
    let members: Vec<String> = members.iter().map(|(n, v)| format!("{n}:{v}")).collect();
    format!("{{{}}}", members.join(", "))
}

/// An object, now and then with one character too many or too few.
fn document() -> impl Strategy<Value = String> {
    let whole = vec((name(), json()), 0..7).prop_map(|members| object(&members));
    let damage = proptest::option::weighted(0.1, (any::<Index>(), any::<Option<char>>()));
    (whole, damage).prop_map(|(text, damage)| match damage {
        None => text,
        Some((at, with)) => {
            let mut letters: Vec<char> = text.chars().collect();
            let at = at.index(letters.len());
            match with {
                Some(letter) => letters.insert(at, letter),
                None => drop(letters.remove(at)),
            }
            letters.into_iter().collect()
        }
    })
}

/// Members that make a token right, each there or not, and in front of what is arbitrary.
fn claims() -> impl Strategy<Value = String> {
    let issuer = WORLD.issuer.id();
    let right = [
        format!("\"iss\":\"{issuer}\""),
        "\"aud\":\"https://mcp.example.com/mcp\"".to_owned(),
        "\"sub\":\"s\"".to_owned(),
        "\"client_id\":\"c\"".to_owned(),
        "\"iat\":1767225590".to_owned(),
        "\"exp\":1767229200".to_owned(),
        "\"jti\":\"j\"".to_owned(),
    ];
    let missing = proptest::option::weighted(0.3, 1..right.len());
    (missing, document()).prop_map(move |(missing, rest)| {
        let mut members: Vec<&str> = right.iter().map(String::as_str).collect();
        if let Some(missing) = missing {
            members.remove(missing);
        }
        let rest = rest.strip_prefix('{').unwrap_or("");
        let comma = if rest.trim_start().starts_with('}') {
            ""
        } else {
            ","
        };
        format!("{{{}{comma}{rest}", members.join(","))
    })
}

/// Reads any JSON and refuses what has a member twice: an independent second opinion.
struct Strict;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(StrictVisitor)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Strict, A::Error> {
        let mut names = HashSet::new();
        while let Some((name, Strict)) = map.next_entry::<String, Strict>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("twice"));
            }
        }
        Ok(Strict)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Strict, A::Error> {
        while seq.next_element::<Strict>()?.is_some() {}
        Ok(Strict)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_str<E>(self, _: &str) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict)
    }
}

/// What the rest of the program relies on when a token was parsed.
fn assert_strict(header: &str, claims: &str) -> Result<(), TestCaseError> {
    for document in [header, claims] {
        prop_assert!(
            serde_json::from_str::<Strict>(document).is_ok(),
            "{document}"
        );
    }
    let header: Value = serde_json::from_str(header).unwrap();
    let claims: Value = serde_json::from_str(claims).unwrap();
    prop_assert!(
        header["alg"].is_string() && header["kid"].as_str().is_none_or(|k| k.len() <= 256)
    );
    prop_assert!(
        claims["iss"]
            .as_str()
            .is_some_and(|issuer| !issuer.is_empty())
    );
    for forbidden in ["crit", "b64", "zip", "cty"] {
        prop_assert!(header.get(forbidden).is_none());
    }
    for date in ["exp", "nbf", "iat"] {
        let value = claims.get(date).map(|date| date.as_f64().unwrap_or(-1.0));
        prop_assert!(value.is_none_or(|value| (0.0..253_402_300_800.0).contains(&value)));
    }
    Ok(())
}

/// One of the first, seldom one of the second.
fn mostly(usual: &'static [&str], odd: &'static [&str]) -> impl Strategy<Value = String> {
    prop_oneof![6 => select(usual), 1 => select(odd)].prop_map(str::to_owned)
}

/// Text that looks like a URI, more or less.
fn uri() -> impl Strategy<Value = String> {
    const ODD_HOSTS: &[&str] = &[
        "0x7f.1",
        "1.2.3",
        "2130706433",
        "256.1.1.1",
        "[::1",
        "[::ffff:127.0.0.1]",
        "a%2eexample",
        "ex%61mple.com",
        "%31%32%37.0.0.1",
        "a..b",
        "a.example.",
        "xn--nxasmq6b",
        "u@a.example",
        "u:p@a.example",
        "@a.example",
        ":@a.example",
        "",
        "%",
        "-",
        "*",
    ];
    let parts = (
        mostly(&["https", "http"], &["HTTPS", "Http", "ftp", "https:", ""]),
        mostly(&["://"], &[":///", ":////", "//", ":", ":/", ":\\\\"]),
        prop_oneof![
            3 => mostly(&["a.example", "A.Example", "127.0.0.1", "localhost", "[::1]"], ODD_HOSTS),
            1 => "[a-zA-Z0-9.%_~!$&'()*+,;=:@\\[\\]-]{0,12}",
        ],
        mostly(
            &["", ":443", ":80", ":8443"],
            &[":", ":0", ":00443", ":65536", ":x"],
        ),
        prop_oneof![
            2 => mostly(&["", "/", "/mcp", "/mcp/"], &["//", "//mcp", "/./m", "/a/../b", "/%2e%2e/"]),
            1 => "/[a-zA-Z0-9._~:/?@!$&'()*+,;=%\\[\\]-]{0,12}",
        ],
        prop_oneof![
            2 => mostly(&["", "?x=1"], &["?", "#", "#x", "?x#y", " ", "\t", "\\", "\n", "é"]),
            1 => "\\?[a-zA-Z0-9._~:/?@!$&'()*+,;=%\\[\\]-]{0,8}",
        ],
    );
    let built = parts.prop_map(|(scheme, slashes, host, port, path, rest)| {
        [scheme, slashes, host, port, path, rest].concat()
    });
    prop_oneof![12 => built, 1 => any::<String>(), 1 => "https://.{0,20}"]
}

/// A published key of arbitrary members, most of them of a kind that is looked at.
fn key() -> impl Strategy<Value = String> {
    let bytes = prop_oneof![
        select(vec![
            1_usize, 3, 31, 32, 33, 48, 66, 128, 256, 257, 512, 1_024, 1_025
        ]),
        0_usize..70,
    ];
    let number = (bytes, any::<u8>(), any::<bool>()).prop_map(|(length, fill, odd)| {
        let mut bytes = vec![fill; length];
        if let Some(last) = bytes.last_mut() {
            *last |= u8::from(odd);
        }
        format!("\"{}\"", URL_SAFE_NO_PAD.encode(bytes))
    });
    let exponent = select(vec!["\"AQAB\"", "\"AQ\"", "\"Aw\"", "\"\"", "\"AQAAAAE\""]);
    let word = |words: &[&'static str]| {
        let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        prop_oneof![9 => select(words), 1 => json()]
    };
    let member = prop_oneof![
        word(&["RSA", "EC", "OKP", "oct", "X"]).prop_map(|v| ("\"kty\"".to_owned(), v)),
        word(&["P-256", "P-384", "P-521", "Ed25519", "X25519"])
            .prop_map(|v| ("\"crv\"".to_owned(), v)),
        word(&["RS256", "ES256", "EdDSA", "HS256", "none"]).prop_map(|v| ("\"alg\"".to_owned(), v)),
        word(&["sig", "enc"]).prop_map(|v| ("\"use\"".to_owned(), v)),
        (
            select(vec!["\"n\"", "\"x\"", "\"y\"", "\"k\"", "\"d\""]),
            number
        )
            .prop_map(|(n, v)| (n.to_owned(), v)),
        exponent.prop_map(|v| ("\"e\"".to_owned(), v.to_owned())),
        (select(vec!["\"kid\"", "\"key_ops\"", "\"x5c\""]), json())
            .prop_map(|(n, v)| (n.to_owned(), v)),
        (name(), json()),
    ];
    vec(member, 0..9).prop_map(|members| object(&members))
}

fn built_with(document: impl AsRef<[u8]>) -> Option<Guard<Fixture>> {
    let rules = TrustedIssuer::with_keys(WORLD.issuer.id().clone(), FixedKeys::from_json(document));
    let rules = rules.only_algorithms(&Algorithm::ALL);
    let clock = ManualClock::new(WORLD.now);
    support::with_rules(rules, &clock).unlimited().build().ok()
}

/// What may happen to a guard.
#[derive(Clone, Debug)]
enum Step {
    Ask(usize),
    RevokeToken(usize),
    RevokeSubject(usize),
    /// In seconds; clocks may be set back.
    Move(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..tokens().len()).prop_map(Step::Ask),
        1 => (0..3_usize).prop_map(Step::RevokeToken),
        1 => (0..3_usize).prop_map(Step::RevokeSubject),
        2 => (-100_i64..400).prop_map(Step::Move),
    ]
}

/// Tokens that differ in verdict, some of them by time. The first three have names.
fn tokens() -> &'static [String] {
    static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let token = || WORLD.issuer.token().scope("mcp:tools.read");
        let at = |seconds| WORLD.now + TimeDelta::seconds(seconds);
        let named = |number| {
            token()
                .token_id(&format!("t{number}"))
                .subject(&format!("s{number}"))
        };
        vec![
            named(0).mint(),
            named(1).expires_at(at(300)).mint(),
            named(2).issued_at(at(-1_000)).mint(),
            token()
                .subject("s0")
                .issued_at(at(200))
                .expires_at(at(3_000))
                .mint(),
            token().scope("a").mint(),
            token().expired().mint(),
            token().claim("nbf", at(400).timestamp()).mint(),
            token().wrong_audience().mint(),
            token().wrong_signature().mint(),
            token().unknown_key().mint(),
            token().wrong_issuer().mint(),
            "garbage".to_owned(),
        ]
    });
    &TOKENS
}

/// A guard's verdict on one token, as a stable code.
fn verdict(guard: &Guard<Fixture>, token: &str) -> &'static str {
    let request = http::Request::get("/mcp").header("authorization", format!("Bearer {token}"));
    let (mut parts, ()) = request.body(()).expect("a request").into_parts();
    let asked = WORLD.runtime.block_on(guard.authorize(&mut parts));
    match asked {
        Ok(Authorized::<ToolsRead> { .. }) => "authorized",
        Err(refusal) => refusal.reason().code().as_str(),
    }
}

/// Revokes as the step says.
fn revoke(guard: &Guard<Fixture>, step: &Step) {
    let issuer = WORLD.issuer.id();
    let list = guard.revocations();
    let taken = match step {
        Step::RevokeToken(number) => list.revoke_token(issuer, &TokenId::new(format!("t{number}"))),
        Step::RevokeSubject(number) => {
            list.revoke_subject(issuer, &Subject::new(format!("s{number}")))
        }
        Step::Ask(_) | Step::Move(_) => Ok(()),
    };
    taken.expect("room for a revocation");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_a_credential_or_not(bytes in prop_oneof![
        vec(any::<u8>(), 0..200),
        "[a-zA-Z0-9._~+/-]{0,40}={0,3}[a-z=]{0,2}".prop_map(String::into_bytes),
    ]) {
        let body = bytes.iter().rposition(|&byte| byte != b'=').map_or(&[][..], |at| &bytes[..=at]);
        let is_token = !body.is_empty()
            && body.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte));
        let token = BearerToken::from_bytes(&bytes);
        prop_assert_eq!(token.is_ok(), is_token);
        if let Ok(token) = token {
            prop_assert_eq!(format!("{token:?}"), "BearerToken(..)");
            Token::<Unverified>::parse(token).ok();
        }
    }

    #[test]
    fn any_text_is_a_token_or_not(text in prop_oneof![
        "[a-zA-Z0-9._~+/=-]{0,200}",
        "([A-Za-z0-9_-]{0,40}\\.){0,4}[A-Za-z0-9_-]{0,40}",
        any::<String>(),
    ]) {
        prop_assert!(WORLD.states(&text) <= 1);
    }

    #[test]
    fn any_three_segments_are_a_token_or_not(parts in prop::array::uniform3(vec(any::<u8>(), 0..100))) {
        let parts = parts.map(|part| URL_SAFE_NO_PAD.encode(part));
        prop_assert!(WORLD.states(&parts.join(".")) <= 1);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_json_is_read_strictly_or_refused(header in document(), claims in document()) {
        let token = WORLD.sign(&header, &claims);
        let states = WORLD.states(&token);
        if states > 0 {
            assert_strict(&header, r#"{"iss":"any"}"#)?;
        }
        // The claims are read when the signature is known to match.
        if states > 1 {
            assert_strict(&header, &claims)?;
        }
    }

    #[test]
    fn any_claims_are_read_strictly_or_refused(claims in claims()) {
        let header = WORLD.issuer.token().header_json();
        let token = WORLD.sign(&header, &claims);
        let states = WORLD.states(&token);
        // Genuine, whatever else is wrong with it.
        prop_assert!(states >= 1);
        if states > 1 {
            assert_strict(&header, &claims)?;
        }
        if states == 3 {
            let claims: Value = serde_json::from_str(&claims).unwrap();
            for name in ["sub", "client_id", "jti"] {
                prop_assert!(claims[name].as_str().is_some_and(|text| !text.is_empty()));
            }
            prop_assert!(claims.get("cnf").is_none());
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn any_text_is_an_identifier_or_not(text in uri()) {
        if let Ok(resource) = text.parse::<Resource>() {
            prop_assert_eq!(resource.as_str(), &text);
            let metadata = resource.metadata_url();
            let uri = metadata.parse::<http::Uri>();
            prop_assert!(uri.is_ok(), "{}: {}", text, metadata);
            let uri = uri.unwrap();
            prop_assert!(uri.path().starts_with("/.well-known/oauth-protected-resource"));
            // The same scheme and authority, letter for letter, and what follows survives.
            let authority = uri.authority().map_or("", http::uri::Authority::as_str);
            let origin = format!("{}://{authority}", uri.scheme_str().unwrap_or_default());
            let (same, rest) = metadata.split_at_checked(origin.len()).unwrap_or_default();
            prop_assert!(same.eq_ignore_ascii_case(&origin), "{}", metadata);
            prop_assert!(text.starts_with(same));
            let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
            prop_assert_eq!(rest, format!("{}{query}", uri.path()));
            let (before, after) = (Url::parse(&text).unwrap(), Url::parse(&metadata).unwrap());
            prop_assert_eq!(before.origin(), after.origin());
            prop_assert_eq!(before.query(), after.query());
        }
        if let Ok(issuer) = text.parse::<IssuerId>() {
            prop_assert_eq!(issuer.as_str(), &text);
            prop_assert!(text.parse::<Resource>().is_ok());
            prop_assert!(!text.contains(['?', '#']));
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_a_key_set_or_not(bytes in prop_oneof![
        vec(any::<u8>(), 0..100),
        json().prop_map(String::into_bytes),
        json().prop_map(|keys| format!("{{\"keys\":{keys}}}").into_bytes()),
        vec(json(), 0..70).prop_map(|keys| format!("{{\"keys\":[{}]}}", keys.join(",")).into_bytes()),
    ]) {
        built_with(bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is published beside it, the good key verifies, unless the document is none.
    #[test]
    fn any_keys_beside_a_good_one_do_no_harm(keys in vec(key(), 0..6), at in any::<Index>()) {
        let own: Value = serde_json::from_str(&WORLD.issuer.jwks()).unwrap();
        let mut all = keys;
        all.insert(at.index(all.len() + 1), own["keys"][0].to_string());
        let document = format!("{{\"keys\":[{}]}}", all.join(","));
        let is_json = serde_json::from_str::<Value>(&document).is_ok();
        let guard = built_with(document);
        prop_assert_eq!(guard.is_some(), is_json);
        if let Some(guard) = guard {
            prop_assert_eq!(verdict(&guard, &tokens()[0]), "authorized");
            prop_assert_eq!(verdict(&guard, &tokens()[8]), "bad_signature");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// A guard that has seen much says what a guard says that has seen nothing but the same
    /// revocations.
    #[test]
    fn a_verdict_depends_on_token_time_and_revocations_only(steps in vec(step(), 1..40)) {
        let clock = ManualClock::new(WORLD.now);
        let old = guard(&WORLD.issuer, &clock);
        let mut revoked = Vec::new();
        for step in steps {
            match step {
                Step::Move(seconds) => clock.advance(TimeDelta::seconds(seconds)),
                Step::RevokeToken(_) | Step::RevokeSubject(_) => {
                    revoke(&old, &step);
                    revoked.push((clock.now(), step));
                }
                Step::Ask(number) => {
                    let now = clock.now();
                    let own_clock = ManualClock::new(WORLD.now);
                    let fresh = guard(&WORLD.issuer, &own_clock);
                    for (at, step) in &revoked {
                        own_clock.set(*at);
                        revoke(&fresh, step);
                    }
                    own_clock.set(now);
                    let token = &tokens()[number];
                    prop_assert_eq!(verdict(&old, token), verdict(&fresh, token));
                }
            }
        }
    }
}

/// The generators reach what they are for: otherwise the properties above would say little.
#[test]
fn the_generators_reach_every_state() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let header = WORLD.issuer.token().header_json();
    let mut reached = [0_usize; 4];
    for _ in 0..500 {
        let claims = claims().new_tree(&mut runner).unwrap().current();
        reached[WORLD.states(&WORLD.sign(&header, &claims))] += 1;
    }
    assert!(
        reached[1] > 20 && reached[2] > 20 && reached[3] > 20,
        "{reached:?}"
    );
    let all: HashSet<&str> = tokens()
        .iter()
        .map(|token| verdict(&WORLD.guard, token))
        .collect();
    assert!(all.len() >= 9, "{all:?}");
    let accepted = (0..500).filter(|_| {
        let text = uri().new_tree(&mut runner).unwrap().current();
        text.parse::<Resource>().is_ok()
    });
    assert!(accepted.count() > 50);
}
