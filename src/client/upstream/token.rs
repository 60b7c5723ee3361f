//! A token of another service.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderValue;
use url::Url;

use super::super::scopes::Scopes;
use super::super::tokens::{ForeignEndpointError, TokenSet};
use crate::id::Resource;
use crate::secret::{ClientSecret, is_same};

/// How long before its end a token is not given out any more.
const MARGIN: TimeDelta = TimeDelta::seconds(10);
/// For how long one is remembered whose end its issuer does not tell.
const UNTOLD: TimeDelta = TimeDelta::minutes(5);

/// A token with which this server calls another service on behalf of a caller. See
/// [`Exchange`](super::Exchange).
///
/// It is never shown, and it goes to the service alone: see [`authorization_for`](Self::authorization_for).
#[derive(Clone)]
pub struct UpstreamToken {
    tokens: Arc<TokenSet>,
    deadline: DateTime<Utc>,
}

impl UpstreamToken {
    /// Nothing if the issuer has given back the caller's own token.
    pub(super) fn new(
        tokens: TokenSet,
        subject_token: &ClientSecret,
        caller_until: DateTime<Utc>,
    ) -> Option<Self> {
        if is_same(
            tokens.access.expose().as_bytes(),
            subject_token.expose().as_bytes(),
        ) {
            return None;
        }
        let untold = || tokens.obtained_at().checked_add_signed(UNTOLD);
        let end = tokens.deadline().or_else(untold).unwrap_or(caller_until);
        Some(Self {
            deadline: end.min(caller_until),
            tokens: Arc::new(tokens),
        })
    }

    pub(super) fn is_good_at(&self, now: DateTime<Utc>) -> bool {
        let last = self.deadline.checked_sub_signed(MARGIN);
        last.is_some_and(|last| now < last)
    }

    /// The service.
    pub fn upstream(&self) -> &Resource {
        self.tokens.endpoint()
    }

    /// When it is over: no later than the caller's own token.
    pub const fn deadline(&self) -> DateTime<Utc> {
        self.deadline
    }

    /// What was granted, as far as the issuer says; else what was requested.
    pub fn granted(&self) -> &Scopes {
        self.tokens.granted()
    }

    /// The value of `Authorization` for a request to `url`. It is marked as sensitive.
    ///
    /// # Errors
    /// [`ForeignEndpointError`], if `url` is neither the service's nor below it: the same scheme, host and
    /// port, and a path that is the service's or continues it after a slash.
    pub fn authorization_for(&self, url: &str) -> Result<HeaderValue, ForeignEndpointError> {
        let endpoint = &self.tokens.endpoint;
        let is_own = Url::parse(url).is_ok_and(|url| endpoint.is_above(&url));
        let value = is_own.then(|| self.tokens.authorization()).flatten();
        value.ok_or(ForeignEndpointError)
    }
}

impl fmt::Debug for UpstreamToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamToken")
            .field("upstream", self.upstream())
            .field("granted", self.granted())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
