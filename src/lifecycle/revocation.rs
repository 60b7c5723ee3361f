//! What is revoked, and the guard's list of it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::entries::{Lists, Sharing};
use super::store::{RevocationSink, StoreUnavailable};
use super::watch::Watchers;
use crate::clock::Clock;
use crate::id::{ClientId, Issuer, IssuerSession, Resource, Subject, TokenId};
use crate::token::{AudienceVerified, Live, Token, Verified};

/// Which tokens of one issuer are dead before their time.
///
/// # Examples
/// ```
/// use clearance::id::{Subject, TokenId};
/// use clearance::lifecycle::Revocation;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer: clearance::id::Issuer = "https://auth.example.com".parse()?;
/// let one = Revocation::of_token(issuer.clone(), TokenId::new("8f2c"));
/// let all = Revocation::of_subject(issuer, Subject::new("alice"));
/// assert_ne!(one, all);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    pub(super) issuer: Issuer,
    pub(super) target: RevocationTarget,
    pub(super) until: Option<DateTime<Utc>>,
    /// Where they are not accepted any more; nothing for everywhere.
    pub(super) resource: Option<Resource>,
}

/// What tokens are told apart by when some are revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationTarget {
    /// One token, by its `jti`.
    OneToken(TokenId),
    /// All of one subject, whichever client has them.
    AllOfSubject(Subject),
    /// All of one client, whomever they speak of.
    AllOfClient(ClientId),
    /// All of one login at the issuer, by their `sid`.
    AllOfSession(IssuerSession),
}

impl Revocation {
    /// One token.
    pub const fn of_token(issuer: Issuer, id: TokenId) -> Self {
        Self::of(issuer, RevocationTarget::OneToken(id))
    }

    /// All tokens of a subject that were issued until now.
    pub const fn of_subject(issuer: Issuer, subject: Subject) -> Self {
        Self::of(issuer, RevocationTarget::AllOfSubject(subject))
    }

    /// All tokens of a client that were issued until now.
    pub const fn of_client(issuer: Issuer, client: ClientId) -> Self {
        Self::of(issuer, RevocationTarget::AllOfClient(client))
    }

    /// All tokens of a login at the issuer, whenever they are issued, for as long as a token can live: a
    /// login that has ended gives no new ones.
    ///
    /// Tokens without `sid` belong to none.
    pub const fn of_session(issuer: Issuer, session: IssuerSession) -> Self {
        Self::of(issuer, RevocationTarget::AllOfSession(session))
    }

    const fn of(issuer: Issuer, target: RevocationTarget) -> Self {
        Self {
            issuer,
            target,
            until: None,
            resource: None,
        }
    }

    /// The tokens that were issued until `moment`, in place of until now, where it is about a subject or
    /// a client. The moment may lie in the future.
    #[must_use]
    pub const fn issued_until(mut self, moment: DateTime<Utc>) -> Self {
        self.until = Some(moment);
        self
    }

    /// Whose tokens they are.
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Which of them.
    pub const fn target(&self) -> &RevocationTarget {
        &self.target
    }

    /// Until when they were issued, where that was said.
    pub const fn until(&self) -> Option<DateTime<Utc>> {
        self.until
    }

    /// At this resource alone. A guard says so of all that it publishes: what is revoked for one resource
    /// counts for no other one that uses the same [store](super::RevocationStore).
    #[must_use]
    pub fn at(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }

    /// At which resource, where it is one alone.
    pub const fn resource(&self) -> Option<&Resource> {
        self.resource.as_ref()
    }
}

/// What was revoked, as this machine knows it.
///
/// Tokens are revoked by their `jti`, or with all others of a subject, a client or a login at the issuer;
/// see [`Revocation`]. An entry stays until no token that it concerns can be in force any more, which the
/// guard's longest lifetime bounds. When the list is full it takes no new entry, and says so: forgetting
/// an old one would bring a revoked token back to life.
///
/// It is cheap to clone, and clones are the same list. Get it from
/// [`Guard::revocations`](crate::Guard::revocations).
///
/// # Proves
/// Once a revocation was taken, no request that comes later on this machine is let in by a token that it
/// concerns, and streams that such a token opened have been woken to end.
///
/// # Does not prove
/// That streams end while a store is not current: they go on until their token dies by what this machine
/// knows. Nor that other machines know of a revocation; with a
/// [`RevocationStore`](super::RevocationStore) they do when [`revoke`](Self::revoke) has ended well and
/// their bound has passed.
#[derive(Clone, Debug)]
pub struct Revocations(pub(super) Arc<Lists>);

/// The entry was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// The list is full. Nothing was forgotten, and this entry was not added.
    #[error("the list of revocations is full")]
    Full,
    /// It is about another resource than the guard's.
    #[error("the revocation is about another resource")]
    OtherResource,
    /// The guard does not trust this issuer, so there is nothing to revoke. Issuers are compared as
    /// text.
    #[error("the guard does not trust this issuer")]
    UnknownIssuer,
    /// It counts on this machine, and the store did not take it, so other machines do not know. Say it
    /// again, with the moment that was meant ([`issued_until`](Revocation::issued_until)): unless said, it
    /// is the moment of the second try, and tokens that were issued in between would die as well.
    #[error("revoked on this machine alone: {0}")]
    Unpublished(StoreUnavailable),
    /// The guard shares its list through a store, which takes a while: use
    /// [`revoke`](Revocations::revoke). Nothing has changed.
    #[error("the list is shared through a store, which has to be waited for")]
    WantsStore,
}

