//! A server whose answers are for one caller.

use std::borrow::Cow;

use ::rmcp::ErrorData;
use ::rmcp::ServerHandler;
use ::rmcp::model as m;
use ::rmcp::service::{NotificationContext, RequestContext, RoleServer, SubscriptionContext};

use super::context::Request;
use super::keep_private;
use super::visit::Visit;
use crate::authorized::Authorized;
use crate::mcp::Kind;

/// A `ServerHandler` behind an [`AuthorizationLayer`](crate::AuthorizationLayer), which it needs.
///
/// - Lists show what the caller may use, and say that they are for this caller alone.
/// - A proof that a handler demands beyond the policy becomes a 403 with a challenge while the head of
///   the answer is not sent; see [`Authorize::authorize`](super::Authorize::authorize).
/// - Task ids are sealed for their owner, if the policy opens [`tasks`](crate::mcp::Policy::tasks): the
///   server within knows its own ids, and clients know sealed ones.
/// - What no layer let pass is refused: requests over stdio, for instance.
/// - Long listening ends when the token dies.
///
/// # Proves
/// No request, and no notification, reaches the server within from anybody whom no layer let in. What
/// rmcp asks a server about itself is not for a caller: its name and revisions, what it can do, the
/// schema of a tool.
///
/// # Does not prove
/// That status notifications about a task say its sealed id: the server within sends them by itself,
/// with its own.
///
/// # Security
/// A sealed task id is good as long as the keys are that sealed it. So the ids of the server within must
/// never come again, on no machine that has the keys, and not after a restart: random ones, not a
/// count. A tool that makes a task although the policy closes tasks has begun it when its caller is told
/// that there are none.
///
/// Whoever asks for a task needs what the policy demands of the call that made it, and what the handlers
/// of that call had asked for when they gave the task back. What the task itself asks for later, in a
/// spawned future, is in nobody's id: let the handler ask first, or let the policy say it.
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
            if Request::of(&cx.extensions).is_some() {
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
                visit.is_visible_template(&template.uri_template, caller)
            }
        }
    }

    hears! {
        on_cancelled(m::CancelledNotificationParam);
        on_progress(m::ProgressNotificationParam);
        on_custom_notification(m::CustomNotification);
    }

    async fn on_initialized(&self, cx: NotificationContext<RoleServer>) {
        if Request::of(&cx.extensions).is_some() {
            self.0.on_initialized(cx).await;
        }
    }

    async fn on_roots_list_changed(&self, cx: NotificationContext<RoleServer>) {
        if Request::of(&cx.extensions).is_some() {
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
        let answer = Box::pin(self.0.listen(cx));
        visit.ask(visit.while_alive(answer)).await
    }

    async fn list_skills(&self, page: Page, cx: Context) -> Answer<m::ListSkillsResult> {
        let visit = Visit::of(&cx)?;
        let mut answer = visit.ask(Box::pin(self.0.list_skills(page, cx))).await?;
        keep_private(&mut answer.cache_scope);
        Ok(answer)
    }

    async fn get_skill(
        &self,
        request: m::GetSkillRequestParams,
        cx: Context,
    ) -> Answer<m::GetSkillResult> {
        let visit = Visit::of(&cx)?;
        let mut answer = visit.ask(Box::pin(self.0.get_skill(request, cx))).await?;
        keep_private(&mut answer.cache_scope);
        Ok(answer)
    }

    /// What is in a directory is shown as in a list of resources.
    async fn read_resource_directory(
        &self,
        request: m::ReadResourceDirectoryRequestParams,
        cx: Context,
    ) -> Answer<m::ReadResourceDirectoryResult> {
        let visit = Visit::of(&cx)?;
        let answer = Box::pin(self.0.read_resource_directory(request, cx));
        // Whoever may read something below a directory sees the directory.
        let is_visible = |child: &m::Resource, caller: &Authorized<()>| {
            let is_directory = child.mime_type.as_deref() == Some("inode/directory");
            let below = || format!("{}/{{*below}}", child.uri.trim_end_matches('/'));
            visit.is_visible(Kind::Resource, &child.uri, caller)
                || is_directory && visit.is_visible_template(&below(), caller)
        };
        visit.list(answer, is_visible).await
    }

    async fn on_custom_request(
        &self,
        mut request: m::CustomRequest,
        cx: Context,
    ) -> Answer<m::CustomResult> {
        let visit = Visit::of(&cx)?;
        visit.open_in(&mut request)?;
        visit
            .ask(Box::pin(self.0.on_custom_request(request, cx)))
            .await
    }

    async fn call_tool(
        &self,
        call: m::CallToolRequestParams,
        cx: Context,
    ) -> Answer<m::CallToolResponse> {
        let visit = Visit::of(&cx)?;
        // Needed for a task alone, and there are none where the policy closes them.
        let name = visit.has_tasks().then(|| call.name.clone());
        let mut answer = visit.ask(Box::pin(self.0.call_tool(call, cx))).await?;
        if let m::CallToolResponse::Task(made) = &mut answer {
            let name = name.unwrap_or_default();
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
