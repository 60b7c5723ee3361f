//! Tokens whose header or claims are made to be read in more than one way. Where not said otherwise
//! they are really signed by the issuer, so that nothing but the content refuses them.
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
use clearance::clock::Clock as _;
use clearance::jwk::Algorithm;
use clearance::secret::BearerToken;
use serde_json::json;
use support::E;
use support::tokens::{Table, b64, patient, reason, respelled, segments, signed, t0, with_member};

/// A-05
#[tokio::test]
async fn critical_extensions_and_unencoded_payloads() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let with = |crit: &str| t0(issuer).header_text("crit", crit);
    table
        .accepts("without", &t0(issuer).header("http://x", 1).mint())
        .await;
    for (case, token) in [
        ("b64", with(r#"["b64"]"#).header("b64", false)),
        ("b64, true", with(r#"["b64"]"#).header("b64", true)),
        ("b64, not critical", t0(issuer).header("b64", false)),
        (
            "b64, a second time",
            with(r#"["b64","b64"]"#).header("b64", false),
        ),
        (
            "an extension that is there",
            with(r#"["http://x"]"#).header("http://x", 1),
        ),
        ("empty", with("[]")),
        ("a registered name", with(r#"["alg"]"#)),
        ("another registered name", with(r#"["kid","typ"]"#)),
        ("twice", with(r#"["x","x"]"#).header("x", 1)),
        ("null", with("null")),
        (
            "deep",
            with(&format!("{}{}", "[".repeat(100), "]".repeat(100))),
        ),
    ] {
        let token = token.mint();
        let code = if case == "b64, not critical" {
            "encoded_content"
        } else {
            "critical_header"
        };
        table.refuses(case, &token, code).await;
    }
    // RFC 7797: the signature covers the payload as it stands between the dots. It has no dots and
    // no quotation marks here, or the credential would be malformed before.
    let header = r#"{"alg":"ES256","kid":"es256-1","typ":"at+jwt","crit":["b64"],"b64":false}"#;
    let payload = b64(t0(issuer).payload_json());
    let token = signed(issuer, Algorithm::ES256, &b64(header), &payload);
    table.refuses("unencoded", &token, "critical_header").await;
    let claims = t0(issuer).payload_json();
    let token = signed(issuer, Algorithm::ES256, &b64(header), &claims);
    table.malformed("unencoded JSON", token.as_bytes()).await;
}

/// A DEFLATE stream (RFC 1951 section 3.2.6) of so many times 258 zeros.
fn bomb(repeats: usize) -> Vec<u8> {
    let most_first = |code: u16, length: u32| (0..length).rev().map(move |at| code >> at & 1 == 1);
    // The last block, fixed codes; one zero; the longest match at distance one; the end.
    let mut bits = vec![true, true, false];
    bits.extend(most_first(0b0011_0000, 8));
    for _ in 0..repeats {
        bits.extend(most_first(0b1100_0101, 8).chain(most_first(0, 5)));
    }
    bits.extend(most_first(0, 7));
    let byte = |bits: &[bool]| {
        bits.iter()
            .rev()
            .fold(0, |sum, bit| sum << 1 | u8::from(*bit))
    };
    bits.chunks(8).map(byte).collect()
}

/// A-06
#[tokio::test]
async fn nested_encrypted_and_compressed_content() {
    let server = patient().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let inner = t0(issuer).mint();
    table.accepts("inner", &inner).await;
    // 40 MB behind 200 KB.
    let bomb = bomb(160_000);
    for (case, token) in [
        (
            "nested",
            t0(issuer)
                .header("cty", "JWT")
                .raw_payload(inner.as_bytes()),
        ),
        (
            "nested, lower case",
            t0(issuer)
                .header("cty", "jwt")
                .raw_payload(inner.as_bytes()),
        ),
        ("nested, by name only", t0(issuer).header("cty", "JWT")),
        ("zip, not compressed", t0(issuer).header("zip", "DEF")),
    ] {
        table.refuses(case, &token.mint(), "encoded_content").await;
    }
    let silent = t0(issuer).raw_payload(inner.as_bytes()).mint();
    table.refuses_anyhow("nested, not announced", &silent).await;
    for name in ["DEF", "GZIP"] {
        let token = t0(issuer).header("zip", name).raw_payload(bomb.clone());
        table.refuses_anyhow(name, &token.mint()).await;
    }
    let silent = t0(issuer).raw_payload(bomb).mint();
    table
        .refuses_anyhow("compressed, not announced", &silent)
        .await;

    let part = b64([7; 32]);
    for header in [
        json!({ "alg": "RSA-OAEP", "enc": "A256GCM" }),
        json!({ "alg": "RSA-OAEP-256", "enc": "A256GCM", "zip": "DEF" }),
        json!({ "alg": "dir", "enc": "A256GCM" }),
        json!({ "alg": "ECDH-ES", "enc": "A128GCM", "epk": { "kty": "EC" } }),
        json!({ "alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2s": "AA", "p2c": 100_000_000 }),
        json!({ "alg": "PBES2-HS512+A256KW", "enc": "A128GCM", "p2s": "AA", "p2c": 2_147_483_647 }),
    ] {
        let case = header["alg"].as_str().expect("text");
        let head = b64(header.to_string());
        let token = format!("{head}.{part}.{part}.{part}.{part}");
        table.refuses(case, &token, "malformed_segments").await;
        let direct = format!("{head}..{part}.{part}.{part}");
        table.refuses(case, &direct, "malformed_segments").await;
        let as_signed = t0(issuer).raw_header(header.to_string()).mint();
        table.refuses_anyhow(case, &as_signed).await;
        let beside = t0(issuer)
            .header("enc", "A128GCM")
            .header("alg", case)
            .mint();
        table.refuses(case, &beside, "algorithm_not_allowed").await;
    }
}

/// A-07
#[tokio::test]
async fn other_spellings_of_one_token() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let token = (1..100_000)
        .map(|n| {
            t0(issuer)
                .header("x", "y".repeat(n % 3))
                .token_id(&"x".repeat(n))
                .mint()
        })
        .find(|token| {
            let [header, payload, signature] = segments(token);
            let spare = |segment: &str| !segment.len().is_multiple_of(4);
            spare(header) && spare(payload) && signature.contains('-') && signature.contains('_')
        })
        .expect("a token");
    let [header, payload, signature] = segments(&token);
    table.accepts("as minted", &token).await;
    let again = |header: &str, payload: &str| signed(issuer, Algorithm::ES256, header, payload);
    for (case, token, code) in [
        (
            "header, bits",
            again(&respelled(header), payload),
            "malformed_base64",
        ),
        (
            "payload, bits",
            again(header, &respelled(payload)),
            "malformed_base64",
        ),
        (
            "header, bits, not signed",
            format!("{}.{payload}.{signature}", respelled(header)),
            "malformed_base64",
        ),
        (
            "signature, bits",
            format!("{header}.{payload}.{}", respelled(signature)),
            "bad_signature",
        ),
        ("signature, =", format!("{token}="), "bad_signature"),
        ("signature, ==", format!("{token}=="), "bad_signature"),
        ("signature, ====", format!("{token}===="), "bad_signature"),
        (
            "signature, other alphabet",
            token.replace('-', "+").replace('_', "/"),
            "bad_signature",
        ),
        ("~ for -", token.replace('-', "~"), "bad_signature"),
    ] {
        table.refuses(case, &token, code).await;
    }
    let encoded = token.replace('-', "%2D");
    for (case, text) in [
        ("%2E", token.replace('.', "%2E")),
        ("URL-encoded", encoded),
        ("= inside", format!("{header}=.{payload}.{signature}")),
        ("a space", token.replacen('.', ". ", 1)),
        ("a tab", token.replacen('.', ".\t", 1)),
        ("a comma", format!("{token},{token}")),
        ("quotation marks", format!("\"{token}\"")),
        (
            "a full stop of another script",
            token.replacen('.', "\u{3002}", 1),
        ),
        ("another token behind it", format!("{token} {token}")),
    ] {
        table.malformed(case, text.as_bytes()).await;
    }
    // These never get past the HTTP layer, so the parser is asked as well.
    for (case, text) in [
        ("LF", token.replacen('.', ".\n", 1)),
        ("CR LF", token.replacen('.', ".\r\n", 1)),
        ("null", token.replacen('.', ".\0", 1)),
    ] {
        let value = format!("Bearer {text}");
        let answer = server.with_authorization("/mcp", value.as_bytes()).await;
        assert_eq!(answer.status, 400, "{case}: {answer:?}");
        answer.assert_silent_about(&token);
        assert!(BearerToken::from_bytes(text.as_bytes()).is_err(), "{case}");
    }
    table.accepts("still", &token).await;
}

/// A-08
#[tokio::test]
async fn documents_that_parsers_read_differently() {
    let server = support::server().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let payload = t0(issuer).payload_json();
    let header = t0(issuer).header_json();
    let claims = |bytes: &[u8]| t0(issuer).raw_payload(bytes).mint();
    table.accepts("as it is", &claims(payload.as_bytes())).await;
    table
        .accepts(
            "one more member",
            &claims(with_member(&payload, r#""x":"\ud83d\ude00""#).as_bytes()),
        )
        .await;
    let front = |member: &str| payload.replacen('{', &format!("{{{member},"), 1);
    for (case, text) in [
        ("aud before", front(r#""aud":"x""#)),
        ("aud behind", with_member(&payload, r#""aud":"x""#)),
        (
            "aud, the same",
            with_member(&payload, &format!(r#""aud":"{E}""#)),
        ),
        ("exp", with_member(&payload, r#""exp":99999999999"#)),
        (
            "exp, escaped",
            with_member(&payload, r#""\u0065xp":99999999999"#),
        ),
        ("scope", with_member(&payload, r#""scope":"mcp:admin""#)),
        ("iss", front(r#""iss":"https://x.example""#)),
        ("sub", front(r#""\u0073\u0075b":"root""#)),
        ("cnf", with_member(&payload, r#""cnf":{},"cnf":{}"#)),
        ("nonce", with_member(&payload, r#""nonce":1,"nonce":1"#)),
        (
            "far inside",
            with_member(&payload, r#""x":[{"y":[{"z":1,"\u007a":2}]}]"#),
        ),
        (
            "surrogates",
            with_member(&payload, r#""\ud83d\ude00":1,"😀":1"#),
        ),
    ] {
        table
            .refuses(case, &claims(text.as_bytes()), "duplicate_member")
            .await;
    }
    let doubled = header.replacen('{', r#"{"\u0061lg":"none","#, 1);
    let token = t0(issuer).raw_header(doubled).mint();
    table
        .refuses("alg none, then ES256", &token, "algorithm_not_allowed")
        .await;
    let doubled = header.replacen('{', r#"{"\u0061lg":"ES256","#, 1);
    let token = t0(issuer).raw_header(doubled).mint();
    table.refuses("alg twice", &token, "duplicate_member").await;

    for (case, bytes) in [
        ("a BOM", [b"\xEF\xBB\xBF", payload.as_bytes()].concat()),
        ("a comment before", format!("/**/{payload}").into()),
        (
            "a comment inside",
            with_member(&payload, "/* x */ \"x\":1").into(),
        ),
        ("a comment behind", format!("{payload}//x").into()),
        ("single quotes", with_member(&payload, "'x':1").into()),
        ("no quotes", with_member(&payload, "x:1").into()),
        (
            "a lone surrogate",
            with_member(&payload, r#""x":"\ud800""#).into(),
        ),
        (
            "a lone low surrogate",
            with_member(&payload, r#""x":"\udc00x""#).into(),
        ),
        (
            "a lone surrogate in a name",
            with_member(&payload, r#""\ud800":1"#).into(),
        ),
        (
            "a lone surrogate deep inside",
            with_member(&payload, r#""x":[{"y":"\ud800"}]"#).into(),
        ),
        (
            "a lone surrogate in azp",
            with_member(&payload, r#""azp":"\ud800""#).into(),
        ),
        ("a trailing comma", with_member(&payload, "").into()),
        ("a comma in front", payload.replacen('{', "{,", 1).into()),
        (
            "a line break in a string",
            with_member(&payload, "\"x\":\"\n\"").into(),
        ),
        (
            "a null byte in a string",
            with_member(&payload, "\"x\":\"\0\"").into(),
        ),
        (
            "a bad escape",
            with_member(&payload, r#""x":"\x41""#).into(),
        ),
        ("NaN", with_member(&payload, r#""x":NaN"#).into()),
        ("a hex number", with_member(&payload, r#""x":0x1"#).into()),
        ("a leading zero", with_member(&payload, r#""x":01"#).into()),
        (
            "a number without end",
            with_member(&payload, r#""x":1."#).into(),
        ),
        (
            "a number out of range",
            with_member(&payload, r#""x":1e400"#).into(),
        ),
        ("True", with_member(&payload, r#""x":True"#).into()),
        ("two documents", format!("{payload}{payload}").into()),
        ("a document and a brace", format!("{payload}}}").into()),
        (
            "invalid UTF-8",
            [
                &payload.as_bytes()[..payload.len() - 1],
                b",\"x\":\"\xff\"}",
            ]
            .concat(),
        ),
        (
            "overlong UTF-8",
            [
                &payload.as_bytes()[..payload.len() - 1],
                b",\"x\":\"\xc0\xaf\"}",
            ]
            .concat(),
        ),
        (
            "a surrogate in UTF-8",
            [
                &payload.as_bytes()[..payload.len() - 1],
                b",\"x\":\"\xed\xa0\x80\"}",
            ]
            .concat(),
        ),
    ] {
        table.refuses(case, &claims(&bytes), "malformed_json").await;
    }
    // A character that begins in the header and ends in the claims.
    let [mut head, mut body] = [header.into_bytes(), payload.into_bytes()];
    head.push(0xC3);
    body.insert(0, 0xA4);
    let token = t0(issuer).raw_header(head).raw_payload(body).mint();
    table
        .refuses("a character across the dot", &token, "malformed_json")
        .await;
}

/// A-09
#[tokio::test]
async fn numbers_at_the_edges() {
    let server = patient().await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    table.accepts("plain", &t0(issuer).mint()).await;
    let now = server.clock.now().timestamp();
    let (long, tiny) = (
        format!("1{}", "0".repeat(50_000)),
        format!("0.{}1", "0".repeat(50_000)),
    );
    let (array, digits) = (
        format!("[{}]", now + 600),
        format!("{}{}", now + 600, "0".repeat(300)),
    );
    for name in ["exp", "nbf", "iat"] {
        for text in [
            "1e308",
            "1e400",
            "-1e308",
            "9007199254740993",
            "9223372036854775807",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775808",
            "-9223372036854775809",
            "253402300800",
            "1e12",
            "-1",
            "\"never\"",
            "\"\"",
            "null",
            "true",
            r#"{"$gt":0}"#,
            "[]",
            "NaN",
            "-Infinity",
            "1e",
            "--1",
            &array,
            &long,
            &digits,
        ] {
            let token = t0(issuer).claim_text(name, text).mint();
            let why = reason(&server.app.guard, &token).await;
            let refused = matches!(why, "malformed_member" | "malformed_json");
            assert!(refused, "{name}: {text:.40}: {why}");
            table.refuses_anyhow(name, &token).await;
        }
    }
    for text in ["-0", "-0.0", "0", "0.1e-400", "1e-308", &tiny] {
        // 1970, whatever its spelling: dead for `exp`, too long ago for `iat`, fine for `nbf`.
        let with = |name| t0(issuer).claim_text(name, text).mint();
        table.refuses("exp", &with("exp"), "expired").await;
        table.refuses("iat", &with("iat"), "lives_too_long").await;
        table.accepts("nbf", &with("nbf")).await;
    }
}

/// A-09: the leeway added to the last second of all.
#[tokio::test]
async fn sums_of_dates_do_not_overflow() {
    let server = support::server_with(
        |rules| rules,
        |b| {
            b.leeway(TimeDelta::seconds(300))
                .max_lifetime(TimeDelta::days(4_000_000))
        },
    )
    .await;
    let table = Table::of(&server).await;
    let issuer = &server.issuer;
    let with = |name, text| t0(issuer).claim_text(name, text).mint();
    let last = with("exp", "253402300799");
    table.accepts("the last second", &last).await;
    table
        .refuses("one more", &with("exp", "253402300800"), "malformed_member")
        .await;
    table
        .refuses("nbf", &with("nbf", "253402300799"), "not_yet_valid")
        .await;
    table
        .refuses("iat", &with("iat", "253402300799"), "issued_in_future")
        .await;
    table
        .accepts("iat, the first second", &with("iat", "0"))
        .await;
    // Revocation adds the longest lifetime to the time of day.
    let revocations = server.app.guard.revocations();
    let alice = clearance::id::Subject::new("alice");
    revocations
        .revoke_subject(issuer.id(), &alice)
        .expect("room");
    table.refuses("revoked", &last, "revoked").await;
}
