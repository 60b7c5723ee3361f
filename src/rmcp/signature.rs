//! What the signature of a handler demands.
//!
//! rmcp puts the types of a handler away when it makes a route of it. The one place where they are
//! still known is the marker by which it tells its kinds of handlers apart: its parameter is the tuple
//! of the handler's own.

use ::rmcp::handler::server::prompt as prompts;
use ::rmcp::handler::server::tool as tools;
use ::rmcp::model;

use crate::mcp::method::Demand;

/// rmcp's marker for one kind of tool.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not one of rmcp's kinds of tools",
    label = "only rmcp says what is one"
)]
pub trait ToolKind {
    type Parameters;
}

/// rmcp's marker for one kind of prompt.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not one of rmcp's kinds of prompts",
    label = "only rmcp says what is one"
)]
pub trait PromptKind {
    type Parameters;
}

/// The parameters of a handler.
#[diagnostic::on_unimplemented(
    message = "this handler takes no proof of authorization",
    label = "its first parameter after `&self` must be `Authorized<S>`",
    note = "let it take `Authorized<S>` first, by value, with what its callers must be allowed to do",
    note = "a tool, prompt or resource for anybody with a valid token takes `Authorized<()>`"
)]
pub trait First {
    type Proof;
}

#[diagnostic::do_not_recommend]
impl<P, Fut, R> ToolKind for tools::AsyncAdapter<P, Fut, R> {
    type Parameters = P;
}

#[diagnostic::do_not_recommend]
impl<P, R> ToolKind for tools::SyncAdapter<P, R> {
    type Parameters = P;
}

#[diagnostic::do_not_recommend]
impl<P, R> ToolKind for tools::AsyncMethodAdapter<P, R> {
    type Parameters = P;
}

#[diagnostic::do_not_recommend]
impl<P, R> ToolKind for tools::SyncMethodAdapter<P, R> {
    type Parameters = P;
}

#[diagnostic::do_not_recommend]
impl<P, Fut, R> PromptKind for prompts::AsyncPromptAdapter<P, Fut, R> {
    type Parameters = P;
}

#[diagnostic::do_not_recommend]
impl<P, R> PromptKind for prompts::SyncPromptAdapter<P, R> {
    type Parameters = P;
}

#[diagnostic::do_not_recommend]
impl<P, R> PromptKind for prompts::SyncPromptMethodAdapter<P, R> {
    type Parameters = P;
}

// For async methods, rmcp's marker is the tuple itself.
impl PromptKind for () {
    type Parameters = ();
}

macro_rules! parameters {
    ($($($more:ident)*;)*) => { $(
        #[diagnostic::do_not_recommend]
        impl<Proof_, $($more),*> First for (Proof_, $($more,)*) {
            type Proof = Proof_;
        }

        impl<Proof_, $($more),*> PromptKind for (Proof_, $($more,)*) {
            type Parameters = Self;
        }
    )* };
}
parameters! {
    ; A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H;
    A B C D E F G H I; A B C D E F G H I J; A B C D E F G H I J K; A B C D E F G H I J K L;
    A B C D E F G H I J K L M; A B C D E F G H I J K L M N; A B C D E F G H I J K L M N O;
}

/// The handler's own scopes are the whole policy.
impl Demand for model::Tool {
    type Scope = ();
}

impl Demand for model::Prompt {
    type Scope = ();
}

impl Demand for model::Resource {
    type Scope = ();
}
