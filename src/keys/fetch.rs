//! Fetching over HTTP: bounded in size, time, redirects and schemes.

use std::error::Error;
use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde::Deserialize;
use url::Url;

use super::address::{Admitted, ForbiddenAddress};
use super::clients::{ClientError, Clients};
use super::{FetchOptions, freshness};
use crate::id::{Issuer, is_acceptable_scheme};
use crate::jwk::{Algorithm, KeySet, KeySetError};

/// The largest document that is read.
const LARGEST_DOCUMENT: usize = 256 * 1024;

/// Where an issuer's key set is.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// Where its metadata says.
    Discovery,
    /// At this URL.
    JwksUri(Url),
}

impl Source {
    /// The key set at `uri`, if it may be asked.
    pub(crate) fn jwks_uri(issuer: &Issuer, uri: &str) -> Option<Self> {
        acceptable(issuer, uri).ok().map(Self::JwksUri)
    }
}

/// Fetches the keys of one issuer.
#[derive(Debug)]
pub(crate) struct Fetcher {
    clients: Clients,
    issuer: Issuer,
    source: Source,
    algorithms: Vec<Algorithm>,
    time_limit: Duration,
}

/// Keys as they were published, and how long they may be used before the issuer is asked again.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) keys: KeySet,
    pub(super) lifetime: Duration,
}

/// Who says that a URL is to be asked.
#[derive(Clone, Copy)]
enum NamedBy {
    /// The configuration: its origin is trusted, wherever it is.
    Operator,
    /// A document, and its origin is not one that the operator has named.
    Document,
}

/// A document, and how long it is fresh.
struct Document {
    text: Vec<u8>,
    lifetime: Duration,
}

/// Why no keys came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchError {
    Address,
    Connection,
    Document,
    Empty,
    Issuer,
    KeySet(KeySetError),
    Origin,
    Scheme,
    Size,
    Status,
    Time,
}

impl FetchError {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Address => "forbidden_address",
            Self::Connection => "connection_failed",
            Self::Document => "malformed_metadata",
            Self::Empty => "no_usable_key",
            Self::Issuer => "issuer_mismatch",
            Self::KeySet(KeySetError::NotAKeySet) => "malformed_key_set",
            Self::KeySet(KeySetError::TooManyKeys) => "too_many_keys",
            Self::Origin => "redirected_elsewhere",
            Self::Scheme => "unacceptable_url",
            Self::Size => "document_too_large",
            Self::Status => "unexpected_status",
            Self::Time => "time_limit_exceeded",
        }
    }

    /// Why nothing was received.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if error.is::<ForbiddenAddress>() {
                return Self::Address;
            }
            cause = error.source();
        }
        Self::Connection
    }
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
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
        let admitted = Admitted {
            loopback: issuer.is_loopback(),
        };
        let clients = Clients::new(options, admitted)?;
        Ok(Self {
            clients,
            issuer,
            source,
            algorithms,
            time_limit: options.time_limit,
        })
    }

    #[cfg(test)]
    pub(super) fn look_up_by(&mut self, lookup: super::address::Lookup) {
        self.clients.look_up_by(lookup);
    }

    pub(crate) const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// How long [`fetch`](Self::fetch) takes at most.
    pub(crate) const fn time_limit(&self) -> Duration {
        self.time_limit
    }

    /// The issuer's keys as published now, within the time limit all in all.
    pub(super) async fn fetch(&self) -> Result<Published, FetchError> {
        match tokio::time::timeout(self.time_limit, self.fetch_unhurried()).await {
            Ok(fetched) => fetched,
            Err(_) => Err(FetchError::Time),
        }
    }

    async fn fetch_unhurried(&self) -> Result<Published, FetchError> {
        let document = match &self.source {
            Source::Discovery => {
                let url = self.discover().await?;
                let is_own = Url::parse(self.issuer.as_str())
                    .is_ok_and(|issuer| issuer.origin() == url.origin());
                let by = if is_own {
                    NamedBy::Operator
                } else {
                    NamedBy::Document
                };
                self.get(url, by).await?
            }
            Source::JwksUri(url) => self.get(url.clone(), NamedBy::Operator).await?,
        };
        let document = document.ok_or(FetchError::Status)?;
        let keys = KeySet::parse(self.issuer.clone(), &document.text, &self.algorithms)
            .map_err(FetchError::KeySet)?;
        if keys.is_empty() {
            // Nothing could be verified with it, while the set of before still can, to the end of its
            // lifetime.
            return Err(FetchError::Empty);
        }
        Ok(Published {
            keys,
            lifetime: document.lifetime,
        })
    }

    /// RFC 8414 section 3: the metadata document, under the names that it may have.
    async fn discover(&self) -> Result<Url, FetchError> {
        for url in self.issuer.metadata_urls() {
            let url = acceptable(&self.issuer, &url)?;
            let Some(document) = self.get(url, NamedBy::Operator).await? else {
                continue;
            };
            let metadata: Metadata = serde_json::from_slice(&document.text)
                .ok()
                .ok_or(FetchError::Document)?;
            // RFC 8414 section 3.3: identical, as text.
            if metadata.issuer != self.issuer.as_str() {
                return Err(FetchError::Issuer);
            }
            return acceptable(&self.issuer, &metadata.jwks_uri);
        }
        Err(FetchError::Status)
    }

    /// The body of a 200; nothing for a 4xx, which says that no such document is there.
    async fn get(&self, url: Url, by: NamedBy) -> Result<Option<Document>, FetchError> {
        let client = match by {
            NamedBy::Operator => self.clients.configured(),
            NamedBy::Document => self.clients.for_foreign(&url)?,
        };
        let origin = url.origin();
        let request = client.get(url).header("accept", "application/json");
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Err(FetchError::of(&error)),
        };
        // A client that was given may follow any redirect.
        if answer.url().origin() != origin {
            return Err(FetchError::Origin);
        }
        match answer.status() {
            StatusCode::OK => read(answer).await.map(Some),
            // These say nothing about the document.
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(FetchError::Status),
            status if status.is_client_error() => Ok(None),
            _ => Err(FetchError::Status),
        }
    }
}

/// RFC 8414 section 6: `https`; `http` only where the issuer itself is a loopback one.
fn acceptable(issuer: &Issuer, url: &str) -> Result<Url, FetchError> {
    Url::parse(url)
        .ok()
        .filter(|url| is_acceptable_scheme(url, issuer.is_loopback()))
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or(FetchError::Scheme)
}

async fn read(mut answer: Response) -> Result<Document, FetchError> {
    let lifetime = freshness::lifetime(answer.headers());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok().ok_or(FetchError::Connection)? {
        if body.len().saturating_add(chunk.len()) > LARGEST_DOCUMENT {
            return Err(FetchError::Size);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Document {
        text: body,
        lifetime,
    })
}
