//! Resource URIs: two spellings of one file are one file to the policy.

use clearance::mcp::{Policy, any_valid_token, nobody, requires};
use serde_json::json;

use super::fixture::{EVERYTHING, read, request, site};
use crate::support::mcp::REVISIONS;
use crate::support::{FilesRead, FilesWrite, Fixture, McpAdmin, ScopeA, ScopeB, ToolsRead};

/// RS-093: `file:///pub/*` stands for what is below it and for nothing else, however that is spelled.
#[tokio::test]
async fn a_pattern_does_not_reach_beyond_its_folder() {
    let site = site(Policy::<Fixture>::closed().resource("file:///pub/*", requires::<ScopeA>()));
    let site = site.await;
    for inside in [
        "file:///pub/a.txt",
        "file:///pub/a/b/c.txt",
        "file:///pub/a/",
        "file:///pub/a?page=2",
        "FILE:///pub/a.txt",
        "file:///%70ub/a.txt",
        "file:///pub/%61%2Etxt",
        "file:///pub/a%20b",
        "file:///pub/.hidden",
        "file:///pub/...",
        "file:///pub/x/../a.txt",
        "file:///pub/./a.txt",
        "file:///pub/%2e/a.txt",
    ] {
        for revision in REVISIONS {
            let asked = request(revision, "resources/read", &json!({ "uri": inside }));
            assert_eq!(site.ask(&asked, "a").await, "passed", "{inside}");
            assert_eq!(site.ask(&asked, "b").await, "lacks a b", "{inside}");
        }
    }
    for outside in [
        "file:///pub/../secret",
        "file:///pub/%2e%2e/secret",
        "file:///pub/%2E%2E/secret",
        "file:///pub/.%2e/secret",
        "file:///pub/x/../../secret",
        "file:///pub/x/%2e%2e/%2e%2e/secret",
        "file:///pub/x/..%2fsecret",
        "file:///pub/x/..%2F..%2Fsecret",
        "file:///pub/..%5csecret",
        "file:///pub/..\\secret",
        "file:///pub/%252e%252e/secret",
        "file:///pub/%2e%2e%00/secret",
        "file:///pub//secret",
        "file:////pub/secret",
        "file:///pub/a%0ab",
        "file:///pub/a#b",
        "file:///pub/\u{ff0e}\u{ff0e}/secret",
        "file:///pub/a b",
        "file:///pub/%zz",
        "file:///pub/%2",
        "file:///pub",
        "file:///public/a.txt",
        "file:///PUB/a.txt",
        "file:///a/pub/a.txt",
        "file://host/pub/a.txt",
        "file:/pub/a.txt",
        "files:///pub/a.txt",
        "/pub/a.txt",
        "pub/a.txt",
        "",
    ] {
        for revision in &REVISIONS[..3] {
            let asked = request(revision, "resources/read", &json!({ "uri": outside }));
            assert_eq!(site.ask(&asked, EVERYTHING).await, "closed", "{outside:?}");
        }
        // A name that no header can hold is written in base64 there.
        let asked = read(outside).with("mcp-name", &sentinel(outside));
        assert_eq!(site.ask(&asked, EVERYTHING).await, "closed", "{outside:?}");
    }
}

fn sentinel(value: &str) -> String {
    use base64::Engine as _;
    let value = base64::engine::general_purpose::STANDARD.encode(value);
    format!("=?base64?{value}?=")
}

