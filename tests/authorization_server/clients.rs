//! Clients that make themselves known, and what they can read about the server.

use clearance::testing::{Fault, ManualClock, ServerFault, User};
use serde_json::{Value, json as object};

use super::requests::assert_stays;
use super::tokens::{ACCESS_TOKEN, TOKEN_EXCHANGE};
use super::user_agent::*;

const CLIENT_URL: &str = "https://client.example.com/metadata.json";
const WEB: &str = "https://a.example/web.json";

async fn register(
    server: &clearance::testing::AuthorizationServer,
    body: &Value,
) -> crate::support::Answer {
    let lines = ["content-type: application/json".to_owned()];
    send(server, "POST /register", &lines, &body.to_string()).await
}

#[tokio::test]
async fn a_client_registers_itself() {
    let (server, _) = approving().await;
    let answer = register(
        &server,
        &object!({
            "client_name": "An editor",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
        }),
    )
    .await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let client = json(&answer);
    assert!(client.get("client_secret").is_none());
    assert_eq!(client["client_name"], "An editor");
    assert_eq!(client["application_type"], "native");
    assert_eq!(
        client["grant_types"],
        object!(["authorization_code", "refresh_token"])
    );
    let id = text(&client, "client_id");
    let code = code(&server, &[("client_id", &id)]).await;
    let tokens = post(&server, "/token", &redemption(&code, &[("client_id", &id)])).await;
    assert!(granted(&tokens).get("refresh_token").is_some());
}

#[tokio::test]
async fn a_registered_secret_is_asked_for_in_the_registered_way() {
    let (server, _) = approving().await;
    for (method, in_header) in [("client_secret_basic", true), ("client_secret_post", false)] {
        let body = object!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": method });
        let client = json(&register(&server, &body).await);
        let (id, secret) = (text(&client, "client_id"), text(&client, "client_secret"));
        assert_eq!(client["client_secret_expires_at"], 0);
        let ask = async |basic: bool, secret: &str| {
            let code = code(&server, &[("client_id", &id)]).await;
            let mut lines = vec![FORM.to_owned()];
            let mut pairs = redemption(&code, &[("client_id", "")]);
            let credentials = format!("{id}:{secret}");
            if basic {
                let encoded =
                    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, credentials);
                lines.push(format!("authorization: Basic {encoded}"));
            } else {
                pairs.extend([("client_id", id.as_str()), ("client_secret", secret)]);
            }
            send(&server, "POST /token", &lines, &form(pairs)).await
        };
        let tokens = granted(&ask(in_header, &secret).await);
        // The code grant is all that a registration has if it says nothing.
        assert!(tokens.get("refresh_token").is_none());
        assert_error(&ask(!in_header, &secret).await, 401, "invalid_client");
        assert_error(&ask(in_header, "guessed").await, 401, "invalid_client");
        // Whoever registers itself has nothing of its own.
        let own = [
            ("grant_type", "client_credentials"),
            ("resource", FILES),
            ("client_id", id.as_str()),
            ("client_secret", secret.as_str()),
        ];
        if !in_header {
            assert_error(
                &post(&server, "/token", &own).await,
                400,
                "unauthorized_client",
            );
            // Nor is it told of the tokens of others, or given others for them.
            let stolen = text(&super::user_agent::tokens(&server).await, "access_token");
            let ask = [("token", stolen.as_str()), own[2], own[3]];
            let told = post(&server, "/introspect", &ask).await;
            assert_error(&told, 400, "unauthorized_client");
            let exchange = [
                ("grant_type", TOKEN_EXCHANGE),
                ("subject_token", stolen.as_str()),
                ("subject_token_type", ACCESS_TOKEN),
                own[1],
                own[2],
                own[3],
            ];
            let given = post(&server, "/token", &exchange).await;
            assert_error(&given, 400, "unauthorized_client");
        }
    }
}

