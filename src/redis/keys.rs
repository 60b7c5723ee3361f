//! Names of what is kept in Redis, and the key that nobody can read it without.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::secret::authenticated;

/// A key that all machines share which share data through Redis: 32 random bytes.
///
/// Who has Redis without it reads no issuer, subject, client or token there.
///
/// # Examples
/// ```
/// use clearance::redis::SharedKey;
///
/// // As `openssl rand -base64 32` writes it.
/// let key: SharedKey = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=".parse()?;
/// assert_eq!(format!("{key:?}"), "SharedKey(..)");
/// assert!("too short".parse::<SharedKey>().is_err());
/// # Ok::<(), clearance::redis::SharedKeyError>(())
/// ```
#[derive(Clone)]
pub struct SharedKey(Arc<Zeroizing<[u8; 32]>>);

/// The text is not 32 bytes in base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a shared key is 32 bytes, written in base64")]
#[non_exhaustive]
pub struct SharedKeyError;

impl SharedKey {
    /// The key of these bytes, which must come from a cryptographic random source.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Arc::new(Zeroizing::new(*bytes)))
    }

    /// A key for one use alone.
    fn derived(&self, label: &str) -> hmac::Tag {
        let own = hmac::Key::new(HMAC_SHA256, &**self.0);
        hmac::sign(&own, label.as_bytes())
    }
}

impl FromStr for SharedKey {
    type Err = SharedKeyError;

    /// Reads base64, with its usual or its URL-safe alphabet.
    fn from_str(text: &str) -> Result<Self, SharedKeyError> {
        let unpadded = || URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
        let bytes = STANDARD.decode(text).or_else(|_| unpadded());
        let bytes = Zeroizing::new(bytes.unwrap_or_default());
        let bytes = bytes.first_chunk().filter(|_| bytes.len() == 32);
        bytes.map(Self::from_bytes).ok_or(SharedKeyError)
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedKey(..)")
    }
}

/// The longest id of a guard.
const LONGEST_ID: usize = 64;

/// The names of one guard's data, and what makes it unreadable.
pub(super) struct Keys {
    guard: Box<str>,
    names: hmac::Key,
    seals: RandomizedNonceKey,
}

impl Keys {
    /// Nothing if `guard` is no id: letters, digits, `.`, `_` and `-`, at most 64.
    pub(super) fn new(guard: &str, key: &SharedKey) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_id = !guard.is_empty() && guard.len() <= LONGEST_ID && guard.bytes().all(fits);
        let names = key.derived("clearance redis names 1");
        let seals = key.derived("clearance redis seals 1");
        let seals = RandomizedNonceKey::new(&AES_256_GCM, seals.as_ref());
        is_id.then_some(Self {
            guard: guard.into(),
            names: hmac::Key::new(HMAC_SHA256, names.as_ref()),
            seals: seals.ok()?,
        })
    }

    /// The guard's id.
    pub(super) fn guard(&self) -> &str {
        &self.guard
    }

    /// A key of Redis. The id in braces is the hash tag, so that all of a guard's keys lie in one slot of
    /// a cluster.
    pub(super) fn key(&self, what: &str) -> String {
        format!("clearance:{{{}}}:{what}", self.guard)
    }

    /// A name that says nothing to those without the key: 43 characters, the same for the same parts.
    pub(super) fn code(&self, label: &str, parts: &[&[u8]]) -> String {
        let all = [label.as_bytes(), self.guard.as_bytes()];
        let parts = all.iter().chain(parts).copied();
        URL_SAFE_NO_PAD.encode(authenticated(&self.names, parts))
    }

    /// `text`, unreadable, as it stands under `name`. Nothing if there are no random bytes.
    pub(super) fn seal(&self, name: &str, mut text: Vec<u8>) -> Option<Vec<u8>> {
        let place = Aad::from([self.guard.as_bytes(), b":", name.as_bytes()].concat());
        let nonce = self.seals.seal_in_place_append_tag(place, &mut text);
        let nonce = nonce.ok()?;
        Some([nonce.as_ref().as_slice(), &text].concat())
    }

    /// What was sealed, if it was with this key, for this guard and this name.
    pub(super) fn open(&self, name: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let place = Aad::from([self.guard.as_bytes(), b":", name.as_bytes()].concat());
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.seals.open_in_place(nonce, place, &mut text).ok()?;
        let length = opened.len();
        text.truncate(length);
        Some(text)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(guard: &str, byte: u8) -> Keys {
        Keys::new(guard, &SharedKey::from_bytes(&[byte; 32])).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_alone() {
        let own = keys("files", 1);
        let sealed = own.seal("name", b"text".to_vec()).unwrap();
        assert_eq!(own.open("name", &sealed).unwrap().as_slice(), b"text");
        assert!(own.open("other", &sealed).is_none());
        assert!(keys("mail", 1).open("name", &sealed).is_none());
        assert!(keys("files", 2).open("name", &sealed).is_none());
        for length in 0..sealed.len() {
            assert!(own.open("name", &sealed[..length]).is_none());
        }
        for place in 0..sealed.len() {
            let mut forged = sealed.clone();
            forged[place] ^= 1;
            assert!(own.open("name", &forged).is_none());
        }
    }

    #[test]
    fn codes_keep_their_parts_apart() {
        let own = keys("files", 1);
        let code = own.code("l", &[b"ab", b"c"]);
        assert_eq!(code.len(), 43);
        assert_eq!(code, own.code("l", &[b"ab", b"c"]));
        for other in [
            own.code("l", &[b"a", b"bc"]),
            own.code("l", &[b"abc"]),
            own.code("la", &[b"b", b"c"]),
            keys("mail", 1).code("l", &[b"ab", b"c"]),
            keys("files", 2).code("l", &[b"ab", b"c"]),
        ] {
            assert_ne!(code, other);
        }
    }

    #[test]
    fn ids_stay_within_their_braces() {
        let key = SharedKey::from_bytes(&[1; 32]);
        for id in ["", "a}b", "{a", "a b", "a\nb", "ü", &"x".repeat(65)] {
            assert!(Keys::new(id, &key).is_none(), "{id}");
        }
        let longest = "x".repeat(64);
        for id in ["files", "a.b_c-D9", &longest] {
            assert!(Keys::new(id, &key).is_some(), "{id}");
        }
        assert_eq!(keys("files", 1).key("x"), "clearance:{files}:x");
    }
}
