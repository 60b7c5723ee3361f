//! What the project guarantees, and that each guarantee is tested: `requirements.tsv` holds one
//! row for each, tests name the rows that they prove, and neither speaks of what the other lacks.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

const HEADER: &str = "id\tlevel\trequirement\tsource";

const LEVELS: &[&str] = &["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"];

/// The kinds of rows, and how many digits their numbers have.
const KINDS: &[(&str, usize)] = &[("RS-", 3), ("CL-", 3), ("A-", 2)];

/// These test the project and not the crate, so what they name proves nothing.
const NOT_NAMING: &[&str] = &["tests/requirements.rs", "tests/architecture.rs"];

/// All files below `folder` that end in `.rs`: the path from the root of the repository, with
/// `/`, and the text.
fn rust_files(folder: &str) -> io::Result<Vec<(String, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join(folder), &mut found)
        .map_err(|error| io::Error::new(error.kind(), format!("{folder}: {error}")))?;
    found.retain(|path| path.extension().is_some_and(|end| end == "rs"));
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root).unwrap_or(&path);
            let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
            Ok((parts.join("/"), fs::read_to_string(&path)?))
        })
        .collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

fn table() -> io::Result<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/requirements.tsv"))
}

/// The id at the very start of `text`: a kind, its digits, and nothing that goes on with them.
fn id_at(text: &str) -> Option<&str> {
    KINDS.iter().find_map(|(kind, digits)| {
        let number = text.strip_prefix(kind)?;
        let length = number
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(number.len());
        let ends = !number
            .chars()
            .nth(length)
            .is_some_and(|c| c.is_alphanumeric() || c == '_');
        let whole = kind.len().saturating_add(length);
        if length == *digits && ends {
            text.get(..whole)
        } else {
            None
        }
    })
}

/// All ids that stand in `text` as words of their own.
fn ids_in(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut before = ' ';
    for (place, c) in text.char_indices() {
        if !before.is_alphanumeric() && !matches!(before, '-' | '_') {
            found.extend(text.get(place..).and_then(id_at).map(str::to_owned));
        }
        before = c;
    }
    found
}

/// The part of a source file that holds its unit tests.
fn unit_tests(source: &str) -> &str {
    source
        .split_once("#[cfg(test)]")
        .map_or("", |parts| parts.1)
}

/// Rows by id, or what is wrong with the form of the table.
fn parse(table: &str) -> Result<BTreeMap<String, String>, Vec<String>> {
    let mut lines = (1_usize..).zip(table.lines());
    let mut faults = Vec::new();
    let mut rows = BTreeMap::new();
    let mut last = String::new();
    if lines.next().map(|(_, header)| header) != Some(HEADER) {
        faults.push("the first line is not the header".to_owned());
    }
    for (number, line) in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        let [id, level, requirement, source] = cells.as_slice() else {
            faults.push(format!("line {number}: not four columns"));
            continue;
        };
        let mut fault = |text: &str| faults.push(format!("line {number}: {id}: {text}"));
        if id_at(id) != Some(*id) {
            fault("not an id");
        }
        if !LEVELS.contains(level) {
            fault("not a level");
        }
        if !requirement.ends_with('.') || requirement.contains(". ") {
            fault("the requirement is not one sentence with a full stop");
        }
        if source.is_empty() || cells.iter().any(|cell| cell.trim() != *cell) {
            fault("an empty source, or blanks around a cell");
        }
        if *id <= last.as_str() {
            fault("not in order, or twice");
        }
        (*id).clone_into(&mut last);
        rows.insert((*id).to_owned(), (*requirement).to_owned());
    }
    if faults.is_empty() {
        Ok(rows)
    } else {
        Err(faults)
    }
}

