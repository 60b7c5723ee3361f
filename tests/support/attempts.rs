//! Bodies of MCP requests for property tests: right ones, ones that say things twice or in the
//! wrong place, batches of both, and bytes.
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must panic"
)]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::mcp::REVISIONS;
use super::request::{MODERN, meta};

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// One of so many.
    pub token: usize,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

const METHODS: [&str; 7] = [
    "tools/call",
    "tools/list",
    "prompts/get",
    "resources/read",
    "completion/complete",
    "example/index",
    "notifications/cancelled",
];

const NAMES: [&str; 8] = [
    "get_weather",
    "delete_file",
    "one_of",
    "whoami",
    "export",
    "greeting",
    "file:///pub/a",
    "file:///private/a/b",
];

/// What goes together.
const RIGHT: [(&str, &str); 12] = [
    ("tools/call", "get_weather"),
    ("tools/call", "delete_file"),
    ("tools/call", "one_of"),
    ("tools/call", "whoami"),
    ("tools/call", "export"),
    ("prompts/get", "greeting"),
    ("resources/read", "file:///pub/a"),
    ("resources/read", "file:///private/a/b"),
    ("completion/complete", "get_weather"),
    ("logging/setLevel", "whoami"),
    ("example/index", "greeting"),
    ("tools/list", "whoami"),
];

/// A JSON string, one of its characters escaped now and then.
fn text(text: &'static str) -> impl Strategy<Value = String> {
    (any::<Index>(), 0_u8..4).prop_map(move |(at, escaped)| {
        let at = at.index(text.len());
        let (before, rest) = text.split_at(at);
        let (one, after) = rest.split_at(1);
        match escaped {
            0 => format!("\"{before}\\u{:04x}{after}\"", one.as_bytes()[0]),
            _ => format!("\"{text}\""),
        }
    })
}

/// `"name":value`, usually.
fn member(name: &'static str, value: BoxedStrategy<String>) -> BoxedStrategy<String> {
    (text(name), value)
        .prop_map(|(name, value)| format!("{name}:{value}"))
        .boxed()
}

fn object(members: Vec<BoxedStrategy<String>>) -> BoxedStrategy<String> {
    let shuffled = members.prop_shuffle();
    shuffled
        .prop_map(|members| format!("{{{}}}", members.join(",")))
        .boxed()
}

/// These members, and often one of `more` beside them.
fn with_more(
    members: &[BoxedStrategy<String>],
    more: Vec<BoxedStrategy<String>>,
) -> BoxedStrategy<String> {
    let plain = object(members.to_vec());
    let others = more.into_iter().map(|other| {
        let mut all = members.to_vec();
        all.push(other);
        object(all)
    });
    let others: Vec<_> = others.map(|strategy| (1, strategy)).collect();
    let count = u32::try_from(others.len()).unwrap_or(u32::MAX);
    prop_oneof![count * 4 => plain, count => proptest::strategy::Union::new_weighted(others)]
        .boxed()
}

/// A call, right or with members that stand twice or in the wrong place; and what it is about.
fn call(modern: bool) -> impl Strategy<Value = (&'static str, &'static str, String)> {
    let any = (select(&METHODS[..]), select(&NAMES[..]));
    prop_oneof![any, select(&RIGHT[..]), select(&RIGHT[..])].prop_flat_map(move |(method, name)| {
        let other = || select(&NAMES[..]).prop_flat_map(text).boxed();
        let key = if method == "resources/read" {
            "uri"
        } else {
            "name"
        };
        let nested = object(vec![member("name", other()), member("path", other())]);
        let mut params = vec![member(key, text(name).boxed())];
        if modern {
            params.push(Just(format!("\"_meta\":{}", meta())).boxed());
        }
        let params = with_more(
            &params,
            vec![
                member("name", other()),
                member("uri", other()),
                member("arguments", nested.clone()),
                member("params", nested.clone()),
                member("_meta", nested.clone()),
                member("method", text("tools/list").boxed()),
            ],
        );
        let id = || {
            select(vec!["1", "\"a\"", "-7"])
                .prop_map(str::to_owned)
                .boxed()
        };
        let whole = with_more(
            &[
                member("jsonrpc", text("2.0").boxed()),
                member("id", id()),
                member("method", text(method).boxed()),
                member("params", params),
            ],
            vec![
                member("method", select(&METHODS[..]).prop_flat_map(text).boxed()),
                member("params", nested.clone()),
                member("id", id()),
                member("name", other()),
                member("result", nested),
            ],
        );
        whole.prop_map(move |body| (method, name, body))
    })
}

/// A request with one of so many tokens.
pub fn attempt(tokens: usize) -> impl Strategy<Value = Attempt> {
    let edits = vec((any::<Index>(), any::<u8>(), 0_u8..3), 1..4);
    let anything = vec(any::<u8>(), 0..300);
    let kind = 0_u8..12;
    // The last may do everything.
    let token = prop_oneof![0..tokens, Just(tokens - 1)];
    let rest = (kind, edits, anything, token, 0_u8..12);
    // The oldest has batches.
    let revision = prop_oneof![select(&REVISIONS[..]), Just(REVISIONS[0])];
    (revision, rest).prop_flat_map(|(revision, rest)| {
        let calls = vec(call(revision == MODERN), 1..4);
        calls.prop_map(move |calls| built(revision, &calls, &rest))
    })
}

type Rest = (u8, Vec<(Index, u8, u8)>, Vec<u8>, usize, u8);

fn built(revision: &str, calls: &[(&str, &str, String)], rest: &Rest) -> Attempt {
    let (kind, edits, anything, token, mirrored) = rest;
    let (method, name, one) = &calls[0];
    let bodies: Vec<&str> = calls.iter().map(|(_, _, body)| body.as_str()).collect();
    let batch = format!("[{}]", bodies.join(" , "));
    let mut body = match kind {
        0 => anything.clone(),
        1..=4 => batch.into_bytes(),
        _ => one.clone().into_bytes(),
    };
    if matches!(kind, 4..=6) {
        for (at, byte, how) in edits {
            let at = at.index(body.len());
            match how {
                0 => body[at] = *byte,
                1 => body.insert(at, *byte),
                _ if body.len() > 1 => drop(body.remove(at)),
                _ => {}
            }
        }
    }
    let mut headers = Vec::new();
    if revision != REVISIONS[0] {
        headers.push(("mcp-protocol-version", revision.to_owned()));
    }
    match (mirrored, revision == MODERN) {
        (0, _) => headers.push(("mcp-name", "get_weather".to_owned())),
        (1, _) | (_, true) => {
            headers.push(("mcp-method", (*method).to_owned()));
            headers.push(("mcp-name", (*name).to_owned()));
        }
        _ => {}
    }
    Attempt {
        token: *token,
        headers,
        body,
    }
}
