//! The HTTP clients of one issuer.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Proxy};
use url::Url;

use super::address::{Admitted, Checked, Lookup, system};
use super::shared::{self, Manner};
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

/// The clients that fetch the documents of one issuer, each there when it is first needed.
pub(super) struct Clients {
    /// For the origins that the operator has named.
    configured: OnceLock<Arc<Client>>,
    /// For all others. Through a proxy and with a client that was given there is none: the names of hosts
    /// are resolved elsewhere then.
    checked: Option<OnceLock<Arc<Client>>>,
    parts: Parts,
    admitted: Admitted,
    /// Nothing for that of the system.
    lookup: Option<Lookup>,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// An OAuth client, with codes and refresh tokens that are good for one request.
    #[cfg(feature = "client")]
    Client,
    /// A resource server.
    ResourceServer,
}

/// What clients are made of.
struct Parts {
    asker: Asker,
    time_limit: Duration,
    roots: Vec<Certificate>,
    proxy: Option<Proxy>,
}

impl Clients {
    pub(super) fn new(
        options: &FetchOptions,
        admitted: Admitted,
        asker: Asker,
    ) -> Result<Self, ClientError> {
        let parts = Parts::of(options, asker)?;
        let configured = OnceLock::new();
        let given = match &options.client {
            Some(_) if !parts.are_standard() => return Err(ClientError::Both),
            Some(client) => Some(client.clone()),
            // Nobody else has one of these parts; and whether they fit is known now.
            None if !parts.are_standard() => {
                let made = parts.builder().build();
                Some(made.ok().ok_or(ClientError::Client)?)
            }
            None => None,
        };
        if let Some(client) = given {
            configured.get_or_init(|| Arc::new(client));
        }
        let connects_itself = options.client.is_none() && parts.proxy.is_none();
        Ok(Self {
            configured,
            checked: connects_itself.then(OnceLock::new),
            parts,
            admitted,
            lookup: None,
        })
    }

    /// The client for an origin that the operator has named.
    pub(super) fn configured(&self) -> Result<&Client, FetchError> {
        if let Some(client) = self.configured.get() {
            return Ok(client);
        }
        let manner = Manner {
            asker: self.parts.asker,
            time_limit: self.parts.time_limit,
            checked: None,
        };
        match shared::client(manner, || self.parts.builder().build()) {
            Ok(client) => Ok(self.configured.get_or_init(|| client)),
            Err(_) => Err(FetchError::Connection),
        }
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
            return self.configured();
        };
        if let Some(client) = checked.get() {
            return Ok(client);
        }
        match self.checking() {
            Ok(client) => Ok(checked.get_or_init(|| client)),
            Err(_) => Err(FetchError::Connection),
        }
    }

    /// A client that looks at the addresses that it connects to.
    fn checking(&self) -> reqwest::Result<Arc<Client>> {
        let make = || {
            let resolver = Checked {
                lookup: self.lookup.clone().unwrap_or_else(system),
                admitted: self.admitted,
            };
            self.parts.builder().dns_resolver(resolver).build()
        };
        if self.lookup.is_some() || !self.parts.are_standard() {
            return make().map(Arc::new);
        }
        let manner = Manner {
            asker: self.parts.asker,
            time_limit: self.parts.time_limit,
            checked: Some(self.admitted.loopback),
        };
        shared::client(manner, make)
    }

    #[cfg(test)]
    pub(super) fn look_up_by(&mut self, lookup: Lookup) {
        self.lookup = Some(lookup);
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
    fn of(options: &FetchOptions, asker: Asker) -> Result<Self, ClientError> {
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
            asker,
            time_limit: options.time_limit,
            roots,
            proxy,
        })
    }

    /// Whether they are those of every issuer that needs nothing of its own.
    fn are_standard(&self) -> bool {
        self.roots.is_empty() && self.proxy.is_none()
    }

    /// A client that asks no environment for a proxy.
    fn builder(&self) -> ClientBuilder {
        let builder = Client::builder()
            .redirect(self.asker.redirects())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .tls_certs_merge(self.roots.iter().cloned())
            .connect_timeout(self.time_limit);
        let builder = match self.asker {
            // What is sent on a connection that the server is about to close may have arrived or not, and
            // what is good for one request cannot be sent again.
            #[cfg(feature = "client")]
            Asker::Client => builder.pool_max_idle_per_host(0),
            Asker::ResourceServer => builder,
        };
        match &self.proxy {
            Some(proxy) => builder.proxy(proxy.clone()),
            None => builder,
        }
    }
}

impl Asker {
    /// Which redirects are followed without looking at them here.
    fn redirects(self) -> Policy {
        match self {
            #[cfg(feature = "client")]
            Self::Client => Policy::none(),
            Self::ResourceServer => Policy::custom(|attempt| {
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
