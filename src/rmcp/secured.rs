//! A server whose answers are for one caller.

use std::borrow::Cow;
use std::future::Future;

use ::rmcp::ErrorData;
use ::rmcp::ServerHandler;
use ::rmcp::model as m;
use ::rmcp::service::{NotificationContext, RequestContext, RoleServer, SubscriptionContext};
use tokio::task_local;

use super::context::{Request, written};
use super::entries::Entries;
use super::{Scoped, private};
use crate::authorized::Authorized;
use crate::guard::Admitted;
use crate::mcp::Kind;
use crate::mcp::passed::Passed;
use crate::session::{Seal, Sealed, TaskId, TaskOrigin};

task_local! {
    /// The caller of the list that is being made.
    static CALLER: Admitted;
}

/// What the caller of the list that is being made is granted: nothing where nobody knows.
pub(super) fn granted(entries: &Entries) -> u64 {
    let granted = CALLER.try_with(|admitted| entries.granted_to(admitted));
    granted.unwrap_or_default()
}

/// A `ServerHandler` behind an [`AuthorizationLayer`](crate::AuthorizationLayer), which it needs.
///
/// - Lists show what the caller may use, and say that they are for this caller alone.
/// - A proof that a handler demands beyond the policy becomes a 403 with a challenge while the head of
///   the answer is not sent; see [`Authorize::authorize`](super::Authorize::authorize).
/// - Task ids are sealed for their owner, if the policy opens [`tasks`](crate::mcp::Policy::tasks): the
///   server within knows its own ids, and clients know sealed ones.
/// - What no layer let pass is refused: requests over stdio, for instance.
///
/// # Proves
/// Nothing within is asked for by anybody whom no layer let in.
///
/// # Does not prove
/// That status notifications about a task say its sealed id: the server within sends them by itself,
/// with its own.
///
/// # Examples
/// ```
/// use clearance::rmcp::Secured;
/// use rmcp::ServerHandler;
///
/// #[derive(Clone)]
/// struct Files;
///
/// impl ServerHandler for Files {}
///
/// // What rmcp makes for each session:
/// let make = || Ok::<_, std::io::Error>(Secured::new(Files));
/// # let _ = make;
/// ```
#[derive(Clone, Debug)]
pub struct Secured<H>(H);

impl<H: ServerHandler> Secured<H> {
    /// The same server, whose answers are for one caller.
    pub const fn new(server: H) -> Self {
        Self(server)
    }

    /// The server within.
    pub const fn get_ref(&self) -> &H {
        &self.0
    }
}

/// One request on its way through.
struct Visit {
    admitted: Admitted,
    passed: Passed,
}

impl Visit {
    fn of(cx: &RequestContext<RoleServer>) -> Result<Self, ErrorData> {
        let Request { admitted, passed } = Request::of(&cx.extensions)?;
        Ok(Self {
            admitted: admitted.clone(),
            passed: passed.clone(),
        })
    }

