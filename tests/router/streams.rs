//! Answers that come bit by bit, to each kind of client, and that they end when the token does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use chrono::TimeDelta;
use clearance::Authorized;
use clearance::mcp::{self, CallError, Progress, Streamed, ToolError, ToolFailure};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::fixture::{BOTH, Message, Reply, Site, call, events, is_new, new, site};
use crate::support::http::eventually;

/// What a test does to work that is under way.
#[derive(Clone, Default)]
struct Hands {
    /// The work goes on.
    go: Arc<Notify>,
    /// The work was begun.
    begun: Arc<AtomicBool>,
    /// The work was thrown away or is done.
    gone: Arc<AtomicBool>,
}

struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Tells of two halves, and waits between them.
async fn halves(
    _: Authorized<()>,
    State(hands): State<Hands>,
) -> Result<Streamed<Value>, ToolError> {
    Ok(Streamed::new(move |progress: Progress| async move {
        let _gone = Gone(Arc::clone(&hands.gone));
        hands.begun.store(true, Ordering::SeqCst);
        progress.report(1.0, Some(2.0), "half\nof it").await;
        hands.go.notified().await;
        progress.report(2.5, None, "").await;
        Ok::<_, ToolError>(json!({ "done": true }))
    }))
}

/// Tells of much more than any buffer takes, and of what is no number.
async fn much(_: Authorized<()>) -> Result<Streamed<String>, ToolError> {
    Ok(Streamed::new(async |progress: Progress| {
        for at in 0..100_u32 {
            progress.report(f64::from(at), None, "").await;
            progress.report(f64::NAN, None, "no number").await;
            progress.report(f64::INFINITY, None, "no number").await;
        }
        progress.report(100.0, Some(f64::NAN), "the last").await;
        Ok::<_, ToolError>("all".to_owned())
    }))
}

async fn fail(_: Authorized<()>) -> Result<Streamed<()>, ToolError> {
    Ok(Streamed::new(async |progress: Progress| {
        progress.report(0.5, Some(1.0), "trying").await;
        Err(ToolError::new("in vain"))
    }))
}

async fn break_down(_: Authorized<()>) -> Result<Streamed<()>, ToolFailure> {
    Ok(Streamed::new(async |_| {
        Err(CallError::invalid_params("no such file"))
    }))
}

async fn refuse(_: Authorized<()>) -> Result<Streamed<()>, ToolError> {
    Err(ToolError::new("not even begun"))
}

async fn plain(_: Authorized<()>) -> Result<String, ToolError> {
    Ok("plain".to_owned())
}

async fn streaming() -> (Site, Hands) {
    let hands = Hands::default();
    let site = site(|guard| {
        mcp::Router::with_state(guard, hands.clone())
            .tool("halves", halves)
            .tool("much", much)
            .tool("fail", fail)
            .tool("break_down", break_down)
            .tool("refuse", refuse)
            .tool("plain", plain)
    })
    .await;
    (site, hands)
}

/// The next piece of a body as it arrives; nothing at its end.
async fn next(body: &mut Incoming) -> Option<Vec<Value>> {
    let frame = body.frame().await?.expect("a frame");
    let data = frame.into_data().expect("data");
    Some(events(std::str::from_utf8(&data).expect("UTF-8")))
}

fn progress(token: &Value, rest: &Value) -> Value {
    let mut params = rest.clone();
    params["progressToken"] = token.clone();
    json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params })
}

fn done(message: &Value, result: &Value) -> bool {
    message["id"] == 1 && message["result"]["structuredContent"] == *result
}

#[tokio::test]
async fn progress_comes_before_the_result_as_it_happens() {
    let (site, hands) = streaming().await;
    let token = site.token("files:read");
    for written in BOTH {
        for progress_token in [
            json!("a\u{e9}\"\n"),
            json!(7),
            json!(-9_007_199_254_740_993_i64),
        ] {
            let call = call(written, "halves", &json!({})).with_progress(&progress_token);
            let answer = site.open(&token, &call).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["content-type"], "text/event-stream");
            assert_eq!(answer.headers()["cache-control"], "no-store, no-transform");
            assert_eq!(answer.headers()["x-accel-buffering"], "no");
            let mut body = answer.into_body();
            let half = json!({ "progress": 1, "total": 2, "message": "half\nof it" });
            // It is there although the work is not done.
            assert_eq!(
                next(&mut body).await,
                Some(vec![progress(&progress_token, &half)])
            );
            hands.go.notify_one();
            let mut rest = Vec::new();
            while let Some(more) = next(&mut body).await {
                rest.extend(more);
            }
            let all = json!({ "progress": 2.5, "message": "" });
            assert_eq!(rest.len(), 2, "{rest:?}");
            assert_eq!(rest[0], progress(&progress_token, &all));
            assert!(done(&rest[1], &json!({ "done": true })), "{rest:?}");
            let kind = is_new(written).then(|| json!("complete"));
            assert_eq!(rest[1]["result"].get("resultType"), kind.as_ref());
        }
    }
}

