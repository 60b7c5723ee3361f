//! An axum route, what guards it, and what is asked of it.

use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use clearance::jwk::Algorithm;
use clearance::mcp::{McpScopes, Policy, ToolsExecute, any_valid_token, requires};
use clearance::session::SealKeys;
use clearance::testing::Issuer;
use clearance::{AuthorizationLayer, Guard};
use jsonwebtoken::{DecodingKey, Validation};
use serde::Deserialize;
use tower::ServiceExt as _;

/// A token, and a session of its owner's.
pub type Caller = (String, String);

pub const CALL: &str = r#"{"jsonrpc":"2.0","id":17,"method":"tools/call","params":{"name":"tool-0","arguments":{"path":"reports/2026/november/summary.md","first":1,"last":200,"encoding":"utf-8","follow":false}}}"#;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;

pub async fn serve(request: Request<Body>) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    let mut answer = (json, "{}").into_response();
    if request.headers().contains_key("x-begin") {
        let session = HeaderValue::from_static("inner-session");
        answer.headers_mut().insert("mcp-session-id", session);
    }
    answer
}

/// The route that nobody guards.
pub fn routes() -> Router {
    Router::new().route("/mcp", any(serve))
}

pub fn layer(guard: &Guard<McpScopes>, rules: usize) -> AuthorizationLayer {
    let policy = (0..rules).fold(Policy::standard(), |policy, number| {
        policy.tool(&format!("tool-{number}"), requires::<ToolsExecute>())
    });
    let layer = AuthorizationLayer::builder(guard, policy.prompts(any_valid_token()))
        .seal_keys(SealKeys::this_process_only())
        .build();
    layer.expect("a layer")
}

#[derive(Deserialize)]
struct Claims {
    /// What a peer reads of a token.
    #[serde(rename = "sub")]
    _subject: String,
}

/// The check as it is written by hand with `jsonwebtoken`, which is what the best of the others do.
pub fn peer(issuer: &Issuer) -> Router {
    let kid = issuer.kid(Algorithm::RS256).expect("a key");
    let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&issuer.jwks()).expect("a key set");
    let key = jwks.find(kid.as_str()).expect("the key");
    let key = DecodingKey::from_jwk(key).expect("a key");
    let mut validation = Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&[issuer.resource().as_str()]);
    validation.set_issuer(&[issuer.id().as_str()]);
    let check = move |request: Request<Body>| {
        let value = request.headers().get(header::AUTHORIZATION);
        let token = value.and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer "));
        let claims = token.map(|token| jsonwebtoken::decode::<Claims>(token, &key, &validation));
        let is_valid = claims.is_some_and(|claims| claims.is_ok());
        async move {
            if is_valid {
                serve(request).await
            } else {
                StatusCode::UNAUTHORIZED.into_response()
            }
        }
    };
    Router::new().route("/mcp", any(check))
}

/// The owner of `token`, with a session behind the layer of these routes.
pub async fn caller(layered: &Router, token: String) -> Caller {
    let mut begin = with_body(&token, INITIALIZE);
    let yes = HeaderValue::from_static("yes");
    begin.headers_mut().insert("x-begin", yes);
    let answer = layered.clone().oneshot(begin).await.expect("an answer");
    let session = answer.headers().get("mcp-session-id");
    let session = session.and_then(|session| session.to_str().ok());
    let session = session.expect("a session").to_owned();
    (token, session)
}

/// A call, which a layer decides about by its body of 200 bytes.
pub fn post((token, _): &Caller) -> Request<Body> {
    with_body(token, CALL)
}

/// A request of a session, which has no body.
pub fn get((token, session): &Caller) -> Request<Body> {
    head("GET", token)
        .header("mcp-session-id", session)
        .body(Body::empty())
        .expect("a request")
}

fn with_body(token: &str, body: &'static str) -> Request<Body> {
    head("POST", token)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .expect("a request")
}

fn head(method: &str, token: &str) -> Builder {
    Request::builder()
        .method(method)
        .uri("/mcp")
        .header(header::HOST, "files.example.com")
        .header(header::ACCEPT, "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
}