#[tokio::test]
async fn bad_registrations_are_refused() {
    let (server, _) = approving().await;
    for (body, error) in [
        (object!({}), "invalid_redirect_uri"),
        (object!({ "redirect_uris": [] }), "invalid_redirect_uri"),
        (
            object!({ "redirect_uris": ["http://app.example.com/cb"] }),
            "invalid_redirect_uri",
        ),
        (
            object!({ "redirect_uris": ["javascript:alert(1)"] }),
            "invalid_redirect_uri",
        ),
        (
            object!({ "redirect_uris": [CALLBACK, "https://x/#f"] }),
            "invalid_redirect_uri",
        ),
        (
            object!({ "redirect_uris": vec![CALLBACK; 21] }),
            "invalid_redirect_uri",
        ),
        (
            object!({ "redirect_uris": CALLBACK }),
            "invalid_client_metadata",
        ),
        (object!([]), "invalid_client_metadata"),
        (
            object!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "private_key_jwt" }),
            "invalid_client_metadata",
        ),
        (
            object!({ "redirect_uris": [CALLBACK], "grant_types": ["client_credentials"] }),
            "invalid_client_metadata",
        ),
        (
            object!({ "redirect_uris": [CALLBACK], "response_types": ["token"] }),
            "invalid_client_metadata",
        ),
        (
            object!({ "redirect_uris": [CALLBACK], "application_type": "banana" }),
            "invalid_client_metadata",
        ),
    ] {
        assert_error(&register(&server, &body).await, 400, error);
    }
    let good = object!({ "redirect_uris": [CALLBACK] });
    server.misbehave(ServerFault::RefuseRegistration);
    assert_error(
        &register(&server, &good).await,
        400,
        "invalid_client_metadata",
    );
    server.behave();
    assert_eq!(register(&server, &good).await.status, 201);
    let as_form = send(
        &server,
        "POST /register",
        &[FORM.to_owned()],
        &good.to_string(),
    )
    .await;
    assert_error(&as_form, 400, "invalid_request");
}

#[tokio::test]
async fn a_client_is_the_url_of_its_document() {
    let clock = ManualClock::at_fixed_start();
    let document = |changes: Value| {
        let mut document = object!({
            "client_id": CLIENT_URL,
            "client_name": "A client",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        });
        for (name, value) in changes.as_object().expect("members") {
            document[name] = value.clone();
        }
        document.to_string()
    };
    let other = "https://client.example.com/other.json";
    let server = builder(&clock)
        .approve_automatically(User::Alice)
        .with_client_document(CLIENT_URL, document(object!({})))
        .with_client_document(other, document(object!({})))
        .with_client_document("https://a.example/1", document(object!({ "client_id": "https://a.example/1", "client_secret": "x" })))
        .with_client_document("https://a.example/2", document(object!({ "client_id": "https://a.example/2", "token_endpoint_auth_method": "client_secret_post" })))
        .with_client_document("https://a.example/", document(object!({ "client_id": "https://a.example/" })))
        .with_client_document("http://a.example/3", document(object!({ "client_id": "http://a.example/3" })))
        .with_client_document("https://a.example/4", document(object!({ "client_id": "https://a.example/4", "redirect_uris": [] })))
        .with_client_document("https://a.example/5", "{")
        .with_client_document("https://a.example/7", document(object!({ "client_id": "https://a.example/7", "client_secret": null })))
        .with_client_document("https://a.example/8", document(object!({ "client_id": "https://a.example/8", "client_secret_expires_at": 0 })))
        .with_client_document("https://a.example/9#f", document(object!({ "client_id": "https://a.example/9#f" })))
        .with_client_document("https://u@a.example/9", document(object!({ "client_id": "https://u@a.example/9" })))
        .with_client_document("https://:p@a.example/9", document(object!({ "client_id": "https://:p@a.example/9" })))
        .with_client_document("https://a.example/x/../9", document(object!({ "client_id": "https://a.example/x/../9" })))
        .with_client_document("https://A.example/9", document(object!({ "client_id": "https://A.example/9" })))
        .with_client_document("https://a.example/9", document(object!({ "client_id": "https://a.example/9" })))
        .with_client_document(WEB, document(object!({ "client_id": WEB, "redirect_uris": ["https://a.example/cb"] })))
        .start()
        .await
        .expect("a server");
    let metadata = get(&server, "/.well-known/oauth-authorization-server").await;
    let promise = r#""client_id_metadata_document_supported":true"#;
    assert!(metadata.body.contains(promise), "{}", metadata.body);
    server.ask_for_consent();
    let page = authorize(&server, &[("client_id", CLIENT_URL)]).await;
    assert!(page.body.contains("A client"));
    assert!(page.body.contains("described at client.example.com"));
    // A program on this machine can take anybody's document; a web site cannot.
    let warning = "Any program on this computer could say so.";
    assert!(page.body.contains(warning));
    let web = [("client_id", WEB), ("redirect_uri", "https://a.example/cb")];
    let page = authorize(&server, &web).await;
    assert!(page.body.contains("described at a.example"));
    assert!(!page.body.contains(warning));
    server.approve_automatically(User::Alice);
    let code = code(&server, &[("client_id", CLIENT_URL)]).await;
    let form = redemption(&code, &[("client_id", CLIENT_URL)]);
    let tokens = granted(&post(&server, "/token", &form).await);
    assert_eq!(
        claims(&text(&tokens, "access_token"))["client_id"],
        CLIENT_URL
    );
    assert!(tokens.get("refresh_token").is_some());
    for bad in [
        other,
        "https://a.example/1",
        "https://a.example/2",
        "https://a.example/",
        "http://a.example/3",
        "https://a.example/4",
        "https://a.example/5",
        "https://a.example/6",
        "https://a.example/7",
        "https://a.example/8",
        "https://a.example/9#f",
        "https://u@a.example/9",
        "https://:p@a.example/9",
        "https://a.example/x/../9",
        "https://A.example/9",
    ] {
        let answer = authorize(&server, &[("client_id", bad)]).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (400, None),
            "{bad}"
        );
    }
    let good = authorize(&server, &[("client_id", "https://a.example/9")]).await;
    assert!(parameter(&good, "code").is_some());
}

