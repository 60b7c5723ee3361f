//! What belongs to one tenant is worth nothing at another one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clearance::id::{ClientId, Subject, TokenId};
use clearance::jwk::Algorithm;
use clearance::keys::FixedKeys;
use clearance::lifecycle::{Revocation, RevocationError, RevocationStore};
use clearance::limit::{Charge, Counted, LimitStore, Quota, Verdict};
use clearance::session::{Seal, SealKeys, TaskId, TaskOrigin};
use clearance::{Guard, GuardBuilder, TrustedIssuer};
use serde_json::{Value, json};

use super::world::{Board, Builder, By, Customer, METADATA, WAYS, WEATHER, World, handlers, send};
use crate::support::http::parts_with;
use crate::support::mcp::Log;
use crate::support::request::{MODERN, Request};
use crate::support::{Fixture, PATIENCE, ToolsRead, plain};

/// Two tenants, and whether they trust one issuer.
async fn pairs() -> Vec<(World, Customer, Customer, bool)> {
    let mut pairs = Vec::new();
    for by in WAYS {
        for is_shared in [true, false] {
            let world = World::new(by).await;
            let a = world.add("a", &world.shared);
            let b = world.add("b", if is_shared { &world.shared } else { &world.own });
            pairs.push((world, a, b, is_shared));
        }
    }
    pairs
}

/// RS-035: each document names its own resource alone, and a token with `aud` of a at b is 401.
#[tokio::test]
async fn two_resources_on_one_host_know_nothing_of_one_another() {
    let world = World::new(By::Path).await;
    let (a, b) = (world.add("a", &world.shared), world.add("b", &world.shared));
    for (own, other) in [(&a, &b), (&b, &a)] {
        let document = world.document(own.name).await;
        let resource = format!("https://mcp.example.com/{}/mcp", own.name);
        assert_eq!(document["resource"], resource);
        let text = document.to_string();
        assert!(!text.contains(&world.by.resource(other.name)), "{text}");
        let token = world.token(&world.shared, own.name).mint();
        world.is_let_in(own, &token).await;
        world.is_foreign(other, &token).await;
    }
}

/// RS-035: whatever the tenants have in common, and also where the token is known at its own.
#[tokio::test]
async fn a_token_is_good_at_its_own_tenant_alone() {
    for (world, a, b, is_shared) in pairs().await {
        let other = if is_shared { &world.shared } else { &world.own };
        let of_a = world.token(&world.shared, "a").mint();
        let of_b = world.token(other, "b").mint();
        for _ in 0..2 {
            world.is_let_in(&a, &of_a).await;
            world.is_foreign(&b, &of_a).await;
            world.is_let_in(&b, &of_b).await;
            world.is_foreign(&a, &of_b).await;
        }
        assert_eq!(a.guard.cache_stats().tokens, 1);
        // One that was refused first is good where it belongs.
        let late = world.token(other, "b").token_id("two").mint();
        world.is_foreign(&a, &late).await;
        world.is_let_in(&b, &late).await;
    }
}

/// A token of the other tenant's issuer for this tenant's resource: an issuer speaks where it is trusted.
#[tokio::test]
async fn an_issuer_speaks_for_its_own_tenant_alone() {
    for by in WAYS {
        let world = World::new(by).await;
        let (a, b) = (world.add("a", &world.shared), world.add("b", &world.own));
        world
            .is_foreign(&a, &world.token(&world.own, "a").mint())
            .await;
        world
            .is_foreign(&b, &world.token(&world.shared, "b").mint())
            .await;
    }
}

