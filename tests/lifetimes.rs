//! How long a token counts: until it is revoked, its time is over, or its principal has asked too
//! much. And what the proof of it says.
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

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use chrono::TimeDelta;
use clearance::clock::Clock as _;
use clearance::id::{Subject, TokenId};
use clearance::lifecycle::{RevocationError, Revocations};
use clearance::limit::Quota;
use clearance::mcp::ToolsExecute;
use clearance::refusal::Reason;
use clearance::scope::{AnyOf, KnownTo, Set};
use clearance::testing::TokenBuilder;
use clearance::{Authorized, ConfigError, Guard, Guarded, TrustedIssuer, scopes};
use futures_core::Stream;
use support::http::{ask, bearer, request};
use support::{E, FilesRead, FilesWrite, Fixture, McpAdmin, ScopeA, ScopeB, Server, ToolsRead};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

scopes! {
    /// Another server's scopes, at the places and with the texts of the fixture's.
    vocabulary Foreign;
    ForeignRead = "mcp:tools.read";
    ForeignWrite = "files:read";
}

/// Whether the guard takes this token.
async fn takes(guard: &Guard<Fixture>, token: &TokenBuilder<'_>) -> bool {
    match ask::<()>(guard, &token.mint()).await {
        Ok(_) => true,
        Err(refusal) => {
            assert_eq!(refusal.status(), 401, "{refusal}");
            false
        }
    }
}

fn revocations(server: &Server) -> &Revocations {
    server.app.guard.revocations()
}

fn good(server: &Server) -> TokenBuilder<'_> {
    server.issuer.token().scope("mcp:tools.read")
}

/// A revoked token is refused as soon as the call returns, and no other token is.
#[tokio::test]
async fn a_token_is_revoked_at_once() {
    let server = support::server().await;
    let (one, two) = (
        good(&server).token_id("t1").mint(),
        good(&server).token_id("t2").mint(),
    );
    server.get("/mcp", &one).await.assert_ok();
    assert!(revocations(&server).is_empty());
    revocations(&server)
        .revoke_token(server.issuer.id(), &TokenId::new("t1"))
        .expect("room");
    let answer = server.get("/mcp", &one).await;
    answer.assert_401_inv();
    answer.assert_silent_about(&one);
    // Whatever else it says: the name is what counts.
    let same_name = good(&server).token_id("t1").subject("bob").mint();
    server.get("/mcp", &same_name).await.assert_401_inv();
    server.get("/mcp", &two).await.assert_ok();
    assert_eq!(server.ran(), 2);
    assert_eq!(revocations(&server).len(), 1);
    // Clones are one list, and a clone of the guard is the same guard.
    let clone = server.app.guard.clone();
    clone
        .revocations()
        .clone()
        .revoke_token(server.issuer.id(), &TokenId::new("t2"))
        .expect("room");
    server.get("/mcp", &two).await.assert_401_inv();
    // To the letter.
    for near in ["T1", "t1 ", "t", "t11", ""] {
        revocations(&server)
            .revoke_token(server.issuer.id(), &TokenId::new(near))
            .expect("room");
    }
    let three = good(&server).token_id("t3").mint();
    server.get("/mcp", &three).await.assert_ok();
}

/// The name of a token is unique only with its issuer, and so is that of a subject.
#[tokio::test]
async fn revocations_belong_to_an_issuer() {
    let clock = support::clock();
    let (one, two) = (support::issuer(&clock).await, support::issuer(&clock).await);
    let guard = support::strict(&one, &clock)
        .issuer(two.id().clone())
        .build()
        .expect("a guard");
    let list = guard.revocations();
    list.revoke_token(one.id(), &TokenId::new("t1"))
        .expect("room");
    list.revoke_subject(one.id(), &Subject::new("mallory"))
        .expect("room");
    assert!(!takes(&guard, &one.token().token_id("t1")).await);
    assert!(!takes(&guard, &one.token().subject("mallory")).await);
    assert!(takes(&guard, &two.token().token_id("t1")).await);
    assert!(takes(&guard, &two.token().subject("mallory")).await);
    assert!(takes(&guard, &one.token()).await);
    // There is nothing to revoke of an issuer that is not trusted, however near its name is.
    for stranger in [
        format!("{}/", one.id()),
        "https://as.example.com".to_owned(),
    ] {
        let stranger = stranger.parse().expect("an issuer");
        assert_eq!(
            list.revoke_token(&stranger, &TokenId::new("t1")),
            Err(RevocationError::UnknownIssuer)
        );
        assert_eq!(
            list.revoke_subject(&stranger, &Subject::new("alice")),
            Err(RevocationError::UnknownIssuer)
        );
    }
    assert_eq!(list.len(), 2);
}

