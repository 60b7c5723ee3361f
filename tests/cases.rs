//! Every case of `cases/mcp.tsv` over a real socket, in every revision that it names.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    reason = "a test that cannot go on must panic"
)]

#[path = "introspection/endpoint.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod endpoint;
#[path = "cases/secrets.rs"]
mod secrets;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fmt::Write as _;

use serde_json::{Value, json};
use support::mcp::{McpServer, REVISIONS, server};
use support::plain;
use support::request::{Request, messages};
use support::{Answer, M, parse_challenge};

const FILE: &str = include_str!("cases/mcp.tsv");

const HEADER: &str = "revisions\tcall\theaders\tbody\ttoken\treason\tstatus\tcode\tchallenge\tid\tran\tneeds\tin_layer";

/// One line; see the head of the file for the columns.
#[derive(Clone, Debug)]
struct Case {
    line: usize,
    revisions: Vec<&'static str>,
    call: &'static str,
    headers: &'static str,
    body: &'static str,
    token: &'static str,
    reason: &'static str,
    status: u16,
    code: &'static str,
    challenge: &'static str,
    id: &'static str,
    ran: &'static str,
    needs: &'static str,
    in_layer: &'static str,
}

/// An empty cell is a dash.
fn cell(text: &str) -> &str {
    if text == "-" { "" } else { text }
}

fn revisions(cell: &str) -> Vec<&'static str> {
    let named = |revision: &&str| {
        let mut beginnings = cell.split(' ');
        cell == "all" || beginnings.any(|beginning| revision.starts_with(beginning))
    };
    let found: Vec<_> = REVISIONS.into_iter().filter(named).collect();
    assert!(!found.is_empty(), "no revision: {cell}");
    found
}

fn cases() -> Vec<Case> {
    let lines = (1..).zip(FILE.lines());
    let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    assert_eq!(lines.next().map(|(_, line)| line), Some(HEADER));
    lines
        .map(|(line, text)| {
            let cells: Vec<&'static str> = text.split('\t').collect();
            let [
                revs,
                call,
                headers,
                body,
                token,
                reason,
                status,
                code,
                challenge,
                id,
                ran,
                needs,
                in_layer,
            ] = cells[..]
            else {
                panic!("line {line}: not thirteen columns");
            };
            assert!(cells.iter().all(|cell| !cell.is_empty()), "line {line}");
            Case {
                line,
                revisions: revisions(revs),
                call,
                headers: cell(headers),
                body: cell(body),
                token,
                reason,
                status: status.parse().expect("a status"),
                code: cell(code),
                challenge: cell(challenge),
                id: cell(id),
                ran: cell(ran),
                needs: cell(needs),
                in_layer: cell(in_layer),
            }
        })
        .collect()
}

impl Case {
    /// The same case where a layer decides.
    fn in_layer(&self) -> Self {
        let mut words = self.in_layer.split(' ');
        let (Some(status), Some(code)) = (words.next(), words.next()) else {
            return self.clone();
        };
        Self {
            status: status.parse().expect("a status"),
            code,
            challenge: "",
            ran: "",
            id: if words.next().is_some() { "" } else { self.id },
            ..self.clone()
        }
    }

    /// The request, and the token in it.
    fn request(&self, server: &McpServer, revision: &str) -> (Request, String) {
        let mut request = Request::new(revision, self.call);
        if let Some(whole) = self.body.strip_prefix('=') {
            request = request.body(whole);
        } else if !self.body.is_empty() {
            request = request.patched(&serde_json::from_str(self.body).expect("a patch"));
        }
        for change in self
            .headers
            .split(" | ")
            .filter(|change| !change.is_empty())
        {
            request = match change.split_at(1) {
                ("-", name) => request.without(name),
                ("+", field) => {
                    let (name, value) = field.split_once(": ").expect("a field");
                    request.also(name, value)
                }
                _ => {
                    let (name, value) = change.split_once(": ").expect("a field");
                    request.with(name, value)
                }
            };
        }
        with_token(request, server, self.token)
    }
}

