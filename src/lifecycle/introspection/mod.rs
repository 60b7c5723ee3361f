//! Asking an issuer about a token (RFC 7662).

mod asker;
mod endpoint;
mod flights;
mod told;

pub(crate) use asker::{Asker, Unanswered};

use std::fmt;
use std::time::Duration;

use crate::credentials::ClientAuthentication;

/// How long an answer counts that calls a token active, unless said.
const STANDARD_LIFETIME: Duration = Duration::from_mins(1);
/// The most that can be said.
const LONGEST_LIFETIME: Duration = Duration::from_mins(5);

/// How an issuer is asked about its tokens (RFC 7662).
///
/// An issuer whose tokens say nothing to anybody else is asked about each of them, as long as nobody
/// knows the answer. See
/// [`TrustedIssuer::introspected`](crate::TrustedIssuer::introspected).
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use clearance::TrustedIssuer;
/// use clearance::credentials::{ClientAuthentication, ClientSecret};
/// use clearance::lifecycle::Introspection;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let secret = ClientSecret::new("correct horse battery staple");
/// let authentication = ClientAuthentication::client_secret_basic("files-server", secret);
/// let issuer = TrustedIssuer::introspected(
///     "https://auth.example.com".parse()?,
///     Introspection::by(authentication).lifetime(Duration::from_secs(20)),
/// );
/// # let _ = issuer;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Introspection {
    pub(crate) authentication: ClientAuthentication,
    pub(crate) endpoint: Option<Box<str>>,
    pub(crate) lifetime: Duration,
}

impl Introspection {
    /// Asks with this proof of who asks (RFC 7662 section 2.1): an issuer tells strangers nothing. The
    /// endpoint is the one that the issuer's metadata names (RFC 8414 section 2).
    pub const fn by(authentication: ClientAuthentication) -> Self {
        Self {
            authentication,
            endpoint: None,
            lifetime: STANDARD_LIFETIME,
        }
    }

    /// Asks at this URL, for issuers whose metadata names none. It is asked wherever it is, like the
    /// issuer's own origin.
    ///
    /// It is `https`, or the guard's `build` fails; `http` only where the issuer is a loopback one.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<Box<str>>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// How long an answer counts that calls a token active, and never beyond its `exp`: 60 seconds
    /// unless said, 5 minutes at most. With nought the issuer is asked at each request.
    ///
    /// Cost: a token that is revoked at its issuer is good here for so long, unless this server is told
    /// ([`Revocations`](super::Revocations)). Work that has begun is not asked about again: it goes on to
    /// `exp`, or until this server is told.
    ///
    /// An answer that does not call a token active counts for 5 seconds.
    #[must_use]
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Whether the lifetime is one that can be chosen.
    pub(crate) fn is_lifetime_sound(&self) -> bool {
        self.lifetime <= LONGEST_LIFETIME
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URL may have a password in it, until somebody looks whether it may.
        f.debug_struct("Introspection")
            .field("authentication", &self.authentication)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}
