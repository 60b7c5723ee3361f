//! Requests for an MCP server, and what is read of its answers.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Answer;

/// The first revision without `initialize`.
pub const MODERN: &str = "2026-07-28";

/// A request that is put together: right for its revision, until it is changed.
#[derive(Clone, Debug)]
pub struct Request {
    pub verb: String,
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    /// What `call` names: a method, and what it is about after a blank (`tools/call get_weather`);
    /// `response`; several of them after `batch`, with ` + ` between them; or another HTTP method
    /// than POST.
    ///
    /// The revision 2025-03-26 has no header for itself.
    pub fn new(revision: &str, call: &str) -> Self {
        let mut request = Self {
            verb: "POST".to_owned(),
            target: "/mcp".to_owned(),
            headers: Vec::new(),
            body: String::new(),
        };
        request = request
            .with("accept", "application/json, text/event-stream")
            .with("content-type", "application/json");
        if revision != "2025-03-26" {
            request = request.with("mcp-protocol-version", revision);
        }
        if matches!(call, "GET" | "DELETE" | "PUT" | "PATCH" | "OPTIONS") {
            call.clone_into(&mut request.verb);
            return request;
        }
        if let Some(calls) = call.strip_prefix("batch ") {
            let calls = (1_u64..).zip(calls.split(" + "));
            let messages: Vec<_> = calls.map(|(id, c)| message(revision, c, id)).collect();
            request.body = Value::from(messages).to_string();
            return request;
        }
        request.body = message(revision, call, 1).to_string();
        if revision == MODERN && call != "response" {
            let (method, name) = call.split_once(' ').unwrap_or((call, ""));
            request = request.with("mcp-method", method);
            if !name.is_empty() {
                request = request.with("mcp-name", name);
            }
        }
        request
    }

    /// A header field in place of those of its name.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        self.without(name).also(name, value)
    }

    /// One more header field.
    #[must_use]
    pub fn also(mut self, name: &str, value: &str) -> Self {
        let field = (name.to_ascii_lowercase(), value.to_owned());
        self.headers.push(field);
        self
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    #[must_use]
    pub fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    /// A merge patch of the body (RFC 7396).
    #[must_use]
    pub fn patched(mut self, patch: &Value) -> Self {
        let mut body = serde_json::from_str(&self.body).expect("a JSON body");
        merge(&mut body, patch);
        self.body = body.to_string();
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: t\r\n", self.verb, self.target);
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").expect("text");
        }
        let length = self.body.len();
        write!(
            head,
            "content-length: {length}\r\nconnection: close\r\n\r\n"
        )
        .expect("text");
        head.push_str(&self.body);
        head.into_bytes()
    }
}

/// What has a standard header in 2026-07-28: one call of each kind.
pub const HEADED: [&str; 7] = [
    "tools/call get_weather",
    "tools/list",
    "prompts/get greeting",
    "resources/read file:///pub/a.txt",
    "resources/list",
    "completion/complete",
    "server/discover",
];

/// What revision 2026-07-28 wants in each request.
pub fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {}
    })
}

fn message(revision: &str, call: &str, id: u64) -> Value {
    if call == "response" {
        return json!({ "jsonrpc": "2.0", "id": id, "result": {} });
    }
    let (method, name) = call.split_once(' ').unwrap_or((call, ""));
    let mut message = json!({ "jsonrpc": "2.0", "method": method, "params": {} });
    if !name.is_empty() {
        let member = if method == "resources/read" {
            "uri"
        } else {
            "name"
        };
        message["params"][member] = name.into();
    }
    if !method.starts_with("notifications/") {
        message["id"] = id.into();
        if revision == MODERN {
            message["params"]["_meta"] = meta();
        }
    }
    message
}

fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    let members = into.as_object_mut().expect("an object");
    for (name, value) in patch {
        if value.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// The answer, its body put together from its chunks.
pub fn whole(mut answer: Answer) -> Answer {
    if answer.header("transfer-encoding") == Some("chunked") {
        let mut body = String::new();
        let mut rest = answer.body.as_str();
        while let Some((size, after)) = rest.split_once("\r\n") {
            let size = usize::from_str_radix(size, 16).expect("the size of a chunk");
            body.push_str(after.get(..size).expect("a chunk"));
            let after = after.get(size..).expect("a chunk");
            rest = after.strip_prefix("\r\n").expect("a chunk's end");
        }
        answer.body = body;
    }
    answer
}

/// The messages of an answer: one document, or the events of a stream.
pub fn messages(answer: &Answer) -> Vec<Value> {
    let read = |text: &str| serde_json::from_str(text).expect("a JSON document");
    if answer.header("content-type") != Some("text/event-stream") {
        return vec![read(&answer.body)];
    }
    let events = answer.body.split_terminator("\n\n");
    events
        .map(|event| {
            read(
                event
                    .strip_prefix("event: message\ndata: ")
                    .expect("an event"),
            )
        })
        .collect()
}

/// The one error in an answer.
#[track_caller]
pub fn error_of(answer: &Answer) -> Value {
    let message = messages(answer).remove(0);
    assert_eq!(message["jsonrpc"], "2.0", "{answer:?}");
    assert!(message.get("result").is_none());
    message
}

#[track_caller]
pub fn code_of(answer: &Answer) -> i64 {
    error_of(answer)["error"]["code"].as_i64().expect("a code")
}