    const fn request(&self) -> Request<'_> {
        Request {
            admitted: &self.admitted,
            passed: &self.passed,
        }
    }

    /// Asks the server within. If it answers with the very error of a refusal, the layer is told.
    async fn ask<T>(
        &self,
        answer: impl Future<Output = Result<T, ErrorData>>,
    ) -> Result<T, ErrorData> {
        let answer = answer.await;
        if let Err(error) = &answer {
            self.passed.answers(&written(error));
        }
        answer
    }

    /// The same for a list.
    async fn list<T: Scoped>(
        &self,
        answer: impl Future<Output = Result<T, ErrorData>>,
        is_visible: impl Fn(&T::Item, &Authorized<()>) -> bool,
    ) -> Result<T, ErrorData> {
        let answer = CALLER.scope(self.admitted.clone(), answer);
        let mut answer = self.ask(answer).await?;
        let caller = self.admitted.any(self.admitted.now());
        let caller = caller.map_err(|refusal| self.request().refused(refusal))?;
        answer.items().retain(|item| is_visible(item, &caller));
        Ok(private(answer))
    }

    /// What the policy lets this caller use.
    fn is_visible(&self, kind: Kind, name: &str, caller: &Authorized<()>) -> bool {
        self.passed.rules().policy.is_visible(kind, name, caller)
    }

    fn tasks(&self) -> Result<&Seal<TaskId>, ErrorData> {
        let tasks = self.passed.rules().tasks.as_ref();
        tasks.ok_or_else(|| ErrorData::internal_error("the policy closes tasks", None))
    }

    /// What clients know a task of `method` as.
    fn seal(&self, method: &str, name: &str, id: &mut String) -> Result<(), ErrorData> {
        let origin = TaskOrigin::new(method, name, id);
        let sealed = self.tasks()?;
        let sealed = sealed.seal_for(self.admitted.verified(), "", &origin);
        let unsealed = |_| ErrorData::internal_error("the task's id cannot be sealed", None);
        sealed.map_err(unsealed)?.as_str().clone_into(id);
        Ok(())
    }

    /// What the server within knows a task as.
    fn open(&self, id: &str) -> Result<String, ErrorData> {
        let sealed = Sealed::from_client(id);
        let origin = self
            .tasks()?
            .open_for(self.admitted.verified(), "", &sealed);
        let unknown = |_| ErrorData::invalid_params("task not found", None);
        Ok(origin.map_err(unknown)?.key().to_owned())
    }
}

type Answer<T> = Result<T, ErrorData>;
type Context = RequestContext<RoleServer>;
type Page = Option<m::PaginatedRequestParams>;

/// Writes the requests that are asked as they come.
macro_rules! asks {
    ($($method:ident($request:ty) -> $answer:ty;)*) => { $(
        async fn $method(&self, request: $request, cx: Context) -> Answer<$answer> {
            let visit = Visit::of(&cx)?;
            visit.ask(Box::pin(self.0.$method(request, cx))).await
        }
    )* };
}

/// Writes the lists of what a policy has rules about.
macro_rules! lists {
    ($($method:ident -> $answer:ty { $item:ident by $visit:ident, $caller:ident: $is_visible:expr })*) => { $(
        async fn $method(&self, page: Page, cx: Context) -> Answer<$answer> {
            let $visit = Visit::of(&cx)?;
            let answer = Box::pin(self.0.$method(page, cx));
            $visit.list(answer, |$item, $caller| $is_visible).await
        }
    )* };
}

/// Writes what a client tells without waiting for an answer.
macro_rules! hears {
    ($($method:ident($notification:ty);)*) => { $(
        async fn $method(&self, told: $notification, cx: NotificationContext<RoleServer>) {
            if Request::of(&cx.extensions).is_ok() {
                self.0.$method(told, cx).await;
            }
        }
    )* };
}

#[expect(
    deprecated,
    reason = "older revisions of the protocol subscribe in another way"
)]
impl<H: ServerHandler> ServerHandler for Secured<H> {
    asks! {
        initialize(m::InitializeRequestParams) -> m::InitializeResult;
        complete(m::CompleteRequestParams) -> m::CompleteResult;
        set_level(m::SetLevelRequestParams) -> ();
        get_prompt(m::GetPromptRequestParams) -> m::GetPromptResponse;
        read_resource(m::ReadResourceRequestParams) -> m::ReadResourceResponse;
        subscribe(m::SubscribeRequestParams) -> ();
        unsubscribe(m::UnsubscribeRequestParams) -> ();
        on_custom_request(m::CustomRequest) -> m::CustomResult;
        list_skills(Page) -> m::ListSkillsResult;
        get_skill(m::GetSkillRequestParams) -> m::GetSkillResult;
        read_resource_directory(m::ReadResourceDirectoryRequestParams) -> m::ReadResourceDirectoryResult;
    }

