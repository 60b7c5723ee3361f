//! One service for two tenants: what it calls the same is not the same to their clients.

use super::world::{By, Customer, WAYS, World, ways};
use crate::support::Answer;
use crate::support::client::Connection;
use crate::support::request::Request;
use crate::support::service::{LEGACY, Service, WITH_SESSIONS};

struct Stage {
    world: World,
    service: Service,
    a: Customer,
    b: Customer,
    of_a: String,
    of_b: String,
}

async fn stage(by: By, is_shared: bool) -> Stage {
    let world = World::new(by).await;
    let service = Service::default();
    let other = if is_shared { &world.shared } else { &world.own };
    let a = world.add_service("a", &world.shared, &service);
    let b = world.add_service("b", other, &service);
    let of_a = world.token(&world.shared, "a").mint();
    let of_b = world.token(other, "b").mint();
    Stage {
        world,
        service,
        a,
        b,
        of_a,
        of_b,
    }
}

impl Stage {
    async fn begin(&self, name: &str, token: &str) -> String {
        let hello = Request::new(LEGACY, "initialize").bearer(token);
        let answer = self.world.ask(name, hello).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        self.service.asked();
        let session = answer.header("mcp-session-id").expect("a session");
        session.to_owned()
    }

    async fn send(&self, name: &str, call: &str, token: &str, session: &str) -> Answer {
        let call = Request::new(LEGACY, call).bearer(token);
        let call = call.with("mcp-session-id", session);
        self.world.ask(name, call).await
    }

    /// An event of a stream, as its client knows it.
    async fn event(&self, name: &str, token: &str, session: &str) -> String {
        self.service.greet(["id: 7/1\ndata: 1\n\n"]);
        let get = Request::new(LEGACY, "GET").bearer(token);
        let get = get.with("mcp-session-id", session);
        let (_connection, mut stream) = self.world.open(name, get).await;
        assert_eq!(stream.status(), 200);
        let text = stream.until("\n\n").await;
        self.service.feed();
        self.service.asked();
        let id = text.lines().find_map(|line| line.strip_prefix("id: "));
        id.expect("an id").to_owned()
    }

    async fn resume(&self, name: &str, token: &str, session: &str, event: &str) -> u16 {
        let get = Request::new(LEGACY, "GET").bearer(token);
        let get = get.with("mcp-session-id", session);
        let (_connection, stream): (Connection, _) = self
            .world
            .open(name, get.with("last-event-id", event))
            .await;
        stream.status()
    }
}

/// RS-035: same service, same subject, client and `jti`, same keys of seals: a session of one tenant is not
/// there at the other, with whichever token.
#[tokio::test]
async fn a_session_is_one_tenants() {
    for (by, is_shared, is_newest) in ways() {
        let stage = stage(by, is_shared).await;
        let of_a = stage.begin("a", &stage.of_a).await;
        let of_b = stage.begin("b", &stage.of_b).await;
        assert!(of_a.starts_with("inner-1.") && of_b.starts_with("inner-2."));
        // The service's own word for it, with the code of the other tenant.
        let (_, code) = of_a.rsplit_once('.').expect("a sealed id");
        let forged = format!("inner-2.{code}");
        let revision = if is_newest { LEGACY } else { WITH_SESSIONS[0] };
        for call in ["ping", "tools/call whoami", "GET", "DELETE"] {
            for (at, token, session, expected) in [
                ("b", &stage.of_b, &of_a, 404),
                ("b", &stage.of_a, &of_a, 401),
                ("a", &stage.of_b, &of_a, 401),
                ("a", &stage.of_a, &of_b, 404),
                ("a", &stage.of_a, &forged, 404),
                ("b", &stage.of_b, &forged, 404),
            ] {
                let request = Request::new(revision, call).bearer(token);
                let request = request.with("mcp-session-id", session);
                let answer = stage.world.ask(at, request).await;
                assert_eq!(answer.status, expected, "{revision} {call} at {at}");
                assert!(stage.service.asked().is_empty(), "{call} went through");
            }
        }
        // Nobody has ended it.
        let ping = stage.send("a", "ping", &stage.of_a, &of_a).await;
        assert_eq!(ping.status, 200);
        let ping = stage.send("b", "ping", &stage.of_b, &of_b).await;
        assert_eq!(ping.status, 200);
        let asked = stage.service.asked();
        let sessions: Vec<_> = asked.iter().flat_map(|asked| &asked.sessions).collect();
        assert_eq!(sessions, ["inner-1", "inner-2"]);
    }
}

/// RS-035: and neither is an event of it.
#[tokio::test]
async fn an_event_is_one_tenants() {
    for by in WAYS {
        let stage = stage(by, true).await;
        let of_a = stage.begin("a", &stage.of_a).await;
        let of_b = stage.begin("b", &stage.of_b).await;
        let event = stage.event("a", &stage.of_a, &of_a).await;
        let others = stage.event("b", &stage.of_b, &of_b).await;
        assert_ne!(event, others);
        for (at, token, session, event) in [
            ("b", &stage.of_b, &of_b, &event),
            ("b", &stage.of_b, &of_a, &event),
            ("a", &stage.of_a, &of_a, &others),
        ] {
            let status = stage.resume(at, token, session, event).await;
            assert!(matches!(status, 400 | 404), "{status} at {at}");
            assert!(stage.service.asked().is_empty());
        }
        let resumed = stage.resume("a", &stage.of_a, &of_a, &event).await;
        assert_eq!(resumed, 200);
        assert_eq!(stage.service.asked()[0].last_events, ["7/1"]);
        assert_eq!(stage.a.guard.resource().as_str(), by.resource("a"));
        assert_eq!(stage.b.guard.resource().as_str(), by.resource("b"));
    }
}
