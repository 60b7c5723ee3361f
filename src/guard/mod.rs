//! The guard: the one place where a request becomes an [`Authorized`] or a [`Refusal`].
//!
//! The order of the checks is fixed: the peer's quota (429) - credential syntax (400, 401) - whether the
//! token has to wait (429) - signature, issuer, audience, time (401) - revocation (401) - the principal's quota (429) - what no scope can cure (403) -
//! scope (403). A dependency that cannot be asked is 503 at its place in this order, never 401.
//!
//! Layer L4.

mod abuse;
mod admitted;
mod assemble;
mod builder;
#[cfg(feature = "axum")]
mod charges;
mod config;
mod credential;
#[cfg(feature = "client")]
mod exchange;
mod health;
#[cfg(feature = "fetch")]
mod introspection;
mod issuer;
mod key_source;
mod limits;
#[cfg(feature = "metrics")]
mod metrics;
mod pipeline;
mod reach;
mod seals;
mod settle;
#[cfg(feature = "axum")]
mod tenancy;
mod voucher;

pub use builder::{GuardBuilder, Ready, WantsIssuer};
pub use config::ConfigError;
pub use health::{Health, IssuerHealth, LimitHealth, Problem, RevocationHealth};
pub use issuer::TrustedIssuer;

#[cfg(feature = "axum")]
pub(crate) use admitted::Admitted;
#[cfg(feature = "rmcp-3")]
pub(crate) use admitted::Unproven;
#[cfg(feature = "axum")]
pub(crate) use credential::Slot;
#[cfg(feature = "client")]
pub(crate) use exchange::{ExchangeSource, Standing};
pub(crate) use pipeline::Wants;
#[cfg(feature = "axum")]
pub(crate) use pipeline::{Admission, Begun};
#[cfg(feature = "axum")]
pub(crate) use tenancy::Tenancy;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
#[cfg(feature = "metrics")]
use std::sync::Mutex;
#[cfg(any(feature = "axum", feature = "metrics"))]
use std::sync::atomic::AtomicBool;

use http::request::Parts;

use self::voucher::Voucher;
use crate::audit::Auditor;
use crate::authorized::Authorized;
use crate::id::{Issuer, Resource};
use crate::jwk::KeySet;
use crate::keys::Unavailable;
use crate::lifecycle::{CacheStats, Revocations, TokenCache};
use crate::limit::{Abuse, Limits, PeerLimits};
use crate::refusal::{Answers, Refusal};
use crate::scope::{KnownTo, Set, Vocabulary};
use crate::token::{Acceptance, KnownHeader, Token, Unverified};
#[cfg(feature = "fetch")]
use crate::token::{Introspected, Opaque};

/// Guards one resource: turns requests into proofs.
///
/// It is cheap to clone, and clones are the same guard.
///
/// # Proves
/// See [`Authorized`]. Whoever writes the line `.issuer(..)` is the root of trust: a guard lets in
/// whom its issuers vouch for.
///
/// # Examples
/// ```
/// use clearance::{Guard, limit::Quota, mcp::McpScopes};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
///     .issuer("https://auth.example.com".parse()?)
///     .limit(Quota::per_minute(600).burst(50))
///     .build()?;
/// assert_eq!(guard.resource().as_str(), "https://files.example.com/mcp");
/// # Ok(())
/// # }
/// ```
pub struct Guard<V> {
    inner: Arc<Inner>,
    // Invariant: a guard over one vocabulary is never one over another.
    vocabulary: PhantomData<fn(V) -> V>,
}

/// What holds a guard: application state, most often.
///
/// [`Authorized`] finds its guard here, so a router without one does not compile. Implement it for
/// your own state; `Arc<T>` of it then works as well.
///
/// # Examples
/// ```
/// use clearance::{Guard, Guarded, mcp::McpScopes};
///
/// struct App {
///     guard: Guard<McpScopes>,
/// }
///
/// impl Guarded for App {
///     type Vocabulary = McpScopes;
///     fn guard(&self) -> &Guard<McpScopes> {
///         &self.guard
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no guard",
    label = "proofs come from a guard, and this state has none",
    note = "implement `clearance::Guarded` for `{Self}`, or use the `Guard` itself as the state"
)]
pub trait Guarded {
    /// The scopes that the guard knows.
    type Vocabulary: Vocabulary;

    /// The guard.
    fn guard(&self) -> &Guard<Self::Vocabulary>;
}

/// Decides about a caller beyond scopes.
type Deny = Box<dyn Fn(&Authorized<()>) -> bool + Send + Sync>;

pub(crate) struct Inner {
    acceptance: Acceptance,
    /// In the order of the acceptance's issuers.
    vouchers: Vec<Voucher>,
    revocations: Revocations,
    cache: TokenCache,
    limits: Limits,
    peers: Option<PeerLimits>,
    abuse: Abuse,
    auditor: Auditor,
    /// Whether the issuers are being asked again because somebody looked.
    #[cfg(any(feature = "axum", feature = "metrics"))]
    is_looking: AtomicBool,
    /// The resource, as metrics name it.
    #[cfg(feature = "metrics")]
    label: Arc<str>,
    #[cfg(feature = "metrics")]
    published: Mutex<metrics::Published>,
    deny: Vec<Deny>,
    answers: Arc<Answers>,
    longest_token: usize,
    /// Whether callers' tokens are kept to be exchanged.
    #[cfg(feature = "client")]
    keeps_tokens: bool,
    known_header: KnownHeader,
    /// Challenge for the operation alone, without what the token has already.
    per_operation: bool,
}

