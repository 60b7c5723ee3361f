//! By what a tenant is chosen, over real connections: hosts, paths, and services that read paths in their own way.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::any;
use clearance::tenants::Tenant;
use clearance::{Authorized, Guard, GuardBuilder, Guarded, metadata_routes};
use http::Uri;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proptest::prelude::*;
use proptest::sample::select;
use tokio::net::TcpStream;
use tower::ServiceExt as _;

use super::world::{By, METADATA, World};
use crate::support::{Answer, Fixture, raw};

#[derive(Clone)]
struct App(Guard<Fixture>);

impl Guarded for App {
    type Vocabulary = Fixture;

    fn guard(&self) -> &Guard<Fixture> {
        &self.0
    }
}

/// Whom it works for, and what it takes the path for.
async fn serve(auth: Authorized<()>, State(_): State<App>, uri: Uri) -> String {
    format!("{} {}", auth.resource(), normal(uri.path()))
}

/// A path as a service may read it that undoes all encoding, drops parameters, and resolves dots.
fn normal(path: &str) -> String {
    let mut plain = path.to_owned();
    loop {
        let decoded = decoded(&plain);
        if decoded == plain {
            break;
        }
        plain = decoded;
    }
    let plain = plain.replace('\\', "/");
    let mut segments: Vec<&str> = Vec::new();
    for segment in plain.split('/') {
        match segment.split([';', '\0', '?', '#']).next() {
            None | Some("" | ".") => {}
            Some("..") => drop(segments.pop()),
            Some(segment) => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = byte.map_or(after, |_| &after[2..]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn add(world: &World, name: &str) {
    let guard = world.guard(name, &world.shared, GuardBuilder::unlimited);
    let service = Router::new().fallback(any(serve));
    let service = service.with_state(App(guard.clone()));
    let service = service.merge(metadata_routes([&guard]).expect("routes"));
    world
        .tenants
        .set(Tenant::new(&guard, service))
        .expect("a place");
}

async fn world(by: By) -> World {
    let world = World::new(by).await;
    for name in ["a", "b"] {
        add(&world, name);
    }
    world
}

/// Bytes on a connection, with a token of a after the lines that are given.
async fn with_token(world: &World, start: &str, lines: &[&str], token: &str) -> Answer {
    let credential = format!("authorization: Bearer {token}");
    let lines = [&[start], lines, &[&credential, "connection: close\r\n\r\n"]].concat();
    let bytes = lines.join("\r\n");
    raw(world.address, bytes.as_bytes()).await
}

/// Whose token is let in, if any is.
async fn let_in(world: &World, start: &str, lines: &[&str]) -> Vec<&'static str> {
    let mut who = Vec::new();
    for name in ["a", "b"] {
        let token = world.token(&world.shared, name).mint();
        let answer = with_token(world, start, lines, &token).await;
        if answer.status == 200 {
            let resource = world.by.resource(name);
            assert!(
                answer.body.starts_with(&resource),
                "{start} {lines:?}: {answer:?}"
            );
            who.push(name);
        } else {
            let is_plain = matches!(answer.status, 400 | 401 | 404 | 414);
            assert!(is_plain, "{start} {lines:?}: {answer:?}");
        }
    }
    who
}

/// RS-035: no game with hosts lets a token in at another tenant, and only what names one host names a tenant.
#[tokio::test]
async fn hosts_that_are_not_what_they_seem() {
    let world = world(By::Host).await;
    let (a, b, none) = (&["a"][..], &["b"][..], &[][..]);
    let cases: [(&str, &[&str], &[&str]); 31] = [
        ("GET /mcp HTTP/1.1", &["host: a.example.com"], a),
        ("GET /mcp HTTP/1.1", &["host: A.EXAMPLE.com"], a),
        ("GET /mcp HTTP/1.1", &["host:   a.example.com  "], a),
        ("GET /mcp HTTP/1.1", &["HOST: b.example.com"], b),
        (
            "GET /mcp HTTP/1.1",
            &["host: a.example.com", "host: a.example.com"],
            none,
        ),
        (
            "GET /mcp HTTP/1.1",
            &["host: a.example.com", "host: b.example.com"],
            none,
        ),
        (
            "GET /mcp HTTP/1.1",
            &["host: a.example.com", "Host: "],
            none,
        ),
        (
            "GET /mcp HTTP/1.1",
            &["host: a.example.com, b.example.com"],
            none,
        ),
        (
            "GET /mcp HTTP/1.1",
            &["host: a.example.com b.example.com"],
            none,
        ),
        (
            "GET /mcp HTTP/1.1",
            &["host: a.example.com@b.example.com"],
            none,
        ),
        (
            "GET /mcp HTTP/1.1",
            &["host: b.example.com/a.example.com"],
            none,
        ),
        ("GET /mcp HTTP/1.1", &["host: a.example.com/b"], none),
        (
            "GET /mcp HTTP/1.1",
            &["host: a.example.com#b.example.com"],
            none,
        ),
        ("GET /mcp HTTP/1.1", &["host: a.example.com:443"], none),
        ("GET /mcp HTTP/1.1", &["host: a.example.com:"], none),
        ("GET /mcp HTTP/1.1", &["host: a.example.com."], none),
        ("GET /mcp HTTP/1.1", &["host: a..example.com"], none),
        ("GET /mcp HTTP/1.1", &["host: x.a.example.com"], none),
        ("GET /mcp HTTP/1.1", &["host: a%2eexample.com"], none),
        ("GET /mcp HTTP/1.1", &["host: %61.example.com"], none),
        (
            "GET /mcp HTTP/1.1",
            &["host: xn--80ak6aa92e.example.com"],
            none,
        ),
        ("GET /mcp HTTP/1.1", &["host: \u{430}.example.com"], none),
        ("GET /mcp HTTP/1.1", &["host: a\u{3002}example.com"], none),
        ("GET /mcp HTTP/1.1", &["host: "], none),
        ("GET /mcp HTTP/1.1", &[], none),
        (
            "GET http://a.example.com/mcp HTTP/1.1",
            &["host: a.example.com"],
            a,
        ),
        (
            "GET http://a.example.com/mcp HTTP/1.1",
            &["host: b.example.com"],
            none,
        ),
        ("GET http://a.example.com/mcp HTTP/1.1", &["host: "], none),
        (
            "GET http://b@a.example.com/mcp HTTP/1.1",
            &["host: a.example.com"],
            none,
        ),
        ("GET http://a.example.com/mcp HTTP/1.0", &[], a),
        (
            "GET https://b.example.com:443/mcp HTTP/1.1",
            &["host: b.example.com"],
            none,
        ),
    ];
    for (start, lines, expected) in cases {
        let found = let_in(&world, start, lines).await;
        assert_eq!(found, expected, "{start} {lines:?}");
    }
    // What others say of the host is not looked at.
    for field in [
        "x-forwarded-host: b.example.com",
        "x-host: b.example.com",
        "x-original-host: b.example.com",
        "x-forwarded-server: b.example.com",
        "forwarded: host=b.example.com",
        "x-original-url: https://b.example.com/mcp",
        "x-rewrite-url: /b/mcp",
    ] {
        let found = let_in(&world, "GET /mcp HTTP/1.1", &["host: a.example.com", field]).await;
        assert_eq!(found, a, "{field}");
    }
}

/// A request over HTTP/2 with this authority, and this `host` beside it.
async fn http2(address: SocketAddr, authority: &str, host: &[&str], token: &str) -> u16 {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    let task = tokio::spawn(connection);
    let mut request = http::Request::get(format!("http://{authority}/mcp"))
        .header("authorization", format!("Bearer {token}"));
    for host in host {
        request = request.header("host", *host);
    }
    let request = request.body(Empty::<Bytes>::new()).expect("a request");
    let status = match sender.send_request(request).await {
        Ok(answer) => answer.status().as_u16(),
        // The server closes a stream that it takes for malformed.
        Err(_) => 400,
    };
    task.abort();
    status
}

/// RS-035: the same over HTTP/2, where the host is `:authority`.
#[tokio::test]
async fn authorities_that_are_not_what_they_seem() {
    let world = world(By::Host).await;
    let token = world.token(&world.shared, "a").mint();
    for (authority, host, expected) in [
        ("a.example.com", &[][..], 200),
        ("A.Example.com", &[], 200),
        ("a.example.com", &["a.example.com"], 200),
        ("a.example.com", &["b.example.com"], 400),
        ("b.example.com", &["a.example.com"], 400),
        ("a.example.com", &["a.example.com", "a.example.com"], 400),
        ("a.example.com", &["a.example.com", "b.example.com"], 400),
        ("b.example.com", &[], 401),
        ("a.example.com:80", &[], 404),
        ("a.example.com.", &[], 404),
        ("b@a.example.com", &[], 404),
        ("x.a.example.com", &[], 404),
    ] {
        let status = http2(world.address, authority, host, &token).await;
        assert_eq!(status, expected, "{authority} {host:?}");
    }
}

/// RS-035: no game with paths lets a token in at another tenant, and a service that resolves paths by itself
/// does not come to the other's.
#[tokio::test]
async fn paths_that_are_not_what_they_seem() {
    let world = world(By::Path).await;
    let (a, b, none) = (&["a"][..], &["b"][..], &[][..]);
    let host = &["host: mcp.example.com"][..];
    for (path, expected) in [
        ("/a/mcp", a),
        ("/b/mcp", b),
        ("/a", a),
        ("/a/", a),
        ("/a//mcp", a),
        ("/a/mcp?tenant=b", a),
        ("/a/mcp?/../b/mcp", a),
        ("/a/mcp;tenant=b", a),
        ("/a/mcp/..", none),
        ("/a/../b/mcp", none),
        ("/a/%2e%2e/b/mcp", none),
        ("/a/%2E%2E/b/mcp", none),
        ("/a/.%2e/b/mcp", none),
        ("/a/..%2fb/mcp", none),
        ("/a/..%2Fb/mcp", none),
        ("/a/%2e%2e%2fb/mcp", none),
        ("/a/%252e%252e/b/mcp", none),
        ("/a/%252e%252e%252fb/mcp", none),
        ("/a/..;/b/mcp", none),
        ("/a/..;x/b/mcp", none),
        ("/a/..%3bx/b/mcp", none),
        ("/a/..%00/b/mcp", none),
        ("/a\\..\\b\\mcp", none),
        ("/a/..\\b/mcp", none),
        ("/a/..%5cb/mcp", none),
        ("/a/.", none),
        ("/./a/mcp", none),
        ("//a/mcp", none),
        ("//b/a/mcp", none),
        ("/%61/mcp", none),
        ("/a%2fmcp", none),
        ("/a%2f..%2fb/mcp", none),
        ("/a%00/mcp", none),
        ("/a;/mcp", none),
        ("/a;x=y/mcp", none),
        ("/A/mcp", none),
        ("/a%20/mcp", none),
        ("/a./mcp", none),
        ("/.a/mcp", none),
        ("/\u{430}/mcp", none),
        ("/", none),
        ("http://b.example.com/a/mcp", a),
        ("http://mcp.example.com/b/mcp", b),
        ("http://mcp.example.com/a/../b/mcp", none),
        ("a/mcp", none),
        ("*", none),
    ] {
        let found = let_in(&world, &format!("GET {path} HTTP/1.1"), host).await;
        assert_eq!(found, expected, "{path}");
    }
    // The host names nobody here, and what a challenge says of it is the guard's own word.
    for lines in [
        &["host: b.example.com"][..],
        &["host: evil.example"],
        &["host: evil.example", "x-forwarded-host: b.example.com"],
    ] {
        assert_eq!(let_in(&world, "GET /a/mcp HTTP/1.1", lines).await, a);
        let bytes = format!(
            "GET /a/mcp HTTP/1.1\r\n{}\r\nconnection: close\r\n\r\n",
            lines.join("\r\n")
        );
        let answer = raw(world.address, bytes.as_bytes()).await;
        assert_eq!(answer.status, 401);
        let metadata = answer.challenge();
        assert!(metadata.contains(&("resource_metadata".to_owned(), By::Path.metadata_url("a"))));
        assert!(!format!("{answer:?}").contains("evil"));
    }
}

/// RS-035: whatever stands before or after it, a document is that of the tenant in the path, or there is none.
#[tokio::test]
async fn documents_that_are_asked_for_in_odd_ways() {
    let world = world(By::Path).await;
    let get = async |path: &str| {
        let bytes = format!("GET {path} HTTP/1.1\r\nhost: b\r\nconnection: close\r\n\r\n");
        raw(world.address, bytes.as_bytes()).await
    };
    for (path, status) in [
        (format!("{METADATA}/a/mcp"), 200),
        (format!("{METADATA}/a/mcp?x"), 404),
        (format!("{METADATA}/a"), 401),
        (format!("{METADATA}/a/mcp/"), 401),
        (format!("{METADATA}/a/mcp/../../b/mcp"), 400),
        (format!("{METADATA}/a/%2e%2e/b/mcp"), 400),
        (format!("{METADATA}/A/mcp"), 404),
        (format!("{METADATA}/%61/mcp"), 404),
        (format!("{METADATA}//a/mcp"), 404),
        (METADATA.to_owned(), 404),
        (format!("{METADATA}/"), 404),
        (format!("{METADATA}{METADATA}/a/mcp"), 404),
        (format!("/a{METADATA}/a/mcp"), 401),
        (
            "/.well-known/oauth-protected-resourcex/a/mcp".to_owned(),
            404,
        ),
        (
            "/.well-known/OAuth-Protected-Resource/a/mcp".to_owned(),
            404,
        ),
        (
            "/.well-known%2foauth-protected-resource/a/mcp".to_owned(),
            404,
        ),
        (
            "/.well-known/oauth-authorization-server/a/mcp".to_owned(),
            404,
        ),
    ] {
        let answer = get(&path).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(!answer.body.contains(&By::Path.resource("b")), "{path}");
        let is_document = answer.body.contains(&By::Path.resource("a"));
        assert_eq!(is_document, status == 200, "{path}");
    }
}

/// Names that differ in case are two tenants by path, and one by host.
#[tokio::test]
async fn the_case_of_a_name() {
    let by_path = world(By::Path).await;
    add(&by_path, "A");
    let token = by_path.token(&by_path.shared, "A").mint();
    let host = &["host: mcp.example.com"][..];
    let answer = with_token(&by_path, "GET /A/mcp HTTP/1.1", host, &token).await;
    assert_eq!(answer.status, 200);
    let answer = with_token(&by_path, "GET /a/mcp HTTP/1.1", host, &token).await;
    assert_eq!(answer.status, 401);
    assert_eq!(by_path.tenants.stats().set, 3);
    let by_host = world(By::Host).await;
    add(&by_host, "A");
    assert_eq!(by_host.tenants.stats().set, 2);
    let token = by_host.token(&by_host.shared, "a").mint();
    let answer = with_token(
        &by_host,
        "GET /mcp HTTP/1.1",
        &["host: a.example.com"],
        &token,
    )
    .await;
    assert_eq!(answer.status, 200);
    // Whoever names it may write it either way.
    assert!(by_host.tenants.contains("A") && by_host.tenants.contains("a"));
    assert!(by_host.tenants.remove("A") && !by_host.tenants.contains("a"));
    assert!(!by_path.tenants.remove("B") && by_path.tenants.contains("b"));
}

/// Answers that no guard gives say nothing of any tenant, and nothing of the request.
#[tokio::test]
async fn whoever_is_nobodys_is_told_nothing() {
    for by in [By::Host, By::Path] {
        let world = world(by).await;
        let (unknown, odd) = match by {
            By::Host => (
                "GET /mcp HTTP/1.1\r\nhost: secret.example.com",
                "GET /../secret HTTP/1.1\r\nhost: a.example.com",
            ),
            By::Path => (
                "GET /secret/mcp HTTP/1.1\r\nhost: t",
                "GET /a/../secret HTTP/1.1\r\nhost: t",
            ),
        };
        for (head, status) in [(unknown, 404), (odd, 400)] {
            let bytes = format!("{head}\r\nconnection: close\r\n\r\n");
            let answer = raw(world.address, bytes.as_bytes()).await;
            assert_eq!(answer.status, status);
            assert!(answer.header("www-authenticate").is_none());
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let all = format!("{answer:?}");
            for word in ["secret", "example.com", "clearance"] {
                assert!(!all.contains(word), "{all}");
            }
        }
    }
}

/// Pieces of paths that mean something to somebody.
const PIECES: [&str; 30] = [
    "/",
    "/",
    "/",
    "//",
    "a",
    "a",
    "b",
    "b",
    "mcp",
    ".",
    "..",
    "/..",
    "/../",
    "/./",
    "%2e",
    "%2E%2e",
    "%2f",
    "%5C",
    "\\",
    ";",
    ";x",
    "%3b",
    "%00",
    "%25",
    "%252e",
    "%",
    "?",
    "A",
    "...",
    "/.well-known/oauth-protected-resource",
];

/// RS-035: however a path is put together, a service that resolves it for itself and keeps its files by
/// tenant comes to those of the tenant whose token was let in.
#[test]
fn no_path_leads_from_one_tenant_to_another() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let world = runtime.block_on(world(By::Path));
    let tokens = ["a", "b"].map(|name| world.token(&world.shared, name).mint());
    let pieces = proptest::collection::vec(select(&PIECES[..]), 1..10);
    let cases = (select(vec!["/a", "/b", "/"]), pieces);
    proptest!(ProptestConfig::with_cases(2_000), |((start, pieces) in cases)| {
        let path = format!("{start}{}", pieces.concat());
        let Ok(uri) = path.parse::<Uri>() else {
            return Ok(());
        };
        for (name, token) in ["a", "b"].iter().zip(&tokens) {
            let request = http::Request::get(uri.clone())
                .header("authorization", format!("Bearer {token}"))
                .body(Body::empty())
                .expect("a request");
            let answer = runtime.block_on(world.tenants.clone().oneshot(request));
            let answer = answer.expect("an answer");
            if answer.status() != 200 {
                continue;
            }
            let body = runtime.block_on(axum::body::to_bytes(answer.into_body(), 10_000));
            let body = String::from_utf8(body.expect("a body").to_vec()).expect("text");
            if body.starts_with('{') {
                continue;
            }
            let (resource, path) = body.split_once(' ').expect("two words");
            prop_assert_eq!(resource, By::Path.resource(name));
            let path = path.strip_prefix(METADATA).unwrap_or(path);
            let first = path.split('/').nth(1);
            prop_assert_eq!(first, Some(*name), "{}", uri);
        }
    });
}
