//! Random texts, and Proof Key for Code Exchange (RFC 7636).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::AuthorizationError;

/// The letters of 32 bytes in base64url.
pub(super) const RANDOM_LENGTH: usize = 43;

/// 32 random bytes as text: a verifier (RFC 7636 section 4.1), or a state.
pub(super) fn random() -> Result<Zeroizing<String>, AuthorizationError> {
    let mut bytes = Zeroizing::new([0; 32]);
    let filled = aws_lc_rs::rand::fill(&mut *bytes);
    filled.ok().ok_or(AuthorizationError::NoRandomness)?;
    let mut text = Zeroizing::new(String::with_capacity(RANDOM_LENGTH));
    URL_SAFE_NO_PAD.encode_string(*bytes, &mut text);
    Ok(text)
}

/// The challenge of a verifier by S256 (RFC 7636 section 4.2).
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// CL-037: RFC 7636 appendix B.
    #[test]
    fn the_challenge_is_that_of_the_specification() {
        assert_eq!(
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    /// CL-037: 256 bits each, in letters that need no encoding.
    #[test]
    fn no_two_verifiers_are_the_same() {
        let mut seen = HashSet::new();
        for _ in 0..1000 {
            let text = random().unwrap();
            assert_eq!(text.len(), RANDOM_LENGTH);
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            assert!(text.bytes().all(fits));
            assert!(seen.insert(text.to_string()));
        }
    }
}
