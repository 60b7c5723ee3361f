//! What a token looks like before anything in it counts: segments, base64url, JSON, header.
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

use std::iter;

use clearance::jwk::Algorithm;
use serde_json::json;
use support::tokens::{Table, b64, respelled, segments, signed, t0, with_member};

/// RS-045
#[tokio::test]
async fn a_token_has_three_segments() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let token = t0(&server.issuer).mint();
    let [header, payload, signature] = segments(&token);
    table.accepts("three", &token).await;
    for (case, token) in [
        ("one", "a".to_owned()),
        ("two", "a.b".to_owned()),
        ("four", "a.b.c.d".to_owned()),
        ("five, as in JWE", "a.b.c.d.e".to_owned()),
        ("a dot after it", format!("{token}.")),
        ("a dot before it", format!(".{token}")),
        ("unsigned", format!("{header}.{payload}")),
        ("the signature twice", format!("{token}.{signature}")),
        (
            "an empty segment",
            format!("{header}..{payload}.{signature}"),
        ),
    ] {
        table.refuses(case, &token, "malformed_segments").await;
    }
    for (case, token) in [("three, all empty", ".."), ("many dots", "....")] {
        table.refuses_anyhow(case, token).await;
    }
    // RFC 7515 section 7.2: the JSON serialization, as it is and in base64url.
    let json = json!({ "payload": payload, "protected": header, "signature": signature });
    table.malformed("JSON", json.to_string().as_bytes()).await;
    table
        .refuses(
            "JSON in base64url",
            &b64(json.to_string()),
            "malformed_segments",
        )
        .await;
}

/// RS-046
#[tokio::test]
async fn base64url_has_one_spelling() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    // Spare bits in every segment, and a signature in which the alphabets differ.
    let token = (0..100_000)
        .map(|n| {
            t0(issuer)
                .token_id(&"x".repeat(n % 3 + 1))
                .header("x", "y".repeat(n / 3 % 3))
        })
        .map(|builder| builder.mint())
        .find(|token| {
            let [header, payload, signature] = segments(token);
            !header.len().is_multiple_of(4)
                && !payload.len().is_multiple_of(4)
                && signature.contains('-')
                && signature.contains('_')
        })
        .expect("a token");
    let [header, payload, signature] = segments(&token);
    table.accepts("as minted", &token).await;

    // Signed as they stand, so that only the spelling is wrong.
    let again = |header: &str, payload: &str| signed(issuer, Algorithm::ES256, header, payload);
    table.accepts("signed again", &again(header, payload)).await;
    for (case, header, payload) in [
        ("header, spare bits", respelled(header), payload.to_owned()),
        ("payload, spare bits", header.to_owned(), respelled(payload)),
        (
            "header, length",
            format!("{header}{}", "A".repeat(5 - header.len() % 4)),
            payload.to_owned(),
        ),
        ("payload, `+`", header.to_owned(), format!("+{payload}")),
        ("payload, `/`", header.to_owned(), format!("{payload}/")),
        ("payload, `~`", header.to_owned(), format!("{payload}~")),
        ("header, empty", String::new(), payload.to_owned()),
        ("payload, empty", header.to_owned(), String::new()),
    ] {
        let token = again(&header, &payload);
        let empty = header.is_empty() || payload.is_empty();
        let code = if empty {
            "malformed_json"
        } else {
            "malformed_base64"
        };
        table.refuses(case, &token, code).await;
    }
    let with = |signature: &str| format!("{header}.{payload}.{signature}");
    for (case, token) in [
        ("signature, spare bits", with(&respelled(signature))),
        ("signature, `+` for `-`", with(&signature.replace('-', "+"))),
        ("signature, `/` for `_`", with(&signature.replace('_', "/"))),
        ("signature, length", with(&format!("{signature}AAA"))),
        ("signature, padded", with(&format!("{signature}="))),
        ("signature, padded well", with(&format!("{signature}=="))),
        ("signature, empty", with("")),
    ] {
        table.refuses(case, &token, "bad_signature").await;
    }
    let padded = format!("{header}=.{payload}.{signature}");
    table.malformed("padding inside", padded.as_bytes()).await;
    let spaced = format!("{header}. {payload}.{signature}");
    table.malformed("a space inside", spaced.as_bytes()).await;
    let folded = format!("{header}.\t{payload}.{signature}");
    table.malformed("a tab inside", folded.as_bytes()).await;
}

/// Makes a token around a header or a payload.
type Mint<'a> = dyn Fn(&[u8]) -> String + 'a;

