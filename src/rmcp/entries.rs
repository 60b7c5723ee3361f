//! What a router knows of its handlers beside rmcp's routes.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use ::rmcp::ErrorData;
use ::rmcp::model::Extensions;

use super::context::Request;
use crate::audit;
use crate::guard::{Admitted, Guard};
use crate::mcp::policy::{Demands, OwnGuard};
use crate::mcp::{Kind, Rule};
use crate::scope::Set;

/// The guard of a router, and what the types of its handlers demand.
#[derive(Clone)]
pub(super) struct Entries {
    guard: OwnGuard,
    kind: Kind,
    rules: Vec<Rule>,
    demands: BTreeMap<Box<str>, Demands>,
}

impl Entries {
    pub(super) fn of<V>(guard: &Guard<V>, kind: Kind) -> Self {
        Self {
            guard: OwnGuard(Arc::clone(guard.inner())),
            kind,
            rules: Vec::new(),
            demands: BTreeMap::new(),
        }
    }

    /// The caller has `S: KnownTo<V>` for the guard's vocabulary from the compiler.
    pub(super) fn add<S: Set>(&mut self, name: &str, place: &'static Location<'static>) {
        self.rules
            .push(Rule::of_handler::<S>(self.kind, name, place));
        // As with rmcp's routes, the last one of a name counts.
        self.demands.insert(name.into(), Demands::of::<S>());
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Lets a call of `name` pass if the caller may, or says why not.
    ///
    /// What a handler's type claims is what is checked: a handler cannot claim a proof and do without.
    pub(super) fn check(
        &self,
        name: &str,
        extensions: &Extensions,
        unknown: &'static str,
    ) -> Result<(), ErrorData> {
        let request = self.request(extensions)?;
        let demands = self.demands.get(name);
        let demands = demands.ok_or_else(|| ErrorData::invalid_params(unknown, None))?;
        let proof = (demands.obtain_again)(request.admitted, request.admitted.now());
        proof.map_err(|refusal| request.refused(refusal))?;
        let granted = request.admitted.granted();
        request
            .passed
            .proven(|scopes| (demands.met_by)(granted, scopes));
        Ok(())
    }

    /// Whether this router's guard let the request in.
    pub(super) fn admit(&self, extensions: &Extensions) -> Result<(), ErrorData> {
        self.request(extensions).map(drop)
    }

    pub(super) const fn guard(&self) -> &OwnGuard {
        &self.guard
    }

    /// The bits that the caller of a request is granted.
    pub(super) fn granted(&self, extensions: &Extensions) -> Result<u64, ErrorData> {
        Ok(self.request(extensions)?.admitted.granted())
    }

    /// The bits that somebody is granted: none if another guard let them in.
    pub(super) fn granted_to(&self, admitted: &Admitted) -> u64 {
        if admitted.is_of(&self.guard.0) {
            admitted.granted()
        } else {
            0
        }
    }

    pub(super) fn is_shown(&self, name: &str, granted: u64) -> bool {
        let demands = self.demands.get(name);
        demands.is_some_and(|demands| (demands.is_met)(granted))
    }

    fn request<'a>(&self, extensions: &'a Extensions) -> Result<Request<'a>, ErrorData> {
        let request = Request::demanded(extensions)?;
        if request.admitted.is_of(&self.guard.0) {
            return Ok(request);
        }
        let why = "another guard let the request in than that of the router";
        audit::refused_without_guard(why);
        Err(ErrorData::internal_error(why, None))
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.rules).finish()
    }
}

/// Writes a router of handlers that take proofs: `H` serves them, and `V` is the guard's vocabulary.
macro_rules! secure_router {
    ($(#[$about:meta])* $name:ident($routes:ident<H>) of $kind:ident) => {
        $(#[$about])*
        #[must_use = "handlers that nobody serves do nothing"]
        pub struct $name<H, V> {
            inner: std::sync::Arc<Inner<H>>,
            vocabulary: std::marker::PhantomData<fn(V) -> V>,
        }

        struct Inner<H> {
            routes: $routes<H>,
            entries: $crate::rmcp::entries::Entries,
        }

        impl<H: Send + Sync + 'static, V: $crate::scope::Vocabulary> $name<H, V> {
            /// Nothing yet.
            pub fn new(guard: &$crate::guard::Guard<V>) -> Self {
                let kind = $crate::mcp::Kind::$kind;
                Self {
                    inner: std::sync::Arc::new(Inner {
                        routes: $routes::default(),
                        entries: $crate::rmcp::entries::Entries::of(guard, kind),
                    }),
                    vocabulary: std::marker::PhantomData,
                }
            }

            fn with<S: $crate::scope::Set>(
                mut self,
                name: &str,
                place: &'static std::panic::Location<'static>,
                add: impl FnOnce(&mut $routes<H>),
            ) -> Self {
                let inner = std::sync::Arc::make_mut(&mut self.inner);
                inner.entries.add::<S>(name, place);
                add(&mut inner.routes);
                self
            }
        }

        impl<H> Clone for Inner<H> {
            fn clone(&self) -> Self {
                Self {
                    routes: self.routes.clone(),
                    entries: self.entries.clone(),
                }
            }
        }

        #[diagnostic::do_not_recommend]
        impl<H, V> $crate::mcp::policy::WritesRules<V> for $name<H, V> {
            fn rules(&self) -> &[$crate::mcp::Rule] {
                self.inner.entries.rules()
            }

            fn guard(&self) -> &$crate::mcp::policy::OwnGuard {
                self.inner.entries.guard()
            }
        }

        impl<H, V> Clone for $name<H, V> {
            fn clone(&self) -> Self {
                Self {
                    inner: std::sync::Arc::clone(&self.inner),
                    vocabulary: std::marker::PhantomData,
                }
            }
        }

        impl<H, V> std::fmt::Debug for $name<H, V> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.inner.entries.fmt(f)
            }
        }
    };
}
pub(super) use secure_router;
