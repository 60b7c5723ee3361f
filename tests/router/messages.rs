//! Ids, what clients accept, and where a token does not belong.

use clearance::Authorized;
use clearance::mcp::{self, Params, ToolError};
use http::header::{ACCEPT, AUTHORIZATION};
use serde_json::{Value, json};

use super::fixture::{BOTH, Message, Site, call, is_new, new, site};

async fn echo(_: Authorized<()>, Params(value): Params<Value>) -> Result<Value, ToolError> {
    Ok(value)
}

async fn usual() -> Site {
    site(|guard| mcp::Router::new(guard).tool("echo", echo)).await
}

/// What is legal as an id comes back as it was written, and nothing else is legal.
#[tokio::test]
async fn ids_are_echoed_as_they_are_written() {
    let site = usual().await;
    let token = site.token("files:read");
    let longest = format!(r#""{}""#, "x".repeat(1_022));
    let too_long = format!(r#""{}""#, "x".repeat(1_023));
    for written in BOTH {
        let calls = |id: &str| -> [(Message, u16); 4] {
            let unknown = if is_new(written) { 400 } else { 200 };
            [
                (call(written, "echo", &json!({})).id(id), 200),
                (call(written, "nothing", &json!({})).id(id), unknown),
                (written("tools/list", json!({})).id(id), 403),
                (written("nobody/serves", json!({})).id(id), 404),
            ]
        };
        for id in [
            "0",
            "-1",
            "-0",
            "9007199254740993",
            "-9223372036854775809",
            "123456789012345678901234567890",
            r#""""#,
            r#""1""#,
            r#""null""#,
            r#""\u0061\n\"\\\/""#,
            r#""\ud83d\ude00""#,
            "\"\u{1f600}\u{202e}\"",
            r#""],\"result\":{},\"x\":[""#,
            &longest,
        ] {
            for (message, status) in calls(id) {
                let reply = site.send(&token, &message).await;
                assert_eq!(reply.status, status, "{id}: {reply:?}");
                let start = format!(r#"{{"jsonrpc":"2.0","id":{id},""#);
                assert!(reply.text.starts_with(&start), "{id}: {}", reply.text);
                // It is JSON, with one id.
                let read: Value = serde_json::from_str(id).expect("JSON");
                assert_eq!(reply.json()["id"], read);
            }
        }
        for id in ["null", "1.0", "1e3", "true", "{}", "[]", &too_long] {
            for (message, _) in calls(id) {
                let reply = site.send(&token, &message).await;
                assert_eq!(
                    reply.error(),
                    (400, -32600, "invalid request".to_owned()),
                    "{id}"
                );
                assert_eq!(reply.json().get("id"), None);
            }
        }
    }
}

/// A client that reads neither gets JSON all the same.
#[tokio::test]
async fn whatever_a_client_accepts_it_is_answered() {
    let site = usual().await;
    let token = site.token("files:read");
    for accept in ["text/html", "", "application/xml;q=1, image/*"] {
        let message = call(new, "echo", &json!({ "a": 1 })).accept(accept);
        let reply = site.send(&token, &message).await;
        assert_eq!(reply.result()["structuredContent"]["a"], 1, "{accept}");
    }
    let mut request = call(new, "echo", &json!({ "a": 1 })).request(&token);
    request.headers_mut().remove(ACCEPT);
    let reply = site.request(request).await;
    assert_eq!(reply.result()["structuredContent"]["a"], 1);
}

/// The credential is taken away before anything else sees the request.
#[tokio::test]
async fn a_token_in_the_wrong_place_is_none() {
    let site = usual().await;
    let token = site.token("files:read");
    let mut request = call(new, "echo", &json!({})).request("");
    *request.uri_mut() = format!("/mcp?access_token={token}").parse().expect("a URI");
    assert_eq!(site.request(request).await.status, 401);
    let mut request = call(new, "echo", &json!({})).request(&token);
    let twice = request.headers()[AUTHORIZATION].clone();
    request.headers_mut().append(AUTHORIZATION, twice);
    assert_eq!(site.request(request).await.status, 400);
}
