//! What `scopes!` needs besides the public items. Not part of the API.

use super::Vocabulary;
use super::list::{Gate, If};
use super::table::Table;
use super::text::{is_among, length, position};

pub use super::text::{is_reserved, is_scope_token};

/// The list, if everything in it is declared above the scope that includes it, or else none: so
/// the compiler does not follow a circle, and the macro's own sentence is what the user reads.
pub type Above<const ABOVE: bool, List> = <If<ABOVE> as Gate<List>>::Out;

/// Where `scope` stands among the scopes of one declaration.
///
/// One too many gets the last place, which is taken: [`Vocabulary`] says what is wrong.
pub const fn place(declared: &[&str], scope: &str) -> usize {
    match position(declared, scope) {
        Some(place) if place < 64 => place,
        _ => 63,
    }
}

/// Is every one of `included` declared above `scope`, or elsewhere?
pub const fn above(declared: &[&str], scope: &str, included: &[&str]) -> bool {
    let mut from_here = declared;
    while let [first, below @ ..] = from_here {
        if position(&[first], scope).is_some() {
            break;
        }
        from_here = below;
    }
    let mut rest = included;
    while let [first, tail @ ..] = rest {
        if position(from_here, first).is_some() {
            return false;
        }
        rest = tail;
    }
    true
}

/// Is `text`, that of `scope`, the text of no scope of `V` before it?
pub const fn is_new<V: Vocabulary>(declared: &[&str], scope: &str, text: &str) -> bool {
    let all = <V::List as Table<V>>::TEXTS;
    let own = declared.len().saturating_sub(place(declared, scope));
    !is_among(all, length(all).saturating_sub(own), text)
}
