//! Which of several rules counts: for any policy the same as for a reader of its lines.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use axum::body::Body;
use clearance::mcp::{Kind, Policy, any_valid_token, nobody, requires};
use clearance::scope::AnyOf;
use clearance::testing::Issuer;
use clearance::{Authorized, Guard};
use http::Request;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::json;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use super::fixture::{self, site, tool};
use crate::support::mcp::Log;
use crate::support::{self, FilesRead, Fixture, ScopeA, ScopeB};

#[tokio::test]
async fn a_name_counts_over_the_longest_beginning_over_the_rest() {
    // In an order that says nothing.
    let policy = Policy::<Fixture>::closed()
        .tools(requires::<FilesRead>())
        .tool_prefix("db_", requires::<ScopeA>())
        .tool("db_admin_drop", nobody())
        .tool_prefix("db_admin_", requires::<ScopeB>())
        .tool("db_list", any_valid_token())
        .tool("d", requires::<(ScopeA, ScopeB)>());
    let site = site(policy).await;
    for (name, verdict) in [
        ("db_list", "passed"),
        ("db_list_all", "lacks a"),
        ("db_lis", "lacks a"),
        ("db_", "lacks a"),
        ("db_admin", "lacks a"),
        ("db_admin_", "lacks b"),
        ("db_admin_user", "lacks b"),
        ("db_admin_drop", "closed"),
        ("db_admin_drop_all", "lacks b"),
        ("d", "lacks a b"),
        ("db", "lacks files:read"),
        ("DB_list", "lacks files:read"),
        (" db_list", "lacks files:read"),
    ] {
        let asked = if name.starts_with(' ') {
            // A header would lose the blank.
            fixture::request("2025-11-25", "tools/call", &json!({ "name": name }))
        } else {
            tool(name)
        };
        assert_eq!(site.ask(&asked, "").await, verdict, "{name}");
    }
}

/// What a random rule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    A,
    B,
    Both,
    Either,
    Any,
    Nobody,
}

const SAYINGS: [Says; 6] = [
    Says::A,
    Says::B,
    Says::Both,
    Says::Either,
    Says::Any,
    Says::Nobody,
];

impl Says {
    fn admits(self, scopes: &BTreeSet<&str>) -> bool {
        let (a, b) = (scopes.contains("a"), scopes.contains("b"));
        match self {
            Self::A => a,
            Self::B => b,
            Self::Both => a && b,
            Self::Either => a || b,
            Self::Any => true,
            Self::Nobody => false,
        }
    }
}

/// A line of a random policy: what it is about, and what it says.
#[derive(Clone, Debug)]
enum Line {
    Named(String, Says),
    Prefix(String, Says),
    Rest(Says),
}

impl Line {
    fn add(&self, policy: Policy<Fixture>) -> Policy<Fixture> {
        /// `$policy.$rule(.., what $says says)`.
        macro_rules! with {
            ($policy:ident . $rule:ident ($($name:expr)?), $says:expr) => {
                match $says {
                    Says::A => $policy.$rule($($name,)? requires::<ScopeA>()),
                    Says::B => $policy.$rule($($name,)? requires::<ScopeB>()),
                    Says::Both => $policy.$rule($($name,)? requires::<(ScopeA, ScopeB)>()),
                    Says::Either => $policy.$rule($($name,)? requires::<AnyOf<(ScopeA, ScopeB)>>()),
                    Says::Any => $policy.$rule($($name,)? any_valid_token()),
                    Says::Nobody => $policy.$rule($($name,)? nobody()),
                }
            };
        }
        match self {
            Self::Named(name, says) => with!(policy.tool(name), says),
            Self::Prefix(name, says) => with!(policy.tool_prefix(name), says),
            Self::Rest(says) => with!(policy.tools(), says),
        }
    }

    fn key(&self) -> (u8, &str) {
        match self {
            Self::Named(name, _) => (0, name),
            Self::Prefix(name, _) => (1, name),
            Self::Rest(_) => (2, ""),
        }
    }

    /// How well it fits a name: not at all, or the better the larger.
    fn fits(&self, name: &str) -> Option<(usize, Says)> {
        match self {
            Self::Named(own, says) => (own == name).then_some((usize::MAX, *says)),
            Self::Prefix(own, says) => name.starts_with(own).then_some((own.len() + 1, *says)),
            Self::Rest(says) => Some((0, *says)),
        }
    }
}

