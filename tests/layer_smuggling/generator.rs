//! Messages that were right, until members were written twice, in another case, with escapes, or
//! elsewhere.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::request::MODERN;

/// The two tools of the policy.
pub const TOOLS: [&str; 2] = ["get_weather", "delete_file"];

/// A request.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// Which of the two tools its token may call.
    pub token: usize,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// JSON that is put together; names and values are written as they stand here.
#[derive(Clone, Debug)]
enum Json {
    Plain(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => f.write_str(text),
            Self::List(members) => {
                let members: Vec<String> = members.iter().map(Self::to_string).collect();
                write!(f, "[{}]", members.join(" ,"))
            }
            Self::Object(members) => {
                let members = members.iter();
                let members: Vec<String> = members
                    .map(|(name, value)| format!("{name} : {value}"))
                    .collect();
                write!(f, "{{{}}}", members.join(","))
            }
        }
    }
}

fn text(text: &str) -> Json {
    Json::Plain(format!("\"{text}\""))
}

fn object(members: &[(&str, Json)]) -> Json {
    let members = members.iter();
    let members = members.map(|(name, value)| (format!("\"{name}\""), value.clone()));
    Json::Object(members.collect())
}

/// Another way to write a name or a text.
#[derive(Clone, Copy, Debug)]
enum Spelling {
    Same,
    Escaped,
    EscapedThroughout,
    OtherCase,
    Capitals,
    /// With letters beyond ASCII that fold into those of it.
    Folding,
    Ended,
    Padded,
}

const SPELLINGS: [Spelling; 8] = [
    Spelling::Same,
    Spelling::Escaped,
    Spelling::EscapedThroughout,
    Spelling::OtherCase,
    Spelling::Capitals,
    Spelling::Folding,
    Spelling::Ended,
    Spelling::Padded,
];

impl Spelling {
    /// A text in quotes, in this spelling, of the letter at some place where one letter is meant.
    fn of(self, quoted: &str, at: Index) -> String {
        let Some(plain) = quoted
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
        else {
            return quoted.to_owned();
        };
        // What is escaped already is left alone.
        if plain.is_empty() || !plain.is_ascii() || plain.contains('\\') {
            return quoted.to_owned();
        }
        let (before, rest) = plain.split_at(at.index(plain.len()));
        let (one, after) = rest.split_at(1);
        let escaped = |byte: &u8| format!("\\u{byte:04x}");
        let plain = match self {
            Self::Same => plain.to_owned(),
            Self::Escaped => format!("{before}{}{after}", escaped(&one.as_bytes()[0])),
            Self::EscapedThroughout => plain.as_bytes().iter().map(escaped).collect(),
            Self::OtherCase => {
                let other = if one == one.to_ascii_uppercase() {
                    one.to_ascii_lowercase()
                } else {
                    one.to_ascii_uppercase()
                };
                format!("{before}{other}{after}")
            }
            Self::Capitals => plain.to_ascii_uppercase(),
            Self::Folding => plain.replace('s', "\u{17f}").replace('k', "\u{212a}"),
            Self::Ended => format!("{plain}\\u0000"),
            Self::Padded => format!(" {plain}"),
        };
        format!("\"{plain}\"")
    }
}

