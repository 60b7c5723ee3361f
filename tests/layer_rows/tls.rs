//! Layers that demand TLS, and who is believed about it.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, Request as HttpRequest};
use axum::middleware::{self, Next};
use axum::response::Response;
use clearance::{PeerInfo, TlsEvidence};

use super::site::{Site, T0, WEATHER, assert_plain, assert_ran};
use crate::support::Answer;
use crate::support::mcp::{McpServer, REVISIONS};
use crate::support::request::{MODERN, Request};

/// What an acceptor would say of the connection, for the test's own field `x-connection`: `tls` or
/// `plain` and an address, or `tcp` and an address for what axum says by itself.
async fn accepted(mut request: HttpRequest<axum::body::Body>, next: Next) -> Response {
    let said = request.headers_mut().remove("x-connection");
    let Some(said) = said.as_ref().and_then(|said| said.to_str().ok()) else {
        return next.run(request).await;
    };
    let extensions = request.extensions_mut();
    extensions.remove::<ConnectInfo<SocketAddr>>();
    for said in said.split(", ") {
        let (kind, address) = said.split_once(' ').unwrap_or((said, ""));
        let address = || -> SocketAddr { address.parse().expect("an address") };
        match kind {
            "tls" => drop(extensions.insert(PeerInfo::tls(address()))),
            "plain" => drop(extensions.insert(PeerInfo::plain(address()))),
            "tcp" => drop(extensions.insert(ConnectInfo(address()))),
            _ => assert_eq!(kind, "none"),
        }
    }
    next.run(request).await
}

fn with_acceptor(router: Router) -> Router {
    router.layer(middleware::from_fn(accepted))
}

async fn ask(server: &McpServer, revision: &str, fields: &[(&str, &str)]) -> Answer {
    let mut request = Request::new(revision, WEATHER).bearer(&server.token(T0));
    for (name, value) in fields {
        request = request.also(name, value);
    }
    server.send(&request).await
}

#[track_caller]
fn assert_not_encrypted(answer: &Answer) {
    assert_plain(answer, 403, 40301, "encrypted connections only");
}

/// RS-018: a token that came in plain text is refused unread, whatever headers say, where the
/// acceptor alone is believed.
#[tokio::test]
async fn the_acceptor_says_what_came_over_tls() {
    let server = Site::new()
        .layer(|layer| layer.require_tls(TlsEvidence::from_acceptor()))
        .outside(with_acceptor)
        .cold()
        .serve()
        .await;
    for revision in REVISIONS {
        for connection in [
            &[][..],
            &[("x-connection", "none")],
            &[("x-connection", "plain 192.0.2.1:1")],
            &[("x-connection", "plain 127.0.0.1:1")],
            &[("x-connection", "tcp 127.0.0.1:1")],
        ] {
            for said in [
                None,
                Some(("x-forwarded-proto", "https")),
                Some(("forwarded", "proto=https")),
                Some(("x-forwarded-ssl", "on")),
            ] {
                let mut fields = connection.to_vec();
                fields.extend(said);
                let answer = ask(&server, revision, &fields).await;
                assert_not_encrypted(&answer);
            }
        }
    }
    assert_eq!(server.issuer.paths_requested(), Vec::<String>::new());
    assert_ran(&server, &[]);
    for revision in REVISIONS {
        let fields = [("x-connection", "tls 192.0.2.1:1")];
        ask(&server, revision, &fields).await.assert_ok();
        // The acceptor has seen it; what else is said does not count.
        let fields = [fields[0], ("x-forwarded-proto", "http")];
        ask(&server, revision, &fields).await.assert_ok();
        assert_ran(&server, &[WEATHER, WEATHER]);
    }
}

/// RS-018: a trusted proxy is believed about the scheme, and nobody else.
#[tokio::test]
async fn trusted_proxies_say_what_came_over_tls() {
    let server = Site::new()
        .layer(|layer| {
            let proxies = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"];
            let proxies = proxies.map(|text| text.parse().expect("a network"));
            layer.require_tls(TlsEvidence::from_proxies(proxies))
        })
        .outside(with_acceptor)
        .serve()
        .await;
    let https = ("x-forwarded-proto", "https");
    for revision in REVISIONS {
        for proxy in [
            "tcp 10.1.2.3:4",
            "tcp 192.0.2.7:4",
            "tcp [2001:db8::1]:4",
            "tcp [::ffff:10.1.2.3]:4",
            "plain 10.1.2.3:4",
            // The acceptor knows better than axum.
            "plain 10.1.2.3:4, tcp 198.51.100.1:4",
        ] {
            let fields = [("x-connection", proxy), https];
            ask(&server, revision, &fields).await.assert_ok();
            assert_ran(&server, &[WEATHER]);
            let without = ask(&server, revision, &fields[..1]).await;
            assert_not_encrypted(&without);
        }
        for other in [
            "none",
            "tcp 127.0.0.1:4",
            "tcp 11.0.0.1:4",
            "tcp 192.0.2.8:4",
            "tcp [2001:db9::1]:4",
            "plain 198.51.100.1:4",
            "plain 198.51.100.1:4, tcp 10.1.2.3:4",
        ] {
            let fields = [("x-connection", other), https];
            assert_not_encrypted(&ask(&server, revision, &fields).await);
            // Whom it claims to be is not asked.
            let fields = [fields[0], https, ("x-forwarded-for", "10.1.2.3")];
            assert_not_encrypted(&ask(&server, revision, &fields).await);
        }
        assert_ran(&server, &[]);
        let fields = [("x-connection", "tls 198.51.100.1:4")];
        ask(&server, revision, &fields).await.assert_ok();
        assert_ran(&server, &[WEATHER]);
    }
}

