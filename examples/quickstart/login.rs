//! A real MCP client, rmcp's own, through the whole of it without a browser.

use std::error::Error;
use std::sync::Arc;

use clearance::testing::AuthorizationServer;
use reqwest::header::{HeaderValue, WWW_AUTHENTICATE};
use rmcp::model::CallToolRequestParams;
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::{
    AuthClient, AuthorizationCallback, AuthorizationManager, AuthorizationRequest, OAuthState,
    WWWAuthenticateParams,
};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{RoleClient, ServiceError, ServiceExt as _};
use serde_json::json;
use tokio::sync::Mutex;

use crate::alice;

type Client = RunningService<RoleClient, ()>;
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What was seen, one line each.
struct Steps {
    all_right: bool,
}

impl Steps {
    fn saw(&mut self, step: &str, is_right: bool, what: impl AsRef<str>) {
        let mark = if is_right { "ok   " } else { "WRONG" };
        self.all_right &= is_right;
        println!("{mark} {step:<32} {}", what.as_ref().trim_end());
    }
}

/// Logs in, calls, is refused, asks for more, calls; whether all verdicts were right.
pub(crate) async fn perform(url: &str, server: &AuthorizationServer) -> Outcome<bool> {
    let mut steps = Steps { all_right: true };
    let manager = log_in(url, server, &mut steps).await?;
    let manager = call_tools(url, server, manager, &mut steps).await?;
    revoke(url, server, &manager, &mut steps).await?;
    let all_right = steps.all_right;
    let verdict = if all_right {
        "all as it should be"
    } else {
        "something is wrong"
    };
    println!("\n{verdict}");
    Ok(all_right)
}

