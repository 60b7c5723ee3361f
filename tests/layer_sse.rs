//! The transport of 2024-11-05 behind a layer: a stream that names an address for messages.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must panic"
)]

mod support;

use chrono::TimeDelta;
use clearance::AuthorizationLayer;
use clearance::clock::Clock as _;
use clearance::id::Subject;
use http::StatusCode;
use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use support::client::{Connection, Stream, open, send};
use support::mcp::McpServer;
use support::request::{Request, code_of};
use support::service::{Feed, LEGACY, Service, TRACE, behind};
use support::{Answer, Fixture, plain, spawn};
use tower::ServiceExt as _;

// ---- the stage

fn layer(guard: &clearance::Guard<Fixture>) -> AuthorizationLayer {
    let builder = plain::layer(guard).http_sse("/sse", "/messages");
    builder.build().expect("a layer")
}

struct Stage {
    server: McpServer,
    service: Service,
}

async fn stage() -> Stage {
    let service = Service::default();
    let server = behind(&service, layer).await;
    Stage { server, service }
}

/// A request without the headers that came with later transports.
fn old(call: &str, token: &str) -> Request {
    let request = Request::new("2025-03-26", call).with("traceparent", TRACE);
    if token.is_empty() {
        return request;
    }
    request.bearer(token)
}

fn at(target: &str, call: &str, token: &str) -> Request {
    let mut request = old(call, token);
    target.clone_into(&mut request.target);
    request
}

fn listens(token: &str) -> Request {
    at("/sse", "GET", token).with("accept", "text/event-stream")
}

/// What a client reads: where it is to post its messages.
fn address_in(event: &str) -> &str {
    let data = event.strip_prefix("event: endpoint\ndata: ");
    let data = data.and_then(|data| data.strip_suffix("\n\n"));
    data.unwrap_or_else(|| panic!("no endpoint: {event:?}"))
}

/// A stream that was opened, and where its messages go.
struct Opened {
    _connection: Connection,
    stream: Stream,
    feed: Feed,
    address: String,
}

impl Stage {
    fn token(&self, subject: &str) -> String {
        let token = self.server.scoped("mcp:tools.read files:read");
        token.subject(subject).mint()
    }

    async fn open(&self, token: &str) -> Opened {
        let (connection, mut stream) = open(self.server.address, &listens(token)).await;
        assert_eq!(stream.status(), 200);
        let first = stream.until("\n\n").await;
        Opened {
            _connection: connection,
            stream,
            feed: self.service.feed(),
            address: address_in(&first).to_owned(),
        }
    }

    async fn send(&self, request: &Request) -> Answer {
        send(self.server.address, request).await
    }

    /// The whole answer to who listens, where the stream begins with these pieces and ends.
    async fn hears<B: Into<Bytes>>(&self, pieces: Vec<B>) -> (u16, Vec<u8>) {
        self.service.greet(pieces);
        let token = self.token("alice");
        let listens = listens(&token);
        let asks = open(self.server.address, &listens);
        let ends = async {
            support::http::eventually(|| self.service.opened() > 0).await;
            drop(self.service.feeds());
        };
        let ((_connection, mut stream), ()) = tokio::join!(asks, ends);
        let body = stream.rest().await;
        support::http::eventually(|| self.service.live() == 0).await;
        (stream.status(), body)
    }

    /// Posts to an address as a client of the transport does.
    async fn posts(&self, address: &str, subject: &str) -> Answer {
        let token = self.token(subject);
        self.send(&at(address, "tools/call get_weather", &token))
            .await
    }
}

// ---- who may

/// RS-151: each request shows a token of its own, whatever is open beside it.
#[tokio::test]
async fn the_stream_and_each_message_need_a_token() {
    let stage = stage().await;
    let alice = stage.token("alice");
    let expired = stage.server.token_of("expired", "");
    stage.send(&listens("")).await.assert_401_none();
    stage.send(&listens(&expired)).await.assert_401_inv();
    assert_eq!(stage.service.asked(), []);
    let mut opened = stage.open(&alice).await;
    stage.service.asked();
    for call in ["ping", "response", "notifications/initialized"] {
        let posts = |token| at(&opened.address, call, token);
        stage.send(&posts("")).await.assert_401_none();
        stage.send(&posts(&expired)).await.assert_401_inv();
        assert_eq!(stage.service.asked(), []);
        assert_eq!(stage.send(&posts(&alice)).await.status, 202);
        let asked = stage.service.asked();
        assert_eq!(asked[0].target, "/messages?session=old-1");
    }
    assert!(opened.feed.send("data: still there\n\n"));
    let next = opened.stream.next().await;
    assert_eq!(next.as_deref(), Some("data: still there\n\n"));
}

