//! For any body: the layer refuses it, or the service gets it as it came, and reads in it what was
//! allowed.

use std::collections::BTreeMap;

use clearance::TrustedIssuer;
use clearance::keys::FixedKeys;
use clearance::mcp::{Policy, requires};
use clearance::{AuthorizationLayer, Guard};
use http::Request;
use http_body_util::Full;
use hyper::body::Bytes;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::value::RawValue;
use tokio::runtime::Runtime;
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::generator::{Mutant, TOOLS, mutant, noise};
use crate::support::spy::{READERS, Seen, Spy, calls, calls_of_value};
use crate::support::{FilesWrite, Fixture, ToolsRead, clock, issuer, plain, with_rules};

/// A layer around a spy, without a socket, so that many bodies can be tried.
struct World {
    runtime: Runtime,
    layer: AuthorizationLayer,
    spy: Spy,
    /// Each may call one of [`TOOLS`].
    tokens: [String; 2],
}

/// Of two tools; neither scope is enough for both.
fn policy() -> Policy<Fixture> {
    Policy::closed()
        .tool(TOOLS[0], requires::<ToolsRead>())
        .tool(TOOLS[1], requires::<FilesWrite>())
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().expect("a runtime");
        let clock = clock();
        let issuer = runtime.block_on(issuer(&clock));
        let keys = FixedKeys::from_json(issuer.jwks());
        let rules = TrustedIssuer::with_keys(issuer.id().clone(), keys);
        let guard: Guard<Fixture> = with_rules(rules, &clock)
            .unlimited()
            .build()
            .expect("a guard");
        let layer = AuthorizationLayer::builder(&guard, policy())
            .seal_keys(plain::keys())
            .build()
            .expect("a layer");
        let token = |scope| issuer.token().scope(scope).mint();
        Self {
            runtime,
            layer,
            spy: Spy::default(),
            tokens: [token("mcp:tools.read"), token("files:write")],
        }
    }

    /// The status of the answer, and what reached the service.
    fn ask(&self, mutant: &Mutant) -> (u16, Vec<Seen>) {
        let bearer = format!("Bearer {}", self.tokens[mutant.token]);
        let mut request = Request::post("/mcp")
            .header("content-type", "application/json")
            .header("content-length", mutant.body.len())
            .header("authorization", bearer);
        for (name, value) in &mutant.headers {
            request = request.header(*name, value);
        }
        let body = Full::new(Bytes::from(mutant.body.clone()));
        let request = request.body(body).expect("a request");
        let spy = self.spy.clone();
        let service = service_fn(move |request| spy.clone().serve(request));
        let answer = self.layer.layer(service).oneshot(request);
        let answer = self.runtime.block_on(answer).expect("an answer");
        (answer.status().as_u16(), self.spy.take())
    }
}

/// Whether a token may make this call.
fn is_allowed(token: usize, call: &str) -> bool {
    let free = ["ping", "initialize", "server/discover"];
    free.contains(&call)
        || call.starts_with("notifications/")
        || call == format!("tools/call {}", TOOLS[token])
}

/// The messages of a batch, as they were written.
fn members(body: &[u8]) -> Vec<String> {
    let members: Vec<&RawValue> = serde_json::from_slice(body).unwrap_or_default();
    let members = members.into_iter();
    members.map(|member| member.get().to_owned()).collect()
}

/// Whether this message is of no use without a session.
fn is_blind(message: &str) -> bool {
    // Its other members may be what nobody reads as a `Value`.
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(message).unwrap_or_default();
    let method = members.get("method").map(|method| method.get());
    let method = method.and_then(|method| serde_json::from_str::<String>(method).ok());
    matches!(
        method.as_deref(),
        None | Some("notifications/cancelled" | "notifications/progress")
    )
}

fn holds(world: &World, mutant: &Mutant) -> Result<(u16, Vec<Seen>), TestCaseError> {
    let (status, seen) = world.ask(mutant);
    prop_assert!(status < 500, "{status}");
    prop_assert_eq!(seen.is_empty(), status != 200, "{}", status);
    prop_assert!(seen.len() <= 1);
    for seen in &seen {
        if seen.body != mutant.body {
            // Of a batch, what is about somebody's requests is left out; the rest is as it was.
            let left = members(&mutant.body).into_iter();
            let left: Vec<_> = left.filter(|message| !is_blind(message)).collect();
            prop_assert_eq!(members(&seen.body), left);
        }
        let length = seen.body.len().to_string();
        prop_assert_eq!(seen.fields("content-length"), [length.as_bytes()]);
        prop_assert!(seen.fields("authorization").is_empty());
        let read = calls_of_value(&seen.body);
        let fits = read.iter().all(|call| is_allowed(mutant.token, call));
        prop_assert!(fits, "{read:?} was not allowed");
        for reader in READERS {
            prop_assert_eq!(&calls(&seen.body, reader), &read, "{:?}", reader);
        }
    }
    Ok((status, seen))
}

fn always(cases: u32, mutants: &impl Strategy<Value = Mutant>) {
    let world = World::new();
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(mutants, |mutant| holds(&world, &mutant).map(drop));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// RS-086: for any change of a right message, the verdict is for what the service then reads.
#[test]
fn the_verdict_is_for_what_the_service_reads() {
    always(4_000, &mutant());
}

/// RS-086: and for any bytes.
#[test]
fn no_bytes_get_through_undecided() {
    always(1_000, &noise());
}

/// The generator reaches what it is for: otherwise the property above would say little.
#[test]
fn the_generator_reaches_the_service() {
    let world = World::new();
    let mut runner = TestRunner::deterministic();
    let (mut whole, mut less, mut refused, mut wrong, mut escaped) = (0, 0, 0, 0, 0);
    for _ in 0..3_000 {
        let mutant = mutant().new_tree(&mut runner).expect("one").current();
        let (status, seen) = holds(&world, &mutant).expect("it holds");
        let calls = seen.iter().flat_map(|seen| calls_of_value(&seen.body));
        let calls_tool = { calls }.any(|call| call.starts_with("tools/call"));
        if calls_tool && seen[0].body == mutant.body {
            whole += 1;
            escaped += usize::from(mutant.body.contains(&b'\\'));
        } else if calls_tool {
            less += 1;
        }
        match status {
            403 => refused += 1,
            400 => wrong += 1,
            _ => {}
        }
    }
    let reached = [whole, less, refused, wrong, escaped];
    assert!(reached.iter().all(|count| *count > 20), "{reached:?}");
}
