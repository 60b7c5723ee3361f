//! axum and tower: the extractor, the answers and the metadata routes.
//!
//! Layer L6, feature `axum`.

mod credential;
mod extract;
mod response;
pub(crate) mod router;
mod routes;

pub use credential::{CredentialLayer, CredentialService};
pub use routes::{ProtectedResource, metadata_routes};
