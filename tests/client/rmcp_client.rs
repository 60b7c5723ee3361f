//! The client of the official SDK, authorized by ours, against our own guarded server.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;

use clearance::client::Client;
use clearance::client::layer::{Access, AccessError, AuthorizationCode, Grant};
use clearance::client::rmcp::AuthorizedClient;
use clearance::mcp::{self, McpScopes, ToolError, ToolsExecute, ToolsRead};
use clearance::testing::{AuthorizationServer, User};
use clearance::{Authorized, Guard};
use rmcp::model::CallToolRequestParams;
use rmcp::service::{ClientLifecycleMode, ClientServiceExt as _, RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClient as _, StreamableHttpClientTransportConfig, StreamableHttpError,
};
use rmcp::{RoleClient, model};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::guarded::{Headless, Nobody, http};

/// A guarded server, and the authorization server that it names.
struct Stage {
    endpoint: String,
    issuer: AuthorizationServer,
    _serving: JoinSet<()>,
}

async fn run(auth: Authorized<ToolsExecute>) -> Result<String, ToolError> {
    Ok(format!("{} runs it", auth.subject()))
}

impl Stage {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let endpoint = format!("http://{address}/mcp");
        let issuer = AuthorizationServer::builder(endpoint.parse().unwrap())
            .describing::<McpScopes>()
            .approve_automatically(User::Alice);
        let issuer = issuer.start().await.unwrap();
        let guard = Guard::<McpScopes>::builder(endpoint.parse().unwrap())
            .issuer(issuer.id().clone())
            .baseline::<ToolsRead>()
            .build()
            .unwrap();
        guard.ready().await.unwrap();
        let router = mcp::Router::new(&guard)
            .named("files", "1.0")
            .tool("run", run);
        let app = router.build().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            endpoint,
            issuer,
            _serving: serving,
        }
    }

    fn http(&self, grant: impl Grant + 'static) -> AuthorizedClient<reqwest::Client> {
        let client = Client::builder(self.endpoint.parse().unwrap())
            .build()
            .unwrap();
        AuthorizedClient::new(Access::builder(client, grant).build(), http())
    }

    fn asked(&self) -> usize {
        let requests = self.issuer.requests();
        requests
            .iter()
            .filter(|request| request.path() == "/authorize")
            .count()
    }
}

async fn connect(
    stage: &Stage,
    http: AuthorizedClient<reqwest::Client>,
    lifecycle: ClientLifecycleMode,
) -> RunningService<RoleClient, ()> {
    let config = StreamableHttpClientTransportConfig::with_uri(stage.endpoint.as_str());
    let transport = StreamableHttpClientTransport::with_client(http, config);
    ().serve_with_lifecycle(transport, lifecycle).await.unwrap()
}

/// CL-063, CL-067: it logs in when it connects, steps up when a tool wants more, and is asked for nothing
/// else, in both lifecycles.
#[tokio::test]
async fn it_logs_in_and_steps_up() {
    let discover = ClientLifecycleMode::Discover {
        preferred_versions: vec![model::ProtocolVersion::V_2026_07_28],
    };
    for lifecycle in [ClientLifecycleMode::Initialize, discover] {
        let stage = Stage::start().await;
        let http = stage.http(AuthorizationCode::by(Headless));
        let peer = connect(&stage, http, lifecycle).await;
        // It sees what it may call.
        assert_eq!(peer.list_all_tools().await.unwrap().len(), 0);
        assert_eq!(stage.asked(), 1);
        for _ in 0..2 {
            let called = peer
                .call_tool(CallToolRequestParams::new("run"))
                .await
                .unwrap();
            let told = format!("{:?}", called.content);
            assert!(told.contains("alice runs it"), "{told}");
        }
        assert_eq!(peer.list_all_tools().await.unwrap().len(), 1);
        assert_eq!(stage.asked(), 2);
        peer.cancel().await.unwrap();
    }
}

/// What cannot be had is told with its reason.
#[tokio::test]
async fn an_error_is_told_with_its_reason() {
    let stage = Stage::start().await;
    let http = stage.http(AuthorizationCode::by(Nobody));
    let ping = serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let ping: model::ClientJsonRpcMessage = serde_json::from_value(ping).unwrap();
    let post = |url: &str| {
        let url = url.into();
        http.post_message(
            url,
            ping.clone(),
            None,
            Some("mine".to_owned()),
            HashMap::new(),
        )
    };
    let failed = post(&stage.endpoint).await.unwrap_err();
    let StreamableHttpError::Io(error) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(error.kind(), io::ErrorKind::Other);
    let inner = error
        .into_inner()
        .unwrap()
        .downcast::<AccessError>()
        .unwrap();
    assert_eq!(inner.code(), "nobody_to_ask");

    // Elsewhere the SDK's own token goes, and nobody is asked for another one.
    let elsewhere = format!("{}/other", stage.endpoint);
    assert!(post(&elsewhere).await.is_err());
    assert_eq!(stage.asked(), 0);
}

/// CL-068: a tool whose scopes are not to be had is a refusal that the SDK knows.
#[tokio::test]
async fn a_refusal_is_the_one_of_the_server() {
    let stage = Stage::start().await;
    let client = Client::builder(stage.endpoint.parse().unwrap())
        .build()
        .unwrap();
    let access = Access::builder(client, AuthorizationCode::by(Headless));
    let http = AuthorizedClient::new(access.without_step_up().build(), http());
    let peer = connect(&stage, http, ClientLifecycleMode::Initialize).await;
    let refused = peer
        .call_tool(CallToolRequestParams::new("run"))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, ServiceError::TransportSend(_)),
        "{refused:?}"
    );
    let challenge = refused.auth_challenge().unwrap();
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
    assert_eq!(stage.asked(), 1);
}
