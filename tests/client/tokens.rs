//! What is asked at the token endpoint, and what comes of the answer.

use chrono::TimeDelta;
use clearance::client::{Challenge, Scopes, TokenError};
use clearance::clock::Clock as _;
use clearance::credentials::{ClientAuthentication, ClientSecret};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{MockServer, REDIRECT, Reply, World, browse, challenge};

fn basic(text: &str) -> String {
    use base64::Engine as _;
    let encoded = text.strip_prefix("Basic ").unwrap();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .unwrap();
    String::from_utf8(bytes).unwrap()
}

/// CL-054
#[tokio::test]
async fn every_request_for_a_token_names_the_resource() {
    let world = World::start().await;
    world.server.state().token["refresh_token"] = json!("r");
    let client = world.client();
    let tokens = world.tokens_of(&client).await;
    client.refresh(&tokens).await.unwrap();
    let secret = ClientAuthentication::client_secret_basic("c", ClientSecret::new("s"));
    let issuer = world.server.issuer.parse().unwrap();
    world.server.says(
        "token_endpoint_auth_methods_supported",
        json!(["client_secret_basic"]),
    );
    let machine = world
        .builder()
        .pre_registered(issuer, secret)
        .build()
        .unwrap();
    let discover = async || machine.discover(&Challenge::default()).await.unwrap();
    discover().await.client_credentials().await.unwrap();
    let assertion = ClientSecret::new("a.b.c");
    discover().await.jwt_bearer(&assertion).await.unwrap();
    let seen = world.log.to("/token");
    let grants: Vec<_> = seen
        .iter()
        .filter_map(|seen| seen.one("grant_type"))
        .collect();
    assert_eq!(
        grants,
        [
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ]
    );
    let asked = world.log.to("/authorize").pop().unwrap().one("resource");
    for seen in seen {
        assert_eq!(seen.one("resource"), asked);
        assert_eq!(seen.one("resource"), Some(world.endpoint.clone()));
    }
}

/// CL-055, CL-056
#[tokio::test]
async fn a_client_proves_who_it_is_in_one_way_that_the_server_knows() {
    let world = World::start().await;
    let secret = || ClientSecret::new("p%&");
    let issuer = || world.server.issuer.parse().unwrap();
    let in_header = || ClientAuthentication::client_secret_basic("a:b", secret());
    let in_form = || ClientAuthentication::client_secret_post("a:b", secret());
    let public = || ClientAuthentication::none("a:b");
    let all = json!(["client_secret_basic", "client_secret_post", "none"]);
    for (who, supported, expected) in [
        (in_header(), all.clone(), "basic"),
        (in_form(), all.clone(), "post"),
        (public(), all, "none"),
        (in_header(), json!(["client_secret_post"]), "post"),
        (in_form(), json!(["client_secret_basic"]), "basic"),
        (in_header(), json!(["none"]), "none"),
        (in_header(), json!(null), "basic"),
        (in_form(), json!(null), "post"),
        (public(), json!(null), "none"),
        (in_form(), json!(["private_key_jwt"]), "refused"),
    ] {
        world
            .server
            .says("token_endpoint_auth_methods_supported", supported.clone());
        world.log.take();
        let client = world
            .builder()
            .pre_registered(issuer(), who)
            .build()
            .unwrap();
        let awaiting = world.registered_as(&client).await.authorize().unwrap();
        let redirect = browse(awaiting.url()).await;
        let done = awaiting.redirected(&redirect).await;
        let Some(seen) = world.log.to("/token").pop() else {
            assert_eq!(done.unwrap_err().code(), "authentication_unsupported");
            assert_eq!(expected, "refused");
            continue;
        };
        done.unwrap();
        let field = seen.header(AUTHORIZATION).map(basic);
        let (id, text) = (seen.one("client_id"), seen.one("client_secret"));
        let own = |text: &str| Some(text.to_owned());
        match expected {
            "basic" => assert_eq!((field, id, text), (own("a%3Ab:p%25%26"), None, None)),
            "post" => assert_eq!((field, id, text), (None, own("a:b"), own("p%&"))),
            _ => assert_eq!((field, id, text), (None, own("a:b"), None), "{supported}"),
        }
    }
}

