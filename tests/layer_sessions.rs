//! Sessions behind a layer: whose they are, and what of a request reaches the service.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must panic"
)]

mod support;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use clearance::session::{Seal, SealKey, SealKeys, TaskId, TaskOrigin};
use clearance::{AuthorizationLayer, Authorized, Guard, TrustedIssuer};
use serde_json::json;
use support::client::{open, send};
use support::http::{KeptAlive, parts_with};
use support::mcp::McpServer;
use support::request::{MODERN, Request, code_of};
use support::service::{LEGACY, Service, TRACE, WITH_SESSIONS, behind, usual};
use support::{Answer, E, Fixture, plain, spawn};

// ---- the stage

/// A server whose service keeps sessions.
struct Stage {
    server: McpServer,
    service: Service,
}

async fn stage() -> Stage {
    let service = Service::default();
    let server = behind(&service, usual).await;
    Stage { server, service }
}

/// A request in the way of `call`, always with the same correlation id.
fn request(revision: &str, call: &str, token: &str) -> Request {
    let request = Request::new(revision, call).with("traceparent", TRACE);
    if token.is_empty() {
        return request;
    }
    request.bearer(token)
}

fn in_session(revision: &str, call: &str, token: &str, session: &str) -> Request {
    request(revision, call, token).with("mcp-session-id", session)
}

/// The bytes of a request after which the connection stays open.
fn kept(request: &Request) -> Vec<u8> {
    let text = String::from_utf8(request.bytes()).expect("text");
    text.replace("connection: close\r\n", "").into_bytes()
}

fn layer_of(guard: &Guard<Fixture>, keys: impl Into<SealKeys>) -> AuthorizationLayer {
    let builder = AuthorizationLayer::builder(guard, plain::policy());
    builder.seal_keys(keys).build().expect("a layer")
}

fn key(byte: u8) -> SealKey {
    SealKey::from_bytes(&[byte; 32])
}