/// RS-151: newer clients of the old transport name the revision that they agreed on.
#[tokio::test]
async fn messages_may_name_an_older_revision() {
    let stage = stage().await;
    let alice = stage.token("alice");
    let opened = stage.open(&alice).await;
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let posts = at(&opened.address, "ping", &alice).with("mcp-protocol-version", version);
        assert_eq!(stage.send(&posts).await.status, 202, "{version}");
    }
    stage.service.asked();
    let posts = at(&opened.address, "ping", &alice);
    for wrong in [
        posts
            .clone()
            .with("mcp-protocol-version", support::request::MODERN),
        posts.clone().with("mcp-protocol-version", "2027-01-01"),
        posts
            .also("mcp-protocol-version", "2025-06-18")
            .also("mcp-protocol-version", "2025-06-18"),
    ] {
        assert_eq!(stage.send(&wrong).await.status, 400);
    }
    assert_eq!(stage.service.asked(), []);
}

/// RS-151: a token that dies while the stream is open serves no message any more.
#[tokio::test]
async fn an_open_stream_confers_nothing() {
    let stage = stage().await;
    let long = stage.token("alice");
    let dies = stage.server.clock.now() + TimeDelta::seconds(5);
    let short = stage.server.scoped("mcp:tools.read").expires_at(dies);
    let short = short.mint();
    let mut opened = stage.open(&long).await;
    let posts = at(&opened.address, "tools/call get_weather", &short);
    assert_eq!(stage.send(&posts).await.status, 202);
    stage.server.clock.advance(TimeDelta::seconds(65));
    stage.service.asked();
    stage.send(&posts).await.assert_401_inv();
    assert_eq!(stage.service.asked(), []);
    assert!(opened.feed.send("data: still there\n\n"));
    assert!(opened.stream.next().await.is_some());
}

// ---- whose address it is

/// What a caller could post to who was not given the address.
fn wrong_addresses(address: &str, foreign: &str) -> Vec<String> {
    let (inner, code) = address.split_once("&session_code=").expect("a code");
    let mut wrong: Vec<String> = [
        "/messages",
        "/messages?",
        "/messages?session=old-1",
        "/messages?session=old-1&",
        "/messages?session=old-1&session_code",
        "/messages?session=old-1&session_code=",
        "/messages?session=never&session_code=never",
        "/messages/",
    ]
    .map(str::to_owned)
    .into();
    wrong.extend([
        foreign.to_owned(),
        format!("{address}="),
        format!("{address}&"),
        format!("{address}&session=old-1"),
        format!("{address}&session_code={code}"),
        format!("/messages?session_code={code}"),
        format!("/messages?session_code={code}&session=old-1"),
        format!("{inner}&session=old-2&session_code={code}"),
        format!("/messages?session=old-2&session_code={code}"),
        format!("/messages/?session=old-1&session_code={code}"),
        format!("/messages/x?session=old-1&session_code={code}"),
        format!("{inner}&session_code={}", code.to_uppercase()),
        format!("{inner}&session_code={}", code.split_at(1).1),
        format!("{inner}&session%5Fcode={code}"),
        format!("{inner};session_code={code}"),
    ]);
    let start = address.len().saturating_sub(code.len());
    for (place, c) in address.char_indices().filter(|(place, _)| *place >= start) {
        let other = if c == 'A' { "B" } else { "A" };
        let mut flipped = address.to_owned();
        flipped.replace_range(place..=place, other);
        wrong.push(flipped);
    }
    wrong
}