/// CL-057
#[tokio::test]
async fn a_request_for_a_token_is_a_form_and_follows_no_redirect() {
    let world = World::start().await;
    let second = MockServer::start(&world.log, "as2", "").await;
    let client = world.client();
    world.tokens_of(&client).await;
    let seen = world.log.to("/token").pop().unwrap();
    assert_eq!(seen.method, "POST");
    assert_eq!(
        seen.header(CONTENT_TYPE),
        Some("application/x-www-form-urlencoded")
    );
    for place in [
        format!("{}/token", second.site.origin),
        "/token2".to_owned(),
    ] {
        for status in [301, 302, 307, 308] {
            let awaiting = world.registered_as(&client).await.authorize().unwrap();
            let redirect = browse(awaiting.url()).await;
            world.log.take();
            world
                .server
                .site
                .gives("POST /token", Reply::redirect(status, &place));
            let error = awaiting.redirected(&redirect).await.unwrap_err();
            assert_eq!(error.code(), "redirected_elsewhere");
            assert_eq!(world.log.lines(), ["as POST /token"]);
        }
    }
    // No answer is read for ever.
    let long = json!({"access_token": "t".repeat(1 << 17), "token_type": "Bearer"});
    for reply in [
        Reply::json(200, &long),
        Reply::text(200, ""),
        Reply::text(200, "[]"),
    ] {
        world.server.site.gives("POST /token", reply);
        let awaiting = world.registered_as(&client).await.authorize().unwrap();
        let redirect = browse(awaiting.url()).await;
        let error = awaiting.redirected(&redirect).await.unwrap_err();
        assert_eq!(error.code(), "malformed_token_response");
    }
}

/// What comes of the answer with these members.
async fn answered(world: &World, members: Value) -> Result<clearance::client::TokenSet, String> {
    world.server.state().token = members;
    let awaiting = world.awaiting().await;
    let redirect = browse(awaiting.url()).await;
    let done = awaiting.redirected(&redirect).await;
    done.map_err(|error| error.code().to_owned())
}

/// CL-058
#[tokio::test]
async fn a_token_is_one_that_can_be_used() {
    let world = World::start().await;
    for kind in ["bearer", "Bearer", "BEARER"] {
        let tokens = answered(&world, json!({"token_type": kind})).await.unwrap();
        let value = tokens.authorization_for(&world.endpoint).unwrap();
        assert!(value.is_sensitive() && value.to_str().unwrap().starts_with("Bearer token-"));
    }
    for kind in [
        json!("mac"),
        json!("N_A"),
        json!(""),
        json!(null),
        json!("DPoP"),
    ] {
        let refused = answered(&world, json!({"token_type": kind})).await;
        assert_eq!(refused.unwrap_err(), "token_type");
    }
    for token in [
        json!(""),
        json!(null),
        json!(7),
        json!("a b"),
        json!("a\r\nX: y"),
        json!("é"),
    ] {
        let given = json!({"token_type": "Bearer", "access_token": token});
        assert_eq!(
            answered(&world, given).await.unwrap_err(),
            "malformed_token_response"
        );
    }
    // Two of them in one answer are none.
    let twice = "{\"access_token\":\"a\",\"access_token\":\"b\",\"token_type\":\"Bearer\"}";
    world
        .server
        .site
        .gives("POST /token", Reply::text(200, twice));
    assert_eq!(
        answered(&world, json!({})).await.unwrap_err(),
        "malformed_token_response"
    );
}

/// CL-060
#[tokio::test]
async fn a_lifetime_is_a_deadline() {
    let world = World::start().await;
    let now = world.clock.now();
    let bearer = |lifetime: Value| json!({"token_type": "Bearer", "expires_in": lifetime});
    for (lifetime, seconds) in [
        (json!(3600), Some(3600)),
        (json!("3600"), Some(3600)),
        (json!(3600.0), Some(3600)),
        (json!(0), Some(0)),
        (json!(-5), Some(0)),
        (json!(i64::MAX), Some(316_224_000)),
        (json!(u64::MAX), None),
        (json!("soon"), None),
        (json!(null), None),
        (json!([60]), None),
    ] {
        let tokens = answered(&world, bearer(lifetime.clone())).await.unwrap();
        let deadline = tokens.deadline().map(|end| (end - now).num_seconds());
        if lifetime != json!(u64::MAX) {
            assert_eq!(deadline, seconds, "{lifetime}");
        }
        assert_eq!(tokens.obtained_at(), now);
    }
    let tokens = answered(&world, bearer(json!(600))).await.unwrap();
    let minute = TimeDelta::minutes(1);
    assert!(!tokens.expires_within(minute, now + TimeDelta::seconds(539)));
    assert!(tokens.expires_within(minute, now + TimeDelta::seconds(540)));
    assert!(tokens.expires_within(TimeDelta::MAX, now));
    // The text is opaque: a JWT that says that it is over is tried all the same.
    let over = "eyJhbGciOiJub25lIn0.eyJleHAiOjF9.";
    let given = json!({"access_token": over, "token_type": "Bearer", "expires_in": null});
    let tokens = answered(&world, given).await.unwrap();
    assert!(!tokens.expires_within(minute, now + TimeDelta::days(10_000)));
    assert!(tokens.authorization_for(&world.endpoint).is_ok());
}

