//! What goes wrong at one tenant is not felt at another: its issuer, and who knocks at it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::ConnectInfo;
use chrono::TimeDelta;
use clearance::limit::{Peers, Quota};
use clearance::testing::{Fault, Issuer};
use clearance::{Guard, TrustedIssuer};
use http::Request as HttpRequest;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use super::world::{WAYS, WEATHER, World, handlers, issuer, oneshot};
use crate::support::client::soon;
use crate::support::http::eventually;
use crate::support::mcp::Log;
use crate::support::request::{MODERN, Request};
use crate::support::{Fixture, PATIENCE, ToolsRead};

/// A tenant whose guard fetches the keys of its issuer when they are needed.
fn add(world: &World, name: &str, issuer: &Issuer) -> Guard<Fixture> {
    let guard = Guard::<Fixture>::builder(world.by.resource(name).parse().expect("a resource"))
        .baseline::<ToolsRead>()
        .clock(Arc::new(world.clock.clone()))
        .refusal_budget(PATIENCE)
        .unlimited()
        .trusted_issuer(TrustedIssuer::new(issuer.id().clone()))
        .build()
        .expect("a guard");
    let tenant = handlers(&guard, &Log::default());
    world.tenants.set(tenant).expect("a place");
    guard
}

fn begin(world: &World, issuer: &Issuer, name: &str) -> JoinHandle<u16> {
    let token = world.token(issuer, name).mint();
    let call = world
        .by
        .to(name, Request::new(MODERN, WEATHER).bearer(&token));
    let tenants = world.tenants.clone();
    tokio::spawn(async move { oneshot(&tenants, &call).await.status().as_u16() })
}

async fn ask(world: &World, issuer: &Issuer, name: &str) -> u16 {
    soon(begin(world, issuer, name)).await.expect("an answer")
}

/// While the issuer of one tenant answers nothing, and many wait for it, another tenant fetches the keys of
/// its own issuer, and answers; so it does when it knows them, and when it comes only now.
#[tokio::test]
async fn an_issuer_that_hangs_keeps_nobody_else_waiting() {
    for by in WAYS {
        let world = World::new(by).await;
        let (hangs, works) = (issuer(&world.clock).await, issuer(&world.clock).await);
        hangs.fault(Fault::Hang);
        add(&world, "a", &hangs);
        add(&world, "b", &works);
        let waiting: Vec<_> = (0..100).map(|_| begin(&world, &hangs, "a")).collect();
        eventually(|| !hangs.paths_requested().is_empty()).await;
        assert_eq!(ask(&world, &works, "b").await, 200);
        assert_eq!(ask(&world, &works, "b").await, 200);
        add(&world, "c", &works);
        assert_eq!(ask(&world, &works, "c").await, 200);
        assert!(waiting.iter().all(|request| !request.is_finished()));
        // One tenant with a hundred who wait is one question.
        assert_eq!(hangs.paths_requested().len(), 1);
        // They are still waited for when the tenant goes, and then let in by nobody.
        assert!(world.tenants.remove("a"));
        assert_eq!(ask(&world, &works, "b").await, 200);
        for request in waiting {
            request.abort();
        }
    }
}

/// An issuer that is dead is that of its tenants alone; one that is shared by two is asked by each for itself.
#[tokio::test]
async fn an_issuer_that_is_dead_is_missed_where_it_is_trusted() {
    for fault in [Fault::Disconnect, Fault::Status(500), Fault::Garbage] {
        let world = World::new(WAYS[0]).await;
        let (dead, works) = (issuer(&world.clock).await, issuer(&world.clock).await);
        add(&world, "a", &dead);
        assert_eq!(ask(&world, &dead, "a").await, 200);
        dead.fault(fault);
        add(&world, "b", &works);
        add(&world, "c", &dead);
        for _ in 0..3 {
            assert_eq!(ask(&world, &dead, "c").await, 503);
            assert_eq!(ask(&world, &works, "b").await, 200);
            // It has the keys already.
            assert_eq!(ask(&world, &dead, "a").await, 200);
        }
    }
}

