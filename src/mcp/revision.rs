//! The revision of the protocol that a request is written in, and its headers against its body.
//!
//! The body decides (SEP-2243): a header is compared with it and then never looked at again.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::call::{Call, Meta};
use super::envelope::Message;
use super::error::{Fault, HEADER_MISMATCH, INVALID_PARAMS, INVALID_REQUEST, UNSUPPORTED_VERSION};

static VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
static METHOD: HeaderName = HeaderName::from_static("mcp-method");
static NAME: HeaderName = HeaderName::from_static("mcp-name");

/// What the head of a request says of its message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said<'h> {
    version: Field<'h>,
    method: Field<'h>,
    name: Field<'h>,
}

/// A field that is there once, if at all.
#[derive(Clone, Copy, Debug, Default)]
struct Field<'h> {
    first: Option<&'h HeaderValue>,
    is_repeated: bool,
}

const MISMATCH: &str = "a header does not match the body";

/// A revision of the protocol.
///
/// # Examples
/// ```
/// use clearance::mcp::Revision;
///
/// assert_eq!(Revision::November2025.to_string(), "2025-11-25");
/// assert!(Revision::July2026 > Revision::November2025);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Revision {
    /// 2025-03-26: streamable HTTP, sessions, and batches. A request without a version header is
    /// written in it.
    March2025,
    /// 2025-06-18: no batches any more.
    June2025,
    /// 2025-11-25: the last with `initialize` and sessions.
    November2025,
    /// 2026-07-28: each request stands alone.
    July2026,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Revision {
    /// All of them, the newest first.
    pub(crate) const ALL: [Self; 4] = [
        Self::July2026,
        Self::November2025,
        Self::June2025,
        Self::March2025,
    ];
    /// The newest that has `initialize`.
    pub(crate) const NEWEST_WITH_INITIALIZE: Self = Self::November2025;

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::March2025 => "2025-03-26",
            Self::June2025 => "2025-06-18",
            Self::November2025 => "2025-11-25",
            Self::July2026 => "2026-07-28",
        }
    }

    pub(crate) fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|of| of.as_str() == text)
    }

    /// Without `initialize`, with `_meta` and mirrored headers in every request.
    pub(crate) const fn is_modern(self) -> bool {
        matches!(self, Self::July2026)
    }

    /// Whether a text names a revision, known or not, that has `initialize`.
    pub(crate) fn is_before_modern(text: &str) -> bool {
        text < Self::July2026.as_str()
    }

    /// Some of them as a JSON list.
    pub(crate) fn list(of: &[Self]) -> String {
        let names: Vec<_> = of.iter().map(|of| format!(r#""{of}""#)).collect();
        format!("[{}]", names.join(","))
    }

    /// What a request without a version header is written in: 2025-03-26, but `initialize` asks for a
    /// revision, and is written in any that has it.
    fn unnamed(served: &[Self], method: &str) -> Option<Self> {
        let with_initialize = || served.iter().rfind(|of| !of.is_modern());
        let is_served = |of: &&Self| **of == Self::March2025 || method == "initialize";
        with_initialize().filter(is_served).copied()
    }

    fn served(served: &[Self], text: &str) -> Option<Self> {
        Self::named(text).filter(|of| served.contains(of))
    }

    /// The revision that a batch is written in: arrays are legal in 2025-03-26 alone. A header that
    /// names another method or name than any one of its messages does is refused.
    pub(crate) fn of_batch(
        served: &[Self],
        said: &Said<'_>,
        messages: &[Message<'_>],
    ) -> Result<Self, Fault<'static>> {
        let fault = |code, message| Fault::new(None, code, message);
        let revision = match said.version.text() {
            Ok(None) => Self::unnamed(served, ""),
            Ok(Some(value)) => Self::served(served, value).filter(|of| *of == Self::March2025),
            Err(Repeated) => None,
        };
        let revision = revision
            .ok_or_else(|| fault(INVALID_REQUEST, "batches are not served in this revision"))?;
        for message in messages {
            mirrored(said, message, false).map_err(|wrong| fault(wrong.code, wrong.message))?;
            // What says that it is written in another revision is not decided about by this one.
            if let Message::Call(Call { head, .. }) = message
                && head
                    .meta
                    .as_ref()
                    .is_some_and(|meta| meta.version().is_some())
            {
                return Err(fault(HEADER_MISMATCH, MISMATCH));
            }
        }
        Ok(revision)
    }

    /// The revision of a request without a body.
    pub(crate) fn of_head(served: &[Self], said: &Said<'_>) -> Result<Self, Fault<'static>> {
        let repeated = |Repeated| Fault::new(None, HEADER_MISMATCH, MISMATCH);
        match said.version.text().map_err(repeated)? {
            None => served
                .iter()
                .rfind(|of| !of.is_modern())
                .copied()
                .ok_or_else(|| missing(served, None)),
            Some(header) => {
                Self::served(served, header).ok_or_else(|| unsupported(served, None, header))
            }
        }
    }

    /// The revision of a message, its headers compared with its body.
    pub(crate) fn of<'a>(
        served: &[Self],
        said: &Said<'_>,
        message: &Message<'a>,
    ) -> Result<Self, Fault<'a>> {
        let header = said.version.text().map_err(|Repeated| mismatch(message))?;
        let revision = match message {
            Message::Call(call) => version_of(served, header, call)?,
            Message::Notification { .. } | Message::Answer => match header {
                None => Self::unnamed(served, "").ok_or_else(|| missing(served, None))?,
                Some(header) => Self::served(served, header)
                    .ok_or_else(|| unsupported(served, message.id(), header))?,
            },
        };
        let required = revision.is_modern() && matches!(message, Message::Call(_));
        mirrored(said, message, required)?;
        Ok(revision)
    }
}

