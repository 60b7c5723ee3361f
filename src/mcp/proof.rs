//! What counts as proof for something that can be called.

use super::method::Demand;
use crate::authorized::Authorized;
use crate::scope::{Grants, KnownTo, Set};

/// The demand of a proof for what `M` stands for, under the vocabulary `V`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not proof of authorization for `{M}`",
    label = "only the library says what is one"
)]
pub trait Proves<M, V> {
    type Scope: Set + KnownTo<V>;

    fn from_proof(proof: Authorized<Self::Scope>) -> Self;
}

impl<M, V, S> Proves<M, V> for Authorized<S>
where
    M: Demand,
    S: Set + KnownTo<V> + Meets<M, M::Scope>,
{
    type Scope = S;

    fn from_proof(proof: Self) -> Self {
        proof
    }
}

/// What a handler of `M` must take first: an [`Authorized<S>`](crate::Authorized) whose `S` is known
/// to the vocabulary `V` and grants what `M` demands.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not proof of authorization for `{M}`",
    label = "the first parameter of this handler is no `Authorized<S>`",
    note = "let the handler take `Authorized<S>` first, by value, with what its callers must be allowed to do",
    note = "a tool, prompt or resource for anybody with a valid token takes `Authorized<()>`"
)]
pub trait ProofFor<M, V>: Proves<M, V> {}

impl<M, V, S: Set> ProofFor<M, V> for Authorized<S> where Self: Proves<M, V> {}

/// Whoever has `Self` may call `M`, which demands `Need`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not grant `{Need}`, which `{M}` demands",
    label = "the callers of this handler have proven `{Self}` only",
    note = "let the handler take `Authorized<{Need}>`, or let the scope that it takes include `{Need}` in `scopes!`",
    note = "or let the method demand `{Self}` in place of `{Need}`: `.demanding::<{Self}>()`"
)]
pub trait Meets<M, Need> {}

#[diagnostic::do_not_recommend]
impl<M, Need: Set, S: Grants<Need>> Meets<M, Need> for S {}
