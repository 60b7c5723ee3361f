//! The keys of an issuer, as it publishes them now.

use std::time::Duration;

use super::freshness;
use crate::fetch::{ClientError, FetchError, FetchOptions, IssuerClient, Place};
use crate::id::Issuer;
use crate::jwk::{Algorithm, KeySet, KeySetError};

/// Where an issuer's key set is.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// Where its metadata says.
    Discovery,
    /// At this URL.
    JwksUri(Place),
}

impl Source {
    /// The key set at `uri`, if it may be asked.
    pub(crate) fn jwks_uri(issuer: &Issuer, uri: &str) -> Option<Self> {
        Place::configured(issuer, uri).map(Self::JwksUri)
    }
}

/// Fetches the keys of one issuer.
#[derive(Debug)]
pub(crate) struct Fetcher {
    client: IssuerClient,
    source: Source,
    algorithms: Vec<Algorithm>,
}

/// Keys as they were published, and how long they may be used before the issuer is asked again.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) keys: KeySet,
    pub(super) lifetime: Duration,
}

/// Why no keys came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKeys {
    Empty,
    Fetch(FetchError),
    KeySet(KeySetError),
}

impl NoKeys {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Empty => "no_usable_key",
            Self::Fetch(error) => error.code(),
            Self::KeySet(KeySetError::NotAKeySet) => "malformed_key_set",
            Self::KeySet(KeySetError::TooManyKeys) => "too_many_keys",
        }
    }
}

impl From<FetchError> for NoKeys {
    fn from(error: FetchError) -> Self {
        Self::Fetch(error)
    }
}

impl Fetcher {
    /// A fetcher for `issuer`.
    ///
    /// # Errors
    /// When its HTTP clients cannot be set up.
    pub(crate) fn new(
        issuer: Issuer,
        source: Source,
        algorithms: Vec<Algorithm>,
        options: &FetchOptions,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            client: IssuerClient::new(issuer, options)?,
            source,
            algorithms,
        })
    }

    pub(crate) const fn issuer(&self) -> &Issuer {
        self.client.issuer()
    }

    /// How long [`fetch`](Self::fetch) takes at most.
    pub(crate) const fn time_limit(&self) -> Duration {
        self.client.time_limit()
    }

    /// The issuer's keys as published now, within the time limit all in all.
    pub(super) async fn fetch(&self) -> Result<Published, NoKeys> {
        self.client.in_time(self.fetch_unhurried()).await
    }

    async fn fetch_unhurried(&self) -> Result<Published, NoKeys> {
        let document = match &self.source {
            Source::Discovery => {
                let place = self.client.jwks_uri().await?;
                self.client.get(&place).await?
            }
            Source::JwksUri(place) => self.client.get(place).await?,
        };
        let document = document.ok_or(FetchError::Status)?;
        let keys = KeySet::parse(self.issuer().clone(), &document.text, &self.algorithms)
            .map_err(NoKeys::KeySet)?;
        if keys.is_empty() {
            // Nothing could be verified with it, while the set of before still can, to the end of its
            // lifetime.
            return Err(NoKeys::Empty);
        }
        Ok(Published {
            keys,
            lifetime: freshness::lifetime(&document.headers),
        })
    }
}
