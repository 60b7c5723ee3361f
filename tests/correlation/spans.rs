//! What is written about a request: all of it in one span, and no secret in it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing_subscriber::fmt::format::FmtSpan;

use super::fixture::{SESSION, Site, later};
use crate::support::around::{T0, WEATHER};
use crate::support::client::send;
use crate::support::request::{MODERN, Request};
use crate::support::service::{LEGACY, Service};
use crate::support::{TRACE, plain};

/// Everything that is written on this thread, at every level, and each span when it ends.
struct Written {
    text: Arc<Mutex<Vec<u8>>>,
    _guard: tracing::subscriber::DefaultGuard,
}

#[derive(Clone)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn new() -> Self {
        // Two subscribers, so that `tracing` asks this thread's and remembers no other's answer.
        static DEAF: OnceLock<tracing::Dispatch> = OnceLock::new();
        DEAF.get_or_init(|| tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new()));
        let text = Arc::new(Mutex::new(Vec::new()));
        let sink = Sink(Arc::clone(&text));
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::CLOSE)
            .with_ansi(false)
            .with_writer(move || sink.clone())
            .finish();
        Self {
            text,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    fn take(&self) -> String {
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&std::mem::take(&mut *text)).into_owned()
    }
}

/// The one span of a request in what was written, as it was when it ended.
#[track_caller]
fn span(written: &str, what: &str) -> String {
    let ended = written
        .lines()
        .filter(|line| line.contains(": clearance: close "));
    let ended: Vec<_> = ended.collect();
    assert_eq!(ended.len(), 1, "{what}: {written}");
    let (_, rest) = ended[0].split_once("request{").expect("a span");
    let (fields, _) = rest.rsplit_once("}: clearance: close").expect("its end");
    fields.to_owned()
}

