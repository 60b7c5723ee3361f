//! Text that strangers chose.

use std::fmt::{self, Write as _};

/// The most characters of a stranger's text that are written.
const LONGEST: usize = 64;

/// Text on one line, and short: control characters are escaped, and what is longer is cut.
pub(super) fn short(text: impl fmt::Display) -> String {
    let mut cut = Cut {
        text: String::new(),
        left: LONGEST,
    };
    // It ends where no more is wanted.
    if write!(cut, "{text}").is_err() {
        cut.text.push_str("..");
    }
    cut.text
}

struct Cut {
    text: String,
    left: usize,
}

impl fmt::Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            match character {
                '"' | '\'' | '\\' => self.text.push(character),
                _ => self.text.extend(character.escape_debug()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RS-148
    #[test]
    fn text_of_strangers_is_short_and_on_one_line() {
        assert_eq!(short("a\nFAKE\u{1b}[31m"), "a\\nFAKE\\u{1b}[31m");
        assert_eq!(short("it's"), "it's");
        assert_eq!(short("x".repeat(64)), "x".repeat(64));
        assert_eq!(short("x".repeat(65)), format!("{}..", "x".repeat(64)));
    }
}
