//! From bytes to `Token<Unverified>`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::state::Unverified;
use super::{KnownHeader, Token, claims};
use crate::jwk::KeySet;
use crate::reason_code::ReasonCode;
use crate::secret::BearerToken;

/// The longest token that is looked at, in bytes, unless a guard says otherwise.
pub(crate) const LONGEST_TOKEN: usize = 16 * 1024;

/// Why the bytes are not an access token at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// `alg` is missing, `none`, symmetric or unknown (RFC 8725 section 3.1).
    #[error("no acceptable signature algorithm")]
    Algorithm,
    /// A segment is not base64url as RFC 7515 section 2 writes it.
    #[error("not canonical base64url")]
    Base64,
    /// The header names an extension that must be understood (RFC 7515 section 4.1.11).
    #[error("a critical header extension")]
    Critical,
    /// A member stands twice, escapes undone.
    #[error("a member stands twice")]
    Duplicate,
    /// The payload is compressed, not encoded, or another token (`zip`, `b64`, `cty`).
    #[error("compressed, unencoded or nested content")]
    Encoded,
    /// Header or payload is not one JSON object in UTF-8.
    #[error("not one JSON object")]
    Json,
    /// `kid` is longer than 256 bytes.
    #[error("a key name of more than 256 bytes")]
    KeyId,
    /// A member that is read has the wrong type, is empty, or a date is out of range.
    #[error("a member has the wrong type or range")]
    Member,
    /// There are not exactly three segments (RFC 7515 section 7.1).
    #[error("not three segments")]
    Segments,
    /// The JSON nests more than 16 deep, or has more than 256 members or 1024 elements.
    #[error("too many members, elements or levels")]
    TooComplex,
    /// The token is longer than the limit.
    #[error("longer than the limit")]
    TooLong,
}

impl ParseError {
    /// A stable code.
    pub(crate) const fn code(self) -> ReasonCode {
        match self {
            Self::Algorithm => ReasonCode::AlgorithmNotAllowed,
            Self::Base64 => ReasonCode::MalformedBase64,
            Self::Critical => ReasonCode::CriticalHeader,
            Self::Duplicate => ReasonCode::DuplicateMember,
            Self::Encoded => ReasonCode::EncodedContent,
            Self::Json => ReasonCode::MalformedJson,
            Self::KeyId => ReasonCode::KeyIdTooLong,
            Self::Member => ReasonCode::MalformedMember,
            Self::Segments => ReasonCode::MalformedSegments,
            Self::TooComplex => ReasonCode::TokenTooComplex,
            Self::TooLong => ReasonCode::TokenTooLong,
        }
    }
}

impl Token<Unverified> {
    /// Takes a compact JWS of at most 16 KiB apart and reads its header. Nothing that it says is
    /// believed, and its claims are not looked at: they are read when their signature is known to
    /// match. Only a guard that trusts several issuers, or asks one about its tokens, looks for `iss`
    /// before that, to choose whose keys to verify with.
    ///
    /// # Errors
    /// [`ParseError`] if it is not three segments with one JSON header, written canonically.
    ///
    /// # Examples
    /// ```
    /// use clearance::secret::BearerToken;
    /// use clearance::token::{ParseError, Token, Unverified};
    ///
    /// // {"alg":"none"}
    /// let token = BearerToken::from_bytes(b"eyJhbGciOiJub25lIn0.e30.AA")?;
    /// assert_eq!(Token::<Unverified>::parse(token).unwrap_err(), ParseError::Algorithm);
    /// # Ok::<(), clearance::secret::BearerSyntaxError>(())
    /// ```
    ///
    /// # Specification
    /// [RFC 7515 section 5.2](https://www.rfc-editor.org/rfc/rfc7515#section-5.2),
    /// [RFC 7519 section 7.2](https://www.rfc-editor.org/rfc/rfc7519#section-7.2)
    pub fn parse(raw: BearerToken) -> Result<Self, ParseError> {
        Self::parse_within(raw, LONGEST_TOKEN, &KnownHeader::default())
    }

    /// The same with another limit, and with a header that may be known already.
    pub(crate) fn parse_within(
        raw: BearerToken,
        longest: usize,
        known: &KnownHeader,
    ) -> Result<Self, ParseError> {
        let text = raw.expose();
        if text.len() > longest {
            return Err(ParseError::TooLong);
        }
        let mut dots = memchr::memchr_iter(b'.', text);
        let (Some(boundary), Some(signed), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(ParseError::Segments);
        };
        let segment = text.get(..boundary).unwrap_or_default();
        // Room for both documents: the claims are decoded behind the header, later.
        let mut decoded = String::with_capacity(signed.div_ceil(4).saturating_mul(3));
        let known = known.read(segment, &mut decoded);
        let is_header_known = known.is_some();
        let header = if let Some(header) = known {
            header
        } else {
            decoded = decode(segment, decoded.into_bytes())?;
            claims::header(&decoded)?
        };
        Ok(Self::begin(Unverified {
            raw,
            boundary,
            signed,
            decoded,
            header,
            is_header_known,
        }))
    }

    /// What the token says about its issuer: only good for choosing the key set.
    pub(crate) fn untrusted_issuer(&self) -> Result<Box<str>, ParseError> {
        let decoded = decode(self.state.payload(), Vec::new())?;
        let claims = claims::claims(&decoded, 0)?;
        Ok(claims
            .issuer
            .as_ref()
            .map_or("", |issuer| issuer.of(&decoded))
            .into())
    }

    /// Whether `keys` has the key that this token names.
    pub(crate) fn is_known_to(&self, keys: &KeySet) -> bool {
        keys.knows(self.state.key_id(), self.state.header.algorithm)
    }

    /// The name of the key, as text from a stranger. For logs only.
    pub(crate) fn untrusted_key_id(&self) -> Option<&str> {
        self.state.key_id()
    }
}

/// Strict base64url: no padding, no other alphabet, no stray bits at the end (RFC 4648
/// section 3.5), so that the same bytes have one spelling.
///
/// The text is put behind what is in `bytes` already, all of it UTF-8.
pub(super) fn decode(segment: &[u8], mut bytes: Vec<u8>) -> Result<String, ParseError> {
    URL_SAFE_NO_PAD
        .decode_vec(segment, &mut bytes)
        .ok()
        .ok_or(ParseError::Base64)?;
    String::from_utf8(bytes).ok().ok_or(ParseError::Json)
}