/// RS-152: an address is worth nothing in other hands, and nobody learns whether it is anybody's.
#[tokio::test]
async fn an_address_is_for_its_caller_alone() {
    let stage = stage().await;
    let (alice, bob) = (stage.open(&stage.token("alice")).await, "bob");
    let bobs = stage.open(&stage.token(bob)).await;
    assert!(
        alice
            .address
            .starts_with("/messages?session=old-1&session_code=")
    );
    stage.service.asked();
    let unknown = stage
        .posts("/messages?session=old-9&session_code=x", "alice")
        .await;
    assert_eq!((unknown.status, code_of(&unknown)), (404, 40400));
    assert_eq!(stage.posts(&alice.address, bob).await, unknown);
    for address in wrong_addresses(&alice.address, &bobs.address) {
        let answer = stage.posts(&address, "alice").await;
        assert_eq!(answer, unknown, "{address}");
    }
    // Another client of the same user, and another resource's keys.
    let token = stage.server.scoped("mcp:tools.read").client("another");
    let other = at(&alice.address, "tools/call get_weather", &token.mint());
    assert_eq!(stage.send(&other).await, unknown);
    assert_eq!(stage.service.asked(), []);
    // When it is over, the service says so in its own words, which nobody hears.
    assert_eq!(stage.posts(&alice.address, "alice").await.status, 202);
    stage.service.end("old-1");
    stage.service.asked();
    assert_eq!(stage.posts(&alice.address, "alice").await, unknown);
    assert_eq!(stage.service.asked().len(), 1);
    assert_eq!(stage.posts(&bobs.address, bob).await.status, 202);
}

/// RS-152: a session of the other transport opens no address, and an address no session.
#[tokio::test]
async fn the_two_transports_do_not_open_one_another() {
    let stage = stage().await;
    let alice = stage.token("alice");
    let begun = stage
        .send(&Request::new(LEGACY, "initialize").bearer(&alice))
        .await;
    let session = begun.header("mcp-session-id").expect("a session");
    let opened = stage.open(&alice).await;
    let code = opened
        .address
        .split_once("session_code=")
        .expect("a code")
        .1;
    let (inner, session_code) = session.rsplit_once('.').expect("a code");
    stage.service.asked();
    for address in [
        format!("/messages?session=old-1&session_code={session_code}"),
        format!("/messages?session={inner}&session_code={session_code}"),
        "/messages?session=old-1".to_owned(),
    ] {
        let posts = at(&address, "ping", &alice).with("mcp-session-id", session);
        assert_eq!(stage.send(&posts).await.status, 404, "{address}");
    }
    for session in [
        format!("old-1.{code}"),
        format!("?session=old-1.{code}"),
        format!("/messages?session=old-1.{code}"),
    ] {
        let ping = Request::new(LEGACY, "ping").bearer(&alice);
        let ping = ping.with("mcp-session-id", &session);
        assert_eq!(stage.send(&ping).await.status, 404, "{session}");
    }
    assert_eq!(stage.service.asked(), []);
    // What does not belong to the old transport does not reach the service in it.
    let posts = at(&opened.address, "ping", &alice).with("mcp-session-id", session);
    assert_eq!(stage.send(&posts).await.status, 202);
    let again = listens(&alice)
        .with("mcp-session-id", session)
        .with("last-event-id", "1");
    let _again = open(stage.server.address, &again).await;
    let asked = stage.service.asked();
    assert!(asked.iter().all(|asked| asked.sessions.is_empty()));
    assert!(asked.iter().all(|asked| asked.last_events.is_empty()));
    assert_eq!(asked.len(), 2);
}

/// RS-152: what many services read as the address for messages is one for the layer too.
#[tokio::test]
async fn another_spelling_of_the_address_is_no_way_around_the_code() {
    let stage = stage().await;
    let _opened = stage.open(&stage.token("alice")).await;
    stage.service.asked();
    for address in [
        "/%6dessages?session=old-1",
        "/%6Dessages?session=old-1",
        "/message%73?session=old-1",
        "/%6d%65%73%73%61%67%65%73?session=old-1",
        "/messages%2Fx?session=old-1",
        "/%256dessages?session=old-1",
        "/MESSAGES?session=old-1",
        "//messages?session=old-1",
        "/./messages?session=old-1",
        "/x/../messages?session=old-1",
        "/messages;x=1?session=old-1",
        "/%6dessages/../x?session=old-1",
        "/messages%2F..%2Fx?session=old-1",
        "/%6dessages/%252e%252e/x?session=old-1",
        "/\\messages?session=old-1",
    ] {
        stage.posts(address, "bob").await;
        let asked = stage.service.asked();
        assert_eq!(asked, [], "{address} reached the service");
    }
}

