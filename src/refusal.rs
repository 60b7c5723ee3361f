//! Why a request was refused, sorted by whose fault it is.
//!
//! The answer on the wire follows from the reason in one place, `wire/answer.rs`.

use std::fmt;
use std::sync::{Arc, OnceLock};

use http::HeaderValue;

use crate::id::{ClientId, CorrelationId, Issuer, KeyId, Subject};
use crate::keys::Unavailable;
use crate::limit::NotUntil;
use crate::reason_code::ReasonCode;
#[cfg(feature = "fetch")]
use crate::token::IntrospectionError;
use crate::token::{AudienceError, Claimant, ParseError, SignatureError, Verified};

/// A request that was not let in.
///
/// It is an axum response (feature `axum`); other transports write its status, challenge and body
/// themselves. It says nothing that the request said: its texts are constant.
#[derive(Debug)]
pub struct Refusal {
    reason: Reason,
    /// Nothing where nothing is known of the caller.
    details: Option<Box<Details>>,
    answers: Arc<Answers>,
    /// Nothing where no request is refused.
    correlation: Option<CorrelationId>,
    /// Whether the token was remembered.
    from_cache: bool,
}

/// What is known of the caller, or of the token.
#[derive(Debug, Default)]
struct Details {
    /// What a challenge asks for, where it depends on the request.
    scope: Option<Box<str>>,
    /// Who is refused, as far as is known.
    whose: Whose,
    /// The key that the token names and its issuer does not publish, as it is written down.
    unknown_key: Option<Box<str>>,
}

/// Whose token it is, as far as is known.
#[derive(Clone, Debug, Default)]
pub(crate) enum Whose {
    /// Nobody's, or nothing is verified of it.
    #[default]
    Unknown,
    /// By this issuer's keys, or by its answer, the token was judged.
    JudgedBy(Issuer),
    /// The token is genuine, and not accepted.
    Genuine(Arc<Claimant>),
    Verified(Arc<Verified>),
}

impl Whose {
    pub(crate) const fn verified(&self) -> Option<&Arc<Verified>> {
        match self {
            Self::Verified(verified) => Some(verified),
            Self::Unknown | Self::JudgedBy(_) | Self::Genuine(_) => None,
        }
    }

    pub(crate) fn issuer(&self) -> Option<&Issuer> {
        match self {
            Self::Unknown => None,
            Self::JudgedBy(issuer) => Some(issuer),
            Self::Genuine(claimant) => Some(&claimant.issuer),
            Self::Verified(verified) => Some(&verified.principal().issuer),
        }
    }

    pub(crate) fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Unknown | Self::JudgedBy(_) => None,
            Self::Genuine(claimant) => claimant.subject.as_ref(),
            Self::Verified(verified) => Some(&verified.principal().subject),
        }
    }

    pub(crate) fn client(&self) -> Option<&ClientId> {
        match self {
            Self::Unknown | Self::JudgedBy(_) => None,
            Self::Genuine(claimant) => claimant.client.as_ref(),
            Self::Verified(verified) => Some(&verified.principal().client),
        }
    }

    pub(crate) fn key_id(&self) -> Option<&KeyId> {
        match self {
            Self::Unknown | Self::JudgedBy(_) => None,
            Self::Genuine(claimant) => claimant.key_id.as_ref(),
            Self::Verified(verified) => verified.key_id(),
        }
    }
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The policy refuses this caller, and no scope would change that.
    Denied,
    /// The token is genuine and does not grant what the operation needs.
    InsufficientScope,
    /// A token was shown and is none, or none that counts here and now.
    InvalidToken(TokenFault),
    /// The request names a host that the layer does not serve.
    ForeignHost,
    /// The request comes from a page of an origin that the layer does not let in.
    ForeignOrigin,
    /// The principal has used up its quota.
    LimitExceeded(NotUntil),
    /// The credential is not written as RFC 6750 section 2.1 wants it.
    MalformedCredential(CredentialError),
    /// No bearer token was shown.
    NoCredential,
    /// The request did not come over TLS, and the layer demands that.
    NotEncrypted,
    /// Another tenant was asked than the one that the guard belongs to.
    OtherTenant,
    /// A part that the decision needs cannot be asked. Nobody is refused for good.
    Unavailable(Unavailable),
    /// The session is over, was never there, or is somebody else's: nobody is told which.
    UnknownSession,
}

/// What is wrong with a token. Clients do not learn which it was: one answer serves all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenFault {
    /// It is not an access token for this resource at this time.
    Audience(AudienceError),
    /// Its issuer was asked, and does not call it active.
    #[cfg(feature = "fetch")]
    Introspection(IntrospectionError),
    /// It is not a token at all.
    Parse(ParseError),
    /// It was revoked.
    Revoked,
    /// Its signature does not show who wrote it.
    Signature(SignatureError),
    /// It says that it comes from an issuer that the guard does not trust.
    UnknownIssuer,
}

/// What is wrong with the credential's syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// A token in the query as well as in the header (RFC 6750 section 2).
    #[error("a token in the query as well as in the header")]
    AlsoInQuery,
    /// Not `Bearer`, blanks, and one token.
    #[error("not one bearer token")]
    Malformed,
    /// More than one `Authorization` field (RFC 9110 section 5.3).
    #[error("more than one authorization field")]
    Repeated,
}

/// What a guard's refusals have in common.
#[derive(Debug)]
pub(crate) struct Answers {
    /// Where the protected resource metadata is.
    pub(crate) metadata_url: Box<str>,
    /// The scopes to begin with, joined by blanks.
    pub(crate) baseline: Option<Box<str>>,
    /// Challenges that do not depend on the request, made once.
    pub(crate) no_credential: OnceLock<Option<HeaderValue>>,
    pub(crate) malformed: OnceLock<Option<HeaderValue>>,
    pub(crate) invalid_token: OnceLock<Option<HeaderValue>>,
}

