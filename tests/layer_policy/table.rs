//! The policy as a table and as a snapshot, and policies that contradict themselves.

use std::fmt::Write as _;
use std::panic::Location;

use clearance::mcp::method::{LoggingSetLevel, Other, ToolsList};
use clearance::mcp::{
    Kind, Policy, PolicyError, Reach, Rule, TemplateError, any_valid_token, nobody, requires,
};
use clearance::scope::AnyOf;
use clearance::{AuthorizationLayer, Guard, LayerError};
use serde::Deserialize;
use serde_json::json;

use super::fixture;
use crate::support::{self, FilesRead, FilesWrite, Fixture, ScopeA, ScopeB, plain};

#[derive(Deserialize)]
struct Target {
    prod: bool,
}

/// A policy with a line of each sort, and the line of its first rule; each later one is one line
/// below.
#[rustfmt::skip]
fn policy() -> (Policy<Fixture>, u32) {
    let deploy = requires::<ScopeA>().when::<(ScopeA, ScopeB), Target>(|target| target.prod);
    let mine = requires::<FilesRead>().only_if(|auth| auth.client().as_str() == "mine");
    let first = line!() + 2;
    let policy = Policy::closed()
        .tools(any_valid_token())
        .tool_prefix("db_", requires::<(FilesRead, FilesWrite)>())
        .tool("db_drop", nobody())
        .tool("deploy", deploy)
        .prompts(nobody())
        .prompt("greeting", mine)
        .resources(requires::<ScopeB>())
        .resource("file:///pub/*", any_valid_token())
        .resource("file:///pub/{name}", requires::<AnyOf<(ScopeA, ScopeB)>>())
        .completion_of_prompt("greeting", requires::<ScopeB>())
        .completion_of_resource("file:///pub/{name}", any_valid_token())
        .method(LoggingSetLevel, nobody())
        .method(Other("example/index"), requires::<FilesRead>())
        .tasks();
    (policy, first)
}

#[test]
fn it_is_written_as_a_table() {
    let (policy, first) = policy();
    let file = file!();
    let method = "method";
    let prompt = "prompt";
    let any = "any valid token";
    let rows = [
        (method, "example/index", "files:read", first + 12),
        (method, "initialize", any, first - 1),
        (method, "logging/setLevel", "nobody", first + 11),
        (method, "ping", any, first - 1),
        (method, "server/discover", any, first - 1),
        (
            prompt,
            "greeting",
            "files:read, under a condition",
            first + 5,
        ),
        (prompt, "*", "nobody", first + 4),
        ("completion of prompt", "greeting", "b", first + 9),
        ("resource", "file:///pub/*", any, first + 7),
        ("resource", "file:///pub/{name}", "any of (a, b)", first + 8),
        ("resource", "*", "b", first + 6),
        (
            "completion of resource",
            "file:///pub/{name}",
            any,
            first + 10,
        ),
        ("tool", "db_drop", "nobody", first + 2),
        ("tool", "deploy", "a, or by its arguments a b", first + 3),
        ("tool", "db_*", "files:read files:write", first + 1),
        ("tool", "*", any, first),
    ];
    let mut table = format!("{:<22}  {:<18}  {:<29}  place\n", "kind", "name", "scopes");
    for (kind, name, scopes, line) in rows {
        writeln!(table, "{kind:<22}  {name:<18}  {scopes:<29}  {file}:{line}").expect("text");
    }
    assert_eq!(policy.to_string(), table);
    assert_eq!(policy.rules().len(), rows.len());
}

/// Without places, so that it does not change when a line is written above.
#[test]
fn it_is_a_snapshot() {
    let (policy, _) = policy();
    let any = "any valid token";
    let expected = json!([
        { "kind": "method", "name": "example/index", "scopes": "files:read" },
        { "kind": "method", "name": "initialize", "scopes": any },
        { "kind": "method", "name": "logging/setLevel", "scopes": "nobody" },
        { "kind": "method", "name": "ping", "scopes": any },
        { "kind": "method", "name": "server/discover", "scopes": any },
        { "kind": "prompt", "name": "greeting", "scopes": "files:read, under a condition" },
        { "kind": "prompt", "name": "", "reach": "rest", "scopes": "nobody" },
        { "kind": "completion of prompt", "name": "greeting", "scopes": "b" },
        { "kind": "resource", "name": "file:///pub/*", "scopes": any },
        { "kind": "resource", "name": "file:///pub/{name}", "scopes": "any of (a, b)" },
        { "kind": "resource", "name": "", "reach": "rest", "scopes": "b" },
        { "kind": "completion of resource", "name": "file:///pub/{name}", "scopes": any },
        { "kind": "tool", "name": "db_drop", "scopes": "nobody" },
        { "kind": "tool", "name": "deploy", "scopes": "a, or by its arguments a b" },
        { "kind": "tool", "name": "db_", "reach": "prefix", "scopes": "files:read files:write" },
        { "kind": "tool", "name": "", "reach": "rest", "scopes": any },
    ]);
    assert_eq!(serde_json::to_value(&policy).expect("JSON"), expected);
    assert_eq!(
        serde_json::to_value(policy.clone()).expect("JSON"),
        expected
    );
    assert_eq!(policy.clone().to_string(), policy.to_string());
}

