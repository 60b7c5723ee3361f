//! Who signs a test token, or pretends to.

use std::sync::Arc;

use aws_lc_rs::hmac;

use super::keyring::NamedKey;
use super::keys::SigningKey;

#[derive(Clone)]
pub(super) enum Signer {
    /// The key that the header names.
    Named,
    /// Nobody: `alg` is `none`.
    Nobody,
    /// A shared secret, with this `alg`.
    Secret(String, Vec<u8>),
    /// Another key of the same algorithm, under the right name.
    Stranger,
    /// A key that is not published, under its own name.
    Unknown(String),
}

impl Signer {
    /// What the header says in `alg` if the token is made for `named`.
    pub(super) fn algorithm<'s>(&'s self, named: &NamedKey) -> &'s str {
        match self {
            Self::Nobody => "none",
            Self::Secret(algorithm, _) => algorithm,
            Self::Named | Self::Stranger | Self::Unknown(_) => named.key.algorithm().as_str(),
        }
    }

    /// What the header says in `kid`.
    pub(super) fn kid<'s>(&'s self, named: &'s NamedKey) -> &'s str {
        match self {
            Self::Unknown(kid) => kid,
            Self::Named | Self::Nobody | Self::Secret(..) | Self::Stranger => &named.kid,
        }
    }

    /// Signs; `stranger` is asked for a key only if one is needed.
    pub(super) fn sign(
        &self,
        named: &NamedKey,
        stranger: impl FnOnce() -> Arc<SigningKey>,
        message: &[u8],
    ) -> Vec<u8> {
        match self {
            Self::Named => named.key.sign(message),
            Self::Nobody => Vec::new(),
            Self::Secret(algorithm, secret) => mac(algorithm, secret, message),
            Self::Stranger | Self::Unknown(_) => stranger().sign(message),
        }
    }
}

fn mac(algorithm: &str, secret: &[u8], message: &[u8]) -> Vec<u8> {
    let hash = match algorithm {
        name if name.ends_with("384") => hmac::HMAC_SHA384,
        name if name.ends_with("512") => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    };
    hmac::sign(&hmac::Key::new(hash, secret), message)
        .as_ref()
        .to_vec()
}
