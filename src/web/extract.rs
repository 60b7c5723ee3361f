//! [`Authorized`] as an axum extractor.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::authorized::Authorized;
use crate::guard::Guarded;
use crate::refusal::Refusal;
use crate::scope::{KnownTo, Set};

/// The guard comes from the router's state, never from the request, so forgetting it does not
/// compile.
///
/// A handler asks for one proof and narrows it: the credential is taken out of the request, so a
/// second extractor would find none and refuse.
impl<St, S> FromRequestParts<St> for Authorized<S>
where
    St: Guarded + Sync,
    S: Set + KnownTo<St::Vocabulary>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &St) -> Result<Self, Refusal> {
        state.guard().authorize(parts).await
    }
}
