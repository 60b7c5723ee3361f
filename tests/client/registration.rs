//! As whom the client is known, and to whom.

use chrono::TimeDelta;
use clearance::client::{
    Challenge, Client, ClientConfigError, ClientMetadataDocument, MetadataDocumentError,
    RedirectUri, Registered, RegistrationError, RegistrationMethod,
};
use clearance::clock::Clock as _;
use clearance::credentials::{ClientAuthentication, ClientSecret};
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::support::{MockServer, REDIRECT, Reply, World, browse};

const DOCUMENT: &str = "https://app.example.com/client.json";

fn document() -> ClientMetadataDocument {
    let own: RedirectUri = "http://127.0.0.1/callback".parse().unwrap();
    ClientMetadataDocument::new(DOCUMENT, "Editor", [own]).unwrap()
}

fn secret() -> ClientAuthentication {
    ClientAuthentication::client_secret_basic("by-hand", ClientSecret::new("s"))
}

async fn register(client: &Client) -> Result<Registered, RegistrationError> {
    let discovered = client.discover(&Challenge::default()).await.unwrap();
    discovered.register(REDIRECT.parse().unwrap()).await
}

/// CL-026
#[tokio::test]
async fn by_hand_comes_before_a_document_and_that_before_registering() {
    let world = World::start().await;
    let endpoint = world.server.state().metadata["registration_endpoint"].clone();
    let registered = async |by_hand: bool, documents: bool, dynamic: bool| {
        let offered = Some(endpoint.clone()).filter(|_| dynamic);
        world.server.says("registration_endpoint", json!(offered));
        world
            .server
            .says("client_id_metadata_document_supported", json!(documents));
        let mut builder = world.builder().metadata_document(document());
        if by_hand {
            builder = builder.pre_registered(world.server.issuer.parse().unwrap(), secret());
        }
        world.log.take();
        let registered = register(&builder.build().unwrap()).await;
        (registered, world.log.to("/register").len())
    };
    for (by_hand, documents, dynamic) in [
        (true, true, true),
        (true, true, false),
        (true, false, true),
        (true, false, false),
        (false, true, true),
        (false, true, false),
        (false, false, true),
    ] {
        let (registered, requests) = registered(by_hand, documents, dynamic).await;
        let registered = registered.unwrap();
        let (method, id) = match (by_hand, documents) {
            (true, _) => (RegistrationMethod::PreRegistered, "by-hand"),
            (false, true) => (RegistrationMethod::MetadataDocument, DOCUMENT),
            (false, false) => (RegistrationMethod::Dynamic, "client-1"),
        };
        assert_eq!(registered.registration().by(), method);
        assert_eq!(registered.registration().client().as_str(), id);
        assert_eq!(requests, usize::from(method == RegistrationMethod::Dynamic));
    }
    let (registered, requests) = registered(false, false, false).await;
    assert_eq!(registered.unwrap_err(), RegistrationError::NotOffered);
    assert_eq!(requests, 0);
}

/// CL-027
#[tokio::test]
async fn a_document_is_named_only_to_whom_takes_documents() {
    let world = World::start().await;
    let client = world
        .builder()
        .metadata_document(document())
        .build()
        .unwrap();
    for said in [json!("true"), json!(1), json!(null), json!(false)] {
        world
            .server
            .says("client_id_metadata_document_supported", said);
        let registered = register(&client).await.unwrap();
        assert_eq!(registered.registration().by(), RegistrationMethod::Dynamic);
        world.clock.advance(TimeDelta::minutes(6));
    }
    world
        .server
        .says("client_id_metadata_document_supported", json!(true));
    world.log.take();
    world.tokens_of(&client).await;
    assert!(world.log.to("/register").is_empty());
    for path in ["/authorize", "/token"] {
        let seen = world.log.to(path).pop().unwrap();
        assert_eq!(seen.one("client_id").as_deref(), Some(DOCUMENT));
    }
    // A redirect URI that is not in it; the port of loopback aside.
    let discovered = client.discover(&Challenge::default()).await.unwrap();
    let other = "http://127.0.0.1:49152/other".parse().unwrap();
    let error = discovered.register(other).await.unwrap_err();
    assert_eq!(error, RegistrationError::RedirectUriNotRegistered);
}

