//! Which of the programs that these tests need are there; `install` brings them.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::script::Script;
use super::trial::Needed;

const REMEDY: &str = "`bash tests/clients/install` brings it";

/// Where `install` puts the packages.
fn packages() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    target.expect("a folder in another").join("clients")
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// A script, and the program for it.
pub(crate) fn script(name: &str) -> Needed<Script> {
    let (version, language) = name.split_once('.').unwrap_or_default();
    if language == "py" {
        let python = packages().join(format!("python-{version}/bin/python"));
        return Ok(Script {
            program: with(
                python,
                &["-c", "import mcp"],
                &format!("the Python SDK {version}"),
            )?,
            script: scripts().join("python").join(name),
        });
    }
    let is_new = "process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)";
    let own = packages().join("node/bin/node");
    let what = "Node 20 or newer";
    let node = with(PathBuf::from("node"), &["-e", is_new], what);
    let node = node.or_else(|_| with(own, &["-e", is_new], what))?;
    let sdk = match version {
        "v1" => "sdk",
        _ => "client",
    };
    let folder = packages().join("typescript");
    let sdk = folder.join("node_modules/@modelcontextprotocol").join(sdk);
    if !sdk.join("package.json").is_file() {
        return Err(format!("the TypeScript SDK {version} is missing: {REMEDY}"));
    }
    Ok(Script {
        program: node,
        script: folder.join(name),
    })
}

/// Puts the scripts beside their packages, since Node looks for packages from where a script is.
pub(crate) fn place_scripts() -> io::Result<()> {
    let to = packages().join("typescript");
    if !to.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(scripts().join("typescript"))? {
        let from = entry?.path();
        if let Some(name) = from.file_name()
            && from.extension().is_some_and(|end| end == "mjs")
        {
            std::fs::copy(&from, to.join(name))?;
        }
    }
    Ok(())
}

/// The program that drives Chromium, which has to be there as well.
pub(crate) fn driver() -> Needed<PathBuf> {
    program("chromium")?;
    program("chromedriver")
}

/// A program that says its version.
fn program(name: &str) -> Needed<PathBuf> {
    with(PathBuf::from(name), &["--version"], name)
}

fn with(program: PathBuf, arguments: &[&str], what: &str) -> Needed<PathBuf> {
    let mut command = Command::new(&program);
    let quiet = command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match quiet.status() {
        Ok(status) if status.success() => Ok(program),
        _ => Err(format!("{what} is missing: {REMEDY}")),
    }
}
