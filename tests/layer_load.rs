//! A layer under load: bodies that do not end, and a thousand streams.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must panic"
)]

mod support;

use std::convert::Infallible;
use std::future::{Future as _, poll_fn, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use chrono::TimeDelta;
use clearance::id::{Subject, TokenId};
use clearance::mcp::any_valid_token;
use clearance::mcp::method::SubscriptionsListen;
use clearance::{AuthorizationLayer, Guard};
use http_body_util::Empty;
use hyper::body::Bytes;
use support::client::{Connection, Stream, send, soon};
use support::http::eventually;
use support::mcp::McpServer;
use support::request::{MODERN, Request, whole};
use support::service::{Feed, FeedBody, LEGACY, Service, behind, usual, watchers};
use support::{Answer, Fixture, plain, raw};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tower::{Layer as _, ServiceExt as _, service_fn};

/// A call that takes as many bytes as it is told to.
fn call_of(length: usize) -> Request {
    let request = Request::new(LEGACY, "ping");
    let missing = length.saturating_sub(request.body.len());
    let body = format!("{}{}", request.body, " ".repeat(missing));
    request.body(&body)
}

async fn stage(
    layer: impl FnOnce(&Guard<Fixture>) -> AuthorizationLayer,
) -> (McpServer, Service, String) {
    let service = Service::default();
    let server = behind(&service, layer).await;
    let token = server.token("");
    (server, service, token)
}

/// The head of a request whose body comes by itself.
fn head(request: &Request, length: Option<usize>) -> Vec<u8> {
    let bytes = String::from_utf8(request.clone().body("").bytes()).expect("text");
    let framing = match length {
        Some(length) => format!("content-length: {length}"),
        None => "transfer-encoding: chunked".to_owned(),
    };
    bytes.replace("content-length: 0", &framing).into_bytes()
}

// ---- bodies

/// The request with a body that comes by itself, for a service.
fn asks(request: &Request, body: FeedBody) -> http::Request<FeedBody> {
    let mut built = http::Request::post("/mcp");
    for (name, value) in &request.headers {
        built = built.header(name, value);
    }
    built.body(body).expect("a request")
}

/// A body that is never there in time is given up, however diligently its bytes come: thirty seconds
/// are for all of it.
#[tokio::test]
async fn the_time_for_a_body_is_for_all_of_it() {
    for chosen in [None, Some(5)] {
        let (server, service, token) = stage(usual).await;
        let builder = plain::layer(&server.guard);
        let builder = match chosen {
            Some(seconds) => builder.body_timeout(Duration::from_secs(seconds)),
            None => builder,
        };
        let layer = builder.build().expect("a layer");
        let guarded = layer.layer(service_fn(|_: http::Request<_>| {
            ready(Ok::<_, Infallible>(http::Response::new(
                Empty::<Bytes>::new(),
            )))
        }));
        let body = service.stream();
        let feed = service.feed();
        let request = Request::new(LEGACY, "ping").bearer(&token);
        let asks = asks(&request, body);
        // From here on nothing but time passes.
        tokio::time::pause();
        let begun = tokio::time::Instant::now();
        let after = |millis| tokio::time::sleep_until(begun + Duration::from_millis(millis));
        let answer = tokio::spawn(guarded.oneshot(asks));
        let seconds = chosen.unwrap_or(30);
        for second in 0..seconds {
            assert!(feed.send(" "), "given up after {second} seconds");
            after(second * 1_000 + 990).await;
            assert!(!answer.is_finished(), "given up after {second} seconds");
        }
        after(seconds * 1_000 + 10).await;
        assert!(answer.is_finished());
        let answer = answer.await.expect("an answer").expect("an answer");
        assert_eq!(answer.status(), 408);
        feed.dropped().await;
        tokio::time::resume();
        assert_eq!(service.live(), 0);
    }
}

/// A token may die while the body of its request is on the way: nobody is asked then.
#[tokio::test]
async fn a_token_that_dies_before_its_body_is_there_is_refused() {
    for dies in [false, true] {
        let (server, service, token) = stage(usual).await;
        let layer = plain::layer(&server.guard).build().expect("a layer");
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let guarded = layer.layer(service_fn(move |_: http::Request<_>| {
            counter.fetch_add(1, Ordering::SeqCst);
            ready(Ok::<_, Infallible>(http::Response::new(
                Empty::<Bytes>::new(),
            )))
        }));
        let body = service.stream();
        let feed = service.feed();
        let request = Request::new(LEGACY, "ping").bearer(&token);
        let asks = asks(&request, body);
        let mut answer = pin!(guarded.oneshot(asks));
        let first = poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await;
        assert!(first.is_pending());
        assert_eq!(feed.polls(), 1);
        if dies {
            server.clock.advance(TimeDelta::days(1));
        }
        assert!(feed.send(request.body));
        drop(feed);
        let answer = soon(answer).await.expect("an answer");
        let expected = if dies { (401, 0) } else { (200, 1) };
        assert_eq!(
            (answer.status().as_u16(), asked.load(Ordering::SeqCst)),
            expected
        );
    }
}

/// Sends one byte after the other until there is an answer.
async fn drips(mut stream: TcpStream, bytes: Vec<u8>) -> Answer {
    let (mut reader, mut writer) = stream.split();
    let mut answer = Vec::new();
    let dripping = async {
        for byte in bytes {
            if writer.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        read = soon(reader.read_to_end(&mut answer)) => drop(read),
        () = dripping => {}
    }
    whole(Answer::parse(&answer))
}

/// Slow bodies are answered with 408, do not reach the service, and hold nobody else up.
#[tokio::test]
async fn slow_bodies_are_given_up() {
    let (server, service, token) = stage(|guard| {
        let builder = plain::layer(guard).body_timeout(Duration::from_secs(1));
        builder.build().expect("a layer")
    })
    .await;
    let request = call_of(10_000).bearer(&token);
    let mut slow = JoinSet::new();
    for number in 0..40 {
        let length = (number % 2 == 0).then_some(10_000);
        let head = head(&request, length);
        let address = server.address;
        slow.spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            stream.write_all(&head).await.expect("a head");
            // Some say nothing at all, and some are never done with a chunk.
            let body = match number % 4 {
                0 | 1 => Vec::new(),
                2 => vec![b' '; 10_000],
                _ => [b"2710\r\n".to_vec(), vec![b' '; 10_000]].concat(),
            };
            drips(stream, body).await
        });
    }
    let quick = send(server.address, &call_of(100).bearer(&token)).await;
    assert_eq!(quick.status, 400, "which session? asks the service");
    while let Some(answer) = slow.join_next().await {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 408, "{answer:?}");
    }
    assert_eq!(service.asked().len(), 1);
}

