//! Tenants that come, change and go while requests and streams run.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::FromRequestParts as _;
use axum::routing::any;
use clearance::limit::{Charge, Counted, LimitStore, Quota, Verdict};
use clearance::tenants::{SetError, Tenant};
use clearance::{Authorized, Guard, GuardBuilder};
use http::{Request as HttpRequest, StatusCode};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::world::{By, Customer, WAYS, WEATHER, World, handlers, layer, oneshot, ways};
use crate::support::Fixture;
use crate::support::client::{Connection, Stream};
use crate::support::http::{eventually, parts_with, verdict};
use crate::support::mcp::Log;
use crate::support::request::{MODERN, Request};
use crate::support::service::{Feed, LEGACY, Service};

/// A stream of a tenant, and the service's end of it.
struct Opened {
    _connection: Connection,
    stream: Stream,
    feed: Feed,
}

impl Opened {
    async fn delivers(&mut self, what: &str) {
        assert!(self.feed.send(format!("data: {what}\n\n")));
        assert!(self.stream.until("\n\n").await.contains(what));
    }

    async fn has_ended(mut self) {
        self.feed.dropped().await;
        self.stream.rest().await;
    }
}

async fn open(world: &World, service: &Service, name: &str, token: &str, is_http2: bool) -> Opened {
    let call = Request::new(MODERN, "subscriptions/listen").bearer(token);
    let call = world.by.to(name, call);
    let mut connection = if is_http2 {
        Connection::http2(world.address).await
    } else {
        Connection::http1(world.address).await
    };
    let stream = connection.open(&call).await;
    assert_eq!(stream.status(), 200);
    let mut opened = Opened {
        _connection: connection,
        stream,
        feed: service.feed(),
    };
    opened.delivers("first").await;
    opened
}

/// Streams of a tenant that changed or went end, and those of others go on, over HTTP/1.1 and HTTP/2.
#[tokio::test]
async fn streams_end_with_their_tenant() {
    for (by, is_http2, is_removed) in ways() {
        let world = World::new(by).await;
        let service = Service::default();
        world.add_service("a", &world.shared, &service);
        world.add_service("b", &world.shared, &service);
        let [of_a, of_b] = ["a", "b"].map(|name| world.token(&world.shared, name).mint());
        let at_a = open(&world, &service, "a", &of_a, is_http2).await;
        let mut at_b = open(&world, &service, "b", &of_b, is_http2).await;
        if is_removed {
            assert!(world.tenants.remove("a"));
        } else {
            world.add_service("a", &world.shared, &service);
        }
        at_a.has_ended().await;
        at_b.delivers("second").await;
        let again = Request::new(MODERN, "subscriptions/listen").bearer(&of_a);
        let (_connection, stream) = world.open("a", again).await;
        assert_eq!(stream.status(), if is_removed { 404 } else { 200 });
    }
}

/// A tenant that is set once more with the guard that it has keeps its streams: only its service changed.
#[tokio::test]
async fn streams_stay_with_their_guard() {
    let world = World::new(By::Host).await;
    let service = Service::default();
    let Customer { guard, .. } = world.add_service("a", &world.shared, &service);
    let token = world.token(&world.shared, "a").mint();
    let mut stream = open(&world, &service, "a", &token, false).await;
    let other = Service::default();
    let tenant = Tenant::new(&guard, other.router().layer(layer(&guard)));
    assert_eq!(world.tenants.set(tenant), Ok(true));
    stream.delivers("second").await;
    let ping = world
        .ask(
            "a",
            Request::new(MODERN, "tools/call whoami").bearer(&token),
        )
        .await;
    assert_eq!(ping.status, 200);
    assert_eq!((other.asked().len(), service.asked().len()), (1, 1));
}

/// Sessions outlive a change of the guard where the keys of seals are the same ones, for their owner alone.
#[tokio::test]
async fn sessions_outlive_a_change() {
    let world = World::new(By::Path).await;
    let service = Service::default();
    world.add_service("a", &world.shared, &service);
    let token = world.token(&world.shared, "a").mint();
    let hello = Request::new(LEGACY, "initialize").bearer(&token);
    let session = world.ask("a", hello).await;
    let session = session
        .header("mcp-session-id")
        .expect("a session")
        .to_owned();
    world.add_service("a", &world.shared, &service);
    for (subject, expected) in [("alice", 200), ("bob", 404)] {
        let token = world.token(&world.shared, "a").subject(subject).mint();
        let ping = Request::new(LEGACY, "ping").bearer(&token);
        let answer = world.ask("a", ping.with("mcp-session-id", &session)).await;
        assert_eq!(answer.status, expected);
    }
}

/// Answers in its own time: one permit for each request.
#[derive(Clone, Debug)]
struct Slow {
    permits: Arc<Semaphore>,
    asked: Arc<AtomicUsize>,
}

