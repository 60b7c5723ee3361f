//! Extensions of a request to one tenant that somebody gives to a request to another one.

use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::middleware::map_request;
use axum::response::IntoResponse as _;
use axum::routing::any;
use clearance::id::Resource;
use clearance::tenants::{Tenant, Tenants};
use clearance::{Authorized, Caller, Guard, GuardBuilder, Guarded, metadata_routes};
use http::{Extensions, Request as HttpRequest, StatusCode};
use tower::ServiceExt as _;

use super::world::{By, WAYS, WEATHER, World, handlers, layer, oneshot, ways};
use crate::support::mcp::Log;
use crate::support::request::{MODERN, Request};
use crate::support::{Fixture, ToolsRead};

/// How extensions come into a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// In place of its own.
    Replace,
    /// Over its own.
    Extend,
}

/// What a middleware keeps of one request for the next.
#[derive(Clone, Default)]
struct Jar(Arc<Mutex<Extensions>>);

impl Jar {
    fn keep(&self, extensions: &Extensions) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = extensions.clone();
    }

    fn pour(&self, how: How, mut request: HttpRequest<Body>) -> HttpRequest<Body> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match how {
            How::Replace => *request.extensions_mut() = kept.clone(),
            How::Extend => request.extensions_mut().extend(kept.clone()),
        }
        drop(kept);
        request
    }
}

/// What the layer of a tenant let in, seen by the service behind it.
fn keeper(jar: &Jar) -> Router {
    let jar = jar.clone();
    Router::new().fallback(any(async move |request: HttpRequest<Body>| {
        jar.keep(request.extensions());
        StatusCode::OK
    }))
}

/// Says who it believes to be called by.
fn teller() -> Router {
    Router::new().fallback(any(async |request: HttpRequest<Body>| {
        let caller = request.extensions().get::<Caller>();
        let who = caller.map(|caller| caller.subject().to_string());
        who.unwrap_or_else(|| "nobody".to_owned())
    }))
}

/// A call of a tool at b, with these extensions.
async fn at_b(
    service: &Tenants,
    by: By,
    token: Option<&str>,
    carried: Option<(&Jar, How)>,
) -> (StatusCode, String) {
    let call = by.to("b", Request::new(MODERN, WEATHER));
    let call = token.map_or(call.clone(), |token| call.bearer(token));
    let mut request = HttpRequest::builder().method("POST").uri(&call.target);
    for (name, value) in &call.headers {
        request = request.header(name, value);
    }
    let mut request = request.body(Body::from(call.body)).expect("a request");
    if let Some((jar, how)) = carried {
        request = jar.pour(how, request);
    }
    let answer = service.clone().oneshot(request).await.expect("an answer");
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 10_000).await;
    let body = body.expect("a body").to_vec();
    (status, String::from_utf8(body).expect("text"))
}

/// RS-035: what one tenant's guard let in is not let in by another's, wherever a middleware puts it; and if
/// it carries over for whom the request is as well, nobody is let in at all.
#[tokio::test]
async fn what_was_let_in_is_let_in_at_one_tenant() {
    for (by, is_shared, is_replaced) in ways() {
        let how = if is_replaced {
            How::Replace
        } else {
            How::Extend
        };
        let world = World::new(by).await;
        let issuer = if is_shared { &world.shared } else { &world.own };
        let jar = Jar::default();
        let a = world.guard("a", &world.shared, GuardBuilder::unlimited);
        let service = keeper(&jar).layer(layer(&a));
        world
            .tenants
            .set(Tenant::new(&a, service))
            .expect("a place");
        let of_a = world.token(&world.shared, "a").mint();
        assert_eq!(world.weather("a", &of_a).await.status, 200);
        let of_b = world.token(issuer, "b").subject("bob").mint();

        // In front of the tenants.
        let b = world.guard("b", issuer, GuardBuilder::unlimited);
        let service = teller().layer(layer(&b));
        world
            .tenants
            .set(Tenant::new(&b, service))
            .expect("a place");
        let carried = Some((&jar, how));
        let (status, _) = at_b(&world.tenants, by, None, carried).await;
        assert_eq!(status, 401, "{by:?} {how:?}");
        let (status, _) = at_b(&world.tenants, by, Some(&of_a), carried).await;
        assert_eq!(status, 401);
        let (status, who) = at_b(&world.tenants, by, Some(&of_b), carried).await;
        assert_eq!((status, who), (StatusCode::OK, "bob".to_owned()));

        // Within the tenant, in front of its layer and of its handlers.
        let log = Log::default();
        let routers = [
            teller().layer(layer(&b)),
            crate::support::mcp::router(&b, &log)
                .build()
                .expect("a router"),
        ];
        for service in routers {
            let jar = jar.clone();
            let pour = map_request(move |request| ready(jar.pour(how, request)));
            let tenant = Tenant::new(&b, service.layer(pour));
            world.tenants.set(tenant).expect("a place");
            for token in [None, Some(&*of_a), Some(&*of_b)] {
                let (status, body) = at_b(&world.tenants, by, token, None).await;
                assert_eq!(status, 403, "{by:?} {how:?} {body}");
                assert!(body.contains("40301"), "{body}");
                let names = |name| body.contains(&by.resource(name));
                assert!(!names("a") && !names("b"), "{body}");
            }
            assert!(log.take().is_empty());
        }
    }
}

/// What handlers share, with the guard of one tenant or of another.
#[derive(Clone)]
struct Shared(Guard<Fixture>);

impl Guarded for Shared {
    type Vocabulary = Fixture;

    fn guard(&self) -> &Guard<Fixture> {
        &self.0
    }
}

async fn whose(auth: Authorized<ToolsRead>, State(_): State<Shared>) -> String {
    auth.resource().to_string()
}

