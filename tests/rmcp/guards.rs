//! Proofs are worth something under the guard that let the request in, and without one nothing is.

use clearance::mcp::{Policy, any_valid_token};
use clearance::rmcp::{
    Authorize as _, SecurePromptRouter, SecureResourceRouter, SecureToolRouter, Secured,
};
use clearance::scope::{Cons, Declared, Nil, NoScopes, Place, Vocabulary};
use clearance::testing::Issuer;
use clearance::{AuthorizationLayer, Authorized, Guard, scopes};
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::model::{
    CallToolRequestParams, CompleteRequestParams, CompleteResult, ErrorCode, PromptMessage,
    Resource, ResourceTemplate, Role,
};
use rmcp::service::RequestContext;
use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceError, ServiceExt as _, prompt, prompt_handler,
    prompt_router, tool, tool_handler, tool_router,
};
use serde_json::json;

use super::files::Files;
use super::stage::{Mode, Stage, last, layer, open, router, stage_of};
use crate::support::mcp::Log;
use crate::support::request::Request;
use crate::support::{FilesRead, Fixture, Logs, ToolsRead, plain, resource};

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

/// A vocabulary that lists a part of another one: its own scope has the bit of what it leaves out.
struct Part;
struct Mine;

impl Vocabulary for Part {
    type List = Cons<ToolsRead, Cons<Mine, Nil>>;
}

