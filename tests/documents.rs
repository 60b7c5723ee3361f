//! What documents show is what is there.
#![cfg(test)]

use std::path::Path;
use std::{fs, io};

fn text(path: &str) -> io::Result<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
}

/// The shortest way from one text to another, line by line: `-` is taken away, `+` is added.
fn difference(before: &str, after: &str) -> Vec<String> {
    let before: Vec<_> = before.lines().collect();
    let after: Vec<_> = after.lines().collect();
    // How many lines the rests have in common.
    let width = after.len().saturating_add(1);
    let mut common = vec![0_usize; before.len().saturating_add(1).saturating_mul(width)];
    let at = |row: usize, column: usize| row.saturating_mul(width).saturating_add(column);
    for (row, old) in before.iter().enumerate().rev() {
        for (column, new) in after.iter().enumerate().rev() {
            let (down, right) = (row.saturating_add(1), column.saturating_add(1));
            let value = |place: usize| common.get(place).copied().unwrap_or_default();
            let best = if old == new {
                value(at(down, right)).saturating_add(1)
            } else {
                value(at(down, column)).max(value(at(row, right)))
            };
            if let Some(place) = common.get_mut(at(row, column)) {
                *place = best;
            }
        }
    }
    let value = |row, column| common.get(at(row, column)).copied().unwrap_or_default();
    let (mut row, mut column, mut lines) = (0, 0, Vec::new());
    while row < before.len() || column < after.len() {
        let (down, right) = (row.saturating_add(1), column.saturating_add(1));
        match (before.get(row), after.get(column)) {
            (Some(old), Some(new)) if old == new => {
                lines.push(format!(" {old}"));
                (row, column) = (down, right);
            }
            (Some(old), new) if new.is_none() || value(down, column) >= value(row, right) => {
                lines.push(format!("-{old}"));
                row = down;
            }
            (_, Some(new)) => {
                lines.push(format!("+{new}"));
                column = right;
            }
            (Some(_) | None, None) => break,
        }
    }
    lines
}

/// A server that exists changes under twenty lines, and the guide shows them.
#[test]
fn the_guide_shows_what_changes_in_a_server_that_exists() -> io::Result<()> {
    let before = text("examples/existing_rmcp_server/before.rs")?;
    let after = text("examples/existing_rmcp_server/after.rs")?;
    let lines = difference(&before, &after);
    let added = lines.iter().filter(|line| line.starts_with('+')).count();
    assert!((1..20).contains(&added), "{added} lines are added");
    let shown: Vec<_> = lines.iter().map(|line| line.trim_end()).collect();
    let shown = format!("```diff\n{}\n```", shown.join("\n"));
    let guide = text("src/rmcp/guide.md")?;
    assert!(guide.contains(&shown), "the guide should show:\n{shown}");
    Ok(())
}

/// An example that is shown as short is short.
#[test]
fn the_first_rmcp_server_is_short() -> io::Result<()> {
    let lines = text("examples/rmcp_server.rs")?.lines().count();
    assert!(lines < 80, "{lines} lines");
    Ok(())
}

#[test]
fn differences_are_found() {
    let lines = difference("a\nb\nc", "a\nx\nc\nd");
    assert_eq!(lines, [" a", "-b", "+x", " c", "+d"]);
    assert_eq!(difference("", "a"), ["+a"]);
    assert_eq!(difference("a", ""), ["-a"]);
}
