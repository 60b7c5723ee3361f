//! Every operation of the files server against every set of scopes, in every mode.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::files::Files;
use super::late::assert_refused;
use super::stage::{Mode, Stage, assert_challenges, last, open, stage, stage_with};
use crate::support::plain;

/// One operation.
struct Row {
    call: &'static str,
    params: Value,
    may: fn(&Scopes) -> bool,
    /// What a challenge asks for.
    needed: &'static str,
    /// What is written into the log when it runs; nothing for what does not write.
    ran: Option<&'static str>,
    /// Whether the handler asks by itself, when it knows its arguments.
    is_late: bool,
}

type Scopes = BTreeSet<&'static str>;

const ALL: [&str; 5] = ["files:read", "files:write", "mcp:admin", "a", "b"];

/// All sets of scopes, in the vocabulary's order.
fn sets() -> impl Iterator<Item = Vec<&'static str>> {
    (0..1_u32 << ALL.len()).map(|bits| {
        let has = |place: &usize| bits & (1 << place) != 0;
        (0..ALL.len()).filter(has).map(|place| ALL[place]).collect()
    })
}

/// Whether a token of these scopes grants this one: `mcp:admin` includes those about files.
fn has(scopes: &Scopes, scope: &str) -> bool {
    scopes.contains(scope) || scope.starts_with("files:") && scopes.contains("mcp:admin")
}

fn anybody(_: &Scopes) -> bool {
    true
}

fn reads(scopes: &Scopes) -> bool {
    has(scopes, "files:read")
}

fn writes(scopes: &Scopes) -> bool {
    reads(scopes) && has(scopes, "files:write")
}

fn administers(scopes: &Scopes) -> bool {
    has(scopes, "mcp:admin")
}

fn row(
    call: &'static str,
    params: Value,
    may: fn(&Scopes) -> bool,
    needed: &'static str,
    ran: impl Into<Option<&'static str>>,
) -> Row {
    Row {
        call,
        params,
        may,
        needed,
        ran: ran.into(),
        is_late: false,
    }
}

fn late(row: Row) -> Row {
    Row {
        is_late: true,
        ..row
    }
}

fn rows() -> Vec<Row> {
    let none = || json!({});
    let file = || json!({ "arguments": { "path": "a.txt" } });
    let over = json!({ "arguments": { "over": true } });
    let completion = json!({
        "ref": { "type": "ref/prompt", "name": "hello" },
        "argument": { "name": "path", "value": "a" }
    });
    let public = "resources/read file:///pub/a";
    let private = "resources/read file:///private/a/b";
    let either = |scopes: &Scopes| has(scopes, "a") || has(scopes, "b");
    let both = "files:read files:write";
    vec![
        row("tools/call whoami", none(), anybody, "", "whoami"),
        row("tools/call read", file(), reads, "files:read", "read"),
        row("tools/call write", file(), writes, both, "write"),
        row("tools/call either", none(), either, "a", "either"),
        row(
            "tools/call delete",
            none(),
            administers,
            "mcp:admin",
            "delete",
        ),
        row("tools/call copy", none(), reads, "files:read", "copy"),
        late(row("tools/call copy", over, writes, "files:write", "copy")),
        late(row(
            "tools/call report",
            none(),
            writes,
            "files:write",
            "report",
        )),
        row("tools/call shrug", file(), reads, "files:read", "shrug"),
        row("tools/call echo", file(), reads, "files:read", None),
        row("tools/call shout", file(), reads, "files:read", None),
        row("prompts/get hello", none(), anybody, "", "hello"),
        row("prompts/get greet", file(), reads, "files:read", "greet"),
        row("prompts/get wave", none(), reads, "files:read", "wave"),
        row("prompts/get ask", none(), reads, "files:read", None),
        row("prompts/get beg", none(), reads, "files:read", None),
        row(
            "resources/read file:///readme",
            none(),
            anybody,
            "",
            "readme",
        ),
        row(public, none(), reads, "files:read", "public"),
        row(private, none(), administers, "mcp:admin", "private"),
        late(row(
            "completion/complete",
            completion,
            |scopes| has(scopes, "b"),
            "b",
            "complete",
        )),
        row("tools/list", none(), anybody, "", None),
        row("prompts/list", none(), anybody, "", None),
        row("resources/list", none(), anybody, "", None),
        row("resources/templates/list", none(), anybody, "", None),
    ]
}