impl Declared for Mine {
    const TEXT: &'static str = "mine";
    type Home = Part;
    type Place = Place<NoScopes, 1>;
    type Includes = Nil;
}

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

    #[tool(description = "Asks by itself")]
    async fn ask(&self, cx: RequestContext<RoleServer>) -> Result<String, ErrorData> {
        let _proof = cx.authorize::<FilesRead>()?;
        self.log.ran("ask");
        Ok("asked".to_owned())
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

#[prompt_router]
impl Plain {
    /// Greets.
    #[prompt]
    async fn greet(&self, _: Authorized<FilesRead>) -> Vec<PromptMessage> {
        self.log.ran("greet");
        vec![PromptMessage::new_text(Role::User, "hello")]
    }
}

#[tool_handler(router = self.tools)]
#[prompt_handler(router = Self::prompt_router())]
impl ServerHandler for Plain {
    async fn complete(
        &self,
        _: CompleteRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let _proof = cx.authorize::<FilesRead>()?;
        self.log.ran("complete");
        Ok(CompleteResult::default())
    }
}

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

/// There is one more record of a refusal for this reason since the last time, by nobody's guard.
#[track_caller]
fn refused_once(logs: &Logs, why: &str) {
    let text = logs.text();
    let records = |text: &str| {
        text.matches(" clearance: a request was refused behind its guard")
            .count()
    };
    let last = text.lines().rfind(|line| records(line) == 1);
    let line = last.unwrap_or_else(|| panic!("no record: {text}"));
    assert!(
        line.ends_with(&format!("decision=\"refused\" why=\"{why}\"")),
        "{line}"
    );
    logs.forget();
    assert_eq!(records(&text), 1, "{text}");
}

/// The token has the fixture's first bit, which is also that of the foreign scope.
#[tokio::test]
async fn bits_of_another_vocabulary_mean_nothing() {
    let logs = Logs::capture();
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
            refused_once(
                &logs,
                "a handler demands a scope that its guard does not know",
            );
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

async fn served_by<V: Vocabulary>(
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
    // Two guards over two vocabularies, one of which lists a part of the other: `mine` is the bit of
    // `files:read`, and of nothing that the handlers know.
    for (tool, scopes) in [
        ("own", "mine"),
        ("ask", "mine"),
        ("own", "mcp:tools.read mine"),
    ] {
        let policy = Policy::<Part>::closed().tools(any_valid_token());
        let (message, ran) = served_by(tool, scopes, policy).await;
        assert_eq!(message["error"]["code"], -32603, "{tool} {message}");
        assert!(ran.is_empty(), "{tool}");
    }
    let policy = Policy::<Elsewhere>::closed().tools(any_valid_token());
    let (message, ran) = served_by("foreign", "elsewhere:first", policy).await;
    assert_eq!(ran, ["foreign"], "{message}");
}

/// A router takes requests of its own guard alone, be the other one of the same vocabulary.
#[tokio::test]
async fn a_router_behind_another_guard_refuses() {
    let logs = Logs::capture();
    for mode in Mode::ALL {
        let server = plain::server().await;
        let other = plain::server().await;
        let files = Files::new(&other.guard, &server.log);
        let builder = AuthorizationLayer::builder(&server.guard, files.policy());
        let error = builder
            .seal_keys(plain::keys())
            .build()
            .expect_err("theirs");
        let error = error.to_string();
        assert!(error.contains("files.rs:"), "{error}");
        assert!(
            error.ends_with("belongs to another guard than the layer"),
            "{error}"
        );

        let layer = layer(&server.guard, open());
        let stage = stage_of(server, router(Secured::new(files), mode).layer(layer), mode).await;
        for call in [
            "tools/call whoami",
            "prompts/get hello",
            "resources/read file:///readme",
            "resources/read file:///nothing",
        ] {
            let answer = stage.call(call, &json!({}), "mcp:admin").await;
            assert_eq!(
                last(&answer)["error"]["code"],
                -32603,
                "{mode:?} {answer:?}"
            );
            assert!(stage.server.log.take().is_empty());
            let why = "another guard let the request in than that of the router";
            refused_once(&logs, why);
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

        // rmcp's own routers and methods, where nothing checks but the proofs.
        let server = plain::server().await;
        let handler = plain_server(&server.log);
        let stage = stage_of(server, router(handler, mode), mode).await;
        let completion = json!({
            "ref": { "type": "ref/prompt", "name": "greet" },
            "argument": { "name": "path", "value": "a" }
        });
        for (call, params) in [
            ("tools/call own", json!({})),
            ("tools/call ask", json!({})),
            ("prompts/get greet", json!({})),
            ("completion/complete", completion),
        ] {
            let answer = stage.call(call, &params, "mcp:admin").await;
            assert_eq!(
                last(&answer)["error"]["code"],
                40100,
                "{mode:?} {call} {answer:?}"
            );
        }
        let answer = stage.tool("may", &json!({}), "mcp:admin files:read").await;
        let text = &last(&answer)["result"]["content"][0]["text"];
        assert_eq!(text, "no no no no no no", "{answer:?}");
        assert!(stage.server.log.take().is_empty());

        if mode == Mode::Sessions {
            // With `Secured` there is not even a session.
            let server = plain::server().await;
            let stage = stage_of(server, router(Secured::new(files), mode), mode).await;
            let answer = stage.send(&Stage::hello().bearer("anything")).await;
            assert_eq!(last(&answer)["error"]["code"], 40100, "{answer:?}");
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
    let logs = Logs::capture();
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
    refused_once(&logs, "it came past every authorization layer");
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

#[tokio::test]
async fn a_name_that_stands_twice_is_an_error_at_start() {
    let server = plain::server().await;
    let guard = &server.guard;
    let refused = |policy| {
        let layer = AuthorizationLayer::builder(guard, policy).seal_keys(plain::keys());
        layer.build().expect_err("two of them").to_string()
    };
    let tools = || SecureToolRouter::<Files, Fixture>::new(guard);
    let prompts = || SecurePromptRouter::<Files, Fixture>::new(guard);
    let resources = || SecureResourceRouter::<Files, Fixture>::new(guard);
    let readme = || Resource::new("file:///twice", "twice");
    let templates = ["file:///{a}", "file:///{b}"].map(|uri| ResourceTemplate::new(uri, "twice"));
    let [first, second] = templates;

    // In two routers, and in one.
    let files = Files::new(guard, &server.log);
    let again_read = tools().tool(again_tool_attr(), again);
    let error = refused(files.policy().include(&again_read));
    assert!(
        error.starts_with("the tool `read` has two rules: "),
        "{error}"
    );
    assert!(
        error.contains("files.rs:") && error.contains("guards.rs:"),
        "{error}"
    );
    let twice = tools()
        .tool(again_tool_attr(), again)
        .tool(again_tool_attr(), again);
    let error = refused(Policy::closed().include(&twice));
    assert!(
        error.starts_with("the tool `read` has two rules: "),
        "{error}"
    );
    assert_eq!(error.matches("guards.rs:").count(), 2, "{error}");
    let twice = prompts()
        .prompt(once_more_prompt_attr(), once_more)
        .prompt(once_more_prompt_attr(), once_more);
    let error = refused(Policy::closed().include(&twice));
    assert!(
        error.starts_with("the prompt `once_more` has two rules: "),
        "{error}"
    );
    let twice = resources()
        .resource(readme(), Files::readme)
        .resource(readme(), Files::readme);
    let error = refused(Policy::closed().include(&twice));
    assert!(
        error.starts_with("the resource `file:///twice` has two rules: "),
        "{error}"
    );
    let twice = resources()
        .template(first, Files::readme)
        .template(second, Files::readme);
    let error = refused(Policy::closed().include(&twice));
    assert!(
        error.starts_with("the resource `file:///{b}` has two rules: "),
        "{error}"
    );
}

/// Once more.
#[prompt]
async fn once_more(_: Authorized<()>) -> Result<Vec<PromptMessage>, ErrorData> {
    Ok(Vec::new())
}

#[tool(name = "read", description = "Reads as well")]
async fn again(_: Authorized<()>) -> String {
    String::new()
}
