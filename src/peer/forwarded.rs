//! What `Forwarded` says (RFC 7239).

/// Where in a field somebody reads: what is quoted is no end of anything (RFC 7239 section 4).
#[derive(Default)]
struct Reader {
    is_quoted: bool,
    is_escaped: bool,
}

impl Reader {
    /// Whether this letter, the next one, stands by itself.
    const fn is_plain(&mut self, letter: char) -> bool {
        if self.is_escaped {
            self.is_escaped = false;
            return false;
        }
        self.is_quoted ^= letter == '"';
        self.is_escaped = self.is_quoted && letter == '\\';
        !self.is_quoted
    }
}

/// Whether everything that is quoted in a field ends in it: otherwise what a client wrote would quote what a
/// proxy adds to it.
pub(crate) fn is_whole(value: &str) -> bool {
    let mut reader = Reader::default();
    for letter in value.chars() {
        reader.is_plain(letter);
    }
    !reader.is_quoted
}

/// The pairs of a field.
pub(crate) fn pairs_of(value: &str) -> impl Iterator<Item = &str> {
    let mut reader = Reader::default();
    value.split(move |letter| reader.is_plain(letter) && matches!(letter, ',' | ';'))
}
