//! How tokens are obtained.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::error::AccessError;
use super::interaction::{self, Interaction};
use crate::client::{Discovered, TokenSet};

/// What a grant gives later.
pub type Obtained<'a> = Pin<Box<dyn Future<Output = Result<TokenSet, AccessError>> + Send + 'a>>;

/// How a client gets tokens when it has none.
///
/// [`AuthorizationCode`] asks a person, [`ClientCredentials`] asks nobody. Any other grant is a few lines:
///
/// ```
/// use clearance::client::Discovered;
/// use clearance::client::layer::{Grant, Obtained};
/// use clearance::credentials::ClientSecret;
///
/// /// Shows what the platform says about this workload.
/// #[derive(Debug)]
/// struct Workload;
///
/// impl Grant for Workload {
///     fn obtain(&self, discovered: Discovered) -> Obtained<'_> {
///         Box::pin(async move {
///             let assertion = ClientSecret::new("read from the platform, each time anew");
///             Ok(discovered.jwt_bearer(&assertion).await?)
///         })
///     }
/// }
/// ```
pub trait Grant: fmt::Debug + Send + Sync {
    /// Gets tokens from the issuer that was found, with the scopes that it is asking for.
    fn obtain(&self, discovered: Discovered) -> Obtained<'_>;

    /// Whether a person is asked for it. They are not asked before the endpoint has refused a request, and
    /// not too often.
    fn asks_a_person(&self) -> bool {
        false
    }
}

/// A person allows it at the authorization server (OAuth 2.1 section 4.1).
#[derive(Clone, Debug)]
pub struct AuthorizationCode {
    interaction: Arc<dyn Interaction>,
}

/// The client itself is allowed (OAuth 2.1 section 4.2). It is one that was registered by hand.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a unit struct; there is nothing to add"
)]
pub struct ClientCredentials;

impl AuthorizationCode {
    /// The person is asked like this.
    pub fn by(interaction: impl Interaction + 'static) -> Self {
        let interaction = Arc::new(interaction);
        Self { interaction }
    }
}

impl Grant for AuthorizationCode {
    fn obtain(&self, discovered: Discovered) -> Obtained<'_> {
        Box::pin(async move {
            let visit = self.interaction.begin().await?;
            let redirect_uri = interaction::redirect_uri(&*visit)?;
            let awaiting = discovered.register(redirect_uri).await?.authorize()?;
            let redirect = visit.visit(awaiting.url()).await?;
            Ok(awaiting.redirected(&redirect).await?)
        })
    }

    fn asks_a_person(&self) -> bool {
        true
    }
}

impl Grant for ClientCredentials {
    fn obtain(&self, discovered: Discovered) -> Obtained<'_> {
        Box::pin(async move { Ok(discovered.client_credentials().await?) })
    }
}
