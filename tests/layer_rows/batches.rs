//! Batches of 2025-03-26 before a layer.

use clearance::limit::Quota;
use clearance::mcp::Revision;
use serde_json::Value;

use super::site::{ALL, DELETE, Site, T0, WEATHER, assert_403, assert_ran};
use crate::support::mcp::{DENIED, McpServer};
use crate::support::request::{MODERN, Request, code_of, error_of};

fn batch(calls: &str) -> Request {
    Request::new("2025-03-26", &format!("batch {calls}"))
}

fn batch_of(count: usize) -> Request {
    batch(&vec![WEATHER; count].join(" + "))
}

/// Sends it with all scopes: all of it is refused, and answered without an id.
async fn refused(server: &McpServer, request: Request) {
    let answer = server
        .send(&request.clone().bearer(&server.token(ALL)))
        .await;
    let found = (answer.status, code_of(&answer));
    assert_eq!(found, (400, -32600), "{request:?}");
    assert!(error_of(&answer).get("id").is_none());
    assert_eq!(answer.header("www-authenticate"), None);
    assert_ran(server, &[]);
}

/// RS-118: arrays are of 2025-03-26 alone, have between one and a hundred members, and never begin
/// a session.
#[tokio::test]
async fn batches_are_of_one_revision_and_short() {
    let server = Site::new().serve().await;
    for request in [
        batch_of(1).body("[]"),
        batch_of(1).body(" [ ] "),
        batch_of(101),
        batch("initialize"),
        batch(&format!("{WEATHER} + initialize")),
        batch(&format!("initialize + {WEATHER}")),
        batch_of(2).with("mcp-protocol-version", "2025-06-18"),
        batch_of(2).with("mcp-protocol-version", "2025-11-25"),
        batch_of(2).with("mcp-protocol-version", MODERN),
        batch_of(2).with("mcp-protocol-version", "2099-01-01"),
        batch_of(1).body("[[]]"),
        batch_of(1).body("[1]"),
        batch_of(1).body("[null]"),
        batch_of(1).body(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{}]"#),
    ] {
        refused(&server, request).await;
    }
    for count in [1, 2, 100] {
        for version in [None, Some("2025-03-26")] {
            let mut request = batch_of(count);
            if let Some(version) = version {
                request = request.with("mcp-protocol-version", version);
            }
            let answer = server.send(&request.bearer(&server.token(T0))).await;
            answer.assert_ok();
            assert_eq!(server.log.take(), vec![WEATHER; count]);
            let body: Vec<Value> = serde_json::from_str(&answer.body).expect("an array");
            let ids = body.iter().map(|message| message["id"].as_u64());
            assert!(ids.eq((1..).map(Some).take(count)));
        }
    }
}

/// RS-118: where 2025-03-26 is not served, no array is.
#[tokio::test]
async fn batches_need_their_revision() {
    for revisions in [
        &[Revision::July2026][..],
        &[Revision::November2025],
        &[
            Revision::June2025,
            Revision::November2025,
            Revision::July2026,
        ],
    ] {
        let server = Site::new()
            .layer(move |layer| layer.revisions(revisions.iter().copied()))
            .serve()
            .await;
        refused(&server, batch_of(1)).await;
        let named = batch_of(2).with("mcp-protocol-version", "2025-03-26");
        refused(&server, named).await;
    }
}

/// RS-119: who lacks something for one member is asked for what all of them need, and none runs.
#[tokio::test]
async fn a_batch_is_decided_as_a_whole() {
    let server = Site::new().serve().await;
    let needed = "files:read files:write mcp:tools.read";
    for (calls, scopes, challenge) in [
        (format!("tools/list + {DELETE}"), T0, needed),
        (format!("{DELETE} + tools/list"), T0, needed),
        (format!("{WEATHER} + {DELETE} + {WEATHER}"), T0, needed),
        (
            format!("tools/call one_of + {DELETE}"),
            T0,
            "a files:read files:write mcp:tools.read",
        ),
        (
            "completion/complete + prompts/get greeting".to_owned(),
            T0,
            "b files:read mcp:tools.read",
        ),
        (format!("notifications/initialized + {DELETE}"), T0, needed),
    ] {
        let request = batch(&calls);
        server.send(&request).await.assert_401_none();
        let answer = server
            .send(&request.clone().bearer(&server.token(scopes)))
            .await;
        assert_403(&answer, challenge);
        assert_ran(&server, &[]);
        let answer = server.send(&request.bearer(&server.token(ALL))).await;
        answer.assert_ok();
        let ran: Vec<&str> = calls.split(" + ").collect();
        assert_ran(&server, &ran);
    }
}