/// CL-061
#[tokio::test]
async fn what_was_granted_is_what_the_answer_says() {
    let world = World::start().await;
    world.says("scopes_supported", json!(["a", "b"]));
    for (said, granted) in [
        (json!("a"), "a"),
        (json!("b c"), "b c"),
        (json!(null), "a b"),
        (json!(["a"]), "a b"),
        (json!(""), ""),
    ] {
        let given = json!({"token_type": "Bearer", "scope": said});
        let tokens = answered(&world, given).await.unwrap();
        assert_eq!(tokens.granted().to_string(), granted);
        assert_eq!(tokens.requested().to_string(), "a b");
    }
}

/// CL-062
#[tokio::test]
async fn a_code_is_shown_once() {
    let world = World::start().await;
    for (reply, is_temporary) in [
        (Reply::oauth_error(400, "invalid_grant"), false),
        (Reply::oauth_error(401, "invalid_client"), false),
        (Reply::oauth_error(400, "temporarily_unavailable"), true),
        (Reply::status(503), true),
        (Reply::status(429), true),
        (Reply::text(400, "nonsense"), false),
    ] {
        let awaiting = world.awaiting().await;
        let redirect = browse(awaiting.url()).await;
        world.log.take();
        world.server.site.gives("POST /token", reply);
        let error = awaiting.redirected(&redirect).await.unwrap_err();
        assert_eq!(world.log.to("/token").len(), 1);
        assert_eq!(error.is_temporary(), is_temporary);
        assert!(!format!("{error} {error:?}").contains("Mallory"));
    }
}

/// CL-067
#[tokio::test]
async fn stepping_up_asks_for_what_there_was_and_what_is_missing() {
    let world = World::start().await;
    world.says("scopes_supported", json!(["mcp:profile"]));
    let client = world.client();
    let first = challenge("Bearer scope=\"mcp:basic\"");
    let registered = client
        .discover(&first)
        .await
        .unwrap()
        .register(REDIRECT.parse().unwrap());
    let awaiting = registered.await.unwrap().authorize().unwrap();
    let redirect = browse(awaiting.url()).await;
    world.server.state().token["scope"] = json!("mcp:basic mcp:extra");
    let tokens = awaiting.redirected(&redirect).await.unwrap();
    let more = challenge("Bearer error=\"insufficient_scope\", scope=\"mcp:write mcp:basic\"");
    assert!(more.is_insufficient_scope());
    let discovered = client.discover(&more).await.unwrap().stepping_up(&tokens);
    let registered = discovered
        .register(REDIRECT.parse().unwrap())
        .await
        .unwrap();
    drop(browse(registered.authorize().unwrap().url()).await);
    let asked = world.log.to("/authorize").pop().unwrap().one("scope");
    assert_eq!(asked.as_deref(), Some("mcp:basic mcp:extra mcp:write"));
    assert_eq!(world.log.to("/authorize").len(), 2);
}

/// CL-074
#[tokio::test]
async fn offline_access_is_asked_for_where_the_server_has_it() {
    let world = World::start().await;
    world.says("scopes_supported", json!(["a"]));
    let asked = async |client: clearance::client::Client| {
        drop(
            browse(
                world
                    .registered_as(&client)
                    .await
                    .authorize()
                    .unwrap()
                    .url(),
            )
            .await,
        );
        world.log.to("/authorize").pop().unwrap().one("scope")
    };
    let some = |text: &str| Some(text.to_owned());
    world
        .server
        .says("scopes_supported", json!(["offline_access", "x"]));
    assert_eq!(asked(world.client()).await, some("a offline_access"));
    let without = world.builder().without_refresh().build().unwrap();
    assert_eq!(asked(without).await, some("a"));
    for listed in [json!(["x"]), json!(null), json!("offline_access")] {
        world.server.says("scopes_supported", listed);
        assert_eq!(asked(world.client()).await, some("a"));
    }
    // What the resource lists says nothing of it.
    world.says("offline_access_supported", json!(true));
    assert_eq!(asked(world.client()).await, some("a"));
    // Where the server chooses the scopes, it still does.
    world
        .server
        .says("scopes_supported", json!(["offline_access"]));
    world.says("scopes_supported", json!(null));
    assert_eq!(asked(world.client()).await, None);
}

