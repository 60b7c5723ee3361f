//! What holds for all names of a method, and what is decided about a URI that no rule names.

use clearance::LayerError;
use clearance::mcp::method::{CompletionComplete, PromptsGet, ResourcesRead, ToolsCall, ToolsList};
use clearance::mcp::{Kind, Policy, PolicyError, any_valid_token, nobody, requires};
use clearance::{AuthorizationLayer, Authorized};
use serde_json::json;

use super::fixture::{EVERYTHING, guard, request, site};
use crate::support::http::parts_with;
use crate::support::mcp::REVISIONS;
use crate::support::request::Request;
use crate::support::{self, Fixture, ScopeA, ScopeB, plain};

/// One call of each kind.
fn calls(revision: &str) -> [Request; 3] {
    [
        request(revision, "tools/call", &json!({ "name": "x" })),
        request(revision, "prompts/get", &json!({ "name": "x" })),
        request(revision, "resources/read", &json!({ "uri": "file:///x" })),
    ]
}

/// RS-092: a method that is for nobody is for nobody under any name; its scopes give way to a name's.
#[tokio::test]
async fn a_method_for_nobody_has_no_name_for_anybody() {
    let named = || {
        Policy::<Fixture>::closed()
            .tool("x", any_valid_token())
            .prompt("x", any_valid_token())
            .resource("file:///x", any_valid_token())
    };
    let open = site(named()).await;
    let closed = named()
        .method(ToolsCall, nobody())
        .method(PromptsGet, nobody())
        .method(ResourcesRead, nobody());
    let closed = site(closed).await;
    let mine = |name: &'static str| {
        let only =
            move || requires::<ScopeA>().only_if(move |auth| auth.subject().as_str() == name);
        named()
            .method(ToolsCall, only())
            .method(PromptsGet, only())
            .method(ResourcesRead, only())
    };
    let (own, other) = (site(mine("alice")).await, site(mine("bob")).await);
    for revision in REVISIONS {
        for call in calls(revision) {
            assert_eq!(open.ask(&call, "").await, "passed");
            assert_eq!(closed.ask(&call, EVERYTHING).await, "closed");
            let alice = own.scoped("").subject("alice").mint();
            assert_eq!(own.ask_with(&call, &alice).await, "passed");
            assert_eq!(other.ask(&call, EVERYTHING).await, "closed");
        }
    }
}

/// A rule of one's own takes the place of the standard one, and no other.
#[tokio::test]
async fn a_second_rule_for_a_method_is_an_error() {
    let issuer = support::issuer(&support::clock()).await;
    let policy = Policy::<Fixture>::closed()
        .method(ToolsList, requires::<ScopeA>())
        .method(ToolsList, any_valid_token());
    let guard = guard(&issuer).await;
    let layer = AuthorizationLayer::builder(&guard, policy).seal_keys(plain::keys());
    let error = layer.build().expect_err("two rules");
    assert!(
        matches!(
            &error,
            LayerError::Policy(PolicyError::Duplicate { name, .. }) if &**name == "tools/list"
        ),
        "{error}"
    );
}

/// RS-093: what a rule names but for a slash at the end does not fall to the rest.
#[tokio::test]
async fn a_slash_at_the_end_does_not_step_over_a_rule() {
    let policy = Policy::<Fixture>::closed()
        .resource("file:///secret", requires::<ScopeA>())
        .resource("file:///hidden/*", requires::<ScopeB>())
        .resources(any_valid_token());
    let site = site(policy).await;
    for (uri, verdict) in [
        ("file:///secret", "lacks a"),
        ("file:///secret/", "lacks a"),
        ("file:///secret/.", "lacks a"),
        ("file:///hidden", "lacks b"),
        ("file:///hidden/", "lacks b"),
        ("file:///hidden/x", "lacks b"),
        ("file:///hidden?x", "lacks b"),
        ("file:///hidden/x?y", "lacks b"),
        ("file:///secret?x", "lacks a"),
        ("file:///secret/?x", "lacks a"),
        ("file:///secret?", "closed"),
        ("file:///other/", "passed"),
        ("file:///", "passed"),
        ("file:/secret", "closed"),
        ("file://localhost/secret", "closed"),
        ("https:/host/x", "closed"),
        ("https://host:0443/x", "closed"),
    ] {
        for revision in REVISIONS {
            let asked = request(revision, "resources/read", &json!({ "uri": uri }));
            assert_eq!(site.ask(&asked, "").await, verdict, "{uri}");
        }
    }
}

