//! The one who asks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use quick_cache::sync::Cache;
use serde::de::IgnoredAny;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use url::form_urlencoded::Serializer;

use super::Introspection;
use super::endpoint::Endpoint;
use super::flights::{Answer, Boarding, Flights, Landed};
use crate::clock::Clock;
use crate::fetch::{ClientError, Document, FetchError, FetchOptions, IssuerClient, Place};
use crate::id::Issuer;
use crate::lifecycle::TokenKey;
use crate::token::{Answered, Opaque, Token};

/// How many questions an issuer is asked at one time.
const MOST_AT_ONCE: usize = 64;
/// How long it is remembered that a token is not active.
const INACTIVE_LIFETIME: Duration = Duration::from_secs(5);
/// How many of these are remembered.
const MOST_INACTIVE: usize = 4096;
/// How much longer than a question a request waits for it.
const MARGIN: Duration = Duration::from_secs(1);
/// When to come back, where the issuer does not say, and the most that it can say.
const SOON: Duration = Duration::from_secs(1);
const LATEST: Duration = Duration::from_mins(1);

/// Asks one issuer about its tokens. Clones share what they know.
#[derive(Clone, Debug)]
pub(crate) struct Asker(Arc<Shared>);

struct Shared {
    client: IssuerClient,
    endpoint: Endpoint,
    introspection: Introspection,
    clock: Arc<dyn Clock>,
    flights: Flights,
    at_once: Semaphore,
    /// Tokens that are not active, and until when that is believed, on the monotonic clock.
    inactive: Cache<TokenKey, Duration>,
}

/// The issuer cannot be asked, or says nothing that counts. This is no refusal of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unanswered {
    /// A stable code.
    pub(crate) cause: &'static str,
    pub(crate) retry_after: Duration,
}

impl Unanswered {
    const fn because(cause: &'static str) -> Self {
        Self {
            cause,
            retry_after: SOON,
        }
    }
}

impl From<FetchError> for Unanswered {
    fn from(error: FetchError) -> Self {
        Self::because(error.code())
    }
}

