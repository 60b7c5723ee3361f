//! Session ids: the service's own, and a code that says whose it is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::keys::SealKeys;
use crate::token::Verified;

/// The longest id of a service that is sealed.
const LONGEST: usize = 1_024;

/// How long a code is: 256 bits, six to a character.
const CODE: usize = 43;

/// Makes the codes of one kind of id.
#[derive(Clone, Debug)]
struct Codes {
    keys: SealKeys,
    label: &'static str,
}

impl Codes {
    /// The code that makes `parts` the owner's.
    fn code(&self, parts: &[&[u8]], owner: &Verified) -> Option<String> {
        let tag = self.keys.seal(self.label, owner, parts)?;
        Some(URL_SAFE_NO_PAD.encode(tag))
    }

    fn is_own(&self, parts: &[&[u8]], code: &[u8], owner: &Verified) -> bool {
        // What is no code at all takes as long as a wrong one.
        let mut tag = [0; 32];
        let length = URL_SAFE_NO_PAD.decode_slice(code, &mut tag);
        let fits = code.len() == CODE && length == Ok(tag.len());
        self.keys.opens(self.label, owner, parts, &tag) && fits
    }
}

/// Whether a text can be a session id: visible ASCII (MCP 2025-11-25, transports, section Session
/// Management).
fn is_session_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Seals and opens the ids of one kind of session.
#[derive(Clone, Debug)]
pub(crate) struct SessionIds(Codes);

impl SessionIds {
    /// `Mcp-Session-Id`.
    pub(crate) const fn of_header(keys: SealKeys) -> Self {
        let label = "clearance session 1";
        Self(Codes { keys, label })
    }

    /// The address for messages of the transport of 2024-11-05.
    pub(crate) const fn of_address(keys: SealKeys) -> Self {
        let label = "clearance messages 1";
        Self(Codes { keys, label })
    }

    /// The code that makes `inner` the owner's.
    pub(crate) fn code(&self, inner: &str, owner: &Verified) -> Option<String> {
        self.0.code(&[inner.as_bytes()], owner)
    }

    pub(crate) fn is_owned(&self, inner: &str, code: &str, owner: &Verified) -> bool {
        self.0.is_own(&[inner.as_bytes()], code.as_bytes(), owner)
    }

    /// `<inner>.<code>`, if `inner` can be an id.
    pub(crate) fn seal(&self, inner: &str, owner: &Verified) -> Option<String> {
        let code = Some(inner).filter(|inner| is_session_id(inner));
        let code = code.and_then(|inner| self.code(inner, owner))?;
        Some(format!("{inner}.{code}"))
    }

    /// The service's own id, if it was sealed for this owner.
    pub(crate) fn open<'t>(&self, sealed: &'t str, owner: &Verified) -> Option<&'t str> {
        let (inner, code) = sealed.rsplit_once('.').unwrap_or((sealed, ""));
        let is_owned = self.is_owned(inner, code, owner);
        Some(inner).filter(|inner| is_owned && is_session_id(inner))
    }
}

/// Seals and opens the ids of the events of sessions.
#[derive(Clone, Debug)]
pub(crate) struct EventIds(Codes);

impl EventIds {
    pub(crate) const fn of(keys: SealKeys) -> Self {
        let label = "clearance event 1";
        Self(Codes { keys, label })
    }

    /// `<event>.<code>`; nothing if it is too long to come back.
    pub(crate) fn seal(&self, session: &[u8], event: &[u8], owner: &Verified) -> Option<Vec<u8>> {
        let event = Some(event).filter(|event| event.len() <= LONGEST)?;
        let code = self.0.code(&[session, event], owner)?;
        Some([event, b".", code.as_bytes()].concat())
    }

    /// The service's own id, if it was sealed for this owner in this session.
    pub(crate) fn open<'t>(
        &self,
        session: &[u8],
        sealed: &'t [u8],
        owner: &Verified,
    ) -> Option<&'t [u8]> {
        let dot = sealed.len().checked_sub(CODE)?.checked_sub(1)?;
        let (event, code) = sealed.split_at_checked(dot)?;
        let code = code.strip_prefix(b".")?;
        let is_own = self.0.is_own(&[session, event], code, owner);
        Some(event).filter(|_| is_own)
    }
}
