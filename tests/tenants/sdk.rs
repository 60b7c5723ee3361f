//! A real server and a real client of the official SDK, under tenants and without a change.

use std::net::SocketAddr;

use axum::Router;
use clearance::mcp::Policy;
use clearance::mcp::method::ToolsList;
use clearance::mcp::requires;
use clearance::rmcp::{SecureToolRouter, Secured};
use clearance::tenants::Tenant;
use clearance::{AuthorizationLayer, Authorized, Guard, GuardBuilder};
use rmcp::model::{CallToolRequestParams, ContentBlock};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, ServiceExt as _, tool, tool_handler};

use super::world::{By, WAYS, World};
use crate::support::client::soon;
use crate::support::{FilesWrite, Fixture, ToolsRead, plain};

#[derive(Clone)]
struct Desk {
    tools: SecureToolRouter<Self, Fixture>,
}

impl Desk {
    #[tool(description = "Tells who asks, and where")]
    async fn whoami(&self, auth: Authorized<()>) -> String {
        format!("{} at {}", auth.subject(), auth.resource())
    }

    #[tool(description = "Empties the desk")]
    async fn empty(&self, auth: Authorized<FilesWrite>) -> String {
        auth.subject().to_string()
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for Desk {}

fn tenant(by: By, name: &str, guard: &Guard<Fixture>) -> Tenant {
    let tools = SecureToolRouter::new(guard)
        .tool(Desk::whoami_tool_attr(), Desk::whoami)
        .tool(Desk::empty_tool_attr(), Desk::empty);
    let policy = Policy::<Fixture>::closed()
        .method(ToolsList, requires::<ToolsRead>())
        .include(&tools);
    let layer = AuthorizationLayer::builder(guard, policy).seal_keys(plain::keys());
    let layer = layer.build().expect("a layer");
    let desk = Desk { tools };
    let service = StreamableHttpService::new(
        move || Ok(Secured::new(desk.clone())),
        LocalSessionManager::default().into(),
        // Names of hosts are the tenants' business here.
        StreamableHttpServerConfig::default().disable_allowed_hosts(),
    );
    let service = Router::new().nest_service(&by.path(name), service);
    Tenant::new(guard, service.layer(layer))
}

/// What the tools say to a client that comes to this tenant with this token; nothing if it is not let in.
async fn told(by: By, address: SocketAddr, name: &str, token: &str) -> Option<[Option<String>; 2]> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .resolve(&by.host(name), address)
        .build()
        .expect("a client");
    let uri = format!("http://{}{}", by.host(name), by.path(name));
    let config = StreamableHttpClientTransportConfig::with_uri(uri).auth_header(token);
    let transport = StreamableHttpClientTransport::with_client(http, config);
    let client = soon(().serve(transport)).await.ok()?;
    let tools = soon(client.list_all_tools()).await.expect("tools");
    assert!(!tools.is_empty());
    let call = async |tool| {
        let result = soon(client.call_tool(CallToolRequestParams::new(tool))).await;
        let content = result.ok()?.content;
        match &*content {
            [ContentBlock::Text(text)] => Some(text.text.clone()),
            content => panic!("not one text: {content:?}"),
        }
    };
    Some([call("whoami").await, call("empty").await])
}

/// RS-035
#[tokio::test]
async fn clients_come_to_the_tenant_whose_token_they_have() {
    for by in WAYS {
        let world = World::new(by).await;
        let issuers = [
            ("a", &world.shared),
            ("b", &world.own),
            ("c", &world.shared),
        ];
        for (name, issuer) in issuers {
            let guard = world.guard(name, issuer, GuardBuilder::unlimited);
            world
                .tenants
                .set(tenant(by, name, &guard))
                .expect("a place");
        }
        let pairs = issuers
            .into_iter()
            .flat_map(|of| issuers.map(|(at, _)| (of, at)));
        for ((of, issuer), at) in pairs {
            let rich = world.token(issuer, of).mint();
            let poor = world.token(issuer, of).scope("mcp:tools.read").mint();
            let told = async |token| told(by, world.address, at, token).await;
            if of != at {
                assert_eq!(told(&rich).await, None, "{of} at {at}");
                continue;
            }
            let who = Some(format!("alice at {}", by.resource(at)));
            let all = [who.clone(), Some("alice".to_owned())];
            assert_eq!(told(&rich).await, Some(all));
            assert_eq!(told(&poor).await, Some([who, None]));
        }
    }
}
