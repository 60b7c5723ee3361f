//! Random text to give out, and what is kept of it.

use std::fmt;

use aws_lc_rs::{constant_time, digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::OAuthError;

/// What nobody guesses: more than the 128 bits of RFC 6749 section 10.10.
const BYTES: usize = 32;

/// Text that nobody can guess, in letters that need no escape anywhere.
///
/// # Errors
/// If the system has no random numbers.
pub(super) fn text() -> Result<String, OAuthError> {
    let mut bytes = [0; BYTES];
    match rand::fill(&mut bytes) {
        Ok(()) => Ok(URL_SAFE_NO_PAD.encode(bytes)),
        Err(_) => Err(OAuthError::server("no random numbers are to be had")),
    }
}

/// The SHA-256 of a secret: codes, tokens and clients' secrets are kept in no other form.
///
/// That is right for random text, which nobody can guess from its digest. What people think up needs
/// salt and a slow function; here only tests do that, for their clients.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(secret: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, secret.as_bytes());
        let mut bytes = [0; 32];
        for (byte, value) in bytes.iter_mut().zip(hash.as_ref()) {
            *byte = *value;
        }
        Self(bytes)
    }

    /// Whether this is the digest of `secret`; how long that takes tells nothing.
    pub(super) fn is_of(&self, secret: &str) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &Self::of(secret).0).is_ok()
    }

    /// As RFC 7636 section 4.2 writes a challenge.
    pub(super) fn to_base64url(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

/// Whether two texts are the same; how long that takes tells nothing but their lengths.
pub(super) fn are_equal(left: &str, right: &str) -> bool {
    constant_time::verify_slices_are_equal(left.as_bytes(), right.as_bytes()).is_ok()
}

/// Whether `text` could have come from [`text`].
pub(super) fn is_well_formed(text: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(text)
        .is_ok_and(|bytes| bytes.len() == BYTES)
}