impl Answers {
    pub(crate) const fn new(metadata_url: Box<str>, baseline: Option<Box<str>>) -> Self {
        Self {
            metadata_url,
            baseline,
            no_credential: OnceLock::new(),
            malformed: OnceLock::new(),
            invalid_token: OnceLock::new(),
        }
    }
}

impl Refusal {
    pub(crate) fn new(reason: Reason, scope: Option<Box<str>>, answers: Arc<Answers>) -> Self {
        Self {
            reason,
            details: scope.map(|scope| {
                let scope = Some(scope);
                Box::new(Details {
                    scope,
                    ..Details::default()
                })
            }),
            answers,
            correlation: None,
            from_cache: false,
        }
    }

    pub(crate) const fn about(mut self, request: CorrelationId) -> Self {
        self.correlation = Some(request);
        self
    }

    pub(crate) fn of(mut self, verified: Option<&Arc<Verified>>) -> Self {
        if let Some(verified) = verified {
            self.details.get_or_insert_default().whose = Whose::Verified(Arc::clone(verified));
        }
        self
    }

    /// The same of a token that was not accepted.
    pub(crate) fn of_whom(mut self, whose: Whose) -> Self {
        self.details.get_or_insert_default().whose = whose;
        self
    }

    pub(crate) const fn of_remembered(mut self, from_cache: bool) -> Self {
        self.from_cache = from_cache;
        self
    }

    pub(crate) const fn is_from_cache(&self) -> bool {
        self.from_cache
    }

    pub(crate) fn whose(&self) -> Option<&Whose> {
        Some(&self.details.as_ref()?.whose)
    }

    pub(crate) fn naming(mut self, unknown_key: Option<Box<str>>) -> Self {
        if unknown_key.is_some() {
            self.details.get_or_insert_default().unknown_key = unknown_key;
        }
        self
    }

    pub(crate) fn unknown_key(&self) -> Option<&str> {
        self.details.as_ref()?.unknown_key.as_deref()
    }

    /// Why.
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }

    /// What ties together all that is written about the request. It is in the body as well.
    pub const fn correlation_id(&self) -> Option<CorrelationId> {
        self.correlation
    }

    pub(crate) fn scope(&self) -> Option<&str> {
        self.details.as_ref()?.scope.as_deref()
    }

    pub(crate) fn answers(&self) -> &Answers {
        &self.answers
    }
}

impl Reason {
    /// A stable code, for logs and metrics.
    ///
    /// # Examples
    /// ```
    /// use clearance::refusal::Reason;
    ///
    /// assert_eq!(Reason::NoCredential.code().as_str(), "no_credential");
    /// ```
    pub const fn code(&self) -> ReasonCode {
        match self {
            Self::Denied => ReasonCode::Denied,
            Self::ForeignHost => ReasonCode::ForeignHost,
            Self::ForeignOrigin => ReasonCode::ForeignOrigin,
            Self::InsufficientScope => ReasonCode::InsufficientScope,
            Self::InvalidToken(TokenFault::Audience(error)) => error.code(),
            #[cfg(feature = "fetch")]
            Self::InvalidToken(TokenFault::Introspection(error)) => error.code(),
            Self::InvalidToken(TokenFault::Parse(error)) => error.code(),
            Self::InvalidToken(TokenFault::Revoked) => ReasonCode::Revoked,
            Self::InvalidToken(TokenFault::Signature(error)) => error.code(),
            Self::InvalidToken(TokenFault::UnknownIssuer) => ReasonCode::UnknownIssuer,
            Self::LimitExceeded(_) => ReasonCode::LimitExceeded,
            Self::MalformedCredential(CredentialError::AlsoInQuery) => {
                ReasonCode::CredentialAlsoInQuery
            }
            Self::MalformedCredential(CredentialError::Malformed) => {
                ReasonCode::MalformedCredential
            }
            Self::MalformedCredential(CredentialError::Repeated) => ReasonCode::RepeatedCredential,
            Self::NoCredential => ReasonCode::NoCredential,
            Self::NotEncrypted => ReasonCode::NotEncrypted,
            Self::OtherTenant => ReasonCode::OtherTenant,
            Self::Unavailable(_) => ReasonCode::Unavailable,
            Self::UnknownSession => ReasonCode::UnknownSession,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request refused: {}", self.reason.code())
    }
}

impl std::error::Error for Refusal {}

macro_rules! from_fault {
    ($($error:ty => $variant:ident),*) => {$(
        impl From<$error> for Reason {
            fn from(error: $error) -> Self {
                Self::InvalidToken(TokenFault::$variant(error))
            }
        }
    )*};
}

from_fault!(AudienceError => Audience, ParseError => Parse);
#[cfg(feature = "fetch")]
from_fault!(IntrospectionError => Introspection);

impl From<SignatureError> for Reason {
    fn from(error: SignatureError) -> Self {
        Self::InvalidToken(match error {
            SignatureError::Malformed(error) => TokenFault::Parse(error),
            SignatureError::OtherIssuer => TokenFault::UnknownIssuer,
            SignatureError::AmbiguousKey
            | SignatureError::BadSignature
            | SignatureError::UnknownKey
            | SignatureError::UnsuitableKey => TokenFault::Signature(error),
        })
    }
}

impl From<CredentialError> for Reason {
    fn from(error: CredentialError) -> Self {
        Self::MalformedCredential(error)
    }
}

impl From<NotUntil> for Reason {
    fn from(not_until: NotUntil) -> Self {
        Self::LimitExceeded(not_until)
    }
}

impl From<Unavailable> for Reason {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}