/// All tokens of a subject that were issued until now are revoked, of every client, with or
/// without a name; later ones are not.
#[tokio::test]
async fn a_subject_is_revoked_at_once() {
    let server = support::server_with(TrustedIssuer::without_token_id, |guard| guard).await;
    let guard = &server.app.guard;
    let token = good(&server).subject("mallory");
    let nameless = token.clone().without("jti");
    assert!(takes(guard, &token).await && takes(guard, &nameless).await);
    revocations(&server)
        .revoke_subject(server.issuer.id(), &Subject::new("mallory"))
        .expect("room");
    for revoked in [&token, &nameless, &token.clone().client("another")] {
        assert!(!takes(guard, revoked).await);
        server.get("/mcp", &revoked.mint()).await.assert_401_inv();
    }
    assert_eq!(server.ran(), 0);
    assert!(takes(guard, &good(&server)).await);
    // Signing in again helps, a moment later.
    server.clock.advance(TimeDelta::minutes(1));
    assert!(!takes(guard, &token).await);
    assert!(takes(guard, &good(&server).subject("mallory")).await);
}

/// `iat` up to ten seconds after the revocation counts as before it: the issuer's clock may be
/// ahead.
#[tokio::test]
async fn a_subject_is_revoked_with_the_tolerance_of_iat() {
    let server = support::server().await;
    let guard = &server.app.guard;
    let now = server.clock.now();
    let issued = |seconds| {
        let token = good(&server).subject("mallory");
        token.issued_at(now + TimeDelta::seconds(seconds))
    };
    revocations(&server)
        .revoke_subject(server.issuer.id(), &Subject::new("mallory"))
        .expect("room");
    assert!(!takes(guard, &issued(0)).await);
    assert!(!takes(guard, &issued(10)).await);
    // Eleven seconds ahead of us it is not even valid.
    assert!(!takes(guard, &issued(11)).await);
    server.clock.advance(TimeDelta::seconds(1));
    assert!(takes(guard, &issued(11)).await);
    assert!(!takes(guard, &issued(10)).await);
    // Revoked again, it counts from now.
    revocations(&server)
        .revoke_subject(server.issuer.id(), &Subject::new("mallory"))
        .expect("room");
    assert!(!takes(guard, &issued(11)).await);
    assert_eq!(revocations(&server).len(), 1);
}

/// A clock that is set back does not bring a revoked token back to life.
#[tokio::test]
async fn a_clock_set_back_weakens_no_revocation() {
    let server = support::server().await;
    let guard = &server.app.guard;
    let mallory = Subject::new("mallory");
    let token = good(&server).subject("mallory");
    let revoke = || revocations(&server).revoke_subject(server.issuer.id(), &mallory);
    revoke().expect("room");
    server.clock.advance(TimeDelta::hours(-1));
    revoke().expect("room");
    server.clock.advance(TimeDelta::hours(1));
    assert!(!takes(guard, &token).await);
}

