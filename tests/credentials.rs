//! How a credential is written, where it may stand, and what every other way of sending a token is
//! answered with.
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

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clearance::refusal::Reason;
use clearance::secret::BearerToken;
use clearance::{Authorized, Refusal};
use proptest::prelude::*;
use support::http::{Http2, bearer, parts, request};
use support::{Answer, Server, ToolsRead};

fn good(server: &Server) -> String {
    server.issuer.token().scope("mcp:tools.read").mint()
}

/// The one answer to malformed credentials: the same bytes whatever was sent.
async fn malformed(server: &Server) -> Answer {
    let answer = server.with_authorization("/mcp", b"Bearer a b").await;
    answer.assert_400_req();
    answer
}

/// RS-009
#[tokio::test]
async fn the_scheme_has_no_case_and_one_or_more_spaces_follow_it() {
    let server = support::server().await;
    let token = good(&server);
    let allowed = [
        "Bearer ",
        "bearer ",
        "BEARER ",
        "bEaReR ",
        "Bearer  ",
        "Bearer       ",
    ];
    for prefix in allowed {
        let value = format!("{prefix}{token}");
        let answer = server.with_authorization("/mcp", value.as_bytes()).await;
        answer.assert_ok();
    }
    assert_eq!(server.ran(), 6);

    let constant = malformed(&server).await;
    for separator in [
        "\t", " \t", "\t ", "  \t ", ",", ", ", "=", ":", "/", "\"", "\u{a0}",
    ] {
        let value = format!("Bearer{separator}{token}");
        let answer = server.with_authorization("/mcp", value.as_bytes()).await;
        answer.assert_400_req();
        assert_eq!(answer, constant, "{separator:?}");
        answer.assert_silent_about(&token);
    }
    assert_eq!(server.ran(), 6);
}

/// RS-009: "nothing in between" is malformed, and not a scheme that nobody has heard of.
#[tokio::test]
async fn a_token_that_touches_the_scheme_is_malformed() {
    let server = support::server().await;
    let token = good(&server);
    for scheme in ["Bearer", "bearer"] {
        let value = format!("{scheme}{token}");
        let answer = server.with_authorization("/mcp", value.as_bytes()).await;
        answer.assert_silent_about(&token);
        answer.assert_400_req();
    }
    assert_eq!(server.ran(), 0);
}

/// RS-009: the same over HTTP/2.
#[tokio::test]
async fn the_scheme_has_no_case_over_http_2() {
    let server = support::server().await;
    let token = good(&server);
    let mut client = Http2::to(server.address).await;
    let value = format!("bEaReR  {token}");
    let answer = client.get("/mcp", &[("authorization", &value)]).await;
    answer.assert_ok();
    let value = format!("Bearer\t{token}");
    let answer = client.get("/mcp", &[("authorization", &value)]).await;
    answer.assert_400_req();
    answer.assert_silent_about(&token);
    assert_eq!(server.ran(), 1);
}

/// RS-010
#[tokio::test]
async fn a_credential_is_one_b64token() {
    let server = support::server().await;
    let constant = malformed(&server).await;
    let token = good(&server);
    let (one, list, quoted) = (
        format!("{token} {token}"),
        format!("{token}, Bearer {token}"),
        format!("\"{token}\""),
    );
    let (named, tailed, padded) = (
        format!("token=\"{token}\""),
        format!("{token};q=1"),
        format!("={token}"),
    );
    let mut cases: Vec<&[u8]> = vec![
        b"a b",
        b"a,b",
        b"\"abc\"",
        b"a=b",
        b"a==b",
        b"=",
        b"==",
        b"{\"payload\":\"\"}",
        b"abc%20",
        b"a\x80b",
        b"\x80",
        b"a\xc3\xa4b",
        b"a\xff",
        b"a\tb",
        b"a:b",
        b"a\\b",
        b"<script>",
        b"a@b",
        b"a*b",
        b"a!b",
    ];
    cases.extend([&one, &list, &quoted, &named, &tailed, &padded].map(String::as_bytes));
    for case in cases {
        let answer = server
            .with_authorization("/mcp", &[b"Bearer ", case].concat())
            .await;
        answer.assert_400_req();
        // Byte for byte the same answer, so nothing of the credential can be in it.
        assert_eq!(answer, constant, "{case:?}");
        answer.assert_silent_about(&token);
    }
    assert_eq!(server.ran(), 0);

    // What the alphabet allows is a token, though not a good one.
    for text in ["abc", "abc=", "abc==", "-._~+/", "a-._~+/=", "A.B.C"] {
        server.get("/mcp", text).await.assert_401_inv();
    }
    assert_eq!(server.ran(), 0);
    server.get("/mcp", &token).await.assert_ok();
}

