//! Proofs out of the context of an rmcp request.

use std::sync::Arc;

use ::rmcp::ErrorData;
use ::rmcp::handler::server::common::{AsRequestContext, FromContextPart};
use ::rmcp::model::{ErrorCode, Extensions};
use ::rmcp::service::{RequestContext, RoleServer};
use http::request::Parts;
use serde_json::{Value, json};

use crate::audit;
use crate::authorized::{Authorized, Caller};
use crate::guard::{Admitted, Unproven};
use crate::mcp::error::INTERNAL;
use crate::mcp::passed::Passed;
use crate::refusal::Refusal;
use crate::scope::{AtHome, Set};

/// The code of an answer to a request that came past every authorization layer.
const UNAUTHENTICATED: i32 = 40100;

/// A request that came through an authorization layer.
pub(super) struct Request<'a> {
    pub(super) admitted: &'a Admitted,
    pub(super) passed: Arc<Passed>,
}

impl<'a> Request<'a> {
    /// The request of a context: nothing where no layer let it pass, as on stdio.
    pub(super) fn of(extensions: &'a Extensions) -> Option<Self> {
        let parts = extensions.get::<Parts>().map(|parts| &parts.extensions);
        let admitted = parts.and_then(|parts| parts.get::<Admitted>());
        let found = admitted.and_then(|admitted| Some((admitted, admitted.beside()?)));
        let (admitted, passed) = found?;
        Some(Self { admitted, passed })
    }

    /// The same for who has to be let in, which is written down where no layer did.
    pub(super) fn demanded(extensions: &'a Extensions) -> Result<Self, ErrorData> {
        Self::of(extensions).ok_or_else(|| {
            audit::refused_without_guard("it came past every authorization layer");
            let code = ErrorCode(UNAUTHENTICATED);
            ErrorData::new(code, "access token required", None)
        })
    }

    pub(super) fn authorize<S: AtHome>(&self) -> Result<Authorized<S>, ErrorData> {
        let proof = self.admitted.authorize_unknown(self.admitted.now());
        let proof = proof.map_err(|unproven| match unproven {
            Unproven::Foreign => {
                let why = "a handler demands a scope that its guard does not know";
                audit::refused_without_guard(why);
                ErrorData::new(ErrorCode(INTERNAL), why, None)
            }
            Unproven::Refused(refusal) => self.refused(refusal),
        })?;
        let granted = self.admitted.granted();
        self.passed.proven(|scopes| S::met_by(granted, scopes));
        Ok(proof)
    }

    /// The error of a refusal. If it becomes the answer before the head is sent, the layer answers.
    pub(super) fn refused(&self, refusal: Refusal) -> ErrorData {
        let (code, message) = refusal.error();
        let mut data = json!({});
        if let Value::Object(members) = &mut data {
            if let Some(correlation) = refusal.correlation_id() {
                members.insert("correlationId".to_owned(), correlation.to_string().into());
            }
            // Where it cannot become a challenge, this is how the client learns what to ask for.
            if let Some(scope) = refusal.scope() {
                members.insert("scope".to_owned(), scope.into());
            }
        }
        let error = ErrorData::new(ErrorCode(code), message, Some(data));
        self.passed.note(written(&error), refusal);
        error
    }
}

/// What two errors are compared by.
pub(super) fn written(error: &ErrorData) -> Value {
    json!([error.code.0, error.message, error.data])
}

/// A proof as a parameter of tools and prompts, and of the resources of a
/// [`SecureResourceRouter`](super::SecureResourceRouter).
///
/// It refuses where no [`AuthorizationLayer`](crate::AuthorizationLayer) let the request pass, as on
/// stdio, and where `S` is no set of the vocabulary of the guard that did.
impl<C: AsRequestContext, S: AtHome> FromContextPart<C> for Authorized<S> {
    fn from_context_part(context: &mut C) -> Result<Self, ErrorData> {
        Request::demanded(&context.as_request_context().extensions)?.authorize()
    }
}

/// Who calls, as a parameter after the proof, for logs. It proves nothing.
impl<C: AsRequestContext> FromContextPart<C> for Caller {
    fn from_context_part(context: &mut C) -> Result<Self, ErrorData> {
        let request = Request::demanded(&context.as_request_context().extensions)?;
        Ok(request.admitted.caller())
    }
}

mod sealed {
    use ::rmcp::service::{RequestContext, RoleServer};

    #[expect(unnameable_types, reason = "nobody else may implement it")]
    pub trait Context {}

