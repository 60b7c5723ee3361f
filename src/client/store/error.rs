//! Why a store could not do it.

use std::io;

/// Why a store could not do what it was asked for. What it holds is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A record is there and is not what was once written. It stays where it is until it is removed.
    #[error("the stored record is damaged")]
    Damaged,
    /// The system refuses.
    #[error("the system refuses: {0}")]
    Io(io::ErrorKind),
    /// Others than its owner may enter the directory.
    #[error("the directory of the store is open to others than its owner")]
    NotPrivate,
    /// A record is larger than the store takes.
    #[error("the record is too large")]
    TooLarge,
    /// Another version of this library wrote the record, or another program. It stays where it is until it
    /// is removed.
    #[error("the stored record is of another version")]
    Version,
}

impl StoreError {
    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Damaged => "damaged_record",
            Self::Io(_) => "store_refused",
            Self::NotPrivate => "store_not_private",
            Self::TooLarge => "record_too_large",
            Self::Version => "record_version",
        }
    }
}

impl From<io::Error> for StoreError {
    /// The texts of the system name paths, and paths name people: only the kind is kept.
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}