/// Begins a session at `address`.
async fn begin_at(address: SocketAddr, token: &str) -> String {
    let answer = send(address, &request(LEGACY, "initialize", token)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let session = answer.header("mcp-session-id").expect("a session");
    session.to_owned()
}

impl Stage {
    fn token(&self, subject: &str) -> String {
        let token = self.server.scoped("mcp:tools.read files:read");
        token.subject(subject).mint()
    }

    async fn begin(&self, token: &str) -> String {
        let session = begin_at(self.server.address, token).await;
        self.service.asked();
        session
    }

    async fn send(&self, request: &Request) -> Answer {
        send(self.server.address, request).await
    }

    /// The same service behind another layer.
    async fn also(&self, layer: AuthorizationLayer) -> SocketAddr {
        spawn(self.service.router().layer(layer)).await.0
    }

    /// Whether the session is its owner's as before.
    async fn is_alive(&self, token: &str, session: &str) -> bool {
        let ping = in_session(LEGACY, "ping", token, session);
        let status = self.send(&ping).await.status;
        status == 200 && !self.service.asked().is_empty()
    }
}

/// The service's own id and the layer's code.
fn halves(session: &str) -> (&str, &str) {
    session.rsplit_once('.').expect("a sealed id")
}

// ---- ids

/// RS-114: the id is the service's own with 256 bits behind it, and the service never sees them.
#[tokio::test]
async fn the_service_sees_its_own_id_and_the_client_a_sealed_one() {
    let stage = stage().await;
    let token = stage.token("alice");
    let session = stage.begin(&token).await;
    let (inner, code) = halves(&session);
    assert_eq!((inner, code.len()), ("inner-1", 43));
    for revision in WITH_SESSIONS {
        let ping = stage
            .send(&in_session(revision, "ping", &token, &session))
            .await;
        assert_eq!(ping.status, 200, "{ping:?}");
        assert!(ping.body.contains(r#""seen":["inner-1"]"#), "{ping:?}");
    }
    let event = stage.event(&session, "7/1").await;
    let get = in_session(LEGACY, "GET", &token, &session).with("last-event-id", &event);
    let (_connection, stream) = open(stage.server.address, &get).await;
    assert_eq!(stream.status(), 200);
    let end = stage
        .send(&in_session(LEGACY, "DELETE", &token, &session))
        .await;
    assert_eq!(end.status, 204);
    let asked = stage.service.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|asked| asked.sessions == ["inner-1"]));
    let last: Vec<_> = asked.iter().flat_map(|asked| &asked.last_events).collect();
    assert_eq!(last, ["7/1"]);
}

/// RS-114: ten thousand ids, made of numbers that anybody can guess, are none that anybody can guess.
#[tokio::test]
async fn ids_are_visible_ascii_and_no_two_are_alike() {
    let stage = stage().await;
    let token = stage.token("alice");
    let mut connection = KeptAlive::to(stage.server.address).await;
    let initialize = kept(&request(LEGACY, "initialize", &token));
    let mut codes = HashSet::new();
    for number in 1..=10_000 {
        let answer = connection.send(&initialize).await;
        let session = answer.header("mcp-session-id").expect("a session");
        assert!(session.bytes().all(|byte| byte.is_ascii_graphic()));
        let (inner, code) = halves(session);
        assert_eq!(inner, format!("inner-{number}"));
        assert_eq!(code.len(), 43);
        codes.insert(code.to_owned());
    }
    assert_eq!(codes.len(), 10_000);
}

/// RS-114: what a client sends with `initialize` reaches nobody, be it its own or made up.
#[tokio::test]
async fn a_client_does_not_choose_its_session_id() {
    let stage = stage().await;
    let token = stage.token("alice");
    let first = stage.begin(&token).await;
    for chosen in ["chosen", "inner-1", &first, ""] {
        let initialize = in_session(LEGACY, "initialize", &token, chosen);
        for initialize in [
            initialize.clone().also("mcp-session-id", "another"),
            initialize.with("last-event-id", "0/0"),
        ] {
            let answer = stage.send(&initialize).await;
            let session = answer.header("mcp-session-id").expect("a session");
            let asked = stage.service.asked();
            assert_eq!((asked.len(), &*asked[0].sessions), (1, [].as_slice()));
            assert!(asked[0].last_events.is_empty());
            assert_ne!(session, first);
            assert!(halves(session).0.starts_with("inner-"));
            assert!(stage.is_alive(&token, session).await);
        }
    }
}

/// RS-114: an id of the service that is none is not given to anybody.
#[tokio::test]
async fn a_session_id_that_is_none_is_a_bad_gateway() {
    let stage = stage().await;
    let token = stage.token("alice");
    let long = "x".repeat(1_025);
    let fits = "x".repeat(1_024);
    let cases: [(&[&[u8]], bool); 7] = [
        (&[fits.as_bytes()], true),
        (&[b"a.b.c"], true),
        (&[long.as_bytes()], false),
        (&[b""], false),
        (&[b"a b"], false),
        (&[b"\xe4"], false),
        (&[b"one", b"two"], false),
    ];
    for (ids, is_one) in cases {
        let ids: Vec<Vec<u8>> = ids.iter().map(|id| id.to_vec()).collect();
        let router = axum::Router::new().fallback(move || async move {
            let values = ids
                .into_iter()
                .map(|id| ("mcp-session-id", id.try_into().expect("a value")));
            let values: Vec<(&str, http::HeaderValue)> = values.collect();
            axum::response::AppendHeaders(values)
        });
        let layer = usual(&stage.server.guard);
        let (address, _) = spawn(router.layer(layer)).await;
        for revision in [LEGACY, MODERN] {
            let call = if revision == MODERN {
                "server/discover"
            } else {
                "initialize"
            };
            let answer = send(address, &request(revision, call, &token)).await;
            let id = answer.header("mcp-session-id");
            // Since 2026-07-28 there is no such thing as a session.
            let expected = match (revision, is_one) {
                (MODERN, _) | (_, true) => 200,
                _ => 502,
            };
            assert_eq!(answer.status, expected, "{answer:?}");
            assert_eq!(id.is_some(), is_one && revision == LEGACY, "{answer:?}");
        }
    }
}

// ---- owners

/// RS-112: a session is no credential, and its owner is not disturbed by those who try.
#[tokio::test]
async fn every_request_of_a_session_needs_its_owners_token() {
    let stage = stage().await;
    let (alice, bob) = (stage.token("alice"), stage.token("bob"));
    let session = stage.begin(&alice).await;
    let expired = stage.server.token_of("expired", "");
    for call in ["ping", "tools/call whoami", "response", "GET", "DELETE"] {
        let bare = stage.send(&in_session(LEGACY, call, "", &session)).await;
        bare.assert_401_none();
        let late = stage
            .send(&in_session(LEGACY, call, &expired, &session))
            .await;
        late.assert_401_inv();
        let foreign = stage.send(&in_session(LEGACY, call, &bob, &session)).await;
        assert_eq!((foreign.status, code_of(&foreign)), (404, 40400), "{call}");
        assert_eq!(stage.service.asked(), [], "{call}");
    }
    assert!(stage.is_alive(&alice, &session).await);
}

/// RS-113: another token of the same issuer, subject and client goes on, and nobody else's does.
#[tokio::test]
async fn a_session_is_of_an_issuer_a_subject_a_client_and_a_resource() {
    let stage = stage().await;
    let other_issuer = support::issuer(&stage.server.clock).await;
    let trusts = |resource: &str| {
        let own = TrustedIssuer::new(stage.server.issuer.id().clone());
        let builder = Guard::<Fixture>::builder(resource.parse().expect("a resource"));
        let builder = builder.trusted_issuer(own).unlimited();
        let builder = builder.clock(Arc::new(stage.server.clock.clone()));
        let other = TrustedIssuer::new(other_issuer.id().clone());
        builder.trusted_issuer(other).build().expect("a guard")
    };
    let (guard, elsewhere) = (trusts(E), trusts("https://mcp.example.com/other"));
    guard.ready().await.expect("keys");
    elsewhere.ready().await.expect("keys");
    let here = stage.also(usual(&guard)).await;
    let there = stage.also(usual(&elsewhere)).await;
    let own = || stage.server.issuer.token().subject("alice").client("c1");
    let session = begin_at(here, &own().mint()).await;
    let foreign = || other_issuer.token().subject("alice").client("c1");
    for (who, address, token, is_owner) in [
        ("the same", here, own(), true),
        ("refreshed", here, own().token_id("t2").scope("a"), true),
        ("a client", here, own().client("c2"), false),
        ("a subject", here, own().subject("bob"), false),
        ("swapped", here, own().subject("c1").client("alice"), false),
        ("an issuer", here, foreign(), false),
        (
            "a resource",
            there,
            own().audience("https://mcp.example.com/other"),
            false,
        ),
    ] {
        stage.service.asked();
        let ping = in_session(LEGACY, "ping", &token.mint(), &session);
        let answer = send(address, &ping).await;
        let status = if is_owner { 200 } else { 404 };
        assert_eq!(answer.status, status, "{who}: {answer:?}");
        assert_eq!(stage.service.asked().len(), usize::from(is_owner), "{who}");
    }
    // The machine next door guards the same resource, and knows the session.
    let next_door = stage.also(usual(&stage.server.guard)).await;
    let ping = in_session(LEGACY, "ping", &own().mint(), &session);
    assert_eq!(send(next_door, &ping).await.status, 200);
}

/// RS-113: the first key seals, and all of them open.
#[tokio::test]
async fn keys_are_changed_without_losing_sessions() {
    let stage = stage().await;
    let token = stage.token("alice");
    let (old, new) = (key(1), key(2));
    let guard = &stage.server.guard;
    let before = stage.also(layer_of(guard, old.clone())).await;
    let told = [old.clone(), new.clone()];
    let told = stage.also(layer_of(guard, told)).await;
    let both = stage.also(layer_of(guard, [new.clone(), old])).await;
    let after = stage.also(layer_of(guard, new)).await;
    for (sealed_at, opens) in [
        (before, [true, true, true, false]),
        (told, [true, true, true, false]),
        (both, [false, true, true, true]),
        (after, [false, true, true, true]),
    ] {
        let session = begin_at(sealed_at, &token).await;
        for (address, opens) in [before, told, both, after].into_iter().zip(opens) {
            let answer = send(address, &in_session(LEGACY, "ping", &token, &session)).await;
            assert_eq!(answer.status, if opens { 200 } else { 404 });
        }
    }
    let nobodys = layer_of(guard, SealKeys::this_process_only());
    let nobodys = stage.also(nobodys).await;
    let session = begin_at(before, &token).await;
    let answer = send(nobodys, &in_session(LEGACY, "ping", &token, &session)).await;
    assert_eq!(answer.status, 404);
}

// ---- one answer

/// What a caller could send who does not have the session.
async fn wrong_ids(stage: &Stage, session: &str) -> Vec<String> {
    let alice = stage.token("alice");
    let (inner, code) = halves(session);
    let other = stage.begin(&alice).await;
    let foreign = stage.begin(&stage.token("bob")).await;
    let strange = stage
        .also(layer_of(&stage.server.guard, SealKeys::this_process_only()))
        .await;
    let strange = begin_at(strange, &alice).await;
    let ids: Seal<TaskId> = Seal::new(plain::keys(), std::time::Duration::MAX);
    let parts = &mut parts_with(&alice);
    let auth: Authorized<()> = stage.server.guard.authorize(parts).await.expect("a proof");
    let task = ids.seal(&auth, "", &TaskOrigin::new("tools/call", "whoami", "1"));
    let task = task.expect("a task id").as_str().to_owned();
    let mut wrong = vec![
        String::new(),
        ".".to_owned(),
        inner.to_owned(),
        format!("{inner}."),
        format!(".{code}"),
        code.to_owned(),
        format!("{session}="),
        format!("{session}."),
        format!("{session}.{code}"),
        format!("{inner}.{session}"),
        format!("{inner}..{code}"),
        format!("\"{session}\""),
        format!("{session}, {session}"),
        format!("{session}, {other}"),
        format!("{}.{code}", halves(&other).0),
        format!("{inner}.{}", halves(&other).1),
        format!("{inner}.{}", "A".repeat(43)),
        format!("{inner}.{}", "A".repeat(42)),
        session.to_uppercase(),
        session.replace('-', "%2D"),
        session.replace('.', "\u{e4}."),
        "x".repeat(8_000),
        foreign,
        strange,
        task,
    ];
    // Every character, in another way.
    for (at, c) in session.char_indices() {
        let other = if c == 'A' { 'B' } else { 'A' };
        let mut flipped = session.to_owned();
        flipped.replace_range(at..=at, &other.to_string());
        wrong.push(flipped);
    }
    // The last one has bits to spare, so others would mean the same to a lax reader.
    let (head, last) = session.split_at(session.len().saturating_sub(1));
    let alphabet = ('A'..='Z').chain('a'..='z').chain('0'..='9');
    let others = alphabet.chain(['-', '_']).map(|c| format!("{head}{c}"));
    wrong.extend(others.filter(|id| id.get(head.len()..) != Some(last)));
    stage.service.asked();
    wrong
}

/// The requests that can belong to a session.
const CALLS: [(&str, &str); 8] = [
    (LEGACY, "ping"),
    (LEGACY, "tools/call delete_file"),
    (LEGACY, "notifications/initialized"),
    (LEGACY, "notifications/cancelled"),
    (LEGACY, "response"),
    ("2025-03-26", "batch ping + response"),
    (LEGACY, "GET"),
    (LEGACY, "DELETE"),
];

/// RS-115: nobody learns whether a session is over, somebody else's, or was never there.
#[tokio::test]
async fn all_sessions_that_are_not_the_callers_are_answered_alike() {
    let stage = stage().await;
    let token = stage.token("alice");
    let session = stage.begin(&token).await;
    let ended = stage.begin(&token).await;
    stage.service.end(halves(&ended).0);
    let wrong = wrong_ids(&stage, &session).await;
    for (revision, call) in CALLS {
        let of = |id: &str| in_session(revision, call, &token, id);
        let unknown = stage.send(&of("never.was")).await;
        assert_eq!((unknown.status, code_of(&unknown)), (404, 40400), "{call}");
        assert_eq!(unknown.header("www-authenticate"), None);
        for id in &wrong {
            assert_eq!(stage.send(&of(id)).await, unknown, "{call}: {id}");
        }
        for second in [session.as_str(), ended.as_str(), "", "x"] {
            let twice = of(&session).also("mcp-session-id", second);
            assert_eq!(stage.send(&twice).await, unknown, "{call}: {second}");
        }
        assert_eq!(stage.service.asked(), [], "{call}");
        // What the service says of a session that is over, nobody hears.
        if call.contains("delete_file") {
            continue;
        }
        assert_eq!(stage.send(&of(&ended)).await, unknown, "{call}");
        assert_eq!(stage.service.asked().len(), 1, "{call}");
    }
    assert!(stage.is_alive(&token, &session).await);
}

/// RS-115: whether it may do it is not said to anybody who does not have the session.
#[tokio::test]
async fn the_owner_is_looked_at_before_what_is_asked_for() {
    let stage = stage().await;
    let (alice, bob) = (stage.token("alice"), stage.token("bob"));
    let session = stage.begin(&alice).await;
    let call = |token| in_session(LEGACY, "tools/call delete_file", token, &session);
    let own = stage.send(&call(&alice)).await;
    assert_eq!(own.status, 403);
    let foreign = stage.send(&call(&bob)).await;
    assert_eq!((foreign.status, code_of(&foreign)), (404, 40400));
}

/// RS-115: only a 404 in a session is the layer's to answer.
#[tokio::test]
async fn what_else_the_service_answers_passes() {
    let stage = stage().await;
    let token = stage.token("alice");
    // Which session, it asks itself.
    let answer = stage.send(&request(LEGACY, "ping", &token)).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (400, "which session?")
    );
    let session = stage.begin(&token).await;
    for status in [200_u16, 202, 400, 403, 404, 405, 409, 410, 500, 503] {
        let router = axum::Router::new().fallback(move || async move {
            let status = http::StatusCode::from_u16(status).expect("a status");
            (status, [("x-own", "1")], "its own words")
        });
        let (address, _) = spawn(router.layer(usual(&stage.server.guard))).await;
        for call in ["ping", "GET", "DELETE", "response"] {
            let answer = send(address, &in_session(LEGACY, call, &token, &session)).await;
            assert_eq!(answer.status, status);
            let is_own = answer.header("x-own").is_some() && answer.body == "its own words";
            assert_eq!(is_own, status != 404, "{call}: {answer:?}");
        }
        // Without a session it is about something else.
        let answer = send(address, &request(LEGACY, "initialize", &token)).await;
        assert_eq!((answer.status, &*answer.body), (status, "its own words"));
    }
}