impl Slow {
    fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(0)),
            asked: Arc::default(),
        }
    }

    async fn waits_for(&self, asked: usize) {
        eventually(|| self.asked.load(Ordering::SeqCst) == asked).await;
    }

    async fn pass(&self) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.permits.acquire().await.expect("open").forget();
    }
}

impl LimitStore for Slow {
    fn count<'a>(&'a self, _: &'a [Charge]) -> Counted<'a> {
        Box::pin(async {
            self.pass().await;
            Ok(Verdict::Within)
        })
    }
}

/// A request of which it is not known yet whether it may come in does not come in by the guard that was
/// there when it came, once another one is there, or none.
#[tokio::test]
async fn whoever_waits_is_not_let_in_by_a_former_guard() {
    for by in WAYS {
        for is_removed in [false, true] {
            let world = World::new(by).await;
            let slow = Slow::new();
            let quota = Quota::per_second(1_000_000);
            let a = world.add_with("a", &world.shared, |builder| {
                builder.limit(quota).share_limits_or_refuse(slow.clone())
            });
            let b = world.add("b", &world.shared);
            let token = world.token(&world.shared, "a").mint();
            let call = by.to("a", Request::new(MODERN, WEATHER).bearer(&token));
            let tenants = world.tenants.clone();
            let waiting = tokio::spawn(async move { oneshot(&tenants, &call).await.status() });
            slow.waits_for(1).await;
            if is_removed {
                assert!(world.tenants.remove("a"));
            } else {
                world.add("a", &world.shared);
            }
            slow.permits.add_permits(1);
            let status = waiting.await.expect("an answer");
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
            assert!(
                a.log.take().is_empty(),
                "a handler of the former tenant ran"
            );
            world
                .is_let_in(&b, &world.token(&world.shared, "b").mint())
                .await;
        }
    }
}

/// And neither does one that is asked for its proof later, behind a layer that let it in.
#[tokio::test]
async fn whoever_was_let_in_is_judged_by_a_former_guard_no_more() {
    let world = World::new(By::Path).await;
    let slow = Slow::new();
    let guard = world.guard("a", &world.shared, GuardBuilder::unlimited);
    let (late, state) = (slow.clone(), guard.clone());
    let serve = async move |request: HttpRequest<Body>| {
        late.pass().await;
        let (mut parts, _) = request.into_parts();
        let proof = Authorized::<()>::from_request_parts(&mut parts, &state).await;
        proof.map_or_else(|refusal| refusal.status(), |_| StatusCode::OK)
    };
    let service = Router::new().fallback(any(serve)).layer(layer(&guard));
    world
        .tenants
        .set(Tenant::new(&guard, service))
        .expect("a place");
    let token = world.token(&world.shared, "a").mint();
    let call = By::Path.to("a", Request::new(MODERN, WEATHER).bearer(&token));
    for (number, is_changed, expected) in [(1, false, 200), (2, true, 503)] {
        let (tenants, call) = (world.tenants.clone(), call.clone());
        let waiting = tokio::spawn(async move { oneshot(&tenants, &call).await.status() });
        slow.waits_for(number).await;
        if is_changed {
            world.add("a", &world.shared);
        }
        slow.permits.add_permits(1);
        assert_eq!(waiting.await.expect("an answer").as_u16(), expected);
    }
}

/// A guard that was retired lets nobody in by any way, for good, and no tenant is set with it again.
#[tokio::test]
async fn who_was_retired_does_not_come_back() {
    for is_removed in [false, true] {
        let world = World::new(By::Host).await;
        let a = world.add("a", &world.shared);
        let token = world.token(&world.shared, "a").mint();
        assert_eq!(verdict(&a.guard, &token).await, "ok");
        if is_removed {
            assert!(world.tenants.remove("a"));
            assert!(!world.tenants.remove("a"));
        } else {
            world.add("a", &world.shared);
        }
        let refused = a.guard.authorize::<()>(&mut parts_with(&token)).await;
        let refusal = refused.expect_err("retired");
        assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(refusal.retry_after().is_some());
        let again = world.tenants.set(handlers(&a.guard, &a.log));
        assert_eq!(again, Err(SetError::Retired));
        assert_eq!(world.tenants.contains("a"), !is_removed);
        // Another one of the same making is a tenant as before.
        let a = world.add("a", &world.shared);
        world.is_let_in(&a, &token).await;
    }
}

