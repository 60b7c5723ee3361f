//! What the project promises about itself: imports go down the layers, each piece of evidence has
//! one producer, files stay small, the README tells the truth about features, and every case that
//! must not compile has a twin that does.
//!
//! Each rule is a function over text that returns the faults it found, so it is tested twice: on
//! a small bad example, which it has to find, and on this repository, which has to be free of it.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

// ---- the tables that these tests enforce

/// Every top-level module of `src` and its layer. A module may import from strictly lower layers
/// and from its own folder.
const LAYERS: &[(&str, u8)] = &[
    ("clock", 0),
    ("secret", 0),
    ("event", 0),
    ("field", 0),
    ("reason_code", 0),
    ("id", 0),
    ("peer", 0),
    ("scope", 1),
    ("jwk", 1),
    ("fetch", 1),
    ("credentials", 2),
    ("token", 2),
    ("keys", 3),
    ("lifecycle", 3),
    ("limit", 3),
    ("session", 3),
    ("authorized", 4),
    ("refusal", 4),
    ("audit", 4),
    ("guard", 4),
    ("config", 5),
    ("redis", 5),
    ("wire", 5),
    ("mcp", 5),
    ("web", 6),
    ("rmcp", 6),
    ("client", 6),
    ("testing", 7),
];

/// The only imports between modules of one layer.
const SIDEWAYS: &[(&str, &str)] = &[
    ("event", "id"),
    ("guard", "audit"),
    ("guard", "refusal"),
    ("guard", "authorized"),
    ("audit", "refusal"),
    ("audit", "authorized"),
    ("refusal", "authorized"),
];

/// The one import upwards: the public module `mcp` shows what the layer above makes of it.
const FACADE: (&str, &str) = ("src/mcp/mod.rs", "web");

/// `client` is no part of the server: above the lowest layer it may use these alone.
const CLIENT_MAY_IMPORT: &[&str] = &["jwk", "fetch", "credentials", "keys", "authorized", "wire"];

/// What calls other services for a caller belongs to a server, and asks the guard that has let the caller in.
const UPSTREAM: &str = "src/client/upstream/";
const UPSTREAM_MAY_IMPORT: &[&str] = &["guard", "scope"];

/// The one module that exports macros, which Rust places at the root of the crate.
const MACRO_MODULE: &str = "scope";

/// A constructor of evidence and the only places that may call it. A place that ends in `/` is a
/// folder.
struct Evidence {
    /// The type that the function belongs to; empty for a function of any type or of none.
    owner: &'static str,
    function: &'static str,
    defined_in: &'static str,
    called_in: &'static [&'static str],
}

const EVIDENCE: &[Evidence] = &[
    // The text of a caller's token leaves a guard on one way alone.
    Evidence {
        owner: "",
        function: "subject_token",
        defined_in: "src/authorized.rs",
        called_in: &["src/client/upstream/"],
    },
    Evidence {
        owner: "Kept",
        function: "of",
        defined_in: "src/secret.rs",
        called_in: &["src/guard/"],
    },
    Evidence {
        owner: "KeySet",
        function: "parse",
        defined_in: "src/jwk/",
        called_in: &["src/keys/"],
    },
    Evidence {
        owner: "Live",
        function: "attest",
        defined_in: "src/token/",
        called_in: &["src/lifecycle/"],
    },
    Evidence {
        owner: "Answered",
        function: "attest",
        defined_in: "src/token/",
        called_in: &["src/lifecycle/"],
    },
    Evidence {
        owner: "Permit",
        function: "attest",
        defined_in: "src/token/",
        called_in: &["src/limit/"],
    },
    Evidence {
        owner: "Acceptance",
        function: "new",
        defined_in: "src/token/",
        called_in: &["src/guard/assemble.rs"],
    },
    Evidence {
        owner: "Admitted",
        function: "new",
        defined_in: "src/guard/",
        called_in: &["src/guard/"],
    },
    Evidence {
        owner: "Authorized",
        function: "new",
        defined_in: "src/authorized.rs",
        called_in: &["src/guard/"],
    },
    Evidence {
        owner: "",
        function: "advance",
        defined_in: "src/token/",
        called_in: &["src/token/"],
    },
];

/// The only places that may write to the log.
const LOGS_IN: &[&str] = &["src/audit.rs", "src/audit/"];

/// Lines of one source file, documentation and inline tests included.
const MAX_LINES: usize = 400;

/// Cases that must not compile.
const MIN_FAILING_CASES: usize = 40;

// ---- reading the repository

/// A file: its path from the root of the repository, with `/`, and its text.
type File = (String, String);

