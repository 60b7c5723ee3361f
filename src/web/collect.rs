//! A body, read whole within its limits.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::HttpBody;
use bytes::{Bytes, BytesMut};
use pin_project_lite::pin_project;
use tokio::time::Sleep;

/// What a request may cost before it is known what it wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) body: usize,
    pub(super) patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 4 << 20,
            patience: Duration::from_secs(30),
        }
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    Broken,
    TooLong,
    TooSlow,
}

pin_project! {
    /// Reads a body. What comes in one piece is not copied.
    pub(super) struct Collect<B> {
        #[pin]
        body: B,
        limits: Limits,
        first: Option<Bytes>,
        more: BytesMut,
        // Nothing as long as nothing was waited for.
        patience: Option<Pin<Box<Sleep>>>,
    }
}

impl<B> Collect<B> {
    pub(super) fn new(body: B, limits: Limits) -> Self {
        Self {
            body,
            limits,
            first: None,
            more: BytesMut::new(),
            patience: None,
        }
    }
}

impl<B: HttpBody<Data = Bytes>> Future for Collect<B> {
    type Output = Result<Bytes, Unread>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let limit = this.limits.body;
        let is_short = |length: usize| length <= limit;
        let announced = this.body.size_hint().lower();
        if !usize::try_from(announced).is_ok_and(is_short) {
            return Poll::Ready(Err(Unread::TooLong));
        }
        loop {
            let frame = match this.body.as_mut().poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    let patience = this.limits.patience;
                    let sleep = || Box::pin(tokio::time::sleep(patience));
                    let wait = this.patience.get_or_insert_with(sleep);
                    ready!(wait.as_mut().poll(cx));
                    return Poll::Ready(Err(Unread::TooSlow));
                }
            };
            let data = match frame {
                None => {
                    let first = this.first.take().unwrap_or_default();
                    let all = if this.more.is_empty() {
                        first
                    } else {
                        this.more.split().freeze()
                    };
                    return Poll::Ready(Ok(all));
                }
                Some(Err(_)) => return Poll::Ready(Err(Unread::Broken)),
                // Trailers say nothing about a message.
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            };
            let known = this.first.as_ref().map_or(this.more.len(), Bytes::len);
            if !is_short(known.saturating_add(data.len())) {
                return Poll::Ready(Err(Unread::TooLong));
            }
            if data.is_empty() {
                continue;
            }
            if let Some(first) = this.first.take() {
                this.more.extend_from_slice(&first);
            } else if this.more.is_empty() {
                *this.first = Some(data);
                continue;
            }
            this.more.extend_from_slice(&data);
        }
    }
}
