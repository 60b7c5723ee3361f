//! What cannot be built, and where it says that the fault is.

use clearance::id::Resource;
use clearance::mcp::method::{
    CompletionComplete, Other, PromptsGet, PromptsList, ResourcesList, ResourcesRead,
    ResourcesTemplatesList, ToolsCall, ToolsList,
};
use clearance::mcp::{
    self, CallError, CompletionRead, Kind, RouterError, TemplateError, ToolError, ToolsExecute,
};
use clearance::{Authorized, ConfigError, Guard};
use serde_json::Value;

use super::fixture::{Files, FilesRead, guard};
use crate::support::{self, Fixture};

type Router = mcp::Router<Files>;

async fn tool(_: Authorized<FilesRead>) -> Result<String, ToolError> {
    Ok(String::new())
}

async fn text(_: Authorized<FilesRead>) -> Result<String, CallError> {
    Ok(String::new())
}

async fn complete(_: Authorized<CompletionRead>) -> Result<Value, CallError> {
    Ok(Value::Null)
}

async fn open(_: Authorized<()>) -> Result<Value, CallError> {
    Ok(Value::Null)
}

#[track_caller]
fn fault(router: Router) -> RouterError {
    router.build::<()>().expect_err("it cannot be built")
}

/// Where the router says that something was registered.
fn places(router: &Router, names: &[&str]) -> Vec<String> {
    let policy = router.policy();
    let found = policy.rules().iter();
    let found = found.filter(|rule| names.contains(&rule.name()));
    found
        .map(|rule| format!("{}:{}", rule.place().file(), rule.place().line()))
        .collect()
}

#[test]
fn the_places_are_those_of_the_calls() {
    let router = mcp::Router::new(&guard()).tool("b", tool);
    let (router, first) = (router.tool("a", tool), line!());
    let (router, second) = (router.tool("a", tool), line!());
    let [first, second] = [first, second].map(|line| format!("{}:{line}", file!()));
    let error = fault(router);
    assert_eq!(
        error.to_string(),
        format!("the tool `a` is registered twice: at {first} and at {second}")
    );
    assert_eq!(
        error,
        RouterError::Duplicate {
            kind: Kind::Tool,
            name: "a".into(),
            first: first.into(),
            second: second.into(),
        }
    );
}

#[test]
fn a_name_is_registered_once() {
    let guard = guard();
    let new = || mcp::Router::new(&guard);
    for (router, kind, name) in [
        (new().tool("a", tool).tool("a", tool), Kind::Tool, "a"),
        (new().prompt("a", text).prompt("a", text), Kind::Prompt, "a"),
        (
            new()
                .resource("file:///a", text)
                .resource("file:///a", text),
            Kind::Resource,
            "file:///a",
        ),
        (
            new().resource("f:///{a}", text).resource("f:///{a}", text),
            Kind::Resource,
            "f:///{a}",
        ),
        (
            new()
                .method(CompletionComplete, complete)
                .method(CompletionComplete.demanding::<FilesRead>(), text),
            Kind::Method,
            "completion/complete",
        ),
        (
            new()
                .method(Other("example/index"), open)
                .method(Other("example/index"), text),
            Kind::Method,
            "example/index",
        ),
    ] {
        let places = places(&router, &[name]);
        let [first, second] = places.as_slice() else {
            panic!("{places:?}");
        };
        let expected = RouterError::Duplicate {
            kind,
            name: name.into(),
            first: first.as_str().into(),
            second: second.as_str().into(),
        };
        assert_eq!(fault(router), expected);
    }
    // One name of several kinds is several names.
    let router = new().tool("a", tool).prompt("a", text);
    let router = router.resource("a:b", text).method(Other("a"), open);
    assert!(router.build::<()>().is_ok());
}

#[test]
fn two_templates_of_one_shape_are_one_name() {
    let guard = guard();
    let new = || mcp::Router::new(&guard);
    for (a, b) in [
        ("file:///pub/{x}", "file:///pub/{y}"),
        ("file:///{x}/a/{*y}", "file:///{p}/a/{*q}"),
    ] {
        let router = new().resource(a, text).resource("file:///pub/a", text);
        let router = router.resource(b, text);
        let first = places(&router, &[a]).remove(0);
        let second = places(&router, &[b]).remove(0);
        let expected = RouterError::Duplicate {
            kind: Kind::Resource,
            name: b.into(),
            first: first.into(),
            second: second.into(),
        };
        assert_eq!(fault(router), expected);
    }
    for other in ["file:///pub/{*x}", "file:///pub/x", "file:///pub/{x}/y"] {
        let router = new().resource("file:///pub/{x}", text);
        assert!(
            router.resource(other, text).build::<()>().is_ok(),
            "{other}"
        );
    }
}

