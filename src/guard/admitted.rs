//! A request that was let in, before it is known what it may do.

#[cfg(feature = "rmcp-3")]
use std::any::Any;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Inner;
use super::issuer::joined;
use super::settle::not_live;
#[cfg(feature = "axum")]
use crate::audit::{AuditDecision, ReasonCode};
use crate::audit::{Needed, Trail};
use crate::authorized::Authorized;
#[cfg(feature = "axum")]
use crate::authorized::Caller;
#[cfg(feature = "axum")]
use crate::clock::WakeUp;
#[cfg(feature = "axum")]
use crate::id::CorrelationId;
use crate::limit::Offence;
#[cfg(feature = "axum")]
use crate::limit::Slot;
use crate::refusal::{Reason, Refusal};
#[cfg(feature = "rmcp-3")]
use crate::scope::AtHome;
use crate::scope::Set;
use crate::secret::Kept;
#[cfg(feature = "axum")]
use crate::token::AudienceError;
use crate::token::{AudienceVerified, Live, Permit, Token, Verified};

/// A verified token whose principal was charged for this request.
///
/// It can be asked for several proofs. Each time the deadline and revocation are looked at again;
/// the quota is not charged again.
///
/// An authorization layer leaves it in the extensions of a request, for the extractors behind it.
#[derive(Clone)]
pub(crate) struct Admitted {
    pub(super) verified: Arc<Verified>,
    pub(super) guard: Arc<Inner>,
    trail: Trail,
    kept: Kept,
    /// Whether its calls were charged for.
    #[cfg(feature = "axum")]
    pub(super) is_paid: bool,
    /// Its place among what the principal does at once.
    #[cfg(feature = "axum")]
    pub(super) slot: Option<Arc<Slot>>,
    /// What an adapter behind the layer is told, in one place of the extensions with the rest.
    #[cfg(feature = "rmcp-3")]
    beside: Option<Arc<dyn Any + Send + Sync>>,
}

/// Why there is no proof.
#[cfg(feature = "rmcp-3")]
#[derive(Debug)]
pub(crate) enum Unproven {
    /// The set belongs to another vocabulary than the guard's.
    Foreign,
    Refused(Refusal),
}

impl Admitted {
    /// Consumes the evidence. Only the guard calls this.
    pub(super) fn new(
        permit: Permit<Live<Token<AudienceVerified>>>,
        guard: Arc<Inner>,
        trail: Trail,
    ) -> Self {
        Self {
            verified: permit.into_live().into_token().into_verified(),
            guard,
            trail,
            kept: Kept::NOTHING,
            #[cfg(feature = "axum")]
            is_paid: false,
            #[cfg(feature = "axum")]
            slot: None,
            #[cfg(feature = "rmcp-3")]
            beside: None,
        }
    }

    /// With what the guard keeps of the token.
    pub(super) fn keeping(mut self, kept: Kept) -> Self {
        self.kept = kept;
        self
    }

    /// Whether this guard, or a clone of it, let the request in. Bits of another one's vocabulary
    /// mean nothing here.
    pub(crate) fn is_of(&self, guard: &Arc<Inner>) -> bool {
        Arc::ptr_eq(&self.guard, guard)
    }

    /// A proof for `S`, unless a rule denies the caller or the token does not grant it.
    ///
    /// The caller has `S: KnownTo<V>` for the guard's vocabulary from the compiler.
    pub(crate) fn authorize<S: Set>(&self, now: DateTime<Utc>) -> Result<Authorized<S>, Refusal> {
        let proof = self.authorize_again(now)?;
        self.proven::<S>();
        Ok(proof)
    }

    /// The same about a request that was let in already: that is not written down once more.
    pub(crate) fn authorize_again<S: Set>(
        &self,
        now: DateTime<Utc>,
    ) -> Result<Authorized<S>, Refusal> {
        // Before scope: where no scope helps, none must be asked for.
        self.denied(now)?;
        self.prove(now)
    }

    /// Refuses a caller whom a rule denies.
    pub(crate) fn denied(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.guard.deny.is_empty() {
            return Ok(());
        }
        let any: Authorized<()> = self.prove(now)?;
        if self.guard.deny.iter().any(|deny| deny(&any)) {
            return Err(self.refuse(Reason::Denied));
        }
        Ok(())
    }

    /// The same for a set of which the compiler does not know whether the guard's vocabulary knows it.
    #[cfg(feature = "rmcp-3")]
    pub(crate) fn authorize_unknown<S: AtHome>(
        &self,
        now: DateTime<Utc>,
    ) -> Result<Authorized<S>, Unproven> {
        // Member by member: a vocabulary may list a part of another one, and its own scopes have the
        // bits of the rest.
        if !S::known_in(&self.verified.rules().table) {
            return Err(Unproven::Foreign);
        }
        self.authorize_again(now).map_err(Unproven::Refused)
    }

