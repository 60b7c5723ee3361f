//! What handlers give back, and how it is written.

use std::borrow::Cow;
use std::convert::Infallible;

use serde::Serialize;
use serde_json::value::RawValue;

use super::stream::{Streamed, Work};
use crate::mcp::error::{self, quoted};

/// What became of a call.
#[expect(unnameable_types, reason = "nobody else makes one")]
#[derive(Debug)]
pub enum Reply {
    /// The members of the result object, without its braces.
    Done(String),
    Failed(CallError),
    Streams(Work),
}

/// A tool could not do what it was asked for: the caller's model reads why (`isError`).
///
/// # Examples
/// ```
/// use clearance::mcp::ToolError;
///
/// assert_eq!(ToolError::new("no such file").to_string(), "no such file");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    message: Box<str>,
}

impl ToolError {
    /// An error that says `message` to the caller.
    pub fn new(message: impl Into<Box<str>>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

/// A call failed as a JSON-RPC error.
///
/// # Examples
/// ```
/// use clearance::mcp::CallError;
///
/// assert_eq!(CallError::invalid_params("no such file").code(), -32602);
/// assert_eq!(CallError::new(7, "the moon is full").code(), 7);
/// // Codes that JSON-RPC and MCP keep for themselves are not for taking.
/// assert_eq!(CallError::new(-32020, "mine").code(), -32603);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct CallError {
    code: i32,
    message: Box<str>,
}

impl CallError {
    /// An error with a code of your own. The codes from -32768 to -32000 belong to JSON-RPC and MCP;
    /// one of them becomes -32603.
    pub fn new(code: i32, message: impl Into<Box<str>>) -> Self {
        let code = if (-32768..=-32000).contains(&code) {
            error::INTERNAL
        } else {
            code
        };
        let message = message.into();
        Self { code, message }
    }

    /// The arguments do not fit, or name what is not there (-32602).
    pub fn invalid_params(message: impl Into<Box<str>>) -> Self {
        Self {
            code: error::INVALID_PARAMS,
            message: message.into(),
        }
    }

    /// Something went wrong in the server (-32603).
    pub fn internal(message: impl Into<Box<str>>) -> Self {
        Self {
            code: error::INTERNAL,
            message: message.into(),
        }
    }

    /// The code.
    pub const fn code(&self) -> i32 {
        self.code
    }