/// RFC 9700 section 4.11.2: whoever can make a client known could send browsers anywhere.
#[tokio::test]
async fn nobody_is_sent_on_by_a_mistake_of_a_stranger() {
    let (server, _) = approving().await;
    let (web, native) = ("https://phish.example/?a=<b>", CALLBACK);
    let body = object!({ "redirect_uris": ["https://phish.example/?a=1", native] });
    let id = text(&json(&register(&server, &body).await), "client_id");
    let mistaken = |uri| {
        [
            ("client_id", id.as_str()),
            ("redirect_uri", uri),
            ("response_type", "x"),
        ]
    };
    assert_stays(&authorize(&server, &mistaken(web)).await, 400);
    let page = authorize(&server, &mistaken("https://phish.example/?a=1")).await;
    assert_stays(&page, 400);
    let link = "href=\"https://phish.example/?a=1&amp;error=unsupported_response_type&amp;";
    assert!(page.body.contains(link), "{}", page.body);
    assert!(
        page.body.contains("Return to phish.example"),
        "{}",
        page.body
    );
    // On this machine it is a program that the user has started.
    let answer = authorize(&server, &mistaken(native)).await;
    assert_eq!(
        parameter(&answer, "error").as_deref(),
        Some("unsupported_response_type")
    );
}

#[tokio::test]
async fn metadata_says_what_is_there() {
    let (server, _) = approving().await;
    let places = [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ];
    for place in places {
        let answer = get(&server, place).await;
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let metadata: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(metadata["issuer"], server.id().as_str());
        assert_eq!(
            metadata["code_challenge_methods_supported"],
            object!(["S256"])
        );
        assert_eq!(
            metadata["authorization_response_iss_parameter_supported"],
            true
        );
        // No document was given, and none is fetched.
        assert_eq!(metadata["client_id_metadata_document_supported"], false);
        assert_eq!(
            metadata["scopes_supported"],
            object!(["files:read", "files:write"])
        );
        for (member, value) in metadata.as_object().expect("members") {
            if member.ends_with("_endpoint") || member == "jwks_uri" {
                let url = value.as_str().expect("a URL");
                let path = url.strip_prefix(server.origin()).expect("its own");
                assert_ne!(get(&server, path).await.status, 404, "{member}");
            }
        }
    }
    server.misbehave(ServerFault::NoPkce);
    assert!(
        !get(&server, places[0])
            .await
            .body
            .contains("code_challenge")
    );
    server.metadata_fault(Fault::OtherIssuer("https://x.example".to_owned()));
    assert!(
        get(&server, places[0])
            .await
            .body
            .contains(r#""issuer":"https://x.example""#)
    );
    server.metadata_fault(Fault::Status(503));
    assert_eq!(get(&server, places[0]).await.status, 503);
    server.behave();
    assert_eq!(get(&server, places[0]).await.status, 200);
}

#[tokio::test]
async fn scripts_may_read_what_is_no_secret_of_the_user() {
    let (server, _) = approving().await;
    for (path, is_open) in [
        ("/.well-known/oauth-authorization-server", true),
        ("/jwks", true),
        ("/token", true),
        ("/register", true),
        ("/revoke", true),
        ("/introspect", false),
        ("/authorize", false),
        ("/consent", false),
        ("/", false),
    ] {
        let expected = is_open.then_some("*");
        let answer = get(&server, path).await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            expected,
            "{path}"
        );
        let preflight = send(&server, &format!("OPTIONS {path}"), &[], "").await;
        assert_eq!(
            preflight.header("access-control-allow-origin"),
            expected,
            "{path}"
        );
        assert_eq!(preflight.status, if is_open { 204 } else { 405 });
    }
}
