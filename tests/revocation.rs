//! What is revoked is dead: by token, subject, client or login, on this machine at once, and on others
//! through a store.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must panic"
)]

mod support;

use std::future::{Future as _, pending};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chrono::TimeDelta;
use clearance::clock::Clock as _;
use clearance::id::{ClientId, Issuer, IssuerSession, Subject, TokenId};
use clearance::lifecycle::{
    Published, Revocation, RevocationError, RevocationSink, RevocationStore, StoreUnavailable,
};
use clearance::testing::TokenBuilder;
use clearance::{Guard, GuardBuilder, Ready};
use support::http::ask;
use support::{Fixture, Server};
use tokio::task::JoinSet;

async fn takes(guard: &Guard<Fixture>, token: &str) -> bool {
    match ask::<()>(guard, token).await {
        Ok(_) => true,
        Err(refusal) => {
            assert_eq!(refusal.reason().code().as_str(), "revoked");
            assert_eq!(refusal.status(), 401);
            false
        }
    }
}

async fn revoke(server: &Server, what: Revocation) {
    let revocations = server.app.guard.revocations();
    revocations.revoke(what).await.expect("room");
}

/// A token of this subject, client and login.
fn token<'s>(server: &'s Server, who: [&str; 3]) -> TokenBuilder<'s> {
    let [subject, client, login] = who;
    server
        .issuer
        .token()
        .subject(subject)
        .client(client)
        .claim("sid", login)
}

type Make = fn(Issuer) -> Revocation;

const WHO: [[&str; 3]; 4] = [
    ["alice", "cli", "s1"],
    ["alice", "web", "s2"],
    ["bob", "cli", "s3"],
    ["bob", "web", "s1"],
];

/// Each kind of revocation ends the tokens that it names, and no other ones.
#[tokio::test]
async fn what_is_named_is_dead() {
    let cases: [(Make, [bool; 4]); 5] = [
        (
            |issuer| Revocation::of_subject(issuer, Subject::new("alice")),
            [false, false, true, true],
        ),
        (
            |issuer| Revocation::of_client(issuer, ClientId::new("cli")),
            [false, true, false, true],
        ),
        (
            |issuer| Revocation::of_session(issuer, IssuerSession::new("s1")),
            [false, true, true, false],
        ),
        (
            |issuer| Revocation::of_token(issuer, TokenId::new("t2")),
            [true, true, false, true],
        ),
        // To the letter.
        (
            |issuer| Revocation::of_session(issuer, IssuerSession::new("S1")),
            [true; 4],
        ),
    ];
    for (make, expected) in cases {
        let server = support::server().await;
        let guard = &server.app.guard;
        let mut all = Vec::new();
        for (number, who) in WHO.into_iter().enumerate() {
            let token = token(&server, who).token_id(&format!("t{number}")).mint();
            assert!(takes(guard, &token).await);
            all.push(token);
        }
        let what = make(server.issuer.id().clone());
        revoke(&server, what.clone()).await;
        for (token, is_alive) in all.iter().zip(expected) {
            assert_eq!(takes(guard, token).await, is_alive, "{what:?}");
        }
    }
}

/// A login has no new tokens; subjects and clients have, once the issuer's clock may have passed the
/// moment.
#[tokio::test]
async fn tokens_from_after_the_moment_live() {
    let server = support::server().await;
    let (guard, issuer) = (&server.app.guard, server.issuer.id());
    let start = server.clock.now();
    let minted = |second: i64| {
        let at = start + TimeDelta::seconds(second);
        token(&server, ["alice", "cli", "s1"]).issued_at(at).mint()
    };
    let (kin, later) = (minted(10), minted(11));
    server.clock.advance(TimeDelta::seconds(20));
    let subject = Revocation::of_subject(issuer.clone(), Subject::new("alice"));
    revoke(&server, subject.clone().issued_until(start)).await;
    assert!(!takes(guard, &kin).await);
    assert!(takes(guard, &later).await);
    // One that is said again does not forget the later moment.
    let client = Revocation::of_client(issuer.clone(), ClientId::new("cli"));
    revoke(
        &server,
        client.clone().issued_until(start + TimeDelta::seconds(1)),
    )
    .await;
    revoke(&server, client.issued_until(start)).await;
    assert!(!takes(guard, &later).await);
    let much_later = minted(12);
    assert!(takes(guard, &much_later).await);
    revoke(&server, subject).await;
    assert!(!takes(guard, &much_later).await);
    let newest = minted(31);
    server.clock.advance(TimeDelta::seconds(11));
    assert!(takes(guard, &newest).await);
    let login = Revocation::of_session(issuer.clone(), IssuerSession::new("s1"));
    revoke(&server, login.issued_until(start)).await;
    assert!(!takes(guard, &newest).await);
}

