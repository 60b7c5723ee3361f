//! The SDK's server with an event store, in which it finds events by their ids alone.

use std::sync::Arc;

use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;

use super::events::Events;
use crate::support::client::open;
use crate::support::http::eventually;
use crate::support::request::{MODERN, Request};
use crate::support::service::LEGACY;
use crate::{begin, desk, heard, last, said, serve};

/// RS-116: to ask in a session of one's own for what was meant for somebody else's.
#[tokio::test]
async fn bob_resumes_alices_stream_in_his_own_session() {
    for is_guarded in [false, true] {
        let events = Events::default();
        let store = Arc::new(events.clone());
        let sessions = LocalSessionManager::default().with_event_store(store);
        let stage = serve(desk(), sessions, is_guarded).await;
        let call = stage.request("tools/call slow", &stage.alice);
        let (connection, mut stream) = open(stage.address, &call).await;
        let first = stream.until("\n\n").await;
        let id = first.lines().find_map(|line| line.strip_prefix("id: "));
        let id = id.expect("an id of an event").to_owned();
        let (inner, _) = id.split_once('.').unwrap_or((&id, ""));
        let known = events.len();
        drop((connection, stream));
        stage.desk.answers.add_permits(1);
        eventually(|| events.len() > known).await;
        let bobs = begin(stage.address, &stage.bob).await;
        let resume = |token: &str, session: &str, id: &str| {
            let get = Request::new(LEGACY, "GET").bearer(token);
            get.with("mcp-session-id", session)
                .with("last-event-id", id)
        };
        for id in [&*id, inner] {
            let (_connection, mut stream) =
                open(stage.address, &resume(&stage.bob, &bobs, id)).await;
            stage.judge(stream.status(), 200);
            if !is_guarded {
                assert_eq!(said(&heard(&mut stream).await), "the secret");
            }
        }
        let own = resume(&stage.alice, &stage.session, &id);
        let (_connection, mut stream) = open(stage.address, &own).await;
        assert_eq!(stream.status(), 200);
        assert_eq!(said(&heard(&mut stream).await), "the secret");
    }
}

/// RS-116: to ask without any session, by the id of an event alone, as revision 2026-07-28 does in the
/// SDK. No layer lets a stream be resumed that is nobody's.
#[tokio::test]
async fn bob_resumes_alices_stream_without_a_session() {
    for is_guarded in [false, true] {
        let events = Events::default();
        let store = Arc::new(events.clone());
        let sessions = LocalSessionManager::default().with_event_store(store);
        let stage = serve(desk(), sessions, is_guarded).await;
        let call = Request::new(MODERN, "tools/call slow").bearer(&stage.alice);
        stage.desk.answers.add_permits(1);
        // The store knows its first event, which begins the stream, as 0.
        assert_eq!(events.len(), 0);
        assert_eq!(said(&last(&stage.send(&call).await)), "the secret");
        for token in [&stage.bob, &stage.alice] {
            let resume = Request::new(MODERN, "GET").bearer(token);
            let resume = resume.with("last-event-id", "0");
            let (_connection, mut stream) = open(stage.address, &resume).await;
            if is_guarded {
                assert_eq!(stream.status(), 405);
            } else {
                assert_eq!(stream.status(), 200);
                assert_eq!(said(&heard(&mut stream).await), "the secret");
            }
        }
    }
}
