//! The credential of a request, taken out of it.

use std::sync::{Arc, Mutex, PoisonError};

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Uri};

use crate::audit;
use crate::refusal::CredentialError;
use crate::secret::BearerToken;

type Credential = Result<Option<BearerToken>, CredentialError>;

/// A credential that was taken out of the headers early. It is used once: extensions can be
/// carried from one request to another, and a second request must not find it.
#[derive(Clone, Debug)]
pub(crate) struct Slot(Arc<Mutex<Option<Credential>>>);

#[cfg(feature = "axum")]
impl Slot {
    /// Moves the credential of a request from its headers into a slot in its extensions.
    pub(crate) fn fill(parts: &mut Parts) {
        if parts.extensions.get::<Self>().is_none() {
            let credential = from_head(&mut parts.headers, &parts.uri);
            parts
                .extensions
                .insert(Self(Arc::new(Mutex::new(Some(credential)))));
        }
    }
}

/// Takes the credential out of a request: afterwards the request has none, whatever comes of it.
pub(super) fn take(parts: &mut Parts) -> Credential {
    let early = parts.extensions.remove::<Slot>();
    let late = from_head(&mut parts.headers, &parts.uri);
    match early {
        None => late,
        Some(Slot(slot)) => {
            let early = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            match (early, late) {
                (Some(early), Ok(None)) => early,
                (None, Ok(None)) => Ok(None),
                // Something between layer and extractor has added another one.
                (_, Ok(Some(_)) | Err(_)) => Err(CredentialError::Repeated),
            }
        }
    }
}

fn from_head(headers: &mut HeaderMap, uri: &Uri) -> Credential {
    let repeated = headers.get_all(AUTHORIZATION).iter().nth(1).is_some();
    let value = headers.remove(AUTHORIZATION);
    // Tokens in bodies, cookies and other headers are ignored by never looking there (OAuth 2.1
    // section 5.1). One in the query is looked for, because it must spoil a header beside it.
    let in_query = is_in_query(uri);
    if in_query {
        audit::token_in_query();
    }
    if repeated {
        return Err(CredentialError::Repeated);
    }
    let Some(value) = value else {
        return Ok(None);
    };
    let credential = bearer(value.as_bytes())?;
    if in_query && credential.is_some() {
        return Err(CredentialError::AlsoInQuery);
    }
    Ok(credential)
}

/// Reads `Bearer 1*SP b64token` (RFC 9110 section 11.4). Another scheme is no credential here.
fn bearer(value: &[u8]) -> Credential {
    let length = value
        .iter()
        .take_while(|&&byte| is_token_character(byte))
        .count();
    let (scheme, rest) = value.split_at_checked(length).unwrap_or((value, &[]));
    if scheme.is_empty() {
        return Err(CredentialError::Malformed);
    }
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Ok(None);
    }
    let blanks = rest.iter().take_while(|&&byte| byte == b' ').count();
    if blanks == 0 {
        return Err(CredentialError::Malformed);
    }
    let token = rest.get(blanks..).unwrap_or_default();
    match BearerToken::from_bytes(token) {
        Ok(token) => Ok(Some(token)),
        Err(_) => Err(CredentialError::Malformed),
    }
}

/// `tchar` of RFC 9110 section 5.6.2.
const fn is_token_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

fn is_in_query(uri: &Uri) -> bool {
    uri.query().is_some_and(|query| {
        url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
    })
}
