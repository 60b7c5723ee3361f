//! Tasks: the server within knows its own ids, clients know sealed ones, and nobody knows another's.

use clearance::Authorized;
use clearance::mcp::{Policy, any_valid_token};
use clearance::rmcp::{Authorize as _, SecureToolRouter, Secured};
use clearance::scope::AnyOf;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CreateTaskResult, CustomRequest,
    CustomResult, DetailedTask, GetTaskParams, GetTaskResult, ServerCapabilities, ServerConfig,
    Task, TaskPayload, TaskStatus, Tool, UpdateTaskParams,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, tool};
use serde_json::{Value, json};

use super::stage::{Mode, Stage, assert_challenges, last, layer, router, stage_of};
use crate::support::mcp::Log;
use crate::support::request::Request;
use crate::support::{Answer, FilesRead, FilesWrite, Fixture, ScopeA, ScopeB, plain};

#[derive(Clone)]
struct Worker {
    tools: SecureToolRouter<Self, Fixture>,
    log: Log,
}

const AT: &str = "2026-01-01T00:00:00Z";

#[tool(description = "Takes long")]
async fn long(_: Authorized<FilesRead>) -> CallToolResponse {
    begun()
}

#[tool(description = "Takes long, and asks first")]
async fn late(
    _: Authorized<()>,
    cx: RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let _proof = cx.authorize::<(FilesWrite, AnyOf<(ScopeA, ScopeB)>)>()?;
    Ok(begun())
}

fn begun() -> CallToolResponse {
    CreateTaskResult::new(Task::new("task-1", TaskStatus::Working, AT, AT)).into()
}

impl ServerHandler for Worker {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_tasks();
        ServerConfig::new(capabilities.build())
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let context = rmcp::handler::server::tool::ToolCallContext::new(self, call, cx);
        self.tools.call(context).await
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.get(name).cloned()
    }

    async fn get_task(
        &self,
        of: GetTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        self.log.ran(format!("get {}", of.task_id));
        let task = Task::new(of.task_id, TaskStatus::Working, AT, AT);
        Ok(GetTaskResult::new(DetailedTask::new(
            task,
            TaskPayload::Working {},
        )))
    }

    async fn update_task(
        &self,
        of: UpdateTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.log.ran(format!("update {}", of.task_id));
        Ok(())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let id = request.params.unwrap_or_default()["taskId"].take();
        self.log.ran(format!("{} {id}", request.method));
        Ok(CustomResult::new(json!({})))
    }

    async fn cancel_task(
        &self,
        of: CancelTaskParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.log.ran(format!("cancel {}", of.task_id));
        Ok(())
    }
}

async fn worker(change: impl FnOnce(Policy<Fixture>) -> Policy<Fixture>) -> Stage {
    worker_under(|tools| change(Policy::closed().include(tools))).await
}

async fn worker_under(
    policy: impl FnOnce(&SecureToolRouter<Worker, Fixture>) -> Policy<Fixture>,
) -> Stage {
    let server = plain::server().await;
    let handler = Worker {
        tools: SecureToolRouter::new(&server.guard)
            .tool(long_tool_attr(), long)
            .tool(late_tool_attr(), late),
        log: server.log.clone(),
    };
    let policy = policy(&handler.tools);
    let layer = layer(&server.guard, policy);
    let router = router(Secured::new(handler), Mode::Modern).layer(layer);
    stage_of(server, router, Mode::Modern).await
}

async fn ask(stage: &Stage, call: &str, params: &Value, token: &str) -> Answer {
    let request = Request::new(Mode::Modern.revision(), call).bearer(token);
    let capabilities = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let meta = json!({ "io.modelcontextprotocol/clientCapabilities": capabilities });
    let request = request.patched(&json!({ "params": params }));
    let mut request = request.patched(&json!({ "params": { "_meta": meta } }));
    if let Some(id) = params["taskId"].as_str() {
        request = request.with("mcp-name", id);
    }
    stage.send(&request).await
}