/// What is revoked ahead of time stays revoked until the last of those tokens is dead.
#[tokio::test]
async fn a_moment_to_come_keeps_its_entry() {
    let server = support::server_with(
        |rules| rules,
        |builder| builder.max_lifetime(TimeDelta::hours(1)).max_revocations(1),
    )
    .await;
    let (guard, issuer) = (&server.app.guard, server.issuer.id());
    let ahead = server.clock.now() + TimeDelta::hours(10);
    let what = Revocation::of_subject(issuer.clone(), Subject::new("alice"));
    revoke(&server, what.issued_until(ahead)).await;
    server.clock.advance(TimeDelta::hours(10));
    let alice = token(&server, ["alice", "cli", "s1"]).mint();
    assert!(!takes(guard, &alice).await);
    let other = Revocation::of_token(issuer.clone(), TokenId::new("t"));
    let revocations = guard.revocations();
    assert_eq!(
        revocations.revoke(other.clone()).await,
        Err(RevocationError::Full)
    );
    server.clock.advance(TimeDelta::hours(2));
    assert_eq!(revocations.revoke(other).await, Ok(()));
}

/// `sid` that is no text names no login, and does not spoil the token.
#[tokio::test]
async fn a_session_that_is_no_text_is_none() {
    let server = support::server().await;
    for odd in [
        serde_json::json!(7),
        serde_json::json!(["s1"]),
        serde_json::json!(null),
    ] {
        let token = server.issuer.token().claim("sid", odd).mint();
        assert!(takes(&server.app.guard, &token).await);
        let login = Revocation::of_session(server.issuer.id().clone(), IssuerSession::new("s1"));
        revoke(&server, login).await;
        assert!(takes(&server.app.guard, &token).await);
    }
}

/// RS-108: Work that goes on ends when its token is revoked, whatever it was named by, and other work
/// goes on.
#[tokio::test]
async fn long_work_ends_when_its_token_is_revoked() {
    let ends: [Make; 4] = [
        |issuer| Revocation::of_token(issuer, TokenId::new("mine")),
        |issuer| Revocation::of_subject(issuer, Subject::new("alice")),
        |issuer| Revocation::of_client(issuer, ClientId::new("cli")),
        |issuer| Revocation::of_session(issuer, IssuerSession::new("s1")),
    ];
    for end in ends {
        let server = support::server().await;
        let what = end(server.issuer.id().clone());
        let guard = &server.app.guard;
        let mine = token(&server, ["alice", "cli", "s1"]).token_id("mine");
        let mine = ask::<()>(guard, &mine.mint()).await.expect("a proof");
        let other = ask::<()>(guard, &token(&server, ["bob", "web", "s2"]).mint()).await;
        let other = other.expect("a proof");
        let waiting = tokio::spawn(mine.until_expiry(pending::<()>()));
        let mut context = Context::from_waker(Waker::noop());
        let mut goes_on = pin!(other.until_expiry(pending::<()>()));
        assert!(goes_on.as_mut().poll(&mut context).is_pending());
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        revoke(&server, what.clone()).await;
        let ended = tokio::time::timeout(Duration::from_secs(5), waiting).await;
        assert!(ended.expect("it ends").expect("no panic").is_err());
        assert!(goes_on.as_mut().poll(&mut context).is_pending(), "{what:?}");
        // What begins later ends at once.
        assert!(mine.until_expiry(pending::<()>()).await.is_err());
    }
}

/// After `revoke` has returned, nobody is let in on this machine, however many ask in the middle of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_let_in_after_a_revocation() {
    let server = support::server_with(|rules| rules, GuardBuilder::unlimited).await;
    let token: Arc<str> = token(&server, ["alice", "cli", "s1"]).mint().into();
    let (is_revoked, admitted) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut tasks = JoinSet::new();
    for _ in 0..1_000 {
        let (guard, token) = (server.app.guard.clone(), Arc::clone(&token));
        let (is_revoked, admitted) = (Arc::clone(&is_revoked), Arc::clone(&admitted));
        tasks.spawn(async move {
            let (mut before, mut after) = (0, 0);
            while after < 3 {
                // What is known before asking: a revocation that returned counts for what begins now.
                let was_revoked = is_revoked.load(Ordering::SeqCst);
                let is_taken = takes(&guard, &token).await;
                assert!(!(was_revoked && is_taken), "let in after the revocation");
                admitted.fetch_add(usize::from(is_taken), Ordering::SeqCst);
                before += 1;
                after += i32::from(was_revoked);
                tokio::task::yield_now().await;
            }
            before
        });
    }
    while admitted.load(Ordering::SeqCst) < 2_000 {
        tokio::task::yield_now().await;
    }
    revoke(
        &server,
        Revocation::of_subject(server.issuer.id().clone(), Subject::new("alice")),
    )
    .await;
    is_revoked.store(true, Ordering::SeqCst);
    while let Some(asked) = tasks.join_next().await {
        assert!(asked.expect("no panic") >= 3);
    }
}

