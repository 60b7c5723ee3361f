//! Subjects as keyed hashes.

use std::collections::BTreeSet;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};

use clearance::audit::{AuditEvent, AuditSink, SubjectKey};
use clearance::keys::FixedKeys;
use clearance::{Guard, GuardBuilder, TrustedIssuer};
use serde_json::Value;

use super::fixture::{Kept, Site, usual};
use crate::support::around::{DELETE, WEATHER, World};
use crate::support::http::ask;
use crate::support::{self, Fixture, Logs};

/// A name that nothing else is called by.
const SUBJECT: &str = "wonderland-alice";
const KEY: [u8; 32] = [7; 32];

/// How alice is written by a guard with this key, where she comes from this issuer.
async fn written(world: &World, issuer: &str, key: [u8; 32], subject: &str) -> String {
    let kept = Kept::default();
    let guard = guard_of(world, issuer, |builder| {
        builder
            .audit(kept.clone())
            .hash_subjects(SubjectKey::from_bytes(&key))
    });
    let token = world.issuer.token().claim("iss", issuer).subject(subject);
    drop(ask::<()>(&guard, &token.mint()).await.expect("a proof"));
    let event = kept.only(&guard).await;
    event["subject"].as_str().expect("a hash").to_owned()
}

/// A guard that trusts the keys of `world` under another name.
fn guard_of(
    world: &World,
    issuer: &str,
    change: impl FnOnce(
        GuardBuilder<Fixture, clearance::Ready>,
    ) -> GuardBuilder<Fixture, clearance::Ready>,
) -> Guard<Fixture> {
    let keys = FixedKeys::from_json(world.issuer.jwks());
    let trusted = TrustedIssuer::with_keys(issuer.parse().expect("an issuer"), keys);
    let builder = support::with_rules(trusted, &world.clock).unlimited();
    change(builder).build().expect("a guard")
}

/// A subject has one hash under one key and one issuer, in every run and every version.
#[tokio::test]
async fn a_hash_is_stable_and_of_one_issuer_and_key() {
    let world = World::new().await;
    let (first, second) = ("https://a.example", "https://b.example");
    let hash = written(&world, first, KEY, SUBJECT).await;
    assert_eq!(hash, "2k0Il9L1LIxWnK83ufdUEQ");
    assert_eq!(written(&world, first, KEY, SUBJECT).await, hash);
    let others = [
        written(&world, second, KEY, SUBJECT).await,
        written(&world, first, [8; 32], SUBJECT).await,
        written(&world, first, KEY, "wonderland-alicf").await,
        // What ends one name does not begin the next.
        written(&world, "https://a.example/w", KEY, "onderland-alice").await,
    ];
    let all: BTreeSet<&String> = others.iter().chain([&hash]).collect();
    assert_eq!(all.len(), 5, "{all:?}");
    for hash in all {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        assert!(hash.len() == 22 && hash.chars().all(plain), "{hash}");
    }
}

/// Shows events in every way that there is.
struct Shown(Sender<String>);

impl AuditSink for Shown {
    fn write(&mut self, event: &AuditEvent) -> io::Result<()> {
        let json = serde_json::to_string(event)?;
        let all = format!("{json} {event:?} {event:#?} {:?}", event.subject());
        self.0.send(all).map_err(io::Error::other)
    }
}

fn shown() -> (Shown, Receiver<String>) {
    let (sender, receiver) = channel();
    (Shown(sender), receiver)
}

/// The plain subject stands nowhere: not in events, however they are shown, and not in `tracing`.
#[tokio::test]
async fn the_plain_subject_stands_nowhere() {
    let logs = Logs::capture();
    let (sink, events) = shown();
    let site = Site::with(
        |builder| {
            let key = SubjectKey::from_bytes(&KEY);
            builder.audit(sink).hash_subjects(key)
        },
        usual,
    )
    .await;
    let issuer = &site.world.issuer;
    let token = || issuer.token().subject(SUBJECT).scope("mcp:tools.read");
    let revoked = token().token_id("revoked").mint();
    let id = clearance::id::TokenId::new("revoked");
    let revocations = site.world.guard.revocations();
    revocations.revoke_token(issuer.id(), &id).expect("room");
    let good = token().mint();
    let mut sent = 0;
    for (call, token) in [
        (WEATHER, &good),
        (DELETE, &good),
        ("no/such", &good),
        (WEATHER, &revoked),
        (WEATHER, &token().expired().mint()),
        (WEATHER, &token().wrong_signature().mint()),
    ] {
        site.send(&site.world.call(call).bearer(token)).await;
        sent += 1;
    }
    let mut hashes = BTreeSet::new();
    for _ in 0..sent {
        let event = events.recv().expect("an event");
        assert!(!event.contains(SUBJECT), "{event}");
        let json = event.split_once("} AuditEvent").expect("two ways").0;
        let json: Value = serde_json::from_str(&format!("{json}}}")).expect("JSON");
        hashes.extend(json["subject"].as_str().map(str::to_owned));
    }
    assert_eq!(hashes.len(), 1, "{hashes:?}");
    let hash = hashes.pop_first().expect("one");
    let text = logs.text();
    assert!(!text.contains(SUBJECT), "{text}");
    assert_eq!(text.matches(&format!("subject=\"{hash}\"")).count(), 5);
}
