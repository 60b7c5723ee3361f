//! Why an issuer gave no answer that counts.

use std::error::Error;

use super::address::ForbiddenAddress;

/// Why nothing came that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchError {
    Address,
    Connection,
    Document,
    Issuer,
    Origin,
    Scheme,
    Size,
    Status,
    Time,
}

impl FetchError {
    /// A stable code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Address => "forbidden_address",
            Self::Connection => "connection_failed",
            Self::Document => "malformed_metadata",
            Self::Issuer => "issuer_mismatch",
            Self::Origin => "redirected_elsewhere",
            Self::Scheme => "unacceptable_url",
            Self::Size => "document_too_large",
            Self::Status => "unexpected_status",
            Self::Time => "time_limit_exceeded",
        }
    }

    /// Why nothing was received.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if error.is::<ForbiddenAddress>() {
                return Self::Address;
            }
            cause = error.source();
        }
        Self::Connection
    }
}
