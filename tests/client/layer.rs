//! Where tokens go, and what is done when they are refused.

use std::sync::Arc;

use bytes::Bytes;
use clearance::client::layer::{Access, AccessError, AuthorizationCode, LayerError, OneShot};
use clearance::client::store::MemoryStore;
use clearance::client::{ClientError, DiscoveryError};
use http::header::AUTHORIZATION;
use http_body_util::Full;
use serde_json::json;
use tower::{Layer as _, ServiceExt as _};

use crate::guarded::{Guarded, Headless, Nobody, call, challenge, http, layered};
use crate::support::{M, MockServer, R, Reply, Seen, Site};

/// CL-005, CL-006, CL-063: the first request is refused, and from then on each has the token in its head and
/// nowhere else; nobody but the endpoint sees it.
#[tokio::test]
async fn every_request_to_the_endpoint_has_the_token_in_its_head() {
    let guarded = Guarded::start().await;
    let log = &guarded.world.log;
    guarded.mint().always = Some(Reply::json(401, &json!({"error": "invalid_token"})));
    let access = guarded.access();
    // A 401 that says nothing starts it, too. What is new is refused as well, and that is the end.
    assert_eq!(
        guarded.call(&access, "x").await,
        Err(AccessError::Unauthorized)
    );
    assert_eq!(guarded.count(M), 1);
    assert_eq!(guarded.count("/authorize"), 1);

    guarded.mint().always = None;
    let client = http();
    for method in [http::Method::POST, http::Method::GET, http::Method::DELETE] {
        let request = client.request(method, &guarded.world.endpoint);
        let request = request.header("last-event-id", "7").build().unwrap();
        let response = layered(&access).oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    let token = Some("Bearer access-token-1".to_owned());
    let mut presented = guarded.presented();
    assert_eq!(presented.remove(0), None);
    assert_eq!(presented, vec![token; 4]);
    for seen in log.all() {
        assert!(!seen.query.contains("access-token"), "{}", seen.line());
        assert!(
            seen.path == "/mcp" || seen.header(AUTHORIZATION).is_none(),
            "{}",
            seen.line()
        );
        assert!(seen.headers.get("cookie").is_none(), "{}", seen.line());
    }
}

/// CL-064: scheme, host, port and path are the endpoint's, or there is no token.
#[tokio::test]
async fn no_other_place_sees_the_token() {
    let guarded = Guarded::start().await;
    let evil = Site::start(&guarded.world.log, "evil").await;
    let access = guarded.signed_in().await;
    let mcp = &guarded.world.mcp;
    for path in ["/", "/mcp/", "/mcp/x", "/MCP", "/mcpx"] {
        mcp.gives(&format!("POST {path}"), Reply::status(200));
        let url = format!("{}{path}", mcp.origin);
        assert_eq!(call(&access, &url, "x").await, Ok(200), "{path}");
    }
    evil.gives("POST /mcp", Reply::status(200));
    let elsewhere = format!("{}/mcp", evil.origin);
    let other_name = guarded.world.endpoint.replace("127.0.0.1", "localhost");
    for url in [&elsewhere, &other_name] {
        call(&access, url, "x").await.ok();
    }
    for seen in guarded.world.log.take() {
        assert_eq!(seen.header(AUTHORIZATION), None, "{}", seen.line());
    }
    let with_query = format!("{}?x=1", guarded.world.endpoint);
    assert_eq!(call(&access, &with_query, "x").await, Ok(200));
    assert_eq!(guarded.presented().len(), 1);
    assert!(guarded.presented()[0].is_some());

    // It redirects: neither the layer nor a client inside that follows hands the token on.
    let away = Reply::redirect(307, &elsewhere);
    guarded.mint().always = Some(away);
    guarded.world.log.take();
    assert_eq!(guarded.call(&access, "x").await, Ok(307));
    let following = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = following
        .post(&guarded.world.endpoint)
        .body("x")
        .build()
        .unwrap();
    let response = access
        .layer()
        .layer(following)
        .oneshot(request)
        .await
        .unwrap();
    assert_eq!(response.url().as_str(), elsewhere);
    let at_evil: Vec<Seen> = guarded.world.log.take();
    let at_evil: Vec<_> = at_evil.iter().filter(|seen| seen.at == "evil").collect();
    assert_eq!(at_evil.len(), 1);
    assert_eq!(at_evil[0].header(AUTHORIZATION), None);
}

/// CL-064: two endpoints of one issuer do not share tokens, though they share a store.
#[tokio::test]
async fn each_endpoint_has_its_own_token() {
    let one = Guarded::start().await;
    let other = Guarded::start().await;
    other
        .world
        .says("authorization_servers", json!([one.world.server.issuer]));
    let store = MemoryStore::new();
    let first = one
        .signed_in_as(one.builder().store(Arc::new(store.clone())))
        .await;
    let second = other.builder().store(Arc::new(store)).build();
    assert_eq!(
        other.call(&second, "x").await,
        Err(AccessError::Unauthorized),
        "not this mint's"
    );
    // It asked for its own: the resource was the other endpoint.
    let asked = one.world.log.take();
    let asked: Vec<_> = asked.iter().filter(|seen| seen.path == "/token").collect();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].one("resource").unwrap(), other.world.endpoint);
    let presented = other.presented();
    assert_eq!(presented[0], None);
    assert_ne!(presented[1].as_deref(), Some("Bearer access-token-1"));
    assert_eq!(one.call(&first, "x").await, Ok(200));
}

