//! Streams behind a layer: they end when the token that opened them does.
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
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::HttpBody;
use chrono::TimeDelta;
use clearance::clock::Clock as _;
use clearance::id::{Subject, TokenId};
use clearance::mcp::any_valid_token;
use clearance::mcp::method::SubscriptionsListen;
use clearance::testing::TokenBuilder;
use clearance::{AuthorizationLayer, Guard, TrustedIssuer};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Frame};
use support::client::{Connection, Stream, open, send};
use support::mcp::McpServer;
use support::request::{MODERN, Request};
use support::service::{Feed, LEGACY, Service, behind, watchers};
use support::{Fixture, plain, spawn};
use tower::{Layer as _, ServiceExt as _, service_fn};

/// What a guard allows clocks to differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// A server whose service keeps streams open.
struct Stage {
    server: McpServer,
    service: Service,
}

fn layer(guard: &Guard<Fixture>) -> AuthorizationLayer {
    let policy = plain::policy().method(SubscriptionsListen, any_valid_token());
    let builder = AuthorizationLayer::builder(guard, policy);
    builder.seal_keys(plain::keys()).build().expect("a layer")
}

async fn stage() -> Stage {
    let service = Service::default();
    let server = behind(&service, layer).await;
    Stage { server, service }
}

/// Everything whose answer can go on and on: each a revision and a call.
const KINDS: [(&str, &str); 4] = [
    (MODERN, "subscriptions/listen"),
    (MODERN, "tools/call export"),
    (LEGACY, "tools/call export"),
    (LEGACY, "GET"),
];

impl Stage {
    fn token(&self) -> TokenBuilder<'_> {
        self.server.scoped("files:read").subject("alice")
    }

    /// A token that dies in five seconds.
    fn short_token(&self) -> String {
        let now = self.server.clock.now();
        let dies = now.checked_add_signed(TimeDelta::seconds(5));
        self.token().expires_at(dies.expect("a time")).mint()
    }

    /// A request for a stream, in a session where there is such a thing.
    async fn asks(&self, (revision, call): (&str, &str), token: &str) -> Request {
        let request = |call| Request::new(revision, call).bearer(token);
        if revision == MODERN {
            return request(call);
        }
        let begun = send(self.server.address, &request("initialize")).await;
        let session = begun.header("mcp-session-id").expect("a session");
        request(call).with("mcp-session-id", session)
    }

    async fn connect(&self, is_http2: bool) -> Connection {
        if is_http2 {
            Connection::http2(self.server.address).await
        } else {
            Connection::http1(self.server.address).await
        }
    }

    /// Opens a stream, and sees one event come through.
    async fn open(&self, kind: (&str, &str), token: &str, is_http2: bool) -> Opened {
        let request = self.asks(kind, token).await;
        let mut connection = self.connect(is_http2).await;
        let stream = connection.open(&request).await;
        assert_eq!(stream.status(), 200, "{kind:?}");
        let feed = self.service.feed();
        let mut opened = Opened {
            _connection: connection,
            stream,
            feed,
        };
        opened.delivers("first").await;
        opened
    }

    /// Some requests of somebody else, after which all has happened that can happen by itself.
    async fn meanwhile(&self) {
        let token = self.server.token_of("valid", "");
        for _ in 0..3 {
            let ping = Request::new(MODERN, "tools/call whoami").bearer(&token);
            assert_eq!(send(self.server.address, &ping).await.status, 200);
        }
    }

    fn revoke_subject(&self, name: &str) {
        let revocations = self.server.guard.revocations();
        let revoked = revocations.revoke_subject(self.server.issuer.id(), &Subject::new(name));
        revoked.expect("room");
    }

    fn revoke_token(&self, id: &str) {
        let revocations = self.server.guard.revocations();
        let revoked = revocations.revoke_token(self.server.issuer.id(), &TokenId::new(id));
        revoked.expect("room");
    }

    fn watchers(&self) -> usize {
        watchers(&self.server.guard)
    }
}

struct Opened {
    _connection: Connection,
    stream: Stream,
    feed: Feed,
}