/// RS-115: a session ends when its owner says so, and not when others do.
#[tokio::test]
async fn only_the_owner_ends_a_session() {
    let stage = stage().await;
    let (alice, bob) = (stage.token("alice"), stage.token("bob"));
    let session = stage.begin(&alice).await;
    let end = |token| in_session(LEGACY, "DELETE", token, &session);
    assert_eq!(stage.send(&end(&bob)).await.status, 404);
    assert!(stage.is_alive(&alice, &session).await);
    assert_eq!(stage.send(&end(&alice)).await.status, 204);
    let late = stage.send(&end(&alice)).await;
    let unknown = in_session(LEGACY, "DELETE", &alice, "never.was");
    assert_eq!(late, stage.send(&unknown).await);
}

// ---- streams and answers

/// RS-116: events are for the owner of the session that they belong to.
#[tokio::test]
async fn streams_are_resumed_by_the_owner_alone() {
    let stage = stage().await;
    let (alice, bob) = (stage.token("alice"), stage.token("bob"));
    let session = stage.begin(&alice).await;
    let event = stage.event(&session, "3/1").await;
    let get = |token| in_session(LEGACY, "GET", token, &session).with("last-event-id", &event);
    for call in [
        get(&bob),
        get(""),
        get(&alice).without("mcp-session-id"),
        get(&alice).with("mcp-protocol-version", MODERN),
        get(&alice).also("last-event-id", &event),
        get(&alice).also("last-event-id", "4/1"),
    ] {
        let answer = stage.send(&call).await;
        assert!((400..406).contains(&answer.status), "{answer:?}");
        assert_eq!(stage.service.asked(), [], "{call:?}");
    }
    let (_connection, stream) = open(stage.server.address, &get(&alice)).await;
    assert_eq!(stream.status(), 200);
    let asked = stage.service.asked();
    assert_eq!(asked[0].last_events, ["3/1"]);
    assert_eq!(asked[0].sessions, ["inner-1"]);
    // What no stream is asked for with says nothing.
    for call in [
        in_session(LEGACY, "ping", &alice, &session),
        request(MODERN, "tools/call whoami", &alice).with("mcp-session-id", &session),
        request(LEGACY, "ping", &alice),
    ] {
        stage.send(&call.with("last-event-id", &event)).await;
    }
    let asked = stage.service.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|asked| asked.last_events.is_empty()));
    assert!(asked[1].sessions.is_empty());
}

