//! Methods that refer to something: what is completed, and what is listened to.

use clearance::mcp::method::{SubscriptionsListen, ToolsList};
use clearance::mcp::{Policy, any_valid_token, requires};
use serde_json::{Value, json};

use super::fixture::{EVERYTHING, request, site};
use super::methods::{Case, all_of, policy};
use crate::support::mcp::REVISIONS;
use crate::support::request::MODERN;
use crate::support::{Fixture, ScopeA};

/// RS-092: a prompt's arguments are completed for whoever may complete, and may get the prompt.
#[tokio::test]
async fn completion_is_decided_about_by_the_prompt() {
    let of = |name: &str| json!({ "ref": { "type": "ref/prompt", "name": name } });
    let cases: &[Case<'_>] = &[
        (
            of("greeting"),
            &[
                ("", "lacks b files:read"),
                ("b", "lacks files:read b"),
                ("files:read", "lacks b files:read"),
                ("files:read b", "passed"),
            ],
        ),
        // Its own entry takes the place of both.
        (
            of("letter"),
            &[("files:read b", "lacks a files:read b"), ("a", "passed")],
        ),
        (of("greeting_card"), &[("b", "lacks a b"), ("a", "passed")]),
        (of("other"), &[(EVERYTHING, "closed")]),
        // A tool's name is no prompt's.
        (of("delete"), &[(EVERYTHING, "closed")]),
        // Without a reference there is nothing but the method.
        (json!({}), &[("a", "lacks b a"), ("b", "passed")]),
    ];
    all_of(
        &site(policy()).await,
        &REVISIONS,
        "completion/complete",
        cases,
    )
    .await;
}

/// RS-092: a template's variables are completed for whoever may complete, and may read what it
/// stands for.
#[tokio::test]
async fn completion_is_decided_about_by_the_resource() {
    let of = |uri: &str| json!({ "ref": { "type": "ref/resource", "uri": uri } });
    let cases: &[Case<'_>] = &[
        (
            of("file:///private/{*path}"),
            &[
                ("files:read", "lacks b files:read"),
                ("b", "lacks files:read b"),
                ("files:read b", "passed"),
            ],
        ),
        // The service's own template, which the policy covers.
        (
            of("file:///private/{user}/notes"),
            &[("b", "lacks files:read b"), ("files:read b", "passed")],
        ),
        // Its own entry takes the place of both; any one of two is enough for it.
        (
            of("file:///pub/{name}"),
            &[
                ("mcp:tools.read", "lacks a mcp:tools.read"),
                ("a", "passed"),
                ("b", "passed"),
            ],
        ),
        (
            of("file:///pub/{other}"),
            &[("", "lacks a"), ("b", "passed")],
        ),
        // Two segments are not one.
        (
            of("file:///pub/{name}/{page}"),
            &[
                ("a", "lacks b mcp:tools.read a"),
                ("b mcp:tools.read", "passed"),
            ],
        ),
        (of("file:///other/{name}"), &[(EVERYTHING, "closed")]),
        // What half a variable stands for nobody knows: all rules that it could meet are met.
        (
            of("file:///pub/a{name}"),
            &[("a b", "lacks mcp:tools.read b a"), (EVERYTHING, "passed")],
        ),
        (of("file:///{+all}"), &[(EVERYTHING, "closed")]),
        (of("{+all}"), &[(EVERYTHING, "closed")]),
        (of("file:///pub/../{name}"), &[(EVERYTHING, "closed")]),
    ];
    all_of(
        &site(policy()).await,
        &REVISIONS,
        "completion/complete",
        cases,
    )
    .await;
}

/// RS-092: a reference that two readers could take for two things names nothing.
#[tokio::test]
async fn an_unclear_reference_is_refused() {
    let site = site(policy()).await;
    for reference in [
        json!({ "type": "ref/prompt" }),
        json!({ "type": "ref/prompt", "uri": "file:///pub/a" }),
        json!({ "type": "ref/prompt", "name": "letter", "uri": "file:///pub/a" }),
        json!({ "type": "ref/resource", "name": "letter" }),
        json!({ "type": "ref/tool", "name": "letter" }),
        json!({ "name": "letter" }),
        json!({ "type": "ref/prompt", "name": "letter", "Name": "greeting" }),
        json!({ "type": 3, "name": "letter" }),
        json!("letter"),
        json!([]),
    ] {
        let asked = request(MODERN, "completion/complete", &json!({ "ref": reference }));
        assert_eq!(
            site.ask(&asked, EVERYTHING).await,
            "400 -32602",
            "{reference}"
        );
    }
    let good = r#"{"type":"ref/prompt","name":"letter"}"#;
    let twice = r#"{"type":"ref/prompt","name":"letter","n\u0061me":"greeting"}"#;
    let reference: Value = serde_json::from_str(good).expect("JSON");
    let asked = request(MODERN, "completion/complete", &json!({ "ref": reference }));
    assert_eq!(site.ask(&asked, "a").await, "passed");
    // `json!` writes members in the order of their names.
    let written = reference.to_string();
    assert!(asked.body.contains(&written));
    let asked = asked.clone().body(&asked.body.replace(&written, twice));
    assert_eq!(site.ask(&asked, EVERYTHING).await, "400 -32602");
}

