//! Why a request was refused, in one word each.

use std::fmt;

macro_rules! reason_codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// Why a request was refused, in one word: for logs, metrics and alerts.
        ///
        /// The words are stable: one that is published keeps its meaning. What whoever is on call does
        /// about each of them is told in [`audit`](crate::audit).
        ///
        /// # Examples
        /// ```
        /// use clearance::audit::ReasonCode;
        ///
        /// assert_eq!(ReasonCode::InsufficientScope.as_str(), "insufficient_scope");
        /// assert!(ReasonCode::ALL.contains(&ReasonCode::Expired));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ReasonCode {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl ReasonCode {
            /// All of them, in the order of their names.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }
        }
    };
}

reason_codes! {
    /// The header of the token names no acceptable signature algorithm (RFC 8725 section 3.1).
    AlgorithmNotAllowed = "algorithm_not_allowed",
    /// The token names no key, and too many could be meant.
    AmbiguousKey = "ambiguous_key",
    /// The issuer that was asked about the token answered in the name of another one.
    AnswerOfAnotherIssuer = "answer_of_another_issuer",
    /// The service behind the layer answered what cannot be passed on.
    BadGateway = "bad_gateway",
    /// The signature is not made by the issuer's key over these bytes.
    BadSignature = "bad_signature",
    /// The token is bound to a key (`cnf`) whose possession nobody verifies.
    BoundToKey = "bound_to_key",
    /// A token stands in the query as well as in the header (RFC 6750 section 2).
    CredentialAlsoInQuery = "credential_also_in_query",
    /// The header of the token names an extension that must be understood.
    CriticalHeader = "critical_header",
    /// A rule of the operator's refuses this caller, and no scope would change that.
    Denied = "denied",
    /// A member of the token's JSON stands twice.
    DuplicateMember = "duplicate_member",
    /// The token's payload is compressed, not encoded, or another token.
    EncodedContent = "encoded_content",
    /// The token is genuine and its time is over.
    Expired = "expired",
    /// The request names a host that the layer does not serve.
    ForeignHost = "foreign_host",
    /// The request comes from a page of an origin that the layer does not let in.
    ForeignOrigin = "foreign_origin",
    /// The token is another kind of token than an access token.
    ForeignType = "foreign_type",
    /// The issuer was asked about the token and does not call it active.
    Inactive = "inactive",
    /// The token is in force and does not grant what the operation needs.
    InsufficientScope = "insufficient_scope",
    /// `iat` lies in the future, or not before `exp`.
    IssuedInFuture = "issued_in_future",
    /// The name of the token's key is too long.
    KeyIdTooLong = "key_id_too_long",
    /// A limit was reached. The event's cause says which.
    LimitExceeded = "limit_exceeded",
    /// The token lives longer than the guard allows.
    LivesTooLong = "lives_too_long",
    /// A part of the token is not written as base64url.
    MalformedBase64 = "malformed_base64",
    /// The `Authorization` field is not one bearer token.
    MalformedCredential = "malformed_credential",
    /// A part of the token is not one JSON object.
    MalformedJson = "malformed_json",
    /// A member of the token has the wrong type, is empty, or out of range.
    MalformedMember = "malformed_member",
    /// The request is not written as its revision of MCP wants it.
    MalformedRequest = "malformed_request",
    /// The token has not three parts.
    MalformedSegments = "malformed_segments",
    /// The body is not JSON.
    MediaType = "media_type",
    /// The HTTP method means nothing here.
    MethodNotAllowed = "method_not_allowed",
    /// A claim that must be there is not, or has the wrong type.
    MissingClaim = "missing_claim",
    /// No bearer token was shown. Each client begins with this.
    NoCredential = "no_credential",
    /// No metadata document stands at this path.
    NoSuchDocument = "no_such_document",
    /// The request did not come over TLS, and the layer demands that.
    NotEncrypted = "not_encrypted",
    /// `nbf` has not come yet.
    NotYetValid = "not_yet_valid",
    /// The token is meant for another resource.
    OtherResource = "other_resource",
    /// Another tenant was asked than the one that the guard belongs to.
    OtherTenant = "other_tenant",
    /// There is more than one `Authorization` field.
    RepeatedCredential = "repeated_credential",
    /// The token was revoked here.
    Revoked = "revoked",
    /// The token's JSON has too many members, elements or levels.
    TokenTooComplex = "token_too_complex",
    /// The token is longer than the limit.
    TokenTooLong = "token_too_long",
    /// The token was issued longer ago than the guard allows.
    TooOld = "too_old",
    /// What the token is judged by cannot be had: keys, revocations, or the issuer's answer. Nobody
    /// is refused for good.
    Unavailable = "unavailable",
    /// The token says that it comes from an issuer that the guard does not trust.
    UnknownIssuer = "unknown_issuer",
    /// The issuer publishes no key that the token names.
    UnknownKey = "unknown_key",
    /// The request names a method, or a task, that is not there.
    UnknownName = "unknown_name",
    /// The session is over, was never there, or is somebody else's.
    UnknownSession = "unknown_session",
    /// The body is too long, came too slowly, or broke off.
    UnreadBody = "unread_body",
    /// The key is not for the algorithm that the token names.
    UnsuitableKey = "unsuitable_key",
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
