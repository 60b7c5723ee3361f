//! The same on a router of a guard that knows the scope.

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

fn router(guard: &Guard<FilesScopes>) -> SecurePromptRouter<Desk, FilesScopes> {
    SecurePromptRouter::new(guard).prompt(Desk::greet_prompt_attr(), Desk::greet)
}

fn main() {}
