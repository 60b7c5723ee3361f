//! Proofs are worth something under the guard that let the request in, and without one nothing is.

use clearance::mcp::{Policy, any_valid_token};
use clearance::rmcp::{Authorize as _, SecureToolRouter, Secured};
use clearance::testing::Issuer;
use clearance::{AuthorizationLayer, Authorized, Guard, scopes};
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::model::{CallToolRequestParams, ErrorCode};
use rmcp::service::RequestContext;
use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceError, ServiceExt as _, tool, tool_handler,
    tool_router,
};
use serde_json::json;

use super::files::Files;
use super::stage::{Mode, Stage, last, layer, open, router, stage_of};
use crate::support::mcp::Log;
use crate::support::request::Request;
use crate::support::{FilesRead, Fixture, ToolsRead, plain, resource};

mod elsewhere {
    use super::scopes;

    scopes! {
        /// Somebody else's, with bits of its own.
        pub vocabulary Elsewhere;
        /// The bit of the fixture's first scope.
        pub First = "elsewhere:first";
    }
}
use elsewhere::{Elsewhere, First};

mod larger {
    use super::{Fixture, scopes};

    scopes! {
        /// The fixture's scopes and one more.
        pub vocabulary Larger includes Fixture;
        /// One more.
        pub More = "more";
    }
}
use larger::{Larger, More};

/// A server on rmcp's own router: nothing checks but the proofs.
#[derive(Clone)]
struct Plain {
    log: Log,
    tools: ToolRouter<Self>,
}

#[tool_router]
impl Plain {
    #[tool(description = "Demands a scope of another vocabulary")]
    async fn foreign(&self, _: Authorized<First>) -> String {
        self.log.ran("foreign");
        "foreign".to_owned()
    }

    #[tool(description = "Demands a scope of the fixture")]
    async fn own(&self, _: Authorized<FilesRead>) -> String {
        self.log.ran("own");
        "own".to_owned()
    }

    #[tool(description = "Demands a scope of a larger vocabulary")]
    async fn more(&self, _: Authorized<More>) -> String {
        self.log.ran("more");
        "more".to_owned()
    }

    #[tool(description = "Demands scopes of a larger vocabulary and of the fixture")]
    async fn both(&self, _: Authorized<(FilesRead, More)>) -> String {
        self.log.ran("both");
        "both".to_owned()
    }

