//! Tokens that their issuer is asked about.

use std::sync::Arc;

use super::Inner;
use super::pipeline::Attempt;
use super::settle::Settled;
use super::voucher::{Voucher, unavailable};
use crate::lifecycle::{Asker, Moment, TokenKey, Unanswered};
use crate::refusal::{Reason, Refusal, TokenFault};
use crate::secret::BearerToken;
use crate::token::{Answered, Introspected, NotActive, Opaque, ParseError, Token, may_be_shown};

impl Inner {
    /// Who is asked about tokens, if anybody is.
    fn asker(&self) -> Option<&Asker> {
        self.vouchers.iter().find_map(Voucher::asker)
    }

    /// Whether somebody is asked about this token.
    pub(super) fn is_asked_about(&self, token: &BearerToken) -> bool {
        let asker = self.asker();
        asker.is_some_and(|asker| may_be_shown(token, asker.issuer()))
    }

    /// Whether it need not be asked: it was a moment ago, and did not call the token active.
    pub(super) fn is_known_inactive(&self, key: Option<TokenKey>) -> bool {
        let (asker, key) = (self.asker(), key.as_ref());
        asker.is_some_and(|asker| key.is_some_and(|key| asker.knows_inactive(key)))
    }

    /// Everything from the question on.
    pub(super) async fn introspect(
        self: &Arc<Self>,
        token: Token<Opaque>,
        attempt: Attempt,
    ) -> Result<Settled, Refusal> {
        let refuse = |reason| self.refuse(reason, None);
        let asker = self.asker().ok_or_else(|| refuse(UNKNOWN))?;
        // Where an answer counts for no time at all, nothing of it is remembered.
        let key = attempt.key.filter(|_| !asker.lifetime().is_zero());
        let was_known = key.is_some_and(|(key, _)| self.cache.was_known(&key));
        let answer = asker.ask(token, key.map(|(key, _)| key), was_known).await;
        let (answered, asked_at) = answer.map_err(|why| refuse(unavailable(asker, why).into()))?;
        let (weight, keep_out) = (answered.len(), |reason: Reason| {
            if let (Some((key, _)), Reason::InvalidToken(_)) = (key, &reason) {
                asker.keep_inactive(key, asked_at);
            }
            refuse(reason)
        });
        let token = active(asker, answered).map_err(keep_out)?;
        let at = Moment::of(&*self.acceptance.rules().clock);
        let token = token.verify_audience(&self.acceptance, at.now);
        let token = token.map_err(|error| keep_out(error.into()))?;
        if let Some((key, length)) = key {
            let key = (key, length.max(weight));
            // It counts since the issuer was asked, not since it answered.
            let since = Moment {
                monotonic: asked_at,
                ..at
            };
            self.cache
                .keep(key, token.verified(), since, asker.lifetime());
        }
        self.settle_new(token, attempt, at)
    }

    /// The same as far as the issuer's answer.
    pub(super) async fn ask(&self, token: Token<Opaque>) -> Result<Token<Introspected>, Refusal> {
        let refuse = |reason: Reason| {
            let refusal = self.refuse(reason, None);
            self.auditor().turned_away(&refusal, None);
            refusal
        };
        if token.expose().len() > self.longest_token {
            return Err(refuse(ParseError::TooLong.into()));
        }
        let asker = self.asker();
        let asker = asker.filter(|asker| may_be_shown(token.raw(), asker.issuer()));
        let asker = asker.ok_or_else(|| refuse(UNKNOWN))?;
        let answer = asker.ask(token, None, false).await;
        let (answered, _) = answer.map_err(|why| refuse(unavailable(asker, why).into()))?;
        active(asker, answered).map_err(refuse)
    }
}

const UNKNOWN: Reason = Reason::InvalidToken(TokenFault::UnknownIssuer);

/// The token, if the answer calls it active.
fn active(asker: &Asker, answered: Answered<Token<Opaque>>) -> Result<Token<Introspected>, Reason> {
    Token::of_answer(answered, asker.issuer()).map_err(|why| match why {
        NotActive::Refused(error) => error.into(),
        NotActive::Unread => {
            let why = Unanswered::because("malformed_answer");
            unavailable(asker, why).into()
        }
    })
}
