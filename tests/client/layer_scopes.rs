//! More scopes, and where that ends.

use std::sync::Arc;

use chrono::TimeDelta;
use clearance::client::layer::AccessError;
use clearance::client::store::MemoryStore;
use tokio::task::JoinSet;

use crate::guarded::{Guarded, challenge};
use crate::support::Reply;

/// CL-067: a step-up asks for what there was, and for what the endpoint wants, each once and in order.
#[tokio::test]
async fn a_step_up_asks_for_the_union() {
    let guarded = Guarded::start().await;
    let access = guarded.access();
    assert_eq!(guarded.call(&access, "write").await, Ok(200));
    assert_eq!(guarded.asked(), ["mcp:basic", "mcp:basic mcp:write"]);
    assert_eq!(guarded.call(&access, "write").await, Ok(200));
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    assert_eq!(guarded.asked().len(), 2);

    // What was got is not lost when the tokens end, or are refused.
    guarded.mint().fault = Some(Reply::oauth_error(400, "invalid_grant"));
    guarded.mint().live.clear();
    assert_eq!(guarded.call(&access, "write").await, Ok(200));
    assert_eq!(guarded.asked().pop().unwrap(), "mcp:basic mcp:write");
    assert_eq!(guarded.asked().len(), 3);
}

/// CL-068: whoever wants more and more is given three authorization requests in all, across calls.
#[tokio::test]
async fn there_are_three_requests_in_all() {
    let guarded = Guarded::start().await;
    let access = guarded.access();
    let number = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let more = move || number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    guarded.call(&access, "x").await.unwrap();
    guarded.world.mcp.on("POST /mcp", move |_| {
        let scope = format!(
            r#"Bearer error="insufficient_scope", scope="more:{}""#,
            more()
        );
        challenge(403, &scope)
    });
    for _ in 0..4 {
        assert_eq!(
            guarded.call(&access, "x").await,
            Err(AccessError::InsufficientScope)
        );
        assert_eq!(guarded.asked().len(), 3);
    }
    access.ask_again();
    assert_eq!(
        guarded.call(&access, "x").await,
        Err(AccessError::InsufficientScope)
    );
    assert_eq!(guarded.asked().len(), 6);
    guarded.world.clock.advance(TimeDelta::minutes(10));
    assert_eq!(
        guarded.call(&access, "x").await,
        Err(AccessError::InsufficientScope)
    );
    assert_eq!(guarded.asked().len(), 9);
}

/// CL-069: a challenge that adds nothing ends it at once.
#[tokio::test]
async fn what_is_granted_already_is_not_asked_for() {
    let guarded = Guarded::start().await;
    let access = guarded.signed_in().await;
    for value in [
        r#"Bearer error="insufficient_scope", scope="mcp:basic""#,
        r#"Bearer error="insufficient_scope""#,
        r#"Bearer error="insufficient_scope", scope="""#,
    ] {
        guarded.mint().always = Some(challenge(403, value));
        assert_eq!(
            guarded.call(&access, "x").await,
            Err(AccessError::InsufficientScope)
        );
    }
    assert_eq!(guarded.world.log.all().len(), 3);
}

/// CL-069: a token from before the last grant is no reason to ask again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_share_one_step_up() {
    let guarded = Guarded::start().await;
    let access = guarded.signed_in().await;
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let (access, url) = (access.clone(), guarded.world.endpoint.clone());
        calls.spawn(async move { crate::guarded::call(&access, &url, "write").await });
    }
    let called = calls.join_all().await;
    assert!(called.iter().all(|called| *called == Ok(200)), "{called:?}");
    assert_eq!(guarded.asked(), ["mcp:basic mcp:write"]);
}

/// CL-072: what the person has refused is not asked for again for a while, by any call.
#[tokio::test]
async fn a_refusal_is_remembered() {
    let guarded = Guarded::start().await;
    let access = guarded.signed_in().await;
    guarded.world.server.state().refuses = Some("access_denied".to_owned());
    let error = guarded.call(&access, "write").await.unwrap_err();
    assert_eq!(error.code(), "authorization_refused");
    for _ in 0..3 {
        assert_eq!(
            guarded.call(&access, "write").await,
            Err(AccessError::Denied)
        );
    }
    assert_eq!(guarded.asked().len(), 1);
    assert_eq!(
        guarded.call(&access, "x").await,
        Ok(200),
        "the rest goes on"
    );

    // Other scopes may be asked for, without those that were refused.
    guarded.world.server.state().refuses = None;
    assert_eq!(guarded.call(&access, "admin").await, Ok(200));
    assert_eq!(guarded.asked().pop().unwrap(), "mcp:basic mcp:admin");
    assert_eq!(
        guarded.call(&access, "write").await,
        Err(AccessError::Denied)
    );

    guarded.world.clock.advance(TimeDelta::minutes(10));
    assert_eq!(guarded.call(&access, "write").await, Ok(200));
    assert_eq!(
        guarded.asked().pop().unwrap(),
        "mcp:basic mcp:admin mcp:write"
    );
}

/// CL-072: the same for the first request, and for scopes that are left out of a grant.
#[tokio::test]
async fn a_grant_of_less_is_a_refusal_too() {
    let guarded = Guarded::start().await;
    let access = guarded.access();
    guarded.world.server.state().refuses = Some("access_denied".to_owned());
    assert_eq!(
        guarded.call(&access, "x").await.unwrap_err().code(),
        "authorization_refused"
    );
    assert_eq!(guarded.call(&access, "x").await, Err(AccessError::Denied));
    assert_eq!(guarded.asked().len(), 1);
    access.ask_again();
    guarded.world.server.state().refuses = None;
    assert_eq!(guarded.call(&access, "x").await, Ok(200));

    guarded.mint().withheld.insert("mcp:write");
    assert_eq!(
        guarded.call(&access, "write").await,
        Err(AccessError::Denied)
    );
    assert_eq!(guarded.asked().len(), 3);
    assert_eq!(
        guarded.call(&access, "write").await,
        Err(AccessError::Denied)
    );
    assert_eq!(guarded.asked().len(), 3);

    // What was left out is not asked for with the rest, either.
    access.ask_again();
    assert_eq!(
        guarded.call(&access, "write").await,
        Err(AccessError::Denied)
    );
    assert_eq!(guarded.call(&access, "admin").await, Ok(200));
    assert_eq!(guarded.asked().pop().unwrap(), "mcp:basic mcp:admin");
}

/// Scopes that another process has got meanwhile are not asked for again.
#[tokio::test]
async fn a_step_up_of_another_process_counts() {
    let guarded = Guarded::start().await;
    let store = MemoryStore::new();
    let one = guarded
        .signed_in_as(guarded.builder().store(Arc::new(store.clone())))
        .await;
    let other = guarded.builder().store(Arc::new(store)).build();
    assert_eq!(guarded.call(&other, "write").await, Ok(200));
    assert_eq!(guarded.call(&one, "write").await, Ok(200));
    assert_eq!(guarded.asked(), ["mcp:basic mcp:write"]);
}
