//! The one who asks.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use quick_cache::sync::Cache;
use serde::de::IgnoredAny;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::Introspection;
use super::endpoint::Endpoint;
use super::flights::{Answer, Boarding, Flights, Landed};
use super::told::Told;
use crate::clock::Clock;
use crate::fetch::{ClientError, Document, FetchError, FetchOptions, IssuerClient, Place};
use crate::id::Issuer;
use crate::lifecycle::TokenKey;
use crate::token::{Answered, Opaque, Token};

/// How long it is remembered that a token is not active.
const INACTIVE_LIFETIME: Duration = Duration::from_secs(5);
/// How many of these are remembered.
const MOST_INACTIVE: usize = 4096;
/// How much longer than a question a request waits for it.
const MARGIN: Duration = Duration::from_secs(1);
/// What is asked about to see whether questions are answered: the token of nobody.
const NOBODYS: &str = "clearance-asks-whether-it-may-ask";
/// When to come back, where the issuer does not say, and the most that it can say.
const SOON: Duration = Duration::from_secs(1);
const LATEST: Duration = Duration::from_mins(1);

/// Asks one issuer about its tokens. Clones share what they know.
#[derive(Clone, Debug)]
pub(crate) struct Asker(Arc<Shared>);

struct Shared {
    client: Arc<IssuerClient>,
    endpoint: Endpoint,
    introspection: Introspection,
    clock: Arc<dyn Clock>,
    /// Of tokens that were active before: strangers with tokens that they made up take nobody's turn who
    /// was let in.
    of_known: Flights,
    of_strangers: Flights,
    told: Mutex<Told>,
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
    pub(crate) const fn because(cause: &'static str) -> Self {
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
            client: Arc::new(IssuerClient::new(issuer, options)?),
            endpoint: Endpoint::new(endpoint, Arc::clone(&clock)),
            introspection,
            clock,
            of_known: Flights::new(),
            of_strangers: Flights::new(),
            told: Mutex::default(),
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

    /// Waits until it is known where the issuer is asked. Where questions have failed, it is asked one
    /// more, now and then, about a token that nobody has: only an answer says that they are answered
    /// again, and no request may come to bring one.
    pub(crate) async fn ready(&self) -> Result<(), Unanswered> {
        Handle::try_current()
            .ok()
            .ok_or(Unanswered::because("no_runtime"))?;
        let place = self.0.endpoint.place(&self.0.client);
        let found = self.0.client.in_time(place).await;
        let found = found.map(drop);
        self.told().searched(found.map_err(FetchError::code));
        found?;
        let now = self.0.clock.monotonic();
        if self.told().is_time_to_ask(now) {
            let turns = &self.0.of_known.turns;
            return self.question(NOBODYS, turns, true).await.map(drop);
        }
        let in_vain = self.told().in_vain();
        in_vain.map_or(Ok(()), |cause| Err(Unanswered::because(cause)))
    }

    /// Asks about a token, once for all requests that come with it meanwhile, and says when that was,
    /// on the monotonic clock. Without a key each request asks for itself.
    ///
    /// A token that `was_known` waits among its like.
    pub(crate) async fn ask(
        &self,
        token: Token<Opaque>,
        key: Option<TokenKey>,
        was_known: bool,
    ) -> Result<(Answered<Token<Opaque>>, Duration), Unanswered> {
        let arrived_at = self.0.clock.monotonic();
        loop {
            let Answer { text, asked_at } = self.answer(&token, key, was_known).await?;
            // One that was asked for long ago, and came late, is too old for whoever has just arrived.
            if asked_at.saturating_add(self.lifetime()) >= arrived_at || asked_at >= arrived_at {
                return Ok((Answered::attest(token, text), asked_at));
            }
        }
    }

    async fn answer(
        &self,
        token: &Token<Opaque>,
        key: Option<TokenKey>,
        was_known: bool,
    ) -> Result<Answer, Unanswered> {
        let runtime = Handle::try_current();
        let runtime = runtime.ok().ok_or(Unanswered::because("no_runtime"))?;
        let shared = &self.0;
        let (now, longest) = (shared.clock.monotonic(), self.patience());
        match self.flights(was_known).board(key, now, longest) {
            Boarding::Joins(landed) => self.landing(landed).await,
            Boarding::Asks {
                number,
                landing,
                landed,
            } => {
                let text = String::from_utf8_lossy(token.expose()).into_owned();
                let (this, text) = (self.clone(), Zeroizing::new(text));
                // A task of its own: a client that goes away must not end the question that others wait
                // for, and one that is not driven must not hold a turn.
                runtime.spawn(async move {
                    let flights = this.flights(was_known);
                    let answer = this.question(&text, &flights.turns, was_known).await;
                    flights.land(number);
                    landing.send_replace(Some(answer));
                });
                self.landing(landed).await
            }
            Boarding::Full => Err(Unanswered::because("too_many_questions")),
        }
    }

    fn flights(&self, was_known: bool) -> &Flights {
        if was_known {
            &self.0.of_known
        } else {
            &self.0.of_strangers
        }
    }

    /// How long a question is waited for.
    fn patience(&self) -> Duration {
        self.0.client.time_limit().saturating_add(MARGIN)
    }

    async fn landing(&self, mut landed: watch::Receiver<Landed>) -> Result<Answer, Unanswered> {
        let landing = landed.wait_for(Option::is_some);
        match tokio::time::timeout(self.patience(), landing).await {
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
    fn form(&self, token: &str) -> Result<(HeaderMap, String), Unanswered> {
        let shared = &self.0;
        let mut form = Serializer::new(String::new());
        form.append_pair("token", token);
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

    /// One question, within the time limit, its turn included. `is_ours` says that no stranger chose the
    /// token.
    async fn question(
        &self,
        token: &str,
        turns: &Semaphore,
        is_ours: bool,
    ) -> Result<Answer, Unanswered> {
        let shared = &self.0;
        let mut is_lost = false;
        let asked = async {
            let turn = turns.acquire().await;
            let place = shared.endpoint.place(&shared.client).await;
            is_lost = place.is_err();
            let place = place?;
            let (head, form) = self.form(token)?;
            // From here on: what is answered was true no earlier.
            let asked_at = shared.clock.monotonic();
            let document = shared.client.post(&place, head, form).await;
            drop(turn);
            let text = answer(document?)?;
            Ok(Answer { text, asked_at })
        };
        let answer: Result<_, Unanswered> = shared.client.in_time(asked).await;
        let now = shared.clock.monotonic();
        let mut told = self.told();
        match &answer {
            Ok(_) => told.answered(),
            Err(why) if is_lost => told.asked_nobody(why.cause),
            Err(why) => told.failed(why.cause, is_ours, now),
        }
        drop(told);
        answer
    }

    /// How it is with the questions.
    pub(crate) fn status(&self) -> Told {
        *self.told()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
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