    /// What the caller is told.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<Infallible> for CallError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// How a tool fails: as a result with `isError`, or as a JSON-RPC error.
///
/// An error type of your own becomes one by `impl From<MyError> for ToolFailure`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolFailure {
    /// A JSON-RPC error.
    Call(CallError),
    /// A result with `isError`.
    Tool(ToolError),
}

impl From<CallError> for ToolFailure {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<ToolError> for ToolFailure {
    fn from(error: ToolError) -> Self {
        Self::Tool(error)
    }
}

impl From<Infallible> for ToolFailure {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Kinds of handlers, which write their results differently.
#[derive(Clone, Copy, Debug)]
#[expect(unnameable_types, reason = "nobody else chooses one")]
pub enum Shape<'a> {
    Method,
    Prompt,
    Resource {
        uri: &'a str,
        /// Unless it follows from what is served.
        mime_type: Option<&'a str>,
    },
}

/// A result that was written down.
pub(super) fn json<T: Serialize>(value: &T) -> Result<Box<RawValue>, CallError> {
    let written = serde_json::value::to_raw_value(value);
    written
        .ok()
        .ok_or_else(|| CallError::internal("the result cannot be written as JSON"))
}

/// What is between the braces of an object.
fn members(object: &str) -> Option<&str> {
    let members = object.strip_prefix('{')?.strip_suffix('}')?;
    Some(members.trim_ascii())
}

fn text_block(text: &str) -> String {
    [r#"{"type":"text","text":"#, &quoted(text), "}"].concat()
}

/// The text that a JSON string stands for; other documents stand for themselves.
fn plain(document: &str) -> Cow<'_, str> {
    let text = document
        .starts_with('"')
        .then(|| serde_json::from_str(document).ok());
    text.flatten().map_or(Cow::Borrowed(document), Cow::Owned)
}

pub(super) fn tool_done<T: Serialize>(value: &T) -> Reply {
    let document = match json(value) {
        Ok(document) => document,
        Err(error) => return Reply::Failed(error),
    };
    let document = document.get();
    let block = match document {
        // `()` says nothing.
        "null" => String::new(),
        _ => text_block(&plain(document)),
    };
    Reply::Done(match members(document) {
        Some(_) => [
            r#""content":["#,
            &block,
            r#"],"structuredContent":"#,
            document,
        ]
        .concat(),
        None => [r#""content":["#, &block, "]"].concat(),
    })
}

pub(super) fn tool_failed(failure: ToolFailure) -> Reply {
    match failure {
        ToolFailure::Call(error) => Reply::Failed(error),
        ToolFailure::Tool(ToolError { message }) => tool_refused(&message),
    }
}

/// A result that says what was wrong, for the caller's model to read.
pub(super) fn tool_refused(message: &str) -> Reply {
    let block = text_block(message);
    Reply::Done(format!(r#""content":[{block}],"isError":true"#))
}

/// The result of a method, prompt or resource: an object is the result itself.
pub(super) fn shaped<T: Serialize>(shape: Shape<'_>, value: &T) -> Reply {
    let document = match json(value) {
        Ok(document) => document,
        Err(error) => return Reply::Failed(error),
    };
    let document = document.get();
    let is_text = document.starts_with('"');
    Reply::Done(match (shape, members(document)) {
        (Shape::Method | Shape::Prompt, Some(members)) => members.to_owned(),
        (Shape::Method, None) if document == "null" => String::new(),
        (Shape::Method, None) => {
            return Reply::Failed(CallError::internal("the result is no object"));
        }
        (Shape::Prompt, None) => {
            let block = text_block(&plain(document));
            format!(r#""messages":[{{"role":"user","content":{block}}}]"#)
        }
        (Shape::Resource { uri, mime_type }, _) => {
            let uri = quoted(uri);
            let (kind, text) = if is_text {
                ("text/plain", plain(document))
            } else {
                ("application/json", Cow::Borrowed(document))
            };
            let text = quoted(&text);
            let kind = quoted(mime_type.unwrap_or(kind));
            format!(r#""contents":[{{"uri":{uri},"mimeType":{kind},"text":{text}}}]"#)
        }
    })
}

/// The result of a tool.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the result of a tool",
    label = "only the library says what is"
)]
#[expect(unnameable_types, reason = "nobody else may implement it")]
pub trait OfTool {
    fn reply(self) -> Reply;
}

impl<T: ToolValue, E: FailsTool> OfTool for Result<T, E> {
    fn reply(self) -> Reply {
        match self {
            Ok(value) => value.reply(),
            Err(error) => tool_failed(error.into()),
        }
    }
}

/// What a tool gives back: `Result<T, E>`, where `T` is `Serialize` or a [`Streamed`], and `E` is a
/// [`ToolError`], a [`CallError`], or becomes a [`ToolFailure`].
///
/// The value becomes a text block, and `structuredContent` if it is an object.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the result of a tool",
    label = "a tool gives `Result<T, E>`",
    note = "`T` is `Serialize` or `Streamed<T>`; `E` is `ToolError`, `CallError`, or becomes a `ToolFailure`"
)]
pub trait ToolReply: OfTool {}

impl<T, E> ToolReply for Result<T, E> where Self: OfTool {}

/// What a tool that did its work gives back.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written down as the result of a tool",
    label = "neither `serde::Serialize` nor `Streamed<T>`",
    note = "if `{Self}` is a type of your own, add `#[derive(serde::Serialize)]` to it"
)]
#[expect(unnameable_types, reason = "nobody else may implement it")]
pub trait ToolValue {
    fn reply(self) -> Reply;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> ToolValue for T {
    fn reply(self) -> Reply {
        tool_done(&self)
    }
}

#[diagnostic::do_not_recommend]
impl<T> ToolValue for Streamed<T> {
    fn reply(self) -> Reply {
        Reply::Streams(self.into_work())
    }
}

/// What a tool fails with.
#[diagnostic::on_unimplemented(
    message = "a tool cannot fail with `{Self}`",
    label = "not `ToolError`, not `CallError`, and does not become a `ToolFailure`",
    note = "if `{Self}` is a type of your own, write `impl From<{Self}> for ToolFailure`",
    note = "if it is not, say what callers may read: `.map_err(|_| ToolError::new(\"..\"))`"
)]
#[expect(unnameable_types, reason = "nobody else may implement it")]
pub trait FailsTool: Into<ToolFailure> {}

#[diagnostic::do_not_recommend]
impl<E: Into<ToolFailure>> FailsTool for E {}

/// The result of a method, prompt or resource.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the result of a method, prompt or resource",
    label = "only the library says what is"
)]
#[expect(unnameable_types, reason = "nobody else may implement it")]
pub trait OfMethod {
    fn reply(self, shape: Shape<'_>) -> Reply;
}

impl<T: Written, E: FailsCall> OfMethod for Result<T, E> {
    fn reply(self, shape: Shape<'_>) -> Reply {
        match self {
            Ok(value) => shaped(shape, &value),
            Err(error) => Reply::Failed(error.into()),
        }
    }
}

/// What a method, prompt or resource gives back: `Result<T, E>`, where `T` is `Serialize` and `E` is
/// a [`CallError`] or becomes one.
///
/// An object is the result of a method or prompt as it stands; anything else becomes the text of one
/// message. A resource's value becomes its text: as it is for a string, else as JSON.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the result of a method, prompt or resource",
    label = "a handler gives `Result<T, E>`",
    note = "`T` is `Serialize`; `E` is `CallError` or becomes one"
)]
pub trait MethodReply: OfMethod {}

impl<T, E> MethodReply for Result<T, E> where Self: OfMethod {}

/// What a method, prompt or resource that did its work gives back.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written down as the result of a method, prompt or resource",
    label = "not `serde::Serialize`",
    note = "if `{Self}` is a type of your own, add `#[derive(serde::Serialize)]` to it",
    note = "only a tool gives `Streamed<T>`"
)]
#[expect(unnameable_types, reason = "nobody else may implement it")]
pub trait Written: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize> Written for T {}

/// What a method, prompt or resource fails with.
#[diagnostic::on_unimplemented(
    message = "a method, prompt or resource cannot fail with `{Self}`",
    label = "not `CallError`, and does not become one",
    note = "if `{Self}` is a type of your own, write `impl From<{Self}> for CallError`",
    note = "if it is not, say what callers may read: `.map_err(|_| CallError::internal(\"..\"))`"
)]
#[expect(unnameable_types, reason = "nobody else may implement it")]
pub trait FailsCall: Into<CallError> {}

#[diagnostic::do_not_recommend]
impl<E: Into<CallError>> FailsCall for E {}
