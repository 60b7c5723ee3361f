//! Fetched tenants of which there are too many.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use chrono::TimeDelta;
use clearance::id::TokenId;
use clearance::tenants::Tenant;
use clearance::{Guard, GuardBuilder};
use http::{Request as HttpRequest, StatusCode};
use tokio::sync::Semaphore;

use super::loading::{Answer, Desk, ask, call, tenant};
use super::world::{By, World, layer, oneshot};
use crate::support::Fixture;
use crate::support::http::{eventually, verdict};
use crate::support::request::{MODERN, Request};
use crate::support::service::Service;

/// As many fetched tenants as these tests keep.
const MOST: usize = 4;

/// A place that is full.
async fn world(desk: &Desk) -> World {
    let world = World::with(By::Path, |tenants, _| {
        tenants.loader(desk.clone()).max_fetched(MOST)
    })
    .await;
    for number in 0..MOST {
        fetch(&world, desk, &format!("first{number}")).await;
    }
    world
}

/// Fetches this tenant, and gives its guard.
async fn fetch(world: &World, desk: &Desk, name: &str) -> Guard<Fixture> {
    let (tenant, guard) = tenant(world, name);
    desk.says(name, Answer::Tenant(tenant));
    assert_eq!(ask(world, name).await, 200, "{name}");
    guard
}

/// Many more than fit, and asked for more often than others.
async fn crowd(world: &World, desk: &Desk, from: usize) -> Vec<Guard<Fixture>> {
    let mut guards = Vec::new();
    for number in from..from + 50 {
        let name = format!("t{number}");
        guards.push(fetch(world, desk, &name).await);
        for _ in 0..5 {
            assert_eq!(ask(world, &name).await, 200, "{name}");
        }
    }
    guards
}

async fn is_in_force(world: &World, guard: &Guard<Fixture>) -> bool {
    let token = world.shared.token().audience(guard.resource().as_str());
    verdict(guard, &token.mint()).await == "ok"
}

/// So many are kept, the others are retired, and whoever is asked for again is fetched again.
#[tokio::test]
async fn only_so_many_are_kept() {
    let desk = Desk::quick();
    let world = world(&desk).await;
    let said = world.add("said", &world.shared);
    let guards = crowd(&world, &desk, 0).await;
    for (number, guard) in guards.iter().enumerate() {
        let is_there = world.tenants.contains(&format!("t{number}"));
        assert_eq!(is_in_force(&world, guard).await, is_there, "t{number}");
    }
    assert!(world.tenants.stats().fetched <= MOST);
    assert_eq!(desk.asked().len(), MOST + 50);
    // Nobody who was set goes.
    assert!(is_in_force(&world, &said.guard).await);
    assert!(!world.tenants.contains("t0"));
    let again = fetch(&world, &desk, "t0").await;
    assert!(is_in_force(&world, &again).await);
    assert!(!is_in_force(&world, &guards[0]).await);
}

/// A tenant with an open stream stays until it ends.
#[tokio::test]
async fn who_has_a_stream_stays() {
    let desk = Desk::quick();
    let world = world(&desk).await;
    let service = Service::default();
    let guard = world.guard("a", &world.shared, GuardBuilder::unlimited);
    let tenant = Tenant::new(&guard, service.router().layer(layer(&guard)));
    desk.says("a", Answer::Tenant(tenant));
    let token = world.token(&world.shared, "a").mint();
    let listen = Request::new(MODERN, "subscriptions/listen").bearer(&token);
    let (connection, mut stream) = world.open("a", listen).await;
    assert_eq!(stream.status(), 200);
    let feed = service.feed();
    crowd(&world, &desk, 0).await;
    assert!(world.tenants.contains("a"));
    assert!(feed.send("data: still here\n\n"));
    assert!(stream.until("\n\n").await.contains("still here"));
    drop((connection, stream));
    feed.dropped().await;
    crowd(&world, &desk, 50).await;
    assert!(!world.tenants.contains("a"));
    assert!(!is_in_force(&world, &guard).await);
}