/// CL-027, CL-028
#[test]
fn documents_that_no_server_would_take_are_not_made() {
    use MetadataDocumentError as E;
    let own = || REDIRECT.parse::<RedirectUri>().unwrap();
    for url in [
        "https://app.example.com",
        "https://app.example.com/",
        "http://app.example.com/c",
        "http://127.0.0.1/c",
        "https://app.example.com/c#f",
        "https://u@app.example.com/c",
        "https://app.example.com/a/../c",
        "https://app.example.com/./c",
        "https://APP.example.com/c",
        "https://app.example.com:443/c",
        "c",
        "",
    ] {
        let made = ClientMetadataDocument::new(url, "Editor", [own()]);
        assert_eq!(made.unwrap_err(), E::Url, "{url}");
    }
    let made = ClientMetadataDocument::new(DOCUMENT, " ", [own()]);
    assert_eq!(made.unwrap_err(), E::Name);
    let made = ClientMetadataDocument::new(DOCUMENT, "Editor", []);
    assert_eq!(made.unwrap_err(), E::RedirectUris);
}

/// CL-028
#[test]
fn a_document_says_what_it_has_to_and_is_checked_for_it() {
    use MetadataDocumentError as E;
    let json: Value = serde_json::from_str(&document().to_json()).unwrap();
    assert_eq!(
        json["grant_types"],
        json!(["authorization_code", "refresh_token"])
    );
    assert_eq!(json["token_endpoint_auth_method"], "none");
    assert_eq!(json["application_type"], "native");
    let without: Value = serde_json::from_str(&document().without_refresh().to_json()).unwrap();
    assert_eq!(without["grant_types"], json!(["authorization_code"]));

    let check = |name: &str, value: Value| {
        let mut changed = json.clone();
        let members = changed.as_object_mut().unwrap();
        members.insert(name.to_owned(), value);
        ClientMetadataDocument::check(DOCUMENT, &changed.to_string())
    };
    assert_eq!(
        check("client_uri", json!("https://app.example.com")),
        Ok(())
    );
    assert_eq!(
        check("client_id", json!("https://app.example.com/other")),
        Err(E::ClientId)
    );
    assert_eq!(check("client_name", json!("")), Err(E::Name));
    assert_eq!(check("redirect_uris", json!([])), Err(E::RedirectUris));
    assert_eq!(
        check("redirect_uris", json!(["http://a.example/"])),
        Err(E::RedirectUris)
    );
    assert_eq!(check("client_secret", json!("s")), Err(E::Secret));
    assert_eq!(check("client_secret_expires_at", json!(0)), Err(E::Secret));
    for method in ["client_secret_basic", "private_key_jwt", ""] {
        assert_eq!(
            check("token_endpoint_auth_method", json!(method)),
            Err(E::Method)
        );
    }
    let checked = ClientMetadataDocument::check(DOCUMENT, "[]");
    assert_eq!(checked, Err(E::Malformed));
    let checked = ClientMetadataDocument::check("https://app.example.com", &json.to_string());
    assert_eq!(checked, Err(E::Url));
}

