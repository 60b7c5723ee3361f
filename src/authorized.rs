//! What a handler may hold.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::id::{ClientId, CorrelationId, Issuer, Resource, Subject};
use crate::lifecycle::UntilExpiry;
use crate::scope::{Grants, Set};
#[cfg(feature = "client")]
use crate::secret::BearerToken;
use crate::secret::Kept;
use crate::token::{Scoped, Token, Verified};

/// Proof that this request may do what `S` stands for.
///
/// Only a [`Guard`](crate::Guard) makes one, for one request, out of a token that it verified. A
/// function that takes an `Authorized<FilesDelete>` therefore cannot be called by anyone who has
/// not been authorized to delete files: the call does not compile.
///
/// # Proves
/// That a guard over a vocabulary that knows `S` let this request in: its token was signed by an
/// issuer that the guard trusts, meant for the guard's resource, in force, not revoked, within its
/// quota, and granted `S`.
///
/// # Does not prove
/// Which guard that was. Guards over different vocabularies share the scopes that they include,
/// and two guards may share one vocabulary; [`resource`](Self::resource) tells for which resource
/// the proof was made, and [`Guard::made`](crate::Guard::made) whether one guard made it. Nor does
/// it prove that the subject owns the object that the request names: that is for the handler.
///
/// Nor does it prove that the token is in force *now*, if somebody kept the proof: it is not `Clone`,
/// but a handler may put it somewhere. A function that runs much later should demand a proof of its
/// own request, and long work should stop by [`until_expiry`](Self::until_expiry).
///
/// The text of the token is not in it, so it cannot be passed upstream.
///
/// # As an extractor
/// A handler takes one proof and narrows it. The credential is taken out of the request, so a second
/// `Authorized` in the same signature finds none, and is refused. `Result<Authorized<S>, Refusal>` is
/// an extractor too, as for every one of axum's; such a handler runs without authorization, and has
/// no proof then.
///
/// # Examples
/// ```
/// use clearance::{Authorized, scopes};
///
/// scopes! {
///     /// What a caller may do here.
///     pub vocabulary DbScopes;
///     /// Change the schema.
///     pub DbAdmin = "db:admin";
/// }
///
/// fn drop_table(proof: &Authorized<DbAdmin>, name: &str) {
///     println!("{} drops {name}", proof.subject());
/// }
/// ```
#[must_use = "a proof that nobody demands protects nothing"]
pub struct Authorized<S: Set> {
    token: Token<Scoped<S>>,
    correlation: CorrelationId,
    kept: Kept,
}

impl<S: Set> Authorized<S> {
    /// Only the guard calls this.
    pub(crate) const fn new(token: Token<Scoped<S>>, correlation: CorrelationId) -> Self {
        Self {
            token,
            correlation,
            kept: Kept::NOTHING,
        }
    }

    /// With what the guard keeps of the token.
    pub(crate) fn keeping(mut self, kept: Kept) -> Self {
        self.kept = kept;
        self
    }

    /// The same proof for less.
    ///
    /// It compiles only if `S` grants `T`, so nothing is checked at run time.
    ///
    /// # Examples
    /// ```
    /// use clearance::Authorized;
    /// use clearance::mcp::{ToolsExecute, ToolsRead};
    ///
    /// fn list(_: Authorized<ToolsRead>) {}
    ///
    /// fn both(proof: Authorized<(ToolsRead, ToolsExecute)>) {
    ///     list(proof.narrow());
    /// }
    /// ```
    pub fn narrow<T: Set>(self) -> Authorized<T>
    where
        S: Grants<T>,
    {
        Authorized {
            token: self.token.narrow(),
            correlation: self.correlation,
            kept: self.kept,
        }
    }

    /// Whether the token would also grant `T`.
    ///
    /// It proves nothing and records no refusal: it is for showing less, not for deciding. A scope
    /// that the guard's vocabulary does not know is not granted.
    #[must_use]
    pub fn may<T: Set>(&self) -> bool {
        let verified = self.verified();
        T::met_in(&verified.rules().table, verified.granted().granted)
    }

    /// Whom the token speaks of. Unique together with [`issuer`](Self::issuer) only.
    pub fn subject(&self) -> &Subject {
        &self.verified().principal().subject
    }