fn with_token(mut request: Request, server: &McpServer, token: &str) -> (Request, String) {
    let (kind, scopes) = token.split_once(' ').unwrap_or((token, ""));
    let valid = || server.token(scopes);
    let form = "application/x-www-form-urlencoded";
    let field = "authorization";
    let token = match kind {
        "none" => return (request, String::new()),
        "basic" => return (request.with(field, "Basic dTpw"), "dTpw".to_owned()),
        "empty" => return (request.with(field, "Bearer "), String::new()),
        "blank" => return (request.bearer("a b"), String::new()),
        "garbage" => "garbage00.garbage01.garbage02".to_owned(),
        "both" | "cookie" | "form" | "meta" | "query" | "repeated" => valid(),
        _ => server.token_of(kind, scopes),
    };
    request = match kind {
        "cookie" => request.with("cookie", &format!("access_token={token}")),
        "form" => request
            .with("content-type", form)
            .body(&format!("access_token={token}")),
        "meta" => request.patched(&json!({ "params": { "_meta": { "access_token": token } } })),
        "both" | "query" => {
            write!(request.target, "?access_token={token}").expect("text");
            request
        }
        _ => request,
    };
    request = match kind {
        "cookie" | "form" | "meta" | "query" => request,
        "repeated" => request
            .bearer(&token)
            .also(field, &format!("Bearer {token}")),
        _ => request.bearer(&token),
    };
    (request, token)
}

/// What was wrong with an answer.
struct Faults<'a> {
    case: &'a Case,
    revision: &'static str,
    found: &'a mut Vec<String>,
}

impl Faults<'_> {
    fn unless<T: PartialEq + fmt::Debug>(&mut self, what: &str, seen: T, expected: T) {
        if seen != expected {
            let Case {
                line, call, reason, ..
            } = self.case;
            let revision = self.revision;
            self.found.push(format!(
                "line {line}, {revision}, {call}, {reason}: {what} is {seen:?}, not {expected:?}"
            ));
        }
    }

    fn of(&mut self, answer: &Answer, token: &str, ran: &[String]) {
        let case = self.case;
        self.unless("status", answer.status, case.status);
        self.unless("ran", ran.join(", ").as_str(), case.ran);
        self.unless(
            "challenge",
            challenge(case, answer).as_str(),
            case.challenge,
        );
        let stored = answer.header("cache-control").unwrap_or_default();
        let preflight = case.call == "OPTIONS";
        self.unless("no-store", stored.contains("no-store"), !preflight);
        answer.assert_silent_about(token);
        self.body(answer);
    }

    fn body(&mut self, answer: &Answer) {
        let case = self.case;
        if matches!(answer.status, 202 | 204) {
            self.unless("body", answer.body.as_str(), "");
            return;
        }
        let last = messages(answer).pop().unwrap_or_default();
        let of_batch = last.is_array();
        let all = match last.as_array() {
            Some(all) => all.clone(),
            None => vec![last],
        };
        let mut codes = Vec::new();
        let mut ids = Vec::new();
        for message in &all {
            self.unless("jsonrpc", &message["jsonrpc"], &"2.0".into());
            let error = message.get("error");
            self.unless("result", message.get("result").is_some(), error.is_none());
            codes.push(error.map_or("-".to_owned(), |error| error["code"].to_string()));
            let says = |error: &Value| error["message"].as_str().is_some_and(|m| !m.is_empty());
            self.unless("message", error.is_none_or(says), true);
            ids.push(message.get("id").map(Value::to_string).unwrap_or_default());
        }
        let codes = codes.join(",");
        self.unless("code", cell(&codes), case.code);
        let ids = ids.join(",");
        let ids = if of_batch { format!("[{ids}]") } else { ids };
        self.unless("id", ids.as_str(), canonical(case.id).as_str());
    }
}