#[tokio::test]
async fn who_does_not_ask_for_progress_is_not_told() {
    let (site, hands) = streaming().await;
    let token = site.token("files:read");
    for written in BOTH {
        let plain = call(written, "halves", &json!({}));
        // Neither is a progress token.
        let odd = [json!(null), json!(1.5), json!({}), json!(["a"])];
        let odd = odd.iter().map(|token| plain.clone().with_progress(token));
        for call in odd.chain([plain.clone()]) {
            hands.go.notify_one();
            let events = site.send(&token, &call).await.events();
            assert_eq!(events.len(), 1, "{events:?}");
            assert!(done(&events[0], &json!({ "done": true })), "{events:?}");
        }
    }
}

#[tokio::test]
async fn who_reads_json_alone_gets_the_result_alone() {
    let (site, hands) = streaming().await;
    let token = site.token("files:read");
    for written in BOTH {
        for accept in ["application/json", "*/*", "application/*;q=0.5, text/html"] {
            let call = call(written, "halves", &json!({}));
            let call = call.with_progress(&json!(1)).accept(accept);
            hands.go.notify_one();
            let result = site.send(&token, &call).await.result();
            assert_eq!(result["structuredContent"], json!({ "done": true }));
        }
    }
}

#[tokio::test]
async fn who_reads_event_streams_alone_gets_those_for_everything() {
    let (site, hands) = streaming().await;
    let token = site.token("mcp:tools:read");
    let of = async |message: &Message| -> Reply {
        let message = message.clone().accept("text/event-stream");
        site.send(&token, &message).await
    };
    for written in BOTH {
        hands.go.notify_one();
        let call_halves = call(written, "halves", &json!({})).with_progress(&json!(1));
        let events = of(&call_halves).await.events();
        assert_eq!(events.len(), 3, "{events:?}");
        assert!(done(&events[2], &json!({ "done": true })), "{events:?}");
        let events = of(&call(written, "plain", &json!({}))).await.events();
        assert_eq!(events[0]["result"]["content"][0]["text"], "plain");
        let events = of(&written("tools/list", json!({}))).await.events();
        let tools = events[0]["result"]["tools"].as_array().expect("tools");
        assert_eq!((events.len(), tools.len()), (1, 6));
        // What has another status than 200 is no stream.
        let reply = of(&written("nobody/serves", json!({}))).await;
        assert_eq!(reply.error().0, 404);
        let reply = site
            .send("", &call_halves.clone().accept("text/event-stream"))
            .await;
        assert_eq!(
            (reply.status, reply.json()["error"]["code"].as_i64()),
            (401, Some(40100))
        );
    }
}

#[tokio::test]
async fn a_slow_reader_gets_everything_in_order() {
    let (site, _) = streaming().await;
    let token = site.token("files:read");
    let call = call(new, "much", &json!({})).with_progress(&json!("p"));
    let events = site.send(&token, &call).await.events();
    assert_eq!(events.len(), 102);
    for (at, event) in events.iter().take(101).enumerate() {
        assert_eq!(
            event["params"]["progress"].as_f64(),
            u32::try_from(at).ok().map(f64::from)
        );
        assert_eq!(event["params"].get("total"), None);
    }
    assert_eq!(events[101]["result"]["content"][0]["text"], "all");
}

