//! Keys, and what is authenticated with them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::hmac::{self, HMAC_SHA256, Tag};
use aws_lc_rs::rand::SystemRandom;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::secret::is_same;
use crate::token::Verified;

/// A key that seals what clients carry: 32 random bytes.
///
/// # Examples
/// ```
/// use clearance::session::SealKey;
///
/// // As `openssl rand -base64 32` writes it.
/// let key: SealKey = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=".parse()?;
/// assert_eq!(format!("{key:?}"), "SealKey(..)");
/// assert!("too short".parse::<SealKey>().is_err());
/// # Ok::<(), clearance::session::SealKeyError>(())
/// ```
#[derive(Clone)]
pub struct SealKey(hmac::Key);

/// The text is not 32 bytes in base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a seal key is 32 bytes, written in base64")]
#[non_exhaustive]
pub struct SealKeyError;

impl SealKey {
    /// The key of these bytes, which must come from a cryptographic random source.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, bytes))
    }
}

impl FromStr for SealKey {
    type Err = SealKeyError;

    /// Reads base64, with its usual or its URL-safe alphabet.
    fn from_str(text: &str) -> Result<Self, SealKeyError> {
        let unpadded = || URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
        let bytes = STANDARD.decode(text).or_else(|_| unpadded());
        let bytes = Zeroizing::new(bytes.unwrap_or_default());
        let bytes = bytes.first_chunk().filter(|_| bytes.len() == 32);
        bytes.map(Self::from_bytes).ok_or(SealKeyError)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(..)")
    }
}

/// The keys that seal what clients carry: the first one seals, all of them open.
///
/// All machines that serve one resource need the same keys. To change them, put the new key first on
/// every machine *as the second one*, then first, and drop the old one when what it sealed is over.
///
/// # Examples
/// ```
/// use clearance::session::{SealKey, SealKeys};
///
/// let (new, old) = (SealKey::from_bytes(&[1; 32]), SealKey::from_bytes(&[2; 32]));
/// let keys = SealKeys::from([new, old]);
/// # let _ = keys;
/// ```
///
/// There is no such thing as no key:
/// ```compile_fail,E0080
/// clearance::session::SealKeys::from([]);
/// ```
#[derive(Clone)]
pub struct SealKeys(Arc<[SealKey]>);

impl SealKeys {
    /// A key that nobody else has and nobody will have: what it sealed is over when the process ends.
    ///
    /// With several machines, or when clients should keep their sessions over a restart, use
    /// [`SealKeys::from`].
    pub fn this_process_only() -> Self {
        let key = hmac::Key::generate(HMAC_SHA256, &SystemRandom::new());
        // Without random bytes there is no key. What needs one is not built then.
        Self(key.into_iter().map(SealKey).collect())
    }

    /// These keys: the first one seals.
    pub(crate) fn in_order(first: SealKey, rest: Vec<SealKey>) -> Self {
        Self(std::iter::once(first).chain(rest).collect())
    }

    /// Whether there is none, for want of random bytes.
    #[cfg(feature = "axum")]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What authenticates `parts` for the owner of a token, by the first key; nothing if there is
    /// none.
    pub(super) fn seal(&self, label: &str, owner: &Verified, parts: &[&[u8]]) -> Option<Tag> {
        let SealKey(first) = self.0.first()?;
        Some(hmac::sign(first, &written(label, owner, parts)))
    }

    /// Whether `tag` authenticates `parts` for the owner of a token, by any of the keys.
    pub(super) fn opens(&self, label: &str, owner: &Verified, parts: &[&[u8]], tag: &[u8]) -> bool {
        let text = written(label, owner, parts);
        // All of them, so that the time says nothing about which.
        self.0.iter().fold(false, |found, SealKey(key)| {
            let own = hmac::sign(key, &text);
            found | is_same(own.as_ref(), tag)
        })
    }
}

/// How long most of what is sealed is, with its owner.
const USUAL: usize = 512;

/// Every text with its length before it, so that none can be continued by the next.
fn written(label: &str, owner: &Verified, others: &[&[u8]]) -> Vec<u8> {
    let principal = owner.principal();
    let owner = [
        label,
        principal.issuer.as_str(),
        principal.subject.as_str(),
        principal.client.as_str(),
        owner.rules().resource.as_str(),
    ];
    let parts = owner.iter().map(|part| part.as_bytes());
    let parts = parts.chain(others.iter().copied());
    let mut text = Vec::with_capacity(USUAL);
    for part in parts {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        text.extend_from_slice(&length.to_le_bytes());
        text.extend_from_slice(part);
    }
    text
}

impl From<SealKey> for SealKeys {
    fn from(key: SealKey) -> Self {
        Self(Arc::new([key]))
    }
}

impl<const N: usize> From<[SealKey; N]> for SealKeys {
    fn from(keys: [SealKey; N]) -> Self {
        const { assert!(N > 0, "without a key nothing can be sealed") };
        Self(Arc::new(keys))
    }
}

impl fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKeys(..)")
    }
}
