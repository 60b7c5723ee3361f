//! A client that nobody here wrote: that of the official SDK, `rmcp`, with a token given, against an
//! `mcp::Router` on loopback, in both lifecycles.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_in_result,
    unreachable_pub,
    reason = "a test that cannot go on must panic, and modules are shared"
)]

mod support;

mod router {
    pub mod files;
    pub mod fixture;
}

use std::time::Duration;

use clearance::id::Subject;
use rmcp::model::{
    CallToolRequestParams, ContentBlock, ErrorCode, GetPromptRequestParams, JsonObject,
    ProgressNotificationParam, ProtocolVersion, ReadResourceRequestParams, ResourceContents,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, ClientServiceExt as _, NotificationContext,
    RunningService, ServiceError,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, RoleClient};
use router::files::{Sum, files};
use router::fixture::{LISTS, Site};
use serde_json::json;
use support::http::bearer_challenge;
use tokio::sync::mpsc;

// ---- the client

/// What progress there was.
struct Ears(mpsc::UnboundedSender<ProgressNotificationParam>);

impl ClientHandler for Ears {
    async fn on_progress(
        &self,
        progress: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.0.send(progress).ok();
    }
}

struct Client {
    peer: RunningService<RoleClient, Ears>,
    progress: mpsc::UnboundedReceiver<ProgressNotificationParam>,
}

/// Connects, with a token unless it is empty.
async fn connect(
    site: &Site,
    token: &str,
    lifecycle: ClientLifecycleMode,
) -> Result<Client, ClientInitializeError> {
    let uri = format!("http://{}/mcp", site.address);
    let mut config = StreamableHttpClientTransportConfig::with_uri(uri);
    if !token.is_empty() {
        config = config.auth_header(token);
    }
    let http = reqwest::Client::builder().no_proxy().build();
    let transport = StreamableHttpClientTransport::with_client(http.expect("a client"), config);
    let (sender, progress) = mpsc::unbounded_channel();
    let peer = Ears(sender).serve_with_lifecycle(transport, lifecycle);
    Ok(Client {
        peer: peer.await?,
        progress,
    })
}

/// `initialize`, for 2025-11-25 and what was before.
const INITIALIZE: ClientLifecycleMode = ClientLifecycleMode::Initialize;

/// `server/discover`, since 2026-07-28.
fn discover() -> ClientLifecycleMode {
    ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    }
}

/// Both lifecycles, each with the revision that comes of it.
fn lifecycles() -> [(ClientLifecycleMode, ProtocolVersion); 2] {
    [
        (INITIALIZE, ProtocolVersion::V_2025_11_25),
        (discover(), ProtocolVersion::V_2026_07_28),
    ]
}

fn arguments(value: &serde_json::Value) -> JsonObject {
    value.as_object().expect("an object").clone()
}

fn text(content: &[ContentBlock]) -> &str {
    let [ContentBlock::Text(text)] = content else {
        panic!("not one text: {content:?}");
    };
    &text.text
}

/// The scopes of a refusal that tells the client to ask for more.
#[track_caller]
fn more_scopes(error: &ServiceError) -> String {
    let challenge = bearer_challenge(error.auth_challenge().expect("a challenge"));
    assert_eq!(challenge.get("error"), Some("insufficient_scope"));
    assert_eq!(challenge.get("resource_metadata"), Some(support::M));
    challenge.get("scope").expect("scopes").to_owned()
}

fn refused<T: std::fmt::Debug>(answer: Result<T, ServiceError>) -> rmcp::ErrorData {
    let error = answer.expect_err("an error");
    let ServiceError::McpError(error) = error else {
        panic!("not a JSON-RPC error: {error:?}");
    };
    error
}

// ---- the tests

#[tokio::test]
async fn it_learns_who_it_talks_to() {
    let site = files().await;
    let token = site.token(LISTS);
    for (lifecycle, version) in lifecycles() {
        let client = connect(&site, &token, lifecycle).await.expect("connected");
        let info = client.peer.peer_info().expect("the server's word");
        assert_eq!(info.protocol_version, version);
        let server = info.server_info.as_ref().expect("a name");
        assert_eq!(
            (server.name.as_str(), server.version.as_str()),
            ("files", "1.2.3")
        );
        assert_eq!(info.instructions.as_deref(), Some("Be kind."));
        let able = &info.capabilities;
        assert!(able.tools.is_some() && able.prompts.is_some() && able.resources.is_some());
        assert!(able.logging.is_none() && able.completions.is_none());
    }
}

