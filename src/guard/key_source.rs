//! Whose keys verify a token.

use std::sync::Arc;

use super::Inner;
use super::voucher::Voucher;
use crate::audit::{self, AuditDecision};
use crate::jwk::KeySet;
use crate::keys::IssuerKeys;
use crate::refusal::{Reason, Refusal, TokenFault, Whose};
use crate::token::{KnownHeader, SignatureError, SignatureVerified, Token, Unverified};

impl Inner {
    /// The keys that may verify this token, if they need not be waited for.
    pub(super) fn at_hand(&self, token: &Token<Unverified>) -> Option<(&IssuerKeys, Arc<KeySet>)> {
        // The only issuer has the key that is named: nobody else needs to be looked for.
        let source = match self.vouchers.as_slice() {
            [Voucher::Keys(only)] => only,
            _ => self.key_source(token).ok()?,
        };
        Some((source, source.at_hand(token)?))
    }

    /// The keys that may verify this token, and where they come from.
    pub(super) async fn keys_for(
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

    /// Whether one of these keys has signed it.
    pub(super) fn verify(
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
    pub(super) fn misjudged(&self, error: SignatureError, keys: &KeySet) -> Refusal {
        let refusal = self.refuse(error.into(), None);
        if error == SignatureError::OtherIssuer {
            // They are not those of the issuer that it names.
            return refusal;
        }
        refusal.of_whom(Whose::JudgedBy(keys.issuer().clone()))
    }
}