/// One token is for this endpoint, and it is not the caller's.
#[tokio::test]
async fn a_foreign_credential_is_replaced() {
    let guarded = Guarded::start().await;
    let access = guarded.access();
    let request = http()
        .post(&guarded.world.endpoint)
        .header(AUTHORIZATION, "Bearer other")
        .build()
        .unwrap();
    let response = layered(&access).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        guarded.presented()[0],
        None,
        "nor is it sent before there is a token"
    );
    guarded.world.log.take();
    let request = http()
        .post(&guarded.world.endpoint)
        .header(AUTHORIZATION, "Basic eA==")
        .header(AUTHORIZATION, "Bearer other")
        .build()
        .unwrap();
    assert_eq!(
        layered(&access).oneshot(request).await.unwrap().status(),
        200
    );
    let seen = guarded.world.log.to("/mcp");
    let fields: Vec<_> = seen[0].headers.get_all(AUTHORIZATION).iter().collect();
    assert_eq!(fields, ["Bearer access-token-1"]);
}

/// CL-070: a 403 that says nothing about scopes is the caller's, and asks nobody.
#[tokio::test]
async fn a_plain_403_asks_nobody() {
    let guarded = Guarded::start().await;
    let access = guarded.signed_in().await;
    for reply in [
        Reply::status(403),
        challenge(403, "Bearer"),
        challenge(403, r#"Bearer error="invalid_token", scope="mcp:write""#),
        challenge(
            403,
            r#"Basic error="insufficient_scope", scope="mcp:write""#,
        ),
        Reply::status(400),
        Reply::status(503),
    ] {
        let status = reply.status;
        guarded.mint().always = Some(reply);
        assert_eq!(guarded.call(&access, "x").await, Ok(status));
    }
    assert_eq!(
        guarded.world.log.all().len(),
        6,
        "{:?}",
        guarded.world.log.lines()
    );
}

/// CL-070: whoever refuses everything is asked with new tokens once for each call, and the person not more
/// than three times in all.
#[tokio::test]
async fn an_endless_401_ends() {
    let guarded = Guarded::start().await;
    guarded.mint().refreshes = false;
    guarded.mint().always = Some(challenge(401, "Bearer"));
    let access = guarded.access();
    for asked in 1..=3 {
        assert_eq!(
            guarded.call(&access, "x").await,
            Err(AccessError::Unauthorized)
        );
        assert_eq!(guarded.count("/authorize"), asked);
        assert_eq!(guarded.presented().len(), asked * 2);
    }
    assert_eq!(
        guarded.call(&access, "x").await,
        Err(AccessError::Unauthorized)
    );
    assert_eq!(guarded.count("/authorize"), 3);
    guarded.world.clock.advance(chrono::TimeDelta::minutes(10));
    assert_eq!(
        guarded.call(&access, "x").await,
        Err(AccessError::Unauthorized)
    );
    assert_eq!(guarded.count("/authorize"), 4);

    // With a refresh token there is one refresh, and nobody is asked.
    let guarded = Guarded::start().await;
    let access = guarded.signed_in().await;
    guarded.mint().always = Some(challenge(401, "Bearer"));
    assert_eq!(
        guarded.call(&access, "x").await,
        Err(AccessError::Unauthorized)
    );
    assert_eq!(guarded.count("/token"), 1);
    assert_eq!(guarded.count("/authorize"), 0);
}

/// CL-007, CL-034, CL-078: each 401 reads the metadata again; another issuer gets a registration, and nothing
/// that the old one gave.
#[tokio::test]
async fn another_issuer_is_noticed_and_shown_nothing_of_the_old_one() {
    let guarded = Guarded::start().await;
    let world = &guarded.world;
    let access = guarded.signed_in().await;
    let second = MockServer::start(&world.log, "as2", "/t1").await;
    second.state().registration = json!({"client_id": "other-client"});
    let mint = Arc::clone(&guarded.mint);
    second.route("POST /token", move |state, seen| {
        assert_eq!(
            seen.one("grant_type").as_deref(),
            Some("authorization_code")
        );
        let asked = state.codes.remove(&seen.one("code").unwrap()).unwrap();
        mint.lock().unwrap().tokens(&asked.scope)
    });
    world.says("authorization_servers", json!([second.issuer]));
    guarded.mint().live.clear();

    assert_eq!(guarded.call(&access, "x").await, Ok(200));
    let seen = world.log.take();
    let lines: Vec<String> = seen.iter().map(Seen::line).collect();
    assert!(lines.contains(&format!("mcp GET {M}")), "{lines:?}");
    assert!(seen.iter().all(|seen| seen.at != "as"), "{lines:?}");
    let at_second: Vec<_> = seen.iter().filter(|seen| seen.at == "as2").collect();
    assert!(at_second.iter().any(|seen| seen.path == "/register"));
    for seen in at_second {
        let text = format!("{}{}{:?}", seen.line(), seen.body, seen.headers);
        for old in [
            "client-",
            "refresh-token-1",
            "access-token-1",
            &world.server.issuer,
        ] {
            let text = text.replace("other-client", "");
            assert!(!text.contains(old), "{old}: {text}");
        }
    }
    // The old issuer's tokens are there still, should the endpoint go back to it.
    world.says("authorization_servers", json!([world.server.issuer]));
    guarded.mint().live.clear();
    assert_eq!(guarded.call(&access, "x").await, Ok(200));
}

/// An error of discovery ends it, and nobody is asked.
#[tokio::test]
async fn who_cannot_be_found_is_not_asked() {
    let guarded = Guarded::start().await;
    guarded.world.mcp.lacks(M).lacks(R);
    let error = guarded.call(&guarded.access(), "x").await.unwrap_err();
    assert_eq!(
        error,
        AccessError::Client(ClientError::Discovery(DiscoveryError::NoMetadata))
    );
    assert_eq!(error.code(), "no_metadata");

    let guarded = Guarded::start().await;
    let nobody = Access::builder(guarded.world.client(), AuthorizationCode::by(Nobody)).build();
    let error = guarded.call(&nobody, "x").await.unwrap_err();
    assert_eq!(error.code(), "nobody_to_ask");
    assert_eq!(guarded.count("/register"), 0);
}

/// A body that is a stream is not sent twice.
#[tokio::test]
async fn what_cannot_be_sent_twice_is_not() {
    let guarded = Guarded::start().await;
    let access = guarded.access();
    let service = access
        .layer()
        .layer(tower::service_fn(forward::<OneShot<Full<Bytes>>>));
    let request = || {
        let body = OneShot::new(Full::new(Bytes::from_static(b"once")));
        http::Request::post(&guarded.world.endpoint)
            .body(body)
            .unwrap()
    };
    let refused = service.clone().oneshot(request()).await.unwrap_err();
    assert!(
        matches!(refused, LayerError::Access(AccessError::NotReplayable)),
        "{refused:?}"
    );
    assert_eq!(guarded.world.log.to("/mcp").len(), 1);
    let answer = service.oneshot(request()).await.unwrap();
    assert_eq!(answer.status(), 200, "there is a token now");

    // A stream of `reqwest` is one, too.
    guarded.mint().live.clear();
    let (body, _sender) = stream();
    let request = http()
        .post(&guarded.world.endpoint)
        .body(body)
        .build()
        .unwrap();
    let refused = layered(&access).oneshot(request).await.unwrap_err();
    assert!(
        matches!(refused, LayerError::Access(AccessError::NotReplayable)),
        "{refused:?}"
    );
}

/// A body of one piece is sent again, whatever kind of request it stands in.
#[tokio::test]
async fn what_is_held_in_memory_is_sent_again() {
    let guarded = Guarded::start().await;
    let access = Access::builder(guarded.world.client(), AuthorizationCode::by(Headless)).build();
    let service = access
        .layer()
        .layer(tower::service_fn(forward::<Full<Bytes>>));
    let request = http::Request::post(&guarded.world.endpoint)
        .header("x-own", "kept")
        .body(Full::new(Bytes::from_static(b"again")))
        .unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
    let seen = guarded.world.log.to("/mcp");
    assert_eq!(seen.len(), 2);
    for seen in seen {
        assert_eq!(
            (&*seen.body, seen.headers["x-own"].to_str().unwrap()),
            ("again", "kept")
        );
    }
}

/// Sends a request of `http`.
async fn forward<B>(
    request: http::Request<B>,
) -> Result<http::Response<reqwest::Body>, reqwest::Error>
where
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let (head, body) = request.into_parts();
    let body = http_body_util::BodyExt::collect(body)
        .await
        .unwrap()
        .to_bytes();
    let request = http()
        .request(head.method, head.uri.to_string())
        .headers(head.headers)
        .body(body);
    Ok(request.send().await?.into())
}

/// A body of `reqwest` that is a stream.
fn stream() -> (reqwest::Body, ()) {
    (
        reqwest::Body::wrap(Full::new(Bytes::from_static(b"once"))),
        (),
    )
}