    lists! {
        list_tools -> m::ListToolsResult {
            tool by visit, caller: visit.is_visible(Kind::Tool, &tool.name, caller)
        }
        list_prompts -> m::ListPromptsResult {
            prompt by visit, caller: visit.is_visible(Kind::Prompt, &prompt.name, caller)
        }
        list_resources -> m::ListResourcesResult {
            resource by visit, caller: visit.is_visible(Kind::Resource, &resource.uri, caller)
        }
        list_resource_templates -> m::ListResourceTemplatesResult {
            template by visit, caller: {
                let policy = &visit.passed.rules().policy;
                policy.is_visible_template(&template.uri_template, caller)
            }
        }
    }

    hears! {
        on_cancelled(m::CancelledNotificationParam);
        on_progress(m::ProgressNotificationParam);
        on_custom_notification(m::CustomNotification);
    }

    async fn on_initialized(&self, cx: NotificationContext<RoleServer>) {
        if Request::of(&cx.extensions).is_ok() {
            self.0.on_initialized(cx).await;
        }
    }

    async fn on_roots_list_changed(&self, cx: NotificationContext<RoleServer>) {
        if Request::of(&cx.extensions).is_ok() {
            self.0.on_roots_list_changed(cx).await;
        }
    }

    async fn ping(&self, cx: Context) -> Answer<()> {
        let visit = Visit::of(&cx)?;
        visit.ask(Box::pin(self.0.ping(cx))).await
    }

    async fn discover(&self, cx: Context) -> Answer<m::DiscoverResult> {
        let visit = Visit::of(&cx)?;
        visit.ask(Box::pin(self.0.discover(cx))).await
    }

    async fn listen(&self, cx: SubscriptionContext) -> Answer<()> {
        let visit = Visit::of(cx.request_context())?;
        visit.ask(Box::pin(self.0.listen(cx))).await
    }

    async fn call_tool(
        &self,
        call: m::CallToolRequestParams,
        cx: Context,
    ) -> Answer<m::CallToolResponse> {
        let visit = Visit::of(&cx)?;
        let name = call.name.clone();
        let mut answer = visit.ask(Box::pin(self.0.call_tool(call, cx))).await?;
        if let m::CallToolResponse::Task(made) = &mut answer {
            visit.seal("tools/call", &name, &mut made.task.task_id)?;
        }
        Ok(answer)
    }

    async fn get_task(&self, mut of: m::GetTaskParams, cx: Context) -> Answer<m::GetTaskResult> {
        let visit = Visit::of(&cx)?;
        let own = visit.open(&of.task_id)?;
        let sealed = std::mem::replace(&mut of.task_id, own);
        let mut answer = visit.ask(Box::pin(self.0.get_task(of, cx))).await?;
        answer.task.task.task_id = sealed;
        Ok(answer)
    }

    async fn update_task(&self, mut of: m::UpdateTaskParams, cx: Context) -> Answer<()> {
        let visit = Visit::of(&cx)?;
        of.task_id = visit.open(&of.task_id)?;
        visit.ask(Box::pin(self.0.update_task(of, cx))).await
    }

    async fn cancel_task(&self, mut of: m::CancelTaskParams, cx: Context) -> Answer<()> {
        let visit = Visit::of(&cx)?;
        of.task_id = visit.open(&of.task_id)?;
        visit.ask(Box::pin(self.0.cancel_task(of, cx))).await
    }

    fn negotiate_initialize(
        &self,
        request: &m::InitializeRequestParams,
    ) -> Answer<m::InitializeResult> {
        self.0.negotiate_initialize(request)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [m::ProtocolVersion]> {
        self.0.supported_protocol_versions()
    }

    fn accepted_subscription_filter(
        &self,
        requested: &m::SubscriptionFilter,
    ) -> Option<m::SubscriptionFilter> {
        self.0.accepted_subscription_filter(requested)
    }

    fn get_tool(&self, name: &str) -> Option<m::Tool> {
        self.0.get_tool(name)
    }

    fn get_info(&self) -> m::ServerConfig {
        self.0.get_info()
    }
}
