//! Tokens that their issuer is asked about.

use std::sync::Arc;

use super::Inner;
use super::pipeline::Admission;
use super::voucher::{Voucher, unavailable};
use crate::id::CorrelationId;
use crate::lifecycle::{Asker, Moment, TokenKey};
use crate::refusal::{Reason, Refusal};
use crate::secret::BearerToken;
use crate::token::{AudienceError, Introspected, IntrospectionError, Opaque, Token, may_be_shown};

impl Inner {
    /// Who is asked about this token, if it is one that is asked about.
    pub(super) fn asker_for(&self, token: &BearerToken) -> Option<&Asker> {
        let asker = self.vouchers.iter().find_map(Voucher::asker)?;
        may_be_shown(token, asker.issuer()).then_some(asker)
    }

    /// Whether it need not be asked: it was a moment ago, and did not call the token active.
    pub(super) fn is_known_inactive(&self, key: Option<TokenKey>) -> bool {
        let asker = self.vouchers.iter().find_map(Voucher::asker);
        asker.is_some_and(|asker| key.is_some_and(|key| asker.knows_inactive(&key)))
    }

    /// Everything from the question on.
    pub(super) async fn introspect(
        self: &Arc<Self>,
        token: Token<Opaque>,
        key: Option<(TokenKey, usize)>,
        correlation: CorrelationId,
    ) -> Admission {
        let refuse = |reason| self.refuse(reason, None);
        let Some(asker) = self.vouchers.iter().find_map(Voucher::asker) else {
            return Err(refuse(IntrospectionError::Inactive.into()));
        };
        // Where an answer counts for no time at all, nothing of it is remembered.
        let key = key.filter(|_| !asker.lifetime().is_zero());
        let (token, asked_at) = match asker.ask(token, key.map(|(key, _)| key)).await {
            Ok((answered, asked_at)) => (Token::of_answer(answered, asker.issuer()), asked_at),
            Err(why) => return Err(refuse(unavailable(asker, why).into())),
        };
        let token = token.map_err(|error| {
            if let Some((key, _)) = key {
                asker.keep_inactive(key, asked_at);
            }
            refuse(error.into())
        })?;
        let clock = &self.acceptance.rules().clock;
        let mut at = Moment::of(&**clock);
        let deadline = token.deadline(&self.acceptance);
        let token = match token.verify_audience(&self.acceptance, at.now) {
            Ok(token) => token,
            Err(error) => {
                match (error, key, deadline) {
                    (AudienceError::Expired, Some((key, _)), Some(since)) => {
                        self.cache.keep_expired(key, since, at);
                    }
                    (_, Some((key, _)), _) => asker.keep_inactive(key, asked_at),
                    _ => {}
                }
                return Err(refuse(error.into()));
            }
        };
        let now = at.now;
        if let Some(key) = key {
            // It counts since the issuer was asked, not since it answered.
            at.monotonic = asked_at;
            self.cache.keep(key, token.verified(), at, asker.lifetime());
        }
        self.settle(token, now, correlation)
    }

    /// The same as far as the issuer's answer.
    pub(super) async fn ask(&self, token: Token<Opaque>) -> Result<Token<Introspected>, Refusal> {
        let refuse = |reason: Reason| self.refuse(reason, None);
        let Some(asker) = self.vouchers.iter().find_map(Voucher::asker) else {
            return Err(refuse(IntrospectionError::Inactive.into()));
        };
        match asker.ask(token, None).await {
            Ok((answered, _)) => {
                let token = Token::of_answer(answered, asker.issuer());
                token.map_err(|error| refuse(error.into()))
            }
            Err(why) => Err(refuse(unavailable(asker, why).into())),
        }
    }
}