// ---- several machines

/// A store that can fail.
#[derive(Debug, Default)]
struct Board {
    sinks: Mutex<Vec<RevocationSink>>,
    said: Mutex<Vec<Revocation>>,
    is_down: AtomicBool,
}

fn shared(board: &Arc<Board>) -> Arc<dyn RevocationStore> {
    let board: Arc<Board> = Arc::clone(board);
    board
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RevocationStore for Board {
    fn publish<'a>(&'a self, revocation: &Revocation) -> Published<'a> {
        let revocation = revocation.clone();
        Box::pin(async move {
            // It takes a while.
            tokio::task::yield_now().await;
            if self.is_down.load(Ordering::SeqCst) {
                return Err(StoreUnavailable::new("connection_failed"));
            }
            for sink in &*lock(&self.sinks) {
                sink.learn(&revocation).ok();
            }
            lock(&self.said).push(revocation);
            Ok(())
        })
    }

    fn follow(&self, sink: RevocationSink) {
        for revocation in &*lock(&self.said) {
            sink.learn(revocation).expect("room");
        }
        lock(&self.sinks).push(sink);
    }

    fn is_current(&self) -> bool {
        !self.is_down.load(Ordering::SeqCst)
    }
}

/// Another machine that guards the same resource.
async fn machine(
    server: &Server,
    change: impl FnOnce(GuardBuilder<Fixture, Ready>) -> GuardBuilder<Fixture, Ready>,
) -> Guard<Fixture> {
    let builder = support::strict(&server.issuer, &server.clock);
    let guard = change(builder).build().expect("a guard");
    guard.ready().await.expect("keys");
    guard
}

#[tokio::test]
async fn machines_tell_each_other_through_a_store() {
    let server = support::server().await;
    let board = Arc::new(Board::default());
    let store = || shared(&board);
    let here = machine(&server, |builder| builder.revocation_store(store())).await;
    let there = machine(&server, |builder| builder.revocation_store(store())).await;
    let mine = token(&server, ["alice", "cli", "s1"]).mint();
    assert!(takes(&here, &mine).await && takes(&there, &mine).await);
    let what = Revocation::of_subject(server.issuer.id().clone(), Subject::new("alice"));
    assert_eq!(here.revocations().revoke(what.clone()).await, Ok(()));
    assert!(!takes(&here, &mine).await && !takes(&there, &mine).await);
    // The moment is that of the machine that was told first.
    let said = lock(&board.said).clone();
    assert_eq!(said.len(), 1);
    let until = said.first().and_then(Revocation::until);
    assert_eq!(until, Some(server.clock.now()));
    // Who comes later learns it as well, and once more does no harm.
    let late = machine(&server, |builder| builder.revocation_store(store())).await;
    assert!(!takes(&late, &mine).await);
    assert_eq!(here.revocations().revoke(what).await, Ok(()));
    assert_eq!((here.revocations().len(), late.revocations().len()), (1, 1));
    // What waits for nobody cannot tell the others, and says so.
    let (id, subject) = (TokenId::new("t"), Subject::new("bob"));
    let issuer = server.issuer.id();
    let wants = Err(RevocationError::WantsStore);
    assert_eq!(here.revocations().revoke_token(issuer, &id), wants);
    assert_eq!(here.revocations().revoke_subject(issuer, &subject), wants);
    assert_eq!(here.revocations().len(), 1);
}

/// RS-005: While nobody knows what others have revoked, a request is 503 and never 401 or served, unless
/// the guard was told to go on.
#[tokio::test]
async fn a_store_that_cannot_be_asked_is_nobodys_fault() {
    let server = support::server().await;
    let board = Arc::new(Board::default());
    let store = || shared(&board);
    let strict = machine(&server, |builder| builder.revocation_store(store())).await;
    let bold = machine(&server, |builder| {
        builder.revocation_store_or_go_on(store())
    })
    .await;
    let mine = token(&server, ["alice", "cli", "s1"])
        .token_id("mine")
        .mint();
    let yours = token(&server, ["bob", "web", "s2"]).mint();
    assert!(takes(&strict, &mine).await && takes(&bold, &mine).await);
    board.is_down.store(true, Ordering::SeqCst);
    let refusal = ask::<()>(&strict, &mine).await.expect_err("nobody knows");
    assert_eq!(
        (refusal.status().as_u16(), refusal.reason().code().as_str()),
        (503, "unavailable")
    );
    assert!(refusal.retry_after().is_some_and(|seconds| seconds >= 1));
    assert!(refusal.challenge().is_none());
    assert!(takes(&bold, &mine).await);
    // It counts here, and the caller learns that it counts nowhere else.
    let what = Revocation::of_token(server.issuer.id().clone(), TokenId::new("mine"));
    let unpublished = StoreUnavailable::new("connection_failed");
    assert_eq!(
        bold.revocations().revoke(what.clone()).await,
        Err(RevocationError::Unpublished(unpublished))
    );
    assert!(!takes(&bold, &mine).await);
    assert!(takes(&bold, &yours).await);
    // What is known to be revoked is told so, also then.
    assert!(strict.revocations().revoke(what).await.is_err());
    assert!(!takes(&strict, &mine).await);
    board.is_down.store(false, Ordering::SeqCst);
    assert!(takes(&strict, &yours).await);
}

