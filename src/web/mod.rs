//! axum and tower: the extractor, the answers and the metadata routes.
//!
//! Layer L6, feature `axum`.

mod collect;
mod credential;
mod extract;
mod health;
mod layer;
mod response;
pub(crate) mod router;
mod routes;
pub mod tenants;

pub use credential::{CredentialLayer, CredentialService};
pub use health::{Healthy, health_routes};
pub use layer::{
    AuthorizationLayer, AuthorizationService, GuardedAnswer, GuardedBody, LayerBuilder, LayerError,
    ResponseFuture, Sealing, TlsEvidence, Unsealed,
};
pub use routes::{ProtectedResource, metadata_routes};