/// All files below `folder`, in the order of their paths.
fn files(folder: &str) -> io::Result<Vec<File>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join(folder), &mut found)
        .map_err(|error| io::Error::new(error.kind(), format!("{folder}: {error}")))?;
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

/// The Rust files of `src` without the files that hold only unit tests.
fn sources() -> io::Result<Vec<File>> {
    let mut all = files("src")?;
    all.retain(|(path, _)| {
        let path = Path::new(path);
        path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs")
    });
    Ok(all)
}

fn root_file(name: &str) -> io::Result<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name))
}

fn lies_in(path: &str, places: &[&str]) -> bool {
    places
        .iter()
        .any(|place| path == *place || (place.ends_with('/') && path.starts_with(place)))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

// ---- from source text to tokens

/// The source with comments, strings and character literals blanked and lines kept.
fn code_of(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let inside_word = code.chars().next_back().is_some_and(is_word);
        let blanked = text_length(rest, inside_word);
        let (eaten, after) = rest.split_at(blanked.unwrap_or(first.len_utf8()));
        if blanked.is_some() {
            code.extend(eaten.chars().map(|c| if c == '\n' { c } else { ' ' }));
        } else {
            code.push_str(eaten);
        }
        rest = after;
    }
    code
}

/// How many bytes at the start of `rest` are a comment, a string or a character literal.
fn text_length(rest: &str, inside_word: bool) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment_length(rest));
    }
    if rest.starts_with('"') {
        return Some(string_length(rest));
    }
    if !inside_word && let Some(length) = raw_string_length(rest) {
        return Some(length);
    }
    char_length(rest)
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut after = rest;
    while let Some(c) = after.chars().next() {
        if let Some(inner) = after.strip_prefix("/*") {
            depth = depth.saturating_add(1);
            after = inner;
        } else if let Some(outer) = after.strip_prefix("*/") {
            depth = depth.saturating_sub(1);
            after = outer;
            if depth == 0 {
                break;
            }
        } else {
            after = after.strip_prefix(c).unwrap_or_default();
        }
    }
    rest.len().saturating_sub(after.len())
}

fn string_length(rest: &str) -> usize {
    let mut escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, c)| {
        let closes = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    end.map_or(rest.len(), |(place, _)| place.saturating_add(1))
}

fn raw_string_length(rest: &str) -> Option<usize> {
    let marked = rest.strip_prefix(['b', 'c']).unwrap_or(rest);
    let after_r = marked.strip_prefix('r')?;
    let body = after_r.trim_start_matches('#');
    let hashes = "#".repeat(after_r.len().saturating_sub(body.len()));
    let body = body.strip_prefix('"')?;
    let close = format!("\"{hashes}");
    let after = body.split_once(close.as_str()).map_or("", |parts| parts.1);
    Some(rest.len().saturating_sub(after.len()))
}

/// A character literal; a lifetime looks alike and is none.
fn char_length(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    let after = if let Some(escape) = inner.strip_prefix('\\') {
        let mut rest = escape.chars();
        rest.next()?;
        rest.as_str().split_once('\'')?.1
    } else {
        let mut rest = inner.chars();
        rest.next()?;
        rest.as_str().strip_prefix('\'')?
    };
    Some(rest.len().saturating_sub(after.len()))
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Token<'a> {
    line: usize,
    text: &'a str,
}

/// Words, `::` and single signs, without the items that exist for unit tests only.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    for (number, mut rest) in (1_usize..).zip(code.lines()) {
        while let Some(first) = rest.chars().next() {
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (text, after) = rest.split_at(length);
            if !text.trim().is_empty() {
                found.push(Token { line: number, text });
            }
            rest = after;
        }
    }
    without_tests(&found)
}

fn without_tests<'a>(all: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut kept = Vec::new();
    let mut rest = all;
    while let [first, after @ ..] = rest {
        if spells(rest, &["#", "[", "cfg", "(", "test", ")", "]"]) {
            rest = after_item(rest.get(7..).unwrap_or_default());
        } else {
            kept.push(*first);
            rest = after;
        }
    }
    kept
}

