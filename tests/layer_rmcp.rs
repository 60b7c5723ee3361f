//! A server that nobody here wrote behind the layer: that of the official SDK, `rmcp`, which keeps
//! sessions and asks nobody whose they are. Each attack on a session is shown to succeed on the server
//! as it is, and to fail on the same server behind the layer, while the owner goes on.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_in_result,
    reason = "a test that cannot go on must panic"
)]

mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clearance::mcp::method::ToolsList;
use clearance::mcp::{Kind, Policy, any_valid_token, requires};
use clearance::{AuthorizationLayer, Caller};
use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientConfig, ContentBlock,
    ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema,
    JsonObject, ListToolsResult, PaginatedRequestParams, ProtocolVersion, ServerCapabilities,
    ServerConfig, ServerRequest, Tool,
};
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt as _, NotificationContext, RequestContext,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ClientHandler, ErrorData, RoleClient, RoleServer, ServerHandler};
use serde_json::{Value, json};
use support::client::{Stream, open, send, soon};
use support::mcp::{McpServer, REVISIONS};
use support::request::{MODERN, Request, whole};
use support::service::{LEGACY, Service, behind, usual};
use support::{Answer, Fixture, ToolsRead, plain, raw, spawn};
use tokio::sync::{Semaphore, mpsc};

// ---- the server

/// What the tools of all sessions share.
#[derive(Clone)]
struct Desk {
    /// One permit for each answer of `slow`.
    answers: Arc<Semaphore>,
    ran: Arc<AtomicU64>,
}

fn text(text: impl Into<String>) -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::text(text.into())]).into()
}

impl ServerHandler for Desk {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |name| Tool::new(name, "what it says", JsonObject::default());
        let tools = ["whoami", "slow", "announce", "ask"].map(tool);
        Ok(ListToolsResult::with_all_items(tools.into()))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.ran.fetch_add(1, Ordering::SeqCst);
        match &*call.name {
            "whoami" => {
                let parts = cx.extensions.get::<Parts>();
                let caller = parts.and_then(|parts| parts.extensions.get::<Caller>());
                let who = caller.map(|caller| caller.subject().to_string());
                Ok(text(who.unwrap_or_else(|| "nobody".to_owned())))
            }
            "slow" => {
                let answer = self.answers.acquire().await.expect("open");
                answer.forget();
                Ok(text("the secret"))
            }
            "announce" => {
                let told = cx.peer.notify_tool_list_changed().await;
                told.expect("a session");
                Ok(text("told"))
            }
            "ask" => {
                let params = ElicitRequestParams::FormElicitationParams {
                    meta: None,
                    message: "really?".to_owned(),
                    requested_schema: ElicitationSchema::new(BTreeMap::new()),
                };
                let asked = ServerRequest::ElicitRequest(ElicitRequest::new(params));
                let answer = cx.peer.send_request(asked).await;
                Ok(text(format!("{answer:?}")))
            }
            other => Err(ErrorData::invalid_params(other.to_owned(), None)),
        }
    }
}

fn desk() -> Desk {
    Desk {
        answers: Arc::new(Semaphore::new(0)),
        ran: Arc::default(),
    }
}

fn router(desk: &Desk, sessions: LocalSessionManager) -> axum::Router {
    let desk = desk.clone();
    // Names of hosts are the layer's business here.
    let config = StreamableHttpServerConfig::default().disable_allowed_hosts();
    let service = StreamableHttpService::new(move || Ok(desk.clone()), sessions.into(), config);
    axum::Router::new().nest_service("/mcp", service)
}

fn layer(server: &McpServer) -> AuthorizationLayer {
    let policy = Policy::<Fixture>::closed()
        .method(ToolsList, requires::<ToolsRead>())
        .tool("whoami", any_valid_token())
        .tool("slow", any_valid_token())
        .tool("announce", any_valid_token())
        .tool("ask", any_valid_token());
    let builder = AuthorizationLayer::builder(&server.guard, policy);
    builder.seal_keys(plain::keys()).build().expect("a layer")
}