/// RS-035: tenants that call their issuer, and its key, the same, and mean other keys.
#[tokio::test]
async fn a_key_counts_at_the_tenant_that_was_given_it() {
    for by in WAYS {
        let world = World::new(by).await;
        let a = world.add("a", &world.shared);
        let kid = world.shared.kid(Algorithm::EdDSA).expect("a key");
        // Another key in the place of that one.
        let mut jwks: Value = serde_json::from_str(&world.own.jwks()).expect("JSON");
        jwks["keys"][0]["kid"] = json!(kid);
        let keys = FixedKeys::from_json(jwks.to_string());
        let issuer = world.shared.id();
        let resource = by.resource("b").parse().expect("a resource");
        let guard = Guard::<Fixture>::builder(resource)
            .baseline::<ToolsRead>()
            .clock(Arc::new(world.clock.clone()))
            .refusal_budget(PATIENCE)
            .unlimited()
            .trusted_issuer(TrustedIssuer::with_keys(issuer.clone(), keys))
            .build()
            .expect("a guard");
        let log = Log::default();
        world.tenants.set(handlers(&guard, &log)).expect("a place");
        let b = Customer {
            name: "b",
            guard,
            log,
        };
        let by_own = |name: &str| {
            let token = world.token(&world.own, name).claim("iss", issuer.as_str());
            token.header("kid", kid.clone()).mint()
        };
        world.is_let_in(&b, &by_own("b")).await;
        world
            .is_let_in(&a, &world.token(&world.shared, "a").mint())
            .await;
        world.is_foreign(&a, &by_own("a")).await;
        world
            .is_foreign(&b, &world.token(&world.shared, "b").mint())
            .await;
    }
}

/// A token for both resources is let in at both, and remembered by each for itself.
#[tokio::test]
async fn a_token_for_both_is_verified_by_each() {
    for by in WAYS {
        let world = World::new(by).await;
        let (a, b) = (world.add("a", &world.shared), world.add("b", &world.shared));
        let both = json!([by.resource("a"), by.resource("b")]);
        let token = world.token(&world.shared, "a").audience(both).mint();
        world.is_let_in(&a, &token).await;
        world.is_let_in(&a, &token).await;
        assert_eq!(
            (a.guard.cache_stats().hits, b.guard.cache_stats().hits),
            (1, 0)
        );
        world.is_let_in(&b, &token).await;
        assert_eq!(
            (b.guard.cache_stats().hits, b.guard.cache_stats().tokens),
            (0, 1)
        );
        // Revoked at one of them, it is as good as before at the other.
        let issuer = world.shared.id();
        let revoked = a
            .guard
            .revocations()
            .revoke_token(issuer, &TokenId::new("one"));
        revoked.expect("room");
        assert_eq!(world.weather("a", &token).await.status, 401);
        world.is_let_in(&b, &token).await;
    }
}

/// RS-035: what each answers of itself names nothing of the other.
#[tokio::test]
async fn documents_and_challenges_are_those_of_the_tenant() {
    for (world, a, b, is_shared) in pairs().await {
        for (own, other, issuer) in [(&a, &b, &world.shared), (&b, &a, &world.own)] {
            let document = world.document(own.name).await;
            assert_eq!(document["resource"], world.by.resource(own.name));
            let issuer = if is_shared { &world.shared } else { issuer };
            assert_eq!(
                document["authorization_servers"],
                json!([issuer.id().as_str()])
            );
            let none = world.ask(own.name, Request::new(MODERN, WEATHER)).await;
            assert_eq!(none.status, 401);
            let poor = world.token(issuer, own.name).scope("a").mint();
            let poor = world.weather(own.name, &poor).await;
            assert_eq!(poor.status, 403, "{poor:?}");
            for answer in [none, poor] {
                let challenge = answer.header("www-authenticate").expect("a challenge");
                assert!(challenge.contains(&world.by.metadata_url(own.name)));
                let all = format!("{answer:?}");
                let resource = world.by.resource(other.name);
                let metadata = world.by.metadata_url(other.name);
                assert!(
                    !all.contains(&resource) && !all.contains(&metadata),
                    "{all}"
                );
            }
        }
    }
}