/// JSON as this test writes it.
fn canonical(json: &str) -> String {
    if json.is_empty() {
        return String::new();
    }
    let value: Value = serde_json::from_str(json).expect("JSON in the case file");
    value.to_string()
}

/// The challenge as the file writes it.
fn challenge(case: &Case, answer: &Answer) -> String {
    let Some(value) = answer.header("www-authenticate") else {
        return String::new();
    };
    let parameters: BTreeMap<_, _> = parse_challenge(value).into_iter().collect();
    let metadata = parameters.get("resource_metadata").map(String::as_str);
    if metadata != Some(M)
        || parameters
            .keys()
            .any(|name| !KNOWN.contains(&name.as_str()))
    {
        return value.to_owned();
    }
    let error = parameters.get("error").map_or("no_error", String::as_str);
    let scope = parameters.get("scope").map_or("", String::as_str);
    let written = format!("{error} {scope}");
    // The order of a union says nothing.
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    if case.call.starts_with("batch ") && words(&written) == words(case.challenge) {
        return case.challenge.to_owned();
    }
    written
}

const KNOWN: [&str; 3] = ["error", "resource_metadata", "scope"];

/// RS-008, RS-022, RS-086, RS-095, RS-102, RS-103, RS-118, RS-140, RS-145 and more, for all
/// of the fixture's handlers: each case is answered as the file says, runs what the file says and
/// nothing else, and repeats nothing of the token.
#[tokio::test]
async fn each_case_is_answered_as_it_must_be() {
    run(&server().await, &cases()).await;
}

/// The same for a server that knows nothing of authorization, with a layer before it. Only names
/// outside the policy may be answered otherwise.
#[tokio::test]
async fn each_case_is_answered_so_by_a_layer() {
    let cases: Vec<Case> = cases().iter().map(Case::in_layer).collect();
    run(&plain::server().await, &cases).await;
}

async fn run(server: &McpServer, cases: &[Case]) {
    let mut found = Vec::new();
    for case in cases {
        for &revision in &case.revisions {
            let (request, token) = case.request(server, revision);
            let answer = server.send(&request).await;
            let ran = server.log.take();
            let mut faults = Faults {
                case,
                revision,
                found: &mut found,
            };
            faults.of(&answer, &token, &ran);
        }
    }
    assert!(
        found.is_empty(),
        "{} faults:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn there_are_enough_cases_and_no_two_are_alike() {
    let cases = cases();
    let mut seen = BTreeMap::new();
    for case in &cases {
        let verdict = (case.status, case.code, case.challenge, case.id, case.ran);
        let other = seen.insert((case.call, case.reason, verdict), case.line);
        assert_eq!(other, None, "line {} is as that line", case.line);
    }
    assert!(seen.len() >= 150, "{} cases", seen.len());
    for revision in REVISIONS {
        let of_it = cases
            .iter()
            .filter(|case| case.revisions.contains(&revision));
        assert!(of_it.count() >= 150, "{revision}");
    }
    let ran: BTreeSet<_> = cases.iter().flat_map(|case| case.ran.split(", ")).collect();
    assert!(ran.len() >= 12, "handlers that ran: {ran:?}");
}

/// Within one revision, all who are refused for one reason are refused alike.
#[test]
fn a_reason_has_one_answer() {
    let mut known = BTreeMap::new();
    for case in &cases() {
        let needs = ["", "names", "methods", "arguments"];
        assert!(needs.contains(&case.needs), "line {}", case.line);
        let is_outside = matches!(case.needs, "names" | "methods");
        assert!(is_outside || case.in_layer.is_empty(), "line {}", case.line);
        if case.status < 300 || case.call.starts_with("batch ") {
            continue;
        }
        for &revision in &case.revisions {
            let error = case.challenge.split(' ').next();
            let answer = (case.status, case.code, error);
            let first = *known.entry((case.reason, revision)).or_insert(answer);
            assert_eq!(answer, first, "line {}, {revision}", case.line);
        }
    }
}