/// Ids that only one of the two sides knows.
fn disagreements(
    rows: &BTreeMap<String, String>,
    named: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<String> {
    let by_tests: BTreeSet<&String> = named.values().flatten().collect();
    let unknown = named.iter().flat_map(|(file, ids)| {
        let missing = ids.iter().filter(|id| !rows.contains_key(*id));
        missing.map(move |id| format!("{file} names {id}, which is not in the table"))
    });
    let untested = rows
        .iter()
        .filter(|(id, _)| !by_tests.contains(id))
        .map(|(id, requirement)| format!("no test names {id}: {requirement}"));
    unknown.chain(untested).collect()
}

#[test]
fn the_table_has_its_form() -> io::Result<()> {
    let faults = parse(&table()?).err().unwrap_or_default();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

#[test]
fn tests_and_table_name_the_same_requirements() -> io::Result<()> {
    let mut named = BTreeMap::new();
    for (path, text) in rust_files("tests")?
        .into_iter()
        .chain(rust_files("ui-tests")?)
    {
        if !NOT_NAMING.contains(&path.as_str()) {
            named.insert(path, ids_in(&text));
        }
    }
    for (path, text) in rust_files("src")? {
        named.insert(path, ids_in(unit_tests(&text)));
    }
    let rows = parse(&table()?).unwrap_or_default();
    assert!(!rows.is_empty(), "the table could not be read");
    let faults = disagreements(&rows, &named);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

#[test]
fn ids_are_found_as_words_of_their_own() {
    let found = |text| ids_in(text).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(found("/// RS-059, A-03 and CL-001."), "A-03 CL-001 RS-059");
    assert_eq!(found("(RS-059;RS-060)"), "RS-059 RS-060");
    assert_eq!(found("RS-059-060"), "RS-059");
    assert_eq!(
        found("RS-59 RS-0590 RS-059a A-3 A-256 SHA-25 RSA-10 XRS-059 _A-03"),
        ""
    );
    assert_eq!(found("é RS-059é A-03 "), "A-03");
}

#[test]
fn ids_of_a_source_file_are_those_of_its_tests() {
    assert!(ids_in(unit_tests("// RS-001\nfn f() {}")).is_empty());
    let with_tests = "// RS-001\nfn f() {}\n#[cfg(test)]\nmod tests { // RS-002\n}";
    assert_eq!(
        ids_in(unit_tests(with_tests))
            .into_iter()
            .collect::<Vec<_>>(),
        ["RS-002"]
    );
}

#[test]
fn a_table_without_form_is_refused() {
    let sound = format!("{HEADER}\nA-01\tMUST\tIt is so.\tRFC 1\nRS-001\tMAY\tIt may be.\tRFC 2\n");
    assert_eq!(parse(&sound).map(|rows| rows.len()), Ok(2));
    for (from, to) in [
        ("id\t", "name\t"),
        ("A-01\tMUST", "A-01 MUST"),
        ("A-01", "A-1"),
        ("A-01", "RS-001"),
        ("A-01", "RS-002"),
        ("MAY", "may"),
        ("MAY", "SHALL"),
        ("so.", "so"),
        ("so.", "so. And so."),
        ("RFC 1", ""),
        ("RFC 1", "RFC 1 "),
        ("RFC 1", "RFC 1\tmore"),
    ] {
        assert!(sound.contains(from), "the example has {from}");
        assert!(
            parse(&sound.replacen(from, to, 1)).is_err(),
            "{from} -> {to}"
        );
    }
    assert!(parse("").is_err());
}

#[test]
fn ids_of_one_side_only_are_found() {
    let rows = |ids: &[&str]| -> BTreeMap<String, String> {
        ids.iter()
            .map(|id| ((*id).to_owned(), "It is so.".to_owned()))
            .collect()
    };
    let named = |text: &str| BTreeMap::from([("tests/a.rs".to_owned(), ids_in(text))]);
    assert!(disagreements(&rows(&["RS-001"]), &named("RS-001")).is_empty());
    assert_eq!(disagreements(&rows(&["RS-001"]), &named("")).len(), 1);
    assert_eq!(disagreements(&rows(&[]), &named("RS-001")).len(), 1);
    assert_eq!(disagreements(&rows(&["RS-001"]), &named("RS-002")).len(), 2);
}
