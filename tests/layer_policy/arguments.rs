//! Rules that depend on arguments.

use clearance::mcp::method::{CompletionComplete, Other, SubscriptionsListen};
use clearance::mcp::{Policy, any_valid_token, nobody, requires};
use clearance::scope::AnyOf;
use serde::Deserialize;
use serde_json::{Value, json};

use super::fixture::{EVERYTHING, Site, request, site, tool};
use crate::support::mcp::REVISIONS;
use crate::support::request::{MODERN, Request};
use crate::support::{FilesRead, FilesWrite, Fixture, ScopeA, ScopeB, ToolsRead};

#[derive(Deserialize)]
struct Target {
    #[serde(default)]
    prod: bool,
    #[serde(default)]
    region: String,
}

fn policy() -> Policy<Fixture> {
    Policy::closed().tool(
        "deploy",
        requires::<ScopeA>()
            .when::<(ScopeA, FilesWrite), Target>(|target| target.prod)
            .when::<ScopeB, Target>(|target| target.region == "eu"),
    )
}

fn call(name: &str, arguments: &Value) -> Request {
    let params = json!({ "name": name, "arguments": arguments });
    request(MODERN, "tools/call", &params)
}

/// The same, its arguments written by hand.
fn written(name: &str, arguments: &str) -> Request {
    let call = call(name, &json!("here"));
    let body = call.body.replace("\"here\"", arguments);
    assert_ne!(body, call.body);
    call.body(&body)
}

async fn table(site: &Site, cases: &[(&str, &str, &str)]) {
    for (arguments, scopes, verdict) in cases {
        let asked = written("deploy", arguments);
        let seen = site.ask(&asked, scopes).await;
        assert_eq!(seen, *verdict, "{arguments} with {scopes:?}");
    }
}

