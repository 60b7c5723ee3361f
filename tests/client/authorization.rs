//! The authorization request, and what its redirect is judged by.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::TimeDelta;
use clearance::client::{
    AuthorizationError, Client, MemoryPendingStore, Pending, PendingKey, Redirect, TokenSet,
};
use serde_json::json;
use url::form_urlencoded::{self, Serializer};

use super::support::{REDIRECT, World, browse, location};

/// The parameters of a redirect.
type Pairs = Vec<(String, String)>;

/// Begins a flow, changes the redirect, and gives what comes of it, and how many tokens were asked for.
async fn judged(
    world: &World,
    change: impl FnOnce(&mut Pairs),
) -> (Result<TokenSet, AuthorizationError>, usize) {
    let awaiting = world.awaiting().await;
    let url = location(awaiting.url()).await;
    let (_, query) = url.split_once('?').unwrap();
    let mut pairs: Pairs = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    change(&mut pairs);
    let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
    world.log.take();
    let done = awaiting.redirected(&Redirect::from_query(&query)).await;
    (done, world.log.to("/token").len())
}

fn set(pairs: &mut Pairs, name: &str, value: &str) {
    without(pairs, name);
    pairs.push((name.to_owned(), value.to_owned()));
}

fn without(pairs: &mut Pairs, name: &str) {
    pairs.retain(|(own, _)| own != name);
}

async fn refused(world: &World, change: impl FnOnce(&mut Pairs)) -> AuthorizationError {
    let (done, requests) = judged(world, change).await;
    assert_eq!(requests, 0);
    done.unwrap_err()
}

/// CL-037, CL-039, CL-040, CL-044
#[tokio::test]
async fn every_request_has_what_cannot_be_left_out() {
    let world = World::start().await;
    let client = world.client();
    let (mut challenges, mut states) = (HashSet::new(), HashSet::new());
    for _ in 0..20 {
        let awaiting = world.registered_as(&client).await.authorize().unwrap();
        drop(browse(awaiting.url()).await);
        let seen = world.log.to("/authorize").pop().unwrap();
        assert_eq!(seen.one("response_type").as_deref(), Some("code"));
        assert_eq!(seen.one("code_challenge_method").as_deref(), Some("S256"));
        assert_eq!(seen.one("resource"), Some(world.endpoint.clone()));
        assert_eq!(seen.one("redirect_uri").as_deref(), Some(REDIRECT));
        let (challenge, state) = (seen.one("code_challenge"), seen.one("state"));
        assert_eq!(challenge.as_ref().unwrap().len(), 43);
        assert_eq!(state.as_ref().unwrap().len(), 43);
        assert!(challenges.insert(challenge) && states.insert(state));
        let encoded = world.endpoint.replace(':', "%3A").replace('/', "%2F");
        assert_eq!(
            seen.query.matches(&format!("resource={encoded}")).count(),
            1
        );
    }
    // The verifier is another one each time, too, and it was checked by the server.
    let mut verifiers = HashSet::new();
    for _ in 0..3 {
        world.tokens_of(&client).await;
        let seen = world.log.to("/token").pop().unwrap();
        assert!(verifiers.insert(seen.one("code_verifier").unwrap()));
    }
}

/// CL-041
#[tokio::test]
async fn the_query_of_the_endpoint_stays() {
    let world = World::start().await;
    let endpoint = format!("{}/authorize", world.server.site.origin);
    for (query, kept) in [
        ("p=1", "p=1&"),
        ("p=a%20b&q", "p=a%20b&q&"),
        ("p=1&state=mine&resource=x&state=2", "p=1&"),
        ("client_id=x", ""),
    ] {
        let url = format!("{endpoint}?{query}");
        world.server.says("authorization_endpoint", json!(url));
        drop(browse(world.awaiting().await.url()).await);
        let seen = world.log.to("/authorize").pop().unwrap();
        assert!(
            seen.query
                .starts_with(&format!("{kept}response_type=code&")),
            "{}",
            seen.query
        );
        let mut names = HashSet::new();
        for (name, _) in form_urlencoded::parse(seen.query.as_bytes()) {
            assert!(names.insert(name.clone()), "{name} stands twice");
        }
        assert_eq!(seen.one("resource"), Some(world.endpoint.clone()));
    }
}