/// A body has as many bytes as are allowed, announced or not, and not one more.
#[tokio::test]
async fn long_bodies_are_too_long() {
    for (limit, chosen) in [(1_000_usize, true), (4 << 20, false)] {
        let (server, service, token) = stage(|guard| {
            let builder = plain::layer(guard);
            let builder = if chosen {
                builder.max_body(limit)
            } else {
                builder
            };
            builder.build().expect("a layer")
        })
        .await;
        for (length, status) in [(limit, 400), (limit + 1, 413)] {
            let request = call_of(length).bearer(&token);
            // HTTP/1.1 with a length, in chunks, and HTTP/2.
            let announced = send(server.address, &request).await;
            let mut chunked = head(&request, None);
            for chunk in request.body.as_bytes().chunks(700) {
                chunked.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                chunked.extend([chunk, b"\r\n"].concat());
            }
            chunked.extend(b"0\r\n\r\n");
            let chunked = whole(soon(raw(server.address, &chunked)).await);
            let mut connection = Connection::http2(server.address).await;
            let stream = connection.open(&request).await;
            let statuses = [announced.status, chunked.status, stream.status()];
            assert_eq!(statuses, [status; 3], "{length}");
            let reached = if status == 400 { 3 } else { 0 };
            assert_eq!(service.asked().len(), reached, "{length}");
        }
    }
}

/// Nobody waits for what will be too long: the answer comes before the body does.
#[tokio::test]
async fn a_long_body_is_refused_before_it_comes() {
    let (server, service, token) = stage(|guard| {
        let builder = plain::layer(guard).max_body(1_000);
        builder.build().expect("a layer")
    })
    .await;
    let request = call_of(2_000).bearer(&token);
    let announced = head(&request, Some(1_001));
    let endless = head(&request, Some(usize::MAX / 2));
    let mut chunked = head(&request, None);
    chunked.extend(b"3e9\r\n");
    chunked.extend(" ".repeat(1_001).into_bytes());
    let late = head(&request.clone().bearer("abc.def.ghi"), Some(500));
    for (bytes, status) in [
        (announced, 413),
        (endless, 413),
        (chunked, 413),
        (late, 401),
    ] {
        // Neither the rest nor the end of the connection follows.
        let mut stream = TcpStream::connect(server.address)
            .await
            .expect("a connection");
        stream.write_all(&bytes).await.expect("a part is sent");
        let mut answer = vec![0; 64 * 1024];
        let read = soon(stream.read(&mut answer)).await.expect("an answer");
        assert_eq!(Answer::parse(&answer[..read]).status, status);
    }
    assert_eq!(service.asked(), []);
}

