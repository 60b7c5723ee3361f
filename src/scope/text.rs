//! What a scope may be called (RFC 6749 section 3.3), decided while compiling.

use super::table::Node;

/// Scopes that speak to the authorization server about the user, and never to a resource server.
const RESERVED: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Stops the compiler unless every text can be the name of a scope and no two are the same.
///
/// `scopes!` has checked what it declares, and named the culprit. This is for the rest: included
/// vocabularies and those that are written by hand.
pub(super) const fn check_texts(texts: Option<&Node>) {
    let mut list = texts;
    while let Some(node) = list {
        assert!(
            is_scope_token(node.text),
            "a scope's text is visible ASCII without spaces, quotes and backslashes, and not \
             empty (RFC 6749 section 3.3)"
        );
        assert!(
            !is_reserved(node.text),
            "`openid`, `profile`, `email` and `offline_access` are for the authorization server, \
             never a resource's scopes"
        );
        assert!(
            !is_among(node.next, usize::MAX, node.text),
            "two scopes of one vocabulary have the same text"
        );
        list = node.next;
    }
}

/// Is `text` one of the first so many of `texts`?
pub(super) const fn is_among(texts: Option<&Node>, first: usize, text: &str) -> bool {
    let mut list = texts;
    let mut left = first;
    while let (Some(node), 1..) = (list, left) {
        if same(node.text.as_bytes(), text.as_bytes()) {
            return true;
        }
        list = node.next;
        left = left.saturating_sub(1);
    }
    false
}

/// How many texts there are.
pub(super) const fn length(texts: Option<&Node>) -> usize {
    let mut length: usize = 0;
    let mut list = texts;
    while let Some(node) = list {
        length = length.saturating_add(1);
        list = node.next;
    }
    length
}

/// RFC 6749 section 3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.
pub const fn is_scope_token(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        if !matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E) {
            return false;
        }
        rest = tail;
    }
    !text.is_empty()
}

/// Is `text` one of the scopes that only the authorization server may be asked for?
pub const fn is_reserved(text: &str) -> bool {
    position(&RESERVED, text).is_some()
}

/// Where `text` stands among `all`, whatever stands before the names.
pub(super) const fn position(all: &[&str], text: &str) -> Option<usize> {
    let name = bare(text.as_bytes());
    let mut rest = all;
    let mut place: usize = 0;
    while let [first, tail @ ..] = rest {
        if same(bare(first.as_bytes()), name) {
            return Some(place);
        }
        place = place.saturating_add(1);
        rest = tail;
    }
    None
}

/// A name without `self::` and `r#`.
const fn bare(mut name: &[u8]) -> &[u8] {
    if let [b's', b'e', b'l', b'f', b':', b':', tail @ ..] = name {
        name = tail;
    }
    if let [b'r', b'#', tail @ ..] = name {
        name = tail;
    }
    name
}

/// `==`, for constants.
const fn same(mut left: &[u8], mut right: &[u8]) -> bool {
    while let ([a, left_tail @ ..], [b, right_tail @ ..]) = (left, right) {
        if *a != *b {
            return false;
        }
        (left, right) = (left_tail, right_tail);
    }
    left.is_empty() && right.is_empty()
}
