//! Fetching over HTTP: bounded in size, time, redirects and schemes.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use url::Url;

use super::freshness;
use crate::id::{Issuer, is_acceptable_scheme};
use crate::jwk::{Algorithm, KeySet, KeySetError};

/// The largest document that is read.
const LARGEST_DOCUMENT: usize = 256 * 1024;
/// The most redirects that are followed, all within one origin.
const MOST_REDIRECTS: usize = 3;

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
    client: Client,
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

/// A document, and how long it is fresh.
struct Document {
    text: Vec<u8>,
    lifetime: Duration,
}

/// Why no keys came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchError {
    Connection,
    Document,
    Empty,
    Issuer,
    KeySet(KeySetError),
    Scheme,
    Size,
    Status,
    Time,
}

impl FetchError {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Connection => "connection_failed",
            Self::Document => "malformed_metadata",
            Self::Empty => "no_usable_key",
            Self::Issuer => "issuer_mismatch",
            Self::KeySet(KeySetError::NotAKeySet) => "malformed_key_set",
            Self::KeySet(KeySetError::TooManyKeys) => "too_many_keys",
            Self::Scheme => "unacceptable_url",
            Self::Size => "document_too_large",
            Self::Status => "unexpected_status",
            Self::Time => "time_limit_exceeded",
        }
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
    /// When the HTTP client cannot be set up.
    pub(crate) fn new(
        issuer: Issuer,
        source: Source,
        algorithms: Vec<Algorithm>,
        time_limit: Duration,
    ) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(Policy::custom(|attempt| {
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
            }))
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(time_limit)
            .build()?;
        Ok(Self {
            client,
            issuer,
            source,
            algorithms,
            time_limit,
        })
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
        let jwks_uri = match &self.source {
            Source::Discovery => self.discover().await?,
            Source::JwksUri(url) => url.clone(),
        };
        let document = self.get(jwks_uri).await?.ok_or(FetchError::Status)?;
        let keys = KeySet::parse(self.issuer.clone(), &document.text, &self.algorithms)
            .map_err(FetchError::KeySet)?;
        if keys.is_empty() {
            // Nothing could be verified with it, while the set of before still can.
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
            let Some(document) = self.get(url).await? else {
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
    async fn get(&self, url: Url) -> Result<Option<Document>, FetchError> {
        let request = self.client.get(url).header("accept", "application/json");
        let answer = request.send().await.ok().ok_or(FetchError::Connection)?;
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
