//! What the types promise by what they are: sizes, threads, and what cannot be done with them.
#![cfg(test)]

use std::error::Error;
use std::fmt::{Debug, Display};
use std::ops::Deref;

use clearance::credentials::{ClientAuthentication, ClientKey, ClientSecret};
use clearance::id::CorrelationId;
use clearance::keys::{FixedKeys, Unavailable};
use clearance::lifecycle::{Revocations, UntilExpiry};
use clearance::mcp::{self, McpScopes, ToolsExecute, ToolsRead};
use clearance::scope::AnyOf;
use clearance::secret::BearerToken;
use clearance::session::{SealKey, SealKeys};
use clearance::token::{
    Acceptance, AudienceVerified, Introspected, Live, Opaque, Permit, Scoped, SignatureVerified,
    Token, Unverified,
};
use clearance::{
    Authorized, Caller, Guard, GuardBuilder, Guarded, Ready, Refusal, TrustedIssuer, WantsIssuer,
};
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use static_assertions::{
    assert_impl_all, assert_not_impl_any, assert_obj_safe, const_assert, const_assert_eq,
};
use zeroize::ZeroizeOnDrop;

type Proof = Authorized<ToolsExecute>;
type Weaker = Authorized<ToolsRead>;
type Verified = Token<AudienceVerified>;
type LiveToken = Live<Verified>;
type Permitted = Permit<LiveToken>;
type KeySet = clearance::jwk::KeySet;

// ---- sizes

const fn words<T>() -> usize {
    size_of::<T>().div_ceil(size_of::<usize>())
}

macro_rules! markers {
    ($($marker:ty),* $(,)?) => { $(
        const_assert_eq!(size_of::<$marker>(), 0);
        assert_impl_all!($marker: Copy, Debug, Send, Sync);
        assert_not_impl_any!($marker: Default, Serialize, DeserializeOwned);
    )* };
}

markers! {
    McpScopes,
    mcp::CompletionRead,
    mcp::LoggingConfigure,
    mcp::PromptsList,
    mcp::PromptsRead,
    mcp::ResourcesList,
    mcp::ResourcesRead,
    mcp::ResourcesSubscribe,
    ToolsExecute,
    ToolsRead,
}

// What a handler holds is a pointer to what was verified, the name of its request, with feature `client` a
// pointer to what its guard keeps, and nothing that depends on the scopes.
const_assert_eq!(
    size_of::<Proof>(),
    size_of::<(usize, CorrelationId, usize)>()
);
const_assert_eq!(size_of::<Authorized<()>>(), size_of::<Proof>());
const_assert_eq!(
    size_of::<Authorized<AnyOf<(ToolsRead, (ToolsExecute, ToolsRead))>>>(),
    size_of::<Proof>()
);
// Not even a word for "there is none".
const_assert_eq!(size_of::<Option<Proof>>(), size_of::<Proof>());
const_assert!(words::<Guard<McpScopes>>() == 1);
const_assert_eq!(size_of::<Caller>(), size_of::<(usize, CorrelationId)>());
// Evidence costs nothing: it is the token that it speaks of.
const_assert_eq!(size_of::<Permitted>(), size_of::<Verified>());
const_assert_eq!(size_of::<Verified>(), size_of::<usize>());

// ---- proofs, states and evidence: nobody makes, copies, writes or reads one