/// CL-029, CL-030
#[tokio::test]
async fn a_registration_says_what_the_client_is() {
    let world = World::start().await;
    world.says("scopes_supported", json!(["a"]));
    for (uri, kind) in [
        (REDIRECT, "native"),
        ("http://localhost:1/cb", "native"),
        ("https://app.example.com/cb", "web"),
    ] {
        let client = world.builder().name("Editor").build().unwrap();
        let discovered = client.discover(&Challenge::default()).await.unwrap();
        drop(discovered.register(uri.parse().unwrap()).await.unwrap());
        let seen = world.log.to("/register").pop().unwrap();
        let expected = json!({
            "application_type": kind,
            "client_name": "Editor",
            "grant_types": ["authorization_code", "refresh_token"],
            "redirect_uris": [uri],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        });
        assert_eq!(seen.json(), expected);
        assert_eq!(seen.header(AUTHORIZATION), None);
    }
    for (methods, wanted) in [
        (json!(["client_secret_post", "none"]), "none"),
        (
            json!(["private_key_jwt", "client_secret_post"]),
            "client_secret_post",
        ),
        (
            json!(["client_secret_post", "client_secret_basic"]),
            "client_secret_basic",
        ),
        (json!(null), "client_secret_basic"),
    ] {
        world
            .server
            .says("token_endpoint_auth_methods_supported", methods);
        let client = world.builder().without_refresh().build().unwrap();
        drop(register(&client).await.unwrap());
        let body = world.log.to("/register").pop().unwrap().json();
        assert_eq!(body["token_endpoint_auth_method"], wanted);
        assert_eq!(body["grant_types"], json!(["authorization_code"]));
    }
}

/// CL-031
#[tokio::test]
async fn what_the_server_gives_governs() {
    let world = World::start().await;
    let all = ["none", "client_secret_basic", "client_secret_post"];
    let with = async |given: Value, supported: Value| {
        world
            .server
            .says("token_endpoint_auth_methods_supported", supported);
        world.server.state().registration = given;
        world.log.take();
        world.tokens_of(&world.client()).await;
        let seen = world.log.to("/token").pop().unwrap();
        let basic = seen.header(AUTHORIZATION).map(|_| "basic");
        let post = seen.one("client_secret").map(|_| "post");
        assert!(basic.is_none() || (post.is_none() && seen.one("client_id").is_none()));
        basic.or(post).unwrap_or("none")
    };
    let secret =
        |method: Value| json!({"client_secret": "s", "token_endpoint_auth_method": method});
    assert_eq!(
        with(secret(json!("client_secret_post")), json!(all)).await,
        "post"
    );
    assert_eq!(
        with(secret(json!("client_secret_basic")), json!(all)).await,
        "basic"
    );
    assert_eq!(with(secret(json!("none")), json!(all)).await, "none");
    // No method: Basic, if there is a secret and the server knows Basic.
    let bare = json!({"client_secret": "s"});
    assert_eq!(with(bare.clone(), json!(all)).await, "basic");
    assert_eq!(with(bare.clone(), json!(null)).await, "basic");
    assert_eq!(with(bare, json!(["none"])).await, "none");
    assert_eq!(with(json!({}), json!(all)).await, "none");
    // What is no registration.
    for given in [
        json!({"client_id": null}),
        json!({"client_id": 7}),
        json!({"client_id": ""}),
        json!({"token_endpoint_auth_method": "client_secret_basic"}),
        json!({"token_endpoint_auth_method": "tls_client_auth", "client_secret": "s"}),
        json!({"client_secret_expires_at": "soon", "client_secret": "s"}),
    ] {
        world.server.state().registration = given.clone();
        let error = register(&world.client()).await.unwrap_err();
        assert_eq!(error, RegistrationError::Malformed, "{given}");
    }
    world.server.state().registration = json!({"redirect_uris": ["https://other.example/"]});
    let error = register(&world.client()).await.unwrap_err();
    assert_eq!(error, RegistrationError::RedirectUriNotRegistered);
}

/// CL-031
#[tokio::test]
async fn an_expired_secret_is_not_used_any_more() {
    let world = World::start().await;
    let end = (world.clock.now() + TimeDelta::hours(1)).timestamp();
    world.server.state().registration = json!({
        "client_secret": "s",
        "client_secret_expires_at": end,
        "token_endpoint_auth_method": "client_secret_basic",
    });
    let client = world.client();
    let first = register(&client).await.unwrap();
    let again = register(&client).await.unwrap();
    assert_eq!(first.registration().client(), again.registration().client());
    world.clock.advance(TimeDelta::hours(1));
    let later = register(&client).await.unwrap();
    assert_ne!(first.registration().client(), later.registration().client());
    assert_eq!(world.log.to("/register").len(), 2);
}