impl Opened {
    #[track_caller]
    fn delivers(&mut self, event: &'static str) -> impl Future<Output = ()> {
        assert!(self.feed.send(event), "somebody listens");
        async move {
            let next = self.stream.next().await;
            assert_eq!(next.as_deref(), Some(event));
        }
    }

    /// Sends one more event, which comes too late.
    async fn ends(mut self) {
        let polls = self.feed.polls();
        // In the same moment: it may be taken, and must not be delivered.
        self.feed.send("late");
        assert_eq!(self.stream.next().await, None);
        self.feed.dropped().await;
        assert_eq!(self.feed.polls(), polls, "nobody asked for more");
        assert!(!self.feed.send("later"));
    }
}

/// RS-108: a stream ends at the deadline of its token, not a moment earlier, and says nothing after it.
#[tokio::test]
async fn a_stream_ends_when_its_token_does() {
    for kind in KINDS {
        for is_http2 in [false, true] {
            let stage = stage().await;
            let token = stage.short_token();
            let mut opened = stage.open(kind, &token, is_http2).await;
            let head = &opened.stream;
            assert_eq!(
                head.header("cache-control"),
                Some("no-store, no-transform"),
                "{kind:?}"
            );
            let last = TimeDelta::seconds(5) + LEEWAY - TimeDelta::milliseconds(1);
            stage.server.clock.advance(last);
            opened.delivers("in time").await;
            stage.meanwhile().await;
            stage.server.clock.advance(TimeDelta::milliseconds(1));
            opened.ends().await;
            assert_eq!((stage.service.live(), stage.watchers()), (0, 0));
        }
    }
}

/// RS-108: a revocation ends the streams of those whom it concerns, and nobody else's.
#[tokio::test]
async fn a_stream_ends_when_its_token_is_revoked() {
    for kind in KINDS {
        for is_http2 in [false, true] {
            let stage = stage().await;
            let alice = |id| stage.token().token_id(id);
            let open = async |token: TokenBuilder<'_>| {
                let token = token.mint();
                stage.open(kind, &token, is_http2).await
            };
            let first = open(alice("t1")).await;
            let mut second = open(alice("t2")).await;
            let mut third = open(alice("t3").client("another")).await;
            let mut bob = open(stage.token().subject("bob").token_id("t4")).await;
            stage.meanwhile().await;
            assert_eq!(stage.watchers(), 8, "{kind:?}");
            stage.revoke_token("t1");
            first.ends().await;
            for other in [&mut second, &mut third, &mut bob] {
                other.delivers("still there").await;
            }
            stage.meanwhile().await;
            stage.revoke_subject("alice");
            second.ends().await;
            third.ends().await;
            bob.delivers("still there").await;
            // What is issued later is another matter, until that is revoked as well.
            // Tokens of this issuer say that they were issued ten seconds ago.
            stage.server.clock.advance(TimeDelta::seconds(21));
            let mut new = open(alice("t5")).await;
            stage.meanwhile().await;
            stage.revoke_token("t1");
            stage.revoke_subject("carol");
            new.delivers("still there").await;
            stage.meanwhile().await;
            stage.revoke_subject("alice");
            new.ends().await;
            bob.delivers("still there").await;
            assert_eq!(stage.service.live(), 1, "{kind:?}");
        }
    }
}

/// RS-108: one connection carries the streams of several callers, and each ends by itself.
#[tokio::test]
async fn streams_of_one_connection_end_one_by_one() {
    let stage = stage().await;
    let mut connection = Connection::http2(stage.server.address).await;
    let mut streams = Vec::new();
    for name in ["alice", "bob", "carol"] {
        let token = stage.token().subject(name).mint();
        let request = stage.asks((LEGACY, "GET"), &token).await;
        let stream = connection.open(&request).await;
        streams.push((name, stream, stage.service.feed()));
    }
    stage.meanwhile().await;
    while let Some((name, mut stream, feed)) = streams.pop() {
        stage.revoke_subject(name);
        assert_eq!(stream.next().await, None, "{name}");
        feed.dropped().await;
        for (_, other, feed) in &mut streams {
            assert!(feed.send("still there"));
            assert_eq!(other.next().await.as_deref(), Some("still there"));
        }
    }
}