/// The document of one is not found where the other is, nor where none is.
#[tokio::test]
async fn a_document_is_at_one_place() {
    for by in WAYS {
        let world = World::new(by).await;
        let change = |builder: Builder| builder.unlimited().root_alias();
        let a = world.add_with("a", &world.shared, change);
        let b = world.add_with("b", &world.shared, change);
        for (at, target) in [
            ("a", by.metadata("b")),
            ("c", by.metadata("c")),
            ("a", format!("{}/mcp", by.metadata("a"))),
            ("a", format!("{}?b", by.metadata("a"))),
            ("a", by.metadata("a").to_uppercase()),
            ("a", format!("/a{}", by.metadata("a"))),
        ] {
            let mut get = by.to(at, Request::new(MODERN, "GET"));
            get.target = target;
            let answer = send(world.address, &get).await;
            let is_own = by == By::Host && at == "a" && get.target == by.metadata("a");
            let names = |of: &Customer| answer.body.contains(&by.resource(of.name));
            assert_eq!(names(&a), is_own, "{get:?} {answer:?}");
            // By path, the document of b is where the path says, whoever asks.
            let is_others = by == By::Path && get.target == by.metadata("b");
            assert_eq!(names(&b), is_others, "{get:?} {answer:?}");
        }
        // What one host has at its root belongs to one resource, or to nobody.
        let mut get = by.to("a", Request::new(MODERN, "GET"));
        get.target = METADATA.to_owned();
        let answer = send(world.address, &get).await;
        let expected = if by == By::Host { 200 } else { 404 };
        assert_eq!(answer.status, expected, "{answer:?}");
        assert!(!answer.body.contains(&by.resource("b")));
    }
}

/// One key of seals for all: what was sealed at one tenant is not opened at another.
#[tokio::test]
async fn what_was_sealed_is_its_tenants() {
    for (world, a, b, is_shared) in pairs().await {
        let other = if is_shared { &world.shared } else { &world.own };
        let of_a = world.token(&world.shared, "a").mint();
        let of_b = world.token(other, "b").mint();
        let proof = async |guard: &Guard<Fixture>, token: &str| {
            let proof = guard.authorize::<()>(&mut parts_with(token)).await;
            proof.expect("a proof")
        };
        let (of_a, of_b) = (proof(&a.guard, &of_a).await, proof(&b.guard, &of_b).await);
        assert_eq!(of_a.subject(), of_b.subject());
        let seal: Seal<TaskId> = Seal::new(plain::keys(), Duration::from_mins(5));
        let origin = TaskOrigin::new("tools/call", "export", "1");
        let sealed = seal.seal(&of_a, "", &origin).expect("a value");
        assert_eq!(seal.open(&of_a, "", &sealed).expect("its owner"), origin);
        seal.open(&of_b, "", &sealed).expect_err("another tenant");
        let sealed = seal.seal(&of_b, "", &origin).expect("a value");
        seal.open(&of_a, "", &sealed).expect_err("another tenant");
        let others: Seal<TaskId> = Seal::new(SealKeys::this_process_only(), Duration::from_mins(5));
        others.open(&of_b, "", &sealed).expect_err("another key");
    }
}

/// A proof of one is no proof of the other's guard, and says where it is good.
#[tokio::test]
async fn a_proof_says_whose_it_is() {
    for (world, a, b, _) in pairs().await {
        let token = world.token(&world.shared, "a").mint();
        let mut parts = parts_with(&token);
        let proof = a.guard.authorize::<ToolsRead>(&mut parts).await;
        let proof = proof.expect("a proof");
        assert!(a.guard.made(&proof) && !b.guard.made(&proof));
        assert_eq!(proof.resource(), a.guard.resource());
    }
}

// ---- revocation