/// What follows the item at the start: it ends with a `;` or a `}` outside all brackets.
fn after_item<'a, 'b>(item: &'b [Token<'a>]) -> &'b [Token<'a>] {
    let mut depth = 0_usize;
    let mut rest = item;
    while let [first, after @ ..] = rest {
        match first.text {
            "{" | "(" | "[" => depth = depth.saturating_add(1),
            "}" | ")" | "]" if depth == 0 => return rest,
            "}" | ")" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        rest = after;
        if depth == 0 && matches!(first.text, ";" | "}") {
            return rest;
        }
    }
    rest
}

fn spells(tokens: &[Token<'_>], words: &[&str]) -> bool {
    tokens.len() >= words.len() && tokens.iter().zip(words).all(|(t, w)| t.text == *w)
}

// ---- imports

fn layer(module: &str) -> Option<u8> {
    LAYERS
        .iter()
        .find(|(name, _)| *name == module)
        .map(|(_, layer)| *layer)
}

fn may_import(from: &str, to: &str) -> bool {
    let (Some(own), Some(other)) = (layer(from), layer(to)) else {
        return false;
    };
    if from == "client" && from != to {
        return other == 0 || CLIENT_MAY_IMPORT.contains(&to);
    }
    from == to || other < own || SIDEWAYS.contains(&(from, to))
}

/// The top-level module that a file of `src` belongs to, and how deep its own module lies.
fn module_of(path: &str) -> (&str, usize) {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    let inner = inner.strip_suffix(".rs").unwrap_or(inner);
    let inner = inner.strip_suffix("/mod").unwrap_or(inner);
    let top = inner.split('/').next().unwrap_or(inner);
    (top, inner.split('/').count())
}

/// A name that a path finds at the root of the crate.
struct RootName<'a> {
    at: Token<'a>,
    is_macro: bool,
    /// Written as `$crate::`: it is read in the user's crate and may speak of the facade.
    in_macro: bool,
}

/// All names that the code looks up at the root of the crate, by `crate::`, by its own name or by
/// `super` in a module `depth` levels down.
fn root_names<'a>(all: &[Token<'a>], depth: usize) -> Vec<RootName<'a>> {
    let mut names = Vec::new();
    let mut before: Option<&str> = None;
    let mut rest = all;
    while let [first, after @ ..] = rest {
        let mut by_super = false;
        let path = match first.text {
            "crate" | "clearance" if before != Some("::") => after,
            "super" if before != Some("::") => {
                by_super = true;
                super_path(rest, depth)
            }
            _ => &[],
        };
        if let [colons, path @ ..] = path
            && colons.text == "::"
        {
            names.extend(first_names(path, before == Some("$"), by_super));
        }
        before = Some(first.text);
        rest = after;
    }
    names
}

/// What follows a chain of `super` that is long enough to reach the root.
fn super_path<'a, 'b>(path: &'b [Token<'a>], depth: usize) -> &'b [Token<'a>] {
    let mut rest = path;
    let mut steps = 1_usize;
    while spells(rest, &["super", "::", "super"]) {
        rest = rest.get(2..).unwrap_or_default();
        steps = steps.saturating_add(1);
    }
    if steps >= depth {
        rest.get(1..).unwrap_or_default()
    } else {
        &[]
    }
}

