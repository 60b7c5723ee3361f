//! Whole flows with the authorization server of `testing`, and a guard that takes its tokens.

use clearance::client::{
    Challenge, Client, ClientMetadataDocument, Discovered, Redirect, RegistrationMethod, TokenSet,
};
use clearance::credentials::{ClientAuthentication, ClientKey, ClientSecret};
use clearance::jwk::Algorithm;
use clearance::mcp::{McpScopes, ToolsRead};
use clearance::testing::{AuthorizationServer, AuthorizationServerBuilder, ServerFault, User};
use clearance::{Authorized, Guard, Guarded as _};
use serde_json::json;

use super::support::{Log, M, REDIRECT, Reply, Site, browse, location};

const DOCUMENT: &str = "https://app.example.com/client.json";

/// An endpoint, which a guard protects, and the server that issues tokens for it.
struct Real {
    mcp: Site,
    server: AuthorizationServer,
    guard: Guard<McpScopes>,
    endpoint: String,
}

async fn real(
    set_up: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
) -> Real {
    let mcp = Site::start(&Log::default(), "mcp").await;
    let endpoint = format!("{}/mcp", mcp.origin);
    let builder = AuthorizationServer::builder(endpoint.parse().unwrap())
        .describing::<McpScopes>()
        .approve_automatically(User::Alice);
    let server = set_up(builder).start().await.unwrap();
    let said = json!({
        "resource": endpoint,
        "authorization_servers": [server.id().as_str()],
        "scopes_supported": ["mcp:tools:read"],
    });
    mcp.gives(&format!("GET {M}"), Reply::json(200, &said));
    let guard = Guard::<McpScopes>::builder(server.resource().clone());
    let guard = guard.issuer(server.id().clone()).build().unwrap();
    guard.ready().await.unwrap();
    Real {
        mcp,
        server,
        guard,
        endpoint,
    }
}

impl Real {
    async fn discovered(&self, client: &Client) -> Discovered {
        client.discover(&Challenge::default()).await.unwrap()
    }

    async fn tokens(&self, client: &Client) -> TokenSet {
        let discovered = self.discovered(client).await;
        let registered = discovered
            .register(REDIRECT.parse().unwrap())
            .await
            .unwrap();
        let awaiting = registered.authorize().unwrap();
        let redirect = browse(awaiting.url()).await;
        awaiting.redirected(&redirect).await.unwrap()
    }

    /// Who the guard says shows this token.
    async fn caller(&self, tokens: &TokenSet) -> Option<String> {
        let value = tokens.authorization_for(&self.endpoint).unwrap();
        let request = http::Request::get(&self.endpoint).header("authorization", value);
        let mut head = request.body(()).unwrap().into_parts().0;
        let auth: Authorized<ToolsRead> = self.guard.guard().authorize(&mut head).await.ok()?;
        Some(auth.subject().as_str().to_owned())
    }

    fn client(&self) -> Client {
        Client::builder(self.endpoint.parse().unwrap())
            .build()
            .unwrap()
    }
}

/// CL-026, CL-037, CL-045, CL-054
#[tokio::test]
async fn a_client_registers_itself_logs_in_refreshes_and_logs_out() {
    let real = real(|builder| builder).await;
    let client = real.client();
    let tokens = real.tokens(&client).await;
    assert_eq!(tokens.registration().by(), RegistrationMethod::Dynamic);
    assert_eq!(real.caller(&tokens).await.as_deref(), Some("alice"));
    let newer = client.refresh(&tokens).await.unwrap();
    assert_eq!(real.caller(&newer).await.as_deref(), Some("alice"));
    client.revoke(&newer).await.unwrap();
    assert!(client.refresh(&newer).await.unwrap_err().is_invalid_grant());
    // The old one was replaced.
    assert!(
        client
            .refresh(&tokens)
            .await
            .unwrap_err()
            .is_invalid_grant()
    );
    drop(real.mcp);
}

