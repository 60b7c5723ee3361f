//! The Model Context Protocol: its operations, their scopes, and an endpoint that serves them.
//!
//! Layer L5; [`Router`] and what belongs to it come from the layer above.
#![cfg_attr(feature = "axum", doc = "")]
#![cfg_attr(feature = "axum", doc = include_str!("guide.md"))]
#![cfg_attr(feature = "axum", doc = "")]
#![cfg_attr(feature = "axum", doc = include_str!("answers.md"))]

#[cfg(feature = "axum")]
pub(crate) mod call;
#[cfg(feature = "axum")]
mod disguise;
#[cfg(feature = "axum")]
pub(crate) mod envelope;
#[cfg(feature = "axum")]
pub(crate) mod error;
#[cfg(feature = "axum")]
mod limits;
#[cfg(feature = "axum")]
mod members;
#[cfg(feature = "axum")]
pub mod method;
#[cfg(feature = "rmcp-3")]
pub(crate) mod passed;
#[cfg(feature = "axum")]
pub(crate) mod policy;
#[cfg(feature = "axum")]
#[expect(
    unnameable_types,
    reason = "what nobody can name, nobody can implement"
)]
pub(crate) mod proof;
#[cfg(feature = "axum")]
pub(crate) mod revision;
mod scopes;
#[cfg(feature = "axum")]
pub(crate) mod uri;

#[cfg(feature = "rmcp-3")]
pub use policy::Rulebook;
#[cfg(feature = "axum")]
pub use policy::{
    Decision, Kind, Nobody, Policy, PolicyError, Reach, Requires, Rule, any_valid_token, nobody,
    requires,
};
#[cfg(feature = "axum")]
pub use proof::ProofFor;
#[cfg(feature = "axum")]
pub use revision::Revision;
pub use scopes::{
    CompletionRead, LoggingConfigure, McpScopes, PromptsList, PromptsRead, ResourcesList,
    ResourcesRead, ResourcesSubscribe, ToolsExecute, ToolsRead,
};
#[cfg(feature = "axum")]
pub use uri::TemplateError;

#[cfg(feature = "axum")]
pub use crate::web::router::{
    Argument, CallError, Handler, MethodReply, Params, Progress, Prompt, Resource, Router,
    RouterError, Streamed, Tool, ToolError, ToolFailure, ToolReply,
};
