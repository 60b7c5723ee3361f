//! Who was refused for want of a scope, and came back with it.

use chrono::TimeDelta;
use clearance::GuardBuilder;
use clearance::clock::Clock as _;
use clearance::scope::{KnownTo, Set};
use clearance::testing::TokenBuilder;
use serde_json::{Value, json};

use super::fixture::{Kept, Site, of_alice};
use crate::support::around::{DELETE, T0, World};
use crate::support::http::ask;
use crate::support::request::{MODERN, Request};
use crate::support::{FilesRead, FilesWrite, Fixture, Logs, TRACE, ToolsRead};

const BOTH: &str = "files:read files:write";

/// A guard, and what it has written.
struct Stage {
    world: World,
    kept: Kept,
}

impl Stage {
    async fn new() -> Self {
        let kept = Kept::default();
        let world =
            World::with(|builder| GuardBuilder::unlimited(builder).audit(kept.clone())).await;
        Self { world, kept }
    }

    fn token(&self, scopes: &str) -> TokenBuilder<'_> {
        self.world.issuer.token().scope(scopes)
    }

    /// What is written where `S` is asked for.
    async fn asks<S: Set + KnownTo<Fixture>>(&self, token: TokenBuilder<'_>) -> Value {
        drop(ask::<S>(&self.world.guard, &token.mint()).await);
        self.kept.only(&self.world.guard).await
    }

    /// A refusal for want of both scopes: its name.
    async fn refused(&self, token: TokenBuilder<'_>) -> Value {
        let event = self.asks::<(FilesRead, FilesWrite)>(token).await;
        assert_eq!(event["reason"], "insufficient_scope");
        event["correlation_id"].clone()
    }

    /// The refusal that this success is linked to; null if it is to none.
    async fn linked<S: Set + KnownTo<Fixture>>(&self, token: TokenBuilder<'_>) -> Value {
        let event = self.asks::<S>(token).await;
        assert_eq!(event["decision"], "allowed");
        event["elevates"].clone()
    }
}

/// RS-149: a 403 and the success with a new token that follows it are linked: golden events of a tool
/// that is called twice.
#[tokio::test]
async fn a_step_up_is_two_events_that_are_linked() {
    let site = Site::new().await;
    let call = |scopes: &str| Request::new(MODERN, DELETE).bearer(&site.token(scopes));
    assert_eq!(site.send(&call(T0)).await.status, 403);
    let refused = site.kept.only(&site.world.guard).await;
    let all = "mcp:tools.read files:read files:write";
    let answer = crate::support::client::send(site.address, &call(all)).await;
    let allowed = site.kept.only(&site.world.guard).await;
    let needed = "files:read files:write";
    let of_delete = |held, members: Value| {
        let mut event = of_alice(&site.world.issuer, held, &members);
        event["method"] = "tools/call".into();
        event["target"] = "delete_file".into();
        event["needed"] = needed.into();
        event
    };
    let members = json!({ "decision": "refused", "reason": "insufficient_scope" });
    assert_eq!(refused, of_delete(T0, members));
    let members = json!({
        "decision": "allowed",
        "correlation_id": answer.header("x-correlation-id"),
        "elevates": TRACE,
    });
    assert_eq!(allowed, of_delete(all, members));
}

/// RS-149: once, and to the last refusal.
#[tokio::test]
async fn a_refusal_is_linked_once() {
    let stage = Stage::new().await;
    let first = stage.refused(stage.token(T0)).await;
    let second = stage.refused(stage.token(T0)).await;
    assert_ne!(first, second);
    assert_eq!(stage.linked::<FilesRead>(stage.token(BOTH)).await, second);
    for _ in 0..2 {
        let next = stage.linked::<FilesRead>(stage.token(BOTH)).await;
        assert_eq!(next, Value::Null);
    }
    let third = stage.refused(stage.token(T0)).await;
    // A scope that includes the others will do.
    let linked = stage.linked::<FilesRead>(stage.token("mcp:admin")).await;
    assert_eq!(linked, third);
}

/// RS-149: a success without the scopes that were wanting is none of it, and one of somebody else
/// neither; the refusal still waits for its own.
#[tokio::test]
async fn others_are_not_linked() {
    let stage = Stage::new().await;
    let refused = stage.refused(stage.token(T0)).await;
    for token in [
        stage.token(T0),
        stage.token("mcp:tools.read files:read"),
        stage.token(BOTH).subject("bob"),
        stage.token(BOTH).client("client-2"),
        stage
            .token("mcp:admin a b")
            .subject("client-1")
            .client("alice"),
    ] {
        assert_eq!(stage.linked::<()>(token).await, Value::Null);
    }
    // A refusal for another reason is not waited for.
    stage.asks::<()>(stage.token(BOTH).wrong_audience()).await;
    assert_eq!(stage.linked::<()>(stage.token(BOTH)).await, refused);
}

/// RS-149: for ten minutes.
#[tokio::test]
async fn a_refusal_is_linked_for_ten_minutes() {
    for (later, is_linked) in [
        (TimeDelta::minutes(10) - TimeDelta::milliseconds(1), true),
        (TimeDelta::minutes(10), false),
    ] {
        let stage = Stage::new().await;
        let refused = stage.refused(stage.token(T0)).await;
        stage.world.clock.advance(later);
        let linked = stage.linked::<FilesRead>(stage.token(BOTH)).await;
        assert_eq!(linked == refused, is_linked, "{later}");
        assert_eq!(linked.is_null(), !is_linked, "{later}");
        // It is forgotten, and a clock that is set back changes nothing.
        let now = stage.world.clock.now();
        stage.world.clock.set(now - TimeDelta::minutes(5));
        let next = stage.linked::<FilesRead>(stage.token(BOTH)).await;
        assert_eq!(next, Value::Null);
    }
}

/// RS-149: also where nobody but `tracing` listens.
#[tokio::test]
async fn a_record_says_what_it_elevates() {
    let logs = Logs::capture();
    let world = World::new().await;
    let token = |scopes| world.issuer.token().scope(scopes).mint();
    let refusal = ask::<FilesRead>(&world.guard, &token(T0)).await;
    let refusal = refusal.expect_err("it lacks a scope");
    let name = refusal.correlation_id().expect("a name");
    drop(
        ask::<ToolsRead>(&world.guard, &token(T0))
            .await
            .expect("a proof"),
    );
    let proof = ask::<FilesRead>(&world.guard, &token(BOTH)).await;
    drop(proof.expect("a proof"));
    let text = logs.text();
    assert_eq!(text.matches("elevates=").count(), 1, "{text}");
    let last = text.lines().last().expect("a record");
    assert!(last.ends_with(&format!("elevates=\"{name}\"")), "{last}");
}
