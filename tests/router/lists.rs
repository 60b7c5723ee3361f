//! Lists: what the token grants, in the order of registration; and which template a URI is for.

use clearance::Authorized;
use clearance::mcp::method::{ResourcesTemplatesList, ToolsList};
use clearance::mcp::{self, CallError, Params, Prompt, Resource, Tool, ToolError, ToolsExecute};
use clearance::scope::AnyOf;
use serde_json::{Value, json};

use super::fixture::{BOTH, FilesDelete, FilesRead, IN_BAND, LISTS, Site, new, old, site};

async fn any(_: Authorized<()>) -> Result<(), ToolError> {
    Ok(())
}

async fn execute(_: Authorized<ToolsExecute>) -> Result<(), ToolError> {
    Ok(())
}

async fn delete(_: Authorized<(FilesRead, FilesDelete)>) -> Result<(), ToolError> {
    Ok(())
}

async fn either(_: Authorized<AnyOf<(FilesRead, FilesDelete)>>) -> Result<(), ToolError> {
    Ok(())
}

async fn text(_: Authorized<FilesRead>) -> Result<String, CallError> {
    Ok(String::new())
}

async fn open(_: Authorized<()>) -> Result<String, CallError> {
    Ok(String::new())
}

async fn many() -> Site {
    site(|guard| {
        mcp::Router::new(guard)
            .tool("zebra", any)
            .tool("delete", delete)
            .tool("ant", execute)
            .tool("Mole", either)
            .prompt("second", text)
            .prompt("first", open)
            .resource("file:///b", text)
            .resource("file:///pub/{name}", open)
            .resource("file:///a", open)
            .resource("file:///{*path}", text)
    })
    .await
}

#[tokio::test]
async fn they_show_what_the_token_grants_in_the_order_of_registration() {
    let site = many().await;
    for (scope, tools, prompts, resources, templates) in [
        (
            "",
            &["zebra"][..],
            &["first"][..],
            &["file:///a"][..],
            &["file:///pub/{name}"][..],
        ),
        (
            "mcp:tools:execute",
            &["zebra", "ant"],
            &["first"],
            &["file:///a"],
            &["file:///pub/{name}"],
        ),
        (
            "files:read",
            &["zebra", "Mole"],
            &["second", "first"],
            &["file:///b", "file:///a"],
            &["file:///pub/{name}", "file:///{*path}"],
        ),
        (
            "files:read files:delete mcp:tools:execute",
            &["zebra", "delete", "ant", "Mole"],
            &["second", "first"],
            &["file:///b", "file:///a"],
            &["file:///pub/{name}", "file:///{*path}"],
        ),
    ] {
        let token = site.token(format!("{LISTS} {scope}").trim());
        for written in BOTH {
            assert_eq!(site.list(&token, written, "tools/list").await, tools);
            assert_eq!(site.list(&token, written, "prompts/list").await, prompts);
            assert_eq!(
                site.list(&token, written, "resources/list").await,
                resources
            );
            let shown = site.list(&token, written, "resources/templates/list").await;
            assert_eq!(shown, templates);
        }
    }
}

#[tokio::test]
async fn they_demand_their_own_scope() {
    let site = many().await;
    let token = site.token("files:read");
    for written in BOTH {
        for (method, scope) in [
            ("tools/list", "mcp:tools:read"),
            ("prompts/list", "mcp:prompts:list"),
            ("resources/list", "mcp:resources:list"),
            ("resources/templates/list", "mcp:resources:list"),
        ] {
            let reply = site.send(&token, &written(method, json!({}))).await;
            reply.assert_403(&format!("{scope} files:read"));
        }
    }
}

#[tokio::test]
async fn they_demand_what_they_are_told_to() {
    let site = site(|guard| {
        mcp::Router::new(guard)
            .tool("any", any)
            .resource("f:///{x}/a", open)
            .list(ToolsList.demanding::<()>())
            .list(ResourcesTemplatesList.demanding::<FilesDelete>())
    })
    .await;
    let token = site.token("files:read");
    assert_eq!(site.list(&token, new, "tools/list").await, ["any"]);
    let list = new("resources/templates/list", json!({}));
    site.send(&token, &list)
        .await
        .assert_403("files:delete files:read");
    let list = new("resources/list", json!({}));
    site.send(&token, &list)
        .await
        .assert_403("mcp:resources:list files:read");
}

/// What one caller may see is not another's; revisions before 2026-07-28 do not know the words.
#[tokio::test]
async fn they_are_nobody_elses() {
    let site = many().await;
    let token = site.token(LISTS);
    for method in ["tools/list", "prompts/list", "resources/list"] {
        let reply = site.send(&token, &new(method, json!({}))).await;
        assert_eq!(reply.header("cache-control"), "no-store");
        let result = reply.result();
        assert_eq!(result["cacheScope"], "private");
        assert_eq!(result["ttlMs"], 0);
        assert_eq!(result["resultType"], "complete");
        assert_eq!(result.get("nextCursor"), None);
        let reply = site.send(&token, &old(method, json!({}))).await;
        let members = reply.result();
        assert_eq!(members.as_object().expect("a result").len(), 1);
    }
}

