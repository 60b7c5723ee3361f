//! The quickstart's files server: every tool against every set of its scopes, and what becomes of the
//! files.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use clearance::Guard;
use clearance::testing::Issuer;
use serde_json::{Value, json};

use super::stage::{Mode, assert_challenges, begin, last};
use crate::server::{Files, FilesRead, FilesScopes, Folder};
use crate::support::client::send;
use crate::support::request::Request;
use crate::support::{Answer, resource, spawn};

const MODES: [Mode; 3] = [Mode::Sessions, Mode::Stateless, Mode::Modern];
const SCOPES: [&str; 3] = ["files:read", "files:write", "files:delete"];

struct Quickstart {
    mode: Mode,
    issuer: Issuer,
    address: SocketAddr,
    folder: std::path::PathBuf,
    _task: crate::support::Held,
}

impl Quickstart {
    async fn start(mode: Mode) -> Self {
        let issuer = Issuer::start(resource()).await.expect("an issuer");
        let guard = Guard::<FilesScopes>::builder(issuer.resource().clone())
            .issuer(issuer.id().clone())
            .baseline::<FilesRead>()
            .unlimited()
            .build()
            .expect("a guard");
        guard.ready().await.expect("keys");
        let folder = Folder::with("notes.txt", "buy milk").expect("a folder");
        let path = folder.path().to_owned();
        let app = Files::new(&guard, folder).app(&guard, mode.config());
        let (address, task) = spawn(app.expect("a layer")).await;
        Self {
            mode,
            issuer,
            address,
            folder: path,
            _task: task.into(),
        }
    }

    /// The files, and what is in them.
    fn files(&self) -> BTreeMap<String, String> {
        let entries = std::fs::read_dir(&self.folder).expect("the folder");
        let file = |entry: std::io::Result<std::fs::DirEntry>| {
            let entry = entry.expect("a file");
            let name = entry.file_name().into_string().expect("text");
            (name, std::fs::read_to_string(entry.path()).expect("text"))
        };
        entries.map(file).collect()
    }

    async fn call(&self, tool: &str, arguments: &Value, scopes: &str) -> Answer {
        let token = self.issuer.token().subject("alice").scope(scopes).mint();
        let call = format!("tools/call {tool}");
        let mut request = Request::new(self.mode.revision(), &call).bearer(&token);
        if self.mode == Mode::Sessions {
            let session = begin(self.address, &token).await;
            request = request.with("mcp-session-id", &session);
        }
        let request = request.patched(&json!({ "params": { "arguments": arguments } }));
        send(self.address, &request).await
    }
}

/// A tool, what it demands, what it is called with, what it says, and what becomes of which file.
struct Row {
    tool: &'static str,
    scope: &'static str,
    arguments: Value,
    says: &'static str,
    changes: Option<(&'static str, Option<&'static str>)>,
}

fn rows() -> [Row; 4] {
    let row = |tool, scope, arguments, says, changes| Row {
        tool,
        scope,
        arguments,
        says,
        changes,
    };
    let notes = || json!({ "name": "notes.txt" });
    let new = json!({ "name": "new.txt", "content": "new" });
    let (written, deleted) = (("new.txt", Some("new")), ("notes.txt", None));
    let (read, write, delete) = ("files:read", "files:write", "files:delete");
    [
        row("list_files", read, json!({}), "notes.txt", None),
        row("read_file", read, notes(), "buy milk", None),
        row(
            "write_file",
            write,
            new,
            "alice wrote new.txt",
            Some(written),
        ),
        row(
            "delete_file",
            delete,
            notes(),
            "alice deleted notes.txt",
            Some(deleted),
        ),
    ]
}

#[tokio::test]
async fn every_tool_demands_its_scope_and_nothing_else() {
    for mode in MODES {
        let server = Quickstart::start(mode).await;
        for bits in 0..8_u32 {
            let has = |place: &usize| bits & (1 << place) != 0;
            let own: Vec<_> = (0..3).filter(has).map(|place| SCOPES[place]).collect();
            for row in rows() {
                judge(&server, &row, &own).await;
            }
        }
    }
}

async fn judge(server: &Quickstart, row: &Row, own: &[&str]) {
    let mut files = server.files();
    let answer = server.call(row.tool, &row.arguments, &own.join(" ")).await;
    let about = format!("{:?} {} {own:?} {answer:?}", server.mode, row.tool);
    if !own.contains(&row.scope) {
        let mut asked = vec![row.scope];
        asked.extend(own);
        assert_challenges(&answer, &asked.join(" "));
        assert_eq!(server.files(), files, "{about}");
        return;
    }
    let result = &last(&answer)["result"];
    assert_ne!(result["isError"], true, "{about}");
    assert_eq!(result["content"][0]["text"], row.says, "{about}");
    match row.changes {
        Some((name, Some(content))) => drop(files.insert(name.to_owned(), content.to_owned())),
        Some((name, None)) => drop(files.remove(name)),
        None => {}
    }
    assert_eq!(server.files(), files, "{about}");
    // As it was, for those that come.
    drop(std::fs::remove_file(server.folder.join("new.txt")));
    std::fs::write(server.folder.join("notes.txt"), "buy milk").expect("written");
}

/// A scope is about files of the folder, and no name leads out of it.
#[tokio::test]
async fn no_name_leads_out_of_the_folder() {
    let server = Quickstart::start(Mode::Modern).await;
    let before = server.files();
    for name in [
        "",
        ".",
        "..",
        "../notes.txt",
        "/etc/passwd",
        ".hidden",
        "a/b",
        "a\\b",
        "a\0b",
    ] {
        for tool in ["read_file", "write_file", "delete_file"] {
            let arguments = json!({ "name": name, "content": "x" });
            let answer = server.call(tool, &arguments, &SCOPES.join(" ")).await;
            let result = &last(&answer)["result"];
            assert_eq!(result["isError"], true, "{tool} {name:?} {answer:?}");
        }
    }
    assert_eq!(server.files(), before);
}
