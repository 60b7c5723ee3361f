//! Answers that come bit by bit: progress, then the result, as server-sent events.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::entry::Run;
use super::reply::{Reply, ToolFailure, tool_done, tool_failed};
use crate::clock::WakeUp;
use crate::guard::Admitted;
use crate::lifecycle::UntilExpiry;
use crate::mcp::error::quoted;

/// A tool's result that takes long, and tells how far it is.
///
/// The client gets an event stream: progress notifications, if it asked for them, then the result. It
/// ends at the token's deadline; nothing is delivered after that. A client that cannot read event
/// streams gets the result alone.
///
/// # Examples
/// ```
/// use clearance::Authorized;
/// use clearance::mcp::{Streamed, ToolError, ToolsExecute};
///
/// async fn export(_: Authorized<ToolsExecute>) -> Result<Streamed<u32>, ToolError> {
///     Ok(Streamed::new(async |progress| {
///         progress.report(1.0, Some(2.0), "half of it").await;
///         Ok::<_, ToolError>(42)
///     }))
/// }
/// ```
pub struct Streamed<T> {
    work: Work,
    result: std::marker::PhantomData<fn() -> T>,
}

/// Work that begins when it is known how its progress is told.
#[expect(unnameable_types, reason = "nobody else begins it")]
pub struct Work(Box<dyn FnOnce(Progress) -> Run + Send>);

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Work(..)")
    }
}

impl<T> Streamed<T> {
    /// The result of `work`, which may report its progress meanwhile.
    pub fn new<E, W, F>(work: W) -> Self
    where
        T: Serialize,
        E: Into<ToolFailure>,
        W: FnOnce(Progress) -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let run = |progress| -> Run {
            let done = work(progress);
            Box::pin(async move {
                match done.await {
                    Ok(value) => tool_done(&value),
                    Err(error) => tool_failed(error.into()),
                }
            })
        };
        Self {
            work: Work(Box::new(run)),
            result: std::marker::PhantomData,
        }
    }

    pub(super) fn into_work(self) -> Work {
        self.work
    }
}

impl<T> fmt::Debug for Streamed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streamed(..)")
    }
}

/// Tells a client how far a call is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Nothing, where the client did not ask.
    to: Option<(Box<str>, mpsc::Sender<Said>)>,
}

impl Progress {
    /// Says that `progress` of `total` is done. It waits while the client reads slowly, and does
    /// nothing if the client did not ask for progress or is gone. What is no finite number is left
    /// out.
    pub async fn report(&self, progress: f64, total: Option<f64>, message: &str) {
        let Some((token, sender)) = &self.to else {
            return;
        };
        if !progress.is_finite() {
            return;
        }
        let total = total.filter(|total| total.is_finite());
        let total = total
            .map(|total| format!(r#","total":{total}"#))
            .unwrap_or_default();
        let message = quoted(message);
        let report = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{progress}{total},"message":{message}}}}}"#
        );
        let sent = sender.send(Said::Report(report)).await;
        // Whoever is gone is not told; the work sees its own end when it is dropped.
        drop(sent);
    }
}

/// How many notifications wait for a slow reader.
const WAITING: usize = 16;

impl Work {
    /// Runs to the end without telling anybody.
    pub(super) fn run(self) -> Run {
        (self.0)(Progress { to: None })
    }

    /// Runs as a stream of events, until the deadline.
    ///
    /// It runs by itself: a client that does not read must not keep it alive. It ends when nobody is
    /// there to read any more.
    pub(super) fn events(
        self,
        token: Option<&str>,
        admitted: Admitted,
        finish: impl FnOnce(Reply) -> String + Send + 'static,
    ) -> Events {
        let (sender, said) = mpsc::channel(WAITING);
        let to = token.map(|token| (token.into(), sender.clone()));
        let run = (self.0)(Progress { to });
        let work = async move {
            let last = finish(run.await);
            // Whoever is gone is not told.
            drop(sender.send(Said::Last(last)).await);
        };
        Events {
            work: tokio::spawn(UntilExpiry::new(work, admitted.wake_up())).abort_handle(),
            said,
            deadline: Some(admitted.wake_up()),
            admitted,
        }
    }
}

/// What work says of itself.
#[derive(Debug)]
enum Said {
    Report(String),
    Last(String),
}

/// A body of server-sent events.
pub(super) struct Events {
    work: AbortHandle,
    said: mpsc::Receiver<Said>,
    /// Nothing once the last event was handed out, or the deadline has come.
    deadline: Option<WakeUp>,
    admitted: Admitted,
}

impl Drop for Events {
    fn drop(&mut self) {
        self.work.abort();
    }
}

/// One message as an event. Line breaks are blanks in JSON, and would end the event.
pub(super) fn event(message: &str) -> String {
    let line = message.replace(['\r', '\n'], " ");
    format!("event: message\ndata: {line}\n\n")
}

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        // The deadline first: what is ready in the same moment comes too late.
        let Some(deadline) = &mut this.deadline else {
            return Poll::Ready(None);
        };
        if deadline.as_mut().poll(cx).is_ready() {
            this.deadline = None;
            this.admitted.ended();
            return Poll::Ready(None);
        }
        this.said.poll_recv(cx).map(|said| match said? {
            Said::Report(report) => Some(Ok(event(&report).into())),
            Said::Last(last) => {
                this.deadline = None;
                Some(Ok(event(&last).into()))
            }
        })
    }
}