/// RS-010: control bytes do not get through HTTP itself, and the parser does not take them either.
#[tokio::test]
async fn control_bytes_are_refused() {
    let server = support::server().await;
    for byte in [0x00, 0x01, 0x0a, 0x0d, 0x1b, 0x7f] {
        let value = [b"Bearer a".as_slice(), &[byte], b"b"].concat();
        let answer = server.with_authorization("/mcp", &value).await;
        assert_eq!(answer.status, 400, "{byte:#x}: {answer:?}");
        let text = format!("{answer:?}");
        assert!(!text.as_bytes().contains(&byte), "{text}");
    }
    assert_eq!(server.ran(), 0);
    for byte in 0..=u8::MAX {
        let in_alphabet = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        let parsed = BearerToken::from_bytes(&[b'a', byte, b'b']);
        assert_eq!(parsed.is_ok(), in_alphabet, "{byte:#x}");
    }
}

/// The same question to a guard without a server: what it says to this value.
fn ask(server: &Server, runtime: &tokio::runtime::Runtime, value: &[u8]) -> Result<(), Refusal> {
    let mut parts = parts("/mcp", Some(value));
    runtime.block_on(async {
        let proof: Result<Authorized<ToolsRead>, Refusal> =
            server.app.guard.authorize(&mut parts).await;
        assert!(parts.headers.is_empty(), "the credential is taken out");
        proof.map(drop)
    })
}

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// RS-009, RS-010, RS-012, RS-013: for any value at all, the class follows from the grammar.
#[test]
fn any_credential_is_sorted_by_its_grammar() {
    let runtime = current_thread();
    let server = runtime.block_on(support::server());
    let scheme = prop_oneof![
        4 => Just(b"Bearer".to_vec()),
        2 => Just(b"bEARER".to_vec()),
        1 => "[A-Za-z]{1,6}".prop_map(String::into_bytes),
    ];
    let byte = prop_oneof![8 => 0x20_u8..=0x7e, 1 => 0x80_u8..=0xff, 1 => Just(b'\t')];
    let alphabet = prop::sample::select(b"abcXYZ019-._~+/".to_vec());
    let text = prop_oneof![
        prop::collection::vec(byte, 0..40),
        (prop::collection::vec(alphabet, 1..40), 0_usize..3).prop_map(|(text, padding)| [
            text,
            vec![b'='; padding]
        ]
        .concat()),
    ];
    proptest!(|(scheme in scheme, spaces in 0_usize..3, text in text)| {
        let is_token = {
            let end = text.iter().rposition(|&byte| byte != b'=').map_or(0, |last| last + 1);
            end > 0 && text[..end].iter().all(|&byte| {
                byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte)
            })
        };
        // Without a space the text would go on with the scheme's name.
        prop_assume!(spaces > 0 || text.is_empty());
        let value = [scheme.clone(), vec![b' '; spaces], text.clone()].concat();
        let blanks_before_text = text.first() == Some(&b' ');
        prop_assume!(!blanks_before_text);
        let refusal = ask(&server, &runtime, &value).expect_err("no real token");
        let expected = match (scheme.eq_ignore_ascii_case(b"bearer"), is_token) {
            (false, _) => "none",
            (true, true) if spaces > 0 => "invalid",
            (true, _) => "malformed",
        };
        let is = match refusal.reason() {
            Reason::NoCredential => "none",
            Reason::InvalidToken(_) => "invalid",
            Reason::MalformedCredential(_) => "malformed",
            Reason::Denied
            | Reason::InsufficientScope
            | Reason::LimitExceeded(_)
            | Reason::Unavailable(_)
            | _ => panic!("{refusal}"),
        };
        prop_assert_eq!(is, expected, "{:?}", String::from_utf8_lossy(&value));
    });
}