/// There is one page, so nobody was given a cursor.
#[tokio::test]
async fn they_have_no_second_page() {
    let site = many().await;
    let token = site.token(LISTS);
    for (written, status) in IN_BAND {
        for cursor in [json!("x"), json!(null), json!("")] {
            let list = written("tools/list", json!({ "cursor": cursor }));
            let error = site.send(&token, &list).await.error();
            assert_eq!(error, (status, -32602, "invalid cursor".to_owned()));
        }
    }
}

#[tokio::test]
async fn they_say_what_was_said_of_each() {
    let site = site(|guard| {
        let schema = json!({ "type": "object", "required": ["path"] });
        let tool = Tool::new("a").title("A").description("Does \"a\".");
        let prompt = Prompt::new("p").argument("x", "which", true);
        let prompt = prompt.argument("y", "how", false).title("P");
        let resource = Resource::new("f:a").name("The file").title("F");
        let resource = resource.description("D").mime_type("text/plain");
        mcp::Router::new(guard)
            .tool(tool.input_schema(schema), any)
            .tool("bare", any)
            .prompt(prompt, open)
            .prompt("bare", open)
            .resource(resource, open)
            .resource(Resource::new("f:///{x}").name("Files"), open)
    })
    .await;
    let token = site.token(LISTS);
    let shown = async |method| site.send(&token, &old(method, json!({}))).await.result();
    let any = json!({ "type": "object" });
    assert_eq!(
        shown("tools/list").await,
        json!({ "tools": [
            {
                "name": "a", "title": "A", "description": "Does \"a\".",
                "inputSchema": { "type": "object", "required": ["path"] },
            },
            { "name": "bare", "inputSchema": any },
        ] })
    );
    assert_eq!(
        shown("prompts/list").await,
        json!({ "prompts": [
            {
                "name": "p", "title": "P", "arguments": [
                    { "name": "x", "description": "which", "required": true },
                    { "name": "y", "description": "how", "required": false },
                ],
            },
            { "name": "bare" },
        ] })
    );
    assert_eq!(
        shown("resources/list").await,
        json!({ "resources": [{
            "name": "The file", "title": "F", "description": "D",
            "uri": "f:a", "mimeType": "text/plain",
        }] })
    );
    assert_eq!(
        shown("resources/templates/list").await,
        json!({ "resourceTemplates": [{ "name": "Files", "uriTemplate": "f:///{x}" }] })
    );
}

/// Each resource says which template it was read by, and what its variables were.
async fn by<const N: usize>(
    _: Authorized<()>,
    Params(variables): Params<Value>,
) -> Result<String, CallError> {
    Ok(format!("{N} {variables}"))
}

#[tokio::test]
async fn the_most_precise_template_decides() {
    // The least precise first: the order of registration does not matter.
    let site = site(|guard| {
        mcp::Router::new(guard)
            .resource("file:///{*rest}", by::<0>)
            .resource("file:///{a}/{b}", by::<1>)
            .resource("file:///pub/{*rest}", by::<2>)
            .resource("file:///pub/{name}", by::<3>)
            .resource("file:///pub/readme", by::<4>)
            .resource("file:///{a}/readme", by::<5>)
            .resource("file:///pub/{a}/{b}", by::<6>)
    })
    .await;
    let token = site.token("files:read");
    for (uri, expected) in [
        ("file:///x", r#"0 {"rest":"x"}"#),
        ("file:///x/y", r#"1 {"a":"x","b":"y"}"#),
        ("file:///x/y/z", r#"0 {"rest":"x/y/z"}"#),
        ("file:///pub/x", r#"3 {"name":"x"}"#),
        ("file:///pub/readme", "4 {}"),
        ("FILE:///pub/./%72eadme", "4 {}"),
        ("file:///x/readme", r#"5 {"a":"x"}"#),
        ("file:///pub/x/y", r#"6 {"a":"x","b":"y"}"#),
        ("file:///pub/x/y/z", r#"2 {"rest":"x/y/z"}"#),
        ("file:///pub/a%20b", r#"3 {"name":"a b"}"#),
        ("file:///pub/%22", r#"3 {"name":"\""}"#),
        ("file:///pub/x/../../y", r#"0 {"rest":"y"}"#),
    ] {
        let read = old("resources/read", json!({ "uri": uri }));
        let result = site.send(&token, &read).await.result();
        assert_eq!(result["contents"][0]["text"], expected, "{uri}");
    }
    // What has no one spelling, or no template, is no resource.
    for uri in [
        "file:///",
        "file:///pub/",
        "file:///pub//x",
        "file:///../x",
        "file:///pub/%2e%2e%2fx",
        "file:///pub/x?y",
        "file:///pub/%ff",
        "file:///pub/x#y",
        "other:///pub/x",
        "",
    ] {
        let read = old("resources/read", json!({ "uri": uri }));
        let reply = site.send(&token, &read).await;
        assert_eq!(
            (reply.status, reply.json()["error"]["code"].as_i64()),
            (200, Some(-32602)),
            "{uri}: {reply:?}"
        );
    }
}
