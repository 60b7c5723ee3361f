//! Text that strangers chose, in the audit log.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use clearance::GuardBuilder;
use clearance::audit::JsonLines;
use clearance::jwk::Algorithm;
use serde_json::{Value, json};

use super::fixture::decided;
use crate::support::around::{T0, WEATHER, World};
use crate::support::http::{ask, eventually};
use crate::support::request::Request;
use crate::support::service::Service;
use crate::support::{FilesRead, Held, Logs, client, plain};

/// Text that would write lines or members of its own, or turn the rest around, if it could.
const HOSTILE: [&str; 12] = [
    "a\nFAKE",
    "a\r\n{\"decision\":\"allowed\"}",
    "\",\"decision\":\"allowed\",\"x\":\"",
    "a\u{1b}[31mFAKE\u{1b}[2K\u{9b}2J",
    "a\u{2028}FAKE\u{2029}FAKE\u{85}",
    "a\0FAKE\u{7}\u{8}\u{7f}",
    "a\u{202e}EKAF\u{202c}",
    "a\u{2066}FAKE\u{2069}\u{200f}\u{61c}",
    "a\u{200b}\u{feff}\u{ad}\u{34f}\u{e0041}",
    "a\u{301}\u{301}\u{301}\u{301}",
    "\\\\\\u{a}\\n",
    "{}${jndi:ldap://x}%n%s",
];

/// The most that is written of a name, or of another text, and that it was cut.
const LONGEST: [usize; 2] = [256 + "..".len(), 64 + "..".len()];

/// A writer that keeps each piece it is given.
#[derive(Clone, Default)]
struct Pieces(Arc<Mutex<Vec<Vec<u8>>>>);

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut pieces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Pieces {
    /// What was written since the last time: each event is one piece, on one line.
    async fn lines(&self, world: &World) -> Vec<(String, Value)> {
        eventually(|| {
            let health = world.guard.health();
            let audit = health.audit.expect("an audit log");
            audit.written == decided(&health.decisions)
        })
        .await;
        let pieces = self.0.lock().map(|mut pieces| std::mem::take(&mut *pieces));
        let pieces = pieces.expect("a lock").into_iter();
        let line = |piece: Vec<u8>| {
            let text = String::from_utf8(piece).expect("text");
            let line = text.strip_suffix('\n').expect("a whole line").to_owned();
            let event: Value = serde_json::from_str(&line).expect("JSON");
            (line, event)
        };
        pieces.map(line).collect()
    }
}

async fn world(pieces: &Pieces) -> World {
    let sink = JsonLines::to(pieces.clone());
    World::with(|builder| GuardBuilder::unlimited(builder).audit(sink)).await
}

fn is_foreign(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{301}' | '\u{feff}' | '\u{e0041}'
        )
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Each line says what it says, and no more.
#[track_caller]
fn assert_tame(lines: &[(String, Value)], decision: &str, members: &[&str]) {
    assert_eq!(lines.len(), 1, "{lines:?}");
    let (line, event) = &lines[0];
    assert!(!line.contains(is_foreign), "{line:?}");
    assert!(line.len() < 4_096, "{}", line.len());
    assert_eq!(event["decision"], decision, "{line}");
    for name in members {
        let text = event[*name].as_str().expect(name);
        let [longest_name, longest] = LONGEST;
        let is_name = ["subject", "client", "target"].contains(name);
        let longest = if is_name { longest_name } else { longest };
        assert!(text.chars().count() <= longest, "{name}: {text}");
        assert!(!text.is_empty());
    }
    let names = event.as_object().expect("an object").keys();
    let known = |name: &str| {
        [
            "at",
            "decision",
            "reason",
            "correlation_id",
            "resource",
            "issuer",
            "subject",
            "client",
            "method",
            "target",
            "needed",
            "held",
            "key_id",
            "unknown_key",
            "from_cache",
            "duration_us",
        ]
        .contains(&name)
    };
    assert!(names.into_iter().all(|name| known(name)), "{line}");
}

fn texts() -> Vec<String> {
    let long = ["x", "\n", "\u{10ffff}", "\"", "\u{202e}"];
    let long = long.map(|text| text.repeat(10_000));
    HOSTILE.into_iter().map(str::to_owned).chain(long).collect()
}

