//! Where the suite is, and a Node that is new enough for it; `tests/clients/install` brings both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The suite takes `globSync` of `fs`.
const IS_NEW: &str = "process.exit(parseInt(process.versions.node) >= 22 ? 0 : 1)";
const PACKAGE: &str = "@modelcontextprotocol/conformance";
const REMEDY: &str = "`bash tests/clients/install` brings it";

/// The program that runs the suite, and the suite.
pub(crate) struct Installed {
    pub(crate) node: PathBuf,
    pub(crate) suite: PathBuf,
}

fn target() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    target.expect("a folder in another").to_owned()
}

/// What is there, or what is not.
pub(crate) fn find() -> Result<Installed, String> {
    let own = target().join("clients/node/bin/node");
    let node = [PathBuf::from("node"), own].into_iter().find(is_new);
    let node = node.ok_or_else(|| format!("Node 22 or newer is missing: {REMEDY}"))?;
    let pinned = pinned();
    let package = target().join("conformance/node_modules").join(PACKAGE);
    let found = fs::read_to_string(package.join("package.json")).unwrap_or_default();
    let found: Value = found.parse().unwrap_or_default();
    if found["version"] != pinned {
        return Err(format!(
            "the conformance suite {pinned} is missing: {REMEDY}"
        ));
    }
    let suite = package.join("dist/index.js");
    Ok(Installed { node, suite })
}

/// The version that `package.json` asks for.
fn pinned() -> String {
    let package: Value = include_str!("package.json").parse().expect("JSON");
    let version = package["dependencies"][PACKAGE].as_str();
    version.expect("a version").to_owned()
}

fn is_new(node: &PathBuf) -> bool {
    let mut command = Command::new(node);
    let quiet = command
        .args(["-e", IS_NEW])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
