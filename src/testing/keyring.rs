//! The keys of one issuer: published, retired, and never published.

use std::sync::Arc;

use serde_json::{Value, json};

use super::keys::{Origin, SigningKey};
use crate::jwk::Algorithm;

/// Which of an issuer's keys a token names and is signed by.
#[derive(Clone, Debug)]
pub(super) enum KeyChoice {
    /// The key that a token gets if nothing is said.
    Current,
    /// The newest published key of an algorithm.
    Algorithm(Algorithm),
    /// A key by name, retired ones included.
    Kid(String),
}

#[derive(Debug)]
pub(super) struct Keyring {
    primary: Algorithm,
    published: Vec<NamedKey>,
    // Kept, so that a test can go on signing with a key that is no longer published, and so that
    // no other key gets the same pair.
    retired: Vec<NamedKey>,
    strangers: Vec<Arc<SigningKey>>,
    made: usize,
}

#[derive(Clone, Debug)]
pub(super) struct NamedKey {
    pub(super) kid: String,
    pub(super) key: Arc<SigningKey>,
}

impl Keyring {
    /// An empty keyring, whose tokens are signed with `primary` unless something else is said.
    pub(super) fn new(primary: Algorithm) -> Self {
        let (published, retired, strangers) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            primary,
            published,
            retired,
            strangers,
            made: 0,
        }
    }

    /// Publishes `key` under a new name.
    pub(super) fn publish(&mut self, key: SigningKey) -> NamedKey {
        self.made = self.made.saturating_add(1);
        let kid = format!(
            "{}-{}",
            key.algorithm().as_str().to_ascii_lowercase(),
            self.made
        );
        let named = NamedKey {
            kid,
            key: Arc::new(key),
        };
        self.published.push(named.clone());
        named
    }

    pub(super) fn add(&mut self, algorithm: Algorithm) -> NamedKey {
        self.publish(make(algorithm, Origin::Unused))
    }

    pub(super) fn rotate(&mut self, algorithm: Algorithm) -> NamedKey {
        let fresh = make(algorithm, Origin::Fresh);
        let old = self
            .published
            .extract_if(.., |named| named.key.algorithm() == algorithm);
        self.retired.extend(old);
        self.publish(fresh)
    }

    pub(super) fn retire(&mut self, kid: &str) -> bool {
        let before = self.retired.len();
        self.retired
            .extend(self.published.extract_if(.., |named| named.kid == kid));
        self.retired.len() > before
    }

    /// The newest published key of `algorithm`.
    pub(super) fn newest(&self, algorithm: Algorithm) -> Option<&NamedKey> {
        self.published
            .iter()
            .rfind(|named| named.key.algorithm() == algorithm)
    }

    /// The key called `kid`, published or retired.
    pub(super) fn by_kid(&self, kid: &str) -> Option<&NamedKey> {
        self.published
            .iter()
            .chain(&self.retired)
            .find(|named| named.kid == kid)
    }

    /// The key that `choice` means.
    pub(super) fn choose(&mut self, choice: &KeyChoice) -> NamedKey {
        let found = match choice {
            KeyChoice::Current => self
                .newest(self.primary)
                .or_else(|| self.published.last())
                .or_else(|| self.retired.last()),
            KeyChoice::Algorithm(algorithm) => self.newest(*algorithm),
            KeyChoice::Kid(kid) => self.by_kid(kid),
        };
        match (found.cloned(), choice) {
            (Some(named), _) => named,
            (None, KeyChoice::Current) => self.add(self.primary),
            (None, KeyChoice::Algorithm(algorithm)) => self.add(*algorithm),
            (None, KeyChoice::Kid(kid)) => NamedKey {
                kid: kid.clone(),
                key: self.stranger(self.primary),
            },
        }
    }

    /// A key of `algorithm` that is never published.
    pub(super) fn stranger(&mut self, algorithm: Algorithm) -> Arc<SigningKey> {
        let known = self
            .strangers
            .iter()
            .find(|key| key.algorithm() == algorithm);
        if let Some(key) = known {
            return Arc::clone(key);
        }
        let key = Arc::new(make(algorithm, Origin::Unused));
        self.strangers.push(Arc::clone(&key));
        key
    }

    /// The published keys as a JWK set.
    pub(super) fn jwks(&self) -> String {
        let keys: Vec<Value> = self
            .published
            .iter()
            .map(|named| named.key.jwk(&named.kid))
            .collect();
        json!({ "keys": keys }).to_string()
    }
}

fn make(algorithm: Algorithm, origin: Origin) -> SigningKey {
    SigningKey::generate(algorithm, origin).unwrap_or_else(|_| SigningKey::absent(algorithm))
}