    /// Writes down that a proof for `S` was given.
    pub(crate) fn proven<S: Set>(&self) {
        self.let_in(Needed::Challenge(S::challenge));
    }

    /// Writes down that the request was let in, for what it needed.
    fn let_in(&self, needed: Needed) {
        let auditor = self.guard.auditor();
        auditor.allowed(&self.verified, &self.trail, needed);
    }

    /// Whether a proof for `S` would be given. Nothing is written down.
    #[cfg(feature = "rmcp-3")]
    pub(crate) fn may<S: Set>(&self) -> bool {
        let (table, granted) = (
            &self.verified.rules().table,
            self.verified.granted().granted,
        );
        S::known_in(table) && S::met_in(table, granted) && !self.is_over()
    }

    /// The token, if it is in force. Nothing is written down.
    pub(super) fn live(&self, now: DateTime<Utc>) -> Result<Live<Token<AudienceVerified>>, Reason> {
        let token = Token::recall(Arc::clone(&self.verified), now)?;
        let live = self.guard.revocations.attest(token);
        live.map_err(|why| not_live(why, &self.verified))
    }

    fn prove<S: Set>(&self, now: DateTime<Utc>) -> Result<Authorized<S>, Refusal> {
        let live = self.live(now).map_err(|reason| self.refuse(reason))?;
        let Ok(token) = live.require_scope() else {
            let mut names = Vec::new();
            S::challenge(&mut names);
            return Err(self.lacks_these(names));
        };
        let proof = Authorized::new(token, self.trail.correlation());
        Ok(proof.keeping(self.kept.clone()))
    }

    /// The refusal of an operation that needs these scopes.
    fn lacks_these(&self, names: Vec<&'static str>) -> Refusal {
        let needed = self.verified.rules().table.bits_of(&names);
        if let Err(wait) = self.guard.refused(&self.verified, Offence::ScopeProbing) {
            return self.refuse_for(wait.into(), needed, None);
        }
        let wanted = self.wanted_beside(names);
        self.refuse_for(Reason::InsufficientScope, needed, Some(wanted))
    }

    /// What a challenge asks for: all that the operation needs, and what the token itself names,
    /// since clients ask for exactly what the challenge lists and would lose the rest.
    fn wanted_beside(&self, mut names: Vec<&'static str>) -> Box<str> {
        if !self.guard.per_operation {
            let rules = self.verified.rules();
            for name in rules.table.names(self.verified.granted().named) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        let issuers = &self.verified.rules().issuers;
        let issuer = issuers
            .iter()
            .find(|rules| rules.issuer == self.verified.principal().issuer);
        joined(&names, issuer)
    }

    pub(super) fn refuse(&self, reason: Reason) -> Refusal {
        self.refuse_for(reason, 0, None)
    }

    fn refuse_for(&self, reason: Reason, needed: u64, scope: Option<Box<str>>) -> Refusal {
        let auditor = self.guard.auditor();
        auditor.refused(&reason, &self.verified, &self.trail, needed);
        self.refusal(reason, scope)
    }

    /// A refusal that nobody has written down.
    fn refusal(&self, reason: Reason, scope: Option<Box<str>>) -> Refusal {
        let refusal = Refusal::new(reason, scope, Arc::clone(&self.guard.answers));
        refusal
            .about(self.trail.correlation())
            .of(Some(&self.verified))
    }
}

/// What an endpoint asks that decides about several operations, or answers bit by bit.
#[cfg(feature = "axum")]
impl Admitted {
    /// Writes down that the request was let in, where `needed` names what it needed.
    pub(crate) fn let_in_for(&self, needed: impl FnOnce(&mut Vec<&'static str>)) {
        if !self.guard.auditor().reads(AuditDecision::Allowed) {
            return self.let_in(Needed::NOTHING);
        }
        let mut names = Vec::new();
        needed(&mut names);
        let bits = self.verified.rules().table.bits_of(&names);
        self.let_in(Needed::Bits(bits));
    }

    pub(crate) const fn verified(&self) -> &Arc<Verified> {
        &self.verified
    }

    /// The time by the guard's clock.
    #[cfg(feature = "rmcp-3")]
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.verified.rules().clock.now()
    }

    /// Who calls, for logs and inner middleware.
    pub(crate) fn caller(&self) -> Caller {
        Caller::new(Arc::clone(&self.verified), self.trail.correlation())
    }

    pub(crate) const fn correlation(&self) -> CorrelationId {
        self.trail.correlation()
    }