/// Messages that are about a request by its id.
fn about_requests() -> Vec<String> {
    let cancelled = json!({ "requestId": 1, "reason": "I say so" });
    let progress = json!({ "progressToken": 1, "progress": 1 });
    let messages = [
        json!({ "jsonrpc": "2.0", "id": 1, "result": { "action": "accept" } }),
        json!({ "jsonrpc": "2.0", "id": "1", "error": { "code": 1, "message": "no" } }),
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled }),
        json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": progress }),
    ];
    messages.iter().map(ToString::to_string).collect()
}

/// RS-117: an answer or a cancellation is for the session of its sender, and for no other.
#[tokio::test]
async fn answers_without_a_session_never_reach_the_service() {
    let stage = stage().await;
    let (alice, bob) = (stage.token("alice"), stage.token("bob"));
    let session = stage.begin(&alice).await;
    let mut bodies = about_requests();
    bodies.push(r#"{"jsonrpc":"2.0","method":"notifications/c\u0061ncelled"}"#.to_owned());
    for body in &bodies {
        for revision in WITH_SESSIONS {
            let blind = request(revision, "response", &bob).body(body);
            let answer = stage.send(&blind).await;
            assert_eq!((answer.status, &*answer.body), (202, ""), "{body}");
            let foreign = blind.with("mcp-session-id", &session);
            assert_eq!(stage.send(&foreign).await.status, 404, "{body}");
            assert_eq!(stage.service.asked(), [], "{body}");
            let own = in_session(revision, "response", &alice, &session).body(body);
            assert_eq!(stage.send(&own).await.status, 202, "{body}");
            assert_eq!(stage.service.asked()[0].body, *body);
        }
    }
    // Since 2026-07-28 nobody is asked, so nobody answers.
    let modern = request(MODERN, "response", &alice).with("mcp-session-id", &session);
    assert_eq!(stage.send(&modern).await.status, 400);
    assert_eq!(stage.service.asked(), []);
    // What is about no request passes.
    let said = request(LEGACY, "notifications/initialized", &bob);
    stage.send(&said).await;
    assert_eq!(stage.service.asked().len(), 1);
}

/// RS-117: in a batch they are taken out, and the rest passes as it was written.
#[tokio::test]
async fn answers_are_taken_out_of_batches_without_a_session() {
    let stage = stage().await;
    let token = stage.token("alice");
    let session = stage.begin(&token).await;
    let blind = about_requests();
    let ping = r#"{ "jsonrpc" :"2.0","id" : 7, "method":"p\u0069ng" }"#;
    let said = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let mixed = [&blind[0], ping, &blind[1], &blind[2], said, &blind[3], ping];
    for (messages, left) in [
        (mixed.to_vec(), Some(vec![ping, said, ping])),
        (vec![ping, said], Some(vec![ping, said])),
        (vec![&*blind[2], said], Some(vec![said])),
        (vec![&*blind[0]], None),
        (blind.iter().map(String::as_str).collect(), None),
    ] {
        let body = format!(" [{}]\n", messages.join(" ,"));
        let batch = request("2025-03-26", "response", &token).body(&body);
        let answer = stage.send(&batch).await;
        let asked = stage.service.asked();
        assert_eq!(asked.len(), usize::from(left.is_some()), "{body}");
        if let Some(left) = left {
            let is_whole = left.len() == messages.len();
            let left = format!("[{}]", left.join(","));
            assert_eq!(asked[0].body, if is_whole { body.clone() } else { left });
            let length = asked[0].body.len().to_string();
            assert_eq!(asked[0].length.as_ref(), Some(&length), "{body}");
        } else {
            assert_eq!((answer.status, &*answer.body), (202, ""), "{body}");
        }
        // In its session nothing is taken out.
        stage.send(&batch.with("mcp-session-id", &session)).await;
        assert_eq!(stage.service.asked()[0].body, body);
    }
}

mod layer_sessions {
    mod events;
    mod fields;
}