/// What the lines say of a name, read one after the other.
fn read(lines: &[Line], name: &str) -> Option<Says> {
    let fitting = lines.iter().filter_map(|line| line.fits(name));
    fitting
        .max_by_key(|(how_well, _)| *how_well)
        .map(|(_, says)| says)
}

fn name() -> impl Strategy<Value = String> {
    vec(select(vec!["a", "b", "_", "ab", "\u{e9}"]), 0..5).prop_map(|parts| parts.concat())
}

fn line() -> impl Strategy<Value = Line> {
    let says = || select(SAYINGS.to_vec());
    prop_oneof![
        4 => (name(), says()).prop_map(|(name, says)| Line::Named(name, says)),
        4 => (name(), says()).prop_map(|(name, says)| Line::Prefix(name, says)),
        1 => says().prop_map(Line::Rest),
    ]
}

/// Lines that do not contradict one another.
fn lines() -> impl Strategy<Value = Vec<Line>> {
    vec(line(), 0..10).prop_map(|mut lines| {
        let mut seen = BTreeSet::new();
        lines.retain(|line| {
            let (kind, name) = line.key();
            seen.insert((kind, name.to_owned()))
        });
        lines
    })
}

/// A guard, and callers with each of some scopes.
struct World {
    runtime: Runtime,
    issuer: Issuer,
    guard: Guard<Fixture>,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().expect("a runtime");
        let issuer = runtime.block_on(support::issuer(&support::clock()));
        let guard = runtime.block_on(fixture::guard(&issuer));
        Self {
            runtime,
            issuer,
            guard,
        }
    }

    fn token(&self, scopes: &BTreeSet<&str>) -> String {
        let scopes: Vec<_> = scopes.iter().copied().collect();
        let token = self.issuer.token();
        if scopes.is_empty() {
            token.mint()
        } else {
            token.scope(&scopes.join(" ")).mint()
        }
    }

    fn proof(&self, token: &str) -> Authorized<()> {
        let mut parts = support::http::parts_with(token);
        let proof = self.runtime.block_on(self.guard.authorize(&mut parts));
        proof.expect("a valid token")
    }

    /// The status of a call of a tool, without a socket.
    fn call(&self, app: &axum::Router, name: &str, token: &str) -> u16 {
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": name }
        });
        let request = Request::post("/mcp")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body(Body::from(body.to_string()))
            .expect("a request");
        let answer = self.runtime.block_on(app.clone().oneshot(request));
        answer.expect("an answer").status().as_u16()
    }
}

/// A layer, a list and a reader of the policy's lines agree about every name.
#[test]
fn a_layer_and_a_list_read_a_policy_as_it_is_written() {
    let world = World::new();
    let log = Log::default();
    let scopes = subsequence(vec!["a", "b", "files:read"], 0..=3);
    let config = ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let seen = RefCell::new(BTreeSet::new());
    proptest!(config, |(lines in lines(), names in vec(name(), 1..12), scopes in scopes)| {
        let scopes: BTreeSet<_> = scopes.into_iter().collect();
        let policy = lines.iter().fold(Policy::closed(), |policy, line| line.add(policy));
        let token = world.token(&scopes);
        let proof = world.proof(&token);
        let expected: Vec<_> = names
            .iter()
            .filter(|name| read(&lines, name).is_some_and(|says| says.admits(&scopes)))
            .collect();
        let shown: Vec<_> = policy.visible(Kind::Tool, &proof, &names).collect();
        prop_assert_eq!(&shown, &expected, "{}", policy);
        // A name of one kind is none of another.
        prop_assert_eq!(policy.visible(Kind::Prompt, &proof, &names).count(), 0);
        let app = fixture::service(&log).layer(fixture::layer(&world.guard, policy.clone()));
        for name in &names {
            let status = world.call(&app, name, &token);
            let may = expected.contains(&name);
            prop_assert_eq!(status, if may { 200 } else { 403 }, "{} of\n{}", name, policy);
            prop_assert_eq!(log.take().len(), usize::from(may));
            seen.borrow_mut().insert((read(&lines, name), may));
        }
    });
    // Each decision was met both ways, where it has two.
    assert_eq!(seen.borrow().len(), 4 * 2 + 1 + 1 + 1, "{seen:?}");
}

