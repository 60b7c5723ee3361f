//! The states of a token. Each carries the evidence that led to it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::claims::{Claims, Header};
use super::verified::Verified;
use crate::id::{Issuer, KeyId};
use crate::jwk::{Algorithm, Thumbprint};
use crate::secret::BearerToken;

mod sealed {
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a state of a token",
        label = "nobody else can add a state",
        note = "the states are those of `clearance::token`"
    )]
    #[expect(unnameable_types, reason = "nobody else may implement it")]
    pub trait Sealed {}
}

/// A state of a [`Token`](super::Token). Nobody else can add one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a state of a token",
    label = "nobody else can add a state",
    note = "the states are those of `clearance::token`"
)]
pub trait State: sealed::Sealed {}

/// A token whose bytes were read and not believed.
///
/// # Proves
/// The bytes are one compact JWS whose header is one JSON object, written canonically, with an
/// algorithm that is asymmetric.
///
/// # Does not prove
/// Anything about who wrote it.
pub struct Unverified {
    pub(super) raw: BearerToken,
    /// How many bytes of `raw` are the header.
    pub(super) boundary: usize,
    /// How many bytes of `raw` the signature covers.
    pub(super) signed: usize,
    /// The header, decoded, with room for the claims behind it.
    pub(super) decoded: String,
    pub(super) header: Header,
    /// Whether a token with the same header was verified before.
    pub(super) is_header_known: bool,
}

impl Unverified {
    pub(super) fn key_id(&self) -> Option<&str> {
        self.header.key_id.as_ref().map(|id| id.of(&self.decoded))
    }

    /// The claims as they are written.
    pub(super) fn payload(&self) -> &[u8] {
        let start = self.boundary.saturating_add(1);
        self.raw
            .expose()
            .get(start..self.signed)
            .unwrap_or_default()
    }
}

/// A token whose signature matches a key that its issuer published.
///
/// # Proves
/// - the issuer is the one that the key set belongs to, and the claims say so;
/// - the claims are one JSON object, written canonically;
/// - the algorithm is on that issuer's allow-list and fits the key;
/// - header and claims are the bytes that were signed.
///
/// # Does not prove
/// That the token is meant for this server, or in force: see [`AudienceVerified`].
///
/// # Specification
/// [RFC 9068 section 4](https://www.rfc-editor.org/rfc/rfc9068#section-4),
/// [RFC 8725 sections 3.1 and 3.8](https://www.rfc-editor.org/rfc/rfc8725#section-3)
pub struct SignatureVerified {
    pub(super) key_id: Option<KeyId>,
    /// The key that made the signature: its name may come to mean another one.
    pub(super) key: Thumbprint,
    pub(super) header: Header,
    pub(super) statement: Statement,
}

#[cfg(feature = "fetch")]
/// A token that is no JWT, or whose issuer wants to be asked all the same. Nothing is known of it.
///
/// # Proves
/// The bytes are one `b64token`.
///
/// # Does not prove
/// Anything about who wrote it.
pub struct Opaque {
    pub(super) raw: BearerToken,
}

#[cfg(feature = "fetch")]
/// A token that its issuer, when it was asked, called active.
///
/// # Proves
/// - the issuer was asked about this token, at an address that the guard's configuration or the
///   issuer's metadata names, and answered that it is active;
/// - the answer names no other issuer, and is one JSON object without a member that stands twice.
///
/// # Does not prove
/// That the token is meant for this server, or in force by this server's clock: see
/// [`AudienceVerified`]. That it is active still: it is not asked again for as long as the guard
/// remembers the answer.
///
/// # Specification
/// [RFC 7662 sections 2.2 and 4](https://www.rfc-editor.org/rfc/rfc7662#section-2.2)
pub struct Introspected {
    pub(super) statement: Statement,
    pub(super) is_access_token: bool,
}

/// What an issuer says of a token: in the token, or when it is asked.
pub(super) struct Statement {
    pub(super) issuer: Issuer,
    /// The text in which the claims stand.
    pub(super) decoded: String,
    /// Where in `decoded` the claims begin.
    pub(super) boundary: usize,
    pub(super) claims: Box<Claims>,
}

/// A token that is an access token for this resource, in force at the moment of the check.
///
/// # Proves
/// - one of its audiences is a resource of the guard whose acceptance was asked;
/// - it is an access token and not an ID token or another kind of token;
/// - the time lies between `nbf` and `exp`, with the leeway;
/// - it is bound to no key that the caller has not shown.
///
/// # Does not prove
/// That it was not revoked, that the caller keeps within its quota, or that it may do anything.
///
/// # Specification
/// [RFC 9068 section 4](https://www.rfc-editor.org/rfc/rfc9068#section-4)
pub struct AudienceVerified {
    pub(super) verified: Arc<Verified>,
}

/// A token that was in force, not revoked, within its quota, and that grants the scopes `S`.
///
/// This is what [`Authorized<S>`](crate::Authorized) holds.
pub struct Scoped<S> {
    pub(super) verified: Arc<Verified>,
    // Invariant in `S`: subtyping between scope types must not turn one proof into another.
    pub(super) scope: PhantomData<fn(S) -> S>,
}

impl sealed::Sealed for Unverified {}
#[cfg(feature = "fetch")]
impl sealed::Sealed for Opaque {}
#[cfg(feature = "fetch")]
impl sealed::Sealed for Introspected {}
impl sealed::Sealed for SignatureVerified {}
impl sealed::Sealed for AudienceVerified {}
impl<S> sealed::Sealed for Scoped<S> {}
impl State for Unverified {}
#[cfg(feature = "fetch")]
impl State for Opaque {}
#[cfg(feature = "fetch")]
impl State for Introspected {}
impl State for SignatureVerified {}
impl State for AudienceVerified {}
impl<S> State for Scoped<S> {}

impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified")
            .field("algorithm", &self.header.algorithm)
            .finish_non_exhaustive()
    }
}

impl SignatureVerified {
    pub(super) const fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }
}

impl fmt::Debug for SignatureVerified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureVerified")
            .field("issuer", &self.statement.issuer)
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "fetch")]
impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opaque(..)")
    }
}

#[cfg(feature = "fetch")]
impl fmt::Debug for Introspected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspected")
            .field("issuer", &self.statement.issuer)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AudienceVerified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AudienceVerified")
            .field(&self.verified)
            .finish()
    }
}

impl<S> fmt::Debug for Scoped<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scoped").field(&self.verified).finish()
    }
}
