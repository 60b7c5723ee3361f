//! What reads a resource takes a proof, whatever else it does not take.
//! Stops a resource that anybody reads.

use clearance::mcp::{McpScopes, ResourcesRead};
use clearance::rmcp::SecureResourceRouter;
use clearance::{Authorized, Guard};
use rmcp::model::ResourceTemplate;

type Proof = Authorized<ResourcesRead>;

#[derive(Clone)]
struct Files;

impl Files {
    async fn file(&self) -> String {
        String::new()
    }
}

fn router(guard: &Guard<McpScopes>) -> SecureResourceRouter<Files, McpScopes> {
    let template = ResourceTemplate::new("file:///{name}", "file");
    SecureResourceRouter::new(guard).template(template, Files::file)
}

fn main() {}