/// RS-011
#[tokio::test]
async fn no_credential_is_401_without_an_error_code() {
    let server = support::server().await;
    for path in ["/mcp", "/delete", "/one_of", "/open"] {
        server.get_bare(path).await.assert_401_none();
    }
    for start in ["POST /mcp", "DELETE /mcp", "PUT /mcp", "OPTIONS /mcp"] {
        let answer = server.raw(&request::<&str>(start, &[])).await;
        answer.assert_401_none();
    }
    let mut client = Http2::to(server.address).await;
    client.get("/mcp", &[]).await.assert_401_none();
    assert_eq!(server.ran(), 0);
    server.get("/mcp", &good(&server)).await.assert_ok();
}

/// RS-012
#[tokio::test]
async fn another_scheme_is_no_credential() {
    let server = support::server().await;
    let token = good(&server);
    let dpop = format!("DPoP {token}");
    let basic = format!("Basic {token}");
    let bear = format!("Bear {token}");
    let values: [&str; 11] = [
        "Basic dTpw",
        "basic dTpw",
        "Negotiate YII=",
        "DPoP x",
        "Digest username=\"u\", realm=\"r\"",
        "Basic",
        "Token abc",
        "Bearers abc",
        &dpop,
        &basic,
        &bear,
    ];
    let constant = server.get_bare("/mcp").await;
    for value in values {
        let answer = server.with_authorization("/mcp", value.as_bytes()).await;
        answer.assert_401_none();
        answer.assert_silent_about(&token);
        assert_eq!(answer, constant, "{value}");
    }
    assert_eq!(server.ran(), 0);
    server.get("/mcp", &token).await.assert_ok();
}

/// RS-013
#[tokio::test]
async fn a_scheme_without_a_token_is_malformed_and_still_challenged() {
    let server = support::server().await;
    for value in ["Bearer", "Bearer ", "Bearer    ", "bearer", "BEARER "] {
        let answer = server.with_authorization("/mcp", value.as_bytes()).await;
        answer.assert_400_req();
    }
    // An empty field is no scheme at all.
    server
        .with_authorization("/mcp", b"")
        .await
        .assert_400_req();
    // HTTP/2 does not take blanks off the end of a value.
    let mut client = Http2::to(server.address).await;
    for value in ["Bearer", "Bearer "] {
        let answer = client.get("/mcp", &[("authorization", value)]).await;
        answer.assert_400_req();
    }
    assert_eq!(server.ran(), 0);
    server.get("/mcp", &good(&server)).await.assert_ok();
}

/// RS-014
#[tokio::test]
async fn two_authorization_fields_are_malformed_whatever_they_say() {
    let server = support::server().await;
    let token = good(&server);
    let (own, dpop) = (bearer(&token), format!("authorization: DPoP {token}"));
    let basic = "Authorization: Basic x".to_owned();
    let empty = "Authorization:".to_owned();
    let none = [&own, &basic];
    for pair in [
        [&own, &own],
        none,
        [&basic, &own],
        [&dpop, &own],
        [&own, &dpop],
        [&basic, &basic],
        [&own, &empty],
        [&empty, &own],
    ] {
        let answer = server.raw(&request("GET /mcp", &pair)).await;
        answer.assert_400_req();
        answer.assert_silent_about(&token);
        // Also where something stands between them.
        let apart = [pair[0], &"accept: */*".to_owned(), pair[1]];
        server
            .raw(&request("GET /mcp", &apart))
            .await
            .assert_400_req();
    }
    // One field that was joined from two on the way.
    let joined = format!("{own}, Bearer {token}");
    let answer = server.raw(&request("GET /mcp", &[joined])).await;
    answer.assert_400_req();
    let mut client = Http2::to(server.address).await;
    let value = format!("Bearer {token}");
    let twice = [("authorization", value.as_str()), ("authorization", &value)];
    client.get("/mcp", &twice).await.assert_400_req();
    assert_eq!(server.ran(), 0);
    server.raw(&request("GET /mcp", &[own])).await.assert_ok();
    assert_eq!(server.ran(), 1);
}

