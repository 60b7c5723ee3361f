//! One server on loopback, which answers what it was told to.

use std::collections::BTreeMap;
use std::future::IntoFuture as _;
use std::sync::{Arc, Mutex};
use std::thread;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::form_urlencoded;

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The name of the server.
    pub(crate) at: &'static str,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// Every request to any server of a test, in order. When it is dropped, there must have been none that
/// nobody expected.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Records>);

#[derive(Default)]
struct Records {
    seen: Mutex<Vec<Seen>>,
    unexpected: Mutex<Vec<String>>,
}

type Answer = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;
type Routes = Arc<Mutex<BTreeMap<String, Answer>>>;

pub(crate) struct Site {
    pub(crate) origin: String,
    routes: Routes,
    _serving: JoinSet<()>,
}

impl Seen {
    /// `name METHOD /path?query`
    pub(crate) fn line(&self) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!(
            "{} {} {}{mark}{}",
            self.at, self.method, self.path, self.query
        )
    }

    /// All values of this name in the form, or in the query if there is no form.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let text = if self.body.is_empty() {
            &self.query
        } else {
            &self.body
        };
        let pairs = form_urlencoded::parse(text.as_bytes());
        pairs
            .filter(|(own, _)| own == name)
            .map(|(_, value)| value.into_owned())
            .collect()
    }

    /// The one value of this name.
    pub(crate) fn one(&self, name: &str) -> Option<String> {
        let mut all = self.all(name);
        assert!(all.len() < 2, "{name} stands twice");
        all.pop()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string())
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_owned(),
        }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::text(status, "{}")
    }

    pub(crate) fn redirect(status: u16, location: &str) -> Self {
        let mut reply = Self::status(status);
        reply.headers.push(("location", location.to_owned()));
        reply
    }

    pub(crate) fn oauth_error(status: u16, word: &str) -> Self {
        let description = "Mallory was here";
        Self::json(
            status,
            &serde_json::json!({"error": word, "error_description": description}),
        )
    }
}

impl Log {
    pub(crate) fn all(&self) -> Vec<Seen> {
        self.0.seen.lock().unwrap().clone()
    }

    /// What came since the last time.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.0.seen.lock().unwrap())
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.all().iter().map(Seen::line).collect()
    }

    /// The requests to this path, at any server.
    pub(crate) fn to(&self, path: &str) -> Vec<Seen> {
        let mut all = self.all();
        all.retain(|seen| seen.path == path);
        all
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        let unexpected = self.unexpected.get_mut().unwrap();
        if !thread::panicking() {
            assert!(unexpected.is_empty(), "not expected: {unexpected:?}");
        }
    }
}

impl Site {
    pub(crate) async fn start(log: &Log, at: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let routes = Routes::default();
        let (log, shared) = (log.clone(), Arc::clone(&routes));
        let app = Router::new().fallback(move |request: Request| {
            let (log, routes) = (log.clone(), Arc::clone(&shared));
            async move { answer(&log, &routes, at, request).await }
        });
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            axum::serve(listener, app).into_future().await.unwrap();
        });
        Self {
            origin,
            routes,
            _serving: serving,
        }
    }

    /// Answers `METHOD /path` in this way from now on.
    pub(crate) fn on(
        &self,
        what: &str,
        answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> &Self {
        let mut routes = self.routes.lock().unwrap();
        routes.insert(what.to_owned(), Arc::new(answer));
        drop(routes);
        self
    }

    /// Gives this reply from now on.
    pub(crate) fn gives(&self, what: &str, reply: Reply) -> &Self {
        self.on(what, move |_| reply.clone())
    }

    /// Has no document there, and expects to be asked for it.
    pub(crate) fn lacks(&self, path: &str) -> &Self {
        self.gives(&format!("GET {path}"), Reply::status(404))
    }

    /// Does not expect this any more.
    pub(crate) fn forgets(&self, what: &str) -> &Self {
        self.routes.lock().unwrap().remove(what);
        self
    }
}

async fn answer(log: &Log, routes: &Routes, at: &'static str, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let seen = Seen {
        at,
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let key = format!("{} {}", seen.method, seen.path);
    let route = routes.lock().unwrap().get(&key).map(Arc::clone);
    log.0.seen.lock().unwrap().push(seen.clone());
    let reply = if let Some(route) = route {
        route(&seen)
    } else {
        log.0.unexpected.lock().unwrap().push(seen.line());
        Reply::status(418)
    };
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap();
    for (name, value) in reply.headers {
        let name = header::HeaderName::from_static(name);
        response.headers_mut().append(name, value.parse().unwrap());
    }
    response
}