/// The server, with the layer or without it, and two users who know the same session.
struct Stage {
    server: McpServer,
    desk: Desk,
    address: SocketAddr,
    is_guarded: bool,
    alice: String,
    bob: String,
    session: String,
}

async fn stage(is_guarded: bool) -> Stage {
    serve(desk(), LocalSessionManager::default(), is_guarded).await
}

async fn serve(desk: Desk, sessions: LocalSessionManager, is_guarded: bool) -> Stage {
    let server = plain::server().await;
    let mut router = router(&desk, sessions);
    if is_guarded {
        router = router.layer(layer(&server));
    }
    let (address, _) = spawn(router).await;
    let token = |name| server.scoped("mcp:tools.read").subject(name).mint();
    let (alice, bob) = (token("alice"), token("bob"));
    let session = begin(address, &alice).await;
    Stage {
        server,
        desk,
        address,
        is_guarded,
        alice,
        bob,
        session,
    }
}

/// Does what a client does before its first request.
async fn begin(address: SocketAddr, token: &str) -> String {
    let hello = json!({ "params": {
        "protocolVersion": LEGACY,
        "capabilities": { "elicitation": {} },
        "clientInfo": { "name": "test", "version": "1" },
    } });
    let request = Request::new(LEGACY, "initialize").patched(&hello);
    let answer = send(address, &request.bearer(token)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let session = answer.header("mcp-session-id").expect("a session");
    let said = Request::new(LEGACY, "notifications/initialized").bearer(token);
    let answer = send(address, &said.with("mcp-session-id", session)).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    session.to_owned()
}

/// The last message of an answer that is a stream.
fn last(answer: &Answer) -> Value {
    let events = answer.body.split("\n\n");
    let data =
        events.filter_map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")));
    let last = data.filter(|data| !data.is_empty()).last();
    serde_json::from_str(last.expect("a message")).expect("JSON")
}

fn said(message: &Value) -> &str {
    let text = &message["result"]["content"][0]["text"];
    text.as_str()
        .unwrap_or_else(|| panic!("no text: {message}"))
}

/// The next message of a stream.
async fn heard(stream: &mut Stream) -> Value {
    let mut text = String::new();
    loop {
        text.push_str(&stream.next().await.expect("more"));
        let mut lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
        if let Some(data) = lines.find(|data| !data.is_empty())
            && let Ok(message) = serde_json::from_str(data)
        {
            return message;
        }
    }
}

impl Stage {
    fn request(&self, call: &str, token: &str) -> Request {
        let request = Request::new(LEGACY, call).bearer(token);
        request.with("mcp-session-id", &self.session)
    }

    async fn send(&self, request: &Request) -> Answer {
        send(self.address, request).await
    }

    fn ran(&self) -> u64 {
        self.desk.ran.load(Ordering::SeqCst)
    }

    /// That an attack came to what it must come to.
    #[track_caller]
    fn judge(&self, status: u16, succeeded: u16) {
        let expected = if self.is_guarded { 404 } else { succeeded };
        assert_eq!(status, expected, "guarded: {}", self.is_guarded);
    }

    /// The owner's session is as it was.
    async fn alice_goes_on(&self) {
        let answer = self
            .send(&self.request("tools/call whoami", &self.alice))
            .await;
        let who = if self.is_guarded { "alice" } else { "nobody" };
        assert_eq!(said(&last(&answer)), who);
    }
}

// ---- the attacks

/// RS-112: to call a tool in somebody else's session.
#[tokio::test]
async fn bob_posts_in_alices_session() {
    for is_guarded in [false, true] {
        let stage = stage(is_guarded).await;
        let answer = stage
            .send(&stage.request("tools/call whoami", &stage.bob))
            .await;
        stage.judge(answer.status, 200);
        assert_eq!(stage.ran(), u64::from(!is_guarded));
        stage.alice_goes_on().await;
    }
}

/// RS-116: to resume a stream that broke off, and get the answer that was meant for somebody else.
#[tokio::test]
async fn bob_resumes_alices_stream() {
    for is_guarded in [false, true] {
        let stage = stage(is_guarded).await;
        let call = stage.request("tools/call slow", &stage.alice);
        let (connection, mut stream) = open(stage.address, &call).await;
        let first = stream.until("\n\n").await;
        let id = first.lines().find_map(|line| line.strip_prefix("id: "));
        let id = id.expect("an id of an event").to_owned();
        // Anybody can guess what the service calls it.
        assert_eq!(id.split('.').next(), Some("0/0"));
        assert_eq!(id.contains('.'), is_guarded);
        // Her train goes into a tunnel.
        drop((connection, stream));
        support::http::eventually(|| stage.ran() == 1).await;
        let resume = |token| {
            let request = stage.request("GET", token);
            request.with("last-event-id", &id)
        };
        let (_bobs_connection, mut bobs) = open(stage.address, &resume(&stage.bob)).await;
        stage.judge(bobs.status(), 200);
        if is_guarded {
            let (_connection, mut stream) = open(stage.address, &resume(&stage.alice)).await;
            stage.desk.answers.add_permits(1);
            assert_eq!(said(&heard(&mut stream).await), "the secret");
            let bobs = String::from_utf8(bobs.rest().await).expect("text");
            assert!(!bobs.contains("secret"), "{bobs}");
        } else {
            stage.desk.answers.add_permits(1);
            assert_eq!(said(&heard(&mut bobs).await), "the secret");
        }
        stage.alice_goes_on().await;
    }
}

/// RS-116: to hear what the server tells somebody else.
#[tokio::test]
async fn bob_listens_to_alices_session() {
    for is_guarded in [false, true] {
        let stage = stage(is_guarded).await;
        let get = stage.request("GET", &stage.bob);
        let (_bobs_connection, mut bobs) = open(stage.address, &get).await;
        stage.judge(bobs.status(), 200);
        let get = stage.request("GET", &stage.alice);
        let (_connection, mut stream) = open(stage.address, &get).await;
        assert_eq!(stream.status(), 200);
        let announce = stage.request("tools/call announce", &stage.alice);
        assert_eq!(said(&last(&stage.send(&announce).await)), "told");
        let hears = if is_guarded { &mut stream } else { &mut bobs };
        let news = heard(hears).await;
        assert_eq!(news["method"], "notifications/tools/list_changed");
        stage.alice_goes_on().await;
    }
}

/// RS-115: to end somebody else's session.
#[tokio::test]
async fn bob_ends_alices_session() {
    for is_guarded in [false, true] {
        let stage = stage(is_guarded).await;
        let end = stage.send(&stage.request("DELETE", &stage.bob)).await;
        stage.judge(end.status, 202);
        if is_guarded {
            stage.alice_goes_on().await;
            let end = stage.send(&stage.request("DELETE", &stage.alice)).await;
            assert_eq!(end.status, 202);
        }
        let over = stage.send(&stage.request("ping", &stage.alice)).await;
        assert_eq!(over.status, 404);
        // The server's own words are heard without the layer alone.
        let own = "Not Found: Session not found";
        assert_eq!(over.body == own, !is_guarded, "{over:?}");
    }
}

/// An answer to the question of a server.
fn answer(id: &Value, name: &str) -> String {
    let result = json!({ "action": "accept", "content": { "by": name } });
    json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()
}

/// RS-117: to answer what somebody else was asked, in her session, in none and in one's own.
#[tokio::test]
async fn bob_answers_what_alice_was_asked() {
    for is_guarded in [false, true] {
        let stage = stage(is_guarded).await;
        let call = stage.request("tools/call ask", &stage.alice);
        let (_connection, mut stream) = open(stage.address, &call).await;
        let question = heard(&mut stream).await;
        assert_eq!(question["method"], "elicitation/create");
        let bobs = answer(&question["id"], "bob");
        let own = begin(stage.address, &stage.bob).await;
        let blind = stage.request("response", &stage.bob).body(&bobs);
        let elsewhere = blind.clone().with("mcp-session-id", &own);
        assert_eq!(stage.send(&elsewhere).await.status, 202);
        let nowhere = stage.send(&blind.clone().without("mcp-session-id")).await;
        // The layer takes it and throws it away; rmcp wants a session.
        let expected = if is_guarded { 202 } else { 400 };
        assert_eq!(nowhere.status, expected, "{nowhere:?}");
        stage.judge(stage.send(&blind).await.status, 202);
        let alices = answer(&question["id"], "alice");
        let alices = stage.request("response", &stage.alice).body(&alices);
        assert_eq!(stage.send(&alices).await.status, 202);
        let result = heard(&mut stream).await;
        let who = if is_guarded { "alice" } else { "bob" };
        assert!(said(&result).contains(who), "{result}");
        stage.alice_goes_on().await;
    }
}

/// RS-117: to cancel what somebody else asked for.
#[tokio::test]
async fn bob_cancels_what_alice_asked_for() {
    for is_guarded in [false, true] {
        let stage = stage(is_guarded).await;
        let call = stage.request("tools/call slow", &stage.alice);
        let (_connection, mut stream) = open(stage.address, &call).await;
        stream.until("\n\n").await;
        support::http::eventually(|| stage.ran() == 1).await;
        let cancel = json!({ "params": { "requestId": 1 } });
        let cancel = stage
            .request("notifications/cancelled", &stage.bob)
            .patched(&cancel);
        stage.judge(stage.send(&cancel).await.status, 202);
        stage.desk.answers.add_permits(1);
        if is_guarded {
            assert_eq!(said(&heard(&mut stream).await), "the secret");
        } else {
            let rest = String::from_utf8(stream.rest().await).expect("text");
            assert!(!rest.contains("secret"), "{rest}");
        }
        stage.alice_goes_on().await;
    }
}

/// RS-116: a stream that is resumed brings what belongs to it, and nothing of the other streams of its
/// session.
#[tokio::test]
async fn a_resumed_stream_brings_its_own_events() {
    let stage = stage(true).await;
    let (mut streams, mut ids) = (Vec::new(), Vec::new());
    for number in 0..2 {
        let call = json!({ "id": 10 + number });
        let call = stage
            .request("tools/call slow", &stage.alice)
            .patched(&call);
        let (connection, mut stream) = open(stage.address, &call).await;
        let first = stream.until("\n\n").await;
        let id = first.lines().find_map(|line| line.strip_prefix("id: "));
        ids.push(id.expect("an id of an event").to_owned());
        streams.push((connection, stream));
    }
    drop(streams);
    support::http::eventually(|| stage.ran() == 2).await;
    let mut resumed = Vec::new();
    for number in [1, 0] {
        let id = &ids[number];
        assert!(id.starts_with(&format!("0/{number}.")), "{id}");
        let get = stage.request("GET", &stage.alice);
        let opened = open(stage.address, &get.with("last-event-id", id)).await;
        resumed.push((number, opened));
    }
    stage.desk.answers.add_permits(2);
    for (number, (_connection, mut stream)) in resumed {
        assert_eq!(heard(&mut stream).await["id"], 10 + number);
        let rest = stream.rest().await;
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }
}

// ---- the SDK's own client

/// A client that answers what it is asked, and tells of the news.
struct Alice(mpsc::UnboundedSender<()>);

impl ClientHandler for Alice {
    fn get_info(&self) -> ClientConfig {
        let mut info = ClientConfig::default();
        info.capabilities.elicitation = Some(rmcp::model::ElicitationCapability::default());
        info
    }

    async fn create_elicitation(
        &self,
        _: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let content = json!({ "by": "alice herself" });
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(content))
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.0.send(()).ok();
    }
}

