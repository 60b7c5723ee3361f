//! Who reads at which level, by `tracing` alone: no guard here has a sink.

use clearance::testing::Fault;
use tracing::Level;
use tracing::subscriber::{DefaultGuard, set_default};

use crate::support::around::{T0, WEATHER, World};
use crate::support::http::{ask, verdict};
use crate::support::request::{MODERN, Request};
use crate::support::service::Service;
use crate::support::{Held, Logs, Text, ToolsRead, client, plain};

/// A reader of what is up to this level.
fn reads_up_to(level: Level) -> (Text, DefaultGuard) {
    // See there: with a second subscriber each of them is asked.
    drop(Logs::capture());
    let text = Text::default();
    let writer = text.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    (text, set_default(subscriber))
}

/// A world in which each kind of decision was made once, the last of them because the issuer is down.
async fn decide(world: &World) {
    let token = world.issuer.token().scope(T0).mint();
    drop(
        ask::<ToolsRead>(&world.guard, &token)
            .await
            .expect("a proof"),
    );
    let bad = world.issuer.token().wrong_signature().mint();
    assert_eq!(verdict(&world.guard, &bad).await, "bad_signature");
    let unknown = world.issuer.token().header("kid", "k-9").mint();
    assert_eq!(verdict(&world.guard, &unknown).await, "unknown_key");
    world.issuer.fault(Fault::Status(500));
    world.clock.advance(chrono::TimeDelta::hours(2));
    let later = world.issuer.token().mint();
    assert_eq!(verdict(&world.guard, &later).await, "unavailable");
}

fn decisions(text: &Text) -> Vec<String> {
    let lines = text.records().into_iter();
    let decision = |line: String| {
        let words = line.split([' ', '"']).filter(|word| !word.is_empty());
        let words: Vec<_> = words.map(str::to_owned).collect();
        let value = |name: &str| {
            let place = words.iter().position(|word| word == name)?;
            words.get(place + 1).cloned()
        };
        let found = [
            Some(words[0].clone()),
            value("decision="),
            value("reason="),
            value("unknown_key="),
        ];
        value("decision=").map(|_| found.into_iter().flatten().collect::<Vec<_>>().join(" "))
    };
    lines.filter_map(decision).collect()
}

/// RS-149: whoever reads from a level on reads all decisions of that level.
#[tokio::test]
async fn each_level_has_its_decisions() {
    const ALLOWED: &str = "DEBUG allowed";
    const REFUSED: [&str; 2] = ["INFO refused bad_signature", "INFO refused unknown_key k-9"];
    const UNAVAILABLE: &str = "ERROR unavailable unavailable";
    let [bad, unknown] = REFUSED;
    for (level, expected) in [
        (Level::ERROR, vec![UNAVAILABLE]),
        (Level::WARN, vec![UNAVAILABLE]),
        (Level::INFO, vec![bad, unknown, UNAVAILABLE]),
        (Level::DEBUG, vec![ALLOWED, bad, unknown, UNAVAILABLE]),
        (Level::TRACE, vec![ALLOWED, bad, unknown, UNAVAILABLE]),
    ] {
        let world = World::new().await;
        let (text, _reader) = reads_up_to(level);
        decide(&world).await;
        assert_eq!(decisions(&text), expected, "{level}");
    }
}

/// RS-149: an error that a layer answers names what was asked for, also where nothing else is read.
#[tokio::test]
async fn what_was_asked_for_is_named_at_each_level() {
    for (level, scope, reason) in [
        (Level::INFO, "mcp:admin", "insufficient_scope"),
        (Level::DEBUG, T0, ""),
    ] {
        let world = World::new().await;
        let layer = plain::layer(&world.guard).build().expect("a layer");
        let router = Service::default().router().layer(layer);
        let (address, task) = crate::support::spawn(router).await;
        let _task = Held::from(task);
        let (text, _reader) = reads_up_to(level);
        let token = world.issuer.token().scope(scope).mint();
        client::send(address, &Request::new(MODERN, WEATHER).bearer(&token)).await;
        let lines = text.records();
        let line = lines.iter().find(|line| line.contains(reason));
        let line = line.expect("a decision");
        let named = "method=\"tools/call\" target=\"get_weather\"";
        assert!(line.contains(named), "{lines:?}");
    }
}
