//! Prompts.

use std::panic::Location;

use ::rmcp::ErrorData;
use ::rmcp::handler::server::prompt::{GetPromptHandler, PromptContext};
use ::rmcp::handler::server::router::prompt::{PromptRoute, PromptRouter};
use ::rmcp::model::{GetPromptResponse, ListPromptsResult, Prompt};
use ::rmcp::service::{RequestContext, RoleServer};

use super::entries::secure_router;
use super::signature::{First, PromptKind};
use super::{private_to, visit};
use crate::mcp::ProofFor;
use crate::mcp::proof::Proves;
use crate::scope::Vocabulary;

secure_router! {
    /// rmcp's prompt router, of whose prompts each takes a proof first.
    ///
    /// As with tools: what the first parameter demands is the prompt's policy, the router checks it once
    /// more, and `#[prompt_handler(router = self.prompts)]` serves it. See
    /// [`SecureToolRouter`](super::SecureToolRouter).
    ///
    /// # Proves
    /// A prompt is made only for a request that this router's guard let in, by a token that grants what the
    /// prompt's first parameter says.
    ///
    /// # Does not prove
    /// That all prompts of the server are in it. The layer's policy names those of this router, and closes
    /// all others.
    ///
    /// # Examples
    /// ```
    /// use clearance::mcp::{McpScopes, PromptsRead};
    /// use clearance::rmcp::SecurePromptRouter;
    /// use clearance::{Authorized, Guard};
    /// use rmcp::model::{PromptMessage, Role};
    /// use rmcp::{ServerHandler, prompt, prompt_handler};
    ///
    /// #[derive(Clone)]
    /// struct Desk {
    ///     prompts: SecurePromptRouter<Self, McpScopes>,
    /// }
    ///
    /// impl Desk {
    ///     /// Greets whoever asks.
    ///     #[prompt]
    ///     async fn greet(&self, auth: Authorized<PromptsRead>) -> Vec<PromptMessage> {
    ///         let text = format!("Say hello to {}", auth.subject());
    ///         vec![PromptMessage::new_text(Role::User, text)]
    ///     }
    ///
    ///     fn new(guard: &Guard<McpScopes>) -> Self {
    ///         let prompts = SecurePromptRouter::new(guard);
    ///         Self {
    ///             prompts: prompts.prompt(Self::greet_prompt_attr(), Self::greet),
    ///         }
    ///     }
    /// }
    ///
    /// #[prompt_handler(router = self.prompts)]
    /// impl ServerHandler for Desk {}
    /// ```
    SecurePromptRouter(PromptRouter<H>) of Prompt
}

impl<H: Send + Sync + 'static, V: Vocabulary> SecurePromptRouter<H, V> {
    /// One more prompt. `attr` is what rmcp's `#[prompt]` makes of the method's name:
    /// `greet_prompt_attr()` for `greet`.
    ///
    /// A name that stands twice is an error when a layer is built whose policy includes this router.
    #[track_caller]
    pub fn prompt<C, A>(self, attr: impl Into<Prompt>, handler: C) -> Self
    where
        C: GetPromptHandler<H, A> + Clone + Send + Sync + 'static,
        A: PromptKind + 'static,
        A::Parameters: First,
        <A::Parameters as First>::Proof: ProofFor<Prompt, V>,
    {
        let route = PromptRoute::new(attr, handler);
        let name = route.attr.name.clone();
        self.with::<Scope<A, V>>(&name, Location::caller(), |routes| routes.add_route(route))
    }

    /// Gets a prompt, if the caller may. It is what `#[prompt_handler(router = ..)]` asks.
    ///
    /// # Errors
    /// See [`Authorize::authorize`](super::Authorize::authorize); -32602 for a prompt that is not there.
    pub async fn get_prompt(
        &self,
        context: PromptContext<'_, H>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let (name, extensions) = (&*context.name, &context.context.extensions);
        let entries = &self.inner.entries;
        entries.check(name, extensions, "prompt not found")?;
        self.inner.routes.get_prompt(context).await
    }

    /// The prompts that the caller may use, as the result of a `list_prompts` written by hand: for this
    /// caller alone.
    ///
    /// # Errors
    /// Where no layer let the request pass, or another guard.
    pub fn list(&self, cx: &RequestContext<RoleServer>) -> Result<ListPromptsResult, ErrorData> {
        let granted = self.inner.entries.granted(&cx.extensions)?;
        let prompts = self.granted(granted);
        Ok(private_to(cx, ListPromptsResult::with_all_items(prompts)))
    }

    /// The prompts that the caller may use, where [`Secured`](super::Secured) stands in front; those for
    /// any valid token where it does not, and then rmcp's macro calls the list a public one. It is what
    /// `#[prompt_handler(router = ..)]` asks.
    pub fn list_all(&self) -> Vec<Prompt> {
        self.granted(visit::granted(&self.inner.entries))
    }

    fn granted(&self, granted: u64) -> Vec<Prompt> {
        let mut prompts = self.inner.routes.list_all();
        prompts.retain(|prompt| self.inner.entries.is_shown(&prompt.name, granted));
        prompts
    }
}

/// What the first parameter of a prompt demands.
type Scope<A, V> = <<<A as PromptKind>::Parameters as First>::Proof as Proves<Prompt, V>>::Scope;
