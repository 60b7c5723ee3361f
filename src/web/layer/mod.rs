//! The layer around any MCP service.

mod ahead;
mod answer;
mod body;
mod cors;
mod decide;
mod events;
mod fields;
mod future;
mod gate;
mod head;
mod receive;
mod service;
mod sse;

pub use body::{GuardedAnswer, GuardedBody};
pub use future::ResponseFuture;
pub use gate::TlsEvidence;
pub use service::{AuthorizationLayer, AuthorizationService};

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::guard::{Guard, Inner};
use crate::mcp::policy::Rules;
use crate::mcp::{Policy, PolicyError, Revision};
use crate::scope::Vocabulary;
use crate::session::{EventIds, Seal, SealKeys, SessionIds};
use crate::web::collect::Limits;
use crate::wire::MetadataDocument;
use gate::Gate;
use sse::HttpSse;

/// Makes an [`AuthorizationLayer`]. See [`AuthorizationLayer::builder`].
///
/// `St` says what is still missing: a layer is built once it is said which keys seal its sessions.
#[must_use = "a builder does nothing until `build`"]
pub struct LayerBuilder<V, St = Unsealed> {
    guard: Guard<V>,
    policy: Policy<V>,
    choices: Choices,
    state: St,
    vocabulary: PhantomData<fn(V) -> V>,
}

/// It was not said yet which keys seal sessions.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Unsealed;

/// The keys are there, so the layer can be built.
#[derive(Clone, Debug)]
pub struct Sealing {
    keys: SealKeys,
}

#[derive(Clone, Debug)]
struct Choices {
    gate: Gate,
    limits: Limits,
    served: Vec<Revision>,
    sse: Option<(Arc<str>, Arc<str>)>,
    /// Text that is no origin.
    wrong_origin: Option<Box<str>>,
}

/// Why a layer cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// No revision of the protocol is left to be served.
    #[error("a layer serves at least one revision of the protocol")]
    NoRevision,
    /// The text is not an origin as browsers write it (RFC 6454 section 6.2).
    #[error("`{0}` is not an origin: scheme, host and port, and nothing behind them")]
    Origin(Box<str>),
    /// The paths of the transport of 2024-11-05 are not two paths.
    #[error("the stream and its messages have two paths that begin with `/`, the stream not below")]
    Paths,
    /// The policy contradicts itself.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// There are no random bytes for the keys.
    #[error("no random bytes")]
    Randomness,
}

/// What all requests share.
pub(super) struct Shared {
    guard: Arc<Inner>,
    rules: Arc<Rules>,
    ids: SessionIds,
    events: EventIds,
    gate: Gate,
    limits: Limits,
    /// The newest first.
    served: Vec<Revision>,
    documents: Vec<MetadataDocument>,
    sse: Option<HttpSse>,
}

impl AuthorizationLayer {
    /// Begins a layer that decides by `policy` about what `guard` lets in.
    pub fn builder<V: Vocabulary>(guard: &Guard<V>, policy: Policy<V>) -> LayerBuilder<V> {
        LayerBuilder {
            choices: Choices {
                gate: Gate::of(guard.resource()),
                limits: Limits::default(),
                served: Revision::ALL.into(),
                sse: None,
                wrong_origin: None,
            },
            guard: guard.clone(),
            policy,
            state: Unsealed,
            vocabulary: PhantomData,
        }
    }
}

impl<V: Vocabulary> LayerBuilder<V, Unsealed> {
    /// The keys that seal session ids and task ids.
    ///
    /// With several machines all of them need the same keys. With
    /// [`SealKeys::this_process_only`] clients begin new sessions after a restart.
    pub fn seal_keys(self, keys: impl Into<SealKeys>) -> LayerBuilder<V, Sealing> {
        LayerBuilder {
            guard: self.guard,
            policy: self.policy,
            choices: self.choices,
            state: Sealing { keys: keys.into() },
            vocabulary: PhantomData,
        }
    }
}

impl<V: Vocabulary, St> LayerBuilder<V, St> {
    /// The revisions of the protocol that are served: all that are known unless said.
    ///
    /// Without one that has sessions, GET and DELETE are answered with 405 whoever asks.
    pub fn revisions(mut self, revisions: impl IntoIterator<Item = Revision>) -> Self {
        self.choices.served = revisions.into_iter().collect();
        self.choices.served.sort_unstable_by(|a, b| b.cmp(a));
        self.choices.served.dedup();
        self
    }