async fn log_in(
    url: &str,
    server: &AuthorizationServer,
    steps: &mut Steps,
) -> Outcome<AuthorizationManager> {
    let error = ().serve(transport(url)).await.err().ok_or("it was let in")?;
    let challenge = error.auth_challenge().ok_or("no challenge")?;
    let (status, shown) = show(url, None, "read_file").await?;
    let is_asked = status == 401 && shown == challenge && !challenge.contains("error=");
    let is_asked = is_asked && challenge.contains(r#"scope="files:read""#);
    steps.saw(
        "a client without a token",
        is_asked,
        format!("{status} {shown}"),
    );

    let mut login = OAuthState::new(url, None).await?;
    let request = AuthorizationRequest::new("http://127.0.0.1:9/callback")
        .with_client_name("Quickstart")
        .with_challenge(challenge);
    login.start_authorization(request).await?;
    let authorize = login.get_authorization_url().await?;
    let is_ours = authorize.starts_with(&server.authorization_endpoint());
    steps.saw(
        "finds the authorization server",
        is_ours,
        server.id().as_str(),
    );
    let mut requests = server.requests().into_iter();
    let is_registered = requests.any(|request| request.path() == "/register");
    steps.saw("registers itself", is_registered, "as Quickstart");

    let callback = alice::allow(server, &authorize).await?;
    let asked = asked_scope(&authorize);
    steps.saw(
        "alice allows it",
        asked == "files:read",
        format!("to have {asked}"),
    );
    login.handle_callback_url(&callback).await?;
    let requests = server.requests();
    let redeemed = requests.iter().find(|request| {
        request.path() == "/token" && request.value("grant_type") == Some("authorization_code")
    });
    let resource = redeemed.and_then(|request| request.value("resource"));
    let is_for_us = resource == Some(server.resource().as_str());
    let resource = resource.unwrap_or_default();
    steps.saw("gets a token", is_for_us, format!("for {resource}"));
    Ok(login.into_authorization_manager().ok_or("no token")?)
}

async fn call_tools(
    url: &str,
    server: &AuthorizationServer,
    manager: AuthorizationManager,
    steps: &mut Steps,
) -> Outcome<Arc<Mutex<AuthorizationManager>>> {
    let client = AuthClient::new(reqwest::Client::new(), manager);
    let manager = Arc::clone(&client.auth_manager);
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    let transport = StreamableHttpClientTransport::with_client(client, config);
    let peer = ().serve(transport).await?;

    let tools = peer.list_all_tools().await?;
    let names: Vec<_> = tools.iter().map(|tool| &*tool.name).collect();
    let is_right = names == ["list_files", "read_file"];
    steps.saw("sees the tools of a reader", is_right, names.join(", "));
    let said = call(&peer, "read_file").await?;
    steps.saw("reads a file", said == "buy milk\n", &said);

    let refused = call(&peer, "delete_file").await.err();
    let refused = refused.ok_or("a reader has deleted a file")?;
    let challenge = refused.auth_challenge().ok_or("no challenge")?;
    let token = manager.lock().await.get_access_token().await?;
    let (status, shown) = show(url, Some(&token), "delete_file").await?;
    let is_asked = status == 403
        && shown == challenge
        && challenge.contains(r#"error="insufficient_scope""#)
        && challenge.contains(r#"scope="files:delete files:read""#)
        && call(&peer, "read_file").await? == said;
    steps.saw(
        "may not delete it",
        is_asked,
        format!("{status} {challenge}"),
    );
    let asked = step_up(challenge, url, &manager, server).await?;
    let is_right = asked.contains("files:delete");
    steps.saw(
        "alice allows that as well",
        is_right,
        format!("to have {asked}"),
    );
    let said = call(&peer, "delete_file").await?;
    steps.saw("deletes it", said == "alice deleted notes.txt", said);
    peer.cancel().await?;
    Ok(manager)
}

async fn revoke(
    url: &str,
    server: &AuthorizationServer,
    manager: &Mutex<AuthorizationManager>,
    steps: &mut Steps,
) -> Outcome<()> {
    let manager = manager.lock().await;
    let token = manager.get_access_token().await?;
    let (client_id, _) = manager.get_credentials().await?;
    reqwest::Client::new()
        .post(format!("{}/revoke", server.origin()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("token={token}&client_id={client_id}"))
        .send()
        .await?
        .error_for_status()?;
    let (status, challenge) = show(url, Some(&token), "read_file").await?;
    let is_refused = status == 401 && challenge.contains("invalid_token");
    let said = format!("{status} {challenge}");
    steps.saw("is out once its token is revoked", is_refused, said);
    Ok(())
}

fn transport(url: &str) -> StreamableHttpClientTransport<reqwest::Client> {
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    StreamableHttpClientTransport::with_client(reqwest::Client::new(), config)
}

async fn call(peer: &Client, tool: &'static str) -> Result<String, ServiceError> {
    let arguments = json!({ "name": "notes.txt" });
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    let call = CallToolRequestParams::new(tool).with_arguments(arguments);
    let result = peer.call_tool(call).await?;
    let text = result.content.first().and_then(|content| content.as_text());
    Ok(text.map(|text| text.text.clone()).unwrap_or_default())
}

/// Asks for the scopes of a challenge; gives what was asked for.
pub(crate) async fn step_up(
    challenge: &str,
    url: &str,
    manager: &Mutex<AuthorizationManager>,
    server: &AuthorizationServer,
) -> Outcome<String> {
    let challenge = WWWAuthenticateParams::parse(challenge, &url.parse()?);
    let scope = challenge.scope.ok_or("the challenge names no scope")?;
    let authorize = manager.lock().await.request_scope_upgrade(&scope).await?;
    let callback = alice::allow(server, &authorize).await?;
    let callback = AuthorizationCallback::from_redirect_url(&callback)?;
    let manager = manager.lock().await;
    let (code, state, issuer) = (callback.code, callback.csrf_token, callback.issuer);
    manager
        .exchange_code_for_token_with_issuer(&code, &state, issuer.as_deref())
        .await?;
    Ok(asked_scope(&authorize))
}

fn asked_scope(authorize: &str) -> String {
    let url = reqwest::Url::parse(authorize).ok();
    let pairs = url.iter().flat_map(reqwest::Url::query_pairs);
    let mut scopes = pairs.filter(|(name, _)| name == "scope");
    scopes
        .next()
        .map(|(_, scope)| scope.into_owned())
        .unwrap_or_default()
}

/// Calls a tool without the client, with a token or without one; gives status and challenge.
async fn show(url: &str, token: Option<&str>, tool: &str) -> Outcome<(u16, String)> {
    let params = json!({ "name": tool, "arguments": { "name": "notes.txt" } });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let mut request = reqwest::Client::new()
        .post(url)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .body(call.to_string());
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await?;
    let challenge = answer.headers().get(WWW_AUTHENTICATE);
    let challenge = challenge.map(HeaderValue::to_str).transpose()?;
    Ok((
        answer.status().as_u16(),
        challenge.unwrap_or_default().to_owned(),
    ))
}