/// RS-093: a broader rule does not stand in for one that another reading of the URI meets.
#[tokio::test]
async fn a_query_or_a_slash_does_not_step_to_a_broader_rule() {
    let policy = Policy::<Fixture>::closed()
        .resource("file:///*", any_valid_token())
        .resource("file:///secret/{name}", requires::<ScopeA>())
        .resource("file:///list", any_valid_token())
        .resource("file:///list/*", requires::<ScopeB>())
        .resource("file:///hidden/*", requires::<ScopeB>())
        .resource("db://h/{t}/{k}/secret", requires::<ScopeA>())
        .resource("db://h/*", any_valid_token());
    let site = site(policy).await;
    for (uri, verdict) in [
        ("file:///secret/key", "lacks a"),
        ("file:///secret/key/", "lacks a"),
        ("file:///secret/key?x=1", "lacks a"),
        ("file:///secret/key/?x=1", "lacks a"),
        ("file:///secret/key?", "closed"),
        ("file:///secret/key/more", "passed"),
        // What is more precise counts.
        ("file:///list", "passed"),
        ("file:///list/", "lacks b"),
        ("file:///list/a", "lacks b"),
        ("file:///list?x", "passed"),
        ("file:///other?x", "passed"),
        ("file:///hidden", "lacks b"),
        ("file:///hidden?x", "lacks b"),
        ("file:///hidden/", "lacks b"),
        ("db://h/a/../secret", "lacks a"),
        ("db://h/a/../secret?x", "lacks a"),
        ("db://h/a/../secret/", "lacks a"),
        ("db://h/a/../other", "passed"),
    ] {
        for revision in REVISIONS {
            let asked = request(revision, "resources/read", &json!({ "uri": uri }));
            assert_eq!(site.ask(&asked, "").await, verdict, "{uri}");
        }
    }
}

/// A text that is longer than any URI is looked at once.
#[tokio::test]
async fn long_references_are_refused_at_once() {
    let policy = Policy::<Fixture>::closed()
        .method(CompletionComplete, any_valid_token())
        .resource("file:///pub/{name}", any_valid_token());
    let site = site(policy).await;
    for uri in [
        format!("a:{}", "/".repeat(4 << 20 >> 1)),
        "/{x}".repeat(1 << 19),
        format!("file:///{}", "{".repeat(1 << 20)),
    ] {
        let reference = json!({ "ref": { "type": "ref/resource", "uri": uri } });
        let asked = request("2025-11-25", "completion/complete", &reference);
        assert_eq!(site.ask(&asked, "").await, "closed");
    }
}

/// RS-092: a template is decided about by all rules that it could meet.
#[tokio::test]
async fn a_template_meets_all_that_it_could_stand_for() {
    let policy = Policy::<Fixture>::closed()
        .method(CompletionComplete, any_valid_token())
        .resource("file:///pub/a", requires::<ScopeA>())
        .resource("file:///{dir}/b", requires::<ScopeB>())
        .completion_of_resource("file:///off/{x}", nobody())
        .resources(any_valid_token());
    let site = site(policy).await;
    for (uri, verdict) in [
        ("file:///pub/a", "lacks a"),
        ("file:///pub/{x}", "lacks a b"),
        ("file:///pub/{+x}", "lacks a b"),
        ("file:///pub/x{x}", "lacks a b"),
        ("file:///pub/{x}/y", "passed"),
        ("file:///priv/{x}", "lacks b"),
        ("file:///priv/c", "passed"),
        ("file:///off/{y}", "closed"),
        ("file:///{y}/c", "closed"),
        ("file:///{+all}", "closed"),
        ("{+all}", "closed"),
        // As it is read: without its query, or its slash at the end.
        ("file:///pub/a?x={y}", "lacks a b"),
        ("file:///priv/{x}/", "lacks b"),
        ("no uri", "closed"),
        ("db:/x", "closed"),
    ] {
        let reference = json!({ "ref": { "type": "ref/resource", "uri": uri } });
        for revision in REVISIONS {
            let asked = request(revision, "completion/complete", &reference);
            assert_eq!(site.ask(&asked, "").await, verdict, "{uri}");
        }
    }
}

