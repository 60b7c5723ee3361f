//! Every case once more, with everything written down that anybody writes: no secret is in it.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use clearance::audit::JsonLines;
use clearance::id::TokenId;
use clearance::{Guard, GuardBuilder};

use super::{Case, cases};
use crate::endpoint::{Endpoint, SECRET};
use crate::support::client::send;
use crate::support::http::eventually;
use crate::support::mcp::{DENIED, McpServer, REVOKED, server_with};
use crate::support::request::{MODERN, Request};
use crate::support::service::{LEGACY, Service};
use crate::support::{Fixture, Logs, plain, spawn, strict, with_rules};

/// Everything that is written on this thread, and by the audit log of a guard.
struct Written {
    logs: Logs,
    lines: Lines,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What nobody is to see.
#[derive(Default)]
struct Secrets(BTreeSet<String>);

impl Secrets {
    /// A token: the whole and each of its parts, as far as they are no words.
    fn token(&mut self, token: &str) {
        let parts = token.split('.').chain([token]);
        let parts = parts.filter(|part| part.len() > 8);
        self.0.extend(parts.map(str::to_owned));
    }

    /// A session id: the whole, the service's own, and the code that seals it.
    fn session(&mut self, id: &str) {
        let (own, code) = id.rsplit_once('.').expect("a sealed id");
        let all = [id, own, code].map(str::to_owned);
        self.0.extend(all);
    }
}

impl Written {
    fn new() -> Self {
        Self {
            logs: Logs::capture(),
            lines: Lines::default(),
        }
    }

    fn sink(&self) -> JsonLines<Lines> {
        JsonLines::to(self.lines.clone())
    }