/// RS-047
#[tokio::test]
async fn header_and_payload_are_one_strict_json_object_each() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let (header, payload) = (t0(issuer).header_json(), t0(issuer).payload_json());
    let with_header = |text: &[u8]| t0(issuer).raw_header(text).mint();
    let with_payload = |text: &[u8]| t0(issuer).raw_payload(text).mint();
    table
        .accepts("header as it is", &with_header(header.as_bytes()))
        .await;
    table
        .accepts("payload as it is", &with_payload(payload.as_bytes()))
        .await;
    table
        .accepts(
            "blanks around",
            &with_payload(format!(" {payload}\n").as_bytes()),
        )
        .await;

    let places: [(&str, &str, &Mint<'_>); 2] = [
        ("header", &header, &with_header),
        ("payload", &payload, &with_payload),
    ];
    for (of, text, mint) in places {
        for (case, bytes) in [
            ("an array", b"[1]".to_vec()),
            ("a string", b"\"x\"".to_vec()),
            ("nothing", Vec::new()),
            ("an array around it", format!("[{text}]").into_bytes()),
            ("trailing bytes", format!("{text} x").into_bytes()),
            ("two objects", format!("{text}{text}").into_bytes()),
            ("a null byte", format!("{text}\0").into_bytes()),
            ("a BOM", [b"\xEF\xBB\xBF", text.as_bytes()].concat()),
            (
                "UTF-16",
                text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            ),
            ("cut short", text.as_bytes()[..text.len() - 1].to_vec()),
        ] {
            let code = reason_of(&server, &mint(&bytes)).await;
            assert!(
                matches!(code, "malformed_json" | "malformed_member"),
                "{of}, {case}: {code}"
            );
            table.refuses_anyhow(case, &mint(&bytes)).await;
        }
    }
    for (case, member) in [
        ("aud", r#""aud":"x""#),
        ("aud, escaped", r#""\u0061ud":"x""#),
        ("unknown", r#""x":1,"x":1"#),
        ("unknown, escaped", r#""x":1,"\u0078":1"#),
        ("inside another", r#""x":{"y":1,"y":1}"#),
        ("inside arrays", r#""x":[[{"y":1,"\u0079":1}]]"#),
        ("inside a claim that is read", r#""azp":{"y":1,"y":1}"#),
    ] {
        let token = with_payload(with_member(&payload, member).as_bytes());
        table.refuses(case, &token, "duplicate_member").await;
    }
    for member in [r#""typ":"at+jwt""#, r#""\u006bid":"x""#, r#""x":1,"x":2"#] {
        let token = with_header(with_member(&header, member).as_bytes());
        table.refuses(member, &token, "duplicate_member").await;
    }
}

async fn reason_of(server: &support::Server, token: &str) -> &'static str {
    support::tokens::reason(&server.app.guard, token).await
}

/// RS-047: at most 16 levels and 256 members.
#[tokio::test]
async fn json_is_bounded() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let arrays = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let objects = |levels: usize| format!("{}1{}", r#"{"x":"#.repeat(levels), "}".repeat(levels));
    // Claims that are read by some issuers' rules, and one that nobody reads. The claims set
    // itself is the first level.
    for name in ["x", "scp", "azp", "cid", "appid"] {
        let kinds: [(&str, &dyn Fn(usize) -> String); 2] =
            [("arrays", &arrays), ("objects", &objects)];
        for (kind, nested) in kinds {
            let token = |levels| t0(issuer).claim_text(name, &nested(levels)).mint();
            let case = format!("{name}, {kind}");
            table.accepts(&case, &token(15)).await;
            table.refuses(&case, &token(16), "token_too_complex").await;
            table.refuses(&case, &token(64), "token_too_complex").await;
        }
    }
    let mixed = |levels: usize| format!("[{}]", objects(levels - 1));
    for name in ["x", "scp"] {
        let token = |levels| t0(issuer).claim_text(name, &mixed(levels)).mint();
        table.accepts("mixed", &token(15)).await;
        table
            .refuses("mixed", &token(16), "token_too_complex")
            .await;
    }
    let token = |levels| t0(issuer).header_text("x", &arrays(levels)).mint();
    table.accepts("header", &token(15)).await;
    table
        .refuses("header", &token(16), "token_too_complex")
        .await;

    // The claims of t0 are eight.
    let members = |count: usize| {
        let more: Vec<_> = (0..count - 8).map(|n| format!(r#""m{n}":1"#)).collect();
        with_member(&t0(issuer).payload_json(), &more.join(","))
    };
    let token = |count| t0(issuer).raw_payload(members(count)).mint();
    table.accepts("256 members", &token(256)).await;
    table
        .refuses("257 members", &token(257), "token_too_complex")
        .await;
    let inner: Vec<_> = (0..248).map(|n| format!(r#""m{n}":1"#)).collect();
    let nested = format!("{{{}}}", inner.join(","));
    let token = t0(issuer).claim_text("x", &nested).mint();
    table
        .refuses("257, most of them inside", &token, "token_too_complex")
        .await;
}

/// RS-048
#[tokio::test]
async fn algorithms_are_those_of_the_configuration() {
    let server = support::server_with(|rules| rules, |builder| builder).await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    table.accepts("ES256", &t0(issuer).mint()).await;
    for alg in [
        "none", "None", "NONE", "", "HS256", "HS384", "HS512", "es256", "Es256", "ES256 ", "RS1",
        "ES256K", "RSA-OAEP", "dir", "A128KW", "EdDsa",
    ] {
        let token = t0(issuer).header("alg", alg).mint();
        table.refuses(alg, &token, "algorithm_not_allowed").await;
    }
    let missing = t0(issuer).without_header("alg").mint();
    table
        .refuses("missing", &missing, "algorithm_not_allowed")
        .await;
    for text in ["null", "[]", "[\"ES256\"]", "{}", "256", "true"] {
        let token = t0(issuer).header_text("alg", text).mint();
        table.refuses(text, &token, "malformed_member").await;
    }
    // Known to the library, and not allowed unless the configuration says so.
    for alg in ["RS384", "RS512", "PS384", "PS512", "ES512"] {
        let token = t0(issuer).header("alg", alg).mint();
        table.refuses(alg, &token, "unsuitable_key").await;
    }
}

/// RS-048: what is allowed if nothing is said.
#[tokio::test]
async fn five_algorithms_are_standard() {
    let clock = support::clock();
    let issuer = clearance::testing::Issuer::builder(support::resource())
        .clock(std::sync::Arc::new(clock.clone()))
        .algorithms(Algorithm::STANDARD)
        .start()
        .await
        .expect("an issuer");
    let guard = support::strict(&issuer, &clock).build().expect("a guard");
    guard.ready().await.expect("keys");
    let server = support::serve(issuer, clock, guard).await;
    let table = Table::of(&server).await;
    for algorithm in Algorithm::STANDARD {
        let token = t0(&server.issuer).signed_by(algorithm);
        table.accepts(algorithm.as_str(), &token.mint()).await;
        table
            .refuses(
                algorithm.as_str(),
                &token.wrong_signature().mint(),
                "bad_signature",
            )
            .await;
    }
}

/// RS-053
#[tokio::test]
async fn critical_extensions_are_refused() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let plain = t0(issuer).header("exp", 1).header("x", 1).mint();
    table.accepts("not critical", &plain).await;
    for crit in [
        r#"["exp"]"#,
        "[]",
        r#""b64""#,
        r#"["x"]"#,
        r#"["y"]"#,
        r#"["x","x"]"#,
        r#"["alg"]"#,
        "null",
        "{}",
        "7",
        "[7]",
        r#"[""]"#,
        "false",
    ] {
        let token = t0(issuer)
            .header("exp", 1)
            .header("x", 1)
            .header_text("crit", crit)
            .mint();
        table.refuses(crit, &token, "critical_header").await;
    }
    let b64 = t0(issuer)
        .header_text("crit", r#"["b64"]"#)
        .header("b64", false)
        .mint();
    table.refuses("b64", &b64, "critical_header").await;
    let escaped = with_member(&t0(issuer).header_json(), r#""\u0063rit":["x"]"#);
    let token = t0(issuer).raw_header(escaped).mint();
    table.refuses("escaped", &token, "critical_header").await;
}

/// RS-054
#[tokio::test]
async fn content_is_plain() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    table.accepts("plain", &t0(issuer).mint()).await;
    let nested = t0(issuer).mint();
    for (case, token) in [
        ("zip", t0(issuer).header("zip", "DEF")),
        (
            "zip, compressed",
            t0(issuer).header("zip", "DEF").raw_payload(*b"\x03\x00"),
        ),
        ("b64 without crit", t0(issuer).header("b64", false)),
        ("cty", t0(issuer).header("cty", "JWT")),
        (
            "nested",
            t0(issuer)
                .header("cty", "JWT")
                .raw_payload(nested.as_bytes()),
        ),
    ] {
        let token = token.mint();
        table.refuses(case, &token, "encoded_content").await;
    }
    let silent = t0(issuer).raw_payload(nested.as_bytes()).mint();
    table.refuses_anyhow("nested, not announced", &silent).await;
}

/// RS-056: what is not a name of a key costs no request to the issuer, also when one is due.
#[tokio::test]
async fn key_names_are_bounded_text() {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let long: String = iter::repeat_n('k', 256).collect();
    let mut jwk = issuer.public_jwk("es256-1").expect("a key");
    jwk["kid"] = json!(long);
    let mut too_long = jwk.clone();
    too_long["kid"] = json!(format!("{long}k"));
    issuer.publish_jwks(json!({ "keys": [jwk, too_long] }).to_string());
    let guard = support::strict(&issuer, &clock).build().expect("a guard");
    guard.ready().await.expect("keys");
    let server = support::serve(issuer, clock, guard).await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    table
        .accepts("256 bytes", &t0(issuer).header("kid", long.as_str()).mint())
        .await;

    server.clock.advance(chrono::TimeDelta::seconds(31));
    let hits = issuer.jwks_hits();
    for text in ["7", "null", "true", "[]", r#"["es256-1"]"#, "{}"] {
        let token = t0(issuer).header_text("kid", text).mint();
        table.refuses(text, &token, "malformed_member").await;
    }
    for length in [257, 300, 4096] {
        let token = t0(issuer).header("kid", "k".repeat(length)).mint();
        table.refuses("long", &token, "key_id_too_long").await;
    }
    assert_eq!(issuer.jwks_hits(), hits, "the issuer was asked");
    let unknown = t0(issuer).header("kid", "k").mint();
    table.refuses("unknown", &unknown, "unknown_key").await;
    assert_eq!(
        issuer.jwks_hits(),
        hits + 1,
        "no refresh was due, so the above proves nothing"
    );
}
