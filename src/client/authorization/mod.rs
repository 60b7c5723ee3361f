//! The way through the user's browser: the request, and the redirect that answers it.

mod awaiting;
mod error;
mod pending;
mod pkce;
mod redirect;
mod request;
mod sealed;

pub use awaiting::AwaitingRedirect;
pub use error::AuthorizationError;
pub use pending::{MemoryPendingStore, Pending, PendingError, PendingStore};
pub use redirect::Redirect;
pub use sealed::PendingKey;
