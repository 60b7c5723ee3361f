//! The metadata documents, which the layer answers by itself.

use serde_json::Value;

use super::site::{Site, T0, Two, assert_plain, assert_ran, send};
use crate::support::mcp::McpServer;
use crate::support::request::{MODERN, Request};
use crate::support::{Answer, E, M_PATH};

fn document(verb: &str, target: &str) -> Request {
    let mut request = Request::new(MODERN, "GET");
    verb.clone_into(&mut request.verb);
    target.clone_into(&mut request.target);
    request
}

#[track_caller]
fn assert_document(answer: &Answer, resource: &str) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    assert_eq!(answer.header("www-authenticate"), None);
    let cache = answer.header("cache-control").expect("a lifetime");
    let seconds = cache.strip_prefix("public, max-age=").expect("a lifetime");
    let seconds: u32 = seconds.parse().expect("seconds");
    assert!((1..=3_600).contains(&seconds));
    let body: Value = serde_json::from_str(&answer.body).expect("a document");
    assert_eq!(body["resource"], resource);
}

async fn server() -> McpServer {
    Site::new().serve().await
}

/// RS-032, RS-043: whoever asks is given the document, from whatever page, and with whatever
/// credential, and the service behind is not asked.
#[tokio::test]
async fn documents_need_no_token() {
    let server = server().await;
    let right = document("GET", M_PATH);
    for request in [
        right.clone(),
        right.clone().with("origin", "https://mcp.example.com"),
        right.clone().with("origin", "https://evil.example"),
        right.clone().with("origin", "null"),
        right.clone().bearer("a b"),
        right.clone().bearer(&server.token_of("expired", T0)),
        right.clone().bearer(&server.token(T0)),
        right.clone().with("mcp-protocol-version", "1900-01-01"),
        right.clone().without("accept"),
    ] {
        assert_document(&server.send(&request).await, E);
    }
    let body = server.send(&right).await.body;
    let documents = server.guard.metadata();
    assert_eq!(body, documents[0].body());
    let mut two = Two::to(server.address).await;
    assert_document(&two.send("t", &right).await, E);
    assert_ran(&server, &[]);
}

/// RS-043: HEAD is answered as GET is, without the body; other methods are not served.
#[tokio::test]
async fn documents_are_only_read() {
    let server = server().await;
    let get = server.send(&document("GET", M_PATH)).await;
    let head = server.send(&document("HEAD", M_PATH)).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    for name in [
        "content-type",
        "cache-control",
        "access-control-allow-origin",
    ] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    for verb in ["POST", "PUT", "PATCH", "DELETE", "PURGE"] {
        for token in [None, Some(server.token(T0))] {
            let mut request = document(verb, M_PATH);
            if let Some(token) = token {
                request = request.bearer(&token);
            }
            let answer = server.send(&request).await;
            assert_eq!(answer.status, 405, "{verb}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD"));
            assert_eq!(answer.header("www-authenticate"), None);
        }
    }
    assert_ran(&server, &[]);
}

/// RS-042: a document is at its own address alone; what is beside it needs a token.
#[tokio::test]
async fn documents_are_where_they_are() {
    let server = server().await;
    let root = "/.well-known/oauth-protected-resource";
    for target in [
        root,
        "/.well-known/oauth-protected-resource/mcp/",
        "/.well-known/oauth-protected-resource/other",
        "/mcp/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/%6dcp",
        "//.well-known/oauth-protected-resource/mcp",
    ] {
        let answer = server.send(&document("GET", target)).await;
        answer.assert_401_none();
    }
    let answer = server
        .send(&document("GET", &format!("{M_PATH}?tenant=7")))
        .await;
    assert_eq!((answer.status, answer.body.as_str()), (404, ""));
    assert_ran(&server, &[]);
    let aliased = Site::new()
        .guard(|guard| guard.unlimited().root_alias())
        .serve()
        .await;
    let answer = aliased.send(&document("GET", root)).await;
    assert_document(&answer, "https://mcp.example.com");
    assert_document(&aliased.send(&document("GET", M_PATH)).await, E);
}

/// RS-110: a foreign name does not reach the document of a server on this machine, and a foreign page
/// does.
#[tokio::test]
async fn a_foreign_host_is_given_no_document() {
    let server = Site::new().on_loopback().serve().await;
    let right = document("GET", M_PATH).with("host", &server.address.to_string());
    let resource = server.guard.resource().as_str().to_owned();
    assert_document(&send(&server, &right).await, &resource);
    let page = right.clone().with("origin", "https://evil.example");
    assert_document(&send(&server, &page).await, &resource);
    let foreign = right.with("host", "evil.example");
    let answer = send(&server, &foreign).await;
    assert_plain(&answer, 403, 40301, "host not allowed");
}