/// RS-148: subjects, clients and scopes.
#[tokio::test]
async fn callers_write_one_short_line() {
    let pieces = Pieces::default();
    let world = world(&pieces).await;
    for text in texts() {
        // Two of these are more than a token may be long.
        let short: String = text.chars().take(400).collect();
        let token = world.issuer.token().scope(&format!("files:read {short}"));
        let token = token.subject(&short).client(&short).mint();
        drop(ask::<FilesRead>(&world.guard, &token).await);
        let lines = pieces.lines(&world).await;
        assert_tame(&lines, "allowed", &["subject", "client"]);
        assert_eq!(lines[0].1["held"], "files:read");
    }
}

/// RS-148: names of methods, tools and resources.
#[tokio::test]
async fn names_that_are_called_write_one_short_line() {
    let pieces = Pieces::default();
    let world = world(&pieces).await;
    let router = Service::default().router();
    let layer = plain::layer(&world.guard).build().expect("a layer");
    let (address, task) = crate::support::spawn(router.layer(layer)).await;
    let _task = Held::from(task);
    let token = world.issuer.token().scope(T0).mint();
    for text in texts() {
        for (patch, members) in [
            (
                json!({ "params": { "name": &text } }),
                &["method", "target"][..],
            ),
            (json!({ "method": &text }), &["method"]),
            (
                json!({ "method": "resources/read", "params": { "uri": &text } }),
                &["method", "target"],
            ),
            (
                json!({ "method": "tasks/get", "params": { "taskId": &text } }),
                &["method", "target"],
            ),
        ] {
            let request = Request::new("2025-03-26", WEATHER).bearer(&token);
            client::send(address, &request.patched(&patch)).await;
            let lines = pieces.lines(&world).await;
            assert_tame(&lines, "refused", members);
        }
    }
}

/// RS-148: names of keys, be they published or not.
#[tokio::test]
async fn names_of_keys_write_one_short_line() {
    for text in texts() {
        let name: String = text.chars().take(64).collect();
        let pieces = Pieces::default();
        let world = world(&pieces).await;
        let token = world.issuer.token().header("kid", name.as_str()).mint();
        ask::<()>(&world.guard, &token)
            .await
            .expect_err("no such key");
        let lines = pieces.lines(&world).await;
        assert_tame(&lines, "refused", &["unknown_key"]);

        let own = world.issuer.kid(Algorithm::ES256).expect("a key");
        let mut jwk = world.issuer.public_jwk(&own).expect("a key");
        jwk["kid"] = name.into();
        world
            .issuer
            .publish_jwks(json!({ "keys": [jwk] }).to_string());
        world.clock.advance(chrono::TimeDelta::minutes(11));
        let name = lines[0].1["unknown_key"].clone();
        let token = world
            .issuer
            .token()
            .header("kid", jwk["kid"].clone())
            .mint();
        drop(ask::<()>(&world.guard, &token).await.expect("a proof"));
        let lines = pieces.lines(&world).await;
        assert_tame(&lines, "allowed", &["key_id"]);
        assert_eq!(lines[0].1["key_id"], name);
    }
}

/// RS-148: what two strangers are called differs as long as the first 256 characters do, and what was
/// cut says so.
#[tokio::test]
async fn what_is_cut_says_so() {
    let pieces = Pieces::default();
    let world = world(&pieces).await;
    for (subject, written) in [
        ("x".repeat(256), "x".repeat(256)),
        ("x".repeat(257), format!("{}..", "x".repeat(256))),
        (
            "it's \"Ünï\" \\ 日本".to_owned(),
            "it's \"Ünï\" \\\\ 日本".to_owned(),
        ),
        ("a\\nb".to_owned(), "a\\\\nb".to_owned()),
        ("a\nb".to_owned(), "a\\nb".to_owned()),
        ("\u{202e}".to_owned(), "\\u{202e}".to_owned()),
    ] {
        let token = world.issuer.token().subject(&subject).mint();
        drop(ask::<()>(&world.guard, &token).await.expect("a proof"));
        let lines = pieces.lines(&world).await;
        assert_eq!(lines[0].1["subject"], written.as_str());
    }
}

/// RS-148: and the same in `tracing`: one record each, without a character that moves anything.
#[tokio::test]
async fn records_are_tame_as_well() {
    let logs = Logs::capture();
    let world = World::new().await;
    for text in texts() {
        let short: String = text.chars().take(400).collect();
        let token = world.issuer.token().subject(&short).client(&short).mint();
        let before = logs.text().len();
        drop(ask::<()>(&world.guard, &token).await.expect("a proof"));
        let log = logs.text().split_off(before);
        let record = log.strip_suffix('\n').expect("a whole line");
        assert!(!record.contains(is_foreign), "{record:?}");
        assert!(record.len() < 4_096, "{}", record.len());
        assert_eq!(record.matches(" clearance: decision=").count(), 1);
    }
}