/// It counts before the store has answered.
#[tokio::test]
async fn a_revocation_counts_here_at_once() {
    let server = support::server().await;
    let board = Arc::new(Board::default());
    let store = shared(&board);
    let here = machine(&server, |builder| builder.revocation_store(store)).await;
    let mine = token(&server, ["alice", "cli", "s1"]).mint();
    let what = Revocation::of_subject(server.issuer.id().clone(), Subject::new("alice"));
    let revocations = here.revocations();
    let mut telling = pin!(revocations.revoke(what));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(telling.as_mut().poll(&mut context), Poll::Pending);
    assert!(!takes(&here, &mine).await);
    assert!(lock(&board.said).is_empty());
    assert_eq!(telling.await, Ok(()));
}

/// A store does not keep a guard alive, and what does not fit is said.
#[tokio::test]
async fn a_list_belongs_to_its_guard() {
    let server = support::server().await;
    let board = Arc::new(Board::default());
    let store = shared(&board);
    let guard = machine(&server, |builder| {
        builder.max_revocations(1).revocation_store(store)
    })
    .await;
    let sink = lock(&board.sinks).first().cloned().expect("a sink");
    let issuer = server.issuer.id();
    let of = |issuer: &Issuer, id: &str| Revocation::of_token(issuer.clone(), TokenId::new(id));
    assert!(sink.is_open());
    let stranger = "https://other.example".parse().expect("an issuer");
    assert_eq!(sink.learn(&of(&stranger, "a")), Ok(()));
    assert!(guard.revocations().is_empty());
    assert_eq!(sink.learn(&of(issuer, "a")), Ok(()));
    assert_eq!(sink.learn(&of(issuer, "b")), Err(RevocationError::Full));
    assert_eq!(sink.learn(&of(issuer, "a")), Ok(()));
    drop(guard);
    assert!(!sink.is_open());
    assert_eq!(sink.learn(&of(issuer, "b")), Ok(()));
}

/// A time of day that is set back brings no revoked token back to life.
#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_list_forget() {
    let server = support::server_with(
        |rules| rules,
        |builder| builder.max_lifetime(TimeDelta::hours(1)),
    )
    .await;
    let guard = &server.app.guard;
    let start = server.clock.now();
    let mine = token(&server, ["alice", "cli", "s1"])
        .token_id("mine")
        .lifetime(TimeDelta::minutes(59))
        .mint();
    let issuer = server.issuer.id();
    let of = |id: &str| Revocation::of_token(issuer.clone(), TokenId::new(id));
    revoke(&server, of("mine")).await;
    for _ in 0..3 {
        server.clock.advance(TimeDelta::minutes(40));
        server.clock.set(start);
    }
    // One more entry makes the list look for what it can forget.
    revoke(&server, of("other")).await;
    assert!(!takes(guard, &mine).await);
    server.clock.advance(TimeDelta::hours(2));
    revoke(&server, of("another")).await;
    assert_eq!(guard.revocations().len(), 1);
}

/// A list that is full is not looked through for each entry that does not fit.
#[tokio::test]
async fn a_full_list_refuses_quickly() {
    let server =
        support::server_with(|rules| rules, |builder| builder.max_revocations(20_000)).await;
    let (revocations, issuer) = (server.app.guard.revocations(), server.issuer.id());
    for number in 0..20_000 {
        let id = TokenId::new(format!("t{number}"));
        revocations.revoke_token(issuer, &id).expect("room");
    }
    // With a look at all of them each time it would take minutes.
    for number in 20_000..100_000 {
        let id = TokenId::new(format!("t{number}"));
        let full = Err(RevocationError::Full);
        assert_eq!(revocations.revoke_token(issuer, &id), full);
    }
    server.clock.advance(TimeDelta::hours(25));
    assert_eq!(revocations.revoke_token(issuer, &TokenId::new("t")), Ok(()));
    assert_eq!(revocations.len(), 1);
}
