//! Clients in other languages: scripts that say what they do, line by line.

use std::path::PathBuf;
use std::process::Stdio;

use libtest_mimic::Trial;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, Command};

use super::installed;
use super::trial::{Outcome, trial};
use super::verdict::{self, Lifecycle};
use super::world::{PASSES, SECOND, World};
use crate::alice;

/// A program, and the script that it runs.
pub(crate) struct Script {
    pub(crate) program: PathBuf,
    pub(crate) script: PathBuf,
}

pub(crate) fn trials() -> Vec<Trial> {
    use Lifecycle::{Discover, Initialize};
    let all = [
        ("typescript_sdk_v1_with_initialize", "v1.mjs", Initialize),
        ("typescript_sdk_v2_with_initialize", "v2.mjs", Initialize),
        ("typescript_sdk_v2_with_discover", "v2.mjs", Discover),
        ("python_sdk_v1_with_initialize", "v1.py", Initialize),
        ("python_sdk_v2_with_initialize", "v2.py", Initialize),
        ("python_sdk_v2_with_discover", "v2.py", Discover),
    ];
    let make = |(name, script, lifecycle)| {
        let needed = move || installed::script(script);
        trial(name, needed, move |script| run(script, lifecycle))
    };
    all.into_iter().map(make).collect()
}

async fn run(script: Script, lifecycle: Lifecycle) -> Outcome<()> {
    let mut world = World::start().await?;
    let mode = match lifecycle {
        Lifecycle::Initialize => "legacy",
        Lifecycle::Discover => "auto",
    };
    let mut child = Command::new(&script.program)
        .arg(&script.script)
        .args([&world.url, mode])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut input = child.stdin.take().ok_or("no input")?;
    let output = child.stdout.take().ok_or("no output")?;
    let mut errors = child.stderr.take().ok_or("no errors")?;
    let errors = tokio::spawn(async move {
        let mut text = String::new();
        errors.read_to_string(&mut text).await.map(|_| text)
    });
    let mut lines = BufReader::new(output).lines();
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await? {
        if let Some(step) = line.strip_prefix("STEP ") {
            said.push(step.to_owned());
        } else if let Some(url) = line.strip_prefix("AUTHORIZE ") {
            let callback = alice::allow(&world.authorization, url).await?;
            say(&mut input, &callback).await;
        } else if line == "LATER" {
            world.later()?;
            let passed = PASSES.num_seconds();
            say(&mut input, &format!("{SECOND} {passed}")).await;
        } else {
            return Err(format!("not understood: {line}").into());
        }
    }
    let status = child.wait().await?;
    let errors = errors.await??;
    if !status.success() {
        let asked = world.authorization.requests();
        return Err(format!("{status} after {said:?}\n{errors}\n{asked:#?}").into());
    }
    verdict::check(&world, lifecycle, &said)
}

/// A script that listens no more has ended, and its status says how.
async fn say(input: &mut ChildStdin, line: &str) {
    let said = input.write_all(format!("{line}\n").as_bytes()).await;
    said.ok();
}