impl<V> Guard<V> {
    /// Begins a guard for `resource`: the URI by which clients and authorization servers name this
    /// server (RFC 8707).
    pub fn builder(resource: Resource) -> GuardBuilder<V, WantsIssuer>
    where
        V: Vocabulary,
    {
        GuardBuilder::new(resource)
    }
}

impl<V: Vocabulary> Guard<V> {
    /// Authorizes a request for `S`, or says why not.
    ///
    /// The `Authorization` field is taken out of the request, also when it is refused, so that no
    /// handler can pass it on.
    ///
    /// Keys that are fetched need a tokio runtime with I/O and time enabled.
    ///
    /// # Errors
    /// [`Refusal`], which knows its answer.
    pub async fn authorize<S: Set + KnownTo<V>>(
        &self,
        parts: &mut Parts,
    ) -> Result<Authorized<S>, Refusal> {
        let (admitted, now) = self.inner.admit(parts, Wants::Unknown).await?;
        admitted.authorize(now)
    }

    /// Waits until the keys of every issuer are there, and until it is known where an issuer is asked
    /// about its tokens. If it was asked in vain before, it is asked about a token that nobody has.
    ///
    /// Requests that come earlier wait for the first fetch, or get 503.
    ///
    /// # Errors
    /// [`Unavailable`] for the first issuer whose keys cannot be had now.
    pub async fn ready(&self) -> Result<(), Unavailable> {
        for voucher in &self.inner.vouchers {
            voucher.ready().await?;
        }
        Ok(())
    }

    /// The resource that is guarded.
    pub fn resource(&self) -> &Resource {
        self.inner.acceptance.resource()
    }

    /// The issuers whose tokens are accepted.
    pub fn issuers(&self) -> impl Iterator<Item = &Issuer> {
        self.inner
            .acceptance
            .rules()
            .issuers
            .iter()
            .map(|rules| &rules.issuer)
    }

    /// The list of what was revoked.
    pub fn revocations(&self) -> &Revocations {
        &self.inner.revocations
    }

    /// What the guard remembers of verified tokens, in numbers.
    ///
    /// # Examples
    /// ```
    /// # use clearance::{Guard, mcp::McpScopes};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let guard = Guard::<McpScopes>::builder("https://files.example.com/mcp".parse()?)
    /// #     .issuer("https://auth.example.com".parse()?)
    /// #     .build()?;
    /// let stats = guard.cache_stats();
    /// assert_eq!((stats.tokens, stats.hits, stats.misses), (0, 0, 0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn cache_stats(&self) -> CacheStats {
        self.inner.cache.stats()
    }

    /// Whether this guard, or a clone of it, made the proof.
    pub fn made<S: Set>(&self, proof: &Authorized<S>) -> bool {
        Arc::ptr_eq(proof.verified().rules(), self.inner.acceptance.rules())
    }

    /// What is accepted, for [`Token::verify_audience`].
    pub fn acceptance(&self) -> &Acceptance {
        &self.inner.acceptance
    }

    /// The keys that may verify this token, for [`Token::verify_signature`].
    ///
    /// # Errors
    /// [`Refusal`], if the issuer is not trusted or its keys cannot be had.
    pub async fn key_set(&self, token: &Token<Unverified>) -> Result<Arc<KeySet>, Refusal> {
        self.inner.key_set(token).await.map_err(|reason| {
            let refusal = self.inner.refuse(reason, None);
            self.inner.auditor.turned_away(&refusal, None);
            refusal
        })
    }

    /// Asks the issuer about this token, for [`Token::verify_audience`]. Nothing is remembered of it.
    ///
    /// # Errors
    /// [`Refusal`], if its issuer does not call it active or cannot be asked, or if the guard asks none.
    #[cfg(feature = "fetch")]
    pub async fn introspect(&self, token: Token<Opaque>) -> Result<Token<Introspected>, Refusal> {
        self.inner.ask(token).await
    }
}

impl<V> Guard<V> {
    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }
}

impl<V> Clone for Guard<V> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            vocabulary: PhantomData,
        }
    }
}

impl<V> fmt::Debug for Guard<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("resource", self.inner.acceptance.resource())
            .finish_non_exhaustive()
    }
}

impl<V: Vocabulary> Guarded for Guard<V> {
    type Vocabulary = V;

    fn guard(&self) -> &Self {
        self
    }
}

impl<T: Guarded + ?Sized> Guarded for Arc<T> {
    type Vocabulary = T::Vocabulary;

    fn guard(&self) -> &Guard<T::Vocabulary> {
        (**self).guard()
    }
}
