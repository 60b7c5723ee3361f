//! A handler that claims a proof and does without it.

use std::future::ready;
use std::pin::Pin;

use clearance::Authorized;
use clearance::mcp::Policy;
use clearance::rmcp::{SecurePromptRouter, SecureToolRouter, Secured};
use rmcp::handler::server::prompt::{GetPromptHandler, PromptContext};
use rmcp::handler::server::tool::{AsyncMethodAdapter, CallToolHandler, ToolCallContext};
use rmcp::model::{
    CallToolResponse, CallToolResult, GetPromptResponse, GetPromptResult, JsonObject, Prompt, Tool,
};
use rmcp::{ErrorData, ServerHandler, prompt_handler, tool_handler};
use serde_json::json;

use super::stage::{Mode, last, layer, open, router, stage_of};
use crate::support::mcp::Log;
use crate::support::{FilesRead, Fixture, plain};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// It says that it takes a proof of `FilesRead`, and takes nothing.
#[derive(Clone)]
struct Liar(Log);

impl<H> CallToolHandler<H, AsyncMethodAdapter<(Authorized<FilesRead>,), String>> for Liar {
    fn call(self, _: ToolCallContext<'_, H>) -> Boxed<'_, Result<CallToolResponse, ErrorData>> {
        self.0.ran("liar");
        Box::pin(ready(Ok(CallToolResult::success(Vec::new()).into())))
    }
}

impl<H> GetPromptHandler<H, (Authorized<FilesRead>,)> for Liar {
    fn handle(self, _: PromptContext<'_, H>) -> Boxed<'_, Result<GetPromptResponse, ErrorData>> {
        self.0.ran("liar");
        Box::pin(ready(Ok(GetPromptResult::new(Vec::new()).into())))
    }
}

#[derive(Clone)]
struct Server {
    tools: SecureToolRouter<Self, Fixture>,
    prompts: SecurePromptRouter<Self, Fixture>,
}

#[tool_handler(router = self.tools)]
#[prompt_handler(router = self.prompts)]
impl ServerHandler for Server {}

#[tokio::test]
async fn what_a_type_claims_is_what_is_checked() {
    for (mode, is_open) in Mode::ALL
        .into_iter()
        .flat_map(|mode| [(mode, false), (mode, true)])
    {
        let server = plain::server().await;
        let liar = Liar(server.log.clone());
        let tool = Tool::new("liar", "lies", JsonObject::default());
        let handler = Server {
            tools: SecureToolRouter::new(&server.guard).tool(tool, liar.clone()),
            prompts: SecurePromptRouter::new(&server.guard)
                .prompt(Prompt::new("liar", Some("lies"), None), liar),
        };
        let policy = if is_open {
            open()
        } else {
            Policy::closed()
                .include(&handler.tools)
                .include(&handler.prompts)
        };
        let layer = layer(&server.guard, policy);
        let stage = stage_of(
            server,
            router(Secured::new(handler), mode).layer(layer),
            mode,
        )
        .await;
        for call in ["tools/call liar", "prompts/get liar"] {
            let answer = stage.call(call, &json!({}), "files:write").await;
            assert_eq!(last(&answer)["error"]["code"], 40300, "{mode:?} {answer:?}");
            assert!(stage.server.log.take().is_empty(), "{mode:?} {call}");
            let answer = stage.call(call, &json!({}), "files:read").await;
            assert!(last(&answer)["result"].is_object(), "{mode:?} {answer:?}");
            assert_eq!(stage.server.log.take(), ["liar"]);
        }
    }
}