/// RS-108: nobody looks again and again: while nothing comes, nothing is asked.
#[tokio::test]
async fn a_stream_that_waits_costs_nothing() {
    for kind in KINDS {
        for is_http2 in [false, true] {
            let stage = stage().await;
            let token = stage.token().token_id("t1").mint();
            let opened = stage.open(kind, &token, is_http2).await;
            stage.meanwhile().await;
            let polls = opened.feed.polls();
            for number in 0..20 {
                stage.server.clock.advance(TimeDelta::seconds(20));
                stage.revoke_subject(&format!("somebody-{number}"));
                stage.revoke_token(&format!("something-{number}"));
                stage.meanwhile().await;
            }
            assert_eq!(opened.feed.polls(), polls, "{kind:?}");
            stage.revoke_token("t1");
            opened.ends().await;
        }
    }
}

/// RS-108: subjects and tokens of two issuers are not the same, whatever they are called.
#[tokio::test]
async fn a_revocation_is_of_one_issuer() {
    let stage = stage().await;
    let other = support::issuer(&stage.server.clock).await;
    let own = TrustedIssuer::new(stage.server.issuer.id().clone());
    let builder = support::with_rules(own, &stage.server.clock).unlimited();
    let builder = builder.trusted_issuer(TrustedIssuer::new(other.id().clone()));
    let guard = builder.build().expect("a guard");
    guard.ready().await.expect("keys");
    let (address, _) = spawn(stage.service.router().layer(layer(&guard))).await;
    let (subject, id) = (Subject::new("alice"), TokenId::new("t1"));
    let mut streams = Vec::new();
    for issuer in [&stage.server.issuer, &other] {
        let token = issuer.token().scope("files:read").subject("alice");
        let token = token.token_id("t1").mint();
        let asks = Request::new(MODERN, "tools/call export").bearer(&token);
        streams.push((open(address, &asks).await, stage.service.feed()));
    }
    stage.meanwhile().await;
    let ((_connection, mut theirs), their_feed) = streams.remove(1);
    let ((_other_connection, mut ours), our_feed) = streams.remove(0);
    let revocations = guard.revocations();
    revocations.revoke_token(other.id(), &id).expect("room");
    assert_eq!(theirs.next().await, None);
    their_feed.dropped().await;
    revocations
        .revoke_subject(other.id(), &subject)
        .expect("room");
    assert!(our_feed.send("still there"));
    assert_eq!(ours.next().await.as_deref(), Some("still there"));
    revocations
        .revoke_subject(stage.server.issuer.id(), &subject)
        .expect("room");
    assert_eq!(ours.next().await, None);
}

/// RS-108: a newer token is for newer requests; what the old one opened ends with the old one.
#[tokio::test]
async fn a_newer_token_does_not_prolong_a_stream() {
    let stage = stage().await;
    let old = stage.short_token();
    let opened = stage.open((LEGACY, "GET"), &old, false).await;
    let new = stage.token().mint();
    let request = stage.asks((LEGACY, "ping"), &new).await;
    assert_eq!(send(stage.server.address, &request).await.status, 200);
    stage.meanwhile().await;
    stage.server.clock.advance(TimeDelta::seconds(5) + LEEWAY);
    opened.ends().await;
    assert_eq!(send(stage.server.address, &request).await.status, 200);
    let again = stage.open((LEGACY, "GET"), &new, false).await;
    assert_eq!(stage.service.live(), 1);
    drop(again);
}

/// A stream ends for the client when the service ends it, and the guard forgets both that and who
/// vanished.
#[tokio::test]
async fn what_ends_otherwise_leaves_nothing_behind() {
    for is_http2 in [false, true] {
        let stage = stage().await;
        let token = stage.token().mint();
        let vanishes = stage.open((LEGACY, "GET"), &token, is_http2).await;
        let mut ends = stage.open((LEGACY, "GET"), &token, is_http2).await;
        stage.meanwhile().await;
        assert_eq!((stage.service.live(), stage.watchers()), (2, 4));
        let feed = vanishes.feed.clone();
        drop(vanishes);
        feed.dropped().await;
        assert_eq!((stage.service.live(), stage.watchers()), (1, 2));
        ends.feed.send("last");
        drop(ends.feed);
        drop(stage.service.feeds());
        assert_eq!(ends.stream.rest().await, b"last");
        support::http::eventually(|| stage.service.live() == 0).await;
        assert_eq!(stage.watchers(), 0);
    }
}

