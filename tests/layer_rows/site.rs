//! A layer around a service that writes down what reaches it, and clients for it.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "each test binary uses a part of it, and a test that cannot go on must panic"
)]

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use clearance::id::{Resource, TokenId};
use clearance::mcp::Policy;
use clearance::testing::Issuer;
use clearance::{
    AuthorizationLayer, Guard, GuardBuilder, LayerBuilder, Ready, Sealing, TrustedIssuer,
};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::support::http::KeptAlive;
use crate::support::mcp::{DENIED, Log, McpServer, REVOKED};
use crate::support::request::{Request, error_of, whole};
use crate::support::{self, Answer, Fixture, ToolsRead, plain, raw};

pub const T0: &str = "mcp:tools.read";
pub const ALL: &str = "mcp:tools.read mcp:admin a b";
pub const WEATHER: &str = "tools/call get_weather";
pub const DELETE: &str = "tools/call delete_file";

type OfGuard = GuardBuilder<Fixture, Ready>;
type OfLayer = LayerBuilder<Fixture, Sealing>;
type Service = Box<dyn FnOnce(&Guard<Fixture>, &Log) -> Router>;

/// A server that is put together: the policy of `support/plain.rs`, no quota, and the service below,
/// until it is changed.
pub struct Site {
    guard: Box<dyn FnOnce(OfGuard) -> OfGuard>,
    policy: Policy<Fixture>,
    layer: Box<dyn FnOnce(OfLayer) -> OfLayer>,
    service: Service,
    outside: Box<dyn FnOnce(Router) -> Router>,
    is_local: bool,
    is_cold: bool,
}

impl Site {
    pub fn new() -> Self {
        Self {
            guard: Box::new(GuardBuilder::unlimited),
            policy: plain::policy(),
            layer: Box::new(|layer| layer),
            service: Box::new(|_, log| echo(log)),
            outside: Box::new(|router| router),
            is_local: false,
            is_cold: false,
        }
    }

    /// The guard, before `build`. It has the quota that every guard has unless this says otherwise.
    #[must_use]
    pub fn guard(mut self, change: impl FnOnce(OfGuard) -> OfGuard + 'static) -> Self {
        self.guard = Box::new(change);
        self
    }

    #[must_use]
    pub fn policy(mut self, policy: Policy<Fixture>) -> Self {
        self.policy = policy;
        self
    }

    #[must_use]
    pub fn layer(mut self, choose: impl FnOnce(OfLayer) -> OfLayer + 'static) -> Self {
        self.layer = Box::new(choose);
        self
    }

    /// Another service behind the layer.
    #[must_use]
    pub fn service(mut self, make: impl FnOnce(&Guard<Fixture>, &Log) -> Router + 'static) -> Self {
        self.service = Box::new(make);
        self
    }

    /// What stands before the layer.
    #[must_use]
    pub fn outside(mut self, wrap: impl FnOnce(Router) -> Router + 'static) -> Self {
        self.outside = Box::new(wrap);
        self
    }

    /// The resource is `http://127.0.0.1:PORT/mcp`, where the server really is.
    #[must_use]
    pub const fn on_loopback(mut self) -> Self {
        self.is_local = true;
        self
    }

    /// The guard has not asked for keys yet.
    #[must_use]
    pub const fn cold(mut self) -> Self {
        self.is_cold = true;
        self
    }

    /// Serves it, and tells who connects.
    pub async fn serve(self) -> McpServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let resource: Resource = if self.is_local {
            format!("http://{address}/mcp").parse().expect("a resource")
        } else {
            support::resource()
        };
        let clock = support::clock();
        let issuer = Issuer::builder(resource.clone())
            .clock(Arc::new(clock.clone()))
            .start()
            .await
            .expect("an issuer");
        let builder = Guard::<Fixture>::builder(resource)
            .baseline::<ToolsRead>()
            .clock(Arc::new(clock.clone()))
            .refusal_budget(support::PATIENCE)
            .trusted_issuer(TrustedIssuer::new(issuer.id().clone()))
            .deny_if(|auth| auth.subject().as_str() == DENIED);
        let guard = (self.guard)(builder).build().expect("a guard");
        if !self.is_cold {
            guard.ready().await.expect("keys");
        }
        let revoked = guard.revocations();
        let revoked = revoked.revoke_token(issuer.id(), &TokenId::new(REVOKED));
        revoked.expect("room");
        let log = Log::default();
        let layer = AuthorizationLayer::builder(&guard, self.policy).seal_keys(plain::keys());
        let layer = (self.layer)(layer).build().expect("a layer");
        let service = (self.service)(&guard, &log).layer(layer);
        let service = (self.outside)(service);
        let (address, task) = support::serve_with_peers(listener, service);
        McpServer {
            issuer,
            clock,
            log,
            guard,
            address,
            task,
        }
    }
}

/// A service that answers everything, on every path, with what it saw of the request's fields. It
/// writes down what it was asked for.
pub fn echo(log: &Log) -> Router {
    Router::new().fallback(answer).with_state(log.clone())
}

async fn answer(State(log): State<Log>, verb: Method, fields: HeaderMap, body: Bytes) -> Response {
    if verb != Method::POST {
        log.ran(verb.as_str());
        return StatusCode::OK.into_response();
    }
    let body: Value = serde_json::from_slice(&body).expect("what the layer lets pass is JSON");
    let answered = |message: &Value| {
        log.ran(called(message));
        let id = message.get("id")?;
        let seen: Vec<String> = fields.keys().map(ToString::to_string).collect();
        Some(json!({ "jsonrpc": "2.0", "id": id, "result": { "seen": seen } }))
    };
    let answer = match body.as_array() {
        Some(messages) => {
            let answers: Vec<Value> = messages.iter().filter_map(answered).collect();
            (!answers.is_empty()).then(|| answers.into())
        }
        None => answered(&body),
    };
    match answer {
        Some(answer) => axum::Json(answer).into_response(),
        None => StatusCode::ACCEPTED.into_response(),
    }
}