    /// The client that the token was issued to.
    pub fn client(&self) -> &ClientId {
        &self.verified().principal().client
    }

    /// Who issued the token.
    pub fn issuer(&self) -> &Issuer {
        &self.verified().principal().issuer
    }

    /// The resource whose guard made this proof.
    pub fn resource(&self) -> &Resource {
        &self.verified().rules().resource
    }

    /// The moment from which the token is dead: its `exp` and the guard's leeway, or the guard's oldest age.
    pub fn deadline(&self) -> DateTime<Utc> {
        self.verified().deadline()
    }

    /// The extra claims of the token, if its issuer was configured to have them as a `T`.
    ///
    /// See [`TrustedIssuer::extra_claims`](crate::TrustedIssuer::extra_claims).
    pub fn claims<T: 'static>(&self) -> Option<&T> {
        self.verified().extra()
    }

    /// Ends `work`, a future or a stream, when the token dies: when its time is over, or it is revoked.
    ///
    /// The request was authorized until [`deadline`](Self::deadline) and not for longer, so an
    /// answer that goes on for hours must not outlive it.
    ///
    /// # Examples
    /// ```
    /// use clearance::{Authorized, mcp::ToolsExecute};
    ///
    /// async fn long_work(proof: Authorized<ToolsExecute>) -> &'static str {
    ///     match proof.until_expiry(async { "done" }).await {
    ///         Ok(done) => done,
    ///         Err(_expired) => "the token was dead before",
    ///     }
    /// }
    /// ```
    pub fn until_expiry<T>(&self, work: T) -> UntilExpiry<T> {
        UntilExpiry::new(work, self.verified().rules().ends.end_of(self.verified()))
    }

    /// Who calls, for logs and metrics.
    pub fn caller(&self) -> Caller {
        Caller::new(Arc::clone(self.verified()), self.correlation)
    }

    /// The least of the same proof, for rules that look at the caller.
    #[cfg(feature = "axum")]
    pub(crate) fn any(&self) -> Authorized<()> {
        Authorized {
            token: self.token.any(),
            correlation: self.correlation,
            kept: Kept::NOTHING,
        }
    }

    pub(crate) const fn verified(&self) -> &Arc<Verified> {
        self.token.verified()
    }

    /// The token itself, if its guard keeps it to be exchanged.
    #[cfg(feature = "client")]
    pub(crate) fn subject_token(&self) -> Option<&BearerToken> {
        self.kept.token()
    }
}

impl<S: Set> fmt::Debug for Authorized<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized")
            .field("issuer", self.issuer())
            .field("subject", self.subject())
            .field("client", self.client())
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}

/// Who calls: what logs, metrics and inner middleware may read.
///
/// # Does not prove
/// Anything: it can be cloned and kept, and no function that decides takes one.
#[derive(Clone)]
pub struct Caller {
    verified: Arc<Verified>,
    correlation: CorrelationId,
}

impl Caller {
    pub(crate) const fn new(verified: Arc<Verified>, correlation: CorrelationId) -> Self {
        Self {
            verified,
            correlation,
        }
    }

    /// Who issued the token.
    pub fn issuer(&self) -> &Issuer {
        &self.verified.principal().issuer
    }

    /// Whom the token speaks of.
    pub fn subject(&self) -> &Subject {
        &self.verified.principal().subject
    }

    /// The client that the token was issued to.
    pub fn client(&self) -> &ClientId {
        &self.verified.principal().client
    }

    /// The scopes that the token names, as far as the guard's vocabulary knows them.
    pub fn scopes(&self) -> impl Iterator<Item = &'static str> {
        self.verified
            .rules()
            .table
            .names(self.verified.granted().named)
    }

    /// What ties together all that is written about the request.
    pub const fn correlation_id(&self) -> CorrelationId {
        self.correlation
    }

    /// The moment from which the token is dead.
    pub fn deadline(&self) -> DateTime<Utc> {
        self.verified.deadline()
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("issuer", self.issuer())
            .field("subject", self.subject())
            .field("client", self.client())
            .finish_non_exhaustive()
    }
}
