//! Bodies that are too long, too slow, too deep or of another kind, other HTTP methods, and ids.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use chrono::TimeDelta;
use clearance::Authorized;
use clearance::mcp::{self, CallError, Params, ToolError};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::fixture::{BOTH, Reply, Site, call, old, post, site};

type Bit = Result<&'static str, io::Error>;

/// A body that a test hands over bit by bit.
struct Bits(mpsc::UnboundedReceiver<Bit>);

impl hyper::body::Body for Bits {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let bit = self.0.poll_recv(cx);
        bit.map(|bit| bit.map(|bit| bit.map(|bit| Frame::data(Bytes::from_static(bit.as_bytes())))))
    }
}

async fn echo(_: Authorized<()>, Params(value): Params<Value>) -> Result<Value, ToolError> {
    Ok(value)
}

async fn length(_: Authorized<()>, Params(value): Params<Value>) -> Result<usize, ToolError> {
    Ok(value["text"].as_str().map_or(0, str::len))
}

async fn ignore(_: Authorized<()>) -> Result<String, CallError> {
    Ok("ignored".to_owned())
}

async fn small() -> Site {
    site(|guard| {
        mcp::Router::new(guard)
            .max_body(200)
            .body_timeout(Duration::from_secs(7))
            .tool("echo", echo)
    })
    .await
}

async fn usual() -> Site {
    site(|guard| {
        let router = mcp::Router::new(guard).tool("length", length);
        router.tool("echo", echo).prompt("ignore", ignore)
    })
    .await
}

/// A call of `echo` in so many bytes.
fn of_length(length: usize) -> String {
    let body = |text: &str| call(old, "echo", &json!({ "a": text })).body();
    let fill = length.checked_sub(body("").len()).expect("a longer one");
    body(&"x".repeat(fill))
}

#[tokio::test]
async fn a_body_that_is_too_long_is_413() {
    let site = small().await;
    let token = site.token("files:read");
    let reply = site.request(post(&token, of_length(200))).await;
    assert_eq!(reply.result()["isError"], Value::Null);
    for body in [of_length(201), "[".repeat(201), " ".repeat(1_000)] {
        let reply = site.request(post(&token, body)).await;
        let expected = (413, -32600, "the body is too long".to_owned());
        assert_eq!(reply.error(), expected);
        assert_eq!(reply.json().get("id"), None);
        assert_eq!(reply.header("cache-control"), "no-store");
    }
    // However long it says that it is: what comes counts.
    let (sender, receiver) = mpsc::unbounded_channel();
    for _ in 0..3 {
        sender
            .send(Ok(
                "                                                                               ",
            ))
            .expect("sent");
    }
    let request = post(&token, "").map(|_| Body::new(Bits(receiver)));
    let reply = site.local(request).await;
    assert_eq!(reply.status, 413);
    // Its end was never waited for.
    drop(sender);
}

#[tokio::test]
async fn a_body_of_4_mib_is_taken() {
    let site = usual().await;
    let token = site.token("files:read");
    let text = "x".repeat((4 << 20) - 400);
    let local = async |request: Request<Full<Bytes>>| site.local(request.map(Body::new)).await;
    for written in BOTH {
        let message = call(written, "length", &json!({ "text": text }));
        let reply = local(message.request(&token)).await;
        let told = reply.result()["content"][0]["text"].take();
        assert_eq!(told, text.len().to_string());
    }
    let longest = " ".repeat((4 << 20) - 2) + "{}";
    assert_eq!(local(post(&token, longest.clone())).await.status, 400);
    let reply = local(post(&token, longest + " ")).await;
    assert_eq!(reply.status, 413);
}

