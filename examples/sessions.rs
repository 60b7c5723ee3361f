//! Whose is a session, and whose is the state that a client carries?
//!
//! Behind the layer stand a service with sessions, and a newer one that asks for a confirmation.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;
use std::future::{pending, ready};
use std::process::ExitCode;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use clearance::id::TokenId;
use clearance::mcp::{McpScopes, Policy, ToolsExecute, requires};
use clearance::session::{Purpose, Seal, SealKeys, Sealed};
use clearance::testing::Issuer;
use clearance::{AuthorizationLayer, Authorized, Guard};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;

// The service that exists. Like most, it takes whoever knows a session's id for its owner.
async fn serve(headers: HeaderMap, Json(message): Json<Value>) -> impl IntoResponse {
    let session = headers
        .get("mcp-session-id")
        .and_then(|id| id.to_str().ok());
    let session = session.unwrap_or("session-1").to_owned();
    let result = json!({ "inside": session });
    let answer = json!({ "jsonrpc": "2.0", "id": message.get("id"), "result": result });
    ([("mcp-session-id", session)], Json(answer))
}

// One event, and then the stream stays open.
async fn listen() -> impl IntoResponse {
    let event = Body::from("data: hello\n\n").with_trailers(pending());
    let kind = ("content-type", "text/event-stream");
    ([kind], Body::from_stream(event.into_data_stream()))
}

/// A deletion that has to be confirmed: the name of the file.
struct Confirmation;

impl Purpose for Confirmation {
    const NAME: &'static str = "files.confirmation";
    type Content = String;
}

// A service of 2026-07-28 has no sessions: its clients carry what it wants to know again. The proof
// comes from the layer, so nothing is verified or charged a second time.
fn delete(
    auth: &Authorized<ToolsExecute>,
    message: &Value,
    seal: &Seal<Confirmation>,
) -> Result<Json<Value>, StatusCode> {
    let request = "tools/call delete_file";
    let state = message.pointer("/params/requestState");
    let result = if let Some(state) = state.and_then(Value::as_str) {
        let name = seal.open(auth, request, &Sealed::from_client(state));
        let name = name.or(Err(StatusCode::BAD_REQUEST))?;
        json!({ "resultType": "complete", "content": [], "deleted": name })
    } else {
        let state = seal.seal(auth, request, &"notes.txt".to_owned());
        let state = state.or(Err(StatusCode::INTERNAL_SERVER_ERROR))?;
        json!({ "resultType": "input_required", "requestState": state })
    };
    let id = message.get("id");
    Ok(Json(
        json!({ "jsonrpc": "2.0", "id": id, "result": result }),
    ))
}

/// Where the services are, and who issues tokens for them.
struct Site {
    url: String,
    issuer: Issuer,
    guard: Guard<McpScopes>,
}

impl Site {
    async fn start() -> Result<Self, Box<dyn Error>> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/mcp", listener.local_addr()?);
        let issuer = Issuer::start(url.parse()?).await?;
        let guard = Guard::<McpScopes>::builder(issuer.resource().clone())
            .issuer(issuer.id().clone())
            .build()?;
        guard.ready().await?;