/// CL-039
#[tokio::test]
async fn the_state_comes_back_as_it_was_sent() {
    let world = World::start().await;
    let error = refused(&world, |pairs| without(pairs, "state")).await;
    assert_eq!(error, AuthorizationError::StateMissing);
    let error = refused(&world, |pairs| set(pairs, "state", "x")).await;
    assert_eq!(error, AuthorizationError::StateMismatch);
    let error = refused(&world, |pairs| set(pairs, "state", "")).await;
    assert_eq!(error, AuthorizationError::StateMismatch);
    let (done, requests) = judged(&world, |_| ()).await;
    assert!(done.is_ok());
    assert_eq!(requests, 1);
}

/// CL-045, CL-046
#[tokio::test]
async fn an_issuer_that_promises_iss_is_held_to_it() {
    let world = World::start().await;
    assert!(judged(&world, |_| ()).await.0.is_ok());
    let error = refused(&world, |pairs| {
        set(pairs, "iss", "https://evil.example.com");
    })
    .await;
    assert_eq!(error, AuthorizationError::IssMismatch);
    let error = refused(&world, |pairs| without(pairs, "iss")).await;
    assert_eq!(error, AuthorizationError::IssMissing);
}

/// CL-047, CL-048, CL-052
#[tokio::test]
async fn an_iss_that_nobody_promised_is_compared_all_the_same() {
    let world = World::start().await;
    for promise in [json!(null), json!(false), json!("true"), json!(1)] {
        world
            .server
            .says("authorization_response_iss_parameter_supported", promise);
        assert!(
            judged(&world, |pairs| without(pairs, "iss"))
                .await
                .0
                .is_ok()
        );
        assert!(judged(&world, |_| ()).await.0.is_ok());
        let error = refused(&world, |pairs| {
            set(pairs, "iss", "https://evil.example.com");
        })
        .await;
        assert_eq!(error, AuthorizationError::IssMismatch);
    }
}

/// CL-049
#[tokio::test]
async fn iss_is_compared_as_text() {
    let world = World::start().await;
    let issuer = world.server.issuer.clone();
    for other in [
        format!("{issuer}/"),
        issuer.replace("http", "HTTP"),
        issuer.replace("127", "%3127"),
        issuer.replace("127.0.0.1", "localhost"),
        issuer.replace("127.0.0.1", "127.1"),
        format!(" {issuer}"),
        String::new(),
    ] {
        let error = refused(&world, |pairs| set(pairs, "iss", &other)).await;
        assert_eq!(error, AuthorizationError::IssMismatch, "{other}");
    }
    // It is decoded once, and not twice.
    let awaiting = world.awaiting().await;
    let url = location(awaiting.url()).await;
    let twice = url.replace("iss=http%3A", "iss=http%253A");
    assert_ne!(url, twice);
    let error = awaiting
        .redirected(&Redirect::from_url(&twice))
        .await
        .unwrap_err();
    assert_eq!(error, AuthorizationError::IssMismatch);
}

/// CL-050
#[tokio::test]
async fn an_error_of_somebody_else_is_not_even_shown() {
    let world = World::start().await;
    let error = refused(&world, |pairs| {
        without(pairs, "code");
        set(pairs, "error", "access_denied");
        set(pairs, "error_description", "Mallory");
        set(pairs, "iss", "https://evil.example.com");
    })
    .await;
    assert_eq!(error, AuthorizationError::IssMismatch);
    assert!(!format!("{error} {error:?}").contains("denied"));
    // State comes first.
    let error = refused(&world, |pairs| {
        set(pairs, "state", "x");
        set(pairs, "iss", "https://evil.example.com");
        set(pairs, "error", "access_denied");
    })
    .await;
    assert_eq!(error, AuthorizationError::StateMismatch);
    // That of the right one is a word of the specification, and never text.
    for (said, word) in [
        ("access_denied", "access_denied"),
        ("Mallory", "unregistered_error"),
    ] {
        let error = refused(&world, |pairs| {
            without(pairs, "code");
            set(pairs, "error", said);
            set(pairs, "error_description", "Mallory");
        })
        .await;
        assert!(matches!(error, AuthorizationError::Refused(error) if error.as_str() == word));
        assert!(!format!("{error} {error:?}").contains("Mallory"));
    }
}