/// The first name of a path, or of each path in a group.
fn first_names<'a>(path: &[Token<'a>], in_macro: bool, by_super: bool) -> Vec<RootName<'a>> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    let mut wanted = true;
    let mut rest = path;
    while let [first, after @ ..] = rest {
        match first.text {
            "{" => depth = depth.saturating_add(1),
            "}" => depth = depth.saturating_sub(1),
            "," if depth == 1 => wanted = true,
            _ if wanted => {
                wanted = false;
                // In an inline module `super` means less, so only names of modules count.
                if !by_super || layer(first.text).is_some() {
                    names.push(RootName {
                        at: *first,
                        is_macro: after.first().is_some_and(|next| next.text == "!"),
                        in_macro,
                    });
                }
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
        rest = after;
    }
    names
}

/// Imports that do not go down, and modules that have no layer.
fn import_faults(path: &str, source: &str) -> Vec<String> {
    // The root declares the modules and re-exports from all of them.
    if path == "src/lib.rs" {
        return Vec::new();
    }
    let (module, depth) = module_of(path);
    if layer(module).is_none() {
        return vec![format!("{path}: module `{module}` has no layer")];
    }
    let code = code_of(source);
    let all = tokens(&code);
    let mut faults: Vec<String> = root_names(&all, depth)
        .iter()
        .filter_map(|name| {
            let text = name.at.text;
            let to = if name.is_macro { MACRO_MODULE } else { text };
            let spoken_to_users = name.in_macro && layer(to).is_none();
            let is_facade = (path, to) == FACADE;
            let is_upstream = path.starts_with(UPSTREAM) && UPSTREAM_MAY_IMPORT.contains(&to);
            let may = may_import(module, to) || is_upstream;
            let reason = if may || spoken_to_users || is_facade {
                return None;
            } else if layer(to).is_none() {
                "is no module of the map; name the module that defines it"
            } else {
                "is not below it"
            };
            Some(format!(
                "{path}:{}: `{module}` imports `{text}`, which {reason}",
                name.at.line
            ))
        })
        .collect();
    let renamed = all.windows(2).filter(|pair| spells(pair, &["crate", "as"]));
    faults.extend(renamed.filter_map(|pair| {
        let line = pair.first()?.line;
        Some(format!("{path}:{line}: the crate is given another name"))
    }));
    faults
}

// ---- evidence

/// The lines of `all` that call the constructor or take a reference to it.
fn calls(entry: &Evidence, all: &[Token<'_>], in_own_file: bool) -> Vec<usize> {
    let mut lines = Vec::new();
    for (place, token) in all.iter().enumerate() {
        let (before, rest) = all.split_at(place);
        let last = before.last().map_or("", |t| t.text);
        let next = rest.get(1).map_or("", |t| t.text);
        if token.text != entry.function || last == "fn" {
            continue;
        }
        let called = if entry.owner.is_empty() {
            last == "::" || next == "(" || next == "::"
        } else {
            owners(before)
                .iter()
                .any(|owner| *owner == entry.owner || (in_own_file && *owner == "Self"))
        };
        if called {
            lines.push(token.line);
        }
    }
    lines
}

/// The types that a path `Type::`, `Type::<..>::` or `<Type<..>>::` before a function may mean.
fn owners<'a>(before: &[Token<'a>]) -> Vec<&'a str> {
    let [path @ .., last, colons] = before else {
        return Vec::new();
    };
    if colons.text != "::" {
        return Vec::new();
    }
    if last.text != ">" {
        return vec![last.text];
    }
    let mut depth = 1_usize;
    let mut inside = last.text;
    let mut rest = path;
    while let [earlier @ .., token] = rest {
        rest = earlier;
        match token.text {
            ">" => depth = depth.saturating_add(1),
            "<" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            break;
        }
        inside = token.text;
    }
    let outside = rest.iter().rev().find(|token| token.text != "::");
    outside
        .map(|t| t.text)
        .into_iter()
        .chain([inside])
        .collect()
}

