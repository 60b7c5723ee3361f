//! What holds for any body: a handler runs for the method and name that anybody else reads there,
//! and for a token that grants it.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_in_result,
    reason = "a test that cannot go on must panic"
)]

mod support;

use std::fmt;

use axum::body::Body;
use clearance::TrustedIssuer;
use clearance::keys::FixedKeys;
use clearance::testing::Issuer;
use http::Request;
use http_body_util::BodyExt as _;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use support::attempts::{Attempt, attempt};
use support::mcp::{Log, router};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// A router without a socket, so that many bodies can be tried.
struct World {
    runtime: Runtime,
    router: axum::Router,
    log: Log,
    /// By their place in [`TOKENS`].
    tokens: Vec<String>,
}

/// The scopes of tokens; one more in [`World`] is expired.
const TOKENS: [&[&str]; 8] = [
    &[],
    &["mcp:tools.read"],
    &["files:read"],
    &["files:read", "files:write"],
    &["mcp:admin"],
    &["a"],
    &["mcp:tools.read", "b"],
    &["mcp:tools.read", "mcp:admin", "a", "b"],
];

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().expect("a runtime");
        let clock = support::clock();
        let issuer: Issuer = runtime.block_on(support::issuer(&clock));
        let keys = FixedKeys::from_json(issuer.jwks());
        let rules = TrustedIssuer::with_keys(issuer.id().clone(), keys);
        let guard = support::with_rules(rules, &clock).unlimited();
        let guard = guard.build().expect("a guard");
        let log = Log::default();
        let router = router(&guard, &log).build().expect("a router");
        let token = |scopes: &&[&str]| issuer.token().scope(&scopes.join(" ")).mint();
        let mut tokens: Vec<_> = TOKENS[1..].iter().map(token).collect();
        tokens.insert(0, issuer.token().mint());
        Self {
            runtime,
            router,
            log,
            tokens,
        }
    }

    /// The status of the answer, its body, and what ran.
    fn ask(&self, attempt: &Attempt) -> (u16, String, Vec<String>) {
        let mut request = Request::post("/mcp")
            .header("content-type", "application/json")
            .header(
                "authorization",
                format!("Bearer {}", self.tokens[attempt.token]),
            );
        for (name, value) in &attempt.headers {
            request = request.header(*name, value);
        }
        let request = request
            .body(Body::from(attempt.body.clone()))
            .expect("a request");
        let (status, body) = self.runtime.block_on(async {
            let answer = self
                .router
                .clone()
                .oneshot(request)
                .await
                .expect("an answer");
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.expect("a body");
            (status, body.to_bytes())
        });
        let body = String::from_utf8(body.to_vec()).expect("UTF-8");
        (status, body, self.log.take())
    }
}

/// A JSON document of whose equal members the first counts; `serde_json` takes the last.
struct First(Value);

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut all = Vec::new();
                while let Some(First(value)) = seq.next_element()? {
                    all.push(value);
                }
                Ok(Value::Array(all))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut all = serde_json::Map::new();
                while let Some((name, First(value))) = map.next_entry::<String, _>()? {
                    all.entry(name).or_insert(value);
                }
                Ok(Value::Object(all))
            }
        }
        from.deserialize_any(Any).map(First)
    }
}

