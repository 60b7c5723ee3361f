//! A client and a browser, as small as they can be.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clearance::testing::{AuthorizationServer, AuthorizationServerBuilder, ManualClock, User};
use clearance::{Guard, scopes};
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::support::{Answer, raw};

/// The resource.
pub const FILES: &str = "https://files.example.com/mcp";
/// Another resource of the same server.
pub const MAIL: &str = "https://mail.example.com/mcp";
/// Where the public client `editor` listens.
pub const CALLBACK: &str = "http://127.0.0.1:4321/callback";
/// RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

scopes! {
    /// What a caller may do with files.
    pub vocabulary FilesScopes;
    /// Read your files.
    pub FilesRead = "files:read";
    /// Change and delete
    /// your files.
    pub FilesWrite = "files:write" includes FilesRead;
}

/// A server with everything, before it starts.
pub fn builder(clock: &ManualClock) -> AuthorizationServerBuilder {
    AuthorizationServer::builder(FILES.parse().expect("a resource"))
        .also_for(MAIL.parse().expect("a resource"))
        .describing::<FilesScopes>()
        .clock(Arc::new(clock.clone()))
        .public_client("editor", ["http://127.0.0.1/callback"])
        .public_client("other", [CALLBACK])
        .client("machine", "s3cret", "files:read files:write")
}

/// A server that says yes as Alice.
pub async fn approving() -> (AuthorizationServer, ManualClock) {
    let clock = ManualClock::at_fixed_start();
    let server = builder(&clock).approve_automatically(User::Alice);
    (server.start().await.expect("a server"), clock)
}

/// A guard that trusts the server.
pub async fn guard(server: &AuthorizationServer, clock: &ManualClock) -> Guard<FilesScopes> {
    let guard = Guard::<FilesScopes>::builder(server.resource().clone())
        .issuer(server.id().clone())
        .clock(Arc::new(clock.clone()))
        .build()
        .expect("a guard");
    guard.ready().await.expect("keys");
    guard
}

pub fn address(server: &AuthorizationServer) -> SocketAddr {
    let authority = server.origin().strip_prefix("http://");
    authority.expect("http").parse().expect("an address")
}

/// `a=1&b=2`, encoded.
pub fn form<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// A request with these header lines.
pub async fn send(
    server: &AuthorizationServer,
    start: &str,
    lines: &[String],
    body: &str,
) -> Answer {
    let address = address(server);
    let mut request = format!("{start} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for line in lines {
        request.push_str(line);
        request.push_str("\r\n");
    }
    if !body.is_empty() {
        write!(request, "content-length: {}\r\n", body.len()).expect("text");
    }
    request.push_str("\r\n");
    request.push_str(body);
    raw(address, request.as_bytes()).await
}

pub async fn get(server: &AuthorizationServer, target: &str) -> Answer {
    send(server, &format!("GET {target}"), &[], "").await
}

pub const FORM: &str = "content-type: application/x-www-form-urlencoded";

pub async fn post(server: &AuthorizationServer, path: &str, pairs: &[(&str, &str)]) -> Answer {
    let body = form(pairs.iter().copied());
    send(server, &format!("POST {path}"), &[FORM.to_owned()], &body).await
}

/// The same as a confidential client, with its secret in the header.
pub async fn post_as_machine(
    server: &AuthorizationServer,
    path: &str,
    pairs: &[(&str, &str)],
) -> Answer {
    let credentials = STANDARD.encode("machine:s3cret");
    let lines = [
        FORM.to_owned(),
        format!("authorization: Basic {credentials}"),
    ];
    let body = form(pairs.iter().copied());
    send(server, &format!("POST {path}"), &lines, &body).await
}

/// What `machine` is told of a token.
pub async fn introspected(server: &AuthorizationServer, token: &str) -> Value {
    let answer = post_as_machine(server, "/introspect", &[("token", token)]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    json(&answer)
}

/// A right authorization request of `editor`, with `changes`: an empty value takes a parameter away.
pub fn request<'p>(changes: &[(&'p str, &'p str)]) -> Vec<(&'p str, &'p str)> {
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", "editor"),
        ("redirect_uri", CALLBACK),
        ("scope", "files:read"),
        ("state", "a state"),
        ("resource", FILES),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    change(&mut pairs, changes);
    pairs
}

/// A right token request of `editor` for `code`.
pub fn redemption<'p>(code: &'p str, changes: &[(&'p str, &'p str)]) -> Vec<(&'p str, &'p str)> {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("client_id", "editor"),
        ("redirect_uri", CALLBACK),
        ("resource", FILES),
        ("code", code),
        ("code_verifier", VERIFIER),
    ];
    change(&mut pairs, changes);
    pairs
}

/// A right refresh request of `editor`.
pub fn refresh<'p>(token: &'p str, changes: &[(&'p str, &'p str)]) -> Vec<(&'p str, &'p str)> {
    let mut pairs = vec![
        ("grant_type", "refresh_token"),
        ("client_id", "editor"),
        ("resource", FILES),
        ("refresh_token", token),
    ];
    change(&mut pairs, changes);
    pairs
}

fn change<'p>(pairs: &mut Vec<(&'p str, &'p str)>, changes: &[(&'p str, &'p str)]) {
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        if !value.is_empty() {
            pairs.push((name, value));
        }
    }
}

pub async fn authorize(server: &AuthorizationServer, changes: &[(&str, &str)]) -> Answer {
    let query = form(request(changes));
    get(server, &format!("/authorize?{query}")).await
}

/// The parameters of the redirect in an answer.
#[track_caller]
pub fn redirected(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, 303, "{answer:?}");
    let location = answer.header("location").expect("a location");
    let url = Url::parse(location).expect("a URL");
    url.query_pairs().into_owned().collect()
}

#[track_caller]
pub fn parameter(answer: &Answer, name: &str) -> Option<String> {
    let pairs = redirected(answer);
    let mut found = pairs.into_iter().filter(|(known, _)| known == name);
    let value = found.next();
    assert!(found.next().is_none(), "{name} stands twice");
    value.map(|(_, value)| value)
}

/// A code for Alice's files.
pub async fn code(server: &AuthorizationServer, changes: &[(&str, &str)]) -> String {
    let answer = authorize(server, changes).await;
    parameter(&answer, "code").unwrap_or_else(|| panic!("no code: {answer:?}"))
}

#[track_caller]
pub fn json(answer: &Answer) -> Value {
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {answer:?}"))
}

/// The members of a token response.
#[track_caller]
pub fn granted(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = json(answer);
    assert_eq!(body["token_type"], "Bearer");
    body
}

/// Refused with this error.
#[track_caller]
pub fn assert_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(json(answer)["error"], error);
}

/// All tokens of the code flow.
pub async fn tokens(server: &AuthorizationServer) -> Value {
    let code = code(server, &[]).await;
    granted(&post(server, "/token", &redemption(&code, &[])).await)
}

pub fn text(value: &Value, member: &str) -> String {
    let text = value[member].as_str();
    text.unwrap_or_else(|| panic!("no {member} in {value}"))
        .to_owned()
}

/// The claims of an access token.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a payload");
    let bytes = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&bytes).expect("claims")
}
