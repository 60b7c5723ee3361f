//! The credential of a request, taken out of it.

use std::sync::{Arc, Mutex, PoisonError};

use http::header::{AUTHORIZATION, Entry, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Uri};

use crate::audit;
use crate::field::is_token_character;
use crate::refusal::CredentialError;
use crate::secret::{BearerSyntaxError, Presented, is_same};

type Credential = Result<Option<Presented>, CredentialError>;

/// A credential that was taken out of the headers early.
///
/// Extensions can be carried from one request to another. So the slot is used once, and only by the
/// request that it was made for: a ticket, random and good for nothing else, stands in place of the
/// credential in that request's `Authorization` field.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    ticket: HeaderValue,
    credential: Arc<Mutex<Option<Credential>>>,
}

#[cfg(feature = "axum")]
impl Slot {
    /// Moves the credential of a request from its headers into a slot in its extensions.
    pub(crate) fn fill(parts: &mut Parts) {
        // A slot that was carried here from elsewhere does not keep this request's credential.
        let own = |slot: &Self| {
            let field = parts.headers.get(AUTHORIZATION);
            field.is_some_and(|value| is_same(value.as_bytes(), slot.ticket.as_bytes()))
        };
        if parts.extensions.get::<Self>().is_some_and(own) || is_of_another_scheme(&parts.headers) {
            return;
        }
        let credential = from_head(&mut parts.headers, &parts.uri);
        if matches!(credential, Ok(None)) {
            return;
        }
        // Without random bytes there is no ticket, and the request has no credential.
        let Some(ticket) = random_ticket() else {
            return;
        };
        parts.headers.insert(AUTHORIZATION, ticket.clone());
        parts.extensions.insert(Self {
            ticket,
            credential: Arc::new(Mutex::new(Some(credential))),
        });
    }
}

/// One credential that is not a bearer token: some other route's business.
#[cfg(feature = "axum")]
fn is_of_another_scheme(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let only = values.next().filter(|_| values.next().is_none());
    only.is_some_and(|value| matches!(bearer(value.as_bytes()), Ok(None)))
}

#[cfg(feature = "axum")]
fn random_ticket() -> Option<HeaderValue> {
    use base64::Engine as _;
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let mut ticket = HeaderValue::try_from(format!("{TICKET}{text}")).ok()?;
    ticket.set_sensitive(true);
    Some(ticket)
}

/// The scheme of tickets. It is no scheme of HTTP: a ticket that reaches another server is nothing.
#[cfg(feature = "axum")]
const TICKET: &str = "Clearance-Ticket ";

/// `DPoP` (RFC 9449 section 4.1).
static PROOF_OF_POSSESSION: HeaderName = HeaderName::from_static("dpop");

/// Takes the credential out of a request: afterwards the request has none, whatever comes of it. A
/// proof of possession (RFC 9449) goes with it; it is for nobody else, and not verified here.
pub(super) fn take(parts: &mut Parts) -> Credential {
    parts.headers.remove(&PROOF_OF_POSSESSION);
    let Some(slot) = parts.extensions.remove::<Slot>() else {
        return from_head(&mut parts.headers, &parts.uri);
    };
    let single = parts.headers.get_all(AUTHORIZATION).iter().nth(1).is_none();
    match parts.headers.remove(AUTHORIZATION) {
        // Something in between took the ticket away, so there is no credential any more.
        None => Ok(None),
        Some(value) if single && is_same(value.as_bytes(), slot.ticket.as_bytes()) => slot
            .credential
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .unwrap_or(Ok(None)),
        // Another request's slot, or another credential beside this one.
        Some(_) => Err(CredentialError::Repeated),
    }
}

/// Whether there is something that looks like a credential.
pub(super) fn is_in(parts: &Parts) -> bool {
    parts.headers.contains_key(AUTHORIZATION)
}

/// Takes what goes with a credential out of a request that has none.
pub(super) fn forget(parts: &mut Parts) {
    parts.headers.remove(&PROOF_OF_POSSESSION);
    parts.extensions.remove::<Slot>();
}

fn from_head(headers: &mut HeaderMap, uri: &Uri) -> Credential {
    let (value, repeated) = match headers.entry(AUTHORIZATION) {
        Entry::Vacant(_) => (None, false),
        Entry::Occupied(entry) => {
            let repeated = entry.iter().nth(1).is_some();
            (Some(entry.remove()), repeated)
        }
    };
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
    let Some(start) = bearer(value.as_bytes())? else {
        return Ok(None);
    };
    let presented = Presented::of_field(value, start);
    if in_query {
        let token = presented.into_token();
        token.map_err(|BearerSyntaxError| CredentialError::Malformed)?;
        return Err(CredentialError::AlsoInQuery);
    }
    Ok(Some(presented))
}

/// The scheme, which is compared without case (RFC 9110 section 11.1).
const BEARER: &[u8] = b"bearer";

/// Where the token begins in `Bearer 1*SP b64token` (RFC 9110 section 11.4). Another scheme is no
/// credential here.
fn bearer(value: &[u8]) -> Result<Option<usize>, CredentialError> {
    let length = value
        .iter()
        .take_while(|&&byte| is_token_character(byte))
        .count();
    let (scheme, rest) = value.split_at_checked(length).unwrap_or((value, &[]));
    if scheme.is_empty() {
        return Err(CredentialError::Malformed);
    }
    let (name, more) = scheme
        .split_at_checked(BEARER.len())
        .unwrap_or((scheme, &[]));
    if !name.eq_ignore_ascii_case(BEARER) {
        return Ok(None);
    }
    if !more.is_empty() {
        // A longer name is another scheme, unless nothing follows: then a token touches its scheme.
        return if rest.is_empty() {
            Err(CredentialError::Malformed)
        } else {
            Ok(None)
        };
    }
    let blanks = rest.iter().take_while(|&&byte| byte == b' ').count();
    if blanks == 0 {
        return Err(CredentialError::Malformed);
    }
    Ok(Some(length.saturating_add(blanks)))
}

fn is_in_query(uri: &Uri) -> bool {
    uri.query().is_some_and(|query| {
        url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
    })
}
