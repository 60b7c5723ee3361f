//! Each method has rules: by name, by URI, or by itself.

use clearance::mcp::method::{
    CompletionComplete, LoggingSetLevel, Other, PromptsList, ResourcesList, ResourcesSubscribe,
    ResourcesTemplatesList, ResourcesUnsubscribe, SubscriptionsListen, ToolsList,
};
use clearance::mcp::{Policy, any_valid_token, requires};
use clearance::scope::AnyOf;
use serde_json::{Value, json};

use super::fixture::{EVERYTHING, Site, request, site};
use crate::support::mcp::REVISIONS;
use crate::support::{FilesRead, FilesWrite, Fixture, McpAdmin, ScopeA, ScopeB, ToolsRead};

pub(super) fn policy() -> Policy<Fixture> {
    Policy::closed()
        .tool("delete", requires::<(FilesRead, FilesWrite)>())
        .tool("whoami", any_valid_token())
        .tool_prefix("db_", requires::<FilesWrite>())
        .prompt("greeting", requires::<FilesRead>())
        .resource("file:///pub/*", requires::<ToolsRead>())
        .resource("file:///private/{*path}", requires::<FilesRead>())
        .completion_of_prompt("letter", requires::<ScopeA>())
        .completion_of_prompt("greeting_card", requires::<ScopeA>())
        .completion_of_resource("file:///pub/{name}", requires::<AnyOf<(ScopeA, ScopeB)>>())
        .method(CompletionComplete, requires::<ScopeB>())
        .method(LoggingSetLevel, requires::<McpAdmin>())
        .method(Other("example/index"), requires::<FilesWrite>())
        .method(PromptsList, requires::<ToolsRead>())
        .method(ResourcesList, requires::<FilesRead>())
        .method(ResourcesSubscribe, requires::<ScopeA>())
        .method(ResourcesTemplatesList, requires::<FilesRead>())
        .method(ResourcesUnsubscribe, requires::<ScopeB>())
        .method(SubscriptionsListen, requires::<ScopeB>())
        .method(ToolsList, requires::<ToolsRead>())
}

/// What is asked for, and what comes of it with these scopes.
pub(super) type Case<'c> = (Value, &'c [(&'c str, &'c str)]);