/// CL-051
#[tokio::test]
async fn what_stands_twice_is_refused() {
    let world = World::start().await;
    for name in ["code", "state", "iss", "error"] {
        for second in [None, Some("x"), Some("")] {
            let error = refused(&world, |pairs| {
                pairs.retain(|(own, _)| name != "error" || own != "code");
                pairs.extend((name == "error").then(|| ("error".to_owned(), "x".to_owned())));
                let own = pairs.iter().find(|(own, _)| own == name).unwrap().1.clone();
                let second = second.unwrap_or(&own).to_owned();
                pairs.push((name.to_owned(), second));
            })
            .await;
            assert_eq!(error, AuthorizationError::Repeated, "{name}");
        }
    }
    let error = refused(&world, |pairs| set(pairs, "error", "access_denied")).await;
    assert_eq!(error, AuthorizationError::Contradictory);
    let error = refused(&world, |pairs| set(pairs, "code", "")).await;
    assert_eq!(error, AuthorizationError::CodeMissing);
    let error = refused(&world, |pairs| without(pairs, "code")).await;
    assert_eq!(error, AuthorizationError::CodeMissing);
    let error = refused(&world, |pairs| set(pairs, "x", &"y".repeat(20_000))).await;
    assert_eq!(error, AuthorizationError::TooLong);
    // What else is said is passed over, once or twice.
    let (done, _) = judged(&world, |pairs| {
        pairs.push(("x".to_owned(), "1".to_owned()));
        pairs.push(("x".to_owned(), "2".to_owned()));
    })
    .await;
    assert!(done.is_ok());
}

