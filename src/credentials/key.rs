//! A client's private key, and what it signs (RFC 7515).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
    RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::id::KeyId;
use crate::jwk::Algorithm;

/// A private key by which a client proves who it is.
///
/// It is never shown, and its copies are one key.
///
/// # Examples
/// ```no_run
/// use clearance::credentials::{ClientAuthentication, ClientKey};
/// use clearance::jwk::Algorithm;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // As `openssl genpkey -algorithm ed25519` writes it.
/// let pem = std::fs::read("/etc/files-server/key.pem")?;
/// let key = ClientKey::from_pkcs8_pem(Algorithm::EdDSA, &pem)?.with_key_id("2026-11");
/// let authentication = ClientAuthentication::private_key_jwt("files-server", key);
/// # let _ = authentication;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientKey {
    algorithm: Algorithm,
    id: Option<KeyId>,
    pair: Arc<Pair>,
}

/// The text is no private key for the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientKeyError {
    /// It is not one private key in PKCS#8.
    #[error("not a private key in PKCS#8")]
    NotPkcs8,
    /// It is of another kind than the algorithm needs, or too weak for it: RSA with less than 2048
    /// bits.
    #[error("not a key for this algorithm")]
    Unsuitable,
}

enum Pair {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl ClientKey {
    /// The key in this text: PKCS#8 in PEM (`BEGIN PRIVATE KEY`, RFC 7468 section 10).
    ///
    /// # Errors
    /// [`ClientKeyError`]
    pub fn from_pkcs8_pem(algorithm: Algorithm, pem: &[u8]) -> Result<Self, ClientKeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem)
            .ok()
            .ok_or(ClientKeyError::NotPkcs8)?;
        let der = Zeroizing::new(der);
        Self::from_pkcs8_der(algorithm, der.secret_pkcs8_der())
    }

    /// The key in these bytes: PKCS#8 in DER (RFC 5208 section 5).
    ///
    /// # Errors
    /// [`ClientKeyError`]
    pub fn from_pkcs8_der(algorithm: Algorithm, der: &[u8]) -> Result<Self, ClientKeyError> {
        let rsa = |encoding: &'static dyn RsaEncoding| {
            RsaKeyPair::from_pkcs8(der).map(|pair| Pair::Rsa(pair, encoding))
        };
        let ecdsa = |curve| EcdsaKeyPair::from_pkcs8(curve, der).map(Pair::Ecdsa);
        let pair = match algorithm {
            Algorithm::RS256 => rsa(&RSA_PKCS1_SHA256),
            Algorithm::RS384 => rsa(&RSA_PKCS1_SHA384),
            Algorithm::RS512 => rsa(&RSA_PKCS1_SHA512),
            Algorithm::PS256 => rsa(&RSA_PSS_SHA256),
            Algorithm::PS384 => rsa(&RSA_PSS_SHA384),
            Algorithm::PS512 => rsa(&RSA_PSS_SHA512),
            Algorithm::ES256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::ES512 => ecdsa(&ECDSA_P521_SHA512_FIXED_SIGNING),
            Algorithm::EdDSA => Ed25519KeyPair::from_pkcs8(der).map(Pair::Ed25519),
        };
        Ok(Self {
            algorithm,
            id: None,
            pair: Arc::new(pair.ok().ok_or(ClientKeyError::Unsuitable)?),
        })
    }

    /// Names the key as it is named in what the client has published (`kid`).
    #[must_use]
    pub fn with_key_id(mut self, id: &str) -> Self {
        self.id = Some(KeyId::new(id));
        self
    }

    /// What it signs with.
    #[cfg(feature = "client")]
    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// A JWT with these claims (RFC 7515 section 7.1).
    pub(super) fn signed(&self, claims: &impl Serialize) -> Option<Zeroizing<String>> {
        let header = Header {
            alg: self.algorithm.as_str(),
            typ: "client-authentication+jwt",
            kid: self.id.as_ref().map(KeyId::as_str),
        };
        let mut text = Zeroizing::new(encoded(&header)?);
        text.push('.');
        text.push_str(&encoded(claims)?);
        let signature = self.pair.sign(text.as_bytes())?;
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        Some(text)
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

fn encoded(part: &impl Serialize) -> Option<String> {
    let json = serde_json::to_vec(part).ok()?;
    Some(URL_SAFE_NO_PAD.encode(json))
}

impl Pair {
    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature)
                    .ok()?;
                Some(signature)
            }
            Self::Ecdsa(pair) => {
                let signature = pair.sign(&random, message).ok()?;
                Some(signature.as_ref().to_vec())
            }
            Self::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey")
            .field("algorithm", &self.algorithm)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
