//! Text of strangers in a page.

use std::fmt::{self, Write as _};

/// More of a name is no name.
const LONGEST_NAME: usize = 60;

/// One letter has no more marks than a vowel and a tone.
const MOST_MARKS: usize = 2;

/// Text that stays text: nothing in it is markup, ends an attribute, or turns the direction in which
/// what follows is read.
pub(super) struct Escaped<'t> {
    text: &'t str,
    most: usize,
}

/// All of `text`.
pub(super) fn escaped(text: &str) -> Escaped<'_> {
    let most = usize::MAX;
    Escaped { text, most }
}

/// As much of `text` as a name may have.
pub(super) fn name(text: &str) -> Escaped<'_> {
    let most = LONGEST_NAME;
    Escaped { text, most }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut marks: usize = 0;
        for character in self.text.chars().take(self.most) {
            marks = if is_mark(character) {
                marks.saturating_add(1)
            } else {
                0
            };
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                hidden if is_hidden(hidden) || marks > MOST_MARKS => f.write_char('\u{fffd}')?,
                plain => f.write_char(plain)?,
            }
        }
        if self.text.chars().nth(self.most).is_some() {
            f.write_char('…')?;
        }
        Ok(())
    }
}

/// Whether nothing of `text` can be seen: as a name, it would be none.
pub(super) fn is_blank(text: &str) -> bool {
    let is_seen = |character: char| {
        !character.is_whitespace()
            && character != '\u{fffd}'
            && !is_hidden(character)
            && !is_mark(character)
    };
    !text.chars().any(is_seen)
}

/// Marks above and below letters without which some scripts cannot be written.
fn is_mark(character: char) -> bool {
    matches!(
        character,
        '\u{591}'..='\u{5bd}'
            | '\u{5bf}'..='\u{5c7}'
            | '\u{610}'..='\u{61a}'
            | '\u{64b}'..='\u{65f}'
            | '\u{670}'
            | '\u{6d6}'..='\u{6ed}'
            | '\u{711}'
            | '\u{730}'..='\u{74a}'
            | '\u{e31}'
            | '\u{e34}'..='\u{e3a}'
            | '\u{e47}'..='\u{e4e}'
            | '\u{eb1}'
            | '\u{eb4}'..='\u{ebc}'
            | '\u{ec8}'..='\u{ece}'
            | '\u{f71}'..='\u{f84}'
            | '\u{f8d}'..='\u{fbc}'
    )
}

/// Control characters, marks that turn the direction of text or cannot be seen, and accents, which can
/// be piled up until they cover other lines.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{300}'..='\u{36f}'
                | '\u{483}'..='\u{489}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{1ab0}'..='\u{1aff}'
                | '\u{1dc0}'..='\u{1dff}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{20d0}'..='\u{20ff}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{fe20}'..='\u{fe2f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::{escaped, is_blank, name};

    #[test]
    fn strangers_write_text_and_nothing_else() {
        let hostile = "<b a=\"x\" b='y'>&\u{202e}\n\u{0}\u{e0041}";
        assert_eq!(
            escaped(hostile).to_string(),
            "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;\u{fffd}\u{fffd}\u{fffd}\u{fffd}"
        );
        assert_eq!(name(&"<".repeat(60)).to_string(), "&lt;".repeat(60));
        let long = name(&"é".repeat(61)).to_string();
        assert_eq!(long.chars().count(), 61);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn marks_are_not_piled_up() {
        for (pile, shown) in [
            ("ที่นี้", "ที่นี้"),
            ("x\u{e47}\u{e48}\u{e49}y", "x\u{e47}\u{e48}\u{fffd}y"),
            (
                "\u{628}\u{651}\u{64e}\u{650}",
                "\u{628}\u{651}\u{64e}\u{fffd}",
            ),
            ("x\u{488}\u{489}", "x\u{fffd}\u{fffd}"),
            ("x\u{2800}\u{17b5}", "x\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(escaped(pile).to_string(), shown);
        }
    }

    #[test]
    fn what_cannot_be_seen_is_no_name() {
        for blank in ["", " \u{a0}", "\u{2800}\u{200b}", "\u{e47}", "\u{fffd}\n"] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for seen in ["x", " \u{2800}é", "ที่"] {
            assert!(!is_blank(seen), "{seen:?}");
        }
    }
}
