//! The proof for a resource stands first.
//! Stops a method that looks at the URI before its proof.

use clearance::mcp::{McpScopes, ResourcesRead};
use clearance::rmcp::{ResourceUri, SecureResourceRouter};
use clearance::{Authorized, Guard};
use rmcp::model::ResourceTemplate;

type Proof = Authorized<ResourcesRead>;

#[derive(Clone)]
struct Files;

impl Files {
    async fn file(&self, _: ResourceUri, _: Proof) -> String {
        String::new()
    }
}

fn router(guard: &Guard<McpScopes>) -> SecureResourceRouter<Files, McpScopes> {
    let template = ResourceTemplate::new("file:///{name}", "file");
    SecureResourceRouter::new(guard).template(template, Files::file)
}

fn main() {}
