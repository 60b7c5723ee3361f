//! Long work ends when its token does.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::clock::WakeUp;

/// The token was dead before the work was done: its time was over, or it was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the access token expired or was revoked")]
#[non_exhaustive]
pub struct Expired;

pin_project! {
    /// A future or a stream that ends with its token: at the deadline, or when it is revoked.
    ///
    /// As a future it gives [`Expired`] if the end comes first. As a stream it ends, and
    /// nothing that comes later is delivered.
    #[must_use = "futures and streams do nothing unless polled"]
    pub struct UntilExpiry<T> {
        #[pin]
        inner: T,
        deadline: Option<WakeUp>,
    }
}

impl<T> UntilExpiry<T> {
    pub(crate) const fn new(inner: T, deadline: WakeUp) -> Self {
        Self {
            inner,
            deadline: Some(deadline),
        }
    }
}

impl<T> std::fmt::Debug for UntilExpiry<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UntilExpiry")
            .field("expired", &self.deadline.is_none())
            .finish_non_exhaustive()
    }
}

/// Whether the deadline has come; once it has, it stays so.
fn is_over(deadline: &mut Option<WakeUp>, cx: &mut Context<'_>) -> bool {
    match deadline.as_mut().map(|at| at.as_mut().poll(cx)) {
        Some(Poll::Pending) => false,
        Some(Poll::Ready(())) => {
            *deadline = None;
            true
        }
        None => true,
    }
}

impl<F: Future> Future for UntilExpiry<F> {
    type Output = Result<F::Output, Expired>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // The deadline first: what is ready in the same moment comes too late.
        if is_over(this.deadline, cx) {
            return Poll::Ready(Err(Expired));
        }
        this.inner.poll(cx).map(Ok)
    }
}

impl<S: Stream> Stream for UntilExpiry<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        if is_over(this.deadline, cx) {
            return Poll::Ready(None);
        }
        this.inner.poll_next(cx)
    }
}