macro_rules! guarded {
    ($($guarded:ty),* $(,)?) => { $(
        assert_impl_all!($guarded: Debug, Send, Sync);
        assert_not_impl_any!($guarded: Clone, Copy, Default);
        assert_not_impl_any!($guarded: Serialize, DeserializeOwned);
        assert_not_impl_any!($guarded: Display, AsRef<str>, AsRef<[u8]>, Into<String>);
        assert_not_impl_any!($guarded: From<()>, From<&'static str>, From<String>, From<Vec<u8>>);
        assert_not_impl_any!($guarded: PartialEq, PartialOrd, std::hash::Hash);
        assert_not_impl_any!($guarded: std::str::FromStr, FromIterator<String>);
    )* };
}

guarded! {
    Proof,
    Authorized<()>,
    Token<Unverified>,
    Token<SignatureVerified>,
    Token<AudienceVerified>,
    Token<Scoped<ToolsExecute>>,
    Token<Opaque>,
    Token<Introspected>,
    Unverified,
    SignatureVerified,
    AudienceVerified,
    Scoped<ToolsExecute>,
    Opaque,
    Introspected,
    LiveToken,
    Permitted,
    Acceptance,
    KeySet,
    BearerToken,
    ClientSecret,
}

// Nor does one become another.
assert_not_impl_any!(
    Proof: From<Weaker>,
    From<Authorized<(ToolsRead, ToolsExecute)>>,
    From<Caller>,
    From<Token<Scoped<ToolsExecute>>>,
    From<Verified>,
    From<LiveToken>,
    From<Permitted>,
    From<bool>,
    From<ToolsExecute>
);
assert_not_impl_any!(Token<Scoped<ToolsExecute>>: From<Verified>, From<LiveToken>, From<Permitted>);
assert_not_impl_any!(Verified: From<Token<SignatureVerified>>, From<Token<Unverified>>);
assert_not_impl_any!(Verified: From<Token<Introspected>>, From<Token<Opaque>>);
assert_not_impl_any!(Token<Introspected>: From<Token<Opaque>>, From<Token<Unverified>>);
assert_not_impl_any!(Token<Opaque>: From<Token<Unverified>>, From<BearerToken>);
assert_not_impl_any!(Token<SignatureVerified>: From<Token<Unverified>>, From<BearerToken>);
assert_not_impl_any!(Token<Unverified>: From<BearerToken>);
assert_not_impl_any!(LiveToken: From<Verified>, Deref);
assert_not_impl_any!(Permitted: From<LiveToken>, Deref);
assert_not_impl_any!(KeySet: From<FixedKeys>, From<serde_json::Value>);
assert_not_impl_any!(BearerToken: Deref, std::borrow::Borrow<str>);
assert_not_impl_any!(Proof: Deref, std::borrow::Borrow<Weaker>, AsRef<Weaker>);

// RS-150: a secret is wiped when it is dropped, and keys are never shown nor compared outside.
assert_impl_all!(ClientSecret: ZeroizeOnDrop, Send, Sync);
assert_not_impl_any!(ClientSecret: Deref, std::borrow::Borrow<str>);
assert_impl_all!(ClientAuthentication: Clone, Debug, Send, Sync);
assert_not_impl_any!(ClientAuthentication: Default, Serialize, PartialEq);
assert_impl_all!(ClientKey: Clone, Debug, Send, Sync);
assert_not_impl_any!(ClientKey: Default, Serialize, PartialEq, AsRef<[u8]>);
assert_not_impl_any!(SealKey: Default, Serialize, PartialEq, AsRef<[u8]>);
assert_not_impl_any!(SealKeys: Default, Serialize, PartialEq);

// Wrapping a foreign token in evidence makes no evidence.
assert_not_impl_any!(Live<String>: Clone, Default, DeserializeOwned, From<String>);
assert_not_impl_any!(Permit<String>: Clone, Default, DeserializeOwned, From<String>);

// ---- guards, callers, refusals

assert_impl_all!(Guard<McpScopes>: Clone, Send, Sync, Debug, Guarded);
assert_not_impl_any!(Guard<McpScopes>: Copy, Default, Serialize, DeserializeOwned);
assert_not_impl_any!(Guard<McpScopes>: From<TrustedIssuer>);
assert_obj_safe!(Guarded<Vocabulary = McpScopes>);

assert_impl_all!(GuardBuilder<McpScopes, Ready>: Send, Sync, Debug);
assert_not_impl_any!(GuardBuilder<McpScopes, WantsIssuer>: Clone, Default);
assert_not_impl_any!(GuardBuilder<McpScopes, Ready>: Clone, Default);
assert_not_impl_any!(Ready: Clone, Default, From<WantsIssuer>, From<TrustedIssuer>);

assert_impl_all!(Caller: Clone, Send, Sync, Debug);
assert_not_impl_any!(Caller: Default, DeserializeOwned);

assert_impl_all!(Refusal: Send, Sync, Error, axum::response::IntoResponse);
assert_not_impl_any!(Refusal: Clone, Default);
assert_impl_all!(Unavailable: Clone, Send, Sync, Error);
assert_impl_all!(Revocations: Clone, Send, Sync);
assert_impl_all!(UntilExpiry<std::future::Ready<()>>: Send, Future);

// ---- futures that a server spawns

const fn is_send<T: Send>(_: &T) {}

fn futures_are_send(guard: &Guard<McpScopes>, token: &Token<Unverified>, parts: &mut Parts) {
    is_send(&guard.authorize::<(ToolsExecute, AnyOf<(ToolsRead, ())>)>(parts));
    is_send(&guard.ready());
    is_send(&guard.key_set(token));
}

#[test]
fn what_is_asserted_here_holds_because_it_compiles() {
    let never_called: fn(&_, &_, &mut _) = futures_are_send;
    assert_eq!(size_of_val(&never_called), size_of::<usize>());
}
