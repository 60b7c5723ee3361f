//! Which method is used where an authorization server does not support each.

use std::sync::Arc;

use super::{ClientAuthentication, Method};
use crate::secret::ClientSecret;

/// What an authorization server supports (RFC 8414 section 2): the methods, and the algorithms of
/// signatures, where it says so.
pub(crate) struct Supported<'a> {
    pub(crate) methods: Option<&'a [Box<str>]>,
    pub(crate) algorithms: Option<&'a [Box<str>]>,
}

impl Supported<'_> {
    fn has(&self, method: &str) -> bool {
        let is_listed = |list: &[Box<str>]| list.iter().any(|own| &**own == method);
        self.methods.is_some_and(is_listed)
    }

    fn has_algorithm(&self, name: &str) -> bool {
        let is_listed = |list: &[Box<str>]| list.iter().any(|own| &**own == name);
        self.algorithms.is_none_or(is_listed)
    }
}

impl ClientAuthentication {
    /// This client by a method that the server supports: its own, or else another one that it can do.
    pub(crate) fn supported_by(&self, server: &Supported<'_>) -> Option<Self> {
        if let Method::PrivateKeyJwt(key) = &self.method
            && !server.has_algorithm(key.algorithm().as_str())
        {
            return None;
        }
        // What a server says nothing about, it is believed to know about its own clients.
        if server.methods.is_none() || server.has(self.method()) {
            return Some(self.clone());
        }
        let other = match &self.method {
            Method::Basic(secret) if server.has("client_secret_post") => {
                Method::Post(Arc::clone(secret))
            }
            Method::Post(secret) if server.has("client_secret_basic") => {
                Method::Basic(Arc::clone(secret))
            }
            // A secret is not shown where none is wanted.
            Method::Basic(_) | Method::Post(_) if server.has("none") => Method::None,
            Method::None => Method::None,
            Method::Basic(_) | Method::Post(_) | Method::PrivateKeyJwt(_) => return None,
        };
        let client = self.client.clone();
        Some(Self {
            client,
            method: other,
        })
    }

    /// The name of the method.
    pub(crate) const fn method(&self) -> &'static str {
        self.method.name()
    }

    /// The secret, for what keeps registrations.
    pub(crate) fn secret(&self) -> Option<&ClientSecret> {
        match &self.method {
            Method::Basic(secret) | Method::Post(secret) => Some(secret),
            Method::PrivateKeyJwt(_) | Method::None => None,
        }
    }

    /// Whether there is an id, and nothing that should prove is empty.
    pub(crate) fn is_usable(&self) -> bool {
        matches!(self.method, Method::None) && !self.client.as_str().is_empty() || self.is_sound()
    }
}