/// RS-092: a template that is spelled as a rule is meets the more precise rules inside it, and no others.
#[tokio::test]
async fn a_template_meets_the_rules_inside_it() {
    let policy = Policy::<Fixture>::closed()
        .method(CompletionComplete, any_valid_token())
        .resource("file:///secret/{name}", requires::<ScopeA>())
        .resource("file:///pub/{*path}", requires::<ScopeB>())
        .resource("file:///{*path}", any_valid_token())
        .resource("db:///*", nobody());
    let site = site(policy).await;
    for (uri, verdict) in [
        ("file:///{*path}", "lacks b a"),
        ("file:///secret/{name}", "lacks a"),
        ("file:///pub/{*other}", "lacks b"),
        ("file:///pub/{name}", "lacks b"),
        ("file:///other/{name}", "passed"),
        ("FILE:///secret/{name}", "lacks a"),
        // A named rest is no folder and no query.
        ("file:///secret/{name}/", "closed"),
        ("file:///secret/a?x={y}", "closed"),
        ("db:///{name}", "closed"),
    ] {
        let reference = json!({ "ref": { "type": "ref/resource", "uri": uri } });
        for revision in REVISIONS {
            let asked = request(revision, "completion/complete", &reference);
            assert_eq!(site.ask(&asked, "").await, verdict, "{uri}");
        }
    }
}

/// What lets some callers alone complete holds for rules about completions as well.
#[tokio::test]
async fn a_gate_holds_for_completions() {
    let prompt = json!({ "ref": { "type": "ref/prompt", "name": "x" } });
    let resource = json!({ "ref": { "type": "ref/resource", "uri": "file:///{x}" } });
    let rules = || {
        Policy::<Fixture>::closed()
            .method(CompletionComplete, any_valid_token())
            .completion_of_prompt("x", any_valid_token())
            .completion_of_resource("file:///{x}", any_valid_token())
    };
    let gated = || {
        Policy::<Fixture>::closed()
            .method(CompletionComplete, nobody())
            .completion_of_prompt("x", any_valid_token())
            .completion_of_resource("file:///{x}", any_valid_token())
    };
    for (policy, of_prompt, of_resource) in [
        (rules(), "passed", "passed"),
        (gated(), "closed", "closed"),
        (rules().method(PromptsGet, nobody()), "closed", "passed"),
        (rules().method(ResourcesRead, nobody()), "passed", "closed"),
    ] {
        let site = site(policy).await;
        for (reference, verdict) in [(&prompt, of_prompt), (&resource, of_resource)] {
            let asked = request("2025-11-25", "completion/complete", reference);
            assert_eq!(site.ask(&asked, EVERYTHING).await, verdict, "{reference}");
        }
    }
}

/// What is shown of completions is what can be completed.
#[tokio::test]
async fn completions_are_shown_to_who_may_complete() {
    let issuer = support::issuer(&support::clock()).await;
    let guard = guard::<Fixture>(&issuer).await;
    let token = issuer.token().scope("a").mint();
    let proof = guard.authorize(&mut parts_with(&token)).await;
    let proof: Authorized<()> = proof.expect("a valid token");
    let names = Policy::<Fixture>::closed()
        .prompt("open", any_valid_token())
        .prompt("other", requires::<ScopeB>())
        .prompt("own", nobody())
        .completion_of_prompt("own", requires::<ScopeA>())
        .resource("file:///open/{x}", any_valid_token())
        .resource("file:///other/{x}", requires::<ScopeB>())
        .completion_of_resource("file:///own/{x}", requires::<ScopeA>());
    let open = || {
        names
            .clone()
            .method(CompletionComplete, requires::<ScopeA>())
    };
    let lacking = || {
        names
            .clone()
            .method(CompletionComplete, requires::<ScopeB>())
    };
    let gated = || {
        open()
            .method(PromptsGet, nobody())
            .method(ResourcesRead, nobody())
    };
    for (policy, expected) in [
        (open(), "open own file:///open/{y} file:///own/{y}"),
        (lacking(), "own file:///own/{y}"),
        (names.clone(), ""),
        (gated(), ""),
    ] {
        let prompts = ["open", "other", "own", "none"];
        let mut shown: Vec<_> = policy
            .visible(Kind::PromptCompletion, &proof, prompts)
            .collect();
        let resources =
            ["open", "other", "own", "none"].map(|name| format!("file:///{name}/{{y}}"));
        let resources = policy.visible(Kind::ResourceCompletion, &proof, &resources);
        shown.extend(resources.map(String::as_str));
        assert_eq!(shown.join(" "), expected);
    }
}
