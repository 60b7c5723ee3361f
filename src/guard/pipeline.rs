//! The checks that do not depend on what a request wants to do, in their order.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::request::Parts;

use super::admitted::Admitted;
use super::settle::{Counting, Settled};
#[cfg(feature = "axum")]
use super::tenancy::Tenancy;
use super::{Inner, credential};
#[cfg(feature = "axum")]
use crate::audit::ReasonCode;
use crate::audit::{Auditor, Trail};
use crate::id::CorrelationId;
use crate::jwk::KeySet;
use crate::keys::IssuerKeys;
use crate::lifecycle::{LONGEST, Moment, Recall, TokenKey};
use crate::limit::Sighting;
use crate::refusal::{Answers, CredentialError, Reason, Refusal, Whose};
use crate::secret::{BearerToken, Kept};
use crate::token::{Acceptance, AudienceError, NotAccepted, Token, Unverified, Verified};
#[cfg(feature = "fetch")]
use crate::token::{IntrospectionError, Opaque};

/// Who was let in, and the moment at which that was looked at; or why nobody was.
pub(crate) type Admission = Result<(Admitted, DateTime<Utc>), Refusal>;

/// How far a request came without waiting.
pub(crate) enum Begun {
    Done(Admission),
    Waits(Arrived),
}

/// Whether anybody will say what a request wants to do, for whoever writes it down.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    /// Whoever reads its message.
    #[cfg(feature = "axum")]
    KnownLater,
    Unknown,
}

/// What has to be waited for.
pub(crate) enum Arrived {
    Unverified(Box<Presented>),
    Counts(Counting),
}

/// A token that has to be verified.
pub(crate) struct Presented {
    shown: Shown,
    attempt: Attempt,
}

/// What is known of a request beside its token.
pub(super) struct Attempt {
    pub(super) trail: Trail,
    /// What the token is remembered by afterwards.
    pub(super) key: Option<(TokenKey, usize)>,
    /// Who shows it, where that is known.
    pub(super) seen: Option<Sighting>,
    /// What is kept of it.
    pub(super) kept: Kept,
}

/// How far a token came without waiting.
enum Tried {
    Settled(Result<Settled, Refusal>),
    Waits(Presented),
}

enum Shown {
    /// Its issuer has signed it.
    Signed(Token<Unverified>),
    /// Its issuer has to be asked.
    #[cfg(feature = "fetch")]
    Opaque(Token<Opaque>),
}

impl Inner {
    pub(crate) fn answers(&self) -> &Answers {
        &self.answers
    }

    pub(crate) const fn acceptance(&self) -> &Acceptance {
        &self.acceptance
    }

    /// All checks that do not depend on what the request wants to do, and the moment they were made.
    ///
    /// Whoever asks knows what the request wants to do later, or never.
    pub(crate) async fn admit(self: &Arc<Self>, parts: &mut Parts, wants: Wants) -> Admission {
        let correlation = CorrelationId::of(&parts.headers);
        match self.begin(parts, correlation, wants) {
            Begun::Done(done) => done,
            Begun::Waits(arrived) => self.resume(arrived).await,
        }
    }

    /// The same as far as it goes without waiting for keys.
    ///
    /// A request that was admitted further outside is not verified and charged once more.
    pub(crate) fn begin(
        self: &Arc<Self>,
        parts: &mut Parts,
        correlation: CorrelationId,
        wants: Wants,
    ) -> Begun {
        #[cfg(feature = "axum")]
        if !Tenancy::admits(&parts.extensions, self) {
            credential::forget(parts);
            let begun = self.acceptance.rules().clock.monotonic();
            let refusal = self.refuse(Reason::OtherTenant, None);
            return Begun::Done(Err(self.turned_away(refusal, correlation, begun)));
        }
        // One that brings a credential of its own is verified by that.
        if let Some(admitted) = parts.extensions.get::<Admitted>()
            && admitted.is_of(self)
            && !credential::is_in(parts)
        {
            let admitted = admitted.clone();
            credential::forget(parts);
            return Begun::Done(Ok((admitted, self.acceptance.rules().clock.now())));
        }
        let at = Moment::of(&*self.acceptance.rules().clock);
        let is_told = wants != Wants::Unknown && self.auditor.is_read();
        let trail = Trail::new(correlation, at.monotonic, is_told);
        let mut seen = self.peers.as_ref().map(|peers| peers.sighting(parts));
        let settled = match self.arrive(parts, at, trail, &mut seen) {
            Err(settled) => settled,
            Ok(presented) => match self.at_once(presented) {
                Tried::Settled(settled) => settled,
                Tried::Waits(presented) => {
                    return Begun::Waits(Arrived::Unverified(Box::new(presented)));
                }
            },
        };
        match settled {
            Ok(Settled::In(admitted, now)) => Begun::Done(Ok((admitted, now))),
            Ok(Settled::Counts(counting)) => Begun::Waits(Arrived::Counts(counting)),
            Err(refusal) => {
                self.failed(seen.as_ref(), &refusal);
                Begun::Done(Err(self.turned_away(refusal, correlation, at.monotonic)))
            }
        }
    }

