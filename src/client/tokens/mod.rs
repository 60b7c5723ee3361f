//! Tokens: how they are asked for, what comes, and what is kept of them.

mod error;
mod record;
mod refresh;
mod request;
mod response;
mod set;

pub use error::TokenError;
pub use set::{ForeignEndpointError, TokenSet};

pub(super) use record::{RegistrationRecord, SecretText, written};
pub(super) use request::TokenRequest;
pub(super) use response::{Asked, TokenAnswer};
