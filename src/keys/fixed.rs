//! Keys that are given, not fetched: for servers without a way out.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::id::Issuer;
use crate::jwk::{Algorithm, KeySet, KeySetError};
use crate::secret::read_file;

/// The longest file that is read, in bytes.
const LONGEST: usize = 1024 * 1024;

/// A key set that is given once, as JSON text or a file.
///
/// It never changes while the guard lives: a rotation needs a new guard.
///
/// # Examples
/// ```
/// use clearance::keys::FixedKeys;
///
/// let keys = FixedKeys::from_json(r#"{"keys":[]}"#);
/// # let _ = keys;
/// ```
#[derive(Clone)]
pub struct FixedKeys {
    document: Arc<[u8]>,
}

impl FixedKeys {
    /// The key set in this text: a JWK Set (RFC 7517 section 5). It is read by the guard's `build`.
    pub fn from_json(document: impl AsRef<[u8]>) -> Self {
        Self {
            document: document.as_ref().into(),
        }
    }

    /// The key set in this file.
    ///
    /// # Errors
    /// When the file cannot be read, is longer than 1 MiB, or is no file but a pipe, a device or a
    /// directory.
    pub fn from_file(path: impl AsRef<Path>) -> io::Result<Self> {
        let document = read_file(path.as_ref(), LONGEST)?;
        Ok(Self::from_json(document))
    }

    pub(crate) fn load(
        &self,
        issuer: Issuer,
        allowed: &[Algorithm],
    ) -> Result<KeySet, KeySetError> {
        KeySet::parse(issuer, &self.document, allowed)
    }
}

impl fmt::Debug for FixedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixedKeys")
            .field("bytes", &self.document.len())
            .finish()
    }
}