/// A client that vanishes in the middle of its body asked for nothing.
#[tokio::test]
async fn half_a_body_is_no_request() {
    let (server, service, token) = stage(usual).await;
    let request = call_of(200).bearer(&token);
    for length in [Some(200), None] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(server.address)
                .await
                .expect("a connection");
            let mut bytes = head(&request, length);
            bytes.extend(b"c8\r\n{\"jsonrpc\":");
            stream.write_all(&bytes).await.expect("a part is sent");
        }
    }
    let answer = send(server.address, &call_of(200).bearer(&token)).await;
    assert_eq!(answer.status, 400);
    assert_eq!(service.asked().len(), 1);
}

// ---- streams

fn with_listeners(guard: &Guard<Fixture>) -> AuthorizationLayer {
    let policy = plain::policy().method(SubscriptionsListen, any_valid_token());
    let builder = AuthorizationLayer::builder(guard, policy).http_sse("/sse", "/messages");
    let builder = builder.seal_keys(plain::keys());
    builder.build().expect("a layer")
}

/// How many streams one connection of HTTP/2 carries here.
const EACH: usize = 100;

/// Streams on connections of their own.
struct Crowd {
    connections: Vec<Connection>,
    streams: Vec<Stream>,
    /// The other ends, which the service holds.
    feeds: Vec<Feed>,
}

/// Opens so many streams for a token, each with one event of the service.
async fn crowd(server: &McpServer, service: &Service, count: usize, token: &str) -> Crowd {
    let request = Request::new(MODERN, "subscriptions/listen").bearer(token);
    let mut crowd = Crowd {
        connections: Vec::new(),
        streams: Vec::new(),
        feeds: Vec::new(),
    };
    for number in 0..count {
        if number % EACH == 0 {
            let connection = Connection::http2(server.address).await;
            crowd.connections.push(connection);
        }
        let connection = crowd.connections.last_mut().expect("a connection");
        let stream = connection.open(&request).await;
        assert_eq!(stream.status(), 200);
        crowd.streams.push(stream);
    }
    crowd.feeds = service.feeds();
    for feed in &crowd.feeds {
        assert!(feed.send("hello"));
    }
    for stream in &mut crowd.streams {
        assert_eq!(stream.next().await.as_deref(), Some("hello"));
    }
    crowd
}

/// Clients that go without a word leave nothing behind: no body of the service, and no place among
/// those who wait.
#[tokio::test]
async fn a_thousand_streams_leave_nothing_behind() {
    let (server, service, token) = stage(with_listeners).await;
    let mut crowd = crowd(&server, &service, 1_000, &token).await;
    eventually(|| watchers(&server.guard) == 2_000).await;
    assert_eq!(service.live(), 1_000);
    // Every other one gives up its stream, and keeps its connection.
    let mut numbers = 0..;
    let mut is_kept = || numbers.next().is_some_and(|number| number % 2 == 0);
    crowd.streams.retain(|_| is_kept());
    eventually(|| service.live() == 500).await;
    eventually(|| watchers(&server.guard) == 1_000).await;
    // The others vanish, while the service still holds its ends.
    let Crowd {
        connections,
        streams,
        feeds,
    } = crowd;
    drop(connections);
    eventually(|| service.live() == 0).await;
    eventually(|| watchers(&server.guard) == 0).await;
    assert!(feeds.iter().all(Feed::is_dropped));
    drop(streams);
    let answer = send(server.address, &call_of(100).bearer(&token)).await;
    assert_eq!(answer.status, 400);
}

