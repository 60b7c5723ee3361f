//! Fields of the head that others read otherwise.

use crate::support::raw;
use crate::support::request::MODERN;
use crate::support::service::{LEGACY, WITH_SESSIONS};
use crate::{in_session, request, stage};

/// RS-114: what a gateway behind takes for a session id is the layer's, or is not there.
#[tokio::test]
async fn names_with_underscores_reach_nobody() {
    let stage = stage().await;
    let token = stage.token("alice");
    let session = stage.begin(&token).await;
    for name in ["mcp_session_id", "Mcp-Session_Id", "MCP_SESSION-ID"] {
        for revision in WITH_SESSIONS {
            let call = in_session(revision, "ping", &token, &session).also(name, "inner-2");
            assert_eq!(stage.send(&call).await.status, 200, "{name}");
            let seen = stage.service.asked();
            assert_eq!(seen[0].sessions, ["inner-1"]);
            assert!(!seen[0].names.iter().any(|name| name.contains('_')));
        }
    }
    let call = request(MODERN, "tools/call whoami", &token);
    for name in ["mcp_name", "mcp_method", "authorization_", "x_mine"] {
        assert_eq!(
            stage.send(&call.clone().also(name, "other")).await.status,
            200
        );
        let seen = stage.service.asked();
        let is_there = seen[0].names.iter().any(|seen| seen == name);
        assert_eq!(is_there, !name.starts_with("mcp"), "{name}");
    }
}

/// RS-114: a field that a proxy behind would drop is not decided by.
#[tokio::test]
async fn no_decisive_field_ends_at_the_next_hop() {
    let stage = stage().await;
    let token = stage.token("alice");
    let session = stage.begin(&token).await;
    for named in [
        "Mcp-Session-Id",
        "close, mcp-protocol-version",
        "x, LAST-EVENT-ID",
    ] {
        for call in ["ping", "GET", "DELETE"] {
            let call = in_session(LEGACY, call, &token, &session).also("connection", named);
            let answer = stage.send(&call).await;
            assert_eq!(answer.status, 400, "{named}: {answer:?}");
            assert_eq!(stage.service.asked(), []);
        }
    }
    assert!(stage.is_alive(&token, &session).await);
}

/// RS-115: an id that nobody asked for is not sealed for who asked for something else.
#[tokio::test]
async fn sessions_begin_with_initialize_alone() {
    let stage = stage().await;
    let token = stage.token("alice");
    let session = stage.begin(&token).await;
    for (call, said, is_there) in [
        (request(LEGACY, "ping", &token), "inner-9", false),
        (
            in_session(LEGACY, "ping", &token, &session),
            "inner-9",
            false,
        ),
        (
            in_session(LEGACY, "ping", &token, &session),
            "inner-1",
            true,
        ),
        (request(LEGACY, "initialize", &token), "inner-9", true),
        (
            request(MODERN, "tools/call whoami", &token),
            "inner-9",
            false,
        ),
    ] {
        stage.service.say_session(Some(said));
        let answer = stage.send(&call).await;
        let given = answer.header("mcp-session-id");
        assert_eq!(given.is_some(), is_there, "{call:?}");
        assert!(given.is_none_or(|given| given.starts_with(&format!("{said}."))));
    }
}

/// Another protocol on the same connection is not begun: nothing of it would be decided about.
#[tokio::test]
async fn no_other_protocol_is_begun() {
    let stage = stage().await;
    let token = stage.token("alice");
    let session = stage.begin(&token).await;
    let call = in_session(LEGACY, "ping", &token, &session).also("upgrade", "websocket");
    assert_eq!(stage.send(&call).await.status, 200);
    let seen = stage.service.asked();
    assert!(!seen[0].names.iter().any(|name| name == "upgrade"));
    stage.service.switch_protocols();
    let answer = stage.send(&call).await;
    assert_eq!(answer.status, 502, "{answer:?}");
}

/// GET and DELETE have no body, whatever comes where one would be: it is for nobody.
#[tokio::test]
async fn what_comes_with_a_delete_goes_no_further() {
    let stage = stage().await;
    let token = stage.token("alice");
    let message = request(LEGACY, "tools/call delete_file", "").body;
    for (body, status) in [("0\r\n\r\n".to_owned(), 204), {
        let length = format!("{:x}", message.len());
        (format!("{length}\r\n{message}\r\n0\r\n\r\n"), 204)
    }] {
        let session = stage.begin(&token).await;
        let call = in_session(LEGACY, "DELETE", &token, &session);
        let head = String::from_utf8(call.bytes()).expect("text");
        let head = head.replace("content-length: 0\r\n", "transfer-encoding: chunked\r\n");
        let whole = format!("{head}{body}").into_bytes();
        let answer = raw(stage.server.address, &whole).await;
        assert_eq!(answer.status, status, "{answer:?}");
        let asked = stage.service.asked();
        assert_eq!((asked.len(), &*asked[0].body), (1, ""));
        assert!(
            !asked[0]
                .names
                .iter()
                .any(|name| name == "transfer-encoding")
        );
    }
    let session = stage.begin(&token).await;
    let call = in_session(LEGACY, "DELETE", &token, &session).body(&message);
    assert_eq!(stage.send(&call).await.status, 400);
    assert_eq!(stage.service.asked(), []);
}

/// RS-116: what a session answers is not compressed on the way: its ids have to be found.
#[tokio::test]
async fn sessions_are_not_compressed() {
    let stage = stage().await;
    let token = stage.token("alice");
    let session = stage.begin(&token).await;
    for (call, is_kept) in [
        (request(LEGACY, "initialize", &token), false),
        (in_session(LEGACY, "ping", &token, &session), false),
        (in_session(LEGACY, "DELETE", &token, &session), false),
        (request(MODERN, "tools/call whoami", &token), true),
    ] {
        stage
            .send(&call.clone().with("accept-encoding", "gzip, br"))
            .await;
        let asked = stage.service.asked();
        let is_there = asked[0].names.iter().any(|name| name == "accept-encoding");
        assert_eq!(is_there, is_kept, "{call:?}");
    }
}
