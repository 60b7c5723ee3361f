//! An issuer that answers what a test wants, and remembers what it was asked.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use clearance::TrustedIssuer;
use clearance::clock::Clock as _;
use clearance::credentials::{ClientAuthentication, ClientSecret};
use clearance::id::Issuer;
use clearance::lifecycle::Introspection;
use clearance::testing::ManualClock;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::{self, E, Held};

/// What the client proves itself by.
pub(crate) const SECRET: &str = "s3cret-that-is-shown-to-nobody";

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// This status and text.
    Text(u16, String),
    /// Come back later: 503 with this `Retry-After`.
    Busy(&'static str),
    /// Nothing, until the permits of [`Endpoint::gate`] let it through.
    Late(String),
    /// The connection breaks in the middle.
    Half,
    RedirectTo(String),
}

/// One question.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) form: Vec<(String, String)>,
}

impl Question {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.form.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} stands twice");
        value
    }
}

#[derive(Default)]
struct Shared {
    questions: Mutex<Vec<Question>>,
    /// The next answers; the last one stays.
    replies: Mutex<VecDeque<Reply>>,
    metadata: Mutex<Option<Value>>,
    hangs: std::sync::atomic::AtomicBool,
}

/// An issuer with nothing but an introspection endpoint.
pub(crate) struct Endpoint {
    address: SocketAddr,
    clock: ManualClock,
    gate: Arc<Semaphore>,
    shared: Arc<Shared>,
    _task: Held,
}

async fn serve(
    State((shared, gate)): State<(Arc<Shared>, Arc<Semaphore>)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if uri.path().starts_with("/.well-known/") {
        if shared.hangs.load(std::sync::atomic::Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let metadata = shared.metadata.lock().expect("a lock").clone();
        return match metadata {
            Some(document) => document.to_string().into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        };
    }
    let pairs = url::form_urlencoded::parse(&body).into_owned();
    shared.questions.lock().expect("a lock").push(Question {
        path: uri.path().to_owned(),
        headers,
        form: pairs.collect(),
    });
    let reply = {
        let mut replies = shared.replies.lock().expect("a lock");
        if replies.len() > 1 {
            replies.pop_front()
        } else {
            replies.front().cloned()
        }
    };
    match reply.expect("an answer") {
        Reply::Text(status, text) => {
            let status = StatusCode::from_u16(status).expect("a status");
            (status, text).into_response()
        }
        Reply::Busy(wait) => {
            let head = [("retry-after", wait)];
            (StatusCode::SERVICE_UNAVAILABLE, head).into_response()
        }
        Reply::Late(text) => {
            gate.acquire().await.expect("a gate").forget();
            text.into_response()
        }
        Reply::Half => (
            [("content-length", "1000")],
            axum::body::Body::new(http_body_util::Full::new(Bytes::from_static(
                b"{\"active\":",
            ))),
        )
            .into_response(),
        Reply::RedirectTo(url) => axum::response::Redirect::temporary(&url).into_response(),
    }
}

impl Endpoint {
    pub(crate) async fn start() -> Self {
        let (shared, gate) = (Arc::<Shared>::default(), Arc::new(Semaphore::new(0)));
        let router = Router::new()
            .fallback(serve)
            .with_state((Arc::clone(&shared), Arc::clone(&gate)));
        let (address, task) = support::spawn(router).await;
        let this = Self {
            address,
            clock: support::clock(),
            gate,
            shared,
            _task: task.into(),
        };
        this.publish(&format!("http://{address}/introspect"));
        this
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) const fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// Lets so many late answers through.
    pub(crate) fn let_through(&self, answers: usize) {
        self.gate.add_permits(answers);
    }

    pub(crate) fn issuer(&self) -> Issuer {
        format!("http://{}", self.address)
            .parse()
            .expect("an issuer")
    }

    /// Metadata that names this endpoint.
    pub(crate) fn publish(&self, endpoint: &str) {
        let issuer = self.issuer();
        let document = json!({ "issuer": issuer.as_str(), "introspection_endpoint": endpoint });
        self.publish_document(Some(document));
    }

    /// Never answers who asks for metadata.
    pub(crate) fn publish_nothing_ever(&self) {
        let hangs = &self.shared.hangs;
        hangs.store(true, std::sync::atomic::Ordering::SeqCst);
    }

    pub(crate) fn publish_document(&self, document: Option<Value>) {
        let hangs = &self.shared.hangs;
        hangs.store(false, std::sync::atomic::Ordering::SeqCst);
        *self.shared.metadata.lock().expect("a lock") = document;
    }

    /// The members of an answer that is right in every way.
    pub(crate) fn right(&self) -> Value {
        let now = self.clock.now().timestamp();
        json!({
            "active": true,
            "iss": self.issuer().as_str(),
            "sub": "u1",
            "client_id": "c1",
            "aud": E,
            "scope": "mcp:tools.read",
            "token_type": "Bearer",
            "iat": now - 10,
            "nbf": now - 10,
            "exp": now + 600,
        })
    }

    /// The same with some members changed; null takes one away.
    pub(crate) fn but(&self, changes: &Value) -> String {
        let mut answer = self.right();
        let members = answer.as_object_mut().expect("an object");
        for (name, value) in changes.as_object().expect("an object") {
            if value.is_null() {
                members.remove(name);
            } else {
                members.insert(name.clone(), value.clone());
            }
        }
        answer.to_string()
    }

    /// Answers so from now on.
    pub(crate) fn answer(&self, replies: impl IntoIterator<Item = Reply>) {
        *self.shared.replies.lock().expect("a lock") = replies.into_iter().collect();
    }

    pub(crate) fn answer_with(&self, text: impl Into<String>) {
        self.answer([Reply::Text(200, text.into())]);
    }

    pub(crate) fn questions(&self) -> Vec<Question> {
        self.shared.questions.lock().expect("a lock").clone()
    }

    pub(crate) fn asked(&self) -> usize {
        self.shared.questions.lock().expect("a lock").len()
    }

    pub(crate) fn introspection() -> Introspection {
        Introspection::by(ClientAuthentication::client_secret_basic(
            "mcp-server",
            ClientSecret::new(SECRET),
        ))
    }

    /// The issuer, asked by its metadata.
    pub(crate) fn trusted(&self) -> TrustedIssuer {
        TrustedIssuer::introspected(self.issuer(), Self::introspection())
    }
}
