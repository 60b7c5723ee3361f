//! Tokens stay where they belong: not in logs, not in `Debug`, not in what handlers pass on. And
//! what strangers write cannot make up log records.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_in_result,
    reason = "a test that cannot go on must panic, and a table may be long"
)]

mod support;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{any, get};
use chrono::TimeDelta;
use clearance::clock::Clock as _;
use clearance::id::Subject;
use clearance::limit::Quota;
use clearance::secret::BearerToken;
use clearance::testing::Fault;
use clearance::token::{Token, Unverified};
use clearance::{Authorized, Guard, Guarded};
use http::{Extensions, HeaderMap, HeaderValue};
use support::http::{Http2, bearer, kept, parts_with, request};
use support::{Fixture, Server, ToolsRead, raw};

/// The parts of a token that must not be seen anywhere: the whole, and each segment.
fn secrets(token: &str) -> Vec<&str> {
    let mut all: Vec<&str> = token.split('.').filter(|part| part.len() > 8).collect();
    all.push(token);
    all
}

#[track_caller]
fn assert_hides(text: &str, token: &str) {
    for secret in secrets(token) {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

/// One token for each way to be judged.
fn tokens(server: &Server) -> Vec<String> {
    let token = || server.issuer.token().scope("mcp:tools.read");
    let revoked = token().subject("mallory").mint();
    server
        .app
        .guard
        .revocations()
        .revoke_subject(server.issuer.id(), &Subject::new("mallory"))
        .expect("room");
    let good = token().mint();
    let all = [
        token().wrong_signature(),
        token().unknown_key(),
        token().alg_none(),
        token().expired(),
        token().not_yet_valid(),
        token().wrong_audience(),
        token().wrong_issuer(),
        token().wrong_type(),
        token().without("jti"),
        token().header("zip", "DEF"),
        token().header("kid", "k".repeat(300)),
        token().raw_payload(format!("{{\"scope\":\"{}\"", "s".repeat(40))),
        token().claim_text("exp", "1e400"),
        token().claim_text("cnf", "{}"),
        token().header("jwk", server.issuer.jwks()),
    ];
    let mut all: Vec<String> = all.map(|token| token.mint()).to_vec();
    all.extend([
        revoked,
        format!("{good}.x"),
        format!("{good}{}", "a".repeat(20_000)),
        good.replace('.', ":"),
        format!("{good}, {good}"),
        good,
    ]);
    all
}

/// RS-147: nothing of any token is logged at any level, whether the request is let in, refused in
/// any way, or cannot be judged.
#[tokio::test]
async fn no_token_is_logged() {
    let logs = support::Logs::capture();
    let server = support::server_with(
        |rules| rules.fetch_time_limit(std::time::Duration::from_millis(300)),
        |guard| {
            guard
                .limit(Quota::per_hour(60))
                .deny_if(|caller| caller.subject().as_str() == "denied")
        },
    )
    .await;
    let all = tokens(&server);
    let denied = server.issuer.token().subject("denied").mint();
    let other = server.issuer.token().subject("other").mint();
    let mut over_http_2 = Http2::to(server.address).await;
    for token in all.iter().chain([&denied, &other]) {
        for path in ["/mcp", "/delete"] {
            server.get(path, token).await;
        }
        let basic = format!("Basic {token}");
        server.with_authorization("/mcp", basic.as_bytes()).await;
        let joined = format!("Bearer{token}");
        server.with_authorization("/mcp", joined.as_bytes()).await;
        let line = bearer(token);
        server.raw(&request("GET /mcp", &[&line, &line])).await;
        let lines = [
            format!("cookie: access_token={token}"),
            format!("x-a: {token}"),
        ];
        server.raw(&request("GET /mcp", &lines)).await;
        if !token.contains(' ') {
            let start = format!("POST /mcp?access_token={token}");
            server.raw(&request::<&str>(&start, &[])).await;
            server.raw(&request(&start, &[&line])).await;
        }
        if token.len() < 10_000 {
            let value = format!("Bearer {token}");
            over_http_2.get("/mcp", &[("authorization", &value)]).await;
        }
    }
    // Too many requests, then keys that cannot be had.
    let greedy = server.issuer.token().subject("greedy").mint();
    let statuses = [server.get("/open", &greedy).await.status, {
        for _ in 0..60 {
            server.get("/open", &greedy).await;
        }
        server.get("/open", &greedy).await.status
    }];
    assert_eq!(statuses, [200, 429]);
    server.clock.advance(TimeDelta::hours(2));
    let late = server.issuer.token().mint();
    server.issuer.fault(Fault::Hang);
    assert_eq!(server.get("/open", &late).await.status, 503);
    server.issuer.stop().await;
    server.clock.advance(TimeDelta::seconds(6));
    assert_eq!(server.get("/open", &late).await.status, 503);

    let log = logs.text();
    for token in all.iter().chain([&denied, &other, &greedy, &late]) {
        assert_hides(&log, token);
    }
    // It is a log of all that happened.
    for code in [
        r#"decision="allowed""#,
        r#"reason="denied""#,
        r#"reason="insufficient_scope""#,
        r#"reason="no_credential""#,
        r#"reason="malformed_credential""#,
        r#"reason="repeated_credential""#,
        r#"reason="credential_also_in_query""#,
        r#"reason="bad_signature""#,
        r#"reason="unknown_key""#,
        r#"reason="revoked""#,
        r#"reason="limit_exceeded""#,
        r#"decision="unavailable""#,
        "access_token=REDACTED",
    ] {
        assert!(log.contains(code), "{code}");
    }
    assert!(log.contains("TRACE"), "every level is captured");
}

/// Text that would write lines of its own, if it could.
const HOSTILE: [&str; 10] = [
    "a\nFAKE",
    "a\r\nFAKE",
    "a\n2026-01-01T00:00:00Z  INFO clearance: decision=\"allowed\"",
    "a\u{1b}[31mFAKE\u{1b}[2K",
    "a\u{2028}FAKE\u{2029}FAKE",
    "a\u{85}FAKE",
    "a\0FAKE\u{7}",
    "a\u{202e}FAKE",
    "\" decision=\"allowed\" subject=\"bob",
    "\u{9b}31m\u{7f}",
];

/// The records that `log` consists of, each on a line of its own.
#[track_caller]
fn records(log: &str) -> Vec<&str> {
    let lines: Vec<&str> = log.split_terminator('\n').collect();
    for line in &lines {
        // The time with which the writer begins each record.
        let (time, _) = line.split_once("  ").unwrap_or((line, ""));
        let time = time.split(' ').next().unwrap_or_default();
        assert!(
            time.len() == 27 && time.ends_with('Z'),
            "no record begins here: {line}"
        );
        let foreign = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}');
        assert!(!line.contains(foreign), "{line:?}");
    }
    lines
        .into_iter()
        .filter(|line| line.contains(" clearance: "))
        .collect()
}

/// RS-148: one request is one record, whatever the subject and the client are called.
#[tokio::test]
async fn names_cannot_make_up_records() {
    let logs = support::Logs::capture();
    let server = support::server().await;
    for text in HOSTILE {
        for (path, decision) in [("/mcp", "allowed"), ("/delete", "refused")] {
            let before = logs.text().len();
            let token = server.issuer.token().scope("mcp:tools.read");
            let token = token.subject(text).client(text).mint();
            let answer = server.get(path, &token).await;
            assert_eq!(answer.status, if path == "/mcp" { 200 } else { 403 });
            let log = logs.text().split_off(before);
            let records = records(&log);
            assert_eq!(records.len(), 1, "{log}");
            assert!(records[0].contains(&format!(" decision=\"{decision}\"")));
        }
    }
}

/// RS-148: and whatever the key, the issuer and the rest of a token that nobody verified say.
#[tokio::test]
async fn unverified_text_cannot_make_up_records() {
    let logs = support::Logs::capture();
    let server = support::server().await;
    for text in HOSTILE {
        let token = || server.issuer.token().scope("mcp:tools.read");
        for token in [
            token().claim("iss", text),
            token().header("typ", text),
            token().header("alg", text),
            token().header(text, text).expired(),
            token().claim(text, text).expired(),
            token().audience(text),
            token().subject(text).wrong_signature(),
        ] {
            let before = logs.text().len();
            server.get("/mcp", &token.mint()).await.assert_401_inv();
            let log = logs.text().split_off(before);
            let records = records(&log);
            assert_eq!(records.len(), 1, "{log}");
            // What an unverified token says about anybody is not written down.
            assert!(!log.contains("FAKE"), "{log}");
        }
    }
    assert_eq!(server.ran(), 0);
}

/// RS-148: the name of an unknown key is escaped as well, and makes no record of its own.
#[tokio::test]
async fn key_names_cannot_make_up_records() {
    let logs = support::Logs::capture();
    let server = support::server().await;
    for text in HOSTILE {
        let before = logs.text().len();
        let token = server.issuer.token().header("kid", text).mint();
        server.get("/mcp", &token).await.assert_401_inv();
        let log = logs.text().split_off(before);
        let decisions = records(&log)
            .iter()
            .filter_map(|record| record.split_once(" clearance: "))
            .filter(|(_, what)| what.starts_with("decision="))
            .count();
        assert_eq!(decisions, 1, "{log}");
    }
}

/// RS-148: one decision is one record also where the key is unknown.
#[tokio::test]
async fn an_unknown_key_is_one_record() {
    let logs = support::Logs::capture();
    let server = support::server().await;
    let before = logs.text().len();
    let token = server.issuer.token().header("kid", "a\nFAKE").mint();
    server.get("/mcp", &token).await.assert_401_inv();
    let log = logs.text().split_off(before);
    assert_eq!(records(&log).len(), 1, "{log}");
}

/// RS-148: text of strangers is cut.
#[tokio::test]
async fn long_text_is_cut_in_logs() {
    let logs = support::Logs::capture();
    let server = support::server().await;
    let before = logs.text().len();
    let name = "x".repeat(4_000);
    let token = server.issuer.token().scope("mcp:tools.read");
    let known = token.clone().subject(&name).client(&name).mint();
    server.get("/mcp", &known).await.assert_ok();
    server.get("/delete", &known).await;
    let unknown = token.header("kid", "y".repeat(256)).mint();
    server.get("/mcp", &unknown).await.assert_401_inv();
    let log = logs.text().split_off(before);
    // Names after 256 characters, what strangers wrote after 64.
    assert!(log.contains(&"x".repeat(256)) && log.contains(&"y".repeat(64)));
    assert!(!log.contains(&"x".repeat(257)) && !log.contains(&"y".repeat(65)));
}

/// RS-147, RS-120: what can be printed does not show the token.
#[tokio::test]
async fn debug_shows_nothing_of_a_token() {
    let server = support::server().await;
    let guard = &server.app.guard;
    let token = server
        .issuer
        .token()
        .scope("mcp:tools.read secret-scope")
        .claim("secret-claim", "secret-value")
        .token_id("secret-jti")
        .mint();
    let mut shown = Vec::new();
    let raw = BearerToken::from_bytes(token.as_bytes()).expect("a token");
    shown.push(format!("{raw:?} {raw:#?}"));
    let unverified = Token::<Unverified>::parse(raw).expect("a token");
    shown.push(format!("{unverified:?} {unverified:#?}"));
    let keys = guard.key_set(&unverified).await.expect("keys");
    let verified = unverified.verify_signature(&keys).expect("genuine");
    shown.push(format!("{verified:?} {verified:#?}"));
    let for_us = verified
        .verify_audience(guard.acceptance(), server.clock.now())
        .expect("for us");
    shown.push(format!("{for_us:?} {for_us:#?}"));
    shown.push(format!("{guard:?} {guard:#?}"));
    let proof: Authorized<ToolsRead> = guard
        .authorize(&mut parts_with(&token))
        .await
        .expect("a proof");
    shown.push(format!("{proof:?} {proof:#?}"));
    shown.push(format!("{0:?} {0:#?}", proof.caller()));
    shown.push(format!("{:?}", proof.until_expiry(async {})));
    // What it does show: who.
    assert!(shown.iter().any(|text| text.contains("alice")));
    for text in &shown {
        assert_hides(text, &token);
        assert!(!text.contains("secret"), "{text}");
    }

    // Refusals of all kinds.
    for token in tokens(&server) {
        let mut parts = support::http::parts("/mcp", Some(format!("Bearer {token}").as_bytes()));
        let refused = guard
            .authorize::<(support::FilesRead, ToolsRead)>(&mut parts)
            .await;
        let refusal = refused.map(drop).expect_err("refused");
        let text = format!("{refusal:?} {refusal:#?} {refusal} {:?}", refusal.reason());
        assert_hides(&text, &token);
        assert_hides(&format!("{parts:?}"), &token);
        for error in [
            format!("{:?}", BearerToken::from_bytes(token.as_bytes())),
            format!(
                "{:?}",
                BearerToken::from_bytes(token.as_bytes())
                    .ok()
                    .map(Token::<Unverified>::parse)
            ),
        ] {
            assert_hides(&error, &token);
        }
    }
}

/// What the servers below share: a guard, and where requests are passed on to.
#[derive(Clone)]
struct Proxy {
    guard: Guard<Fixture>,
    upstream: SocketAddr,
}

impl Guarded for Proxy {
    type Vocabulary = Fixture;
    fn guard(&self) -> &Guard<Fixture> {
        &self.guard
    }
}

/// Sends all header fields on, and gives back what the upstream server saw.
async fn pass_on(upstream: SocketAddr, headers: &HeaderMap) -> String {
    let lines: Vec<Vec<u8>> = headers
        .iter()
        .filter(|(name, _)| !["host", "connection"].contains(&name.as_str()))
        .map(|(name, value)| [name.as_str().as_bytes(), b": ", value.as_bytes()].concat())
        .collect();
    raw(upstream, &request("GET /", &lines)).await.body
}

async fn forward(_: Authorized<()>, State(proxy): State<Proxy>, headers: HeaderMap) -> String {
    pass_on(proxy.upstream, &headers).await
}

async fn forward_whole(_: Authorized<()>, State(proxy): State<Proxy>, request: Request) -> String {
    pass_on(proxy.upstream, request.headers()).await
}

async fn forward_refused(
    proof: Result<Authorized<ToolsRead>, clearance::Refusal>,
    State(proxy): State<Proxy>,
    headers: HeaderMap,
) -> String {
    assert!(proof.is_err());
    pass_on(proxy.upstream, &headers).await
}

/// A server that passes requests on to another one, which says which fields it was sent.
async fn proxy(server: &Server) -> (SocketAddr, [tokio::task::JoinHandle<()>; 2]) {
    async fn fields(headers: HeaderMap) -> String {
        let field = |(name, value)| format!("{name:?}: {value:?}\n");
        headers.iter().map(field).collect()
    }
    let (upstream, first) = support::spawn(Router::new().fallback(fields)).await;
    let router = Router::new()
        .route("/forward", any(forward))
        .route("/whole", any(forward_whole))
        .route("/refused", any(forward_refused))
        .with_state(Proxy {
            guard: server.app.guard.clone(),
            upstream,
        });
    let (address, second) = support::spawn(router).await;
    (address, [first, second])
}

/// RS-120
#[tokio::test]
async fn a_handler_that_passes_everything_on_passes_no_token() {
    let server = support::server().await;
    let (address, tasks) = proxy(&server).await;
    let token = server.issuer.token().mint();
    let expired = server.issuer.token().expired().mint();
    let marker = "x-marker: here".to_owned();
    for (path, token) in [
        ("/forward", &token),
        ("/whole", &token),
        // Also when it is refused and the handler goes on regardless.
        ("/refused", &token),
        ("/refused", &expired),
    ] {
        let lines = [bearer(token), marker.clone()];
        let answer = raw(address, &request(&format!("GET {path}"), &lines)).await;
        answer.assert_ok();
        assert!(answer.body.contains("x-marker"), "{path}: {}", answer.body);
        assert!(!answer.body.contains("authorization"), "{}", answer.body);
        assert_hides(&answer.body, token);
    }
    // Two of them, another scheme, and what is malformed: gone all the same.
    for lines in [
        vec![bearer(&token), bearer(&token)],
        vec!["authorization: Basic dTpw".to_owned()],
        vec![bearer(&token), "authorization: Basic dTpw".to_owned()],
        vec![format!("authorization: Bearer {token} {token}")],
    ] {
        let lines = [lines, vec![marker.clone()]].concat();
        let answer = raw(address, &request("GET /refused", &lines)).await;
        answer.assert_ok();
        assert!(answer.body.contains("x-marker"));
        assert!(!answer.body.contains("authorization"), "{}", answer.body);
    }
    for task in tasks {
        task.abort();
    }
}

/// RS-120: nor a proof of possession.
#[tokio::test]
async fn a_handler_that_passes_everything_on_passes_no_proof_of_possession() {
    let server = support::server().await;
    let (address, tasks) = proxy(&server).await;
    let token = server.issuer.token().mint();
    let lines = [bearer(&token), "dpop: aaa.bbb.ccc".to_owned()];
    for path in ["/forward", "/whole"] {
        let answer = raw(address, &request(&format!("GET {path}"), &lines)).await;
        answer.assert_ok();
        assert!(!answer.body.contains("dpop"), "{}", answer.body);
    }
    for task in tasks {
        task.abort();
    }
}

/// RS-121
#[tokio::test]
async fn tokens_for_an_upstream_are_refused() {
    let server = support::server().await;
    let token = server.issuer.token().scope("mcp:tools.read");
    let upstream = "https://api.upstream.example";
    for audience in [vec![upstream], vec![upstream, "https://files.example"]] {
        let token = token.clone().audience(audience).mint();
        let answer = server.get("/mcp", &token).await;
        answer.assert_401_inv();
        answer.assert_silent_about(&token);
    }
    server
        .get("/mcp", &token.clone().audience(upstream).mint())
        .await
        .assert_401_inv();
    assert_eq!(server.ran(), 0);
    let both = token.audience(vec![upstream, support::E]).mint();
    server.get("/mcp", &both).await.assert_ok();
}

/// State of a server with a spy between the layer and the handler.
#[derive(Clone)]
struct Spied {
    guard: Guard<Fixture>,
    ran: Arc<AtomicU64>,
    /// The header fields that the spy saw.
    seen: Arc<Mutex<Vec<HeaderMap>>>,
    /// Extensions of an earlier request.
    kept: Arc<Mutex<Option<Extensions>>>,
}

impl Guarded for Spied {
    type Vocabulary = Fixture;
    fn guard(&self) -> &Guard<Fixture> {
        &self.guard
    }
}

impl Spied {
    fn new(server: &Server) -> Self {
        Self {
            guard: server.app.guard.clone(),
            ran: Arc::default(),
            seen: Arc::default(),
            kept: Arc::default(),
        }
    }

    fn see(&self, headers: &HeaderMap) {
        self.seen.lock().expect("seen").push(headers.clone());
    }

    /// How many of those who looked saw a credential, and forgets them.
    fn sightings(&self) -> (usize, usize) {
        let seen = std::mem::take(&mut *self.seen.lock().expect("seen"));
        let is_token = |value: &HeaderValue| value.as_bytes().starts_with(b"Bearer");
        let with = seen.iter().filter(|fields| fields.values().any(is_token));
        (with.count(), seen.len())
    }
}

async fn spy(State(spied): State<Spied>, request: Request, next: Next) -> Response {
    spied.see(request.headers());
    next.run(request).await
}

/// Keeps the extensions of a request that says so, and gives them to one that says so.
async fn carry(State(spied): State<Spied>, mut request: Request, next: Next) -> Response {
    if request.headers().contains_key("x-keep") {
        *spied.kept.lock().expect("kept") = Some(request.extensions().clone());
    }
    if request.headers().contains_key("x-replay") {
        let kept = spied.kept.lock().expect("kept").clone();
        *request.extensions_mut() = kept.expect("something was kept");
    }
    next.run(request).await
}

/// An extractor before the proof sees the fields first.
async fn early(headers: HeaderMap, State(spied): State<Spied>, _: Authorized<ToolsRead>) -> String {
    spied.see(&headers);
    spied.ran.fetch_add(1, Ordering::SeqCst);
    "ran".to_owned()
}

async fn unguarded(headers: HeaderMap, State(spied): State<Spied>) -> String {
    spied.see(&headers);
    "open".to_owned()
}

fn routes(spied: &Spied) -> Router<Spied> {
    Router::new()
        .route("/mcp", get(early))
        .route("/unguarded", get(unguarded))
        .layer(from_fn_with_state(spied.clone(), spy))
}

/// RS-120, RS-147: with the layer, neither middleware nor earlier extractors see the credential;
/// without it they do, so the test would notice.
#[tokio::test]
async fn the_layer_hides_the_credential() {
    let server = support::server().await;
    let spied = Spied::new(&server);
    let token = server.issuer.token().scope("mcp:tools.read").mint();
    let with = |start: &str| request(start, &[bearer(&token)]);

    let bare = routes(&spied).with_state(spied.clone());
    let (address, task) = support::spawn(bare).await;
    raw(address, &with("GET /mcp")).await.assert_ok();
    assert_eq!(spied.sightings(), (2, 2));
    task.abort();

    let layered = routes(&spied)
        .layer(server.app.guard.credential_layer())
        .with_state(spied.clone());
    let (address, task) = support::spawn(layered).await;
    let answer = raw(address, &with("GET /mcp")).await;
    answer.assert_ok();
    assert_eq!(spied.sightings(), (0, 2));
    assert_eq!(spied.ran.load(Ordering::SeqCst), 2);
    // It decides nothing, and hides from routes without a guard as well.
    raw(address, &with("GET /unguarded")).await.assert_ok();
    assert_eq!(spied.sightings(), (0, 2));
    // All verdicts are the same as without it.
    let expired = server.issuer.token().expired().mint();
    let no_scope = server.issuer.token().mint();
    let send = async |lines: &[String]| raw(address, &request("GET /mcp", lines)).await;
    send(&[]).await.assert_401_none();
    send(&[bearer(&expired)]).await.assert_401_inv();
    send(&[bearer(&no_scope)])
        .await
        .assert_403("mcp:tools.read");
    send(&[bearer("a b")]).await.assert_400_req();
    send(&[bearer(&token), bearer(&token)])
        .await
        .assert_400_req();
    send(&["authorization: Basic x".to_owned()])
        .await
        .assert_401_none();
    let start = "GET /mcp?access_token=x";
    raw(address, &with(start)).await.assert_400_req();
    let (with_credential, _) = spied.sightings();
    assert_eq!(with_credential, 0);
    assert_eq!(spied.ran.load(Ordering::SeqCst), 2);
    // Twice the layer is as good as once.
    let twice = routes(&spied)
        .layer(server.app.guard.credential_layer())
        .layer(server.app.guard.credential_layer())
        .with_state(spied.clone());
    let (address, second) = support::spawn(twice).await;
    raw(address, &with("GET /mcp")).await.assert_ok();
    assert_eq!(spied.sightings(), (0, 2));
    task.abort();
    second.abort();
}

/// RS-120: what the layer puts into the extensions serves one request, however it is carried
/// about.
#[tokio::test]
async fn a_kept_credential_serves_no_other_request() {
    let server = support::server().await;
    let token = server.issuer.token().scope("mcp:tools.read").mint();
    let own = server
        .issuer
        .token()
        .subject("bob")
        .scope("mcp:tools.read")
        .mint();
    for carried_inside in [true, false] {
        let spied = Spied::new(&server);
        let (layer, carrier) = (
            server.app.guard.credential_layer(),
            from_fn_with_state(spied.clone(), carry),
        );
        let router = if carried_inside {
            routes(&spied).layer(carrier).layer(layer)
        } else {
            // A carrier inside keeps what it sees, and one outside gives it to the next request.
            routes(&spied)
                .layer(carrier.clone())
                .layer(layer)
                .layer(carrier)
        };
        let (address, task) = support::spawn(router.with_state(spied.clone())).await;
        let send = async |lines: &[String]| raw(address, &request("GET /mcp", lines)).await;
        let (keep, replay) = ("x-keep: 1".to_owned(), "x-replay: 1".to_owned());
        send(&[bearer(&token), keep.clone()]).await.assert_ok();
        assert_eq!(spied.ran.load(Ordering::SeqCst), 1);
        for _ in 0..3 {
            send(std::slice::from_ref(&replay)).await.assert_401_none();
        }
        assert_eq!(spied.ran.load(Ordering::SeqCst), 1);
        // Another client's request gets at most what its own token is good for.
        let answer = send(&[bearer(&own), replay.clone()]).await;
        assert!(!answer.body.contains("alice"), "{answer:?}");
        send(&[bearer(&own)]).await.assert_ok();
        task.abort();
    }
}

/// RS-120: nor does one that was never used: it belongs to the request that brought it.
#[tokio::test]
async fn an_unused_credential_serves_no_other_request() {
    let server = support::server().await;
    let spied = Spied::new(&server);
    let alice = server.issuer.token().scope("mcp:tools.read").mint();
    let bob = server.issuer.token().subject("bob").mint();
    let router = routes(&spied)
        .layer(from_fn_with_state(spied.clone(), carry))
        .layer(server.app.guard.credential_layer())
        .with_state(spied.clone());
    let (address, task) = support::spawn(router).await;
    let send = async |path: &str, lines: &[&str]| {
        raw(address, &request(&format!("GET {path}"), lines)).await
    };
    // A route without a guard leaves it where it is.
    let keep = [&bearer(&alice), "x-keep: 1"];
    send("/unguarded", &keep).await.assert_ok();
    for lines in [
        vec!["x-replay: 1"],
        vec!["x-replay: 1", &bearer(&bob)],
        vec!["x-replay: 1", "authorization: Basic dTpw"],
        vec!["x-replay: 1", "authorization: Clearance-Ticket AAAA"],
        vec!["x-replay: 1", "authorization: Clearance-Ticket"],
    ] {
        let answer = send("/mcp", &lines).await;
        assert!([400, 401].contains(&answer.status), "{lines:?}: {answer:?}");
        assert_eq!(spied.ran.load(Ordering::SeqCst), 0, "{lines:?}");
    }
    send("/mcp", &keep).await.assert_ok();
    task.abort();
}

/// RS-120: extensions that were carried in from outside do not keep the layer from hiding.
#[tokio::test]
async fn the_layer_hides_also_beside_a_used_credential() {
    let server = support::server().await;
    let token = server.issuer.token().scope("mcp:tools.read").mint();
    let spied = Spied::new(&server);
    let carrier = from_fn_with_state(spied.clone(), carry);
    let router = routes(&spied)
        .layer(carrier.clone())
        .layer(server.app.guard.credential_layer())
        .layer(carrier)
        .with_state(spied.clone());
    let (address, task) = support::spawn(router).await;
    let send = async |line: &str| {
        let lines = [bearer(&token), line.to_owned()];
        raw(address, &request("GET /mcp", &lines)).await
    };
    send("x-keep: 1").await.assert_ok();
    assert_eq!(spied.sightings().0, 0);
    send("x-replay: 1").await;
    assert_eq!(spied.sightings().0, 0, "middleware saw a credential");
    task.abort();
}

/// RS-147: the answer to a request on a kept connection says nothing of the one before.
#[tokio::test]
async fn nothing_is_left_for_the_next_request() {
    let server = support::server().await;
    let token = server.issuer.token().scope("mcp:tools.read").mint();
    let mut connection = support::http::KeptAlive::to(server.address).await;
    connection
        .send(&kept("GET /mcp", &[bearer(&token)]))
        .await
        .assert_ok();
    for path in ["/mcp", "/delete", "/nothing", support::M_PATH] {
        let answer = connection
            .send(&kept::<&str>(&format!("GET {path}"), &[]))
            .await;
        answer.assert_silent_about(&token);
        assert!(!answer.body.contains("alice"));
    }
}