/// A request's span tells its name, what it asked for, the decision and the reason.
#[tokio::test]
async fn a_span_tells_what_was_decided() {
    let written = Written::new();
    let site = Site::new().await;
    let cases = site.cases().into_iter().map(|case| (site.address, case));
    let later = later().await;
    let others = later.iter().map(|(site, case)| (site.address, case));
    let mut all: Vec<_> = Vec::new();
    for (address, case) in cases {
        all.push((address, case.what, case.request, case.status, case.reason));
    }
    for (address, case) in others {
        let request = case.request.clone();
        all.push((address, case.what, request, case.status, case.reason));
    }
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let mut faults = Vec::new();
    for (address, what, request, status, reason) in all {
        // The client that sends this names hosts itself.
        if what == "a foreign host" {
            continue;
        }
        written.take();
        let answer = send(address, &request.with("traceparent", &parent)).await;
        assert_eq!(answer.status, status, "{what}");
        let span = span(&written.take(), what);
        let decision = match (status, what) {
            (_, "preflight" | "metadata") => "answered",
            // The last is answered by the service.
            (200, _) | (_, "a notification") => "allowed",
            _ => "refused",
        };
        let mut fields = vec![
            format!("correlation_id={TRACE}"),
            format!("decision=\"{decision}\""),
        ];
        fields.extend(reason.map(|reason| format!("reason=\"{reason}\"")));
        let is_whole = fields.iter().all(|field| span.contains(field));
        // Whatever is refused is refused for a reason.
        let has_reason = decision == "refused";
        if !is_whole || has_reason != span.contains("reason=") {
            faults.push(format!("{what}: {span}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// And what was asked for: a method and a name.
#[tokio::test]
async fn a_span_tells_what_was_asked_for() {
    let written = Written::new();
    let site = Site::new().await;
    let all = "mcp:tools.read mcp:admin";
    let mut faults = Vec::new();
    for (revision, call, fields) in [
        (
            MODERN,
            WEATHER,
            r#"method="tools/call" target="get_weather""#,
        ),
        (
            MODERN,
            "tools/call delete_file",
            r#"method="tools/call" target="delete_file""#,
        ),
        (
            MODERN,
            "tools/call nobodys",
            r#"method="tools/call" target="nobodys""#,
        ),
        (
            MODERN,
            "prompts/get greeting",
            r#"method="prompts/get" target="greeting""#,
        ),
        (
            MODERN,
            "resources/read file:///pub/a",
            r#"method="resources/read" target="file:///pub/a""#,
        ),
        (MODERN, "tools/list", r#"method="tools/list" decision"#),
        (MODERN, "no/such", r#"method="no/such" decision"#),
        (
            LEGACY,
            "notifications/initialized",
            r#"method="notifications/initialized" decision"#,
        ),
        (LEGACY, "response", r#"method="response" decision"#),
        (
            "2025-03-26",
            "batch ping + tools/list",
            r#"method="batch" decision"#,
        ),
        (LEGACY, "GET", r#"method="GET" decision"#),
    ] {
        written.take();
        let request = Request::new(revision, call).bearer(&site.token(all));
        send(site.address, &request).await;
        let span = span(&written.take(), call);
        if !span.contains(fields) {
            faults.push(format!("{call}: {span}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// RS-147: neither tokens nor session ids nor arguments are written, at any level, whether a request
/// passes or not.
#[tokio::test]
async fn no_secret_is_written() {
    let written = Written::new();
    let site = Site::new().await;
    let alice = site.token(T0);
    let bob = site.world.issuer.token().scope(T0).subject("bob").mint();
    let begun = Request::new(LEGACY, "initialize").bearer(&alice);
    let begun = send(site.address, &begun).await;
    let session = begun
        .header("mcp-session-id")
        .expect("a session")
        .to_owned();
    assert!(session.starts_with(SESSION), "{session}");
    let arguments = serde_json::json!({ "params": { "arguments": { "a": "secret-argument" } } });
    let mut tokens = vec![alice.clone(), bob.clone()];
    for token in [&alice, &bob] {
        for call in [WEATHER, "tools/call delete_file", "ping"] {
            let request = Request::new(LEGACY, call).bearer(token).patched(&arguments);
            let request = request
                .with("cookie", "c=secret-cookie")
                .with("dpop", "secret-proof");
            let answer = send(site.address, &request.with("mcp-session-id", &session)).await;
            assert!(matches!(answer.status, 200 | 403 | 404), "{answer:?}");
        }
        let over = Request::new(LEGACY, "DELETE").bearer(token);
        send(site.address, &over.with("mcp-session-id", &session)).await;
    }
    for case in site.cases() {
        send(site.address, &case.request).await;
        let fields = case.request.headers.into_iter();
        let credentials = fields.filter(|(name, _)| name == "authorization");
        tokens.extend(credentials.map(|(_, value)| value));
    }
    let text = written.take();
    let code = session.rsplit_once('.').expect("a code").1;
    for secret in [&session, code, SESSION, "secret-"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    for token in tokens {
        for part in token.split(['.', ' ']).filter(|part| part.len() > 8) {
            assert!(!text.contains(part), "{part} in {text}");
        }
    }
    // It is a log of all that happened.
    for seen in [
        r#"decision="allowed""#,
        r#"reason="insufficient_scope""#,
        r#"reason="unknown_session""#,
        "TRACE",
    ] {
        assert!(text.contains(seen), "{seen}");
    }
}

/// RS-148: the names that strangers call write no lines of their own, and no fields.
#[tokio::test]
async fn names_that_are_called_are_escaped() {
    let written = Written::new();
    let service = Service::default();
    let server = crate::support::service::behind(&service, |guard| {
        plain::layer(guard).build().expect("a layer")
    })
    .await;
    let token = server.token(T0);
    let long = "x".repeat(5_000);
    for name in [
        "a\nFAKE",
        "a\r\nFAKE",
        "a\n2026-01-01T00:00:00Z  INFO clearance: decision=\"allowed\"",
        "a\u{1b}[31mFAKE\u{1b}[2K",
        "a\u{2028}FAKE\u{2029}",
        "a\0FAKE\u{7}\u{85}",
        "a\u{202e}FAKE",
        "\" decision=\"allowed\" reason=\"",
        &long,
    ] {
        let named = serde_json::json!({ "params": { "name": name } });
        let called = serde_json::json!({ "method": name });
        for (patch, status) in [(named, 403), (called, 404)] {
            written.take();
            let request = Request::new("2025-03-26", WEATHER).bearer(&token);
            let answer = send(server.address, &request.patched(&patch)).await;
            assert_eq!(answer.status, status);
            let text = written.take();
            let ours: Vec<_> = text
                .lines()
                .filter(|line| line.contains("request{"))
                .collect();
            let foreign = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}');
            for line in text.lines() {
                assert!(!line.contains(foreign), "{line:?}");
                let (time, _) = line.split_once("  ").unwrap_or((line, ""));
                let time = time.split(' ').next().unwrap_or_default();
                assert!(
                    time.len() == 27 && time.ends_with('Z'),
                    "no record: {line:?}"
                );
            }
            assert!(!ours.is_empty());
            let span = span(&text, name);
            assert!(span.contains("decision=\"refused\""), "{span}");
            assert!(!span.contains("decision=\"allowed\""), "{span}");
            assert!(span.len() < 400, "{span}");
        }
    }
    assert!(service.asked().is_empty());
}
