//! Evidence that runtime parts hand out. It carries the token that it is about.

/// Evidence that `T` was not revoked when `lifecycle` was asked.
///
/// It holds what it speaks of, so it cannot serve another token. Only a guard obtains one.
#[derive(Debug)]
#[must_use = "evidence that nobody consumes proves nothing"]
pub struct Live<T>(T);

/// Evidence that `T`'s principal was within its quota, which was charged for it.
///
/// It holds what it speaks of, so it cannot serve another token. Only a guard obtains one.
#[derive(Debug)]
#[must_use = "evidence that nobody consumes proves nothing"]
pub struct Permit<T>(T);

impl<T> Live<T> {
    /// Only `lifecycle` calls this.
    pub(crate) const fn attest(of: T) -> Self {
        Self(of)
    }

    pub(crate) const fn of(&self) -> &T {
        &self.0
    }

    pub(crate) fn into_token(self) -> T {
        self.0
    }
}

impl<T> Permit<T> {
    /// Only `limit` calls this.
    pub(crate) const fn attest(of: T) -> Self {
        Self(of)
    }

    pub(crate) fn into_live(self) -> T {
        self.0
    }
}

/// Evidence that the issuer of `T` was asked about it, and what it answered.
///
/// It holds what it speaks of, so it cannot serve another token. Only a guard obtains one.
#[cfg(feature = "fetch")]
#[must_use = "evidence that nobody consumes proves nothing"]
pub(crate) struct Answered<T> {
    of: T,
    answer: std::sync::Arc<[u8]>,
}

#[cfg(feature = "fetch")]
impl<T> Answered<T> {
    /// Only `lifecycle` calls this.
    pub(crate) const fn attest(of: T, answer: std::sync::Arc<[u8]>) -> Self {
        Self { of, answer }
    }

    /// How many bytes were answered.
    pub(crate) fn len(&self) -> usize {
        self.answer.len()
    }

    pub(super) fn into_parts(self) -> (T, std::sync::Arc<[u8]>) {
        (self.of, self.answer)
    }
}
