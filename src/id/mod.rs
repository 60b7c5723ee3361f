//! The names of things: issuers, resources, subjects, clients, keys and tokens.
//!
//! Each is the text that somebody else chose. It is kept as it was written and compared as text:
//! an identifier that is "the same after normalization" is another identifier (RFC 9068
//! section 4, RFC 8414 section 3.3).

mod correlation;
mod names;
mod uri;

pub use correlation::CorrelationId;
pub use names::{ClientId, IssuerSession, KeyId, Subject, TokenId};
pub use uri::{IdentifierError, Issuer, Resource};

#[cfg(feature = "fetch")]
pub(crate) use uri::is_acceptable_scheme;
