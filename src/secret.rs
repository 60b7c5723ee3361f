//! What must never be shown: the text of an access token.

use std::fmt;

/// The text of an access token, as a client presented it.
///
/// It is one `b64token` (letters, digits and `-._~+/`, then optional `=`), and nothing else is
/// known about it. It cannot be cloned, printed or compared; only the parser in
/// [`token`](crate::token) reads it.
///
/// The text is not wiped from memory when it is dropped: the server that read the request keeps
/// it in buffers of its own, so wiping this copy would promise what it cannot hold.
///
/// # Specification
/// [RFC 6750 section 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)
pub struct BearerToken(Box<str>);

/// The text is not one `b64token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a bearer token as RFC 6750 section 2.1 writes it")]
#[non_exhaustive]
pub struct BearerSyntaxError;

impl BearerToken {
    /// Takes the bytes of a credential as an access token.
    ///
    /// # Errors
    /// [`BearerSyntaxError`] if the bytes are not one `b64token`.
    ///
    /// # Examples
    /// ```
    /// use clearance::secret::BearerToken;
    ///
    /// let token = BearerToken::from_bytes(b"eyJhbGciOiJFUzI1NiJ9.e30.c2ln")?;
    /// assert_eq!(format!("{token:?}"), "BearerToken(..)");
    /// assert!(BearerToken::from_bytes(b"two words").is_err());
    /// # Ok::<(), clearance::secret::BearerSyntaxError>(())
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BearerSyntaxError> {
        let padding = bytes.iter().rev().take_while(|&&byte| byte == b'=').count();
        let body = bytes
            .get(..bytes.len().saturating_sub(padding))
            .unwrap_or_default();
        if body.is_empty() || !body.iter().all(|&byte| is_token_byte(byte)) {
            return Err(BearerSyntaxError);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self(text.into())),
            Err(_) => Err(BearerSyntaxError),
        }
    }

    /// The text, for the parser and for nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(..)")
    }
}
