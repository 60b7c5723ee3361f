//! The same with the policy of its own vocabulary.

use axum::Router;
use clearance::mcp::Policy;
use clearance::session::SealKeys;
use clearance::tenants::Tenant;
use clearance::{AuthorizationLayer, LayerError, Guard};

mod acme {
    clearance::scopes! {
        /// What a caller may do with notes.
        pub vocabulary NoteScopes includes clearance::mcp::McpScopes;
        /// Search notes.
        pub NotesSearch = "notes:search";
    }
}

mod zeta {
    clearance::scopes! {
        /// What a caller may do with files.
        pub vocabulary FileScopes includes clearance::mcp::McpScopes;
        /// Search files.
        pub FilesSearch = "files:search";
    }
}
use acme::NoteScopes;
use zeta::FileScopes;

type Both = (NoteScopes, FileScopes);

fn tenant(
    guard: &Guard<NoteScopes>,
    policy: Policy<NoteScopes>,
    service: Router,
) -> Result<Tenant, LayerError> {
    let layer = AuthorizationLayer::builder(guard, policy)
        .seal_keys(SealKeys::this_process_only())
        .build()?;
    Ok(Tenant::new(guard, service.layer(layer)))
}

fn main() {}