    impl Context for RequestContext<RoleServer> {}
}

/// Proofs in the methods of a `ServerHandler`, which take no extractors.
///
/// # Proves
/// What [`authorize`](Self::authorize) gives is a proof of the token that came with this very request, by
/// the guard of the layer in front: in a session, too, where other requests came with other tokens.
///
/// # Does not prove
/// Anything about a request that no layer let pass: there is no proof then. What [`may`](Self::may) and
/// [`caller`](Self::caller) say is for showing and for logs.
///
/// # Examples
/// ```
/// use clearance::mcp::ToolsRead;
/// use clearance::rmcp::Authorize as _;
/// use rmcp::model::{CompleteRequestParams, CompleteResult};
/// use rmcp::service::RequestContext;
/// use rmcp::{ErrorData, RoleServer, ServerHandler};
///
/// struct Files;
///
/// impl ServerHandler for Files {
///     async fn complete(
///         &self,
///         _: CompleteRequestParams,
///         cx: RequestContext<RoleServer>,
///     ) -> Result<CompleteResult, ErrorData> {
///         let auth = cx.authorize::<ToolsRead>()?;
///         println!("{} has something completed", auth.subject());
///         Ok(CompleteResult::default())
///     }
/// }
/// ```
pub trait Authorize: sealed::Context {
    /// A proof that the caller has `S`.
    ///
    /// Demand it first. A scope that only the arguments decide can be demanded later, as long as
    /// nothing was done yet: the caller is refused, and does not know what happened before.
    ///
    /// # Errors
    /// The error is for the caller: return it as it is. If it becomes the answer of a
    /// [`Secured`](super::Secured) server while the head of the answer is not sent yet, the layer answers
    /// in its place: 403 with a challenge, so that clients ask for the scope. The head waits in stateless
    /// mode with JSON answers, and in revision 2026-07-28; in a session, in a stream of an older revision
    /// and without `Secured` the error is the answer, and names the scopes in its data.
    ///
    /// - 40300: the token does not grant `S`;
    /// - 40301: a rule of the guard denies the caller;
    /// - 40100: the token died meanwhile, or no layer let the request pass;
    /// - -32603: `S` belongs to another vocabulary than the guard's.
    ///
    /// # Examples
    /// What a refused caller asked for has not happened:
    /// ```
    /// # use clearance::{rmcp::Authorize as _, scopes};
    /// # use rmcp::{ErrorData, RoleServer, service::RequestContext};
    /// # scopes! {
    /// #     /// What a caller may do.
    /// #     pub vocabulary FilesScopes;
    /// #     /// Write to folders of others.
    /// #     pub WriteAnywhere = "files:write-anywhere";
    /// # }
    /// # fn write(_: &str) {}
    /// fn save(folder: &str, cx: &RequestContext<RoleServer>) -> Result<(), ErrorData> {
    ///     if folder != "mine" {
    ///         cx.authorize::<WriteAnywhere>()?;
    ///     }
    ///     write(folder);
    ///     Ok(())
    /// }
    ///
    /// // Wrong, although it compiles: it is written, and then the caller is told that it was not allowed.
    /// fn save_and_ask(folder: &str, cx: &RequestContext<RoleServer>) -> Result<(), ErrorData> {
    ///     write(folder);
    ///     cx.authorize::<WriteAnywhere>()?;
    ///     Ok(())
    /// }
    /// ```
    /// A function that takes the proof cannot be called too early: `fn write(_: &Authorized<WriteAnywhere>, ..)`.
    fn authorize<S: AtHome>(&self) -> Result<Authorized<S>, ErrorData>;

    /// Whether the caller has `S`: for what is shown, not for what is done. It proves nothing, and
    /// nobody is told.
    fn may<S: Set>(&self) -> bool;

    /// Who calls, for logs; nobody if no layer let the request pass.
    fn caller(&self) -> Option<Caller>;
}

impl Authorize for RequestContext<RoleServer> {
    fn authorize<S: AtHome>(&self) -> Result<Authorized<S>, ErrorData> {
        let request = Request::demanded(&self.extensions)?;
        let proof = request.authorize()?;
        request.admitted.proven::<S>();
        Ok(proof)
    }

    fn may<S: Set>(&self) -> bool {
        Request::of(&self.extensions).is_some_and(|request| request.admitted.may::<S>())
    }

    fn caller(&self) -> Option<Caller> {
        let request = Request::of(&self.extensions)?;
        Some(request.admitted.caller())
    }
}
