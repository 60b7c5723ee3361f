//! Several readers of one process, each with a filter of its own, as `tracing-subscriber` has them. This
//! is the only test of its process: with more subscribers in it each of them would be asked about each
//! event, and what disturbs their filters would not be seen.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must panic"
)]

mod support;

use support::around::{T0, World};
use support::http::{ask, verdict};
use support::{Text, ToolsRead};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::set_global_default;
use tracing_subscriber::layer::{self, Layer as _, SubscriberExt as _};
use tracing_subscriber::registry;
use tracing_subscriber::registry::LookupSpan;

/// One of several readers, with a filter of its own.
fn reader<S>(text: &Text, level: LevelFilter) -> impl layer::Layer<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let writer = text.clone();
    let written = tracing_subscriber::fmt::layer().with_ansi(false);
    written
        .with_writer(move || writer.clone())
        .with_filter(level)
}

/// RS-149: no decision is lost to any of them, and nothing that the application writes after one.
#[tokio::test]
async fn readers_with_filters_of_their_own_read_all_of_theirs() {
    let (few, many) = (Text::default(), Text::default());
    let readers = registry()
        .with(reader(&few, LevelFilter::INFO))
        .with(reader(&many, LevelFilter::DEBUG));
    set_global_default(readers).expect("the only ones");
    let world = World::new().await;
    let token = world.issuer.token().scope(T0).mint();
    let bad = world.issuer.token().wrong_signature().mint();
    let _before = (few.records(), many.records());
    for _ in 0..3 {
        drop(
            ask::<ToolsRead>(&world.guard, &token)
                .await
                .expect("a proof"),
        );
        tracing::info!(target: "app", "own");
        assert_eq!(verdict(&world.guard, &bad).await, "bad_signature");
        tracing::info!(target: "app", "own");
    }
    let start = |line: &String| {
        let words = line.split(' ').take(3);
        words.collect::<Vec<_>>().join(" ")
    };
    let few: Vec<_> = few.records().iter().map(start).collect();
    let (own, refused) = ("INFO app: own", "INFO clearance: decision=\"refused\"");
    assert_eq!(few, [own, refused, own].repeat(3));
    let many: Vec<_> = many.records().iter().map(start).collect();
    let allowed = "DEBUG clearance: decision=\"allowed\"";
    assert_eq!(many, [allowed, own, refused, own].repeat(3));
}
