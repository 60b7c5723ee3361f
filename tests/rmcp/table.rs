//! Every operation of the files server against every set of scopes, in every mode.

use serde_json::{Value, json};

use super::stage::{Mode, Stage, assert_challenges, last, stage};

/// What is called, with which parameters, the sets that may, and what a challenge asks for.
type Row = (&'static str, Value, fn(&str) -> bool, &'static str);

fn has(scopes: &str, scope: &str) -> bool {
    scopes
        .split(' ')
        .any(|known| known == scope || known == "mcp:admin" && scope.starts_with("files:"))
}

fn rows() -> Vec<Row> {
    let file = json!({ "arguments": { "path": "a.txt" } });
    let reads = |scopes: &str| has(scopes, "files:read");
    vec![
        ("tools/call whoami", json!({}), |_| true, ""),
        ("tools/call read", file.clone(), reads, "files:read"),
        (
            "tools/call write",
            file.clone(),
            |scopes| has(scopes, "files:read") && has(scopes, "files:write"),
            "files:read files:write",
        ),
        (
            "tools/call either",
            json!({}),
            |scopes| has(scopes, "a") || has(scopes, "b"),
            "a",
        ),
        (
            "tools/call delete",
            json!({}),
            |scopes| has(scopes, "mcp:admin"),
            "mcp:admin",
        ),
        ("tools/call copy", json!({}), reads, "files:read"),
        ("prompts/get hello", json!({}), |_| true, ""),
        ("prompts/get greet", file, reads, "files:read"),
        ("resources/read file:///readme", json!({}), |_| true, ""),
        (
            "resources/read file:///pub/a",
            json!({}),
            reads,
            "files:read",
        ),
        (
            "resources/read file:///private/a/b",
            json!({}),
            |scopes| has(scopes, "mcp:admin"),
            "mcp:admin",
        ),
        ("tools/list", json!({}), |_| true, ""),
        ("prompts/list", json!({}), |_| true, ""),
        ("resources/list", json!({}), |_| true, ""),
        ("resources/templates/list", json!({}), |_| true, ""),
    ]
}

const SETS: [&str; 7] = [
    "",
    "files:read",
    "files:write",
    "files:read files:write",
    "a",
    "files:read b",
    "mcp:admin",
];

#[tokio::test]
async fn what_may_be_called_is_called_and_nothing_else() {
    for mode in Mode::ALL {
        let stage = stage(mode).await;
        for row in rows() {
            for scopes in SETS {
                judge(&stage, &row, scopes).await;
            }
        }
    }
}

async fn judge(stage: &Stage, (call, params, may, needed): &Row, scopes: &str) {
    stage.server.log.take();
    let answer = stage.call(call, params, scopes).await;
    let ran = stage.server.log.take();
    let about = format!("{:?} {call} {scopes:?} {answer:?}", stage.mode);
    if may(scopes) {
        assert_eq!(answer.status, 200, "{about}");
        assert!(last(&answer).get("result").is_some(), "{about}");
        return;
    }
    // What the operation needs, then what the token has.
    let mut asked: Vec<_> = needed.split(' ').collect();
    for own in scopes.split(' ').filter(|own| !own.is_empty()) {
        if !asked.contains(&own) {
            asked.push(own);
        }
    }
    assert_challenges(&answer, &asked.join(" "));
    assert!(ran.is_empty(), "{about}");
}

/// A caller without the scope does not learn what the arguments should be.
#[tokio::test]
async fn arguments_are_looked_at_after_the_scope() {
    for mode in Mode::ALL {
        let stage = stage(mode).await;
        let wrong = json!({ "path": 5 });
        let answer = stage.tool("read", &wrong, "").await;
        assert_challenges(&answer, "files:read");
        let answer = stage.tool("read", &wrong, "files:read").await;
        let result = &last(&answer)["result"];
        assert_eq!(result["isError"], true, "{mode:?} {answer:?}");
        assert!(stage.server.log.take().is_empty());
    }
}

#[tokio::test]
async fn variables_of_templates_reach_the_method() {
    let stage = stage(Mode::Sessions).await;
    let uri = "file:///pub/a%20b";
    let answer = stage
        .call(&format!("resources/read {uri}"), &json!({}), "files:read")
        .await;
    let text = &last(&answer)["result"]["contents"][0]["text"];
    assert_eq!(text, &format!("a b at {uri}"), "{answer:?}");
}

#[tokio::test]
async fn names_that_are_not_there_are_closed() {
    for mode in Mode::ALL {
        let stage = stage(mode).await;
        for call in [
            "tools/call shell",
            "prompts/get other",
            "resources/read file:///etc/passwd",
        ] {
            let answer = stage.call(call, &json!({}), "mcp:admin a b").await;
            assert_eq!(answer.status, 403, "{mode:?} {call} {answer:?}");
            assert!(answer.header("www-authenticate").is_none());
        }
    }
}