#[tokio::test]
async fn work_that_fails_says_so_at_its_end() {
    let (site, _) = streaming().await;
    let token = site.token("files:read");
    for written in BOTH {
        let call_of = |tool: &str| call(written, tool, &json!({})).with_progress(&json!("p"));
        let events = site.send(&token, &call_of("fail")).await.events();
        assert_eq!(events.len(), 2, "{events:?}");
        assert_eq!(events[1]["result"]["isError"], true);
        assert_eq!(events[1]["result"]["content"][0]["text"], "in vain");
        let events = site.send(&token, &call_of("break_down")).await.events();
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0]["error"]["code"], -32602);
        assert_eq!(events[0]["id"], 1);
        // To one who reads JSON alone it is an error like any other.
        let reply = site
            .send(&token, &call_of("break_down").accept("application/json"))
            .await;
        let status = if is_new(written) { 400 } else { 200 };
        assert_eq!(reply.error(), (status, -32602, "no such file".to_owned()));
        // What did not begin is no stream.
        let result = site.send(&token, &call_of("refuse")).await.result();
        assert_eq!(result["isError"], true);
    }
}

/// Nothing is delivered after the deadline, not even what was ready in the same moment.
#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let (site, hands) = streaming().await;
    for written in BOTH {
        let token = site.token("files:read");
        let call = call(written, "halves", &json!({})).with_progress(&json!("p"));
        let mut body = site.open(&token, &call).await.into_body();
        assert_eq!(next(&mut body).await.map(|events| events.len()), Some(1));
        hands.gone.store(false, Ordering::SeqCst);
        site.clock.advance(TimeDelta::minutes(11));
        hands.go.notify_one();
        assert_eq!(next(&mut body).await, None);
        // The work is thrown away, and not done for nobody.
        let gone = Arc::clone(&hands.gone);
        eventually(move || gone.load(Ordering::SeqCst)).await;
        // Take back what nobody waited for.
        hands.go.notify_one();
        hands.go.notified().await;
    }
}

#[tokio::test]
async fn work_for_one_who_reads_json_alone_ends_with_the_token() {
    let (site, hands) = streaming().await;
    for written in BOTH {
        let token = site.token("files:read");
        let call = call(written, "halves", &json!({})).accept("application/json");
        let answer = {
            let (address, request) = (site.address, call.request(&token));
            tokio::spawn(super::fixture::try_send(address, request))
        };
        let begun = Arc::clone(&hands.begun);
        eventually(move || begun.swap(false, Ordering::SeqCst)).await;
        hands.gone.store(false, Ordering::SeqCst);
        site.clock.advance(TimeDelta::minutes(11));
        hands.go.notify_one();
        let answer = answer.await.expect("a task").expect("an answer");
        let reply = Reply::read(answer).await;
        assert_eq!(reply.status, 401, "{reply:?}");
        let body = reply.json();
        assert_eq!(
            (&body["id"], &body["error"]["code"]),
            (&json!(1), &json!(40100))
        );
        let challenge = reply.header("www-authenticate");
        assert!(
            challenge.contains(r#"error="invalid_token""#),
            "{challenge}"
        );
        assert!(hands.gone.load(Ordering::SeqCst));
        hands.go.notify_one();
        hands.go.notified().await;
    }
}

/// Who hangs up is not worked for.
#[tokio::test]
async fn work_ends_when_its_reader_is_gone() {
    let (site, hands) = streaming().await;
    let token = site.token("files:read");
    let call = call(new, "halves", &json!({})).with_progress(&json!("p"));
    let mut body = site.open(&token, &call).await.into_body();
    assert_eq!(next(&mut body).await.map(|events| events.len()), Some(1));
    hands.gone.store(false, Ordering::SeqCst);
    drop(body);
    let gone = Arc::clone(&hands.gone);
    eventually(move || gone.load(Ordering::SeqCst)).await;
}

/// In a batch of 2025-03-26 the result stands in its place.
#[tokio::test]
async fn a_batch_has_results_alone() {
    let (site, hands) = streaming().await;
    let token = site.token("files:read");
    hands.go.notify_one();
    let halves = call(super::fixture::old, "halves", &json!({})).with_progress(&json!("p"));
    let plain = call(super::fixture::old, "plain", &json!({})).id("2");
    let body = format!("[{},{}]", halves.body(), plain.body());
    let reply = site.request(super::fixture::post(&token, body)).await;
    let answers = reply.json();
    assert_eq!(answers.as_array().map(Vec::len), Some(2));
    assert!(done(&answers[0], &json!({ "done": true })), "{answers}");
    assert_eq!(answers[1]["id"], 2);
}