#[tokio::test]
async fn it_lists_what_its_token_may_use() {
    let site = files().await;
    let token = site.token(&format!("{LISTS} files:delete mcp:tools:execute"));
    for (lifecycle, _) in lifecycles() {
        let client = connect(&site, &token, lifecycle).await.expect("connected");
        let tools = client.peer.list_all_tools().await.expect("tools");
        let names: Vec<_> = tools.iter().map(|tool| &*tool.name).collect();
        assert_eq!(names, ["sum", "greet", "delete", "export"]);
        assert_eq!(tools[0].title.as_deref(), Some("Add"));
        assert_eq!(tools[0].input_schema["type"], "object");
        let prompts = client.peer.list_all_prompts().await.expect("prompts");
        let wanted = prompts[0].arguments.as_ref().expect("arguments");
        assert_eq!((prompts.len(), &*prompts[0].name), (1, "review"));
        assert_eq!((&*wanted[0].name, wanted[0].required), ("file", Some(true)));
        // It may not read files.
        assert_eq!(client.peer.list_all_resources().await.expect("none"), []);
        let templates = client.peer.list_all_resource_templates().await;
        assert_eq!(templates.expect("templates"), []);
    }
}

#[tokio::test]
async fn it_calls_a_tool_and_gets_types() {
    let site = files().await;
    let token = site.token("mcp:tools:execute");
    for (lifecycle, _) in lifecycles() {
        let client = connect(&site, &token, lifecycle).await.expect("connected");
        let terms = arguments(&json!({ "a": 19, "b": 23 }));
        let call = CallToolRequestParams::new("sum").with_arguments(terms);
        let result = client.peer.call_tool(call).await.expect("a result");
        let sum = Sum {
            sum: 42,
            by: "alice".to_owned(),
        };
        assert_eq!(result.is_error, None);
        let told: Sum = serde_json::from_str(text(&result.content)).expect("a sum");
        assert_eq!(told, sum);
        assert_eq!(result.into_typed::<Sum>().expect("a sum"), sum);
        let call = CallToolRequestParams::new("greet");
        let result = client.peer.call_tool(call).await.expect("a result");
        assert_eq!(text(&result.content), "hello alice");
        assert_eq!(result.structured_content, None);
        // What the model can mend is a result.
        let terms = arguments(&json!({ "a": -19, "b": "23" }));
        let call = CallToolRequestParams::new("sum").with_arguments(terms);
        let result = client.peer.call_tool(call).await.expect("a result");
        assert_eq!(result.is_error, Some(true));
        assert!(text(&result.content).starts_with("invalid arguments: "));
        let terms = arguments(&json!({ "a": -19, "b": 1 }));
        let call = CallToolRequestParams::new("sum").with_arguments(terms);
        let result = client.peer.call_tool(call).await.expect("a result");
        assert_eq!(result.is_error, Some(true));
        assert_eq!(text(&result.content), "too small");
    }
}

#[tokio::test]
async fn it_is_told_which_scopes_it_lacks() {
    let site = files().await;
    let token = site.token("mcp:tools:execute");
    for (lifecycle, _) in lifecycles() {
        let client = connect(&site, &token, lifecycle).await.expect("connected");
        let call = CallToolRequestParams::new("delete");
        let error = client.peer.call_tool(call).await.expect_err("refused");
        // What the token has already is asked for again, or it would be lost.
        assert_eq!(more_scopes(&error), "files:delete mcp:tools:execute");
        let read = ReadResourceRequestParams::new("file:///pub/a");
        let error = client.peer.read_resource(read).await.expect_err("refused");
        assert_eq!(more_scopes(&error), "files:read mcp:tools:execute");
        let error = client.peer.list_all_tools().await.expect_err("refused");
        assert_eq!(more_scopes(&error), "mcp:tools:read mcp:tools:execute");
        // The connection is none the worse.
        let call = CallToolRequestParams::new("greet");
        client.peer.call_tool(call).await.expect("a result");
    }
}

#[tokio::test]
async fn it_is_told_of_unknown_names() {
    let site = files().await;
    let token = site.token("files:read");
    for (lifecycle, _) in lifecycles() {
        let client = connect(&site, &token, lifecycle).await.expect("connected");
        let call = CallToolRequestParams::new("nothing");
        let error = refused(client.peer.call_tool(call).await);
        assert_eq!(error.code, ErrorCode::INVALID_PARAMS);
        assert_eq!(error.message, "unknown name");
        let prompt = GetPromptRequestParams::new("nothing");
        let error = refused(client.peer.get_prompt(prompt).await);
        assert_eq!(error.code, ErrorCode::INVALID_PARAMS);
        for uri in ["file:///secret/a", "file:///pub/gone"] {
            let read = ReadResourceRequestParams::new(uri);
            let error = refused(client.peer.read_resource(read).await);
            assert_eq!(error.code, ErrorCode::INVALID_PARAMS, "{uri}");
        }
    }
}