/// What a message asks for: what the log says if it runs, and the sets of scopes of which one is
/// needed.
fn asked(message: &Value) -> Option<(String, &'static [&'static [&'static str]])> {
    let params = &message["params"];
    let method = message["method"].as_str()?;
    message.get("id")?;
    let name = match method {
        "tools/call" | "prompts/get" => params["name"].as_str()?,
        "resources/read" => params["uri"].as_str()?,
        _ => method,
    };
    let needed: &[&[&str]] = match (method, name) {
        ("tools/call", "get_weather") | ("tools/list" | "prompts/list", _) => {
            &[&["mcp:tools.read"]]
        }
        ("tools/call", "delete_file") => &[&["files:read", "files:write"]],
        ("tools/call", "one_of") => &[&["a"], &["b"]],
        ("tools/call", "whoami") => &[&[]],
        ("tools/call", "export")
        | ("prompts/get", "greeting")
        | ("resources/list" | "resources/templates/list", _) => &[&["files:read"]],
        ("completion/complete", _) => &[&["b"]],
        ("logging/setLevel", _) => &[&["mcp:admin"]],
        ("example/index", _) => &[&["files:write"]],
        ("resources/read", "file:///pub/readme.txt") => return Some(("readme".to_owned(), &[&[]])),
        ("resources/read", uri) if !uri.contains(['%', '?', '#', '.']) => {
            if let Some(path) = uri.strip_prefix("file:///private/") {
                return Some((format!("tree {path}"), &[&["files:read"]]));
            }
            let page = uri.strip_prefix("file:///pub/")?;
            return Some((format!("page {page}"), &[&["mcp:tools.read"]]));
        }
        _ => return None,
    };
    Some((name.to_owned(), needed))
}

fn grants(token: usize, needed: &[&[&str]]) -> bool {
    let has = |scope: &&str| {
        let named = TOKENS[token].contains(scope);
        named || (scope.starts_with("files:") && TOKENS[token].contains(&"mcp:admin"))
    };
    needed.iter().any(|set| set.iter().all(has))
}

/// Whether what ran is what this reading of the body asks for, in its order, and was granted.
fn agrees(attempt: &Attempt, ran: &[String], reading: &Value) -> bool {
    let messages = match reading.as_array() {
        Some(messages) => messages.as_slice(),
        None => std::slice::from_ref(reading),
    };
    let asked: Vec<_> = messages.iter().filter_map(asked).collect();
    let mut left = asked.iter();
    let in_order = ran.iter().all(|ran| left.any(|(name, _)| name == ran));
    // Nothing of a batch runs if one call is not granted.
    in_order
        && asked
            .iter()
            .all(|(_, needed)| grants(attempt.token, needed))
}

fn holds(world: &World, attempt: &Attempt) -> Result<Vec<String>, TestCaseError> {
    let (status, body, ran) = world.ask(attempt);
    prop_assert!(status < 500, "{status} {body}");
    let last = serde_json::from_slice::<Value>(&attempt.body);
    if !ran.is_empty() {
        prop_assert_eq!(status, 200);
        let last = last.expect("what ran is JSON");
        prop_assert!(agrees(attempt, &ran, &last), "{ran:?} for {last}");
        let First(first) = serde_json::from_slice(&attempt.body).expect("JSON");
        prop_assert!(agrees(attempt, &ran, &first), "{ran:?} for {first}");
    } else if status == 403 {
        // Nobody is refused for want of what he has.
        let last = last.expect("what is decided about is JSON");
        prop_assert!(!agrees(attempt, &[], &last), "{body} for {last}");
    }
    Ok(ran)
}

/// RS-086: for any bytes, the verdict is about what the handler then sees.
#[test]
fn the_verdict_is_about_what_the_handler_sees() {
    let world = World::new();
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(3_000)
    };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&attempt(TOKENS.len()), |attempt| {
        holds(&world, &attempt).map(drop)
    });
    assert_eq!(outcome, Ok(()));
}

/// The generator reaches what it is for: otherwise the property above would say little.
#[test]
fn the_generator_reaches_handlers() {
    let world = World::new();
    let mut runner = TestRunner::deterministic();
    let (mut one, mut several, mut refused, mut wrong) = (0, 0, 0, 0);
    let mut names = std::collections::BTreeSet::new();
    for _ in 0..2_000 {
        let attempt = attempt(TOKENS.len())
            .new_tree(&mut runner)
            .expect("an attempt")
            .current();
        let (status, _, ran) = world.ask(&attempt);
        match (status, ran.len()) {
            (_, 1) => one += 1,
            (_, 2..) => several += 1,
            (403, _) => refused += 1,
            (400, _) => wrong += 1,
            _ => {}
        }
        names.extend(ran);
    }
    let reached = [one, several, refused, wrong];
    assert!(reached.iter().all(|count| *count > 20), "{reached:?}");
    assert_eq!(names.len(), 11, "{names:?}");
}
