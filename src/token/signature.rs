//! From `Token<Unverified>` to `Token<SignatureVerified>`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::parse::decode;
use super::state::{SignatureVerified, Statement, Unverified};
use super::{ParseError, Token, claims};
use crate::id::{Issuer, KeyId};
use crate::jwk::{Algorithm, KeyError, KeySet, Signer};
use crate::reason_code::ReasonCode;

/// The longest signature of any algorithm here: RSA with 8192 bits.
const LONGEST_SIGNATURE: usize = 1024;

/// Why a signature does not show who wrote the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The token names no key, and more than four keys could be meant.
    #[error("the token names no key, and too many could be meant")]
    AmbiguousKey,
    /// The signature is not made by the key over these bytes, or is not written canonically.
    #[error("the signature does not match")]
    BadSignature,
    /// The signature matches, and what was signed is no claims set.
    #[error("what was signed is no claims set: {0}")]
    Malformed(ParseError),
    /// The token names another issuer than the one that the keys belong to (RFC 8725 section 3.8).
    #[error("the keys are another issuer's")]
    OtherIssuer,
    /// The issuer has published no such key.
    #[error("the issuer publishes no such key")]
    UnknownKey,
    /// The key is not for the algorithm that the token names (RFC 8725 section 3.1).
    #[error("the key is not for this algorithm")]
    UnsuitableKey,
}

impl SignatureError {
    /// A stable code.
    pub(crate) const fn code(self) -> ReasonCode {
        match self {
            Self::AmbiguousKey => ReasonCode::AmbiguousKey,
            Self::BadSignature => ReasonCode::BadSignature,
            Self::Malformed(error) => error.code(),
            Self::OtherIssuer => ReasonCode::UnknownIssuer,
            Self::UnknownKey => ReasonCode::UnknownKey,
            Self::UnsuitableKey => ReasonCode::UnsuitableKey,
        }
    }
}

impl From<KeyError> for SignatureError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Ambiguous => Self::AmbiguousKey,
            KeyError::BadSignature => Self::BadSignature,
            KeyError::Unknown => Self::UnknownKey,
            KeyError::Unsuitable => Self::UnsuitableKey,
        }
    }
}

impl From<ParseError> for SignatureError {
    fn from(error: ParseError) -> Self {
        Self::Malformed(error)
    }
}

impl Token<Unverified> {
    /// Accepts the token as written by the issuer that `keys` belongs to.
    ///
    /// # Errors
    /// [`SignatureError`]; the token is gone then.
    ///
    /// # Specification
    /// [RFC 7515 section 5.2](https://www.rfc-editor.org/rfc/rfc7515#section-5.2)
    pub fn verify_signature(
        self,
        keys: &KeySet,
    ) -> Result<Token<SignatureVerified>, SignatureError> {
        self.advance(|mut state| {
            let signer = state.signer(keys)?;
            // The bytes are the issuer's own; only now are they read.
            let header_text = std::mem::take(&mut state.decoded);
            let boundary = header_text.len();
            let decoded = decode(state.payload(), header_text.into_bytes())?;
            let claims = claims::claims(&decoded, boundary)?;
            // Keys of one issuer never speak for another, also where both use the same key name.
            let named = claims.issuer.as_ref().map(|issuer| issuer.of(&decoded));
            if named != Some(keys.issuer().as_str()) {
                return Err(SignatureError::OtherIssuer);
            }
            Ok(SignatureVerified {
                key_id: signer.id.cloned(),
                key: signer.thumbprint,
                header: state.header,
                statement: Statement {
                    issuer: keys.issuer().clone(),
                    decoded,
                    boundary,
                    claims,
                },
            })
        })
    }
}

impl Unverified {
    /// The key that made the signature.
    fn signer<'k>(&self, keys: &'k KeySet) -> Result<Signer<'k>, SignatureError> {
        let (message, signature) = self
            .raw
            .expose()
            .split_at_checked(self.signed)
            .and_then(|(message, rest)| Some((message, rest.strip_prefix(b".")?)))
            .ok_or(SignatureError::BadSignature)?;
        let mut buffer = [0; LONGEST_SIGNATURE];
        let signature = URL_SAFE_NO_PAD
            .decode_slice(signature, &mut buffer)
            .ok()
            .and_then(|length| buffer.get(..length))
            .ok_or(SignatureError::BadSignature)?;
        Ok(keys.verify(self.key_id(), self.header.algorithm, message, signature)?)
    }
}

impl Token<SignatureVerified> {
    /// Who wrote it.
    pub const fn issuer(&self) -> &Issuer {
        &self.state.statement.issuer
    }

    /// The algorithm of its signature.
    pub const fn algorithm(&self) -> Algorithm {
        self.state.algorithm()
    }

    /// The name of the key that made the signature, if it has one.
    pub const fn key_id(&self) -> Option<&KeyId> {
        self.state.key_id.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;
    use crate::secret::BearerToken;

    /// The keys of an issuer under their names.
    fn set(keys: &[(&str, &Ed25519KeyPair)]) -> KeySet {
        let jwk = |&(kid, key): &(&str, &Ed25519KeyPair)| {
            let x = URL_SAFE_NO_PAD.encode(key.public_key());
            json!({"kid": kid, "kty": "OKP", "crv": "Ed25519", "x": x})
        };
        let keys: Vec<_> = keys.iter().map(jwk).collect();
        let document = json!({ "keys": keys }).to_string();
        let issuer = "https://as.example".parse().unwrap();
        KeySet::parse(issuer, document.as_bytes(), &[Algorithm::EdDSA]).unwrap()
    }

    fn signed_by(key: &Ed25519KeyPair) -> Token<Unverified> {
        let header = json!({"alg": "EdDSA", "kid": "k", "typ": "at+jwt"}).to_string();
        let claims = json!({"iss": "https://as.example"}).to_string();
        let text = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let message = text.join(".");
        let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()));
        let token = format!("{message}.{signature}");
        Token::parse(BearerToken::from_bytes(token.as_bytes()).unwrap()).unwrap()
    }

    /// What was verified with a key depends on that key and not on its name.
    #[test]
    fn a_verified_token_knows_its_key_whatever_it_is_called_later() {
        let [key, other] = [(); 2].map(|()| Ed25519KeyPair::generate().unwrap());
        let first = set(&[("other", &other), ("k", &key)]);
        let token = signed_by(&key).verify_signature(&first).unwrap();
        let thumbprint = token.state.key;
        assert!(first.has(&thumbprint));
        assert!(set(&[("renamed", &key)]).has(&thumbprint));
        let replaced = set(&[("k", &other)]);
        assert!(!replaced.has(&thumbprint));
        let by_other = signed_by(&other).verify_signature(&replaced).unwrap();
        assert_ne!(by_other.state.key, thumbprint);
        assert!(signed_by(&key).verify_signature(&replaced).is_err());
    }
}
