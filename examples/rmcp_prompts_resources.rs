//! How do I guard prompts and resources of a server that is written with the official SDK?
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;
use std::process::ExitCode;

use clearance::mcp::{McpScopes, Policy, PromptsRead, ResourcesList, ResourcesRead};
use clearance::rmcp::{Authorize as _, SecurePromptRouter, SecureResourceRouter, Secured};
use clearance::session::SealKeys;
use clearance::testing::Issuer;
use clearance::{AuthorizationLayer, Authorized, Guard, scopes};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    GetPromptRequestParams, ListResourceTemplatesResult, PaginatedRequestParams, PromptMessage,
    ReadResourceRequestParams, ReadResourceResponse, ResourceTemplate, Role, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::{RequestContext, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{
    ErrorData, RoleClient, RoleServer, ServerHandler, ServiceExt as _, prompt, prompt_handler,
};
use serde::Deserialize;

scopes! {
    /// What a caller may be allowed to do in the library.
    vocabulary LibraryScopes includes McpScopes;

    /// Read books.
    BooksRead = "books:read" includes ResourcesRead, ResourcesList;
    /// Read what nobody has printed yet.
    DraftsRead = "drafts:read" includes BooksRead;
}

#[derive(Clone)]
struct Library {
    prompts: SecurePromptRouter<Self, LibraryScopes>,
    resources: SecureResourceRouter<Self, LibraryScopes>,
}

#[derive(Deserialize)]
struct Book {
    title: String,
}

impl Library {
    /// Asks for a summary.
    #[prompt]
    async fn summary(&self, auth: Authorized<PromptsRead>) -> Vec<PromptMessage> {
        let text = format!("Summarize the book for {}", auth.subject());
        vec![PromptMessage::new_text(Role::User, text)]
    }

    /// Each book in a folder of its own: the variable of the template is a parameter.
    #[expect(clippy::unused_async, reason = "a real one waits for its shelves")]
    async fn book(&self, _: Authorized<BooksRead>, Parameters(book): Parameters<Book>) -> String {
        format!("all of {}", book.title)
    }

    /// Which books are drafts is not in their URIs, so the method demands more when it knows.
    #[expect(clippy::unused_async, reason = "a real one waits for its shelves")]
    async fn shelf(
        &self,
        _: Authorized<BooksRead>,
        Parameters(book): Parameters<Book>,
        cx: RequestContext<RoleServer>,
    ) -> Result<String, ErrorData> {
        if book.title == "unfinished" {
            let draft: Authorized<DraftsRead> = cx.authorize()?;
            return Ok(format!("a draft for {}", draft.subject()));
        }
        Ok(format!("{} is on the shelf", book.title))
    }
}

#[prompt_handler(router = self.prompts)]
impl ServerHandler for Library {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder();
        ServerConfig::new(capabilities.enable_prompts().enable_resources().build())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.resources.read(self, request, cx).await
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        cx: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.resources.list_templates(&cx)
    }
}

/// Serves the library; gives the issuer of its tokens.
async fn serve(listener: tokio::net::TcpListener, url: &str) -> Result<Issuer, Box<dyn Error>> {
    // An issuer for this example; yours is your authorization server.
    let issuer = Issuer::start(url.parse()?).await?;
    let guard = Guard::<LibraryScopes>::builder(issuer.resource().clone())
        .issuer(issuer.id().clone())
        .build()?;
    let library = Library {
        prompts: SecurePromptRouter::new(&guard)
            .prompt(Library::summary_prompt_attr(), Library::summary),
        resources: SecureResourceRouter::new(&guard)
            .template(
                ResourceTemplate::new("books:///{title}", "book"),
                Library::book,
            )
            .template(
                ResourceTemplate::new("shelf:///{title}", "shelf"),
                Library::shelf,
            ),
    };
    let policy = Policy::standard()
        .include(&library.prompts)
        .include(&library.resources);
    let layer = AuthorizationLayer::builder(&guard, policy)
        .seal_keys(SealKeys::this_process_only())
        .build()?;
    let make = move || Ok(Secured::new(library.clone()));
    let (sessions, config) = (
        LocalSessionManager::default(),
        StreamableHttpServerConfig::default(),
    );
    let service = StreamableHttpService::new(make, sessions.into(), config);
    let app = axum::Router::new().nest_service("/mcp", service);
    guard.ready().await?;
    tokio::spawn(async move { axum::serve(listener, app.layer(layer)).await });
    Ok(issuer)
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let issuer = serve(listener, &url).await?;
    let mut all_right = true;
    for (scope, expected) in [
        ("", "- - - - 0"),
        ("mcp:prompts:read", "summary - - - 0"),
        ("books:read", "- book shelf - 2"),
        ("drafts:read mcp:prompts:read", "summary book shelf draft 2"),
    ] {
        let config = StreamableHttpClientTransportConfig::with_uri(&*url);
        let config = config.auth_header(issuer.token().scope(scope).mint());
        let transport = StreamableHttpClientTransport::from_config(config);
        let client = ().serve(transport).await?;
        let seen = look_around(&client).await;
        println!("{scope:<30} {seen}");
        all_right &= seen == expected;
    }
    Ok(ExitCode::from(u8::from(!all_right)))
}

/// What a client gets, and how many templates it sees.
async fn look_around(client: &RunningService<RoleClient, ()>) -> String {
    let prompt = client
        .get_prompt(GetPromptRequestParams::new("summary"))
        .await;
    let read = async |uri: &str| {
        let request = ReadResourceRequestParams::new(uri);
        client.read_resource(request).await.is_ok()
    };
    let seen = [
        ("summary", prompt.is_ok()),
        ("book", read("books:///moby").await),
        ("shelf", read("shelf:///moby").await),
        ("draft", read("shelf:///unfinished").await),
    ];
    let seen = seen.map(|(what, is_seen)| if is_seen { what } else { "-" });
    let templates = client.list_all_resource_templates().await;
    format!(
        "{} {}",
        seen.join(" "),
        templates.map_or(0, |all| all.len())
    )
}