/// RS-086: what a service that knows no case could take for a member is not decided about.
#[tokio::test]
async fn members_in_another_case_are_refused() {
    let site = site(policy()).await;
    table(
        &site,
        &[
            (r#"{"PROD":true}"#, EVERYTHING, "400 -32602"),
            (r#"{"prod":false,"Prod":true}"#, EVERYTHING, "400 -32602"),
            (r#"{"x":{"y":[{"Region":"eu"}]}}"#, EVERYTHING, "400 -32602"),
            (r#"{"x":1,"X":2}"#, EVERYTHING, "400 -32602"),
            ("{\"reg\u{131}on\":\"eu\"}", EVERYTHING, "400 -32602"),
            (r#"{"product":true,"Regions":["eu"]}"#, "a", "passed"),
        ],
    )
    .await;
}

/// RS-087, RS-092: the challenge has all that these arguments demand.
#[tokio::test]
async fn arguments_choose_what_is_demanded() {
    let site = site(policy()).await;
    table(
        &site,
        &[
            ("{}", "a", "passed"),
            ("{}", "b", "lacks a b"),
            (r#"{"prod":false}"#, "a", "passed"),
            (r#"{"prod":false}"#, "files:write", "lacks a files:write"),
            (r#"{"prod":true}"#, "a", "lacks a files:write"),
            (r#"{"prod":true}"#, "", "lacks a files:write"),
            (r#"{"prod":true}"#, "a files:write", "passed"),
            (r#"{"region":"eu"}"#, "b", "passed"),
            (r#"{"region":"eu"}"#, "a", "lacks b a"),
            (r#"{"region":"us"}"#, "a", "passed"),
            // The first that is true counts.
            (
                r#"{"prod":true,"region":"eu"}"#,
                "b",
                "lacks a files:write b",
            ),
            (r#"{"prod":true,"region":"eu"}"#, "a files:write", "passed"),
            // What the rule does not read may be anything that is clear.
            (
                r#"{"prod":false,"more":[{"prod":true},null,1e3]}"#,
                "a",
                "passed",
            ),
            // However it is written, it is the same.
            (r#"{ "pr\u006fd" : true }"#, "a", "lacks a files:write"),
        ],
    )
    .await;
    // No arguments are those with nothing in them.
    for revision in REVISIONS {
        let asked = request(revision, "tools/call", &json!({ "name": "deploy" }));
        assert_eq!(site.ask(&asked, "a").await, "passed");
        assert_eq!(site.ask(&asked, "b").await, "lacks a b");
    }
}

/// What two readers could read differently is refused, whatever it would demand.
#[tokio::test]
async fn a_member_that_stands_twice_is_refused_at_every_depth() {
    let site = site(policy()).await;
    let all = [
        r#"{"prod":false,"prod":false}"#,
        r#"{"prod":true,"prod":false}"#,
        r#"{"prod":false,"prod":true}"#,
        r#"{"prod":false,"pr\u006fd":true}"#,
        r#"{"\u0070rod":false,"\u0070rod":false}"#,
        r#"{"other":1,"other":1}"#,
        r#"{"":1,"":2}"#,
        r#"{"prod":false,"deep":{"x":1,"x":1}}"#,
        r#"{"prod":false,"deep":[0,[{"y":{"x":1,"x":2}}]]}"#,
    ];
    for arguments in all {
        for scopes in ["a", "b", "a files:write", EVERYTHING] {
            let asked = written("deploy", arguments);
            assert_eq!(site.ask(&asked, scopes).await, "400 -32602", "{arguments}");
        }
    }
    // Nobody can tell what stands in what is too deep.
    let deep = format!(r#"{{"deep":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
    assert_ne!(
        site.ask(&written("deploy", &deep), EVERYTHING).await,
        "passed"
    );
    let shallow = format!(r#"{{"deep":{}1{}}}"#, "[".repeat(50), "]".repeat(50));
    assert_eq!(site.ask(&written("deploy", &shallow), "a").await, "passed");
}

/// What the rule cannot read it does not decide about.
#[tokio::test]
async fn arguments_that_do_not_fit_are_refused() {
    let site = site(policy()).await;
    for arguments in [
        r#"{"prod":"yes"}"#,
        r#"{"prod":1}"#,
        r#"{"prod":null}"#,
        r#"{"region":7}"#,
        // A later test of the rule cannot read what an earlier one is content with.
        r#"{"prod":true,"region":[]}"#,
        // Derived readers take members by their position.
        "[]",
        r#"[true,"eu"]"#,
        "[false]",
        "null",
        "true",
        "3",
        r#""{\"prod\":false}""#,
    ] {
        let asked = written("deploy", arguments);
        assert_eq!(
            site.ask(&asked, EVERYTHING).await,
            "400 -32602",
            "{arguments}"
        );
        assert_eq!(site.ask(&asked, "a").await, "400 -32602", "{arguments}");
    }
}

/// Who could not call the tool with any arguments is told what it demands, and not what it reads.
#[tokio::test]
async fn who_has_no_scope_of_the_rule_learns_nothing_of_its_arguments() {
    let site = site(policy()).await;
    for arguments in [
        "{}",
        r#"{"prod":false}"#,
        r#"{"prod":"yes"}"#,
        r#"{"prod":true,"prod":false}"#,
        r#"{"deep":{"x":1,"x":1}}"#,
        "[]",
        "null",
    ] {
        let asked = written("deploy", arguments);
        for (scopes, verdict) in [
            ("", "lacks a"),
            ("files:read", "lacks a files:read"),
            // A part of a set is not the set.
            ("files:write", "lacks a files:write"),
        ] {
            assert_eq!(site.ask(&asked, scopes).await, verdict, "{arguments}");
        }
        // The answers are the same bytes, but for the number of the request.
        let answer = site.send(&asked, &site.scoped("").mint()).await;
        let plain = site
            .send(&call("deploy", &json!({})), &site.scoped("").mint())
            .await;
        assert_eq!(
            answer.header("www-authenticate"),
            plain.header("www-authenticate")
        );
        assert_eq!(answer.body.len(), plain.body.len());
    }
    assert!(site.log.take().is_empty());
}

/// Rules without such a test leave arguments alone.
#[tokio::test]
async fn other_rules_do_not_look_at_arguments() {
    let site = site(Policy::<Fixture>::closed().tool("deploy", requires::<ScopeA>())).await;
    table(
        &site,
        &[
            (r#"{"prod":true,"prod":false}"#, "a", "passed"),
            (r#"{"prod":"yes"}"#, "a", "passed"),
            ("[]", "a", "passed"),
            ("null", "a", "passed"),
        ],
    )
    .await;
}

#[derive(Deserialize)]
struct Read {
    uri: String,
}

#[derive(Deserialize)]
struct Index {
    all: Option<bool>,
}

#[derive(Deserialize)]
struct Greeting {
    language: String,
}

/// Prompts have arguments; of methods and resources the parameters are read.
#[tokio::test]
async fn prompts_methods_and_resources_have_such_rules_too() {
    let greeting = any_valid_token().when::<ScopeA, Greeting>(|of| of.language == "de");
    let index = requires::<ScopeA>().when::<ScopeB, Index>(|index| index.all == Some(true));
    let read = requires::<ScopeA>().when::<ScopeB, Read>(|read| read.uri.contains("draft"));
    let policy = Policy::<Fixture>::closed()
        .prompt("greeting", greeting)
        .method(Other("example/index"), index)
        .resource("file:///pub/*", read);
    let site = site(policy).await;
    let prompt = |arguments: Value| {
        let params = json!({ "name": "greeting", "arguments": arguments });
        request(MODERN, "prompts/get", &params)
    };
    for (asked, scopes, verdict) in [
        (prompt(json!({ "language": "fr" })), "", "passed"),
        (prompt(json!({ "language": "de" })), "", "lacks a"),
        (prompt(json!({ "language": "de" })), "a", "passed"),
        // Everybody may get the prompt, so everybody is told.
        (prompt(json!({})), "", "400 -32602"),
        (request(MODERN, "example/index", &json!({})), "a", "passed"),
        (
            request(MODERN, "example/index", &json!({ "all": true })),
            "a",
            "lacks b a",
        ),
        (
            request(MODERN, "example/index", &json!({ "all": true })),
            "b",
            "passed",
        ),
        (
            request(MODERN, "example/index", &json!({ "all": 1 })),
            "b",
            "400 -32602",
        ),
        (super::fixture::read("file:///pub/a"), "a", "passed"),
        (super::fixture::read("file:///pub/draft"), "a", "lacks b a"),
        (super::fixture::read("file:///pub/draft"), "b", "passed"),
    ] {
        assert_eq!(
            site.ask(&asked, scopes).await,
            verdict,
            "{} {scopes}",
            asked.body
        );
    }
}

/// Where there are no arguments of its own, a rule demands every set that it names: others, which
/// anybody can add to a request, are not taken for them.
#[tokio::test]
async fn a_rule_does_not_read_the_arguments_of_another_call() {
    let greeting = requires::<ScopeA>().when::<ScopeB, Greeting>(|of| of.language == "de");
    let read = requires::<ScopeA>().when::<ScopeB, Read>(|read| read.uri.contains("draft"));
    let policy = Policy::<Fixture>::closed()
        .prompt("greeting", greeting)
        .method(CompletionComplete, any_valid_token())
        .method(SubscriptionsListen, any_valid_token())
        .resource("file:///pub/*", read);
    let site = site(policy).await;
    let listen = json!({
        "notifications": { "resourceSubscriptions": ["file:///pub/draft"] },
        "uri": "file:///pub/plain"
    });
    let prompt = json!({
        "ref": { "type": "ref/prompt", "name": "greeting" },
        "language": "fr"
    });
    let template = json!({
        "ref": { "type": "ref/resource", "uri": "file:///pub/{name}" },
        "uri": "file:///pub/plain"
    });
    for (method, params) in [
        ("subscriptions/listen", listen),
        ("completion/complete", prompt),
        ("completion/complete", template),
    ] {
        let asked = request(MODERN, method, &params);
        let verdict = site.ask(&asked, "a").await;
        assert_eq!(verdict, "lacks b a", "{params}");
        assert_eq!(site.ask(&asked, "a b").await, "passed", "{params}");
    }
}

/// RS-119: a batch is decided about as a whole, by the arguments of each of its calls.
#[tokio::test]
async fn each_call_of_a_batch_has_its_own_arguments() {
    let site = site(policy()).await;
    let batch = |first: &Value, second: &Value| {
        let call = |id: u64, arguments: &Value| {
            json!({
                "jsonrpc": "2.0", "id": id, "method": "tools/call",
                "params": { "name": "deploy", "arguments": arguments }
            })
        };
        Request::new("2025-03-26", "ping")
            .body(&json!([call(1, first), call(2, second)]).to_string())
    };
    let (test, prod) = (json!({ "prod": false }), json!({ "prod": true }));
    let status = async |request: &Request, scopes: &str| {
        let answer = site.send(request, &site.scoped(scopes).mint()).await;
        let scopes = answer
            .header("www-authenticate")
            .map(|_| answer.challenge());
        let scopes = scopes.and_then(|of| of.into_iter().find(|(name, _)| name == "scope"));
        (
            answer.status,
            scopes.map(|(_, scopes)| scopes),
            site.log.take().len(),
        )
    };
    let lacks = |scopes: &str| (403, Some(scopes.to_owned()), 0);
    assert_eq!(status(&batch(&test, &test), "a").await, (200, None, 1));
    assert_eq!(
        status(&batch(&test, &prod), "a").await,
        lacks("a files:write")
    );
    assert_eq!(
        status(&batch(&prod, &test), "a").await,
        lacks("a files:write")
    );
    assert_eq!(
        status(&batch(&prod, &test), "a files:write").await,
        (200, None, 1)
    );
    assert_eq!(status(&batch(&test, &json!([])), "a").await, (400, None, 0));
}

#[tokio::test]
async fn other_sets_than_single_scopes_are_chosen_as_well() {
    let rule = requires::<AnyOf<(ScopeA, ScopeB)>>()
        .when::<(FilesRead, AnyOf<(ToolsRead, ScopeB)>), Target>(|target| target.prod);
    let policy = Policy::<Fixture>::closed()
        .tool("deploy", rule)
        .tool("off", nobody());
    let site = site(policy).await;
    table(
        &site,
        &[
            ("{}", "b", "passed"),
            ("{}", "files:read", "lacks a files:read"),
            (r#"{"prod":true}"#, "a", "lacks files:read mcp:tools.read a"),
            (
                r#"{"prod":true}"#,
                "files:read a",
                "lacks files:read mcp:tools.read a",
            ),
            (r#"{"prod":true}"#, "files:read b", "passed"),
            (r#"{"prod":true}"#, "mcp:admin mcp:tools.read", "passed"),
        ],
    )
    .await;
    assert_eq!(site.ask(&tool("off"), EVERYTHING).await, "closed");
}
