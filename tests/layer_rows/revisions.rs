//! Which revisions a layer serves.

use clearance::LayerError;
use clearance::mcp::Revision::{self, July2026, June2025, March2025, November2025};
use serde_json::json;

use super::site::{ALL, Site, WEATHER, assert_ran, data};
use crate::support::mcp::{McpServer, REVISIONS};
use crate::support::plain;
use crate::support::request::{MODERN, Request, error_of};

const VERSION: &str = "mcp-protocol-version";

/// All sets of revisions that somebody may have reason to serve.
const SERVED: [&[Revision]; 7] = [
    &[July2026],
    &[March2025],
    &[November2025],
    &[March2025, June2025, November2025],
    &[June2025, November2025],
    &[November2025, July2026],
    &[March2025, June2025, November2025, July2026],
];

async fn serving(revisions: &'static [Revision]) -> McpServer {
    Site::new()
        .layer(move |layer| layer.revisions(revisions.iter().copied()))
        .serve()
        .await
}

fn serves(served: &[Revision], name: &str) -> bool {
    served.iter().any(|revision| revision.to_string() == name)
}

/// What a request is answered with: nothing if it is served, else the code of its error.
async fn fault(server: &McpServer, request: Request, call: &str) -> Option<i64> {
    let answer = server.send(&request.bearer(&server.token(ALL))).await;
    if answer.status == 200 {
        assert_ran(server, &[call]);
        return None;
    }
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.header("www-authenticate"), None);
    assert_ran(server, &[]);
    let error = error_of(&answer)["error"].clone();
    if error["code"] == -32022 {
        let supported = error["data"]["supported"].as_array().expect("a list");
        // The newest first.
        assert!(supported.is_sorted_by(|a, b| a.as_str() > b.as_str()));
        assert!(error["data"]["requested"].is_string());
    }
    error["code"].as_i64()
}

/// RS-111: what is served is served, and every other revision is refused with the list of those that
/// are.
#[tokio::test]
async fn a_revision_that_is_not_served_is_refused() {
    for served in SERVED {
        let server = serving(served).await;
        let mut names: Vec<String> = served.iter().map(ToString::to_string).collect();
        names.reverse();
        for revision in REVISIONS {
            // Also in the one revision whose clients need not say it.
            let request = Request::new(revision, WEATHER).with(VERSION, revision);
            let expected = (!serves(served, revision)).then_some(-32022);
            let found = fault(&server, request.clone(), WEATHER).await;
            assert_eq!(found, expected, "{revision} of {served:?}");
            if expected.is_some() {
                let answer = server.send(&request.bearer(&server.token(ALL))).await;
                let all = json!({ "supported": names, "requested": revision });
                assert_eq!(data(&answer), all, "{served:?}");
            }
        }
    }
}

/// RS-111: without the header it is 2025-03-26, where that is served; `initialize` asks for a revision
/// and needs none; where 2026-07-28 alone is served the header is missing.
#[tokio::test]
async fn a_missing_header_means_the_oldest_revision() {
    for served in SERVED {
        let server = serving(served).await;
        let is_modern = served == [July2026];
        let oldest = Request::new("2025-03-26", WEATHER);
        let expected = match served {
            [July2026] => Some(-32020),
            _ if serves(served, "2025-03-26") => None,
            _ => Some(-32022),
        };
        let found = fault(&server, oldest, WEATHER).await;
        assert_eq!(found, expected, "{served:?}");
        let initialize = Request::new("2025-03-26", "initialize");
        let initialize = initialize.patched(&json!({
            "params": { "protocolVersion": "2025-11-25", "capabilities": {} }
        }));
        let found = fault(&server, initialize, "initialize").await;
        assert_eq!(found, is_modern.then_some(-32020), "{served:?}");
        // A notification has no revision of its own either.
        let note = Request::new("2025-03-26", "notifications/initialized");
        let note = note.bearer(&server.token(ALL));
        let answer = server.send(&note).await;
        let status = if expected.is_none() { 202 } else { 400 };
        assert_eq!(answer.status, status, "{served:?}");
        server.log.take();
    }
}

/// RS-111: what is no revision is refused, whatever is served; so is `initialize`.
#[tokio::test]
async fn what_is_no_revision_is_refused() {
    for served in SERVED {
        let server = serving(served).await;
        let status = if served == [July2026] { 405 } else { 400 };
        for text in [
            "1900-01-01",
            "2024-11-04",
            "2025-6-18",
            "2025-06-18T00:00:00Z",
            "2025-06-18, 2025-11-25",
            "2025-11-25;q=1",
            "\"2025-11-25\"",
            "2025",
            "",
            "2026-07-28x",
            "2099-01-01",
            "latest",
        ] {
            // What may be newer is asked for what newer ones have.
            let code = if text < MODERN { -32022 } else { -32602 };
            for call in [WEATHER, "initialize"] {
                let request = Request::new("2025-11-25", call).with(VERSION, text);
                let found = fault(&server, request, call).await;
                assert_eq!(found, Some(code), "{text} of {served:?}");
            }
            for verb in ["GET", "DELETE"] {
                let request = Request::new("2025-11-25", verb).with(VERSION, text);
                let answer = server.send(&request.bearer(&server.token(ALL))).await;
                assert_eq!(answer.status, status, "{verb} {text} of {served:?}");
            }
        }
    }
}

/// RS-111: where the two agreed on 2024-11-05 over this transport, they are decided about as in
/// 2025-03-26, if that is served.
#[tokio::test]
async fn sessions_of_the_oldest_revision_go_on() {
    for served in SERVED {
        let server = serving(served).await;
        let request = Request::new("2025-11-25", WEATHER).with(VERSION, "2024-11-05");
        let found = fault(&server, request.clone(), WEATHER).await;
        let is_served = served.contains(&March2025);
        assert_eq!(found, (!is_served).then_some(-32022), "{served:?}");
        let twice = request.also(VERSION, "2024-11-05");
        assert_eq!(fault(&server, twice, WEATHER).await, Some(-32020));
        server.log.take();
    }
}

/// RS-111: a long version is not told back whole, nor is what would end the text early.
#[tokio::test]
async fn what_was_asked_for_is_told_back_within_bounds() {
    let server = serving(&[November2025]).await;
    for (text, told) in [
        ("2025\"}],\"x\":[{\"", "2025\"}],\"x\":[{\""),
        (&*"1".repeat(5_000), &*"1".repeat(32)),
    ] {
        let request = Request::new("2025-11-25", WEATHER).with(VERSION, text);
        let answer = server.send(&request.bearer(&server.token(ALL))).await;
        let error = error_of(&answer)["error"].clone();
        assert_eq!(error["code"], -32022);
        assert_eq!(error["data"]["requested"], told);
        assert_eq!(error["data"]["supported"], json!(["2025-11-25"]));
    }
}

/// RS-111: a layer that serves nothing is not built; one that is told the same twice serves it.
#[tokio::test]
async fn at_least_one_revision_is_served() {
    let server = plain::server().await;
    let layer = plain::layer(&server.guard).revisions([]).build();
    assert_eq!(layer.map(drop), Err(LayerError::NoRevision));
    let twice = serving(&[July2026, November2025, July2026]).await;
    let request = Request::new("2025-11-25", WEATHER).with(VERSION, "1900-01-01");
    let answer = twice.send(&request.bearer(&twice.token(ALL))).await;
    let supported = error_of(&answer)["error"]["data"]["supported"].take();
    assert_eq!(supported, json!([MODERN, "2025-11-25"]));
}