/// A change of one object of a document.
#[derive(Clone, Debug)]
enum Change {
    /// One of its members again, with this value.
    Again(Index, Spelling, Json),
    /// A member of this name.
    More(&'static str, Spelling, Json),
    /// One of its members in another spelling.
    Renamed(Index, Spelling),
    Revalued(Index, Json),
    Removed(Index),
    /// One of its values in a list.
    Listed(Index),
    /// One of its values as a document in disguise.
    Disguised(Index),
}

const NAMES: [&str; 12] = [
    "method",
    "params",
    "name",
    "id",
    "jsonrpc",
    "result",
    "error",
    "_meta",
    "arguments",
    "taskId",
    "uri",
    "io.modelcontextprotocol/protocolVersion",
];

fn value() -> impl Strategy<Value = Json> {
    let spelled = (select(&TOOLS[..]), select(&SPELLINGS[..]), any::<Index>());
    let spelled = spelled
        .prop_map(|(name, spelling, at)| Json::Plain(spelling.of(&format!("\"{name}\""), at)));
    let tool = select(&TOOLS[..]).prop_map(text);
    let params = select(&TOOLS[..]).prop_map(|name| object(&[("name", text(name))]));
    let method = select(vec!["tools/call", "ping", "tools/list", "notifications/x"]);
    let other = select(vec![
        "1", "1.5", "1e999", "null", "{}", "[]", "\"2.0\"", "\"1.0\"", "\"\"",
    ]);
    prop_oneof![
        spelled,
        tool,
        params,
        method.prop_map(text),
        select(vec![MODERN, "2025-06-18"]).prop_map(text),
        other.prop_map(|text| Json::Plain(text.to_owned())),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let spelling = || select(&SPELLINGS[..]);
    let at = any::<Index>;
    prop_oneof![
        (at(), spelling(), value()).prop_map(|(at, how, value)| Change::Again(at, how, value)),
        (select(&NAMES[..]), spelling(), value())
            .prop_map(|(name, how, value)| Change::More(name, how, value)),
        (at(), spelling()).prop_map(|(at, how)| Change::Renamed(at, how)),
        (at(), value()).prop_map(|(at, value)| Change::Revalued(at, value)),
        at().prop_map(Change::Removed),
        at().prop_map(Change::Listed),
        at().prop_map(Change::Disguised),
    ]
}

impl Change {
    fn of(&self, members: &mut Vec<(String, Json)>, place: Index) {
        let count = members.len();
        if count == 0 && !matches!(self, Self::More(..)) {
            return;
        }
        match self {
            Self::Again(at, how, value) => {
                let name = how.of(&members[at.index(count)].0, place);
                members.insert(place.index(count + 1), (name, value.clone()));
            }
            Self::More(name, how, value) => {
                let name = how.of(&format!("\"{name}\""), place);
                members.insert(place.index(count + 1), (name, value.clone()));
            }
            Self::Renamed(at, how) => {
                let name = &mut members[at.index(count)].0;
                *name = how.of(name, place);
            }
            Self::Revalued(at, value) => members[at.index(count)].1 = value.clone(),
            Self::Removed(at) => drop(members.remove(at.index(count))),
            Self::Listed(at) => {
                let value = &mut members[at.index(count)].1;
                *value = Json::List(vec![value.clone()]);
            }
            Self::Disguised(at) => {
                let value = &mut members[at.index(count)].1;
                let inside = serde_json::Value::from(value.to_string()).to_string();
                *value = object(&[("$serde_json::private::RawValue", Json::Plain(inside))]);
            }
        }
    }
}

/// All objects of a document.
fn objects<'d>(document: &'d mut Json, found: &mut Vec<&'d mut Vec<(String, Json)>>) {
    match document {
        Json::Plain(_) => {}
        Json::List(members) => {
            for member in members {
                objects(member, found);
            }
        }
        Json::Object(members) => found.push(members),
    }
}

/// An object at some depth.
fn changed(document: &mut Json, depth: usize, which: Index, change: &Change) {
    let mut found = Vec::new();
    objects(document, &mut found);
    if found.is_empty() {
        return;
    }
    let members = found.swap_remove(which.index(found.len()));
    let inner = members.iter_mut().find_map(|(name, value)| {
        let is_inner = matches!(value, Json::Object(_)) && name == "\"params\"";
        is_inner.then_some(value)
    });
    match inner {
        Some(inner) if depth > 0 => changed(inner, depth - 1, which, change),
        _ => change.of(members, which),
    }
}

fn message(modern: bool, method: &str, name: &str) -> Json {
    let mut params = vec![("name", text(name))];
    if modern {
        let capabilities = "io.modelcontextprotocol/clientCapabilities";
        let version = ("io.modelcontextprotocol/protocolVersion", text(MODERN));
        params.push(("_meta", object(&[version, (capabilities, object(&[]))])));
    }
    let mut members = vec![("jsonrpc", text("2.0")), ("method", text(method))];
    if !method.starts_with("notifications/") {
        members.push(("id", Json::Plain("1".to_owned())));
    }
    members.push(("params", object(&params)));
    object(&members)
}

type Bytes = Vec<(Index, u8, u8)>;

/// What becomes of a right request.
#[derive(Clone, Debug)]
struct Plan {
    token: usize,
    /// `None` in a revision that has a header.
    calls: Vec<(&'static str, &'static str)>,
    revision: Option<&'static str>,
    changes: Vec<(usize, Index, Change)>,
    bytes: Bytes,
    spoof: Option<&'static str>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let method = prop_oneof![
        6 => Just("tools/call"),
        1 => Just("ping"),
        2 => Just("notifications/cancelled"),
        1 => Just("tools/list"),
    ];
    let calls = vec((method, select(&TOOLS[..])), 1..4);
    let revision = prop_oneof![
        3 => Just(None),
        1 => Just(Some("2025-06-18")),
        2 => Just(Some(MODERN)),
    ];
    let changes = vec((0_usize..3, any::<Index>(), change()), 0..3);
    let bytes = prop_oneof![
        8 => Just(Vec::new()),
        1 => vec((any::<Index>(), any::<u8>(), 0_u8..3), 1..3),
    ];
    let spoof = prop_oneof![8 => Just(None), 1 => select(&TOOLS[..]).prop_map(Some)];
    (0..TOOLS.len(), calls, revision, changes, bytes, spoof).prop_map(
        |(token, calls, revision, changes, bytes, spoof)| Plan {
            token,
            calls,
            revision,
            changes,
            bytes,
            spoof,
        },
    )
}

