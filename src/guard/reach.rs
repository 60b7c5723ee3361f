//! How the keys of a trusted issuer are fetched and kept.
//!
//! These options say nothing about tokens. Where keys are given ([`TrustedIssuer::with_keys`])
//! nothing is fetched, and they mean nothing.

use std::time::Duration;

use super::issuer::TrustedIssuer;

impl TrustedIssuer {
    /// How long one fetch of keys may take, metadata included. 10 seconds unless said.
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
}