/// Whether a file defines the constructor: `fn name` in an `impl` of its type.
fn defines(entry: &Evidence, all: &[Token<'_>]) -> bool {
    let mut in_impl = entry.owner.is_empty();
    let mut before = "}";
    for (place, token) in all.iter().enumerate() {
        let rest = all.get(place..).unwrap_or_default();
        // In other places than these, `impl` is the type of an argument or a result.
        if token.text == "impl" && matches!(before, "}" | "{" | "]" | ";") {
            let mut header = rest.iter().take_while(|t| t.text != "{");
            in_impl = entry.owner.is_empty() || header.any(|t| t.text == entry.owner);
        }
        if in_impl && spells(rest, &["fn", entry.function]) {
            return true;
        }
        before = token.text;
    }
    false
}

/// Calls in the wrong place; a definition or a call that is missing, so that the table cannot rot.
fn evidence_faults(entry: &Evidence, sources: &[File]) -> Vec<String> {
    let name = [entry.owner, entry.function]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("::");
    let mut faults = Vec::new();
    let mut defined = false;
    let mut called = false;
    for (path, source) in sources {
        let code = code_of(source);
        let all = tokens(&code);
        let in_own_file = lies_in(path, &[entry.defined_in]) && defines(entry, &all);
        defined |= in_own_file;
        for line in calls(entry, &all, in_own_file) {
            if lies_in(path, entry.called_in) {
                called = true;
            } else {
                faults.push(format!("{path}:{line}: `{name}` is not called here"));
            }
        }
        for window in all.windows(3) {
            if let [before, owner, renamed] = window
                && !entry.owner.is_empty()
                && owner.text == entry.owner
                && renamed.text == "as"
                && before.text != "<"
            {
                faults.push(format!(
                    "{path}:{}: `{}` is renamed",
                    owner.line, owner.text
                ));
            }
        }
    }
    if !defined {
        faults.push(format!("`{name}` is not defined in {}", entry.defined_in));
    }
    if !called {
        faults.push(format!("`{name}` is not called in {:?}", entry.called_in));
    }
    faults
}

fn logging_faults(sources: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut logged = false;
    for (path, source) in sources {
        let code = code_of(source);
        for token in tokens(&code) {
            if token.text != "tracing" {
                continue;
            }
            if lies_in(path, LOGS_IN) {
                logged = true;
            } else {
                faults.push(format!("{path}:{}: only the audit module logs", token.line));
            }
        }
    }
    if !logged {
        faults.push(format!("nothing is logged in {LOGS_IN:?}"));
    }
    faults
}

// ---- features

/// The features of a manifest, and whether each is on by default.
fn manifest_features(manifest: &str) -> BTreeMap<String, bool> {
    let section: String = manifest
        .lines()
        .skip_while(|line| line.trim() != "[features]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .map(|line| line.split('#').next().unwrap_or(line))
        .collect();
    let mut lists: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut rest = section.as_str();
    while let Some((name, after)) = rest.split_once('=') {
        let (list, after) = after.split_once(']').unwrap_or((after, ""));
        let quotes = |text: &str| text.trim().trim_matches(['[', '"', ' ']).to_owned();
        lists.insert(quotes(name), list.split(',').map(quotes).collect());
        rest = after;
    }
    let mut default: Vec<String> = lists.remove("default").unwrap_or_default();
    let mut on = BTreeSet::new();
    while let Some(name) = default.pop() {
        if on.insert(name.clone()) {
            default.extend(lists.get(&name).cloned().unwrap_or_default());
        }
    }
    lists
        .into_keys()
        .map(|name| {
            let is_on = on.contains(&name);
            (name, is_on)
        })
        .collect()
}

/// The rows of the README's table of features, and what is wrong with its form.
fn readme_features(readme: &str) -> Result<BTreeMap<String, bool>, String> {
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim().trim_matches('|');
        inner
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let mut lines = readme
        .lines()
        .skip_while(|line| cells(line) != ["feature", "default", "adds", "brings"]);
    if lines.next().is_none() {
        return Err("no table `| feature | default | adds | brings |`".to_owned());
    }
    let mut found = BTreeMap::new();
    for line in lines
        .skip(1)
        .take_while(|line| line.trim_start().starts_with('|'))
    {
        let row = cells(line);
        let [name, default, adds, brings] = row.as_slice() else {
            return Err(format!("not four cells: {line}"));
        };
        let is_on = match default.as_str() {
            "yes" => true,
            "no" => false,
            _ => return Err(format!("`default` is neither yes nor no: {line}")),
        };
        if adds.is_empty() || brings.is_empty() {
            return Err(format!("an empty cell: {line}"));
        }
        if found
            .insert(name.trim_matches('`').to_owned(), is_on)
            .is_some()
        {
            return Err(format!("a second row for {name}"));
        }
    }
    Ok(found)
}

// ---- cases that must not compile

/// Paths of `ui-tests` that break its order: `<kind>/<name>.rs` with `<name>.stderr` beside it,
/// and the twin `pass/<name>.rs`.
fn ui_faults(paths: &[&str]) -> Vec<String> {
    let known: BTreeSet<&str> = paths.iter().copied().collect();
    let mut faults = Vec::new();
    let mut kind_of: BTreeMap<&str, &str> = BTreeMap::new();
    for path in paths {
        let parts: Vec<&str> = path.split('/').collect();
        let ["ui-tests", kind, file] = parts.as_slice() else {
            faults.push(format!("{path}: not ui-tests/<kind>/<file>"));
            continue;
        };
        if let Some(name) = file.strip_suffix(".stderr") {
            if !known.contains(format!("ui-tests/{kind}/{name}.rs").as_str()) {
                faults.push(format!("{path}: no case of that name"));
            } else if *kind == "pass" {
                faults.push(format!("{path}: a case that passes prints nothing"));
            }
        } else if let Some(name) = file.strip_suffix(".rs") {
            if *kind == "pass" {
                continue;
            }
            if !known.contains(format!("ui-tests/{kind}/{name}.stderr").as_str()) {
                faults.push(format!("{path}: the expected message is missing"));
            }
            if !known.contains(format!("ui-tests/pass/{name}.rs").as_str()) {
                faults.push(format!("{path}: no twin ui-tests/pass/{name}.rs"));
            }
            if let Some(other) = kind_of.insert(name, kind) {
                faults.push(format!("{path}: `{other}` has a case of that name, too"));
            }
        } else {
            faults.push(format!("{path}: neither a case nor its message"));
        }
    }
    faults
}

fn failing_cases(paths: &[&str]) -> usize {
    paths
        .iter()
        .filter(|path| path.ends_with(".stderr"))
        .count()
}

fn length_fault(path: &str, source: &str) -> Option<String> {
    let lines = source.lines().count();
    (lines > MAX_LINES).then(|| format!("{path}: {lines} lines, more than {MAX_LINES}"))
}

// ---- the repository

#[test]
fn imports_only_go_down() -> io::Result<()> {
    let sources = sources()?;
    let faults: Vec<String> = sources
        .iter()
        .flat_map(|(path, source)| import_faults(path, source))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // A reader that sees no import at all would also report no fault.
    let seen = sources.iter().any(|(path, source)| {
        let code = code_of(source);
        let all = tokens(&code);
        let (module, depth) = module_of(path);
        module == "guard" && root_names(&all, depth).iter().any(|n| n.at.text == "token")
    });
    assert!(seen, "the guard is not seen to import the token states");
    Ok(())
}

#[test]
fn evidence_has_one_producer() -> io::Result<()> {
    let sources = sources()?;
    let mut faults = logging_faults(&sources);
    for entry in EVIDENCE {
        faults.extend(evidence_faults(entry, &sources));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

#[test]
fn readme_lists_the_features_of_the_manifest() -> io::Result<()> {
    let manifest = manifest_features(&root_file("Cargo.toml")?);
    assert!(!manifest.is_empty(), "no features found in Cargo.toml");
    assert_eq!(readme_features(&root_file("README.md")?), Ok(manifest));
    Ok(())
}

#[test]
fn source_files_are_short() -> io::Result<()> {
    let all = files("src")?;
    assert!(!all.is_empty(), "no source files found");
    let faults: Vec<String> = all
        .iter()
        .filter_map(|(path, source)| length_fault(path, source))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

#[test]
fn every_failing_case_has_a_passing_twin() -> io::Result<()> {
    let all = files("ui-tests")?;
    let paths: Vec<&str> = all.iter().map(|(path, _)| path.as_str()).collect();
    let faults = ui_faults(&paths);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let count = failing_cases(&paths);
    assert!(count >= MIN_FAILING_CASES, "only {count} failing cases");
    Ok(())
}

// ---- the rules, on small examples

#[test]
fn upward_and_sideways_imports_are_found() {
    let bad = [
        ("src/clock.rs", "use crate::token::Token;"),
        ("src/scope/set.rs", "use crate::jwk::Jwk;"),
        ("src/jwk/mod.rs", "fn f() { crate::scope::parse() }"),
        ("src/keys/mod.rs", "use crate::{id::Issuer, limit::Quota};"),
        (
            "src/keys/mod.rs",
            "use crate::{\n    id::{Issuer, names},\n    lifecycle,\n};",
        ),
        ("src/token/mod.rs", "pub use super::guard::Guard;"),
        ("src/token/parse.rs", "use super::super::{id, web::Layer};"),
        ("src/audit.rs", "use crate::guard::Guard;"),
        ("src/authorized.rs", "use crate::refusal::Refusal;"),
        ("src/guard/mod.rs", "use crate::testing::Issuer;"),
        ("src/web/mod.rs", "use crate::testing::Issuer;"),
        ("src/web/mod.rs", "use crate::rmcp::Adapter;"),
        ("src/mcp/mod.rs", "use crate::wire::challenge;"),
        ("src/mcp/policy.rs", "pub use crate::web::router::Router;"),
        ("src/client/mod.rs", "use crate::token::Token;"),
        ("src/client/mod.rs", "use crate::guard::Guard;"),
        ("src/secret.rs", "crate::scopes! { A }"),
        ("src/token/mod.rs", "use crate::Authorized;"),
        ("src/token/mod.rs", "use crate::*;"),
        ("src/token/mod.rs", "use crate as root;"),
        ("src/token/mod.rs", "use clearance::guard::Guard;"),
        (
            "src/scope/macros.rs",
            "macro_rules! m { () => { $crate::guard::f() } }",
        ),
        (
            "src/token/mod.rs",
            "#[cfg(test)]\nmod tests { }\nuse crate::web::Layer;",
        ),
        (
            "src/token/mod.rs",
            "let c = '\"'; use crate::web::Layer; let d = '\"';",
        ),
        ("src/helper.rs", ""),
        ("src/helper/mod.rs", ""),
    ];
    for (path, source) in bad {
        assert_eq!(import_faults(path, source).len(), 1, "{path}: {source}");
    }
}

/// Sources that break no rule.
const GOOD_IMPORTS: &[(&str, &str)] = &[
    ("src/lib.rs", "pub use crate::web::Layer; mod anything;"),
    (
        "src/token/mod.rs",
        "use crate::token::state; use crate::{id, scope::Scope, jwk};",
    ),
    (
        "src/token/parse.rs",
        "use super::state::Scoped; use super::web;",
    ),
    (
        "src/guard/mod.rs",
        "use crate::{audit, authorized, keys, limit, refusal};",
    ),
    (
        "src/audit.rs",
        "use crate::refusal::Refusal; use crate::authorized::Caller;",
    ),
    (
        "src/client/mod.rs",
        "use crate::{authorized, client, clock, id, jwk, keys, wire};",
    ),
    (
        "src/testing/mod.rs",
        "use crate::web::Layer; use crate::mcp;",
    ),
    (
        "src/clock.rs",
        "// use crate::web;\n/* crate::web /* deep */ crate::web */",
    ),
    (
        "src/clock.rs",
        r#"const A: &str = "\"crate::web"; const B: char = '"';"#,
    ),
    (
        "src/clock.rs",
        "const A: &str = r#\"\" crate::web::Layer\"#; const B: &[u8] = br\"crate::web\";",
    ),
    (
        "src/clock.rs",
        "fn f<'a>(x: &'a str) { let q = '\\''; let _ = \"crate::web\"; }",
    ),
    (
        "src/clock.rs",
        "#[cfg(test)]\nmod tests {\n use crate::testing::Issuer;\n}\n",
    ),
    (
        "src/clock.rs",
        "#[cfg(test)]\n#[expect(dead_code)]\nuse crate::{web::A, web::B};",
    ),
    (
        "src/scope/macros.rs",
        "macro_rules! m { () => { $crate::Scope; $crate::scope::at!() } }",
    ),
    ("src/guard/mod.rs", "crate::scopes! { A }"),
    ("src/clock.rs", "pub(crate) fn f() {} use other::crate_web;"),
];

#[test]
fn downward_imports_and_mere_text_are_let_pass() {
    for (path, source) in GOOD_IMPORTS {
        let faults = import_faults(path, source);
        assert!(faults.is_empty(), "{path}: {source}: {faults:?}");
    }
}

#[test]
fn the_table_of_layers_is_itself_in_order() {
    let names: BTreeSet<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names.len(),
        LAYERS.len(),
        "a module stands twice in the table"
    );
    for (from, to) in SIDEWAYS {
        assert_eq!(layer(from), layer(to), "{from} and {to} are of one layer");
        assert!(!may_import(to, from), "{from} and {to} import one another");
    }
    for (name, _) in LAYERS {
        assert!(*name == "testing" || !may_import(name, "testing"), "{name}");
    }
}

/// A small crate in which `Live::attest` is defined and called where it should be.
fn example(more: &[(&str, &str)]) -> Vec<File> {
    let sound = [
        (
            "src/token/live.rs",
            "impl<T> Live<T> { pub(crate) fn attest(t: T) -> Self { Self { t } } }",
        ),
        ("src/lifecycle/mod.rs", "fn f() { Live::attest(1) }"),
    ];
    sound
        .iter()
        .chain(more)
        .map(|(path, source)| ((*path).to_owned(), (*source).to_owned()))
        .collect()
}

const ATTEST: Evidence = Evidence {
    owner: "Live",
    function: "attest",
    defined_in: "src/token/",
    called_in: &["src/lifecycle/"],
};

#[test]
fn calls_from_elsewhere_are_found() {
    assert_eq!(
        evidence_faults(&ATTEST, &example(&[])),
        Vec::<String>::new()
    );
    let calls = [
        "fn f() { Live::attest(1) }",
        "fn f() { crate::token::Live::attest(1) }",
        "fn f() { Live::<u8>::attest(1) }",
        "fn f() { Live::<Token<Vec<u8>>>::attest(1) }",
        "fn f() { <Live<u8>>::attest(1) }",
        "fn f() { x.map(Live::attest) }",
        "fn f() { Live\n    ::attest(1) }",
        "use crate::token::Live as Alive;",
    ];
    for call in calls {
        let faults = evidence_faults(&ATTEST, &example(&[("src/guard/mod.rs", call)]));
        assert_eq!(faults.len(), 1, "{call}: {faults:?}");
    }
    let own = "impl Live<u8> { fn attest() {} fn g() { Self::attest() } }";
    assert_eq!(
        evidence_faults(&ATTEST, &example(&[("src/token/other.rs", own)])).len(),
        1
    );
    let innocent = [
        "fn f() { Permit::attest(1); self.attest(); }",
        "fn f() { Self::attest(1) }",
        "// Live::attest(1)",
        "#[cfg(test)]\nmod tests { fn f() { Live::attest(1) } }",
    ];
    for other in innocent {
        let faults = evidence_faults(&ATTEST, &example(&[("src/guard/mod.rs", other)]));
        assert!(faults.is_empty(), "{other}: {faults:?}");
    }
}

#[test]
fn a_table_of_evidence_that_rots_is_found() {
    let sound = example(&[]);
    let (definition, call) = (&sound[..1], &sound[1..]);
    assert_eq!(evidence_faults(&ATTEST, definition).len(), 1);
    assert_eq!(evidence_faults(&ATTEST, call).len(), 1);
    let foreign = example(&[("src/token/live.rs", "")]).split_off(1);
    assert_eq!(evidence_faults(&ATTEST, &foreign).len(), 1);
    let file = |source: &str| vec![("src/token/live.rs".to_owned(), source.to_owned())];
    let of_another = file("impl Live<u8> { fn f(x: impl A) {} } impl Permit { fn attest() {} }");
    assert_eq!(evidence_faults(&ATTEST, &of_another).len(), 2);
}

#[test]
fn a_free_function_is_found_by_its_name() {
    let advance = Evidence {
        owner: "",
        function: "advance",
        defined_in: "src/token/",
        called_in: &["src/token/"],
    };
    let home = (
        "src/token/mod.rs",
        "fn advance(s: S) {} fn f(self) { advance(self.s) }",
    );
    let faults =
        |more: &str| evidence_faults(&advance, &example(&[home, ("src/guard/mod.rs", more)])).len();
    assert_eq!(faults("fn advance() {} struct S { advance: u8 }"), 0);
    assert_eq!(faults("fn f() { token.advance(1) }"), 1);
    assert_eq!(faults("fn f() { x.map(Token::advance) }"), 1);
    assert_eq!(faults("fn f() { advance::<u8>(1) }"), 1);
}

#[test]
fn logging_elsewhere_is_found() {
    let audit = ("src/audit.rs", "fn f() { tracing::info!(\"x\") }");
    assert!(logging_faults(&example(&[audit])).is_empty());
    assert_eq!(logging_faults(&example(&[])).len(), 1, "nobody logs");
    for other in ["fn f() { tracing::warn!(\"x\") }", "use tracing::info;"] {
        assert_eq!(
            logging_faults(&example(&[audit, ("src/keys/mod.rs", other)])).len(),
            1
        );
    }
}

#[test]
fn features_are_read_from_both_texts() {
    let manifest = "[package]\nname = \"x\"\n\n[features]\n# a comment\ndefault = [\"a\"]\n\
        a = [\n    \"b\", # why\n    \"dep:z\",\n]\nb = []\n\"c-3\" = [\"a\"]\n\n[dependencies]\nz = \"1\"\n";
    let table = "text\n\n| feature | default | adds | brings |\n| --- | --- | --- | --- |\n\
        | `a` | yes | `x` | z |\n| `b` | yes | y | nothing |\n| `c-3` | no | y | nothing |\n\n| other |\n";
    let expected = [("a", true), ("b", true), ("c-3", false)];
    let expected: BTreeMap<String, bool> = expected
        .iter()
        .map(|(name, on)| ((*name).to_owned(), *on))
        .collect();
    assert_eq!(manifest_features(manifest), expected);
    assert_eq!(readme_features(table), Ok(expected.clone()));
    for (from, to) in [
        ("| `b` | yes", "| `b` | no"),
        ("| `b` | yes", "| `d` | yes"),
        ("| `b` | yes", "| `a` | yes"),
        ("| `b` | yes", "| `b` | on"),
        ("| nothing |\n\n", "| |\n\n"),
        ("| feature |", "| name |"),
        ("| `c-3` | no | y | nothing |\n", ""),
    ] {
        assert!(table.contains(from), "the example has {from}");
        assert_ne!(
            readme_features(&table.replace(from, to)),
            Ok(expected.clone()),
            "{to}"
        );
    }
}

#[test]
fn long_files_are_found() {
    assert_eq!(length_fault("a.rs", &"\n".repeat(MAX_LINES)), None);
    assert!(length_fault("a.rs", &"\n".repeat(MAX_LINES.saturating_add(1))).is_some());
}

#[test]
fn incomplete_cases_are_found() {
    let sound = [
        "ui-tests/a/x.rs",
        "ui-tests/a/x.stderr",
        "ui-tests/pass/x.rs",
        "ui-tests/pass/y.rs",
    ];
    assert_eq!(ui_faults(&sound), Vec::<String>::new());
    assert_eq!(failing_cases(&sound), 1);
    for missing in 0..3 {
        let mut some = sound.to_vec();
        some.remove(missing);
        assert_eq!(ui_faults(&some).len(), 1, "without {}", sound[missing]);
    }
    for more in [
        &["ui-tests/b/x.rs", "ui-tests/b/x.stderr"][..],
        &["ui-tests/pass/y.stderr"],
        &["ui-tests/z.rs"],
        &["ui-tests/a/b/z.rs"],
        &["ui-tests/a/notes.txt"],
        &["ui-tests/a/z.stderr"],
    ] {
        let paths = [&sound[..], more].concat();
        assert_eq!(ui_faults(&paths).len(), 1, "{more:?}");
    }
}
