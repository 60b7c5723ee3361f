//! In front of a reverse proxy: another server gets the request as it came.

use std::fmt::Write as _;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use clearance::GuardedBody;
use http::Response;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::support::around::{DELETE, WEATHER, World, send, serve, with_body};
use crate::support::client::{Connection, soon};
use crate::support::request::{Request as Call, whole};
use crate::support::{Answer, raw, spawn};

/// The other server: it gives the body back, and tells in fields what it saw.
async fn upstream(request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let told = |name: &str| {
        let values = head.headers.get_all(name).iter();
        let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        values.collect::<Vec<_>>().join("|")
    };
    let answer = Response::builder()
        .header("x-seen-target", head.uri.to_string())
        .header("x-seen-length", told("content-length"))
        .header("x-seen-encoding", told("transfer-encoding"))
        .header("x-seen-authorization", told("authorization"))
        .header("x-seen-version", told("mcp-protocol-version"))
        .header("content-type", "application/json");
    answer.body(Body::from(body)).expect("an answer")
}

/// Passes a request on, as it is.
async fn pass_on(
    to: SocketAddr,
    request: http::Request<GuardedBody<Incoming>>,
) -> Result<Response<Incoming>, hyper::Error> {
    let stream = TcpStream::connect(to).await.expect("the other server");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    sender.send_request(request).await
}

/// A proxy behind the layer, and the other server.
async fn proxy(world: &World) -> SocketAddr {
    let (other, _) = spawn(Router::new().fallback(upstream)).await;
    let proxy = service_fn(move |request| pass_on(other, request));
    let (address, _) = serve(world.layer().layer(proxy)).await;
    address
}

/// The body is the same, and so is its length, in both directions.
#[tokio::test]
async fn a_proxy_passes_on_what_came() {
    let world = World::new().await;
    let address = proxy(&world).await;
    let padding = serde_json::json!({ "params": { "arguments": { "a": "é".repeat(70_000) } } });
    for call in [world.call(WEATHER), world.call(WEATHER).patched(&padding)] {
        let length = call.body.len().to_string();
        let answer = send(address, &call).await;
        assert_eq!((answer.status, &answer.body), (200, &call.body));
        assert_eq!(answer.header("content-length"), Some(&*length));
        assert_eq!(answer.header("x-seen-length"), Some(&*length));
        assert_eq!(answer.header("x-seen-encoding"), Some(""));
        assert_eq!(answer.header("x-seen-authorization"), Some(""));
        assert_eq!(answer.header("x-seen-version"), Some("2026-07-28"));
    }
    let refused = send(address, &world.call(DELETE)).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.header("x-seen-target"), None);
}

/// The bytes of a call in pieces, on a connection of its own.
async fn in_pieces(address: SocketAddr, call: &Call, size: usize) -> Answer {
    let mut bytes = String::from_utf8(call.bytes()).expect("text");
    let (head, _) = bytes.split_once("content-length").expect("a length");
    bytes = format!("{head}transfer-encoding: chunked\r\nconnection: close\r\n\r\n");
    for piece in call.body.as_bytes().chunks(size) {
        let text = std::str::from_utf8(piece).expect("ASCII");
        write!(bytes, "{:x}\r\n{text}\r\n", piece.len()).expect("text");
    }
    bytes.push_str("0\r\n\r\n");
    whole(soon(raw(address, bytes.as_bytes())).await)
}

/// A body in pieces stays whole, and has one length at most on its way on.
#[tokio::test]
async fn a_body_in_pieces_is_passed_on_whole() {
    let world = World::new().await;
    let address = proxy(&world).await;
    for size in [1, 7, 1_000] {
        let call = world.call(WEATHER);
        let answer = in_pieces(address, &call, size).await;
        assert_eq!((answer.status, &answer.body), (200, &call.body), "{size}");
        let told = ["x-seen-length", "x-seen-encoding"].map(|name| answer.header(name));
        assert_eq!(told, [Some(""), Some("chunked")], "{size}");
        let refused = in_pieces(address, &world.call(DELETE), size).await;
        assert_eq!(refused.status, 403, "{size}");
    }
}

/// What came over HTTP/2, without a length, goes on over HTTP/1.1.
#[tokio::test]
async fn another_version_is_spoken_behind() {
    let world = World::new().await;
    let address = proxy(&world).await;
    let mut connection = Connection::http2(address).await;
    let mut call = world.call(WEATHER);
    "/mcp?x=%2e%2e".clone_into(&mut call.target);
    let mut answer = connection.open(&call).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.rest().await, call.body.as_bytes());
    let length = call.body.len().to_string();
    assert_eq!(answer.header("x-seen-length"), Some(&*length));
    assert_eq!(answer.header("x-seen-authorization"), Some(""));
    let target = answer.header("x-seen-target").expect("a target");
    assert!(target.ends_with("/mcp?x=%2e%2e"), "{target}");
}

/// A service that fails is no business of the layer.
#[tokio::test]
async fn the_error_of_a_service_passes() {
    let world = World::new().await;
    let fails = service_fn(|_: http::Request<GuardedBody<Body>>| async {
        Err::<Response<Body>, &str>("out of order")
    });
    let call = world.call(WEATHER);
    let request = with_body(&call, Body::from(call.body.clone()));
    let answer = world.layer().layer(fails).oneshot(request).await;
    assert_eq!(answer.map(drop), Err("out of order"));
}