/// RS-018: all that a proxy says of the scheme has to be `https`.
#[tokio::test]
async fn a_proxy_must_not_contradict_itself() {
    let server = Site::new()
        .layer(|layer| {
            let proxies = ["10.0.0.0/8".parse().expect("a network")];
            layer.require_tls(TlsEvidence::from_proxies(proxies))
        })
        .outside(with_acceptor)
        .serve()
        .await;
    let (proto, forwarded) = ("x-forwarded-proto", "forwarded");
    for (fields, is_served) in [
        (&[(proto, "https")][..], true),
        (&[(proto, "HTTPS")], true),
        (&[(proto, "https, https")], true),
        (&[(proto, "https"), (proto, "https")], true),
        (
            &[(forwarded, "for=192.0.2.1;proto=https;by=10.0.0.1")],
            true,
        ),
        (&[(forwarded, "Proto=\"https\"")], true),
        (
            &[(forwarded, "proto=https, for=192.0.2.1;proto=https")],
            true,
        ),
        (&[(proto, "https"), (forwarded, "for=192.0.2.1")], true),
        (&[(proto, "http")], false),
        (&[(proto, "")], false),
        (&[(proto, "wss")], false),
        (&[(proto, "https, http")], false),
        (&[(proto, "http, https")], false),
        (&[(proto, "https,")], false),
        (&[(proto, "https"), (proto, "http")], false),
        (&[(proto, "http"), (proto, "https")], false),
        (&[(forwarded, "proto=http")], false),
        (&[(forwarded, "proto=https, proto=http")], false),
        (&[(forwarded, "for=192.0.2.1")], false),
        (&[(forwarded, "for=\"https\"")], false),
        (&[(forwarded, "for=\"x;proto=https\"")], false),
        (&[(forwarded, "for=\"x\\\";proto=https\"")], false),
        (&[(forwarded, "for=\"[2001:db8::1]:4\";proto=https")], true),
        (&[(forwarded, "xproto=https")], false),
        (&[(forwarded, "proto=\"http;proto=https\"")], false),
        (&[(proto, "https"), (forwarded, "proto=http")], false),
        (&[(proto, "http"), (forwarded, "proto=https")], false),
        (&[("x-forwarded-scheme", "https")], false),
    ] {
        let connection = ("x-connection", "tcp 10.1.2.3:4");
        let all: Vec<_> = fields.iter().copied().chain([connection]).collect();
        let answer = ask(&server, MODERN, &all).await;
        if is_served {
            assert_eq!(answer.status, 200, "{fields:?}");
            assert_ran(&server, &[WEATHER]);
        } else {
            assert_not_encrypted(&answer);
            assert_ran(&server, &[]);
        }
    }
}

/// RS-018: the address that axum knows of a real connection is the one that counts.
#[tokio::test]
async fn the_peer_of_a_real_connection_counts() {
    for (network, is_trusted) in [
        ("127.0.0.0/8", true),
        ("127.0.0.1", true),
        ("10.0.0.0/8", false),
    ] {
        let server = Site::new()
            .layer(move |layer| {
                let proxies = [network.parse().expect("a network")];
                layer.require_tls(TlsEvidence::from_proxies(proxies))
            })
            .serve()
            .await;
        let plain = ask(&server, MODERN, &[]).await;
        assert_not_encrypted(&plain);
        let answer = ask(&server, MODERN, &[("x-forwarded-proto", "https")]).await;
        if is_trusted {
            answer.assert_ok();
        } else {
            assert_not_encrypted(&answer);
        }
    }
}

/// RS-018: in plain text not even the metadata, the preflight or a request without a token gets
/// another answer, whatever page it comes from.
#[tokio::test]
async fn nothing_is_answered_in_plain_text() {
    let server = Site::new()
        .layer(|layer| layer.require_tls(TlsEvidence::from_acceptor()))
        .serve()
        .await;
    for verb in ["POST", "GET", "HEAD", "DELETE", "OPTIONS", "PUT"] {
        for target in ["/mcp", crate::support::M_PATH] {
            for page in [
                None,
                Some("https://mcp.example.com"),
                Some("https://evil.example"),
            ] {
                let mut request = Request::new(MODERN, WEATHER);
                verb.clone_into(&mut request.verb);
                target.clone_into(&mut request.target);
                let page = page.map(|page| ("origin".to_owned(), page.to_owned()));
                request.headers.extend(page);
                let answer = server.send(&request).await;
                assert_eq!(answer.status, 403, "{request:?}");
                assert_eq!(answer.header("www-authenticate"), None);
            }
        }
    }
    assert_ran(&server, &[]);
}