    /// The token of a request, if it is not known already what comes of it.
    #[cfg_attr(
        all(feature = "client", feature = "rmcp-3"),
        expect(
            clippy::result_large_err,
            reason = "it is no error, and most requests end here"
        )
    )]
    fn arrive(
        self: &Arc<Self>,
        parts: &mut Parts,
        at: Moment,
        mut trail: Trail,
        seen: &mut Option<Sighting>,
    ) -> Result<Presented, Result<Settled, Refusal>> {
        let refuse = |reason| Err(self.refuse(reason, None));
        if let (Some(peers), Some(seen)) = (&self.peers, &seen)
            && let Err(not_until) = peers.charge(seen)
        {
            return Err(refuse(not_until.into()));
        }
        let presented = match credential::take(parts) {
            Ok(Some(presented)) => presented,
            Ok(None) => return Err(refuse(Reason::NoCredential)),
            Err(error) => return Err(refuse(error.into())),
        };
        let length = presented.expose().len();
        // What is longer than a token may be is not looked at.
        let is_wanted = length <= self.longest_token && (self.cache.is_on() || seen.is_some());
        let hash = is_wanted.then(|| self.cache.key_of(&presented));
        *seen = seen.map(|seen| seen.showing(hash.map(TokenKey::half)));
        let key = hash.filter(|_| self.cache.is_on());
        let kept = self.kept(&presented);
        if let Some(key) = key {
            let stands = |verified: &Verified| {
                let voucher = self.vouchers.get(verified.source());
                voucher.is_some_and(|voucher| voucher.still_has(verified, at.monotonic))
            };
            match self.cache.recall(&key, at, stands) {
                Recall::Live(token) => {
                    trail.was_known();
                    if let Err(not_until) = self.spread(seen.as_ref(), token.verified(), at) {
                        let refusal = self.refuse(not_until.into(), Some(token.verified()));
                        return Err(Err(refusal.of_remembered(true)));
                    }
                    let settled = self.settle(token, at.now, trail);
                    return Err(settled.map(|settled| settled.keeping(kept)));
                }
                Recall::Expired(claimant) => {
                    return Err(Err(self.expired(Whose::Genuine(claimant))));
                }
                Recall::Dead(verified) => return Err(Err(self.expired(Whose::Verified(verified)))),
                Recall::Unknown => {}
            }
        }
        let Ok(raw) = presented.into_token() else {
            return Err(refuse(CredentialError::Malformed.into()));
        };
        let shown = self.shown(raw, key).map_err(Err)?;
        if let Some(Err(not_until)) = seen.map(|seen| self.abuse.check(&seen, at.monotonic)) {
            return Err(refuse(not_until.into()));
        }
        let attempt = Attempt {
            trail,
            key: key.map(|key| (key, length)),
            seen: *seen,
            kept,
        };
        Ok(Presented { shown, attempt })
    }

    /// What is kept of the token, where the guard was told to.
    #[cfg_attr(
        not(feature = "client"),
        expect(
            unused_variables,
            clippy::unused_self,
            reason = "nobody exchanges tokens"
        )
    )]
    fn kept(&self, presented: &crate::secret::Presented) -> Kept {
        #[cfg(feature = "client")]
        if self.keeps_tokens && presented.expose().len() <= self.longest_token {
            return Kept::of(presented);
        }
        Kept::NOTHING
    }

    /// The token, as far as it can be read by itself.
    #[cfg_attr(
        not(feature = "fetch"),
        expect(unused_variables, reason = "nobody is asked about tokens")
    )]
    fn shown(&self, raw: BearerToken, key: Option<TokenKey>) -> Result<Shown, Refusal> {
        #[cfg(feature = "fetch")]
        if raw.expose().len() <= self.longest_token && self.is_asked_about(&raw) {
            if let Some(whose) = self.is_known_inactive(key) {
                let refusal = self.refuse(IntrospectionError::Inactive.into(), None);
                return Err(refusal.of_whom(whose));
            }
            return Ok(Shown::Opaque(Token::opaque(raw)));
        }
        let token = Token::parse_within(raw, self.longest_token, &self.known_header);
        let token = token.map_err(|error| self.refuse(error.into(), None))?;
        Ok(Shown::Signed(token))
    }

    /// The rest of it, where nothing has to be waited for.
    fn at_once(self: &Arc<Self>, Presented { shown, attempt }: Presented) -> Tried {
        match shown {
            Shown::Signed(token) => {
                let Some((source, keys)) = self.at_hand(&token) else {
                    let shown = Shown::Signed(token);
                    return Tried::Waits(Presented { shown, attempt });
                };
                let kept = attempt.kept.clone();
                let settled = self.finish(token, attempt, (source, &keys));
                Tried::Settled(settled.map(|settled| settled.keeping(kept)))
            }
            #[cfg(feature = "fetch")]
            Shown::Opaque(_) => Tried::Waits(Presented { shown, attempt }),
        }
    }

    /// The rest of it, where keys or the issuer's answer have to be waited for.
    pub(crate) async fn resume(self: &Arc<Self>, arrived: Arrived) -> Admission {
        let (trail, seen) = match &arrived {
            Arrived::Unverified(of) => (&of.attempt.trail, of.attempt.seen),
            Arrived::Counts(counting) => (counting.trail(), None),
        };
        let (correlation, begun) = (trail.correlation(), trail.begun());
        let done = match arrived {
            Arrived::Unverified(presented) => self.verified(*presented).await,
            Arrived::Counts(counting) => self.count(counting).await,
        };
        done.map_err(|refusal| {
            self.failed(seen.as_ref(), &refusal);
            self.turned_away(refusal, correlation, begun)
        })
    }

    async fn verified(self: &Arc<Self>, Presented { shown, attempt }: Presented) -> Admission {
        let kept = attempt.kept.clone();
        let settled = match shown {
            Shown::Signed(token) => {
                let (source, keys) = self.keys_for(&token).await?;
                self.finish(token, attempt, (source, &keys))?
            }
            #[cfg(feature = "fetch")]
            Shown::Opaque(token) => self.introspect(token, attempt).await?,
        };
        match settled.keeping(kept) {
            Settled::In(admitted, now) => Ok((admitted, now)),
            Settled::Counts(counting) => self.count(counting).await,
        }
    }

    /// Everything from the signature on.
    fn finish(
        self: &Arc<Self>,
        token: Token<Unverified>,
        attempt: Attempt,
        (source, keys): (&IssuerKeys, &KeySet),
    ) -> Result<Settled, Refusal> {
        let token = self.verify(token, source, keys)?;
        #[cfg(feature = "metrics")]
        self.measured(&attempt.trail);
        let key = attempt.key;
        // Only now: there may have been a wait for keys, and the token may have died meanwhile.
        let at = Moment::of(&*self.acceptance.rules().clock);
        let deadline = token.deadline(&self.acceptance);
        let token = match token.accept(&self.acceptance, at.now) {
            Ok(token) => token,
            Err(NotAccepted { error, claimant }) => {
                let claimant = Arc::new(claimant);
                if let (AudienceError::Expired, Some((key, _)), Some(since)) =
                    (error, key, deadline)
                {
                    self.cache.keep_expired(key, &claimant, since, at);
                }
                let refusal = self.refuse(error.into(), None);
                return Err(refusal.of_whom(Whose::Genuine(claimant)));
            }
        };
        if let Some(key) = key {
            self.cache.keep(key, token.verified(), at, LONGEST);
        }
        self.settle_new(token, attempt, at)
    }

    /// The refusal of a token that was remembered, and is over.
    fn expired(&self, whose: Whose) -> Refusal {
        let refusal = self.refuse(AudienceError::Expired.into(), None);
        refusal.of_whom(whose).of_remembered(true)
    }

    /// The refusal of a request for another reason than its token.
    #[cfg(feature = "axum")]
    pub(crate) fn refuses(&self, reason: Reason, request: CorrelationId) -> Refusal {
        let begun = self.acceptance.rules().clock.monotonic();
        self.turned_away(self.refuse(reason, None), request, begun)
    }

    /// Writes down that a request was refused for its form, before anybody asked who sent it.
    #[cfg(feature = "axum")]
    pub(crate) fn faulty(&self, reason: ReasonCode, request: CorrelationId) {
        let begun = self.acceptance.rules().clock.monotonic();
        let trail = Trail::new(request, begun, false);
        self.auditor.faulty(reason, None, &trail);
    }

    /// A refusal that nobody has written down yet.
    pub(super) fn refuse(&self, reason: Reason, verified: Option<&Arc<Verified>>) -> Refusal {
        Refusal::new(reason, None, Arc::clone(&self.answers)).of(verified)
    }

    /// Writes down that a request was not let in.
    fn turned_away(&self, refusal: Refusal, request: CorrelationId, begun: Duration) -> Refusal {
        let refusal = refusal.about(request);
        self.auditor.turned_away(&refusal, Some(begun));
        refusal
    }

    pub(crate) const fn auditor(&self) -> &Auditor {
        &self.auditor
    }
}