        // On several machines, or to keep sessions over a restart: `SealKeys::from(..)`.
        let keys = SealKeys::this_process_only();
        let seal = Seal::new(keys.clone(), Duration::from_mins(5));
        let policy = Policy::standard().tool("delete_file", requires::<ToolsExecute>());
        let layer = AuthorizationLayer::builder(&guard, policy)
            .seal_keys(keys)
            .build()?;
        let newer = move |auth: Authorized<_>, Json(message): Json<_>| {
            ready(delete(&auth, &message, &seal))
        };
        let services = Router::new()
            .route("/mcp", get(listen).post(serve))
            .route("/mcp/newer", post(newer))
            .with_state(guard.clone())
            .layer(layer);
        tokio::spawn(async move { axum::serve(listener, services).await });
        Ok(Self { url, issuer, guard })
    }

    fn token(&self, subject: &str, client: &str, id: &str) -> String {
        let token = self.issuer.token().scope("mcp:tools:execute");
        token.subject(subject).client(client).token_id(id).mint()
    }

    /// Posts a message; gives the status, the session and the body.
    async fn post(
        &self,
        (path, token): (&str, &str),
        headers: &[(&'static str, &str)],
        (method, params): (&str, Value),
    ) -> Result<(u16, String, Value), Box<dyn Error>> {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut request = reqwest::Client::new()
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .bearer_auth(token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.body(message.to_string()).send().await?;
        let session = answer.headers().get("mcp-session-id");
        let session = session.map_or(Ok(""), |id| id.to_str())?.to_owned();
        let status = answer.status().as_u16();
        let body = answer.text().await?.parse().unwrap_or_default();
        Ok((status, session, body))
    }
}

fn verdict(title: &str, is_right: bool) -> bool {
    println!("{} {title}", if is_right { "ok   " } else { "WRONG" });
    is_right
}

/// A session belongs to the subject and the client that began it.
async fn sessions(site: &Site) -> Result<(String, bool), Box<dyn Error>> {
    let alice = site.token("alice", "editor", "first");
    let begin = ("initialize", json!({}));
    let (_, session, body) = site.post(("", &alice), &[], begin).await?;
    println!("alice has {session}, to the service it is {body}");
    let mut right = true;
    for (title, subject, client, id, expected) in [
        ("alice goes on", "alice", "editor", "first", 200),
        ("with a new token", "alice", "editor", "second", 200),
        ("in another client", "alice", "phone", "third", 404),
        ("bob, who knows her id", "bob", "editor", "fourth", 404),
    ] {
        let token = site.token(subject, client, id);
        let headers = [("mcp-session-id", &*session)];
        let call = ("tools/call", json!({ "name": "delete_file" }));
        let (status, _, body) = site.post(("", &token), &headers, call).await?;
        let inside = body.pointer("/result/inside").and_then(Value::as_str);
        let is_hers = inside == Some("session-1");
        let is_right = status == expected && is_hers == (status == 200);
        right &= verdict(&format!("{title}: {status}"), is_right);
    }
    Ok((session, right))
}

/// A stream ends when its token does.
async fn stream(site: &Site, session: &str) -> Result<bool, Box<dyn Error>> {
    let mut stream = reqwest::Client::new()
        .get(&site.url)
        .header("mcp-session-id", session)
        .bearer_auth(site.token("alice", "editor", "stream"))
        .send()
        .await?;
    let has_begun = stream.chunk().await?.is_some();
    let pause = Duration::from_millis(100);
    let is_open = timeout(pause, stream.chunk()).await.is_err();
    let revocations = site.guard.revocations();
    revocations.revoke_token(site.issuer.id(), &TokenId::new("stream"))?;
    let rest = timeout(Duration::from_secs(10), stream.chunk()).await??;
    let title = "the stream ends when its token is revoked";
    Ok(verdict(title, has_begun && is_open && rest.is_none()))
}

/// State is opened for the caller that it was sealed for.
async fn state(site: &Site) -> Result<bool, Box<dyn Error>> {
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "delete_file"),
    ];
    let call = |state: Option<&Value>| {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({ "name": "delete_file", "requestState": state, "_meta": meta });
        ("tools/call", params)
    };
    let alice = site.token("alice", "editor", "fifth");
    let bob = site.token("bob", "editor", "sixth");
    let (alice, bob) = (("/newer", &*alice), ("/newer", &*bob));
    let (_, _, asked) = site.post(alice, &headers, call(None)).await?;
    println!("alice is asked whether she is sure: {asked}");
    let state = asked.pointer("/result/requestState");
    let (theirs, _, _) = site.post(bob, &headers, call(state)).await?;
    let (own, _, done) = site.post(alice, &headers, call(state)).await?;
    let deleted = done.pointer("/result/deleted").and_then(Value::as_str);
    let is_done = own == 200 && deleted == Some("notes.txt");
    let is_refused = verdict(&format!("bob with her state: {theirs}"), theirs == 400);
    Ok(verdict(&format!("alice with her state: {own} {done}"), is_done) && is_refused)
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let site = Site::start().await?;
    let (session, sessions) = sessions(&site).await?;
    let right = [
        sessions,
        stream(&site, &session).await?,
        state(&site).await?,
    ];
    Ok(ExitCode::from(u8::from(right.contains(&false))))
}