/// RS-112: the owner's client, of the same SDK, notices nothing of the layer in either lifecycle.
#[tokio::test]
async fn alices_own_client_works_in_both_lifecycles() {
    let discover = ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    };
    for (lifecycle, version) in [
        (
            ClientLifecycleMode::Initialize,
            ProtocolVersion::V_2025_11_25,
        ),
        (discover, ProtocolVersion::V_2026_07_28),
    ] {
        let stage = stage(true).await;
        let uri = format!("http://{}/mcp", stage.address);
        let config = StreamableHttpClientTransportConfig::with_uri(uri);
        let config = config.auth_header(stage.alice.clone());
        let http = reqwest::Client::builder().no_proxy().build();
        let http = http.expect("a client");
        let transport = StreamableHttpClientTransport::with_client(http, config);
        let (sender, mut news) = mpsc::unbounded_channel();
        let peer = Alice(sender).serve_with_lifecycle(transport, lifecycle);
        let peer = soon(peer).await.expect("connected");
        let info = peer.peer_info().expect("the server's word");
        assert_eq!(info.protocol_version, version);
        let tools = soon(peer.list_all_tools()).await.expect("tools");
        assert_eq!(tools.len(), 4);
        let call = async |name| {
            let call = peer.call_tool(CallToolRequestParams::new(name));
            let result = soon(call).await.expect("a result");
            let [ContentBlock::Text(text)] = &*result.content else {
                panic!("not one text: {result:?}");
            };
            text.text.clone()
        };
        assert_eq!(call("whoami").await, "alice");
        stage.desk.answers.add_permits(1);
        assert_eq!(call("slow").await, "the secret");
        // Servers ask questions, and speak up, in sessions alone.
        if version == ProtocolVersion::V_2025_11_25 {
            assert!(call("ask").await.contains("alice herself"));
            assert_eq!(call("announce").await, "told");
            soon(news.recv()).await.expect("news");
        }
        // What the policy does not let her do, the client is told.
        let nothing = peer.call_tool(CallToolRequestParams::new("nothing"));
        soon(nothing).await.expect_err("refused");
        assert_eq!(call("whoami").await, "alice");
        soon(peer.cancel()).await.expect("closed");
    }
}