pub(super) async fn all_of(site: &Site, revisions: &[&str], method: &str, cases: &[Case<'_>]) {
    let mut passed = 0;
    let mut refused = 0;
    for (params, outcomes) in cases {
        for (scopes, outcome) in *outcomes {
            for revision in revisions {
                let asked = request(revision, method, params);
                let seen = site.ask(&asked, scopes).await;
                assert_eq!(
                    seen, *outcome,
                    "{revision} {method} {params} with {scopes:?}"
                );
                if seen == "passed" {
                    passed += 1;
                } else {
                    refused += 1;
                }
            }
        }
    }
    assert!(
        passed > 0 && refused > 0,
        "{method} was not tried both ways"
    );
}

/// RS-092: tools by their name and by its beginning, and closed ones.
#[tokio::test]
async fn tools_are_decided_about_by_name() {
    let cases: &[Case<'_>] = &[
        (
            json!({ "name": "delete" }),
            &[
                ("", "lacks files:read files:write"),
                ("files:read", "lacks files:read files:write"),
                (
                    "mcp:tools.read",
                    "lacks files:read files:write mcp:tools.read",
                ),
                ("files:read files:write", "passed"),
                ("mcp:admin", "passed"),
            ],
        ),
        (json!({ "name": "whoami" }), &[("", "passed")]),
        (
            json!({ "name": "db_drop" }),
            &[
                ("files:read", "lacks files:write files:read"),
                ("files:write", "passed"),
            ],
        ),
        (
            json!({ "name": "db_" }),
            &[("", "lacks files:write"), ("mcp:admin", "passed")],
        ),
        (
            json!({ "name": "db" }),
            &[(EVERYTHING, "closed"), ("", "closed")],
        ),
        (json!({ "name": "delete_all" }), &[(EVERYTHING, "closed")]),
        (json!({ "name": "Delete" }), &[(EVERYTHING, "closed")]),
        (json!({ "name": "" }), &[(EVERYTHING, "closed")]),
    ];
    all_of(&site(policy()).await, &REVISIONS, "tools/call", cases).await;
}

/// RS-092
#[tokio::test]
async fn prompts_are_decided_about_by_name() {
    let cases: &[Case<'_>] = &[
        (
            json!({ "name": "greeting" }),
            &[("a", "lacks files:read a"), ("files:read", "passed")],
        ),
        // Whose completion is open is not open itself.
        (json!({ "name": "letter" }), &[(EVERYTHING, "closed")]),
        // A prompt is no tool.
        (json!({ "name": "delete" }), &[(EVERYTHING, "closed")]),
    ];
    all_of(&site(policy()).await, &REVISIONS, "prompts/get", cases).await;
}

/// RS-092
#[tokio::test]
async fn resources_are_decided_about_by_uri() {
    let cases: &[Case<'_>] = &[
        (
            json!({ "uri": "file:///pub/a.txt" }),
            &[
                ("a", "lacks mcp:tools.read a"),
                ("mcp:tools.read", "passed"),
            ],
        ),
        (
            json!({ "uri": "file:///private/b/c.txt" }),
            &[
                ("mcp:tools.read", "lacks files:read mcp:tools.read"),
                ("files:read", "passed"),
            ],
        ),
        (
            json!({ "uri": "file:///other/a.txt" }),
            &[(EVERYTHING, "closed")],
        ),
    ];
    all_of(&site(policy()).await, &REVISIONS, "resources/read", cases).await;
}

/// RS-092: who is told of changes needs what the method demands, and what reading demands.
#[tokio::test]
async fn subscribers_meet_two_rules() {
    let site = site(policy()).await;
    let revisions = &REVISIONS[..3];
    let public = json!({ "uri": "file:///pub/a.txt" });
    let cases = |own: &'static str| -> Vec<(&'static str, String)> {
        let both = if own == "a" {
            "a mcp:tools.read"
        } else {
            "b mcp:tools.read"
        };
        vec![
            ("", format!("lacks {both}")),
            (own, format!("lacks mcp:tools.read {own}")),
            ("mcp:tools.read", format!("lacks {both}")),
            ("files:read", format!("lacks {both} files:read")),
            (both, "passed".to_owned()),
        ]
    };
    for (method, own) in [("resources/subscribe", "a"), ("resources/unsubscribe", "b")] {
        let outcomes = cases(own);
        let outcomes: Vec<_> = outcomes.iter().map(|(s, o)| (*s, o.as_str())).collect();
        let cases: &[Case<'_>] = &[
            (public.clone(), &outcomes),
            (
                json!({ "uri": "file:///other/a.txt" }),
                &[(EVERYTHING, "closed")],
            ),
            (
                json!({ "uri": "file:///pub/../a.txt" }),
                &[(EVERYTHING, "closed")],
            ),
            (json!({}), &[(EVERYTHING, "400 -32602")]),
            (json!({ "uri": 3 }), &[(EVERYTHING, "400 -32602")]),
        ];
        all_of(&site, revisions, method, cases).await;
    }
}

/// RS-092: everything else is decided about by its method.
#[tokio::test]
async fn other_methods_are_decided_about_by_themselves() {
    let site = site(policy()).await;
    for (method, too_little, enough) in [
        (
            "tools/list",
            ("files:read", "lacks mcp:tools.read files:read"),
            "mcp:tools.read",
        ),
        (
            "prompts/list",
            ("a", "lacks mcp:tools.read a"),
            "mcp:tools.read",
        ),
        ("resources/list", ("", "lacks files:read"), "mcp:admin"),
        (
            "resources/templates/list",
            ("b", "lacks files:read b"),
            "files:read",
        ),
        (
            "logging/setLevel",
            (
                "files:read files:write",
                "lacks mcp:admin files:read files:write",
            ),
            "mcp:admin",
        ),
        (
            "example/index",
            ("files:read", "lacks files:write files:read"),
            "files:write",
        ),
    ] {
        let cases: &[Case<'_>] = &[(json!({}), &[too_little, (enough, "passed")])];
        all_of(&site, &REVISIONS, method, cases).await;
    }
    for revision in REVISIONS {
        for method in [
            "example/other",
            "tools/List",
            "tasks/list",
            "sampling/createMessage",
        ] {
            let asked = request(revision, method, &json!({}));
            assert_eq!(site.ask(&asked, EVERYTHING).await, "404 -32601", "{method}");
        }
    }
}
