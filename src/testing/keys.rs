//! Key pairs that sign test tokens.

use std::sync::{Arc, Mutex, Once, PoisonError};
use std::{fmt, io};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, crypto};
use serde_json::{Value, json};

use crate::jwk::Algorithm;

/// aws-lc-rs writes RSA keys as PKCS#8, jsonwebtoken reads PKCS#1, which is what is left of a
/// 2048-bit key after the wrapping of this length.
const PKCS8_WRAPPING_OF_RSA_2048: usize = 26;

/// RSA keys of this process, to be used again once no issuer holds them: making one takes long.
static RSA_POOL: Mutex<Vec<Arc<Pair>>> = Mutex::new(Vec::new());

/// A private key with its public half. The halves of one RSA pair may serve several algorithms.
struct Pair {
    private: Private,
    /// The members of the JWK that describe the public key.
    members: Vec<(&'static str, String)>,
    /// `SubjectPublicKeyInfo`.
    der: Vec<u8>,
    /// PKCS#1 for RSA, the uncompressed point for EC, the 32 bytes for Ed25519.
    raw: Vec<u8>,
}

enum Private {
    Jsonwebtoken(EncodingKey),
    // jsonwebtoken knows no P-521.
    P521(EcdsaKeyPair),
    Absent,
}

/// Where the pair of a new key may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Never used before in this process.
    Fresh,
    /// Not used by any other key that still exists.
    Unused,
}

/// A key pair bound to one algorithm.
pub(super) struct SigningKey {
    algorithm: Algorithm,
    pair: Arc<Pair>,
}

impl SigningKey {
    /// Makes a key.
    ///
    /// # Errors
    /// If the crypto library fails, for instance for want of random numbers.
    pub(super) fn generate(algorithm: Algorithm, origin: Origin) -> io::Result<Self> {
        let pair = match algorithm {
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512 => rsa_pair(origin)?,
            Algorithm::ES256 => Arc::new(Pair::ec(
                "P-256",
                &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            )?),
            Algorithm::ES384 => Arc::new(Pair::ec(
                "P-384",
                &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            )?),
            Algorithm::ES512 => Arc::new(Pair::ec(
                "P-521",
                &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
            )?),
            Algorithm::EdDSA => Arc::new(Pair::ed25519()?),
        };
        let key = Self { algorithm, pair };
        // Signing once here means that signing a token later has no reason to fail.
        match key.try_sign(b"clearance") {
            Some(_) => Ok(key),
            None => Err(failed("a new key does not sign")),
        }
    }

    /// A key that signs with no bytes at all and publishes nothing, for when the crypto library
    /// has failed: whatever it signs is refused.
    pub(super) fn absent(algorithm: Algorithm) -> Self {
        let (members, der, raw) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            algorithm,
            pair: Arc::new(Pair {
                private: Private::Absent,
                members,
                der,
                raw,
            }),
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The signature of `message`; empty if the crypto library fails.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.try_sign(message).unwrap_or_default()
    }