#[tokio::test]
async fn what_may_be_called_is_called_and_nothing_else() {
    for mode in Mode::ALL {
        let stage = stage(mode).await;
        for row in rows() {
            for scopes in sets() {
                judge(&stage, &row, &scopes).await;
            }
        }
    }
}

async fn judge(stage: &Stage, row: &Row, scopes: &[&'static str]) {
    let text = scopes.join(" ");
    stage.server.log.take();
    let answer = stage.call(row.call, &row.params, &text).await;
    let ran = stage.server.log.take();
    let about = format!("{:?} {} {text:?} {answer:?}", stage.mode, row.call);
    let scopes: Scopes = scopes.iter().copied().collect();
    if (row.may)(&scopes) {
        assert_eq!(answer.status, 200, "{about}");
        let message = last(&answer);
        let result = message.get("result").unwrap_or_else(|| panic!("{about}"));
        assert_ne!(result["isError"], true, "{about}");
        assert_eq!(ran, Vec::from_iter(row.ran), "{about}");
        return;
    }
    assert!(ran.is_empty(), "{about}");
    // What the policy demands comes first, and the layer says so; then what a handler asks for.
    let of_policy = if row.call.starts_with("tools/") {
        "files:read"
    } else {
        ""
    };
    let lacks_more = row.is_late && !of_policy.is_empty() && !reads(&scopes);
    let needed = if lacks_more { of_policy } else { row.needed };
    // What the operation needs, then what the token has.
    let mut asked: Vec<_> = needed.split(' ').collect();
    asked.extend(ALL.into_iter().filter(|own| scopes.contains(own)));
    let mut seen = BTreeSet::new();
    asked.retain(|scope| seen.insert(*scope));
    let asked = asked.join(" ");
    if row.is_late && !lacks_more {
        assert_refused(stage.mode, &answer, &asked);
    } else {
        assert_challenges(&answer, &asked);
    }
}

#[tokio::test]
async fn functions_are_called_as_methods_are() {
    let stage = stage(Mode::Modern).await;
    let file = json!({ "arguments": { "path": "it" } });
    for (call, said) in [
        ("tools/call echo", "echo it"),
        ("tools/call shout", "shout it"),
    ] {
        let answer = stage.call(call, &file, "files:read").await;
        assert_eq!(last(&answer)["result"]["content"][0]["text"], said);
    }
    for (call, said) in [
        ("prompts/get ask", "ask"),
        ("prompts/get beg", "beg"),
        ("prompts/get wave", "wave"),
    ] {
        let answer = stage.call(call, &json!({}), "files:read").await;
        let message = &last(&answer)["result"]["messages"][0];
        assert_eq!(message["content"]["text"], said, "{answer:?}");
    }
}

/// A caller without the scope does not learn what the arguments should be: neither from the layer, nor,
/// where the policy is open, from the router or from the handler.
#[tokio::test]
async fn arguments_are_looked_at_after_the_scope() {
    let wrong = json!({ "arguments": { "path": 5, "over": 5 } });
    for mode in Mode::ALL {
        let stage = stage(mode).await;
        for call in ["tools/call read", "tools/call copy", "prompts/get greet"] {
            let answer = stage.call(call, &wrong, "a").await;
            assert_challenges(&answer, "files:read a");
        }
        for tool in ["read", "copy"] {
            let answer = stage.tool(tool, &wrong["arguments"], "files:read").await;
            let result = &last(&answer)["result"];
            assert_eq!(result["isError"], true, "{mode:?} {answer:?}");
        }
        let answer = stage.call("prompts/get greet", &wrong, "files:read").await;
        assert!(last(&answer).get("error").is_some(), "{mode:?} {answer:?}");
        assert!(stage.server.log.take().is_empty());

        let server = plain::server().await;
        let files = Files::new(&server.guard, &server.log);
        let stage = stage_with(server, files, open(), mode).await;
        for call in ["tools/call read", "tools/call copy", "prompts/get greet"] {
            let answer = stage.call(call, &wrong, "a").await;
            assert_refused(mode, &answer, "files:read a");
        }
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
