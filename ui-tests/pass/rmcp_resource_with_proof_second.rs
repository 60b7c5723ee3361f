//! The same with the proof first.

use clearance::mcp::{McpScopes, ResourcesRead};
use clearance::rmcp::{ResourceUri, SecureResourceRouter};
use clearance::{Authorized, Guard};
use rmcp::model::ResourceTemplate;

type Proof = Authorized<ResourcesRead>;

#[derive(Clone)]
struct Files;

impl Files {
    async fn file(&self, _: Proof, _: ResourceUri) -> String {
        String::new()
    }
}

fn router(guard: &Guard<McpScopes>) -> SecureResourceRouter<Files, McpScopes> {
    let template = ResourceTemplate::new("file:///{name}", "file");
    SecureResourceRouter::new(guard).template(template, Files::file)
}

fn main() {}
