//! Headers and bodies that do not agree, and bodies that could be read in two ways.

use serde_json::json;

use super::site::{
    ALL, DELETE, Site, T0, assert_400, assert_403, assert_mismatch, assert_ran, served,
};
use crate::support::mcp::REVISIONS;
use crate::support::request::Request;

/// RS-003: of those who have a token, whoever contradicts himself is told so before it is looked at
/// what he may do; the others are told that they have none.
#[tokio::test]
async fn a_contradiction_is_found_after_the_token_and_before_the_scope() {
    let server = Site::new().serve().await;
    for revision in REVISIONS {
        let right = Request::new(revision, DELETE);
        for spoofed in [
            right.clone().with("mcp-method", "tools/list"),
            right.clone().with("mcp-name", "get_weather"),
            right
                .clone()
                .with("mcp-method", "tools/call")
                .with("mcp-name", ""),
        ] {
            server.send(&spoofed).await.assert_401_none();
            let expired = spoofed.clone().bearer(&server.token_of("expired", ALL));
            server.send(&expired).await.assert_401_inv();
            for scopes in ["", T0, "mcp:admin mcp:tools.read"] {
                let request = spoofed.clone().bearer(&server.token(scopes));
                assert_mismatch(&server, &server.send(&request).await);
            }
        }
        let needed = "files:read files:write mcp:tools.read";
        assert_403(&server.call(revision, DELETE, T0).await, needed);
    }
}

/// RS-086: what is decided about is in the body, and what stands elsewhere helps nobody.
#[tokio::test]
async fn the_body_decides() {
    let server = Site::new().serve().await;
    let needed = "files:read files:write mcp:tools.read";
    for revision in REVISIONS {
        for elsewhere in [
            json!({ "name": "get_weather", "uri": "get_weather" }),
            json!({ "params": { "arguments": { "name": "get_weather", "method": "tools/list" } } }),
            json!({ "params": { "uri": "get_weather", "taskId": "get_weather" } }),
            json!({ "params": { "method": "tools/list", "_meta": { "name": "get_weather" } } }),
        ] {
            let request = Request::new(revision, DELETE).patched(&elsewhere);
            let answer = server
                .send(&request.clone().bearer(&server.token(T0)))
                .await;
            assert_403(&answer, needed);
            assert_ran(&server, &[]);
            served(&server, &request, DELETE).await;
        }
        // Another spelling is the same name.
        let request = Request::new(revision, DELETE);
        let body = request
            .body
            .replace("delete_file", r"\u0064elete_fil\u0065");
        let request = request.body(&body);
        let answer = server
            .send(&request.clone().bearer(&server.token(T0)))
            .await;
        assert_403(&answer, needed);
        served(&server, &request, DELETE).await;
        // What two readers could read differently is not decided about at all.
        let request = Request::new(revision, DELETE).patched(&json!({ "params": { "HERE": 0 } }));
        for twice in [
            r#""name":"get_weather""#,
            r#""Name":"get_weather""#,
            r#""NAME":null"#,
            r#""\u006eame":"get_weather""#,
        ] {
            let body = request.body.replace(r#""HERE":0"#, twice);
            let request = request.clone().body(&body).bearer(&server.token(ALL));
            assert_400(&server.send(&request).await, -32602);
            assert_ran(&server, &[]);
        }
    }
}