/// A segment of a random pattern, or of a random URI.
const SEGMENTS: [&str; 3] = ["x", "y", "z"];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(&'static str),
    One,
    Rest,
    Any,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pattern(Vec<Segment>);

impl Pattern {
    fn text(&self) -> String {
        let segments = (0..).zip(&self.0);
        let texts = segments.map(|(at, segment): (u8, _)| match segment {
            Segment::Literal(literal) => (*literal).to_owned(),
            Segment::One => format!("{{v{at}}}"),
            Segment::Rest => format!("{{*v{at}}}"),
            Segment::Any => "*".to_owned(),
        });
        format!("file:///{}", texts.collect::<Vec<_>>().join("/"))
    }

    /// Whether it stands for a path of these segments.
    fn covers(&self, path: &[&str]) -> bool {
        let mut rest = path;
        for segment in &self.0 {
            let Some((first, after)) = rest.split_first() else {
                return false;
            };
            match segment {
                Segment::Literal(literal) if literal == first => rest = after,
                Segment::Literal(_) => return false,
                Segment::One => rest = after,
                Segment::Rest | Segment::Any => return true,
            }
        }
        rest.is_empty()
    }
}

impl Pattern {
    /// Whether its `*` stands for what is below a path of these segments, or for more.
    fn covers_below(&self, path: &[&str]) -> bool {
        let is_open = self.0.last() == Some(&Segment::Any);
        let mut below = path.to_vec();
        below.push("below");
        is_open && self.covers(&below)
    }
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let segment = prop_oneof![
        3 => select(SEGMENTS.to_vec()).prop_map(Segment::Literal),
        2 => Just(Segment::One),
    ];
    let last = prop_oneof![
        2 => Just(None),
        1 => Just(Some(Segment::Rest)),
        1 => Just(Some(Segment::Any)),
    ];
    (vec(segment, 1..4), last).prop_map(|(mut segments, last)| {
        segments.extend(last);
        Pattern(segments)
    })
}

/// A layer takes the first pattern that fits, in the order of their precision: at the first segment
/// that differs, a literal comes before `{x}` before `{*x}` before `*`.
#[test]
fn a_layer_takes_the_most_precise_pattern() {
    let world = World::new();
    let config = ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let patterns = vec((pattern(), any::<bool>()), 0..8);
    let paths = vec(vec(select(SEGMENTS.to_vec()), 1..5), 1..12);
    let (open, closed) = (Cell::new(0), Cell::new(0));
    proptest!(config, |(mut patterns in patterns, paths in paths)| {
        // The derived order is that of precision; a longer path comes after its beginning, which
        // stands for other URIs.
        patterns.sort();
        patterns.dedup_by(|(a, _), (b, _)| a == b);
        let add = |policy: Policy<Fixture>, (pattern, is_open): &(Pattern, bool)| {
            if *is_open {
                policy.resource(&pattern.text(), any_valid_token())
            } else {
                policy.resource(&pattern.text(), nobody())
            }
        };
        // From the least precise on, so that the order of the rules does not help.
        let policy = patterns.iter().rev().fold(Policy::closed(), add);
        fixture::layer(&world.guard, policy.clone());
        let proof = world.proof(&world.token(&BTreeSet::new()));
        for path in paths {
            let uri = format!("file:///{}", path.join("/"));
            let first = patterns.iter().find(|(pattern, _)| pattern.covers(&path));
            let mut expected = first.is_some_and(|(_, is_open)| *is_open);
            // What is only covered by a `*` may be a directory, about which a rule says more.
            if let Some((Pattern(segments), _)) = first
                && segments.last() == Some(&Segment::Any)
            {
                let directory = patterns.iter().find(|(pattern, _)| pattern.covers_below(&path));
                expected &= directory.is_none_or(|(_, is_open)| *is_open);
            }
            let shown = policy.visible(Kind::Resource, &proof, [&uri]).count();
            prop_assert_eq!(shown == 1, expected, "{} of\n{}", uri, policy);
            let counter = if expected { &open } else { &closed };
            counter.set(counter.get() + 1);
        }
    });
    let (open, closed) = (open.get(), closed.get());
    assert!(
        open > 200 && closed > 200,
        "{open} were open, {closed} closed"
    );
}
