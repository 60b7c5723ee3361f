//! Text that strangers chose.

/// The most characters that are written of a word, such as a method or the name of a key, escapes included.
const LONGEST_WORD: usize = 64;
/// The same of a name, such as that of a subject or of a tool: whoever cuts it too early takes two for one.
const LONGEST_NAME: usize = 256;

/// A word on one line, and short: control characters and backslashes are escaped, and what is longer is cut
/// and ends with two dots.
pub(super) fn word(text: &str) -> String {
    within(LONGEST_WORD, text)
}

/// The same for a name.
pub(super) fn name(text: &str) -> String {
    within(LONGEST_NAME, text)
}

fn within(longest: usize, text: &str) -> String {
    let is_plain = |byte: u8| byte != b'\\' && matches!(byte, b' '..=b'~');
    if text.len() <= longest && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    let mut written = String::new();
    let mut left = longest;
    for character in text.chars() {
        // These end nothing here; a backslash without one of its own could be an escape.
        let is_plain = matches!(character, '"' | '\'');
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
        assert_eq!(word("a\nFAKE\u{1b}[31m"), "a\\nFAKE\\u{1b}[31m");
        assert_eq!(word("it's"), "it's");
        is_cut_after(64, word);
        is_cut_after(256, name);
    }

    fn is_cut_after(longest: usize, cut: fn(&str) -> String) {
        assert_eq!(cut(&"x".repeat(longest)), "x".repeat(longest));
        let most = format!("{}..", "x".repeat(longest));
        assert_eq!(cut(&"x".repeat(longest.saturating_add(1))), most);
        let half = longest / 2;
        assert_eq!(cut(&"\n".repeat(half)), "\\n".repeat(half));
        let most = format!("{}..", "\\n".repeat(half));
        assert_eq!(cut(&"\n".repeat(half.saturating_add(1))), most);
    }

    /// What differs is written differently.
    #[test]
    fn no_text_is_written_as_the_escape_of_another() {
        assert_eq!(name("a\nb"), r"a\nb");
        assert_eq!(name(r"a\nb"), r"a\\nb");
        assert_eq!(name(r"a\\nb"), r"a\\\\nb");
    }
}