    /// Opens the transport of 2024-11-05, whose clients ask for `stream` with GET and are told there
    /// to post their messages to `messages`. Both are paths as the layer sees them; what follows
    /// `messages` after a slash or in a query is the service's.
    ///
    /// The address that a client is told is sealed for the caller. A message to another address is
    /// answered with 404, as one to an unknown address is.
    pub fn http_sse(mut self, stream: &str, messages: &str) -> Self {
        self.choices.sse = Some((stream.into(), messages.into()));
        self
    }

    /// Lets in pages of another origin than the resource's own: `https://app.example.com`.
    ///
    /// It is compared as text, with scheme, host and port. `null` is what browsers call pages of which
    /// they cannot tell the origin; anybody can make such a page.
    pub fn allow_origin(mut self, origin: &str) -> Self {
        if !self.choices.gate.allow_origin(origin) {
            self.choices.wrong_origin.get_or_insert(origin.into());
        }
        self
    }

    /// Serves requests for this host, the resource's own, and others that are named so, and for no other
    /// one: `mcp.internal:8443`, with its port if clients write one.
    ///
    /// Unless said, every host is served; a resource on this machine is served under names of this
    /// machine alone, so that a page cannot reach it under a name of its own.
    pub fn allow_host(mut self, host: &str) -> Self {
        self.choices.gate.allow_host(host);
        self
    }

    /// Refuses what did not come over TLS.
    pub fn require_tls(mut self, evidence: TlsEvidence) -> Self {
        self.choices.gate.require_tls(evidence);
        self
    }

    /// How many bytes a body may have: 4 MiB unless said. A longer one is 413.
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.choices.limits.body = bytes;
        self
    }

    /// How long a body may take to arrive: 30 seconds unless said. A slower one is 408.
    pub const fn body_timeout(mut self, timeout: Duration) -> Self {
        self.choices.limits.patience = timeout;
        self
    }
}

impl<V: Vocabulary> LayerBuilder<V, Sealing> {
    /// The layer.
    ///
    /// # Errors
    /// [`LayerError`], which names the places in the source where a policy contradicts itself.
    pub fn build(self) -> Result<AuthorizationLayer, LayerError> {
        self.policy.check()?;
        #[cfg(feature = "rmcp-3")]
        self.policy.check_routers(self.guard.inner())?;
        let keys = self.state.keys;
        if keys.is_empty() {
            return Err(LayerError::Randomness);
        }
        let Choices {
            gate,
            limits,
            served,
            sse,
            wrong_origin,
        } = self.choices;
        if let Some(origin) = wrong_origin {
            return Err(LayerError::Origin(origin));
        }
        if served.is_empty() {
            return Err(LayerError::NoRevision);
        }
        let is_path = |path: &str| path.starts_with('/') && !path.contains(['?', '#']);
        let are_paths = |stream: &str, messages: &str| {
            let (stream_is, messages_are) = (sse::segments(stream), sse::segments(messages));
            is_path(stream)
                && is_path(messages)
                && !messages_are.is_empty()
                && !stream_is.starts_with(&messages_are)
        };
        if let Some((stream, messages)) = &sse
            && !are_paths(stream, messages)
        {
            return Err(LayerError::Paths);
        }
        let origin = self.guard.resource().origin();
        let sse = sse.map(|(stream, messages)| HttpSse {
            stream,
            segments: sse::segments(&messages),
            messages: messages.trim_end_matches('/').into(),
            ids: SessionIds::of_address(keys.clone()),
            origin: origin.as_str().into(),
        });
        // A task id lives as long as the service keeps the task.
        let tasks = self.policy.has_tasks();
        let tasks = tasks.then(|| Seal::new(keys.clone(), Duration::MAX));
        let shared = Shared {
            rules: Arc::new(Rules {
                policy: self.policy.index().clone(),
                tasks,
            }),
            ids: SessionIds::of_header(keys.clone()),
            events: EventIds::of(keys),
            gate,
            limits,
            served,
            documents: self.guard.metadata(),
            sse,
            guard: Arc::clone(self.guard.inner()),
        };
        Ok(AuthorizationLayer::of(Arc::new(shared)))
    }
}

impl<V, St: fmt::Debug> fmt::Debug for LayerBuilder<V, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerBuilder")
            .field("guard", &self.guard)
            .field("policy", &self.policy)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
