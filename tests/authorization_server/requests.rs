//! Authorization requests that must not get through, and where the browser is left.

use clearance::testing::AuthorizationServer;

use super::user_agent::*;
use crate::support::Answer;

/// The user sees a page, and the browser is sent nowhere.
#[track_caller]
pub fn assert_stays(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("location"), None);
    assert_eq!(answer.header("refresh"), None);
    let kind = answer.header("content-type");
    assert_eq!(kind, Some("text/html; charset=utf-8"));
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(policy.contains("form-action 'none'"), "{policy}");
}

async fn asked(server: &AuthorizationServer, query: &str) -> Answer {
    get(server, &format!("/authorize?{query}")).await
}

#[tokio::test]
async fn nobody_is_sent_where_no_client_has_registered() {
    let (server, _) = approving().await;
    for uri in [
        "",
        "https://evil.example.com/",
        "http://127.0.0.1:4321/callback/",
        "http://127.0.0.1:4321/callback?x=1",
        "http://127.0.0.1:4321/callback#x",
        "http://127.0.0.1:4321/Callback",
        "http://127.0.0.1:4321/x/../callback",
        "http://127.0.0.1:4321/callback%2f..",
        "http://127.0.0.1:4321",
        "http://localhost:4321/callback",
        "http://[::1]:4321/callback",
        "https://127.0.0.1:4321/callback",
        "http://127.0.0.1:4321@evil.example.com/callback",
        "http://127.0.0.1.evil.example.com/callback",
        "http://127.0.0.1:4321.evil.example.com/callback",
        "http://evil.example.com:4321/callback",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:/callback",
        "http://0x7f000001:4321/callback",
        "http://127.1:4321/callback",
        "http://127.0.0.1\\@evil.example.com/callback",
        "//127.0.0.1/callback",
        "javascript:alert(1)",
        "http://127.0.0.1/callback\r\nLocation: https://evil.example.com",
    ] {
        assert_stays(&authorize(&server, &[("redirect_uri", uri)]).await, 400);
        // A request with other faults is no better.
        let worse = [("redirect_uri", uri), ("response_type", "token")];
        assert_stays(&authorize(&server, &worse).await, 400);
    }
}

#[tokio::test]
async fn nobody_is_sent_anywhere_for_an_unknown_client() {
    let (server, _) = approving().await;
    for client in [
        "",
        "nobody",
        "EDITOR",
        "editor ",
        "https://client.example.com/x",
    ] {
        assert_stays(&authorize(&server, &[("client_id", client)]).await, 400);
    }
    // The machine has no redirect URI at all.
    assert_stays(&authorize(&server, &[("client_id", "machine")]).await, 400);
    // Twice is as good as not at all, in either order, and even with one value.
    let right = form(request(&[]));
    for twice in [
        "client_id=other",
        "client_id=editor",
        "redirect_uri=https%3A%2F%2Fevil.example.com%2F",
    ] {
        assert_stays(&asked(&server, &format!("{right}&{twice}")).await, 400);
        assert_stays(&asked(&server, &format!("{twice}&{right}")).await, 400);
    }
    assert_stays(&asked(&server, "").await, 400);
}

#[tokio::test]
async fn the_port_on_loopback_is_the_clients_own_affair() {
    let clock = clearance::testing::ManualClock::at_fixed_start();
    let server = builder(&clock)
        .approve_automatically(clearance::testing::User::Alice)
        .public_client(
            "many",
            [
                "http://localhost:1/cb",
                "http://[::1]/cb?x=1",
                "https://app.example.com/cb",
            ],
        );
    let server = server.start().await.expect("a server");
    for (uri, is_fine) in [
        ("http://localhost:65535/cb", true),
        ("http://localhost/cb", true),
        ("http://[::1]:7/cb?x=1", true),
        ("https://app.example.com/cb", true),
        ("https://app.example.com:8443/cb", false),
        ("https://localhost/cb", false),
        ("http://127.0.0.1/cb", false),
        ("http://[::1]:7/cb", false),
    ] {
        let answer = authorize(&server, &[("client_id", "many"), ("redirect_uri", uri)]).await;
        if is_fine {
            assert!(parameter(&answer, "code").is_some());
            let location = answer.header("location").expect("a location");
            let joint = if uri.contains('?') { '&' } else { '?' };
            assert!(
                location.starts_with(&format!("{uri}{joint}code=")),
                "{location}"
            );
        } else {
            assert_stays(&answer, 400);
        }
    }
}