/// A full list takes no new entry, says so, and forgets nothing.
#[tokio::test]
async fn a_full_list_refuses_and_forgets_nothing() {
    let server = support::server_with(|rules| rules, |guard| guard.max_revocations(3)).await;
    let guard = &server.app.guard;
    let (list, issuer) = (revocations(&server), server.issuer.id());
    let id = |number: usize| TokenId::new(format!("t{number}"));
    list.revoke_token(issuer, &id(1)).expect("room");
    list.revoke_token(issuer, &id(2)).expect("room");
    list.revoke_subject(issuer, &Subject::new("mallory"))
        .expect("room");
    for number in 3..20 {
        assert_eq!(
            list.revoke_token(issuer, &id(number)),
            Err(RevocationError::Full)
        );
    }
    assert_eq!(
        list.revoke_subject(issuer, &Subject::new("eve")),
        Err(RevocationError::Full)
    );
    assert_eq!(list.len(), 3);
    for revoked in [
        good(&server).token_id("t1"),
        good(&server).token_id("t2"),
        good(&server).subject("mallory"),
    ] {
        assert!(!takes(guard, &revoked).await);
    }
    // What was not taken does not count, and was said not to.
    assert!(takes(guard, &good(&server).token_id("t3")).await);
    assert!(takes(guard, &good(&server).subject("eve")).await);
    // What is in the list already may be revoked again.
    list.revoke_token(issuer, &id(1)).expect("it is there");
    list.revoke_subject(issuer, &Subject::new("mallory"))
        .expect("it is there");
}

/// Entries leave when no token that they concern can be in force, and not a second earlier.
#[tokio::test]
async fn entries_leave_after_the_longest_lifetime() {
    let server = support::server_with(
        |rules| rules,
        |guard| guard.max_revocations(2).max_lifetime(TimeDelta::hours(1)),
    )
    .await;
    let guard = &server.app.guard;
    let (list, issuer) = (revocations(&server), server.issuer.id());
    // As late as a token can be issued, and as long as one can live.
    let at_the_edge = |token: TokenBuilder<'_>| {
        let latest = server.clock.now() + TimeDelta::seconds(10);
        token.issued_at(latest).lifetime(TimeDelta::hours(1)).mint()
    };
    let by_name = at_the_edge(good(&server).token_id("t1"));
    let by_subject = at_the_edge(good(&server).subject("mallory"));
    let control = at_the_edge(good(&server));
    list.revoke_token(issuer, &TokenId::new("t1"))
        .expect("room");
    list.revoke_subject(issuer, &Subject::new("mallory"))
        .expect("room");
    let full = |name: &str| list.revoke_token(issuer, &TokenId::new(name));
    for seconds in [0, 1800, 1800, 60, 5, 4] {
        server.clock.advance(TimeDelta::seconds(seconds));
        // A full list makes the guard look for what it may forget.
        assert_eq!(full("t2"), Err(RevocationError::Full));
        assert!(ask::<()>(guard, &control).await.is_ok(), "still in force");
        for revoked in [&by_name, &by_subject] {
            assert_eq!(server.get("/mcp", revoked).await.status, 401);
        }
    }
    // From here on the tokens are dead by themselves.
    server.clock.advance(TimeDelta::seconds(2));
    assert!(ask::<()>(guard, &control).await.is_err());
    full("t2").expect("room again");
    full("t3").expect("room again");
    assert_eq!(list.len(), 2);
    assert_eq!(full("t4"), Err(RevocationError::Full));
    assert_eq!(server.ran(), 0);
}

/// The longest lifetime is what lets entries end, so longer-lived tokens are refused.
#[tokio::test]
async fn longer_lived_tokens_are_refused() {
    let server = support::server_with(
        |rules| rules,
        |guard| guard.max_lifetime(TimeDelta::hours(1)),
    )
    .await;
    let guard = &server.app.guard;
    assert!(takes(guard, &good(&server).lifetime(TimeDelta::hours(1))).await);
    let longer = TimeDelta::hours(1) + TimeDelta::seconds(1);
    assert!(!takes(guard, &good(&server).lifetime(longer)).await);
    for (lifetime, age) in [(0, 1), (-1, 1), (1, 0), (1, -1)] {
        let guard = support::strict(&server.issuer, &server.clock)
            .max_lifetime(TimeDelta::seconds(lifetime))
            .max_age(TimeDelta::seconds(age))
            .build();
        assert_eq!(guard.map(drop), Err(ConfigError::Lifetime));
    }
}

