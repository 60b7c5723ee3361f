//! Tokens that nobody has had.

use chrono::TimeDelta;

use super::access::Access;
use super::error::AccessError;
use super::held::{Came, Ticket};
use super::interaction::InteractionError;
use crate::client::store::StoreKey;
use crate::client::{AuthorizationError, ClientError, Discovered, Scopes, TokenError, TokenSet};

impl Access {
    /// Tokens from the issuer that was found, with `wanted` as well if this is a step-up.
    pub(super) async fn obtain(
        &self,
        discovered: Discovered,
        wanted: Option<&Scopes>,
    ) -> Result<Ticket, AccessError> {
        let store = &self.shared().store;
        let key = StoreKey::tokens(discovered.issuer(), discovered.resource());
        let _turn = store.lock(&key).await?;
        if let Some(kept) = self.stored(&key).await?
            && self.is_news(&kept, wanted)
        {
            self.publish(kept, Came::FromStore)?;
            return self.current();
        }
        let now = self.client().now();
        let refused = self.bounds().refused(now);
        let scopes = self.scopes(&discovered, &refused);
        let held = self.held();
        let granted = held.tokens().map(TokenSet::granted);
        let more = match (wanted, granted) {
            (Some(wanted), Some(granted)) => wanted.without(granted),
            (Some(wanted), None) => wanted.clone(),
            (None, _) => scopes.clone(),
        };
        if wanted.is_some() || self.shared().grant.asks_a_person() {
            self.bounds().ask(&more, wanted.is_some(), now)?;
        }
        let tokens = self
            .go_through(discovered.asking_for(scopes), &more)
            .await?;
        if wanted.is_some() {
            let missing = more.without(tokens.granted());
            if !missing.is_empty() {
                // The person, or the issuer, has left them out.
                self.bounds().refuse(missing, now);
            }
        }
        self.publish(tokens, Came::FromIssuer)?;
        self.current()
    }

    /// Whether another process has got these meanwhile, and they are what is needed.
    fn is_news(&self, kept: &TokenSet, wanted: Option<&Scopes>) -> bool {
        let is_over = kept.expires_within(TimeDelta::zero(), self.client().now());
        let is_enough = wanted.is_none_or(|wanted| kept.granted().covers(wanted));
        is_enough && !is_over && !self.held().is(kept)
    }

    /// What is asked for. Nothing that was granted is lost, and nothing that was refused is asked for again
    /// unless the endpoint wants it.
    fn scopes(&self, discovered: &Discovered, refused: &Scopes) -> Scopes {
        let held = self.held();
        let now_wanted = discovered.scopes();
        match held.tokens().filter(|tokens| is_of(tokens, discovered)) {
            Some(old) => {
                let requested = old.requested().without(refused);
                Scopes::stepping_up(&requested, old.granted(), now_wanted)
            }
            None => now_wanted.clone(),
        }
    }

    /// Goes through the grant, and keeps what comes of it. `more` is what was not granted before.
    async fn go_through(
        &self,
        discovered: Discovered,
        more: &Scopes,
    ) -> Result<TokenSet, AccessError> {
        let issuer = discovered.issuer().clone();
        self.recall_registration(&issuer).await?;
        let obtained = self.shared().grant.obtain(discovered).await;
        // What was registered is good, whatever the person says.
        self.keep_registration(&issuer).await?;
        let tokens = obtained.inspect_err(|error| {
            if is_refusal(error) {
                let now = self.client().now();
                self.bounds().refuse(more.clone(), now);
            }
        })?;
        if tokens.endpoint() != self.client().endpoint() {
            return Err(TokenError::ForeignEndpoint.into());
        }
        self.keep(&tokens).await?;
        self.keep_choice(&tokens).await?;
        Ok(tokens)
    }
}

/// Whether these tokens are what this issuer gives for this resource.
pub(super) fn is_of(tokens: &TokenSet, discovered: &Discovered) -> bool {
    tokens.issuer() == discovered.issuer() && tokens.resource() == discovered.resource()
}

/// Whether the person has said no.
fn is_refusal(error: &AccessError) -> bool {
    if let AccessError::Client(ClientError::Authorization(AuthorizationError::Refused(said))) =
        error
    {
        return said.as_str() == "access_denied";
    }
    *error == AccessError::Interaction(InteractionError::Cancelled)
}
