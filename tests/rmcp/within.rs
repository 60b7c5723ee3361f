//! What the server within is asked for, and for how long.

use clearance::AuthorizationLayer;
use clearance::mcp::method::{Other, SubscriptionsListen, ToolsList};
use clearance::mcp::{Policy, any_valid_token, requires};
use clearance::rmcp::{SecureResourceRouter, Secured};
use rmcp::model::{
    CacheScope, ListResourcesResult, ListSkillsResult, PaginatedRequestParams,
    ReadResourceDirectoryRequestParams, ReadResourceDirectoryResult, ReadResourceRequestParams,
    ReadResourceResponse, ReadResourceResult, Resource, ResourceContents, ServerCapabilities,
    ServerConfig, SubscriptionFilter,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;

use super::files::Files;
use super::stage::{Mode, last, layer, stage_of};
use crate::support::client::{open as stream_of, soon};
use crate::support::mcp::Log;
use crate::support::{FilesRead, Fixture, plain};

/// A server with a directory, skills, a resource, and news.
#[derive(Clone)]
struct Library {
    log: Log,
    resources: SecureResourceRouter<Files, Fixture>,
    files: Files,
    /// Told when nobody listens any more.
    over: mpsc::UnboundedSender<()>,
}

/// Tells when it is dropped.
struct Listener(mpsc::UnboundedSender<()>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.send(()).ok();
    }
}

impl ServerHandler for Library {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .enable_skills_with_directory_read();
        ServerConfig::new(capabilities.build())
    }

    async fn read_resource_directory(
        &self,
        _: ReadResourceDirectoryRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceDirectoryResult, ErrorData> {
        let child = |uri: &str| Resource::new(uri, uri);
        let directory = |uri: &str| child(uri).with_mime_type("inode/directory");
        let children = vec![
            child("file:///pub/a"),
            child("file:///private/b"),
            child("file:///nowhere/c"),
            directory("file:///private"),
            directory("file:///nowhere"),
        ];
        let mut list = ListResourcesResult::with_all_items(children);
        list.cache_scope = Some(CacheScope::Public);
        Ok(list)
    }

    async fn list_skills(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListSkillsResult, ErrorData> {
        let mut list = ListSkillsResult::with_all_items(Vec::new());
        list.cache_scope = Some(CacheScope::Public);
        Ok(list)
    }

    /// What the router does not know is looked for elsewhere.
    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri.clone();
        if let Ok(read) = self.resources.read(&self.files, request, cx).await {
            return Ok(read);
        }
        self.log.ran("elsewhere");
        Ok(ReadResourceResult::new(vec![ResourceContents::text("found", uri)]).into())
    }

    fn accepted_subscription_filter(
        &self,
        asked: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(asked.clone())
    }

    /// Goes on for ever, whoever has gone away.
    async fn listen(&self, _: SubscriptionContext) -> Result<(), ErrorData> {
        let _listener = Listener(self.over.clone());
        std::future::pending().await
    }
}

/// What is in a directory is shown as in a list of resources: to whom it is open, and to nobody else.
#[tokio::test]
async fn a_directory_shows_what_the_caller_may_read() {
    for (scopes, shown) in [
        ("", ""),
        ("files:read", "file:///pub/a"),
        (
            "files:read a",
            "file:///pub/a file:///private/b file:///private",
        ),
    ] {
        let policy = |_: &_| {
            Policy::closed()
                .method(Other("resources/directory/read"), any_valid_token())
                .resource("file:///pub/*", requires::<FilesRead>())
                .resource("file:///private/*", requires::<crate::support::ScopeA>())
        };
        let (stage, _over) = library(policy).await;
        let params = json!({ "uri": "file:///" });
        let answer = stage
            .call("resources/directory/read", &params, scopes)
            .await;
        let result = last(&answer)["result"].take();
        let children = result["resources"].as_array();
        let children = children.unwrap_or_else(|| panic!("{answer:?}"));
        let names = children
            .iter()
            .map(|child| child["uri"].as_str().expect("a URI"));
        assert_eq!(names.collect::<Vec<_>>().join(" "), shown, "{answer:?}");
        assert_eq!(result["cacheScope"], "private", "{answer:?}");
    }
}

