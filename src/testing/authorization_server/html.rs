//! Text of strangers in a page.

use std::fmt::{self, Write as _};

/// More of a name is no name.
const LONGEST_NAME: usize = 60;

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
        for character in self.text.chars().take(self.most) {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                hidden if is_hidden(hidden) => f.write_char('\u{fffd}')?,
                plain => f.write_char(plain)?,
            }
        }
        if self.text.chars().nth(self.most).is_some() {
            f.write_char('…')?;
        }
        Ok(())
    }
}

/// Control characters, marks that turn the direction of text or cannot be seen, and accents, which can
/// be piled up until they cover other lines.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{300}'..='\u{36f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{180b}'..='\u{180f}'
                | '\u{1ab0}'..='\u{1aff}'
                | '\u{1dc0}'..='\u{1dff}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{20d0}'..='\u{20ff}'
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
    use super::{escaped, name};

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
}
