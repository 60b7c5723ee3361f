//! How subjects are written.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::text;
use crate::id::{Issuer, Subject};

/// A key by which subjects are hashed before they are written down: 32 random bytes.
///
/// Under one key a subject of an issuer has one hash, so that its events can be found together; without
/// the key nobody can say whose they are.
///
/// # Examples
/// ```
/// use clearance::audit::SubjectKey;
///
/// let key = SubjectKey::from_bytes(&[7; 32]);
/// assert_eq!(format!("{key:?}"), "SubjectKey(..)");
/// ```
#[derive(Clone)]
pub struct SubjectKey(Arc<hmac::Key>);

impl SubjectKey {
    /// The key of these bytes, which must come from a cryptographic random source.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Arc::new(hmac::Key::new(HMAC_SHA256, bytes)))
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectKey(..)")
    }
}

/// How much of a hash is written: nobody meets another subject with the same by chance.
const WRITTEN: usize = 16;

/// Subjects as they are written.
#[derive(Clone, Debug, Default)]
pub(super) enum SubjectForm {
    /// As they are.
    #[default]
    Plain,
    Hashed(SubjectKey),
}

impl SubjectForm {
    pub(super) fn of(&self, issuer: &Issuer, subject: &Subject) -> String {
        match self {
            Self::Plain => text::name(subject.as_str()),
            Self::Hashed(SubjectKey(key)) => {
                let mut context = hmac::Context::with_key(key);
                let issuer = issuer.as_str();
                // With its length, so that no issuer can be continued by its subject.
                let length = u64::try_from(issuer.len()).unwrap_or(u64::MAX);
                context.update(&length.to_le_bytes());
                context.update(issuer.as_bytes());
                context.update(subject.as_str().as_bytes());
                let tag = context.sign();
                let written = tag.as_ref().get(..WRITTEN).unwrap_or_default();
                URL_SAFE_NO_PAD.encode(written)
            }
        }
    }
}