/// A message, or several, with some of it changed.
pub fn mutant() -> impl Strategy<Value = Mutant> {
    plan().prop_map(|plan| {
        let is_modern = plan.revision == Some(MODERN);
        let messages = plan.calls.iter();
        let messages = messages.map(|(method, name)| message(is_modern, method, name));
        let mut messages: Vec<Json> = messages.collect();
        // Most are one message, also where batches are served.
        let is_batch = plan.revision.is_none() && messages.len() > 1;
        let mut document = if is_batch {
            Json::List(messages)
        } else {
            messages.remove(0)
        };
        for (depth, which, change) in &plan.changes {
            changed(&mut document, *depth, *which, change);
        }
        let mut body = document.to_string().into_bytes();
        for (at, byte, how) in &plan.bytes {
            let at = at.index(body.len());
            match how {
                0 => body[at] = *byte,
                1 => body.insert(at, *byte),
                _ => body.truncate(at + 1),
            }
        }
        let mut headers = Vec::new();
        if let Some(revision) = plan.revision {
            headers.push(("mcp-protocol-version", revision.to_owned()));
        }
        let (method, name) = plan.calls[0];
        if is_modern {
            headers.push(("mcp-method", method.to_owned()));
        }
        let told = plan.spoof.or(is_modern.then_some(name));
        headers.extend(told.map(|name| ("mcp-name", name.to_owned())));
        Mutant {
            token: plan.token,
            headers,
            body,
        }
    })
}

/// Any bytes at all.
pub fn noise() -> impl Strategy<Value = Mutant> {
    let byte = prop_oneof![any::<u8>(), select(b"{}[]\":,\\u0 \n12ntf".to_vec())];
    (0..TOOLS.len(), vec(byte, 0..200)).prop_map(|(token, body)| Mutant {
        token,
        headers: Vec::new(),
        body,
    })
}
