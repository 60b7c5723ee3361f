//! Other processes: this test program, run again for one of its tests.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Says what a process is to do that is not the first one.
const PART: &str = "CLEARANCE_TEST_PART";

/// A directory that is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// One that nobody else has; it is not there yet.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("clearance-client-{}-{number}", std::process::id());
        Self(env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // It may never have been made.
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// What this process is to do, if it is not the first one.
pub(crate) fn part() -> Option<String> {
    env::var(PART).ok()
}

/// This program again, for `test` alone, which finds its part with [`part`].
pub(crate) fn again(test: &str, part: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", test, "--nocapture"]);
    // What it says of its one test is not said among what the first process says.
    command.stdout(Stdio::piped());
    command.env(PART, part);
    command
}

/// The same, with a umask that forbids nothing.
pub(crate) fn again_open_to_all(test: &str, part: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000; exec \"$0\" \"$@\""]);
    command.arg(env::current_exe().expect("this program"));
    command.args(["--exact", test, "--nocapture"]);
    // What it says of its one test is not said among what the first process says.
    command.stdout(Stdio::piped());
    command.env(PART, part);
    command
}

/// Runs it, and fails if it fails.
#[track_caller]
pub(crate) fn succeeds(mut command: Command) {
    let output = command.output().expect("a process");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}
