//! What was registered, its types put away.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;

use chrono::{DateTime, Utc};

use super::argument::Input;
use super::handler::{Arguments, Handler};
use super::reply::Reply;
use crate::authorized::Authorized;
use crate::guard::Admitted;
use crate::mcp::method::Demand;
use crate::mcp::policy::Demands;
use crate::mcp::proof::{ProofFor, Proves};
use crate::mcp::{Kind, Rule};
use crate::refusal::Refusal;

pub(super) type Run = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// Why a handler was not called.
#[derive(Debug)]
pub(super) enum Stop {
    Arguments(String),
    Refused(Refusal),
}

/// What a call brings along.
pub(super) struct Given<'a, St> {
    pub(super) admitted: &'a Admitted,
    pub(super) now: DateTime<Utc>,
    /// A JSON object.
    pub(super) params: &'a str,
    pub(super) uri: Option<&'a str>,
    pub(super) state: &'a St,
}

type Call<St> = Box<dyn Fn(Given<'_, St>) -> Result<Run, Stop> + Send + Sync>;

/// A handler with what it demands.
pub(super) struct Entry<St> {
    pub(super) rule: Rule,
    pub(super) demand: Demands,
    call: Call<St>,
}

impl<St> std::fmt::Debug for Entry<St> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.rule.fmt(f)
    }
}

impl<St: 'static> Entry<St> {
    /// A handler of `M` under the vocabulary `V`, whose results `reply` writes down.
    pub(super) fn new<M, V, Args, H>(
        kind: Kind,
        name: &str,
        place: Place,
        handler: H,
        reply: impl Fn(<H::Future as Future>::Output, Option<Box<str>>) -> Reply
        + Clone
        + Send
        + Sync
        + 'static,
    ) -> Self
    where
        M: Demand,
        H: Handler<Args>,
        H::Proof: ProofFor<M, V>,
        H::Rest: Arguments<St>,
        H::Future: Send + 'static,
    {
        let call = move |given: Given<'_, St>| {
            let Given {
                admitted,
                now,
                params,
                uri,
                state,
            } = given;
            // What the type claims is what is checked: a handler cannot claim a proof and do
            // without it.
            let proof: Authorized<<H::Proof as Proves<M, V>>::Scope> =
                admitted.authorize(now).map_err(Stop::Refused)?;
            let caller = proof.caller();
            let input = Input {
                params,
                state,
                caller: &caller,
            };
            let rest = H::Rest::take_all(&input).map_err(Stop::Arguments)?;
            let (uri, reply) = (uri.map(Box::from), reply.clone());
            let done = handler.call(H::Proof::from_proof(proof), rest);
            let run: Run = Box::pin(async move { reply(done.await, uri) });
            Ok(run)
        };
        Self {
            rule: Rule::of_handler::<<H::Proof as Proves<M, V>>::Scope>(kind, name, place),
            demand: Demands::of::<<H::Proof as Proves<M, V>>::Scope>(),
            call: Box::new(call),
        }
    }

    pub(super) fn call(&self, given: Given<'_, St>) -> Result<Run, Stop> {
        (self.call)(given)
    }
}

pub(super) type Place = &'static Location<'static>;