    fn try_sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.pair.private {
            Private::Jsonwebtoken(key) => {
                use_aws_lc();
                let text = crypto::sign(message, key, judge_algorithm(self.algorithm)?).ok()?;
                URL_SAFE_NO_PAD.decode(text).ok()
            }
            Private::P521(key) => {
                let signed = key.sign(&SystemRandom::new(), message).ok()?;
                Some(signed.as_ref().to_vec())
            }
            Private::Absent => None,
        }
    }

    /// The public key as a JWK for signatures.
    pub(super) fn jwk(&self, kid: &str) -> Value {
        let mut jwk = json!({ "kid": kid, "alg": self.algorithm.as_str(), "use": "sig" });
        if let Some(members) = jwk.as_object_mut() {
            for (name, value) in &self.pair.members {
                members.insert((*name).to_owned(), Value::String(value.clone()));
            }
        }
        jwk
    }

    pub(super) fn der(&self) -> &[u8] {
        &self.pair.der
    }

    pub(super) fn raw(&self) -> &[u8] {
        &self.pair.raw
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl Pair {
    fn ec(curve: &str, algorithm: &'static EcdsaSigningAlgorithm) -> io::Result<Self> {
        let key = EcdsaKeyPair::generate(algorithm).map_err(failed)?;
        let public = key.public_key();
        let der: PublicKeyX509Der<'_> = public.as_der().map_err(failed)?;
        let raw = public.as_ref().to_vec();
        // The uncompressed form: one byte, then two halves of one length.
        let point = raw
            .get(1..)
            .ok_or_else(|| failed("a public key without a point"))?;
        let (x, y) = point.split_at_checked(point.len() / 2).unwrap_or_default();
        let members = vec![
            ("kty", "EC".to_owned()),
            ("crv", curve.to_owned()),
            ("x", URL_SAFE_NO_PAD.encode(x)),
            ("y", URL_SAFE_NO_PAD.encode(y)),
        ];
        let der = der.as_ref().to_vec();
        let private = if curve == "P-521" {
            Private::P521(key)
        } else {
            let pkcs8 = key.to_pkcs8v1().map_err(failed)?;
            Private::Jsonwebtoken(EncodingKey::from_ec_der(pkcs8.as_ref()))
        };
        Ok(Self {
            private,
            members,
            der,
            raw,
        })
    }

    fn ed25519() -> io::Result<Self> {
        let key = Ed25519KeyPair::generate().map_err(failed)?;
        let public = key.public_key();
        let der: PublicKeyX509Der<'_> = public.as_der().map_err(failed)?;
        let pkcs8 = key.to_pkcs8v1().map_err(failed)?;
        let members = vec![
            ("kty", "OKP".to_owned()),
            ("crv", "Ed25519".to_owned()),
            ("x", URL_SAFE_NO_PAD.encode(public.as_ref())),
        ];
        Ok(Self {
            private: Private::Jsonwebtoken(EncodingKey::from_ed_der(pkcs8.as_ref())),
            members,
            der: der.as_ref().to_vec(),
            raw: public.as_ref().to_vec(),
        })
    }

    fn rsa() -> io::Result<Self> {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
        let public = key.public_key();
        let der: PublicKeyX509Der<'_> = public.as_der().map_err(failed)?;
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(failed)?;
        let pkcs1 = pkcs8
            .as_ref()
            .get(PKCS8_WRAPPING_OF_RSA_2048..)
            .unwrap_or_default();
        let modulus = public.modulus();
        let exponent = public.exponent();
        let members = vec![
            ("kty", "RSA".to_owned()),
            (
                "n",
                URL_SAFE_NO_PAD.encode(modulus.big_endian_without_leading_zero()),
            ),
            (
                "e",
                URL_SAFE_NO_PAD.encode(exponent.big_endian_without_leading_zero()),
            ),
        ];
        Ok(Self {
            private: Private::Jsonwebtoken(EncodingKey::from_rsa_der(pkcs1)),
            members,
            der: der.as_ref().to_vec(),
            raw: public.as_ref().to_vec(),
        })
    }
}

/// Two issuers that live at the same time never share a pair: a guard that takes the one's tokens
/// for the other's would go unnoticed.
fn rsa_pair(origin: Origin) -> io::Result<Arc<Pair>> {
    let pool = || RSA_POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if origin == Origin::Unused {
        // Cloned under the lock, so that the next caller sees it in use.
        if let Some(unused) = pool().iter().find(|pair| Arc::strong_count(pair) == 1) {
            return Ok(Arc::clone(unused));
        }
    }
    let pair = Arc::new(Pair::rsa()?);
    pool().push(Arc::clone(&pair));
    Ok(pair)
}

/// The name that jsonwebtoken has for `algorithm`.
pub(super) const fn judge_algorithm(algorithm: Algorithm) -> Option<jsonwebtoken::Algorithm> {
    Some(match algorithm {
        Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::RS384 => jsonwebtoken::Algorithm::RS384,
        Algorithm::RS512 => jsonwebtoken::Algorithm::RS512,
        Algorithm::PS256 => jsonwebtoken::Algorithm::PS256,
        Algorithm::PS384 => jsonwebtoken::Algorithm::PS384,
        Algorithm::PS512 => jsonwebtoken::Algorithm::PS512,
        Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::ES384 => jsonwebtoken::Algorithm::ES384,
        Algorithm::EdDSA => jsonwebtoken::Algorithm::EdDSA,
        Algorithm::ES512 => return None,
    })
}

/// jsonwebtoken panics at its first use where a build switches on both of its backends and none
/// was chosen.
pub(super) fn use_aws_lc() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Refused if the process has chosen a provider itself; that one will do, too.
        crypto::aws_lc::DEFAULT_PROVIDER.install_default().ok();
    });
}

fn failed(reason: impl fmt::Display) -> io::Error {
    io::Error::other(format!("cannot make a test key: {reason}"))
}
