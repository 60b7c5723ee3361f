//! Which guards a request is for, where that was decided before any of them saw it.

use std::sync::Arc;

use http::Extensions;

use super::{Guard, Inner};

/// The guards of a tenant. In the extensions of a request it says that no other guard may let it in.
#[derive(Clone)]
pub(crate) struct Tenancy(Arc<[Arc<Inner>]>);

impl Tenancy {
    pub(crate) fn of<V>(guard: &Guard<V>) -> Self {
        Self(Arc::new([Arc::clone(guard.inner())]))
    }

    /// Whether a request with these extensions may be for this guard: it is for no other tenant.
    pub(crate) fn admits(extensions: &Extensions, guard: &Arc<Inner>) -> bool {
        let tenancy = extensions.get::<Self>();
        tenancy.is_none_or(|tenancy| tenancy.has(guard))
    }

    /// With one more.
    pub(crate) fn and<V>(self, guard: &Guard<V>) -> Self {
        let all = self.0.iter().chain([guard.inner()]);
        Self(all.cloned().collect())
    }

    fn has(&self, guard: &Arc<Inner>) -> bool {
        self.0.iter().any(|own| Arc::ptr_eq(own, guard))
    }

    /// Whether something would be lost with the guards: an open stream, or what was revoked here alone.
    pub(crate) fn is_needed(&self) -> bool {
        let is_needed = |guard: &Arc<Inner>| guard.revocations.are_needed();
        self.0.iter().any(is_needed)
    }

    /// Whether one of them lets nobody in any more.
    pub(crate) fn is_retired(&self) -> bool {
        self.0.iter().any(|guard| guard.revocations.is_retired())
    }

    /// Lets nobody in any more and ends all streams, but for guards that `successor` has as well.
    pub(crate) fn retire(&self, successor: Option<&Self>) {
        for guard in &*self.0 {
            if successor.is_none_or(|successor| !successor.has(guard)) {
                guard.revocations.retire();
            }
        }
    }
}
