//! What quotas are about. Nothing is written down here, and nothing is decided.

use super::decision::Demands;
use super::needs::Needs;
use crate::guard::Admitted;
use crate::limit::{Bill, Call as Priced};
use crate::mcp::call::Call;

/// What a call needs; nothing where no quota is about it.
pub(crate) type Scopes = Option<Vec<&'static str>>;

/// The scopes that these demand, if the caller has them.
pub(crate) fn scopes_met(
    caller: &Admitted,
    demands: impl Iterator<Item = Demands>,
) -> Option<Vec<&'static str>> {
    let mut scopes = Vec::new();
    for demand in demands {
        if !(demand.is_met)(caller.granted()) {
            return None;
        }
        (demand.challenge)(&mut scopes);
    }
    Some(scopes)
}

/// The scopes that a call needs, if its caller has them.
pub(crate) fn scopes_of(caller: &Admitted, needs: &Needs<'_, '_>) -> Option<Vec<&'static str>> {
    let mut demands = Vec::new();
    for need in needs.all() {
        need.demands(&mut demands, caller).ok()?;
    }
    scopes_met(caller, demands.into_iter())
}

/// What the calls of one request cost, of which each needs these scopes. Where they may not pass, and so there
/// are none, they cost what requests cost, and no more.
pub(crate) fn bill(caller: &Admitted, calls: &[&Call<'_>], scopes: Option<Vec<Scopes>>) -> Bill {
    let unknown = || calls.iter().map(|_| None).collect();
    let scopes = scopes.unwrap_or_else(unknown);
    let named: Vec<_> = calls.iter().map(|call| call.about()).collect();
    let priced = calls.iter().zip(&named).zip(&scopes);
    let priced = priced.map(|((call, name), scopes)| match scopes {
        None => Priced::UNKNOWN,
        Some(scopes) => Priced {
            method: &call.method,
            tool: name.as_deref().filter(|_| call.method == "tools/call"),
            scopes,
        },
    });
    caller.bill(&priced.collect::<Vec<_>>())
}
