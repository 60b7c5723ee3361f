//! The policy as a table and as a snapshot.

use std::fmt::Write as _;

use clearance::Authorized;
use clearance::mcp::method::{CompletionComplete, Other, ToolsList};
use clearance::mcp::{self, CallError, Kind, Policy, ToolError, ToolsExecute};
use clearance::scope::AnyOf;
use serde_json::json;

use super::fixture::{Files, FilesDelete, FilesRead, guard};

async fn delete(_: Authorized<(ToolsExecute, FilesDelete)>) -> Result<(), ToolError> {
    Ok(())
}

async fn look(_: Authorized<()>) -> Result<(), ToolError> {
    Ok(())
}

async fn text(_: Authorized<AnyOf<(FilesRead, FilesDelete)>>) -> Result<String, CallError> {
    Ok(String::new())
}

async fn index(_: Authorized<FilesRead>) -> Result<(), CallError> {
    Ok(())
}

/// The policy, and the line of its first registration; each later one is one line below.
#[rustfmt::skip]
fn policy() -> (Policy<Files>, u32) {
    let first = line!() + 2;
    let router = mcp::Router::new(&guard())
        .tool("look", look)
        .tool("delete", delete)
        .prompt("review", text)
        .resource("file:///pub/{name}", text)
        .method(CompletionComplete.demanding::<FilesRead>(), index)
        .method(Other("example/index"), index)
        .list(ToolsList.demanding::<()>());
    (router.policy(), first)
}

#[test]
fn it_is_written_as_a_table() {
    let (policy, first) = policy();
    let file = file!();
    // The protocol's own methods stand where the router was made.
    let own = first - 1;
    let rows = [
        ("method", "completion/complete", "files:read", first + 4),
        ("method", "example/index", "files:read", first + 5),
        ("method", "initialize", "any valid token", own),
        ("method", "ping", "any valid token", own),
        ("method", "prompts/list", "mcp:prompts:list", first + 2),
        ("method", "resources/list", "mcp:resources:list", first + 3),
        (
            "method",
            "resources/templates/list",
            "mcp:resources:list",
            first + 3,
        ),
        ("method", "server/discover", "any valid token", own),
        ("method", "tools/list", "any valid token", first + 6),
        (
            "prompt",
            "review",
            "any of (files:read, files:delete)",
            first + 2,
        ),
        (
            "resource",
            "file:///pub/{name}",
            "any of (files:read, files:delete)",
            first + 3,
        ),
        (
            "tool",
            "delete",
            "mcp:tools:execute files:delete",
            first + 1,
        ),
        ("tool", "look", "any valid token", first),
    ];
    let mut table =
        "kind      name                      scopes                             place\n".to_owned();
    for (kind, name, scopes, line) in rows {
        writeln!(table, "{kind:<8}  {name:<24}  {scopes:<33}  {file}:{line}").expect("text");
    }
    assert_eq!(policy.to_string(), table);
    assert_eq!(policy.rules().len(), rows.len());
    for (rule, (kind, name, scopes, line)) in policy.rules().iter().zip(rows) {
        assert_eq!(
            (
                rule.kind().to_string().as_str(),
                rule.name(),
                rule.scopes(),
                rule.place().line()
            ),
            (kind, name, scopes, line)
        );
    }
}

/// Without places, so that it does not change when a line is written above.
#[test]
fn it_is_a_snapshot() {
    let (policy, _) = policy();
    let any = "any valid token";
    let either = "any of (files:read, files:delete)";
    let expected = json!([
        { "kind": "method", "name": "completion/complete", "scopes": "files:read" },
        { "kind": "method", "name": "example/index", "scopes": "files:read" },
        { "kind": "method", "name": "initialize", "scopes": any },
        { "kind": "method", "name": "ping", "scopes": any },
        { "kind": "method", "name": "prompts/list", "scopes": "mcp:prompts:list" },
        { "kind": "method", "name": "resources/list", "scopes": "mcp:resources:list" },
        { "kind": "method", "name": "resources/templates/list", "scopes": "mcp:resources:list" },
        { "kind": "method", "name": "server/discover", "scopes": any },
        { "kind": "method", "name": "tools/list", "scopes": any },
        { "kind": "prompt", "name": "review", "scopes": either },
        { "kind": "resource", "name": "file:///pub/{name}", "scopes": either },
        { "kind": "tool", "name": "delete", "scopes": "mcp:tools:execute files:delete" },
        { "kind": "tool", "name": "look", "scopes": any },
    ]);
    assert_eq!(serde_json::to_value(&policy).expect("JSON"), expected);
    assert_eq!(
        serde_json::to_value(policy.clone()).expect("JSON"),
        expected
    );
}

#[test]
fn it_has_what_every_endpoint_serves() {
    let policy = mcp::Router::new(&guard()).policy();
    let names: Vec<_> = policy.rules().iter().map(mcp::Rule::name).collect();
    assert_eq!(names, ["initialize", "ping", "server/discover"]);
    let open = |rule: &mcp::Rule| rule.kind() == Kind::Method && rule.scopes() == "any valid token";
    assert!(policy.rules().iter().all(open));
}