/// Compares the headers that repeat a message's method and name with the message.
fn mirrored<'a>(said: &Said<'_>, message: &Message<'a>, required: bool) -> Result<(), Fault<'a>> {
    let method = match message {
        Message::Call(call) => Some(&*call.method),
        Message::Notification { method } => Some(&**method),
        Message::Answer => None,
    };
    if !agrees(said.method, method, required) {
        return Err(mismatch(message));
    }
    let target = match message {
        Message::Call(call) => call.target().transpose()?,
        Message::Notification { .. } | Message::Answer => None,
    };
    // On methods that have no name the header means nothing, and is never used.
    if target.is_some() && !agrees(said.name, target.as_deref(), required) {
        return Err(mismatch(message));
    }
    Ok(())
}

const fn mismatch<'a>(message: &Message<'a>) -> Fault<'a> {
    Fault::new(message.id(), HEADER_MISMATCH, MISMATCH)
}

/// The order of these errors is that of the conformance suite: header missing, `_meta` incomplete,
/// different, not supported.
fn version_of<'a>(
    served: &[Revision],
    header: Option<&str>,
    call: &Call<'a>,
) -> Result<Revision, Fault<'a>> {
    let meta = call.head.meta.as_ref();
    let inside = meta.and_then(Meta::version);
    let Some(header) = header else {
        return match inside {
            Some(_) => Err(call.fault(HEADER_MISMATCH, MISSING)),
            None => Revision::unnamed(served, &call.method)
                .ok_or_else(|| missing(served, Some(call.id))),
        };
    };
    let Some(inside) = inside else {
        return match Revision::served(served, header) {
            Some(revision) if !revision.is_modern() => Ok(revision),
            None if header < Revision::July2026.as_str() => {
                Err(unsupported(served, Some(call.id), header))
            }
            _ => Err(call.fault(INVALID_PARAMS, "_meta lacks the protocol version")),
        };
    };
    let is_complete = meta.is_some_and(Meta::has_capabilities);
    if header >= Revision::July2026.as_str() && !is_complete {
        return Err(call.fault(INVALID_PARAMS, "_meta lacks the client's capabilities"));
    }
    if header != inside {
        return Err(call.fault(HEADER_MISMATCH, MISMATCH));
    }
    Revision::served(served, header).ok_or_else(|| unsupported(served, Some(call.id), header))
}

const MISSING: &str = "the version header is missing";

/// A request that names no revision, where 2025-03-26 is not served.
fn missing<'a>(served: &[Revision], id: Option<&'a str>) -> Fault<'a> {
    if served.iter().all(|of| of.is_modern()) {
        return Fault::new(id, HEADER_MISMATCH, MISSING);
    }
    unsupported(served, id, Revision::March2025.as_str())
}

/// The longest version that is told back.
const LONGEST_VERSION: usize = 32;

fn unsupported<'a>(served: &[Revision], id: Option<&'a str>, requested: &str) -> Fault<'a> {
    let requested: String = requested.chars().take(LONGEST_VERSION).collect();
    let requested = serde_json::Value::from(requested);
    let mut fault = Fault::new(id, UNSUPPORTED_VERSION, "unsupported protocol version");
    fault.data = Some(format!(
        r#"{{"supported":{},"requested":{requested}}}"#,
        Revision::list(served)
    ));
    fault
}

/// More than one field of one name: different readers would pick different ones.
struct Repeated;

impl<'h> Field<'h> {
    fn text(self) -> Result<Option<&'h str>, Repeated> {
        let Some(value) = self.first else {
            return Ok(None);
        };
        if self.is_repeated {
            return Err(Repeated);
        }
        // Of white space, values have blanks and tabs alone.
        let text = std::str::from_utf8(value.as_bytes().trim_ascii());
        text.ok().ok_or(Repeated).map(Some)
    }
}

impl<'h> Said<'h> {
    /// What these fields say.
    pub(crate) fn of(headers: &'h HeaderMap) -> Self {
        let mut said = Self::default();
        // One walk: there are few fields, and to look one up costs as much as to pass by several.
        for (name, value) in headers {
            let field = if *name == VERSION {
                &mut said.version
            } else if *name == METHOD {
                &mut said.method
            } else if *name == NAME {
                &mut said.name
            } else {
                continue;
            };
            field.is_repeated = field.first.is_some();
            field.first = Some(value);
        }
        said
    }

    /// The same without the version, if it is such a one.
    pub(crate) fn without_version(mut self, is_left_out: impl Fn(&str) -> bool) -> Self {
        let Field { first, is_repeated } = self.version;
        let version = first.filter(|_| !is_repeated);
        if version.is_some_and(|value| is_left_out(value.to_str().unwrap_or_default())) {
            self.version = Field::default();
        }
        self
    }
}

/// Whether the field says what the body says, or is absent and need not be there.
fn agrees(field: Field<'_>, body: Option<&str>, required: bool) -> bool {
    match field.text() {
        Err(Repeated) => false,
        Ok(None) => !required,
        Ok(Some(value)) => meaning(value).is_some_and(|value| Some(&*value) == body),
    }
}

/// The value, its base64 undone if it is written as `=?base64?..?=`; nothing if that is broken.
fn meaning(value: &str) -> Option<Cow<'_, str>> {
    let encoded = value
        .strip_prefix("=?base64?")
        .and_then(|rest| rest.strip_suffix("?="));
    match encoded {
        None => Some(Cow::Borrowed(value)),
        Some(encoded) => {
            let bytes = STANDARD.decode(encoded).ok()?;
            String::from_utf8(bytes).ok().map(Cow::Owned)
        }
    }
}