/// RS-107: a task is its owner's, under the id that clients know.
#[tokio::test]
async fn an_id_is_sealed_for_the_owner() {
    let stage = worker(Policy::tasks).await;
    let token = |name| stage.server.scoped("files:read").subject(name).mint();
    let (alice, bob) = (token("alice"), token("bob"));
    let answer = ask(&stage, "tools/call long", &json!({}), &alice).await;
    let message = last(&answer);
    let id = message["result"]["taskId"]
        .as_str()
        .expect("a task")
        .to_owned();
    assert_ne!(id, "task-1", "{answer:?}");
    let about = json!({ "taskId": id });

    let answer = ask(&stage, "tasks/get", &about, &alice).await;
    let message = last(&answer);
    assert_eq!(message["result"]["taskId"], id, "{answer:?}");
    assert_eq!(message["result"]["status"], "working");
    assert_eq!(stage.server.log.take(), ["get task-1"]);
    let answers = json!({ "taskId": id, "inputResponses": {} });
    ask(&stage, "tasks/update", &answers, &alice).await;
    ask(&stage, "tasks/cancel", &about, &alice).await;
    assert_eq!(stage.server.log.take(), ["update task-1", "cancel task-1"]);
    // A method that rmcp does not know by itself.
    let answer = ask(&stage, "tasks/result", &about, &alice).await;
    assert!(last(&answer).get("result").is_some(), "{answer:?}");
    assert_eq!(stage.server.log.take(), ["tasks/result \"task-1\""]);

    // Somebody else's, guessed, or after the scope is gone.
    let weak = stage.server.scoped("a").subject("alice").mint();
    for (id, token) in [
        (&*id, &bob),
        ("task-1", &alice),
        ("task-1", &bob),
        (&*id, &weak),
    ] {
        for method in ["tasks/get", "tasks/update", "tasks/cancel", "tasks/result"] {
            let about = json!({ "taskId": id, "inputResponses": {} });
            let answer = ask(&stage, method, &about, token).await;
            assert!(last(&answer).get("error").is_some(), "{method} {answer:?}");
            assert!(stage.server.log.take().is_empty(), "{method} {id}");
        }
    }
}

/// A task whose owner could never ask for it is not begun in silence.
#[tokio::test]
async fn where_the_policy_closes_tasks_there_are_none() {
    let stage = worker(|policy| policy).await;
    let token = stage.server.token("files:read");
    let answer = ask(&stage, "tools/call long", &json!({}), &token).await;
    let message = last(&answer);
    assert_eq!(message["error"]["code"], -32603, "{answer:?}");
    assert!(!answer.body.contains("task-1"));
    let answer = ask(&stage, "tasks/get", &json!({ "taskId": "task-1" }), &token).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    assert!(stage.server.log.take().is_empty());
}

/// Whoever asks for a task needs what its handlers asked for, and not only what the policy says.
#[tokio::test]
async fn a_task_needs_what_its_handlers_asked_for() {
    let open = |_: &SecureToolRouter<Worker, Fixture>| Policy::closed().tools(any_valid_token());
    let stage = worker_under(|tools| open(tools).tasks()).await;
    for (tool, strong, other, weak, asked) in [
        ("long", "files:read", "mcp:admin", "a", "files:read a"),
        (
            "late",
            "files:write b",
            "mcp:admin a",
            "files:write",
            "a files:write",
        ),
        (
            "late",
            "files:write a b",
            "files:write a",
            "files:read b",
            "files:write b files:read",
        ),
    ] {
        let token = |scopes| stage.server.scoped(scopes).subject("alice").mint();
        let (strong, other, weak) = (token(strong), token(other), token(weak));
        let call = format!("tools/call {tool}");
        let answer = ask(&stage, &call, &json!({}), &strong).await;
        let message = last(&answer);
        let id = message["result"]["taskId"].as_str();
        let id = id.unwrap_or_else(|| panic!("no task: {answer:?}"));
        for method in ["tasks/get", "tasks/update", "tasks/cancel", "tasks/result"] {
            let about = json!({ "taskId": id, "inputResponses": {} });
            let answer = ask(&stage, method, &about, &weak).await;
            assert_challenges(&answer, asked);
            assert!(stage.server.log.take().is_empty(), "{method}");
            // Another token of the caller's, which could have made the same call.
            for token in [&strong, &other] {
                let answer = ask(&stage, method, &about, token).await;
                assert!(last(&answer).get("result").is_some(), "{method} {answer:?}");
                assert_eq!(stage.server.log.take().len(), 1, "{method}");
            }
        }
    }
}
