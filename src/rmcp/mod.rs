//! Proofs for the handlers of the official SDK, `rmcp` 3.
//!
//! Layer L6, feature `rmcp-3`.
#![doc = ""]
#![doc = include_str!("guide.md")]

mod context;
mod entries;
mod listed;
mod method;
mod prompts;
mod resources;
mod secured;
#[expect(
    unnameable_types,
    reason = "what nobody can name, nobody can implement"
)]
mod signature;
mod tools;
mod visit;

pub use context::Authorize;
pub use method::{IntoContents, ReadHandler, ResourceContext, ResourceUri};
pub use prompts::SecurePromptRouter;
pub use resources::SecureResourceRouter;
pub use secured::Secured;
pub use tools::SecureToolRouter;

use listed::{Scoped, keep_private, private, private_to};
