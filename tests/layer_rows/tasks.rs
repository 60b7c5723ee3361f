//! Calls about tasks, and the header that names the task.

use std::time::Duration;

use clearance::Authorized;
use clearance::mcp::requires;
use clearance::session::{Seal, TaskId, TaskOrigin};
use serde::Deserialize;
use serde_json::json;

use super::site::{Site, T0, assert_400, assert_403, assert_ran};
use crate::support::http::parts_with;
use crate::support::mcp::McpServer;
use crate::support::plain::{keys, policy};
use crate::support::request::{MODERN, Request, code_of};
use crate::support::{FilesWrite, ScopeA};

#[derive(Deserialize)]
struct Write {
    prod: bool,
}

async fn server() -> McpServer {
    let write = requires::<FilesWrite>().when::<(FilesWrite, ScopeA), Write>(|write| write.prod);
    Site::new()
        .policy(policy().tool("write", write).tasks())
        .serve()
        .await
}

/// The id of a task that a call of this tool made for the token's owner.
async fn task(server: &McpServer, token: &str, tool: &str, key: &str) -> String {
    let auth: Authorized<()> = server
        .guard
        .authorize(&mut parts_with(token))
        .await
        .expect("a proof");
    let seal = Seal::<TaskId>::new(keys(), Duration::from_hours(1));
    let origin = TaskOrigin::new("tools/call", tool, key);
    let sealed = seal.seal(&auth, "", &origin).expect("it is sealed");
    sealed.as_str().to_owned()
}

fn about(revision: &str, method: &str, task: &str) -> Request {
    let request = Request::new(revision, method).patched(&json!({ "params": { "taskId": task } }));
    if revision == MODERN {
        request.with("mcp-name", task)
    } else {
        request
    }
}

const METHODS: [&str; 3] = ["tasks/get", "tasks/update", "tasks/cancel"];

/// RS-097: calls about a task of 2026-07-28 say its id in a header, as it stands in the body.
#[tokio::test]
async fn the_task_is_a_required_header() {
    let server = server().await;
    let token = server.token(T0);
    let own = task(&server, &token, "get_weather", "1").await;
    let other = task(&server, &token, "get_weather", "2").await;
    for method in METHODS {
        let right = about(MODERN, method, &own).bearer(&token);
        server.send(&right).await.assert_ok();
        assert_ran(&server, &[&format!("{method} {own}")]);
        let mut wrong = vec![
            right.clone().without("mcp-name"),
            right.clone().also("mcp-name", &own),
            right.clone().without("mcp-method"),
            right.clone().with("mcp-method", "tasks/list"),
            right.clone().without("mcp-protocol-version"),
        ];
        for name in [
            &other,
            "",
            "get_weather",
            &own.to_ascii_lowercase(),
            "tasks/get",
        ] {
            wrong.push(right.clone().with("mcp-name", name));
        }
        for request in wrong {
            assert_400(&server.send(&request).await, -32020);
            let bare = request.without("authorization");
            server.send(&bare).await.assert_401_none();
            assert_ran(&server, &[]);
        }
        // Without a task there is nothing that the header could repeat.
        let none = right.patched(&json!({ "params": { "taskId": null } }));
        assert_400(&server.send(&none).await, -32602);
        assert_ran(&server, &[]);
    }
}

/// RS-097: in earlier revisions the header need not be there, and is compared if it is.
#[tokio::test]
async fn the_task_need_not_be_a_header_in_earlier_revisions() {
    let server = server().await;
    let token = server.token(T0);
    let own = task(&server, &token, "get_weather", "1").await;
    for method in METHODS {
        let right = about("2025-11-25", method, &own).bearer(&token);
        for request in [right.clone(), right.clone().with("mcp-name", &own)] {
            server.send(&request).await.assert_ok();
            assert_ran(&server, &[&format!("{method} {own}")]);
        }
        let wrong = right.with("mcp-name", "get_weather");
        assert_400(&server.send(&wrong).await, -32020);
        assert_ran(&server, &[]);
    }
}

/// RS-087: a task asks for what the call that made it did, and where that depended on arguments, which
/// nobody knows any more, for all that it could ask for.
#[tokio::test]
async fn a_task_demands_what_its_call_did() {
    let server = server().await;
    let token = server.token(T0);
    let of_delete = task(&server, &token, "delete_file", "1").await;
    let of_write = task(&server, &token, "write", "2").await;
    let of_closed = task(&server, &token, "shell", "3").await;
    for method in METHODS {
        for (id, scopes, needed) in [
            (
                &of_delete,
                T0,
                Some("files:read files:write mcp:tools.read"),
            ),
            (&of_delete, "files:read files:write", None),
            (&of_write, "files:write", Some("files:write a")),
            (&of_write, "files:write a", None),
        ] {
            let request = about(MODERN, method, id).bearer(&server.token(scopes));
            let answer = server.send(&request).await;
            match needed {
                Some(needed) => assert_403(&answer, needed),
                None => answer.assert_ok(),
            }
            let ran = server.log.take();
            assert_eq!(ran.len(), usize::from(needed.is_none()));
        }
        let request = about(MODERN, method, &of_closed).bearer(&server.token("mcp:admin"));
        let answer = server.send(&request).await;
        assert_eq!((answer.status, code_of(&answer)), (403, 40301));
        assert_ran(&server, &[]);
    }
}
