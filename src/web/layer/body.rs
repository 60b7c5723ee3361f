//! Bodies on their way through the layer.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::HttpBody;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::Full;
use pin_project_lite::pin_project;

use super::events::Sealer;
use crate::clock::WakeUp;
use crate::guard::Admitted;
use crate::refusal::Refusal;
use crate::token::Verified;

pin_project! {
    /// The body of a request that an [`AuthorizationLayer`](crate::AuthorizationLayer) let pass: the
    /// bytes that it read and decided about, or the client's own where it read none.
    ///
    /// It is a [`Body`](http_body::Body) of `Bytes`, so every service that is generic over its body
    /// takes it.
    pub struct GuardedBody<B> {
        #[pin]
        inner: Passed<B>,
    }
}

pin_project! {
    #[project = PassedView]
    enum Passed<B> {
        Read { #[pin] bytes: Full<Bytes> },
        Untouched { #[pin] body: B },
    }
}

impl<B> GuardedBody<B> {
    pub(super) fn read(bytes: Bytes) -> Self {
        let bytes = Full::new(bytes);
        Self {
            inner: Passed::Read { bytes },
        }
    }

    pub(super) const fn untouched(body: B) -> Self {
        Self {
            inner: Passed::Untouched { body },
        }
    }
}

impl<B: HttpBody<Data = Bytes>> HttpBody for GuardedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().inner.project() {
            PassedView::Read { bytes } => bytes.poll_frame(cx).map_err(|never| match never {}),
            PassedView::Untouched { body } => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Passed::Read { bytes } => bytes.is_end_stream(),
            Passed::Untouched { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Passed::Read { bytes } => bytes.size_hint(),
            Passed::Untouched { body } => body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for GuardedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardedBody(..)")
    }
}

pin_project! {
    /// The body of an answer that comes through an [`AuthorizationLayer`](crate::AuthorizationLayer):
    /// the layer's own, or that of the service behind it, which ends when the caller's token dies.
    pub struct GuardedAnswer<B> {
        #[pin]
        inner: Answer<B>,
    }
}

pin_project! {
    #[project = AnswerView]
    enum Answer<B> {
        Own { #[pin] bytes: Full<Bytes> },
        Theirs { #[pin] body: B, end: End, events: Option<Box<Sealer>> },
        // Of which the beginning was read already.
        Begun { ahead: Option<Bytes>, body: Pin<Box<B>>, end: End },
        Over,
    }
}

type Polled<E> = Poll<Option<Result<Frame<Bytes>, E>>>;

/// When a body ends although it goes on.
pub(super) struct End {
    admitted: Admitted,
    /// Nothing as long as nothing was waited for: an answer that is there costs no timer.
    wake_up: Option<WakeUp>,
    is_done: bool,
}

impl End {
    pub(super) const fn of(admitted: Admitted) -> Self {
        Self {
            admitted,
            wake_up: None,
            is_done: false,
        }
    }

    pub(super) const fn admitted(&self) -> &Admitted {
        &self.admitted
    }

    pub(super) fn verified(&self) -> &Verified {
        self.admitted.verified()
    }

    /// Why the end has come, if it has.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.admitted.is_over().then(|| self.admitted.over())
    }

    /// What `body` has next, unless the end has come, which is written down.
    fn frame<B: HttpBody<Data = Bytes>>(
        &mut self,
        body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Polled<B::Error> {
        let polled = self.frame_ahead(body, cx);
        if self.is_done && matches!(polled, Poll::Ready(None)) {
            self.admitted.ended();
        }
        polled
    }

    /// The same while nothing was answered yet: whoever answers writes it down.
    pub(super) fn frame_ahead<B: HttpBody<Data = Bytes>>(
        &mut self,
        body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Polled<B::Error> {
        // The end first: what is ready in the same moment comes too late.
        if self.is_over(cx) {
            return Poll::Ready(None);
        }
        let polled = body.poll_frame(cx);
        if polled.is_pending() && self.watch(cx) {
            return Poll::Ready(None);
        }
        polled
    }

    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.is_done |= self.admitted.is_over();
        self.wakes(cx)
    }

    /// Sees to it that the task is woken at the end; whether that has come meanwhile.
    pub(super) fn watch(&mut self, cx: &mut Context<'_>) -> bool {
        if self.wake_up.is_none() {
            self.wake_up = Some(self.admitted.wake_up());
        }
        self.wakes(cx)
    }

    fn wakes(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.is_done
            && let Some(wake_up) = &mut self.wake_up
        {
            self.is_done = wake_up.as_mut().poll(cx).is_ready();
        }
        if self.is_done {
            // What has ended is not asked again.
            self.wake_up = None;
        }
        self.is_done
    }
}

impl<B> GuardedAnswer<B> {
    pub(super) fn own(bytes: Bytes) -> Self {
        let bytes = Full::new(bytes);
        Self {
            inner: Answer::Own { bytes },
        }
    }

    pub(super) const fn theirs(body: B, admitted: Admitted, events: Option<Box<Sealer>>) -> Self {
        let end = End::of(admitted);
        Self {
            inner: Answer::Theirs { body, end, events },
        }
    }

    /// `body` after what was read `ahead` of it.
    pub(super) const fn begun(ahead: Bytes, body: Pin<Box<B>>, end: End) -> Self {
        let ahead = Some(ahead);
        Self {
            inner: Answer::Begun { ahead, body, end },
        }
    }
}

impl<B: HttpBody<Data = Bytes>> HttpBody for GuardedAnswer<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = match self.as_mut().project().inner.project() {
            AnswerView::Own { bytes } => {
                return bytes.poll_frame(cx).map_err(|never| match never {});
            }
            AnswerView::Over => return Poll::Ready(None),
            AnswerView::Theirs {
                body,
                end,
                events: None,
            } => end.frame(body, cx),
            AnswerView::Theirs {
                mut body,
                end,
                events: Some(events),
            } => loop {
                let polled = end.frame(body.as_mut(), cx);
                let Poll::Ready(Some(Ok(frame))) = polled else {
                    break polled;
                };
                match frame.into_data() {
                    Ok(data) => {
                        let data = events.pass(data, end.verified());
                        if !data.is_empty() {
                            break Poll::Ready(Some(Ok(Frame::data(data))));
                        }
                    }
                    Err(other) => break Poll::Ready(Some(Ok(other))),
                }
            },
            AnswerView::Begun { ahead, body, end } => {
                if ahead.is_some() && !end.is_over(cx) {
                    return Poll::Ready(ahead.take().map(|ahead| Ok(Frame::data(ahead))));
                }
                end.frame(body.as_mut(), cx)
            }
        };
        if matches!(polled, Poll::Ready(None)) {
            // What is behind it is let go at once, whoever holds on to this.
            self.project().inner.set(Answer::Over);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Answer::Own { bytes } => bytes.is_end_stream(),
            Answer::Theirs { body, .. } => body.is_end_stream(),
            Answer::Begun { .. } => false,
            Answer::Over => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Answer::Own { bytes } => bytes.size_hint(),
            Answer::Theirs {
                body, events: None, ..
            } => body.size_hint(),
            Answer::Theirs { .. } | Answer::Begun { .. } => SizeHint::default(),
            Answer::Over => SizeHint::with_exact(0),
        }
    }
}

impl<B> fmt::Debug for GuardedAnswer<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardedAnswer(..)")
    }
}
