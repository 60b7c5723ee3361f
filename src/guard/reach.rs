//! How a trusted issuer is asked, for its keys or about its tokens.
//!
//! These options say nothing about tokens. Where keys are given ([`TrustedIssuer::with_keys`])
//! nothing is fetched, and they mean nothing.

use std::time::Duration;

use super::issuer::TrustedIssuer;

impl TrustedIssuer {
    /// How long one fetch of keys may take, metadata included, or one question about a token. 10 seconds
    /// unless said.
    #[must_use]
    pub fn fetch_time_limit(mut self, limit: Duration) -> Self {
        self.fetch.time_limit = limit;
        self
    }

    /// How long keys serve while the issuer is down, counted from when they were fetched. Then its
    /// tokens are answered with 503. 1 hour unless said; at least 1 minute and at most 24 hours, or
    /// the guard's `build` fails.
    ///
    /// While the issuer can be asked, keys serve for as long as `Cache-Control` says in the answer
    /// with the key set (at least 1 minute, at most 1 hour, and 10 minutes if it says nothing), and
    /// never for longer than this limit.
    ///
    /// Cost: a key that the issuer withdraws while it cannot be reached verifies for so long.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use clearance::TrustedIssuer;
    ///
    /// # #[cfg(feature = "fetch")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = TrustedIssuer::new("https://auth.example.com".parse()?)
    ///     .stale_keys_limit(Duration::from_hours(6));
    /// # let _ = issuer;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "fetch"))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn stale_keys_limit(mut self, limit: Duration) -> Self {
        self.fetch.stale_limit = limit;
        self
    }

    /// Accepts TLS certificates of this authority too, beside those of the system: `pem` holds one
    /// certificate or several, as PEM. May be said several times.
    ///
    /// TLS is always verified, and no option turns that off.
    ///
    /// Cost: whoever has this authority's key can publish keys as this issuer, or answer for it. The guard's `build`
    /// fails if there is no certificate in `pem`.
    ///
    /// # Examples
    /// ```no_run
    /// use clearance::TrustedIssuer;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = TrustedIssuer::new("https://sso.corp.example".parse()?)
    ///     .root_certificate(std::fs::read("/etc/ssl/corp-ca.pem")?);
    /// # let _ = issuer;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "fetch")]
    #[must_use]
    pub fn root_certificate(mut self, pem: impl Into<Box<[u8]>>) -> Self {
        self.fetch.roots.push(pem.into());
        self
    }

    /// Fetches through this proxy: an `http` or `https` URL, with user name and password if it wants
    /// them. Unless said, none is used, and none is taken from the environment.
    ///
    /// Where an issuer's metadata names an introspection endpoint on another host, it is not asked through a
    /// proxy: name it yourself ([`Introspection::endpoint`](crate::lifecycle::Introspection::endpoint)).
    ///
    /// Cost: the proxy resolves the names of hosts. Where the issuer's metadata names a key set on
    /// another host, this guard only sees to it that the host is not *written* as an address that is
    /// not public; that its name does not lead to one is left to the proxy.
    #[cfg(feature = "fetch")]
    #[must_use]
    pub fn proxy(mut self, url: impl Into<Box<str>>) -> Self {
        self.fetch.proxy = Some(url.into());
        self
    }

    /// Fetches with this client, for what no other option says: certificates of its own to show,
    /// another resolver. It is used as it is, so [`proxy`](Self::proxy) and
    /// [`root_certificate`](Self::root_certificate) cannot be said as well.
    ///
    /// The limits on time and size hold as ever. An answer that another origin gave after a redirect
    /// is refused.
    ///
    /// Cost: it decides how TLS is verified, and which addresses a name has: where the issuer's
    /// metadata names a key set on another host, a name that leads into the own network is not
    /// noticed. And it decides which redirects are followed: another origin is asked before its
    /// answer is refused, so it had better be built with `redirect::Policy::none()`.
    ///
    /// An issuer that is [introspected](Self::introspected) takes none, or the guard's `build` fails: a
    /// client that follows redirects would take tokens and this server's secret along.
    ///
    /// The type is that of `reqwest` 0.13.
    ///
    /// # Examples
    /// ```
    /// use clearance::TrustedIssuer;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = reqwest::Client::builder()
    ///     .redirect(reqwest::redirect::Policy::none())
    ///     .resolve("sso.corp.example", "10.1.2.3:443".parse()?)
    ///     .build()?;
    /// let issuer = TrustedIssuer::new("https://sso.corp.example".parse()?).http_client(client);
    /// # let _ = issuer;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "fetch")]
    #[must_use]
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.fetch.client = Some(client);
        self
    }
}
