//! Whether all went as it should, by what the client says and by what both servers have seen.

use clearance::testing::RecordedRequest;

use super::trial::Outcome;
use super::world::{FIRST, FIRST_TEXT, SECOND, SECOND_TEXT, Seen, World};

/// How a client and the server agree on a revision of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    /// `initialize`.
    Initialize,
    /// `server/discover`.
    Discover,
}

impl Lifecycle {
    pub(crate) fn revision(self) -> &'static str {
        match self {
            Self::Initialize => "2025-11-25",
            Self::Discover => "2026-07-28",
        }
    }

    fn method(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Discover => "server/discover",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Initialize => Self::Discover,
            Self::Discover => Self::Initialize,
        }
    }
}

/// One step of a client, as it says itself: `login 2025-11-25`.
pub(crate) fn steps(lifecycle: Lifecycle) -> [String; 4] {
    [
        format!("login {}", lifecycle.revision()),
        format!("read {}", FIRST_TEXT.trim_end()),
        format!("delete alice deleted {FIRST}"),
        format!("again {SECOND_TEXT}"),
    ]
}

/// Looks at a world in which a client has done all its steps.
pub(crate) fn check(world: &World, lifecycle: Lifecycle, said: &[String]) -> Outcome<()> {
    let mut faults = Faults::default();
    faults.unless(said == steps(lifecycle), || {
        format!("the client says {said:?}")
    });
    let there = world.folder().join(FIRST).exists();
    faults.unless(!there, || format!("{FIRST} is still there"));
    let there = world.folder().join(SECOND).exists();
    faults.unless(there, || format!("{SECOND} is gone"));
    seen_by_the_server(world, lifecycle, &mut faults);
    seen_by_the_authorization_server(world, &mut faults);
    if faults.0.is_empty() {
        return Ok(());
    }
    let (before, after) = world.seen_before_and_after();
    let (asked_before, asked_after) = world.requests_before_and_after();
    Err(format!(
        "{}\n\nMCP server:\n{before:#?}\nlater:\n{after:#?}\n\nauthorization server:\n\
         {asked_before:#?}\nlater:\n{asked_after:#?}",
        faults.0.join("\n")
    )
    .into())
}

#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn unless(&mut self, is_right: bool, what: impl FnOnce() -> String) {
        if !is_right {
            self.0.push(what());
        }
    }
}

fn seen_by_the_server(world: &World, lifecycle: Lifecycle, faults: &mut Faults) {
    let (before, after) = world.seen_before_and_after();
    let first = before.first().map(|seen| (seen.with_token, seen.status));
    faults.unless(first == Some((false, 401)), || {
        format!("the first answer was {first:?} and no challenge")
    });
    for (method, is_wanted) in [
        (lifecycle.method(), true),
        (lifecycle.other().method(), false),
    ] {
        let is_method = |seen: &&Seen| seen.method.as_deref() == Some(method);
        let done = before
            .iter()
            .filter(is_method)
            .any(|seen| seen.status == 200);
        faults.unless(done == is_wanted, || {
            format!("{method} was answered: {done}")
        });
    }
    let revision = Some(lifecycle.revision());
    let others = before.iter().chain(&after).filter(|seen| {
        seen.status == 200 && seen.tool.is_some() && seen.revision.as_deref() != revision
    });
    faults.unless(others.count() == 0, || {
        "a call of another revision".to_owned()
    });

    let read = calls(&before, "read_file");
    faults.unless(read.len() == 1 && read[0].status == 200, || {
        format!("read: {read:?}")
    });
    let delete = calls(&before, "delete_file");
    let is_refused = delete.first().is_some_and(|seen| {
        seen.with_token
            && seen.status == 403
            && seen.challenge.contains(r#"error="insufficient_scope""#)
            && seen
                .challenge
                .contains(r#"scope="files:delete files:read""#)
    });
    faults.unless(is_refused, || format!("not refused first: {delete:?}"));
    let is_right = delete.split_last().is_some_and(|(last, others)| {
        last.status == 200 && others.iter().all(|seen| seen.status == 403)
    });
    faults.unless(is_right, || format!("delete: {delete:?}"));

    // Those that look at their own clock ask with a new token at once, others when they are refused.
    let again = calls(&after, "read_file");
    let is_expired = |seen: &Seen| {
        seen.with_token && seen.status == 401 && seen.challenge.contains("invalid_token")
    };
    let is_right = again.split_last().is_some_and(|(last, others)| {
        last.status == 200 && others.len() <= 1 && others.iter().all(is_expired)
    });
    faults.unless(is_right, || format!("again: {again:?}"));
}

fn calls(seen: &[Seen], tool: &str) -> Vec<Seen> {
    let mut calls = seen.to_vec();
    calls.retain(|seen| {
        seen.method.as_deref() == Some("tools/call") && seen.tool.as_deref() == Some(tool)
    });
    calls
}

fn seen_by_the_authorization_server(world: &World, faults: &mut Faults) {
    let (before, after) = world.requests_before_and_after();
    let registrations = at(&before, "/register").len();
    faults.unless(registrations == 1, || {
        format!("{registrations} registrations")
    });

    let asked = at(&before, "/authorize");
    let scopes: Vec<_> = asked
        .iter()
        .map(|request| sorted(request.value("scope")))
        .collect();
    let wanted = ["files:read", "files:delete files:read"];
    faults.unless(scopes == wanted, || format!("asked for {scopes:?}"));
    let resource = Some(world.authorization.resource().as_str());
    let is_right = asked.iter().all(|request| {
        request.value("resource") == resource
            && request.value("code_challenge_method") == Some("S256")
            && request.value("client_id").is_some()
            && request.value("client_id") == asked[0].value("client_id")
    });
    faults.unless(is_right, || format!("asked wrongly: {asked:?}"));

    let answers = at(&before, "/consent");
    let all_allowed = answers
        .iter()
        .all(|request| request.value("decision") == Some("allow"));
    faults.unless(answers.len() == 2 && all_allowed, || {
        format!("answered: {answers:?}")
    });
    let codes = grants(&before, "authorization_code", resource);
    faults.unless(codes == 2, || format!("{codes} codes were redeemed"));

    // From then on, nobody is asked anything.
    let others = after.iter().filter(|request| {
        let path = request.path();
        path != "/token" && path != "/jwks" && !path.starts_with("/.well-known/")
    });
    faults.unless(others.count() == 0, || {
        format!("later, somebody was asked: {after:?}")
    });
    let refreshed = grants(&after, "refresh_token", resource);
    faults.unless(refreshed == 1 && at(&after, "/token").len() == 1, || {
        format!("refreshed {refreshed} times: {after:?}")
    });
}

fn at<'r>(requests: &'r [RecordedRequest], path: &str) -> Vec<&'r RecordedRequest> {
    let is_there = |request: &&RecordedRequest| request.path() == path;
    requests.iter().filter(is_there).collect()
}

fn grants(requests: &[RecordedRequest], kind: &str, resource: Option<&str>) -> usize {
    let all = at(requests, "/token");
    let is_of_kind = |request: &&&RecordedRequest| {
        request.value("grant_type") == Some(kind) && request.value("resource") == resource
    };
    all.iter().filter(is_of_kind).count()
}

fn sorted(scope: Option<&str>) -> String {
    let mut scopes: Vec<_> = scope.unwrap_or_default().split(' ').collect();
    scopes.sort_unstable();
    scopes.join(" ")
}
