//! Tokens that end, and those that come after them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use chrono::TimeDelta;
use clearance::client::layer::{Access, AccessError, ClientCredentials};
use clearance::client::store::MemoryStore;
use clearance::credentials::{ClientAuthentication, ClientSecret};
use serde_json::json;
use tokio::task::JoinSet;

use crate::guarded::{Called, Guarded, Mint, challenge, layered};
use crate::support::{M, Reply};

/// This many calls at once, with one HTTP client.
async fn at_once(guarded: &Guarded, access: &Access, number: usize) -> Vec<Called> {
    let service = layered(access);
    let mut calls = JoinSet::new();
    for _ in 0..number {
        let (service, url) = (service.clone(), guarded.world.endpoint.clone());
        calls.spawn(async move { crate::guarded::call_by(service, &url, "x").await });
    }
    calls.join_all().await
}

/// CL-073: however many requests come with a token that is over, there is one refresh.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_share_one_refresh() {
    for number in [50, 1_000] {
        let guarded = Guarded::start().await;
        let access = guarded.signed_in().await;
        guarded.world.clock.advance(TimeDelta::seconds(600));
        let called = at_once(&guarded, &access, number).await;
        assert!(called.iter().all(|called| *called == Ok(200)), "{called:?}");
        assert_eq!(guarded.count("/token"), 1, "{number}");
        assert_eq!(
            guarded.presented().len(),
            number,
            "nobody went with the old one"
        );
        assert_eq!(guarded.count("/authorize"), 0);
    }
}

/// CL-073: the same where the endpoint refuses a token that nobody knew to be over, or where there is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_share_one_way_out_of_a_refusal() {
    let guarded = Guarded::start().await;
    let access = guarded.access();
    let called = at_once(&guarded, &access, 50).await;
    assert!(called.iter().all(|called| *called == Ok(200)), "{called:?}");
    assert_eq!(guarded.count("/authorize"), 1);

    guarded.world.log.take();
    guarded.mint().live.clear();
    let called = at_once(&guarded, &access, 50).await;
    assert!(called.iter().all(|called| *called == Ok(200)), "{called:?}");
    assert_eq!(
        (guarded.count("/token"), guarded.count("/authorize")),
        (1, 0)
    );
}

/// CL-054, CL-078: a refresh goes ahead of the end, to the issuer of the token, for the same resource and for
/// no more scopes.
#[tokio::test]
async fn a_token_is_refreshed_before_it_ends() {
    let guarded = Guarded::start().await;
    let access = guarded.signed_in().await;
    guarded.world.clock.advance(TimeDelta::seconds(539));
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    assert_eq!(guarded.count("/token"), 0);
    guarded.world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    let refresh = &guarded.world.log.to("/token")[0];
    assert_eq!(refresh.one("grant_type").unwrap(), "refresh_token");
    assert_eq!(refresh.one("refresh_token").unwrap(), "refresh-token-1");
    assert_eq!(refresh.one("resource").unwrap(), guarded.world.endpoint);
    assert_eq!(refresh.one("scope"), None);
    assert_eq!(guarded.count(M), 0, "nothing had to be found out");
    assert_eq!(
        guarded.presented(),
        [
            Some("Bearer access-token-1".to_owned()),
            Some("Bearer access-token-2".to_owned())
        ]
    );
}

/// While one refreshes a token that is still good, the others go on with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_waits_while_the_token_is_good() {
    let guarded = Guarded::start().await;
    let access = guarded.signed_in().await;
    let (go_on, waits) = mpsc::channel::<()>();
    let waits = std::sync::Mutex::new(waits);
    let mint = Arc::clone(&guarded.mint);
    guarded.world.server.site.on("POST /token", move |seen| {
        waits.lock().unwrap().recv().unwrap();
        assert_eq!(seen.one("refresh_token").unwrap(), "refresh-token-1");
        mint.lock().unwrap().tokens("mcp:basic")
    });
    guarded.world.clock.advance(TimeDelta::seconds(550));
    let first = {
        let (access, url) = (access.clone(), guarded.world.endpoint.clone());
        tokio::spawn(async move { crate::guarded::call(&access, &url, "first").await })
    };
    while guarded.count("/token") == 0 {
        tokio::task::yield_now().await;
    }
    let called = at_once(&guarded, &access, 20).await;
    assert!(called.iter().all(|called| *called == Ok(200)), "{called:?}");
    assert!(!first.is_finished());
    go_on.send(()).unwrap();
    assert_eq!(first.await.unwrap(), Ok(200));
    let mut presented = guarded.presented();
    assert_eq!(
        presented.pop().unwrap().as_deref(),
        Some("Bearer access-token-2")
    );
    assert!(
        presented
            .iter()
            .all(|one| one.as_deref() == Some("Bearer access-token-1"))
    );
    assert_eq!(guarded.count("/token"), 1);
}