#[test]
fn each_line_can_be_asked() {
    let (policy, first) = policy();
    let of = |kind, reach| {
        let rules = policy.rules().iter();
        rules.filter(move |rule| (rule.kind(), rule.reach()) == (kind, reach))
    };
    let prefixes: Vec<&Rule> = of(Kind::Tool, Reach::Prefix).collect();
    assert_eq!(prefixes.len(), 1);
    let rule = prefixes[0];
    assert_eq!(
        (rule.name(), rule.scopes()),
        ("db_", "files:read files:write")
    );
    assert_eq!(
        (rule.place().file(), rule.place().line()),
        (file!(), first + 1)
    );
    assert_eq!(of(Kind::Prompt, Reach::Rest).count(), 1);
    assert_eq!(of(Kind::Resource, Reach::Rest).count(), 1);
    assert_eq!(of(Kind::Method, Reach::Rest).count(), 0);
    assert_eq!(of(Kind::Method, Reach::Named).count(), 5);
}

#[test]
fn an_empty_policy_has_what_every_endpoint_serves() {
    let place = line!() + 1;
    let policy = Policy::<Fixture>::closed();
    let any = "any valid token";
    let mut expected = format!("kind      {:<15}  {:<15}  place\n", "name", "scopes");
    for name in ["initialize", "ping", "server/discover"] {
        let file = file!();
        writeln!(expected, "method    {name:<15}  {any}  {file}:{place}").expect("text");
    }
    assert_eq!(policy.to_string(), expected);
}

async fn guard() -> Guard<Fixture> {
    let issuer = support::issuer(&support::clock()).await;
    fixture::guard(&issuer).await
}