impl Asker {
    /// Asks `issuer`. The endpoint must have been found acceptable.
    ///
    /// # Errors
    /// When its HTTP clients cannot be set up.
    pub(crate) fn new(
        issuer: Issuer,
        introspection: Introspection,
        endpoint: Option<Place>,
        options: &FetchOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ClientError> {
        Ok(Self(Arc::new(Shared {
            client: IssuerClient::new(issuer, options)?,
            endpoint: Endpoint::new(endpoint, Arc::clone(&clock)),
            introspection,
            clock,
            flights: Flights::default(),
            at_once: Semaphore::new(MOST_AT_ONCE),
            inactive: Cache::new(MOST_INACTIVE),
        })))
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        self.0.client.issuer()
    }

    /// How long an answer counts that calls a token active.
    pub(crate) fn lifetime(&self) -> Duration {
        self.0.introspection.lifetime
    }

    /// Whether the issuer was asked about this token a moment ago, and did not call it active.
    pub(crate) fn knows_inactive(&self, key: &TokenKey) -> bool {
        let until = self.0.inactive.get(key);
        until.is_some_and(|until| self.0.clock.monotonic() < until)
    }

    /// Remembers for a moment that a token is not active.
    pub(crate) fn keep_inactive(&self, key: TokenKey, asked_at: Duration) {
        let until = asked_at.saturating_add(INACTIVE_LIFETIME);
        self.0.inactive.insert(key, until);
    }

    /// Waits until it is known where the issuer is asked.
    pub(crate) async fn ready(&self) -> Result<(), Unanswered> {
        let place = self.0.endpoint.place(&self.0.client);
        Ok(self.0.client.in_time(place).await.map(drop)?)
    }

    /// Asks about a token, once for all requests that come with it meanwhile, and says when that was,
    /// on the monotonic clock. Without a key nobody else is waited for.
    pub(crate) async fn ask(
        &self,
        token: Token<Opaque>,
        key: Option<TokenKey>,
    ) -> Result<(Answered<Token<Opaque>>, Duration), Unanswered> {
        let arrived_at = self.0.clock.monotonic();
        let mut answer = match key {
            None => self.question(self.form(&token)?).await,
            Some(key) => match self.0.flights.board(key) {
                Boarding::Joins(flight) => self.landing(flight).await,
                Boarding::Asks(landing) => {
                    let flight = landing.subscribe();
                    self.take_off(key, self.form(&token), landing);
                    self.landing(flight).await
                }
                Boarding::Full => Err(Unanswered::because("too_many_questions")),
            },
        };
        // One that was asked for long ago, and came late, is too old for whoever has just arrived.
        let is_old = |answer: &Answer| answer.asked_at.saturating_add(self.lifetime()) < arrived_at;
        if answer.as_ref().is_ok_and(is_old) {
            answer = self.question(self.form(&token)?).await;
        }
        answer.map(|Answer { text, asked_at }| (Answered::attest(token, text), asked_at))
    }

    /// A task of its own: a client that goes away must not end the question that others wait for.
    fn take_off(
        &self,
        key: TokenKey,
        form: Result<(HeaderMap, String), Unanswered>,
        landing: watch::Sender<Landed>,
    ) {
        let (form, runtime) = match (form, Handle::try_current()) {
            (Ok(form), Ok(runtime)) => (form, runtime),
            (form, _) => {
                self.0.flights.land(&key);
                let why = form.err();
                let why = why.unwrap_or(Unanswered::because("no_runtime"));
                landing.send_replace(Some(Err(why)));
                return;
            }
        };
        let this = self.clone();
        runtime.spawn(async move {
            let answer = this.question(form).await;
            this.0.flights.land(&key);
            landing.send_replace(Some(answer));
        });
    }

    async fn landing(&self, mut flight: watch::Receiver<Landed>) -> Result<Answer, Unanswered> {
        let limit = self.0.client.time_limit().saturating_add(MARGIN);
        match tokio::time::timeout(limit, flight.wait_for(Option::is_some)).await {
            Ok(Ok(landed)) => landed
                .clone()
                .unwrap_or(Err(Unanswered::because("question_aborted"))),
            // Its runtime was shut down.
            Ok(Err(_)) => Err(Unanswered::because("question_aborted")),
            // Its runtime is there and nobody drives it.
            Err(_) => Err(Unanswered::because("question_stalled")),
        }
    }

    /// RFC 7662 section 2.1.
    fn form(&self, token: &Token<Opaque>) -> Result<(HeaderMap, String), Unanswered> {
        let shared = &self.0;
        let text = std::str::from_utf8(token.expose()).unwrap_or_default();
        let mut form = Serializer::new(String::new());
        form.append_pair("token", text);
        form.append_pair("token_type_hint", "access_token");
        let by = &shared.introspection.authentication;
        let proof = by.prove(&mut form, shared.client.issuer(), shared.clock.now());
        let proof = proof.ok().ok_or(Unanswered::because("no_client_proof"))?;
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, kind);
        if let Some(authorization) = proof.authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        Ok((headers, form.finish()))
    }

    /// One question, within the time limit, its turn included.
    async fn question(&self, (head, form): (HeaderMap, String)) -> Result<Answer, Unanswered> {
        let shared = &self.0;
        let asked = async {
            let turn = shared.at_once.acquire().await;
            let place = shared.endpoint.place(&shared.client).await?;
            // From here on: what is answered was true no earlier.
            let asked_at = shared.clock.monotonic();
            let document = shared.client.post(&place, head, form).await;
            drop(turn);
            let text = answer(document?)?;
            Ok(Answer { text, asked_at })
        };
        shared.client.in_time(asked).await
    }
}

/// What was answered, if it is an answer: a JSON object with status 200 (RFC 7662 section 2.2).
fn answer(document: Document) -> Result<Arc<[u8]>, Unanswered> {
    let Document {
        status,
        headers,
        text,
    } = document;
    match status {
        StatusCode::OK => {
            let is_json = serde_json::from_slice::<IgnoredAny>(&text).is_ok();
            if !is_json || !text.trim_ascii_start().starts_with(b"{") {
                return Err(Unanswered::because("malformed_answer"));
            }
            Ok(text.into())
        }
        // This server is not let in. The token of the request is not looked at.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err(Unanswered::because("introspection_unauthorized"))
        }
        _ => Err(Unanswered {
            cause: "unexpected_status",
            retry_after: retry_after(&headers),
        }),
    }
}

fn retry_after(headers: &HeaderMap) -> Duration {
    let said = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let said = said.and_then(|text| text.trim().parse().ok());
    said.map_or(SOON, Duration::from_secs).clamp(SOON, LATEST)
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("client", &self.client)
            .field("introspection", &self.introspection)
            .finish_non_exhaustive()
    }
}