/// RS-144: skills are not filtered, but for one caller all the same, whatever the server says.
#[tokio::test]
async fn skills_are_for_one_caller() {
    let policy = |_: &_| Policy::closed().method(Other("skills/list"), any_valid_token());
    let (stage, _over) = library(policy).await;
    let answer = stage.call("skills/list", &json!({}), "").await;
    let result = last(&answer)["result"].take();
    assert!(result["skills"].is_array(), "{answer:?}");
    assert_eq!(result["cacheScope"], "private", "{answer:?}");
}

/// A handler opens what its name says. What would be a pattern in a policy is none here.
#[tokio::test]
async fn a_handler_opens_no_more_than_it_serves() {
    let (stage, _over) = library(|resources| Policy::closed().include(resources)).await;
    let answer = stage
        .call("resources/read file:///pub/readme", &json!({}), "")
        .await;
    let text = &last(&answer)["result"]["contents"][0]["text"];
    assert_eq!(text, "read me", "{answer:?}");
    for uri in ["file:///pub/secret", "file:///pub/readme/b", "file:///pub/"] {
        let answer = stage
            .call(&format!("resources/read {uri}"), &json!({}), "")
            .await;
        assert_eq!(answer.status, 403, "{uri} {answer:?}");
    }
    assert_eq!(stage.server.log.take(), ["readme"]);

    let guard = &stage.server.guard;
    let star = Resource::new("file:///pub/*", "star");
    let resources = SecureResourceRouter::<Files, _>::new(guard).resource(star, Files::readme);
    let policy = Policy::closed().include(&resources);
    let layer = AuthorizationLayer::builder(guard, policy).seal_keys(plain::keys());
    let error = layer.build().expect_err("a pattern").to_string();
    assert!(
        error.contains("`file:///pub/*`") && error.contains("within.rs:"),
        "{error}"
    );
}

/// With an event store rmcp goes on when a client goes away; the end of the token ends it.
#[tokio::test]
async fn listening_ends_with_the_token() {
    let policy = |_: &_| {
        Policy::closed()
            .method(SubscriptionsListen, any_valid_token())
            .method(ToolsList, any_valid_token())
    };
    let (stage, mut over) = library(policy).await;
    let token = stage.server.scoped("").token_id("listener").mint();
    let request = stage.request("subscriptions/listen", &token).await;
    let wanted = json!({ "params": { "notifications": { "toolsListChanged": true } } });
    let (connection, mut stream) = stream_of(stage.address, &request.patched(&wanted)).await;
    assert_eq!(stream.status(), 200);
    soon(stream.until("acknowledged")).await;
    drop((connection, stream));
    // Another request, so that what ends with the connection has ended.
    stage.call("tools/list", &json!({}), "").await;
    assert_eq!(over.try_recv(), Err(TryRecvError::Empty));
    let id = clearance::id::TokenId::new("listener");
    let revocations = stage.server.guard.revocations();
    revocations
        .revoke_token(stage.server.issuer.id(), &id)
        .expect("revoked");
    soon(over.recv()).await.expect("the listener was there");
}

async fn library(
    policy: impl FnOnce(&SecureResourceRouter<Files, Fixture>) -> Policy<Fixture>,
) -> (super::stage::Stage, mpsc::UnboundedReceiver<()>) {
    let server = plain::server().await;
    let (over, receiver) = mpsc::unbounded_channel();
    let readme = Resource::new("file:///pub/readme", "readme");
    let resources = SecureResourceRouter::new(&server.guard).resource(readme, Files::readme);
    let layer = layer(&server.guard, policy(&resources));
    let library = Library {
        log: server.log.clone(),
        resources,
        files: Files::new(&server.guard, &server.log),
        over,
    };
    let make = move || Ok(Secured::new(library.clone()));
    let store = std::sync::Arc::new(super::events::Events::default());
    let sessions = LocalSessionManager::default().with_event_store(store);
    let config = StreamableHttpServerConfig::default().disable_allowed_hosts();
    let service = StreamableHttpService::new(make, sessions.into(), config);
    let service = axum::Router::new()
        .nest_service("/mcp", service)
        .layer(layer);
    (stage_of(server, service, Mode::Modern).await, receiver)
}