/// Why a layer with that policy is not built.
#[track_caller]
fn fault(guard: &Guard<Fixture>, policy: Policy<Fixture>) -> PolicyError {
    let builder = AuthorizationLayer::builder(guard, policy).seal_keys(plain::keys());
    match builder.build() {
        Err(LayerError::Policy(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn here() -> u32 {
    Location::caller().line()
}

type Change = fn(Policy<Fixture>) -> Policy<Fixture>;

/// Two rules about one thing contradict one another, also where they are written differently or say
/// the same; the error names both places.
#[tokio::test]
#[rustfmt::skip]
async fn two_rules_about_one_thing_are_refused() {
    let guard = guard().await;
    let first = here() + 2;
    let cases: [(Kind, &str, Change, Change); 12] = [
        (Kind::Tool, "x", |p| p.tool("x", nobody()), |p| p.tool("x", any_valid_token())),
        (Kind::Tool, "same", |p| p.tool("same", nobody()), |p| p.tool("same", nobody())),
        (Kind::Tool, "db_*", |p| p.tool_prefix("db_", nobody()), |p| p.tool_prefix("db_", requires::<ScopeA>())),
        (Kind::Tool, "*", |p| p.tools(nobody()), |p| p.tools(any_valid_token())),
        (Kind::Prompt, "p", |p| p.prompt("p", nobody()), |p| p.prompt("p", any_valid_token())),
        (Kind::Prompt, "*", |p| p.prompts(nobody()), |p| p.prompts(any_valid_token())),
        (Kind::Resource, "f:///{b}", |p| p.resource("f:///{a}", nobody()), |p| p.resource("f:///{b}", any_valid_token())),
        (Kind::Resource, "f:///a/*", |p| p.resource("f:///a/*", nobody()), |p| p.resource("f:///a/*", any_valid_token())),
        (Kind::Resource, "*", |p| p.resources(nobody()), |p| p.resources(any_valid_token())),
        (Kind::PromptCompletion, "p", |p| p.completion_of_prompt("p", nobody()), |p| p.completion_of_prompt("p", any_valid_token())),
        (Kind::ResourceCompletion, "f:///{*b}", |p| p.completion_of_resource("f:///{*a}", nobody()), |p| p.completion_of_resource("f:///{*b}", any_valid_token())),
        (Kind::Method, "example/x", |p| p.method(Other("example/x"), nobody()), |p| p.method(Other("example/x"), any_valid_token())),
    ];
    for (line, (kind, name, one, other)) in (first..).zip(cases) {
        let place: Box<str> = format!("{}:{line}", file!()).into();
        let error = fault(&guard, other(one(Policy::closed())));
        let expected = PolicyError::Duplicate {
            kind, name: name.into(), first: place.clone(), second: place.clone(),
        };
        assert_eq!(error, expected);
        let text = format!("the {kind} `{name}` has two rules: {place} and {place}");
        assert_eq!(error.to_string(), text);
        assert_eq!(LayerError::from(error).to_string(), text);
        // Each alone is fine.
        for change in [one, other] {
            let policy = change(Policy::closed());
            AuthorizationLayer::builder(&guard, policy).seal_keys(plain::keys()).build().expect("a layer");
        }
    }
    // Two places are told apart, the first one first.
    let line = here() + 1;
    let policy = Policy::closed().tool("x", nobody())
        .tool("y", nobody())
        .tool("x", any_valid_token());
    let place = |line: u32| format!("{}:{line}", file!()).into();
    let PolicyError::Duplicate { first, second, .. } = fault(&guard, policy) else { panic!() };
    assert_eq!((first, second), (place(line), place(line + 2)));
}

/// What looks alike and is not: another kind, another reach, other URIs.
#[tokio::test]
async fn rules_about_different_things_stand_together() {
    let guard = guard().await;
    let policy = Policy::<Fixture>::standardish()
        .tool("db_", nobody())
        .tool_prefix("db_", nobody())
        .tool_prefix("db_x", nobody())
        .tools(nobody())
        .prompt("db_", nobody())
        .completion_of_prompt("db_", nobody())
        .resource("f:///a/{b}", nobody())
        .resource("f:///a/{*b}", nobody())
        .resource("f:///a/*", nobody())
        .resource("f:///a/b", nobody())
        .completion_of_resource("f:///a/{b}", nobody())
        .method(Other("db_"), nobody());
    let builder = AuthorizationLayer::builder(&guard, policy).seal_keys(plain::keys());
    builder.build().expect("a layer");
}

trait Standardish {
    fn standardish() -> Self;
}

impl Standardish for Policy<Fixture> {
    /// A method of the protocol may be opened, and its standard rule be replaced.
    fn standardish() -> Self {
        Self::closed()
            .method(ToolsList, any_valid_token())
            .method(Other("ping"), requires::<ScopeA>())
    }
}

/// What the layer decides about by itself has no rules.
#[tokio::test]
async fn the_protocols_own_methods_have_no_rules() {
    let guard = guard().await;
    for name in [
        "",
        "notifications/cancelled",
        "tasks/get",
        "tasks/list",
        "tasks/",
    ] {
        let line = here() + 1;
        let policy = Policy::closed().method(Other(name), any_valid_token());
        let place = format!("{}:{line}", file!()).into();
        let error = fault(&guard, policy);
        let text = format!("the method `{name}`, at {place}, is the protocol's own");
        assert_eq!(error.to_string(), text);
        let name = name.into();
        assert_eq!(error, PolicyError::Reserved { name, place });
    }
}

/// A resource whose text stands for nothing is no rule, and nobody finds out by an incident.
#[tokio::test]
async fn a_resource_that_stands_for_nothing_is_refused() {
    let guard = guard().await;
    for (text, cause) in [
        ("pub", TemplateError::Uri),
        ("", TemplateError::Uri),
        ("*", TemplateError::Uri),
        ("file:///pub/../a", TemplateError::Uri),
        ("file:///pub//a", TemplateError::Uri),
        ("FILE:///pub/a", TemplateError::Uri),
        ("file:///p%75b/a", TemplateError::Uri),
        ("https://host:443/a", TemplateError::Uri),
        ("file:///pub/a{b}", TemplateError::Variable),
        ("file:///{a}/{a}", TemplateError::Variable),
        ("file:///{}", TemplateError::Variable),
        ("file:///{*a}/b", TemplateError::Rest),
        ("file:///{*a}/*", TemplateError::Rest),
        ("f://h/a?x/{name}", TemplateError::Query),
    ] {
        let line = here() + 1;
        let read = Policy::closed().resource(text, any_valid_token());
        let completed = Policy::closed().completion_of_resource(text, any_valid_token());
        for (policy, line) in [(read, line), (completed, line + 1)] {
            let place: Box<str> = format!("{}:{line}", file!()).into();
            let error = fault(&guard, policy);
            assert_eq!(
                error.to_string(),
                format!("the resource `{text}`, at {place}: {cause}")
            );
            let name = text.into();
            assert_eq!(error, PolicyError::Template { name, place, cause });
        }
    }
}
