//! The proof of a prompt stands first.
//! Stops a prompt that looks at other things before its proof.

use clearance::mcp::{McpScopes, PromptsRead};
use clearance::rmcp::SecurePromptRouter;
use clearance::{Authorized, Guard};
use rmcp::model::PromptMessage;
use rmcp::handler::server::prompt::PromptName;
use rmcp::prompt;

type Proof = Authorized<PromptsRead>;

#[derive(Clone)]
struct Desk;

impl Desk {
    #[prompt(description = "Greets")]
    async fn greet(&self, _: PromptName, _: Proof) -> Vec<PromptMessage> {
        Vec::new()
    }
}

fn router(guard: &Guard<McpScopes>) -> SecurePromptRouter<Desk, McpScopes> {
    SecurePromptRouter::new(guard).prompt(Desk::greet_prompt_attr(), Desk::greet)
}

fn main() {}
