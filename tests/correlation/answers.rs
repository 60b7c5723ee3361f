//! The name of a request in all that it is answered with.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde_json::Value;

use super::fixture::{Case, Site, later};
use crate::support::client::{Connection, soon};
use crate::support::request::whole;
use crate::support::{Answer, TRACE, raw};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Over HTTP/1.1. A host of its own takes the place of the usual one.
async fn first(address: SocketAddr, case: &Case) -> Answer {
    let request = &case.request;
    let host = request.headers.iter().find(|(name, _)| name == "host");
    let mut bytes = request.clone().without("host").bytes();
    if let Some((_, host)) = host {
        let text = String::from_utf8(bytes).expect("text");
        bytes = text.replacen("host: t", &format!("host: {host}"), 1).into();
    }
    whole(soon(raw(address, &bytes)).await)
}

async fn second(address: SocketAddr, case: &Case) -> Answer {
    let mut connection = Connection::http2(address).await;
    let mut answer = connection.open(&case.request).await;
    let body = answer.rest().await;
    let headers = answer.head.headers.iter();
    Answer {
        status: answer.status(),
        headers: headers
            .map(|(name, value)| {
                let value = value.to_str().expect("ASCII");
                (name.as_str().to_owned(), value.to_owned())
            })
            .collect(),
        body: String::from_utf8(body).expect("UTF-8"),
    }
}

/// The name in an answer's field, which is also in its body if that is an error.
#[track_caller]
fn name_in(answer: &Answer, case: &Case) -> String {
    let what = case.what;
    assert_eq!(answer.status, case.status, "{what}: {answer:?}");
    let name = answer.header("x-correlation-id");
    let name = name.unwrap_or_else(|| panic!("{what}: {answer:?}"));
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    if let Some(error) = body.get("error") {
        let said = error["data"]["correlationId"].as_str();
        assert_eq!(said, Some(name), "{what}: {answer:?}");
    }
    name.to_owned()
}

async fn all() -> Vec<(SocketAddr, Case, Site)> {
    let mut all = Vec::new();
    for (site, case) in later().await {
        all.push((site.address, case, site));
    }
    all
}

/// RS-139: every answer says which request it is about, and every error does so in its data.
#[tokio::test]
async fn every_answer_names_its_request() {
    let site = Site::new().await;
    let later = all().await;
    let cases = site.cases();
    let cases: Vec<_> = cases.iter().map(|case| (site.address, case)).collect();
    let later = later.iter().map(|(address, case, _)| (*address, case));
    let mut names = BTreeSet::new();
    let mut statuses = BTreeSet::new();
    for (address, case) in cases.into_iter().chain(later) {
        let made = name_in(&first(address, case).await, case);
        assert!(names.insert(made.clone()), "{}: {made}", case.what);
        assert_ne!(made, TRACE);
        let traced = Case {
            request: case.request.clone().with("traceparent", PARENT),
            ..*case
        };
        let answer = first(address, &traced).await;
        assert_eq!(name_in(&answer, &traced), TRACE, "{}", case.what);
        // HTTP/2 names the host elsewhere.
        if !case.request.headers.iter().any(|(name, _)| name == "host") {
            let answer = second(address, &traced).await;
            assert_eq!(name_in(&answer, &traced), TRACE, "{}", case.what);
        }
        statuses.insert(case.status);
    }
    let all = [200, 204, 400, 401, 403, 404, 405, 413, 415, 429, 503];
    assert!(statuses.into_iter().eq(all));
}

/// RS-031: pages may read it.
#[tokio::test]
async fn pages_may_read_the_name() {
    let site = Site::new().await;
    let cases = site.cases();
    let case = cases.iter().find(|case| case.what == "a page");
    let answer = first(site.address, case.expect("a page")).await;
    let exposed = answer.header("access-control-expose-headers");
    let exposed = exposed.expect("names of fields").split(", ");
    assert!({ exposed }.any(|name| name == "X-Correlation-Id"));
}

/// RS-142: but for the name, the answers to one class of fault are alike.
#[tokio::test]
async fn but_for_the_name_refusals_are_alike() {
    let site = Site::new().await;
    let mut answers = Vec::new();
    for case in site.cases() {
        let is_token = case.status == 401 && case.reason != Some("no_credential");
        if is_token {
            let first = first(site.address, &case).await;
            let name = name_in(&first, &case);
            answers.push(format!("{first:?}").replace(&name, TRACE));
        }
    }
    assert!(answers.len() >= 5, "{}", answers.len());
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}