#[test]
fn what_is_served_by_name_is_not_served_by_hand() {
    let guard = guard();
    let with_tool = || mcp::Router::new(&guard).tool("by name", tool);
    let with_prompt = || mcp::Router::new(&guard).prompt("by name", text);
    let with_resource = || mcp::Router::new(&guard).resource("by:name", text);
    let all = [
        with_tool().method(ToolsCall.demanding::<FilesRead>(), text),
        with_tool().method(ToolsList.demanding::<FilesRead>(), text),
        with_prompt().method(PromptsGet.demanding::<FilesRead>(), text),
        with_prompt().method(PromptsList.demanding::<FilesRead>(), text),
        with_resource().method(ResourcesRead.demanding::<FilesRead>(), text),
        with_resource().method(ResourcesList.demanding::<FilesRead>(), text),
        with_resource().method(ResourcesTemplatesList.demanding::<FilesRead>(), text),
    ];
    let names = [
        "tools/call",
        "tools/list",
        "prompts/get",
        "prompts/list",
        "resources/read",
        "resources/list",
        "resources/templates/list",
    ];
    for (router, name) in all.into_iter().zip(names) {
        let by_name = places(&router, &["by name", "by:name"]).remove(0);
        // The first is the one by hand, since methods come first.
        let by_hand = places(&router, &[name]).remove(0);
        let error = fault(router);
        assert_eq!(
            error.to_string(),
            format!("`{name}` is registered by hand at {by_hand}, and served because of {by_name}")
        );
        let expected = RouterError::Both {
            name: name.into(),
            by_hand: by_hand.into(),
            by_name: by_name.into(),
        };
        assert_eq!(error, expected);
    }
    // Each by itself, or beside another kind.
    let router = with_prompt().method(ToolsCall.demanding::<FilesRead>(), text);
    assert!(router.build::<()>().is_ok());
}

#[test]
fn the_names_of_the_protocol_are_not_chosen() {
    let guard = guard();
    for name in [
        "",
        "initialize",
        "ping",
        "server/discover",
        "tools/call",
        "tools/list",
        "resources/read",
        "logging/setLevel",
        "subscriptions/listen",
        "rpc.discover",
        "notifications/initialized",
        "notifications/mine",
        "tasks/get",
        "sampling/createMessage",
        "elicitation/create",
        "roots/list",
        "skills/get",
    ] {
        let router = mcp::Router::new(&guard).method(Other(name), open);
        let place = places(&router, &[name]).remove(0);
        let error = fault(router);
        let expected = format!("`{name}`, registered at {place}, is the protocol's own");
        assert_eq!(error.to_string(), expected);
        let expected = RouterError::Reserved {
            name: name.into(),
            place: place.into(),
        };
        assert_eq!(error, expected);
    }
}

#[test]
fn a_resource_is_a_uri_or_a_template() {
    let guard = guard();
    for (name, cause) in [
        ("pub", TemplateError::Uri),
        ("", TemplateError::Uri),
        ("FILE:///pub", TemplateError::Uri),
        ("file:///pub/../a", TemplateError::Uri),
        ("file:///a b", TemplateError::Uri),
        ("file:///a#b", TemplateError::Uri),
        ("file:///{a}/{a}", TemplateError::Variable),
        ("file:///{}", TemplateError::Variable),
        ("file:///x{a}", TemplateError::Variable),
        ("file:///{a-b}", TemplateError::Variable),
        ("file:///{*a}/b", TemplateError::Rest),
    ] {
        let router = mcp::Router::new(&guard).resource(name, text);
        let place = places(&router, &[name]).remove(0);
        let error = fault(router);
        assert_eq!(
            error.to_string(),
            format!("the resource `{name}`, registered at {place}: {cause}")
        );
        let expected = RouterError::Template {
            name: name.into(),
            place: place.into(),
            cause,
        };
        assert_eq!(error, expected);
    }
}

