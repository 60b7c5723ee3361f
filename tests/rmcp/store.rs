//! A store of events that keeps none: rmcp has one, and behaves so.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_core::Stream;
use rmcp::transport::streamable_http_server::session::{
    EventId, EventStore, EventStoreError, EventStream, ServerSseMessage,
};

#[derive(Default)]
pub(super) struct Forgetful(AtomicU64);

struct Nothing;

impl Stream for Nothing {
    type Item = ServerSseMessage;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(None)
    }
}

type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, EventStoreError>> + Send + 'a>>;

impl EventStore for Forgetful {
    fn store_event<'a, 'b, 'c, 'work>(
        &'a self,
        _: &'b str,
        _: &'c ServerSseMessage,
    ) -> Work<'work, EventId>
    where
        'a: 'work,
        'b: 'work,
        'c: 'work,
        Self: 'work,
    {
        let id = self.0.fetch_add(1, Ordering::Relaxed).to_string();
        Box::pin(async move { Ok(id) })
    }

    fn replay_events_after<'a, 'b, 'work>(&'a self, _: &'b str) -> Work<'work, EventStream>
    where
        'a: 'work,
        'b: 'work,
        Self: 'work,
    {
        Box::pin(async move { Ok::<EventStream, _>(Box::pin(Nothing)) })
    }
}