/// RS-093: of several patterns that stand for a URI the most precise one counts, wherever it was
/// written.
#[tokio::test]
async fn the_most_precise_pattern_counts() {
    let policy = Policy::<Fixture>::closed()
        .resources(requires::<McpAdmin>())
        .resource("file:///pub/*", requires::<ScopeA>())
        .resource("file:///pub/{*path}", requires::<ScopeB>())
        .resource("file:///{folder}/{name}", requires::<FilesWrite>())
        .resource("file:///pub/{name}", requires::<FilesRead>())
        .resource("file:///pub/readme.txt", any_valid_token())
        .resource("file:///pub/drafts/*", nobody())
        .resource("https://docs.example/a/*", requires::<ToolsRead>());
    let site = site(policy).await;
    for (uri, verdict) in [
        ("file:///pub/readme.txt", "passed"),
        ("file:///pub/x/../readme.txt", "lacks b"),
        ("file:///pub/a.txt", "lacks files:read"),
        ("file:///pub/a/b.txt", "lacks b"),
        // A named rest is no folder and no query, but others may overlook both.
        ("file:///pub/a/", "lacks a files:read"),
        ("file:///pub/a?b", "lacks a files:read"),
        ("file:///pub/drafts/a", "closed"),
        ("file:///pub/drafts/a/b", "closed"),
        ("file:///pub/%64rafts/a", "closed"),
        ("file:///etc/passwd", "lacks files:write"),
        ("file:///etc/ssh/key", "lacks mcp:admin"),
        ("note:1", "lacks mcp:admin"),
        ("https://docs.example/a/b", "lacks mcp:tools.read"),
        ("HTTPS://DOCS.example/a/b", "lacks mcp:tools.read"),
        ("https://docs.example/A/b", "lacks mcp:admin"),
        // Other spellings of the host are nobody's.
        ("https://docs.example:443/a/b", "closed"),
        ("https://docs.example./a/b", "closed"),
        ("https://me@docs.example/a/b", "closed"),
        // The rest is open to URIs, and these are none.
        ("etc/passwd", "closed"),
        ("file:///pub//a", "closed"),
        ("file:///../a", "closed"),
    ] {
        assert_eq!(site.ask(&read(uri), "").await, verdict, "{uri}");
    }
    let admin = "mcp:admin";
    assert_eq!(
        site.ask(&read("file:///etc/ssh/key"), admin).await,
        "passed"
    );
    assert_eq!(site.ask(&read("etc/passwd"), admin).await, "closed");
    assert_eq!(
        site.ask(&read("file:///pub/drafts/a"), EVERYTHING).await,
        "closed"
    );
}

/// RS-093: a service may take dot segments for names, so what either reading demands is demanded.
#[tokio::test]
async fn dot_segments_are_judged_in_both_readings() {
    let policy = Policy::<Fixture>::closed()
        .resource("file:///pub/*", requires::<ScopeA>())
        .resource("file:///pub/secret/*", requires::<ScopeB>())
        .resource("file:///off/*", nobody());
    let site = site(policy).await;
    for (uri, scopes, verdict) in [
        ("file:///pub/x/../secret/a", "a", "lacks b a"),
        ("file:///pub/x/../secret/a", "a b", "passed"),
        ("file:///pub/secret/../a", "a", "lacks b a"),
        ("file:///pub/secret/../a", "b", "lacks a b"),
        ("file:///pub/secret/../a", "a b", "passed"),
        ("file:///pub/secret/%2e%2e/a", "a", "lacks b a"),
        ("file:///pub/a/../b", "a", "passed"),
        ("file:///off/../pub/a", EVERYTHING, "closed"),
        ("file:///pub/../off/a", EVERYTHING, "closed"),
    ] {
        for revision in REVISIONS {
            let asked = request(revision, "resources/read", &json!({ "uri": uri }));
            assert_eq!(
                site.ask(&asked, scopes).await,
                verdict,
                "{uri} with {scopes}"
            );
        }
    }
}

/// RS-093: the rest is a rule as well, so it is demanded of the reading that falls under it.
#[tokio::test]
async fn dot_segments_do_not_step_over_the_rest() {
    let policy = Policy::<Fixture>::closed()
        .resource("file:///pub/*", any_valid_token())
        .resources(requires::<ScopeA>());
    let site = site(policy).await;
    let plain = read("file:///private/x/pub/a");
    assert_eq!(site.ask(&plain, "").await, "lacks a");
    let stepping = read("file:///private/../pub/a");
    assert_eq!(site.ask(&stepping, "").await, "lacks a");
    assert_eq!(site.ask(&stepping, "a").await, "passed");
}