/// CL-076, CL-078: the request and the rotation.
#[tokio::test]
async fn a_refresh_token_is_replaced_by_the_one_that_comes() {
    let world = World::start().await;
    world.says("scopes_supported", json!(["a", "b"]));
    let client = world.client();
    world.server.state().token =
        json!({"token_type": "Bearer", "refresh_token": "r1", "scope": "a"});
    let first = world.tokens_of(&client).await;
    assert!(first.can_be_refreshed());
    world.server.state().token = json!({"token_type": "Bearer", "refresh_token": "r2"});
    let second = client.refresh(&first).await.unwrap();
    world.server.state().token = json!({"token_type": "Bearer"});
    let third = client.refresh(&second).await.unwrap();
    client.refresh(&third).await.unwrap();
    let seen = world.log.to("/token");
    let shown: Vec<_> = seen
        .iter()
        .filter_map(|seen| seen.one("refresh_token"))
        .collect();
    assert_eq!(shown, ["r1", "r2", "r2"]);
    for seen in seen.iter().skip(1) {
        // No scope: no more than was granted.
        assert_eq!(seen.one("scope"), None);
        assert_eq!(seen.one("client_id").as_deref(), Some("client-1"));
        assert_eq!(seen.at, "as");
    }
    assert_eq!(
        (third.granted().to_string(), third.requested().to_string()),
        ("a".to_owned(), "a b".to_owned())
    );
    // It is worth nothing, or nobody knows.
    world
        .server
        .site
        .gives("POST /token", Reply::oauth_error(400, "invalid_grant"));
    assert!(client.refresh(&third).await.unwrap_err().is_invalid_grant());
    world.server.site.gives("POST /token", Reply::status(503));
    let error = client.refresh(&third).await.unwrap_err();
    assert!(error.is_temporary() && !error.is_invalid_grant());
}

/// CL-075, CL-064
#[tokio::test]
async fn what_cannot_be_refreshed_is_not() {
    let world = World::start().await;
    let tokens = world.tokens_of(&world.client()).await;
    assert!(!tokens.can_be_refreshed());
    let error = world.client().refresh(&tokens).await.unwrap_err();
    assert_eq!(error, TokenError::NoRefreshToken);
    // By a client of another endpoint.
    let elsewhere =
        clearance::client::Client::builder("https://mcp.example.com/mcp".parse().unwrap());
    let elsewhere = elsewhere.build().unwrap();
    let error = elsewhere.refresh(&tokens).await.unwrap_err();
    assert_eq!(error, TokenError::ForeignEndpoint);
    assert_eq!(
        elsewhere.revoke(&tokens).await.unwrap_err(),
        TokenError::ForeignEndpoint
    );
    assert_eq!(world.log.to("/token").len(), 1);
}

/// CL-064
#[tokio::test]
async fn a_token_goes_to_its_endpoint_alone() {
    let world = World::start().await;
    let tokens = world.tokens_of(&world.client()).await;
    let endpoint = world.endpoint.clone();
    for own in [
        endpoint.clone(),
        format!("{endpoint}?x=1"),
        format!("{endpoint}#x"),
    ] {
        assert!(tokens.authorization_for(&own).is_ok(), "{own}");
    }
    for other in [
        format!("{endpoint}/"),
        format!("{endpoint}/x"),
        endpoint.replace("/mcp", ""),
        endpoint.replace("/mcp", "/MCP"),
        endpoint.replace("/mcp", "/mcp/../x"),
        endpoint.replace("http:", "https:"),
        endpoint.replace("127.0.0.1", "localhost"),
        endpoint.replace("127.0.0.1", "127.0.0.1.example.com"),
        endpoint.replace("http://", "http://user@"),
        endpoint.replace("http://", "http://evil.example.com@"),
        format!("http://127.0.0.1:1{}", "/mcp"),
        "/mcp".to_owned(),
        String::new(),
    ] {
        assert!(tokens.authorization_for(&other).is_err(), "{other}");
    }
}