/// The vocabulary of the other tests does not include the standard one.
#[test]
fn a_list_without_a_standard_scope_must_be_given_one() {
    async fn tool(_: Authorized<support::FilesRead>) -> Result<String, ToolError> {
        Ok(String::new())
    }
    async fn text(_: Authorized<support::FilesRead>) -> Result<String, CallError> {
        Ok(String::new())
    }
    let guard = Guard::<Fixture>::builder(support::resource())
        .issuer("https://auth.example.com".parse().expect("an issuer"))
        .build()
        .expect("a guard");
    let new = || mcp::Router::new(&guard);
    let with_resources = || {
        let router = new().resource("f:a", text);
        router.list(ResourcesList.demanding::<support::FilesRead>())
    };
    for (router, name) in [
        (new().tool("a", tool), "tools/list"),
        (new().prompt("a", text), "prompts/list"),
        (new().resource("f:a", text), "resources/list"),
        (with_resources(), "resources/templates/list"),
    ] {
        let error = router.build::<()>().expect_err("it cannot be built");
        assert!(error.to_string().contains("`Router::list`"), "{error}");
        assert_eq!(error, RouterError::NoListScope { name: name.into() });
    }
    let router = new()
        .tool("a", tool)
        .list(ToolsList.demanding::<support::ScopeA>());
    let policy = router.policy();
    let rules = policy.rules().iter();
    let scopes: Vec<_> = rules
        .filter(|rule| rule.name() == "tools/list")
        .map(mcp::Rule::scopes)
        .collect();
    assert_eq!(scopes, ["a"]);
    assert!(router.build::<()>().is_ok());
    // A list that is not served needs none.
    assert!(new().build::<()>().is_ok());
}

/// Two demands for one list would leave open which one holds.
#[test]
fn what_a_list_demands_is_said_once() {
    let router = mcp::Router::new(&guard()).tool("a", tool);
    let (router, first) = (router.list(ToolsList), line!());
    let (router, second) = (router.list(ToolsList.demanding::<()>()), line!());
    let [first, second] = [first, second].map(|line| format!("{}:{line}", file!()));
    let expected = RouterError::Duplicate {
        kind: Kind::Method,
        name: "tools/list".into(),
        first: first.into(),
        second: second.into(),
    };
    assert_eq!(fault(router), expected);
}

fn guard_of(resource: &str) -> Guard<Files> {
    let resource: Resource = resource.parse().expect("a resource");
    Guard::<Files>::builder(resource)
        .issuer("https://auth.example.com".parse().expect("an issuer"))
        .build()
        .expect("a guard")
}

#[test]
fn a_path_that_axum_cannot_route_is_an_error() {
    for path in ["/:mcp", "/a/*mcp"] {
        let guard = guard_of(&format!("https://mcp.example.com{path}"));
        let error = fault(mcp::Router::new(&guard));
        assert!(
            matches!(error, RouterError::Config(ConfigError::UnroutablePath(_))),
            "{path}: {error:?}"
        );
    }
}

/// Whatever resource a guard takes, its router is built or says why not.
#[test]
fn any_other_path_is_served() {
    for resource in [
        "https://mcp.example.com",
        "https://mcp.example.com/",
        "https://mcp.example.com/a/b/",
        "https://mcp.example.com/a%20b",
        "https://mcp.example.com/mcp?tenant=a",
        "https://mcp.example.com/.well-known/oauth-protected-resource",
    ] {
        let router = mcp::Router::new(&guard_of(resource)).tool("a", tool);
        assert!(router.build::<()>().is_ok(), "{resource}");
    }
}

/// Two endpoints beside each other, each with its metadata.
#[test]
fn routers_can_be_merged() {
    let of = |path: &str| {
        let guard = guard_of(&format!("https://mcp.example.com{path}"));
        mcp::Router::new(&guard).build::<()>().expect("a router")
    };
    let _both: axum::Router = of("/a").merge(of("/b"));
}

#[test]
fn a_router_says_what_is_in_it() {
    async fn execute(_: Authorized<ToolsExecute>) -> Result<String, ToolError> {
        Ok(String::new())
    }
    let router = mcp::Router::new(&guard()).tool("run", execute);
    let shown = format!("{router:?}");
    assert!(shown.starts_with("Router {"), "{shown}");
    assert!(
        shown.contains(r#"name: "run", scopes: "mcp:tools:execute""#),
        "{shown}"
    );
}
