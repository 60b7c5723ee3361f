//! What does an operator see of a guard?
//!
//! A few requests, then what is left of them: ten lines of an audit log, a scrape, and the health.
#![expect(clippy::print_stdout, reason = "an example says what it does")]

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::routing::{any, get};
use clearance::audit::JsonLines;
use clearance::id::TokenId;
use clearance::mcp::{McpScopes, ToolsExecute};
use clearance::testing::Issuer;
use clearance::{Authorized, Guard, health_routes};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Where the audit log goes. A real one is a file, or a pipe to whoever keeps it.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&lines).into_owned()
    }
}

async fn run_tool(auth: Authorized<ToolsExecute>) -> String {
    format!("done for {}", auth.subject())
}

async fn serve(router: Router) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// The answer to a `GET`: its status line, and its body.
async fn fetch(address: SocketAddr, path: &str, token: Option<&str>) -> io::Result<[String; 2]> {
    let mut stream = TcpStream::connect(address).await?;
    let credential = token.map(|token| format!("authorization: Bearer {token}\r\n"));
    let credential = credential.unwrap_or_default();
    let head = format!("GET {path} HTTP/1.1\r\nhost: t\r\n{credential}connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.lines().next().unwrap_or_default();
    Ok([status.to_owned(), body.to_owned()])
}

/// Ten lines, of which the eighth says which refusal it follows.
fn check_log(log: &str) -> Result<(), Box<dyn Error>> {
    println!("the audit log:\n{log}");
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let correlation = |at: usize| lines.get(at).and_then(|line| line.get("correlation_id"));
    let elevates = lines.get(7).and_then(|line| line.get("elevates"));
    assert_eq!((lines.len(), elevates), (10, correlation(6)));

    Ok(())
}

/// The numbers are those of the script.
fn check_scrape(scrape: &str) {
    println!("the scrape:\n{scrape}");
    let resource = r#"resource="https://tools.example.com/mcp""#;
    for (line, value) in [
        (
            r#"clearance_decisions_total{RESOURCE,decision="allowed",reason="none"}"#,
            "4",
        ),
        (
            r#"clearance_decisions_total{RESOURCE,decision="refused",reason="insufficient_scope"}"#,
            "1",
        ),
        (
            r#"clearance_decisions_total{RESOURCE,decision="refused",reason="no_credential"}"#,
            "1",
        ),
        (
            r#"clearance_decisions_total{RESOURCE,decision="refused",reason="bad_signature"}"#,
            "1",
        ),
        (
            r#"clearance_decisions_total{RESOURCE,decision="refused",reason="revoked"}"#,
            "1",
        ),
        ("clearance_token_cache_hits_total{RESOURCE}", "3"),
        ("clearance_revocations_total{RESOURCE}", "1"),
        (
            "clearance_audit_events_total{RESOURCE,outcome=\"written\"}",
            "10",
        ),
    ] {
        let line = format!("{} {value}", line.replace("RESOURCE", resource));
        assert!(scrape.lines().any(|found| found == line), "{line}");
    }
}

/// What only the operator's own machines reach.
fn internal(guard: &Guard<McpScopes>, recorder: PrometheusHandle) -> Router {
    let scraped = guard.clone();
    let metrics = get(move || {
        scraped.publish_metrics();
        let text = recorder.render();
        async move { text }
    });
    health_routes([guard]).route("/metrics", metrics)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let recorder = PrometheusBuilder::new().install_recorder()?;
    let log = Lines::default();
    let issuer = Issuer::start("https://tools.example.com/mcp".parse()?).await?;
    let guard = Guard::<McpScopes>::builder(issuer.resource().clone())
        .issuer(issuer.id().clone())
        .audit(JsonLines::to(log.clone()))
        .build()?;
    let public = Router::new().route("/mcp", any(run_tool));
    let address = serve(public.with_state(guard.clone())).await?;
    let internal = serve(internal(&guard, recorder)).await?;

    let [status, body] = fetch(internal, "/readyz", None).await?;
    println!("before the first keys: {status} {body}");
    assert!(status.ends_with("503 Service Unavailable"));
    guard.ready().await?;
    let [status, body] = fetch(internal, "/readyz", None).await?;
    println!("after them: {status} {body}\n");
    assert_eq!(body, r#"{"ready":true}"#);

    // Ten requests.
    let alice = issuer
        .token()
        .subject("alice")
        .token_id("a1")
        .scope("mcp:tools:execute")
        .mint();
    let narrow = issuer.token().subject("bob").scope("mcp:tools:read").mint();
    let wide = issuer
        .token()
        .subject("bob")
        .scope("mcp:tools:read mcp:tools:execute")
        .mint();
    let script = [
        (None, "401"),
        (Some(alice.clone()), "200"),
        (Some(alice.clone()), "200"),
        (Some(issuer.token().expired().mint()), "401"),
        (Some(issuer.token().wrong_signature().mint()), "401"),
        (Some("not-a-token".to_owned()), "401"),
        (Some(narrow), "403"),
        (Some(wide.clone()), "200"),
        (Some(wide), "200"),
    ];
    for (token, expected) in script {
        let [status, _] = fetch(address, "/mcp", token.as_deref()).await?;
        assert!(status.contains(expected), "{status}");
    }
    guard
        .revocations()
        .revoke_token(issuer.id(), &TokenId::new("a1"))?;
    let [status, _] = fetch(address, "/mcp", Some(&alice)).await?;
    assert!(status.contains("401"), "{status}");

    while guard.health().audit.is_some_and(|audit| audit.written < 10) {
        tokio::task::yield_now().await;
    }
    check_log(&log.text())?;
    let [_, scrape] = fetch(internal, "/metrics", None).await?;
    check_scrape(&scrape);
    println!("the numbers are those of the script");
    Ok(())
}