async fn proof_of<S: Set + KnownTo<Fixture>>(server: &Server, scope: &str) -> Authorized<S> {
    let token = server.issuer.token().scope(scope).mint();
    ask(&server.app.guard, &token).await.expect("a proof")
}

/// What must end by itself; a test that waits for ever says nothing.
async fn soon<F: Future>(work: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(5), work)
        .await
        .expect("it ends")
}

/// A future ends at the deadline, and not before it.
#[tokio::test]
async fn a_future_ends_with_its_token() {
    let server = support::server().await;
    let proof = proof_of::<ToolsRead>(&server, "mcp:tools.read").await;
    let left = proof.deadline() - server.clock.now();
    assert_eq!(left, TimeDelta::seconds(660));
    let mut context = Context::from_waker(Waker::noop());

    // Work that is done in time is not disturbed.
    assert_eq!(proof.until_expiry(async { 7 }).await, Ok(7));
    let mut work = pin!(proof.until_expiry(std::future::pending::<()>()));
    assert_eq!(work.as_mut().poll(&mut context), Poll::Pending);
    server.clock.advance(left - TimeDelta::milliseconds(1));
    assert_eq!(work.as_mut().poll(&mut context), Poll::Pending);
    assert_eq!(proof.until_expiry(async { 7 }).await, Ok(7));
    server.clock.advance(TimeDelta::milliseconds(1));
    let Poll::Ready(Err(expired)) = work.as_mut().poll(&mut context) else {
        panic!("it goes on")
    };
    // What is ready in the same moment comes too late, and so does what begins later.
    assert_eq!(proof.until_expiry(async { 7 }).await, Err(expired));
    server.clock.advance(TimeDelta::days(1));
    assert_eq!(proof.until_expiry(async { 7 }).await, Err(expired));
    // Nobody has to poll it for it to end: the clock wakes it.
    let proof = proof_of::<()>(&server, "").await;
    let waiting = tokio::spawn(proof.until_expiry(std::future::pending::<()>()));
    tokio::task::yield_now().await;
    server.clock.advance(TimeDelta::minutes(11));
    assert_eq!(soon(waiting).await.expect("no panic"), Err(expired));
}

/// A stream of what a test sends.
struct Fed(mpsc::UnboundedReceiver<String>);

impl Stream for Fed {
    type Item = Result<String, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|item| item.map(Ok))
    }
}

/// A stream ends at the deadline; nothing that comes later is delivered, and nothing that waited.
#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let server = support::server().await;
    let proof = proof_of::<ToolsRead>(&server, "mcp:tools.read").await;
    let left = proof.deadline() - server.clock.now();
    let (send, receive) = mpsc::unbounded_channel();
    let mut stream = pin!(proof.until_expiry(Fed(receive)));
    let mut next = async || soon(poll_fn(|cx| stream.as_mut().poll_next(cx))).await;
    let text = |item: Option<Result<String, Infallible>>| item.and_then(Result::ok);
    send.send("one".to_owned()).expect("a stream");
    assert_eq!(text(next().await).as_deref(), Some("one"));
    server.clock.advance(left - TimeDelta::milliseconds(1));
    send.send("two".to_owned()).expect("a stream");
    assert_eq!(text(next().await).as_deref(), Some("two"));
    send.send("waiting".to_owned()).expect("a stream");
    server.clock.advance(TimeDelta::milliseconds(1));
    send.send("later".to_owned()).expect("a stream");
    assert_eq!(text(next().await), None);
    // It stays ended, also if the clock is set back.
    server.clock.advance(TimeDelta::hours(-1));
    assert_eq!(text(next().await), None);

    // A stream that ends by itself just ends.
    let proof = proof_of::<ToolsRead>(&server, "mcp:tools.read").await;
    let (send, receive) = mpsc::unbounded_channel();
    let mut stream = pin!(proof.until_expiry(Fed(receive)));
    drop(send);
    assert!(poll_fn(|cx| stream.as_mut().poll_next(cx)).await.is_none());
}