// ---- nothing is changed for who may do all

/// What a token that may do all is given.
const ALL: &str = "mcp:tools.read files:read files:write mcp:admin a b";

/// Everything that the policy of `support/plain.rs` lists, as calls.
fn calls() -> Vec<String> {
    let policy = plain::policy();
    let call = |rule: &clearance::mcp::Rule| {
        let name = rule.name();
        match rule.kind() {
            Kind::Tool => format!("tools/call {name}"),
            Kind::Prompt => format!("prompts/get {name}"),
            Kind::Resource => {
                let uri = name.replace("{name}", "a%20b").replace("{*path}", "a/b");
                format!("resources/read {uri}")
            }
            Kind::Method | Kind::PromptCompletion | Kind::ResourceCompletion | _ => name.to_owned(),
        }
    };
    let calls: Vec<_> = policy.rules().iter().map(call).collect();
    assert!(calls.len() >= 19, "{calls:?}");
    calls
}

/// What may differ: whether it may be kept or held back, and which request it is about.
fn unmarked(mut answer: Answer) -> Answer {
    let own = ["cache-control", "x-accel-buffering", "x-correlation-id"];
    answer
        .headers
        .retain(|(name, _)| !own.contains(&name.as_str()));
    answer
}

/// Who may do all gets what there would be without the layer, byte for byte, in each revision.
#[tokio::test]
async fn what_passes_is_answered_as_without_the_layer() {
    let guarded = plain::server().await;
    let log = support::mcp::Log::default();
    let (bare, _) = spawn(plain::application(&log)).await;
    let token = guarded.token(ALL);
    let mut compared = 0;
    for revision in REVISIONS {
        let mut calls = calls();
        calls.extend(["response", "notifications/initialized"].map(str::to_owned));
        if revision == "2025-03-26" {
            calls.push("batch ping + tools/call get_weather + prompts/get greeting".to_owned());
            calls.push("batch notifications/initialized".to_owned());
        }
        // Each revision has its own way of getting to know one another, and answers of its own.
        let is_of_it = |call: &String| match call.as_str() {
            "initialize" | "ping" => revision != MODERN,
            "server/discover" => revision == MODERN,
            // Without a session they are nobody's.
            "response" => false,
            _ => true,
        };
        calls.retain(is_of_it);
        for call in calls {
            for accept in ["application/json, text/event-stream", "text/event-stream"] {
                let request = Request::new(revision, &call).with("accept", accept);
                let request = request.bearer(&token);
                let with = guarded.send(&request).await;
                let without = whole(raw(bare, &request.bytes()).await);
                assert!(without.status < 300, "{revision} {call}: {without:?}");
                assert_eq!(unmarked(with), unmarked(without), "{revision} {call}");
                assert_eq!(guarded.log.take(), log.take(), "{revision} {call}");
                compared += 1;
            }
        }
    }
    assert!(compared > 130, "{compared}");
}

