//! As whom a client is known to an issuer.

use std::fmt;

use chrono::{DateTime, Utc};

use super::super::redirect_uri::RedirectUri;
use crate::credentials::ClientAuthentication;
use crate::id::{ClientId, Issuer};

/// How a client came to be known to an authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationMethod {
    /// By hand; the application has brought what it was given.
    PreRegistered,
    /// It shows the URL of its metadata document (OAuth Client ID Metadata Document).
    MetadataDocument,
    /// It has registered itself (RFC 7591).
    Dynamic,
    /// Not at all: the assertion that it shows says who it is (RFC 7521 section 6.3.1).
    Unregistered,
}

/// As whom a client is known to one issuer, and how it proves that it is that client.
///
/// It belongs to the issuer and is shown to no other.
#[derive(Clone)]
pub struct Registration {
    pub(in super::super) issuer: Issuer,
    pub(in super::super) by: RegistrationMethod,
    pub(in super::super) authentication: ClientAuthentication,
    /// The redirect URIs that are registered, as they are written; nothing where that is not known.
    pub(in super::super) redirect_uris: Option<Box<[Box<str>]>>,
    pub(in super::super) secret_expires_at: Option<DateTime<Utc>>,
}

impl Registration {
    /// Who knows the client.
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// How it came to be known.
    pub const fn by(&self) -> RegistrationMethod {
        self.by
    }

    /// The client's id there.
    pub const fn client(&self) -> &ClientId {
        self.authentication.client()
    }

    /// Whether it is over at `now`.
    pub(in super::super) fn has_expired(&self, now: DateTime<Utc>) -> bool {
        self.secret_expires_at.is_some_and(|end| end <= now)
    }

    /// Whether a flow may come back to this redirect URI.
    pub(in super::super) fn allows(&self, uri: &RedirectUri) -> bool {
        let registered = self.redirect_uris.as_deref();
        registered.is_none_or(|all| all.iter().any(|own| uri.is_allowed_by(own)))
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("issuer", &self.issuer)
            .field("by", &self.by)
            .field("client", self.client())
            .finish_non_exhaustive()
    }
}