/// A server that streams what a test feeds it.
#[derive(Clone)]
struct Feed {
    guard: Guard<Fixture>,
    source: Arc<Mutex<Option<Fed>>>,
}

impl Guarded for Feed {
    type Vocabulary = Fixture;
    fn guard(&self) -> &Guard<Fixture> {
        &self.guard
    }
}

async fn events(proof: Authorized<ToolsRead>, State(feed): State<Feed>) -> Body {
    let source = feed.source.lock().expect("a source").take();
    Body::from_stream(proof.until_expiry(source.expect("a source")))
}

/// The same over a socket: the response ends at the deadline, and no later event is on it.
#[tokio::test]
async fn a_response_stream_ends_with_its_token() {
    let server = support::server().await;
    let (send, receive) = mpsc::unbounded_channel();
    let router = Router::new()
        .route("/events", get(events))
        .with_state(Feed {
            guard: server.app.guard.clone(),
            source: Arc::new(Mutex::new(Some(Fed(receive)))),
        });
    let (address, task) = support::spawn(router).await;
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let bytes = request("GET /events", &[bearer(&good(&server).mint())]);
    stream.write_all(&bytes).await.expect("a request");
    let mut seen = String::new();
    let mut read_until = async |text: &str| {
        while !seen.contains(text) {
            let mut buffer = [0; 1024];
            let count = stream.read(&mut buffer).await.expect("bytes");
            assert!(count > 0, "it ended early: {seen}");
            seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    };
    send.send("event-1\n".to_owned()).expect("a stream");
    read_until("event-1").await;
    server.clock.advance(TimeDelta::seconds(659));
    send.send("event-2\n".to_owned()).expect("a stream");
    read_until("event-2").await;
    server.clock.advance(TimeDelta::seconds(1));
    // Whether the server has noticed yet or not.
    send.send("event-3\n".to_owned()).ok();
    let mut rest = String::new();
    soon(stream.read_to_string(&mut rest))
        .await
        .expect("the end");
    assert!(!rest.contains("event-3"), "{rest}");
    assert!(rest.ends_with("0\r\n\r\n"), "the response ends properly");
    task.abort();
}

/// Who has asked too much is told when to come back, and gets through when it does.
#[tokio::test]
async fn waiting_as_long_as_told_lets_the_next_request_pass() {
    let server = support::server_with(
        |rules| rules,
        |guard| guard.limit(Quota::per_minute(4).burst(3)),
    )
    .await;
    let token = || good(&server).mint();
    for _ in 0..3 {
        server.get("/mcp", &token()).await.assert_ok();
    }
    for round in 0..5 {
        let refused = server.get("/mcp", &token()).await;
        assert_eq!(refused.status, 429);
        assert_eq!(refused.code(), 42900);
        assert_eq!(refused.header("cache-control"), Some("no-store"));
        assert_eq!(refused.header("www-authenticate"), None);
        refused.assert_silent_about(&token());
        let wait = refused.header("retry-after").expect("Retry-After");
        let wait: i64 = wait.parse().expect("whole seconds");
        assert_eq!(wait, 15);
        // Asking earlier is in vain, and does not make the wait longer.
        server.clock.advance(TimeDelta::seconds(wait - 1));
        let early = server.get("/mcp", &token()).await;
        assert_eq!(
            (early.status, early.header("retry-after")),
            (429, Some("1"))
        );
        server.clock.advance(TimeDelta::seconds(1));
        server.get("/mcp", &token()).await.assert_ok();
        assert_eq!(server.ran(), 4 + round);
    }
    // After a long time the whole burst is back, and no more than that.
    server.clock.advance(TimeDelta::hours(10));
    for status in [200, 200, 200, 429] {
        assert_eq!(server.get("/mcp", &token()).await.status, status);
    }
}

/// A wait of less than a second is told as one: never zero, never too short.
#[tokio::test]
async fn short_waits_are_rounded_up() {
    let server = support::server_with(
        |rules| rules,
        |guard| guard.limit(Quota::per_second(3).burst(1)),
    )
    .await;
    server.get("/mcp", &good(&server).mint()).await.assert_ok();
    let refused = server.get("/mcp", &good(&server).mint()).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    let refusal = ask::<()>(&server.app.guard, &good(&server).mint()).await;
    let refusal = refusal.map(drop).expect_err("too many");
    let Reason::LimitExceeded(not_until) = refusal.reason() else {
        panic!("{refusal}")
    };
    assert!(not_until.wait() <= Duration::from_millis(334));
    server.clock.advance(TimeDelta::seconds(1));
    server.get("/mcp", &good(&server).mint()).await.assert_ok();
}

/// Each principal has a quota of its own: issuer, subject and client together.
#[tokio::test]
async fn principals_do_not_share_a_quota() {
    let clock = support::clock();
    let (one, two) = (support::issuer(&clock).await, support::issuer(&clock).await);
    let guard = support::strict(&one, &clock)
        .issuer(two.id().clone())
        .limit(Quota::per_hour(1).burst(1))
        .build()
        .expect("a guard");
    let status = async |token: TokenBuilder<'_>| match ask::<()>(&guard, &token.mint()).await {
        Ok(_) => 200,
        Err(refusal) => refusal.status().as_u16(),
    };
    let tokens = || {
        [
            one.token(),
            one.token().subject("bob"),
            one.token().client("other"),
            two.token(),
            // Joined, both would be "alicebobclient-1".
            one.token().subject("alice").client("bobclient-1"),
            one.token().subject("alicebob").client("client-1"),
        ]
    };
    for token in tokens() {
        assert_eq!(status(token).await, 200);
    }
    for token in tokens() {
        assert_eq!(status(token).await, 429);
    }
    // Another token of the same principal is the same principal.
    assert_eq!(status(one.token().scope("a").token_id("new")).await, 429);
}