/// CL-031
#[tokio::test]
async fn a_registration_that_the_server_has_forgotten_is_made_again() {
    let world = World::start().await;
    let client = world.client();
    let first = register(&client).await.unwrap();
    let awaiting = register(&client).await.unwrap().authorize().unwrap();
    let redirect = browse(awaiting.url()).await;
    let refused = Reply::oauth_error(401, "invalid_client");
    world.server.site.gives("POST /token", refused);
    assert!(awaiting.redirected(&redirect).await.is_err());
    let again = register(&client).await.unwrap();
    assert_ne!(first.registration().client(), again.registration().client());
    assert_eq!(world.log.to("/register").len(), 2);
    // Whoever has kept it may not bring it back.
    let newer = again.registration().client();
    client.remember(first.registration().clone());
    let known = client
        .registration_with(first.registration().issuer())
        .unwrap();
    assert_eq!(known.client(), newer);
}

/// CL-032
#[tokio::test]
async fn a_rejected_registration_is_tried_once_more_at_most() {
    let world = World::start().await;
    let rejected = |word| Reply::oauth_error(400, word);
    world
        .server
        .site
        .gives("POST /register", rejected("invalid_redirect_uri"));
    let error = register(&world.client()).await.unwrap_err();
    assert!(
        matches!(error, RegistrationError::Rejected(error) if error.as_str() == "invalid_redirect_uri")
    );
    assert_eq!(error.code(), "registration_rejected");
    assert!(!error.to_string().contains("Mallory"));
    let seen = world.log.to("/register");
    let kinds: Vec<_> = seen
        .iter()
        .map(|seen| seen.json()["application_type"].clone())
        .collect();
    assert_eq!(kinds, ["native", "web"]);
    for (reply, requests) in [
        (rejected("invalid_software_statement"), 1),
        (Reply::status(403), 1),
        (Reply::text(400, "nonsense"), 1),
        (Reply::status(503), 1),
        (Reply::redirect(307, "/elsewhere"), 1),
    ] {
        world.log.take();
        world.server.site.gives("POST /register", reply);
        assert!(register(&world.client()).await.is_err());
        assert_eq!(world.log.to("/register").len(), requests);
    }
}

/// CL-033
#[tokio::test]
async fn a_registration_is_found_under_its_issuer_alone() {
    let world = World::start().await;
    let client = world.client();
    let registered = register(&client).await.unwrap();
    let issuer = |text: String| text.parse().unwrap();
    let own = world.server.issuer.clone();
    let found = client.registration_with(&issuer(own.clone())).unwrap();
    assert_eq!(found.client(), registered.registration().client());
    for other in [
        format!("{own}/"),
        format!("{own}/t1"),
        "https://as.example.com".to_owned(),
    ] {
        assert!(client.registration_with(&issuer(other)).is_none());
    }
    // Another client of the same endpoint knows it when it is told.
    let second = world.client();
    second.remember(found);
    world.log.take();
    drop(register(&second).await.unwrap());
    assert!(world.log.to("/register").is_empty());
}

/// CL-034
#[tokio::test]
async fn nothing_that_one_issuer_gave_goes_to_another() {
    let world = World::start().await;
    let second = MockServer::start(&world.log, "as2", "").await;
    world.server.state().registration = json!({
        "client_id": "the-first-client",
        "client_secret": "the-first-secret",
        "token_endpoint_auth_method": "client_secret_post",
    });
    world.server.state().token = json!({
        "access_token": "the-first-token",
        "refresh_token": "the-first-refresh",
        "token_type": "Bearer",
    });
    let client = world.client();
    let tokens = world.tokens_of(&client).await;
    world.says("authorization_servers", json!([second.issuer]));
    world.tokens_of(&client).await;
    let all = world.log.all();
    let of_second: Vec<_> = all.iter().filter(|seen| seen.at == "as2").collect();
    assert!(of_second.iter().any(|seen| seen.path == "/register"));
    for seen in of_second {
        let text = format!("{seen:?}");
        assert!(!text.contains("the-first"), "{text}");
    }
    // CL-078: the old refresh token goes where it came from.
    world.log.take();
    client.refresh(&tokens).await.unwrap();
    let seen = world.log.to("/token").pop().unwrap();
    assert_eq!(
        (seen.at, seen.one("refresh_token").as_deref()),
        ("as", Some("the-first-refresh"))
    );
}

