//! The client of rmcp.

use std::sync::Arc;

use libtest_mimic::Trial;
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt as _, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::{AuthClient, AuthorizationRequest, OAuthState};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{RoleClient, ServiceError};
use serde_json::json;

use super::trial::{Outcome, trial};
use super::verdict::{self, Lifecycle};
use super::world::{FIRST, SECOND, World};
use crate::{alice, login};

type Client = RunningService<RoleClient, ()>;

pub(crate) fn trials() -> Vec<Trial> {
    let both = [
        ("rmcp_with_initialize", Lifecycle::Initialize),
        ("rmcp_with_discover", Lifecycle::Discover),
    ];
    let make = |(name, lifecycle)| trial(name, move || Ok(lifecycle), run);
    let inspector = trial("pages_of_the_inspector", || Ok(()), |()| pages());
    let quickstart = trial("quickstart_logs_in", || Ok(()), |()| quickstart());
    both.into_iter()
        .map(make)
        .chain([inspector, quickstart])
        .collect()
}

/// What the quickstart does with `--once`; and it says so if a verdict is wrong.
async fn quickstart() -> Outcome<()> {
    let world = World::start().await?;
    assert!(login::perform(&world.url, &world.authorization).await?);
    let deaf = World::start_deaf().await?;
    assert!(!login::perform(&deaf.url, &deaf.authorization).await?);
    Ok(())
}

/// The quickstart names the MCP Inspector: its pages may ask, those of others may not.
async fn pages() -> Outcome<()> {
    let world = World::start().await?;
    let http = reqwest::Client::new();
    for (origin, status) in [
        ("http://localhost:6274", 204),
        ("http://127.0.0.1:6274", 204),
        ("http://localhost:6275", 403),
    ] {
        let preflight = http
            .request(reqwest::Method::OPTIONS, &world.url)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .send()
            .await?;
        assert_eq!(preflight.status(), status, "{origin}");
        let answer = http
            .post(&world.url)
            .header("origin", origin)
            .send()
            .await?;
        let refused = if status == 204 { 401 } else { status };
        assert_eq!(answer.status(), refused, "{origin}");
        let allowed = answer.headers().get("access-control-allow-origin");
        let allowed = allowed.map(|origin| origin.to_str().expect("text").to_owned());
        assert_eq!(allowed.is_some(), status == 204, "{origin}: {allowed:?}");
    }
    Ok(())
}

async fn run(lifecycle: Lifecycle) -> Outcome<()> {
    let mut world = World::start().await?;
    let url = world.url.clone();
    let config = || StreamableHttpClientTransportConfig::with_uri(url.as_str());
    let transport = StreamableHttpClientTransport::with_client(reqwest::Client::new(), config());
    let refused = ().serve_with_lifecycle(transport, mode(lifecycle)).await;
    let refused = refused.err().ok_or("it was let in")?;
    let challenge = refused.auth_challenge().ok_or("no challenge")?;

    let mut login = OAuthState::new(&url, None).await?;
    let request = AuthorizationRequest::new("http://127.0.0.1:9/callback")
        .with_client_name("Rust")
        .with_challenge(challenge);
    login.start_authorization(request).await?;
    let authorize = login.get_authorization_url().await?;
    let callback = alice::allow(&world.authorization, &authorize).await?;
    login.handle_callback_url(&callback).await?;
    let manager = login.into_authorization_manager().ok_or("no token")?;
    let client = AuthClient::new(reqwest::Client::new(), manager);
    let manager = Arc::clone(&client.auth_manager);
    let transport = StreamableHttpClientTransport::with_client(client, config());
    let peer = ().serve_with_lifecycle(transport, mode(lifecycle)).await?;
    let revision = &peer.peer_info().ok_or("no revision")?.protocol_version;
    let mut said = vec![format!("login {revision}")];

    let read = call(&peer, "read_file", FIRST).await?;
    said.push(format!("read {}", read.trim_end()));

    let refused = call(&peer, "delete_file", FIRST).await;
    let refused = refused.err().ok_or("a reader deleted")?;
    let challenge = refused.auth_challenge().ok_or("no challenge")?;
    // This client leaves it to its user.
    login::step_up(challenge, &world.url, &manager, &world.authorization).await?;
    said.push(format!(
        "delete {}",
        call(&peer, "delete_file", FIRST).await?
    ));

    world.later()?;
    said.push(format!("again {}", call(&peer, "read_file", SECOND).await?));
    peer.cancel().await?;
    verdict::check(&world, lifecycle, &said)
}

fn mode(lifecycle: Lifecycle) -> ClientLifecycleMode {
    match lifecycle {
        Lifecycle::Initialize => ClientLifecycleMode::Initialize,
        Lifecycle::Discover => ClientLifecycleMode::Discover {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        },
    }
}

async fn call(peer: &Client, tool: &'static str, name: &str) -> Result<String, ServiceError> {
    let arguments = json!({ "name": name });
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    let call = CallToolRequestParams::new(tool).with_arguments(arguments);
    let result = peer.call_tool(call).await?;
    let text = result.content.first().and_then(|content| content.as_text());
    Ok(text.map(|text| text.text.clone()).unwrap_or_default())
}