/// What the service reads is what was decided about: not a byte of it is written anew.
#[tokio::test]
async fn what_comes_reaches_the_service_byte_for_byte() {
    let service = Service::default();
    let server = behind(&service, usual).await;
    let token = server.token(ALL);
    for body in [
        " {\t\"id\" : 1,\r\n\"method\":\"p\\u0069ng\" , \"jsonrpc\": \"2.0\" }\n ",
        r#"{"method":"tools/call","params":{"arguments":{"n":1.50e+3,"big":9007199254740993,
            "s":"\u00e9\ud83d\ude00 \/","t":-0.0},"name":"who\u0061mi"},"id":"\u0031","jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"2.0","id":-7,"method":"ping","params":{},"extra":[null, {"a" : [ ]}]}"#,
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\",\"params\":{\"\\u0000\":\"\u{fffd}\"}}",
        r#" [ {"jsonrpc":"2.0","id":1,"method":"ping"} ,{"jsonrpc":"2.0","id":2,"method":"ping"}]"#,
    ] {
        let request = Request::new("2025-03-26", "ping").bearer(&token).body(body);
        let answer = send(server.address, &request).await;
        let asked = service.asked();
        assert_eq!(asked.len(), 1, "{body}: {answer:?}");
        assert_eq!(asked[0].body, body);
        assert_eq!(asked[0].length, Some(body.len().to_string()));
    }
}