/// A service of b's guard.
fn services(b: &Guard<Fixture>, log: &Log) -> [Router; 3] {
    let routes = Router::new().fallback(any(whose));
    let routes = routes.with_state(Shared(b.clone()));
    [
        crate::support::mcp::router(b, log)
            .build()
            .expect("a router"),
        teller().layer(layer(b)),
        routes.merge(metadata_routes([b]).expect("routes")),
    ]
}

/// The service, which sees requests for a as if they were for b: by path it is asked where its routes are.
fn as_b(service: Router) -> Router {
    let whole = async move |mut request: HttpRequest<Body>| {
        let uri = request.uri().to_string().replacen("/a/", "/b/", 1);
        *request.uri_mut() = uri.parse().expect("a URI");
        service.oneshot(request).await.into_response()
    };
    Router::new().fallback(any(whole))
}

/// RS-035: a tenant that was built with the service of another guard lets nobody in, whoever asks, and
/// answers no document of the other one.
#[tokio::test]
async fn a_misbuilt_tenant_lets_nobody_in() {
    for by in WAYS {
        let world = World::new(by).await;
        let log = Log::default();
        let a = world.guard("a", &world.shared, GuardBuilder::unlimited);
        let b = world.guard("b", &world.shared, GuardBuilder::unlimited);
        let both = serde_json::json!([by.resource("a"), by.resource("b")]);
        let tokens = ["a", "b"].map(|name| world.token(&world.shared, name).mint());
        let both = world.token(&world.shared, "a").audience(both).mint();
        for service in services(&b, &log) {
            let service = as_b(service);
            world
                .tenants
                .set(Tenant::new(&a, service))
                .expect("a place");
            for token in tokens.iter().chain([&both]) {
                let answer = world.weather("a", token).await;
                assert_eq!(answer.status, 403, "{answer:?}");
                assert!(answer.header("www-authenticate").is_none());
                assert!(answer.body.contains("40301"), "{answer:?}");
            }
            let mut get = by.to("a", Request::new(MODERN, "GET"));
            get.target = by.metadata("a");
            let answer = oneshot(&world.tenants, &get).await;
            assert!(matches!(answer.status().as_u16(), 403 | 404), "{answer:?}");
            let body = axum::body::to_bytes(answer.into_body(), 10_000).await;
            let body = String::from_utf8(body.expect("a body").to_vec()).expect("text");
            assert!(!body.contains(&by.resource("b")), "{body}");
        }
        assert!(log.take().is_empty());
    }
}

/// Where a tenant says that it has two guards, each lets in its own tokens.
#[tokio::test]
async fn a_tenant_may_have_two_guards() {
    let world = World::new(By::Host).await;
    let a = world.guard("a", &world.shared, GuardBuilder::unlimited);
    let office = world.guard("office", &world.own, GuardBuilder::unlimited);
    let other = world.guard("other", &world.own, GuardBuilder::unlimited);
    let route = |guard: &Guard<Fixture>| any(whose).with_state(Shared(guard.clone()));
    let service = Router::new()
        .route_service("/mcp", route(&a))
        .route_service("/office", route(&office))
        .route_service("/other", route(&other));
    let tenant = Tenant::new(&a, service).with_guard(&office);
    world.tenants.set(tenant).expect("a place");
    let ask = async |path: &str, token: &str| {
        let mut call = By::Host.to("a", Request::new(MODERN, WEATHER).bearer(token));
        path.clone_into(&mut call.target);
        oneshot(&world.tenants, &call).await.status().as_u16()
    };
    let of_a = world.token(&world.shared, "a").mint();
    let of_office = world.token(&world.own, "office").mint();
    let of_other = world.token(&world.own, "other").mint();
    assert_eq!(ask("/mcp", &of_a).await, 200);
    assert_eq!(ask("/office", &of_office).await, 200);
    assert_eq!(ask("/office", &of_a).await, 401);
    assert_eq!(ask("/mcp", &of_office).await, 401);
    assert_eq!(ask("/other", &of_other).await, 403);
}

/// Tenants within a tenant: for whom a request is was said last by whoever stands nearest.
#[tokio::test]
async fn tenants_may_stand_within_tenants() {
    let outer = World::new(By::Host).await;
    let inner = Tenants::builder("https://a.example.com/{tenant}/mcp").build();
    let inner = inner.expect("tenants");
    let resource: Resource = "https://a.example.com/one/mcp".parse().expect("a resource");
    let keys = clearance::keys::FixedKeys::from_json(outer.shared.jwks());
    let guard = Guard::<Fixture>::builder(resource)
        .clock(Arc::new(outer.clock.clone()))
        .trusted_issuer(clearance::TrustedIssuer::with_keys(
            outer.shared.id().clone(),
            keys,
        ))
        .unlimited()
        .build()
        .expect("a guard");
    let log = Log::default();
    inner.set(handlers(&guard, &log)).expect("a place");
    let a = outer.guard("a", &outer.shared, GuardBuilder::unlimited);
    let service = Router::new().fallback_service(inner.clone());
    outer
        .tenants
        .set(Tenant::new(&a, service))
        .expect("a place");
    let ask = async |token: &str| {
        let mut call = By::Host.to("a", Request::new(MODERN, WEATHER).bearer(token));
        call.target = "/one/mcp".to_owned();
        oneshot(&outer.tenants, &call).await.status().as_u16()
    };
    let one = outer.token(&outer.shared, "a");
    let one = one.audience("https://a.example.com/one/mcp").mint();
    assert_eq!(ask(&one).await, 200);
    assert_eq!(ask(&outer.token(&outer.shared, "a").mint()).await, 401);
}