#[tokio::test]
async fn it_gets_a_prompt_and_a_resource() {
    let site = files().await;
    let token = site.token(&format!("{LISTS} files:read mcp:tools:execute"));
    for (lifecycle, _) in lifecycles() {
        let client = connect(&site, &token, lifecycle).await.expect("connected");
        let file = arguments(&json!({ "file": "a.rs" }));
        let prompt = GetPromptRequestParams::new("review").with_arguments(file);
        let prompt = client.peer.get_prompt(prompt).await.expect("a prompt");
        let messages = prompt.messages;
        assert_eq!(messages.len(), 1);
        assert_eq!(
            text(&[messages[0].content.clone()]),
            "Review \"a.rs\".".to_owned()
        );
        let templates = client.peer.list_all_resource_templates().await;
        let templates = templates.expect("templates");
        assert_eq!(templates[0].uri_template, "file:///pub/{name}");
        // The client may spell it as it likes; a name outside ASCII must travel in the header too.
        for (uri, name) in [
            ("file:///pub/a", "a"),
            ("FILE:///pub/x/../%62", "b"),
            ("file:///pub/%C3%A9", "\u{e9}"),
        ] {
            let read = ReadResourceRequestParams::new(uri);
            let read = client.peer.read_resource(read).await.expect("a resource");
            let [ResourceContents::TextResourceContents { text, .. }] = &*read.contents else {
                panic!("{read:?}");
            };
            assert_eq!(*text, format!("content of {name}"));
        }
    }
}

#[tokio::test]
async fn it_hears_of_progress() {
    let site = files().await;
    let token = site.token("mcp:tools:execute");
    for (lifecycle, _) in lifecycles() {
        let mut client = connect(&site, &token, lifecycle).await.expect("connected");
        let call = CallToolRequestParams::new("export");
        let result = client.peer.call_tool(call).await.expect("a result");
        let sum: Sum = result.into_typed().expect("a sum");
        assert_eq!((sum.sum, &*sum.by), (2, "export"));
        // The client hands notifications to tasks, so they may come in any order.
        let mut heard = Vec::new();
        for _ in 0..2 {
            let next = tokio::time::timeout(Duration::from_secs(10), client.progress.recv());
            let next = next.await.expect("progress").expect("progress");
            heard.push((next.progress, next.total, next.message.expect("a message")));
        }
        heard.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert_eq!(
            heard,
            [
                (1.0, Some(2.0), "half of it".to_owned()),
                (2.0, None, "all of it".to_owned())
            ]
        );
    }
}

#[tokio::test]
async fn it_is_challenged_without_a_token() {
    let site = files().await;
    for (lifecycle, _) in lifecycles() {
        let error = connect(&site, "", lifecycle).await.err().expect("refused");
        assert!(error.is_authorization_required());
        let challenge = bearer_challenge(error.auth_challenge().expect("a challenge"));
        assert_eq!(challenge.get("error"), None);
        assert_eq!(challenge.get("scope"), Some("mcp:tools:read"));
        assert_eq!(challenge.get("resource_metadata"), Some(support::M));
    }
}

#[tokio::test]
async fn it_is_challenged_when_its_token_is_revoked() {
    let site = files().await;
    for ((lifecycle, _), name) in lifecycles().into_iter().zip(["bob", "carol"]) {
        let token = site.issuer.token().subject(name).mint();
        let client = connect(&site, &token, lifecycle).await.expect("connected");
        let greet = || CallToolRequestParams::new("greet");
        client.peer.call_tool(greet()).await.expect("a result");
        let (revoked, issuer) = (site.guard.revocations(), site.issuer.id());
        let revoked = revoked.revoke_subject(issuer, &Subject::new(name));
        revoked.expect("revoked");
        let error = client.peer.call_tool(greet()).await.expect_err("refused");
        assert!(error.is_authorization_required());
        let challenge = bearer_challenge(error.auth_challenge().expect("a challenge"));
        assert_eq!(challenge.get("error"), Some("invalid_token"));
    }
}

/// A client that would speak either way finds the newer one.
#[tokio::test]
async fn it_chooses_the_newest_revision_by_itself() {
    let site = files().await;
    let token = site.token(LISTS);
    let lifecycle = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: Some(ProtocolVersion::V_2025_06_18),
    };
    let client = connect(&site, &token, lifecycle).await.expect("connected");
    let info = client.peer.peer_info().expect("the server's word");
    assert_eq!(info.protocol_version, ProtocolVersion::V_2026_07_28);
    let tools = client.peer.list_all_tools().await.expect("tools");
    assert_eq!(tools.len(), 1);
}

/// What is served is decided by the demands, not by who lists first.
#[tokio::test]
async fn it_does_not_see_what_it_may_not_call() {
    let site = files().await;
    let client = connect(&site, &site.token("mcp:tools:read"), discover()).await;
    let client = client.expect("connected");
    let tools = client.peer.list_all_tools().await.expect("tools");
    let names: Vec<_> = tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(names, ["greet"]);
}