/// A request from this peer.
async fn from_peer(world: &World, name: &str, token: &str, peer: SocketAddr) -> u16 {
    let call = world
        .by
        .to(name, Request::new(MODERN, WEATHER).bearer(token));
    let mut request = HttpRequest::post(&call.target);
    for (name, value) in &call.headers {
        request = request.header(name, value);
    }
    let request = request.extension(ConnectInfo(peer));
    let request = request.body(Body::from(call.body)).expect("a request");
    let answer = world.tenants.clone().oneshot(request).await;
    answer.expect("an answer").status().as_u16()
}

/// A flood of bad tokens at one tenant, until the peer that sends them is asked to wait, costs the same peer
/// nothing at another tenant, and no other peer anything at all.
#[tokio::test]
async fn a_flood_at_one_tenant_refuses_nobody_at_another() {
    for by in WAYS {
        let world = World::new(by).await;
        let peers = || {
            let budget = Quota::per_hour(1).burst(5);
            Peers::of_connections()
                .limit(PATIENCE)
                .failure_budget(budget)
        };
        for name in ["a", "b"] {
            world.add_with(name, &world.shared, |builder| {
                builder.unlimited().peers(peers())
            });
        }
        let peer: SocketAddr = "192.0.2.1:1000".parse().expect("an address");
        let other: SocketAddr = "198.51.100.1:1000".parse().expect("an address");
        let bad = |number: u32| {
            let token = world
                .token(&world.shared, "a")
                .token_id(&format!("bad{number}"));
            token.wrong_signature().mint()
        };
        let mut refused = 0;
        for number in 0..300 {
            let status = from_peer(&world, "a", &bad(number), peer).await;
            assert!(matches!(status, 401 | 429), "{status}");
            refused += u32::from(status == 429);
        }
        assert!(refused > 200, "{refused}");
        let [of_a, of_b] = ["a", "b"].map(|name| world.token(&world.shared, name).mint());
        assert_eq!(from_peer(&world, "a", &of_a, peer).await, 429);
        assert_eq!(from_peer(&world, "a", &of_a, other).await, 200);
        let bad_at_b = world.token(&world.shared, "b").wrong_signature().mint();
        assert_eq!(from_peer(&world, "b", &of_b, peer).await, 200);
        assert_eq!(from_peer(&world, "b", &bad_at_b, peer).await, 401);
        assert_eq!(from_peer(&world, "b", &of_b, other).await, 200);
    }
}

/// Unknown keys at one tenant make no question at another that trusts the same issuer.
#[tokio::test]
async fn unknown_keys_are_asked_for_by_one_tenant() {
    let world = World::new(WAYS[1]).await;
    let shared = issuer(&world.clock).await;
    for name in ["a", "b"] {
        add(&world, name, &shared);
        assert_eq!(ask(&world, &shared, name).await, 200);
    }
    let hits = shared.jwks_hits();
    assert_eq!(hits, 2);
    world.clock.advance(TimeDelta::minutes(1));
    for number in 0..50 {
        let token = world
            .token(&shared, "a")
            .header("kid", format!("k{number}"));
        let call = world
            .by
            .to("a", Request::new(MODERN, WEATHER).bearer(&token.mint()));
        let status = oneshot(&world.tenants, &call).await.status();
        assert!(matches!(status.as_u16(), 401 | 503), "{status}");
    }
    // One question in the time of a cooldown, and none by b, which follows a rotation at once.
    assert_eq!(shared.jwks_hits(), hits + 1);
    shared.rotate(clearance::jwk::Algorithm::EdDSA);
    assert_eq!(ask(&world, &shared, "b").await, 200);
    assert_eq!(shared.jwks_hits(), hits + 2);
}