/// CL-080: the request.
#[tokio::test]
async fn tokens_are_ended_where_they_came_from() {
    let world = World::start().await;
    let client = world.client();
    world.server.state().token["refresh_token"] = json!("r1");
    let tokens = world.tokens_of(&client).await;
    assert_eq!(
        client.revoke(&tokens).await.unwrap_err(),
        TokenError::NoRevocationEndpoint
    );
    let place = format!("{}/revoke", world.server.site.origin);
    world.server.says("revocation_endpoint", json!(place));
    world
        .server
        .site
        .gives("POST /revoke", Reply::text(200, ""));
    let client = world.client();
    client.revoke(&tokens).await.unwrap();
    let seen = world.log.to("/revoke").pop().unwrap();
    assert_eq!(seen.one("token").as_deref(), Some("r1"));
    assert_eq!(
        seen.one("token_type_hint").as_deref(),
        Some("refresh_token")
    );
    assert_eq!(seen.one("client_id").as_deref(), Some("client-1"));
    world.server.site.gives("POST /revoke", Reply::status(503));
    assert!(client.revoke(&tokens).await.unwrap_err().is_temporary());
}

/// CL-079
#[tokio::test]
async fn secrets_are_not_shown() {
    let world = World::start().await;
    world.server.state().registration = json!({
        "client_secret": "secret-of-the-client",
        "token_endpoint_auth_method": "client_secret_post",
    });
    world.server.state().token = json!({
        "access_token": "secret-of-access",
        "refresh_token": "secret-of-refresh",
        "token_type": "Bearer",
    });
    let client = world.client();
    let registered = world.registered_as(&client).await;
    let mut shown = vec![format!("{client:?} {registered:?}")];
    let awaiting = registered.authorize().unwrap();
    shown.push(format!("{awaiting:?}"));
    let redirect = browse(awaiting.url()).await;
    shown.push(format!("{redirect:?}"));
    let tokens = awaiting.redirected(&redirect).await.unwrap();
    shown.push(format!("{tokens:?} {:?}", tokens.registration()));
    let shown = shown.concat();
    let token = world.log.to("/token").pop().unwrap();
    for secret in [
        "secret-of",
        &token.one("code").unwrap(),
        &token.one("code_verifier").unwrap(),
        &world
            .log
            .to("/authorize")
            .pop()
            .unwrap()
            .one("state")
            .unwrap(),
    ] {
        assert!(!shown.contains(secret), "{secret}");
    }
    // No URL had any.
    for seen in world.log.all() {
        assert!(!seen.query.contains("secret-of"));
        assert!(!seen.query.contains(&token.one("code_verifier").unwrap()));
    }
    let value = tokens.authorization_for(&world.endpoint).unwrap();
    assert_eq!(format!("{value:?}"), "Sensitive");
}

fn scopes() -> impl Strategy<Value = Scopes> {
    let text = prop::collection::vec("[a-e]", 0..5);
    text.prop_map(|all| all.join(" ").parse().unwrap())
}

proptest! {
    /// CL-065, CL-067: order is kept, and nothing stands twice.
    #[test]
    fn unions_keep_their_order(had in scopes(), granted in scopes(), more in scopes()) {
        let all = Scopes::stepping_up(&had, &granted, &more);
        prop_assert!(all.covers(&had) && all.covers(&granted) && all.covers(&more));
        let texts: Vec<_> = all.iter().collect();
        let mut once = texts.clone();
        once.dedup();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), texts.len());
        prop_assert!(texts.iter().copied().zip(had.iter()).all(|(one, other)| one == other));
        prop_assert!(all.iter().all(|one| had.contains(one) || granted.contains(one) || more.contains(one)));
        prop_assert_eq!(all.without(&had).union(&Scopes::none()).iter().any(|one| had.contains(one)), false);
        let chosen = Scopes::initial(Some(&had), Some(&more));
        prop_assert_eq!(chosen, if had.is_empty() { more } else { had });
    }

    /// CL-065
    #[test]
    fn what_is_no_list_of_scopes_is_refused(text in "[ -~é]{0,12}") {
        let fits = text.bytes().all(|byte| matches!(byte, b' ' | 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        prop_assert_eq!(text.parse::<Scopes>().is_ok(), fits);
    }
}
