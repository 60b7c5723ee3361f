//! What was written, event by event.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use clearance::audit::{AuditEvent, AuditSink, DecisionStats};
use clearance::scope::Vocabulary;
use clearance::testing::Issuer;
use clearance::{AuthorizationLayer, Guard, GuardBuilder, Ready};
use serde_json::{Value, json};

use crate::support::around::World;
use crate::support::http::eventually;
use crate::support::mcp::DENIED;
use crate::support::request::Request;
use crate::support::service::Service;
use crate::support::{Answer, E, Fixture, Held, TRACE, client, plain};

/// A sink that keeps what it is given. Clones are the same one.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<Value>>>);

impl AuditSink for Kept {
    fn write(&mut self, event: &AuditEvent) -> io::Result<()> {
        let event = serde_json::to_value(event)?;
        self.lock().push(event);
        Ok(())
    }
}

impl Kept {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was written since the last time: as many events as the guard has counted decisions, once
    /// all of them are here.
    #[track_caller]
    pub fn take<V: Vocabulary>(&self, guard: &Guard<V>) -> impl Future<Output = Vec<Value>> {
        let guard = guard.clone();
        let arrived = move || {
            let health = guard.health();
            let audit = health.audit.expect("an audit log");
            let lost = (audit.dropped, audit.dropped_unverified, audit.failed);
            assert_eq!(lost, (0, 0, 0));
            audit.written == decided(&health.decisions)
        };
        let arrived = eventually(arrived);
        let this = self.clone();
        async move {
            arrived.await;
            std::mem::take(&mut *this.lock())
        }
    }

    /// The one event since the last time.
    pub async fn only<V: Vocabulary>(&self, guard: &Guard<V>) -> Value {
        let mut events = self.take(guard).await;
        assert_eq!(events.len(), 1, "{events:#?}");
        events.remove(0)
    }
}

/// How many decisions there were.
pub fn decided(decisions: &DecisionStats) -> u64 {
    let reasons = decisions.refused.iter().chain(&decisions.ended);
    decisions.allowed + reasons.map(|(_, count)| count).sum::<u64>()
}

/// What every event of these tests says that is about a request with the usual trace, and these
/// members.
pub fn golden(members: &Value) -> Value {
    let mut event = json!({
        "at": "2026-01-01T00:00:00.000000Z",
        "correlation_id": TRACE,
        "resource": E,
        "from_cache": false,
        "duration_us": 0,
    });
    merge(&mut event, members);
    event
}

/// The same about alice, whose token has `held`.
pub fn of_alice(issuer: &Issuer, held: &str, members: &Value) -> Value {
    let mut event = golden(&json!({
        "issuer": issuer.id().as_str(),
        "subject": "alice",
        "client": "client-1",
        "key_id": "es256-1",
    }));
    if !held.is_empty() {
        event["held"] = held.into();
    }
    merge(&mut event, members);
    event
}

fn merge(event: &mut Value, members: &Value) {
    for (name, value) in members.as_object().expect("an object") {
        event[name] = value.clone();
    }
}

/// `decision reason method target`, without what is not there.
pub fn line(event: &Value) -> String {
    let members = ["decision", "reason", "method", "target"];
    let members = members.map(|name| event[name].as_str());
    members.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

pub fn lines(events: &[Value]) -> Vec<String> {
    events.iter().map(line).collect()
}

/// A service with sessions and streams behind a layer, under a guard that keeps what it decides.
pub struct Site {
    pub world: World,
    pub service: Service,
    pub kept: Kept,
    pub address: std::net::SocketAddr,
    /// Ends with the site.
    pub task: Held,
}

impl Site {
    pub async fn new() -> Self {
        Self::with(|builder| builder, usual).await
    }

    /// The same after changes to the guard, behind another layer.
    pub async fn with(
        change: impl FnOnce(GuardBuilder<Fixture, Ready>) -> GuardBuilder<Fixture, Ready>,
        layer: impl FnOnce(&Guard<Fixture>) -> AuthorizationLayer,
    ) -> Self {
        let kept = Kept::default();
        let world = World::with(|builder| {
            let builder = GuardBuilder::unlimited(builder).audit(kept.clone());
            change(builder.deny_if(|auth| auth.subject().as_str() == DENIED))
        })
        .await;
        let service = Service::default();
        let router: Router = service.router().layer(layer(&world.guard));
        let (address, task) = crate::support::spawn(router).await;
        Self {
            world,
            service,
            kept,
            address,
            task: task.into(),
        }
    }

    pub fn token(&self, scopes: &str) -> String {
        self.world.issuer.token().scope(scopes).mint()
    }

    /// Sends it with the usual trace.
    pub async fn send(&self, request: &Request) -> Answer {
        client::send(self.address, &traced(request)).await
    }

    pub async fn take(&self) -> Vec<Value> {
        self.kept.take(&self.world.guard).await
    }
}

/// The layer of `support/plain.rs`.
pub fn usual(guard: &Guard<Fixture>) -> AuthorizationLayer {
    plain::layer(guard).build().expect("a layer")
}

/// A request that says what ties together all that is written about it.
pub fn traced(request: &Request) -> Request {
    request
        .clone()
        .with("traceparent", crate::support::service::TRACE)
}