// ---- what is written

/// The address that the layer gave for `address`, which must be all that it changed.
fn sealed(before: &[u8], after: &[u8], address: &str) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let (before, after) = (text(before), text(after));
    let (head, tail) = before.split_once(address).expect("the address");
    let rest = after.strip_prefix(head);
    let rest = rest.and_then(|rest| rest.strip_prefix(address));
    let rest = rest.expect("the same beginning");
    let code = rest.strip_suffix(tail).expect("the same end");
    let mark = if address.contains('?') { '&' } else { '?' };
    let digits = code.strip_prefix(&format!("{mark}session_code="));
    assert_eq!(digits.map(str::len), Some(43), "{code}");
    format!("{address}{code}")
}

/// RS-153: only the address is changed, wherever the stream is cut into pieces.
#[tokio::test]
async fn the_address_is_found_wherever_the_stream_is_cut() {
    let stage = stage().await;
    let whole = "\u{feff}: a comment\r\nretry: 10\nid: 1\n\nevent: endpoint\n\
        data: /messages?session=old-1\nid: 2\n\n\
        event: message\ndata: event: endpoint\ndata: /messages?session=old-2\n\n";
    let (status, expected) = stage.hears(vec![whole]).await;
    assert_eq!(status, 200);
    let address = sealed(whole.as_bytes(), &expected, "/messages?session=old-1");
    assert!(address.contains("&session_code="));
    let bytes = whole.as_bytes();
    for cut in 1..bytes.len() {
        let pieces = vec![bytes[..cut].to_vec(), bytes[cut..].to_vec()];
        let (status, heard) = stage.hears(pieces).await;
        assert_eq!((status, &heard), (200, &expected), "cut at {cut}");
    }
    let singles: Vec<Vec<u8>> = bytes.iter().map(|byte| vec![*byte]).collect();
    assert_eq!(stage.hears(singles).await, (200, expected));
}

