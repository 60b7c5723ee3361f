//! A files server on rmcp behind the layer, and requests for it.
//!
//! | what | demands |
//! | --- | --- |
//! | tool `whoami` | any valid token |
//! | tool `read` | `files:read` |
//! | tool `write` | `files:read` and `files:write` |
//! | tool `either` | `a` or `b` |
//! | tool `delete` | `mcp:admin` |
//! | tool `copy` | `files:read`, and `files:write` if the arguments say `over` |
//! | tool `shrug` | `files:read`; it asks for `files:write` and goes on without |
//! | tool `report` | `files:read`, tells of progress, then asks for `files:write` |
//! | tools `echo` and `shout`, prompts `greet`, `wave`, `ask` and `beg` | `files:read` |
//! | prompt `hello` | any valid token |
//! | resource `file:///readme` | any valid token |
//! | resources `file:///pub/{name}` | `files:read` |
//! | resources `file:///private/{*path}` | `mcp:admin` |
//! | `completion/complete` | `b`, asked for by the method itself |
//! | lists | any valid token |

use std::sync::Arc;

use clearance::mcp::method::{
    CompletionComplete, PromptsList, ResourcesList, ResourcesTemplatesList, ToolsList,
};
use clearance::mcp::{Policy, any_valid_token};
use clearance::rmcp::{
    Authorize as _, ResourceUri, SecurePromptRouter, SecureResourceRouter, SecureToolRouter,
};
use clearance::scope::AnyOf;
use clearance::{Authorized, Caller, Guard};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    CompleteRequestParams, CompleteResult, ListResourceTemplatesResult, ListResourcesResult,
    PaginatedRequestParams, ProgressNotificationParam, PromptMessage, ReadResourceRequestParams,
    ReadResourceResponse, Resource, ResourceTemplate, Role, ServerCapabilities, ServerConfig,
};
use rmcp::schemars::{self, JsonSchema};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, prompt, prompt_handler, tool, tool_handler};
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::support::mcp::Log;
use crate::support::{FilesRead, FilesWrite, Fixture, McpAdmin, ScopeA, ScopeB};

#[derive(Clone)]
pub(super) struct Files {
    tools: SecureToolRouter<Self, Fixture>,
    prompts: SecurePromptRouter<Self, Fixture>,
    resources: SecureResourceRouter<Self, Fixture>,
    log: Log,
    /// One permit for each `report` that told of its progress.
    gate: Arc<Semaphore>,
}

#[derive(Deserialize, JsonSchema)]
struct File {
    path: String,
}

