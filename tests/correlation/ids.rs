//! Where the name of a request comes from.

use std::collections::BTreeSet;

use clearance::Caller;
use tower::Layer as _;

use super::fixture::opinionated;
use crate::support::TRACE;
use crate::support::around::{WEATHER, World, send, serve};
use crate::support::client::Connection;

/// The name in the answer, and the one that the service behind saw.
async fn named(world: &World, connection: &mut Connection, traces: &[&str]) -> (String, String) {
    let mut call = world.call(WEATHER);
    for trace in traces {
        call = call.also("traceparent", trace);
    }
    let mut answer = connection.open(&call).await;
    assert_eq!(answer.status(), 200);
    let told = answer.header("x-correlation-id").expect("a name");
    let told = told.to_owned();
    answer.rest().await;
    let seen = world.spy.only();
    // It is the client's, and goes on as it came.
    let passed: Vec<_> = traces.iter().map(|trace| trace.as_bytes()).collect();
    assert_eq!(seen.fields("traceparent"), passed);
    let caller: &Caller = seen.head.extensions.get().expect("a caller");
    (told, caller.correlation_id().to_string())
}

#[track_caller]
fn assert_is_made(name: &str) {
    let is_digit = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
    assert!(name.len() == 32 && name.bytes().all(is_digit), "{name}");
    assert!(!name.contains(TRACE), "{name}");
}

/// The trace of a `traceparent` names the request, over HTTP/1.1 and HTTP/2.
#[tokio::test]
async fn a_trace_names_its_requests() {
    let world = World::new().await;
    let (address, task) = serve(world.layer().layer(world.function())).await;
    for mut connection in [
        Connection::http1(address).await,
        Connection::http2(address).await,
    ] {
        for trace in [
            format!("00-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-00"),
            format!("cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-will-be-like"),
        ] {
            let (told, seen) = named(&world, &mut connection, &[&trace]).await;
            assert_eq!((&*told, &*seen), (TRACE, TRACE), "{trace}");
        }
        let (told, seen) = named(&world, &mut connection, &[]).await;
        assert_eq!(told, seen);
        assert_is_made(&told);
    }
    task.abort();
}

/// What is no `traceparent` names nothing: the name is made, and nothing of the field is in it.
#[tokio::test]
async fn what_is_no_trace_is_ignored() {
    let world = World::new().await;
    let (address, task) = serve(world.layer().layer(world.function())).await;
    let mut connection = Connection::http1(address).await;
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let mut names = BTreeSet::new();
    for traces in [
        vec![""],
        vec!["evil"],
        vec![TRACE],
        vec![&*format!("ff-{TRACE}-00f067aa0ba902b7-01")],
        vec![&*format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32))],
        vec![&*parent.to_uppercase()],
        vec![&*format!("{parent}-more")],
        vec![parent.strip_suffix('1').expect("its end")],
        vec![&*parent.replace('4', "g")],
        vec![&*format!("{parent},{parent}")],
        vec![&*format!("00-{TRACE}{TRACE}-00f067aa0ba902b7-01")],
        vec!["00-<script>alert(1)</script>aaaaaaa-00f067aa0ba902b7-01"],
        // Twice, whichever is meant.
        vec![&parent, &parent],
    ] {
        let (told, seen) = named(&world, &mut connection, &traces).await;
        assert_eq!(told, seen);
        assert_is_made(&told);
        assert!(names.insert(told), "{traces:?}");
    }
    task.abort();
}

/// Requests that name no trace have names of their own, also those of one connection.
#[tokio::test]
async fn a_thousand_requests_have_a_thousand_names() {
    let world = World::new().await;
    let (address, task) = serve(world.layer().layer(world.function())).await;
    let mut connection = Connection::http1(address).await;
    let mut names = BTreeSet::new();
    for _ in 0..1_000 {
        let (told, seen) = named(&world, &mut connection, &[]).await;
        assert_eq!(told, seen);
        assert!(names.insert(told));
    }
    // Nobody can count by them.
    let firsts: BTreeSet<_> = names.iter().filter_map(|name| name.get(..4)).collect();
    assert!(firsts.len() > 900, "{}", firsts.len());
    task.abort();
}

/// An answer has one name, whatever the service calls it.
#[tokio::test]
async fn the_service_does_not_name_the_answer() {
    let world = World::new().await;
    let (address, task) = opinionated(&world).await;
    let trace = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let call = world.call(WEATHER).with("traceparent", &trace);
    let answer = send(address, &call).await;
    assert_eq!(answer.header("x-correlation-id"), Some(TRACE));
    task.abort();
}