/// RS-119: a member that no scope opens, or that nobody serves, refuses the rest as well, and so does a
/// rule about the caller.
#[tokio::test]
async fn one_refusal_is_that_of_the_batch() {
    let server = Site::new().serve().await;
    for (other, status, code) in [
        ("tools/call shell", 403, 40301),
        ("unknown/method", 404, -32601),
        ("server/discover", 404, -32601),
        ("tasks/list", 404, -32601),
    ] {
        for calls in [
            format!("{WEATHER} + {other}"),
            format!("{other} + {WEATHER}"),
            format!("{DELETE} + {other}"),
        ] {
            for scopes in [T0, ALL] {
                let request = batch(&calls).bearer(&server.token(scopes));
                let answer = server.send(&request).await;
                let found = (answer.status, code_of(&answer));
                assert_eq!(found, (status, code), "{calls}");
                assert!(error_of(&answer).get("id").is_none());
                assert_eq!(answer.header("www-authenticate"), None);
                assert_ran(&server, &[]);
            }
        }
    }
    let denied = server.scoped(ALL).subject(DENIED).mint();
    for calls in [WEATHER, "tools/list + ping", "notifications/initialized"] {
        let answer = server.send(&batch(calls).bearer(&denied)).await;
        assert_eq!((answer.status, code_of(&answer)), (403, 40301), "{calls}");
        assert_ran(&server, &[]);
    }
}

/// RS-119: a batch costs as many requests as it has; notifications beside them cost nothing, and
/// alone as much as one request.
#[tokio::test]
async fn a_batch_costs_as_many_requests_as_it_has() {
    let server = Site::new()
        .guard(|guard| guard.limit(Quota::per_hour(6)))
        .serve()
        .await;
    let note = "notifications/initialized";
    let calls = |count: usize| vec![WEATHER; count].join(" + ");
    for (turn, sent) in [
        // Each sequence uses up six, or would use more than six at its end.
        vec![calls(6), calls(1)],
        vec![calls(2), calls(3), calls(1), calls(1)],
        vec![calls(5), calls(2)],
        vec![calls(7)],
        vec![calls(100)],
        vec![
            format!("{note} + {} + {note} + {note}", calls(5)),
            calls(1),
            calls(1),
        ],
        vec![
            format!("{note} + {note} + {note} + {note}"),
            calls(5),
            note.to_owned(),
        ],
    ]
    .into_iter()
    .enumerate()
    {
        let token = server.scoped(T0).subject(&format!("user-{turn}")).mint();
        let last = sent.len() - 1;
        for (at, calls) in sent.iter().enumerate() {
            let answer = server.send(&batch(calls).bearer(&token)).await;
            if at < last {
                assert!(answer.status < 300, "{calls}: {answer:?}");
                let ran: Vec<&str> = calls.split(" + ").collect();
                assert_ran(&server, &ran);
            } else {
                let found = (answer.status, code_of(&answer));
                assert_eq!(found, (429, 42900), "{calls}");
                let wait = answer.header("retry-after").expect("Retry-After");
                assert!(wait.parse::<u64>().expect("seconds") >= 1);
                assert_eq!(answer.header("www-authenticate"), None);
                assert!(error_of(&answer).get("id").is_none());
                assert_ran(&server, &[]);
            }
        }
    }
    // Nobody else paid for any of it.
    let token = server.scoped(T0).subject("other").mint();
    let answer = server.send(&batch_of(6).bearer(&token)).await;
    answer.assert_ok();
}