/// The time is for the whole body, not for each bit of it.
#[tokio::test]
async fn a_body_that_is_too_slow_is_408() {
    for (site, seconds) in [(small().await, 7), (usual().await, 30)] {
        let token = site.token("files:read");
        let (sender, receiver) = mpsc::unbounded_channel();
        let request = post(&token, "").map(|_| Body::new(Bits(receiver)));
        tokio::time::pause();
        let begin = Instant::now();
        let trickle = async {
            while sender.send(Ok(" ")).is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let (reply, ()) = tokio::join!(site.local(request), trickle);
        let expected = (408, -32600, "the body came too slowly".to_owned());
        assert_eq!(reply.error(), expected);
        assert!(begin.elapsed() >= Duration::from_secs(seconds));
        assert!(begin.elapsed() <= Duration::from_secs(seconds + 1));
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_body_in_time_is_read_however_it_comes() {
    let site = small().await;
    let token = site.token("files:read");
    let (sender, receiver) = mpsc::unbounded_channel();
    let request = post(&token, "").map(|_| Body::new(Bits(receiver)));
    tokio::time::pause();
    let trickle = async {
        for bit in [
            r#"{"jsonrpc":"2.0","#,
            r#""id":1,"#,
            r#""method":"pi"#,
            "ng\"}",
        ] {
            tokio::time::sleep(Duration::from_secs(1)).await;
            sender.send(Ok(bit)).expect("sent");
        }
        drop(sender);
    };
    let (reply, ()) = tokio::join!(site.local(request), trickle);
    assert_eq!(reply.result(), json!({}));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_400() {
    let site = small().await;
    let token = site.token("files:read");
    let (sender, receiver) = mpsc::unbounded_channel();
    sender.send(Ok("{")).expect("sent");
    sender
        .send(Err(io::Error::other("a secret")))
        .expect("sent");
    let request = post(&token, "").map(|_| Body::new(Bits(receiver)));
    let reply = site.local(request).await;
    assert_eq!(
        reply.error(),
        (400, -32600, "the body cannot be read".to_owned())
    );
}

/// Nobody's body is read before the token is known to be good.
#[tokio::test]
async fn the_token_comes_before_the_body() {
    let site = small().await;
    let bad = site.issuer.token().wrong_signature().mint();
    let old_one = site.token("files:read");
    site.clock.advance(TimeDelta::minutes(11));
    for token in [bad.as_str(), "", &old_one] {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut request = post(token, "").map(|_| Body::new(Bits(receiver)));
        request.headers_mut().remove(CONTENT_TYPE);
        let reply = site.local(request).await;
        assert_eq!(reply.status, 401, "{reply:?}");
        assert!(sender.is_closed());
    }
}

#[tokio::test]
async fn another_media_type_is_415() {
    let site = small().await;
    let token = site.token("files:read");
    let of = |kinds: &[&'static str]| {
        let mut request = post(&token, call(old, "echo", &json!({})).body());
        request.headers_mut().remove(CONTENT_TYPE);
        for kind in kinds {
            let kind = HeaderValue::from_static(kind);
            request.headers_mut().append(CONTENT_TYPE, kind);
        }
        request
    };
    for kinds in [
        &["application/json"][..],
        &["Application/JSON"],
        &["application/json; charset=utf-8"],
        &["application/json ;x=y"],
    ] {
        let reply = site.request(of(kinds)).await;
        assert_eq!(reply.status, 200, "{kinds:?}");
    }
    for kinds in [
        &[][..],
        &[""],
        &["text/plain"],
        &["application/json-rpc"],
        &["application/jsonx"],
        &["application/problem+json"],
        &["text/plain, application/json"],
        &["application/x-www-form-urlencoded"],
        &["application/json", "application/json"],
        &["application/json", "text/plain"],
    ] {
        let reply = site.request(of(kinds)).await;
        let expected = "the body must be application/json".to_owned();
        assert_eq!(reply.error(), (415, -32600, expected), "{kinds:?}");
    }
}

#[tokio::test]
async fn only_post_is_served() {
    let site = small().await;
    let token = site.token("files:read");
    let body = call(old, "echo", &json!({})).body();
    for method in [
        "GET", "DELETE", "HEAD", "PUT", "PATCH", "TRACE", "POSTT", "post",
    ] {
        let is_head = method == "HEAD";
        let with = |token: &str| {
            let mut request = post(token, body.clone());
            *request.method_mut() = Method::from_bytes(method.as_bytes()).expect("a method");
            request
        };
        let reply = site.request(with(&token)).await;
        assert_eq!(reply.status, 405, "{method}: {reply:?}");
        assert_eq!(reply.header(ALLOW.as_str()), "POST, OPTIONS");
        if is_head {
            assert_eq!(reply.text, "");
        } else {
            let expected = (405, -32600, "only POST is served".to_owned());
            assert_eq!(reply.error(), expected);
        }
        // Who has no token learns nothing.
        let reply = site.request(with("")).await;
        assert_eq!(reply.status, 401, "{method}");
        assert!(reply.headers.contains_key("www-authenticate"));
        assert!(!reply.headers.contains_key(ALLOW));
    }
}

/// A preflight has no token; it lets nobody in, and runs nothing.
#[tokio::test]
async fn options_are_answered_without_a_token() {
    let site = small().await;
    for token in ["", "no.good.token"] {
        let mut request = post(token, call(old, "echo", &json!({})).body());
        *request.method_mut() = Method::OPTIONS;
        let headers = request.headers_mut();
        headers.insert("origin", HeaderValue::from_static("https://evil.example"));
        headers.insert(
            "access-control-request-method",
            HeaderValue::from_static("POST"),
        );
        let reply = site.request(request).await;
        assert_eq!((reply.status, reply.text.as_str()), (204, ""));
        assert_eq!(reply.header(ALLOW.as_str()), "POST, OPTIONS");
        assert!(
            reply
                .headers
                .keys()
                .all(|name| !name.as_str().starts_with("access-control-"))
        );
    }
}

/// Deep JSON costs no stack: where it is only passed over it is taken, where it is read it is refused.
#[tokio::test]
async fn deeply_nested_bodies_do_no_harm() {
    let site = usual().await;
    let token = site.token("files:read");
    let deep =
        |open: &str, close: &str| format!("{}{}", open.repeat(500_000), close.repeat(500_000));
    let local =
        async |body: String| -> Reply { site.local(post(&token, body).map(Body::new)).await };
    for nested in [
        format!(r#"{{"a":{}}}"#, deep("[", "]")),
        format!("{}1{}", r#"{"a":"#.repeat(500_000), "}".repeat(500_000)),
    ] {
        let with = |method: &str, name: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"name":"{name}","arguments":{nested}}}}}"#
            )
        };
        let result = local(with("tools/call", "echo")).await.result();
        assert_eq!(result["isError"], true);
        let text = result["content"][0]["text"].as_str().expect("a text");
        assert!(text.contains("recursion limit"), "{text}");
        // This one does not read them.
        let result = local(with("prompts/get", "ignore")).await.result();
        assert_eq!(result["messages"][0]["content"]["text"], "ignored");
        let reply = local(with("nobody/serves", "x")).await;
        assert_eq!(reply.error().1, -32601);
        let reply = local(nested.clone()).await;
        assert_eq!(reply.error().1, -32600);
        let unclosed = nested.trim_end_matches([']', '}']).to_owned();
        let reply = local(unclosed).await;
        assert_eq!(reply.error().1, -32700);
        let deep_id = format!(r#"{{"jsonrpc":"2.0","id":{nested},"method":"ping"}}"#);
        assert_eq!(local(deep_id).await.error().1, -32600);
        let deep_meta = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"_meta":{{"x":{nested}}}}}}}"#
        );
        assert_eq!(local(deep_meta).await.result(), json!({}));
    }
}