/// Where a client posts that reads this address, as the layer sees it.
fn target(address: &str) -> String {
    let base = url::Url::parse("https://mcp.example.com/sse").expect("a URL");
    let url = base.join(address).expect("a URL");
    let path = url.path();
    let path = path.strip_prefix("/v1").unwrap_or(path);
    match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

/// RS-153: beginnings that a client understands.
#[tokio::test]
async fn every_way_to_write_the_event_is_understood() {
    let stage = stage().await;
    for (written, address) in [
        ("event: endpoint\ndata: /messages\n\n", "/messages"),
        ("event:endpoint\ndata:/messages\n\n", "/messages"),
        ("data: /messages\nevent: endpoint\n\n", "/messages"),
        ("event: endpoint\r\ndata: /messages\r\n\r\n", "/messages"),
        ("event: endpoint\rdata: /messages\r\r", "/messages"),
        ("event: endpoint\rdata: /messages\r\n\n", "/messages"),
        ("\u{feff}event: endpoint\ndata: /messages\n\n", "/messages"),
        (
            ": hello\n:\n\n\nevent: endpoint\n: x\ndata: /messages\n\n",
            "/messages",
        ),
        (
            "event: message\nevent: endpoint\ndata: /messages\n\n",
            "/messages",
        ),
        (
            "retry: 5\n\nid: 7\n\nunknown\nevent: endpoint\ndata: /messages\n\n",
            "/messages",
        ),
        (
            "event: endpoint\ndata: /messages/abc-1\n\n",
            "/messages/abc-1",
        ),
        (
            "event: endpoint\ndata: /messages/?s=1&t=%20\n\n",
            "/messages/?s=1&t=%20",
        ),
        (
            "event: endpoint\ndata: https://mcp.example.com/messages?s=1\n\n",
            "https://mcp.example.com/messages?s=1",
        ),
        (
            "event: endpoint\ndata: https://mcp.example.com:443/messages/1\n\n",
            "https://mcp.example.com:443/messages/1",
        ),
        (
            "event: endpoint\ndata: //mcp.example.com/messages\n\n",
            "//mcp.example.com/messages",
        ),
        // The layer stands below a path that it does not see.
        (
            "event: endpoint\ndata: /v1/messages?s=1\n\n",
            "/v1/messages?s=1",
        ),
    ] {
        let (status, heard) = stage.hears(vec![written]).await;
        assert_eq!(status, 200, "{written:?}");
        let (given, own) = (sealed(written.as_bytes(), &heard, address), target(address));
        stage.service.asked();
        let target = target(&given);
        stage.posts(&target, "alice").await;
        let asked = stage.service.asked();
        assert_eq!(asked.len(), 1, "{written:?}");
        assert_eq!(asked[0].target, own, "{written:?}");
        assert_eq!(stage.posts(&target, "bob").await.status, 404);
    }
}

/// RS-153: an address without a path of its own is relative to where the stream is.
#[tokio::test]
async fn a_relative_address_is_an_address() {
    let stage = stage().await;
    let (status, heard) = stage
        .hears(vec!["event: endpoint\ndata: messages?s=1\n\n"])
        .await;
    let heard = String::from_utf8(heard).expect("text");
    assert_eq!(status, 200, "{heard}");
    let given = address_in(&heard);
    stage.service.asked();
    stage.posts(&target(given), "alice").await;
    assert_eq!(stage.service.asked()[0].target, "/messages?s=1");
    assert_eq!(stage.posts(&target(given), "bob").await.status, 404);
}

/// RS-153: a client hears of the address as soon as it is there, however lines end.
#[tokio::test]
async fn the_address_does_not_wait_for_what_comes_after_it() {
    let stage = stage().await;
    for end in ["\n", "\r\n", "\r"] {
        let event = format!("event: endpoint{end}data: /messages{end}{end}");
        stage.service.greet([event]);
        let token = stage.token("alice");
        let (_connection, mut stream) = open(stage.server.address, &listens(&token)).await;
        assert_eq!(stream.status(), 200);
        let first = stream.until("session_code=").await;
        assert!(first.starts_with("event: endpoint"), "{end:?}");
    }
}

/// RS-153: beginnings that cannot be given to anybody.
#[tokio::test]
async fn a_stream_without_a_usable_address_is_a_bad_gateway() {
    let stage = stage().await;
    let of = |address: &str| format!("event: endpoint\ndata: {address}\n\n");
    let mut broken: Vec<String> = [
        "https://evil.example/messages",
        "http://mcp.example.com/messages",
        "https://mcp.example.com:444/messages",
        "https://mcp.example.com.evil.example/messages",
        "https://mcp.example.com@evil.example/messages",
        "https://user@mcp.example.com/messages",
        "//evil.example/messages",
        "\\\\evil.example/messages",
        "/\\evil.example/messages",
        "\t//evil.example/messages",
        "javascript:alert(1)",
        "data:text/plain,/messages",
        "/messages#there",
        "/elsewhere",
        "/messagesandmore",
        "/%6dessages",
        "/messages?session_code=mine",
        "/messages?s=1&session_code=mine",
        "",
    ]
    .map(of)
    .into();
    broken.extend(
        [
            "",
            "event: endpoint\ndata: /messages\n",
            "event: endpoint\n\n",
            "data: /messages\n\n",
            "event: message\ndata: /messages\n\n",
            "event: endpoint2\ndata: /messages\n\n",
            "Event: endpoint\ndata: /messages\n\n",
            " event: endpoint\ndata: /messages\n\n",
            "event: endpoint\nevent: message\ndata: /messages\n\n",
            "event: endpoint\ndata: /messages\ndata: /messages\n\n",
            "event: endpoint\ndata: /mess\ndata: ages\n\n",
            "event: message\ndata: {}\n\nevent: endpoint\ndata: /messages\n\n",
            "data: event: endpoint\n\nevent: endpoint\ndata: /messages\n\n",
            "{\"endpoint\":\"/messages\"}",
        ]
        .map(str::to_owned),
    );
    for written in broken {
        let (status, heard) = stage.hears(vec![written.clone()]).await;
        assert_eq!(status, 502, "{written:?}");
        let heard = String::from_utf8(heard).expect("text");
        assert!(!heard.contains("/messages"), "{heard}");
        assert!(!heard.contains("evil"), "{heard}");
    }
    // Bytes that are no text.
    let pieces = vec![b"event: endpoint\ndata: /messages?\xff\n\n".to_vec()];
    assert_eq!(stage.hears(pieces).await.0, 502);
}

/// RS-153: who waits for an address does not wait for ever, nor remember all that comes before it.
#[tokio::test]
async fn a_beginning_without_an_end_is_a_bad_gateway() {
    let stage = stage().await;
    for piece in ["x", ": wait\n", ": wait\n\n", "\n", "\r"] {
        stage
            .service
            .greet(vec![piece.repeat(64); 16 * 1024 / 64 + 1]);
        let answer = stage.send(&listens(&stage.token("alice"))).await;
        assert_eq!(answer.status, 502, "{piece:?}");
        stage.service.feed().dropped().await;
    }
}

/// RS-153: a stream of which the address is known is not looked at any more.
#[tokio::test]
async fn what_follows_the_address_passes_as_it_is() {
    let stage = stage().await;
    let mut opened = stage.open(&stage.token("alice")).await;
    for event in [
        "event: endpoint\ndata: https://evil.example/messages\n\n",
        "event: message\ndata: {\"event\": \"endpoint\"}\n\n",
        "\r\r\n\n\0\u{feff}",
        "data: /messages?session=old-2",
    ] {
        assert!(opened.feed.send(event));
        assert_eq!(opened.stream.next().await.as_deref(), Some(event));
    }
}

/// What is no stream is a bad gateway, and a refusal of the service passes.
#[tokio::test]
async fn only_a_stream_is_a_stream() {
    let stage = stage().await;
    let token = stage.token("alice");
    let event = "event: endpoint\ndata: /messages\n\n";
    for (status, kind, expected) in [
        (200_u16, "text/event-stream", 200),
        (200, "Text/Event-Stream; charset=utf-8", 200),
        (200, "application/json", 502),
        (200, "text/event-streams", 502),
        (503, "text/plain", 503),
        (404, "text/event-stream", 404),
        (302, "text/html", 302),
    ] {
        let router = axum::Router::new().fallback(move || async move {
            let status = StatusCode::from_u16(status).expect("a status");
            let head = [("content-type", kind), ("mcp-session-id", "inner")];
            (status, head, event)
        });
        let router = router.layer(layer(&stage.server.guard));
        let (address, _) = spawn(router).await;
        let answer = send(address, &listens(&token)).await;
        assert_eq!(answer.status, expected, "{kind}");
        assert_eq!(answer.header("mcp-session-id"), None);
        let is_sealed = answer.body.contains("session_code");
        assert_eq!(is_sealed, expected == 200, "{kind}");
    }
}

// ---- policy and time

/// RS-154: the policy decides about messages as everywhere, and the answer is that of the POST.
#[tokio::test]
async fn a_refusal_is_the_answer_to_the_post() {
    let stage = stage().await;
    let token = stage.token("alice");
    let mut opened = stage.open(&token).await;
    stage.service.asked();
    let posts = |call| at(&opened.address, call, &token);
    let refused = stage.send(&posts("tools/call delete_file")).await;
    assert_eq!((refused.status, code_of(&refused)), (403, 40300));
    let challenge = refused.challenge();
    assert!(challenge.contains(&("error".to_owned(), "insufficient_scope".to_owned())));
    let closed = stage.send(&posts("tools/call nothing")).await;
    assert_eq!((closed.status, code_of(&closed)), (403, 40301));
    let unknown = stage.send(&posts("nothing/at_all")).await;
    assert_eq!((unknown.status, code_of(&unknown)), (404, -32601));
    let broken = stage.send(&posts("ping").body("{")).await;
    assert_eq!((broken.status, code_of(&broken)), (400, -32700));
    let slow = posts("ping").with("content-type", "text/plain");
    assert_eq!(stage.send(&slow).await.status, 415);
    assert_eq!(stage.service.asked(), []);
    // The stream heard nothing of all that.
    assert_eq!(stage.send(&posts("tools/call export")).await.status, 202);
    assert!(opened.feed.send("data: the answer\n\n"));
    let next = opened.stream.next().await;
    assert_eq!(next.as_deref(), Some("data: the answer\n\n"));
}

/// RS-155: the stream ends at the deadline of the token that opened it.
#[tokio::test]
async fn the_stream_ends_when_its_token_does() {
    let stage = stage().await;
    let dies = stage.server.clock.now() + TimeDelta::seconds(5);
    let short = stage.server.scoped("").expires_at(dies).mint();
    let mut opened = stage.open(&short).await;
    stage.server.clock.advance(TimeDelta::milliseconds(64_999));
    assert!(opened.feed.send("data: in time\n\n"));
    assert!(opened.stream.next().await.is_some());
    stage.server.clock.advance(TimeDelta::milliseconds(1));
    opened.feed.send("data: late\n\n");
    assert_eq!(opened.stream.next().await, None);
    opened.feed.dropped().await;
    assert_eq!(stage.service.live(), 0);
}

/// RS-155: and when that token is revoked, without touching the streams of others.
#[tokio::test]
async fn the_stream_ends_when_its_token_is_revoked() {
    let stage = stage().await;
    let mut alice = stage.open(&stage.token("alice")).await;
    let mut bob = stage.open(&stage.token("bob")).await;
    let revocations = stage.server.guard.revocations();
    let revoked = revocations.revoke_subject(stage.server.issuer.id(), &Subject::new("alice"));
    revoked.expect("room");
    alice.feed.send("data: late\n\n");
    assert_eq!(alice.stream.next().await, None);
    alice.feed.dropped().await;
    assert!(bob.feed.send("data: still there\n\n"));
    assert!(bob.stream.next().await.is_some());
}

/// RS-155: a stream whose service never says its address does not outlive the token either.
#[tokio::test]
async fn a_stream_that_never_began_ends_with_its_token() {
    for by_time in [true, false] {
        let stage = stage().await;
        stage.service.greet([": wait for it\n\n"]);
        let token = stage.token("alice");
        let address = stage.server.address;
        let waits = tokio::spawn(async move { send(address, &listens(&token)).await });
        support::http::eventually(|| stage.service.live() == 1).await;
        let feed = stage.service.feed();
        support::http::eventually(|| feed.polls() >= 2).await;
        if by_time {
            stage.server.clock.advance(TimeDelta::hours(2));
        } else {
            let revocations = stage.server.guard.revocations();
            let issuer = stage.server.issuer.id();
            let revoked = revocations.revoke_subject(issuer, &Subject::new("alice"));
            revoked.expect("room");
        }
        feed.dropped().await;
        let answer = waits.await.expect("an answer");
        assert!(answer.status >= 400, "{answer:?}");
        assert!(!answer.body.contains("wait for it"));
    }
}

/// RS-155: a body that is asked for after the end has come is over, and stays so.
#[tokio::test]
async fn what_is_asked_for_after_the_end_is_nothing() {
    let stage = stage().await;
    stage.service.greet([": wait for it\n\n"]);
    let app = stage.service.router().layer(layer(&stage.server.guard));
    let request = http::Request::get("/sse")
        .header("host", "mcp.example.com")
        .header("authorization", format!("Bearer {}", stage.token("alice")))
        .body(axum::body::Body::empty())
        .expect("a request");
    let waits = tokio::spawn(app.oneshot(request));
    support::http::eventually(|| stage.service.live() == 1).await;
    let feed = stage.service.feed();
    support::http::eventually(|| feed.polls() >= 2).await;
    assert!(feed.send("event: endpoint\ndata: /messages\n\n"));
    let answer = waits.await.expect("no panic").expect("an answer");
    assert_eq!(answer.status(), 200);
    stage.server.clock.advance(TimeDelta::hours(2));
    let mut body = answer.into_body();
    for _ in 0..3 {
        assert!(body.frame().await.is_none());
    }
    feed.dropped().await;
}