/// CL-053
#[tokio::test]
async fn a_redirect_is_taken_whole_however_it_is_given() {
    let world = World::start().await;
    for part in ["url", "target", "query", "fragment"] {
        let awaiting = world.awaiting().await;
        let url = location(awaiting.url()).await;
        let redirect = match part {
            "url" => Redirect::from_url(&url),
            "target" => Redirect::from_url(url.strip_prefix("http://127.0.0.1:49152").unwrap()),
            "query" => Redirect::from_query(url.split_once('?').unwrap().1),
            _ => Redirect::from_url(&format!("{url}#_=_")),
        };
        assert!(awaiting.redirected(&redirect).await.is_ok(), "{part}");
    }
    // A code alone is none.
    let awaiting = world.awaiting().await;
    let url = location(awaiting.url()).await;
    let code = url
        .split("code=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let error = awaiting
        .redirected(&Redirect::from_query(code))
        .await
        .unwrap_err();
    assert_eq!(error, AuthorizationError::StateMissing);
    assert!(world.log.to("/token").len() == 4);
}

/// CL-038
#[tokio::test]
async fn an_answer_comes_within_ten_minutes() {
    let world = World::start().await;
    for (wait, is_in_time) in [
        (TimeDelta::seconds(599), true),
        (TimeDelta::seconds(600), false),
    ] {
        let awaiting = world.awaiting().await;
        let redirect = browse(awaiting.url()).await;
        world.clock.advance(wait);
        let done = awaiting.redirected(&redirect).await;
        let expected = if is_in_time {
            None
        } else {
            Some(AuthorizationError::Expired)
        };
        assert_eq!(done.err(), expected);
    }
}

const KEY: [u8; 32] = [7; 32];

fn pending(client: &Client, key: &[u8; 32], store: &Arc<MemoryPendingStore>) -> Pending {
    let store = Arc::<MemoryPendingStore>::clone(store);
    Pending::new(client, PendingKey::from_bytes(key), store)
}

/// The redirect that answers a request which is kept for `session-1`.
async fn kept(world: &World, client: &Client, pending: &Pending) -> Redirect {
    let awaiting = world.registered_as(client).await.authorize().unwrap();
    let url = pending.keep(awaiting, "session-1").await.unwrap();
    browse(&url).await
}

/// CL-038
#[tokio::test]
async fn a_request_that_was_kept_is_answered_once_and_in_its_session() {
    let world = World::start().await;
    world.says("scopes_supported", json!(["a", "b"]));
    let client = world.client();
    let store = Arc::new(MemoryPendingStore::default());
    let pending = pending(&client, &KEY, &store);
    let keep = async || kept(&world, &client, &pending).await;
    // Another process, with the same store and key.
    let redirect = keep().await;
    let restarted = world.client();
    let other = self::pending(&restarted, &KEY, &store);
    let tokens = other.redirected(&redirect, "session-1").await.unwrap();
    assert_eq!(tokens.requested().to_string(), "a b");
    assert_eq!(tokens.endpoint().as_str(), world.endpoint);
    for _ in 0..2 {
        let error = pending
            .redirected(&redirect, "session-1")
            .await
            .unwrap_err();
        assert_eq!(error, AuthorizationError::UnknownState);
    }
    assert_eq!(world.log.to("/token").len(), 1);
}

/// CL-038
#[tokio::test]
async fn a_request_that_was_kept_is_nobody_elses() {
    let world = World::start().await;
    let client = world.client();
    let store = Arc::new(MemoryPendingStore::default());
    let pending = pending(&client, &KEY, &store);
    let keep = async || kept(&world, &client, &pending).await;
    // Another browser's session; the request is gone then.
    let redirect = keep().await;
    for session in ["session-2", "session-1"] {
        let error = pending.redirected(&redirect, session).await.unwrap_err();
        assert_eq!(error, AuthorizationError::UnknownState);
    }
    // Another key.
    let redirect = keep().await;
    let other = self::pending(&client, &[8; 32], &store);
    let error = other.redirected(&redirect, "session-1").await.unwrap_err();
    assert_eq!(error, AuthorizationError::UnknownState);
    // Too late: it may be gone from the store, or not.
    let redirect = keep().await;
    world.clock.advance(TimeDelta::minutes(10));
    let error = pending
        .redirected(&redirect, "session-1")
        .await
        .unwrap_err();
    assert_eq!(error, AuthorizationError::UnknownState);
    let error = pending
        .redirected(&Redirect::from_query("code=x"), "session-1")
        .await;
    assert_eq!(error.unwrap_err(), AuthorizationError::StateMissing);
    let error = pending
        .redirected(&Redirect::from_query("state=x&code=x"), "session-1")
        .await;
    assert_eq!(error.unwrap_err(), AuthorizationError::UnknownState);
    assert!(world.log.to("/token").is_empty());
}

/// CL-038, CL-079
#[tokio::test]
async fn what_is_kept_says_nothing_and_cannot_be_changed() {
    use clearance::client::PendingStore as _;

    let world = World::start().await;
    world.server.state().registration = json!({
        "client_secret": "the-secret",
        "token_endpoint_auth_method": "client_secret_post",
    });
    let client = world.client();
    let store = Arc::new(MemoryPendingStore::default());
    let pending = pending(&client, &KEY, &store);
    let awaiting = world.registered_as(&client).await.authorize().unwrap();
    let end = awaiting.expires_at();
    let url = pending.keep(awaiting, "s").await.unwrap();
    let redirect = browse(&url).await;
    let state = world
        .log
        .to("/authorize")
        .pop()
        .unwrap()
        .one("state")
        .unwrap();
    let now = clearance::clock::Clock::now(&world.clock);
    let sealed = store.take(&state, now).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&sealed);
    for secret in ["the-secret", "verifier", "127.0.0.1", &state] {
        assert!(!text.contains(secret));
    }
    for place in [0, 11, 12, sealed.len() / 2, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        store.put(&state, changed, end).await.unwrap();
        let error = pending.redirected(&redirect, "s").await.unwrap_err();
        assert_eq!(error, AuthorizationError::UnknownState);
    }
    for length in [0, 5, 12, 27] {
        store
            .put(&state, sealed[..length].into(), end)
            .await
            .unwrap();
        let error = pending.redirected(&redirect, "s").await.unwrap_err();
        assert_eq!(error, AuthorizationError::UnknownState);
    }
    store.put(&state, sealed, end).await.unwrap();
    assert!(pending.redirected(&redirect, "s").await.is_ok());
}