    /// Whether anybody writes down what the request asks for.
    pub(crate) const fn is_written_down(&self) -> bool {
        self.trail.is_written_down()
    }

    /// What the request asks for, for whoever writes it down.
    pub(crate) fn asks(&self, method: &str, target: Option<&str>) {
        self.trail.asks(method, target);
    }

    /// Writes down that the request is refused for its form.
    pub(crate) fn faulty(&self, reason: ReasonCode) {
        let auditor = self.guard.auditor();
        auditor.faulty(reason, Some(&self.verified), &self.trail);
    }

    /// Writes down that work was ended because its token died.
    pub(crate) fn ended(&self) {
        let reason = self.why_over().code();
        self.guard
            .auditor()
            .ended(reason, &self.verified, &self.trail);
    }

    fn why_over(&self) -> Reason {
        match self.guard.revocations.end_of_use(&self.verified) {
            Some(why) => not_live(why, &self.verified),
            None => AudienceError::Expired.into(),
        }
    }

    /// The bits that the token grants, in the guard's own vocabulary.
    pub(crate) fn granted(&self) -> u64 {
        self.verified.granted().granted
    }

    /// The least of all proofs, unless a rule denies the caller.
    pub(crate) fn any(&self, now: DateTime<Utc>) -> Result<Authorized<()>, Refusal> {
        self.authorize_again(now)
    }

    /// The refusal of somebody else's session, which is that of one that does not exist.
    pub(crate) fn knows_no_session(&self) -> Refusal {
        let refused = self.guard.refused(&self.verified, Offence::SessionGuessing);
        self.refuse(refused.map_or_else(Into::into, |()| Reason::UnknownSession))
    }

    /// The same where it was the caller's own, and is over.
    pub(crate) fn has_ended_session(&self) -> Refusal {
        self.refuse(Reason::UnknownSession)
    }

    /// The refusal of a caller whom no scope would help.
    pub(crate) fn denies(&self) -> Refusal {
        self.refuse(Reason::Denied)
    }

    /// The same, with something beside it for an adapter.
    #[cfg(feature = "rmcp-3")]
    pub(crate) fn with_beside(mut self, beside: Arc<dyn Any + Send + Sync>) -> Self {
        self.beside = Some(beside);
        self
    }

    /// What the layer put beside it, if that is a `T`.
    #[cfg(feature = "rmcp-3")]
    pub(crate) fn beside<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(self.beside.as_ref()?).downcast().ok()
    }

    /// Refuses whoever lacks one scope of each of these. A clause of which the vocabulary knows nothing
    /// any more is met by nobody.
    #[cfg(feature = "rmcp-3")]
    pub(crate) fn meets(&self, clauses: &[Vec<Box<str>>]) -> Result<(), Refusal> {
        let table = &self.verified.rules().table;
        let (mut lacking, mut met) = (Vec::new(), Vec::new());
        let mut is_met = true;
        for clause in clauses {
            let bits = table
                .read(clause.iter().map(|scope| scope.as_bytes()))
                .named;
            let granted = bits & self.granted();
            is_met &= granted != 0;
            let (into, bits) = if granted == 0 {
                (&mut lacking, bits)
            } else {
                (&mut met, granted)
            };
            into.extend(table.names(bits).next());
        }
        if is_met {
            return Ok(());
        }
        Err(self.lacks(lacking, &met))
    }

    /// The refusal of several operations that are decided as one: it asks for what some of them lack,
    /// and for what the token has of what the others need.
    pub(crate) fn lacks(&self, lacking: Vec<&'static str>, met: &[&'static str]) -> Refusal {
        let rules = self.verified.rules();
        let has = |name: &str| {
            let granted = rules.table.read([name].into_iter()).named;
            granted & self.verified.granted().granted == granted
        };
        let mut names = lacking;
        for name in met {
            if has(name) && !names.contains(name) {
                names.push(name);
            }
        }
        self.lacks_these(names)
    }

    /// The refusal of work that outlived its token.
    pub(crate) fn over(&self) -> Refusal {
        self.refuse(self.why_over())
    }

    /// The same, where somebody else writes it down.
    #[cfg(feature = "rmcp-3")]
    pub(crate) fn died(&self) -> Refusal {
        self.refusal(self.why_over(), None)
    }

    /// Whether the token has died.
    pub(crate) fn is_over(&self) -> bool {
        self.verified.rules().clock.now() >= self.verified.deadline()
            || self.guard.revocations.end_of_use(&self.verified).is_some()
    }

    /// Ends when the token dies, by time or by revocation.
    pub(crate) fn wake_up(&self) -> WakeUp {
        self.verified.rules().ends.end_of(&self.verified)
    }
}
