//! What can go wrong between a guard and its issuer.

use std::time::Duration;

/// A way in which an [`Issuer`](super::Issuer) misbehaves when it is asked for a document.
///
/// Faults are about transport and documents; for a key set with hostile keys see
/// [`Issuer::publish_jwks`](super::Issuer::publish_jwks), for a machine that is not there
/// [`Issuer::stop`](super::Issuer::stop).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Any text in place of the document, with status 200.
    Body(String),
    /// The connection is closed without an answer.
    Disconnect,
    /// Status 200 and a body that never ends.
    EndlessBody,
    /// Status 200 and bytes that are neither JSON nor UTF-8.
    Garbage,
    /// The request is read and never answered.
    Hang,
    /// Metadata whose `jwks_uri` is this text. Has no effect on the key set.
    JwksUri(String),
    /// The issuer behaves.
    #[default]
    None,
    /// Metadata whose `issuer` is this text. Has no effect on the key set.
    OtherIssuer(String),
    /// A redirect (302) to this URL.
    RedirectTo(String),
    /// The right answer one byte at a time, head included, with this pause after each byte.
    Slow(Duration),
    /// This status with an empty JSON object.
    Status(u16),
    /// The right answer cut off in the middle of its body.
    Truncated,
}

/// A place where an issuer may publish its metadata.
///
/// For an issuer without a path the two `OpenId..` places are one and the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Document {
    /// `/.well-known/oauth-authorization-server`, then the issuer's path (RFC 8414 section 3.1).
    OAuth,
    /// The issuer's path, then `/.well-known/openid-configuration` (OIDC Discovery 1.0
    /// section 4.1).
    OpenIdAppended,
    /// `/.well-known/openid-configuration`, then the issuer's path (RFC 8414 section 5).
    OpenIdInserted,
}

impl Document {
    const ALL: [Self; 3] = [Self::OAuth, Self::OpenIdInserted, Self::OpenIdAppended];

    /// The documents of an issuer with `path` that live at `target`.
    pub(super) fn at(target: &str, path: &str) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(move |document| document.target(path) == target)
    }

    fn target(self, path: &str) -> String {
        match self {
            Self::OAuth => format!("/.well-known/oauth-authorization-server{path}"),
            Self::OpenIdAppended => format!("{path}/.well-known/openid-configuration"),
            Self::OpenIdInserted => format!("/.well-known/openid-configuration{path}"),
        }
    }
}
