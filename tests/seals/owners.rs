//! Whom a value belongs to, for how long, and what for.

use std::time::Duration;

use chrono::TimeDelta;
use clearance::Authorized;
use clearance::mcp::McpScopes;
use clearance::session::{Seal, SealKeys, Sealed};

use super::fixture::{
    Confirmation, LIFETIME, Longer, REQUEST, Upload, World, confirmed, guard, key, opened, proof,
    seal,
};
use crate::support::{self, Fixture, ToolsRead, http::parts_with};

/// RS-106, RS-107: of issuer, subject, client and resource all have to be the same.
#[tokio::test]
async fn a_value_is_its_owners() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.proof("bob", "c1").await);
    let seal = seal::<Confirmation>(key(1));
    let state = confirmed(&seal, &alice, "a.txt");
    assert_eq!(
        opened(&seal, &alice, REQUEST, &state).as_deref(),
        Some("a.txt")
    );
    assert_eq!(opened(&seal, &bob, REQUEST, &state), None);
    for (subject, client) in [
        ("alice", "c2"),
        ("Alice", "c1"),
        ("alice", "C1"),
        // Where one name ends and the other begins is part of both.
        ("alicec", "1"),
        ("alic", "ec1"),
        ("c1", "alice"),
    ] {
        let other = world.proof(subject, client).await;
        assert_eq!(
            opened(&seal, &other, REQUEST, &state),
            None,
            "{subject} {client}"
        );
    }
    // What bob has is not alice's either.
    let state = confirmed(&seal, &bob, "b.txt");
    assert_eq!(opened(&seal, &alice, REQUEST, &state), None);
    assert_eq!(
        opened(&seal, &bob, REQUEST, &state).as_deref(),
        Some("b.txt")
    );
}

/// RS-107: two issuers that one guard trusts may each have an `alice`.
#[tokio::test]
async fn a_namesake_of_another_issuer_is_somebody_else() {
    let world = World::new().await;
    let other = support::issuer(&world.clock).await;
    let guard = guard::<Fixture>(&[&world.issuer, &other], support::E).await;
    let token = |issuer: &clearance::testing::Issuer| issuer.token().subject("alice").mint();
    let ours = proof(&guard, &token(&world.issuer)).await;
    let theirs = proof(&guard, &token(&other)).await;
    assert_eq!(
        (ours.subject(), ours.client()),
        (theirs.subject(), theirs.client())
    );
    let seal = seal::<Confirmation>(key(1));
    let state = confirmed(&seal, &ours, "a.txt");
    assert_eq!(opened(&seal, &theirs, REQUEST, &state), None);
    assert_eq!(
        opened(&seal, &ours, REQUEST, &state).as_deref(),
        Some("a.txt")
    );
}

/// RS-107: what was sealed at one resource is nothing at another, although both have the same keys.
/// Guards of one resource, whatever they know, are one owner's.
#[tokio::test]
async fn a_value_is_of_one_resource() {
    const OTHER: &str = "https://mcp.example.com/other";
    let world = World::new().await;
    let alice = world.alice().await;
    let seal = seal::<Confirmation>(key(1));
    let state = confirmed(&seal, &alice, "a.txt");
    let at = async |resource: &str| {
        let guard = guard::<McpScopes>(&[&world.issuer], resource).await;
        let token = world.issuer.token().subject("alice").client("c1");
        proof(&guard, &token.audience(resource).mint()).await
    };
    let elsewhere = at(OTHER).await;
    assert_eq!(elsewhere.subject(), alice.subject());
    assert_eq!(opened(&seal, &elsewhere, REQUEST, &state), None);
    let here = at(support::E).await;
    assert_eq!(
        opened(&seal, &here, REQUEST, &state).as_deref(),
        Some("a.txt")
    );
}

/// RS-107: the owner is who he is with every token, with more scopes, with less, and with a new one.
#[tokio::test]
async fn tokens_may_change() {
    let world = World::new().await;
    let token = || world.issuer.token().subject("alice").client("c1");
    let mut parts = parts_with(&token().scope("mcp:tools.read").mint());
    let before: Authorized<ToolsRead> = world.guard.authorize(&mut parts).await.expect("a proof");
    let seal = Seal::<Confirmation>::new(key(1).into(), Duration::from_hours(24));
    let state = confirmed(&seal, &before, "a.txt");
    world.clock.advance(TimeDelta::hours(12));
    let after = proof(&world.guard, &token().token_id("another").mint()).await;
    assert_eq!(
        opened(&seal, &after, REQUEST, &state).as_deref(),
        Some("a.txt")
    );
}