/// Changes of a right request, and what the client is told.
const FAULTS: &[(&[(&str, &str)], &str)] = &[
    (&[("response_type", "")], "invalid_request"),
    (&[("response_type", "token")], "unsupported_response_type"),
    (
        &[("response_type", "code token")],
        "unsupported_response_type",
    ),
    (&[("response_mode", "fragment")], "invalid_request"),
    (&[("request", "e30.e30.")], "invalid_request"),
    (
        &[("request_uri", "https://client.example.com/r")],
        "invalid_request",
    ),
    (&[("code_challenge_method", "plain")], "invalid_request"),
    (&[("code_challenge_method", "s256")], "invalid_request"),
    (&[("code_challenge_method", "")], "invalid_request"),
    (&[("code_challenge", "")], "invalid_request"),
    (
        &[("code_challenge", ""), ("code_challenge_method", "")],
        "invalid_request",
    ),
    (&[("code_challenge", "too-short")], "invalid_request"),
    (
        &[(
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM",
        )],
        "invalid_request",
    ),
    (
        &[
            ("code_challenge", VERIFIER),
            ("code_challenge_method", "plain"),
        ],
        "invalid_request",
    ),
    (&[("resource", "")], "invalid_target"),
    (
        &[("resource", "https://files.example.com/mcp/")],
        "invalid_target",
    ),
    (
        &[("resource", "https://files.example.com")],
        "invalid_target",
    ),
    (
        &[("resource", "https://evil.example.com/mcp")],
        "invalid_target",
    ),
    (&[("scope", "files:read files:admin")], "invalid_scope"),
    (&[("scope", "files:read  files:write")], "invalid_scope"),
    (&[("scope", " files:read")], "invalid_scope"),
    (&[("scope", "files:\"read\"")], "invalid_scope"),
    (&[("scope", "files:read files:read ")], "invalid_scope"),
];

#[tokio::test]
async fn the_client_is_told_what_is_wrong() {
    let (server, _) = approving().await;
    for (changes, error) in FAULTS {
        let answer = authorize(&server, changes).await;
        assert_eq!(
            parameter(&answer, "error").as_deref(),
            Some(*error),
            "{changes:?}"
        );
        assert_eq!(parameter(&answer, "code"), None);
        assert_eq!(parameter(&answer, "state").as_deref(), Some("a state"));
        assert_eq!(
            parameter(&answer, "iss").as_deref(),
            Some(server.id().as_str())
        );
    }
}

#[tokio::test]
async fn nobody_reads_a_hundred_scopes() {
    let clock = clearance::testing::ManualClock::at_fixed_start();
    let server = AuthorizationServer::builder(FILES.parse().expect("a resource"))
        .clock(std::sync::Arc::new(clock))
        .public_client("editor", [CALLBACK])
        .approve_automatically(clearance::testing::User::Alice);
    let server = server.start().await.expect("a server");
    let scopes = |count: usize| {
        let all: Vec<_> = (0..count).map(|number| format!("s:{number}")).collect();
        all.join(" ")
    };
    let long = "x".repeat(4_097);
    for (scope, is_fine) in [(scopes(100), true), (scopes(101), false), (long, false)] {
        let answer = authorize(&server, &[("scope", &scope)]).await;
        assert_eq!(parameter(&answer, "code").is_some(), is_fine);
        let error = (!is_fine).then_some("invalid_scope");
        assert_eq!(parameter(&answer, "error").as_deref(), error);
    }
}

