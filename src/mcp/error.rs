//! Errors of the protocol, and how they are written.

use crate::id::CorrelationId;

/// Malformed JSON.
pub(crate) const PARSE: i32 = -32700;
/// Not a message of the protocol.
pub(crate) const INVALID_REQUEST: i32 = -32600;
/// A method that nobody serves.
pub(crate) const METHOD_NOT_FOUND: i32 = -32601;
/// An unknown name, or arguments that do not fit.
pub(crate) const INVALID_PARAMS: i32 = -32602;
/// Something went wrong in the server.
pub(crate) const INTERNAL: i32 = -32603;
/// A header says something else than the body (MCP 2026-07-28).
pub(crate) const HEADER_MISMATCH: i32 = -32020;
/// A revision that is not served (MCP 2026-07-28).
pub(crate) const UNSUPPORTED_VERSION: i32 = -32022;

/// An error of the protocol with a constant message, about a request that may have an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) code: i32,
    pub(crate) message: &'static str,
    /// A JSON document.
    pub(crate) data: Option<String>,
}

impl<'a> Fault<'a> {
    pub(crate) const fn new(id: Option<&'a str>, code: i32, message: &'static str) -> Self {
        Self {
            id,
            code,
            message,
            data: None,
        }
    }

    /// The same with what ties together all that is written about the request.
    pub(crate) fn about(mut self, request: CorrelationId) -> Self {
        let more = self.data.as_deref().and_then(|data| data.strip_prefix('{'));
        self.data = Some(match more {
            Some(more) => format!(r#"{{"correlationId":"{request}",{more}"#),
            None => format!(r#"{{"correlationId":"{request}"}}"#),
        });
        self
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> String {
        error_body(self.id, self.code, self.message, self.data.as_deref())
    }
}

/// A JSON-RPC error; the id is left out where it is not known.
pub(crate) fn error_body(id: Option<&str>, code: i32, message: &str, data: Option<&str>) -> String {
    let message = quoted(message);
    let code = code.to_string();
    let data = data.map(|data| [r#","data":"#, data]).unwrap_or_default();
    let rest = [r#""error":{"code":"#, &code, r#","message":"#, &message];
    [with_id(id).as_slice(), &rest, &data, &["}}"]]
        .concat()
        .concat()
}

/// A JSON-RPC result with these members, the first of them with its comma.
pub(crate) fn result_body(id: &str, first: &str, members: &str) -> String {
    let rest = [r#""result":{"#, first, members, "}}"];
    [with_id(Some(id)).as_slice(), &rest].concat().concat()
}

fn with_id(id: Option<&str>) -> [&str; 3] {
    match id {
        Some(id) => [r#"{"jsonrpc":"2.0","id":"#, id, ","],
        None => [r#"{"jsonrpc":"2.0","#, "", ""],
    }
}

/// The text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    // Text always serializes.
    serde_json::to_string(text).unwrap_or_default()
}