    #[tool(description = "Asks without demanding")]
    async fn may(&self, cx: RequestContext<RoleServer>) -> String {
        let may = [
            cx.may::<ToolsRead>(),
            cx.may::<FilesRead>(),
            cx.may::<First>(),
            cx.may::<More>(),
            cx.may::<(FilesRead, More)>(),
            cx.may::<()>(),
        ];
        may.map(|may| if may { "yes" } else { "no" }).join(" ")
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for Plain {}

fn plain_server(log: &Log) -> Plain {
    Plain {
        log: log.clone(),
        tools: Plain::tool_router(),
    }
}

/// The server behind a guard over the fixture's vocabulary.
async fn behind_the_fixture(mode: Mode) -> Stage {
    let server = plain::server().await;
    let layer = layer(&server.guard, open());
    let service = router(Secured::new(plain_server(&server.log)), mode);
    stage_of(server, service.layer(layer), mode).await
}

/// The token has the fixture's first bit, which is also that of the foreign scope.
#[tokio::test]
async fn bits_of_another_vocabulary_mean_nothing() {
    for mode in Mode::ALL {
        let stage = behind_the_fixture(mode).await;
        for tool in ["foreign", "more", "both"] {
            let answer = stage
                .tool(tool, &json!({}), "mcp:tools.read mcp:admin")
                .await;
            let message = last(&answer);
            assert_eq!(
                message["error"]["code"], -32603,
                "{mode:?} {tool} {message}"
            );
            assert!(answer.header("www-authenticate").is_none());
            assert!(stage.server.log.take().is_empty(), "{mode:?} {tool}");
        }
        let answer = stage.tool("own", &json!({}), "files:read").await;
        assert!(last(&answer)["result"].is_object(), "{answer:?}");
        assert_eq!(stage.server.log.take(), ["own"]);
        let may = stage
            .tool("may", &json!({}), "mcp:tools.read files:read")
            .await;
        let text = &last(&may)["result"]["content"][0]["text"];
        assert_eq!(text, "yes yes no no no yes");
    }
}

async fn served_by<V: clearance::scope::Vocabulary>(
    tool: &str,
    scopes: &str,
    policy: Policy<V>,
) -> (serde_json::Value, Vec<String>) {
    let issuer = Issuer::start(resource()).await.expect("an issuer");
    let guard = Guard::<V>::builder(issuer.resource().clone());
    let guard = guard.issuer(issuer.id().clone()).build().expect("a guard");
    guard.ready().await.expect("keys");
    let log = Log::default();
    let layer = AuthorizationLayer::builder(&guard, policy).seal_keys(plain::keys());
    let layer = layer.build().expect("a layer");
    let service = router(Secured::new(plain_server(&log)), Mode::Modern).layer(layer);
    let (address, task) = crate::support::spawn(service).await;
    let request = Request::new(Mode::Modern.revision(), &format!("tools/call {tool}"));
    let token = issuer.token().scope(scopes).mint();
    let answer = crate::support::client::send(address, &request.bearer(&token)).await;
    task.abort();
    (last(&answer), log.take())
}

/// A guard over a vocabulary that includes the handler's knows what it demands.
#[tokio::test]
async fn scopes_of_an_included_vocabulary_are_known() {
    for (tool, scopes, runs) in [
        ("own", "files:read", true),
        ("more", "more", true),
        ("both", "more files:read", true),
        ("both", "more", false),
        ("foreign", "more files:read mcp:tools.read", false),
    ] {
        let policy = Policy::<Larger>::closed().tools(any_valid_token());
        let (message, ran) = served_by(tool, scopes, policy).await;
        assert_eq!(message["result"].is_object(), runs, "{tool} {message}");
        assert_eq!(!ran.is_empty(), runs, "{tool}");
    }
    let policy = Policy::<Elsewhere>::closed().tools(any_valid_token());
    let (message, ran) = served_by("foreign", "elsewhere:first", policy).await;
    assert_eq!(ran, ["foreign"], "{message}");
}

/// A router takes requests of its own guard alone, be the other one of the same vocabulary.
#[tokio::test]
async fn a_router_behind_another_guard_refuses() {
    for mode in Mode::ALL {
        let server = plain::server().await;
        let other = plain::server().await;
        let files = Files::new(&other.guard, &server.log);
        let layer = layer(&server.guard, files.policy());
        let stage = stage_of(server, router(Secured::new(files), mode).layer(layer), mode).await;
        for call in [
            "tools/call whoami",
            "prompts/get hello",
            "resources/read file:///readme",
        ] {
            let answer = stage.call(call, &json!({}), "mcp:admin").await;
            assert_eq!(
                last(&answer)["error"]["code"],
                -32603,
                "{mode:?} {answer:?}"
            );
            assert!(stage.server.log.take().is_empty());
        }
        let answer = stage.call("tools/list", &json!({}), "mcp:admin").await;
        // What anybody may use is no secret; the rest is another guard's.
        let tools = last(&answer)["result"]["tools"].take();
        assert_eq!(tools.as_array().map(Vec::len), Some(1), "{tools}");
    }
}

/// Without a layer in front nobody is let in, whatever token they show.
#[tokio::test]
async fn without_a_layer_nothing_runs() {
    for mode in Mode::ALL {
        let server = plain::server().await;
        let files = Files::new(&server.guard, &server.log);
        let stage = stage_of(server, router(files.clone(), mode), mode).await;
        for (call, params) in [
            ("tools/call whoami", json!({})),
            ("tools/call read", json!({ "arguments": { "path": "a" } })),
            ("prompts/get hello", json!({})),
            ("resources/read file:///readme", json!({})),
            ("resources/list", json!({})),
        ] {
            let answer = stage.call(call, &params, "mcp:admin").await;
            assert_eq!(
                last(&answer)["error"]["code"],
                40100,
                "{mode:?} {call} {answer:?}"
            );
        }
        assert!(stage.server.log.take().is_empty());
        if mode == Mode::Sessions {
            // With `Secured` there is not even a session.
            continue;
        }
        let server = plain::server().await;
        let stage = stage_of(server, router(Secured::new(files), mode), mode).await;
        for call in ["tools/list", "tools/call whoami", "prompts/list"] {
            let answer = stage.call(call, &json!({}), "mcp:admin").await;
            assert_eq!(
                last(&answer)["error"]["code"],
                40100,
                "{mode:?} {call} {answer:?}"
            );
        }
    }
}

/// Nobody is authorized on stdio.
#[tokio::test]
async fn over_stdio_nothing_runs() {
    let server = plain::server().await;
    let files = Files::new(&server.guard, &server.log);
    let (ours, theirs) = tokio::io::duplex(4096);
    let running =
        tokio::spawn(async move { files.serve(ours).await.expect("a session").waiting().await });
    let client = ().serve(theirs).await.expect("a session");
    let error = client.call_tool(CallToolRequestParams::new("whoami")).await;
    let Err(ServiceError::McpError(ErrorData { code, .. })) = error else {
        panic!("it ran: {error:?}");
    };
    assert_eq!(code, ErrorCode(40100));
    assert!(server.log.take().is_empty());
    drop(client.cancel().await);
    drop(running.await);

    let files = Secured::new(Files::new(&server.guard, &server.log));
    let (ours, theirs) = tokio::io::duplex(4096);
    let running = tokio::spawn(async move { files.serve(ours).await.map(drop) });
    let refused = ().serve(theirs).await;
    assert!(refused.is_err(), "a session without a caller");
    assert!(running.await.expect("no panic").is_err());
}

#[test]
fn a_name_that_stands_twice_is_an_error_at_start() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let server = runtime.expect("a runtime").block_on(plain::server());
    let files = Files::new(&server.guard, &server.log);
    let again = SecureToolRouter::new(&server.guard).tool(again_tool_attr(), again);
    let again: SecureToolRouter<Files, Fixture> = again;
    let policy = files.policy().include(&again);
    let layer = AuthorizationLayer::builder(&server.guard, policy).seal_keys(plain::keys());
    let error = layer.build().expect_err("two of them").to_string();
    assert!(
        error.starts_with("the tool `read` has two rules: "),
        "{error}"
    );
    assert!(
        error.contains("files.rs:") && error.contains("guards.rs:"),
        "{error}"
    );
}

#[tool(name = "read", description = "Reads as well")]
async fn again(_: Authorized<()>) -> String {
    String::new()
}