/// The method of a message, and what it is about.
pub fn called(message: &Value) -> String {
    let method = message["method"].as_str().unwrap_or("response");
    let params = &message["params"];
    let mut targets = ["name", "uri", "taskId"].into_iter();
    match targets.find_map(|member| params[member].as_str()) {
        Some(target) => format!("{method} {target}"),
        None => method.to_owned(),
    }
}

/// The names of the fields that the service saw.
#[track_caller]
pub fn seen(answer: &Answer) -> Vec<String> {
    answer.assert_ok();
    let body: Value = serde_json::from_str(&answer.body).expect("a JSON body");
    serde_json::from_value(body["result"]["seen"].clone()).expect("names of fields")
}

/// The bytes of a request. A `host` among its fields takes the place of the usual one.
pub fn bytes(request: &Request) -> Vec<u8> {
    let text = String::from_utf8(request.bytes()).expect("text");
    let has_host = request.headers.iter().any(|(name, _)| name == "host");
    let text = if has_host {
        text.replacen("host: t\r\n", "", 1)
    } else {
        text
    };
    text.into_bytes()
}

/// Sends it on a connection of its own, with a `host` of its own if it has one.
pub async fn send(server: &McpServer, request: &Request) -> Answer {
    whole(raw(server.address, &bytes(request)).await)
}

/// Sends it on a connection that stays open.
pub async fn send_on(connection: &mut KeptAlive, request: &Request) -> Answer {
    let text = String::from_utf8(bytes(request)).expect("text");
    let text = text.replacen("connection: close\r\n", "", 1);
    connection.send(text.as_bytes()).await
}

/// A refusal without a challenge: status, and code and message of its error.
#[track_caller]
pub fn assert_plain(answer: &Answer, status: u16, code: i64, message: &str) {
    let error = &error_of(answer)["error"];
    let found = (answer.status, error["code"].as_i64());
    assert_eq!(found, (status, Some(code)), "{answer:?}");
    assert_eq!(error["message"], message);
    assert_eq!(answer.header("www-authenticate"), None);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

/// `400/code` for the request with id 1.
#[track_caller]
pub fn assert_400(answer: &Answer, code: i64) {
    let message = error_of(answer);
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(message["error"]["code"], code, "{answer:?}");
    assert_eq!(message["id"], 1, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("www-authenticate"), None);
}

/// `403(S)` for the request with id 1, or without an id.
#[track_caller]
pub fn assert_403(answer: &Answer, scope: &str) {
    let mut without_id = answer.clone();
    without_id.body = answer.body.replacen(r#""id":1,"#, "", 1);
    without_id.assert_403(scope);
}

#[track_caller]
pub fn assert_ran(server: &McpServer, expected: &[&str]) {
    assert_eq!(server.log.take(), expected);
}

/// The data of an error, without the correlation id that every answer has.
#[track_caller]
pub fn data(answer: &Answer) -> Value {
    let mut data = error_of(answer)["error"]["data"].take();
    let members = data.as_object_mut().expect("an object");
    let correlation = members.remove("correlationId");
    let header = answer.header("x-correlation-id");
    assert_eq!(correlation.as_ref().and_then(Value::as_str), header);
    data
}

/// A header that does not match the body: the service was not asked.
#[track_caller]
pub fn assert_mismatch(server: &McpServer, answer: &Answer) {
    assert_400(answer, -32020);
    assert_eq!(data(answer), json!({}));
    assert_ran(server, &[]);
}

/// Sends it with all scopes: it is refused because its headers are wrong.
pub async fn mismatch(server: &McpServer, request: &Request) {
    let request = request.clone().bearer(&server.token(ALL));
    let answer = server.send(&request).await;
    assert_eq!(answer.status, 400, "{request:?}: {answer:?}");
    assert_mismatch(server, &answer);
}

/// Sends it with all scopes: the service is asked for just that.
pub async fn served(server: &McpServer, request: &Request, call: &str) {
    let request = request.clone().bearer(&server.token(ALL));
    let answer = server.send(&request).await;
    assert_eq!(answer.status, 200, "{request:?}: {answer:?}");
    assert_ran(server, &[call]);
}

/// An HTTP/2 connection, opened with prior knowledge.
pub struct Two(SendRequest<Full<Bytes>>);

impl Two {
    pub async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let stream = TokioIo::new(stream);
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
        let (sender, connection) = handshake.await.expect("HTTP/2");
        tokio::spawn(connection);
        Self(sender)
    }

    /// Sends it to this authority.
    pub async fn send(&mut self, authority: &str, request: &Request) -> Answer {
        let target = format!("http://{authority}{}", request.target);
        let mut built = http::Request::builder()
            .method(request.verb.as_str())
            .uri(target);
        for (name, value) in &request.headers {
            built = built.header(name, value);
        }
        let body = Full::from(request.body.clone());
        let built = built.body(body).expect("a request");
        let answer = self.0.send_request(built).await.expect("an answer");
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            let value = value.to_str().expect("a value in ASCII");
            (name.to_string(), value.to_owned())
        };
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().map(field).collect(),
            body: String::from_utf8(body.to_vec()).expect("a body in UTF-8"),
        }
    }
}
