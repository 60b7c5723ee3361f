//! The one place that calls the crypto backend to check a signature.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
};

use super::Algorithm;
use super::weak::Material;

/// A key that was parsed once, when its set arrived, for one algorithm.
#[derive(Debug)]
pub(super) struct VerifyingKey {
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// The key for `algorithm`, if the material is of its kind and the backend takes it.
    pub(super) fn new(material: &Material, algorithm: Algorithm) -> Option<Self> {
        let key = match material {
            Material::Rsa { n, e } => RsaPublicKeyComponents { n, e }
                .to_parsed_public_key(rsa_parameters(algorithm)?)
                .ok()?,
            Material::Point {
                algorithm: of_curve,
                point,
            } => {
                if *of_curve != algorithm {
                    return None;
                }
                match algorithm {
                    Algorithm::ES256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point),
                    Algorithm::ES384 => ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point),
                    Algorithm::ES512 => ParsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point),
                    Algorithm::EdDSA
                    | Algorithm::PS256
                    | Algorithm::PS384
                    | Algorithm::PS512
                    | Algorithm::RS256
                    | Algorithm::RS384
                    | Algorithm::RS512 => return None,
                }
                .ok()?
            }
            Material::Ed25519(key) => {
                if algorithm != Algorithm::EdDSA {
                    return None;
                }
                ParsedPublicKey::new(&ED25519, key).ok()?
            }
        };
        Some(Self { algorithm, key })
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature` is this key's over `message`.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::PS256 => Some(&RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Some(&RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Some(&RSA_PSS_2048_8192_SHA512),
        Algorithm::RS256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::ES512 | Algorithm::EdDSA => None,
    }
}
