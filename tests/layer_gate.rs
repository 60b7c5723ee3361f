//! What a layer asks before it looks at a body: where a request comes from, how it came, and who
//! sends it. Over real HTTP.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

mod support;

mod layer_rows {
    mod answers;
    mod connections;
    mod cors;
    mod documents;
    mod order;
    mod outage;
    pub mod site;
    mod tls;
}

use clearance::LayerError;
use layer_rows::site::{Site, T0, Two, WEATHER, assert_plain, assert_ran, send};
use support::mcp::{McpServer, REVISIONS};
use support::request::{MODERN, Request};
use support::{Answer, plain};

const EVIL: &str = "https://evil.example";
const PAGE: &str = "http://localhost:3001";

#[track_caller]
fn assert_foreign_origin(answer: &Answer) {
    assert_plain(answer, 403, 40301, "origin not allowed");
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[track_caller]
fn assert_foreign_host(answer: &Answer) {
    assert_plain(answer, 403, 40301, "host not allowed");
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

/// RS-001: of a page of another origin nothing is looked at, so its token costs no fetch of keys. The
/// same request without the page fetches them.
#[tokio::test]
async fn an_origin_is_refused_before_a_credential_is_looked_at() {
    let server = Site::new().cold().serve().await;
    for verb in ["POST", "GET", "DELETE", "PUT", "OPTIONS"] {
        for revision in REVISIONS {
            let mut request = Request::new(revision, WEATHER).with("origin", EVIL);
            verb.clone_into(&mut request.verb);
            for token in [
                server.token(T0),
                server.token_of("wrong_signature", T0),
                "a b".to_owned(),
            ] {
                let request = request.clone().bearer(&token);
                assert_foreign_origin(&send(&server, &request).await);
            }
            assert_foreign_origin(&send(&server, &request).await);
        }
    }
    assert_eq!(server.issuer.paths_requested(), Vec::<String>::new());
    assert_ran(&server, &[]);
    server.call(MODERN, WEATHER, T0).await.assert_ok();
    assert_eq!(server.issuer.jwks_hits(), 1);
    assert_ran(&server, &[WEATHER]);
}

/// RS-001: the same for a foreign host, where the resource is on this machine.
#[tokio::test]
async fn a_host_is_refused_before_a_credential_is_looked_at() {
    let server = Site::new().on_loopback().cold().serve().await;
    for revision in REVISIONS {
        let request = Request::new(revision, WEATHER).bearer(&server.token(T0));
        let request = request.with("host", "evil.example");
        assert_foreign_host(&send(&server, &request).await);
        // Of two reasons the host is told.
        let request = request.with("origin", EVIL);
        assert_foreign_host(&send(&server, &request).await);
    }
    assert_eq!(server.issuer.paths_requested(), Vec::<String>::new());
    assert_ran(&server, &[]);
}

/// RS-008: neither a header nor a method makes a request one that needs no token.
#[tokio::test]
async fn nothing_is_anonymous() {
    let server = Site::new()
        .layer(|layer| layer.allow_origin(PAGE))
        .serve()
        .await;
    for call in ["server/discover", "initialize", "ping", WEATHER] {
        for claimed in ["server/discover", "initialize", "ping", "OPTIONS"] {
            for revision in REVISIONS {
                let request = Request::new(revision, call).with("mcp-method", claimed);
                server.send(&request).await.assert_401_none();
                let request = request.with("x-http-method-override", "OPTIONS");
                let request = request.with("access-control-request-method", "POST");
                server.send(&request).await.assert_401_none();
                let request = request.with("origin", PAGE);
                server.send(&request).await.assert_401_none();
            }
        }
    }
    for revision in REVISIONS {
        for verb in ["GET", "DELETE", "PUT", "PATCH"] {
            server
                .send(&Request::new(revision, verb))
                .await
                .assert_401_none();
        }
        for path in ["/", "/mcp/", "/other", "/.well-known/openid-configuration"] {
            let mut request = Request::new(revision, WEATHER);
            path.clone_into(&mut request.target);
            server.send(&request).await.assert_401_none();
        }
    }
    assert_ran(&server, &[]);
}

/// Sends a call with a token that grants it.
async fn weather(server: &McpServer, revision: &str, fields: &[(&str, &str)]) -> Answer {
    let mut request = Request::new(revision, WEATHER).bearer(&server.token(T0));
    for (name, value) in fields {
        request = request.also(name, value);
    }
    send(server, &request).await
}

/// RS-109: an origin is compared as text with those that are allowed; without one nothing is
/// compared.
#[tokio::test]
async fn only_listed_origins_come_in() {
    let server = Site::new()
        .layer(|layer| {
            layer
                .allow_origin(PAGE)
                .allow_origin("https://App.Example:8443")
        })
        .serve()
        .await;
    for revision in REVISIONS {
        weather(&server, revision, &[]).await.assert_ok();
        for allowed in [
            PAGE,
            "https://app.example:8443",
            // Where the resource itself is.
            "https://mcp.example.com",
        ] {
            let answer = weather(&server, revision, &[("origin", allowed)]).await;
            answer.assert_ok();
            assert_eq!(answer.header("access-control-allow-origin"), Some(allowed));
        }
        assert_ran(&server, &[WEATHER; 4]);
        for foreign in [
            EVIL,
            "http://localhost:3000",
            "http://localhost",
            "https://localhost:3001",
            "http://localhost:3001/",
            "http://localhost:30010",
            "http://localhost:3001.evil.example",
            "http://evil.example/http://localhost:3001",
            "HTTP://LOCALHOST:3001",
            "http://127.0.0.1:3001",
            "https://app.example",
            "https://mcp.example.com:443",
            "https://mcp.example.com.evil.com",
            "https://evil-mcp.example.com",
            "https://mcp.example.com, https://evil.example",
            "http://mcp.example.com",
            "mcp.example.com",
            "null",
            "*",
            "",
            "https://mcp.example.com\u{e9}",
        ] {
            let answer = weather(&server, revision, &[("origin", foreign)]).await;
            assert_foreign_origin(&answer);
        }
        for (first, second) in [(PAGE, PAGE), (PAGE, EVIL), (EVIL, PAGE), (PAGE, "null")] {
            let fields = [("origin", first), ("origin", second)];
            assert_foreign_origin(&weather(&server, revision, &fields).await);
        }
        // Under which name the server was asked for says nothing about a page.
        for (host, page) in [
            ("evil.example", "https://evil.example"),
            ("evil.example", "http://evil.example"),
            ("localhost:3000", "http://localhost:3000"),
        ] {
            let fields = [("host", host), ("origin", page)];
            assert_foreign_origin(&weather(&server, revision, &fields).await);
        }
        assert_ran(&server, &[]);
    }
}

/// RS-109: `null`, which anybody's page can send, comes in where it is listed.
#[tokio::test]
async fn null_is_an_origin_only_if_it_is_listed() {
    let server = Site::new()
        .layer(|layer| layer.allow_origin("null"))
        .serve()
        .await;
    let answer = weather(&server, MODERN, &[("origin", "null")]).await;
    answer.assert_ok();
    assert_eq!(answer.header("access-control-allow-origin"), Some("null"));
    assert_foreign_origin(&weather(&server, MODERN, &[("origin", EVIL)]).await);
}

/// RS-109: an origin that no browser writes would let in nobody, so such a layer is not built.
#[tokio::test]
async fn what_is_no_origin_cannot_be_allowed() {
    let server = plain::server().await;
    for text in [
        "https://app.example/",
        "https://app.example/path",
        "https://app.example:443",
        "http://app.example:80",
        "https://user@app.example",
        "app.example",
        "*",
        "",
    ] {
        let layer = plain::layer(&server.guard).allow_origin(text).build();
        let error = layer.map(drop).expect_err(text);
        assert_eq!(error, LayerError::Origin(text.into()), "{text}");
    }
}

/// RS-110: what is served on this machine is served under its names alone, so that a page whose name
/// was made to point here reaches nothing; and its own pages may read it.
#[tokio::test]
async fn a_loopback_server_knows_its_own_names() {
    let server = Site::new().on_loopback().serve().await;
    let port = server.address.port();
    let own = [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("LocalHost:{port}"),
        format!("[::1]:{port}"),
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "[::1]".to_owned(),
        "127.1.2.3".to_owned(),
    ];
    for revision in REVISIONS {
        for host in &own {
            weather(&server, revision, &[("host", host)])
                .await
                .assert_ok();
            let page = format!("http://{host}");
            let fields = [("host", host.as_str()), ("origin", &page)];
            let answer = weather(&server, revision, &fields).await;
            answer.assert_ok();
            let readable_by = answer.header("access-control-allow-origin");
            assert_eq!(readable_by, Some(page.as_str()));
            assert_ran(&server, &[WEATHER, WEATHER]);
            // Its own names are not those of others.
            for page in ["http://evil.example.com", "http://localhost:1", "null"] {
                let fields = [("host", host.as_str()), ("origin", page)];
                assert_foreign_origin(&weather(&server, revision, &fields).await);
            }
        }
        for host in [
            "evil.example.com",
            "mcp.example.com",
            "localhost.evil.example",
            "evil.localhost.example",
            "127.0.0.1.evil.example",
            "127.1",
            "0x7f000001",
            "2130706433",
            "0.0.0.0",
            "localhost:80x",
            "localhost:80:80",
            "user@localhost",
            "[::2]",
            "::1",
            "192.168.0.1",
            "",
        ] {
            assert_foreign_host(&weather(&server, revision, &[("host", host)]).await);
            let page = format!("http://{host}");
            let fields = [("host", host), ("origin", &page)];
            assert_foreign_host(&weather(&server, revision, &fields).await);
        }
        let local = own[0].as_str();
        for twice in [
            [local, local],
            [local, "evil.example"],
            ["evil.example", local],
        ] {
            let fields = twice.map(|host| ("host", host));
            let answer = weather(&server, revision, &fields).await;
            assert!((400..404).contains(&answer.status), "{answer:?}");
        }
        assert_ran(&server, &[]);
    }
}

/// RS-110: a host in the target, or in `:authority`, is a host as well; all that are named count.
#[tokio::test]
async fn the_host_in_the_target_counts() {
    let server = Site::new().on_loopback().serve().await;
    let own = server.address.to_string();
    let right = Request::new(MODERN, WEATHER).bearer(&server.token(T0));
    for (target, host, is_served) in [
        ("/mcp".to_owned(), own.as_str(), true),
        (format!("http://{own}/mcp"), &own, true),
        ("http://evil.example/mcp".to_owned(), &own, false),
        (format!("http://{own}/mcp"), "evil.example", false),
    ] {
        let mut request = right.clone().with("host", host);
        target.clone_into(&mut request.target);
        let answer = send(&server, &request).await;
        if is_served {
            answer.assert_ok();
        } else {
            assert_foreign_host(&answer);
        }
    }
    // Who names no host may mean any.
    let text = String::from_utf8(right.bytes()).expect("text");
    for version in ["HTTP/1.0", "HTTP/1.1"] {
        let none = text.replacen("host: t\r\n", "", 1);
        let none = none.replacen("HTTP/1.1", version, 1);
        assert_foreign_host(&support::raw(server.address, none.as_bytes()).await);
    }
    let mut two = Two::to(server.address).await;
    two.send(&own, &right).await.assert_ok();
    let answer = two.send("evil.example", &right).await;
    assert_foreign_host(&answer);
    let other_host = right.clone().with("host", "evil.example");
    assert_foreign_host(&two.send(&own, &other_host).await);
    let other_page = right.clone().with("origin", "http://evil.example");
    assert_foreign_origin(&two.send(&own, &other_page).await);
    let own_page = right.with("origin", &format!("http://{own}"));
    two.send(&own, &own_page).await.assert_ok();
    assert_ran(&server, &[WEATHER; 4]);
}

/// RS-110: a name that a loopback server has besides is listed; one that listens elsewhere is served
/// under every name until some are listed.
#[tokio::test]
async fn hosts_can_be_listed() {
    let local = Site::new()
        .on_loopback()
        .layer(|layer| layer.allow_host("MCP.test:8443"))
        .serve()
        .await;
    let listed = Site::new()
        .layer(|layer| layer.allow_host("mcp.example.com"))
        .serve()
        .await;
    let any = Site::new().serve().await;
    for (server, host, is_served) in [
        (&local, "mcp.test:8443", true),
        (&local, "mcp.TEST:8443", true),
        (&local, "mcp.test", false),
        (&local, "localhost", true),
        (&local, "evil.example", false),
        (&listed, "mcp.example.com", true),
        (&listed, "MCP.example.com", true),
        (&listed, "mcp.example.com:443", false),
        (&listed, "localhost", false),
        (&listed, "evil.example", false),
        (&any, "mcp.example.com", true),
        (&any, "evil.example", true),
        (&any, "localhost", true),
    ] {
        let answer = weather(server, MODERN, &[("host", host)]).await;
        if is_served {
            answer.assert_ok();
        } else {
            assert_foreign_host(&answer);
        }
    }
}