/// The same on as many connections of HTTP/1.1, and for streams that never began.
#[tokio::test]
async fn connections_that_break_off_leave_nothing_behind() {
    let (server, service, token) = stage(with_listeners).await;
    let mut all = Vec::new();
    for target in ["/mcp", "/sse"] {
        let call = if target == "/mcp" {
            Request::new(MODERN, "subscriptions/listen")
        } else {
            service.greet([": no address yet\n\n"]);
            let mut request = Request::new("2025-03-26", "GET");
            target.clone_into(&mut request.target);
            request
        };
        for _ in 0..100 {
            let mut stream = TcpStream::connect(server.address)
                .await
                .expect("a connection");
            let bytes = call.clone().bearer(&token).bytes();
            stream.write_all(&bytes).await.expect("a request");
            all.push(stream);
        }
    }
    eventually(|| service.live() == 200).await;
    drop(all);
    eventually(|| service.live() == 0).await;
    eventually(|| watchers(&server.guard) == 0).await;
}

/// RS-108: all streams of a subject end at one word, whatever else goes on meanwhile, and nobody else's.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revocation_ends_five_hundred_streams() {
    let (server, service, _) = stage(with_listeners).await;
    let token = |name: &str, id: &str| {
        let token = server.issuer.token().subject(name);
        token.token_id(id).mint()
    };
    let alices = crowd(&server, &service, 500, &token("alice", "t1")).await;
    let mut bobs = crowd(&server, &service, 50, &token("bob", "t2")).await;
    eventually(|| watchers(&server.guard) == 1_100).await;
    let issuer = server.issuer.id().clone();
    let mut revoking = JoinSet::new();
    for number in 0..8 {
        let (revocations, issuer) = (server.guard.revocations().clone(), issuer.clone());
        revoking.spawn(async move {
            let revoked = if number % 2 == 0 {
                revocations.revoke_subject(&issuer, &Subject::new("alice"))
            } else {
                revocations.revoke_token(&issuer, &TokenId::new("t1"))
            };
            revoked.expect("room");
        });
    }
    let mut ending = JoinSet::new();
    let Crowd {
        connections,
        streams,
        feeds,
    } = alices;
    // The service goes on talking.
    let talking = tokio::spawn(async move {
        while feeds.iter().any(|feed| feed.send("news")) {
            tokio::task::yield_now().await;
        }
    });
    for mut stream in streams {
        ending.spawn(async move { stream.rest().await });
    }
    while let Some(ended) = ending.join_next().await {
        ended.expect("an end");
    }
    soon(talking).await.expect("nobody listens");
    while let Some(revoked) = revoking.join_next().await {
        revoked.expect("revoked");
    }
    eventually(|| service.live() == 50).await;
    eventually(|| watchers(&server.guard) == 100).await;
    drop(connections);
    for (stream, feed) in bobs.streams.iter_mut().zip(&bobs.feeds) {
        assert!(feed.send("still there"));
        assert_eq!(stream.next().await.as_deref(), Some("still there"));
    }
}

/// RS-108: who is revoked while a stream begins has none, whichever comes first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_stream_slips_through_a_revocation() {
    let (server, service, _) = stage(with_listeners).await;
    let server = Arc::new(server);
    let (mut refused, mut ended) = (0, 0);
    for round in 0..10 {
        let name = format!("alice-{round}");
        let token = server.issuer.token().subject(&name).mint();
        let request = Request::new(MODERN, "subscriptions/listen").bearer(&token);
        let mut opening = JoinSet::new();
        for _ in 0..32 {
            let (server, request) = (Arc::clone(&server), request.clone());
            opening.spawn(async move {
                let mut connection = Connection::http1(server.address).await;
                let mut stream = connection.open(&request).await;
                let status = stream.status();
                // A stream that nobody ends would be waited for in vain.
                let rest = stream.rest().await;
                (status, rest)
            });
        }
        // In the middle of it, sooner or later.
        eventually(|| service.live() > round * 3).await;
        let revocations = server.guard.revocations();
        let revoked = revocations.revoke_subject(server.issuer.id(), &Subject::new(name.as_str()));
        revoked.expect("room");
        while let Some(answer) = opening.join_next().await {
            match answer.expect("an answer") {
                (200, rest) => {
                    assert!(rest.is_empty());
                    ended += 1;
                }
                (status, _) => {
                    assert_eq!(status, 401);
                    refused += 1;
                }
            }
        }
        eventually(|| service.live() == 0).await;
    }
    assert_eq!(refused + ended, 320);
    assert!(ended > 0, "the race was never on");
    eventually(|| watchers(&server.guard) == 0).await;
}