/// A server that has no keys yet, so that any look at a token would be seen at the issuer.
async fn cold() -> Server {
    let clock = support::clock();
    let issuer = support::issuer(&clock).await;
    let guard = support::strict(&issuer, &clock).build().expect("a guard");
    support::serve(issuer, clock, guard).await
}

/// RS-015
#[tokio::test]
async fn a_token_in_the_query_is_no_credential() {
    let logs = support::Logs::capture();
    let server = cold().await;
    let token = good(&server);
    for query in [
        format!("access_token={token}"),
        format!("a=b&access_token={token}"),
        format!("access%5Ftoken={token}"),
        format!("access_token={token}&access_token={token}"),
        "access_token=".to_owned(),
        "access_token".to_owned(),
    ] {
        for method in ["GET", "POST"] {
            let before = logs.text().len();
            let start = format!("{method} /mcp?{query}");
            let answer = server.raw(&request::<&str>(&start, &[])).await;
            answer.assert_401_none();
            answer.assert_silent_about(&token);
            let log = logs.text().split_off(before);
            assert!(log.contains("access_token=REDACTED"), "{log}");
        }
    }
    // Nobody looked at the token: the issuer was not asked for keys.
    assert_eq!(server.issuer.metadata_hits(), 0);
    assert_eq!(server.issuer.jwks_hits(), 0);

    // Together with a header the request is malformed.
    for query in [
        format!("access_token={token}"),
        "access_token=x".to_owned(),
        "access_token".to_owned(),
        "a=b&access%5ftoken=x".to_owned(),
    ] {
        let start = format!("GET /mcp?{query}");
        let answer = server.raw(&request(&start, &[bearer(&token)])).await;
        answer.assert_400_req();
        answer.assert_silent_about(&token);
    }
    assert_eq!(server.ran(), 0);
    assert_eq!(server.issuer.jwks_hits(), 0);
    for part in token.split('.') {
        assert!(!logs.text().contains(part), "a token is in the log");
    }

    // Other parameters are the application's.
    let start = "GET /mcp?token=1&xaccess_token=2&a=access_token";
    let answer = server.raw(&request(start, &[bearer(&token)])).await;
    answer.assert_ok();
    assert_eq!(server.ran(), 1);
}

/// RS-015: the query spoils no scheme that is not ours.
#[tokio::test]
async fn a_token_in_the_query_beside_another_scheme_is_still_no_credential() {
    let server = support::server().await;
    let start = format!("GET /mcp?access_token={}", good(&server));
    let answer = server
        .raw(&request(&start, &["authorization: Basic dTpw"]))
        .await;
    answer.assert_401_none();
    assert_eq!(server.ran(), 0);
}