/// RS-106: it ends with its lifetime, to the second, whoever holds it.
#[tokio::test]
async fn a_value_has_its_time() {
    let world = World::new().await;
    let seal = seal::<Confirmation>(key(1));
    let alice = world.alice().await;
    let state = confirmed(&seal, &alice, "a.txt");
    let lifetime = TimeDelta::from_std(LIFETIME).expect("a time");
    world.clock.advance(lifetime - TimeDelta::milliseconds(1));
    assert_eq!(
        opened(&seal, &alice, REQUEST, &state).as_deref(),
        Some("a.txt")
    );
    world.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(opened(&seal, &alice, REQUEST, &state), None);
    // It is the value that is over, and not the token.
    let state = confirmed(&seal, &alice, "b.txt");
    assert_eq!(
        opened(&seal, &alice, REQUEST, &state).as_deref(),
        Some("b.txt")
    );
    world.clock.advance(TimeDelta::days(365));
    assert_eq!(opened(&seal, &world.alice().await, REQUEST, &state), None);
    // Another seal's lifetime is not that of this value: the value has its own.
    let patient = Seal::<Confirmation>::new(key(1).into(), Duration::MAX);
    let alice = world.alice().await;
    assert_eq!(opened(&patient, &alice, REQUEST, &state), None);
    let state = confirmed(&patient, &alice, "c.txt");
    world.clock.advance(TimeDelta::days(365 * 100));
    assert_eq!(
        opened(&seal, &world.alice().await, REQUEST, &state).as_deref(),
        Some("c.txt")
    );
    let hasty = Seal::<Confirmation>::new(key(1).into(), Duration::ZERO);
    let alice = world.alice().await;
    let state = confirmed(&hasty, &alice, "d.txt");
    assert_eq!(opened(&hasty, &alice, REQUEST, &state), None);
}

/// RS-106: it comes back with the request that it was sealed for.
#[tokio::test]
async fn a_value_belongs_to_its_request() {
    let world = World::new().await;
    let alice = world.alice().await;
    let seal = seal::<Confirmation>(key(1));
    let all = [
        REQUEST,
        "tools/call write_file",
        "tools/call delete_fil",
        "tools/call delete_file ",
        "tools/call Delete_file",
        "prompts/get delete_file",
        "",
        "\0",
    ];
    for sealed_for in all {
        let state = seal
            .seal(&alice, sealed_for, &"a.txt".to_owned())
            .expect("a value");
        for shown_with in all {
            let back = opened(&seal, &alice, shown_with, &state);
            if shown_with == sealed_for {
                assert_eq!(back.as_deref(), Some("a.txt"));
            } else {
                assert_eq!(back, None, "{sealed_for:?} with {shown_with:?}");
            }
        }
    }
}

/// RS-106: the compiler keeps values for different purposes apart; where a client swaps the texts, the
/// seal does.
#[tokio::test]
async fn a_value_has_one_purpose() {
    let world = World::new().await;
    let alice = world.alice().await;
    let keys = SealKeys::from(key(1));
    let confirmations = seal::<Confirmation>(keys.clone());
    let (uploads, longer) = (seal::<Upload>(keys.clone()), seal::<Longer>(keys));
    let content = "a.txt".to_owned();
    let confirmation = confirmations
        .seal(&alice, REQUEST, &content)
        .expect("a value");
    let upload = uploads.seal(&alice, REQUEST, &content).expect("a value");
    let swapped = Sealed::<Upload>::from_client(confirmation.as_str());
    assert_eq!(opened(&uploads, &alice, REQUEST, &swapped), None);
    let swapped = Sealed::<Confirmation>::from_client(upload.as_str());
    assert_eq!(opened(&confirmations, &alice, REQUEST, &swapped), None);
    // The name of the purpose and the request are two texts, however they are cut.
    let shifted = longer
        .seal(&alice, " delete_file", &content)
        .expect("a value");
    let swapped = Sealed::<Confirmation>::from_client(shifted.as_str());
    assert_eq!(opened(&confirmations, &alice, REQUEST, &swapped), None);
    assert_eq!(
        opened(&longer, &alice, " delete_file", &shifted).as_deref(),
        Some("a.txt")
    );
    assert_eq!(
        opened(&uploads, &alice, REQUEST, &upload).as_deref(),
        Some("a.txt")
    );
}

/// A refusal says nothing of its cause.
#[tokio::test]
async fn all_refusals_are_one() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.proof("bob", "c1").await);
    let seal = seal::<Confirmation>(key(1));
    let state = confirmed(&seal, &alice, "a.txt");
    let foreign = seal.open(&bob, REQUEST, &state).expect_err("bob has none");
    let elsewhere = seal
        .open(&alice, "ping", &state)
        .expect_err("another request");
    let none = seal.open(&alice, REQUEST, &Sealed::from_client("none"));
    let none = none.expect_err("no value");
    world.clock.advance(TimeDelta::hours(1));
    let over = seal.open(&alice, REQUEST, &state).expect_err("it is over");
    let text = "not sealed for this caller, purpose and request, or no longer valid";
    for error in [foreign, elsewhere, none, over] {
        assert_eq!((error, error.to_string()), (foreign, text.to_owned()));
        assert!(std::error::Error::source(&error).is_none());
    }
}