/// A resource that is elsewhere is no tenant here.
#[tokio::test]
async fn a_tenant_has_its_place() {
    for by in WAYS {
        let world = World::new(by).await;
        let elsewhere = match by {
            By::Host => By::Path,
            By::Path => By::Host,
        };
        let guard = super::world::guard(
            elsewhere,
            &world.clock,
            "a",
            &world.shared,
            GuardBuilder::unlimited,
        );
        let refused = world.tenants.set(handlers(&guard, &Log::default()));
        let error = refused.expect_err("it is not here");
        let SetError::Misplaced {
            resource, place, ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!((resource, &**place), (guard.resource(), by.place()));
        assert_eq!(world.tenants.stats().set, 0);
        assert_eq!(world.tenants.name_of(guard.resource()), None);
    }
}

/// Calls b until it is over.
async fn goes_on(world: &World, token: &str, is_over: &AtomicBool) {
    let mut count = 0_u32;
    while !is_over.load(Ordering::SeqCst) || count < 20 {
        let call = Request::new(MODERN, WEATHER).bearer(token);
        let call = world.by.to("b", call);
        assert_eq!(oneshot(&world.tenants, &call).await.status(), 200);
        count += 1;
        tokio::task::yield_now().await;
    }
}

/// A tenant whose issuer changes again and again: the request after each change is for the new one, no token
/// of a former issuer is let in from then on, and no request of another tenant fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_request_is_for_the_new_one() {
    for by in WAYS {
        let world = Arc::new(World::new(by).await);
        let b = world.add("b", &world.shared);
        let of_b: Arc<str> = world.token(&world.shared, "b").mint().into();
        let is_over = Arc::new(AtomicBool::new(false));
        let mut others = JoinSet::new();
        for _ in 0..4 {
            let (world, is_over, token) =
                (Arc::clone(&world), Arc::clone(&is_over), Arc::clone(&of_b));
            others.spawn(async move { goes_on(&world, &token, &is_over).await });
        }
        let [by_shared, by_own] =
            [&world.shared, &world.own].map(|issuer| world.token(issuer, "a").mint());
        let ask = async |token: &str| {
            let call = world
                .by
                .to("a", Request::new(MODERN, WEATHER).bearer(token));
            oneshot(&world.tenants, &call).await.status().as_u16()
        };
        for _ in 0..100 {
            world.add("a", &world.shared);
            assert_eq!((ask(&by_shared).await, ask(&by_own).await), (200, 401));
            world.add("a", &world.own);
            assert_eq!((ask(&by_shared).await, ask(&by_own).await), (401, 200));
            assert!(world.tenants.remove("a"));
            assert_eq!(ask(&by_own).await, 404);
        }
        is_over.store(true, Ordering::SeqCst);
        while let Some(done) = others.join_next().await {
            done.expect("no request failed");
        }
        assert!(b.log.take().len() >= 80);
    }
}

/// Many at once ask by a token of the former issuer while the tenant changes: what begins after the change is
/// never let in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_let_in_by_a_former_guard() {
    let world = Arc::new(World::new(By::Path).await);
    world.add("a", &world.shared);
    let token: Arc<str> = world.token(&world.shared, "a").mint().into();
    let is_changed = Arc::new(AtomicBool::new(false));
    let let_in = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let (world, token) = (Arc::clone(&world), Arc::clone(&token));
        let (is_changed, let_in) = (Arc::clone(&is_changed), Arc::clone(&let_in));
        tasks.spawn(async move {
            let mut after = 0;
            while after < 3 {
                let was_changed = is_changed.load(Ordering::SeqCst);
                let call = world
                    .by
                    .to("a", Request::new(MODERN, WEATHER).bearer(&token));
                let status = oneshot(&world.tenants, &call).await.status();
                assert!(!(was_changed && status == 200), "let in after the change");
                let_in.fetch_add(usize::from(status == 200), Ordering::SeqCst);
                after += i32::from(was_changed);
                tokio::task::yield_now().await;
            }
        });
    }
    eventually(|| let_in.load(Ordering::SeqCst) > 500).await;
    world.add("a", &world.own);
    is_changed.store(true, Ordering::SeqCst);
    while let Some(done) = tasks.join_next().await {
        done.expect("no panic");
    }
}

/// Tenants that are set at once by many threads are all there, each with its own guard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_are_set_at_once() {
    let world = Arc::new(World::new(By::Path).await);
    let guards: Arc<Mutex<Vec<Guard<Fixture>>>> = Arc::default();
    let mut tasks = JoinSet::new();
    for task in 0..4 {
        let (world, guards) = (Arc::clone(&world), Arc::clone(&guards));
        tasks.spawn(async move {
            for number in 0..100 {
                let name = format!("t{}", (number * 7 + task) % 100);
                let guard = world.guard(&name, &world.shared, GuardBuilder::unlimited);
                let set = world.tenants.set(handlers(&guard, &Log::default()));
                set.expect("a place");
                guards
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(guard);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no panic");
    }
    assert_eq!(world.tenants.stats().set, 100);
    // Of each name one is in force, and the others are retired.
    let guards = std::mem::take(&mut *guards.lock().unwrap_or_else(PoisonError::into_inner));
    let mut in_force = 0;
    for guard in &guards {
        let token = world.shared.token().audience(guard.resource().as_str());
        in_force += usize::from(verdict(guard, &token.mint()).await == "ok");
    }
    assert_eq!((guards.len(), in_force), (400, 100));
    for number in 0..100 {
        let name = format!("t{number}");
        let token = world.token(&world.shared, &name).mint();
        assert_eq!(world.weather(&name, &token).await.status, 200, "{name}");
    }
}
