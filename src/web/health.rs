//! The health of guards as axum routes.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::guard::{Guard, Health};

mod sealed {
    use crate::guard::Health;

    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a guard",
        label = "health is told of guards",
        note = "pass the guard that it holds"
    )]
    #[expect(unnameable_types, reason = "nobody else may implement it")]
    pub trait Told {
        fn teller(&self) -> Box<dyn Fn() -> Health + Send + Sync>;
    }
}

/// Whatever has a health: every [`Guard`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a guard",
    label = "health is told of guards",
    note = "pass the guard that it holds"
)]
pub trait Healthy: sealed::Told {}

impl<V> sealed::Told for Guard<V> {
    fn teller(&self) -> Box<dyn Fn() -> Health + Send + Sync> {
        let inner = Arc::clone(self.inner());
        Box::new(move || inner.looked_at())
    }
}

impl<V> Healthy for Guard<V> {}

/// Routes for whoever decides whether this process gets requests: `/livez`, which is 200 as long as it
/// answers, and `/readyz`, which is 503 while one of the guards cannot judge some or all tokens, and says
/// which part is missing.
///
/// ```text
/// {"ready":false,"problems":["tokens of https://auth.example.com: connection_failed"]}
/// ```
///
/// Nobody has to show a token. What they say names the issuers and nothing else; serve them where only
/// your own machines can ask. A guard that has not fetched its keys is not ready: call
/// [`Guard::ready`](crate::Guard::ready) when the process starts. Later `/readyz` itself sees to it: while a
/// guard is not ready, and when its keys are due for renewal, whoever asks for it makes the guard ask its
/// issuers again, in the background and no more often than requests would.
///
/// # Examples
/// ```
/// use clearance::{Guard, health_routes, mcp::McpScopes};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
///     .issuer("https://auth.example.com".parse()?)
///     .build()?;
/// let internal: axum::Router = health_routes([&guard]);
/// # let _ = internal;
/// # Ok(())
/// # }
/// ```
pub fn health_routes<St, const N: usize>(guards: [&dyn Healthy; N]) -> Router<St>
where
    St: Clone + Send + Sync + 'static,
{
    let guards: Arc<[Teller]> = Arc::new(guards.map(sealed::Told::teller));
    let ready = move || {
        let answer = readiness(&guards);
        async move { answer }
    };
    let alive = || async { answer(StatusCode::OK, r#"{"alive":true}"#.to_owned()) };
    Router::new()
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
}

type Teller = Box<dyn Fn() -> Health + Send + Sync>;

fn readiness(guards: &[Teller]) -> Response {
    let health = guards.iter().map(|tell| tell());
    let problems: Vec<String> = health
        .flat_map(|health| health.problems().collect::<Vec<_>>())
        .map(|problem| problem.to_string())
        .collect();
    if problems.is_empty() {
        return answer(StatusCode::OK, r#"{"ready":true}"#.to_owned());
    }
    // In this order, for whoever reads the beginning.
    let body = format!(r#"{{"ready":false,"problems":{}}}"#, json!(problems));
    answer(StatusCode::SERVICE_UNAVAILABLE, body)
}

fn answer(status: StatusCode, body: String) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body).into_response()
}
