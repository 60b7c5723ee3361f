//! The life of an access token as a chain of types.
//!
//! ```text
//! bytes --parse--> Unverified --verify_signature(&KeySet)--> SignatureVerified
//!       --verify_audience(&Acceptance, now)--> AudienceVerified
//!       --Live (lifecycle), Permit (limit), require_scope::<S>--> Scoped<S>
//! ```
//!
//! A token of which nothing can be read takes another way to the same state, with the answer of its
//! issuer in place of a signature ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)):
//!
//! ```text
//! bytes --opaque--> Opaque --the issuer's answer (lifecycle)--> Introspected
//!       --verify_audience(&Acceptance, now)--> AudienceVerified
//! ```
//!
//! Each arrow consumes its token and demands evidence from a runtime part; a token that fails is
//! gone. The first arrows are public, for other transports and for reading. The evidence for the
//! last one comes from a [`Guard`](crate::Guard) alone, so [`Authorized`](crate::Authorized) does
//! too.
//!
//! Layer L2: pure and synchronous; it opens no socket and takes `now` as an argument.

mod acceptance;
mod audience;
mod claimant;
mod claims;
mod evidence;
mod json;
mod known;
#[cfg(feature = "fetch")]
mod opaque;
mod parse;
mod reading;
mod scoped;
mod signature;
mod state;
mod verified;

pub use acceptance::{Acceptance, ClientClaim};
pub use audience::AudienceError;
pub use evidence::{Live, Permit};
#[cfg(feature = "fetch")]
pub use opaque::IntrospectionError;
pub use parse::ParseError;
pub use scoped::ScopeError;
pub use signature::SignatureError;
pub use state::{AudienceVerified, Scoped, SignatureVerified, State, Unverified};
#[cfg(feature = "fetch")]
pub use state::{Introspected, Opaque};

pub(crate) use acceptance::{Ends, HashKey, IssuerRules, Rules, ScopeSource};
pub(crate) use audience::{ISSUED_AT_SKEW, NotAccepted};
pub(crate) use claimant::Claimant;
pub(crate) use claims::is_foreign_type;
#[cfg(feature = "fetch")]
pub(crate) use evidence::Answered;
pub(crate) use known::KnownHeader;
#[cfg(feature = "fetch")]
pub(crate) use opaque::{NotActive, may_be_shown};
pub(crate) use parse::LONGEST_TOKEN;
pub(crate) use verified::{Principal, Verified, since_1970};

/// An access token in the state `St`.
///
/// The state says what was proven, and carries it. There is no way to a state but the
/// transitions, and no way back.
#[derive(Debug)]
#[must_use = "a token that was verified and then dropped authorizes nothing"]
pub struct Token<St: State> {
    state: St,
}

impl<St: State> Token<St> {
    /// Where a chain begins: the parser calls this, and `recall` for what was verified before.
    const fn begin(state: St) -> Self {
        Self { state }
    }

    /// The only function that changes a state.
    fn advance<To: State, E>(self, step: impl FnOnce(St) -> Result<To, E>) -> Result<Token<To>, E> {
        step(self.state).map(|state| Token { state })
    }
}
