//! Everything at the token endpoint but the code, and what may be asked about tokens.

use super::flow::use_token;
use super::user_agent::*;

#[tokio::test]
async fn a_machine_gets_tokens_for_itself() {
    let (server, clock) = approving().await;
    let guard = guard(&server, &clock).await;
    let form = [
        ("grant_type", "client_credentials"),
        ("resource", FILES),
        ("scope", "files:read"),
    ];
    let answer = granted(&post_as_machine(&server, "/token", &form).await);
    assert!(answer.get("refresh_token").is_none());
    let token = text(&answer, "access_token");
    let claims = claims(&token);
    assert_eq!(
        (&claims["sub"], &claims["client_id"]),
        (&"machine".into(), &"machine".into())
    );
    assert_eq!(use_token(&guard, &token).await.0, 200);
    // With the secret in the body, too.
    let credentials = [("client_id", "machine"), ("client_secret", "s3cret")];
    let in_body = [&form[..], &credentials].concat();
    granted(&post(&server, "/token", &in_body).await);
    // Without a scope there is none, and a public client is nobody by itself.
    let bare = granted(&post_as_machine(&server, "/token", &form[..2]).await);
    assert!(bare.get("scope").is_none());
    let editor = [&form[..], &[("client_id", "editor")]].concat();
    assert_error(
        &post(&server, "/token", &editor).await,
        400,
        "unauthorized_client",
    );
}

#[tokio::test]
async fn a_refresh_narrows_and_never_widens() {
    let (server, _) = approving().await;
    let both = code(&server, &[("scope", "files:read files:write")]).await;
    let first = granted(&post(&server, "/token", &redemption(&both, &[])).await);
    assert_eq!(first["scope"], "files:read files:write");
    let shown = text(&first, "refresh_token");
    let narrow = refresh(&shown, &[("scope", "files:read")]);
    let second = granted(&post(&server, "/token", &narrow).await);
    assert_eq!(second["scope"], "files:read");
    // What was granted stays granted.
    let shown = text(&second, "refresh_token");
    let third = granted(&post(&server, "/token", &refresh(&shown, &[])).await);
    assert_eq!(third["scope"], "files:read files:write");

    let one = tokens(&server).await;
    let shown = text(&one, "refresh_token");
    let wide = refresh(&shown, &[("scope", "files:read files:write")]);
    assert_error(&post(&server, "/token", &wide).await, 400, "invalid_scope");
    // A mistake costs nothing.
    granted(&post(&server, "/token", &refresh(&shown, &[])).await);
}

#[tokio::test]
async fn what_is_revoked_is_inactive() {
    let (server, clock) = approving().await;
    let tokens = tokens(&server).await;
    let (access, refreshing) = (
        text(&tokens, "access_token"),
        text(&tokens, "refresh_token"),
    );
    let ask = async |token: &str| introspected(&server, token).await;
    let known = ask(&access).await;
    assert_eq!(known["active"], true);
    assert_eq!(known["sub"], "alice");
    assert_eq!(known["aud"], FILES);
    assert_eq!(known["client_id"], "editor");
    assert_eq!(known["scope"], "files:read");
    assert_eq!(known["iss"], server.id().as_str());
    assert_eq!(known["jti"], claims(&access)["jti"]);
    assert_eq!(known["exp"], claims(&access)["exp"]);
    let inactive = serde_json::json!({ "active": false });
    // A resource server must not take a refresh token for an access token.
    assert_eq!(ask(&refreshing).await, inactive);
    assert_eq!(ask("nonsense").await, inactive);
    assert_eq!(ask(&server.token().mint()).await, inactive);

    // The refresh token takes the access token with it.
    let form = [("client_id", "editor"), ("token", refreshing.as_str())];
    assert_eq!(post(&server, "/revoke", &form).await.status, 200);
    assert_eq!(ask(&access).await, inactive);
    let late = post(&server, "/token", &refresh(&refreshing, &[])).await;
    assert_error(&late, 400, "invalid_grant");
    // Again, and for what nobody knows: as good as revoked.
    assert_eq!(post(&server, "/revoke", &form).await.status, 200);
    let unknown = [("client_id", "editor"), ("token", "nonsense")];
    assert_eq!(post(&server, "/revoke", &unknown).await.status, 200);

    let later = super::user_agent::tokens(&server).await;
    clock.advance(chrono::TimeDelta::minutes(10));
    assert_eq!(ask(&text(&later, "access_token")).await, inactive);
}

#[tokio::test]
async fn strangers_are_told_nothing() {
    let (server, _) = approving().await;
    let access = text(&tokens(&server).await, "access_token");
    let form = [("client_id", "editor"), ("token", access.as_str())];
    assert_error(
        &post(&server, "/introspect", &form).await,
        400,
        "unauthorized_client",
    );
    assert_error(
        &post(&server, "/introspect", &form[1..]).await,
        401,
        "invalid_client",
    );
    // Another client cannot end the token.
    let form = [("client_id", "other"), ("token", access.as_str())];
    assert_error(&post(&server, "/revoke", &form).await, 400, "invalid_grant");
    let known = post_as_machine(&server, "/introspect", &[("token", &access)]).await;
    assert_eq!(json(&known)["active"], true);
}

pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

#[tokio::test]
async fn a_token_is_exchanged_for_one_of_the_next_server() {
    let (server, clock) = approving().await;
    let first = tokens(&server).await;
    let access = text(&first, "access_token");
    clock.advance(chrono::TimeDelta::minutes(4));
    let form = [
        ("grant_type", TOKEN_EXCHANGE),
        ("resource", MAIL),
        ("subject_token", access.as_str()),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    let answer = granted(&post_as_machine(&server, "/token", &form).await);
    assert_eq!(answer["issued_token_type"], ACCESS_TOKEN);
    // It lives no longer than the other one.
    assert_eq!(answer["expires_in"], 360);
    let exchanged = text(&answer, "access_token");
    let new = claims(&exchanged);
    assert_eq!(new["sub"], "alice");
    assert_eq!(new["aud"], MAIL);
    assert_eq!(new["client_id"], "machine");
    assert_eq!(new["act"]["sub"], "machine");
    assert_eq!(new["scope"], "files:read");

    let wider = [&form[..], &[("scope", "files:write")]].concat();
    assert_error(
        &post_as_machine(&server, "/token", &wider).await,
        400,
        "invalid_scope",
    );
    let editor = [&form[..], &[("client_id", "editor")]].concat();
    assert_error(
        &post(&server, "/token", &editor).await,
        400,
        "unauthorized_client",
    );
    let typed = [&form[..], &[("actor_token_type", ACCESS_TOKEN)]].concat();
    assert_error(
        &post_as_machine(&server, "/token", &typed).await,
        400,
        "invalid_request",
    );
    // Who acted before is remembered (RFC 8693 section 4.1).
    let mut next = form;
    next[2].1 = &exchanged;
    let answer = granted(&post_as_machine(&server, "/token", &next).await);
    let twice = claims(&text(&answer, "access_token"));
    assert_eq!(twice["act"]["act"]["sub"], "machine");
    for (token, act) in [
        (&access, &serde_json::Value::Null),
        (&exchanged, &new["act"]),
        (&text(&answer, "access_token"), &twice["act"]),
    ] {
        let known = post_as_machine(&server, "/introspect", &[("token", token)]).await;
        assert_eq!(json(&known)["act"], *act);
    }
    let untyped = post_as_machine(&server, "/token", &form[..3]).await;
    assert_error(&untyped, 400, "invalid_request");

    // What the user takes back, is taken back everywhere.
    let shown = text(&first, "refresh_token");
    let end = [("client_id", "editor"), ("token", shown.as_str())];
    assert_eq!(post(&server, "/revoke", &end).await.status, 200);
    let known = post_as_machine(&server, "/introspect", &[("token", &exchanged)]).await;
    assert_eq!(json(&known)["active"], false);
    let again = post_as_machine(&server, "/token", &form).await;
    assert_error(&again, 400, "invalid_request");
}

#[tokio::test]
async fn a_client_gets_no_more_for_itself_than_is_its_own() {
    let clock = clearance::testing::ManualClock::at_fixed_start();
    let server = builder(&clock)
        .approve_automatically(clearance::testing::User::Alice)
        .client("reader", "s3cret", "files:read")
        .default_scope("files:write files:read");
    let server = server.start().await.expect("a server");
    let ask = async |scope: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "reader"),
            ("client_secret", "s3cret"),
            ("resource", FILES),
            ("scope", scope),
        ];
        post(&server, "/token", &form).await
    };
    assert_eq!(granted(&ask("files:read").await)["scope"], "files:read");
    for more in ["files:write", "files:read files:write"] {
        assert_error(&ask(more).await, 400, "invalid_scope");
    }
    // Of what everybody gets who does not say, it gets its own part; a user may say yes to all.
    assert_eq!(granted(&ask("").await)["scope"], "files:read");
    let code = code(&server, &[("scope", "")]).await;
    let tokens = granted(&post(&server, "/token", &redemption(&code, &[])).await);
    assert_eq!(tokens["scope"], "files:write files:read");
}

#[tokio::test]
async fn an_exchange_ends_with_its_token_and_with_its_chain() {
    let (server, clock) = approving().await;
    let exchange = async |subject: &str| {
        let form = [
            ("grant_type", TOKEN_EXCHANGE),
            ("resource", FILES),
            ("subject_token", subject),
            ("subject_token_type", ACCESS_TOKEN),
        ];
        post_as_machine(&server, "/token", &form).await
    };
    let first = text(&tokens(&server).await, "access_token");
    // Eight act for another, and no more.
    let mut latest = first.clone();
    for _ in 0..8 {
        latest = text(&granted(&exchange(&latest).await), "access_token");
    }
    assert_error(&exchange(&latest).await, 400, "invalid_request");
    granted(&exchange(&first).await);
    // What has expired is worth nothing here, either.
    clock.advance(chrono::TimeDelta::minutes(10));
    assert_error(&exchange(&first).await, 400, "invalid_request");
    assert_error(&exchange("nonsense").await, 400, "invalid_request");
}