/// What is revoked at one tenant, by whatever a token can be revoked by, is in force at the other, also where
/// both follow one store; another machine of the first one learns of it.
#[tokio::test]
async fn what_is_revoked_is_revoked_at_one_tenant() {
    for kind in 0..3 {
        for (by, is_stored) in [(By::Host, true), (By::Host, false), (By::Path, true)] {
            let world = World::new(by).await;
            let store =
                is_stored.then(|| -> Arc<dyn RevocationStore> { Arc::new(Board::default()) });
            let change = |builder: Builder| match &store {
                Some(store) => builder.unlimited().revocation_store(Arc::clone(store)),
                None => builder.unlimited(),
            };
            let a = world.add_with("a", &world.shared, change);
            let b = world.add_with("b", &world.shared, change);
            let [of_a, of_b] = ["a", "b"].map(|name| world.token(&world.shared, name).mint());
            world.is_let_in(&a, &of_a).await;
            world.is_let_in(&b, &of_b).await;
            let issuer = world.shared.id().clone();
            let revocation = match kind {
                0 => Revocation::of_token(issuer, TokenId::new("one")),
                1 => Revocation::of_subject(issuer, Subject::new("alice")),
                _ => Revocation::of_client(issuer, ClientId::new("editor")),
            };
            let lists = a.guard.revocations();
            lists.revoke(revocation.clone()).await.expect("room");
            assert_eq!(world.weather("a", &of_a).await.status, 401);
            world.is_let_in(&b, &of_b).await;
            // A machine that begins now.
            let again = world.guard("a", &world.shared, change);
            let also = world.guard("b", &world.shared, change);
            assert_eq!(again.revocations().is_empty(), !is_stored);
            assert!(also.revocations().is_empty());
            // Nobody revokes at b what is a's.
            let of_a = revocation.at(by.resource("a").parse().expect("a resource"));
            let refused = b.guard.revocations().revoke(of_a).await;
            assert_eq!(refused, Err(RevocationError::OtherResource));
        }
    }
}

// ---- limits

const SPENT: u32 = 3;

/// Counts by account, and never gives anything back.
#[derive(Clone, Debug, Default)]
struct Counter(Arc<Mutex<HashMap<Vec<u8>, u32>>>);

impl LimitStore for Counter {
    fn count<'a>(&'a self, charges: &'a [Charge]) -> Counted<'a> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut verdict = Verdict::Within;
        for (place, charge) in charges.iter().enumerate() {
            let count = counts.entry(charge.account().to_vec()).or_default();
            *count += charge.units().get();
            if *count > SPENT {
                let wait = Duration::from_secs(1);
                verdict = Verdict::Beyond { place, wait };
                break;
            }
        }
        Box::pin(async move { Ok(verdict) })
    }
}

async fn spend(world: &World, at: &Customer, token: &str) {
    for _ in 0..SPENT {
        world.is_let_in(at, token).await;
    }
}

/// What is spent at one tenant is whole at the other: per principal, per tool and per scope, in memory and
/// in one store.
#[tokio::test]
async fn a_quota_is_one_tenants() {
    type Change = fn(Builder) -> Builder;
    let limits: [Change; 3] = [
        |builder| builder.limit(Quota::per_hour(1).burst(SPENT)),
        |builder| {
            let builder = builder.unlimited();
            builder.limit_tool("get_weather", Quota::per_hour(1).burst(SPENT))
        },
        |builder| {
            let builder = builder.unlimited();
            builder.limit_scope::<ToolsRead>(Quota::per_hour(1).burst(SPENT))
        },
    ];
    for limit in limits {
        for (by, is_stored) in [(By::Host, true), (By::Host, false), (By::Path, true)] {
            let world = World::new(by).await;
            let store = is_stored.then(Counter::default);
            let change = |builder| match &store {
                Some(store) => limit(builder).share_limits_or_refuse(store.clone()),
                None => limit(builder),
            };
            let a = world.add_with("a", &world.shared, change);
            let b = world.add_with("b", &world.shared, change);
            let [of_a, of_b] = ["a", "b"].map(|name| world.token(&world.shared, name).mint());
            spend(&world, &a, &of_a).await;
            let beyond = world.weather("a", &of_a).await;
            assert_eq!(beyond.status, 429, "{by:?} {is_stored}");
            spend(&world, &b, &of_b).await;
            assert_eq!(world.weather("b", &of_b).await.status, 429);
        }
    }
}

/// Guards that have nothing to do with tenants see the requests as before.
#[tokio::test]
async fn a_guard_without_tenants_is_as_it_was() {
    let world = World::new(By::Path).await;
    let guard = world.guard("a", &world.shared, GuardBuilder::unlimited);
    let token = world.token(&world.shared, "a").mint();
    let proof = guard.authorize::<()>(&mut parts_with(&token)).await;
    assert_eq!(proof.expect("a proof").subject().as_str(), "alice");
}
