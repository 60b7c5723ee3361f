//! Text that strangers chose.

/// The most characters that are written of a stranger's text, escapes included.
const LONGEST: usize = 64;

/// Text on one line, and short: control characters are escaped, and what is longer is cut.
pub(super) fn short(text: &str) -> String {
    let mut written = String::new();
    let mut left = LONGEST;
    for character in text.chars() {
        let is_plain = matches!(character, '"' | '\'' | '\\');
        let escaped = character.escape_debug();
        let length = if is_plain { 1 } else { escaped.len() };
        let Some(rest) = left.checked_sub(length) else {
            written.push_str("..");
            break;
        };
        left = rest;
        if is_plain {
            written.push(character);
        } else {
            written.extend(escaped);
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RS-148
    #[test]
    fn text_of_strangers_is_short_and_on_one_line() {
        assert_eq!(short("a\nFAKE\u{1b}[31m"), "a\\nFAKE\\u{1b}[31m");
        assert_eq!(short("it's"), "it's");
        assert_eq!(short(&"x".repeat(64)), "x".repeat(64));
        assert_eq!(short(&"x".repeat(65)), format!("{}..", "x".repeat(64)));
        assert_eq!(short(&"\n".repeat(32)), "\\n".repeat(32));
        assert_eq!(short(&"\n".repeat(33)), format!("{}..", "\\n".repeat(32)));
    }
}
