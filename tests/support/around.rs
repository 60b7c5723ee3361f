//! A guard without a server, and what is asked of every way to put a layer before a service.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;

use clearance::testing::{Issuer, ManualClock};
use clearance::{AuthorizationLayer, Guard, GuardBuilder, GuardedBody, Ready};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body, Bytes};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower::{Service, service_fn};

use super::client::soon;
use super::request::{MODERN, Request as Call, code_of, whole};
use super::spy::Spy;
use super::{Answer, Fixture, plain, raw};

pub const WEATHER: &str = "tools/call get_weather";
pub const DELETE: &str = "tools/call delete_file";
/// What the tokens of these tests have.
pub const T0: &str = "mcp:tools.read";

pub struct World {
    pub issuer: Issuer,
    pub clock: ManualClock,
    pub guard: Guard<Fixture>,
    pub spy: Spy,
}

impl World {
    pub async fn new() -> Self {
        Self::with(GuardBuilder::unlimited).await
    }

    pub async fn with(
        change: impl FnOnce(GuardBuilder<Fixture, Ready>) -> GuardBuilder<Fixture, Ready>,
    ) -> Self {
        let clock = super::clock();
        let issuer = super::issuer(&clock).await;
        let guard = change(super::strict(&issuer, &clock)).build();
        let guard = guard.expect("a guard");
        guard.ready().await.expect("keys");
        Self {
            issuer,
            clock,
            guard,
            spy: Spy::default(),
        }
    }

    pub fn layer(&self) -> AuthorizationLayer {
        plain::layer(&self.guard).build().expect("a layer")
    }

    /// The spy as a service function, for requests with any body.
    pub fn function<B>(
        &self,
    ) -> impl Service<
        Request<GuardedBody<B>>,
        Response = Response<Full<Bytes>>,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + Sync
    + use<B>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: fmt::Debug + Send,
    {
        let spy = self.spy.clone();
        service_fn(move |request: Request<GuardedBody<B>>| spy.clone().serve(request))
    }

    /// An allowed or forbidden call.
    pub fn call(&self, call: &str) -> Call {
        let token = self.issuer.token().scope(T0).mint();
        Call::new(MODERN, call).bearer(&token)
    }

    /// The allowed call runs, the forbidden one and those without a token do not.
    pub async fn is_guarded_at(&self, address: SocketAddr, target: &str) {
        let allowed = at(target, self.call(WEATHER));
        let answer = send(address, &allowed).await;
        assert_eq!((answer.status, &*answer.body), (200, Spy::ANSWER));
        let seen = self.spy.only();
        assert_eq!(seen.body, allowed.body);
        assert!(seen.fields("authorization").is_empty());
        let answer = send(address, &at(target, self.call(DELETE))).await;
        assert_eq!((answer.status, code_of(&answer)), (403, 40300));
        let none = at(target, Call::new(MODERN, WEATHER));
        send(address, &none).await.assert_401_none();
        assert!(self.spy.take().is_empty());
    }
}

/// The same request for another path.
pub fn at(target: &str, mut call: Call) -> Call {
    target.clone_into(&mut call.target);
    call
}

/// The same request in this process, with any body.
pub fn with_body<B>(call: &Call, body: B) -> Request<B> {
    let mut request = Request::builder()
        .method(call.verb.as_str())
        .uri(call.target.as_str());
    for (name, value) in &call.headers {
        request = request.header(name, value);
    }
    request.body(body).expect("a request")
}

pub async fn send(address: SocketAddr, call: &Call) -> Answer {
    whole(soon(raw(address, &call.bytes())).await)
}

/// Serves with hyper alone: HTTP/2 for who begins with it, and HTTP/1.1 for others.
pub async fn serve<S, R>(service: S) -> (SocketAddr, JoinHandle<()>)
where
    S: Service<Request<hyper::body::Incoming>, Response = Response<R>, Future: Send>
        + Clone
        + Send
        + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    R: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let is_http_2 = is_http_2(&stream).await;
                let stream = TokioIo::new(stream);
                // Clients leave when they have what they want.
                if is_http_2 {
                    let served = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    served.serve_connection(stream, service).await.ok();
                } else {
                    let served = hyper::server::conn::http1::Builder::new();
                    served.serve_connection(stream, service).await.ok();
                }
            });
        }
    });
    (address, task)
}

/// `PRI`, or `POST` and `PUT`: it takes three bytes to tell.
async fn is_http_2(stream: &TcpStream) -> bool {
    let mut first = [0; 3];
    while let Ok(length) = stream.peek(&mut first).await {
        if length == 0 || length == first.len() {
            break;
        }
        tokio::task::yield_now().await;
    }
    first == *b"PRI"
}
