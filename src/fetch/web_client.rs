//! What an OAuth client asks of servers that it did not know before.

use std::future::Future;
use std::time::Duration;

use http::HeaderMap;
use http::header::LOCATION;
use url::Url;

use super::address::Admitted;
use super::clients::{Asker, ClientError, Clients, MOST_REDIRECTS};
use super::issuer_client::{NamedBy, acceptable, read, send};
use super::{Document, FetchError, FetchOptions, Place};

/// The largest document that is read.
const LARGEST_DOCUMENT: usize = 64 * 1024;

/// Asks one protected resource and the authorization servers that it names.
#[derive(Debug)]
pub(crate) struct WebClient {
    clients: Clients,
    /// Whether the resource is on this machine, where `http` may be spoken.
    loopback: bool,
    time_limit: Duration,
}

impl WebClient {
    /// A client for a resource that is on this machine, or is not.
    ///
    /// # Errors
    /// When its HTTP clients cannot be set up.
    pub(crate) fn new(loopback: bool, options: &FetchOptions) -> Result<Self, ClientError> {
        Ok(Self {
            clients: Clients::new(options, Admitted { loopback }, Asker::Client)?,
            loopback,
            time_limit: options.time_limit,
        })
    }

    #[cfg(test)]
    pub(crate) fn look_up_by(&mut self, lookup: super::address::Lookup) {
        self.clients.look_up_by(lookup);
    }

    /// A URL on an origin that the application has named.
    pub(crate) fn trusted(url: &str) -> Result<Place, FetchError> {
        Ok(Place {
            url: without_fragment(url, true)?,
            by: NamedBy::Operator,
        })
    }

    /// A URL on an origin that only a document names. What may not be called is known now, unless it is
    /// a name.
    pub(crate) fn foreign(&self, url: &str) -> Result<Place, FetchError> {
        let url = without_fragment(url, self.loopback)?;
        self.clients.for_foreign(&url)?;
        let by = NamedBy::Document;
        Ok(Place { url, by })
    }

    /// The answer of the place, whatever its status. Redirects are followed within its origin.
    pub(crate) async fn get(&self, place: &Place) -> Result<Document, FetchError> {
        self.in_time(async {
            let mut place = place.clone();
            for _ in 0..=MOST_REDIRECTS {
                let client = match place.by {
                    NamedBy::Operator => self.clients.configured()?,
                    NamedBy::Document => self.clients.for_foreign(&place.url)?,
                };
                let answer = send(&place, client.get(place.url.clone())).await?;
                if !answer.status().is_redirection() {
                    return read(answer, LARGEST_DOCUMENT).await;
                }
                place.url = next(&place.url, answer.headers()).ok_or(FetchError::Origin)?;
            }
            Err(FetchError::Origin)
        })
        .await
    }

    /// Whatever the place answers to this body. It is for that place alone: no redirect is followed, and
    /// a host that only a document names has to be looked up here.
    pub(crate) async fn post(
        &self,
        place: &Place,
        headers: HeaderMap,
        body: String,
    ) -> Result<Document, FetchError> {
        self.in_time(async {
            let client = match place.by {
                NamedBy::Operator => self.clients.configured()?,
                NamedBy::Document if self.clients.look_up_names() => {
                    self.clients.for_foreign(&place.url)?
                }
                NamedBy::Document => return Err(FetchError::Address),
            };
            let request = client.post(place.url.clone()).headers(headers).body(body);
            let answer = send(place, request).await?;
            if answer.status().is_redirection() {
                return Err(FetchError::Origin);
            }
            read(answer, LARGEST_DOCUMENT).await
        })
        .await
    }

    async fn in_time(
        &self,
        work: impl Future<Output = Result<Document, FetchError>>,
    ) -> Result<Document, FetchError> {
        let done = tokio::time::timeout(self.time_limit, work).await;
        done.unwrap_or(Err(FetchError::Time))
    }
}

/// OAuth 2.1 sections 1.5 and 3.2.
fn without_fragment(url: &str, plain_http: bool) -> Result<Url, FetchError> {
    let url = acceptable(url, plain_http)?;
    if url.fragment().is_some() {
        return Err(FetchError::Scheme);
    }
    Ok(url)
}

/// Where a redirect leads, if it stays on its origin.
fn next(from: &Url, headers: &HeaderMap) -> Option<Url> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let url = from.join(location).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    (is_plain && url.origin() == from.origin()).then_some(url)
}