/// Why nobody says that a token is not revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotLive {
    Revoked,
    /// The guard lets nobody in any more: another one has taken its place, or none has.
    Retired,
    /// What other machines have revoked is not known at the moment.
    Unavailable,
}

impl Revocations {
    pub(crate) fn new(
        (resource, issuers): (Resource, Vec<Issuer>),
        clock: Arc<dyn Clock>,
        keep: Duration,
        most: usize,
        shared: Option<Sharing>,
    ) -> Self {
        let lists = Lists::new((resource, issuers), clock, keep, most, shared);
        let this = Self(Arc::new(lists));
        if let Some(store) = this.0.store() {
            store.follow(RevocationSink::of(&this.0));
        }
        this
    }

    /// Revokes tokens: on this machine at once, and on all that share the guard's store, if it has one.
    ///
    /// It counts here as soon as the future is polled for the first time, also if it is dropped before it
    /// ends, and then nobody knows whether the store has it. Tokens of a subject or client that say they
    /// were issued up to 10 seconds later count as well, because the issuer's clock may be ahead.
    ///
    /// # Errors
    /// [`RevocationError`]. Nothing has changed then, but for
    /// [`Unpublished`](RevocationError::Unpublished).
    pub async fn revoke(&self, revocation: Revocation) -> Result<(), RevocationError> {
        let revocation = self.0.add(revocation)?;
        let Some(store) = self.0.store() else {
            return Ok(());
        };
        let published = store.publish(&revocation).await;
        published.map_err(RevocationError::Unpublished)
    }

    /// Revokes one token, by its issuer and `jti`, where the guard has no store. It is refused as soon as
    /// this returns.
    ///
    /// # Errors
    /// [`RevocationError`], and then nothing has changed.
    pub fn revoke_token(&self, issuer: &Issuer, id: &TokenId) -> Result<(), RevocationError> {
        self.revoke_here(Revocation::of_token(issuer.clone(), id.clone()))
    }

    /// Revokes all tokens of a subject that were issued until now, all clients included, where the guard
    /// has no store.
    ///
    /// # Errors
    /// [`RevocationError`], and then nothing has changed.
    pub fn revoke_subject(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> Result<(), RevocationError> {
        self.revoke_here(Revocation::of_subject(issuer.clone(), subject.clone()))
    }

    fn revoke_here(&self, revocation: Revocation) -> Result<(), RevocationError> {
        if self.0.store().is_some() {
            return Err(RevocationError::WantsStore);
        }
        self.0.add(revocation).map(drop)
    }

    /// How many entries the list holds.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many revocations were taken since the guard was made.
    pub(crate) fn taken(&self) -> u64 {
        self.0.taken()
    }

    /// Whether what other machines have revoked is known now, if it is shared with any, and whether
    /// requests go on while it is not.
    pub(crate) fn sharing(&self) -> Option<(bool, bool)> {
        self.0.sharing()
    }

    /// Says that `token` is not revoked.
    pub(crate) fn attest(
        &self,
        token: Token<AudienceVerified>,
    ) -> Result<Live<Token<AudienceVerified>>, NotLive> {
        self.check(token.verified())?;
        Ok(Live::attest(token))
    }

    /// Whether the token counts now, as far as it can be known.
    pub(crate) fn check(&self, verified: &Verified) -> Result<(), NotLive> {
        // Asked first: what was published before the store was current again is in the list by then.
        let is_current = self.0.is_current();
        if let Some(why) = self.end_of_use(verified) {
            return Err(why);
        }
        is_current.then_some(()).ok_or(NotLive::Unavailable)
    }

    /// Lets nobody in any more, and ends all streams: the resource is not served by this guard any longer.
    #[cfg(feature = "axum")]
    pub(crate) fn retire(&self) {
        self.0.retire();
    }

    #[cfg(feature = "axum")]
    pub(crate) fn is_retired(&self) -> bool {
        self.0.is_retired()
    }

    /// Whether something would be lost with the guard: a stream that waits for its end, or an entry that
    /// stands nowhere else and can still concern a token.
    #[cfg(feature = "axum")]
    pub(crate) fn are_needed(&self) -> bool {
        let is_only_here = self.0.store().is_none() && self.0.still_matter();
        is_only_here || !self.watchers().are_none()
    }

    /// Why the token counts no more before its time, if it does not.
    pub(crate) fn end_of_use(&self, verified: &Verified) -> Option<NotLive> {
        if self.is_revoked(verified) {
            return Some(NotLive::Revoked);
        }
        self.0.is_retired().then_some(NotLive::Retired)
    }

    /// Whether an entry concerns the token of which this is the content.
    pub(crate) fn is_revoked(&self, verified: &Verified) -> bool {
        self.0.concern(verified)
    }

    pub(super) fn watchers(&self) -> &Watchers {
        self.0.watchers()
    }
}