#[derive(Deserialize, JsonSchema)]
struct Copy {
    #[serde(default)]
    over: bool,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl Files {
    #[tool(description = "Who am I?")]
    async fn whoami(&self, _: Authorized<()>, caller: Caller) -> String {
        self.log.ran("whoami");
        caller.subject().to_string()
    }

    #[tool(description = "Read a file")]
    async fn read(
        &self,
        _: Authorized<FilesRead>,
        Parameters(File { path }): Parameters<File>,
    ) -> Result<String, String> {
        self.log.ran("read");
        Ok(path)
    }

    // Not async.
    #[tool(description = "Write a file")]
    fn write(
        &self,
        auth: Authorized<(FilesRead, FilesWrite)>,
        Parameters(File { path }): Parameters<File>,
    ) -> String {
        self.log.ran("write");
        format!("{} wrote {path}", auth.subject())
    }

    #[tool(description = "One of two")]
    async fn either(&self, _: Authorized<AnyOf<(ScopeA, ScopeB)>>) -> String {
        self.log.ran("either");
        "one of them".to_owned()
    }

    #[tool(description = "Delete everything")]
    async fn delete(&self, auth: Authorized<McpAdmin>) -> String {
        self.log.ran("delete");
        format!("{} deleted it", auth.subject())
    }

    #[tool(description = "Copy a file")]
    async fn copy(
        &self,
        _: Authorized<FilesRead>,
        Parameters(Copy { over }): Parameters<Copy>,
        cx: RequestContext<RoleServer>,
    ) -> Result<String, ErrorData> {
        if over {
            let _proof = cx.authorize::<FilesWrite>()?;
        }
        self.log.ran("copy");
        Ok("copied".to_owned())
    }

    #[tool(description = "Ask and go on without")]
    async fn shrug(
        &self,
        _: Authorized<FilesRead>,
        Parameters(File { path }): Parameters<File>,
        cx: RequestContext<RoleServer>,
    ) -> Result<String, ErrorData> {
        self.log.ran("shrug");
        let refused = cx.authorize::<FilesWrite>().err();
        match (&*path, refused) {
            ("another error", Some(error)) => Err(ErrorData::invalid_params(error.message, None)),
            ("the same, changed", Some(mut error)) => {
                error.message = "a story".into();
                Err(error)
            }
            (_, refused) => Ok(format!("refused: {}", refused.is_some())),
        }
    }

    #[tool(description = "Tell of progress, then ask")]
    async fn report(
        &self,
        _: Authorized<FilesRead>,
        cx: RequestContext<RoleServer>,
    ) -> Result<String, ErrorData> {
        if let Some(token) = cx.meta.get_progress_token() {
            let progress = ProgressNotificationParam::new(token, 1.0);
            cx.peer.notify_progress(progress).await.expect("told");
            self.gate.acquire().await.expect("open").forget();
        }
        let _proof = cx.authorize::<FilesWrite>()?;
        self.log.ran("report");
        Ok("reported".to_owned())
    }

    /// Says hello.
    #[prompt]
    async fn hello(&self, _: Authorized<()>) -> Vec<PromptMessage> {
        self.log.ran("hello");
        vec![PromptMessage::new_text(Role::User, "hello")]
    }

    /// Greets somebody.
    #[prompt]
    async fn greet(
        &self,
        auth: Authorized<FilesRead>,
        Parameters(File { path }): Parameters<File>,
    ) -> Result<Vec<PromptMessage>, ErrorData> {
        self.log.ran("greet");
        let text = format!("{} greets {path}", auth.subject());
        Ok(vec![PromptMessage::new_text(Role::User, text)])
    }

    /// Waves.
    #[prompt]
    fn wave(&self, _: Authorized<FilesRead>) -> Vec<PromptMessage> {
        self.log.ran("wave");
        vec![PromptMessage::new_text(Role::User, "wave")]
    }

    pub(super) async fn readme(&self, _: Authorized<()>) -> String {
        self.log.ran("readme");
        "read me".to_owned()
    }

    async fn public(
        &self,
        _: Authorized<FilesRead>,
        Parameters(Named { name }): Parameters<Named>,
        ResourceUri(uri): ResourceUri,
    ) -> Result<String, ErrorData> {
        self.log.ran("public");
        Ok(format!("{name} at {uri}"))
    }

    async fn private(
        &self,
        _: Authorized<McpAdmin>,
        cx: RequestContext<RoleServer>,
    ) -> Result<String, ErrorData> {
        self.log.ran("private");
        let caller = cx.caller().expect("a caller");
        Ok(format!("secret of {}", caller.subject()))
    }

    pub(super) fn new(guard: &Guard<Fixture>, log: &Log) -> Self {
        let readme = Resource::new("file:///readme", "readme");
        let public = ResourceTemplate::new("file:///pub/{name}", "public");
        let private = ResourceTemplate::new("file:///private/{*path}", "private");
        Self {
            tools: SecureToolRouter::new(guard)
                .tool(Self::whoami_tool_attr(), Self::whoami)
                .tool(Self::read_tool_attr(), Self::read)
                .tool(Self::write_tool_attr(), Self::write)
                .tool(Self::either_tool_attr(), Self::either)
                .tool(Self::delete_tool_attr(), Self::delete)
                .tool(echo_tool_attr(), echo)
                .tool(shout_tool_attr(), shout)
                .tool(Self::copy_tool_attr(), Self::copy)
                .tool(Self::shrug_tool_attr(), Self::shrug)
                .tool(Self::report_tool_attr(), Self::report),
            prompts: SecurePromptRouter::new(guard)
                .prompt(Self::hello_prompt_attr(), Self::hello)
                .prompt(Self::greet_prompt_attr(), Self::greet)
                .prompt(Self::wave_prompt_attr(), Self::wave)
                .prompt(ask_prompt_attr(), ask)
                .prompt(beg_prompt_attr(), beg),
            resources: SecureResourceRouter::new(guard)
                .resource(readme, Self::readme)
                .template(public, Self::public)
                .template(private, Self::private),
            log: log.clone(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    pub(super) fn gate(&self) -> Arc<Semaphore> {
        Arc::clone(&self.gate)
    }

    pub(super) fn policy(&self) -> Policy<Fixture> {
        Policy::closed()
            .include(&self.tools)
            .include(&self.prompts)
            .include(&self.resources)
            .method(ToolsList, any_valid_token())
            .method(PromptsList, any_valid_token())
            .method(ResourcesList, any_valid_token())
            .method(ResourcesTemplatesList, any_valid_token())
            .method(CompletionComplete, any_valid_token())
    }
}

// Functions, not methods; what they were called with says that they ran.
#[tool(description = "Say it")]
async fn echo(_: Authorized<FilesRead>, Parameters(File { path }): Parameters<File>) -> String {
    format!("echo {path}")
}

#[tool(description = "Say it loud")]
fn shout(_: Authorized<FilesRead>, Parameters(File { path }): Parameters<File>) -> String {
    format!("shout {path}")
}

/// Asks.
#[prompt]
async fn ask(_: Authorized<FilesRead>) -> Result<Vec<PromptMessage>, ErrorData> {
    Ok(vec![PromptMessage::new_text(Role::User, "ask")])
}

/// Begs.
#[prompt]
fn beg(_: Authorized<FilesRead>) -> Result<Vec<PromptMessage>, ErrorData> {
    Ok(vec![PromptMessage::new_text(Role::User, "beg")])
}

#[tool_handler(router = self.tools)]
#[prompt_handler(router = self.prompts)]
impl ServerHandler for Files {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder();
        let capabilities = capabilities.enable_tools().enable_prompts();
        let capabilities = capabilities.enable_resources().enable_completions();
        ServerConfig::new(capabilities.build())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.resources.read(self, request, cx).await
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        cx: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        self.resources.list(&cx)
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        cx: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.resources.list_templates(&cx)
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let _proof = cx.authorize::<ScopeB>()?;
        self.log.ran("complete");
        Ok(CompleteResult::default())
    }
}