/// Tokens that do not count are nobody's requests: naming a victim uses up nothing of its quota.
/// What is refused later does.
#[tokio::test]
async fn only_verified_requests_are_charged() {
    let server = support::server_with(
        |rules| rules,
        |guard| guard.limit(Quota::per_hour(2).burst(2)),
    )
    .await;
    revocations(&server)
        .revoke_token(server.issuer.id(), &TokenId::new("gone"))
        .expect("room");
    for _ in 0..20 {
        for bad in [
            good(&server).wrong_signature(),
            good(&server).alg_none(),
            good(&server).expired(),
            good(&server).wrong_audience(),
            good(&server).token_id("gone"),
        ] {
            server.get("/mcp", &bad.mint()).await.assert_401_inv();
        }
        server.get_bare("/mcp").await.assert_401_none();
    }
    server.get("/mcp", &good(&server).mint()).await.assert_ok();
    let no_scope = server.issuer.token().mint();
    server
        .get("/mcp", &no_scope)
        .await
        .assert_403("mcp:tools.read");
    // The quota is looked at before scope.
    for token in [no_scope, good(&server).mint()] {
        assert_eq!(server.get("/mcp", &token).await.status, 429);
    }
    assert_eq!(server.ran(), 1);
}

/// The number of principals that are remembered is bounded: of many that have used up their quota,
/// no more than that are still known to have.
#[tokio::test]
async fn the_number_of_principals_is_bounded() {
    const MOST: usize = 64;
    let server = support::server_with(
        |rules| rules,
        |guard| {
            guard
                .limit(Quota::per_hour(1).burst(1))
                .max_principals(MOST)
        },
    )
    .await;
    let tokens: Vec<String> = (0..600)
        .map(|number| server.issuer.token().subject(&format!("u{number}")).mint())
        .collect();
    for token in &tokens {
        let asked = ask::<()>(&server.app.guard, token).await;
        assert!(asked.is_ok(), "each has a quota of its own");
    }
    let mut remembered = 0;
    for token in &tokens {
        if let Err(refusal) = ask::<()>(&server.app.guard, token).await {
            assert_eq!(refusal.status(), 429);
            remembered += 1;
        }
    }
    assert!(remembered <= MOST, "{remembered}");
}

