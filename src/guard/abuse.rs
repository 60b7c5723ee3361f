//! What counts as a failure of whoever asks, and what an operator takes back.

use std::sync::Arc;
use std::time::Duration;

use super::pipeline::Attempt;
use super::settle::Settled;
use super::{Guard, Inner};
use crate::lifecycle::Moment;
use crate::limit::{NotUntil, Offence, Offender, Sighting};
use crate::refusal::{CredentialError, Reason, Refusal, TokenFault};
use crate::scope::Vocabulary;
use crate::token::{AudienceError, AudienceVerified, SignatureError, Token, Verified};

/// What a peer has failed with that is refused for this reason, if it counts.
///
/// Whatever is genuine and not for now does not count, be it expired, too early or revoked: that is everyday
/// life.
const fn offence(reason: &Reason) -> Option<Offence> {
    if matches!(
        reason,
        Reason::MalformedCredential(CredentialError::Malformed)
    ) {
        return Some(Offence::MalformedToken);
    }
    let Reason::InvalidToken(fault) = reason else {
        return None;
    };
    match fault {
        TokenFault::Parse(_) => Some(Offence::MalformedToken),
        TokenFault::UnknownIssuer
        | TokenFault::Signature(SignatureError::OtherIssuer)
        | TokenFault::Audience(AudienceError::UnknownIssuer) => Some(Offence::UnknownIssuer),
        TokenFault::Signature(SignatureError::UnknownKey) => Some(Offence::UnknownKey),
        TokenFault::Signature(SignatureError::BadSignature | SignatureError::UnsuitableKey) => {
            Some(Offence::BadSignature)
        }
        TokenFault::Audience(AudienceError::ForeignType | AudienceError::OtherResource) => {
            Some(Offence::ForeignAudience)
        }
        TokenFault::Audience(
            AudienceError::BoundToKey
            | AudienceError::Expired
            | AudienceError::IssuedInFuture
            | AudienceError::LivesTooLong
            | AudienceError::MissingClaim
            | AudienceError::NotYetValid
            | AudienceError::TooOld,
        )
        | TokenFault::Signature(SignatureError::AmbiguousKey | SignatureError::Malformed(_))
        | TokenFault::Revoked => None,
        #[cfg(feature = "fetch")]
        TokenFault::Introspection(_) => None,
    }
}

impl<V: Vocabulary> Guard<V> {
    /// Ends the penalties of `offender`, and forgets its failures; a network means all addresses in it. It
    /// says how many penalties ended by that.
    ///
    /// Who fails again is counted anew. Other machines are not told.
    ///
    /// # Examples
    /// ```
    /// # use clearance::{Guard, mcp::McpScopes};
    /// use clearance::limit::Offender;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
    /// #     .issuer("https://auth.example.com".parse()?)
    /// #     .build()?;
    /// assert_eq!(guard.lift_penalty(&Offender::Peer("192.0.2.0/24".parse()?)), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn lift_penalty(&self, offender: &Offender) -> usize {
        let inner = &self.inner;
        inner.abuse.lift(Some(offender), inner.monotonic())
    }

    /// The same for everybody.
    pub fn lift_penalties(&self) -> usize {
        self.inner.abuse.lift(None, self.inner.monotonic())
    }
}

impl Inner {
    fn monotonic(&self) -> Duration {
        self.acceptance.rules().clock.monotonic()
    }

    /// Takes note of where a verified token comes from.
    pub(super) fn spread(
        &self,
        seen: Option<&Sighting>,
        verified: &Verified,
        at: Moment,
    ) -> Result<(), NotUntil> {
        seen.map_or(Ok(()), |seen| {
            self.abuse.spread(seen, verified, at.monotonic)
        })
    }

    /// What is looked at each time, for a token that was verified just now.
    pub(super) fn settle_new(
        self: &Arc<Self>,
        token: Token<AudienceVerified>,
        Attempt { trail, seen, .. }: Attempt,
        at: Moment,
    ) -> Result<Settled, Refusal> {
        let verified = token.verified();
        if let Some(seen) = &seen {
            let lives = verified.deadline().signed_duration_since(at.now);
            let lives = lives.to_std().unwrap_or_default();
            self.abuse.verified(seen, lives, at.monotonic);
        }
        if let Err(not_until) = self.spread(seen.as_ref(), verified, at) {
            return Err(self.refuse(not_until.into(), Some(verified)));
        }
        self.settle(token, at.now, trail)
    }

    /// Takes note of a request that is turned away.
    pub(super) fn failed(&self, seen: Option<&Sighting>, refusal: &Refusal) {
        if let (Some(seen), Some(offence)) = (seen, offence(refusal.reason())) {
            self.abuse.failed(seen, offence, self.monotonic());
        }
    }

    /// Takes note of what a principal is refused for; it may be told to wait instead.
    pub(super) fn refused(&self, verified: &Verified, offence: Offence) -> Result<(), NotUntil> {
        self.abuse.refused(verified, offence, self.monotonic())
    }
}
