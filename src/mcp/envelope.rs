//! The JSON-RPC envelope, read once and borrowed.
//!
//! What the policy decides about is what the handler sees: both are parts of this one reading, and a
//! member that is read and stands twice is refused.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::disguise;
use super::error::Fault;

/// How many messages a batch may have.
const LONGEST_BATCH: usize = 100;

/// A body: one message, or a batch of the revision 2025-03-26.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    One(Message<'a>),
    Batch(Vec<Message<'a>>),
}

/// One message from a client.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    Call(Call<'a>),
    Notification { method: Cow<'a, str> },
    Answer,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// As it was written: a string or an integer.
    pub(crate) id: &'a str,
    pub(crate) method: Cow<'a, str>,
    /// An object, or nothing.
    pub(crate) params: Option<&'a str>,
    pub(crate) head: Head<'a>,
}

/// What is read of `params` to route a call.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Head<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    name: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    uri: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    cursor: Option<&'a RawValue>,
    #[serde(
        borrow,
        default,
        deserialize_with = "present",
        rename = "protocolVersion"
    )]
    version: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "object", rename = "_meta")]
    pub(crate) meta: Option<Meta<'a>>,
}

/// What is read of `_meta`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Meta<'a> {
    #[serde(
        borrow,
        default,
        deserialize_with = "present",
        rename = "io.modelcontextprotocol/protocolVersion"
    )]
    version: Option<&'a RawValue>,
    #[serde(
        borrow,
        default,
        deserialize_with = "present",
        rename = "io.modelcontextprotocol/clientCapabilities"
    )]
    capabilities: Option<&'a RawValue>,
    #[serde(
        borrow,
        default,
        deserialize_with = "present",
        rename = "progressToken"
    )]
    progress_token: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// `null` is there, and is not the same as nothing.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// An object: derived readers take arrays as well.
fn object<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Meta<'de>>, D::Error> {
    let value = <&RawValue>::deserialize(from)?.get();
    let value = Some(value).filter(|value| value.starts_with('{'));
    let meta = value.and_then(|value| serde_json::from_str(value).ok());
    meta.map(Some)
        .ok_or_else(|| D::Error::custom("not the object that it should be"))
}

/// The members of a batch, and one more at most.
#[derive(Default)]
struct Members<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Self::default())
    }
}

impl<'de> Visitor<'de> for Members<'de> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch")
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
        let Members(members) = members;
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
        let envelope = Some(text).filter(|text| text.starts_with('{'));
        let envelope = envelope.and_then(|text| serde_json::from_str(text).ok());
        let Some(envelope): Option<Envelope<'a>> = envelope else {
            let is_json = serde_json::from_str::<&RawValue>(text).is_ok();
            return Err(if is_json { invalid(None) } else { malformed() });
        };
        let id = match envelope.id.map(RawValue::get) {
            Some(id) if !is_id(id) => return Err(invalid(None)),
            id => id,
        };
        if envelope.jsonrpc.and_then(text_of).as_deref() != Some("2.0") {
            return Err(invalid(id));
        }
        let answered = envelope.result.is_some() || envelope.error.is_some();
        let Some(method) = envelope.method else {
            let is_answer = id.is_some() && envelope.result.is_some() != envelope.error.is_some();
            return if is_answer && envelope.params.is_none() {
                Ok(Self::Answer)
            } else {
                Err(invalid(id))
            };
        };
        let method = text_of(method).filter(|method| !method.is_empty() && !answered);
        let method = method.ok_or_else(|| invalid(id))?;
        let params = envelope.params.map(RawValue::get);
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
        let head = match params {
            None => Head::default(),
            Some(params) if params.starts_with('{') => {
                serde_json::from_str(params).ok().ok_or_else(bad)?
            }
            Some(_) => return Err(bad()),
        };
        Ok(Self::Call(Call {
            id,
            method,
            params,
            head,
        }))
    }

    pub(crate) const fn id(&self) -> Option<&'a str> {
        match self {
            Self::Call(call) => Some(call.id),
            Self::Notification { .. } | Self::Answer => None,
        }
    }
}

impl<'a> Call<'a> {
    /// The name or URI that the call is about, if its method has one.
    pub(crate) fn target(&self) -> Option<Result<Cow<'a, str>, Fault<'a>>> {
        let member = match &*self.method {
            "tools/call" | "prompts/get" => self.head.name,
            "resources/read" => self.head.uri,
            _ => return None,
        };
        let text = member.and_then(text_of);
        Some(text.ok_or_else(|| self.fault(super::error::INVALID_PARAMS, "invalid params")))
    }

    /// The arguments of a tool or prompt.
    pub(crate) fn arguments(&self) -> Option<&'a str> {
        self.head.arguments.map(RawValue::get)
    }

    /// Whether it asks for another page.
    pub(crate) const fn has_cursor(&self) -> bool {
        self.head.cursor.is_some()
    }

    /// The revision that `initialize` asks for.
    pub(crate) fn wanted_version(&self) -> Option<Cow<'a, str>> {
        self.head.version.and_then(text_of)
    }

    /// The token for progress notifications: a string or an integer, as it was written.
    pub(crate) fn progress_token(&self) -> Option<&'a str> {
        let token = self.head.meta.as_ref()?.progress_token?.get();
        is_id(token).then_some(token)
    }

    pub(crate) const fn fault(&self, code: i32, message: &'static str) -> Fault<'a> {
        Fault::new(Some(self.id), code, message)
    }
}

impl<'a> Meta<'a> {
    /// The revision of the request.
    pub(crate) fn version(&self) -> Option<Cow<'a, str>> {
        self.version.and_then(text_of)
    }

    /// Whether it has what the revision 2026-07-28 asks for beside the version.
    pub(crate) fn has_capabilities(&self) -> bool {
        self.capabilities
            .is_some_and(|value| value.get().starts_with('{'))
    }
}

fn text_of<'a>(value: &'a RawValue) -> Option<Cow<'a, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let plain = value.get().strip_prefix('"')?.strip_suffix('"')?;
    if !plain.contains('\\') {
        return Some(Cow::Borrowed(plain));
    }
    let text: Text<'a> = serde_json::from_str(value.get()).ok()?;
    Some(text.0)
}

/// The longest id that is echoed.
const LONGEST_ID: usize = 1_024;

/// A string or an integer, not `null` (MCP basic, section Requests).
fn is_id(id: &str) -> bool {
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
