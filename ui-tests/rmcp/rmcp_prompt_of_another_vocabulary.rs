//! A proof is of the vocabulary of the router's guard.
//! Stops a prompt that demands a scope which the guard cannot check.

use clearance::mcp::McpScopes;
use clearance::rmcp::SecurePromptRouter;
use clearance::{Authorized, Guard};
use rmcp::model::PromptMessage;
use rmcp::prompt;

mod files {
    clearance::scopes! {
        /// What a caller may do with files.
        pub vocabulary FilesScopes includes clearance::mcp::McpScopes;
        /// Delete files.
        pub FilesDelete = "files:delete";
    }
}
use files::{FilesDelete, FilesScopes};

type Both = (McpScopes, FilesScopes);

#[derive(Clone)]
struct Desk;

impl Desk {
    #[prompt(description = "Greets")]
    async fn greet(&self, _: Authorized<FilesDelete>) -> Vec<PromptMessage> {
        Vec::new()
    }
}

fn router(guard: &Guard<McpScopes>) -> SecurePromptRouter<Desk, McpScopes> {
    SecurePromptRouter::new(guard).prompt(Desk::greet_prompt_attr(), Desk::greet)
}

fn main() {}