/// A guard limits also if nothing is said, and does not if that is said.
#[tokio::test]
async fn there_is_a_limit_unless_told_otherwise() {
    let server = support::server().await;
    let token = good(&server).mint();
    let mut passed = 0;
    while ask::<()>(&server.app.guard, &token).await.is_ok() {
        passed += 1;
    }
    assert_eq!(passed, 200);
    let unlimited = support::strict(&server.issuer, &server.clock)
        .unlimited()
        .build()
        .expect("a guard");
    for _ in 0..400 {
        assert!(ask::<()>(&unlimited, &token).await.is_ok());
    }
    for quota in [
        Quota::per_second(0),
        Quota::per_minute(0),
        Quota::per_hour(0),
        Quota::per_minute(1).burst(0),
    ] {
        let guard = support::strict(&server.issuer, &server.clock)
            .limit(quota)
            .build();
        assert!(guard.is_err(), "{quota:?}");
    }
}

/// What a proof says about its token.
#[tokio::test]
async fn a_proof_says_whose_it_is() {
    let server = support::server().await;
    let now = server.clock.now();
    let token = good(&server)
        .subject("alice")
        .client("c1")
        .scope("b x:unknown mcp:admin mcp:tools.read")
        .expires_at(now + TimeDelta::minutes(5));
    let proof = ask::<ToolsRead>(&server.app.guard, &token.mint())
        .await
        .expect("a proof");
    assert_eq!(proof.subject().as_str(), "alice");
    assert_eq!(proof.client().as_str(), "c1");
    assert_eq!(proof.issuer(), server.issuer.id());
    assert_eq!(proof.resource().as_str(), E);
    // `exp`, and the leeway.
    assert_eq!(proof.deadline(), now + TimeDelta::seconds(360));
    let caller = proof.caller();
    assert_eq!(caller.subject(), proof.subject());
    assert_eq!(caller.client(), proof.client());
    assert_eq!(caller.issuer(), proof.issuer());
    assert_eq!(caller.deadline(), proof.deadline());
    // What the token names, in the vocabulary's order, and not what that includes.
    let names: Vec<&str> = caller.scopes().collect();
    assert_eq!(names, ["mcp:tools.read", "mcp:admin", "b"]);
    // A caller outlives the request.
    drop(proof);
    assert_eq!(caller.clone().subject().as_str(), "alice");
}

/// `may` answers for scopes and sets of this vocabulary, and says no to all others, whatever their
/// bits and texts.
#[tokio::test]
async fn may_knows_its_own_vocabulary_only() {
    let server = support::server().await;
    let proof = proof_of::<ToolsRead>(&server, "mcp:tools.read mcp:admin a").await;
    assert!(proof.may::<ToolsRead>());
    assert!(proof.may::<McpAdmin>());
    // What is included counts.
    assert!(proof.may::<FilesRead>() && proof.may::<FilesWrite>());
    assert!(proof.may::<(FilesRead, (ToolsRead, FilesWrite))>());
    assert!(proof.may::<AnyOf<(ScopeB, ScopeA)>>());
    assert!(proof.may::<()>());
    assert!(!proof.may::<ScopeB>());
    assert!(!proof.may::<(ToolsRead, ScopeB)>());
    // The same place, the same bit, the same text: another scope.
    assert!(!proof.may::<ForeignRead>() && !proof.may::<ForeignWrite>());
    assert!(!proof.may::<(ToolsRead, ForeignRead)>());
    assert!(!proof.may::<AnyOf<(ForeignRead, ForeignWrite)>>());
    assert!(!proof.may::<ToolsExecute>());
    assert!(proof.may::<AnyOf<(ForeignRead, ToolsRead)>>());
    // It asks about the token, not about what the proof was narrowed to.
    let narrowed: Authorized<()> = proof.narrow();
    assert!(narrowed.may::<ToolsRead>());
}

