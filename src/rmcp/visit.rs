//! One request on its way through a secured server.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use ::rmcp::ErrorData;
use ::rmcp::model::CustomRequest;
use ::rmcp::service::{RequestContext, RoleServer};
use serde_json::Value;
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

/// One request on its way through.
pub(super) struct Visit {
    admitted: Admitted,
    passed: Arc<Passed>,
}

impl Visit {
    pub(super) fn of(cx: &RequestContext<RoleServer>) -> Result<Self, ErrorData> {
        let Request { admitted, passed } = Request::demanded(&cx.extensions)?;
        Ok(Self {
            admitted: admitted.clone(),
            passed,
        })
    }

    fn request(&self) -> Request<'_> {
        Request {
            admitted: &self.admitted,
            passed: Arc::clone(&self.passed),
        }
    }

    /// Asks the server within. If it answers with the very error of a refusal, the layer is told.
    pub(super) async fn ask<T>(
        &self,
        answer: impl Future<Output = Result<T, ErrorData>>,
    ) -> Result<T, ErrorData> {
        let answer = answer.await;
        self.settle(&answer);
        answer
    }

    /// Tells the layer how the request is answered.
    fn settle<T>(&self, answer: &Result<T, ErrorData>) {
        let error = answer.as_ref().err().map(written);
        self.passed.answers(error.as_ref());
    }

    /// Asks it for a list, and shows what the caller may see of it.
    pub(super) async fn list<T: Scoped>(
        &self,
        answer: impl Future<Output = Result<T, ErrorData>>,
        is_visible: impl Fn(&T::Item, &Authorized<()>) -> bool,
    ) -> Result<T, ErrorData> {
        let answer = CALLER.scope(self.admitted.clone(), answer);
        let mut answer = self.ask(answer).await?;
        let caller = self.admitted.any(self.admitted.now());
        let caller = caller.map_err(|refusal| self.request().refused(refusal));
        self.settle(&caller);
        let caller = caller?;
        answer.items().retain(|item| is_visible(item, &caller));
        Ok(private(answer))
    }

    /// The answer of something long, unless the token dies before.
    pub(super) async fn while_alive<T>(
        &self,
        answer: impl Future<Output = Result<T, ErrorData>>,
    ) -> Result<T, ErrorData> {
        let (mut answer, mut end) = (pin!(answer), self.admitted.wake_up());
        let first = poll_fn(|cx| match answer.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => end.as_mut().poll(cx).map(|()| None),
        });
        match first.await {
            Some(answer) => answer,
            // The layer in front ends the answer as well, and writes it down.
            None => Err(self.request().refused(self.admitted.died())),
        }
    }

    /// What the policy lets this caller use.
    pub(super) fn is_visible(&self, kind: Kind, name: &str, caller: &Authorized<()>) -> bool {
        self.passed.rules().policy.is_visible(kind, name, caller)
    }

    /// Whether it lets this caller use some of what a template stands for.
    pub(super) fn is_visible_template(&self, template: &str, caller: &Authorized<()>) -> bool {
        let policy = &self.passed.rules().policy;
        policy.is_visible_template(template, caller)
    }

    pub(super) fn has_tasks(&self) -> bool {
        self.passed.rules().tasks.is_some()
    }

    fn tasks(&self) -> Result<&Seal<TaskId>, ErrorData> {
        let tasks = self.passed.rules().tasks.as_ref();
        tasks.ok_or_else(|| ErrorData::internal_error("the policy closes tasks", None))
    }

    /// What clients know a task of `method` as.
    pub(super) fn seal(&self, method: &str, name: &str, id: &mut String) -> Result<(), ErrorData> {
        let origin = TaskOrigin::new(method, name, id).needing(self.passed.needed());
        let sealed = self.tasks()?;
        let sealed = sealed.seal_for(self.admitted.verified(), "", &origin);
        let unsealed = |_| ErrorData::internal_error("the task's id cannot be sealed", None);
        sealed.map_err(unsealed)?.as_str().clone_into(id);
        Ok(())
    }

    /// What the server within knows a task as, if the caller has what its handlers asked for when it
    /// was made: the layer has seen to the policy alone.
    pub(super) fn open(&self, id: &str) -> Result<String, ErrorData> {
        let unknown = || ErrorData::invalid_params("task not found", None);
        let sealed = Sealed::from_client(id);
        let origin = self
            .tasks()?
            .open_for(self.admitted.verified(), "", &sealed);
        let origin = origin.ok().ok_or_else(unknown)?;
        let met = self.admitted.meets(origin.needed());
        let met = met.map_err(|refusal| self.request().refused(refusal));
        self.settle(&met);
        met.map(|()| origin.key().to_owned())
    }

    /// The same for methods about tasks that rmcp does not know.
    pub(super) fn open_in(&self, request: &mut CustomRequest) -> Result<(), ErrorData> {
        if !request.method.starts_with("tasks/") {
            return Ok(());
        }
        let id = request.params.as_mut();
        if let Some(Value::String(id)) = id.and_then(|params| params.get_mut("taskId")) {
            *id = self.open(id)?;
        }
        Ok(())
    }
}