/// CL-027
#[tokio::test]
async fn a_client_is_known_by_its_document() {
    let own = ["http://127.0.0.1/callback".parse().unwrap()];
    let document = ClientMetadataDocument::new(DOCUMENT, "Editor", own).unwrap();
    ClientMetadataDocument::check(DOCUMENT, &document.to_json()).unwrap();
    let json = document.to_json();
    let real = real(|builder| builder.with_client_document(DOCUMENT, json)).await;
    let client = Client::builder(real.endpoint.parse().unwrap()).metadata_document(document);
    let tokens = real.tokens(&client.build().unwrap()).await;
    assert_eq!(tokens.registration().client().as_str(), DOCUMENT);
    assert_eq!(real.caller(&tokens).await.as_deref(), Some("alice"));
}

/// CL-082, CL-083
#[tokio::test]
async fn machines_get_tokens_for_themselves() {
    let pair = aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap();
    let public = aws_lc_rs::signature::KeyPair::public_key(&pair)
        .as_ref()
        .to_vec();
    let x = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, public);
    let jwks =
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "EdDSA", "kid": "k"}]});
    let key = ClientKey::from_pkcs8_der(Algorithm::EdDSA, pair.to_pkcs8().unwrap().as_ref());
    let key = key.unwrap().with_key_id("k");
    let real = real(|builder| {
        builder
            .client("with-secret", "s", "mcp:tools:read")
            .client_with_keys("with-key", &jwks.to_string(), "mcp:tools:read")
    })
    .await;
    let secret = || ClientSecret::new("s");
    for who in [
        ClientAuthentication::client_secret_basic("with-secret", secret()),
        ClientAuthentication::client_secret_post("with-secret", secret()),
        ClientAuthentication::private_key_jwt("with-key", key),
    ] {
        let name = who.client().as_str().to_owned();
        let client = Client::builder(real.endpoint.parse().unwrap());
        let client = client
            .pre_registered(real.server.id().clone(), who)
            .build()
            .unwrap();
        let tokens = real
            .discovered(&client)
            .await
            .client_credentials()
            .await
            .unwrap();
        assert_eq!(real.caller(&tokens).await, Some(name));
    }
}

/// CL-039, CL-045, CL-046, CL-023
#[tokio::test]
async fn a_server_that_breaks_the_rules_is_not_believed() {
    for (fault, code) in [
        (ServerFault::NoIss, "iss_missing"),
        (
            ServerFault::OtherIss("https://evil.example.com".to_owned()),
            "iss_mismatch",
        ),
        (ServerFault::OtherState("x".to_owned()), "state_mismatch"),
    ] {
        let real = real(|builder| builder).await;
        real.server.misbehave(fault);
        let discovered = real.discovered(&real.client()).await;
        let registered = discovered
            .register(REDIRECT.parse().unwrap())
            .await
            .unwrap();
        let awaiting = registered.authorize().unwrap();
        let redirect = Redirect::from_url(&location(awaiting.url()).await);
        let error = awaiting.redirected(&redirect).await.unwrap_err();
        assert_eq!(error.code(), code);
        let asked = real.server.requests();
        assert!(asked.iter().all(|request| request.path() != "/token"));
    }
    let real = real(|builder| builder).await;
    real.server.misbehave(ServerFault::NoPkce);
    let discovered = real.discovered(&real.client()).await;
    let error = discovered
        .register(REDIRECT.parse().unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "pkce_unsupported");
}

/// CL-050
#[tokio::test]
async fn a_user_may_say_no() {
    let real = real(|builder| builder).await;
    real.server.deny_automatically();
    let discovered = real.discovered(&real.client()).await;
    let registered = discovered
        .register(REDIRECT.parse().unwrap())
        .await
        .unwrap();
    let awaiting = registered.authorize().unwrap();
    let redirect = browse(awaiting.url()).await;
    let error = awaiting.redirected(&redirect).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the authorization was refused: access_denied"
    );
}
