//! What `Forwarded` says (RFC 7239).

/// Whether everything that is quoted in a field ends in it: otherwise what a client wrote would quote what a
/// proxy adds to it.
pub(crate) fn is_whole(value: &str) -> bool {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for letter in value.chars() {
        if is_escaped {
            is_escaped = false;
            continue;
        }
        is_quoted ^= letter == '"';
        is_escaped = is_quoted && letter == '\\';
    }
    !is_quoted
}

/// The pairs of a `Forwarded` field; what is quoted is no end of one (RFC 7239 section 4).
pub(crate) fn pairs_of(value: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    value.split(move |letter| {
        if is_escaped {
            is_escaped = false;
            return false;
        }
        is_quoted ^= letter == '"';
        is_escaped = is_quoted && letter == '\\';
        !is_quoted && (letter == ',' || letter == ';')
    })
}
