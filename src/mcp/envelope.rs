//! The JSON-RPC envelope, read once and borrowed.
//!
//! What the policy decides about is what the handler sees: both are parts of this one reading, and a
//! member that is read and stands twice is refused.

use std::borrow::Cow;
use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::call::{Call, Head, PARAMS, WantedParams, text_of};
use super::disguise;
use super::error::Fault;
use super::members::Wanted;

/// How many messages a batch may have, and how many elements of a list anybody looks at.
const LONGEST_BATCH: usize = 100;

/// A body: one message, or a batch of the revision 2025-03-26.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is on the stack, once a request"
)]
pub(crate) enum Body<'a> {
    One(Message<'a>),
    Batch(Vec<Message<'a>>),
}

/// One message from a client.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most messages are the large one")]
pub(crate) enum Message<'a> {
    Call(Call<'a>),
    Notification { method: Cow<'a, str> },
    Answer,
}

/// What is read of a message, and of `params` inside.
const MESSAGE: Wanted<5, WantedParams> = Wanted {
    names: ["jsonrpc", "id", "method", "result", "error"],
    last: ("params", PARAMS),
};

/// The elements of a list, as far as anybody looks.
#[derive(Default)]
pub(super) struct Elements<'a>(pub(super) Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Self::default())
    }
}

impl<'de> Visitor<'de> for Elements<'de> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Self, A::Error> {
        while let Some(member) = seq.next_element()? {
            if self.0.len() <= LONGEST_BATCH {
                self.0.push(member);
            }
        }
        Ok(self)
    }
}

const fn malformed<'a>() -> Fault<'a> {
    Fault::new(None, super::error::PARSE, "malformed JSON")
}

impl<'a> Body<'a> {
    /// Reads a body. The fault carries the id where there is one.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Fault<'a>> {
        let text = std::str::from_utf8(bytes).ok().ok_or_else(malformed)?;
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        if !text.starts_with('[') {
            return Message::read(text).map(Self::One);
        }
        let invalid = || Fault::new(None, super::error::INVALID_REQUEST, "invalid batch");
        let members = serde_json::from_str(text).ok().ok_or_else(malformed)?;
        let Elements(members) = members;
        if members.is_empty() || members.len() > LONGEST_BATCH {
            return Err(invalid());
        }
        // A batch is refused as one, so the answer is about none of its messages.
        let messages: Result<_, _> = members
            .into_iter()
            .map(|member| Message::read(member.get()).map_err(|fault| Fault { id: None, ..fault }))
            .collect();
        messages.map(Self::Batch)
    }
}

impl<'a> Message<'a> {
    fn read(text: &'a str) -> Result<Self, Fault<'a>> {
        let invalid = |id| Fault::new(id, super::error::INVALID_REQUEST, "invalid request");
        if disguise::is_in(text) {
            return Err(invalid(None));
        }
        let message = MESSAGE.read(text).ok_or_else(malformed)?;
        if !message.is_plain() {
            return Err(invalid(None));
        }
        let [version, id, method, result, error] = message.values;
        let id = match id.map(RawValue::get) {
            Some(id) if !is_id(id) => return Err(invalid(None)),
            id => id,
        };
        if version.and_then(text_of).as_deref() != Some("2.0") {
            return Err(invalid(id));
        }
        let answered = result.is_some() || error.is_some();
        let Some(method) = method else {
            let is_answer = id.is_some() && result.is_some() != error.is_some();
            return if is_answer && message.last.is_none() {
                Ok(Self::Answer)
            } else {
                Err(invalid(id))
            };
        };
        let method = text_of(method).filter(|method| !method.is_empty() && !answered);
        let method = method.ok_or_else(|| invalid(id))?;
        let Some(id) = id else {
            // What asks for an answer has an id; without one nothing is run.
            return if method.starts_with("notifications/") {
                Ok(Self::Notification { method })
            } else {
                Err(invalid(None))
            };
        };
        if method.starts_with("notifications/") {
            return Err(invalid(Some(id)));
        }
        let bad = || Fault::new(Some(id), super::error::INVALID_PARAMS, "invalid params");
        let head = match message.last {
            None => Head::default(),
            Some(params) => Head::of(params, &method).ok_or_else(bad)?,
        };
        Ok(Self::Call(Call {
            id,
            method,
            text,
            head,
        }))
    }

    pub(crate) const fn id(&self) -> Option<&'a str> {
        match self {
            Self::Call(call) => Some(call.id),
            Self::Notification { .. } | Self::Answer => None,
        }
    }

    /// What it is, for whoever writes it down.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Call(call) => &call.method,
            Self::Notification { method } => method,
            Self::Answer => "response",
        }
    }

    /// What it is about, likewise.
    pub(crate) fn about(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Call(call) => call.about(),
            Self::Notification { .. } | Self::Answer => None,
        }
    }
}

/// The longest id that is echoed.
const LONGEST_ID: usize = 1_024;

/// A string or an integer, not `null` (MCP basic, section Requests).
pub(super) fn is_id(id: &str) -> bool {
    let digits = id.strip_prefix('-').unwrap_or(id);
    let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    id.len() <= LONGEST_ID && (id.starts_with('"') || is_integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> Option<i32> {
        Body::read(body.as_bytes()).err().map(|fault| fault.code)
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for (body, expected) in [
            ("", Some(-32700)),
            ("{", Some(-32700)),
            ("{} {}", Some(-32700)),
            ("\u{feff}{}", Some(-32700)),
            ("3", Some(-32600)),
            ("[]", Some(-32600)),
            ("[1]", Some(-32600)),
            ("{}", Some(-32600)),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, Some(-32600)),
            (
                r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
                Some(-32600),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
                Some(-32600),
            ),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, Some(-32600)),
            (r#"{"jsonrpc":"2.0","id":1,"method":""}"#, Some(-32600)),
            (r#"{"jsonrpc":"2.0","method":"tools/call"}"#, Some(-32600)),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"a","m\u0065thod":"b"}"#,
                Some(-32600),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"id":1,"method":"a"}"#,
                Some(-32600),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"a","result":1}"#,
                Some(-32600),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":1,"error":1}"#,
                Some(-32600),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"a","params":[]}"#,
                Some(-32602),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"a","params":null}"#,
                Some(-32602),
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"x","n\u0061me":"y"}}"#,
                Some(-32602),
            ),
            (r#"{"jsonrpc":"2.0","id":1,"method":"a"}"#, None),
            (
                r#"{"jsonrpc":"2.0","id":"\"","method":"a","params":{"name":3}}"#,
                None,
            ),
            (r#"{"jsonrpc":"2.0","method":"notifications/x"}"#, None),
            (r#"{"jsonrpc":"2.0","id":1,"result":null}"#, None),
        ] {
            assert_eq!(code(body), expected, "{body}");
        }
    }
}