/// A refresh that fails while the token is good harms nobody, and is left alone for a moment.
#[tokio::test]
async fn an_early_refresh_may_fail() {
    let guarded = Guarded::start().await;
    let access = guarded.signed_in().await;
    guarded.mint().fault = Some(Reply::status(503));
    guarded.world.clock.advance(TimeDelta::seconds(550));
    for _ in 0..5 {
        assert_eq!(guarded.call(&access, "x").await, Ok(200));
    }
    assert_eq!(guarded.count("/token"), 1);
    guarded.world.clock.advance(TimeDelta::seconds(5));
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    assert_eq!(guarded.count("/token"), 2);
    guarded.mint().fault = None;
    guarded.world.clock.advance(TimeDelta::seconds(5));
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    assert_eq!(
        guarded.presented().pop().unwrap().as_deref(),
        Some("Bearer access-token-2")
    );
}

/// CL-077: an outage keeps the refresh token; all who wait share the error, and nobody is asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_keeps_the_refresh_token() {
    let guarded = Guarded::start().await;
    let access = guarded.signed_in().await;
    guarded.world.clock.advance(TimeDelta::seconds(600));
    for fault in [Reply::status(503), Reply::status(429)] {
        guarded.mint().fault = Some(fault.clone());
        guarded.world.log.take();
        let error = guarded.call(&access, "x").await.unwrap_err();
        assert!(error.is_temporary(), "{error}");
        assert_eq!(guarded.count("/token"), 1);
    }
    // They do not queue up in front of a server that is down.
    guarded.world.log.take();
    let called = at_once(&guarded, &access, 40).await;
    assert!(called.iter().all(Result::is_err));
    assert!(guarded.count("/token") < 40, "{}", guarded.count("/token"));
    assert_eq!(guarded.presented().len(), 0);
    assert_eq!(guarded.count("/authorize"), 0);

    guarded.mint().fault = None;
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    assert!(
        guarded
            .mint()
            .shown
            .iter()
            .all(|shown| shown == "refresh-token-1")
    );
}

/// CL-077: a refresh token that is worth nothing is never shown again, and the person is asked.
#[tokio::test]
async fn a_refresh_token_that_is_worth_nothing_is_forgotten() {
    for fault in [
        Reply::oauth_error(400, "invalid_grant"),
        // It has forgotten a client that registered itself, which does so again.
        Reply::oauth_error(401, "invalid_client"),
        // It has answered, and nobody knows with what.
        Reply::text(200, "half an ans"),
        Reply::json(200, &json!({"access_token": "x", "token_type": "mac"})),
    ] {
        let guarded = Guarded::start().await;
        let store = MemoryStore::new();
        let access = guarded
            .signed_in_as(guarded.builder().store(Arc::new(store.clone())))
            .await;
        guarded.mint().fault = Some(fault);
        guarded.world.clock.advance(TimeDelta::seconds(600));
        assert_eq!(guarded.call(&access, "x").await, Ok(200));
        assert_eq!(guarded.mint().shown, ["refresh-token-1"]);
        assert_eq!(guarded.count("/authorize"), 1);

        // Another run finds the new ones.
        guarded.mint().fault = None;
        guarded.world.clock.advance(TimeDelta::seconds(600));
        let next = guarded.builder().store(Arc::new(store)).build();
        assert_eq!(guarded.call(&next, "x").await, Ok(200));
        assert_eq!(guarded.mint().shown, ["refresh-token-1", "refresh-token-2"]);
    }
}

/// CL-075: without a refresh token, one that is over leads to a new authorization and to no error.
#[tokio::test]
async fn there_may_be_no_refresh_token() {
    let guarded = Guarded::start().await;
    guarded.mint().refreshes = false;
    let access = guarded.signed_in().await;
    guarded.world.clock.advance(TimeDelta::seconds(599));
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    assert_eq!(
        (guarded.count("/token"), guarded.count("/authorize")),
        (0, 0)
    );
    guarded.world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    assert_eq!(guarded.count("/authorize"), 1);
    assert_eq!(guarded.presented()[1], None, "what is over is not sent");
}

/// CL-060: a token whose end is not known is used until it is refused.
#[tokio::test]
async fn a_token_without_an_end_is_used_until_it_is_refused() {
    let guarded = Guarded::start().await;
    guarded.mint().expires_in = None;
    let access = guarded.signed_in().await;
    guarded.world.clock.advance(TimeDelta::days(400));
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    assert_eq!(guarded.count("/token"), 0);
    guarded.mint().live.clear();
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    assert_eq!(
        (guarded.count("/token"), guarded.count("/authorize")),
        (1, 0)
    );
}

