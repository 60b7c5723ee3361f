//! One issuer, as this server asks it.

use std::future::Future;
use std::time::Duration;

use http::HeaderMap;
use http::header::{ACCEPT, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::address::Admitted;
use super::clients::{Asker, ClientError, Clients};
use super::{FetchError, FetchOptions};
use crate::id::{Issuer, is_acceptable_scheme};

/// The largest document that is read.
const LARGEST_DOCUMENT: usize = 256 * 1024;

/// Asks one issuer.
#[derive(Debug)]
pub(crate) struct IssuerClient {
    clients: Clients,
    issuer: Issuer,
    time_limit: Duration,
}

/// A URL that may be asked.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(super) url: Url,
    pub(super) by: NamedBy,
}

/// Who says that a URL is to be asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum NamedBy {
    /// The configuration: its origin is trusted, wherever it is.
    Operator,
    /// A document, and its origin is not one that the operator has named.
    Document,
}

/// What came.
pub(crate) struct Document {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: Vec<u8>,
}

/// What an issuer says about itself (RFC 8414 section 2), as far as it is needed.
#[derive(Deserialize)]
struct WithKeys {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct WithIntrospection {
    issuer: String,
    introspection_endpoint: String,
}

impl Place {
    /// A URL that the configuration names.
    pub(crate) fn configured(issuer: &Issuer, url: &str) -> Option<Self> {
        let url = acceptable(url, issuer.is_loopback()).ok()?;
        Some(Self {
            url,
            by: NamedBy::Operator,
        })
    }

    /// The URL, as it is asked.
    #[cfg(feature = "client")]
    pub(crate) fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// A URL that the metadata of the issuer names.
    fn in_metadata(issuer: &Issuer, url: &str) -> Result<Self, FetchError> {
        let url = acceptable(url, issuer.is_loopback())?;
        let is_own =
            Url::parse(issuer.as_str()).is_ok_and(|issuer| issuer.origin() == url.origin());
        let by = if is_own {
            NamedBy::Operator
        } else {
            NamedBy::Document
        };
        Ok(Self { url, by })
    }
}

impl IssuerClient {
    /// A client for `issuer`.
    ///
    /// # Errors
    /// When its HTTP clients cannot be set up.
    pub(crate) fn new(issuer: Issuer, options: &FetchOptions) -> Result<Self, ClientError> {
        let admitted = Admitted {
            loopback: issuer.is_loopback(),
        };
        Ok(Self {
            clients: Clients::new(options, admitted, Asker::ResourceServer)?,
            issuer,
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

    /// How long one piece of work takes at most, however many requests it makes.
    pub(crate) const fn time_limit(&self) -> Duration {
        self.time_limit
    }

    /// Does `work` within the time limit.
    pub(crate) async fn in_time<T, E: From<FetchError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match tokio::time::timeout(self.time_limit, work).await {
            Ok(done) => done,
            Err(_) => Err(FetchError::Time.into()),
        }
    }

    /// Where its metadata says that its keys are.
    pub(crate) async fn jwks_uri(&self) -> Result<Place, FetchError> {
        let read = |WithKeys { issuer, jwks_uri }| (issuer, jwks_uri);
        self.discover(read).await
    }

    /// Where its metadata says that it is asked about its tokens.
    pub(crate) async fn introspection_endpoint(&self) -> Result<Place, FetchError> {
        let read = |said: WithIntrospection| (said.issuer, said.introspection_endpoint);
        self.discover(read).await
    }

    /// Where something of the issuer is, which its metadata names (RFC 8414 section 3).
    async fn discover<T: DeserializeOwned>(
        &self,
        read: impl FnOnce(T) -> (String, String),
    ) -> Result<Place, FetchError> {
        for url in self.issuer.metadata_urls() {
            let place = Place::configured(&self.issuer, &url).ok_or(FetchError::Scheme)?;
            let Some(document) = self.get(&place).await? else {
                continue;
            };
            let metadata = serde_json::from_slice(&document.text).ok();
            let (issuer, url) = metadata.map(read).ok_or(FetchError::Document)?;
            // RFC 8414 section 3.3: identical, as text.
            if issuer != self.issuer.as_str() {
                return Err(FetchError::Issuer);
            }
            let place = Place::in_metadata(&self.issuer, &url)?;
            // What may not be called is known now, unless it is a name.
            return self.client(&place).map(|_| place);
        }
        Err(FetchError::Status)
    }

    /// The document there, if the answer is 200; nothing for a 4xx, which says that there is none.
    pub(crate) async fn get(&self, place: &Place) -> Result<Option<Document>, FetchError> {
        let request = self.client(place)?.get(place.url.clone());
        let answer = send(place, request).await?;
        match answer.status() {
            StatusCode::OK => read(answer, LARGEST_DOCUMENT).await.map(Some),
            // These say nothing about the document.
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(FetchError::Status),
            status if status.is_client_error() => Ok(None),
            _ => Err(FetchError::Status),
        }
    }

    /// Whatever the place answers to this form. What is in it is for that place alone: no redirect is
    /// heeded, and a host that only a document names has to be looked up here.
    pub(crate) async fn post(
        &self,
        place: &Place,
        headers: HeaderMap,
        form: String,
    ) -> Result<Document, FetchError> {
        let client = match place.by {
            NamedBy::Operator => self.clients.configured()?,
            NamedBy::Document if self.clients.look_up_names() => {
                self.clients.for_foreign(&place.url)?
            }
            NamedBy::Document => return Err(FetchError::Address),
        };
        let request = client.post(place.url.clone());
        let answer = send(place, request.headers(headers).body(form)).await?;
        if *answer.url() != place.url {
            return Err(FetchError::Origin);
        }
        read(answer, LARGEST_DOCUMENT).await
    }

    fn client(&self, place: &Place) -> Result<&Client, FetchError> {
        match place.by {
            NamedBy::Operator => self.clients.configured(),
            NamedBy::Document => self.clients.for_foreign(&place.url),
        }
    }
}

pub(super) async fn send(place: &Place, request: RequestBuilder) -> Result<Response, FetchError> {
    let request = request.header(ACCEPT, HeaderValue::from_static("application/json"));
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return Err(FetchError::of(&error)),
    };
    // A client that was given may follow any redirect.
    if answer.url().origin() != place.url.origin() {
        return Err(FetchError::Origin);
    }
    Ok(answer)
}

/// RFC 8414 section 6: `https`; `http` only with a loopback host, and where `plain_http` says so.
pub(super) fn acceptable(url: &str, plain_http: bool) -> Result<Url, FetchError> {
    Url::parse(url)
        .ok()
        .filter(|url| is_acceptable_scheme(url, plain_http))
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or(FetchError::Scheme)
}

pub(super) async fn read(mut answer: Response, most: usize) -> Result<Document, FetchError> {
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok().ok_or(FetchError::Connection)? {
        if text.len().saturating_add(chunk.len()) > most {
            return Err(FetchError::Size);
        }
        text.extend_from_slice(&chunk);
    }
    Ok(Document {
        status: answer.status(),
        headers: std::mem::take(answer.headers_mut()),
        text,
    })
}