    /// That none of these was written, and that what was decided was.
    async fn hides(&self, guard: &Guard<Fixture>, secrets: &Secrets, decisions: usize) {
        let count = || {
            let health = guard.health();
            let reasons = health.decisions.refused.iter();
            let decided = health.decisions.allowed + reasons.map(|(_, count)| count).sum::<u64>();
            (health.audit.expect("an audit log").written, decided)
        };
        eventually(|| count().0 == count().1).await;
        let bytes = self.lines.0.lock().expect("a lock").clone();
        let lines = String::from_utf8(bytes).expect("text");
        let logs = self.logs.text();
        for secret in &secrets.0 {
            for text in [&lines, &logs] {
                let at = text.find(secret.as_str());
                let around = at.map(|at| text.get(at.saturating_sub(200)..).unwrap_or_default());
                assert!(around.is_none(), "{secret} in {around:.400?}");
            }
        }
        assert!(lines.lines().count() >= decisions, "it is a log of it all");
        let records = logs.matches(" clearance: decision=").count();
        assert_eq!(records, lines.lines().count());
        assert!(logs.contains("TRACE"), "every level is captured");
        assert!(secrets.0.len() > decisions / 4, "{}", secrets.0.len());
    }
}

/// The guard of `support/mcp.rs` with an audit log.
async fn guarded(server: &mut McpServer, written: &Written) {
    let builder = GuardBuilder::unlimited(strict(&server.issuer, &server.clock));
    let builder = builder.deny_if(|auth| auth.subject().as_str() == DENIED);
    server.guard = builder.audit(written.sink()).build().expect("a guard");
    server.guard.ready().await.expect("keys");
    let revocations = server.guard.revocations();
    let revoked = revocations.revoke_token(server.issuer.id(), &TokenId::new(REVOKED));
    revoked.expect("room");
}

/// Serves this in place of what was served.
async fn serves(server: &mut McpServer, router: Router) {
    server.task.abort();
    (server.address, server.task) = spawn(router).await;
}

/// Sends every case in every revision, after it was changed.
async fn send_all(
    server: &McpServer,
    secrets: &mut Secrets,
    change: impl Fn(&Case, &str, Request) -> Request,
) -> usize {
    let mut sent = 0;
    for case in &cases() {
        for revision in &case.revisions {
            let (request, token) = case.request(server, revision);
            secrets.token(&token);
            let request = change(case, revision, request);
            let answer = server.send(&request).await;
            if let Some(session) = answer.header("mcp-session-id") {
                secrets.session(session);
            }
            sent += 1;
        }
    }
    sent
}

/// RS-147: the whole file against handlers: neither the tokens nor their parts are written, at any
/// level, nor stand in the audit log.
#[tokio::test]
async fn no_case_writes_down_a_token() {
    let written = Written::new();
    let server = server_with(
        |builder| GuardBuilder::unlimited(builder).audit(written.sink()),
        |router, _| router,
    )
    .await;
    let mut secrets = Secrets::default();
    let sent = send_all(&server, &mut secrets, |_, _, request| request).await;
    // Preflights are not decided about.
    written.hides(&server.guard, &secrets, sent - 8).await;
}

/// RS-147: the same against a layer before a service that keeps sessions: their ids are not written
/// either, be they the service's own, sealed, or made up.
#[tokio::test]
async fn no_case_writes_down_a_session() {
    const MADE_UP: &str = "made-up-session.made-up-code";
    let written = Written::new();
    let mut server = plain::server().await;
    guarded(&mut server, &written).await;
    let layer = plain::layer(&server.guard).build().expect("a layer");
    let service = Service::default();
    serves(&mut server, service.router().layer(layer)).await;
    let token = server.token("mcp:tools.read mcp:admin a b");
    let begun = Request::new(LEGACY, "initialize").bearer(&token);
    let begun = send(server.address, &begun).await;
    let session = begun.header("mcp-session-id").expect("a session");
    let mut secrets = Secrets::default();
    secrets.session(session);
    secrets.session(MADE_UP);
    let in_session = |id: &'static str| {
        let own = session.to_owned();
        move |_: &Case, revision: &str, request: Request| {
            let id = if id.is_empty() { &own } else { id };
            if revision == MODERN {
                return request;
            }
            request.with("mcp-session-id", id).with("last-event-id", id)
        }
    };
    let all = async {
        let own = send_all(&server, &mut secrets, in_session("")).await;
        own + send_all(&server, &mut secrets, in_session(MADE_UP)).await
    };
    // A client reads each answer to its end.
    let streams_end = async {
        loop {
            drop(service.feeds());
            tokio::task::yield_now().await;
        }
    };
    let sent = tokio::select! {
        sent = all => sent,
        () = streams_end => 0,
    };
    written.hides(&server.guard, &secrets, sent - 16).await;
}

/// RS-147: the same where the issuer is asked about each token: neither they nor the secret of this
/// server are written.
#[tokio::test]
async fn no_case_writes_down_a_client_secret() {
    let written = Written::new();
    let endpoint = Endpoint::start().await;
    endpoint.answer_with(endpoint.but(&serde_json::json!({ "scope": "mcp:tools.read a" })));
    let mut server = plain::server().await;
    let builder = with_rules(endpoint.trusted(), endpoint.clock()).unlimited();
    server.guard = builder.audit(written.sink()).build().expect("a guard");
    let layer = plain::layer(&server.guard).build().expect("a layer");
    let router = plain::application(&server.log).layer(layer);
    serves(&mut server, router).await;
    let mut secrets = Secrets::default();
    let opaque = |case: &Case| format!("opaque{:05}secret", case.line);
    for case in &cases() {
        secrets.token(&opaque(case));
    }
    let sent = send_all(&server, &mut secrets, |case, _, request| {
        let bears = request
            .headers
            .iter()
            .any(|(name, _)| name == "authorization");
        if bears {
            request.bearer(&opaque(case))
        } else {
            request
        }
    })
    .await;
    assert!(endpoint.asked() > 50, "{}", endpoint.asked());
    let asked = endpoint.questions();
    for question in &asked {
        let proof = question.headers["authorization"].to_str().expect("text");
        secrets
            .0
            .extend(proof.split(' ').skip(1).map(str::to_owned));
    }
    secrets.0.insert(SECRET.to_owned());
    written.hides(&server.guard, &secrets, sent - 8).await;
}