#[tokio::test]
async fn what_stands_twice_is_refused() {
    let (server, _) = approving().await;
    let right = form(request(&[]));
    for twice in [
        "scope=files%3Awrite",
        "code_challenge=x",
        "response_type=code",
        "x=1&x=1",
        "%73cope=a",
    ] {
        let answer = asked(&server, &format!("{right}&{twice}")).await;
        assert_eq!(
            parameter(&answer, "error").as_deref(),
            Some("invalid_request"),
            "{twice}"
        );
        assert_eq!(parameter(&answer, "state").as_deref(), Some("a state"));
    }
    // Of two states neither is the client's.
    let answer = asked(&server, &format!("{right}&state=another")).await;
    assert_eq!(
        parameter(&answer, "error").as_deref(),
        Some("invalid_request")
    );
    assert_eq!(parameter(&answer, "state"), None);
    // One resource that nobody knows spoils the others.
    let answer = asked(
        &server,
        &format!("{right}&resource=https%3A%2F%2Fx.example"),
    )
    .await;
    assert_eq!(
        parameter(&answer, "error").as_deref(),
        Some("invalid_target")
    );
}

#[tokio::test]
async fn state_goes_back_as_it_came_and_as_one_parameter() {
    let (server, _) = approving().await;
    for state in [
        "a&code=b",
        "a\r\nSet-Cookie: x=y",
        "é \u{202e} <script>",
        "%00%0a",
        "#x?y=z",
    ] {
        let answer = authorize(&server, &[("state", state)]).await;
        assert_eq!(parameter(&answer, "state").as_deref(), Some(state));
        assert_eq!(answer.header("set-cookie"), None);
        assert!(parameter(&answer, "code").expect("a code") != "b");
    }
}

#[tokio::test]
async fn other_hosts_names_lead_nowhere() {
    let (server, _) = approving().await;
    let address = address(&server);
    let port = address.port();
    let ask = async |host: &str| {
        let query = form(request(&[]));
        let request = format!("GET /authorize?{query} HTTP/1.1\r\n{host}connection: close\r\n\r\n");
        crate::support::raw(address, request.as_bytes())
            .await
            .status
    };
    for own in ["127.0.0.1", "localhost", "[::1]"] {
        assert_eq!(ask(&format!("host: {own}:{port}\r\n")).await, 303);
    }
    for other in [
        format!("host: evil.example.com:{port}\r\n"),
        "host: evil.example.com\r\n".to_owned(),
        "host: 127.0.0.1\r\n".to_owned(),
        format!("host: 127.0.0.1:{port}.evil.example.com\r\n"),
    ] {
        assert_eq!(ask(&other).await, 421, "{other}");
    }
    // RFC 9112 section 3.2.2: what stands in the target counts, and not `Host`.
    let query = form(request(&[]));
    for (named, host, status) in [
        (format!("127.0.0.1:{port}"), "evil.example.com", 303),
        ("evil.example.com".to_owned(), &*address.to_string(), 421),
        (
            format!("evil.example.com:{port}"),
            &address.to_string(),
            421,
        ),
        (format!("u@127.0.0.1:{port}"), &address.to_string(), 421),
    ] {
        let start = format!("GET http://{named}/authorize?{query} HTTP/1.1");
        let request = format!("{start}\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let answer = crate::support::raw(address, request.as_bytes()).await;
        assert_eq!(answer.status, status, "{named}");
    }
    // hyper refuses some of these itself.
    for broken in [
        String::new(),
        format!("host: 127.0.0.1:{port}\r\nhost: evil.example.com\r\n"),
    ] {
        assert!([400, 421].contains(&ask(&broken).await), "{broken}");
    }
}

#[tokio::test]
async fn methods_and_sizes_are_bounded() {
    let (server, _) = approving().await;
    for (start, status) in [
        ("POST /authorize", 405),
        ("GET /consent", 405),
        ("GET /token", 405),
        ("PUT /register", 405),
        ("GET /nowhere", 404),
        ("GET /authorize/", 404),
        ("GET //authorize", 404),
        ("HEAD /jwks", 200),
    ] {
        assert_eq!(
            send(&server, start, &[], "").await.status,
            status,
            "{start}"
        );
    }
    let long = "x".repeat(17_000);
    assert_eq!(
        get(&server, &format!("/authorize?{long}")).await.status,
        414
    );
    assert_eq!(
        post(&server, "/token", &[("code", &long)]).await.status,
        413
    );
}