/// RS-092: of a stream of changes each type and each URI is decided about, and one that is forbidden
/// is enough to be refused.
#[tokio::test]
async fn listening_is_decided_about_by_each_type_and_uri() {
    let uris = |uris: &[&str]| json!({ "notifications": { "resourceSubscriptions": uris } });
    let (public, private) = ("file:///pub/a", "file:///private/a");
    let cases: &[Case<'_>] = &[
        (json!({}), &[("a", "lacks b a"), ("b", "passed")]),
        (
            json!({ "notifications": {} }),
            &[("", "lacks b"), ("b", "passed")],
        ),
        (
            json!({ "notifications": { "toolsListChanged": true } }),
            &[
                ("b", "lacks mcp:tools.read b"),
                ("mcp:tools.read", "lacks b mcp:tools.read"),
                ("b mcp:tools.read", "passed"),
            ],
        ),
        (
            json!({ "notifications": { "promptsListChanged": true } }),
            &[
                ("b", "lacks mcp:tools.read b"),
                ("b mcp:tools.read", "passed"),
            ],
        ),
        (
            json!({ "notifications": { "resourcesListChanged": true } }),
            &[("b", "lacks files:read b"), ("b files:read", "passed")],
        ),
        // What is not wanted demands nothing.
        (
            json!({ "notifications": {
                "toolsListChanged": false,
                "promptsListChanged": null,
                "resourcesListChanged": false,
                "resourceSubscriptions": []
            } }),
            &[("a", "lacks b a"), ("b", "passed")],
        ),
        (
            uris(&[public]),
            &[
                ("b", "lacks mcp:tools.read b"),
                ("b mcp:tools.read", "passed"),
            ],
        ),
        (
            uris(&[public, private]),
            &[
                ("b mcp:tools.read", "lacks files:read b mcp:tools.read"),
                ("b files:read", "lacks mcp:tools.read b files:read"),
                ("b mcp:tools.read files:read", "passed"),
            ],
        ),
        // One that nobody may read is one too many, wherever it stands.
        (
            uris(&["file:///other/a", public]),
            &[(EVERYTHING, "closed")],
        ),
        (
            uris(&[public, "file:///other/a"]),
            &[(EVERYTHING, "closed")],
        ),
        (
            uris(&[public, "file:///pub/../a"]),
            &[(EVERYTHING, "closed")],
        ),
        (uris(&[public, "no uri"]), &[(EVERYTHING, "closed")]),
        (
            json!({ "notifications": { "toolsListChanged": true, "resourceSubscriptions": [private] } }),
            &[
                ("b files:read", "lacks mcp:tools.read b files:read"),
                ("b files:read mcp:tools.read", "passed"),
            ],
        ),
        // What cannot be read is not guessed at.
        (
            json!({ "notifications": [] }),
            &[(EVERYTHING, "400 -32602")],
        ),
        (
            json!({ "notifications": { "toolsListChanged": 1 } }),
            &[(EVERYTHING, "400 -32602")],
        ),
        (
            json!({ "notifications": { "toolslistchanged": true } }),
            &[(EVERYTHING, "400 -32602")],
        ),
        (
            json!({ "notifications": { "resourceSubscriptions": [3] } }),
            &[(EVERYTHING, "400 -32602")],
        ),
        (
            json!({ "notifications": { "resourceSubscriptions": public } }),
            &[(EVERYTHING, "400 -32602")],
        ),
        // Nor is what nobody knows here passed on.
        (
            json!({ "notifications": { "secretsChanged": true } }),
            &[(EVERYTHING, "400 -32602")],
        ),
        (
            json!({ "notifications": { "io.example/logs": false } }),
            &[(EVERYTHING, "400 -32602")],
        ),
        (uris(&[public; 101]), &[(EVERYTHING, "400 -32602")]),
        (
            uris(&[public; 100]),
            &[("b", "lacks mcp:tools.read b"), (EVERYTHING, "passed")],
        ),
        // Tasks are closed here.
        (
            json!({ "notifications": { "taskIds": ["1"] } }),
            &[(EVERYTHING, "400 -32602")],
        ),
    ];
    all_of(
        &site(policy()).await,
        &[MODERN],
        "subscriptions/listen",
        cases,
    )
    .await;
}

/// RS-092: a list that the policy does not open is not told of either.
#[tokio::test]
async fn changes_of_a_closed_list_are_closed() {
    let policy = Policy::<Fixture>::closed()
        .method(SubscriptionsListen, any_valid_token())
        .method(ToolsList, requires::<ScopeA>());
    let of = |list: &str| json!({ "notifications": { list: true } });
    let cases: &[Case<'_>] = &[
        (of("toolsListChanged"), &[("", "lacks a"), ("a", "passed")]),
        (of("promptsListChanged"), &[(EVERYTHING, "closed")]),
        (of("resourcesListChanged"), &[(EVERYTHING, "closed")]),
    ];
    all_of(
        &site(policy).await,
        &[MODERN],
        "subscriptions/listen",
        cases,
    )
    .await;
}
