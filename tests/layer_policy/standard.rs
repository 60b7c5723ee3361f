//! The standard policy, for a vocabulary that includes the standard scopes.

use clearance::mcp::method::{LoggingSetLevel, ToolsCall, ToolsList};
use clearance::mcp::{
    McpScopes, Policy, PromptsRead, ResourcesRead, ToolsExecute, ToolsRead, any_valid_token,
    requires,
};
use clearance::scopes;
use serde_json::{Value, json};

use super::fixture::{Site, request, site};
use crate::support::mcp::REVISIONS;
use crate::support::request::MODERN;

scopes! {
    /// A server of files.
    pub vocabulary Files includes McpScopes;
    /// Delete files.
    pub FilesDelete = "files:delete";
    /// Everything that has to do with tools.
    pub FilesAdmin = "files:admin" includes FilesDelete, ToolsExecute, ToolsRead;
}

/// What every operation of the protocol demands, and what it is asked with.
fn operations() -> [(&'static str, Value, &'static str); 12] {
    let uri = json!({ "uri": "file:///a" });
    [
        ("completion/complete", json!({}), "mcp:completion:read"),
        (
            "logging/setLevel",
            json!({ "level": "info" }),
            "mcp:logging:configure",
        ),
        ("prompts/get", json!({ "name": "p" }), "mcp:prompts:read"),
        ("prompts/list", json!({}), "mcp:prompts:list"),
        ("resources/list", json!({}), "mcp:resources:list"),
        ("resources/read", uri.clone(), "mcp:resources:read"),
        (
            "resources/subscribe",
            uri.clone(),
            "mcp:resources:subscribe mcp:resources:read",
        ),
        ("resources/templates/list", json!({}), "mcp:resources:list"),
        (
            "resources/unsubscribe",
            uri,
            "mcp:resources:subscribe mcp:resources:read",
        ),
        ("subscriptions/listen", json!({}), "mcp:resources:subscribe"),
        ("tools/call", json!({ "name": "t" }), "mcp:tools:execute"),
        ("tools/list", json!({}), "mcp:tools:read"),
    ]
}

const EVERYTHING: &str = "mcp:tools:execute mcp:tools:read mcp:resources:read mcp:resources:list \
     mcp:resources:subscribe mcp:prompts:read mcp:prompts:list mcp:logging:configure \
     mcp:completion:read files:admin files:delete";

/// The names of one kind each, opened with the scope that their method has in the standard.
fn open() -> Policy<Files> {
    Policy::standard()
        .tools(requires::<ToolsExecute>())
        .prompts(requires::<PromptsRead>())
        .resources(requires::<ResourcesRead>())
}

/// RS-092: each operation of the protocol has its scope, and no other one helps.
#[tokio::test]
async fn each_operation_demands_its_standard_scope() {
    let site = site(open()).await;
    for (method, params, needed) in operations() {
        for revision in REVISIONS {
            let asked = request(revision, method, &params);
            assert_eq!(site.ask(&asked, needed).await, "passed", "{method}");
            assert_eq!(
                site.ask(&asked, "").await,
                format!("lacks {needed}"),
                "{method}"
            );
            let others: Vec<_> = EVERYTHING
                .split(' ')
                .filter(|scope| !needed.split(' ').any(|of| of == *scope))
                // It includes scopes of tools.
                .filter(|scope| *scope != "files:admin")
                .collect();
            let others = others.join(" ");
            let verdict = site.ask(&asked, &others).await;
            assert_eq!(verdict, format!("lacks {needed} {others}"), "{method}");
        }
    }
}

/// What a vocabulary says that its scopes include counts in the standard policy.
#[tokio::test]
async fn an_own_scope_counts_for_those_that_it_includes() {
    let site = site(open()).await;
    for (method, params, _) in operations() {
        let asked = request(MODERN, method, &params);
        let verdict = site.ask(&asked, "files:admin").await;
        let is_of_tools = method.starts_with("tools/");
        assert_eq!(verdict == "passed", is_of_tools, "{method}: {verdict}");
    }
}

/// RS-007: names are closed, each kind until it is opened, whatever a token grants.
#[tokio::test]
async fn names_are_closed_until_they_are_opened() {
    let site = site(Policy::<Files>::standard()).await;
    for (method, params, needed) in operations() {
        let asked = request(MODERN, method, &params);
        let names_one = params.get("name").is_some() || params.get("uri").is_some();
        let expected = if names_one { "closed" } else { "passed" };
        assert_eq!(
            site.ask(&asked, EVERYTHING).await,
            expected,
            "{method} {needed}"
        );
    }
}

async fn both(site: &Site, method: &str, params: &Value, (scopes, verdict): (&str, &str)) {
    for revision in ["2025-11-25", MODERN] {
        let asked = request(revision, method, params);
        assert_eq!(site.ask(&asked, scopes).await, verdict, "{method} {params}");
    }
}

/// A rule about a name takes the place of its method's, and a rule about a method that of the standard.
#[tokio::test]
async fn own_rules_take_the_place_of_the_standard() {
    let policy = open()
        .tool("delete_file", requires::<FilesDelete>())
        .tool("whoami", any_valid_token())
        .method(LoggingSetLevel, requires::<FilesAdmin>())
        .method(ToolsList, any_valid_token())
        .method(ToolsCall, requires::<FilesAdmin>());
    assert_eq!(
        policy
            .rules()
            .iter()
            .filter(|rule| rule.name() == "tools/list")
            .count(),
        1
    );
    let site = site(policy).await;
    let call = |name: &str| json!({ "name": name });
    both(
        &site,
        "tools/call",
        &call("delete_file"),
        ("files:delete", "passed"),
    )
    .await;
    let refused = ("mcp:tools:execute", "lacks files:delete mcp:tools:execute");
    both(&site, "tools/call", &call("delete_file"), refused).await;
    both(&site, "tools/call", &call("whoami"), ("", "passed")).await;
    both(
        &site,
        "tools/call",
        &call("other"),
        ("mcp:tools:execute", "passed"),
    )
    .await;
    let standard = "mcp:logging:configure";
    let refused = format!("lacks files:admin {standard}");
    both(&site, "logging/setLevel", &json!({}), (standard, &refused)).await;
    both(
        &site,
        "logging/setLevel",
        &json!({}),
        ("files:admin", "passed"),
    )
    .await;
    both(&site, "tools/list", &json!({}), ("", "passed")).await;
}

#[test]
fn the_standard_is_a_table() {
    let policy = Policy::<McpScopes>::standard();
    let any = "any valid token";
    let mut expected: Vec<_> = operations()
        .map(|(method, _, needed)| (method, needed.split(' ').next().unwrap_or_default()))
        .to_vec();
    expected.extend([("initialize", any), ("ping", any), ("server/discover", any)]);
    expected.sort_unstable();
    let rules = policy.rules().iter();
    let seen: Vec<_> = rules.map(|rule| (rule.name(), rule.scopes())).collect();
    assert_eq!(seen, expected);
    let of_files = serde_json::to_value(Policy::<Files>::standard()).expect("JSON");
    assert_eq!(serde_json::to_value(policy).expect("JSON"), of_files);
}