/// Where all have open streams, whoever comes beside them is served, and none of the streams ends.
#[tokio::test]
async fn whoever_comes_while_all_are_needed_is_served() {
    let desk = Desk::quick();
    let world = world(&desk).await;
    let service = Service::default();
    let mut streams = Vec::new();
    for number in 0..MOST * 3 {
        let name = format!("s{number}");
        let guard = world.guard(&name, &world.shared, GuardBuilder::unlimited);
        let tenant = Tenant::new(&guard, service.router().layer(layer(&guard)));
        desk.says(&name, Answer::Tenant(tenant));
        let token = world.token(&world.shared, &name).mint();
        let listen = Request::new(MODERN, "subscriptions/listen").bearer(&token);
        let (connection, stream) = world.open(&name, listen).await;
        assert_eq!(stream.status(), 200, "{name}");
        streams.push((connection, stream, service.feed()));
    }
    crowd(&world, &desk, 0).await;
    for (_, stream, feed) in &mut streams {
        assert!(feed.send("data: here\n\n"));
        assert!(stream.until("\n\n").await.contains("here"));
    }
    drop(streams);
    eventually(|| service.live() == 0).await;
    crowd(&world, &desk, 50).await;
    assert!(world.tenants.stats().fetched <= MOST);
}

/// A tenant with a revocation that stands nowhere else stays for as long as that can concern a token, and
/// no longer.
#[tokio::test]
async fn who_has_a_revocation_stays_while_it_matters() {
    let desk = Desk::quick();
    let world = world(&desk).await;
    let guard = fetch(&world, &desk, "a").await;
    let revoked = guard
        .revocations()
        .revoke_token(world.shared.id(), &TokenId::new("one"));
    revoked.expect("room");
    assert_eq!(ask(&world, "a").await, 401);
    crowd(&world, &desk, 0).await;
    assert!(world.tenants.contains("a"));
    assert_eq!(ask(&world, "a").await, 401);
    world.clock.advance(TimeDelta::hours(20));
    crowd(&world, &desk, 50).await;
    assert!(world.tenants.contains("a"));
    world.clock.advance(TimeDelta::hours(5));
    crowd(&world, &desk, 100).await;
    assert!(!world.tenants.contains("a"));
}

/// A tenant at which a request is under way stays until it is answered.
#[tokio::test]
async fn who_answers_a_request_stays() {
    let desk = Desk::quick();
    let world = world(&desk).await;
    let (permits, begun) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let guard = world.guard("a", &world.shared, GuardBuilder::unlimited);
    let (late, count, state) = (Arc::clone(&permits), Arc::clone(&begun), guard.clone());
    let serve = async move |request: HttpRequest<Body>| {
        count.fetch_add(1, Ordering::SeqCst);
        late.acquire().await.expect("open").forget();
        let (mut parts, _) = request.into_parts();
        let proof = state.authorize::<()>(&mut parts).await;
        proof.map_or_else(|refusal| refusal.status(), |_| StatusCode::OK)
    };
    let service = Router::new().fallback(any(serve));
    desk.says("a", Answer::Tenant(Tenant::new(&guard, service)));
    let (tenants, request) = (world.tenants.clone(), call(&world, "a"));
    let waiting = tokio::spawn(async move { oneshot(&tenants, &request).await.status() });
    eventually(|| begun.load(Ordering::SeqCst) == 1).await;
    crowd(&world, &desk, 0).await;
    assert!(world.tenants.contains("a"));
    permits.add_permits(1);
    assert_eq!(waiting.await.expect("an answer"), 200);
    crowd(&world, &desk, 50).await;
    assert!(!world.tenants.contains("a"));
}

/// What a service does when it is dropped is its own affair: also to ask who is there.
#[tokio::test]
async fn a_service_that_goes_may_ask_who_is_there() {
    struct Last(clearance::tenants::Tenants, Arc<AtomicUsize>);

    impl Drop for Last {
        fn drop(&mut self) {
            let here = usize::from(self.0.contains("t0"));
            self.1.fetch_add(1 + here, Ordering::SeqCst);
        }
    }

    let desk = Desk::quick();
    let world = world(&desk).await;
    let dropped = Arc::new(AtomicUsize::new(0));
    let guard = world.guard("a", &world.shared, GuardBuilder::unlimited);
    let last = Arc::new(Last(world.tenants.clone(), Arc::clone(&dropped)));
    let service = Router::new().fallback(any(async move || {
        let _last = &last;
        StatusCode::OK
    }));
    desk.says("a", Answer::Tenant(Tenant::new(&guard, service)));
    assert_eq!(ask(&world, "a").await, 200);
    crowd(&world, &desk, 0).await;
    assert!(dropped.load(Ordering::SeqCst) > 0);
}
