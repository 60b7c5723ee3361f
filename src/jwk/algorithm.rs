//! Signature algorithms: the allow-list and its names.

use std::fmt;

/// A signature algorithm that a token may use.
///
/// Symmetric algorithms and `none` are not here, so no configuration can allow them.
///
/// # Specification
/// [RFC 7518 section 3.1](https://www.rfc-editor.org/rfc/rfc7518#section-3.1),
/// [RFC 8037 section 3.1](https://www.rfc-editor.org/rfc/rfc8037#section-3.1)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    ES256,
    /// ECDSA with P-384 and SHA-384.
    ES384,
    /// ECDSA with P-521 and SHA-512. Must be allowed by name.
    ES512,
    /// Ed25519.
    EdDSA,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384. Must be allowed by name.
    PS384,
    /// RSASSA-PSS with SHA-512. Must be allowed by name.
    PS512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384. Must be allowed by name.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512. Must be allowed by name.
    RS512,
}

impl Algorithm {
    /// Every algorithm that can be allowed.
    pub const ALL: [Self; 10] = [
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::RS256,
        Self::RS384,
        Self::RS512,
    ];

    /// The algorithms that an issuer may use when nothing is said.
    pub const STANDARD: [Self; 5] = [
        Self::RS256,
        Self::PS256,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// The name in `alg`, which is compared with case.
    ///
    /// # Examples
    /// ```
    /// use clearance::jwk::Algorithm;
    ///
    /// assert_eq!(Algorithm::ES256.as_str(), "ES256");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
        }
    }

    /// The algorithm called `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
