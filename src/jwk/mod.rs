//! Keys of an issuer, parsed once when the set arrives.
//!
//! A set belongs to one issuer and verifies nothing else's tokens. Each published key is parsed
//! alone: one that is weak, foreign or meant for something else is skipped and never verifies, and
//! the others stay usable (RFC 7517 section 5).
//!
//! Layer L1: pure, no I/O.

mod algorithm;
#[cfg(test)]
mod tests;
mod thumbprint;
mod verify;
mod weak;

pub use algorithm::Algorithm;

pub(crate) use thumbprint::Thumbprint;

use jsonwebtoken::jwk::Jwk;
use serde_json::Value;

use crate::id::{Issuer, KeyId};
use verify::VerifyingKey;

/// The longest key name that is looked up or stored, in bytes.
pub(crate) const LONGEST_KEY_ID: usize = 256;

/// The most keys that a set may publish.
const MOST_KEYS: usize = 64;

/// The most keys that are tried for one token.
const MOST_TRIES: usize = 4;

/// The keys of one issuer that may verify a token's signature.
///
/// # Proves
/// That the configured source of this issuer published these keys, and that each is strong enough
/// for the algorithm it stands for. Only [`keys`](crate::keys) makes one.
///
/// # Specification
/// [RFC 7517](https://www.rfc-editor.org/rfc/rfc7517)
#[derive(Debug)]
pub struct KeySet {
    issuer: Issuer,
    /// Sorted by name, those without a name first.
    keys: Vec<Named>,
    /// Of all keys, sorted, each once.
    thumbprints: Vec<Thumbprint>,
    skipped: usize,
}

#[derive(Debug)]
struct Named {
    id: Option<KeyId>,
    thumbprint: Thumbprint,
    key: VerifyingKey,
}

/// The key that made a signature.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signer<'k> {
    /// The name under which it is published, if it has one.
    pub(crate) id: Option<&'k KeyId>,
    pub(crate) thumbprint: Thumbprint,
}

/// Why a document is not a key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// It is not a JSON object with an array `keys` (RFC 7517 section 5).
    #[error("not a JSON object with an array `keys`")]
    NotAKeySet,
    /// It has more than 64 keys.
    #[error("more than 64 keys")]
    TooManyKeys,
}

/// Why no key of a set accepts a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyError {
    /// More than four keys could be meant, because the token names none.
    Ambiguous,
    /// A key was found and the signature is not its own.
    BadSignature,
    /// The named key is not for this algorithm.
    Unsuitable,
    /// No such key is in the set.
    Unknown,
}

impl KeySet {
    /// Reads a key set of `issuer` and parses its keys for the algorithms in `allowed`.
    pub(crate) fn parse(
        issuer: Issuer,
        document: &[u8],
        allowed: &[Algorithm],
    ) -> Result<Self, KeySetError> {
        let mut document: Value = serde_json::from_slice(document)
            .ok()
            .ok_or(KeySetError::NotAKeySet)?;
        let Some(Value::Array(entries)) = document.get_mut("keys").map(Value::take) else {
            return Err(KeySetError::NotAKeySet);
        };
        if entries.len() > MOST_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut keys = Vec::new();
        let mut skipped = 0_usize;
        for entry in entries {
            let parsed = parse_key(entry, allowed);
            if parsed.is_empty() {
                skipped = skipped.saturating_add(1);
            }
            keys.extend(parsed);
        }
        keys.sort_by(|a, b| a.id.cmp(&b.id));
        let mut thumbprints: Vec<_> = keys.iter().map(|named| named.thumbprint).collect();
        thumbprints.sort_unstable();
        thumbprints.dedup();
        Ok(Self {
            issuer,
            keys,
            thumbprints,
            skipped,
        })
    }

    /// Whose keys these are.
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Whether no key can verify anything.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys can verify, each algorithm counted.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// How many published keys were skipped, because they are weak, foreign or for another use.
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    /// Whether this key is in the set, under whatever name. It costs a search among at most 64.
    pub(crate) fn has(&self, key: &Thumbprint) -> bool {
        self.thumbprints.binary_search(key).is_ok()
    }

    /// Whether a token that names `id` could be verified without asking the issuer again.
    pub(crate) fn knows(&self, id: Option<&str>, algorithm: Algorithm) -> bool {
        match id {
            Some(id) => !self.named(id).is_empty(),
            None => self
                .keys
                .iter()
                .any(|named| named.key.algorithm() == algorithm),
        }
    }

    /// Checks a signature with the keys that the token may mean, and returns the one that
    /// made it.
    pub(crate) fn verify(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<Signer<'_>, KeyError> {
        let candidates = match id {
            Some(id) => self.named(id),
            None => &self.keys,
        };
        if candidates.is_empty() {
            return Err(KeyError::Unknown);
        }
        let fitting = || {
            candidates
                .iter()
                .filter(|named| named.key.algorithm() == algorithm)
        };
        match fitting().count() {
            0 if id.is_none() => return Err(KeyError::Unknown),
            0 => return Err(KeyError::Unsuitable),
            1..=MOST_TRIES => {}
            _ => return Err(KeyError::Ambiguous),
        }
        fitting()
            .find(|named| named.key.verifies(message, signature))
            .map(|named| Signer {
                id: named.id.as_ref(),
                thumbprint: named.thumbprint,
            })
            .ok_or(KeyError::BadSignature)
    }

    fn named(&self, id: &str) -> &[Named] {
        let start = self
            .keys
            .partition_point(|named| named.id.as_ref().is_none_or(|known| known.as_str() < id));
        let rest = self.keys.get(start..).unwrap_or_default();
        let end = rest
            .partition_point(|named| named.id.as_ref().is_some_and(|known| known.as_str() == id));
        rest.get(..end).unwrap_or_default()
    }
}

/// All that one published key can verify with: an RSA key without `alg` may serve several
/// algorithms. Nothing, if the key must not be used.
fn parse_key(entry: Value, allowed: &[Algorithm]) -> Vec<Named> {
    // RFC 7517 section 9.2: a set that shows a private key has lost it.
    let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    if private.iter().any(|member| entry.get(member).is_some()) {
        return Vec::new();
    }
    // The model knows fewer names of algorithms than there are; the text decides.
    let member = match entry.get("alg") {
        None => None,
        Some(Value::String(name)) => Some(name.clone()),
        Some(_) => return Vec::new(),
    };
    let Ok(jwk) = serde_json::from_value::<Jwk>(entry) else {
        return Vec::new();
    };
    let id = match jwk.common.key_id.as_deref() {
        Some(id) if id.len() > LONGEST_KEY_ID => return Vec::new(),
        Some(id) => Some(KeyId::new(id)),
        None => None,
    };
    if !weak::is_for_signatures(&jwk.common) {
        return Vec::new();
    }
    let Some(material) = weak::material(&jwk.algorithm) else {
        return Vec::new();
    };
    let Some(thumbprint) = Thumbprint::of(&material) else {
        return Vec::new();
    };
    allowed
        .iter()
        .filter(|algorithm| {
            member
                .as_deref()
                .is_none_or(|name| algorithm.as_str() == name)
        })
        .filter_map(|&algorithm| VerifyingKey::new(&material, algorithm))
        .map(|key| Named {
            id: id.clone(),
            thumbprint,
            key,
        })
        .collect()
}