/// CL-076: a refresh goes on when the request that began it is given up, so that the new token is not lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_that_is_given_up_loses_nothing() {
    let guarded = Guarded::start().await;
    let access = guarded.signed_in().await;
    let (go_on, waits) = mpsc::channel::<()>();
    let (waits, is_asked) = (
        std::sync::Mutex::new(waits),
        Arc::new(AtomicBool::new(false)),
    );
    let (mint, asked) = (Arc::clone(&guarded.mint), Arc::clone(&is_asked));
    guarded.world.server.site.on("POST /token", move |seen| {
        asked.store(true, Ordering::SeqCst);
        waits.lock().unwrap().recv().unwrap();
        let mut mint = mint.lock().unwrap();
        mint.shown.push(seen.one("refresh_token").unwrap());
        Mint::tokens(&mut mint, "mcp:basic")
    });
    guarded.world.clock.advance(TimeDelta::seconds(600));
    let call = {
        let (access, url) = (access.clone(), guarded.world.endpoint.clone());
        tokio::spawn(async move { crate::guarded::call(&access, &url, "x").await })
    };
    while !is_asked.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    go_on.send(()).unwrap();
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    assert_eq!(guarded.mint().shown, ["refresh-token-1"], "shown once");
    assert_eq!(guarded.presented().len(), 1);
    assert_eq!(guarded.count("/authorize"), 0);
}

/// CL-071, CL-082: a machine gets new tokens by its grant, before the endpoint refuses anything, and more
/// scopes in the same way.
#[tokio::test]
async fn a_machine_asks_nobody() {
    let guarded = Guarded::start().await;
    guarded.world.server.says(
        "token_endpoint_auth_methods_supported",
        json!(["client_secret_basic"]),
    );
    guarded.mint().refreshes = false;
    let machine = || {
        let issuer = guarded.world.server.issuer.parse().unwrap();
        let secret = ClientSecret::new("s3cret-of-the-machine");
        let known = ClientAuthentication::client_secret_basic("machine", secret);
        let client = guarded
            .world
            .builder()
            .pre_registered(issuer, known)
            .build()
            .unwrap();
        Access::builder(client, ClientCredentials)
    };
    let access = machine().build();
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    for _ in 0..5 {
        guarded.world.log.take();
        guarded.world.clock.advance(TimeDelta::seconds(600));
        assert_eq!(guarded.call(&access, "x").await, Ok(200));
        assert_eq!((guarded.count("/token"), guarded.presented().len()), (1, 1));
    }
    guarded.world.log.take();
    assert_eq!(guarded.call(&access, "write").await, Ok(200));
    let asked = guarded.world.log.to("/token");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].one("grant_type").unwrap(), "client_credentials");
    let scope = asked[0].one("scope").unwrap();
    assert!(scope.contains("mcp:write"), "{scope}");
    assert_eq!(guarded.count("/authorize") + guarded.count("/register"), 0);

    // It may be told not to.
    let strict = machine().without_step_up().build();
    assert_eq!(guarded.call(&strict, "x").await, Ok(200));
    guarded.world.log.take();
    assert_eq!(
        guarded.call(&strict, "write").await,
        Err(AccessError::InsufficientScope)
    );
    assert_eq!(guarded.world.log.all().len(), 1);
}

/// CL-080: after signing out nothing is left here, whatever the issuer says to it.
#[tokio::test]
async fn signing_out_leaves_nothing() {
    for status in [200, 503] {
        let guarded = Guarded::start().await;
        let server = &guarded.world.server;
        server.says(
            "revocation_endpoint",
            json!(format!("{}/revoke", server.site.origin)),
        );
        server.site.gives("POST /revoke", Reply::status(status));
        let store = MemoryStore::new();
        let access = guarded
            .signed_in_as(guarded.builder().store(Arc::new(store.clone())))
            .await;
        let done = access.sign_out().await;
        assert_eq!(done.is_ok(), status == 200, "{done:?}");
        let revoked = guarded.world.log.to("/revoke");
        assert_eq!(revoked[0].one("token").unwrap(), "refresh-token-1");

        // Neither this access nor another run has anything to show.
        for access in [
            access,
            guarded.builder().store(Arc::new(store.clone())).build(),
        ] {
            guarded.mint().always = Some(challenge(403, "Bearer"));
            assert_eq!(guarded.call(&access, "x").await, Ok(403));
            assert_eq!(guarded.presented().pop(), Some(None));
            access.sign_out().await.unwrap();
        }
        assert_eq!(guarded.count("/revoke"), 1);
    }
}

/// CL-080: another run can sign out what this one has signed in; signing in asks before any request.
#[tokio::test]
async fn signing_in_and_out_are_said_by_name() {
    let guarded = Guarded::start().await;
    let server = &guarded.world.server;
    server.says(
        "revocation_endpoint",
        json!(format!("{}/revoke", server.site.origin)),
    );
    server.site.gives("POST /revoke", Reply::status(200));
    let store = MemoryStore::new();
    let access = guarded.builder().store(Arc::new(store.clone())).build();
    access.sign_in().await.unwrap();
    access.sign_in().await.unwrap();
    assert_eq!(guarded.count("/authorize"), 1);
    assert_eq!(guarded.presented().len(), 0);
    assert_eq!(guarded.call(&access, "x").await, Ok(200));

    guarded
        .builder()
        .store(Arc::new(store))
        .build()
        .sign_out()
        .await
        .unwrap();
    assert_eq!(guarded.count("/revoke"), 1);
    // When it has to refresh, it finds that it was signed out.
    guarded.world.clock.advance(TimeDelta::seconds(600));
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    assert_eq!(guarded.mint().shown.len(), 0);
    assert_eq!(guarded.count("/authorize"), 2);
}
