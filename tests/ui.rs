//! What must not compile does not, and the compiler says why.
//!
//! Each `ui-tests/<kind>/<name>.rs` is refused with the message in `<name>.stderr` beside it; its
//! twin `ui-tests/pass/<name>.rs` compiles, which `tests/twins.rs` shows. One case alone:
//! `cargo test --test ui -- forbidden trybuild=<name>`. A changed message is taken over with
//! `TRYBUILD=overwrite`, and then read.
#![cfg(test)]

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::{env, fs, io};

use trybuild::TestCases;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The version in `rust-toolchain.toml`.
fn pinned_version() -> io::Result<String> {
    let file = fs::read_to_string(Path::new(ROOT).join("rust-toolchain.toml"))?;
    file.lines()
        .find_map(|line| line.strip_prefix("channel = \"")?.strip_suffix('"'))
        .map(str::to_owned)
        .ok_or_else(|| io::Error::other("rust-toolchain.toml names no channel"))
}

/// The version that the compiler says it has.
fn compiler_version() -> io::Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let answer = Command::new(rustc).arg("--version").output()?;
    let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
    answer
        .split(' ')
        .nth(1)
        .map(str::to_owned)
        .ok_or_else(|| io::Error::other("rustc names no version"))
}

/// The folders of cases that are refused.
fn kinds() -> io::Result<Vec<String>> {
    let mut kinds = Vec::new();
    for entry in fs::read_dir(Path::new(ROOT).join("ui-tests"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != "pass" {
            kinds.push(name);
        }
    }
    kinds.sort();
    Ok(kinds)
}

#[test]
fn what_is_forbidden_does_not_compile() -> io::Result<()> {
    // The messages are those of one compiler. With another one this fails, and is not skipped: a
    // promise that is not tested is none.
    assert_eq!(
        compiler_version()?,
        pinned_version()?,
        "not the pinned rustc"
    );
    let kinds = kinds()?;
    assert!(!kinds.is_empty(), "no cases found");
    // Failing cases only: so trybuild checks them, and builds nothing.
    let cases = TestCases::new();
    for kind in kinds {
        cases.compile_fail(format!("ui-tests/{kind}/*.rs"));
    }
    Ok(())
}
