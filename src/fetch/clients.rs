//! The HTTP clients of one issuer.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Proxy};
use url::Url;

use super::address::{Admitted, Checked, Lookup, system};
use super::{FetchError, FetchOptions};

/// The most redirects that are followed, all within one origin.
pub(super) const MOST_REDIRECTS: usize = 3;

/// Why clients cannot be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientError {
    /// A whole client was given, and parts of one as well.
    Both,
    Client,
    Proxy,
    RootCertificate,
}

/// The clients that fetch the documents of one issuer.
pub(super) struct Clients {
    /// For the origins that the operator has named.
    configured: Client,
    /// For all others; made when it is first needed. Through a proxy and with a client that was
    /// given there is none: the names of hosts are resolved elsewhere then.
    checked: Option<OnceLock<Client>>,
    parts: Parts,
    admitted: Admitted,
    lookup: Lookup,
}

/// Which redirects a client follows by itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum Redirects {
    #[cfg(feature = "client")]
    None,
    WithinOrigin,
}

/// What clients are made of.
struct Parts {
    redirects: Redirects,
    time_limit: Duration,
    roots: Vec<Certificate>,
    proxy: Option<Proxy>,
}

impl Clients {
    pub(super) fn new(
        options: &FetchOptions,
        admitted: Admitted,
        redirects: Redirects,
    ) -> Result<Self, ClientError> {
        let parts = Parts::of(options, redirects)?;
        let configured = match &options.client {
            Some(_) if parts.proxy.is_some() || !parts.roots.is_empty() => {
                return Err(ClientError::Both);
            }
            Some(client) => client.clone(),
            None => parts.builder().build().ok().ok_or(ClientError::Client)?,
        };
        let connects_itself = options.client.is_none() && parts.proxy.is_none();
        Ok(Self {
            configured,
            checked: connects_itself.then(OnceLock::new),
            parts,
            admitted,
            lookup: system(),
        })
    }

    /// The client for an origin that the operator has named.
    pub(super) const fn configured(&self) -> &Client {
        &self.configured
    }

    /// Whether names of hosts are looked up here, and not by a proxy or a client that was given.
    pub(super) const fn look_up_names(&self) -> bool {
        self.checked.is_some()
    }

    /// The client for a URL on another origin, which a document has named, if that may be called.
    pub(super) fn for_foreign(&self, url: &Url) -> Result<&Client, FetchError> {
        if !self.admitted.may_have(url) {
            return Err(FetchError::Address);
        }
        let Some(checked) = &self.checked else {
            return Ok(&self.configured);
        };
        if let Some(client) = checked.get() {
            return Ok(client);
        }
        let resolver = Checked {
            lookup: Lookup::clone(&self.lookup),
            admitted: self.admitted,
        };
        let made = self.parts.builder().dns_resolver(resolver).build();
        match made {
            Ok(client) => Ok(checked.get_or_init(|| client)),
            Err(_) => Err(FetchError::Connection),
        }
    }

    #[cfg(test)]
    pub(super) fn look_up_by(&mut self, lookup: Lookup) {
        self.lookup = lookup;
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("admitted", &self.admitted)
            .finish_non_exhaustive()
    }
}

impl Parts {
    fn of(options: &FetchOptions, redirects: Redirects) -> Result<Self, ClientError> {
        let mut roots = Vec::new();
        for pem in &options.roots {
            let found = Certificate::from_pem_bundle(pem).unwrap_or_default();
            if found.is_empty() {
                return Err(ClientError::RootCertificate);
            }
            roots.extend(found);
        }
        let proxy = match options.proxy.as_deref() {
            None => None,
            Some(text) => Some(proxy(text).ok_or(ClientError::Proxy)?),
        };
        Ok(Self {
            redirects,
            time_limit: options.time_limit,
            roots,
            proxy,
        })
    }

    /// A client that asks no environment for a proxy.
    fn builder(&self) -> ClientBuilder {
        let builder = Client::builder()
            .redirect(self.redirects.policy())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .tls_certs_merge(self.roots.iter().cloned())
            .connect_timeout(self.time_limit);
        match &self.proxy {
            Some(proxy) => builder.proxy(proxy.clone()),
            None => builder,
        }
    }
}

impl Redirects {
    fn policy(self) -> Policy {
        match self {
            #[cfg(feature = "client")]
            Self::None => Policy::none(),
            Self::WithinOrigin => Policy::custom(|attempt| {
                let same_origin = attempt
                    .previous()
                    .last()
                    .is_some_and(|from| from.origin() == attempt.url().origin());
                if same_origin && attempt.previous().len() <= MOST_REDIRECTS {
                    attempt.follow()
                } else {
                    // The redirect itself becomes the answer, which is not 200.
                    attempt.stop()
                }
            }),
        }
    }
}

/// A proxy that speaks HTTP; of other kinds none is built in.
fn proxy(text: &str) -> Option<Proxy> {
    let url = Url::parse(text).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return None;
    }
    Proxy::all(url).ok()
}
