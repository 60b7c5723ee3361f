//! Segments of a template.

/// What one segment of a template's text is.
pub(super) enum Segment<'a> {
    Literal,
    One(&'a str),
    Rest(&'a str),
    /// Another expression of RFC 6570, or none at all.
    Other,
}

impl<'a> Segment<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        if !text.contains(['{', '}']) {
            return Self::Literal;
        }
        let inside = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap_or_default();
        let (name, all) = match inside.strip_prefix('*') {
            Some(name) => (name, true),
            None => (inside, false),
        };
        let mut bytes = name.bytes();
        match name.is_empty() || !bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            true => Self::Other,
            false if all => Self::Rest(name),
            false => Self::One(name),
        }
    }
}