/// A stream without the codes of its ids.
fn unsealed(stream: &str) -> String {
    let lines = stream.split_inclusive('\n').map(|line| {
        let sealed = line.strip_prefix("id: ").and_then(|id| id.split_once('.'));
        sealed.map_or_else(|| line.to_owned(), |(id, _)| format!("id: {id}\n"))
    });
    lines.collect()
}

/// The same for the SDK's server: what it says in a stream, and what it says of itself.
#[tokio::test]
async fn what_the_sdk_says_passes_byte_for_byte() {
    let (guarded, bare) = (stage(true).await, stage(false).await);
    for (revision, call) in [
        (LEGACY, "initialize"),
        (LEGACY, "tools/list"),
        (LEGACY, "tools/call announce"),
        (LEGACY, "ping"),
        (MODERN, "server/discover"),
        (MODERN, "tools/list"),
    ] {
        let mut answers = Vec::new();
        for stage in [&guarded, &bare] {
            let mut request = Request::new(revision, call).bearer(&stage.alice);
            if call == "initialize" {
                let hello = json!({ "params": {
                    "protocolVersion": LEGACY,
                    "capabilities": {},
                    "clientInfo": { "name": "test", "version": "1" },
                } });
                request = request.patched(&hello);
            } else if revision == LEGACY {
                request = request.with("mcp-session-id", &stage.session);
            }
            let mut answer = unmarked(stage.send(&request).await);
            assert_eq!(answer.status, 200, "{call}: {answer:?}");
            // Ids of sessions and of their events are sealed.
            answer.headers.retain(|(name, _)| name != "mcp-session-id");
            answer.body = unsealed(&answer.body);
            answers.push(answer);
        }
        assert_eq!(answers[0], answers[1], "{revision} {call}");
    }
    assert!(guarded.server.log.take().is_empty());
}

mod layer_rmcp {
    mod events;
    mod store;
}
