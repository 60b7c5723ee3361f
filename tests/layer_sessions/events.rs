//! Event ids, which count in the session that they were given out in, and nowhere else.

use std::sync::Arc;

use axum::Router;
use chrono::TimeDelta;
use clearance::AuthorizationLayer;
use clearance::id::Subject;
use clearance::mcp::any_valid_token;
use clearance::mcp::method::SubscriptionsListen;
use http::Method;
use tokio::sync::Semaphore;

use crate::support::client::{open, send};
use crate::support::request::{MODERN, Request};
use crate::support::service::{LEGACY, WITH_SESSIONS};
use crate::support::{plain, spawn};
use crate::{Stage, in_session, key, layer_of, stage};

/// The ids in a stream, as a browser reads them.
fn ids(stream: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(stream);
    let lines = text.trim_start_matches('\u{feff}').split(['\r', '\n']);
    let values = lines.filter_map(|line| line.strip_prefix("id:"));
    values
        .map(|value| value.strip_prefix(' ').unwrap_or(value).to_owned())
        .collect()
}

impl Stage {
    /// A stream that is there as a whole, in these pieces.
    async fn hears(&self, session: &str, pieces: &[&str]) -> Vec<u8> {
        let token = self.token("alice");
        self.service
            .greet(pieces.iter().map(|piece| (*piece).to_owned()));
        let get = in_session(LEGACY, "GET", &token, session);
        let (_connection, mut stream) = open(self.server.address, &get).await;
        assert_eq!(stream.status(), 200);
        // Its end is the end of the service's.
        drop(self.service.feeds());
        let heard = stream.rest().await;
        self.service.asked();
        heard
    }

    /// The id under which a client knows the event that the service calls `id`.
    pub(crate) async fn event(&self, session: &str, id: &str) -> String {
        let heard = self
            .hears(session, &[&format!("id: {id}\ndata: 1\n\n")])
            .await;
        ids(&heard).pop().expect("an id")
    }

    async fn resumes(&self, who: &str, session: &str, event: &str) -> u16 {
        let get = in_session(LEGACY, "GET", &self.token(who), session);
        let get = get.with("last-event-id", event);
        self.service.greet(["data: 1\n\n"]);
        let (_connection, stream) = open(self.server.address, &get).await;
        stream.status()
    }
}

/// RS-116: an id counts for the owner of its session, in that session; otherwise the service, which may
/// keep the events of all sessions in one store, is not asked.
#[tokio::test]
async fn an_event_counts_in_its_own_session_alone() {
    let stage = stage().await;
    let (alice, bob) = (stage.token("alice"), stage.token("bob"));
    let (first, second) = (stage.begin(&alice).await, stage.begin(&alice).await);
    let bobs = stage.begin(&bob).await;
    let event = stage.event(&first, "7/1").await;
    let (inner, code) = event.rsplit_once('.').expect("a sealed id");
    assert_eq!((inner, code.len()), ("7/1", 43));
    let other = stage.event(&second, "7/1").await;
    let forged = format!("7/2.{code}");
    for (who, session, event) in [
        ("bob", &bobs, &*event),
        ("bob", &first, &event),
        ("alice", &second, &event),
        ("alice", &first, &other),
        ("alice", &first, "7/1"),
        ("alice", &first, &forged),
        ("alice", &first, "."),
        ("alice", &first, ""),
        ("alice", &first, code),
    ] {
        let status = stage.resumes(who, session, event).await;
        assert_eq!(status, 404, "{who} {event}");
        assert_eq!(stage.service.asked(), [], "{who} {event}");
    }
    assert_eq!(stage.resumes("alice", &first, &event).await, 200);
    assert_eq!(stage.service.asked()[0].last_events, ["7/1"]);
    assert_eq!(stage.resumes("alice", &second, &other).await, 200);
    assert_eq!(stage.service.asked()[0].last_events, ["7/1"]);
}

/// RS-116: only ids are changed, however the stream is written and wherever it is cut.
#[tokio::test]
async fn only_ids_are_changed_wherever_a_stream_is_cut() {
    let stage = stage().await;
    let session = stage.begin(&stage.token("alice")).await;
    let written = "\u{feff}id: 1\r\ndata: id: 2\n\nid:3\rid: \rid\nidea: 4\nevent: x\r\n\
        data: {}\rdata: i\nid:  5\nretry: 1\n\nid: a\0b\n:id: 6\ni\nid: \u{fc}7\n\n";
    let sealed = stage.hears(&session, &[written]).await;
    let known: Vec<_> = ids(&sealed)
        .iter()
        .filter_map(|id| {
            id.rsplit_once('.')
                .map(|(id, code)| (id.to_owned(), code.len()))
        })
        .collect();
    let expected = ["1", "3", " 5", "\u{fc}7"].map(|id| (id.to_owned(), 43));
    assert_eq!(known, expected);
    let mut unsealed = String::from_utf8(sealed.clone()).expect("text");
    for id in ids(&sealed).iter().filter(|id| id.len() > 43) {
        let (own, _) = id.rsplit_once('.').expect("a sealed id");
        unsealed = unsealed.replacen(id, own, 1);
    }
    assert_eq!(unsealed, written);
    for (at, _) in written.char_indices() {
        let (before, after) = written.split_at(at);
        assert_eq!(
            stage.hears(&session, &[before, after]).await,
            sealed,
            "{at}"
        );
    }
    let single: Vec<String> = written.chars().map(String::from).collect();
    let single: Vec<&str> = single.iter().map(String::as_str).collect();
    assert_eq!(stage.hears(&session, &single).await, sealed);
}

