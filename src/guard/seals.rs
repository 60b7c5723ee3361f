//! Seals are opened by proofs.

use crate::authorized::Authorized;
use crate::scope::Set;
use crate::session::{OpenError, Purpose, Seal, SealError, Sealed};

impl<P: Purpose> Seal<P> {
    /// Seals `content` for the caller who holds the proof.
    ///
    /// `request` is what it may come back with, such as `tools/call delete_file`; a value that may come
    /// back with any request of its owner has the empty one.
    ///
    /// # Errors
    /// [`SealError`] if the content is no JSON.
    pub fn seal<S: Set>(
        &self,
        auth: &Authorized<S>,
        request: &str,
        content: &P::Content,
    ) -> Result<Sealed<P>, SealError> {
        self.seal_for(auth.verified(), request, content)
    }

    /// What was sealed, if the caller who holds the proof is its owner, `request` is the one that it was
    /// sealed for, and its time is not over.
    ///
    /// # Errors
    /// [`OpenError`], which does not say what was wrong.
    pub fn open<S: Set>(
        &self,
        auth: &Authorized<S>,
        request: &str,
        sealed: &Sealed<P>,
    ) -> Result<P::Content, OpenError> {
        self.open_for(auth.verified(), request, sealed)
    }
}