/// CL-035
#[tokio::test]
async fn what_is_registered_elsewhere_is_not_tried_here() {
    let world = World::start().await;
    let elsewhere = || "https://as.example.com".parse().unwrap();
    let client = world
        .builder()
        .pre_registered(elsewhere(), secret())
        .build()
        .unwrap();
    let error = register(&client).await.unwrap_err();
    assert_eq!(error, RegistrationError::CredentialIssuerMismatch);
    let discovered = client.discover(&Challenge::default()).await.unwrap();
    let error = discovered.client_credentials().await.unwrap_err();
    assert_eq!(error.code(), "credential_issuer_mismatch");
    assert!(world.log.to("/register").is_empty() && world.log.to("/token").is_empty());
    // A document is good anywhere.
    world
        .server
        .says("client_id_metadata_document_supported", json!(true));
    let client = world.builder().pre_registered(elsewhere(), secret());
    let client = client.metadata_document(document()).build().unwrap();
    let registered = register(&client).await.unwrap();
    assert_eq!(
        registered.registration().by(),
        RegistrationMethod::MetadataDocument
    );
}

/// CL-042
#[tokio::test]
async fn redirect_uris_are_https_or_on_this_machine_and_sent_unchanged() {
    for text in [
        "http://app.example.com/cb",
        "http://127.0.0.1.example.com/cb",
        "https://app.example.com/cb#f",
        "https://u@app.example.com/cb",
        "app:/cb",
        "javascript:alert(1)",
        "/cb",
        "",
    ] {
        assert!(text.parse::<RedirectUri>().is_err(), "{text}");
    }
    let world = World::start().await;
    for text in [
        "https://APP.example.com:443/cb?x=%2F",
        "http://[::1]:49152/cb",
    ] {
        let discovered = world.discover().await.unwrap();
        let registered = discovered.register(text.parse().unwrap()).await.unwrap();
        let redirect = browse(registered.authorize().unwrap().url()).await;
        assert_eq!(
            world
                .log
                .to("/authorize")
                .pop()
                .unwrap()
                .one("redirect_uri")
                .as_deref(),
            Some(text)
        );
        drop(redirect);
    }
}

#[test]
fn credentials_that_are_none_are_not_taken() {
    let endpoint = || Client::builder("https://mcp.example.com/mcp".parse().unwrap());
    let issuer: clearance::id::Issuer = "https://as.example.com".parse().unwrap();
    let basic = |id, text| ClientAuthentication::client_secret_basic(id, ClientSecret::new(text));
    for empty in [
        basic("", "s"),
        basic("c", ""),
        ClientAuthentication::none(""),
    ] {
        let built = endpoint().pre_registered(issuer.clone(), empty).build();
        assert_eq!(
            built.unwrap_err(),
            ClientConfigError::Credential(issuer.clone())
        );
    }
    let twice = endpoint()
        .pre_registered(issuer.clone(), basic("c", "s"))
        .pre_registered(issuer.clone(), basic("d", "s"));
    assert_eq!(
        twice.build().unwrap_err(),
        ClientConfigError::TwoCredentials(issuer)
    );
    let built = endpoint().root_certificate(*b"nonsense").build();
    assert_eq!(built.unwrap_err(), ClientConfigError::RootCertificate);
    let built = endpoint().proxy("socks5://127.0.0.1").build();
    assert_eq!(built.unwrap_err(), ClientConfigError::Proxy);
}