// ---- without a connection, where each poll is one's own

/// A body that always has more.
struct Endless(Arc<AtomicBool>);

impl Drop for Endless {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"more")))))
    }
}

fn asks_for_export(token: &str) -> http::Request<Full<Bytes>> {
    let request = Request::new(MODERN, "tools/call export").bearer(token);
    let mut built = http::Request::post("/mcp");
    for (name, value) in &request.headers {
        built = built.header(name, value);
    }
    built.body(Full::from(request.body)).expect("a request")
}

/// RS-108: a service that never pauses is stopped all the same, and dropped at once.
#[tokio::test]
async fn a_body_that_never_waits_ends_as_well() {
    for by_time in [true, false] {
        let stage = stage().await;
        let token = stage.token().mint();
        let is_dropped = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&is_dropped);
        let service = layer(&stage.server.guard).layer(service_fn(move |_| {
            let body = Endless(Arc::clone(&flag));
            ready(Ok::<_, Infallible>(http::Response::new(body)))
        }));
        let answer = service.oneshot(asks_for_export(&token)).await;
        let mut body = answer.expect("an answer").into_body();
        for _ in 0..3 {
            assert!(body.frame().await.is_some());
        }
        assert_eq!(stage.watchers(), 0, "nobody waited for anything");
        if by_time {
            stage.server.clock.advance(TimeDelta::hours(2));
        } else {
            stage.revoke_subject("alice");
        }
        assert!(body.frame().await.is_none());
        assert!(is_dropped.load(Ordering::SeqCst));
        assert!(body.is_end_stream());
        assert!(body.frame().await.is_none());
    }
}

/// RS-108: whose token dies while the service thinks is refused, and what it was told is not delivered.
#[tokio::test]
async fn a_token_that_died_before_the_answer_gets_none() {
    let stage = Arc::new(stage().await);
    for (by_time, before_head) in [(true, true), (true, false), (false, true), (false, false)] {
        let token = stage.token().mint();
        let other = Arc::clone(&stage);
        let dies = move || {
            if by_time {
                other.server.clock.advance(TimeDelta::hours(2));
            } else {
                other.revoke_subject("alice");
            }
        };
        let (other, early) = (Arc::clone(&stage), dies.clone());
        let service = layer(&stage.server.guard).layer(service_fn(move |_| {
            if before_head {
                early();
            }
            let stream = other.service.stream();
            ready(Ok::<_, Infallible>(http::Response::new(stream)))
        }));
        let answer = service.oneshot(asks_for_export(&token)).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), if before_head { 401 } else { 200 });
        let feed = stage.service.feed();
        feed.send("too late");
        if !before_head {
            dies();
        }
        let body = answer.into_body().collect().await.expect("a body");
        let body = String::from_utf8(body.to_bytes().to_vec()).expect("text");
        assert_eq!(body.is_empty(), !before_head, "{body}");
        assert!(!body.contains("too late"), "{body}");
        assert!(feed.is_dropped());
        assert_eq!(feed.polls(), 0);
        // The next token is issued late enough not to be revoked with this one.
        stage.server.clock.advance(TimeDelta::seconds(21));
    }
}

/// A finished answer keeps its length, and asks for no timer and no place among those who wait.
#[tokio::test]
async fn an_answer_that_is_there_passes_as_it_is() {
    let stage = stage().await;
    let token = stage.token().mint();
    let service = layer(&stage.server.guard).layer(service_fn(|_| {
        let body = Full::from("all of it");
        ready(Ok::<_, Infallible>(http::Response::new(body)))
    }));
    let answer = service.oneshot(asks_for_export(&token)).await;
    let body = answer.expect("an answer").into_body();
    assert_eq!(body.size_hint().exact(), Some(9));
    assert_eq!(stage.watchers(), 0);
    let all = body.collect().await.expect("a body").to_bytes();
    assert_eq!(all, "all of it");
}
