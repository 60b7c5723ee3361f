//! A store of events for the SDK's server.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_core::Stream;
use rmcp::transport::streamable_http_server::session::{
    EventId, EventStore, EventStoreError, EventStream, ServerSseMessage,
};

/// Numbers events one after the other, as a table with a counter does.
#[derive(Clone, Default)]
pub(super) struct Events(Arc<Mutex<Vec<(String, ServerSseMessage)>>>);

impl Events {
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn store(&self, stream: &str, event: &ServerSseMessage) -> EventId {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = events.len().to_string();
        let mut event = event.clone();
        event.event_id = Some(id.clone());
        events.push((stream.to_owned(), event));
        id
    }

    fn after(&self, id: &str) -> Replay {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at: usize = id.parse().expect("a number");
        let (stream, _) = &events[at];
        let later = events.iter().skip(at.saturating_add(1));
        let own = later.filter(|(of, _)| of == stream);
        Replay(own.map(|(_, event)| event.clone()).collect())
    }
}

struct Replay(VecDeque<ServerSseMessage>);

impl Stream for Replay {
    type Item = ServerSseMessage;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front())
    }
}

type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, EventStoreError>> + Send + 'a>>;

impl EventStore for Events {
    fn store_event<'a, 'b, 'c, 'work>(
        &'a self,
        stream: &'b str,
        event: &'c ServerSseMessage,
    ) -> Work<'work, EventId>
    where
        'a: 'work,
        'b: 'work,
        'c: 'work,
        Self: 'work,
    {
        let id = self.store(stream, event);
        Box::pin(async move { Ok(id) })
    }

    fn replay_events_after<'a, 'b, 'work>(&'a self, last: &'b str) -> Work<'work, EventStream>
    where
        'a: 'work,
        'b: 'work,
        Self: 'work,
    {
        let replay = self.after(last);
        Box::pin(async move { Ok::<EventStream, _>(Box::pin(replay)) })
    }
}
