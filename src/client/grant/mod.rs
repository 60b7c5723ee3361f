//! Grants without a browser. None of them registers a client.

mod client_credentials;
mod enterprise;
mod exchange;
mod jwt_bearer;

pub use enterprise::IdentityProvider;
