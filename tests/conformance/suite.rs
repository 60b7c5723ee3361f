//! The suite is run, and what it says is judged.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use libtest_mimic::{Completion, Failed, Trial};
use serde_json::Value;

use super::client::{BY, END, NOT_MINE};
use super::installed::{self, Installed};
use super::scenarios::{RUNS, Run};

/// What the suite has said, in the order of [`RUNS`].
static SUMMARIES: Mutex<BTreeMap<usize, String>> = Mutex::new(BTreeMap::new());

/// What the suite puts behind the name of a scenario, for the name of a folder.
const TIME: &str = "-2026-01-01T00-00-00-000Z";

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |(place, run): (usize, Run)| {
        Trial::ignorable_test(run.name, move || match installed::find() {
            Ok(installed) => judge(place, run, &installed).map(|()| Completion::Completed),
            Err(lack) => Ok(Completion::ignored_with(lack)),
        })
    };
    RUNS.into_iter().enumerate().map(trial).collect()
}

/// Prints what the suite has said.
pub(crate) fn print_summaries() {
    let summaries = SUMMARIES.lock().unwrap_or_else(PoisonError::into_inner);
    for summary in summaries.values() {
        println!("{summary}");
    }
}

/// What became of one scenario.
struct Played {
    /// As the suite says it: `✓ auth/basic-cimd: 12 passed, 0 failed`.
    line: String,
    checks: Vec<Value>,
    /// What the client has printed.
    printed: String,
}

impl Played {
    /// How many checks have come to this: `SUCCESS`, `FAILURE`, `WARNING`, or what is not counted.
    fn count(&self, status: &str) -> usize {
        let is_it = |check: &&Value| check["status"] == status;
        self.checks.iter().filter(is_it).count()
    }

    /// What the client has come to.
    fn end(&self) -> &str {
        let last = self.printed.lines().next_back();
        last.and_then(|line| line.strip_prefix(END)).unwrap_or("-")
    }

    /// Some checks were passed, and no other is worth as much as a warning.
    fn is_passed(&self) -> bool {
        let bad = self.count("FAILURE") + self.count("WARNING");
        self.line.starts_with('✓') && self.count("SUCCESS") > 0 && bad == 0
    }

    /// All that helps to find out why it was not passed.
    fn complaint(&self, end: &str) -> String {
        let is_bad = |check: &&Value| check["status"] == "FAILURE" || check["status"] == "WARNING";
        let mut text = format!("{}; the client has to come to: {end}\n", self.line);
        for check in self.checks.iter().filter(is_bad) {
            text = format!("{text}{check:#}\n");
        }
        text + &self.printed
    }
}

fn judge(place: usize, run: Run, installed: &Installed) -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("conformance")
        .join(run.name);
    let output = execute(run, installed, &folder)?;
    let mut played = read(&output, &folder)?;
    let mut faults = Vec::new();
    let mut wanted = Vec::new();
    for (scenario, end) in run.scenarios.iter().copied().flatten() {
        let Some(played) = played.remove(*scenario) else {
            faults.push(format!("{scenario} was not run"));
            continue;
        };
        if !played.is_passed() || played.end() != *end {
            faults.push(played.complaint(end));
        }
        wanted.push(played);
    }
    for scenario in run.left_out {
        let played = played.remove(*scenario);
        if played.is_none_or(|played| played.end() != NOT_MINE) {
            faults.push(format!("{scenario} was not left out"));
        }
    }
    faults.extend(played.into_keys().map(|other| format!("{other} is new")));
    // What is left out has failed.
    if run.left_out.is_empty() && !output.status.success() {
        faults.push(format!("the suite ends with {}", output.status));
    }
    let summary = summary(run, &wanted)?;
    let mut summaries = SUMMARIES.lock().unwrap_or_else(PoisonError::into_inner);
    summaries.insert(place, summary);
    if faults.is_empty() {
        return Ok(());
    }
    Err(faults.join("\n").into())
}

fn summary(run: Run, played: &[Played]) -> Result<String, fmt::Error> {
    let arguments = run.arguments.join(" ");
    let mut text = format!("conformance client {arguments} (by {:?})\n", run.by);
    for played in played {
        writeln!(text, "  {}; the client: {}", played.line, played.end())?;
    }
    let sum = |status| played.iter().map(|one| one.count(status)).sum::<usize>();
    writeln!(
        text,
        "  {} scenarios: {} passed, {} failed, {} warnings",
        played.len(),
        sum("SUCCESS"),
        sum("FAILURE"),
        sum("WARNING")
    )?;
    if !run.left_out.is_empty() {
        writeln!(text, "  left out: {}", run.left_out.join(", "))?;
    }
    Ok(text)
}

fn execute(run: Run, installed: &Installed, folder: &Path) -> Result<Output, Box<dyn Error>> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let mut command = Command::new(&installed.node);
    let command = command
        .arg(&installed.suite)
        // The suite splits its command at blanks, and has a shell put this one together.
        .args(["client", "--command", "\"$CLIENT_UNDER_TEST\""])
        .args(run.arguments)
        .arg("--output-dir")
        .arg(folder)
        .env("CLIENT_UNDER_TEST", env::current_exe()?)
        .env(BY, format!("{:?}", run.by))
        .stdin(Stdio::null());
    Ok(command.output()?)
}

/// What became of each scenario, by what the suite has printed and written.
fn read(output: &Output, folder: &Path) -> Result<BTreeMap<String, Played>, Box<dyn Error>> {
    let said = str::from_utf8(&output.stdout)?;
    let Some((_, summary)) = said.split_once("=== SUITE SUMMARY ===") else {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("no summary: {said}{errors}").into());
    };
    // What is said after the total is said twice.
    let (results, _) = summary.split_once("Total:").ok_or("no total")?;
    let folders = folders(folder)?;
    let mut all = BTreeMap::new();
    for line in results.lines().filter(|line| !line.is_empty()) {
        let name = line
            .split_once(' ')
            .and_then(|(_, rest)| rest.split_once(':'));
        let (name, _) = name.ok_or_else(|| format!("not understood: {line}"))?;
        let folder = folders
            .get(name)
            .ok_or_else(|| format!("no results: {line}"))?;
        let played = Played {
            line: line.to_owned(),
            checks: serde_json::from_slice(&fs::read(folder.join("checks.json"))?)?,
            printed: fs::read_to_string(folder.join("stdout.txt"))?,
        };
        all.insert(name.to_owned(), played);
    }
    Ok(all)
}

/// Where the suite has written its results, by scenario.
fn folders(root: &Path) -> Result<BTreeMap<String, PathBuf>, Box<dyn Error>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        let inner = fs::read_dir(&path)?.map(|entry| entry.map(|entry| entry.path()));
        let inner = inner.collect::<Result<Vec<_>, _>>()?;
        let is_one = inner.iter().any(|path| path.ends_with("checks.json"));
        let found = if is_one { vec![path] } else { inner };
        for path in found {
            let name = path.strip_prefix(root)?.to_str().ok_or("no text")?;
            let end = name.len().saturating_sub(TIME.len());
            let (scenario, _) = name.split_at_checked(end).ok_or("no time")?;
            all.insert(scenario.to_owned(), path.clone());
        }
    }
    Ok(all)
}
