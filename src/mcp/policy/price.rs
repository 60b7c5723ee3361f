//! What quotas are about.

use super::needs::Needs;
use crate::guard::Admitted;

/// The scopes that a call needs, if its caller has them. Nothing is written down, and nothing is decided.
pub(crate) fn scopes_met(caller: &Admitted, needs: &Needs<'_, '_>) -> Option<Vec<&'static str>> {
    let mut demands = Vec::new();
    for need in needs.all() {
        need.demands(&mut demands, caller).ok()?;
    }
    let mut scopes = Vec::new();
    for demand in demands {
        if !(demand.is_met)(caller.granted()) {
            return None;
        }
        (demand.challenge)(&mut scopes);
    }
    Some(scopes)
}
