//! Lists show what the caller may use, and are for the caller alone.

use serde_json::{Value, json};

use super::files::Files;
use super::stage::{Mode, Stage, last, layer, open, router, stage, stage_of, stage_with};
use crate::support::plain;

const LISTS: [(&str, &str, &str); 4] = [
    ("tools/list", "tools", "name"),
    ("prompts/list", "prompts", "name"),
    ("resources/list", "resources", "uri"),
    (
        "resources/templates/list",
        "resourceTemplates",
        "uriTemplate",
    ),
];

async fn list(
    stage: &Stage,
    (method, member, key): (&str, &str, &str),
    scopes: &str,
) -> (Value, String) {
    let answer = stage.call(method, &json!({}), scopes).await;
    assert_eq!(answer.status, 200, "{:?} {answer:?}", stage.mode);
    let mut result = last(&answer)["result"].take();
    let items = result[member].take();
    let items = items
        .as_array()
        .unwrap_or_else(|| panic!("no {member}: {answer:?}"));
    let names = items.iter().map(|item| item[key].as_str().expect("a name"));
    let names: Vec<_> = names.collect();
    (result, names.join(" "))
}

const SHOWN: [(&str, [&str; 4]); 4] = [
    ("", ["whoami", "hello", "file:///readme", ""]),
    (
        "files:read",
        [
            "copy echo read report shout shrug whoami",
            "ask beg greet hello wave",
            "file:///readme",
            "file:///pub/{name}",
        ],
    ),
    (
        "files:write a",
        ["either whoami", "hello", "file:///readme", ""],
    ),
    (
        "mcp:admin",
        [
            "copy delete echo read report shout shrug whoami write",
            "ask beg greet hello wave",
            "file:///readme",
            "file:///pub/{name} file:///private/{*path}",
        ],
    ),
];

/// RS-094, RS-144: a list is for one caller, and says so.
#[tokio::test]
async fn lists_show_what_the_token_grants() {
    for mode in Mode::ALL {
        let stage = stage(mode).await;
        for (scopes, expected) in SHOWN {
            for (about, names) in LISTS.into_iter().zip(expected) {
                let (result, shown) = list(&stage, about, scopes).await;
                assert_eq!(shown, names, "{mode:?} {about:?} {scopes:?}");
                let is_modern = matches!(mode, Mode::Modern | Mode::ModernJson);
                let scope = is_modern.then_some("private");
                assert_eq!(result["cacheScope"].as_str(), scope, "{mode:?} {result}");
            }
        }
    }
}

/// The routers filter by themselves, whatever the policy says.
#[tokio::test]
async fn a_policy_that_is_open_shows_no_more() {
    let server = plain::server().await;
    let files = Files::new(&server.guard, &server.log);
    let stage = stage_with(server, files, open(), Mode::Modern).await;
    for (scopes, expected) in SHOWN {
        for (about, names) in LISTS.into_iter().zip(expected) {
            assert_eq!(list(&stage, about, scopes).await.1, names, "{about:?}");
        }
    }
}

/// The policy filters as well: what it closes is not shown, whatever the router says.
#[tokio::test]
async fn what_the_policy_closes_is_not_shown() {
    let server = plain::server().await;
    let files = Files::new(&server.guard, &server.log);
    let policy = files.policy();
    let closed = policy.method(clearance::mcp::method::PromptsGet, clearance::mcp::nobody());
    let stage = stage_with(server, files, closed, Mode::Modern).await;
    let (_, prompts) = list(&stage, LISTS[1], "mcp:admin").await;
    assert_eq!(prompts, "");
    let (_, tools) = list(&stage, LISTS[0], "files:read").await;
    assert_eq!(tools, "copy echo read report shout shrug whoami");
}

/// Without `Secured`, what rmcp's macros ask for is shown as if nobody had any scope.
#[tokio::test]
async fn without_secured_lists_show_what_anybody_may_use() {
    for mode in Mode::ALL {
        let server = plain::server().await;
        let files = Files::new(&server.guard, &server.log);
        let layer = layer(&server.guard, files.policy());
        let stage = stage_of(server, router(files, mode).layer(layer), mode).await;
        let (_, tools) = list(&stage, LISTS[0], "mcp:admin").await;
        assert_eq!(tools, "whoami", "{mode:?}");
        let (_, prompts) = list(&stage, LISTS[1], "mcp:admin").await;
        assert_eq!(prompts, "hello", "{mode:?}");
        // Written by hand, with the context.
        let (result, templates) = list(&stage, LISTS[3], "mcp:admin").await;
        assert_eq!(templates, "file:///pub/{name} file:///private/{*path}");
        let is_modern = matches!(mode, Mode::Modern | Mode::ModernJson);
        let scope = is_modern.then_some("private");
        assert_eq!(result["cacheScope"].as_str(), scope, "{mode:?} {result}");
    }
}