/// A proof narrows to what it grants, and says the same of its token afterwards.
#[tokio::test]
async fn a_proof_narrows() {
    fn read_only(proof: &Authorized<FilesRead>) -> &str {
        proof.subject().as_str()
    }
    let server = support::server().await;
    let proof = proof_of::<(McpAdmin, ToolsRead)>(&server, "mcp:admin mcp:tools.read").await;
    let deadline = proof.deadline();
    let admin: Authorized<McpAdmin> = proof.narrow();
    let both: Authorized<(FilesWrite, FilesRead)> = admin.narrow();
    let one = both.narrow::<FilesRead>();
    assert_eq!(read_only(&one), "alice");
    assert_eq!(one.deadline(), deadline);
    assert!(server.app.guard.made(&one));
    let any: Authorized<AnyOf<(FilesRead, ScopeA)>> = one.narrow();
    let none: Authorized<()> = any.narrow();
    assert_eq!(none.resource().as_str(), E);
}

/// `made` knows the proofs of its own guard, clones included, and no others.
#[tokio::test]
async fn a_guard_knows_its_own_proofs() {
    let server = support::server().await;
    let guard = &server.app.guard;
    let twin = support::strict(&server.issuer, &server.clock)
        .build()
        .expect("a guard");
    let token = good(&server).mint();
    let proof = ask::<ToolsRead>(guard, &token).await.expect("a proof");
    let of_twin = ask::<ToolsRead>(&twin, &token).await.expect("a proof");
    assert!(guard.made(&proof) && guard.clone().made(&proof));
    assert!(twin.made(&of_twin));
    assert!(!twin.made(&proof) && !guard.made(&of_twin));
}

/// Claims of the operator's own type.
#[derive(Debug, PartialEq, serde::Deserialize)]
struct Employee {
    department: String,
    #[serde(default)]
    badge: Option<u32>,
}

/// Extra claims are there in the type that was named for the issuer, and in no other; a token whose
/// claims are not of that type is refused.
#[tokio::test]
async fn extra_claims_have_a_type() {
    let server = support::server_with(TrustedIssuer::extra_claims::<Employee>, |guard| guard).await;
    let guard = &server.app.guard;
    let token = good(&server).claim("department", "sales");
    for (token, badge) in [
        (token.clone(), None),
        (token.clone().claim("badge", 7), Some(7)),
    ] {
        let proof = ask::<ToolsRead>(guard, &token.mint())
            .await
            .expect("a proof");
        let department = "sales".to_owned();
        let claims = proof.claims::<Employee>();
        assert_eq!(claims, Some(&Employee { department, badge }));
        assert_eq!(proof.claims::<String>(), None);
        assert_eq!(proof.claims::<()>(), None);
        let narrowed: Authorized<()> = proof.narrow();
        assert!(narrowed.claims::<Employee>().is_some());
    }
    for bad in [
        good(&server),
        good(&server).claim("department", 7),
        token.claim("badge", "7"),
    ] {
        let bad = bad.mint();
        let answer = server.get("/mcp", &bad).await;
        answer.assert_401_inv();
        answer.assert_silent_about(&bad);
    }
    assert_eq!(server.ran(), 0);
    // Not asked for, not there.
    let plain = support::server().await;
    let proof = proof_of::<ToolsRead>(&plain, "mcp:tools.read").await;
    assert_eq!(proof.claims::<Employee>(), None);
}

/// The oldest age ends work as well: the token is dead then for every new request.
#[tokio::test]
async fn work_ends_when_its_token_is_too_old() {
    let server = support::server_with(
        |rules| rules,
        |builder| builder.max_age(TimeDelta::minutes(10)),
    )
    .await;
    let start = server.clock.now();
    let token = good(&server).issued_at(start).lifetime(TimeDelta::hours(1));
    let proof = ask::<()>(&server.app.guard, &token.mint()).await;
    let proof = proof.expect("a proof");
    server.clock.advance(TimeDelta::minutes(10));
    assert_eq!(proof.until_expiry(async { 7 }).await, Ok(7));
    assert!(takes(&server.app.guard, &token).await);
    server.clock.advance(TimeDelta::nanoseconds(1));
    assert!(proof.until_expiry(async { 7 }).await.is_err());
    assert!(!takes(&server.app.guard, &token).await);
}