/// RS-016: one carrier each.
#[tokio::test]
async fn tokens_elsewhere_are_ignored() {
    let server = support::server().await;
    let token = good(&server);
    let post = |kind: &str, body: &str| {
        let lines = [
            format!("content-type: {kind}"),
            format!("content-length: {}", body.len()),
        ];
        [request("POST /mcp", &lines), body.as_bytes().to_vec()].concat()
    };
    let meta = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"_meta":{{"access_token":"{token}","authorization":"Bearer {token}"}}}}}}"#
    );
    let form = format!("access_token={token}");
    let line = |line: String| request("GET /mcp", &[line]);
    let carriers = [
        ("form", post("application/x-www-form-urlencoded", &form)),
        ("_meta", post("application/json", &meta)),
        ("cookie", line(format!("cookie: access_token={token}"))),
        (
            "cookie",
            line(format!("cookie: authorization=Bearer {token}")),
        ),
        ("vendor", line(format!("x-access-token: {token}"))),
        ("vendor", line(format!("x-authorization: Bearer {token}"))),
        (
            "vendor",
            line(format!("x-forwarded-authorization: Bearer {token}")),
        ),
        (
            "proxy",
            line(format!("proxy-authorization: Bearer {token}")),
        ),
        ("dpop", line(format!("dpop: {token}"))),
        (
            "subprotocol",
            line(format!("sec-websocket-protocol: bearer, {token}")),
        ),
        ("session", line(format!("mcp-session-id: {token}"))),
        ("near", line(format!("authorisation: Bearer {token}"))),
        ("user", line("x-user: alice".to_owned())),
    ];
    for (carrier, bytes) in carriers {
        let answer = server.raw(&bytes).await;
        assert_eq!(answer.status, 401, "{carrier}");
        answer.assert_401_none();
        answer.assert_silent_about(&token);
    }
    assert_eq!(server.ran(), 0);
    // They do no harm beside a real one.
    let lines = [
        bearer(&token),
        "cookie: access_token=x".to_owned(),
        "x-access-token: y".to_owned(),
    ];
    server.raw(&request("GET /mcp", &lines)).await.assert_ok();
}

/// A genuine token of exactly `length` bytes.
fn token_of_length(server: &Server, length: usize) -> String {
    // Base64url has no text of some lengths, so the header makes up for what the payload cannot.
    for header in 0..3 {
        let base = server
            .issuer
            .token()
            .scope("mcp:tools.read")
            .header("x", "y".repeat(header));
        let payload = |filling: usize| base.clone().claim("filling", "f".repeat(filling));
        let missing = length.saturating_sub(payload(0).mint().len()) / 4 * 3;
        for filling in missing.saturating_sub(3)..missing + 6 {
            let token = payload(filling).mint();
            if token.len() == length {
                return token;
            }
        }
    }
    panic!("no token of {length} bytes")
}

/// RS-017
#[tokio::test]
async fn a_token_of_more_than_16_kib_is_refused_unread() {
    let logs = support::Logs::capture();
    let server = support::server().await;
    let longest = token_of_length(&server, 16 * 1024);
    server.get("/mcp", &longest).await.assert_ok();
    assert_eq!(server.ran(), 1);

    let log = |before: usize| logs.text().split_off(before);
    let start = logs.text().len();
    let longer = token_of_length(&server, 16 * 1024 + 1);
    let answer = server.get("/mcp", &longer).await;
    answer.assert_401_inv();
    answer.assert_silent_about(&longer);
    assert!(log(start).contains(r#"reason="token_too_long""#));

    // The length is judged before anything is decoded: text that no decoder takes (a single
    // character is no base64) is refused for its length.
    let start = logs.text().len();
    let undecodable = ".".repeat(16 * 1024 + 1);
    server.get("/mcp", &undecodable).await.assert_401_inv();
    assert!(log(start).contains(r#"reason="token_too_long""#));

    let huge = URL_SAFE_NO_PAD.encode(vec![7; 150 * 1024]);
    assert_eq!(huge.len(), 200 * 1024);
    let answer = server.get("/mcp", &huge).await;
    answer.assert_401_inv();
    answer.assert_silent_about(&huge);

    // HTTP's own limit.
    let answer = server.get("/mcp", &"a".repeat(1024 * 1024)).await;
    assert_eq!(answer.status, 431);
    assert_eq!(server.ran(), 1);
    // The process stays up.
    server.get("/mcp", &longest).await.assert_ok();
}

/// RS-017: the limit is the operator's.
#[tokio::test]
async fn the_longest_token_can_be_set() {
    let server = support::server_with(|rules| rules, |guard| guard.max_token_length(1000)).await;
    let (fits, longer) = (
        token_of_length(&server, 1000),
        token_of_length(&server, 1001),
    );
    server.get("/mcp", &fits).await.assert_ok();
    let answer = server.get("/mcp", &longer).await;
    answer.assert_401_inv();
    answer.assert_silent_about(&longer);
    assert_eq!(server.ran(), 1);
}
