//! The shape of a handler, and what it demands.
//!
//! The shape has no bounds on what it is made of, so that inference settles first; the bounds stand
//! where a handler is registered, and an error names the one part that is wrong.

use std::future::Future;

use axum::extract::State;
use serde::de::DeserializeOwned;

use super::argument::{Input, Params};
use crate::authorized::Caller;

/// The parts of a signature `Args`, which is written as a function pointer.
///
/// Every `H` has them: so a function of another shape fails as a [`Handler`] alone, and not once more
/// for each part.
pub trait Parts<Args> {
    type Proof;
    type Rest;
    type Future: Future;
}

/// An async function with the signature `Args`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler of MCP calls",
    label = "only the library says what is one"
)]
pub trait HandlerOf<Args>: Parts<Args> + Send + Sync + 'static {
    fn call(&self, proof: Self::Proof, rest: Self::Rest) -> Self::Future;
}

macro_rules! handlers {
    ($($($parameter:ident)*;)*) => { $(
        impl<F, Run: Future, Proof_, $($parameter),*> Parts<fn(Proof_, $($parameter),*) -> Run> for F {
            type Proof = Proof_;
            type Rest = ($($parameter,)*);
            type Future = Run;
        }

        #[allow(non_snake_case, clippy::allow_attributes, reason = "named like their types")]
        impl<F, Run, Proof_, $($parameter),*> HandlerOf<fn(Proof_, $($parameter),*) -> Run> for F
        where
            F: Fn(Proof_, $($parameter),*) -> Run + Send + Sync + 'static,
            Run: Future,
        {
            fn call(&self, proof: Proof_, ($($parameter,)*): ($($parameter,)*)) -> Run {
                self(proof, $($parameter),*)
            }
        }
    )* };
}
handlers! { ; A; A B; A B C; A B C D; }

/// A handler of MCP calls: `async fn(Authorized<S>, ..) -> Result<T, E>`.
///
/// The first parameter is the proof; what follows are [`Params`](super::Params), axum's `State` and
/// [`Caller`](crate::Caller), in any order. Functions and closures are handlers by themselves; there
/// is nothing to implement.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler of MCP calls",
    label = "not an `async fn` of one to five parameters, the first of which is `Authorized<S>`",
    note = "a handler is `async fn(Authorized<S>, ..) -> Result<T, E>`, and is passed without being called",
    note = "a tool, prompt or resource for anybody with a valid token takes `Authorized<()>`"
)]
pub trait Handler<Args>: HandlerOf<Args> {}

#[diagnostic::do_not_recommend]
impl<Args, H: HandlerOf<Args>> Handler<Args> for H {}

/// What a handler takes after its proof.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that a handler can take",
    label = "only the library says what is"
)]
pub trait Taken<St>: Sized + Send {
    fn take(input: &Input<'_, St>) -> Result<Self, String>;
}

/// Something that a handler takes after its proof: [`Params`](super::Params), axum's `State` with
/// the router's own state, or [`Caller`](crate::Caller).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that a handler of this router can take after its proof",
    label = "not `Params<P>`, not `State<{St}>`, not `Caller`",
    note = "the arguments of a call are taken as `Params<P>`",
    note = "the state of this router is `{St}`; another one is given to `Router::with_state`",
    note = "there is one proof, and it stands first: `Authorized<(A, B)>` proves both `A` and `B`"
)]
pub trait Argument<St>: Taken<St> {}

impl<St, P: Readable + Send> Argument<St> for Params<P> {}
impl<St: Clone + Send> Argument<St> for State<St> {}
impl<St> Argument<St> for Caller {}

/// What the arguments of a call can be read into.
#[diagnostic::on_unimplemented(
    message = "the arguments of a call cannot be read into `{Self}`",
    label = "not `serde::Deserialize`",
    note = "if `{Self}` is a type of your own, add `#[derive(serde::Deserialize)]` to it"
)]
pub trait Readable: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<P: DeserializeOwned> Readable for P {}

/// All that a handler takes after its proof.
pub trait Arguments<St>: Sized {
    fn take_all(input: &Input<'_, St>) -> Result<Self, String>;
}

macro_rules! arguments {
    ($($($parameter:ident)*;)*) => { $(
        impl<St, $($parameter: Argument<St>),*> Arguments<St> for ($($parameter,)*) {
            #[allow(unused_variables, clippy::allow_attributes, reason = "none is taken")]
            fn take_all(input: &Input<'_, St>) -> Result<Self, String> {
                Ok(($($parameter::take(input)?,)*))
            }
        }
    )* };
}
arguments! { ; A; A B; A B C; A B C D; }
