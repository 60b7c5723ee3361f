//! The checks that do not depend on what a request wants to do, in their order.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::request::Parts;

use super::admitted::Admitted;
use super::settle::{Counting, Settled};
use super::voucher::Voucher;
use super::{Inner, credential};
#[cfg(feature = "axum")]
use crate::audit::ReasonCode;
use crate::audit::{self, AuditDecision, Auditor, Trail};
use crate::id::CorrelationId;
use crate::jwk::KeySet;
use crate::keys::{IssuerKeys, Unavailable};
use crate::lifecycle::{LONGEST, Moment, NotLive, Recall, TokenKey};
use crate::refusal::{Answers, CredentialError, Reason, Refusal, TokenFault, Whose};
use crate::token::{
    Acceptance, AudienceError, KnownHeader, NotAccepted, SignatureError, SignatureVerified, Token,
    Unverified, Verified,
};
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
    Unverified(Presented),
    Counts(Counting),
}

/// A token that has to be verified.
pub(crate) struct Presented {
    trail: Trail,
    shown: Shown,
    /// What it is remembered by afterwards.
    key: Option<(TokenKey, usize)>,
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
        let settled = match self.arrive(parts, at, trail) {
            Err(settled) => settled,
            Ok(presented) => match self.at_once(presented) {
                Tried::Settled(settled) => settled,
                Tried::Waits(presented) => return Begun::Waits(Arrived::Unverified(presented)),
            },
        };
        match settled {
            Ok(Settled::In(admitted, now)) => Begun::Done(Ok((admitted, now))),
            Ok(Settled::Counts(counting)) => Begun::Waits(Arrived::Counts(counting)),
            Err(refusal) => Begun::Done(Err(self.turned_away(refusal, correlation, at.monotonic))),
        }
    }

    /// The token of a request, if it is not known already what comes of it.
    fn arrive(
        self: &Arc<Self>,
        parts: &mut Parts,
        at: Moment,
        mut trail: Trail,
    ) -> Result<Presented, Result<Settled, Refusal>> {
        let refuse = |reason| Err(self.refuse(reason, None));
        if let Some(peers) = &self.peers
            && let Err(not_until) = peers.charge(peers.peer(parts))
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
        let key = (length <= self.longest_token).then(|| self.cache.key_of(&presented));
        let key = key.flatten();
        if let Some(key) = key {
            let stands = |verified: &Verified| {
                let voucher = self.vouchers.get(verified.source());
                voucher.is_some_and(|voucher| voucher.still_has(verified, at.monotonic))
            };
            match self.cache.recall(&key, at, stands) {
                Recall::Live(token) => {
                    trail.was_known();
                    return Err(self.settle(token, at.now, trail));
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
        #[cfg(feature = "fetch")]
        if length <= self.longest_token && self.is_asked_about(&raw) {
            if let Some(whose) = self.is_known_inactive(key) {
                let refusal = self.refuse(IntrospectionError::Inactive.into(), None);
                return Err(Err(refusal.of_whom(whose)));
            }
            return Ok(Presented {
                trail,
                shown: Shown::Opaque(Token::opaque(raw)),
                key: key.map(|key| (key, length)),
            });
        }
        match Token::parse_within(raw, self.longest_token, &self.known_header) {
            Ok(token) => Ok(Presented {
                trail,
                shown: Shown::Signed(token),
                key: key.map(|key| (key, length)),
            }),
            Err(error) => Err(refuse(error.into())),
        }
    }

    /// The rest of it, where nothing has to be waited for.
    fn at_once(self: &Arc<Self>, Presented { trail, shown, key }: Presented) -> Tried {
        match shown {
            Shown::Signed(token) => {
                let Some((source, keys)) = self.at_hand(&token) else {
                    let shown = Shown::Signed(token);
                    return Tried::Waits(Presented { trail, shown, key });
                };
                Tried::Settled(self.finish(token, key, (source, &keys), trail))
            }
            #[cfg(feature = "fetch")]
            Shown::Opaque(_) => Tried::Waits(Presented { trail, shown, key }),
        }
    }

    /// The rest of it, where keys or the issuer's answer have to be waited for.
    pub(crate) async fn resume(self: &Arc<Self>, arrived: Arrived) -> Admission {
        let trail = match &arrived {
            Arrived::Unverified(presented) => &presented.trail,
            Arrived::Counts(counting) => counting.trail(),
        };
        let (correlation, begun) = (trail.correlation(), trail.begun());
        let done = match arrived {
            Arrived::Unverified(presented) => self.verified(presented).await,
            Arrived::Counts(counting) => self.count(counting).await,
        };
        done.map_err(|refusal| self.turned_away(refusal, correlation, begun))
    }

    async fn verified(self: &Arc<Self>, Presented { trail, shown, key }: Presented) -> Admission {
        let settled = match shown {
            Shown::Signed(token) => {
                let (source, keys) = self.keys_for(&token).await?;
                self.finish(token, key, (source, &keys), trail)?
            }
            #[cfg(feature = "fetch")]
            Shown::Opaque(token) => self.introspect(token, key, trail).await?,
        };
        match settled {
            Settled::In(admitted, now) => Ok((admitted, now)),
            Settled::Counts(counting) => self.count(counting).await,
        }
    }

    /// Everything from the signature on.
    fn finish(
        self: &Arc<Self>,
        token: Token<Unverified>,
        key: Option<(TokenKey, usize)>,
        (source, keys): (&IssuerKeys, &KeySet),
        trail: Trail,
    ) -> Result<Settled, Refusal> {
        let token = self.verify(token, source, keys)?;
        #[cfg(feature = "metrics")]
        self.measured(&trail);
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
        self.settle(token, at.now, trail)
    }

    fn verify(
        &self,
        token: Token<Unverified>,
        source: &IssuerKeys,
        keys: &KeySet,
    ) -> Result<Token<SignatureVerified>, Refusal> {
        let anonymous = token.untrusted_key_id().is_none();
        let news = KnownHeader::news(&token);
        let token = token.verify_signature(keys).map_err(|error| {
            if anonymous && error == SignatureError::BadSignature {
                source.may_have_changed();
            }
            self.misjudged(error, keys)
        })?;
        if let Some(news) = news {
            self.known_header.remember(news);
        }
        Ok(token)
    }

    /// The refusal of a token that these keys did not verify.
    fn misjudged(&self, error: SignatureError, keys: &KeySet) -> Refusal {
        let refusal = self.refuse(error.into(), None);
        if error == SignatureError::OtherIssuer {
            // They are not those of the issuer that it names.
            return refusal;
        }
        refusal.of_whom(Whose::JudgedBy(keys.issuer().clone()))
    }

    /// The refusal of a token that was remembered, and is over.
    fn expired(&self, whose: Whose) -> Refusal {
        let refusal = self.refuse(AudienceError::Expired.into(), None);
        refusal.of_whom(whose).of_remembered(true)
    }

    /// The keys that may verify this token, if they need not be waited for.
    fn at_hand(&self, token: &Token<Unverified>) -> Option<(&IssuerKeys, Arc<KeySet>)> {
        // The only issuer has the key that is named: nobody else needs to be looked for.
        let source = match self.vouchers.as_slice() {
            [Voucher::Keys(only)] => only,
            _ => self.key_source(token).ok()?,
        };
        Some((source, source.at_hand(token)?))
    }

    /// The keys that may verify this token, and where they come from.
    async fn keys_for(
        &self,
        token: &Token<Unverified>,
    ) -> Result<(&IssuerKeys, Arc<KeySet>), Refusal> {
        let refuse = |reason| self.refuse(reason, None);
        let source = self.key_source(token).map_err(refuse)?;
        let keys = source.for_token(token).await;
        let keys = keys.map_err(|unavailable| refuse(unavailable.into()))?;
        if !token.is_known_to(&keys) {
            let named = token.untrusted_key_id();
            let named = named.filter(|_| self.auditor.reads(AuditDecision::Refused));
            let refusal = self.misjudged(SignatureError::UnknownKey, &keys);
            return Err(refusal.naming(named.map(audit::shown)));
        }
        Ok((source, keys))
    }

    pub(super) async fn key_set(&self, token: &Token<Unverified>) -> Result<Arc<KeySet>, Reason> {
        Ok(self.key_source(token)?.for_token(token).await?)
    }

    /// The keys are chosen by what the token says of its issuer, before anything is verified; it can
    /// only choose among the configured ones.
    fn key_source(&self, token: &Token<Unverified>) -> Result<&IssuerKeys, Reason> {
        let named = token.untrusted_issuer()?;
        let rules = self.acceptance.rules();
        rules
            .issuers
            .iter()
            .zip(&self.vouchers)
            .find_map(|(rules, voucher)| (*named == *rules.issuer.as_str()).then_some(voucher))
            .and_then(Voucher::keys)
            .ok_or(Reason::InvalidToken(TokenFault::UnknownIssuer))
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

/// Why a token is refused that nobody calls live.
pub(super) fn not_live(why: NotLive, verified: &Verified) -> Reason {
    match why {
        NotLive::Revoked => Reason::InvalidToken(TokenFault::Revoked),
        NotLive::Unavailable => {
            let issuer = verified.principal().issuer.clone();
            Unavailable::new(issuer, "revocations_unknown", Duration::from_secs(1)).into()
        }
    }
}
