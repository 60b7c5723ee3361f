//! What is kept.

use std::fmt;

use zeroize::Zeroizing;

/// Bytes that nobody may see. They are wiped from memory when this is dropped.
///
/// # Examples
/// ```
/// use clearance::client::store::SecretRecord;
///
/// let record = SecretRecord::new(b"a refresh token".to_vec());
/// assert_eq!(format!("{record:?}"), "SecretRecord(..)");
/// ```
#[derive(Clone)]
pub struct SecretRecord(Zeroizing<Vec<u8>>);

impl SecretRecord {
    /// Takes the bytes; they are not copied. Other copies are the caller's to wipe.
    pub fn new(bytes: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, for the place where they are kept and for nothing else.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretRecord(..)")
    }
}