/// RS-116: what cannot come back passes as it is, and what waits for its end is not held for ever.
#[tokio::test]
async fn long_lines_are_not_held_back() {
    let stage = stage().await;
    let session = stage.begin(&stage.token("alice")).await;
    let long = "i".repeat(1_025);
    let written = format!("id: {long}\ndata: 1\n\n");
    assert_eq!(stage.hears(&session, &[&written]).await, written.as_bytes());
    let longer = format!("id: {}", "i".repeat(10_000));
    let heard = stage
        .hears(&session, &[&longer, "more", "\nid: 2\n\n"])
        .await;
    assert!(heard.starts_with(longer.as_bytes()));
    let last = ids(&heard).pop().expect("an id");
    assert!(last.starts_with("2.") && last.len() > 43, "{last}");
    // What is no whole line is of no use to a client.
    assert_eq!(
        stage.hears(&session, &["data: 1\n\nid: 3"]).await,
        b"data: 1\n\n"
    );
}

/// RS-116: streams that answer a POST of a session are resumed as others are; those of 2026-07-28 are
/// not resumed, and pass as they are.
#[tokio::test]
async fn answers_that_stream_can_be_resumed() {
    let stage = stage().await;
    let token = stage.server.token("mcp:tools.read files:read mcp:admin b");
    let session = {
        let begins = crate::request(LEGACY, "initialize", &token);
        let answer = stage.send(&begins).await;
        answer
            .header("mcp-session-id")
            .expect("a session")
            .to_owned()
    };
    let first = |call: Request| {
        let stage = &stage;
        async move {
            stage.service.greet(["id: 0/0\ndata: 1\n\n"]);
            let (_connection, mut stream) = open(stage.server.address, &call).await;
            assert_eq!(stream.status(), 200);
            stream.until("\n\n").await
        }
    };
    for revision in WITH_SESSIONS {
        let call = in_session(revision, "tools/call export", &token, &session);
        let heard = first(call).await;
        let [id] = &*ids(heard.as_bytes()) else {
            panic!("{heard}");
        };
        assert!(id.starts_with("0/0.") && id.len() == 47, "{heard}");
    }
    let modern = crate::request(MODERN, "tools/call export", &token);
    assert_eq!(first(modern).await, "id: 0/0\ndata: 1\n\n");
}

/// RS-116: events are sealed as sessions are: on all machines, and after a change of keys.
#[tokio::test]
async fn all_machines_know_an_event() {
    let stage = stage().await;
    let guard = &stage.server.guard;
    let token = stage.token("alice");
    let old = stage.also(layer_of(guard, key(1))).await;
    let new = stage.also(layer_of(guard, [key(2), key(1)])).await;
    let session = crate::begin_at(old, &token).await;
    stage.service.greet(["id: 0/0\ndata: 1\n\n"]);
    let get = in_session(LEGACY, "GET", &token, &session);
    let (_connection, mut stream) = open(old, &get).await;
    let heard = stream.until("\n\n").await;
    let [id] = &*ids(heard.as_bytes()) else {
        panic!("{heard}");
    };
    let get = get.with("last-event-id", id);
    let (_connection, stream) = open(new, &get).await;
    assert_eq!(stream.status(), 200);
    let (_connection, stream) = open(stage.server.address, &get).await;
    assert_eq!(stream.status(), 404);
}

/// A stream whose head the service holds back ends with the token as well.
#[tokio::test]
async fn a_stream_without_a_head_ends_with_its_token() {
    let stage = stage().await;
    let asked = Arc::new(Semaphore::new(0));
    let arrived = Arc::clone(&asked);
    let service = Router::new().fallback(move |method: Method, body: String| {
        let arrived = Arc::clone(&arrived);
        async move {
            if method == Method::GET || body.contains("subscriptions/listen") {
                arrived.add_permits(1);
                std::future::pending::<()>().await;
            }
            [("mcp-session-id", "inner-1")]
        }
    });
    let policy = plain::policy().method(SubscriptionsListen, any_valid_token());
    let layer = AuthorizationLayer::builder(&stage.server.guard, policy).seal_keys(key(1));
    let (address, task) = spawn(service.layer(layer.build().expect("a layer"))).await;
    for (subject, is_modern) in [
        ("alice", false),
        ("bob", true),
        ("carol", false),
        ("dave", true),
    ] {
        let token = stage.token(subject);
        let waiting = if is_modern {
            crate::request(MODERN, "subscriptions/listen", &token)
        } else {
            let session = crate::begin_at(address, &token).await;
            in_session(LEGACY, "GET", &token, &session)
        };
        let waits = tokio::spawn(async move { send(address, &waiting).await });
        asked.acquire().await.expect("open").forget();
        if subject < "carol" {
            let revocations = stage.server.guard.revocations();
            let subject = Subject::new(subject);
            let revoked = revocations.revoke_subject(stage.server.issuer.id(), &subject);
            revoked.expect("room");
        } else {
            stage.server.clock.advance(TimeDelta::hours(2));
        }
        let answer = waits.await.expect("an answer");
        assert_eq!(answer.status, 401);
        assert_eq!(answer.body.contains(r#""id":1"#), is_modern, "{answer:?}");
    }
    task.abort();
}
